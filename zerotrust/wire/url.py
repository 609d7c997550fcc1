"""URLs read strictly, once, into the parts that are connected to: what two parsers might read differently is out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, TypeAlias

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import MALFORMED, SOURCE_REFUSED, Reason

Hosts: TypeAlias = frozenset[tuple[str, int]]
"""Names and ports that documents may be fetched from."""

MAX_URL: Final = 2048

# RFC 3986 section 3.2 without user information, section 3.5 without a fragment; host names as RFC 1123 section 2.1
# has them, plus the underscore that container networks use. Whatever two URL parsers might read differently is out.
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_URL: Final = re.compile(
    rf"(https?)://({_LABEL}(?:\.{_LABEL})*+|\[[0-9A-Fa-f:.]{{2,45}}\])(?::([0-9]{{1,5}}))?(/[!-~]*)?(\?[!-~]*)?"
)
OUTSIDE: Final = re.compile(r"[^!-~]|[\\#]")


@dataclass(frozen=True, slots=True)
class Address:
    """An absolute URL in the parts that a connection needs.

    Attributes:
        scheme: `https`, or `http` for a loopback host and for what is signed.
        host: name or address in lower case, IPv6 without brackets.
        port: always stated.
        target: path and query (RFC 9112 section 3.2.1).
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """What goes into the Host header (RFC 9110 section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port (RFC 6454 section 4)."""
        return self.scheme, self.host, self.port

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


_PORTS: Final = {"https": 443, "http": 80}


def parse_url(url: str, hosts: Hosts | None = None, *, plain: bool = False) -> Address | Reason:
    """Read `url`; a reason if a document must not be fetched from there.

    Args:
        url: absolute; https, or http on a loopback host; no user information, no fragment.
        hosts: the only hosts and ports allowed; None for any.
        plain: whether http will do on any host, as for documents that are signed.
    """
    if len(url) > MAX_URL:
        return SOURCE_REFUSED(expected=f"a URL of at most {MAX_URL} characters", presented=len(url))
    if OUTSIDE.search(url):
        return SOURCE_REFUSED(detail="a URL with a fragment, a space, a backslash or a character outside ASCII")
    parts = _URL.fullmatch(url)
    if parts is None:
        return SOURCE_REFUSED(detail="not an absolute https URL with a plain host and no user information")
    scheme, host, port, path, query = parts.groups()
    address = Address(
        scheme, host.lower().strip("[]"), int(port) if port else _PORTS[scheme], (path or "/") + (query or "")
    )
    if not _sound_host(address.host, bracketed=host.startswith("[")) or not 0 < address.port < 65536:
        return SOURCE_REFUSED(presented=address.authority, detail="no such host or port can be")
    if scheme == "http" and not plain and not is_loopback(address.host):
        return SOURCE_REFUSED(expected="https", presented="http", detail=address.authority)
    if hosts is not None and (address.host, address.port) not in hosts:
        return SOURCE_REFUSED(expected="a host that is allowed", presented=address.authority)
    return address


def is_loopback(host: str) -> bool:
    """Whether `host` is `localhost`, in 127.0.0.0/8, or ::1. Other spellings of these addresses are not."""
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    # Not `is_loopback` of an IPv6 address: newer versions look through the IPv4-mapped form, older ones do not.
    return address.is_loopback if isinstance(address, IPv4Address) else address == IPv6Address("::1")


def _sound_host(host: str, *, bracketed: bool) -> bool:
    if not bracketed:
        return len(host) <= 253
    try:
        IPv6Address(host)
    except ValueError:
        return False
    return True


def check_url(url: object, what: str, example: str = "https://login.example.com") -> str:
    """`url` if it is an absolute https URL (http on loopback) that can be fetched from; else `ConfigError`.

    Args:
        url: what was given.
        what: what it is.
        example: one that would do.
    """
    address = parse_url(url) if isinstance(url, str) else MALFORMED(detail="not text")
    if isinstance(address, Reason):
        seen = "a URL with user information" if isinstance(url, str) and "@" in url else repr(url)
        wrong = str(address).removeprefix(f"{address.kind.sentence}").lstrip(": ")
        raise ConfigError(
            f"{what} is {seen}: {wrong}. Write an absolute URL such as {example}; plain http is for loopback only"
        )
    return str(url)
