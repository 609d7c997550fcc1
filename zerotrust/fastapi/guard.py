"""The guard of a FastAPI application: Starlette's, with dependencies and an OpenAPI document."""

from __future__ import annotations

from typing import ClassVar, cast

from fastapi import FastAPI

from zerotrust.core.policy import Policy
from zerotrust.fastapi.openapi import document
from zerotrust.fastapi.requirement import Dependency, Marker, TokenDependency
from zerotrust.fastapi.routes import FastApiRouting
from zerotrust.starlette.guard import Guard as StarletteGuard
from zerotrust.starlette.requirement import Requirement
from zerotrust.starlette.routes import Routing
from zerotrust.web.openapi import presented_by


class Guard(StarletteGuard):
    """Starlette's guard, for FastAPI: `guard.require(policy)` is a dependency, and the OpenAPI document tells of it.

    It takes the same arguments as `zerotrust.starlette.Guard`, and a Starlette application as well.
    """

    routing: ClassVar[Routing] = FastApiRouting()

    def _begin(self) -> None:
        if isinstance(self._app, FastAPI):
            document(self._app, lambda: self._protections.of_operations(self._app.router))

    def require(self, policy: Policy) -> Marker:
        """What requires `policy`: for `Annotated[Access, guard.require(policy)]` and `dependencies=[...]`.

        It is a decorator, too: for handlers, where it stands below the one that makes the route (`@app.get`), and for
        functions that they call, each of which then decides when it is called.
        """
        return cast("Dependency", self.requirement(policy)).depends()

    def _required(self, policy: Policy) -> Requirement:
        kind = TokenDependency if presented_by(policy) else Dependency
        return kind(policy, self._decide_late, self._gate.clock, self._decorated)
