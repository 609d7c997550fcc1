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
LINK_MISSING: Final = Kind("link_missing", "", 10, "what this is linked to was not verified")

# --- What was shown cannot be read -----------------------------------------------------------------------------------
DUPLICATE_HEADER: Final = Kind("duplicate_header", "RFC 9110 section 5.3", 100, "a single-valued header came twice")
MALFORMED: Final = Kind("malformed", "RFC 7519 section 7.2", 110, "malformed")
TOO_LARGE: Final = Kind("too_large", "", 120, "larger than allowed")
ENCRYPTED: Final = Kind("encrypted", "RFC 7516 section 3.1", 130, "an encrypted token (five parts) is not accepted")
WRONG_TYPE: Final = Kind("wrong_type", "RFC 8725 section 3.11", 140, "a token of another type")
CRITICAL_UNKNOWN: Final = Kind(
    "critical_unknown", "RFC 7515 section 4.1.11", 150, "a critical extension is not understood"
)
WRONG_RESOURCE: Final = Kind("wrong_resource", "", 145, "another kind of resource than the policy is about")
UNTRUSTED_HOP: Final = Kind("untrusted_hop", "RFC 9440 section 4", 160, "who says so is no hop that is trusted here")
STRAY_HEADER: Final = Kind("stray_header", "RFC 9440 section 4", 170, "a header that nothing here sets or reads")

# --- It does not come from whom it says ------------------------------------------------------------------------------
UNKNOWN_ISSUER: Final = Kind("unknown_issuer", "RFC 8725 section 3.8", 200, "the issuer is not trusted here")
ALGORITHM: Final = Kind("algorithm", "RFC 8725 section 3.1", 210, "the algorithm is not the one pinned for the issuer")
UNKNOWN_KEY: Final = Kind("unknown_key", "RFC 7515 section 4.1.4", 220, "the issuer has no such key")
UNSUITABLE_KEY: Final = Kind("unsuitable_key", "RFC 7517 section 4", 230, "the key must not be used for this")
COMPROMISED_KEY: Final = Kind("compromised_key", "RFC 7517 section 9.2", 250, "private keys are published")
BAD_SIGNATURE: Final = Kind("bad_signature", "RFC 7515 section 5.2", 240, "the signature does not match")

# --- A certificate's path ends nowhere, or breaks a rule of it -------------------------------------------------------
UNTRUSTED_CHAIN: Final = Kind("untrusted_chain", "RFC 5280 section 6.1", 261, "no path to a certificate trusted here")
UNKNOWN_TRUST_DOMAIN: Final = Kind(
    "unknown_trust_domain", "SPIFFE Trust Domain and Bundle section 3", 262, "the trust domain is not trusted here"
)
CHAIN_SIGNATURE: Final = Kind("chain_signature", "RFC 5280 section 6.1.3", 263, "not signed by whom it names")
WEAK_CERTIFICATE: Final = Kind("weak_certificate", "RFC 5280 section 4.1.2.7", 264, "its key or signature is too weak")
CRITICAL_EXTENSION: Final = Kind(
    "critical_extension", "RFC 5280 section 4.2", 265, "a critical extension is not understood"
)
NOT_A_CA: Final = Kind("not_a_ca", "RFC 5280 section 4.2.1.9", 266, "what issued it must not issue certificates")
CA_AS_PEER: Final = Kind("ca_as_peer", "RFC 5280 section 4.2.1.9", 267, "a certificate authority is nobody's peer")
PATH_LENGTH: Final = Kind("path_length", "RFC 5280 section 4.2.1.9", 268, "more certificates than its issuer allows")
NAME_CONSTRAINTS: Final = Kind("name_constraints", "RFC 5280 section 4.2.1.10", 269, "its issuer may not vouch for it")
KEY_USAGE: Final = Kind("key_usage", "RFC 5280 section 4.2.1.3", 271, "the key must not be used for this")
EXTENDED_KEY_USAGE: Final = Kind("extended_key_usage", "RFC 5280 section 4.2.1.12", 272, "issued for another purpose")
WRONG_SVID: Final = Kind("wrong_svid", "SPIFFE X.509-SVID section 5", 273, "not an SVID as the standard has it")

