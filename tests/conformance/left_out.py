"""What the test clients of frameworks cannot send, by what the clients do; servers are sent all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from tests.conformance.wire import Request

# The client of each door; `tests/conformance/clients.py` has them.
CLIENTS: Mapping[str, str] = {
    "fastapi": "starlette", "starlette": "starlette", "asgi": "httpx", "flask": "werkzeug", "wsgi": "werkzeug",
    "django": "django", "drf": "django", "django-asgi": "django-async",
}  # fmt: skip


@dataclass(frozen=True)
class Lack:
    """Something that clients cannot say.

    Attributes:
        clients: those that cannot.
        why: what they do instead.
        fits: whether a request has it.
    """

    clients: frozenset[str]
    why: str
    fits: Callable[[Request], bool]


def _path(request: Request) -> bytes:
    return request.target.partition(b"?")[0]


def _has_dot_segments(request: Request) -> bool:
    return bool({b".", b".."} & set(_path(request).split(b"/")))


def _is_encoded_twice(request: Request) -> bool:
    return unquote_to_bytes(_path(request)) != unquote_to_bytes(unquote_to_bytes(_path(request)))


def _is_no_text(request: Request) -> bool:
    try:
        unquote_to_bytes(_path(request)).decode()
    except UnicodeDecodeError:
        return True
    return False


def _is_not_ascii(request: Request) -> bool:
    return not unquote_to_bytes(_path(request)).isascii()


def _repeats_a_header(request: Request) -> bool:
    names = [name.lower() for name, _ in request.all_headers]
    return len(names) != len(set(names))


def _has_underscores(request: Request) -> bool:
    return any(b"_" in name for name, _ in request.all_headers)


_HTTPX = frozenset({"starlette", "httpx"})
_DJANGO = frozenset({"django", "django-async"})

LACKS = (
    Lack(_HTTPX | {"django-async"}, "speaks HTTP/1.1 only", lambda request: request.version != "1.1"),
    Lack(_HTTPX | {"werkzeug"}, "sends a Host always", lambda request: request.host is None),
    Lack(_HTTPX, "resolves `.` and `..` itself", _has_dot_segments),
    Lack(frozenset({"starlette"}), "decodes paths twice", _is_encoded_twice),
    Lack(_HTTPX | {"werkzeug"}, "decodes paths as UTF-8", _is_no_text),
    Lack(frozenset({"django-async"}), "decodes paths as ISO 8859-1", _is_not_ascii),
    Lack(frozenset({"werkzeug"}), "takes `//name` for a host", lambda request: request.target.startswith(b"//")),
    Lack(_DJANGO, "takes one header of a name", _repeats_a_header),
    Lack(_DJANGO | {"werkzeug"}, "makes hyphens of underscores", _has_underscores),
    Lack(frozenset({"httpx"}), "knows no WebSockets", lambda request: request.upgrade),
)

# How many of the table each leaves out. Another number here is for a reason above, or the suite has shrunk.
LEFT_OUT: Mapping[str, int] = {
    "fastapi": 34, "starlette": 34, "asgi": 57, "flask": 31, "wsgi": 31, "django": 31, "drf": 31, "django-asgi": 53,
}  # fmt: skip


def lack_of(door: str, request: Request) -> Lack | None:
    """Why the client of `door` cannot send `request`; None if it can."""
    client = CLIENTS[door]
    return next((lack for lack in LACKS if client in lack.clients and lack.fits(request)), None)
