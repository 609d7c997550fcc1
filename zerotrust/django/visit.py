"""What the door has found out about a request, noted on it, and how views ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.urls import ResolverMatch

from zerotrust.core.errors import ConfigError
from zerotrust.web.access import Access
from zerotrust.web.answer import Answer
from zerotrust.web.continuing import Headers
from zerotrust.web.gate import Checkpoint

_VISIT: Final = "_zerotrust"


@dataclass(slots=True)
class Visit:
    """A request that was let in.

    Attributes:
        access: for whoever handles it.
        headers: what the response gets besides its own.
        place: what was required.
        match: what the path was resolved to; None for what no route serves.
        method: for which it was decided.
        path: for which it was decided, below the mount.
        guarded: whether a guard stands around the view, which sees to the headers.
        refused: what was refused later, while the request was handled.
    """

    access: Access
    headers: Headers
    place: Checkpoint
    match: ResolverMatch | None
    method: str | None
    path: str
    guarded: bool = True
    refused: Answer | None = None

    def is_of(self, request: HttpRequest) -> bool:
        """Whether what runs for `request` is what was decided about."""
        match, mine = request.resolver_match, self.match
        return (
            match is not None
            and mine is not None
            and match.func is mine.func
            and match.route == mine.route
            and request.method == self.method
            and request.path_info == self.path
        )


def visit_of(request: object) -> Visit | None:
    """What was noted on `request`, also where Django REST framework has wrapped it; None if nobody let it in."""
    inner: object = getattr(request, "_request", request)
    found: object = getattr(inner, "__dict__", {}).get(_VISIT)
    return found if isinstance(found, Visit) else None


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
    for one in (*args[:2], kwargs.get("request")):
        inner: object = getattr(one, "_request", one)
        if isinstance(inner, HttpRequest):
            return inner
    return None


def is_awaited(function: object) -> bool:
    """Whether what `function` answers is awaited, as Django tells it: classes of views and middleware are marked."""
    return iscoroutinefunction(function)  # pyright: ignore[reportDeprecated] - below Python 3.14 no other knows the mark
