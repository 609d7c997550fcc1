"""The access request that a request of Django describes: as the server made it, with what middleware changed of it."""

from __future__ import annotations

from collections.abc import Awaitable, MutableMapping
from functools import cache
from io import BufferedReader, BytesIO, RawIOBase
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeVar, cast

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest

from zerotrust.core.ask import Ask, ReadBody
from zerotrust.core.reason import MALFORMED, TOO_LARGE, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources
from zerotrust.web.asgi_request import SPENT, access_request
from zerotrust.web.gate import Style
from zerotrust.web.peers import Peers
from zerotrust.web.posted import declared
from zerotrust.web.wsgi_request import wsgi_request

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

T = TypeVar("T")

_PART: Final = 16 * 1024
_ENDED: Final = MALFORMED(detail="the body ended before it was complete")


def style_of(request: HttpRequest) -> Style:
    """How what is asked about `request` is answered: it came by ASGI, or by WSGI."""
    return "async" if isinstance(request, ASGIRequest) else "blocking"


@cache
def believes_proxies() -> bool:
    """Whether the settings have Django believe what proxies tell; known until settings change."""
    return bool(settings.SECURE_PROXY_SSL_HEADER or settings.USE_X_FORWARDED_HOST)


def asked(request: HttpRequest, now: float, sources: Sources, peers: Peers | None) -> AccessRequest:
    """The access request that `request` describes, with path and method as Django will look at them.

    Args:
        request: of Django, whatever server it came by.
        now: the moment of the request, POSIX seconds.
        sources: what will be asked about it.
        peers: says who the peer of the connection is.

    Returns:
        The request. Its scheme is the one that Django believes (`SECURE_PROXY_SSL_HEADER`), and so is its host where a
        proxy tells it (`USE_X_FORWARDED_HOST`): empty, if that is none of `ALLOWED_HOSTS`. Its `session` is Django's
        own, where the middleware for sessions stands before the guard.
    """
    session: object = request.__dict__.get("session")
    method, forwarded = request.method or "GET", believes_proxies()
    if isinstance(request, ASGIRequest):
        scope = cast("MutableMapping[str, Any]", request.scope)
        root = request.script_name or ""  # not always the server's: FORCE_SCRIPT_NAME
        path = root + request.path_info
        query: object = scope.get("query_string", b"")  # text, where Django's client for tests made it
        known = isinstance(query, bytes) and scope["path"] == path and scope["method"] == method
        known = known and (scope.get("root_path") or "") == root
        if session is not None or forwarded or not known:
            scope.setdefault(SPENT, {})  # shared: what was used up for this request stays so for whoever decides next
            query = query if isinstance(query, bytes) else str(query).encode("utf-8", "surrogateescape")
            changed: dict[str, Any] = {"path": path, "method": method, "session": session, "query_string": query}
            changed["root_path"] = root
            if forwarded:
                changed["scheme"] = _scheme(request, scope.get("scheme", "http"))
                if (host := _forwarded_host(request)) is not None:
                    kept = (pair for pair in scope["headers"] if pair[0] != b"host")
                    changed["headers"] = [*kept, (b"host", host.encode())]
            scope = {**scope, **changed}
        return access_request(scope, now, sources, peers)
    environ: MutableMapping[str, Any] = request.META
    mount, path = environ.get("SCRIPT_NAME", ""), request.path_info
    if (
        environ.get("PATH_INFO") != path
        or environ.get("REQUEST_METHOD") != method
        or forwarded
        or not (path.isascii() and mount.isascii())
    ):
        environ.setdefault(SPENT, {})
        # Django has decoded both already; whoever reads an environment expects octets (PEP 3333).
        environ = {**environ, "PATH_INFO": _octets(path), "SCRIPT_NAME": _octets(mount), "REQUEST_METHOD": method}
        if forwarded:
            environ["wsgi.url_scheme"] = _scheme(request, environ.get("wsgi.url_scheme", "http"))
            if (host := _forwarded_host(request)) is not None:
                environ["HTTP_HOST"] = host
    made = wsgi_request(environ, now, sources, peers)
    if session is not None:
        made.session = session
    return made


def _scheme(request: HttpRequest, scheme: str) -> str:
    """The scheme that Django believes; `scheme`, the server's, where no proxy tells it."""
    return str(request.scheme) if settings.SECURE_PROXY_SSL_HEADER else scheme


def _forwarded_host(request: HttpRequest) -> str | None:
    """The host that a proxy tells, empty if it is none of this site's; None if none does, or Django believes none."""
    if not settings.USE_X_FORWARDED_HOST or "HTTP_X_FORWARDED_HOST" not in request.META:
        return None
    try:
        return str(request.get_host())
    except DisallowedHost:
        return ""


def is_awaited(function: object) -> bool:
    """Whether what `function` answers is awaited, as Django tells it: classes of views and middleware are marked."""
    return iscoroutinefunction(function)  # pyright: ignore[reportDeprecated] - below Python 3.14 no other knows the mark


def _octets(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


class Body:
    """The body of one request: a source that answers `ReadBody`, and hands on what it has read.

    Under WSGI nothing is read before somebody asks. Under ASGI Django has the body before any middleware runs. Then as
    ever, the application reads it as if nobody had.

    Args:
        request: of Django.
    """

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (ReadBody,)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"  # a file, or what a server waits for anyway

    def __init__(self, request: HttpRequest) -> None:
        self._request: Any = request

    def answer(self, ask: Ask[T], timeout: float) -> T | Awaitable[T]:
        """The whole body, or why it cannot be had."""
        assert isinstance(ask, ReadBody), "it says what it answers"  # noqa: S101
        return cast("T", self.read(ask.limit))

    def read(self, limit: int) -> bytes | Reason:
        """The whole body, of `limit` bytes at most."""
        request = self._request
        too_large = TOO_LARGE(expected=f"at most {limit} bytes", detail="the body")
        known: bytes | None = request.__dict__.get("_body")
        if known is not None:
            return known if len(known) <= limit else too_large
        told = request.META.get("CONTENT_LENGTH") or ""
        length = declared([str(told).encode("latin-1", "replace")]) if told else 0
        if length > limit:
            return too_large  # without reading any of it
        if request.__dict__.get("_read_started"):
            return MALFORMED(detail="what stands before the guard has read the body")
        stream, kept = request._stream, bytearray()
        try:
            while len(kept) <= limit and (part := stream.read(min(_PART, limit + 1 - len(kept)))):
                kept += part
        except (OSError, ValueError):  # servers differ in what they raise for a connection that broke
            request._stream = _rejoined(bytes(kept), stream)
            return _ENDED
        body = bytes(kept)
        if len(body) > limit:
            request._stream = _rejoined(body, stream)
            return too_large
        request._stream = BytesIO(body)
        return _ENDED if len(body) < length else body


def _rejoined(first: bytes, rest: Any) -> BufferedReader:
    return BufferedReader(_Rejoined(first, rest))


class _Rejoined(RawIOBase):
    """What was read of a stream, and then the rest of it."""

    def __init__(self, first: bytes, rest: Any) -> None:
        self._first = BytesIO(first)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer)
        read = self._first.read(len(view)) or self._rest.read(len(view))
        view[: len(read)] = read
        return len(read)
