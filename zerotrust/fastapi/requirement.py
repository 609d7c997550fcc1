"""`guard.require(policy)`: a dependency that hands over the access, and a security scheme that documents itself."""
# No `from __future__ import annotations`: FastAPI reads the annotations of `__call__`.

from collections.abc import Awaitable, Callable
from typing import NoReturn

from fastapi.openapi.models import HTTPBase
from fastapi.openapi.models import SecurityBase as SecurityBaseModel
from fastapi.params import Depends, Security
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection
from starlette.types import Scope

from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import Policy
from zerotrust.web.access import Access
from zerotrust.web.openapi import SCHEMES, presented_by, scopes

ACCESS = "zerotrust.access"


class Requirement:
    """What FastAPI calls where a route requires a policy. The check itself was made before the body was read.

    Args:
        policy: what has to hold.
        decide: decides a scope that the guard did not decide on the way in, and raises a refusal.
    """

    def __init__(self, policy: Policy, decide: Callable[["Requirement", Scope], Awaitable[Access]]) -> None:
        self.policy = policy
        self._decide = decide
        self.told_late = False  # whether the log has been told that no guard stands where this is required

    async def __call__(self, connection: HTTPConnection) -> Access:
        """The access decided for this connection under this very policy, or with it among others."""
        access = connection.scope.get(ACCESS)
        if isinstance(access, Access) and self in access.grants:
            return access
        # The marker stands where no guard looked: in an app without one, say. It must not be a marker only.
        return await self._decide(self, connection.scope)

    def depends(self) -> Depends:
        """This requirement as FastAPI takes it."""
        return _Marker(self)


class TokenRequirement(Requirement, SecurityBase):
    """A requirement that a token has to meet: FastAPI shows it as a security scheme, the first where there are two."""

    def __init__(self, policy: Policy, decide: Callable[[Requirement, Scope], Awaitable[Access]]) -> None:
        super().__init__(policy, decide)
        name, model = SCHEMES[presented_by(policy)[0]]
        self.scheme_name: str = name
        self.model: SecurityBaseModel = HTTPBase(scheme=model["scheme"], description=model["description"])

    def depends(self) -> Depends:
        """This requirement as FastAPI takes it, with the scopes it documents."""
        return _TokenMarker(self, scopes=tuple(scopes(self.policy)))  # hashable, as annotations should be


class _Misused:
    """Says what to write where a marker was taken for a dependency or for a decorator."""

    @property
    def __signature__(self) -> NoReturn:
        raise ConfigError(
            "guard.require(...) is a dependency by itself; write dependencies=[guard.require(policy)] or "
            "Annotated[Access, guard.require(policy)], without Depends(...) around it"
        )

    def __call__(self, *_: object, **__: object) -> NoReturn:
        """Refuse to be called."""
        raise ConfigError(
            "guard.require(...) is no decorator; write @app.get(path, dependencies=[guard.require(policy)]), or take "
            "access: Annotated[Access, guard.require(policy)] as a parameter"
        )


class _Marker(_Misused, Depends):
    pass


class _TokenMarker(_Misused, Security):
    pass
