"""What the guard has to know of FastAPI's routing beyond Starlette's, all of it in this file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, cast

from fastapi import FastAPI
from fastapi import routing as fastapi_routing
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_dependant
from fastapi.params import Depends
from fastapi.routing import APIRoute, APIRouter, APIWebSocketRoute
from starlette.routing import Match, Router
from starlette.types import Scope

from zerotrust.fastapi.annotations import lost
from zerotrust.starlette.routes import Owner, Place, Routing, Target

# FastAPI's private names, asked for once: without them an included router cannot be followed, and import fails.
_INCLUDED: Final[type[Any]] = fastapi_routing._IncludedRouter  # pyright: ignore[reportPrivateUsage]

_STRAY: Final = (
    "dispatches in a way of its own, so that a guard cannot tell which route will run; include an APIRouter that "
    "overrides none of `handle`, `matches` and `app`"
)

_TAKES_AWAY: Final = {
    "/docs": "openapi_url=None or docs_url=None",
    "/redoc": "openapi_url=None or redoc_url=None",
    "/openapi.json": "openapi_url=None",
}


@dataclass(frozen=True, slots=True)
class FastApiPlace(Place):
    """A target, a route or an included router, with the router it stands in or FastAPI's record of its inclusion."""

    @property
    def is_whole(self) -> bool:
        """Whether the target is an included router that cannot be followed; all others are unfolded."""
        return isinstance(self.target, _INCLUDED)

    @property
    def problem(self) -> str | None:
        """Why nobody may pass here: an included router that dispatches in a way of its own, or a lost requirement."""
        if isinstance(self.target, _INCLUDED):
            return f"{type(self.target.original_router).__name__} {_STRAY}"
        return next((problem for one in self.dependants() if (problem := lost(one)) is not None), None)

    @property
    def path(self) -> str:
        """As declared, with the prefixes of included routers; `//` and the name for a host."""
        return str(self.target.include_context.prefix) if self.is_whole else Place.path.__get__(self)

    @property
    def template(self) -> str:
        """The path as OpenAPI writes it: parameters without their convertors."""
        return str(getattr(self.target, "path_format", self.path))

    def dependants(self) -> list[Dependant]:
        """What FastAPI made of the target's handler; where it runs none, of the dependencies of its router."""
        dependant: Dependant | None = getattr(self.target, "dependant", None)
        return [dependant] if dependant is not None else [_dependant(one) for one in _dependencies(self.owner)]

    def marks(self) -> Iterator[object]:
        """What its handler is marked with; the dependencies of the target, and of those."""
        yield from Place.marks(self)
        todo = self.dependants()
        while todo:
            one = todo.pop()
            if one.call is not None:
                yield one.call
            todo.extend(reversed(one.dependencies))

    def fronts(self) -> tuple[str, ...]:
        """The declared paths of a group of static front ends; none for any other target."""
        group = getattr(self.target, "original_route", self.target)
        if not isinstance(group, fastapi_routing._FrontendRouteGroup):  # pyright: ignore[reportPrivateUsage]
            return ()
        prefix = getattr(self.target, "frontend_prefix", "")
        return tuple(f"{prefix}{route.path}".rstrip("/") + "/*" for route in group.routes)


class FastApiRouting(Routing):
    """The routing of FastAPI: included routers are followed, and static front ends tried last."""

    dispatches: ClassVar[tuple[Any, ...]] = (*Routing.dispatches, APIRouter.app)
    calls: ClassVar[tuple[Any, ...]] = (*Routing.calls, FastAPI.__call__)
    stacks: ClassVar[tuple[Any, ...]] = (*Routing.stacks, FastAPI.build_middleware_stack)
    matches: ClassVar[tuple[Any, ...]] = (*Routing.matches, APIRoute.matches, APIWebSocketRoute.matches)

    def place(self, target: Target, owner: Owner) -> Place:
        """A target with the router it stands in, or FastAPI's record of its inclusion."""
        return FastApiPlace(target, owner)

    def at_last(self, found: tuple[Target, Owner], router: Router, scope: Scope) -> tuple[Target, Owner]:
        """What serves `scope` where no route of `router` does: the files of `app.frontend(...)`, or what is `found`."""
        low = getattr(router, "_match_low_priority", None)
        if low is not None:
            match, _, route, context = low(scope)
            if match is not Match.NONE:
                return context or route, router
        return found

    def inside(self, route: Target, owner: Owner, scope: Scope) -> tuple[Target, Owner]:
        """What serves `scope` where `route` of `owner` matches it: of an included router the route in it."""
        while isinstance(route, _INCLUDED) and _is_followed(route):
            owner = route
            _, _, route, context = owner._match(scope)
            if context is not None:
                route = context.starlette_route or context
        return route, owner

    def places(self, router: Router) -> Iterator[Place]:
        """Every place in `router`, in the order in which they are tried."""
        yield from super().places(router)
        for candidate in getattr(router, "_iter_low_priority_routes", tuple)():
            yield self.place(candidate, router)

    def why_missing(self, path: str) -> str:
        """What takes away the routes that FastAPI declares by itself."""
        said = _TAKES_AWAY.get(path)
        return "" if said is None else f"; {said} takes {path} away"

    def unfolded(self, route: Target, owner: Owner) -> Iterator[Place]:
        """The places that `route` stands for: of an included router, those in it."""
        if not isinstance(route, _INCLUDED) or not _is_followed(route):
            yield self.place(route, owner)
            return
        for candidate in route.effective_candidates():
            if isinstance(candidate, _INCLUDED):
                yield from self.unfolded(candidate, route)
            else:
                yield self.place(candidate.starlette_route or candidate, route)


def _is_followed(included: Any) -> bool:
    """Whether what FastAPI asks of an included router leads to the record of its inclusion, as `inside` does."""
    router = included.original_router
    return (
        getattr(router.handle, "__func__", None) is APIRouter.handle
        and getattr(router.matches, "__func__", None) is APIRouter.matches
        and getattr(router.app, "__func__", None) is APIRouter.app
    )


def _dependencies(owner: Owner) -> Sequence[Depends]:
    if isinstance(owner, _INCLUDED):
        included: Any = owner
        return [*included.include_context.dependencies, *included.original_router.dependencies]
    return getattr(owner, "dependencies", ())


def _dependant(depends: Depends) -> Dependant:
    return get_dependant(path="", call=cast("Callable[..., Any]", depends.dependency))
