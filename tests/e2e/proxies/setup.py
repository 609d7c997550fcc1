"""The documented configurations of `examples/proxies`, made to run here: which lines of them change, and to what."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias
from urllib.parse import quote

from tests.e2e.proxies.pki import Identity, Pki
from tests.servers.proxies import APACHE, CADDY, ENVOY, HAPROXY, NGINX, Kind

EXAMPLES: Final = Path(__file__).parents[3] / "examples" / "proxies"
NAME: Final = "app.example.com"

Mode: TypeAlias = Literal["required", "optional", "any"]
MODES: Final[tuple[Mode, ...]] = ("required", "optional", "any")
Change: TypeAlias = tuple[str, str]

# What every one of the files is rid of. Each of these stands in each folder at least once.
_ELSEWHERE: Final = "/etc/proxy"
_SECRET: Final = "write-a-secret-of-your-own-here"


@dataclass(frozen=True)
class Example:
    """One folder of `examples/proxies`.

    Attributes:
        kind: the proxy.
        name: of the folder, and of the hop.
        header: where the proxy tells of the client's certificate.
        beside: what else it says then: that it verified it.
        value: a certificate as the proxy writes it there.
        places: for the port it listens on and that of the application, what says so and what is written instead.
        modes: what says the mode, in the file as it stands and for each mode.
        forgetful: adds a place that passes requests on and forgot the directives, given the whole file and a port.
        elsewhere: whether that place is a port of its own; else it is the path /forgetful/.
        changes: what else is not as documented.
    """

    kind: Kind
    name: str
    header: str
    beside: tuple[tuple[str, str], ...]
    value: Callable[[Identity], str]
    places: Callable[[int, int], tuple[Change, ...]]
    modes: Mapping[Mode, tuple[Change, ...]]
    forgetful: Callable[[str, int], str]
    elsewhere: bool
    changes: tuple[Change, ...] = ()

    def says(self, identity: Identity) -> list[tuple[str, str]]:
        """What the proxy, or whoever pretends to be it, says of a client with this certificate."""
        return [(self.header, self.value(identity)), *self.beside]

    def files(self, pki: Pki, mode: Mode, secret: str, app: int) -> Callable[[Path, tuple[int, ...]], dict[str, str]]:
        """What `proxying` asks for: the folder's files with this machine's ports and paths, and the certificates."""

        def configure(folder: Path, ports: tuple[int, ...]) -> dict[str, str]:
            files = {path.name: path.read_text("utf-8") for path in (EXAMPLES / self.name).iterdir()}
            main = self.forgetful(files[self.kind.main], ports[-1])
            for change in (*self.changes, *self.places(ports[0], app), *self.modes[mode]):
                main = _changed(main, change)
            files[self.kind.main] = main
            files = {
                name: text.replace(_SECRET, secret).replace(_ELSEWHERE, str(folder)) for name, text in files.items()
            }
            return files | _certificates(pki, combined=self.kind is HAPROXY)

        return configure


def _certificates(pki: Pki, *, combined: bool) -> dict[str, str]:
    certificate, key = pki.server.certificate.read_text(), pki.server.key.read_text()
    return {
        "server.pem": certificate + key if combined else certificate,
        "server.key": key,
        "client-ca.pem": pki.root.certificate.read_text(),
    }


def _changed(text: str, change: Change) -> str:
    old, new = change
    assert old in text, f"the documented configuration no longer says {old!r}"
    return text.replace(old, new)


def _between(text: str, begin: str, end: str) -> str:
    """The part of `text` from the line that `begin`s to the one that `end` begins."""
    start = text.index(begin)
    return text[start : text.index(end, start)]


def _without(text: str, *marks: str) -> str:
    for mark in marks:
        assert mark in text, f"the documented configuration no longer says {mark!r}"
    return "".join(line for line in text.splitlines(keepends=True) if not any(mark in line for mark in marks))


# --- nginx -----------------------------------------------------------------------------------------------------------
def _nginx_forgetful(text: str, port: int) -> str:
    return text.rstrip().removesuffix("}") + "    location /forgetful/ { proxy_pass http://127.0.0.1:8000/; }\n}\n"


NGINX_EXAMPLE = Example(
    NGINX,
    "nginx",
    "X-SSL-Client-Cert",
    (("X-SSL-Client-Verify", "SUCCESS"),),
    lambda identity: quote(identity.pem, safe=""),
    lambda port, app: (
        ("listen 8443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("127.0.0.1:8000", f"127.0.0.1:{app}"),
        ("/etc/nginx/snippets", "/etc/proxy"),
    ),
    {
        "required": (("    ssl_verify_client on;", "    ssl_verify_client on;"),),
        "optional": (("    ssl_verify_client on;", "    ssl_verify_client optional;"),),
        "any": (("    ssl_verify_client on;", "    ssl_verify_client optional_no_ca;"),),
    },
    _nginx_forgetful,
    elsewhere=False,
)


# --- HAProxy ---------------------------------------------------------------------------------------------------------
def _haproxy_forgetful(text: str, port: int) -> str:
    copy = _without(_between(text, "frontend clients", "\nbackend app"), "http-request")
    copy = _changed(copy, ("bind :8443", f"bind 127.0.0.1:{port}"))
    return text + "\n" + _changed(copy, ("frontend clients", "frontend forgetful"))


_HAPROXY_MODE: Final = "client-ca.pem verify required\n"
HAPROXY_EXAMPLE = Example(
    HAPROXY,
    "haproxy",
    "Client-Cert",
    (),
    lambda identity: f":{b64encode(identity.der).decode()}:",
    lambda port, app: (("bind :8443", f"bind 127.0.0.1:{port}"), ("127.0.0.1:8000", f"127.0.0.1:{app}")),
    {
        "required": ((_HAPROXY_MODE, _HAPROXY_MODE),),
        "optional": ((_HAPROXY_MODE, "client-ca.pem verify optional\n"),),
        "any": ((_HAPROXY_MODE, "client-ca.pem verify optional ca-ignore-err all crt-ignore-err all\n"),),
    },
    _haproxy_forgetful,
    elsewhere=True,
)


# --- Apache ----------------------------------------------------------------------------------------------------------
def _apache_forgetful(text: str, port: int) -> str:
    copy = _without(text[text.index("Listen ") :].replace("\\\n", ""), "RequestHeader")
    copy = _changed(copy, ("Listen 8443", f"Listen 127.0.0.1:{port}"))
    return text + "\n" + _changed(copy, ("*:8443", f"*:{port}"))


APACHE_EXAMPLE = Example(
    APACHE,
    "apache",
    "X-SSL-Client-Cert",
    (("X-SSL-Client-Verify", "SUCCESS"),),
    lambda identity: b64encode(identity.pem.encode()).decode(),
    lambda port, app: (
        ("Listen 8443", f"Listen 127.0.0.1:{port}"),
        ("*:8443", f"*:{port}"),
        ("127.0.0.1:8000", f"127.0.0.1:{app}"),
    ),
    {
        "required": (("    SSLVerifyClient require\n", "    SSLVerifyClient require\n"),),
        "optional": (("    SSLVerifyClient require\n", "    SSLVerifyClient optional\n"),),
        "any": (("    SSLVerifyClient require\n", "    SSLVerifyClient optional_no_ca\n"),),
    },
    _apache_forgetful,
    elsewhere=True,
)


# --- Caddy -----------------------------------------------------------------------------------------------------------
def _caddy_forgetful(text: str, port: int) -> str:
    place = "\thandle_path /forgetful/* {\n\t\treverse_proxy 127.0.0.1:8000\n\t}\n"
    return text.rstrip().removesuffix("}") + place + "}\n"


_CADDY_MODE: Final = "\t\t\tmode require_and_verify\n"
CADDY_EXAMPLE = Example(
    CADDY,
    "caddy",
    "Client-Cert",
    (),
    lambda identity: f":{b64encode(identity.der).decode()}:",
    lambda port, app: (
        ("https://app.example.com:8443 {", f"https://app.example.com:{port} {{\n\tbind 127.0.0.1"),
        ("127.0.0.1:8000", f"127.0.0.1:{app}"),
    ),
    {
        "required": ((_CADDY_MODE, _CADDY_MODE),),
        "optional": ((_CADDY_MODE, "\t\t\tmode verify_if_given\n"),),
        "any": ((_CADDY_MODE, "\t\t\tmode request\n"),),
    },
    _caddy_forgetful,
    elsewhere=False,
)


# --- Envoy -----------------------------------------------------------------------------------------------------------
def _envoy_value(identity: Identity) -> str:
    pem = quote(identity.pem, safe="")
    return f'By=spiffe://prod.example/edge;Hash={identity.fingerprint};Chain="{pem}"'


def _envoy_forgetful(text: str, port: int) -> str:
    """A second listener: without any directive Envoy removes the header, so this one was told to forward it."""
    listener = _between(text, "    - name: clients", "  clusters:")
    copy = _without(listener, "request_headers_to_add", "- header: {key: x-hop-secret", "append_action")
    copy = _changed(copy, ("SANITIZE_SET", "ALWAYS_FORWARD_ONLY"))
    copy = _changed(copy, ("address: 0.0.0.0, port_value: 8443", f"address: 127.0.0.1, port_value: {port}"))
    return text.replace(listener, listener + _changed(copy, ("- name: clients", "- name: forgetful")))


_ENVOY_REQUIRED: Final = "              require_client_certificate: true"
_ENVOY_VERIFIED: Final = "                  trust_chain_verification: VERIFY_TRUST_CHAIN"
_ENVOY_OPTIONAL: Final = (_ENVOY_REQUIRED, "              require_client_certificate: false")
ENVOY_EXAMPLE = Example(
    ENVOY,
    "envoy",
    "X-Forwarded-Client-Cert",
    (),
    _envoy_value,
    lambda port, app: (
        ("address: 0.0.0.0, port_value: 8443", f"address: 127.0.0.1, port_value: {port}"),
        ("address: 127.0.0.1, port_value: 8000", f"address: 127.0.0.1, port_value: {app}"),
    ),
    {
        "required": ((_ENVOY_REQUIRED, _ENVOY_REQUIRED), (_ENVOY_VERIFIED, _ENVOY_VERIFIED)),
        "optional": (_ENVOY_OPTIONAL, (_ENVOY_VERIFIED, _ENVOY_VERIFIED)),
        "any": (_ENVOY_OPTIONAL, (_ENVOY_VERIFIED, "                  trust_chain_verification: ACCEPT_UNTRUSTED")),
    },
    _envoy_forgetful,
    elsewhere=True,
)

ALL: Final = (NGINX_EXAMPLE, HAPROXY_EXAMPLE, APACHE_EXAMPLE, CADDY_EXAMPLE, ENVOY_EXAMPLE)
