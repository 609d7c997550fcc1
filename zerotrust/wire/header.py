"""The protected header of a JWS (RFC 7515 section 4) and the rules it is held to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import ALGORITHM, CRITICAL_UNKNOWN, MALFORMED, WRONG_TYPE, Reason
from zerotrust.wire.encoding import b64url_decode
from zerotrust.wire.json import JsonValue, parse_object
from zerotrust.wire.jwa import ALGORITHMS

MAX_HEADER: Final = 8192
"""Bytes of a protected header: one that carries a certificate chain still fits."""

_SHOWN: Final = 128

_NO_ALG: Final = MALFORMED(detail="the header has no alg, or one that is not a string")
_KID: Final = MALFORMED(detail="the kid in the header is not a string")
_TYP: Final = MALFORMED(detail="the typ in the header is not a string")
_CRIT: Final = MALFORMED(detail="crit must be a list of extension names that the header carries, each once")
_B64: Final = CRITICAL_UNKNOWN(presented="b64")

# Names that RFC 7515 section 4.1 and RFC 7518 define themselves: `crit` must not list them.
_REGISTERED: Final = frozenset(
    {"alg", "jku", "jwk", "kid", "x5u", "x5c", "x5t", "x5t#S256", "typ", "cty", "crit", "enc", "zip"}
    | {"epk", "apu", "apv", "iv", "tag", "p2s", "p2c"}
)


def shown(value: str) -> str:
    """A string from a token, cut to a length that suits a reason."""
    return value if len(value) <= _SHOWN else value[:_SHOWN] + "..."


def media_type(typ: str) -> str:
    """The media type a `typ` stands for: case does not count, `application/` is implied (RFC 7515 section 4.1.9)."""
    # Lower-casing outside ASCII would make equals of what is not (the Kelvin sign and k).
    lowered = typ.lower() if typ.isascii() else typ
    return lowered if "/" in lowered else "application/" + lowered


@dataclass(frozen=True, slots=True)
class Header:
    """A protected header: `alg`, `kid` and `typ` as they stand in it, and all its `parameters`.

    `jku`, `x5u`, `x5c` and `jwk` may be among the parameters. Nothing here fetches or trusts them.
    """

    alg: str
    kid: str | None
    typ: str | None
    parameters: Mapping[str, JsonValue] = field(repr=False)


def parse_header(segment: bytes) -> Header | Reason:
    """Read a protected header from its base64url segment; `parse_parameters` says what is refused."""
    parameters = parse_parameters(segment)
    if isinstance(parameters, Reason):
        return parameters
    alg, kid, typ = parameters["alg"], parameters.get("kid"), parameters.get("typ")
    return Header(cast("str", alg), cast("str | None", kid), cast("str | None", typ), parameters)


def parse_parameters(segment: bytes) -> dict[str, JsonValue] | Reason:
    """Read the parameters of a protected header from its base64url segment.

    Returns:
        The parameters, among them `alg`, which is text, as are `kid` and `typ` if they are there. Or a reason:
        `malformed` or `too_large` where it is no such header, `critical_unknown` where it names an extension, since
        none is understood here (RFC 7515 section 4.1.11, RFC 7797 section 6).
    """
    octets = b64url_decode(segment)
    if isinstance(octets, Reason):
        return octets
    parameters = parse_object(octets, limit=MAX_HEADER)
    if isinstance(parameters, Reason):
        return parameters
    alg, kid, typ = parameters.get("alg"), parameters.get("kid"), parameters.get("typ")
    if not isinstance(alg, str):
        return _NO_ALG
    # `"kid": null` is not the absence of a kid.
    if not isinstance(kid, str) and (kid is not None or "kid" in parameters):
        return _KID
    if not isinstance(typ, str) and (typ is not None or "typ" in parameters):
        return _TYP
    if "crit" in parameters:
        return _critical(parameters["crit"], parameters)
    if "b64" in parameters:
        return _B64
    return parameters


def _critical(crit: JsonValue, parameters: Mapping[str, JsonValue]) -> Reason:
    if not isinstance(crit, list) or not crit:
        return _CRIT
    names = [name for name in crit if isinstance(name, str) and name in parameters and name not in _REGISTERED]
    if len(names) != len(crit) or len(set(names)) != len(names):
        return _CRIT
    return CRITICAL_UNKNOWN(presented=shown(" ".join(names)))


@dataclass(frozen=True, slots=True, eq=False)
class HeaderRules:
    """What the headers of one issuer's tokens must say; made once, when the verifier is configured.

    Args:
        algorithms: the `alg` values pinned for the issuer (RFC 8725 section 3.1), never taken from a token. All
            symmetric or all asymmetric: a public key must not be able to become a shared secret.
        types: the `typ` values that separate this kind of token from the others (RFC 8725 section 3.11).
        typ_optional: whether a token without `typ` passes. RFC 9068 section 4 demands one.

    Raises:
        ConfigError: an algorithm is unknown, or the two families are mixed, or nothing could ever pass.
    """

    algorithms: frozenset[str]
    types: frozenset[str]
    typ_optional: bool = False
    _media_types: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        unknown = sorted(self.algorithms - ALGORITHMS.keys())
        if unknown or not self.algorithms:
            seen = ", ".join(unknown) or "none at all"
            raise ConfigError(f"algorithms: {seen} cannot be pinned; choose from {', '.join(ALGORITHMS)}")
        if len({ALGORITHMS[name].symmetric for name in self.algorithms}) > 1:
            raise ConfigError(
                f"algorithms: {', '.join(sorted(self.algorithms))} mixes HMAC with signatures; pin the one family "
                "the issuer uses (RFC 8725 section 3.1)"
            )
        if not self.types and not self.typ_optional:
            raise ConfigError('types: no token could pass; name the typ expected, as in types=frozenset({"at+jwt"})')
        object.__setattr__(self, "_media_types", frozenset(map(media_type, self.types)))

    def refusal(self, header: Header) -> Reason | None:
        """Why a header breaks these rules, or None: its `typ` (`wrong_type`), then its `alg` (`algorithm`)."""
        typ = header.typ
        if (not self.typ_optional) if typ is None else (media_type(typ) not in self._media_types):
            return WRONG_TYPE(
                expected=" or ".join(sorted(self.types)), presented="no typ" if typ is None else shown(typ)
            )
        if header.alg not in self.algorithms:
            return ALGORITHM(expected=" or ".join(sorted(self.algorithms)), presented=shown(header.alg))
        return None
