"""Where a PostgreSQL is, and how to get in: a libpq connection URL, read once, when a store is made.

The URL is libpq's own (`postgresql://user:password@host:port/database?sslmode=verify-full`), several hosts, a password
file, a service and client certificates included. What it leaves out libpq takes from its environment variables.

Of itself libpq does without TLS where a server says that it has none, so whoever is on the way could be the server.
Here it has to be said what is wanted, but on this machine; and a server that is not verified gets no password to read.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from time import monotonic
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from zerotrust.core.errors import ConfigError
from zerotrust.stores.postgres.aside import Resolve
from zerotrust.stores.postgres.talk import Late, NotConnected, ServerError, Talk, connect, time_left

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn

_SCHEME: Final = re.compile(r"postgres(?:ql)?://[^\s\x00-\x1f]*", re.ASCII)
_PORT: Final = re.compile(r"[0-9]{0,5}", re.ASCII)
_EXAMPLE: Final = "write e.g. postgresql://app@db.example/app?sslmode=verify-full"
_MOST_HOSTS: Final = 16
_PLACE: Final = ("host", "hostaddr", "port")
_UNSAID: Final = "prefer"
_VERIFIED: Final = ("verify-ca", "verify-full")
_PRIMARY: Final = ("any", "read-write", "primary")

# A connection that lies idle is kept open through gateways that forget those they see no packet of.
_DEFAULTS: Final[Mapping[str, str]] = {
    "fallback_application_name": "zerotrust",
    "keepalives_idle": "60",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}


class Target:
    """What a URL says.

    Args:
        url: the URL.

    Raises:
        ConfigError: libpq cannot read it, it asks for a replica, or does not say how a server on another machine is
            verified. What it says is not repeated: it may hold a password.

    Attributes:
        ssl_mode: how the server is verified: libpq's `sslmode`.
    """

    __slots__ = ("_given", "_guarded", "_hosts", "_shown", "ssl_mode")

    def __init__(self, url: str) -> None:
        if not isinstance(url, str) or not _SCHEME.fullmatch(url):
            raise ConfigError(f"the URL of a PostgreSQL begins with postgresql:// and has no spaces; {_EXAMPLE}")
        try:
            given = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
        except (psycopg.Error, UnicodeError):
            raise ConfigError(
                "libpq cannot read the URL: percent-encode what is special in user and password (@ is %40, / is %2F, "
                f": is %3A), and see that its parameters are libpq's; {_EXAMPLE}"
            ) from None
        self._shown = _shown(given)
        known = _completed(url)
        wanted = known.get("target_session_attrs") or "any"
        if wanted not in _PRIMARY:
            raise ConfigError(f"target_session_attrs={wanted}: a replica cannot keep marks; write read-write")
        given.pop("connect_timeout", None)  # the store's own timeout is the shorter one
        # Not left to libpq, which would look up the names that it finds, without a deadline.
        given |= {name: known[name] for name in _PLACE if known.get(name)}
        self._hosts = _hosts(given)
        if len(self._hosts) > 1:
            given.setdefault("target_session_attrs", "read-write")
        self.ssl_mode: str = known.get("sslmode") or _UNSAID
        said = given.get("sslmode") or os.environ.get("PGSSLMODE") or self.ssl_mode != _UNSAID
        if not said and not all(is_here(host.get("hostaddr") or host.get("host", "")) for host in self._hosts):
            raise ConfigError(
                "the server is on another machine, and nothing says how it is verified, so it could be anybody; add "
                "?sslmode=verify-full to the URL, with &sslrootcert=system or the file of your authority"
            )
        # An older libpq does not know it: there TLS is all that keeps a password from being read.
        self._guarded = self.ssl_mode not in _VERIFIED and known.get("require_auth") == ""
        self._given = {**_DEFAULTS, **given}

    def attempts(self, until: float) -> Talk[list[tuple[bytes, str]]]:
        """What to try, one after the other: connection strings, and host and port for messages."""
        hosts = list(self._hosts)
        if self._given.get("load_balance_hosts") == "random":
            secrets.SystemRandom().shuffle(hosts)
        made: list[tuple[bytes, str]] = []
        missing = ""
        for host in hosts:
            where = f"{host.get('host') or host.get('hostaddr') or 'the default host'}:{host.get('port') or '5432'}"
            addresses: tuple[str, ...] = ()
            if _is_name(host):
                asked = Resolve(host["host"], until)
                yield asked
                addresses = asked.addresses
                if not addresses:
                    if time_left(until) <= 0:
                        raise Late
                    missing = where
                    continue
            for address in addresses or ("",):
                settings = {**self._given, **host} | ({"hostaddr": address} if address else {})
                if self._guarded and not _is_socket(host):
                    settings["require_auth"] = "!password"
                made.append((make_conninfo("", **settings).encode(), where))
        if not made:
            raise NotConnected(missing, "its name has no address")
        return made

    def connect(self, until: float) -> Talk[PGconn]:
        """A connection to the first server that lets us in; see `talk.connect`."""
        attempts = yield from self.attempts(until)
        for left in range(len(attempts), 1, -1):
            # Each has its share of the time, and what those before it did not need: a silent one must not use up all.
            with suppress(NotConnected, Late, ServerError):
                return (yield from connect(*attempts[-left], monotonic() + time_left(until) / left))
        return (yield from connect(*attempts[-1], until))

    def __repr__(self) -> str:
        return self._shown


def _completed(url: str) -> dict[str, str]:
    """What libpq makes of the URL, its environment variables and services; empty where a name has no value."""
    # It gives that away only of a connection that is begun. One with a setting that it does not take goes no further.
    made = pq.PGconn.connect_start(make_conninfo(url, channel_binding="-").encode())
    try:
        known = {each.keyword.decode(): (each.val or b"").decode("utf-8", "replace") for each in made.info}
    finally:
        made.finish()
    if not known.get("channel_binding"):
        raise ConfigError("libpq does not find the service that the URL or PGSERVICE names; see pg_service.conf")
    return known


def is_here(place: str) -> bool:
    """Whether a host, an address or a folder of sockets is of this machine, as libpq's default is, the empty one."""
    if not place or place[0] in "/@" or place.lower() == "localhost":
        return True
    try:
        return ip_address(place).is_loopback
    except ValueError:
        return False


