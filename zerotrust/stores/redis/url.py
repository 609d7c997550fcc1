"""Where a Redis is, and how to get in: URLs read strictly, once, when a store is made.

    redis://[user:password@]host[:port][/database]        one server; rediss:// over TLS
    unix://[user:password@]/path/of/socket[?db=database]  one server on this machine
    redis+sentinel://[user:password@]host[:port],.../MASTER[/database]?sentinel_username=...&sentinel_password=...
    redis+cluster://[user:password@]host[:port],...       some nodes of a cluster; the others are found through them

With TLS (`rediss`, `rediss+sentinel`, `rediss+cluster`) certificate and host name are always verified.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, Literal, TypeAlias
from urllib.parse import unquote

from zerotrust.core.errors import ConfigError

Mode: TypeAlias = Literal["one", "sentinel", "cluster"]

_EXAMPLE: Final = "write e.g. redis://127.0.0.1:6379/0 or rediss://user:password@redis.example:6379"
_ENCODE: Final = "percent-encode what is special in user and password (@ is %40, / is %2F, : is %3A)"
_URL: Final = re.compile(
    r"(?P<scheme>[a-z+]{1,20})://(?:(?P<login>[^@/?#\s]*)@)?(?P<hosts>[^@/?#\s]*)(?P<path>/[^?#\s]*)?(?:\?(?P<query>[^#\s]*))?"
)
_HOST: Final = re.compile(
    r"(?:\[(?P<six>[0-9A-Fa-f:.]{2,45})\]|(?P<name>[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?))(?::(?P<port>[0-9]{1,5}))?"
)
_SIX: Final = re.compile(r"[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9_.-]{1,32})?")
_LABEL: Final = re.compile(r"[A-Za-z0-9_-]{1,63}")
_MASTER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_SCHEMES: Final[Mapping[str, tuple[Mode, bool]]] = {
    "redis": ("one", False),
    "rediss": ("one", True),
    "unix": ("one", False),
    "redis+sentinel": ("sentinel", False),
    "rediss+sentinel": ("sentinel", True),
    "redis+cluster": ("cluster", False),
    "rediss+cluster": ("cluster", True),
}
_TLS: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_UNSAFE: Final = re.compile(r"ssl_(cert_reqs|check_hostname|.*flags|ciphers|min_version)")
_MOST_PLACES: Final = 64


@dataclass(frozen=True, slots=True)
class Place:
    """Where one server listens: host and port, or the path of a socket."""

    host: str
    port: int
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return self.path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Login:
    """A user (None: the default one) and a password (None: no authentication); neither shows."""

    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Target:
    """What a URL says.

    Attributes:
        mode: one server, the master that Sentinels know, or a cluster.
        places: the server, the Sentinels, or some nodes of the cluster.
        login: for the servers.
        guide_login: for the Sentinels.
        master: what the Sentinels call the master.
        database: its number.
        tls: how to verify the servers; None for plain connections.
    """

    mode: Mode
    places: tuple[Place, ...]
    login: Login
    guide_login: Login
    master: str
    database: int
    tls: ssl.SSLContext | None = field(repr=False)

    def __str__(self) -> str:
        """The URL without credentials."""
        kind = "" if self.mode == "one" else f"+{self.mode}"
        if self.places[0].path:
            return f"unix://{self.places[0].path}?db={self.database}"
        path = {"one": f"/{self.database}", "sentinel": f"/{self.master}/{self.database}", "cluster": ""}[self.mode]
        return f"{'redis' if self.tls is None else 'rediss'}{kind}://{','.join(map(str, self.places))}{path}"


def read(url: str, username: str | None = None, password: str | None = None) -> Target:
    """What `url` says, with a login given apart from it.

    Raises:
        ConfigError: it cannot be read, names an unknown parameter, or would switch verification off. The message
            never repeats what may be a part of a password.
    """
    parts = _URL.fullmatch(url) if isinstance(url, str) and len(url) <= 4096 else None
    if parts is None or parts["scheme"] not in _SCHEMES:
        raise ConfigError(f"the URL of the store is not one of {', '.join(_SCHEMES)}://...; {_EXAMPLE}; {_ENCODE}")
    mode, secure = _SCHEMES[parts["scheme"]]
    unix = parts["scheme"] == "unix"
    query = _query(parts["query"] or "", _allowed(parts["scheme"], mode, secure=secure))
    master, database = _path(parts["path"] or "", mode, unix=unix, stated=query.get("db"))
    if unix:
        if parts["hosts"] or len(parts["path"] or "/") < 2:
            raise ConfigError("a unix:// URL names a socket by its whole path: unix:///run/redis/redis.sock?db=0")
        places: tuple[Place, ...] = (Place("", 0, unquote(parts["path"])),)
    else:
        places = _places(parts["hosts"], 26379 if mode == "sentinel" else 6379, one=mode == "one")
    return Target(
        mode,
        places,
        _login(parts["login"], username, password),
        _guide_login(query),
        master,
        database,
        _context(query) if secure else None,
    )


def _allowed(scheme: str, mode: Mode, *, secure: bool) -> tuple[str, ...]:
    allowed: tuple[str, ...] = _TLS if secure else ()
    if mode == "sentinel":
        allowed += ("sentinel_username", "sentinel_password")
    return (*allowed, "db") if scheme == "unix" else allowed


def _query(text: str, allowed: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in filter(None, text.split("&")):
        name, equals, value = pair.partition("=")
        if _UNSAFE.fullmatch(name):
            raise ConfigError(
                f"{name} in the URL: certificate and host name are always verified; name the authority that issued "
                "the server's certificate with ssl_ca_certs=/path/of/ca.pem"
            )
        if name not in allowed:
            known = f"only {', '.join(allowed)}" if allowed else "none of them"
            # A name that is not plain may be the rest of a password that was not encoded.
            seen = name if re.fullmatch(r"[a-z_]{1,40}", name) else "a parameter"
            raise ConfigError(f"{seen} in the URL of the store is not known; with this scheme there is {known}")
        if name in found or not equals or not value:
            raise ConfigError(f"{name} in the URL of the store must have one value, once")
        found[name] = unquote(value)
    return found


def _path(path: str, mode: Mode, *, unix: bool, stated: str | None) -> tuple[str, int]:
    master = ""
    number = stated or ""
    if not unix:
        pieces = path.removeprefix("/").split("/")
        if mode == "sentinel":
            master = pieces.pop(0)
            if not _MASTER.fullmatch(master):
                raise ConfigError("the URL must name the master that the Sentinels watch: redis+sentinel://host/MASTER")
        number = pieces.pop(0) if pieces else ""
        if pieces:
            raise ConfigError("the URL of the store has more parts in its path than it can have")
    if number and not re.fullmatch(r"[0-9]{1,5}", number):
        raise ConfigError("the number of the database in the URL of the store is no number; leave it out for 0")
    if mode == "cluster" and int(number or 0):
        raise ConfigError("a cluster has one database, number 0; leave it out of the URL")
    return master, int(number or 0)


def _places(text: str, port: int, *, one: bool) -> tuple[Place, ...]:
    texts = text.split(",")
    if len(texts) > (1 if one else _MOST_PLACES):
        raise ConfigError(
            "several hosts need redis+sentinel://h1,h2/MASTER or redis+cluster://h1,h2; redis:// takes one"
            if one
            else f"more than {_MOST_PLACES} hosts; a few of them suffice, the others are found through them"
        )
    places: list[Place] = []
    for at, one_text in enumerate(texts, 1):
        found = _HOST.fullmatch(one_text)
        host = "" if found is None else found["six"] or found["name"]
        if found is None or not is_host(host) or not 0 < int(found["port"] or port) < 65536:
            raise ConfigError(
                f"host {at} of {len(texts)} in the URL of the store cannot be read; {_EXAMPLE}; {_ENCODE}"
            )
        places.append(Place(host.lower(), int(found["port"] or port)))
    return tuple(places)


def is_host(text: str) -> bool:
    """Whether it can be the name of a host, or its address."""
    if ":" not in text:
        return len(text) <= 253 and all(map(_LABEL.fullmatch, text.removesuffix(".").split(".")))
    try:
        ip_address(text)
    except ValueError:
        return False
    return _SIX.fullmatch(text) is not None


def _login(text: str | None, username: str | None, password: str | None) -> Login:
    if text is not None:
        if username is not None or password is not None:
            raise ConfigError("user and password are in the URL and given apart from it; choose one")
        user, colon, word = text.partition(":")
        if not colon or not word or ":" in word:
            raise ConfigError(f"the URL of the store has a user without a password, or a colon too many; {_ENCODE}")
        username, password = unquote(user) or None, unquote(word)
    for name, value in (("username", username), ("password", password)):
        if value is not None and (not isinstance(value, str) or not value):
            raise ConfigError(f"{name} must be text that is not empty, or None")
    if username is not None and password is None:
        raise ConfigError("username without a password; give both, or leave both out")
    return Login(username, password)


def _guide_login(query: Mapping[str, str]) -> Login:
    username, password = query.get("sentinel_username"), query.get("sentinel_password")
    if username is not None and password is None:
        raise ConfigError("sentinel_username without sentinel_password; give both, or leave both out")
    return Login(username, password)


def _context(query: Mapping[str, str]) -> ssl.SSLContext:
    authority, certificate, key = (query.get(name) for name in _TLS)
    if key is not None and certificate is None:
        raise ConfigError("ssl_keyfile without ssl_certfile; give both, or leave both out")
    try:
        # Whoever names an authority trusts this one, and not all those that the system trusts as well.
        context = ssl.create_default_context(cafile=authority)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    except (OSError, ValueError) as trouble:
        raise ConfigError(f"ssl_ca_certs={authority}: {_because(trouble)}; name a file of certificates (PEM)") from None
    if certificate is not None:
        try:
            # An encrypted key must not stop the application to ask for a password on a terminal.
            context.load_cert_chain(certificate, key, password="")
        except (OSError, ValueError) as trouble:
            raise ConfigError(
                f"ssl_certfile={certificate}, ssl_keyfile={key}: {_because(trouble)}; name a certificate and its "
                "private key that is not encrypted (PEM)"
            ) from None
    return context


def _because(trouble: Exception) -> str:
    if isinstance(trouble, ssl.SSLError):
        return str(trouble.reason or "not what it should be")
    return str(trouble.strerror) if isinstance(trouble, OSError) else type(trouble).__name__
