"""`guard.require(policy)`: a dependency that hands over the access, and a security scheme that documents itself."""
# No `from __future__ import annotations`: FastAPI reads the annotations of `__call__`.

from collections.abc import Awaitable, Callable
from typing import NoReturn

from fastapi.openapi.models import HTTPBase, HTTPBearer
from fastapi.openapi.models import SecurityBase as SecurityBaseModel
from fastapi.params import Depends, Security
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection
from starlette.types import Scope

from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import Leaf, Policy
from zerotrust.verifiers.token_questions import Scope as ScopeQuestion
from zerotrust.web.access import Access
from zerotrust.web.challenge import BEARER, DPOP, schemes, tokens_of

ACCESS = "zerotrust.access"

SCHEMES: dict[str, tuple[str, SecurityBaseModel]] = {
    BEARER: ("bearer", HTTPBearer(description="An access token (RFC 6750).")),
    DPOP: (
        "dpop",
        HTTPBase(
            scheme="dpop",
            description="An access token bound to a key, with a proof of that key in the `DPoP` header (RFC 9449).",
        ),
    ),
}
"""How FastAPI calls and describes what a token may be presented by."""


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
        self.model: SecurityBaseModel = model

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


def presented_by(policy: Policy) -> tuple[str, ...]:
    """The schemes by which the tokens come that `policy` looks at; none if it looks at none that callers send."""
    found = {scheme for token in tokens_of(policy) for scheme in schemes(token)}
    return tuple(scheme for scheme in SCHEMES if scheme in found)


def scopes(policy: Policy) -> list[str]:
    """The scopes that `policy` may ask for, for documentation: in `a | b` not all of them are needed."""
    program = policy.program
    asked = (program.leaves[position] for position, helps in program.polarities() if helps)
    questions = (leaf.question for leaf in asked if isinstance(leaf, Leaf))
    names = (name for question in questions if isinstance(question, ScopeQuestion) for name in question.names)
    return list(dict.fromkeys(names))
