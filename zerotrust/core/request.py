"""The NIST SP 800-207 access request: what came in, free of any framework."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import DUPLICATE_HEADER, MALFORMED, Reason

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from zerotrust.core.peer import Peer

_ODD_ROOT: Final = MALFORMED(
    expected="a path within the root path", presented="the root path elsewhere in it", detail="the path"
)


class AccessRequest:
    """One request, as the policy sees it. Treat it as immutable.

    Args:
        now: the moment of the request, POSIX seconds. Everything below the doors takes its time from here.
        method: the HTTP method as sent, e.g. `GET`.
        scheme: `http`, `https`, `ws` or `wss`, as the client used it.
        host: the authority the client asked for, host and optional port.
        path: the percent-decoded path, without the query.
        root: the path, decoded, at which the server or a surrounding application has put this one; where `path` begins
            with it, a router here looks at what comes after it. Empty if there is none.
        raw_path: the path as it was sent, percent-encoded, where the server tells; None where it does not.
        spent: what counts once and was consumed for this very request: (space, key) of each mark. All who decide about
            it share the set, so that what the first of them used up still counts for the others; None if one decides.
        query: the raw query string, without `?`.
        headers: (name, value) pairs in the order received; names in lower case.
        client: the address of the direct peer, or None if unknown.
        peer: what is presented for the client of the connection, a certificate or a name; the reason, if something was
            that must not be believed; None if nothing was, or nobody looks.
        session: what a framework keeps for the browser, its own session, a mapping; None where the door knows of none.
        resource: the object that a handler is about to work on; None before it names one.
    """

    __slots__ = (
        "client",
        "headers",
        "host",
        "method",
        "now",
        "path",
        "peer",
        "query",
        "raw_path",
        "resource",
        "root",
        "scheme",
        "session",
        "spent",
    )

    def __init__(
        self,
        *,
        now: float,
        method: str = "GET",
        scheme: str = "https",
        host: str = "",
        path: str = "/",
        query: str = "",
        headers: Sequence[tuple[bytes, bytes]] = (),
        client: str | None = None,
        peer: Peer | Reason | None = None,
        raw_path: str | None = None,
        spent: set[tuple[str, bytes]] | None = None,
        session: object = None,
        resource: object = None,
        root: str = "",
    ) -> None:
        if type(now) is not float and type(now) is not int:
            raise ConfigError(f"now is POSIX seconds such as time.time(), not {type(now).__name__}")
        if headers and (isinstance(headers, dict) or type(headers[0][0]) is not bytes):
            raise ConfigError('headers are pairs of bytes, [(b"authorization", b"Bearer ...")], names in lower case')
        self.now: float = now
        self.method: str = method
        self.scheme: str = scheme
        self.host: str = host
        self.path: str = path
        self.query: str = query
        self.headers: Sequence[tuple[bytes, bytes]] = headers
        self.client: str | None = client
        self.peer: Peer | Reason | None = peer
        self.raw_path: str | None = raw_path
        self.spent: set[tuple[str, bytes]] | None = spent
        self.session: object = session
        self.resource: object = resource
        self.root: str = root

    def naming(self, resource: object, now: float) -> AccessRequest:
        """This request at a later moment `now` (POSIX seconds), when a handler names the `resource` it works on."""
        return _Naming(self, resource, now)

    def showing(self, headers: Sequence[tuple[bytes, bytes]], now: float) -> AccessRequest:
        """This request with `headers` in place of its own of these names, as a client shows them at a later moment.

        Args:
            headers: (name, value) pairs, names in lower case.
            now: when, POSIX seconds.
        """
        return _Showing(self, headers, now)

    @property
    def shown_at(self) -> float:
        """When what it presents was presented, POSIX seconds: however late it is decided about, that was then."""
        return self.now

    def header(self, name: str) -> str | Reason | None:
        """The one value of the header `name` (lower case), None if it was not sent.

        Returns a `duplicate_header` reason if it came more than once or also under its underscore spelling (some
        servers merge the two), and `malformed` if it holds anything but visible ASCII and spaces.
        """
        value = self.field(name)
        if not isinstance(value, bytes):
            return value
        if not (value.isascii() and (text := value.decode("ascii")).isprintable()):
            return MALFORMED(detail=f"the {name} header holds more than visible ASCII")
        return text

    def field(self, name: str) -> bytes | Reason | None:
        """The value of the header `name` as it was sent, whatever it holds; else as `header`."""
        wanted = name.encode()
        if "-" not in name:  # no other spelling
            values = [value for key, value in self.headers if key == wanted]
            if len(values) < 2:
                return values[0] if values else None
            return DUPLICATE_HEADER(presented=f"{len(values)} of {name}")
        found: bytes | None = None
        count = 0
        for key, value in self.headers:
            if key == wanted:
                found = value
                count += 1
            elif b"_" in key and key.replace(b"_", b"-") == wanted:
                count += 1
        if count == 0:
            return None
        if count > 1 or found is None:
            return DUPLICATE_HEADER(presented=f"{count} of {name}")
        return found

    @property
    def path_within(self) -> str:
        """The path that a router of this application looks at: without `root`, where it begins with that."""
        root, path = self.root, self.path
        if not root or not path.startswith(root):
            return path
        below = path[len(root) :]
        return (below if below[:1] == "/" else path) if below else "/"

    @property
    def odd_root(self) -> Reason | None:
        """`malformed` where frameworks take `root` off `path` each in another way; None where all come to one path.

        Where the root is not the first segments of the path, but stands in it, some look at what comes after it, some
        take its characters off alone, and some nothing (CWE-436).
        """
        root, path = self.root, self.path
        if not root or root not in path:
            return None
        return None if path.startswith(root) and path[len(root) : len(root) + 1] in ("", "/") else _ODD_ROOT

    @property
    def address(self) -> IPv4Address | IPv6Address | None:
        """The direct peer's address as a value; None if unknown or not an address (a socket path, say)."""
        from ipaddress import ip_address  # most requests are never asked for it

        try:
            return ip_address(self.client) if self.client else None
        except ValueError:
            return None

    def __repr__(self) -> str:
        # Headers and the query may carry credentials, so they never show.
        return f"AccessRequest({self.method!r}, {f'{self.scheme}://{self.host}{self.path}'!r}, now={self.now})"


