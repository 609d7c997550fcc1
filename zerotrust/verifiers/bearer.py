"""JWT access tokens, presented as they are or with a proof of their key: RFC 6750, RFC 9068 section 4, RFC 8725."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias, cast

import attrs

from zerotrust.core.ask import Ask, Fetch, Gather
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.finding import Finding, Rejected, Verified
from zerotrust.core.moments import seconds, span_in_seconds
from zerotrust.core.reason import UNKNOWN_KEY, Reason
from zerotrust.core.verifier import Verifier
from zerotrust.verifiers.carrier import AUTHORIZATION
from zerotrust.verifiers.claims import ClaimRules, wrong_issuer
from zerotrust.verifiers.delegation import MAX_ACTORS, check_max_actors
from zerotrust.verifiers.dpop import DPoP
from zerotrust.verifiers.issuer import Audience, Issuer
from zerotrust.verifiers.presented import Demands, PresentedToken, demanded
from zerotrust.verifiers.ratchet import BindingRatchet
from zerotrust.verifiers.revocation import Revocation
from zerotrust.verifiers.token import check_list, check_name, check_realm, texts
from zerotrust.verifiers.token_cache import Remembered
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.wire.header import Header, HeaderRules
from zerotrust.wire.jose import MAX_TOKEN, Compact, check, read_claims, split
from zerotrust.wire.json import JsonValue
from zerotrust.wire.jwk import KeySet

if TYPE_CHECKING:
    from zerotrust.verifiers.certificates import CertificateVerifier

_LEEWAY: Final = seconds(10)

Believed: TypeAlias = Issuer | tuple[Issuer, ...]


class _ClaimName(str):
    """The name of a claim, which whoever calls it took for a leaf: `token.roles("staff")`. Leaves hold plain text."""

    __slots__ = ()

    def __call__(self, *names: object) -> NoReturn:
        raise PolicyError('roles and groups are names of claims; write token.role("...") or token.group("...")')


@attrs.frozen(eq=False, repr=False)
class _Chosen:
    """The issuer a token claims to be from, the rules for its tokens, and the claims if they were read to tell."""

    issuer: Issuer
    rules: HeaderRules
    demanded: ClaimRules
    claims: dict[str, JsonValue] | None = None


@attrs.frozen(eq=False, init=False, repr=False)
class Bearer(PresentedToken):
    """Checks the JWT access token of a request, and gives the leaves that ask about it.

    It is looked for in `Authorization: Bearer` or, with `dpop`, `Authorization: DPoP`; behind an access proxy, where
    the profile of the issuer says. A token that is bound to a key (`cnf`) counts only with the proof of that key: a
    DPoP proof (RFC 9449) or the client certificate of the connection (RFC 8705). It never works as a bearer token.

    Args:
        issuers: whose tokens are believed, e.g. `Issuer("https://login.example.com")` or what a function of
            `zerotrust.providers` gives; several are told apart by `iss`, before any key is looked for.
        audience: who we are: what `aud` must name (RFC 8725 section 3.9), in tokens of issuers without an audience of
            their own (`Issuer(url, audience=...)`); leave it out if all have one. For one issuer it may be several, of
            which one suffices. Several issuers share no more than one: a name means something at its own issuer only.
        name: what the token is called in explanations.
        require: claims that must be there besides `iss`, `aud`, `exp`, `sub` and `iat`.
        leeway: by how much clocks may differ; at most 2 minutes.
        max_lifetime: the longest time from `iat` to `exp`; None for any.
        max_length: the longest token, in characters; longer ones cost nothing.
        dpop: how DPoP proofs are checked; None to accept none. Needs a source that answers `ConsumeOnce`, a store.
        one_time: whether each token is accepted once, by its `jti` (RFC 7519 section 4.1.7): the decision that allows
            with it uses it up, one that refuses does not. Needs a store, too.
        bound_to: what verifies the certificate of the connection's client, a `PeerCertificate` or `DeviceCertificate`:
            each token has to be bound to that very certificate (`x5t#S256` in `cnf`, RFC 8705 section 3), which has to
            be good besides, and the two may stand in one policy. None: a token may be bound, and need not.
        revocation: where it is looked up whether a token was revoked; None for nowhere. Needs a store.
        ratchet: remembers which clients have proven keys, so that they cannot fall back; None for no such memory.
        remember: how many verified tokens are remembered, so that their signatures are not verified again; 0 for none.
            Times, keys, proofs and revocation are checked at each use all the same.
        max_actors: how many may act for the subject, one through the other (RFC 8693 section 4.1); a token with more is
            refused, and so is one whose `act` cannot be read. 0 takes no delegated token at all.
        roles: the claim that lists roles. groups: the claim that lists groups (RFC 9068 section 2.2.3.1).
        realm: shown in challenges (RFC 6750 section 3).

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    issuers: tuple[Issuer, ...]
    name: str
    realm: str | None
    roles: str
    groups: str
    audience: frozenset[str]
    links: tuple[Verifier[Any], ...]
    _demands: Demands
    _by_iss: dict[str, _Chosen]
    _by_pattern: tuple[_Chosen, ...]
    _only: _Chosen | None

    def __init__(
        self,
        *issuers: Believed,
        audience: Audience = None,
        name: str = "token",
        require: Collection[str] = (),
        leeway: timedelta = _LEEWAY,
        max_lifetime: timedelta | None = None,
        max_length: int = MAX_TOKEN,
        dpop: DPoP | None = None,
        bound_to: CertificateVerifier[Any] | None = None,
        one_time: bool = False,
        revocation: Revocation | None = None,
        ratchet: BindingRatchet | None = None,
        remember: int = 4096,
        max_actors: int = MAX_ACTORS,
        roles: str = "roles",
        groups: str = "groups",
        realm: str | None = None,
    ) -> None:
        believed = _flat(issuers)
        shared = _shared(believed, audience)
        if dpop is not None and believed[0].profile.carrier.header != AUTHORIZATION.header:
            raise ConfigError(
                f"dpop: tokens in {believed[0].profile.carrier} come from a proxy, which has no key of the caller's to "
                "prove; leave it out"
            )
        check_max_actors(max_actors)
        for what, claim in (("roles", roles), ("groups", groups)):
            check_list(what, claim)
        required = frozenset({"iss", "aud", "exp", "sub", "iat"}).union(
            texts("require", require) if require else (), ("jti",) if one_time else ()
        )
        static = all(issuer.static is not None for issuer in believed)
        demands = demanded(
            carrier=believed[0].profile.carrier,
            leeway=leeway,
            max_length=max_length,
            one_time=one_time,
            dpop=dpop,
            revocation=revocation,
            ratchet=ratchet,
            bound_to=bound_to,
            remember=remember,
            instant=static,
            settled=static,
        )
        longest = math.inf if max_lifetime is None else span_in_seconds(max_lifetime, "max_lifetime", least=1)

        def chosen(issuer: Issuer) -> _Chosen:
            profile = issuer.profile
            return _Chosen(
                issuer,
                HeaderRules(issuer.algorithms, profile.types, profile.typ_optional),
                ClaimRules(
                    issuer.audience or shared,
                    required | profile.require,
                    demands.leeway,
                    min(longest, profile.max_lifetime),
                    roles,
                    groups,
                    max_actors,
                ),
            )

        if demands.revocation is not None:
            demands.revocation.serves(believed)
        by_iss, by_pattern = _told_apart([chosen(issuer) for issuer in believed])
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            issuers=believed,
            name=check_name(name),
            realm=check_realm(realm),
            roles=_ClaimName(roles),
            groups=_ClaimName(groups),
            demands=demands,
            links=demands.links,
            audience=shared.union(*(issuer.audience or () for issuer in believed)),
            by_iss=by_iss,
            by_pattern=by_pattern,
            # With one issuer whose keys are at hand, a token under an unknown key is refused before it is read.
            only=chosen(believed[0]) if len(believed) == 1 and static else None,
        )

    @property
    def max_length(self) -> int:
        """The longest token that is looked at, in characters."""
        return self._demands.max_length

    @property
    def one_time(self) -> bool:
        """Whether each token is accepted once."""
        return self._demands.one_time

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """`Fetch` where an issuer's keys were not given, and what else has to be asked about a token."""
        return (() if self._demands.instant else (Fetch,)) + super().needs

    def _verified(self, token: str, now: float, *, keep: bool) -> Finding[TokenEvidence]:
        compact = split(token, limit=self._demands.max_length)
        if isinstance(compact, Reason):
            return Rejected(compact)
        chosen = self._only or self._choose(compact)
        if isinstance(chosen, Reason):
            return Rejected(chosen)
        keys = cast("KeySet", chosen.issuer.static)
        return self._believe(compact, check(compact, keys, chosen.rules), keys, chosen, now, keep)

    def _verifying(
        self, token: str, now: float, known: Remembered | None
    ) -> Gather[tuple[Finding[TokenEvidence], object, object]]:
        fetched: tuple[KeySet, float] | None = None
        if known is not None:
            fetched = yield from cast("Issuer", known.origin).key_set(now)
            if fetched[0] is known.keys:
                return known.finding, known.origin, known.keys
        compact = split(token, limit=self._demands.max_length)
        if isinstance(compact, Reason):
            return Rejected(compact), None, None
        chosen = self._choose(compact)
        if isinstance(chosen, Reason):
            return Rejected(chosen), None, None
        refused = chosen.issuer.refusal(compact.header, chosen.rules)
        if refused is not None:
            return Rejected(refused), None, None
        keys, fetched_at = fetched or (yield from chosen.issuer.key_set(now))
        header = check(compact, keys, chosen.rules)
        if isinstance(header, Reason) and header.kind is UNKNOWN_KEY:
            keys, _ = yield from chosen.issuer.key_set(now, after=fetched_at)
            header = check(compact, keys, chosen.rules)
        keep = self._demands.cache is not None
        return self._believe(compact, header, keys, chosen, now, keep), chosen.issuer, keys

    def _choose(self, compact: Compact) -> _Chosen | Reason:
        """The issuer that a token claims to be from; nothing of it is believed yet, or used for anything else."""
        claims = read_claims(compact)
        if isinstance(claims, Reason):
            return claims
        iss = claims.get("iss")
        known = self._by_iss.get(iss) if isinstance(iss, str) else None
        if known is None:
            known = next((one for one in self._by_pattern if one.issuer.is_called(iss)), None)
        if known is None:
            return wrong_issuer(claims, " or ".join(issuer.name for issuer in self.issuers))
        return _Chosen(known.issuer, known.rules, known.demanded, claims)

    def _believe(
        self, compact: Compact, header: Header | Reason, keys: KeySet, chosen: _Chosen, now: float, keep: bool
    ) -> Finding[TokenEvidence]:
        """What the claims of a token prove once its `header` was found good, signature included."""
        if isinstance(header, Reason):
            return Rejected(header)
        claims = read_claims(compact) if chosen.claims is None else chosen.claims
        if isinstance(claims, Reason):
            return Rejected(claims)
        fits = chosen.issuer.profile.fits
        if fits is not None:
            found = keys.find(header.kid, header.alg)
            refused = found if isinstance(found, Reason) else fits(found[0], claims)
            if refused is not None:
                return Rejected(refused)
        outcome = chosen.demanded.read(claims, chosen.issuer, now, keep=keep)
        return Rejected(outcome) if isinstance(outcome, Reason) else Verified(outcome)


