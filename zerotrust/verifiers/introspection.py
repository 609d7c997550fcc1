"""Opaque access tokens: what they are good for is known to their issuer, which is asked (RFC 7662)."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, NoReturn
from urllib.parse import urlsplit

import attrs

from zerotrust.core.ask import Ask, Document, Fetch, Gather, Post, SourceFailed, ask
from zerotrust.core.errors import ConfigError
from zerotrust.core.finding import Finding, Rejected, Verified
from zerotrust.core.moments import minutes, seconds, span_in_seconds
from zerotrust.core.reason import MALFORMED, NOT_ACTIVE, SOURCE_REFUSED, TOO_LARGE, WRONG_TYPE, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Verifier
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.client_authentication import ClientAuthentication
from zerotrust.verifiers.delegation import MAX_ACTORS, check_max_actors
from zerotrust.verifiers.dpop import DPoP
from zerotrust.verifiers.inactive import InactiveTokens
from zerotrust.verifiers.introspection_answer import MOST_ANSWER, AnswerRules
from zerotrust.verifiers.introspection_jwts import check_bearer
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.presented import Demands, PresentedToken, demanded
from zerotrust.verifiers.ratchet import BindingRatchet
from zerotrust.verifiers.revocation import Revocation
from zerotrust.verifiers.token import check_list, check_name, check_realm, texts
from zerotrust.verifiers.token_cache import Remembered
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.wire.header import shown
from zerotrust.wire.json import parse_object
from zerotrust.wire.url import check_url

if TYPE_CHECKING:
    from zerotrust.verifiers.certificates import CertificateVerifier

_LEEWAY: Final = seconds(10)
_CACHE_FOR: Final = seconds(30)
_LONGEST: Final = minutes(15)
_LENGTH: Final = 4096
_MOST_METADATA: Final = 128 * 1024

# RFC 6750 section 2.1.
_TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/]++=*+")
# Three or five parts, the first of which begins like a JSON object: a signed or an encrypted JWT.
_JWT: Final = re.compile(r"(?:^|.* )ey[\w-]*+(?:\.[\w-]*+){2}(?:(?:\.[\w-]*+){2})?", re.ASCII)


@attrs.frozen(eq=False, init=False, repr=False)
class Introspection(PresentedToken):
    """Checks the opaque access token of a request by asking its issuer (RFC 7662), and gives the leaves about it.

    It is looked for where `Bearer` looks, and held to the same rules: a token that is bound to a key (`cnf`) counts
    only with the proof of that key. Whatever goes wrong with asking makes the token unavailable, never good, and never
    the caller's fault: no answer is used beyond its time because there is no newer one.

    Args:
        issuer: whose tokens these are: its url, or an `Issuer` where its metadata is in another place.
        audience: who we are: what `aud` of the answer must name. One of several suffices.
        client: how the server knows us: `ClientSecret`, `PrivateKeyJwt`, `TlsClient`.
        endpoint: the URL to ask; None to read it in the issuer's metadata.
        cache_for: for how long an answer counts, so long as the token lives; at most 15 minutes. A token that is
            revoked at its issuer is let in so much longer. No time at all: ask with each request. That a token is not
            active counts for no longer than that either, and for 5 seconds at most.
        jwts: what to do with a token that looks like a JWT: `"refuse"` it, `"ask"` about it like about any other, or
            give a `Bearer` to have it verified by that one, where an issuer or several hand out both. It has to demand
            the same: `dpop`, `bound_to`, `revocation`, `ratchet`, `one_time`, `max_actors`, `leeway`, `roles`,
            `groups`, and what `require` names.
        audience_optional: whether an answer without `aud` will do. Only where the server gives tokens to nobody but us,
            or answers "not active" about those for others (RFC 7662 section 4): else whoever holds a token for another
            service is let in.
        token_type_optional: whether an answer without `token_type` will do. Only where the server answers for access
            tokens alone: else refresh tokens are let in.
        clients: whether tokens without `sub` count, as those of the client credentials grant may be; they are about
            their `client_id`. Only where no client can have an id that is a person's.
        hint: the `token_type_hint` to send (RFC 7662 section 2.1); None for none.
        name: what the token is called in explanations.
        require: members of the answer that must be there besides.
        leeway: by how much clocks may differ; at most 2 minutes.
        max_length: the longest token, in characters; longer ones cost nothing.
        dpop, bound_to, one_time, revocation, ratchet, max_actors, roles, groups, realm: as for `Bearer`. `one_time`
            needs `jti` and `exp` in the answer.
        remember: how many answers are kept; 0 for none. Of those that say "not active" 1024 at most, besides.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    issuers: tuple[Issuer, ...]
    name: str
    realm: str | None
    roles: str
    groups: str
    audience: frozenset[str]
    client: ClientAuthentication
    endpoint: str | None
    links: tuple[Verifier[Any], ...]
    _demands: Demands
    _rules: AnswerRules
    _cache_for: float
    _hint: str | None
    _bearer: Bearer | None
    _ask_all: bool
    # What was read from the metadata last seen, good or not; it is immutable, so reading it twice would be waste.
    _endpoint_in: dict[int, tuple[Document, str | Reason]]
    _inactive: InactiveTokens

    cost: ClassVar[int] = 100

    def __init__(
        self,
        issuer: str | Issuer,
        *,
        audience: str | Collection[str],
        client: ClientAuthentication,
        endpoint: str | None = None,
        cache_for: timedelta = _CACHE_FOR,
        jwts: Bearer | Literal["refuse", "ask"] = "refuse",
        audience_optional: bool = False,
        token_type_optional: bool = False,
        clients: bool = False,
        hint: str | None = "access_token",
        name: str = "token",
        require: Collection[str] = (),
        leeway: timedelta = _LEEWAY,
        max_length: int = _LENGTH,
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
        believed = _issuer(issuer)
        if not isinstance(client, ClientAuthentication):
            raise ConfigError(f'client takes e.g. ClientSecret("payments", secret), not {type(client).__name__}')
        for what, value in (
            ("audience_optional", audience_optional), ("token_type_optional", token_type_optional),
            ("clients", clients),
        ):  # fmt: skip
            if not isinstance(value, bool):
                raise ConfigError(f"{what}={value!r}: write True or False")
        if hint is not None and not (isinstance(hint, str) and hint.isascii() and hint.isprintable() and hint):
            raise ConfigError(f'hint={hint!r}: write "access_token", or None')
        for what, member in (("roles", roles), ("groups", groups)):
            check_list(what, member, "member")
        span = span_in_seconds(cache_for, "cache_for", most=_LONGEST.total_seconds())
        demands = demanded(
            carrier=believed.profile.carrier,
            leeway=leeway,
            max_length=max_length,
            one_time=one_time,
            dpop=dpop,
            revocation=revocation,
            ratchet=ratchet,
            bound_to=bound_to,
            remember=remember if span else 0,
            instant=False,
            settled=True,
        )
        bearer = jwts if isinstance(jwts, Bearer) else None
        if bearer is None and jwts not in ("refuse", "ask"):
            raise ConfigError(f'jwts={jwts!r}: write "refuse", "ask", or the Bearer that verifies them')
        recipients = frozenset(texts("audience", audience))
        if believed.audience is not None and believed.audience != recipients:
            raise ConfigError(
                f"audience={audience!r}: {believed.url} has one of its own, {', '.join(sorted(believed.audience))}; "
                "write the same here, or leave it out there"
            )
        asked_for = frozenset(texts("require", require) if require else ())
        rules = AnswerRules(
            issuer=believed,
            audience=recipients,
            required=asked_for.union(
                () if audience_optional else ("aud",),
                () if token_type_optional else ("token_type",),
                ("jti", "exp") if one_time else (),
                believed.profile.require,
            ),
            leeway=demands.leeway,
            span=span,
            roles=roles,
            groups=groups,
            max_actors=check_max_actors(max_actors),
            clients=clients,
        )
        if bearer is not None:
            check_bearer(bearer, demands, rules, asked_for)
        if demands.revocation is not None:
            demands.revocation.serves((believed,))
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            issuers=_together(believed, bearer),
            name=check_name(name),
            realm=check_realm(realm),
            roles=roles,
            groups=groups,
            audience=recipients,
            client=client,
            endpoint=None
            if endpoint is None
            else check_url(endpoint, "endpoint", "https://login.example.com/introspect"),
            demands=demands,
            links=demands.links,
            rules=rules,
            cache_for=span,
            hint=hint,
            bearer=bearer,
            ask_all=jwts == "ask",
            endpoint_in={},
            inactive=InactiveTokens(remember if span else 0, span),
        )

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """`Post`, `Fetch` where the endpoint was not given, and what else has to be asked about a token."""
        own = ((Post,) if self.endpoint is not None else (Fetch, Post)) + super().needs
        return tuple(dict.fromkeys(own + (() if self._bearer is None else self._bearer.needs)))

    def find(self, request: AccessRequest) -> Finding[TokenEvidence] | Gather[Finding[TokenEvidence]]:
        """The token that `request` carries, checked. Never looks for one in the URL or the body."""
        if self._bearer is not None:
            sent = self._demands.carrier.field(request)
            if isinstance(sent, bytes) and _JWT.fullmatch(sent.decode("latin-1")):
                return self._bearer.find(request)
        return super().find(request)

    def verifying(self, token: str, now: float) -> Gather[Finding[TokenEvidence]]:
        """One token alone, as a generator of asks for a driver to run. One that is bound to a key is rejected."""
        if self._bearer is not None and _JWT.fullmatch(token):
            return self._bearer.verifying(token, now)
        return super().verifying(token, now)

    def _verified(self, token: str, now: float, *, keep: bool) -> NoReturn:
        raise ConfigError(f"{self.name} has to ask the issuer about a token")

    def _verifying(
        self, token: str, now: float, known: Remembered | None
    ) -> Gather[tuple[Finding[TokenEvidence], object, object]]:
        if known is not None:
            return known.finding, None, None
        refused = self._unsendable(token)
        if refused is not None:
            return Rejected(refused), None, None
        if self._inactive.has(token, now):
            return Rejected(NOT_ACTIVE()), None, None
        document = yield from ask(self._question(token, now, (yield from self._where(now))))
        evidence = self._rules.read(document.body, document.fetched_at, now)
        if not isinstance(evidence, Reason):
            return Verified(evidence), None, None
        if evidence.kind is SOURCE_REFUSED:
            raise SourceFailed(evidence)
        if evidence.kind is NOT_ACTIVE:
            self._inactive.add(token, min(document.fetched_at, now))
        return Rejected(evidence), None, None

    def _unsendable(self, token: str) -> Reason | None:
        """Why the issuer is not asked about `token`."""
        if len(token) > self._demands.max_length:
            return TOO_LARGE(expected=f"at most {self._demands.max_length} characters", presented=len(token))
        if not _TOKEN.fullmatch(token):
            return MALFORMED(detail="not a b64token (RFC 6750 section 2.1)")
        if not self._ask_all and _JWT.fullmatch(token):
            return WRONG_TYPE(expected="an opaque token", presented="what looks like a JWT")
        return None

    def _question(self, token: str, now: float, endpoint: str) -> Post:
        """RFC 7662 section 2.1."""
        hint = () if self._hint is None else (("token_type_hint", self._hint),)
        credentials = self.client.credentials(self.issuers[0].url, now)
        shared = None
        if self._cache_for:  # else each request is to have an answer of its own
            name = json.dumps([token, self._hint, type(self.client).__name__, self.client.id])
            shared = sha256(name.encode()).digest()
        return Post(
            endpoint,
            (("token", token), *hint, *credentials.form),
            now,
            credentials.headers,
            credentials.certificate,
            MOST_ANSWER,
            shared,
            credentials.sign,
        )

    def _window(self, evidence: TokenEvidence) -> tuple[float, float]:
        """No earlier than it was asked, without leeway, and no later than the answer counts or the token lives."""
        begins, _ = super()._window(evidence)
        exp = evidence.claims.get("exp")
        ends = evidence.verified_at + self._cache_for
        return max(begins, evidence.verified_at + self._demands.leeway), min(exp, ends) if type(exp) is int else ends

    # --- Where to ask ------------------------------------------------------------------------------------------------

    def _where(self, now: float) -> Gather[str]:
        if self.endpoint is not None:
            return self.endpoint
        issuer = self.issuers[0]
        url = issuer.metadata or issuer.url.rstrip("/") + "/.well-known/openid-configuration"
        document = yield from ask(Fetch(url, now, limit=_MOST_METADATA, unusable=self._unusable))
        known, endpoint = self._endpoint_in.get(0, (None, None))
        if endpoint is None or known is not document:
            endpoint = self._read_metadata(document)
            self._endpoint_in[0] = document, endpoint
        if isinstance(endpoint, Reason):
            raise SourceFailed(endpoint)
        return endpoint

    def _unusable(self, body: bytes) -> Reason | None:
        read = self._read_metadata(Document(self.issuers[0].url, body, 0.0))
        return read if isinstance(read, Reason) else None

    def _read_metadata(self, document: Document) -> str | Reason:
        issuer = self.issuers[0].url
        detail = f"the metadata of {issuer}"
        metadata = parse_object(document.body, limit=_MOST_METADATA)
        if isinstance(metadata, Reason):
            return SOURCE_REFUSED(presented=str(metadata), detail=detail)
        # OpenID Connect Discovery section 4.3, RFC 8414 section 3.3: it must speak for this very issuer.
        if (named := metadata.get("issuer")) != issuer:
            return SOURCE_REFUSED(expected=issuer, presented=shown(str(named)), detail=detail)
        endpoint = metadata.get("introspection_endpoint")
        aliases = metadata.get("mtls_endpoint_aliases")
        if self.client.certificate is not None and isinstance(aliases, dict):  # RFC 8705 section 5
            endpoint = aliases.get("introspection_endpoint", endpoint)
        if endpoint is None:
            return SOURCE_REFUSED(
                expected="introspection_endpoint, or endpoint= where the verifier is made", detail=detail
            )
        try:
            url = check_url(endpoint, "introspection_endpoint")
        except ConfigError as error:
            return SOURCE_REFUSED(presented=shown(str(error)), detail=detail)
        # Loopback may do without TLS only where the metadata did, too.
        if urlsplit(url).scheme != urlsplit(document.url).scheme == "https":
            return SOURCE_REFUSED(expected="https", presented=shown(url), detail=detail)
        return url


def _issuer(issuer: object) -> Issuer:
    believed = Issuer(issuer) if isinstance(issuer, str) else issuer
    if not isinstance(believed, Issuer):
        raise ConfigError(
            f"Introspection takes the url of one issuer first, not {issuer!r}; write "
            'Introspection("https://login.example.com", audience="payments", client=ClientSecret(...))'
        )
    if believed.profile.translate is not None:
        raise ConfigError(
            f"the profile of {believed.url} ({believed.profile.name}) is made for its JWTs, and cannot read what is "
            f'said of a token; write Introspection("{believed.url}", ...)'
        )
    return believed


def _together(issuer: Issuer, bearer: Bearer | None) -> tuple[Issuer, ...]:
    others = () if bearer is None else tuple(one for one in bearer.issuers if one.url != issuer.url)
    return (issuer, *others)
