"""How an application says who it is, to a server that answers only those it knows: by secret, signature or certificate.

Each way is a frozen value that makes what one question carries. Secrets show in no repr.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_urlsafe
from typing import Final, Literal, TypeAlias, cast
from urllib.parse import quote_plus

import attrs
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import seconds, span_in_seconds
from zerotrust.wire.encoding import b64url_encode

_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LONGEST: Final = 300.0
_MOST: Final = 4096
_LEAST_RSA: Final = 2048  # RFC 7518 section 3.3

_MINUTE: Final = seconds(60)

_PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | Ed25519PrivateKey | Ed448PrivateKey


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one question carries so that the server knows who asks.

    Attributes:
        form: names and values for its form.
        headers: header fields.
        certificate: the name of the client certificate to connect with; None for none.
        sign: makes names and values for the form that cost a signature; None if there are none.
    """

    form: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    certificate: str | None = None
    sign: Callable[[], tuple[tuple[str, str], ...]] | None = field(default=None, repr=False, compare=False)


class ClientAuthentication(ABC):
    """A way to say who we are.

    Attributes:
        id: the `client_id` that the server knows us by.
    """

    id: str

    @abstractmethod
    def credentials(self, issuer: str, now: float) -> Credentials:
        """What a question to the authorization server `issuer` carries at the moment `now`, POSIX seconds."""

    @property
    def certificate(self) -> str | None:
        """The name of the client certificate to connect with; None for none."""
        return None


def _text(value: object, what: str) -> str:
    """`value` if it is text that can be sent; its value is in no error, since it may be a secret."""
    if value is None or value == "":
        missing = "None" if value is None else "empty"
        raise ConfigError(f"{what} is {missing}; if it comes from an environment variable, is that set?")
    if not (isinstance(value, str) and len(value) <= _MOST):
        raise ConfigError(f"{what} is text of 1 to {_MOST} characters, not {type(value).__name__} like this")
    # RFC 6749 appendix A.1 and A.2 have visible ASCII and the blank. More than that is let through, but no surrogates,
    # which are not printable either and which UTF-8 cannot carry.
    if not value.isprintable():
        raise ConfigError(
            f"{what} holds a line break or another character that cannot be sent; is it a file's content?"
        )
    return value


@attrs.frozen(repr=False)
class ClientSecret(ClientAuthentication):
    """A password of the application (RFC 6749 section 2.3.1).

    Args:
        id: the `client_id`.
        secret: the `client_secret`.
        method: `basic` to send both in `Authorization` (`client_secret_basic`, which every server that takes secrets
            knows), `post` to send them in the form (`client_secret_post`).

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    id: str
    secret: str = attrs.field(repr=False)
    method: Literal["basic", "post"] = "basic"

    def __attrs_post_init__(self) -> None:
        _text(self.id, "ClientSecret(id=...)")
        _text(self.secret, "ClientSecret(secret=...)")
        if self.method not in ("basic", "post"):
            raise ConfigError(f'method={self.method!r}: write "basic" or "post"')

    def credentials(self, issuer: str, now: float) -> Credentials:
        """Both, each form-encoded before they are joined for `Authorization` (RFC 6749 section 2.3.1, appendix B)."""
        if self.method == "post":
            return Credentials(form=(("client_id", self.id), ("client_secret", self.secret)))
        pair = f"{quote_plus(self.id)}:{quote_plus(self.secret)}"
        return Credentials(headers=(("Authorization", "Basic " + b64encode(pair.encode()).decode()),))

    def __repr__(self) -> str:
        return f"ClientSecret({self.id!r}, method={self.method!r})"


@attrs.frozen(repr=False)
class TlsClient(ClientAuthentication):
    """A certificate that the application connects with (RFC 8705 section 2), issued or self-signed.

    Args:
        id: the `client_id`.
        certificate: what the fetcher calls it: `HttpFetcher(certificates={"payments": ("client.pem", "client.key")})`.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    id: str
    _certificate: str = attrs.field(alias="certificate")

    def __attrs_post_init__(self) -> None:
        _text(self.id, "TlsClient(id=...)")
        _text(self._certificate, "TlsClient(certificate=...), the name that the fetcher gives it,")

    @property
    def certificate(self) -> str:
        """The name of the certificate."""
        return self._certificate

    def credentials(self, issuer: str, now: float) -> Credentials:
        """The id in the form, since the certificate alone need not tell it (RFC 8705 section 2)."""
        return Credentials(form=(("client_id", self.id),), certificate=self._certificate)

    def __repr__(self) -> str:
        return f"TlsClient({self.id!r}, certificate={self._certificate!r})"