def _flat(issuers: tuple[Believed, ...]) -> tuple[Issuer, ...]:
    listed: list[object] = []
    for one in cast("tuple[object, ...]", issuers):
        listed += cast("tuple[object, ...]", one) if isinstance(one, tuple) else (one,)
    believed = tuple(one for one in listed if isinstance(one, Issuer))
    if any(isinstance(one, list | set | frozenset) for one in listed):
        raise ConfigError("Bearer takes issuers one by one; of several in a list, write Bearer(*issuers, ...)")
    if not believed or len(believed) < len(listed):
        raise ConfigError(
            f"Bearer takes issuers first, not {issuers!r}; write "
            'Bearer(Issuer("https://login.example.com"), audience="payments")'
        )
    carriers = {issuer.profile.carrier for issuer in believed}
    if len(carriers) > 1:
        raise ConfigError(
            f"tokens in different places ({', '.join(sorted(map(str, carriers)))}) need a verifier each: "
            "Bearer(okta(...), ...), and Bearer(google_iap(...), ..., name='edge')"
        )
    return believed


def _shared(issuers: tuple[Issuer, ...], audience: object) -> frozenset[str]:
    """The audience of the issuers that have none of their own, if there are such; else `ConfigError`."""
    without = [issuer for issuer in issuers if issuer.audience is None]
    if audience is None:
        if without:
            raise ConfigError(
                f'no audience for {without[0].url}: write Bearer(..., audience="payments"), or Issuer(url, '
                "audience=...) at each of several issuers"
            )
        return frozenset()
    recipients = frozenset(texts("audience", audience))
    if not without:
        raise ConfigError(f"audience={audience!r}: every issuer has its own, so this would hold for none; leave it out")
    alone = len(without) == 1
    if not (alone or len(recipients) == 1):
        raise ConfigError(
            f"audience names {', '.join(sorted(recipients))} for several issuers: which is for whose tokens? Write it "
            "where each issuer is given, Issuer(url, audience=...) or okta(url, audience=...)"
        )
    for issuer in without:
        for recipient in sorted(recipients):
            issuer.check_audience(recipient, "" if alone else "; what is for another issuer, write there: audience=...")
    return recipients


def _told_apart(choices: list[_Chosen]) -> tuple[dict[str, _Chosen], tuple[_Chosen, ...]]:
    by_iss: dict[str, _Chosen] = {}
    by_pattern: list[_Chosen] = []
    for one in choices:
        iss = one.issuer.profile.iss
        if isinstance(iss, re.Pattern):
            by_pattern.append(one)
            continue
        for name in (one.issuer.url,) if iss is None else iss:
            if name in by_iss:
                raise ConfigError(f"two issuers have the same url: {name}; give each once")
            by_iss[name] = one
    return by_iss, tuple(by_pattern)
