"""DPoP proofs: a client shows with each request that it has the key its token is bound to (RFC 9449)."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Collection
from datetime import timedelta
from hashlib import blake2b, sha256
from hmac import compare_digest
from threading import Lock
from typing import Final, cast

import attrs

from zerotrust.core.ask import ConsumeOnce
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import seconds, span_in_seconds
from zerotrust.core.reason import (
    BAD_PROOF,
    DUPLICATE_HEADER,
    ENCRYPTED,
    KEY_MISMATCH,
    NONCE_REQUIRED,
    PROOF_REQUIRED,
    Reason,
)
from zerotrust.core.request import AccessRequest
from zerotrust.verifiers.nonces import Nonces
from zerotrust.wire.encoding import b64url_decode
from zerotrust.wire.header import parse_parameters, shown
from zerotrust.wire.json import JsonValue, parse_object
from zerotrust.wire.jwa import ALGORITHMS, Verify
from zerotrust.wire.jwk import parse_verifier
from zerotrust.wire.target import encoded_path, is_plain, normal_origin, normal_path, normal_target
from zerotrust.wire.thumbprint import thumbprint
from zerotrust.wire.url import parse_url

MAX_PROOF: Final = 8 * 1024
"""Characters of a proof: one with the longest RSA key accepted still fits."""

MAX_JTI: Final = 256
"""Characters of a `jti`."""

ASYMMETRIC: Final = frozenset(name for name, algorithm in ALGORITHMS.items() if not algorithm.symmetric)
"""The algorithms that a proof may be signed with (RFC 9449 section 11.6)."""

PARTS: Final = frozenset({"alg", "ath", "claims", "header", "htm", "htu", "iat", "jti", "jwk", "signature", "typ"})
"""What of a proof may not be good, by its name."""

_SPACE: Final = "dpop"
_TYPE: Final = "dpop+jwt"
_MAX_AGE: Final = seconds(60)
_LEEWAY: Final = seconds(10)
_MOST_AGE: Final = 600
_MOST_LEEWAY: Final = 120  # seconds: no service is more patient with clocks
_MOST_KNOWN: Final = 4096
_LONGEST_KNOWN: Final = 2048  # characters of a header segment that is remembered

_NO_PROOF: Final = PROOF_REQUIRED(expected="one DPoP header", presented="none", detail="DPoP")
_SEVERAL: Final = DUPLICATE_HEADER(presented="several of dpop")
_TOO_LONG: Final = BAD_PROOF(expected=f"at most {MAX_PROOF} characters", detail="too long")
_FIVE_PARTS: Final = ENCRYPTED(detail="a DPoP proof")
_NOT_THREE: Final = BAD_PROOF(detail="not three parts separated by periods")
_NO_JWK: Final = BAD_PROOF(detail="jwk is missing or not an object")
_KEY: Final = KEY_MISMATCH(detail="the key of the proof (RFC 9449 section 4.3)")
_SIGNATURE: Final = BAD_PROOF(detail="the signature does not match")
_JTI: Final = BAD_PROOF(expected=f"text of 1 to {MAX_JTI} characters", detail="jti")
_HTU: Final = BAD_PROOF(detail="htu is missing or not text")
_ATH: Final = BAD_PROOF(detail="ath is not the hash of the token")
_IAT: Final = BAD_PROOF(expected="a whole number of seconds", detail="iat")
_NONCE: Final = NONCE_REQUIRED()

_TO_BASE64URL: Final = bytes.maketrans(b"+/", b"-_")


@attrs.frozen(eq=False, init=False)
class DPoP:
    """How the proofs are checked that come with tokens bound to a key (RFC 9449 sections 4.3 and 7.1).

    Give it to a token verifier, `Bearer(..., dpop=DPoP(url="https://api.example.com"))`, which then takes tokens from
    `Authorization: DPoP`, too. Each proof counts once, so a store is needed that answers `ConsumeOnce`.

    Args:
        required: whether tokens that are bound to no key are refused.
        algorithms: what proofs may be signed with; all asymmetric algorithms unless given.
        max_age: for how long after its `iat` a proof is good; at most 10 minutes.
        leeway: by how much the clock of a client may differ, either way; at most 2 minutes.
        url: the public base URL of this service, as clients write it, e.g. `https://api.example.com/v1` where a proxy
            passes on what follows `/v1`; https, or http on loopback. Without it, scheme and host are those of the
            request, and so are what the caller says unless the server in front knows better; behind a proxy that ends
            TLS they are wrong.
        nonces: makes and recognises the nonces that every proof has to carry; None to ask for none. The fewer proofs a
            client can make ahead of time, the less there is to steal (sections 8 and 11.2).

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    required: bool
    algorithms: frozenset[str] = attrs.field(repr=lambda names: f"{{{', '.join(map(repr, sorted(names)))}}}")
    max_age: float
    leeway: float
    url: str | None
    nonces: Nonces | None
    _known: dict[str, tuple[bytes, Verify]] = attrs.field(repr=False)
    _lock: Lock = attrs.field(repr=False)

    def __init__(
        self,
        *,
        required: bool = False,
        algorithms: Collection[str] = ASYMMETRIC,
        max_age: timedelta = _MAX_AGE,
        leeway: timedelta = _LEEWAY,
        url: str | None = None,
        nonces: Nonces | None = None,
    ) -> None:
        if not isinstance(required, bool):
            raise ConfigError(f"required={required!r}: write True or False")
        if nonces is not None and not isinstance(nonces, Nonces):
            raise ConfigError("nonces takes Nonces(secret), or None to ask for none")  # it may be a secret: not shown
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            required=required,
            algorithms=_asymmetric(algorithms),
            max_age=span_in_seconds(max_age, "max_age", least=1, most=_MOST_AGE),
            leeway=span_in_seconds(leeway, "leeway", most=_MOST_LEEWAY),
            url=None if url is None else _base(url),
            nonces=nonces,
            known={},
            lock=Lock(),
        )

    def check(self, request: AccessRequest, token: str, jkt: str, ath: bytes | None = None) -> ConsumeOnce | Reason:
        """Check the proof that came with `request`.

        Args:
            request: what came in.
            token: the access token that came with it.
            jkt: the thumbprint of the key that the token is bound to (section 6.1).
            ath: the `token_hash` of the token, if it was computed before; then it counts, and the token does not.

        Returns:
            The mark of the proof, which is good if it can be consumed; or why it is not good: `proof_required` where
            there is none, `duplicate_header`, `encrypted` for one in five parts, `key_mismatch` for one by another
            key, `nonce_required` for one without a nonce of ours that is still good, `bad_proof` for all else.
        """
        sent = request.field("dpop")
        if not isinstance(sent, bytes):
            return _NO_PROOF if sent is None else sent
        if len(sent) > MAX_PROOF:
            return _TOO_LONG
        if b"," in sent:  # how a list of several headers is passed on (RFC 9110 section 5.3)
            return _SEVERAL
        signed, _, signature = sent.rpartition(b".")
        header, _, payload = signed.partition(b".")
        if not payload or b"." in payload:
            return _FIVE_PARTS if sent.count(b".") == 4 else _NOT_THREE
        octets = b64url_decode(payload)
        claims = octets if isinstance(octets, Reason) else parse_object(octets, limit=MAX_PROOF)
        if isinstance(claims, Reason):
            return _bad(claims, "claims")
        refused = self._refusal(claims, request, _moment(claims, request, jkt), ath or token_hash(token))
        if refused is not None:
            return refused
        # What is cheap has passed; what costs time is left.
        refused = self._unsigned(header, signed, signature, jkt)
        if refused is not None:
            return refused
        # As long as any service, or the next configuration of this one, could take it: they may be more patient.
        until = cast("int", claims["iat"]) + _MOST_AGE + _MOST_LEEWAY
        return ConsumeOnce(_SPACE, _mark(jkt, cast("str", claims["jti"])), until, request.now)

    def continuing(self, now: float) -> tuple[tuple[bytes, bytes], ...]:
        """The nonce for the caller's next proof, as a response header (section 8.2); none if no nonces are used."""
        return () if self.nonces is None else ((b"dpop-nonce", self.nonces.make(now).encode("ascii")),)

    # --- What the proof says -----------------------------------------------------------------------------------------

    def _refusal(
        self, claims: dict[str, JsonValue], request: AccessRequest, now: float, hashed: bytes
    ) -> Reason | None:
        """Why these are not the claims of a proof for this very request, at the moment `now`."""
        jti, htm, iat, ath = claims.get("jti"), claims.get("htm"), claims.get("iat"), claims.get("ath")
        if type(jti) is not str or not 0 < len(jti) <= MAX_JTI:
            return _JTI
        if htm != request.method:
            said = shown(htm) if isinstance(htm, str) else None
            return BAD_PROOF(expected=request.method, presented=said, detail="htm")
        refused = self._elsewhere(claims.get("htu"), request)
        if refused is not None:
            return refused
        if type(iat) is not int:  # a boolean is an int, and no number
            return _IAT
        age = now - iat
        if not -self.leeway <= age < self.max_age + self.leeway:
            return BAD_PROOF(expected=f"at most {self.max_age:g} s ago", presented=f"{_span(age)} ago", detail="iat")
        if type(ath) is not str or not compare_digest(ath.encode(), hashed):
            return _ATH
        if self.nonces is not None:
            nonce = claims.get("nonce")
            if type(nonce) is not str or not self.nonces.accepts(nonce, now):
                return _NONCE
        return None

    def _elsewhere(self, htu: JsonValue, request: AccessRequest) -> Reason | None:
        """Why `htu` is not the URL of this request, queries and fragments aside (section 4.3, item 9)."""
        if type(htu) is not str:
            return _HTU
        prefix = self.url or f"{request.scheme}://{request.host}"
        raw = request.raw_path
        if raw is not None and raw[:1] == "/" and htu == prefix + raw and is_plain(htu):
            return None  # the same text, in which there is nothing to be normalised
        base = normal_origin(request.scheme, request.host) if self.url is None else self.url
        if isinstance(base, Reason):
            return _bad(base, "the URL of the request")
        # Without the path as sent, an encoded slash cannot be told from another; then no proof for one is good.
        path = encoded_path(request.path) if raw is None else normal_path(raw)
        if isinstance(path, Reason):
            return _bad(path, "the URL of the request")
        target = base + path
        if htu == target:  # which is in its one spelling
            return None
        meant = normal_target(htu)
        if isinstance(meant, Reason):
            return _bad(meant, "htu")
        return None if meant == target else BAD_PROOF(expected=target, presented=shown(meant), detail="htu")

    # --- Whose it is -------------------------------------------------------------------------------------------------

    def _unsigned(self, header: bytes, signed: bytes, signature: bytes, jkt: str) -> Reason | None:
        """Why the key called `jkt` did not sign what was `signed`."""
        known = self._known.get(jkt)
        # The header of a key that has signed before, to the letter: nothing in it needs another look.
        verify = known[1] if known is not None and known[0] == header else self._verify(header, jkt)
        if isinstance(verify, Reason):
            return verify
        octets = b64url_decode(signature)
        if isinstance(octets, Reason):
            return _bad(octets, "the signature")
        if not verify(signed, octets):
            return _SIGNATURE
        if known is None or known[1] is not verify:
            self._remember(jkt, header, verify)
        return None

    def _verify(self, segment: bytes, jkt: str) -> Verify | Reason:
        """What verifies a signature under the header in `segment`, if its key is the one called `jkt`."""
        parameters = parse_parameters(segment)
        if isinstance(parameters, Reason):
            return _bad(parameters, "header")
        typ, alg, jwk = parameters.get("typ", "no typ"), str(parameters["alg"]), parameters.get("jwk")
        if typ != _TYPE:
            return BAD_PROOF(expected=_TYPE, presented=shown(str(typ)), detail="typ")
        if alg not in self.algorithms:
            return BAD_PROOF(expected=" or ".join(sorted(self.algorithms)), presented=shown(alg), detail="alg")
        if not isinstance(jwk, dict):
            return _NO_JWK
        # Its name is found out first: nobody makes us build keys that no token is bound to.
        name = thumbprint(jwk)
        if isinstance(name, Reason):
            return _bad(name, "jwk")
        if not compare_digest(name.encode(), jkt.encode("utf-8", "surrogatepass")):
            return _KEY
        verify = parse_verifier(jwk, alg)
        return _bad(verify, "jwk") if isinstance(verify, Reason) else verify

    def _remember(self, jkt: str, segment: bytes, verify: Verify) -> None:
        """Spare the next proof by this key the reading of the same header. A key has room for one, a good one."""
        if len(segment) > _LONGEST_KNOWN:
            return
        with self._lock:
            self._known[jkt] = segment, verify
            if len(self._known) > _MOST_KNOWN:
                del self._known[next(iter(self._known))]


