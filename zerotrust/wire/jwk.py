"""JSON Web Keys and sets of them (RFC 7517): public keys checked once, ready to verify."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias, cast

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import COMPROMISED_KEY, MALFORMED, TOO_LARGE, UNKNOWN_KEY, UNSUITABLE_KEY, Reason
from zerotrust.wire.header import Header, HeaderRules, shown
from zerotrust.wire.json import parse_object
from zerotrust.wire.jwa import ALGORITHMS, Algorithm, Verify, verifier
from zerotrust.wire.material import JsonObject, Material, read_material, unsuitable

MAX_KEYS: Final = 100
"""Keys in one set."""

MAX_KEY_SET: Final = 512 * 1024
"""Bytes of one key set: `MAX_KEYS` keys with a certificate chain each still fit."""

_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})

# Headers remembered per key set. A signature was good under each, so their number is the issuer's doing.
_MAX_PROVEN: Final = 64


@dataclass(frozen=True, slots=True, eq=False)
class VerificationKey:
    """A key that may verify signatures, with everything it can do prebuilt; `parse_key` makes it.

    Attributes:
        kid: its name in the set, None if it has none.
        kty: its type: `EC`, `RSA`, `OKP` or `oct`.
        alg: the one algorithm its owner bound it to, None if any that fits its type and curve will do.
        crv: its curve, None for RSA and symmetric keys.
        verifiers: what it verifies, by name of the algorithm.
        issuer: whose tokens it signs, where a set serves many issuers and says so key by key; None if it does not.
    """

    kid: str | None
    kty: str
    alg: str | None
    crv: str | None = field(repr=False)
    verifiers: Mapping[str, Verify] = field(repr=False)
    issuer: str | None = field(default=None, repr=False)

    @property
    def algorithms(self) -> frozenset[str]:
        """The names of the algorithms this key verifies."""
        return frozenset(self.verifiers)

    def verify(self, alg: str, signing_input: bytes, signature: bytes) -> bool:
        """Whether `signature` over `signing_input` is good under `alg`; False too if the key is not for that `alg`."""
        verify = self.verifiers.get(alg)
        return verify is not None and verify(signing_input, signature)


def parse_key(jwk: JsonObject, *, symmetric: bool = False) -> VerificationKey | Reason:
    """Read one JSON Web Key that is to verify signatures.

    Args:
        jwk: the parsed JSON object.
        symmetric: the key is an `oct` one, shared with the issuer and configured by hand. A fetched key never is.

    Returns:
        The key, or an `unsuitable_key` reason that says which rule of RFC 7517 section 4, RFC 7518 section 6 or
        RFC 8725 section 3.5 it breaks. No reason holds key material.
    """
    material = _material(jwk, symmetric)
    if isinstance(material, Reason):
        return material
    kid, alg, kty, issuer = jwk.get("kid"), jwk.get("alg"), jwk.get("kty"), jwk.get("issuer")
    bound = {
        algorithm.name: verifier(algorithm, material.key)
        for algorithm in _FITTING.get((str(kty), material.crv), ())
        if (alg is None or algorithm.name == alg) and (not symmetric or _long_enough(algorithm, material))
    }
    if not bound:
        what = "it is too short, or its alg does not fit" if symmetric else "its alg does not fit its kty and crv"
        return unsuitable(what, presented=alg)
    return VerificationKey(
        kid if isinstance(kid, str) else None,
        str(kty),
        alg if isinstance(alg, str) else None,
        material.crv,
        MappingProxyType(bound),
        issuer if isinstance(issuer, str) else None,
    )


def parse_verifier(jwk: JsonObject, alg: str) -> Verify | Reason:
    """Read one public key for one algorithm: `parse_key`, for who wants nothing else of the key.

    Returns:
        What verifies signatures under `alg`, or the `unsuitable_key` reason why this key must not.
    """
    material = _material(jwk, symmetric=False)
    if isinstance(material, Reason):
        return material
    if "alg" not in jwk or jwk["alg"] == alg:
        for algorithm in _FITTING.get((str(jwk["kty"]), material.crv), ()):
            if algorithm.name == alg:
                return verifier(algorithm, material.key)
    return unsuitable("it is not for this alg", presented=alg)


def _material(jwk: JsonObject, symmetric: bool) -> Material | Reason:
    """The key in `jwk`, whose members all are what they must be; or which of them is not."""
    if not isinstance(jwk.get("kid", ""), str):
        return unsuitable("its kid is not a string")
    if not isinstance(jwk.get("alg", ""), str):
        return unsuitable("its alg is not a string")
    # No member of RFC 7517: where one key set serves many tenants, it limits what the key may sign.
    if not isinstance(jwk.get("issuer", ""), str):
        return unsuitable("its issuer is not a string")
    shared = jwk.get("kty") == "oct"
    if symmetric != shared:
        return unsuitable("a symmetric key where public keys are expected" if shared else "not a symmetric key")
    if not symmetric and not _PRIVATE.isdisjoint(jwk):
        return unsuitable("it holds private members; publish the public ones alone")
    refused = _wrong_purpose(jwk)
    return read_material(jwk) if refused is None else refused


# By type and curve, what a key may verify.
_FITTING: Final[Mapping[tuple[str, str | None], tuple[Algorithm, ...]]] = {
    (kty, crv): tuple(
        algorithm
        for algorithm in ALGORITHMS.values()
        if algorithm.kty == kty and (not algorithm.curves or crv in algorithm.curves)
    )
    for kty, crv in {(one.kty, crv) for one in ALGORITHMS.values() for crv in one.curves or (None,)}
}


def _long_enough(algorithm: Algorithm, material: Material) -> bool:
    """RFC 7518 section 3.2: a secret is at least as long as the hash."""
    secret, digest = material.key, algorithm.digest
    return isinstance(secret, bytes) and digest is not None and len(secret) >= digest.digest_size


def _wrong_purpose(jwk: JsonObject) -> Reason | None:
    """RFC 7517 sections 4.2 and 4.3."""
    if "use" not in jwk and "key_ops" not in jwk:
        return None
    if jwk.get("use", "sig") != "sig":
        return unsuitable("its use is not sig", presented=jwk.get("use"))
    operations = jwk.get("key_ops", ["verify"])
    listed = cast("list[object]", operations) if isinstance(operations, list) else [None]
    names = [name for name in listed if isinstance(name, str)]
    if len(names) != len(listed) or len(set(names)) != len(names):
        return unsuitable("its key_ops is not a list of different strings")
    if "verify" not in names:
        return unsuitable("its key_ops does not include verify", presented=" ".join(names))
    return None


Proven: TypeAlias = "dict[tuple[HeaderRules, bytes], tuple[Header, Verify]]"


class KeySet:
    """The keys of one issuer, found by `kid`. Immutable: new keys make a new set.

    Args:
        keys: the usable keys: all symmetric, or all public.
        unsuitable: by `kid`, why other keys of the issuer must not be used; a token that names one is told so.

    Raises:
        ConfigError: two keys share a `kid`, or symmetric and public keys are mixed.
    """

    __slots__ = ("_by_kid", "_keys", "_only", "_proven", "unsuitable")

    def __init__(self, keys: Iterable[VerificationKey], unsuitable: Mapping[str, Reason] | None = None) -> None:
        self._keys = tuple(keys)
        self.unsuitable: Mapping[str, Reason] = MappingProxyType(dict(unsuitable or {}))
        kids = [key.kid for key in self._keys if key.kid is not None]
        if len({*kids, *self.unsuitable}) != len(kids) + len(self.unsuitable):
            raise ConfigError("two keys share a kid; give every key its own (RFC 7517 section 4.5)")
        if len({key.kty == "oct" for key in self._keys}) > 1:
            raise ConfigError("symmetric and public keys in one set; keep them in two")
        self._by_kid = {key.kid: key for key in self._keys if key.kid is not None}
        fitting = [(name, key) for key in self._keys for name in key.verifiers]
        names = [name for name, _ in fitting]
        self._only = {name: key if names.count(name) == 1 else None for name, key in fitting}
        self._proven: Proven = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[VerificationKey]:
        return iter(self._keys)

    def __repr__(self) -> str:
        return f"KeySet({list(self._keys)!r}, unsuitable={sorted(self.unsuitable)!r})"

    def find(self, kid: str | None, alg: str) -> tuple[VerificationKey, Verify] | Reason:
        """The key that a header names, with what verifies its `alg` (RFC 7515 section 4.1.4).

        Returns:
            The key; without a `kid`, the only one that fits `alg`. Or `unknown_key`, which a newer set may cure, or
            `unsuitable_key`, which it may not: the key was set aside when the set was read or is not for this `alg`.
        """
        if kid is None:
            if alg not in self._only:
                return UNKNOWN_KEY(presented="no kid", detail=f"no key fits {shown(alg)}")
            key = self._only[alg]
            if key is None:
                return UNKNOWN_KEY(presented="no kid", detail="more than one key fits")
        else:
            key = self._by_kid.get(kid)
            if key is None:
                return self.unsuitable[kid] if kid in self.unsuitable else UNKNOWN_KEY(presented=shown(kid))
        verify = key.verifiers.get(alg)
        if verify is None:
            return UNSUITABLE_KEY(expected=" or ".join(sorted(key.verifiers)), presented=shown(alg))
        return key, verify

    def recall(self, rules: HeaderRules, segment: bytes) -> tuple[Header, Verify] | None:
        """What `remember` was told about this very header segment under these very rules."""
        return self._proven.get((rules, segment))

    def remember(self, rules: HeaderRules, segment: bytes, header: Header, verify: Verify) -> None:
        """Spare later tokens the reading of a header under which a signature was good, and only then."""
        if len(self._proven) >= _MAX_PROVEN:
            self._proven.clear()
        self._proven[rules, segment] = header, verify


def parse_key_set(data: bytes, *, symmetric: bool = False, limit: int = MAX_KEY_SET) -> KeySet | Reason:
    """Read a JWK Set (RFC 7517 section 5).

    Args:
        data: the JSON text.
        symmetric: the set holds `oct` keys shared with the issuer, configured by hand, and nothing else.
        limit: the greatest length accepted, in bytes.

    Returns:
        The set. A key of an unknown type or curve, for encryption, too short or off its curve is set aside with its
        reason, and the others stay usable, as section 5 asks; so a set may have no usable key: `len(keys) == 0`.
        Or a reason why the whole set is refused: `malformed` or `too_large`, or `unsuitable_key` where a `kid` comes
        twice, symmetric and public keys are mixed, or private members stand among public keys.
    """
    document = parse_object(data, limit=limit)
    return document if isinstance(document, Reason) else read_key_set(document, symmetric=symmetric)


def read_key_set(document: JsonObject, *, symmetric: bool = False) -> KeySet | Reason:
    """Read a JWK Set that is already parsed; `parse_key_set` says what comes back."""
    listed = document.get("keys")
    if not isinstance(listed, list):
        return MALFORMED(detail="a key set without a list of keys")
    members = cast("list[object]", listed)
    if len(members) > MAX_KEYS:
        return TOO_LARGE(expected=f"at most {MAX_KEYS} keys", presented=f"{len(members)} keys", detail="a key set")
    jwks = [cast("dict[str, object]", member) for member in members if isinstance(member, dict)]
    if len(jwks) != len(members):
        return MALFORMED(detail="a key set with something that is not a key")
    refused = _conflict(jwks, symmetric=symmetric)
    if refused is not None:
        return refused
    keys: list[VerificationKey] = []
    set_aside: dict[str, Reason] = {}
    for jwk in jwks:
        key = parse_key(jwk, symmetric=symmetric)
        if isinstance(key, VerificationKey):
            keys.append(key)
        elif isinstance(kid := jwk.get("kid"), str):
            set_aside[kid] = key
    return KeySet(keys, set_aside)


def _conflict(jwks: list[dict[str, object]], *, symmetric: bool) -> Reason | None:
    """What makes the whole set untrustworthy, not one key of it."""
    kids = [kid for jwk in jwks if isinstance(kid := jwk.get("kid"), str)]
    if len(set(kids)) != len(kids):
        return UNSUITABLE_KEY(detail="a kid comes twice in the key set (RFC 7517 section 4.5)")
    shared = sum(jwk.get("kty") == "oct" for jwk in jwks)
    if 0 < shared < len(jwks):
        return UNSUITABLE_KEY(detail="symmetric and public keys are mixed in one set")
    if symmetric != bool(shared) and jwks:
        return UNSUITABLE_KEY(detail="public keys are expected" if shared else "symmetric keys are expected")
    if not symmetric and not all(_PRIVATE.isdisjoint(jwk) for jwk in jwks):
        return COMPROMISED_KEY(detail="a key set")
    return None
