"""Recovery codes: the way back in for who has lost everything else (look-up secrets, SP 800-63B-4 section 3.1.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import attrs

from zerotrust.core.ask import Count, Gather, ask
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import WRONG_CODE, Reason
from zerotrust.core.verifier import Verifier
from zerotrust.factors.account import Account
from zerotrust.factors.attempt import Attempts
from zerotrust.factors.enrolled import Enrolled
from zerotrust.factors.held import BUSY, RETRIES, Held, Records, place
from zerotrust.factors.otp_secret import new_id
from zerotrust.factors.proof import Method, Proof
from zerotrust.factors.recovery import COSTS, LENGTH, MOST_CODES, RecoverySet, new_codes, new_set, normal, read_set
from zerotrust.factors.throttle import Throttle, throttled
from zerotrust.verifiers.code_config import THROTTLE, check_session, check_throttle
from zerotrust.verifiers.factor import FactorVerifier, Proving, Sure
from zerotrust.verifiers.token import check_name

_CALLED: Final = "Recovery codes"
_HOUR: Final = 3600.0
_SETS: Final = 10  # an hour and account: a set costs as many slow hashes as it has codes

_UNREADABLE: Final = WRONG_CODE(expected=f"{LENGTH} letters and digits as they were shown")


@dataclass(frozen=True, slots=True)
class NewCodes:
    """A set that was made.

    Attributes:
        id: names the set.
        codes: to be shown once and kept nowhere.
    """

    id: str
    codes: tuple[str, ...] = field(repr=False)


@attrs.frozen(eq=False, init=False, repr=False)
class RecoveryCodes(FactorVerifier):
    """A factor: codes that were shown once, to be kept in a safe place, each good once.

    They are kept as scrypt hashes with a salt of their set; to check one costs one hash, however many there are.

    Args:
        of: the session that remembers proofs.
        count: how many codes a set has; at most 32.
        cost: the logarithm of scrypt's N, 10 to 20; 14 takes 16 MiB and some 40 ms. Sets made with another keep theirs.
        throttle: how many wrong codes are taken.
        name: what it is called in explanations.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    of: Verifier[Any] | None
    count: int
    _cost: int
    name: str
    _throttle: Throttle
    _attempts: Attempts[RecoverySet]

    method: ClassVar[Method] = "recovery_code"

    def __init__(
        self,
        *,
        of: Verifier[Any],
        count: int = 10,
        cost: int = 14,
        throttle: Throttle = THROTTLE,
        name: str = "recovery_code",
    ) -> None:
        if type(count) is not int or not 1 <= count <= MOST_CODES:
            raise ConfigError(f"count={count!r}: write how many codes a set has, 1 to {MOST_CODES}")
        if type(cost) is not int or not COSTS[0] <= cost <= COSTS[1]:
            raise ConfigError(f"cost={cost!r}: write the logarithm of scrypt's N, {COSTS[0]} to {COSTS[1]}")
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            of=check_session("RecoveryCodes", of),
            count=count,
            cost=cost,
            name=check_name(name),
            throttle=check_throttle(throttle),
            attempts=Attempts(Records("recovery_code.enrolled", read_set), throttle),
        )

    def regenerating(self, account: Account, now: float) -> Gather[tuple[str, ...] | Reason]:
        """Make a new set for `account`; at that moment all older codes are void.

        Args:
            account: whose codes.
            now: POSIX seconds.

        Returns:
            The codes, to be shown once and kept nowhere; `throttled` after ten sets in an hour, or when others are made
            at the same time.
        """
        made = yield from self.making(account, now)
        return made if isinstance(made, Reason) else made.codes

    def making(self, account: Account, now: float, sure: Sure | None = None) -> Gather[NewCodes | Reason]:
        """What `regenerating` does, for whoever may have to take it back, or has to be asked right before it counts."""
        made = yield from ask(Count("recovery_code.made", place(account), _HOUR, now))
        if made > _SETS:
            return throttled(_HOUR / 8)
        codes = new_codes(self.count)
        held = Held(new_id(), _CALLED, now, new_set(codes, self._cost))
        for _ in range(RETRIES):
            found = yield from self._attempts.records.reading(account, now)
            if sure is not None:
                refused = yield from sure(None if found.held is None else found.held.id)
                if refused is not None:
                    return refused
            if (yield from self._attempts.records.replacing(account, found, held, now)) is not None:
                return NewCodes(held.id, codes)
        return BUSY

    def proving(
        self, account: Account, code: str, now: float, address: str | None = None, known: bool | str = False
    ) -> Gather[Proving | Reason]:
        """Take a code of `account`. It counts once.

        The attempt is counted before anything slow is done, and taken back if the code was right.

        Args:
            account: whose code.
            code: what was presented, in any case, with or without hyphens and blanks.
            now: POSIX seconds.
            address: where it comes from; None if nobody knows.
            known: the id of a browser in which `account` has proven a factor before, as its device cookie has it; empty
                or False for all others, and True for one that nobody tells from others that are known.

        Returns:
            What to remember; or `wrong_code`, `not_enrolled`, `throttled` with `expected` the seconds to wait.
        """
        plain = normal(code)
        if plain is None:
            return _UNREADABLE
        admitted = yield from self._attempts.admitting(account, now, address, known)
        if isinstance(admitted, Reason):
            return admitted
        hash_ = admitted.held.state.hashed(plain)
        settled = yield from self._attempts.settling(admitted, lambda left: left.used(hash_), now)
        return settled if isinstance(settled, Reason) else Proving(account, Proof(self.method, now, settled.id))

    def listing(self, account: Account, now: float) -> Gather[tuple[Enrolled, ...]]:
        """The set of `account`, with how many codes are left; nothing if it has none."""
        found = yield from self._attempts.records.reading(account, now)
        held = found.held
        if held is None:
            return ()
        left, said = len(held.state.hashes), self._throttle.said(held.tries)
        return (Enrolled(held.id, self.method, held.name, held.enrolled_at, held.used_at, left, said),)

    def renaming(self, account: Account, id: str, name: str, now: float) -> Gather[Reason | None]:  # noqa: A002
        """Call the set `id` `name`; `malformed`, `not_enrolled` or `throttled` if that was not done."""
        return (yield from self._attempts.records.renaming(account, id, name, now))

    def removing(self, account: Account, id: str, now: float) -> Gather[Reason | None]:  # noqa: A002
        """Void the set `id`; `not_enrolled` or `throttled` if that was not done."""
        return (yield from self._attempts.records.removing(account, id, now))