def _mark(jkt: str, jti: str) -> bytes:
    return blake2b(f"{jkt}.{jti}".encode("utf-8", "surrogatepass"), digest_size=32).digest()


def _moment(claims: dict[str, JsonValue], request: AccessRequest, jkt: str) -> float:
    """When the proof counts or does not: now, or when it came, if it was used up for this request already.

    A request that goes on is decided about again, long after its proof. One that was not used up gets no such grace:
    stores forget that it was used elsewhere once it is too old for everybody.
    """
    shown, jti = request.shown_at, claims.get("jti")
    if shown == request.now or not isinstance(jti, str) or request.spent is None:
        return request.now
    return shown if (_SPACE, _mark(jkt, jti)) in request.spent else request.now


def token_hash(token: str) -> bytes:
    """The SHA-256 of a token in base64url, as it stands in `ath` (section 4.2)."""
    return b2a_base64(sha256(token.encode()).digest(), newline=False).translate(_TO_BASE64URL, b"=")


def part_of(reason: Reason) -> str | None:
    """Which part of a proof is not good, one of `PARTS`; None if `reason` is about none, or about the whole.

    It may be told to the client, whose own the proof is.
    """
    if reason.kind is not BAD_PROOF:
        return None
    part = reason.detail.removeprefix("the ").partition(":")[0].partition(" ")[0]
    return part if part in PARTS else None


