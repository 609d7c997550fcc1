"""FIDO Metadata Service 3.1 section 3.2: files that are forged, replayed, bent or huge."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from tests.factors.attested import MODEL, NOW, code
from zerotrust.factors.metadata import MAX_METADATA, SIGNER, Metadata
from zerotrust.testing.authority import Issued, LocalAuthority
from zerotrust.testing.metadata import LocalMetadata, model_entry
from zerotrust.wire.encoding import b64url_encode
from zerotrust.wire.json import JsonValue

SERVICE = LocalMetadata(now=NOW)
PAYLOAD = json.dumps({"legalHeader": "", "no": 1, "nextUpdate": "2026-12-01", "entries": []}).encode()


def outcome(blob: bytes, now: float = NOW, seen: int = 0) -> str:
    return code(Metadata.read(blob, root=SERVICE.root, now=now, seen=seen))


def signed(header: dict[str, JsonValue] | None = None, payload: bytes = PAYLOAD, by: Issued | None = None) -> bytes:
    return SERVICE.sign(payload, header, by=by)


def test_the_good_file_is_accepted() -> None:
    assert outcome(signed()) == "accepted"
    assert outcome(SERVICE.blob(model_entry(MODEL), number=0)) == "accepted"


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "EdDSA", "RS256", "ES384", "", None, ["ES256"], 1])
def test_rfc_8725_3_1_another_algorithm_than_that_of_the_certificates_key(alg: JsonValue) -> None:
    assert outcome(signed({"alg": alg})) in {"algorithm", "bad_signature"}


def test_rfc_8725_3_2_alg_none_without_a_signature() -> None:
    header = {"alg": "none", "x5c": [b64encode(one).decode() for one in SERVICE.issued.ders]}
    blob = f"{b64url_encode(json.dumps(header).encode())}.{b64url_encode(PAYLOAD)}.".encode()
    assert outcome(blob) == "algorithm"


def test_a_public_key_as_shared_secret() -> None:
    """RFC 8725 section 2.1: an HMAC whose key is the certificate."""
    header = {"alg": "HS256", "x5c": [b64encode(one).decode() for one in SERVICE.issued.ders]}
    head = f"{b64url_encode(json.dumps(header).encode())}.{b64url_encode(PAYLOAD)}"
    blob = f"{head}.{b64url_encode(hmac.digest(SERVICE.issued.der, head.encode(), 'sha256'))}".encode()
    assert outcome(blob) == "algorithm"


def test_rfc_5280_6_1_a_chain_to_another_root() -> None:
    stranger = LocalMetadata(now=NOW)
    assert outcome(stranger.blob()) == "chain_signature"
    renamed = LocalAuthority("Another Root", now=NOW)
    assert outcome(signed(by=renamed.issue("mds.fidoalliance.org", dns=[SIGNER]))) == "untrusted_chain"


def test_the_root_along_with_the_chain_is_not_trusted_for_that() -> None:
    stranger = LocalMetadata(now=NOW)
    ders = [*stranger.issued.ders, stranger.authority.der]
    chain: list[JsonValue] = [b64encode(one).decode() for one in ders]
    assert outcome(stranger.sign(PAYLOAD, {"x5c": chain})) != "accepted"
    own = [*SERVICE.issued.ders, SERVICE.authority.der]
    assert outcome(signed({"x5c": [b64encode(one).decode() for one in own]})) == "accepted"


def test_a_certificate_of_the_same_root_for_another_name() -> None:
    """FIDO's root is one that signs for half the Web."""
    anybody = SERVICE.authority.issue("shop.example", dns=["shop.example"])
    assert outcome(signed(by=anybody)) == "wrong_name"
    for lookalike in ("mds.fidoalliance.org.evil.example", "xmds.fidoalliance.org", "*.fidoalliance.org"):
        assert outcome(signed(by=SERVICE.authority.issue(lookalike, dns=[lookalike]))) == "wrong_name"
    # A common name is no name of a server (RFC 9525 section 4.1).
    assert outcome(signed(by=SERVICE.authority.issue("mds.fidoalliance.org"))) == "wrong_name"


def test_a_certificate_that_is_not_valid_now() -> None:
    names = [SIGNER]
    assert outcome(signed(by=SERVICE.authority.issue(dns=names, starts=-7200, days=1 / 24))) == "certificate_expired"
    assert outcome(signed(by=SERVICE.authority.issue(dns=names, starts=60))) == "certificate_not_yet_valid"


def test_an_authority_as_the_signer() -> None:
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    authority = SERVICE.authority.issue(dns=[SIGNER], extensions=[(constraints, True)])
    assert outcome(signed(by=authority)) == "ca_as_peer"
    weak = rsa.generate_private_key(65537, 1024)
    small = SERVICE.authority.issue(dns=[SIGNER], key=weak)
    chain: list[JsonValue] = [b64encode(small.der).decode()]
    assert outcome(signed({"alg": "RS256", "x5c": chain})) == "weak_certificate"


@pytest.mark.parametrize(
    "x5c",
    [
        None,
        [],
        "MIIB",
        {},
        [1],
        ["!"],
        ["QUJD"],
        ["QUJD="],
        ["\ud7ff"],
        [b64encode(SERVICE.issued.der).decode() + "\n"],
        [b64encode(SERVICE.issued.der).decode()] * 9,
    ],
    ids=["none", "empty", "text", "map", "number", "no base64", "no certificate", "padded", "odd", "blank", "nine"],
)
def test_rfc_7515_4_1_6_certificates_that_are_none(x5c: JsonValue) -> None:
    assert outcome(signed({"x5c": x5c})) == "malformed"


