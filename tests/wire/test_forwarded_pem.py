"""RFC 7468 and RFC 3986 section 2.1: certificates on one line, each spelling read by its own reader alone."""

from __future__ import annotations

import base64
import re
import textwrap
from collections.abc import Callable
from urllib.parse import quote, quote_plus, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.core.reason import Reason
from zerotrust.wire.client_cert import MAX_FORWARDED, MOST_FORWARDED
from zerotrust.wire.forwarded_pem import (
    _unescaped,
    read_base64_der,
    read_base64_ders,
    read_base64_pem,
    read_escaped_pem,
    read_spaced_pem,
)

Reader = Callable[[bytes], "tuple[bytes, ...] | Reason"]
READERS: list[Reader] = [read_escaped_pem, read_spaced_pem, read_base64_pem, read_base64_der, read_base64_ders]
BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"

# With every octet, so that `+` and `/` occur.
ders = st.binary(min_size=1, max_size=300)
chains = st.lists(ders, min_size=1, max_size=MOST_FORWARDED)


def pem(*certificates: bytes, line: str = "\n") -> str:
    blocks = [
        line.join([BEGIN, *textwrap.wrap(base64.b64encode(der).decode(), 64), END]) + line for der in certificates
    ]
    return "".join(blocks)


def code(read: object) -> str:
    assert isinstance(read, Reason), read
    return read.code


def lower_escapes(text: str) -> str:
    return re.sub("%..", lambda escape: escape[0].lower(), text)


@given(chains, st.sampled_from(["", "/", "+=/", "-"]), st.booleans(), st.booleans())
def test_escaped(chain: list[bytes], safe: str, lower: bool, carriage: bool) -> None:
    value = quote(pem(*chain, line="\r\n" if carriage else "\n"), safe=safe)
    value = lower_escapes(value) if lower else value
    assert read_escaped_pem(value.encode()) == tuple(chain)


def test_a_plus_stays_a_plus() -> None:
    """AWS leaves `+` as it is; what decodes forms would make a blank of it."""
    der = bytes([0xFB, 0xEF, 0xBE] * 30)
    assert b"++++" in base64.b64encode(der)
    assert read_escaped_pem(quote(pem(der), safe="+=/").encode()) == (der,)
    # And what encodes forms writes a plus for the blank in the marker, which no proxy does.
    assert code(read_escaped_pem(quote_plus(pem(der)).encode())) == "malformed"


@given(chains)
def test_spaced(chain: list[bytes]) -> None:
    value = pem(*chain, line=" ").encode()
    assert read_spaced_pem(value) == tuple(chain)
    assert read_spaced_pem(value.strip()) == tuple(chain)


@given(chains)
def test_base64_of_pem(chain: list[bytes]) -> None:
    assert read_base64_pem(base64.b64encode(pem(*chain).encode())) == tuple(chain)


@given(chains)
def test_base64_of_der(chain: list[bytes]) -> None:
    assert read_base64_der(base64.b64encode(chain[0])) == (chain[0],)
    joined = ",".join(base64.b64encode(der).decode() for der in chain)
    assert read_base64_ders(joined.encode()) == tuple(chain)
    assert read_base64_ders(quote(joined, safe=",").encode()) == tuple(chain)
    if len(chain) > 1:
        assert code(read_base64_der(joined.encode())) == "malformed"


hostile = st.lists(
    st.sampled_from([BEGIN, END, "%0A", "\n", " ", "%20", "AAAA", "+", "%2B", "%252B", "%", "=", ",", "\0", "(null)"])
).map("".join)


@given(st.binary(max_size=200) | hostile.map(str.encode))
def test_anything_gives_certificates_or_a_reason(value: bytes) -> None:
    for reader in READERS:
        read = reader(value)
        assert isinstance(read, tuple | Reason)
        if isinstance(read, tuple):
            assert read
            assert all(isinstance(der, bytes) and der for der in read)


@given(chains)
def test_no_spelling_is_another(chain: list[bytes]) -> None:
    """Whatever two readers take, they take for the same: none can be led to another certificate than the rest."""
    spellings = [
        quote(pem(*chain), safe="").encode(),
        pem(*chain, line=" ").encode(),
        base64.b64encode(pem(*chain).encode()),
        base64.b64encode(chain[0]),
    ]
    for spelling in spellings[:2]:
        assert sum(isinstance(reader(spelling), tuple) for reader in READERS) == 1
    # Base64 of PEM is base64 of something that is no DER, which whoever reads the certificate says.
    assert read_base64_der(spellings[2]) == (pem(*chain).encode(),)
    assert isinstance(read_base64_pem(spellings[3]), Reason)


