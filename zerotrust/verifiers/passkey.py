"""Passkeys and security keys (WebAuthn Level 3): enrolled, used, and asked about by policies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar, Final, Literal, get_args

import attrs

from zerotrust.core.ask import ConsumeOnce, Gather, ask
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import minutes
from zerotrust.core.reason import (
    ALREADY_ENROLLED,
    REPLAYED,
    WRONG_CHALLENGE,
    Reason,
)
from zerotrust.core.remedy import Action, Step
from zerotrust.core.verifier import Verifier
from zerotrust.factors.account import Account
from zerotrust.factors.assertion import AssertionResponse, read_assertion
from zerotrust.factors.challenges import Challenges, Purpose
from zerotrust.factors.enrolled import Enrolled
from zerotrust.factors.passkey_options import creation_options, request_options
from zerotrust.factors.passkey_records import Kept
from zerotrust.factors.passkey_use import UNKNOWN, Asserted, checked_name, enrolled, using
from zerotrust.factors.passkeys import TRIES, Passkeys, contended, place_name
from zerotrust.factors.proof import Method
from zerotrust.factors.registration import check_registration, read_registration
from zerotrust.factors.relying_party import RelyingParty
from zerotrust.factors.response import ResponseJson
from zerotrust.verifiers.code_config import check_session
from zerotrust.verifiers.factor import Proving, Sure
from zerotrust.verifiers.passkey_copies import COPIED, refusing
from zerotrust.verifiers.passkey_credentials import KeptCredentials
from zerotrust.verifiers.passkey_questions import phrases, plainly
from zerotrust.verifiers.token import check_name
from zerotrust.wire.encoding import b64url_encode
from zerotrust.wire.json import JsonValue

OnClone = Literal["record", "refuse"]
"""What a signature counter that shows a copy leads to."""

_LIFETIME: Final = minutes(5)
_MOST: Final = 20  # each costs a question to the store where they are listed, and a run of steps has 32 of them
_UNNAMED: Final = "Passkey"
_USUAL: Final = ("hybrid", "internal")  # transports of most passkeys

_BEGIN_AGAIN: Final = WRONG_CHALLENGE(detail="nothing is known of this account any more; begin again")


@attrs.frozen(eq=False, init=False, repr=False)
class Passkey(KeptCredentials):
    """A passkey or security key of the subject of a session (WebAuthn Level 3).

    It gives the leaves that ask whether one was used in the session, and the steps by which passkeys are enrolled, used
    and managed. Steps are generators of asks, for `run` and `run_async`, and need a store: their state lies there and
    nowhere else. Where it fails, they raise `SourceFailed`, and nothing was proven.

    A challenge is good for one success of one kind, in the browser session it was made for. A credential belongs to one
    account. Its counter and flags are written by compare-and-set, so that no two uses with one counter both pass.

    Args:
        rp: the relying party: where passkeys are good, and which ones are taken.
        of: the session that remembers their use.
        secret: at least 32 random bytes that sign challenges, or the text that `zerotrust store key` prints, the same
            on all servers. Of a list the first signs: add a new one behind the old, put it first, drop the old.
        name: what it is called in explanations.
        most: how many passkeys one account may have, from 1 to 20.
        lifetime: how long a person may take to answer a challenge.
        on_clone: what comes of a signature counter that did not grow, as that of a copy does not (section 6.1.1). The
            passkey is marked for good. With `record` a step-up succeeds with a proof that counts for no `within` and
            makes `cloned` YES; with `refuse` it does not succeed, and all sessions of the account end, since any of
            them may rest on the copy. Signing in with a marked passkey never succeeds.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    method: ClassVar[Method] = "passkey"

    rp: RelyingParty
    of: Verifier[Any] | None
    name: str
    scope: str
    on_clone: OnClone
    _challenges: Challenges
    _passkeys: Passkeys

    def __init__(
        self,
        rp: RelyingParty,
        *,
        of: Verifier[Any],
        secret: bytes | str | Sequence[bytes | str],
        name: str = "passkey",
        most: int = 16,
        lifetime: timedelta = _LIFETIME,
        on_clone: OnClone = "record",
    ) -> None:
        for what, given, kind, example in (
            ("rp", rp, RelyingParty, 'RelyingParty("example.com", name="Example", origins=["https://example.com"])'),
            ("of", of, Verifier, "the session that remembers: Session(of=token)"),
        ):
            if not isinstance(given, kind):
                raise ConfigError(f"{what} takes {example}, not {given!r}")
        if not (isinstance(name, str) and name.isidentifier()):
            raise ConfigError(
                f"name={name!r} stands before leaves in explanations; write an identifier such as passkey"
            )
        if type(most) is not int or not 1 <= most <= _MOST:
            raise ConfigError(f"most={most!r}: write a number of passkeys from 1 to {_MOST}")
        if on_clone not in get_args(OnClone):
            raise ConfigError(f'on_clone={on_clone!r}: write "record" or "refuse"')
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            rp=rp,
            of=check_session("Passkey", of),
            name=check_name(name),
            scope=rp.id,
            on_clone=on_clone,
            challenges=Challenges(secret, rp.id, lifetime),
            passkeys=Passkeys(rp.id, most),
        )

    # --- Steps of others ----------------------------------------------------------------------------------------------

    def challenges(self, lifetime: timedelta) -> Challenges:
        """Challenges of the same secrets, for a ceremony of the caller's own: make, have it answered, check, assert."""
        return self._challenges.lasting(lifetime)

    # --- Enrolling ---------------------------------------------------------------------------------------------------

    def offering(
        self, account: Account, user_name: str, display_name: str, binding: bytes, now: float
    ) -> Gather[dict[str, JsonValue]]:
        """What a page gives to `navigator.credentials.create` (section 5.4); `enrolling` judges what comes back.

        Args:
            account: who enrols.
            user_name: what its owner knows the account by, e.g. an e-mail address; shown by authenticators.
            display_name: what its owner is called.
            binding: what names this browser's session and cannot be guessed.
            now: the moment of the request, POSIX seconds.

        Returns:
            `PublicKeyCredentialCreationOptionsJSON`.
        """
        challenge = self._challenges.make("enrol", binding, account, now)
        listed = yield from self._passkeys.beginning(account, now)
        good = yield from self._passkeys.good(account, listed, now)
        yield from self._passkeys.tidying(account, listed, good, now)
        return creation_options(
            self.rp,
            challenge=challenge,
            user_handle=listed.user_handle,
            user_name=user_name,
            display_name=display_name,
            exclude=[(kept.credential.id, kept.credential.transports) for kept in good],
            timeout=self._challenges.lifetime,
        )

    def enrolling(
        self, account: Account, response: ResponseJson, binding: bytes, now: float, name: str, sure: Sure | None = None
    ) -> Gather[Enrolled | Reason]:
        """Enrol the passkey that was made (section 7.1).

        Args:
            account: who enrols; the account of `offering`.
            response: `RegistrationResponseJSON`, as it came.
            binding: what names this browser's session.
            now: the moment of the request, POSIX seconds.
            name: what its owner calls it, at most 64 characters; `Passkey` if it is empty.
            sure: asked before the challenge counts as answered, and anything is written.

        Returns:
            The passkey; or the reason why it is not enrolled, e.g. `wrong_challenge`, `already_enrolled`, `replayed`,
            `too_large` where the account has too many, and those of `check_registration`.
        """
        called = checked_name(name or _UNNAMED)
        if isinstance(called, Reason):
            return called
        read = read_registration(response)
        if isinstance(read, Reason):
            return read
        mark = self._challenges.check(read.challenge, "enrol", binding, account, now)
        if isinstance(mark, Reason):
            return mark
        registration = check_registration(self.rp, read, read.challenge, now)
        if isinstance(registration, Reason):
            return registration
        if (yield from self._passkeys.finding(registration.credential_id, now)) is not None:
            return ALREADY_ENROLLED(detail="this passkey")  # section 7.1, step 26
        listed = yield from self._passkeys.listed(account, now)
        if listed is None:
            return _BEGIN_AGAIN
        refused = self._passkeys.full(listed)
        if refused is not None:
            return refused
        refused = None if sure is None else (yield from sure(None))
        if refused is not None:
            return refused
        if not (yield from ask(mark)):
            return REPLAYED(detail="this challenge")
        credential = registration.credential(account, called, now)
        kept = Kept(credential, listed.user_handle, place_name())
        refused = yield from self._passkeys.adding(kept, now)
        return enrolled(kept) if refused is None else refused

    # --- Using -------------------------------------------------------------------------------------------------------

    def challenging(self, account: Account | None, binding: bytes, now: float) -> Gather[dict[str, JsonValue]]:
        """What a page gives to `navigator.credentials.get` (section 5.5); `proving` judges what comes back.

        Who asks about an account that has no passkeys, or does not exist, is given one that nobody has, always the same
        (section 14.6.2).

        Args:
            account: whose passkeys may answer; None if whoever has one may sign in with it.
            binding: what names this browser's session and cannot be guessed.
            now: the moment of the request, POSIX seconds.

        Returns:
            `PublicKeyCredentialRequestOptionsJSON`.
        """
        challenge = self._challenges.make("sign-in" if account is None else "step-up", binding, account, now)
        return (yield from self.requesting(account, challenge, now))

    def requesting(self, account: Account | None, challenge: bytes, now: float) -> Gather[dict[str, JsonValue]]:
        """`challenging` with a challenge of the caller's own, who then has `asserting` judge what comes back."""
        allow: list[tuple[bytes, tuple[str, ...]]] = []
        if account is not None:
            listed = yield from self._passkeys.listed(account, now)
            imaginary = self._challenges.imaginary(account, b"credential id")
            allow = [(place.credential_id, place.transports) for place in (listed.places if listed else ())]
            allow = allow or [(imaginary, _USUAL)]
        return request_options(self.rp, challenge=challenge, allow=allow, timeout=self._challenges.lifetime)

    def proving(
        self, account: Account | None, response: ResponseJson, binding: bytes, now: float
    ) -> Gather[Proving | Reason]:
        """Judge the answer to a challenge of `challenging` (section 7.2).

        Args:
            account: whose passkey has to have answered; None if whoever it was signs in.
            response: `AuthenticationResponseJSON`, as it came.
            binding: what names this browser's session.
            now: the moment of the request, POSIX seconds.

        Returns:
            Whose passkey it was and what it proves; or the reason why it proves nothing, e.g. `wrong_challenge`,
            `not_enrolled`, `wrong_credential`, `replayed`, and those of `check_assertion`.
        """
        read = read_assertion(response)
        if isinstance(read, Reason):
            return read
        purpose: Purpose = "sign-in" if account is None else "step-up"
        mark = self._challenges.check(read.challenge, purpose, binding, account, now)
        if isinstance(mark, Reason):
            return mark
        made_at = self._challenges.made_at(mark)
        came = yield from self.asserting(account, read, read.challenge, now, once=mark, made_at=made_at)
        if isinstance(came, Reason):
            return came
        if came.cloned and account is None:
            return COPIED
        return Proving(came.account, came.proof)

    def asserting(
        self,
        account: Account | None,
        response: ResponseJson | AssertionResponse,
        challenge: bytes,
        now: float,
        *,
        once: ConsumeOnce | None = None,
        later: ConsumeOnce | None = None,
        made_at: float | None = None,
        user_verified: bool = False,
    ) -> Gather[Asserted | Reason]:
        """Judge the answer to `challenge`, which the caller knows to be one of its own and still open.

        Args:
            account: whose passkey has to have answered; None if anybody's may.
            response: `AuthenticationResponseJSON`, as it came.
            challenge: the challenge it has to answer.
            now: the moment of the request, POSIX seconds.
            once: the mark of the challenge, consumed when everything was checked and before anything is written: an
                answer that comes a second time is `replayed`, and does not look like a copy of the key.
            later: that mark, where the caller consumes it afterwards: until then the very same answer may come again,
                and its counter counts once.
            made_at: when the challenge was made, POSIX seconds, e.g. `Challenges.made_at(mark)`: a lower counter shows
                no copy where another use came after that. Without it, every counter that does not grow does.
            user_verified: whether the authenticator has to have verified its user, whatever the relying party says.

        Returns:
            What was used, and how. Look at `cloned`: unless `on_clone` is `refuse`, nothing was refused for it. Else
            the reason.
        """
        read = response if isinstance(response, AssertionResponse) else read_assertion(response)
        if isinstance(read, Reason):
            return read
        came = yield from using(
            self._passkeys, self.rp, account, read, challenge, now,
            once=once, later=later, made_at=made_at, user_verified=user_verified,
        )  # fmt: skip
        if isinstance(came, Asserted) and came.cloned and self.on_clone == "refuse":
            return (yield from refusing(self.of, came.account, now))
        return came

    # --- What its owner does with it ---------------------------------------------------------------------------------

    def listing(self, account: Account, now: float) -> Gather[tuple[Enrolled, ...]]:
        """The passkeys of `account`, the oldest first."""
        listed = yield from self._passkeys.listed(account, now)
        good = () if listed is None else (yield from self._passkeys.good(account, listed, now))
        return tuple(map(enrolled, good))

    def renaming(self, account: Account, id: str, name: str, now: float) -> Gather[Reason | None]:  # noqa: A002
        """Call the passkey `id` of `account` `name`.

        Returns:
            None; `not_enrolled` if it has no such passkey, `malformed` or `too_large` for a name that is none.
        """
        called = checked_name(name)
        if isinstance(called, Reason):
            return called
        for _ in range(TRIES):
            kept = yield from self._passkeys.owned(account, id, now)
            if kept is None:
                return UNKNOWN
            new = replace(kept, credential=replace(kept.credential, name=called))
            if (yield from self._passkeys.replacing(kept, new, now)):
                return None
        raise contended()

    def removing(self, account: Account, id: str, now: float) -> Gather[Reason | None]:  # noqa: A002
        """Forget the passkey `id` of `account`, its last one too: from now on it proves nothing.

        Returns:
            None; `not_enrolled` if it has no such passkey.
        """
        kept = yield from self._passkeys.owned(account, id, now)
        if kept is None:
            return UNKNOWN
        yield from self._passkeys.removing(kept, now)
        return None

    def signalling(self, account: Account, now: float) -> Gather[dict[str, JsonValue] | None]:
        """What a page gives to `PublicKeyCredential.signalAllAcceptedCredentials` (section 5.1.10.3).

        With it the person's password manager hides passkeys that were removed here. For whoever has signed in alone.

        Returns:
            `AllAcceptedCredentialsOptions`; None if `account` never had a passkey.
        """
        listed = yield from self._passkeys.listed(account, now)
        if listed is None:
            return None
        good = yield from self._passkeys.good(account, listed, now)
        return {
            "rpId": self.rp.id,
            "userId": b64url_encode(listed.user_handle),
            "allAcceptedCredentialIds": [b64url_encode(kept.credential.id) for kept in good],
        }

    # --- Remedies ----------------------------------------------------------------------------------------------------

    def describe(self, step: Step) -> str:
        """`use your passkey`, `use your passkey again, with user verification`, ..."""
        if step.action is not Action.PRESENT_FACTOR:
            return super().describe(step)
        what = f"use your {self.name.replace('_', ' ')}{' again' if step.again else ''}"
        return ", ".join((what, *phrases(step.demands)))

    def phrase(self, step: Step) -> str:
        """`use your passkey`, `use a passkey that stays on one device, and let it check that it is you`, ..."""
        if step.action is not Action.PRESENT_FACTOR:
            return super().phrase(step)
        return plainly(self.name.replace("_", " "), step)
