from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.core.reason import Reason
from zerotrust.testing.authority import LocalAuthority
from zerotrust.wire.pem import MAX_CERTIFICATES, MAX_PEM, read_pem

NOW = 1_800_000_000.0
ONE, TWO = LocalAuthority("One", now=NOW), LocalAuthority("Two", now=NOW)


def ders(data: bytes) -> list[bytes]:
    read = read_pem(data)
    assert not isinstance(read, Reason), read
    return [one.der for one in read]


@pytest.mark.parametrize(
    "data",
    [
        ONE.pem + TWO.pem,
        (ONE.pem + TWO.pem).replace(b"\n", b"\r\n"),
        b"# One\n" + ONE.pem + b"\nsubject=CN = Two\n" + TWO.pem + b"trailing words",
        ONE.pem.rstrip() + TWO.pem.rstrip(),
        ONE.pem.replace(b"\n", b"\n  ") + TWO.pem,
        b"\xff\xfe" + ONE.pem + TWO.pem,
    ],
    ids=["as written", "crlf", "words between", "no line breaks between", "indented", "stray bytes before"],
)
def test_certificates_in_order(data: bytes) -> None:
    assert ders(data) == [ONE.der, TWO.der]


def block(body: bytes, label: bytes = b"CERTIFICATE", end: bytes | None = None) -> bytes:
    return b"-----BEGIN " + label + b"-----\n" + body + b"\n-----END " + (label if end is None else end) + b"-----\n"


GOOD = b64encode(ONE.der)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "malformed"),
        (b"no PEM", "malformed"),
        (GOOD, "malformed"),
        (ONE.pem.replace(b"-----END CERTIFICATE-----", b""), "malformed"),
        (ONE.pem + b"-----BEGIN CERTIFICATE-----\n" + GOOD, "malformed"),
        (b"-----END CERTIFICATE-----\n" + ONE.pem, "malformed"),
        (b"-----BEGIN CERTIFICATE-----\n" + ONE.pem, "malformed"),
        (block(GOOD, end=b"X509 CRL"), "malformed"),
        (block(GOOD, b"TRUSTED CERTIFICATE"), "malformed"),
        (block(GOOD, b"X509 CRL"), "malformed"),
        (block(b""), "malformed"),
        (block(b"*" + GOOD), "malformed"),
        (block(GOOD[:-1]), "malformed"),
        (block(GOOD + b"\xe9"), "malformed"),
        (block(b64encode(ONE.der + b"\0")), "malformed"),
        (block(b64encode(b"not a certificate")), "malformed"),
        (block(GOOD.replace(b"A", b"-", 1)), "malformed"),
        (ONE.pem + block(GOOD, b"PRIVATE KEY"), "compromised_key"),
        (block(GOOD, b"EC PRIVATE KEY") + ONE.pem, "compromised_key"),
        (block(GOOD, b"ENCRYPTED PRIVATE KEY"), "compromised_key"),
        (ONE.pem * (MAX_CERTIFICATES + 1), "too_large"),
        (ONE.pem + b"\n" * MAX_PEM, "too_large"),
    ],
)
def test_what_is_refused(data: bytes, code: str) -> None:
    refused = read_pem(data)
    assert isinstance(refused, Reason)
    assert refused.code == code


def test_as_many_as_allowed() -> None:
    assert len(ders(ONE.pem * MAX_CERTIFICATES)) == MAX_CERTIFICATES


@given(st.lists(st.sampled_from([b"-----BEGIN ", b"-----END ", b"CERTIFICATE", b"-----", b"\n", GOOD, b"\xff", b"A"])))
def test_any_bytes_give_certificates_or_a_reason(parts: list[bytes]) -> None:
    read = read_pem(b"".join(parts))
    assert isinstance(read, Reason) or {one.der for one in read} == {ONE.der}