# --- It is genuine, but not good here and now ------------------------------------------------------------------------
MISSING_CLAIM: Final = Kind("missing_claim", "RFC 9068 section 2.2", 300, "a required claim is missing")
WRONG_CLAIM_TYPE: Final = Kind("wrong_claim_type", "RFC 7519 section 4.1", 310, "a claim has the wrong type")
WRONG_CLAIM: Final = Kind("wrong_claim", "RFC 7519 section 4", 320, "a claim says something else than it must")
NOT_ACTIVE: Final = Kind("not_active", "RFC 7662 section 2.2", 350, "its issuer says that it is not active")
REVOKED: Final = Kind("revoked", "RFC 7009 section 2", 360, "revoked")
KEY_MISMATCH: Final = Kind("key_mismatch", "RFC 7800 section 3", 370, "bound to another key than the one proven")
WEAKER_BINDING: Final = Kind("weaker_binding", "", 380, "its client has proven a key before, and now does not")
CERTIFICATE_REVOKED: Final = Kind("certificate_revoked", "RFC 5280 section 6.3", 361, "the certificate is revoked")
CERTIFICATE_NOT_YET_VALID: Final = Kind(
    "certificate_not_yet_valid", "RFC 5280 section 4.1.2.5", 421, "the certificate is not valid yet"
)
CERTIFICATE_EXPIRED: Final = Kind("certificate_expired", "RFC 5280 section 4.1.2.5", 431, "the certificate has expired")
WRONG_NAME: Final = Kind("wrong_name", "RFC 5280 section 4.2.1.6", 433, "it does not name what it must")
WRONG_AUDIENCE: Final = Kind("wrong_audience", "RFC 8725 section 3.9", 400, "meant for another audience")
ISSUED_IN_FUTURE: Final = Kind("issued_in_future", "RFC 7519 section 4.1.6", 410, "issued in the future")
NOT_YET_VALID: Final = Kind("not_yet_valid", "RFC 7519 section 4.1.5", 420, "not valid yet")
EXPIRED: Final = Kind("expired", "RFC 7519 section 4.1.4", 430, "expired")
TOO_LONG_LIVED: Final = Kind("too_long_lived", "RFC 6750 section 5.3", 440, "lives longer than allowed")
PROOF_REQUIRED: Final = Kind("proof_required", "RFC 9449 section 7.2", 450, "a key has to be proven, and was not")
REPLAYED: Final = Kind("replayed", "RFC 7519 section 4.1.7", 470, "counts once, and was used already")
SUBJECT_MISMATCH: Final = Kind("subject_mismatch", "", 460, "linked evidence is about another subject")
BAD_PROOF: Final = Kind("bad_proof", "RFC 9449 section 4.3", 480, "the proof of the key is not good")
NONCE_REQUIRED: Final = Kind("nonce_required", "RFC 9449 section 8", 490, "the proof needs a nonce from here")

