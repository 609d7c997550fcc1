"""X.690 sections 8.1.3 and 8.3: what is written is what is read, in the one way that DER allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.wire.der import element
from zerotrust.wire.der_encoding import integer, wrap


@pytest.mark.parametrize(
    ("value", "octets"),
    [
        *((0, "00"), (1, "01"), (127, "7f"), (128, "0080"), (255, "00ff"), (256, "0100")),
        *((-1, "ff"), (-128, "80"), (-129, "ff7f"), (1 << 159, "0080" + "00" * 19)),
    ],
)
def test_integers(value: int, octets: str) -> None:
    assert integer(value).hex() == octets


@given(st.integers(-(1 << 300), 1 << 300))
def test_integers_are_as_short_as_can_be(value: int) -> None:
    octets = integer(value)
    assert int.from_bytes(octets, "big", signed=True) == value
    assert len(octets) == 1 or octets[:2].hex() not in {"0000", "ffff"}
    assert len(octets) == 1 or (octets[0], octets[1] >> 7) not in {(0, 0), (0xFF, 1)}


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65535, 65536, 1 << 24])
def test_elements_are_read_as_they_were_written(size: int) -> None:
    content = bytes(size)
    written = b"x" + wrap(0x30, content) + b"y"
    tag, start, stop = element(written, 1, len(written) - 1)
    assert (tag, stop - start, stop) == (0x30, size, len(written) - 1)
