"""OCSP requests and responses as octets (RFC 6960)."""

from __future__ import annotations

from base64 import b64decode
from urllib.parse import unquote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import example, given
from hypothesis import strategies as st

from tests.pki.revoking import DAY, ISSUING, LEAF, NOW, certificate
from tests.search import usually
from zerotrust.core.reason import CRITICAL_EXTENSION, MALFORMED, SOURCE_DOWN, SOURCE_REFUSED, TOO_LARGE, Kind, Reason
from zerotrust.testing.revoking import ocsp_response, responder
from zerotrust.wire.der import SEQUENCE
from zerotrust.wire.der_encoding import wrap
from zerotrust.wire.ocsp import MAX_RESPONSE, OcspResponse, certificate_id, is_responder, read_ocsp, request_url

Status = ocsp.OCSPCertStatus
READ, ISSUER = certificate(LEAF.der), certificate(ISSUING.der)
GOOD = ocsp_response(ISSUING, LEAF)


def read(der: bytes) -> OcspResponse:
    one = read_ocsp(der)
    assert isinstance(one, OcspResponse), one
    return one


def kind_of(der: bytes) -> Kind:
    refused = read_ocsp(der)
    assert isinstance(refused, Reason)
    return refused.kind


@pytest.mark.parametrize(("name", "algorithm"), [("sha1", SHA1()), ("sha256", SHA256())])
def test_a_request_is_what_others_make(name: str, algorithm: SHA1 | SHA256) -> None:
    url = request_url("http://ocsp.example.com/", certificate_id(READ, ISSUER, name))
    base, _, request = url.rpartition("/")
    theirs = ocsp.OCSPRequestBuilder().add_certificate(LEAF.certificate, ISSUING.certificate, algorithm).build()
    assert base == "http://ocsp.example.com"
    assert b64decode(unquote(request)) == theirs.public_bytes(Encoding.DER)
    assert not set(request) & set("/+=")


def test_what_a_response_says() -> None:
    one = read(GOOD)
    (answer,) = one.answers
    assert answer.about == certificate_id(READ, ISSUER)
    assert (answer.status, answer.this_update, answer.next_update) == ("good", NOW - 3600, NOW - 3600 + DAY)
    assert (answer.revoked_at, one.produced_at, one.certificates) == (None, NOW - 3600, ())
    assert one.check_signature(ISSUING.key.public_key()) is None
    assert is_responder(one, ISSUER)
    assert not is_responder(one, READ)


def test_a_responder_by_name() -> None:
    delegate = responder(ISSUING, "Responder")
    response = ocsp_response(ISSUING, LEAF, signer=delegate, by_name=True)
    one = read(response)
    assert one.responder_name == delegate.certificate.subject.public_bytes()
    assert is_responder(one, certificate(delegate.der))
    assert not is_responder(one, ISSUER)
    # Names that mean the same are the same (RFC 5280 section 7.1), whatever the type of the text.
    at = response.index(b"\x0c\x09Responder")
    assert is_responder(read(response[:at] + b"\x13\x09RESPONDER" + response[at + 11 :]), certificate(delegate.der))
    other = read(response[:at] + b"\x0c\x09Responded" + response[at + 11 :])
    assert not is_responder(other, certificate(delegate.der))


def test_what_else_it_may_say() -> None:
    (answer,) = read(ocsp_response(ISSUING, LEAF, Status.REVOKED, days=None)).answers
    assert (answer.status, answer.revoked_at, answer.why) == ("revoked", NOW - 3600, "keyCompromise")
    assert answer.next_update is None
    (answer,) = read(ocsp_response(ISSUING, LEAF, Status.UNKNOWN)).answers
    assert answer.status == "unknown"
    delegate = responder(ISSUING)
    one = read(ocsp_response(ISSUING, LEAF, signer=delegate, by_name=True, algorithm=SHA256()))
    assert one.certificates == (delegate.der,)
    assert is_responder(one, certificate(delegate.der))
    assert not is_responder(one, ISSUER)
    assert one.answers[0].about == certificate_id(READ, ISSUER, "sha256")


# --- What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", list(ocsp.OCSPResponseStatus))
def test_a_responder_without_an_answer(status: ocsp.OCSPResponseStatus) -> None:
    if status is ocsp.OCSPResponseStatus.SUCCESSFUL:
        return
    der = ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
    passing = status.name in {"TRY_LATER", "INTERNAL_ERROR"}
    assert kind_of(der) is (SOURCE_DOWN if passing else SOURCE_REFUSED)