def _bad(reason: Reason, what: str) -> Reason:
    """`reason`, said of a part of the proof."""
    detail = f"{what}: {reason.detail or reason.kind.sentence}"
    return BAD_PROOF(expected=reason.expected, presented=reason.presented, detail=detail)


def _span(age: float) -> str:
    return f"{age:.0f} s" if abs(age) < 1e6 else "ages"


def _asymmetric(algorithms: object) -> frozenset[str]:
    if isinstance(algorithms, Collection) and not isinstance(algorithms, str):
        names = cast("Collection[object]", algorithms)
        good = frozenset(name for name in names if isinstance(name, str) and name in ASYMMETRIC)
        if good and len(good) == len(names):
            return good
    raise ConfigError(
        f'algorithms={algorithms!r}: write a set of asymmetric ones, such as {{"ES256", "EdDSA"}}; '
        f"choose from {', '.join(sorted(ASYMMETRIC))}"
    )


def _base(url: object) -> str:
    normal = normal_target(url) if isinstance(url, str) else None
    if not isinstance(normal, str) or "?" in str(url) or "#" in str(url):
        raise ConfigError(
            f"url={url!r}: write the public base URL of this service, such as https://api.example.com or "
            "https://api.example.com/v1, without a query"
        )
    if isinstance(parse_url(normal), Reason):  # plain http, or no host that a request could be for
        raise ConfigError(
            f"url={url!r}: write it with https, as clients write it, whatever comes from the proxy to here; plain http "
            "is for loopback only"
        )
    return normal.rstrip("/")
