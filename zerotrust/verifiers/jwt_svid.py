"""JWT-SVIDs: which workload sent a request, where its certificate does not reach (JWT-SVID, RFC 7519, RFC 8725)."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from hashlib import sha256
from inspect import iscoroutinefunction
from types import MappingProxyType
from typing import Any, ClassVar, Final, cast

import attrs

from zerotrust.core.ask import Ask, Gather
from zerotrust.core.errors import ConfigError
from zerotrust.core.facts import Attribute
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.moments import hours, seconds, show_moment, show_span, span_in_seconds
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import (
    EXPIRED,
    ISSUED_IN_FUTURE,
    MALFORMED,
    MISSING_CLAIM,
    NOT_PRESENTED,
    NOT_YET_VALID,
    TOO_LONG_LIVED,
    UNKNOWN_KEY,
    UNKNOWN_TRUST_DOMAIN,
    WRONG_AUDIENCE,
    WRONG_CLAIM,
    WRONG_CLAIM_TYPE,
    WRONG_TYPE,
    Reason,
)
from zerotrust.core.remedy import Action, Step
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Question, Verifier
from zerotrust.pki.trust_bundle import TrustBundle
from zerotrust.pki.trust_bundles import TrustBundles, as_bundles
from zerotrust.verifiers import spiffe_questions as ask_for
from zerotrust.verifiers.binding import prove
from zerotrust.verifiers.bounded import Bounded
from zerotrust.verifiers.carrier import AUTHORIZATION, Carrier, Presented
from zerotrust.verifiers.certificate_facts import exhibit_spiffe, read_certificate
from zerotrust.verifiers.certificate_questions import That, Valid
from zerotrust.verifiers.claims import LAST_MOMENT, is_texts
from zerotrust.verifiers.frozen import freeze
from zerotrust.verifiers.presented import MOST_LEEWAY
from zerotrust.verifiers.svid_evidence import JwtSvidEvidence
from zerotrust.verifiers.token import check_name, text_of, texts
from zerotrust.wire.header import Header, HeaderRules, shown
from zerotrust.wire.jose import MAX_TOKEN, Compact, check, read_claims, split
from zerotrust.wire.json import JsonValue
from zerotrust.wire.jwk import KeySet
from zerotrust.wire.spiffe import SpiffeId, TrustDomain, parse_spiffe_id

_LEEWAY: Final = seconds(10)
_MOST_LIFETIME: Final = hours(24)
_MOST_REMEMBERED: Final = 2**20

_TYPES: Final = frozenset({"JWT", "JOSE"})
_PARAMETERS: Final = frozenset({"alg", "kid", "typ"})
_RULES: Final = HeaderRules(
    frozenset({"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"}),  # section 2.1
    _TYPES,  # section 2.3
    typ_optional=True,
)

_NOTHING: Final = Absent(NOT_PRESENTED(detail="no JWT-SVID"))


@attrs.frozen(eq=False, init=False, repr=False)
class JwtSvid(Verifier[JwtSvidEvidence]):
    """Checks the JWT-SVID of a request, and gives the leaves that ask which workload it was issued to.

    Its `sub` is a SPIFFE id, whose trust domain picks the bundle whose keys have to have signed it. Whoever holds one
    can use it, and so can its recipient (section 7.2): an audience of one's own and a short life are all that limits
    that. One that is bound to a certificate (`cnf`) counts on a connection with that certificate only.

    Args:
        trust: whom to believe: `TrustBundle(...)` for one trust domain, or `TrustBundles(own, federated=[...])`.
        audience: who we are: what `aud` must name (section 3.2); one of several suffices.
        name: what it is called in explanations.
        beside: a verifier that is about somebody else in one policy with this one.
        carrier: where it is in a request; after `Authorization: Bearer` unless given (section 5.2).
        leeway: by how much clocks may differ; at most 2 minutes.
        max_lifetime: the longest time for which one may still be good when it comes, a day unless given; None for any.
        max_length: the longest one, in characters; longer ones cost nothing.
        remember: how many verified ones are remembered, so that their signatures are not verified again; 0 for none.
            Times, keys and bindings are checked at each use all the same.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    bundles: TrustBundles
    audience: frozenset[str]
    name: str
    links: tuple[Verifier[Any], ...]
    carrier: Carrier
    max_length: int
    _leeway: float
    _max_lifetime: float
    _known: Bounded[bytes, tuple[KeySet, JwtSvidEvidence]]

    cost: ClassVar[int] = 10

    def __init__(
        self,
        trust: TrustBundle | TrustBundles,
        *,
        audience: str | Collection[str],
        name: str = "svid",
        beside: Verifier[Any] | None = None,
        carrier: Carrier = AUTHORIZATION,
        leeway: timedelta = _LEEWAY,
        max_lifetime: timedelta | None = _MOST_LIFETIME,
        max_length: int = MAX_TOKEN,
        remember: int = 4096,
    ) -> None:
        if beside is not None and not isinstance(beside, Verifier):
            raise ConfigError(f"beside takes a verifier, such as a Bearer, not {beside!r}")
        if not isinstance(carrier, Carrier):
            raise ConfigError(f'carrier takes Carrier("x-svid"), not {carrier!r}')
        if type(max_length) is not int or not 256 <= max_length <= 16 * MAX_TOKEN:
            raise ConfigError(f"max_length={max_length!r}: write a number of characters from 256 to {16 * MAX_TOKEN}")
        if type(remember) is not int or not 0 <= remember <= _MOST_REMEMBERED:
            raise ConfigError(f"remember={remember!r}: write a number of JWT-SVIDs from 0 to {_MOST_REMEMBERED}")
        longest = math.inf if max_lifetime is None else span_in_seconds(max_lifetime, "max_lifetime", least=1)
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            bundles=_signing(as_bundles("JwtSvid", trust)),
            audience=frozenset(texts("audience", audience)),
            name=check_name(name),
            links=() if beside is None else (beside,),
            carrier=carrier,
            max_length=max_length,
            leeway=span_in_seconds(leeway, "leeway", most=MOST_LEEWAY),
            max_lifetime=longest,
            known=Bounded(remember),
        )

    # --- Leaves ------------------------------------------------------------------------------------------------------

    @property
    def valid(self) -> Leaf[JwtSvidEvidence]:
        """YES with any good JWT-SVID of a workload of these trust domains."""
        return self._leaf(Valid())

    def spiffe(self, *ids: str | SpiffeId) -> Leaf[JwtSvidEvidence]:
        """YES if it was issued to one of these workloads, such as `spiffe://prod.example/ledger`."""
        return self._leaf(ask_for.spiffe(self.bundles, ids))

    def trust_domain(self, *names: str | TrustDomain) -> Leaf[JwtSvidEvidence]:
        """YES if the workload is in one of these trust domains."""
        return self._leaf(ask_for.trust_domain(self.bundles, names))

    def path(self, *prefixes: str) -> Leaf[JwtSvidEvidence]:
        """YES if the path of the id is one of these or goes on from there, by whole segments.

        `/ns/prod` is above `/ns/prod/sa/web`, and not above `/ns/production`. In whichever trust domain: where there
        are several, ask for `trust_domain`, too.
        """
        return self._leaf(ask_for.path(prefixes))

    def that(self, predicate: Callable[[JwtSvidEvidence], bool], text: str) -> Leaf[JwtSvidEvidence]:
        """YES or NO as `predicate` says, shown as `text`. What it raises, or anything but a bool, is UNKNOWN."""
        if not callable(predicate):
            raise ConfigError(f"that() takes a function of the evidence, not {predicate!r}")
        if iscoroutinefunction(predicate):
            raise ConfigError("that() takes a plain function: what has to wait is a verifier of its own")
        return self._leaf(That(predicate, text_of("that", text)))

    def _leaf(self, question: ask_for.SpiffeQuestion | Valid | That) -> Leaf[JwtSvidEvidence]:
        return Leaf(self, cast("Question[JwtSvidEvidence]", question))

    # --- Checking ----------------------------------------------------------------------------------------------------

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """`Fetch`, where bundles have to be fetched."""
        return self.bundles.needs

    def find(self, request: AccessRequest) -> Finding[JwtSvidEvidence] | Gather[Finding[JwtSvidEvidence]]:
        """The JWT-SVID that `request` carries, checked. Never looks for one in the URL or the body."""
        sent = self.carrier.field(request)
        if not isinstance(sent, bytes):
            return _NOTHING if sent is None else Rejected(sent)
        presented = self.carrier.read(sent)
        if isinstance(presented, Reason):
            return Rejected(presented)
        if presented is None or presented.dpop:
            return Absent(self.carrier.instead(sent, dpop=False))
        return self._finding(presented, request)

    def _finding(self, presented: Presented, request: AccessRequest) -> Gather[Finding[JwtSvidEvidence]]:
        evidence = yield from self._verifying(presented.token, request.now)
        if isinstance(evidence, Reason):
            return Rejected(evidence)
        if "cnf" in evidence.claims:  # RFC 7800 section 3: it must never work as a bearer token
            unproven = prove(evidence.claims["cnf"], presented, request, None)
            if isinstance(unproven, Reason):
                return Rejected(unproven)
        return Verified(evidence)

    def _verifying(self, token: str, now: float) -> Gather[JwtSvidEvidence | Reason]:
        compact = split(token, limit=self.max_length)
        if isinstance(compact, Reason):
            return compact
        digest = sha256(compact.signing_input + compact.signature).digest()
        known = self._known.get(digest)
        if known is not None:
            bundle = self.bundles.of(cast("SpiffeId", known[1].spiffe_id).trust_domain)
            authorities = yield from cast("TrustBundle", bundle).current(now)
            if authorities.keys is known[0]:
                untimely = self._untimely(cast("dict[str, Any]", known[1].claims), now)
                return known[1] if untimely is None else untimely
        claims = read_claims(compact)
        if isinstance(claims, Reason):
            return claims
        spiffe_id = _subject(claims)
        if isinstance(spiffe_id, Reason):
            return spiffe_id
        keys = yield from self._verified_with(compact, spiffe_id, now)
        if isinstance(keys, Reason):
            return keys
        wrong = self._wrong(claims)
        if wrong is None:
            wrong = self._untimely(claims, now)
        if wrong is not None:
            return wrong
        freeze(claims)
        ends = cast("int", claims["exp"]) + self._leeway
        source = spiffe_id.trust_domain.id.text
        evidence = JwtSvidEvidence(source, spiffe_id.text, now, ends, spiffe_id, MappingProxyType(claims))
        self._known.put(digest, (keys, evidence))
        return evidence

    def _verified_with(self, compact: Compact, spiffe_id: SpiffeId, now: float) -> Gather[KeySet | Reason]:
        """The keys of the trust domain of `spiffe_id`, one of which signed `compact`; or why not."""
        bundle = self.bundles.of(spiffe_id.trust_domain)
        if bundle is None:
            return UNKNOWN_TRUST_DOMAIN(expected=self.bundles.names, presented=shown(str(spiffe_id.trust_domain)))
        authorities = yield from bundle.current(now)
        header = _checked(compact, authorities.keys)
        if isinstance(header, Reason) and header.kind is UNKNOWN_KEY:
            newer = yield from bundle.current(now, unseen=authorities)
            if newer is not authorities:
                authorities, header = newer, _checked(compact, newer.keys)
        return header if isinstance(header, Reason) else authorities.keys

    def _wrong(self, claims: dict[str, Any]) -> Reason | None:
        """Sections 3.2 and 3.3: `aud` and `exp` are there; and whatever else is known has its type."""
        if missing := [name for name in ("aud", "exp") if name not in claims]:
            return MISSING_CLAIM(expected=", ".join(missing))
        for name in ("exp", "nbf", "iat"):
            date = claims.get(name, 0)
            if type(date) is not int or not 0 <= date <= LAST_MOMENT:
                return WRONG_CLAIM_TYPE(expected="whole seconds since 1970", detail=name)
        for name in ("iss", "jti"):
            if not isinstance(claims.get(name, ""), str):
                return WRONG_CLAIM_TYPE(expected="text", detail=name)
        aud = claims["aud"]
        if not (isinstance(aud, str) or is_texts(aud)):
            return WRONG_CLAIM_TYPE(expected="text or a list of texts", detail="aud")
        if self.audience.isdisjoint({aud} if isinstance(aud, str) else aud):
            return WRONG_AUDIENCE(expected=" or ".join(sorted(self.audience)), presented=shown(str(aud)))
        return None

    def _untimely(self, claims: dict[str, Any], now: float) -> Reason | None:
        exp, latest = claims["exp"], now + self._leeway
        if not now < exp + self._leeway:  # so that a `now` that is no number lets nobody in
            return EXPIRED(expected=f"before {show_moment(exp, now)}", presented=show_moment(now, now))
        nbf, iat = claims.get("nbf", 0), claims.get("iat", 0)
        if nbf > latest:
            return NOT_YET_VALID(expected=f"from {show_moment(nbf, now)}", presented=show_moment(now, now))
        if iat > latest:
            return ISSUED_IN_FUTURE(expected=f"by {show_moment(now, now)}", presented=show_moment(iat, now))
        # Only now, when `now` is no earlier than 1970 less the leeway: the span is one that can be shown.
        if exp - now > self._max_lifetime + self._leeway:
            return TOO_LONG_LIVED(expected=show_span(self._max_lifetime), presented=show_span(round(exp - now)))
        return None

    # --- Remedies ----------------------------------------------------------------------------------------------------

    def blank(self, now: float) -> JwtSvidEvidence:
        """A workload of which nothing is known."""
        return JwtSvidEvidence(self.bundles.own.trust_domain.id.text, "", now, math.inf)

    def read(self, evidence: JwtSvidEvidence, attribute: Attribute) -> object:
        """What the evidence says of `attribute`."""
        return read_certificate(evidence, attribute.name)

    def exhibit(self, values: Mapping[str, object], now: float) -> JwtSvidEvidence:
        """Evidence that says `values`, a SPIFFE id among them."""
        return exhibit_spiffe(self.blank(now), values, self.name)

    def action(self, finding: Absent | Rejected | Unavailable) -> Action | None:
        """Patience where something is down; else a new one, which a workload gets for itself."""
        return Action.RETRY if isinstance(finding, Unavailable) else Action.SIGN_IN

    def describe(self, step: Step) -> str:
        """`get a JWT-SVID for payments`."""
        if step.action is not Action.SIGN_IN:
            return super().describe(step)
        return f"get a JWT-SVID for {' or '.join(sorted(self.audience))}"