@attrs.frozen(repr=False, init=False)
class PrivateKeyJwt(ClientAuthentication):
    """A short-lived signed statement, made anew for each question (RFC 7523 section 3, `private_key_jwt`).

    It is for the authorization server by its issuer identifier and for nobody else, and says what it is by `typ`, as
    the revision of RFC 7523 (RFC 7523bis) asks, so that one made for another purpose or place never passes for it.

    Args:
        id: the `client_id`.
        key: the private key: PEM (PKCS #8, SEC 1 or PKCS #1, not encrypted), or a JWK as a mapping or JSON text.
        alg: the algorithm, where it is not to be the usual one for the key: ES256, ES384 or ES512 by curve, EdDSA,
            RS256.
        kid: the id the server knows the key by; that of a JWK unless given.
        audience: who it is for, where the server wants something else than its issuer identifier, such as the URL of
            its token endpoint.
        lifetime: how long it is good for; at most 5 minutes.
        typ: its type, where a server insists on `JWT`.

    Raises:
        ConfigError: with what was seen and what to write instead; never with anything of the key.
    """

    id: str
    alg: str
    kid: str | None
    audience: str | None
    lifetime: float
    typ: str
    _sign: Callable[[bytes], bytes] = attrs.field(repr=False, eq=False)

    def __init__(
        self,
        id: str,  # noqa: A002 - the field's name for it
        key: str | bytes | Mapping[str, object],
        *,
        alg: str | None = None,
        kid: str | None = None,
        audience: str | None = None,
        lifetime: timedelta = _MINUTE,
        typ: str = "client-authentication+jwt",
    ) -> None:
        private, named, bound = _private_key(key)
        chosen = _algorithm(private, alg if alg is not None else bound)
        if bound is not None and bound != chosen:
            raise ConfigError(f"alg={chosen!r}: the key says that it is for {bound!r} (RFC 7517 section 4.4)")
        for what, value in (("kid", kid), ("audience", audience), ("typ", typ)):
            if value is not None:
                _text(value, f"PrivateKeyJwt({what}=...)")
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            id=_text(id, "PrivateKeyJwt(id=...)"),
            alg=chosen,
            kid=named if kid is None else kid,
            audience=audience,
            lifetime=span_in_seconds(lifetime, "lifetime", least=5, most=_LONGEST),
            typ=typ,
            sign=_signer(private, chosen),
        )

    def credentials(self, issuer: str, now: float) -> Credentials:
        """The id (RFC 7521 section 4.2), and what signs a new assertion each time it is called."""
        return Credentials(
            form=(("client_id", self.id), ("client_assertion_type", _ASSERTION_TYPE)),
            sign=lambda: (("client_assertion", self._assertion(issuer, now)),),
        )

    def _assertion(self, issuer: str, now: float) -> str:
        header = {"alg": self.alg, "typ": self.typ, **({} if self.kid is None else {"kid": self.kid})}
        issued = int(now)
        claims = {
            "iss": self.id,
            "sub": self.id,
            "aud": self.audience or issuer,
            "iat": issued,
            "exp": issued + int(self.lifetime),
            "jti": token_urlsafe(24),
        }
        said = ".".join(b64url_encode(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
        return f"{said}.{b64url_encode(self._sign(said.encode()))}"

    def __repr__(self) -> str:
        return f"PrivateKeyJwt({self.id!r}, alg={self.alg!r})"


def _private_key(key: object) -> tuple[_PrivateKey, str | None, str | None]:
    """The key with its `kid` and `alg`, if it says them."""
    if key is None or key in ("", b""):
        raise ConfigError("key is missing; if it comes from an environment variable, is that set?")
    if isinstance(key, str | bytes):
        octets = key.encode("utf-8", "replace") if isinstance(key, str) else key
        if not octets.lstrip().startswith(b"{"):
            return _from_pem(octets), None, None
        try:
            key = json.loads(octets)
        except (ValueError, RecursionError):
            raise ConfigError("key begins like a JWK, but is no JSON") from None
    if not isinstance(key, Mapping):
        advice = "; give the content, not the path: path.read_bytes()" if hasattr(key, "__fspath__") else ""
        raise ConfigError(f"key is {type(key).__name__}; write PEM text, or a JWK as a mapping or JSON text{advice}")
    return _from_jwk(dict(cast("Mapping[str, object]", key)))


def _from_pem(octets: bytes) -> _PrivateKey:
    try:
        private = load_pem_private_key(octets, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # Only the kind of mistake: what stands there may be a key all the same.
        raise ConfigError(
            f"key is no private key in PEM that is not encrypted ({type(error).__name__}); it begins with "
            "-----BEGIN PRIVATE KEY-----"
            + ("" if b"-----" in octets else "; give the content, not a path: pathlib.Path(...).read_bytes()")
        ) from None
    return _usable(private)


def _from_jwk(jwk: dict[str, object]) -> tuple[_PrivateKey, str | None, str | None]:
    family = {"EC": "ES256", "RSA": "RS256", "OKP": "EdDSA"}.get(str(jwk.get("kty")))
    kid, alg = jwk.get("kid"), jwk.get("alg")
    if family is None or "d" not in jwk:
        raise ConfigError("key is a JWK, but no private one of kty EC, RSA or OKP: it needs the member d")
    if jwk.get("use", "sig") != "sig":
        raise ConfigError('key is a JWK that is not for signing: its "use" is something else than "sig"')
    for what, value in (("kid", kid), ("alg", alg)):
        if value is not None and not isinstance(value, str):
            raise ConfigError(f"key is a JWK whose {what} is no text")
    # Here, lest who signs nothing pays for the import.
    from jwt.algorithms import get_default_algorithms
    from jwt.exceptions import PyJWTError

    try:
        private: object = get_default_algorithms()[family].from_jwk(cast("dict[str, str]", jwk))
    except (PyJWTError, ValueError, TypeError, KeyError, AttributeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"key is not a usable JWK ({type(error).__name__})") from None
    return _usable(private), cast("str | None", kid), cast("str | None", alg)


def _usable(private: object) -> _PrivateKey:
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size < _LEAST_RSA:
        raise ConfigError(
            f"key has {private.key_size} bits; an RSA key has {_LEAST_RSA} or more (RFC 7518 section 3.3)"
        )
    if not isinstance(private, _PrivateKey):
        raise ConfigError("key is of a type that signs no JWT; use one on P-256, Ed25519, or RSA")
    return private


def _algorithm(private: _PrivateKey, alg: str | None) -> str:
    """`alg` if the key can sign with it, or the usual one."""
    fitting: tuple[str, ...]
    if isinstance(private, ec.EllipticCurvePrivateKey):
        by_curve = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}.get(private.curve.name)
        fitting = () if by_curve is None else (by_curve,)
    elif isinstance(private, rsa.RSAPrivateKey):
        fitting = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
    else:
        fitting = ("EdDSA", "Ed25519" if isinstance(private, Ed25519PrivateKey) else "Ed448")  # RFC 9864 section 2.2
    if not fitting:
        raise ConfigError("key is on a curve that no algorithm of JWTs uses; use P-256")
    if alg is not None and alg not in fitting:
        raise ConfigError(f"alg={alg!r} does not go with this key; write {' or '.join(fitting)}, or leave it out")
    return fitting[0] if alg is None else alg


def _signer(private: _PrivateKey, alg: str) -> Callable[[bytes], bytes]:
    from jwt.algorithms import get_default_algorithms  # as above

    algorithm = get_default_algorithms()["EdDSA" if alg.startswith("Ed") else alg]
    return lambda said: algorithm.sign(said, private)
