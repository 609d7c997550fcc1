"""RFC 9440 sections 2.2 and 2.3, and RFC 4648 section 4 beneath them."""

from __future__ import annotations

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.core.reason import Reason
from zerotrust.wire.certificate import MAX_CERTIFICATE
from zerotrust.wire.client_cert import MAX_FORWARDED, MOST_FORWARDED, read_client_cert, read_client_cert_chain
from zerotrust.wire.encoding import b64_decode

ders = st.binary(min_size=1, max_size=200)


def item(der: bytes) -> bytes:
    return b":" + base64.b64encode(der) + b":"


def code(read: object) -> str:
    assert isinstance(read, Reason), read
    return read.code


@given(st.binary(max_size=300))
def test_base64_round_trip(data: bytes) -> None:
    assert b64_decode(base64.b64encode(data)) == data


@given(st.text(alphabet=string.ascii_letters + "+/= \n-_", max_size=12) | st.text(alphabet="AQgwB=", max_size=9))
def test_what_decodes_is_the_one_spelling(text: str) -> None:
    decoded = b64_decode(text.encode())
    if isinstance(decoded, bytes):
        assert base64.b64encode(decoded) == text.encode()
    else:
        assert decoded.code == "malformed"


@pytest.mark.parametrize(("start", "padding", "good"), [("A", "==", 4), ("AA", "=", 16), ("AAA", "", 64)])
def test_stray_bits_have_one_good_value(start: str, padding: str, good: int) -> None:
    texts = [f"{start}{last}{padding}" for last in string.ascii_letters + string.digits + "+/"]
    assert sum(isinstance(b64_decode(text.encode()), bytes) for text in texts) == good


@given(ders)
def test_one_certificate(der: bytes) -> None:
    assert read_client_cert(item(der)) == der


@given(st.lists(ders, min_size=1, max_size=MOST_FORWARDED - 1), st.sampled_from([b",", b", ", b" ,\t"]))
def test_a_chain(chain: list[bytes], comma: bytes) -> None:
    assert read_client_cert_chain(comma.join(map(item, chain))) == tuple(chain)


@given(st.binary(max_size=100) | st.text(alphabet=":=A, ;", max_size=12).map(str.encode))
def test_anything_gives_a_value_or_a_reason(value: bytes) -> None:
    one, many = read_client_cert(value), read_client_cert_chain(value)
    assert isinstance(one, bytes | Reason)
    assert isinstance(many, tuple | Reason)
    if isinstance(one, bytes):  # no value is read in two ways
        assert value == item(one)
        assert many == (one,)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b":",
        b"::",
        b"AAAA",
        b":AAAA",
        b"AAAA:",
        b":AAAA:;a=1",
        b":AAAA:,:AAAA:",
        b":AAAA: ",
        b" :AAAA:",
        b":AA AA:",
        b":AAAA\n:",
        b'"AAAA"',
        b":{http.request.tls.client.certificate_der_base64}:",
        b":AAA_:",
        b":A:",
    ],
)
def test_what_is_no_byte_sequence(value: bytes) -> None:
    assert code(read_client_cert(value)) == "malformed"


@pytest.mark.parametrize(
    "value", [b"", b",", b":AAAA:,", b",:AAAA:", b":AAAA:,,:AAAA:", b":AAAA: :AAAA:", b":AAAA:,::"]
)
def test_what_is_no_list(value: bytes) -> None:
    assert code(read_client_cert_chain(value)) == "malformed"


def test_sizes() -> None:
    assert read_client_cert(item(b"a" * MAX_CERTIFICATE)) == b"a" * MAX_CERTIFICATE
    assert code(read_client_cert(item(b"a" * (MAX_CERTIFICATE + 1)))) == "too_large"
    assert code(read_client_cert(b":" + b"A" * MAX_FORWARDED + b":")) == "too_large"
    assert code(read_client_cert_chain(b":" + b"A" * MAX_FORWARDED + b":")) == "too_large"
    assert len(read_client_cert_chain(b",".join([item(b"a")] * (MOST_FORWARDED - 1)))) == MOST_FORWARDED - 1  # type: ignore[arg-type]
    assert code(read_client_cert_chain(b",".join([item(b"a")] * MOST_FORWARDED))) == "too_large"
