"""Who may issue tokens, with which algorithms, and where its keys are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final, TypeAlias, TypeVar
from urllib.parse import urlsplit

import attrs

from zerotrust.core.ask import Document, Fetch, Gather, SourceFailed, ask
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import COMPROMISED_KEY, SOURCE_REFUSED, Reason
from zerotrust.verifiers.profile import ACCESS_TOKENS, Profile
from zerotrust.wire.header import HeaderRules, parse_header, shown
from zerotrust.wire.json import parse_object
from zerotrust.wire.jwa import ALGORITHMS
from zerotrust.wire.jwk import KeySet, parse_key_set
from zerotrust.wire.url import check_url

PUBLIC_KEY_ALGORITHMS: Final = frozenset(name for name, algorithm in ALGORITHMS.items() if not algorithm.symmetric)
"""Every signature algorithm with a public key; each key still verifies only what fits its type and curve."""

_MAX_METADATA: Final = 128 * 1024

# Known claims whose absence cannot be an empty list: they are required, or of another type. (`scope` is a list to who
# asks for one, however it is spelled.)
_NO_LISTS: Final = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "auth_time", "acr", "client_id", "jti", "cnf"})

# What may name a file, and is no JSON.
_PATH: Final = re.compile(rb"[^{}\[\]\"\r\n]{1,1024}\.[a-zA-Z]{2,5}|[~.]{0,2}/[^{}\[\]\"\r\n]{1,1024}")

T = TypeVar("T")

KeySource: TypeAlias = KeySet | str | bytes | Mapping[str, object]
Audience: TypeAlias = str | Collection[str] | None


def _names(value: Collection[str]) -> frozenset[str]:
    if isinstance(value, str):
        raise ConfigError(f'a collection of names is needed: write {{"{value}"}}, not "{value}"')
    listed: list[object] = list(value) if isinstance(value, Iterable) else [None]
    names = [name for name in listed if isinstance(name, str) and name]
    if len(names) < len(listed):
        raise ConfigError(f'a collection of names is needed, such as {{"ES256"}}, not {value!r}')
    return frozenset(names)


def _recipients(audience: Audience) -> frozenset[str] | None:
    if audience is None:
        return None
    recipients = _names({audience} if isinstance(audience, str) else audience)
    if not recipients:
        raise ConfigError(f"audience takes one or more names, not {audience!r}")
    return recipients


def _bytes(keys: KeySource | None) -> KeySet | bytes | None:
    try:
        given = json.dumps(dict(keys)) if isinstance(keys, Mapping) else keys
        octets = given.encode() if isinstance(given, str) else given
    except (TypeError, ValueError) as error:
        # Only the kind of mistake: what stands there may be a secret.
        raise ConfigError(f"keys are not a JWK Set that JSON can hold: {type(error).__name__}") from None
    if octets is None or isinstance(octets, bytes | KeySet):
        return octets
    advice = "; give the content, not the path: path.read_text()" if hasattr(octets, "__fspath__") else ""
    raise ConfigError(f"keys are a JWK Set as text, as parsed JSON or a KeySet, not {type(octets).__name__}{advice}")


def _hint(keys: KeySet | bytes) -> str:
    if isinstance(keys, bytes) and keys.startswith((b"http://", b"https://")):
        return "; to have them fetched, write jwks_uri=... instead"
    if isinstance(keys, bytes) and _PATH.fullmatch(keys):
        return "; if that is a path, give the content: pathlib.Path(...).read_text()"
    if isinstance(keys, bytes) and keys.lstrip().startswith(b"-----BEGIN"):
        return '; PEM is not read, write the key as a JWK Set: {"keys": [{"kty": ..., "kid": ...}]}'
    return ""


def _static_keys(issuer: Issuer) -> KeySet | None:
    """The keys that need no fetching, once everything about `issuer` has been checked; it is not complete yet."""
    check_url(issuer.url, "an issuer")
    if "?" in issuer.url:
        raise ConfigError(
            f"an issuer is {issuer.url!r}: it has no query (RFC 8414 section 2); give jwks_uri or metadata"
        )
    for what, path in (("jwks_uri", "jwks"), ("metadata", ".well-known/openid-configuration")):
        if (url := getattr(issuer, what)) is not None:
            check_url(url, what, f"https://login.example.com/{path}")
    if not isinstance(issuer.profile, Profile):
        raise ConfigError(f"{issuer.url}: profile is {issuer.profile!r}; write a Profile, or leave it out for RFC 9068")
    if sum(given is not None for given in (issuer.keys, issuer.jwks_uri, issuer.metadata)) > 1:
        raise ConfigError(f"{issuer.url}: give one of keys, jwks_uri and metadata, not several")
    HeaderRules(issuer.algorithms, frozenset({"at+jwt"}))  # says what is wrong with the algorithms
    symmetric = any(ALGORITHMS[name].symmetric for name in issuer.algorithms)
    if symmetric and issuer.keys is None:
        raise ConfigError(
            f"{issuer.url}: a shared secret is never fetched; give keys={{'keys': [...]}} with the oct key"
        )
    if no_lists := sorted(issuer.absent_is_empty & _NO_LISTS):
        raise ConfigError(
            f"{issuer.url}: absent_is_empty: {', '.join(no_lists)} is no list, so it cannot be an empty one"
        )
    for audience in sorted(issuer.audience or ()):
        issuer.check_audience(audience)
    if issuer.keys is None:
        return None
    keys = issuer.keys if isinstance(issuer.keys, KeySet) else parse_key_set(issuer.keys, symmetric=symmetric)
    if isinstance(keys, Reason):
        raise ConfigError(f"{issuer.url}: keys are not a usable JWK Set: {keys}{_hint(issuer.keys)}")
    if not any(issuer.algorithms & key.algorithms for key in keys):
        aside = "; ".join(f"{kid}: {reason}" for kid, reason in keys.unsuitable.items())
        raise ConfigError(
            f"{issuer.url}: no key verifies any of {', '.join(sorted(issuer.algorithms))}"
            + (f"; set aside: {aside}" if aside else "")
        )
    return keys


@attrs.frozen(eq=False, kw_only=True)
class Issuer:
    """An authorization server whose access tokens are believed.

    Args:
        url: its issuer identifier, compared to `iss` character by character (RFC 8725 section 3.8). https, or http on
            loopback for development.
        keys: its keys, where they are not to be fetched: a JWK Set as text, as parsed JSON, or a `KeySet`.
        jwks_uri: where its JWK Set is, where its metadata document is not to be asked.
        metadata: where its metadata document is; by default `{url}/.well-known/openid-configuration` (OpenID Connect
            Discovery section 4). The document must name this very issuer.
        audience: who we are in its access tokens (`aud`), in place of what `Bearer` is given for all; one of several
            suffices. An audience that one issuer hands out means nothing in tokens of another.
        algorithms: the `alg` values pinned for it (RFC 8725 section 3.1); by default all with public keys, of which
            each key serves its own only.
        absent_is_empty: claims that it leaves out when they are empty lists, e.g. `{"roles"}`. Without this a missing
            claim is unknown, so that `~token.role("contractor")` does not hold for a token that says nothing. Such a
            claim then counts as there, and empty; not if the token says that it is kept elsewhere (`_claim_names`).
        profile: what it makes of its tokens; RFC 9068 unless given. `zerotrust.providers` has those of many issuers.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    url: str = attrs.field(kw_only=False)
    keys: KeySet | bytes | None = attrs.field(default=None, converter=_bytes, repr=False)
    jwks_uri: str | None = None
    metadata: str | None = None
    audience: frozenset[str] | None = attrs.field(default=None, converter=_recipients, repr=False)
    algorithms: frozenset[str] = attrs.field(default=PUBLIC_KEY_ALGORITHMS, converter=_names, repr=False)
    absent_is_empty: frozenset[str] = attrs.field(default=frozenset(), converter=_names, repr=False)
    profile: Profile = attrs.field(default=ACCESS_TOKENS, repr=False)
    static: KeySet | None = attrs.field(init=False, repr=False, default=attrs.Factory(_static_keys, takes_self=True))
    # What was read from the documents last seen, good or not; they are immutable, so reading one twice would be waste.
    _keys_in: dict[int, tuple[Document, KeySet | Reason]] = attrs.field(
        init=False, factory=dict[int, tuple[Document, KeySet | Reason]], repr=False
    )
    _uri_in: dict[int, tuple[Document, str | Reason]] = attrs.field(
        init=False, factory=dict[int, tuple[Document, str | Reason]], repr=False
    )

    @property
    def name(self) -> str:
        """What its tokens have to say in `iss`, for people."""
        iss = self.profile.iss
        return self.url if iss is None else " or ".join(sorted(iss)) if isinstance(iss, frozenset) else iss.pattern

    def is_called(self, iss: object) -> bool:
        """Whether its tokens may say `iss` of themselves; compared character by character (RFC 8725 section 3.8)."""
        if not isinstance(iss, str):
            return False
        named = self.profile.iss
        if named is None:
            return iss == self.url
        return iss in named if isinstance(named, frozenset) else named.fullmatch(iss) is not None

    @property
    def sources(self) -> str:
        """What evidence from its tokens names as its source, for people."""
        sources = self.profile.sources
        return self.url if sources is None else sources.pattern

    def is_source(self, source: object) -> bool:
        """Whether evidence from one of its tokens can have this `source`: what leaves may ask for as the issuer."""
        if not isinstance(source, str):
            return False
        sources = self.profile.sources
        return source == self.url if sources is None else sources.fullmatch(source) is not None

    def check_audience(self, audience: str, hint: str = "") -> None:
        """Whether its tokens can be for `audience`, as far as its profile knows.

        Raises:
            ConfigError: they cannot; with `hint` after what is wrong.
        """
        wrong = None if self.profile.audience is None else self.profile.audience(audience)
        if wrong is not None:
            raise ConfigError(f"audience={audience!r} cannot be one of {self.profile.name}: {wrong}{hint}")

    def refusal(self, header: bytes, rules: HeaderRules) -> Reason | None:
        """Why a token with this header segment is refused whatever the keys are, so that none need be fetched."""
        _, keys = self._keys_in.get(0, (None, None))
        if isinstance(keys, KeySet) and keys.recall(rules, header) is not None:
            return None
        read = parse_header(header)
        return read if isinstance(read, Reason) else rules.refusal(read)

    def key_set(self, now: float, *, after: float = float("-inf")) -> Gather[tuple[KeySet, float]]:
        """Its keys, and when they were fetched.

        Args:
            now: the moment of the request, POSIX seconds.
            after: keys fetched at or before this moment lacked a key that is looked for; ask for newer ones.

        Raises:
            SourceFailed: thrown in by the driver, or because metadata or keys are not usable.
        """
        if self.static is not None:
            return self.static, float("inf")
        document = yield from ask(Fetch((yield from self._where(now)), now, after, unusable=_unusable_keys))
        return _once(self._keys_in, document, self._read_keys), document.fetched_at

    def _where(self, now: float) -> Gather[str]:
        if self.jwks_uri is not None:
            return self.jwks_uri
        where = self.metadata or self.url.rstrip("/") + "/.well-known/openid-configuration"
        document = yield from ask(Fetch(where, now, limit=_MAX_METADATA, unusable=self._unusable_metadata))
        return _once(self._uri_in, document, self._read_metadata)

    def _read_keys(self, document: Document) -> KeySet | Reason:
        keys = parse_key_set(document.body)
        if isinstance(keys, Reason):
            return SOURCE_REFUSED(presented=str(keys), detail=f"the key set of {self.url}")
        return keys

    def _unusable_metadata(self, body: bytes) -> Reason | None:
        read = self._read_metadata(Document(self.url, body, 0.0))
        return read if isinstance(read, Reason) else None

    def _read_metadata(self, document: Document) -> str | Reason:
        metadata = parse_object(document.body, limit=_MAX_METADATA)
        detail = f"the metadata of {self.url}"
        if isinstance(metadata, Reason):
            return SOURCE_REFUSED(presented=str(metadata), detail=detail)
        # OpenID Connect Discovery section 4.3, RFC 8414 section 3.3: it must speak for this very issuer.
        if (issuer := metadata.get("issuer")) != self.url:
            return SOURCE_REFUSED(expected=self.url, presented=shown(str(issuer)), detail=detail)
        try:
            jwks_uri = check_url(metadata.get("jwks_uri"), "jwks_uri")
        except ConfigError as error:
            return SOURCE_REFUSED(presented=shown(str(error)), detail=detail)
        # Loopback may do without TLS only where the metadata did, too.
        if urlsplit(jwks_uri).scheme != urlsplit(document.url).scheme == "https":
            return SOURCE_REFUSED(expected="https", presented=shown(jwks_uri), detail=detail)
        return jwks_uri


def _unusable_keys(body: bytes) -> Reason | None:
    """Why a key set is of no use, so that the last good one stays. One that gives its private keys away counts.

    It says that the keys before it are lost, too, which nobody must go on trusting.
    """
    read = parse_key_set(body)
    return read if isinstance(read, Reason) and read.kind is not COMPROMISED_KEY else None


def _once(
    last: dict[int, tuple[Document, T | Reason]], document: Document, read: Callable[[Document], T | Reason]
) -> T:
    """What `read` makes of `document`, from the one-entry memory `last` if it is the very document read last."""
    known, value = last.get(0, (None, None))
    if value is None or known is not document:
        value = read(document)
        last[0] = document, value
    if isinstance(value, Reason):
        raise SourceFailed(value)
    return value
