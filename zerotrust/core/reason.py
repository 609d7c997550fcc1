"""Why something was not believed or not allowed: a closed list of kinds, each bound to the clause it enforces.

A `Reason` is data. Its `code` is stable and safe to show to a client; `expected` and `presented` are for the audit
and must never hold a secret (a token, a code, a key). Every reason is falsy, so `if not outcome:` reads well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from zerotrust.core.text import visible


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to fail: a stable `code`, the `clause` it enforces, a `rank` and a sentence.

    `rank` orders reasons by how specific they are: when many paths fail, the highest rank is shown first.
    """

    code: str
    clause: str
    rank: int
    sentence: str

    def __call__(self, *, expected: object = None, presented: object = None, detail: str = "") -> Reason:
        """Make a reason of this kind. Values may be anything printable that is not secret."""
        return Reason(self, expected, presented, detail)


@dataclass(frozen=True, slots=True)
class Reason:
    """A kind of failure with what was expected and what was presented. Always falsy."""

    kind: Kind
    expected: object = None
    presented: object = None
    detail: str = ""

    @property
    def code(self) -> str:
        """The stable, public name of this kind of failure, e.g. `expired`."""
        return self.kind.code

    @property
    def clause(self) -> str:
        """The clause of the standard that this failure enforces, e.g. `RFC 9068 section 4`."""
        return self.kind.clause

    @property
    def rank(self) -> int:
        """How specific this failure is; higher is shown first."""
        return self.kind.rank

    def __bool__(self) -> Literal[False]:
        return False

    def __str__(self) -> str:
        said = self.kind.sentence
        if self.detail:
            said += f": {visible(self.detail)}"
        seen = [
            f"{word} {visible(value)}"
            for word, value in (("expected", self.expected), ("presented", self.presented))
            if value is not None
        ]
        return f"{said} ({', '.join(seen)})" if seen else said


def most_specific(reasons: list[Reason]) -> Reason | None:
    """The reason with the highest rank, the first of equals; None for an empty list."""
    return max(reasons, key=lambda reason: reason.rank, default=None)


# --- Nothing shown ---------------------------------------------------------------------------------------------------
NOT_PRESENTED: Final = Kind("not_presented", "RFC 6750 section 3", 0, "nothing was presented")
LINK_MISSING: Final = Kind("link_missing", "", 1, "what this is linked to was not verified")

# --- What was shown cannot be read -----------------------------------------------------------------------------------
DUPLICATE_HEADER: Final = Kind("duplicate_header", "RFC 9110 section 5.3", 10, "a single-valued header came twice")
MALFORMED: Final = Kind("malformed", "RFC 7519 section 7.2", 11, "malformed")
TOO_LARGE: Final = Kind("too_large", "", 12, "larger than allowed")
ENCRYPTED: Final = Kind("encrypted", "RFC 7516 section 3.1", 13, "an encrypted token (five parts) is not accepted")
WRONG_TYPE: Final = Kind("wrong_type", "RFC 8725 section 3.11", 14, "a token of another type")
CRITICAL_UNKNOWN: Final = Kind(
    "critical_unknown", "RFC 7515 section 4.1.11", 15, "a critical extension is not understood"
)

# --- It does not come from whom it says ------------------------------------------------------------------------------
UNKNOWN_ISSUER: Final = Kind("unknown_issuer", "RFC 8725 section 3.8", 20, "the issuer is not trusted here")
ALGORITHM: Final = Kind("algorithm", "RFC 8725 section 3.1", 21, "the algorithm is not the one pinned for the issuer")
UNKNOWN_KEY: Final = Kind("unknown_key", "RFC 7515 section 4.1.4", 22, "the issuer has no such key")
UNSUITABLE_KEY: Final = Kind("unsuitable_key", "RFC 7517 section 4", 23, "the key must not be used for this")
COMPROMISED_KEY: Final = Kind("compromised_key", "RFC 7517 section 9.2", 25, "private keys are published")
BAD_SIGNATURE: Final = Kind("bad_signature", "RFC 7515 section 5.2", 24, "the signature does not match")

# --- It is genuine, but not good here and now ------------------------------------------------------------------------
MISSING_CLAIM: Final = Kind("missing_claim", "RFC 9068 section 2.2", 30, "a required claim is missing")
WRONG_CLAIM_TYPE: Final = Kind("wrong_claim_type", "RFC 7519 section 4.1", 31, "a claim has the wrong type")
WRONG_CLAIM: Final = Kind("wrong_claim", "RFC 7519 section 4", 32, "a claim says something else than it must")
NOT_ACTIVE: Final = Kind("not_active", "RFC 7662 section 2.2", 35, "its issuer says that it is not active")
REVOKED: Final = Kind("revoked", "RFC 7009 section 2", 36, "revoked")
KEY_MISMATCH: Final = Kind("key_mismatch", "RFC 7800 section 3", 37, "bound to another key than the one proven")
WEAKER_BINDING: Final = Kind("weaker_binding", "", 38, "its client has proven a key before, and now does not")
WRONG_AUDIENCE: Final = Kind("wrong_audience", "RFC 8725 section 3.9", 40, "meant for another audience")
ISSUED_IN_FUTURE: Final = Kind("issued_in_future", "RFC 7519 section 4.1.6", 41, "issued in the future")
NOT_YET_VALID: Final = Kind("not_yet_valid", "RFC 7519 section 4.1.5", 42, "not valid yet")
EXPIRED: Final = Kind("expired", "RFC 7519 section 4.1.4", 43, "expired")
TOO_LONG_LIVED: Final = Kind("too_long_lived", "RFC 6750 section 5.3", 44, "lives longer than allowed")
PROOF_REQUIRED: Final = Kind("proof_required", "RFC 9449 section 7.2", 45, "a key has to be proven, and was not")
REPLAYED: Final = Kind("replayed", "RFC 7519 section 4.1.7", 47, "counts once, and was used already")
SUBJECT_MISMATCH: Final = Kind("subject_mismatch", "", 46, "linked evidence is about another subject")
BAD_PROOF: Final = Kind("bad_proof", "RFC 9449 section 4.3", 48, "the proof of the key is not good")
NONCE_REQUIRED: Final = Kind("nonce_required", "RFC 9449 section 8", 49, "the proof needs a nonce from here")

# --- It could not be found out ---------------------------------------------------------------------------------------
SOURCE_DOWN: Final = Kind("source_down", "", 50, "a source did not answer")
SOURCE_TIMEOUT: Final = Kind("source_timeout", "", 51, "a source did not answer in time")
SOURCE_REFUSED: Final = Kind("source_refused", "", 52, "a source gave an answer that is not usable")
NO_SOURCE: Final = Kind("no_source", "", 53, "no source was configured that can answer")
BUDGET_SPENT: Final = Kind("budget_spent", "", 54, "the decision's budget was spent")
NOT_SPENT: Final = Kind("not_spent", "", 55, "counts once, and was not used up for this")
NOT_GATHERED: Final = Kind("not_gathered", "", 2, "not looked at: it could not change the verdict")

# --- Genuine and good, but not enough --------------------------------------------------------------------------------
NOT_SATISFIED: Final = Kind("not_satisfied", "", 60, "verified, but the policy asks for more")
PREDICATE_FAILED: Final = Kind("predicate_failed", "", 61, "a predicate gave no answer")