def test_as_many_certificates_as_there_may_be() -> None:
    root = b64encode(SERVICE.authority.der).decode()
    chain: list[JsonValue] = [*(b64encode(one).decode() for one in SERVICE.issued.ders), *[root] * 6]
    assert outcome(signed({"x5c": chain})) == "accepted"
    assert outcome(signed({"x5c": [*chain, root]})) == "malformed"


def test_a_certificate_whose_key_has_no_algorithm_here() -> None:
    edwards = SERVICE.authority.issue(dns=[SIGNER], key=Ed25519PrivateKey.generate())
    for alg in ("ES256", "RS256", "EdDSA"):
        assert outcome(signed({"alg": alg, "x5c": [b64encode(edwards.der).decode()]})) == "algorithm"


def test_a_signed_payload_that_is_no_base64url() -> None:
    head = signed().split(b".")[0]
    key = SERVICE.issued.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    r, s = decode_dss_signature(key.sign(head + b".!", ec.ECDSA(SHA256())))
    signature = b64url_encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).encode()
    assert outcome(head + b".!." + signature) == "malformed"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"crit": ["exp"], "exp": 1}, "critical_unknown"),
        ({"b64": False}, "critical_unknown"),
        ({"typ": "JOSE"}, "wrong_type"),
        ({"typ": None}, "wrong_type"),
        ({"filler": "x" * 70_000}, "too_large"),
    ],
    ids=["crit", "b64", "typ", "no typ", "huge"],
)
def test_rfc_7515_4_header_members_that_change_what_is_signed(header: dict[str, JsonValue], expected: str) -> None:
    assert outcome(signed(header)) == expected


def test_rfc_7515_5_2_a_payload_or_header_that_was_changed() -> None:
    head, payload, signature = signed().split(b".")
    other_head, other_payload, other_signature = SERVICE.blob(number=9).split(b".")
    assert outcome(b".".join((head, other_payload, signature))) == "bad_signature"
    assert outcome(b".".join((other_head, payload, other_signature))) == "bad_signature"
    assert outcome(b".".join((head, payload, b""))) == "bad_signature"
    assert outcome(b".".join((head, payload, signature + b"AA"))) == "bad_signature"
    for broken in (b"!", signature + b"=", signature[:-1] + b"\n"):
        assert outcome(b".".join((head, payload, broken))) == "malformed"
    assert outcome(b".".join((head, payload, signature, b""))) == "malformed"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        b'{"no": 1, "no": 2, "nextUpdate": "2026-12-01", "legalHeader": "", "entries": []}',
        b'{"no": 1, "nextUpdate": "2026-12-01", "legalHeader": "", "entries": [], "entries": []}',
        b'{"no": NaN, "nextUpdate": "2026-12-01", "legalHeader": "", "entries": []}',
        b'{"no": 1.0, "nextUpdate": "2026-12-01", "legalHeader": "", "entries": []}',
        b'{"no": true, "nextUpdate": "2026-12-01", "legalHeader": "", "entries": []}',
        b'{"no": -1, "nextUpdate": "2026-12-01", "legalHeader": "", "entries": []}',
        b'{"no": "1", "nextUpdate": "2026-12-01", "legalHeader": "", "entries": []}',
        b'{"no": 1, "nextUpdate": 20261201, "legalHeader": "", "entries": []}',
        b'{"no": 1, "nextUpdate": "9999-99-99", "legalHeader": "", "entries": []}',
        b'{"no": 1, "nextUpdate": "2026-12-01", "entries": []}',
        b'{"no": 1, "nextUpdate": "2026-12-01", "legalHeader": "", "entries": {}}',
        b'{"no": 1, "nextUpdate": "2026-12-01", "legalHeader": "", "entries": [7]}',
        b'{"no": 1, "nextUpdate": "2026-12-01", "legalHeader": "", "entries": [{"aaguid": "x"}]}',
        b'\xef\xbb\xbf{"no": 1, "nextUpdate": "2026-12-01", "legalHeader": "", "entries": []}',
    ],
    ids=lambda payload: payload.decode("utf-8-sig")[:60] + str(len(payload)),
)
def test_rfc_8259_payloads_that_are_read_in_two_ways_or_say_too_little(payload: bytes) -> None:
    assert outcome(signed(payload=payload)) == "malformed"


def test_deep_json_and_too_many_entries() -> None:
    deep = b'{"no": 1, "nextUpdate": "2026-12-01", "legalHeader": "", "entries": ' + b"[" * 100 + b"]" * 100 + b"}"
    assert outcome(signed(payload=deep)) == "too_large"
    many = b'{"no": 1, "nextUpdate": "2026-12-01", "legalHeader": "", "entries": [' + b"{}," * 20_000 + b"{}]}"
    assert outcome(signed(payload=many)) == "too_large"


def test_a_huge_file_is_not_even_looked_at() -> None:
    assert outcome(bytes(MAX_METADATA + 1)) == "too_large"


def test_an_older_file_than_one_seen_before() -> None:
    """Who serves a file from before the revocation hides it."""
    assert outcome(SERVICE.blob(number=4), seen=5) == "source_refused"


def test_a_file_that_is_out_of_date() -> None:
    blob = SERVICE.blob(days=30)
    assert outcome(blob, NOW + 29 * 86400) == "accepted"
    assert outcome(blob, NOW + 31 * 86400) == "source_refused"


@pytest.mark.parametrize("blob", [b"", b".", b"..", b"...", b"a.b.c", b"\xff" * 99, b"." * 99, b"e30.e30.e30"])
def test_what_is_no_jwt_at_all(blob: bytes) -> None:
    assert outcome(blob) in {"malformed", "algorithm"}
