"""What the guard has to know of Starlette's routing, all of it in this file.

The guard must authorise the very route that the router will run. So `pick` asks the same route objects the same
question (`matches`) in the same order as the router does, on the very scope the router gets; nothing is parsed anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeAlias, TypeVar

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Scope

from zerotrust.web.functions import marks

T = TypeVar("T")

# The methods by which Starlette dispatches. What has others may run anything, and is not looked into.
_HANDLES: Final = (Mount.handle, Host.handle)
_MOST_MIDDLEWARE: Final = 100  # around one router; one that leads back to itself must not be followed for ever

# A route, or what a framework on top of Starlette puts in its place.
Target: TypeAlias = Any
# The target of a path that cannot be matched, since a convertor does not take it: int() refuses 5000 digits.
UNMATCHED: Final[Target] = object()
# The router that a target stands in, or what a framework on top keeps in its place.
Owner: TypeAlias = Any


class Several:
    """What a path leads to by another method than that of the request; of its routes, the first will say so.

    Attributes:
        places: all of its routes.
        key: what this is remembered by, the places being kept with it.
    """

    __slots__ = ("key", "places")

    def __init__(self, places: tuple[Place, ...]) -> None:
        self.places: tuple[Place, ...] = places
        self.key: tuple[int, ...] = tuple(id(place.target) for place in places)


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
    def problem(self) -> str | None:
        """Why nobody may pass here: what it requires cannot be told. None if it can."""
        return None

    @property
    def is_whole(self) -> bool:
        """Whether the target stands for all that is below it, and is no mount."""
        return False

    @property
    def path(self) -> str:
        """As declared; `//` and the name for a host."""
        return f"//{self.target.host}" if isinstance(self.target, Host) else str(getattr(self.target, "path", ""))

    @property
    def template(self) -> str:
        """The path with its parameters, without their convertors."""
        return str(getattr(self.target, "path_format", self.path))

    @property
    def methods(self) -> tuple[str, ...]:
        """The HTTP methods it answers; `WS` for a WebSocket, `*` if it decides for itself."""
        if isinstance(self.target, WebSocketRoute):
            return ("WS",)
        return tuple(sorted(getattr(self.target, "methods", None) or ("*",)))

    def marks(self) -> Iterator[object]:
        """What its handler is marked with."""
        yield from marks(self.endpoint)

    @property
    def endpoint(self) -> object:
        """What the target was declared with; None if it has none."""
        return getattr(self.target, "endpoint", None)

    def fronts(self) -> tuple[str, ...]:
        """The declared paths of a group of static front ends; none for any other target."""
        return ()


class Routing:
    """The routing of Starlette itself; frameworks on top of it have their own.

    Attributes:
        dispatches: the methods by which routers dispatch. calls, stacks: those of applications. matches: those of
            routes that look at the kind of a request, its path and its method alone.
    """

    dispatches: ClassVar[tuple[Any, ...]] = (Router.app,)
    calls: ClassVar[tuple[Any, ...]] = (Starlette.__call__,)
    stacks: ClassVar[tuple[Any, ...]] = (Starlette.build_middleware_stack,)
    matches: ClassVar[tuple[Any, ...]] = (Route.matches, WebSocketRoute.matches, Mount.matches)

    def place(self, target: Target, owner: Owner) -> Place:
        """A target with the router it stands in."""
        return Place(target, owner)

    # --- The route of a request --------------------------------------------------------------------------------------

    def pick(self, router: Router, scope: Scope) -> tuple[Target, Owner]:
        """The target in `router` that will serve `scope`, None if that will be a 404 or a redirect; and its owner."""
        found: tuple[Target, Owner] = (None, router)
        partial: BaseRoute | None = None
        try:
            for route in router.routes:
                match, _ = route.matches(scope)
                if match is Match.FULL:
                    found = self.inside(route, router, scope)
                    break
                if match is Match.PARTIAL and partial is None:
                    partial = route
            else:
                if partial is not None:
                    found = self._partly(router, scope, partial)
            return found if found[0] is not None else self.at_last(found, router, scope)
        except ValueError:  # of a convertor, as the router would raise it
            return UNMATCHED, router

    def _partly(self, router: Router, scope: Scope, partial: BaseRoute) -> tuple[Target, Owner]:
        """What answers a method that no route of the path takes: the first of them, but all have a say."""
        places = [place for place in self.places(router) if place.target.matches(scope)[0] is Match.PARTIAL]
        if scope.get("method") == "HEAD":  # FastAPI's routes for GET leave it out, but it asks for the same
            places = [place for place in places if "GET" in place.methods] or places
        if not places:
            return self.inside(partial, router, scope)
        return (places[0].target, places[0].owner) if len(places) == 1 else (Several(tuple(places)), router)

    def at_last(self, found: tuple[Target, Owner], router: Router, scope: Scope) -> tuple[Target, Owner]:
        """What serves `scope` where no route of `router` does, which is `found`."""
        return found

    def inside(self, route: Target, owner: Owner, scope: Scope) -> tuple[Target, Owner]:
        """What serves `scope` where `route` of `owner` matches it."""
        return route, owner

    def pick_surely(self, router: Router, scope: Scope) -> tuple[Target, Owner] | None:
        """What `pick` gives for a `probe`, where no other part of a request can make it another target; else None."""
        try:
            target, owner = self.pick(router, scope)
        except Exception:  # noqa: BLE001 - routes of the application's own may look for what a probe has not
            return None
        route: object = getattr(target, "original_route", target)
        matches = getattr(type(route), "matches", None)
        return (target, owner) if target is None or matches in self.matches else None

    # --- All routes --------------------------------------------------------------------------------------------------

    def places(self, router: Router) -> Iterator[Place]:
        """Every place in `router`, in the order in which they are tried."""
        for route in router.routes:
            yield from self.unfolded(route, router)

    def unfolded(self, route: Target, owner: Owner) -> Iterator[Place]:
        """The places that `route` stands for."""
        yield self.place(route, owner)

    def everywhere(self, router: Router) -> Iterator[Place]:
        """Every place in `router` and in all that is mounted there, whoever guards it."""
        todo, seen = [router], list[Router]()
        while todo:
            one = todo.pop()
            if any(one is other for other in seen):  # an application may be mounted inside itself
                continue
            seen.append(one)
            for place in self.places(one):
                yield place
                app: object = getattr(place.mount, "_base_app", getattr(place.mount, "app", None))
                inner = app.router if isinstance(app, Starlette) else app
                if isinstance(inner, Router):
                    todo.append(inner)

    def why_missing(self, path: str) -> str:
        """What to add where no route was declared as `path`, which the framework may declare by itself."""
        return ""

    # --- What is mounted ---------------------------------------------------------------------------------------------

    def inner_router(self, mount: Mount | Host) -> Router | None:
        """The router behind a mount, also behind the mount's own middleware; None if something else may answer."""
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
            return app.router if kind.__call__ in self.calls and kind.build_middleware_stack in self.stacks else None
        return app if isinstance(app, Router) else None

    def wrap(self, router: Router, kind: type[T], make: Callable[[ASGIApp], T]) -> T | None:
        """Put `make(dispatch)` around the dispatch of `router`, inside whatever middleware the router has.

        Returns what was made, or the `kind` that stands there already; None if the dispatch cannot be found or is not
        one that this class knows.
        """
        if type(router).__call__ is not Router.__call__:
            return None
        if getattr(router.app, "__func__", None) not in self.dispatches:
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


def probe(path: str, method: str) -> dict[str, Any]:
    """A scope that says nothing but `path` and `method`, `WS` for a WebSocket."""
    kind = {"type": "websocket"} if method == "WS" else {"type": "http", "method": method}
    return {**kind, "path": path, "raw_path": path.encode(), "root_path": "", "query_string": b"", "headers": []}
