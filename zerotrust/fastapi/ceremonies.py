"""The ready ceremonies in an application: their routes, and refusals that lead there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from starlette.routing import Route, Router
from starlette.types import Scope

from zerotrust.asgi.ceremonies import CeremoniesApp
from zerotrust.core.decision import Challenge, Deny
from zerotrust.core.policy import Policy
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources, run_async
from zerotrust.web.answer import Answer
from zerotrust.web.ceremonies import BUDGET, Ceremonies
from zerotrust.web.ceremonies.leading import leading
from zerotrust.web.ceremonies.met import check_met, hidden
from zerotrust.web.ceremonies.ways import narrowing, step_up
from zerotrust.web.peers import Peers
from zerotrust.web.report import RouteLine

BECAUSE: Final = "ready ceremonies: each decides what it requires"

_ROOT: Final = "zerotrust.root"


class Mounted:
    """Ceremonies in the router of an application.

    Args:
        router: of the application; the routes stand before all that it has until then.
        ceremonies: what is mounted.
        sources: what answers their questions.
        peers: says who the peer of a connection is.
        clock: tells the time in POSIX seconds.
    """

    def __init__(
        self, router: Router, ceremonies: Ceremonies, sources: Sources, peers: Peers | None, clock: Callable[[], float]
    ) -> None:
        app = CeremoniesApp(ceremonies, sources=sources, peers=peers, clock=clock)
        self._ceremonies = ceremonies
        self._sources = sources
        below: Any = ceremonies.at + "/{ceremony:path}"
        self.routes: tuple[Route, ...] = tuple(
            Route(path, app, include_in_schema=False) for path in (ceremonies.at, below)
        )
        router.routes[:0] = self.routes

    def check(self, policy: Policy, where: str) -> Policy:
        """`policy`, if what it asks of factors can be proven here; else a `ConfigError` that says what to write."""
        check_met(policy, where, self._ceremonies.setup)
        return policy

    def hidden(self, lines: tuple[RouteLine, ...]) -> tuple[str, ...]:
        """A problem for each route that lies below the ceremonies, which stand before it."""
        own = {route.path for route in self.routes}
        others = (line.path for line in lines if line.path not in own and line.methods != ("WS",))
        return tuple(hidden(others, self._ceremonies.setup))

    def entered(self, scope: Scope) -> None:
        """Note where the application is mounted: what is mounted further in has a root of its own."""
        scope[_ROOT] = scope.get("root_path", "")

    async def step_up(self, scope: Scope, decision: Challenge | Deny, request: AccessRequest) -> dict[str, Any] | None:
        """Where and how whoever was refused can prove what is missing; None if no factor would let them in."""
        setup = self._ceremonies.setup
        ways = step_up(decision, setup, request, self._at(scope))
        return None if ways is None else await run_async(narrowing(ways, decision, setup), self._sources, BUDGET)

    def leading(self, scope: Scope, request: AccessRequest, ways: dict[str, Any]) -> Answer | None:
        """The way there, for the browser of a person who was going somewhere; None for anything else."""
        return leading(request, self._at(scope), ways) if scope["type"] == "http" else None

    def _at(self, scope: Scope) -> str:
        return self._ceremonies.below(scope.get(_ROOT, scope.get("root_path", "")))
