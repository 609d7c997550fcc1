"""An access request from a WSGI environment (PEP 3333), whatever server made it."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any, Final

from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest, origin_of
from zerotrust.driver import NO_SOURCES, Sources
from zerotrust.web.asgi_request import OF_HTTP, spent_marks
from zerotrust.web.connection import wsgi_connection
from zerotrust.web.peering import ASKING, peer_of
from zerotrust.web.peers import Peers

_WITHOUT_PREFIX: Final = (("CONTENT_TYPE", b"content-type"), ("CONTENT_LENGTH", b"content-length"))
_WITHOUT_PREFIX_NAMES: Final = ("content-type", "content-length")


def wsgi_request(
    environ: MutableMapping[str, Any], now: float, sources: Sources = NO_SOURCES, peers: Peers | None = None
) -> AccessRequest:
    """The access request that a WSGI `environ` describes. Total: what is missing or no text counts as not sent.

    A WSGI server joins headers of one name with a comma, and has one spelling for `X-A` and `X_A`: the two cannot be
    told from one any more. So a header that is to have one value must not hold a comma.

    Args:
        environ: as the server made it. What was used up for this request is noted in it, for another one that decides
            about the same request and asks the same store.
        now: the moment of the request, POSIX seconds.
        sources: what will be asked about it.
        peers: says who the peer of the connection is, once somebody asks for `peer`; nobody does, if None.

    Returns:
        The request. The host is empty if none or more than one was sent, or one that is not ASCII. `raw_path` is told
        where the server has `RAW_URI` or `REQUEST_URI`. `path` is empty, which no rule about paths takes for any, where
        it cannot be told what a router will see: neither part may lack its slash, and no header may be called
        `SCRIPT_NAME` or `PATH_INFO`, since gunicorn takes the mount from one. `peer` is a reason where `peers` raises.
    """
    return _WsgiRequest(environ, now, sources, peers)


def spelling_of(environ: MutableMapping[str, Any]) -> tuple[str | bytes | None, ...] | None:
    """Method, scheme and path of a request, as the server gave them: all that tells requests for one place apart.

    None where they are not as simple as they usually are, so that more has to be looked at.
    """
    if "HTTP_SCRIPT_NAME" in environ or "HTTP_PATH_INFO" in environ:
        return None
    get = environ.get
    method, scheme, target = get("REQUEST_METHOD"), get("wsgi.url_scheme"), get("RAW_URI") or get("REQUEST_URI")
    mount, below = get("SCRIPT_NAME", ""), get("PATH_INFO", "")
    if not (type(method) is type(scheme) is type(mount) is type(below) is str):
        return None
    if not target:
        return method, scheme, mount, below, None
    if type(target) is not str or target[0] != "/":
        return None
    return method, scheme, mount, below, target.partition("?")[0]


def environ_of(request: AccessRequest) -> MutableMapping[str, Any] | None:
    """The environment that `request` was read from; None if from none."""
    origin = origin_of(request)
    return origin.environ if isinstance(origin, _WsgiRequest) else None


class _WsgiRequest(AccessRequest):
    """The time, and the rest once somebody asks for any of it: most policies look at one header alone."""

    __slots__ = ("_environ", "_peers", "_sources")

    def __init__(self, environ: MutableMapping[str, Any], now: float, sources: Sources, peers: Peers | None) -> None:
        self.now = now
        self._environ = environ
        self._sources = sources
        self._peers = peers

    @property
    def environ(self) -> MutableMapping[str, Any]:
        """What it was read from."""
        return self._environ

    def field(self, name: str) -> bytes | Reason | None:
        """As of any request; a server has one value for each name, so that no other needs to be looked at."""
        if name == "authorization":
            value = self._environ.get("HTTP_AUTHORIZATION")  # what nearly every request is asked for
        elif name in _WITHOUT_PREFIX_NAMES:
            return super().field(name)
        else:
            value = self._environ.get("HTTP_" + name.upper().replace("-", "_"))
        return _octets(value) if isinstance(value, str) else None

    def __getattr__(self, name: str) -> Any:
        # Reached for a slot that is not filled yet; and for what no request has, which ends in an error below.
        if name == "headers":
            self.headers = list(_headers(self._environ))
        elif name == "peer":
            self._ask()
        elif name in AccessRequest.__slots__:
            self._read(self._environ)
        return object.__getattribute__(self, name)

    def _ask(self) -> None:
        if self._peers is None:
            self.peer = None
            return
        self.peer = ASKING
        self.peer = peer_of(self._peers, self, wsgi_connection(self._environ))

    def _read(self, environ: MutableMapping[str, Any]) -> None:
        """Fill every slot but those that are filled each for itself, and those that others have filled."""
        host = _text(environ, "HTTP_HOST")
        self.method = _text(environ, "REQUEST_METHOD") or "GET"
        scheme = _text(environ, "wsgi.url_scheme") or "http"
        self.scheme = OF_HTTP.get(scheme, scheme)  # there are no WebSockets in WSGI
        self.host = host if host.isascii() and "," not in host else ""
        self.path = _path(environ)
        self.root = _decoded(_text(environ, "SCRIPT_NAME"))
        self.query = _text(environ, "QUERY_STRING")
        self.client = _text(environ, "REMOTE_ADDR") or None
        self.raw_path = _raw_path(_text(environ, "RAW_URI") or _text(environ, "REQUEST_URI"))
        self.spent = spent_marks(environ, self._sources)
        self.resource = None
        try:
            object.__getattribute__(self, "session")
        except AttributeError:
            self.session = None


def _text(environ: MutableMapping[str, Any], name: str) -> str:
    value = environ.get(name)
    return value if isinstance(value, str) else ""


def _octets(text: str) -> bytes:
    """The bytes that a server sent on as text, each a character (PEP 3333, Unicode issues)."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:  # not a server that keeps to it; what comes out is not ASCII, so nobody believes it
        return text.encode("utf-8", "surrogatepass")


def _path(environ: MutableMapping[str, Any]) -> str:
    mount, below = _text(environ, "SCRIPT_NAME"), _text(environ, "PATH_INFO")
    if "HTTP_SCRIPT_NAME" in environ or "HTTP_PATH_INFO" in environ:
        return ""
    if mount[:1] not in ("", "/") or below[:1] not in ("", "/"):
        return ""
    return _decoded(mount + below) or "/"


def _decoded(path: str) -> str:
    return path if path.isascii() else _octets(path).decode("utf-8", "replace")


def _headers(environ: MutableMapping[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    for key, value in environ.items():
        if isinstance(key, str) and key.startswith("HTTP_") and isinstance(value, str):
            yield _octets(key[5:].lower().replace("_", "-")), _octets(value)
    for key, name in _WITHOUT_PREFIX:
        value = environ.get(key)
        if isinstance(value, str) and value:
            yield name, _octets(value)


def _raw_path(target: str) -> str | None:
    """The path of a request target (RFC 9112 section 3.2), as it was sent."""
    if not target.startswith("/"):
        scheme, colon, rest = target.partition("://")
        if not (colon and scheme.isalpha()):
            return None  # `*`, or the authority of a CONNECT
        authority, slash, path = rest.partition("/")
        target = slash + path if not set("?#") & set(authority) else "/"
        target = target or "/"
    return target.partition("?")[0].partition("#")[0]
