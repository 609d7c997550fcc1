"""An issuer of access tokens that lives in the test: real keys, the shape of RFC 9068, and the forgeries to refuse."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from enum import Enum
from secrets import token_urlsafe
from typing import Final, Literal, TypeAlias, cast, get_args

from zerotrust.core.errors import ConfigError
from zerotrust.testing.clock import Clock
from zerotrust.testing.keys import SigningAlgorithm, SigningKey
from zerotrust.wire.encoding import b64url_decode, b64url_encode
from zerotrust.wire.json import JsonValue


class _Omit(Enum):
    OMIT = "left out"


OMIT: Final = _Omit.OMIT
"""Given for a claim or header member, it leaves that member out of the token."""

Omit: TypeAlias = Literal[_Omit.OMIT]

_ALGORITHMS: Final[tuple[SigningAlgorithm, ...]] = ("ES256", "RS256", "EdDSA")


class LocalIssuer:
    """Mints access tokens as an OAuth 2.0 authorization server would, and forges them as an attacker would.

    Args:
        url: its issuer identifier, the `iss` of its tokens.
        clock: tells POSIX seconds; a `Clock` that stands still unless given.
        algorithms: one key is made for each; the first is what `mint` signs with unless told otherwise.

    Example:
        issuer = LocalIssuer("https://issuer.example")
        token = issuer.mint(audience="payments", scope="pay")
        verifier = Bearer(Issuer(issuer.url, keys=issuer.jwks()), audience="payments")
    """

    def __init__(
        self,
        url: str = "https://issuer.example",
        *,
        clock: Callable[[], float] | None = None,
        algorithms: Iterable[SigningAlgorithm] = _ALGORITHMS,
    ) -> None:
        self.url = url
        self.clock: Callable[[], float] = clock or Clock()
        self._algorithms = tuple(dict.fromkeys(algorithms))
        if not self._algorithms:
            raise ConfigError("an issuer without algorithms has no keys; name at least one, e.g. algorithms=('ES256',)")
        self._generation = 0
        self._published: dict[str, SigningKey] = {}
        self._current: dict[str, SigningKey] = {}
        self.rotate()

    # --- What it publishes ----------------------------------------------------------------------------------------

    def jwks(self) -> dict[str, JsonValue]:
        """Its public keys as a JWK Set (RFC 7517 section 5), the newest last."""
        keys: list[JsonValue] = [dict(key.public) for key in self._published.values()]
        return {"keys": keys}

    def metadata(self) -> dict[str, JsonValue]:
        """Its metadata document (OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2)."""
        base = self.url.rstrip("/")
        return {
            "issuer": self.url,
            "jwks_uri": f"{base}/jwks",
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": list(self._algorithms),
        }

    def key(self, alg: SigningAlgorithm | None = None) -> SigningKey:
        """The key that signs with `alg` at present; the first algorithm's unless given."""
        wanted = alg or self._algorithms[0]
        if wanted not in self._current:
            raise ConfigError(f"this issuer has no key for {wanted}; make it with algorithms=({wanted!r}, ...)")
        return self._current[wanted]

    def rotate(self, *, keep: bool = True) -> None:
        """Make a new key for every algorithm and sign with it from now on.

        Args:
            keep: whether the old keys stay published, as they should until the last token they signed has expired.
        """
        self._generation += 1
        for alg in self._algorithms:
            key = SigningKey.generate(alg, f"{alg.lower()}-{self._generation}")
            self._current[alg] = self._published[key.kid] = key
        if not keep:
            self.retire()

    def retire(self) -> None:
        """Publish the current keys only; what older ones signed is no longer good."""
        self._published = {key.kid: key for key in self._current.values()}

    # --- What it signs --------------------------------------------------------------------------------------------

    def mint(
        self,
        *,
        subject: str = "alice",
        audience: str | list[str] = "api",
        scope: str = "",
        now: float | None = None,
        lifetime: timedelta = timedelta(minutes=5),
        alg: SigningAlgorithm | None = None,
        header: Mapping[str, JsonValue | Omit] | None = None,
        **claims: JsonValue | Omit,
    ) -> str:
        """Sign an access token (RFC 9068 section 2): `at+jwt` with iss, exp, aud, sub, client_id, iat and jti.

        Args:
            subject: the `sub` claim.
            audience: the `aud` claim.
            scope: names separated by blanks; no claim if empty.
            now: the moment of issue, POSIX seconds; the issuer's clock unless given.
            lifetime: from `now` to `exp`.
            alg: the algorithm, one of the issuer's; its first unless given.
            header: members to add to the header or to put in place of its own; `OMIT` leaves one out.
            claims: claims to add or to put in place of its own (`auth_time=...`, `exp="soon"`); `OMIT` leaves one out.

        Returns:
            The token in JWS compact serialization.
        """
        body = self._claims(subject, audience, now, lifetime)
        return self.sign(_dump(_present({**body, "scope": scope or OMIT, **claims})), alg=alg, header=header)

    def mint_id_token(self, *, client: str = "web", subject: str = "alice", **claims: JsonValue | Omit) -> str:
        """Sign an ID token (OpenID Connect Core 1.0 section 2): genuine, but meant for the client and nobody else.

        Args:
            client: its audience, the client's id.
            subject: the `sub` claim.
            claims: as for `mint`.
        """
        body = self._claims(subject, client, None, timedelta(minutes=5))
        changed = _present({**body, "client_id": OMIT, "jti": OMIT, "nonce": token_urlsafe(12), **claims})
        return self.sign(_dump(changed), header={"typ": "JWT"})

    def _claims(
        self, subject: str, audience: str | list[str], now: float | None, lifetime: timedelta
    ) -> dict[str, JsonValue | Omit]:
        if not isinstance(lifetime, timedelta):  # tests are not all typed
            raise ConfigError(f"lifetime takes a span of time such as timedelta(minutes=5), not {lifetime!r}")
        issued = int(self.clock() if now is None else now)
        return {
            "iss": self.url,
            "sub": subject,
            "aud": [*audience] if isinstance(audience, list) else audience,
            "client_id": "web",
            "iat": issued,
            "exp": issued + int(lifetime.total_seconds()),
            "jti": token_urlsafe(12),
        }

    def sign(
        self,
        payload: bytes,
        *,
        alg: SigningAlgorithm | None = None,
        header: Mapping[str, JsonValue | Omit] | None = None,
    ) -> str:
        """Sign these exact bytes, whatever they are, under the issuer's header: for tests of what a parser refuses."""
        key = self.key(alg)
        members: dict[str, JsonValue | Omit] = {"alg": key.alg, "typ": "at+jwt", "kid": key.kid, **(header or {})}
        return _compact(_dump(_present(members)), payload, key.sign)

    # --- What an attacker makes of a genuine token ----------------------------------------------------------------

    def forge_unsigned(self, token: str, *, alg: str = "none") -> str:
        """`token` without its signature, saying that it needs none (RFC 8725 section 2.1)."""
        header, payload = _open(token)
        return _compact(_dump({**header, "alg": alg}), payload, lambda _: b"")

    def forge_key_confusion(self, token: str) -> str:
        """`token` under HS256 with the issuer's public key as the secret (RFC 8725 section 2.1).

        It deceives a verifier that takes the algorithm from the token. The key is the RSA one where there is one.
        """
        header, payload = _open(token)
        key = self._current.get("RS256") or self.key()

        def sign(signing_input: bytes) -> bytes:
            return hmac.digest(key.pem, signing_input, "sha256")

        return _compact(_dump({**header, "alg": "HS256", "kid": key.kid}), payload, sign)

    def forge_foreign_key(self, token: str, **claims: JsonValue | Omit) -> str:
        """`token` signed again by the attacker's own key under the same `kid`, with `claims` changed to taste."""
        header, payload = _open(token)
        foreign = SigningKey.generate(_algorithm(header), "foreign")
        return _compact(_dump(header), _changed(payload, claims), foreign.sign)

    def forge_unknown_key(self, token: str, *, kid: str = "unheard-of") -> str:
        """`token` signed by the attacker's own key under a `kid` that the issuer never had."""
        header, payload = _open(token)
        foreign = SigningKey.generate(_algorithm(header), kid)
        return _compact(_dump({**header, "kid": kid}), payload, foreign.sign)

    def forge_embedded_key(self, token: str) -> str:
        """`token` signed by a key that it brings along in its own header (RFC 8725 section 3.5, CVE-2018-0114)."""
        header, payload = _open(token)
        foreign = SigningKey.generate(_algorithm(header), "embedded")
        return _compact(_dump({**header, "kid": foreign.kid, "jwk": dict(foreign.public)}), payload, foreign.sign)

    def forge_claims(self, token: str, **claims: JsonValue | Omit) -> str:
        """`token` with `claims` changed under the signature it had."""
        head, _, signature = token.split(".")
        _, payload = _open(token)
        return f"{head}.{b64url_encode(_changed(payload, claims))}.{signature}"

    def __repr__(self) -> str:
        return f"LocalIssuer({self.url!r})"


