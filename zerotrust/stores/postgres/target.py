"""Where a PostgreSQL is, and how to get in: a libpq connection URL, read once, when a store is made.

The URL is libpq's own (`postgresql://user:password@host:port/database?sslmode=verify-full`), several hosts, a password
file, a service and client certificates included. What it leaves out libpq takes from its environment variables.
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
        ConfigError: libpq cannot read it, or it asks for a replica. What it says is not repeated: it may hold a
            password.
    """

    __slots__ = ("_given", "_hosts", "_shown")

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
        wanted = given.get("target_session_attrs", "any")
        if wanted not in _PRIMARY:
            raise ConfigError(f"target_session_attrs={wanted}: a replica cannot keep marks; write read-write")
        given.pop("connect_timeout", None)  # the store's own timeout is the shorter one
        self._hosts = _hosts(given)
        if len(self._hosts) > 1:
            given.setdefault("target_session_attrs", "read-write")
        self._given = {**_DEFAULTS, **given}
        self._shown = _shown(given)

    @property
    def ssl_mode(self) -> str:
        """How the server is verified: libpq's `sslmode`."""
        return self._given.get("sslmode") or os.environ.get("PGSSLMODE") or "prefer"

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
