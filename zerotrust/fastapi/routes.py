"""What the guard has to know of FastAPI's and Starlette's routing, all of it in this file.

The guard must authorise the very route that the router will run. So `pick` asks the same route objects the same
question (`matches`) in the same order as the router does, on the very scope the router gets; nothing is parsed anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar, cast

from fastapi import FastAPI
from fastapi import routing as fastapi_routing
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_dependant
from fastapi.params import Depends
from fastapi.routing import APIRoute, APIRouter, APIWebSocketRoute
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Scope

T = TypeVar("T")

# FastAPI's private names, asked for once: without them an included router cannot be followed, and import fails.
_INCLUDED: Final[type[Any]] = fastapi_routing._IncludedRouter  # pyright: ignore[reportPrivateUsage]

# The methods by which Starlette and FastAPI dispatch. What has others may run anything, and is not looked into.
_DISPATCHES: Final = (Router.app, APIRouter.app)
_HANDLES: Final = (Mount.handle, Host.handle)
_CALLS: Final = (Starlette.__call__, FastAPI.__call__)
_STACKS: Final = (Starlette.build_middleware_stack, FastAPI.build_middleware_stack)
_MOST_MIDDLEWARE: Final = 100  # around one router; one that leads back to itself must not be followed for ever

# What of a request these look at is its kind, its path and its method.
_MATCHES: Final = (Route.matches, WebSocketRoute.matches, Mount.matches, APIRoute.matches, APIWebSocketRoute.matches)

# A route, or what FastAPI puts in its place where its router is included in another one.
Target: TypeAlias = Any
# The target of a path that cannot be matched, since a convertor does not take it: int() refuses 5000 digits.
UNMATCHED: Final[Target] = object()
# The router that a target stands in, or FastAPI's record of its inclusion.
Owner: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Place:
    """A target with the router it stands in."""

    target: Target
    owner: Owner

    @property
    def mount(self) -> Mount | Host | None:
        """The target, if it hands over to another application."""
        return self.target if isinstance(self.target, Mount | Host) else None

    @property
    def stray(self) -> str | None:
        """The name of the class, if the target is an included router that dispatches in a way of its own."""
        if not isinstance(self.target, _INCLUDED):
            return None  # what is included is unfolded, unless it cannot be followed
        return type(self.target.original_router).__name__

    @property
    def path(self) -> str:
        """As declared, with the prefixes of included routers; `//` and the name for a host."""
        if isinstance(self.target, _INCLUDED):
            return str(self.target.include_context.prefix)
        return f"//{self.target.host}" if isinstance(self.target, Host) else str(getattr(self.target, "path", ""))

    @property
    def template(self) -> str:
        """The path as OpenAPI writes it: parameters without their convertors."""
        return str(getattr(self.target, "path_format", self.path))

    @property
    def methods(self) -> tuple[str, ...]:
        """The HTTP methods it answers; `WS` for a WebSocket, `*` if it decides for itself."""
        if isinstance(self.target, WebSocketRoute):
            return ("WS",)
        return tuple(sorted(getattr(self.target, "methods", None) or ("*",)))

    def dependants(self) -> list[Dependant]:
        """What FastAPI made of the target's handler; where it runs none, of the dependencies of its router."""
        dependant: Dependant | None = getattr(self.target, "dependant", None)
        return [dependant] if dependant is not None else [_dependant(one) for one in _dependencies(self.owner)]

    def calls(self) -> Iterator[Callable[..., Any]]:
        """The dependencies of the target, and of those."""
        todo = self.dependants()
        while todo:
            one = todo.pop()
            if one.call is not None:
                yield one.call
            todo.extend(reversed(one.dependencies))


def pick(router: Router, scope: Scope) -> tuple[Target, Owner]:
    """The target in `router` that will serve `scope`, None if the answer will be a 404 or a redirect; and its owner."""
    try:
        return _pick(router, scope)
    except ValueError:  # of a convertor, as the router would raise it
        return UNMATCHED, router


def _pick(router: Router, scope: Scope) -> tuple[Target, Owner]:
    partial: BaseRoute | None = None
    for route in router.routes:
        match, _ = route.matches(scope)
        if match is Match.FULL:
            return _inside(route, router, scope)
        if match is Match.PARTIAL and partial is None:
            partial = route
    if partial is not None:
        return _inside(partial, router, scope)
    low = getattr(router, "_match_low_priority", None)  # the files of `app.frontend(...)`
    if low is not None:
        match, _, route, context = low(scope)
        if match is not Match.NONE:
            return context or route, router
    return None, router


