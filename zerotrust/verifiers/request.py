"""What a request says of itself, for policies that depend on it: `request.method("GET")`, `request.path("/x/{id}")`.

It is believed for what it asks, never for who asks. What servers may read in different ways is unknown, so that a rule
that forbids is not walked around by another spelling (CWE-436, CWE-863).
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from ipaddress import AddressValueError, IPv6Address
from typing import ClassVar, Final

from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.finding import Finding, Verified
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import MALFORMED, NOT_PRESENTED, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Verifier
from zerotrust.verifiers import request_questions as ask_for
from zerotrust.verifiers.methods import METHOD, check_methods
from zerotrust.verifiers.request_questions import RequestEvidence
from zerotrust.verifiers.token import texts
from zerotrust.verifiers.windows import window
from zerotrust.wire.path import read_path, read_template

__all__ = ["Request", "RequestEvidence", "request"]

BELOW: Final = "*"
"""What stands at the end of a template for everything below it."""

_KNOWN: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# RFC 3986 section 3.2.2, of what RFC 1123 section 2.1 leaves of names; with the underscore of container networks.
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*+")
_PORT: Final = re.compile(r":[0-9]{0,5}\Z")
_MOST_NAME: Final = 253  # octets (RFC 1035 section 2.3.4)

_NO_METHOD: Final = MALFORMED(
    expected="a method in upper case", presented="another one, whose letters some servers fold", detail="the method"
)
_NO_HOST: Final = NOT_PRESENTED(expected="one Host", detail="no host, or more than one")
_ODD_HOST: Final = MALFORMED(expected="a host name or an address", detail="the host")
_ABSOLUTE: Final = MALFORMED(expected="a path", detail="the request names another host beside the Host header")


class Request(Verifier[RequestEvidence]):
    """Reads what a request says of itself. There is one, ready-made: `from zerotrust import request`."""

    name: str = "request"
    cost: ClassVar[int] = 0
    contextual: ClassVar[bool] = True

    # --- Leaves ------------------------------------------------------------------------------------------------------

    def method(self, *names: str, own: Collection[str] = ()) -> Leaf[RequestEvidence]:
        """YES if the method is one of these (RFC 9110 section 9.1). `GET` does not stand for `HEAD`.

        Args:
            names: methods that are registered with IANA (section 16.1.1), so that one that is mistyped is refused.
            own: methods that are not.

        Methods are case-sensitive. UNKNOWN (`malformed`) if it is none, or in other letters than upper case: to some
        servers `delete` is `DELETE`, to others it is not. What asks for another method (`X-HTTP-Method-Override`) is
        not looked at. The handshake of a WebSocket is a `GET`.

        Raises:
            ConfigError: it is no method, or not registered, with the nearest one that is.
        """
        return Leaf(self, ask_for.Method(check_methods(names, own)))

    def path(self, template: str) -> Leaf[RequestEvidence]:
        """YES if the path of the request within this application, what its router looks at, is of this shape.

        Args:
            template: literal segments, decoded; `{name}` stands for any one segment that is not empty; `/*` at the
                end for everything below: `/reports/*` is `/reports/` and `/reports/a/b`, not `/reports`. Segments are
                compared octet by octet. A query is never looked at.

        UNKNOWN (`malformed`, `too_large`) where servers may read a path in different ways: dot segments, empty
        segments, semicolons, backslashes, control characters, encoded or not; encoded slashes, percent signs and
        unreserved characters; octets that are not UTF-8; a decoded path that is not what was sent; one that holds the
        root path elsewhere than at its beginning.

        Raises:
            ConfigError: it is no such template, or no path with a single reading fits it.
        """
        return Leaf(self, ask_for.PathIs(template, read_template(template, BELOW)))

    def host(self, *names: str) -> Leaf[RequestEvidence]:
        """YES if the client asked for one of these hosts (RFC 9110 section 7.2); any port, any case, a last dot or not.

        UNKNOWN if it named none, more than one, or what is no host name. Whoever makes a request is free to name any
        host: this tells apart what one server serves under several names, and protects nothing that it also serves
        under another.
        """
        return Leaf(self, ask_for.Host(tuple(_host_given(name) for name in texts("host", names))))

    def during(self, begins: str, ends: str, *, zone: str, days: str | None = None) -> Leaf[RequestEvidence]:
        """YES while the clock on the wall in `zone` shows a time from `begins` to before `ends`.

        What a clock skips in spring is in no window; of what it shows twice in autumn both are. What was allowed lasts
        until the window ends.

        Args:
            begins: the time of day it begins, e.g. `09:00`.
            ends: the time of day it ends, `24:00` for the end of the day; if that is before `begins`, on the day after.
            zone: the IANA name of a time zone, e.g. `Europe/Berlin`.
            days: the days on which it begins, e.g. `mon-fri` or `mon,wed`; every day unless given.

        Raises:
            ConfigError: what was given is no time, day or zone; or the platform has no time zones (install `tzdata`).
        """
        return Leaf(self, ask_for.InWindow(window(begins, ends, zone=zone, days=days)))

    # --- Reading -----------------------------------------------------------------------------------------------------

    def find(self, request: AccessRequest) -> Finding[RequestEvidence]:
        """What the request says; never refused as a whole."""
        method = request.method
        odd_method = None if method in _KNOWN or METHOD.fullmatch(method) else _NO_METHOD
        path, raw = request.path, request.raw_path
        segments = read_path(path, raw)
        odd_path = segments if isinstance(segments, Reason) else request.odd_root
        host = read_host(request.host)
        if raw is not None and raw[:1] != "/" and raw != "*":
            host = _ABSOLUTE  # RFC 9112 section 3.2.2: then that is the host, and some servers go by it
        odd_host = host if isinstance(host, Reason) else None
        now = request.now
        return Verified(
            RequestEvidence(
                "request", "", now, math.inf,
                None if odd_method is not None else method,
                None if odd_path is not None else request.path_within,
                None if isinstance(host, Reason) else host,
                now, odd_method, odd_path, odd_host,
            )
        )  # fmt: skip

    def blank(self, now: float) -> RequestEvidence:
        """A request of which nothing can be told."""
        unread = MALFORMED(detail="nothing is known of it")
        return RequestEvidence(
            "request", "", now, math.inf, at=now, odd_method=unread, odd_path=unread, odd_host=unread
        )

    def exhibit(self, values: Mapping[str, object], now: float) -> RequestEvidence:
        """A request of which just `values` are known; `PolicyError` for what no request says of itself."""
        made = super().exhibit(values, now)
        if made.path is not None and isinstance(read_path(made.path), Reason):
            raise PolicyError("a request's path is one with a single reading, such as /accounts/7")
        if made.host is not None and read_host(made.host) != made.host:
            raise PolicyError("a request's host is a name in lower case without a port")
        if made.method is not None and METHOD.fullmatch(made.method) is None:
            raise PolicyError("a request's method is one in upper case")
        return made

    def __reduce__(self) -> str:
        return "request"  # there is one


def read_host(given: str) -> str | Reason:
    """The name or address in a `Host` header, in its one spelling; or `not_presented`, or `malformed`."""
    if not given:
        return _NO_HOST
    if not given.isascii():  # lower-casing would make ASCII of some of the rest (the Kelvin sign is a k)
        return _ODD_HOST
    host = _PORT.sub("", given.lower(), count=1) if not given.endswith("]") else given.lower()
    if host.startswith("["):
        try:
            return f"[{IPv6Address(host[1:-1])}]" if host.endswith("]") and "%" not in host else _ODD_HOST
        except AddressValueError:
            return _ODD_HOST
    host = host.removesuffix(".")
    return host if len(host) <= _MOST_NAME and _NAME.fullmatch(host) else _ODD_HOST


def _host_given(name: str) -> str:
    host = read_host(name)
    advice = 'write a name such as "api.example.com"'
    if "*" in name:
        advice = "write each host by its name: nothing stands for more than itself"
    elif "://" in name or "/" in name:
        advice = "write the name alone, without a scheme and a path"
    elif not name.isascii():
        advice = "write it as it is sent, its labels in Punycode (xn--...)"
    elif not isinstance(host, Reason) and _PORT.search(name) and not name.endswith("]"):
        advice = f'ports are not looked at; write "{host}"'
    elif not isinstance(host, Reason):
        return host
    raise ConfigError(f"host({name!r}): {advice}")


request: Final = Request()
"""The request itself."""
