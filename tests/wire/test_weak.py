"""Keys that are well-formed and protect nothing."""

from __future__ import annotations

import math

from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.signing import rsa_private
from zerotrust.wire.weak import is_low_order, is_roca

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P

PRIMES = [number for number in range(2, 702) if all(number % divisor for divisor in range(2, number))]


def flawed_modulus(first: int, second: int, multiple: int) -> int:
    """A modulus as the flawed generator makes it, but for the primality that its fingerprint does not depend on."""
    product = math.prod(PRIMES)  # the first 126 primes, as for keys of 2048 bits
    p, q = (multiple * product + pow(65537, exponent, product) for exponent in (first, second))
    return p * q


@given(st.integers(1, 2**60), st.integers(1, 2**60), st.integers(2**40, 2**53))
def test_the_fingerprint_of_cve_2017_15361(first: int, second: int, multiple: int) -> None:
    assert is_roca(flawed_modulus(first, second, multiple))
    assert not is_roca(flawed_modulus(first, second, multiple) + 2)


def test_sound_moduli_do_not_bear_it() -> None:
    assert not is_roca(rsa_private().public_key().public_numbers().n)
    assert not any(is_roca(2**2047 + 2 * offset + 1) for offset in range(2000))


def add(first: tuple[int, int], second: tuple[int, int]) -> tuple[int, int]:
    """Addition on edwards25519 (RFC 8032 section 5.1.4), in affine coordinates."""
    (x1, y1), (x2, y2) = first, second
    product = D * x1 * x2 * y1 * y2 % P
    return (
        (x1 * y2 + x2 * y1) * pow(1 + product, -1, P) % P,
        (y1 * y2 + x1 * x2) * pow(1 - product, -1, P) % P,
    )


def points(y: int) -> list[tuple[int, int]]:
    """The points with this y coordinate."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    root = pow(square, (P + 3) // 8, P)
    if root * root % P != square:
        root = root * pow(2, (P - 1) // 4, P) % P
    return [(root, y % P), (-root % P, y % P)] if root * root % P == square else []


def order_divides_8(y: int) -> bool:
    def doubled(point: tuple[int, int]) -> tuple[int, int]:
        return add(point, point)

    return any(doubled(doubled(doubled(point))) == (0, 1) for point in points(y))


def test_points_of_low_order_by_arithmetic() -> None:
    # Every small y and every encoding that is not reduced, plus the points of order 8.
    eighth = 2707385501144840649318225287225658788936804267575313519463743609750303402022
    candidates = [*range(40), *range(P - 20, 2**255), eighth, P - eighth, eighth + 1]
    low = {y for y in candidates if order_divides_8(y)}
    assert low == {0, 1, P - 1, P, P + 1, eighth, P - eighth}
    for y in candidates:
        for sign in (0, 1):
            assert is_low_order("Ed25519", (y | sign << 255).to_bytes(32, "little")) is (y in low)


def test_points_of_low_order_on_edwards448() -> None:
    p = 2**448 - 2**224 - 1
    for y, low in ((0, True), (1, True), (p - 1, True), (p, True), (p + 1, True), (2, False), (p - 2, False)):
        for sign in (0, 1):
            assert is_low_order("Ed448", (y | sign << 455).to_bytes(57, "little")) is low


def test_generated_keys_are_not_of_low_order() -> None:
    for _ in range(20):
        assert not is_low_order("Ed25519", Ed25519PrivateKey.generate().public_key().public_bytes_raw())
        assert not is_low_order("Ed448", Ed448PrivateKey.generate().public_key().public_bytes_raw())