def _is_socket(host: Mapping[str, str]) -> bool:
    """Whether the host is a folder of sockets, or an abstract socket: files say whose."""
    return not host.get("hostaddr") and host.get("host", "")[:1] in ("", "/", "@")


def _hosts(given: Mapping[str, str]) -> list[dict[str, str]]:
    """One set of `host`, `hostaddr` and `port` for each host; libpq takes lists of them."""
    lists = {name: given[name].split(",") for name in ("host", "hostaddr", "port") if given.get(name)}
    count = max((len(values) for name, values in lists.items() if name != "port"), default=1)
    if count > _MOST_HOSTS:
        raise ConfigError(f"the URL names {count} hosts; write at most {_MOST_HOSTS}")
    if any(len(values) not in (count, 1 if name == "port" else count) for name, values in lists.items()):
        raise ConfigError("the URL does not name as many ports or addresses as hosts")
    if not all(_PORT.fullmatch(port) and int(port or "1") in range(1, 65536) for port in lists.get("port", ())):
        raise ConfigError(f"the URL has a port that is no number from 1 to 65535; {_EXAMPLE}")
    return [{name: values[at % len(values)] for name, values in lists.items()} for at in range(count)]


def _is_name(host: Mapping[str, str]) -> bool:
    """Whether the host is to be looked up: it is no address, no folder of sockets and no abstract socket."""
    name = host.get("host", "")
    if not name or name[0] in "/@" or host.get("hostaddr"):
        return False
    try:
        ip_address(name)
    except ValueError:
        return True
    return False


def _shown(given: Mapping[str, str]) -> str:
    """The URL again, without password and parameters."""
    user = f"{quote(given['user'], safe='')}@" if given.get("user") else ""
    hosts = given.get("host") or given.get("hostaddr") or ""
    port = f":{given['port']}" if given.get("port") else ""
    return f"postgresql://{user}{quote(hosts, safe=',:')}{port}/{quote(given.get('dbname', ''), safe='')}"