def _signing(bundles: TrustBundles) -> TrustBundles:
    if any(one.may_sign_tokens for one in bundles):
        return bundles
    raise ConfigError(
        f"JwtSvid: there is no key for JWT-SVIDs in the bundle of {bundles.names}, and never will be; give a SPIFFE "
        'bundle (JSON), whose keys have "use": "jwt-svid", and no list of certificates'
    )


def _subject(claims: dict[str, JsonValue]) -> SpiffeId | Reason:
    """Section 3.1: `sub` is the SPIFFE id of the workload. Before the signature it only picks whose keys to look at."""
    sub = claims.get("sub")
    if "sub" not in claims:
        return MISSING_CLAIM(expected="sub")
    if not isinstance(sub, str):
        return WRONG_CLAIM_TYPE(expected="text", detail="sub")
    spiffe_id = parse_spiffe_id(sub)
    if isinstance(spiffe_id, Reason):
        return WRONG_CLAIM(expected="a SPIFFE id", presented=shown(sub), detail="sub")
    if not spiffe_id.path:
        return WRONG_CLAIM(expected="the id of a workload", presented=shown(sub), detail="sub")
    return spiffe_id


def _checked(compact: Compact, keys: KeySet) -> Header | Reason:
    header = check(compact, keys, _RULES)
    if isinstance(header, Reason):
        return header
    if stray := sorted(header.parameters.keys() - _PARAMETERS):  # section 2
        return MALFORMED(expected="alg, kid and typ alone", presented=shown(", ".join(stray)), detail="the header")
    if header.typ is not None and header.typ not in _TYPES:  # section 2.3, to the letter
        return WRONG_TYPE(expected=" or ".join(sorted(_TYPES)), presented=shown(header.typ))
    return header
