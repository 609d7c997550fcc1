"""A token as it comes with a request, from the header it stands in to the last check: one path for every kind.

Found, remembered or verified, its key proven, not revoked, and its mark handed to the engine, which consumes it last.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar, cast

import attrs

from zerotrust.core.ask import Ask, ConsumeOnce, Gather
from zerotrust.core.errors import ConfigError
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Unspent, Verified
from zerotrust.core.moments import span_in_seconds
from zerotrust.core.once import spend
from zerotrust.core.reason import NOT_PRESENTED, PROOF_REQUIRED, REPLAYED, WRONG_CLAIM_TYPE, Reason
from zerotrust.core.remedy import Action
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Verifier
from zerotrust.verifiers.binding import names_certificate, prove
from zerotrust.verifiers.carrier import Carrier, Presented
from zerotrust.verifiers.certificate_bound import certificates_of, with_certificate
from zerotrust.verifiers.dpop import DPoP, token_hash
from zerotrust.verifiers.ratchet import BindingRatchet
from zerotrust.verifiers.revocation import Revocation
from zerotrust.verifiers.token import TokenVerifier
from zerotrust.verifiers.token_cache import Remembered, TokenCache
from zerotrust.verifiers.token_evidence import TokenEvidence

if TYPE_CHECKING:
    from zerotrust.verifiers.certificates import CertificateVerifier

P = TypeVar("P")

MOST_LEEWAY: Final = 120
"""Seconds: no verifier is more patient with clocks."""

_NOTHING: Final = Absent(NOT_PRESENTED(detail="no token"))
_UNBOUND: Final = PROOF_REQUIRED(expected="a token bound to the key (cnf)", detail="DPoP")
_NO_CERTIFICATE: Final = PROOF_REQUIRED(expected="a token bound to the client certificate (cnf)", detail="mutual TLS")
_MOST_JTI: Final = 1024
_MOST_LENGTH: Final = 256 * 1024
_MOST_REMEMBERED: Final = 2**20
_SCHEME: Final = 16  # a scheme and the blank after it; what is longer is not hashed before it is read


@attrs.frozen(eq=False, kw_only=True)
class Demands:
    """What a token has to pass besides being good in itself, as a verifier was configured.

    Attributes:
        carrier: where it is in a request.
        leeway: seconds by which clocks may differ.
        max_length: the longest one, in characters.
        one_time: whether each counts once.
        dpop: how DPoP proofs are checked; None if they are not accepted.
        revocation: where revocations are looked up; None if nowhere.
        ratchet: what remembers the bindings of clients; None if nothing does.
        bound_to: what verifies the certificates that tokens have to be bound to; None if they need not be.
        instant: whether tokens are verified without asking the world.
        settled: whether what is remembered of a token holds for as long as it is, without asking the world again.
        cache: the tokens that were verified lately; None if none are remembered.
    """

    carrier: Carrier
    leeway: float
    max_length: int
    one_time: bool
    dpop: DPoP | None
    revocation: Revocation | None
    ratchet: BindingRatchet | None
    bound_to: CertificateVerifier[Any] | None
    instant: bool
    settled: bool
    cache: TokenCache | None

    @property
    def links(self) -> tuple[Verifier[Any], ...]:
        """What a token is tied to by its key."""
        return () if self.bound_to is None else (self.bound_to,)

    @property
    def asks(self) -> bool:
        """Whether the world is asked about each token."""
        return not self.instant or self.revocation is not None or self.ratchet is not None


def demanded(
    *,
    carrier: Carrier,
    leeway: object,
    max_length: object,
    one_time: object,
    dpop: object,
    revocation: object,
    ratchet: object,
    bound_to: CertificateVerifier[Any] | None,
    remember: object,
    instant: bool,
    settled: bool,
) -> Demands:
    """`Demands` from what a user wrote; `ConfigError` with what was seen and what to write instead."""
    if type(max_length) is not int or not 256 <= max_length <= _MOST_LENGTH:
        raise ConfigError(f"max_length={max_length!r}: write a number of characters from 256 to {_MOST_LENGTH}")
    if not isinstance(one_time, bool):
        raise ConfigError(f"one_time={one_time!r}: write True or False")
    if type(remember) is not int or not 0 <= remember <= _MOST_REMEMBERED:
        raise ConfigError(f"remember={remember!r}: write a number of tokens from 0 to {_MOST_REMEMBERED}")
    return Demands(
        carrier=carrier,
        leeway=span_in_seconds(leeway, "leeway", most=MOST_LEEWAY),
        max_length=max_length,
        one_time=one_time,
        dpop=_part("dpop", dpop, DPoP),
        revocation=_part("revocation", revocation, Revocation),
        ratchet=_part("ratchet", ratchet, BindingRatchet),
        bound_to=certificates_of(bound_to),
        instant=instant,
        settled=settled,
        cache=TokenCache(remember) if remember and not one_time else None,
    )


def _part(what: str, part: object, kind: type[P]) -> P | None:
    if part is not None and not isinstance(part, kind):
        raise ConfigError(f"{what} takes {kind.__name__}(...), not {part!r}")
    return part


class PresentedToken(TokenVerifier):
    """Takes a token through every check from the request to the evidence; subclasses say how it is verified itself."""

    _demands: Demands

    cost: ClassVar[int] = 10

    @property
    def carrier(self) -> Carrier:
        """Where its tokens are in a request."""
        return self._demands.carrier

    @property
    def dpop(self) -> DPoP | None:
        """How DPoP proofs are checked; None if none are accepted."""
        return self._demands.dpop

    # --- What a kind of token says of itself -------------------------------------------------------------------------

    @abstractmethod
    def _verified(self, token: str, now: float, *, keep: bool) -> Finding[TokenEvidence]:
        """`token` verified without asking the world, where that can be; with read-only claims if it is to be kept."""

    @abstractmethod
    def _verifying(
        self, token: str, now: float, known: Remembered | None
    ) -> Gather[tuple[Finding[TokenEvidence], object, object]]:
        """`token` verified, or `known` if it still holds; with what has to be the same for it to be remembered."""

    # --- Checking ----------------------------------------------------------------------------------------------------

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """`ConsumeOnce` where something counts once, and what revocation and ratchet ask."""
        demands = self._demands
        kinds: tuple[type[Ask[Any]], ...] = (ConsumeOnce,) if demands.one_time or demands.dpop is not None else ()
        for part in (demands.revocation, demands.ratchet, demands.bound_to):
            kinds += () if part is None else part.needs
        return tuple(dict.fromkeys(kinds))

    @property
    def needs_peer(self) -> bool:
        """Whether each of its tokens has to be bound to a client certificate (`bound_to`)."""
        return self._demands.bound_to is not None

    def find(self, request: AccessRequest) -> Finding[TokenEvidence] | Gather[Finding[TokenEvidence]]:
        """The token that `request` carries, checked. Never looks for one in the URL or the body."""
        found = self._found(request)
        bound_to = self._demands.bound_to
        return found if bound_to is None else with_certificate(found, bound_to, request)

    def _found(self, request: AccessRequest) -> Finding[TokenEvidence] | Gather[Finding[TokenEvidence]]:
        demands = self._demands
        sent = demands.carrier.field(request)
        if not isinstance(sent, bytes):
            return _NOTHING if sent is None else Rejected(sent)
        cache, known, digest = demands.cache, None, b""
        presented: Presented | Reason | None = None
        if cache is not None and len(sent) <= demands.max_length + _SCHEME:
            digest = sha256(sent).digest()
            known = cache.find(digest)
        if known is None:
            presented = demands.carrier.read(sent)
            digest, known = self._respelled(sent, presented, digest)
        if known is not None:
            if not (known.latest <= request.now + demands.leeway and request.now < known.ends):
                known, presented = None, demands.carrier.read(sent)
            elif known.plain and (demands.revocation is None or demands.revocation.is_clear(known, request.now)):
                return known.finding
            else:
                presented = self._again(sent, known)
        if isinstance(presented, Reason):
            return Rejected(presented)
        if presented is None or (presented.dpop and demands.dpop is None):
            return Absent(demands.carrier.instead(sent, dpop=demands.dpop is not None))
        if demands.asks:
            return self._finding(request, presented, known, digest)
        if known is not None:
            return self._proven(known.finding, presented, request)
        finding = self._verified(presented.token, request.now, keep=bool(digest))
        if digest and isinstance(finding, Verified):
            self._remember(digest, finding, presented, None, None)
        return self._proven(finding, presented, request)

    def _respelled(
        self, sent: bytes, presented: Presented | Reason | None, digest: bytes
    ) -> tuple[bytes, Remembered | None]:
        """What `presented` is remembered by, and what of it is, if `sent` is not how clients usually write it.

        One token is one, whatever the case of the scheme and the number of blanks: else each spelling is checked anew.
        """
        cache = self._demands.cache
        if cache is None or not isinstance(presented, Presented):
            return digest, None
        scheme = "" if self._demands.carrier.header != "authorization" else "DPoP " if presented.dpop else "Bearer "
        usual = f"{scheme}{presented.token}".encode("ascii")
        if usual == sent:
            return digest, None
        digest = sha256(usual).digest() if len(presented.token) <= self._demands.max_length else b""
        return digest, cache.find(digest)

    def _again(self, sent: bytes, known: Remembered) -> Presented:
        """How a token came that was read before; with the token itself where it may have to be verified anew."""
        demands, before = self._demands, known.presented
        return Presented(demands.carrier.token(sent), before.dpop, before.ath) if demands.asks else before

    def _finding(
        self, request: AccessRequest, presented: Presented, known: Remembered | None, digest: bytes
    ) -> Gather[Finding[TokenEvidence]]:
        demands, now = self._demands, request.now
        if demands.instant:
            finding = self._verified(presented.token, now, keep=bool(digest)) if known is None else known.finding
            origin = keys = None
        else:
            finding, origin, keys = yield from self._verifying(presented.token, now, known)
        if not isinstance(finding, Verified):
            return finding
        if known is None or finding is not known.finding:
            known = self._remember(digest, finding, presented, origin, keys) if digest else None
        proven = self._proven(finding, presented, request)
        if isinstance(proven, Verified | Unspent):
            refused = yield from self._refusal(finding.evidence, now, known)
            if refused is not None:
                return Rejected(refused)
        return proven

    def _refusal(self, evidence: TokenEvidence, now: float, known: Remembered | None) -> Gather[Reason | None]:
        """What others know against a token that is good in itself."""
        demands = self._demands
        if demands.revocation is not None:
            revoked = yield from demands.revocation.check(evidence, now, known)
            if revoked is not None:
                return revoked
        return None if demands.ratchet is None else (yield from demands.ratchet.check(evidence, now))

    def _proven(
        self, finding: Finding[TokenEvidence], presented: Presented, request: AccessRequest | None
    ) -> Finding[TokenEvidence]:
        """`finding`, if every key that the token is bound to is proven; with its mark, if it counts once."""
        if not isinstance(finding, Verified):
            return finding
        demands, claims = self._demands, finding.evidence.claims
        mark: ConsumeOnce | None = None
        if demands.bound_to is not None and not names_certificate(claims.get("cnf")):
            return Rejected(_NO_CERTIFICATE)
        if "cnf" in claims:
            # RFC 7800 section 3: bound to a key, so it must never work as a bearer token.
            proven = prove(claims["cnf"], presented, request, demands.dpop)
            if isinstance(proven, Reason):
                return Rejected(proven)
            mark = proven
        elif presented.dpop or (demands.dpop is not None and demands.dpop.required):
            return Rejected(_UNBOUND)  # RFC 9449 section 7.1
        if demands.one_time:
            # A proof is for one token, so where that counts once the proof does, too.
            of_token = self._mark(finding.evidence, finding.evidence.verified_at if request is None else request.now)
            if isinstance(of_token, Reason):
                return Rejected(of_token)
            mark = of_token
        return finding if mark is None else Unspent(finding.evidence, mark)

    def _mark(self, evidence: TokenEvidence, now: float) -> ConsumeOnce | Reason:
        """What lets a token count once. Ids are unique within an issuer, so it names both."""
        jti = evidence.jti or ""
        if not 1 <= len(jti) <= _MOST_JTI:
            return WRONG_CLAIM_TYPE(expected=f"text of 1 to {_MOST_JTI} characters", detail="jti")
        name = json.dumps([evidence.source, jti]).encode()
        # Another service, or the next configuration of this one, may be more patient with clocks.
        until = cast("int", evidence.claims["exp"]) + MOST_LEEWAY
        return ConsumeOnce("jti", blake2b(name, digest_size=32).digest(), until, now)

    def _remember(
        self, digest: bytes, finding: Verified[TokenEvidence], presented: Presented, origin: object, keys: object
    ) -> Remembered:
        """Keep what is verified, with the moments between which its times let it in."""
        demands, evidence = self._demands, finding.evidence
        begins, ends = self._window(evidence)
        remembered = Remembered(
            finding,
            begins,
            ends,
            demands.settled
            and demands.ratchet is None
            and demands.bound_to is None
            and not ("cnf" in evidence.claims or presented.dpop)
            and (demands.dpop is None or not demands.dpop.required),
            origin,
            keys,
            Presented("", presented.dpop, token_hash(presented.token) if presented.dpop else None),
            len(presented.token),
        )
        cast("TokenCache", demands.cache).put(digest, remembered)
        return remembered

    def action(self, finding: Absent | Rejected | Unavailable) -> Action | None:
        """As for any token; where it is the proof that was used before, another one helps."""
        proof = self._demands.dpop is not None and not self._demands.one_time
        if proof and isinstance(finding, Rejected) and finding.reason.kind is REPLAYED:
            return Action.PROVE_KEY
        return super().action(finding)

    def _window(self, evidence: TokenEvidence) -> tuple[float, float]:
        """The latest moment that a token speaks of as past, and the one from which it no longer counts."""
        claims = cast("dict[str, Any]", evidence.claims)
        return max(claims.get("iat", 0), claims.get("nbf", 0), claims.get("auth_time", 0)), evidence.expires_at

    # --- One token alone ---------------------------------------------------------------------------------------------

    def verify(self, token: str, now: float) -> Finding[TokenEvidence]:
        """Check one token where nobody has to be asked. One that is bound to a key is rejected: no request proves it.

        Args:
            token: the token alone, without a scheme.
            now: POSIX seconds.

        Returns:
            `Verified` evidence, or `Rejected` with the rule that was broken.

        Raises:
            ConfigError: keys have to be fetched, or a store is to be asked: `decide`, or run `verifying` with a driver.
        """
        if self._demands.asks or self._demands.one_time:
            asked = ", ".join(kind.__name__ for kind in self.needs)
            raise ConfigError(f"{self.name} has to ask for {asked}; use decide({self.name}.valid, request, sources)")
        return self._proven(self._verified(token, now, keep=False), Presented(token), None)

    def verifying(self, token: str, now: float) -> Gather[Finding[TokenEvidence]]:
        """`verify` as a generator of asks, for a driver to run: keys are fetched, and a one-time token is used up."""
        request = AccessRequest(now=now)
        found = yield from self._finding(request, Presented(token), None, b"")
        return (yield from spend(found))

    def continuing(self, now: float) -> tuple[tuple[bytes, bytes], ...]:
        """The next `DPoP-Nonce`, where nonces are used."""
        dpop = self._demands.dpop
        return () if dpop is None else dpop.continuing(now)
