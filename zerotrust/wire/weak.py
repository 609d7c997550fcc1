"""Public keys that are well-formed and yet protect nothing (RFC 8725 section 3.5)."""

from __future__ import annotations

from functools import cache
from typing import Final

_GENERATOR: Final = 65537


@cache
def _roca_residues() -> tuple[tuple[int, frozenset[int]], ...]:
    """For small primes, the remainders a modulus of the flawed generator can leave, where that says something.

    The flawed primes are `k * M + 65537^a mod M` with M a product of the first primes, so modulo each of those both
    the primes and their product are powers of 65537.
    """
    primes = [number for number in range(3, 168) if all(number % divisor for divisor in range(2, number))]
    powers = ((prime, frozenset(pow(_GENERATOR, exponent, prime) for exponent in range(prime))) for prime in primes)
    return tuple((prime, residues) for prime, residues in powers if len(residues) < prime - 1)


def is_roca(modulus: int) -> bool:
    """Whether an RSA modulus bears the fingerprint of CVE-2017-15361, whose keys can be factored.

    A sound modulus bears it by chance less than once in 2^80.
    """
    return all(modulus % prime in residues for prime, residues in _roca_residues())


# y coordinates of the points whose order divides the cofactor, canonical or not: under such a key one signature holds
# for any message. The last bit, the sign of x, is left out.
_LOW_ORDER_25519: Final = frozenset(
    {
        0,
        1,
        2707385501144840649318225287225658788936804267575313519463743609750303402022,
        55188659117513257062467267217118295137698188065244968500265048394206261417927,
        2**255 - 20,
        2**255 - 19,
        2**255 - 18,
    }
)
_P448: Final = 2**448 - 2**224 - 1
_LOW_ORDER_448: Final = frozenset({0, 1, _P448 - 1, _P448, _P448 + 1})


def is_low_order(curve: str, point: bytes) -> bool:
    """Whether an encoded point of Ed25519 or Ed448 (RFC 8032 sections 5.1.2 and 5.2.2) has a small order."""
    y = int.from_bytes(point, "little")
    if curve == "Ed25519":
        return y & ~(1 << 255) in _LOW_ORDER_25519
    return y & ~(1 << 455) in _LOW_ORDER_448