def _present(members: Mapping[str, JsonValue | Omit]) -> dict[str, JsonValue]:
    return {name: value for name, value in members.items() if value is not OMIT}


def _dump(members: Mapping[str, JsonValue]) -> bytes:
    # NaN and Infinity are let through on purpose: no issuer writes them, but an attacker might.
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _compact(header: bytes, payload: bytes, sign: Callable[[bytes], bytes]) -> str:
    signing_input = f"{b64url_encode(header)}.{b64url_encode(payload)}"
    return f"{signing_input}.{b64url_encode(sign(signing_input.encode('ascii')))}"


def _open(token: str) -> tuple[dict[str, JsonValue], bytes]:
    parts = [b64url_decode(part) for part in token.split(".")]
    if len(parts) != 3 or not isinstance(parts[0], bytes) or not isinstance(parts[1], bytes):
        raise ConfigError("a forgery starts from a token of this issuer: pass what mint() returned")
    return cast("dict[str, JsonValue]", json.loads(parts[0])), parts[1]


def _changed(payload: bytes, claims: Mapping[str, JsonValue | Omit]) -> bytes:
    return _dump(_present({**cast("dict[str, JsonValue]", json.loads(payload)), **claims})) if claims else payload


def _algorithm(header: Mapping[str, JsonValue]) -> SigningAlgorithm:
    alg = header.get("alg")
    return cast("SigningAlgorithm", alg) if alg in get_args(SigningAlgorithm) else "ES256"
