"""What the door has found out about a request, noted on it, and how views ask for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest

from zerotrust.core.errors import ConfigError
from zerotrust.django.urls import Found, urlconf_of
from zerotrust.django.users import Users
from zerotrust.web.access import Access
from zerotrust.web.answer import Answer
from zerotrust.web.continuing import Headers
from zerotrust.web.gate import Checkpoint

_VISIT: Final = "_zerotrust"
_NOTHING: Final[dict[str, Any]] = {}


@dataclass(slots=True)
class Visit:
    """A request that was let in.

    Attributes:
        access: for whoever handles it.
        headers: what the response gets besides its own.
        place: what was required.
        found: what the path leads to; None for what no route serves.
        method: for which it was decided.
        path: for which it was decided, below the mount.
        guarded: whether a guard stands around the view, which sees to the headers.
        refused: what was refused later, while the request was handled.
        users: gives the request its user; None if the application does.
        told: is called where another visit takes the place of this one; None where nobody has asked who this is.
    """

    access: Access
    headers: Headers
    place: Checkpoint
    found: Found | None
    method: str | None
    path: str
    guarded: bool = True
    refused: Answer | None = None
    users: Users | None = None
    told: Callable[[], None] | None = None

    def is_of(self, request: HttpRequest) -> bool:
        """Whether what runs for `request` is what was decided about."""
        return (
            self.found is not None
            and self.found.urlconf == urlconf_of(request)
            and self.found.is_of(request.resolver_match)
            and request.method == self.method
            and request.path_info == self.path
        )


def visit_of(request: object) -> Visit | None:
    """What was noted on `request`, also where Django REST framework has wrapped it; None if nobody let it in."""
    inner: object = request if isinstance(request, HttpRequest) else getattr(request, "_request", request)
    return getattr(inner, "__dict__", _NOTHING).get(_VISIT)


def note(request: HttpRequest, visit: Visit) -> None:
    """Note `visit` on `request`, in place of what was noted before."""
    request.__dict__[_VISIT] = visit


def access(request: HttpRequest) -> Access:
    """The access that let `request` in, with the evidence it rests on.

    Args:
        request: as a view is given it, by Django or by Django REST framework.

    Raises:
        ConfigError: nobody decided about this request: no guard stands before the view, nor is it marked.
    """
    visit = visit_of(request)
    if visit is None:
        raise ConfigError(
            "nobody has decided about this request: write MIDDLEWARE = ['zerotrust.django.Guard', ...], or "
            "@require(policy) on the view"
        )
    return visit.access


def request_in(args: tuple[Any, ...], kwargs: dict[str, Any]) -> HttpRequest | None:
    """The request among the arguments of a view or of a method of one; None if there is none."""
    if args and isinstance(args[0], HttpRequest):
        return args[0]
    for one in (*args[:2], kwargs.get("request")):
        inner: object = getattr(one, "_request", one)
        if isinstance(inner, HttpRequest):
            return inner
    return None
