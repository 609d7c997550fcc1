"""What a handler is given once its caller was let in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn, TypeAlias, TypeVar

from zerotrust.core.decision import Allow
from zerotrust.core.errors import ConfigError, NotVerified
from zerotrust.core.evidence import Evidence
from zerotrust.core.policy import Policy
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Verifier
from zerotrust.web.checking import Desk, NotGiven, check, check_async

__all__ = ["Access", "NotVerified"]

E = TypeVar("E", bound=Evidence)

_JUST_NOW = 1.0  # seconds from a decision until its horizon is worked out for those who rely on it

Renewing: TypeAlias = Callable[[Mapping[str, str]], Awaitable[Allow]]
"""Decides anew by other headers."""


class Access:
    """The proof that a request was let in, with the evidence this rests on.

    `access[token]` is the evidence of the verifier `token`, with its type; `access.get(token)` is the same or None.

    Attributes:
        decision: the `Allow`, with its explanation.
    """

    __slots__ = ("_desk", "_renewing", "_request", "decision", "grants")

    def __init__(
        self,
        decision: Allow,
        grants: frozenset[object] = frozenset(),
        request: AccessRequest | None = None,
        desk: Desk | None = None,
    ) -> None:
        self.decision: Allow = decision
        # What a door has checked with this decision; a door compares by identity.
        self.grants: frozenset[object] = grants
        self._request = request
        self._desk = desk
        self._renewing: Renewing | None = None

    def __getitem__(self, verifier: Verifier[E]) -> E:
        """The evidence that `verifier` found; raises `NotVerified` if the decision did not rest on any.

        Evidence is there for certain only if the policy cannot be YES without it: in `a | b` one may be missing.
        """
        return self.decision[verifier]

    def get(self, verifier: Verifier[E]) -> E | None:
        """The evidence that `verifier` found; None if it was not asked or found nothing good."""
        return self.decision.get(verifier)

    def __contains__(self, verifier: Verifier[Any]) -> bool:
        return self.get(verifier) is not None

    def check(self, policy: Policy, *, resource: object = NotGiven.NOT_GIVEN, hidden: bool = False) -> Allow:
        """Decide whether this caller may do what `policy` says with the object that the handler has loaded.

        It rests on what let the request in, or was shown since by `renew`, on `resource`, and on the moment it is
        called. Call it before anything is done with the object, or shown of it.

        Args:
            policy: what has to hold, such as `invoice.owner == token.subject`.
            resource: the object, of the class that the policy speaks of. None, for one that is not there, is refused,
                whatever else would allow. Of policies that ask nothing of an object it is left out.
            hidden: answer as if there were no such thing (404), so that nobody learns which ids there are.

        Returns:
            The decision, if it allows.

        Raises:
            Denied: it does not; a guard answers that as any refusal. Also `wrong_resource`, if it is of another class,
                which the logger `zerotrust.guard` warns of.
            ConfigError: the policy needs an answer that has to be waited for, and the framework is an async one: write
                `await access.check_async(...)`. Or it asks something of a resource and none was given, or nothing and
                one was.
        """
        return check(*self._at_desk(), policy, resource, hidden)

    async def check_async(
        self, policy: Policy, *, resource: object = NotGiven.NOT_GIVEN, hidden: bool = False
    ) -> Allow:
        """`check` for policies that need the world: a store, an issuer that is asked, a key that has to be fetched."""
        return await check_async(*self._at_desk(), policy, resource, hidden)

    def under(self, allowed: Allow) -> Access:
        """The access of the same request after a further decision, with the evidence that this one rests on."""
        return _Under(allowed, self, self._desk)

    async def renew(self, headers: Mapping[str, str]) -> Allow:
        """Let a connection that lasts go on with what its caller shows now: a new token, sent as a message.

        The policy of the place is decided anew, by the request with these headers in place of its own. Whoever was let
        in stays who it is: the evidence has to be about the same subjects, of the same sources.

        Args:
            headers: by name, as `{"authorization": f"Bearer {token}"}`; `dpop` too, where the token is bound to a key:
                the proof is made as for the request itself.

        Returns:
            The decision, which `decision` is from now on, and `valid_until` with it. `check` rests on it, and on these
            headers, from now on; also that of accesses by which functions were called.

        Raises:
            Denied: it does not allow, with `subject_mismatch` if it is about somebody else. The connection is cut no
                sooner for it, and no later.
            OSError: the connection was cut meanwhile.
            ConfigError: nothing lasts here: call it once the WebSocket is accepted, or the first part of a streaming
                response was sent. A WSGI response cannot be renewed.
        """
        if self._renewing is None:
            raise ConfigError(
                "nothing lasts here that could be renewed: await access.renew(...) once the WebSocket is accepted, or "
                "the first part of a streaming response was sent"
            )
        return await self._renewing(headers)

    def lasting(self, renewing: Renewing | None) -> None:
        """Have `renew` do this, for a door; None once the connection has ended."""
        self._renewing = renewing

    def go_on(self, decision: Allow, request: AccessRequest) -> None:
        """Rest on a later decision, about the request as its caller shows it by now; for a door."""
        self._request = request
        self.decision = decision

    def granted(self, mark: object, now: float) -> bool:
        """Whether this was given for `mark`, and still holds: a task may go on long after its request.

        Args:
            mark: what a door knows a policy by.
            now: POSIX seconds. Within a second of the decision it holds as the decision does.
        """
        if mark not in self.grants:
            return False
        return 0 <= now - self.decision.now < _JUST_NOW or now < self.decision.valid_until

    @property
    def request(self) -> AccessRequest | None:
        """The request that was let in, as it was shown last; None if this was not given by a guard."""
        return self._request

    def _at_desk(self) -> tuple[Desk, AccessRequest, Allow]:
        request = self.request
        if self._desk is None or request is None:
            raise ConfigError(
                "this Access was not given by a guard, and does not know its request: write Access(decision, "
                "request=request, desk=Desk(...)), or decide(policy, request)"
            )
        return self._desk, request, self._rests_on()

    def _rests_on(self) -> Allow:
        return self.decision

    @property
    def valid_until(self) -> float:
        """POSIX seconds: until then the same evidence gives the same decision; what a long-lived connection obeys."""
        return self.decision.valid_until

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: object) -> NoReturn:
        """What a framework calls that takes an access for something a caller sends, were it not refused here."""
        raise ConfigError(
            "an Access is not sent by a caller: a guard gives it to a handler that requires a policy; write "
            "access: Annotated[Access, guard.require(policy)]"
        )

    def __repr__(self) -> str:
        return f"<Access under {self.decision.name}>"


class _Under(Access):
    """The access of a request after a further decision. What lasts is the connection, so it goes by that one's access.

    Args:
        decision: the further one.
        base: what let the request in.
        desk: of that.
    """

    __slots__ = ("_base", "_beside")

    def __init__(self, decision: Allow, base: Access, desk: Desk | None) -> None:
        super().__init__(decision, base.grants, None, desk)
        self._base = base
        self._beside = base.decision

    @property
    def request(self) -> AccessRequest | None:
        return self._base.request

    def under(self, allowed: Allow) -> Access:
        return _Under(allowed, self._base, self._desk)

    async def renew(self, headers: Mapping[str, str]) -> Allow:
        return await self._base.renew(headers)

    def granted(self, mark: object, now: float) -> bool:
        return self._base.granted(mark, now)

    def _rests_on(self) -> Allow:
        # Of what was found by what a caller showed once, nothing is left when it shows something else.
        mine, base = self.decision.findings, self._base.decision
        if base is self._beside:
            return self.decision
        found = {one: finding for one, finding in base.findings.items() if not one.needs_resource}
        same = bool(found) and all(mine.get(one) is finding for one, finding in found.items())
        return self.decision if same else base
