"""HOTP and TOTP values: the tables of RFC 4226 and RFC 6238, the peers, and everything that is no code."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any, cast

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.wire import otp
from zerotrust.wire.otp import KEY_SIZE, MOST_COUNTER, Algorithm, OtpKey, is_code, step_at

RFC_4226 = b"12345678901234567890"
# Appendix B of RFC 6238, with the keys of its reference code: as long as the hash.
RFC_6238: dict[Algorithm, bytes] = {name: (b"1234567890" * 7)[:size] for name, size in KEY_SIZE.items()}

APPENDIX_D = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
APPENDIX_B = [
    (59, "94287082", "46119246", "90693936"),
    (1111111109, "07081804", "68084774", "25091201"),
    (1111111111, "14050471", "67062674", "99943326"),
    (1234567890, "89005924", "91819424", "93441116"),
    (2000000000, "69279037", "90698825", "38618901"),
    (20000000000, "65353130", "77737706", "47863826"),
]

algorithms = st.sampled_from(sorted(KEY_SIZE))
keys = st.binary(min_size=16, max_size=200)
counters = st.integers(0, MOST_COUNTER)


@pytest.mark.parametrize(("counter", "code"), list(enumerate(APPENDIX_D)))
def test_rfc_4226_appendix_d(counter: int, code: str) -> None:
    key = OtpKey(RFC_4226)
    assert key.at(counter) == code
    assert key.find(code, counter, 1) == counter
    assert key.find(code, 0, 10) == counter


@pytest.mark.parametrize(("now", "sha1", "sha256", "sha512"), APPENDIX_B)
def test_rfc_6238_appendix_b(now: int, sha1: str, sha256: str, sha512: str) -> None:
    for algorithm, code in (("SHA1", sha1), ("SHA256", sha256), ("SHA512", sha512)):
        name = cast("Algorithm", algorithm)
        key = OtpKey(RFC_6238[name], name, 8)
        assert key.at(step_at(now, 30)) == code
        assert key.find(code, step_at(now, 30) - 1, 3) == step_at(now, 30)


@given(keys, algorithms, st.sampled_from([6, 7, 8]), counters)
def test_codes_are_those_of_hmac(key: bytes, algorithm: Algorithm, digits: int, counter: int) -> None:
    """Truncated by hand as RFC 4226 section 5.4 shows it, keys longer than a block included."""
    mac = hmac.digest(key, counter.to_bytes(8, "big"), algorithm.lower())
    at = mac[-1] % 16
    assert (
        OtpKey(key, algorithm, digits).at(counter) == f"{int.from_bytes(mac[at : at + 4], 'big') % 2**31:08d}"[-digits:]
    )


@pytest.mark.parametrize("algorithm", sorted(KEY_SIZE))
@pytest.mark.parametrize("size", [16, 63, 64, 65, 127, 128, 129, 1000])
def test_keys_around_the_length_of_a_block(algorithm: Algorithm, size: int) -> None:
    """RFC 2104 section 2: those that are longer than a block are hashed first."""
    mac = hmac.digest(bytes(size), bytes(8), algorithm.lower())
    at = mac[-1] % 16
    assert OtpKey(bytes(size), algorithm, 8).at(0) == f"{int.from_bytes(mac[at : at + 4], 'big') % 2**31:08d}"[-8:]


@given(st.binary(min_size=20, max_size=20), st.floats(0, 4e9))
def test_codes_are_those_of_pyotp(key: bytes, now: float) -> None:
    peer = pyotp.TOTP(base64.b32encode(key).decode(), digits=8, digest=hashlib.sha256)
    assert OtpKey(key, "SHA256", 8).at(step_at(now, 30)) == peer.at(now)


@given(keys, st.integers(0, 2**63), st.integers(0, 6), st.integers(-9, 9))
def test_only_the_counters_asked_for_match(key: bytes, first: int, count: int, off: int) -> None:
    """All eight digits, so that chance does not interfere."""
    made = OtpKey(key, "SHA1", 8)
    counter = max(0, first + off)
    inside = first <= counter < first + count
    assert made.find(made.at(counter), first, count) == (counter if inside else None)


def test_of_two_counters_with_one_code_it_is_the_later() -> None:
    made = OtpKey(RFC_4226)
    seen: dict[str, int] = {}
    for later in range(5000):
        code = made.at(later)
        if code in seen:
            assert made.find(code, 0, 5000) == later
            assert made.find(code, 0, later) == seen[code]
            return
        seen[code] = later
    raise AssertionError("5000 codes and no two the same")


def test_counters_that_do_not_exist_match_nothing() -> None:
    made = OtpKey(RFC_4226)
    assert made.find(made.at(0), -5, 5) is None
    assert made.find(made.at(0), -5, 6) == 0
    assert made.find(made.at(0), 0, 0) is None
    assert made.find(made.at(0), 0, -3) is None
    assert made.find(made.at(MOST_COUNTER), MOST_COUNTER - 1, 9) == MOST_COUNTER
    assert made.find(made.at(0), MOST_COUNTER + 1, 3) is None
    for counter in (-1, MOST_COUNTER + 1):
        with pytest.raises(ValueError, match="64 bits"):
            made.at(counter)


NOT_CODES: list[object] = [
    "", "75522", "7552244", " 755224", "755224 ", "755224\n", "755 224", "+55224", "-55224", "75_224", "0x5224",
    "75522e", "755.24", "75522\u00b2", "75522\u2463", "75522\ud800", "\u200b55224",
    "\uff17\uff15\uff15\uff12\uff12\uff14", "\u0667\u0665\u0665\u0662\u0662\u0664",
    b"755224", 755224, 755224.0, None, True, ["755224"], bytearray(b"755224"),
]  # fmt: skip


@pytest.mark.parametrize("code", NOT_CODES, ids=ascii)
def test_what_is_no_code_matches_nothing(code: Any) -> None:
    assert OtpKey(RFC_4226).find(code, 0, 10) is None
    assert not is_code(code, 6)


@given(st.text(max_size=12))
def test_any_text_is_a_code_or_not(text: str) -> None:
    key = OtpKey(RFC_4226)
    assert key.find(text, 0, 3) == ([*APPENDIX_D[:3], text].index(text) if text in APPENDIX_D[:3] else None)


NOT_KEYS = [(b"short",), (b"x" * 15,), ("x" * 20,), (b"x" * 20, "MD5"), (b"x" * 20, "SHA1", 5), (b"x" * 20, "SHA1", 9)]


@pytest.mark.parametrize("arguments", NOT_KEYS)
def test_keys_that_are_none(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match="16 bytes or more") as caught:
        OtpKey(*arguments)
    assert "xxx" not in str(caught.value)
    assert "short," not in str(caught.value)


def test_the_key_does_not_show() -> None:
    assert repr(OtpKey(RFC_4226, "SHA256", 8)) == "OtpKey(SHA256, 8 digits)"


@pytest.mark.parametrize("code", ["755224", "287082", "969429", "000000"])
def test_every_counter_is_compared_whichever_matches(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bool] = []
    compare = hmac.compare_digest

    def counting(one: bytes, other: bytes) -> bool:
        compared.append(compare(one, other))
        return compared[-1]

    monkeypatch.setattr(otp, "compare_digest", counting)
    OtpKey(RFC_4226).find(code, 0, 3)
    assert len(compared) == 3