class _Naming(AccessRequest):
    """A request with another resource and moment; what else it says, it says itself, and no sooner than asked."""

    __slots__ = ("_request",)

    def __init__(self, request: AccessRequest, resource: object, now: float) -> None:
        self._request = request
        self.resource = resource
        self.now = now

    @property
    def origin(self) -> AccessRequest:
        """The request as it came in."""
        return origin_of(self._request)

    @property
    def shown_at(self) -> float:
        """As of the request that the resource is named for."""
        return self._request.shown_at

    def __getattr__(self, name: str) -> Any:
        # Reached for a slot that is not filled; and for what no request has, which ends in an error below.
        if name in AccessRequest.__slots__:
            return getattr(self._request, name)
        return object.__getattribute__(self, name)


class _Showing(_Naming):
    """A request whose client shows something else by now; where it came from, and where to, stays."""

    __slots__ = ()

    def __init__(self, request: AccessRequest, headers: Sequence[tuple[bytes, bytes]], now: float) -> None:
        super().__init__(origin_of(request), None, now)  # however often a client shows something else
        # Other spellings of a name too: what is replaced must not come back by one.
        replaced = {name.replace(b"_", b"-") for name, _ in headers}
        kept = [header for header in request.headers if header[0].replace(b"_", b"-") not in replaced]
        self.headers = (*kept, *headers)

    @property
    def shown_at(self) -> float:
        """When the headers were replaced."""
        return self.now


def origin_of(request: AccessRequest) -> AccessRequest:
    """The request that came in, where another moment, resource or header was named for `request`; else itself."""
    return request.origin if isinstance(request, _Naming) else request
