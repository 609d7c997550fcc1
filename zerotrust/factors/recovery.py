"""Recovery codes (look-up secrets, SP 800-63B-4 section 3.1.2): made at random, kept as slow salted hashes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from hashlib import scrypt
from hmac import compare_digest
from typing import Final

from zerotrust.core.reason import WRONG_CODE, Reason
from zerotrust.factors.held import whole
from zerotrust.wire.encoding import b64url_decode, b64url_encode
from zerotrust.wire.json import JsonValue

ALPHABET: Final = "23456789abcdefghjkmnpqrstvwxyz"
"""What codes are written with: no two of these are taken for each other, and none for a letter or digit left out."""

LENGTH: Final = 16
"""Characters of a code: log2(30) * 16 = 78 bits; section 3.1.2 asks for 64 where attempts are not limited."""

MOST_CODES: Final = 32
"""Codes of one set."""

COSTS: Final = (10, 20)
"""The least and the greatest cost: scrypt with N = 2**cost takes 2**(cost + 10) bytes of memory (RFC 7914)."""

_GROUP: Final = 4
_R: Final = 8
_SALT: Final = 16
_HASH: Final = 32
_IGNORED: Final = str.maketrans("", "", "- ")
_MOST_TYPED: Final = 64

_USED: Final = WRONG_CODE()


@dataclass(frozen=True, slots=True)
class RecoverySet:
    """The codes of an account that are left, as hashes with one salt.

    Attributes:
        salt: random, of this set alone.
        cost: the logarithm of scrypt's N when they were made.
        hashes: of the codes that are left, in no order that tells anything.
    """

    salt: bytes
    cost: int
    hashes: tuple[bytes, ...]

    def hashed(self, code: str) -> bytes:
        """The hash of a code in its normal spelling; slow."""
        return hashed(code, self.salt, self.cost)

    def used(self, hash_: bytes) -> RecoverySet | Reason:
        """What is left once the code with this hash is used; `wrong_code` if it is none of them.

        All are compared, each in constant time.
        """
        same = [compare_digest(one, hash_) for one in self.hashes]
        if not any(same):
            return _USED
        return replace(self, hashes=tuple(one for one, used in zip(self.hashes, same, strict=True) if not used))

    def fields(self) -> dict[str, JsonValue]:
        """The set as the members of a JSON object."""
        return {
            "salt": b64url_encode(self.salt),
            "cost": self.cost,
            "hashes": [b64url_encode(one) for one in self.hashes],
        }


def new_codes(count: int) -> tuple[str, ...]:
    """So many random codes, in groups as a person reads them."""
    codes = ("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)) for _ in range(count))
    return tuple("-".join(code[at : at + _GROUP] for at in range(0, LENGTH, _GROUP)) for code in codes)


def new_set(codes: tuple[str, ...], cost: int) -> RecoverySet:
    """The set of these codes. Hashes each of them: slow."""
    made = RecoverySet(secrets.token_bytes(_SALT), cost, ())
    return replace(made, hashes=tuple(sorted(made.hashed(normal(code) or "") for code in codes)))


def normal(code: object) -> str | None:
    """The one spelling of a code, whatever case, hyphens and blanks it was typed with; None if it is none."""
    if not isinstance(code, str) or len(code) > _MOST_TYPED or not code.isascii():
        return None
    plain = code.translate(_IGNORED).lower()
    return plain if len(plain) == LENGTH and all(letter in ALPHABET for letter in plain) else None


def hashed(code: str, salt: bytes, cost: int) -> bytes:
    """scrypt (RFC 7914) with N = 2**cost, r = 8 and p = 1."""
    # OpenSSL counts a little more than 128 * N * r.
    return scrypt(code.encode("ascii"), salt=salt, n=2**cost, r=_R, p=1, maxmem=2 ** (cost + 11), dklen=_HASH)


def read_set(fields: dict[str, JsonValue]) -> RecoverySet | None:
    """What `RecoverySet.fields` made; None if it is something else."""
    salt, cost, listed = _octets(fields.get("salt")), whole(fields.get("cost"), COSTS[1]), fields.get("hashes")
    if salt is None or cost is None or cost < COSTS[0] or not isinstance(listed, list) or len(listed) > MOST_CODES:
        return None
    hashes = tuple(one for one in map(_octets, listed) if one is not None and len(one) == _HASH)
    return RecoverySet(salt, cost, hashes) if len(hashes) == len(listed) else None


def _octets(value: JsonValue) -> bytes | None:
    octets = b64url_decode(value) if isinstance(value, str) else None
    return octets if isinstance(octets, bytes) else None