def test_critical_extensions_of_a_response() -> None:
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    assert kind_of(ocsp_response(ISSUING, LEAF, extensions=[(extension, True)])) is CRITICAL_EXTENSION
    read(ocsp_response(ISSUING, LEAF, extensions=[(extension, False)]))
    read(ocsp_response(ISSUING, LEAF, extensions=[(x509.OCSPNonce(b"\1" * 16), False)]))


def hand_made(*answers: bytes, certificates: int = 0) -> bytes:
    """A response with these answers, signed by nobody."""
    key = wrap(0xA2, wrap(4, bytes(20)))
    data = wrap(SEQUENCE, key + b"\x18\x0f20270115070000Z" + wrap(SEQUENCE, b"".join(answers)))
    algorithm = wrap(SEQUENCE, bytes.fromhex("06082a8648ce3d040302"))
    carried = wrap(0xA0, wrap(SEQUENCE, LEAF.der * certificates)) if certificates else b""
    basic = wrap(SEQUENCE, data + algorithm + wrap(3, b"\0" + bytes(8)) + carried)
    kind = bytes.fromhex("06092b0601050507300101")
    return wrap(SEQUENCE, b"\x0a\x01\x00" + wrap(0xA0, wrap(SEQUENCE, kind + wrap(4, basic))))


def answer(serial: bytes = b"\x01", extensions: bytes = b"", status: bytes = b"\x80\x00") -> bytes:
    algorithm = wrap(SEQUENCE, bytes.fromhex("06052b0e03021a0500"))
    name = wrap(SEQUENCE, algorithm + wrap(4, bytes(20)) + wrap(4, bytes(20)) + wrap(2, serial))
    return wrap(SEQUENCE, name + status + b"\x18\x0f20270115070000Z" + extensions)


def critical(truth: bytes = b"\x01\x01\xff") -> bytes:
    one = wrap(SEQUENCE, bytes.fromhex("06032a0304") + truth + wrap(4, b"\x05\x00"))
    return wrap(0xA1, wrap(SEQUENCE, one))


REVOKED = wrap(0xA1, b"\x18\x0f20270115070000Z")


def test_critical_extensions_of_answers() -> None:
    """Of any of them: the library that reads them shows those of one alone."""
    assert len(read(hand_made(answer(), answer(b"\x02", status=REVOKED))).answers) == 2
    read(hand_made(answer(), answer(b"\x02", critical(b""), REVOKED)))
    assert kind_of(hand_made(answer(), answer(b"\x02", critical(b"\1\1\0")))) is MALFORMED  # X.690 section 11.5
    for wrong in (
        hand_made(answer(extensions=critical())),
        hand_made(answer(), answer(b"\x02", critical())),
        hand_made(answer(extensions=critical(), status=REVOKED), answer(b"\x02")),
    ):
        assert kind_of(wrong) is CRITICAL_EXTENSION


def test_bounds() -> None:
    assert len(read(hand_made(*[answer()] * 64)).answers) == 64
    assert kind_of(hand_made(*[answer()] * 65)) is TOO_LARGE
    assert kind_of(bytes(MAX_RESPONSE + 1)) is TOO_LARGE
    assert kind_of(hand_made()) is MALFORMED
    assert len(read(hand_made(answer(), certificates=8)).certificates) == 8
    assert kind_of(hand_made(answer(), certificates=9)) is MALFORMED


@pytest.mark.parametrize("wrong", [b"", GOOD + b"\0", GOOD[:-1], b"\x30\x03\x0a\x01\x00", b"\x30\x03\x0a\x01\x09"])
def test_malformed(wrong: bytes) -> None:
    assert kind_of(wrong) is MALFORMED


@given(st.binary(max_size=300))
@example(b"\x30\x80\x00\x00")
def test_total(data: bytes) -> None:
    assert isinstance(read_ocsp(data), Reason)


NEAR = ocsp_response(ISSUING, LEAF, signer=responder(ISSUING), by_name=True)


@usually(400)
@given(st.integers(0, len(NEAR) - 1), st.binary(min_size=1, max_size=4))
def test_total_near_a_response(at: int, put: bytes) -> None:
    changed = (NEAR[:at] + put + NEAR[at + len(put) :])[: len(NEAR)]
    one = read_ocsp(changed)
    if isinstance(one, OcspResponse):  # then all of it can be looked at
        is_responder(one, ISSUER)
        one.check_signature(ISSUING.key.public_key())
