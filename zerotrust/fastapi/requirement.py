"""`guard.require(policy)`: a dependency that hands over the access, and a security scheme that documents itself."""
# No `from __future__ import annotations`: FastAPI reads the annotations of `__call__`.

from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, ParamSpec, TypeVar

from fastapi.openapi.models import HTTPBase
from fastapi.openapi.models import SecurityBase as SecurityBaseModel
from fastapi.params import Depends, Security
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection
from starlette.types import Scope

from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import Policy
from zerotrust.starlette.requirement import Requirement
from zerotrust.web.access import Access
from zerotrust.web.ambient import ACCESS
from zerotrust.web.openapi import SCHEMES, presented_by, scopes

P = ParamSpec("P")
R = TypeVar("R")


class Dependency(Requirement):
    """What FastAPI calls where a route requires a policy. The check itself was made before the body was read."""

    async def __call__(self, connection: HTTPConnection) -> Access:
        """The access decided for this connection under this very policy, or with it among others."""
        access = connection.scope.get(ACCESS)
        if isinstance(access, Access) and self in access.grants:
            return access
        # The marker stands where no guard looked: in an app without one, say. It must not be a marker only.
        return await self.decide(self, connection.scope)

    def depends(self) -> "Marker":
        """This requirement as FastAPI takes it."""
        return Marker(self)


class TokenDependency(Dependency, SecurityBase):
    """A requirement that a token has to meet: FastAPI shows it as a security scheme, the first where there are two."""

    def __init__(
        self,
        policy: Policy,
        decide: Callable[[Requirement, Scope], Coroutine[Any, Any, Access]],
        now: Callable[[], float],
        note: Callable[[Callable[..., Any], Callable[..., Any]], None],
    ) -> None:
        super().__init__(policy, decide, now, note)
        name, model = SCHEMES[presented_by(policy)[0]]
        self.scheme_name: str = name
        self.model: SecurityBaseModel = HTTPBase(scheme=model["scheme"], description=model["description"])

    def depends(self) -> "Marker":
        """This requirement as FastAPI takes it, with the scopes it documents."""
        return TokenMarker(self, scopes=tuple(scopes(self.policy)))  # hashable, as annotations should be


class Marker(Depends):
    """A requirement: for `Annotated[Access, ...]` and `dependencies=[...]`, and a decorator for functions."""

    @property
    def __signature__(self) -> NoReturn:
        raise ConfigError(
            "guard.require(...) is a dependency by itself; write dependencies=[guard.require(policy)] or "
            "Annotated[Access, guard.require(policy)], without Depends(...) around it"
        )

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """`function`, requiring the policy of whoever is being served, each time it is called."""
        requirement: object = self.dependency
        assert isinstance(requirement, Requirement), "it is made with one"  # noqa: S101
        return requirement.around(function)


class TokenMarker(Marker, Security):
    """The same, for a policy that a token has to meet."""
