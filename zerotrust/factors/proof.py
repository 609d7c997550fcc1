"""A factor that was proven at a moment: what a session remembers, and what policies ask about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

Method: TypeAlias = Literal["passkey", "totp", "hotp", "recovery_code", "password"]
"""How a factor is proven."""

METHODS: Final[tuple[Method, ...]] = get_args(Method)

Kind: TypeAlias = Literal["knowledge", "possession", "inherence", "activation"]
"""The kinds of authentication factor (SP 800-63-4 section 4.3). An `activation` factor unlocks the authenticator itself
(SP 800-63B-4 section 3.2.10): it is one of knowledge or inherence, and the verifier is not told which.
"""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Proof:
    """One factor, proven once.

    Attributes:
        method: how.
        at: when, POSIX seconds.
        by: the id of the authenticator that proved it, as its owner sees it in the list; never a secret.
        scope: where it counts: the RP id of a passkey, empty for what has none.
        user_verified: whether the authenticator verified its user (WebAuthn Level 3 section 6.1, UV).
        device_bound: whether the key cannot leave the device that made it: its `BE` flag is clear.
        hardware_bound: whether an attestation that was verified says that the key is kept in hardware and cannot leave
            it; False where nothing was attested.
        cloned: whether the signature counter went back or stood still, as that of a copy does (WebAuthn Level 3
            section 6.1.1).
        model: the model of the authenticator, its AAGUID, where a verified attestation says so; empty elsewhere.
    """

    method: Method
    at: float
    by: str
    scope: str = ""
    user_verified: bool = False
    device_bound: bool = False
    hardware_bound: bool = False
    cloned: bool = False
    model: str = ""

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of factor this proves."""
        if self.method == "password":
            return _KNOWLEDGE
        return _BOTH if self.user_verified else _POSSESSION

    @property
    def phishing_resistant(self) -> bool:
        """Whether an impostor's site could not have relayed it (SP 800-63B-4 section 3.2.5): WebAuthn alone."""
        return self.method == "passkey"


_KNOWLEDGE: Final[frozenset[Kind]] = frozenset({"knowledge"})
# Look-up secrets and one-time passwords are something one has (SP 800-63B-4 sections 3.1.2, 3.1.4).
_POSSESSION: Final[frozenset[Kind]] = frozenset({"possession"})
_BOTH: Final[frozenset[Kind]] = frozenset({"possession", "activation"})


def different_kinds(proofs: Iterable[Proof]) -> int:
    """How many different kinds of factor `proofs` show together; what unlocked an authenticator counts once."""
    kinds: set[Kind] = set()
    for proof in proofs:
        kinds |= proof.kinds
    if kinds & {"knowledge", "inherence"}:
        kinds.discard("activation")  # it may be the very same
    return len(kinds)