GOOD = pem(b"certificate")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AAAA",
        BEGIN,
        END,
        BEGIN + "\n" + END,
        f"text\n{GOOD}",
        f"{GOOD}text",
        GOOD.replace("CERTIFICATE", "TRUSTED CERTIFICATE"),
        GOOD.replace("CERTIFICATE", "X509 CRL"),
        GOOD.replace("BEGIN CERTIFICATE", "BEGIN  CERTIFICATE"),
        GOOD.replace("-----BEGIN", "----BEGIN"),
        GOOD.replace(f"{END}\n", ""),
        GOOD.replace(BEGIN, BEGIN + "\n" + BEGIN),
        GOOD.replace(END, END + END),
        GOOD.replace(f"{BEGIN}\n", BEGIN),
        GOOD.replace(f"\n{END}", END),
        GOOD.replace("Y2Vy", "Y2V\x0br"),
        GOOD.replace("=", ""),
        f"{GOOD}\x00",
        f"{GOOD},{GOOD}",
    ],
)
def test_what_is_no_pem(text: str) -> None:
    assert isinstance(read_escaped_pem(quote(GOOD, safe="").encode()), tuple)
    assert code(read_escaped_pem(quote(text, safe="").encode())) == "malformed"
    assert code(read_base64_pem(base64.b64encode(text.encode()))) == "malformed"
    assert code(read_spaced_pem(text.replace("\n", " ").encode())) == "malformed"


@pytest.mark.parametrize("blank", [" ", "\n", "\r", "\t"])
def test_raw_blanks_are_not_escapes(blank: str) -> None:
    value = quote(GOOD, safe="")
    assert code(read_escaped_pem(value.replace("%20" if blank == " " else "%0A", blank).encode())) == "malformed"


@pytest.mark.parametrize("escape", ["%2", "%", "%zz", "%2%42", "%%0A2B", "%2%0AB", "%=3D", "%+B", "% 2B", "%u0041"])
def test_what_is_no_escape(escape: str) -> None:
    value = quote(GOOD, safe="")
    at = value.index("Y2Vy")
    for text in (f"{value[:at]}{escape}{value[at:]}", escape + value, value + escape):
        read = read_escaped_pem(text.encode())
        assert code(read) == "malformed"
        assert "escape" in str(read)


@pytest.mark.parametrize("escape", ["%252B", "%00", "%2C", "%09", "%7E", "%20"])
def test_escapes_of_what_pem_does_not_hold(escape: str) -> None:
    value = quote(GOOD, safe="")
    at = value.index("Y2Vy")
    assert code(read_escaped_pem(f"{value[:at]}{escape}{value[at:]}".encode())) == "malformed"


@given(
    st.lists(st.sampled_from(["%", "=", "A", "0", "%0A", "%3D", "%3d", "%25", "%7E", "~", "+", "_", "\n"])).map("".join)
)
def test_escapes_are_read_as_others_read_them(text: str) -> None:
    """Another decoder agrees on all that holds nothing but escapes, and the rest is refused."""
    read = _unescaped(text.encode())
    if re.fullmatch("(?:[^%\n]|%[0-9A-Fa-f]{2})*", text):
        assert read == unquote_to_bytes(text)
    elif "\n" not in text:  # which is refused before
        assert code(read) == "malformed"


def test_sizes() -> None:
    for reader in READERS:
        assert code(reader(b"A" * (MAX_FORWARDED + 1))) == "too_large"
    many = [b"a"] * (MOST_FORWARDED + 1)
    assert code(read_escaped_pem(quote(pem(*many), safe="").encode())) == "too_large"
    assert code(read_spaced_pem(pem(*many, line=" ").encode())) == "too_large"
    assert code(read_base64_ders(b",".join(map(base64.b64encode, many)))) == "too_large"
    assert code(read_base64_der(base64.b64encode(b"a" * 16385))) == "too_large"
    assert code(read_spaced_pem(pem(b"a" * 16385, line=" ").encode())) == "too_large"