# --- A factor was not proven -----------------------------------------------------------------------------------------
CROSS_SITE: Final = Kind("cross_site", "RFC 6265bis section 8.8", 171, "sent on behalf of another site")
NOT_ENROLLED: Final = Kind("not_enrolled", "SP 800-63B-4 section 4.1", 301, "no such authenticator is enrolled")
WRONG_CEREMONY: Final = Kind(
    "wrong_ceremony", "WebAuthn Level 3 section 5.8.1", 141, "made for another ceremony than this"
)
WRONG_CHALLENGE: Final = Kind(
    "wrong_challenge", "WebAuthn Level 3 section 13.4.3", 321, "not an answer to a challenge that is open here"
)
WRONG_ORIGIN: Final = Kind("wrong_origin", "WebAuthn Level 3 section 13.4.9", 322, "made for another origin")
CROSS_ORIGIN: Final = Kind("cross_origin", "WebAuthn Level 3 section 13.4.9", 323, "made inside another site's page")
WRONG_RP_ID: Final = Kind("wrong_rp_id", "WebAuthn Level 3 section 6.1", 324, "made for another relying party")
USER_NOT_PRESENT: Final = Kind("user_not_present", "WebAuthn Level 3 section 6.1", 325, "nobody was present")
USER_NOT_VERIFIED: Final = Kind(
    "user_not_verified", "WebAuthn Level 3 section 6.1", 326, "the authenticator did not verify its user"
)
BACKUP_STATE: Final = Kind(
    "backup_state", "WebAuthn Level 3 section 6.1.3", 327, "its backup flags contradict each other, or what they were"
)
WRONG_CREDENTIAL: Final = Kind(
    "wrong_credential", "WebAuthn Level 3 section 7.2", 328, "another credential than those that are accepted here"
)
ALREADY_ENROLLED: Final = Kind("already_enrolled", "WebAuthn Level 3 section 7.1", 329, "enrolled already")
COUNTER_WENT_BACK: Final = Kind(
    "counter_went_back", "WebAuthn Level 3 section 6.1.1", 471, "its signature counter shows that there is a copy"
)
BAD_ATTESTATION: Final = Kind("bad_attestation", "WebAuthn Level 3 section 6.5", 241, "its attestation is not good")
UNTRUSTED_ATTESTATION: Final = Kind(
    "untrusted_attestation", "WebAuthn Level 3 section 6.5", 242, "nobody trusted here attests it"
)
AUTHENTICATOR_REFUSED: Final = Kind(
    "authenticator_refused", "WebAuthn Level 3 section 6.5", 362, "authenticators of this model are not accepted"
)
WRONG_CODE: Final = Kind("wrong_code", "RFC 6238 section 5.2", 330, "not the code that is due")
THROTTLED: Final = Kind("throttled", "SP 800-63B-4 section 3.2.2", 472, "too many wrong attempts: wait")
UNCLEAR_OPERATION: Final = Kind(
    "unclear_operation", "RFC 8785 section 3.1", 172, "what would be approved cannot be told for certain"
)
WRONG_OPERATION: Final = Kind(
    "wrong_operation", "WebAuthn Level 3 section 13.4.3", 473, "approved was another operation than this"
)
BAD_SESSION: Final = Kind("bad_session", "SP 800-63B-4 section 5.1", 243, "not the id of a session here")
SESSION_ENDED: Final = Kind("session_ended", "SP 800-63B-4 section 5.1", 363, "the session has ended")

# --- It could not be found out ---------------------------------------------------------------------------------------
SOURCE_DOWN: Final = Kind("source_down", "", 500, "a source did not answer")
SOURCE_TIMEOUT: Final = Kind("source_timeout", "", 510, "a source did not answer in time")
REVOCATION_UNKNOWN: Final = Kind(
    "revocation_unknown", "RFC 5280 section 6.3", 515, "whether the certificate is revoked cannot be told"
)
SOURCE_REFUSED: Final = Kind("source_refused", "", 520, "a source gave an answer that is not usable")
NO_SOURCE: Final = Kind("no_source", "", 530, "no source was configured that can answer")
BUDGET_SPENT: Final = Kind("budget_spent", "", 540, "the decision's budget was spent")
UNDECIDED: Final = Kind("undecided", "", 560, "the access decision could not be made")
NOT_SPENT: Final = Kind("not_spent", "", 550, "counts once, and was not used up for this")
NOT_GATHERED: Final = Kind("not_gathered", "", 20, "not looked at: it could not change the verdict")

# --- Genuine and good, but not enough --------------------------------------------------------------------------------
NOT_SATISFIED: Final = Kind("not_satisfied", "", 600, "verified, but the policy asks for more")
PREDICATE_FAILED: Final = Kind("predicate_failed", "", 610, "a predicate gave no answer")
INCOMPARABLE: Final = Kind("incomparable", "", 605, "two things that cannot be compared")
