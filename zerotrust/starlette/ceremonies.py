"""The ready ceremonies in an application: their routes, and refusals that lead there."""

from __future__ import annotations

from typing import Any, Final

from starlette.routing import Route, Router
from starlette.types import Scope

from zerotrust.asgi.ceremonies import CeremoniesApp
from zerotrust.web.ceremonies import Ceremonies
from zerotrust.web.ceremonies.met import hidden
from zerotrust.web.gate import Gate
from zerotrust.web.report import RouteLine

BECAUSE: Final = "ready ceremonies: each decides what it requires"

_ROOT: Final = "zerotrust.root"


class Mounted:
    """Ceremonies in the router of an application.

    Args:
        router: of the application; the routes stand before all that it has until then.
        ceremonies: what is mounted.
        gate: what decides there.
    """

    def __init__(self, router: Router, ceremonies: Ceremonies, gate: Gate) -> None:
        app = CeremoniesApp(ceremonies, sources=gate.sources, peers=gate.peers, clock=gate.clock)
        self._ceremonies = ceremonies
        below: Any = ceremonies.at + "/{ceremony:path}"
        self.routes: tuple[Route, ...] = tuple(
            Route(path, app, include_in_schema=False) for path in (ceremonies.at, below)
        )
        router.routes[:0] = self.routes

    def hidden(self, lines: tuple[RouteLine, ...]) -> tuple[str, ...]:
        """A problem for each route that lies below the ceremonies, which stand before it."""
        own = {route.path for route in self.routes}
        others = (line.path for line in lines if line.path not in own and line.methods != ("WS",))
        return tuple(hidden(others, self._ceremonies.setup))

    def entered(self, scope: Scope) -> None:
        """Note where the application is mounted: what is mounted further in has a root of its own."""
        scope[_ROOT] = scope.get("root_path", "")

    def root_of(self, scope: Scope) -> str:
        """Where the application that these are in is mounted, as noted when it was entered."""
        return str(scope.get(_ROOT, scope.get("root_path", "")))