def _inside(route: Target, owner: Owner, scope: Scope) -> tuple[Target, Owner]:
    while isinstance(route, _INCLUDED) and _is_followed(route):
        owner = route
        _, _, route, context = owner._match(scope)
        if context is not None:
            route = context.starlette_route or context
    return route, owner


def probe(path: str, method: str) -> dict[str, Any]:
    """A scope that says nothing but `path` and `method`, `WS` for a WebSocket."""
    kind = {"type": "websocket"} if method == "WS" else {"type": "http", "method": method}
    return {**kind, "path": path, "raw_path": path.encode(), "root_path": "", "query_string": b"", "headers": []}


def pick_surely(router: Router, scope: Scope) -> tuple[Target, Owner] | None:
    """What `pick` gives for a `probe`, where no other part of a request can make it another target; else None."""
    try:
        target, owner = pick(router, scope)
    except Exception:  # noqa: BLE001 - routes of the application's own may look for what a probe has not
        return None
    route: object = getattr(target, "original_route", target)
    matches = getattr(type(route), "matches", None)
    return (target, owner) if target is None or matches in _MATCHES else None


def places(router: Router) -> Iterator[Place]:
    """Every place in `router`, in the order in which they are tried."""
    for route in router.routes:
        yield from _unfolded(route, router)
    for candidate in getattr(router, "_iter_low_priority_routes", tuple)():
        yield Place(candidate, router)


def _unfolded(route: Target, owner: Owner) -> Iterator[Place]:
    if not isinstance(route, _INCLUDED) or not _is_followed(route):
        yield Place(route, owner)
        return
    for candidate in route.effective_candidates():
        if isinstance(candidate, _INCLUDED):
            yield from _unfolded(candidate, route)
        else:
            yield Place(candidate.starlette_route or candidate, route)


def _is_followed(included: Any) -> bool:
    """Whether what FastAPI asks of an included router leads to the record of its inclusion, as `_inside` does."""
    router = included.original_router
    return (
        getattr(router.handle, "__func__", None) is APIRouter.handle
        and getattr(router.matches, "__func__", None) is APIRouter.matches
        and getattr(router.app, "__func__", None) is APIRouter.app
    )


def inner_router(mount: Mount | Host) -> Router | None:
    """The router behind a mount, also behind the mount's own middleware; None if something else may answer there."""
    if getattr(mount.handle, "__func__", None) not in _HANDLES:
        return None
    app: object = mount.app
    base: object = getattr(mount, "_base_app", app)
    for _ in range(_MOST_MIDDLEWARE):
        if app is base:
            break
        app = getattr(app, "app", None)  # of the mount's own middleware
    if app is not base:
        return None  # replaced since
    if isinstance(app, Starlette):
        kind = type(app)
        return app.router if kind.__call__ in _CALLS and kind.build_middleware_stack in _STACKS else None
    return app if isinstance(app, Router) else None


def wrap(router: Router, kind: type[T], make: Callable[[ASGIApp], T]) -> T | None:
    """Put `make(dispatch)` around the dispatch of `router`, inside whatever middleware the router has.

    Returns what was made, or the `kind` that stands there already; None if the dispatch cannot be found or is not
    the one this file knows.
    """
    if type(router).__call__ is not Router.__call__ or getattr(router.app, "__func__", None) not in _DISPATCHES:
        return None
    holder: Any = router
    name = "middleware_stack"
    for _ in range(_MOST_MIDDLEWARE):
        current: Any = getattr(holder, name, None)
        if isinstance(current, kind):
            return current
        if current == router.app:
            made = make(current)
            setattr(holder, name, made)
            return made
        holder, name = current, "app"
    return None


def _dependencies(owner: Owner) -> Sequence[Depends]:
    if isinstance(owner, _INCLUDED):
        included: Any = owner
        return [*included.include_context.dependencies, *included.original_router.dependencies]
    return getattr(owner, "dependencies", ())


def _dependant(depends: Depends) -> Dependant:
    return get_dependant(path="", call=cast("Callable[..., Any]", depends.dependency))


def frontends(target: Target) -> Iterable[str]:
    """The declared paths of a group of static front ends; nothing for any other target."""
    group = getattr(target, "original_route", target)
    if isinstance(group, fastapi_routing._FrontendRouteGroup):  # pyright: ignore[reportPrivateUsage]
        prefix = getattr(target, "frontend_prefix", "")
        yield from (f"{prefix}{route.path}".rstrip("/") + "/*" for route in group.routes)
