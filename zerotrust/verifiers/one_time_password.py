"""What TOTP and HOTP have in common: how a key is offered, enrolled and kept, and how a code is taken."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

from zerotrust.core.ask import Count, Gather, Lookup, Put, SourceFailed, ask
from zerotrust.core.reason import NOT_ENROLLED, REPLAYED, SOURCE_REFUSED, WRONG_CODE, Reason
from zerotrust.core.verifier import Verifier
from zerotrust.factors.account import Account
from zerotrust.factors.attempt import Attempts
from zerotrust.factors.enrolled import Enrolled
from zerotrust.factors.held import BUSY, RETRIES, Found, Held, State, check_name, place
from zerotrust.factors.otp_secret import OtpOffer, new_id, new_key, shown_secret
from zerotrust.factors.proof import Proof
from zerotrust.factors.throttle import Throttle, throttled
from zerotrust.verifiers.factor import FactorVerifier, Proving, Sure
from zerotrust.wire.otp import DIGITS, Algorithm, OtpKey, is_code

_ENROLLING: Final = 20  # codes for one account while an enrolment may take

UNREADABLE: Final = WRONG_CODE(expected="6 to 8 digits, each of them 0 to 9")
_WRONG: Final = WRONG_CODE()
_NOT_ENROLLED: Final = NOT_ENROLLED()
_NO_OFFER: Final = NOT_ENROLLED(detail="no enrolment is under way; begin one")
_OVERTAKEN: Final = NOT_ENROLLED(detail="another was enrolled or removed at the same time; begin anew")
ENROLLED_BEFORE: Final = REPLAYED(detail="this enrolment is complete")


class OtpState(State, Protocol):
    """What one kind of authenticator remembers besides its key."""

    @property
    def algorithm(self) -> Algorithm:
        """The hash of its HMAC."""
        ...

    @property
    def digits(self) -> int:
        """How many digits its codes have."""
        ...


S = TypeVar("S", bound=OtpState)


class OneTimePassword(FactorVerifier, Generic[S]):
    """One authenticator of an account that makes codes of a key which both sides know.

    Attributes:
        issuer: what the application is called in authenticators.
        of: the session that remembers proofs.
        name: what it is called in explanations.
        algorithm: the hash of newly enrolled ones.
        digits: how many digits their codes have.
    """

    issuer: str
    of: Verifier[Any] | None
    name: str
    algorithm: Algorithm
    digits: int
    _throttle: Throttle
    _attempts: Attempts[S]
    _takes: float

    called: ClassVar[str]
    """What an authenticator is called whose owner gives it no name."""

    # --- Enrolling ---------------------------------------------------------------------------------------------------

    def offering(self, account: Account, label: str, now: float) -> Gather[OtpOffer]:
        """Make a key for `account` to enrol. What is enrolled already goes on as it was; an older offer is void.

        Args:
            account: who enrols.
            label: what the account is called in the authenticator, an address of mail, say. Cut after 128 octets.
            now: POSIX seconds.

        Returns:
            The secret, for its owner's eyes only.

        Raises:
            SourceFailed: the store did not keep it, or has no key to encrypt it with.
        """
        key, until = new_key(self.algorithm), now + self._takes
        held = Held(new_id(), self.called, now, self._begun())
        offer = held.to_bytes() + b"\n" + key
        yield from ask(Put(f"{self.method}.offered", place(account), offer, until, now, secret=True))
        return OtpOffer(shown_secret(key), self._uri(key, label), until)

    def enrolling(
        self, account: Account, code: str, now: float, name: str = "", sure: Sure | None = None
    ) -> Gather[Enrolled | Reason]:
        """Enrol what was offered to `account`, in the place of what was enrolled, if `code` shows that it was taken in.

        The code counts as used. Whoever gets here may replace a factor: that they may is for the caller to know.

        Args:
            account: who enrols.
            code: what the authenticator says.
            now: POSIX seconds.
            name: what its owner calls it, at most 64 characters.
            sure: asked right before it begins to count.

        Returns:
            What is enrolled now, whatever fails once it counts; or what `sure` said, `wrong_code`, `not_enrolled` if
            nothing was offered lately, `replayed` if this offer was enrolled before, `malformed` for such a name,
            `throttled`.
        """
        called = check_name(name or self.called)
        if isinstance(called, Reason):
            return called
        if not is_readable(code):
            return UNREADABLE
        tried = yield from ask(Count(f"{self.method}.enrolling", place(account), self._takes, now))
        if tried > _ENROLLING:
            return throttled(self._takes / 8)
        # What it is to replace is read before the offer, so that nothing can be removed in between and come back.
        found = yield from self._attempts.records.reading(account, now)
        offer = yield from ask(Lookup(f"{self.method}.offered", place(account), now, secret=True))
        if offer is None:
            return _NO_OFFER
        line, _, key = offer.partition(b"\n")
        offered = self._attempts.records.parse(line)
        if offered is None:
            raise SourceFailed(SOURCE_REFUSED(detail="an offer that cannot be read"))
        at = self._find(offered.state, _made_ready(key, offered.state), code, now)
        state = _WRONG if at is None else self._used(offered.state, at, now)
        if isinstance(state, Reason):
            return state
        held = replace(offered, name=called, enrolled_at=now, state=state)
        return (yield from self._replacing(account, found, held, key, now, sure))

    def _replacing(
        self, account: Account, found: Found[S], held: Held[S], key: bytes, now: float, sure: Sure | None
    ) -> Gather[Enrolled | Reason]:
        """Let `held` with its `key` count in the place of what was `found`."""
        before = _id_of(found)
        if before == held.id:
            return ENROLLED_BEFORE
        # First the key: what counts has one. If this goes wrong it stays behind and counts for nothing; to take it away
        # could hit the same offer, enrolled by another request just now.
        yield from self._keeping(account, held.id, key, now)
        for _ in range(RETRIES):
            if sure is not None:
                refused = yield from sure(before)
                if refused is not None:
                    return refused
                again = yield from self._attempts.records.reading(account, now)
                if before is not None and _id_of(again) == before:
                    found = again  # attempts may have been counted while it was asked
            if (yield from self._attempts.records.replacing(account, found, held, now)) is not None:
                # It counts. What is left behind now counts for nothing, so it fails nothing.
                with suppress(SourceFailed):
                    yield from ask(Put(f"{self.method}.offered", place(account), None, now, now))
                with suppress(SourceFailed):
                    if before is not None:
                        yield from self._keeping(account, before, None, now)
                return self._shown(held)
            found = yield from self._attempts.records.reading(account, now)
            if _id_of(found) == held.id:
                return ENROLLED_BEFORE
            if before is None or _id_of(found) != before:
                return _OVERTAKEN
        return BUSY

    def _keeping(self, account: Account, id_: str, key: bytes | None, now: float) -> Gather[None]:
        kept = Put(f"{self.method}.key", place(account, id_), key, math.inf, now, secret=key is not None)
        yield from ask(kept)

    # --- Proving -----------------------------------------------------------------------------------------------------

    def proving(
        self, account: Account, code: str, now: float, address: str | None = None, known: bool | str = False
    ) -> Gather[Proving | Reason]:
        """Take a code of `account`. It counts once.

        The attempt is counted before the code is looked at, and taken back if the code was right.

        Args:
            account: whose authenticator.
            code: what was presented: ASCII digits and nothing else.
            now: POSIX seconds.
            address: where it comes from; None if nobody knows.
            known: the id of a browser in which `account` has proven a factor before, as its device cookie has it: these
                have a budget of their own, which nobody else's wrong codes touch. Empty or False for all others, and
                True for one that nobody tells from others that are known.

        Returns:
            What to remember; or `wrong_code`, `replayed` for one that was used or is older than one that was,
            `not_enrolled`, `throttled` with `expected` the seconds to wait.
        """
        if not is_readable(code):
            return UNREADABLE

        def find(state: S, key: OtpKey) -> int | None:
            return self._find(state, key, code, now)

        return (yield from self._proving(account, find, now, address, known))

    def _proving(
        self,
        account: Account,
        find: Callable[[S, OtpKey], int | None],
        now: float,
        address: str | None,
        known: bool | str,
    ) -> Gather[Proving | Reason]:
        """Take what `find` finds with the state and key of `account`."""
        admitted = yield from self._attempts.admitting(account, now, address, known)
        if isinstance(admitted, Reason):
            return admitted
        held = admitted.held
        key = yield from ask(Lookup(f"{self.method}.key", place(account, held.id), now, secret=True))
        if key is None:
            return _NOT_ENROLLED
        at = find(held.state, _made_ready(key, held.state))
        if at is None:
            return _WRONG
        settled = yield from self._attempts.settling(admitted, lambda state: self._used(state, at, now), now)
        return settled if isinstance(settled, Reason) else Proving(account, Proof(self.method, now, held.id))

    # --- What its owner does with it ---------------------------------------------------------------------------------

    def listing(self, account: Account, now: float) -> Gather[tuple[Enrolled, ...]]:
        """The authenticator of `account`, if there is one."""
        found = yield from self._attempts.records.reading(account, now)
        return () if found.held is None else (self._shown(found.held),)

    def renaming(self, account: Account, id: str, name: str, now: float) -> Gather[Reason | None]:  # noqa: A002
        """Call the authenticator `id` `name`; `malformed`, `not_enrolled` or `throttled` if that was not done."""
        return (yield from self._attempts.records.renaming(account, id, name, now))

    def removing(self, account: Account, id: str, now: float) -> Gather[Reason | None]:  # noqa: A002
        """Forget the authenticator `id` and what is being enrolled; the reason if that was not done."""
        refused = yield from self._attempts.records.removing(account, id, now)
        if refused is None:
            yield from ask(Put(f"{self.method}.offered", place(account), None, now, now))
            yield from self._keeping(account, id, None, now)
        return refused

    def _shown(self, held: Held[S]) -> Enrolled:
        said = self._throttle.said(held.tries)
        return Enrolled(held.id, self.method, held.name, held.enrolled_at, held.used_at, detail=said)

    # --- What differs ------------------------------------------------------------------------------------------------

    @abstractmethod
    def _begun(self) -> S:
        """What is remembered of an authenticator before its first code."""

    @abstractmethod
    def _uri(self, key: bytes, label: str) -> str:
        """The provisioning URI."""

    @abstractmethod
    def _find(self, state: S, key: OtpKey, code: str, now: float) -> int | None:
        """Which step or counter `code` is of, used before or not; None if it is none that is due."""

    @abstractmethod
    def _used(self, state: S, at: int, now: float) -> S | Reason:
        """What is remembered once the code of that step or counter is used; `replayed` if it was before."""


def is_readable(code: object) -> bool:
    """Whether `code` could be a code at all; what cannot be is not looked at any further."""
    return any(is_code(code, digits) for digits in DIGITS)


def _made_ready(key: bytes, state: OtpState) -> OtpKey:
    return OtpKey(key, state.algorithm, state.digits)


def _id_of(found: Found[S]) -> str | None:
    return None if found.held is None else found.held.id
