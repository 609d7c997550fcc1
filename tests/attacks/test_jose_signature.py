"""Attacks on signatures: values out of range, and second spellings of a token."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.attacks.jose import presented
from tests.wire.signing import b64, signer, unb64

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
FIELD = 2**256 - 2**224 + 2**192 + 2**96 - 1


@pytest.mark.parametrize(("alg", "size"), [("ES256", 32), ("ES384", 48), ("ES512", 66)])
def test_cve_2022_21449_psychic_signatures(alg: str, size: int) -> None:
    issuer = signer(alg)
    signing_input = issuer.token().rpartition(".")[0]
    one = bytes(size - 1) + b"\x01"
    for signature in (
        bytes(2 * size),
        bytes(size) + one,
        one + bytes(size),
        b"",
        b"\x00",
        bytes(2 * size - 1),
        bytes(2 * size + 1),
    ):
        assert presented(f"{signing_input}.{b64(signature)}", issuer) == "bad_signature"


@pytest.mark.parametrize("r", [0, 1, ORDER - 1, ORDER, ORDER + 1, FIELD, 2**256 - 1])
@pytest.mark.parametrize("s", [0, 1, ORDER - 1, ORDER, ORDER + 1, FIELD, 2**256 - 1])
def test_ecdsa_edges_of_the_range(r: int, s: int) -> None:
    issuer = signer("ES256")
    signing_input = issuer.token().rpartition(".")[0]
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert presented(f"{signing_input}.{b64(signature)}", issuer) == "bad_signature"


def test_ecdsa_in_der_is_no_jws_signature() -> None:
    issuer = signer("ES256")
    signing_input, _, signature = issuer.token().rpartition(".")
    octets = unb64(signature)
    der = encode_dss_signature(int.from_bytes(octets[:32], "big"), int.from_bytes(octets[32:], "big"))
    assert presented(f"{signing_input}.{signature}", issuer) == "accepted"
    assert presented(f"{signing_input}.{b64(der)}", issuer) == "bad_signature"


@pytest.mark.parametrize("alg", ["ES256", "RS256", "Ed25519", "HS256"])
def test_every_single_bit_counts(alg: str) -> None:
    issuer = signer(alg)
    signing_input, _, signature = issuer.token().rpartition(".")
    octets = unb64(signature)
    for bit in range(0, 8 * len(octets), 5):
        changed = bytearray(octets)
        changed[bit // 8] ^= 1 << bit % 8
        assert presented(f"{signing_input}.{b64(bytes(changed))}", issuer) == "bad_signature"


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256", "EdDSA", "HS256"])
def test_rfc_7515_section_2_padding_and_second_spellings(alg: str) -> None:
    # A token that can be spelled twice slips past revocation lists, replay marks and caches that know one spelling.
    issuer = signer(alg)
    token = issuer.token({"sub": "a"})
    parts = token.split(".")
    assert presented(token, issuer) == "accepted"
    for index, part in enumerate(parts):
        standard = base64.b64encode(unb64(part)).decode()
        padded = part + "=" * (-len(part) % 4 or 4)
        for other in (
            padded,
            part + "=",
            part + "==",
            part + "\n",
            part + " ",
            " " + part,
            part[:4] + "\n" + part[4:],
            part + "\t",
            part[:3] + "%" + part[3:],
            part + "\0",
            standard + "=",
        ):
            changed = [*parts]
            changed[index] = other
            # Signed as it stands or not: this is no base64url.
            assert presented(".".join(changed), issuer) in {"malformed", "bad_signature"}
            if index < 2:
                signing_input = f"{changed[0]}.{changed[1]}"
                resigned = f"{signing_input}.{b64(issuer.sign(signing_input.encode()))}"
                assert presented(resigned, issuer) == "malformed"


@pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA", "HS256"])
def test_rfc_4648_section_3_5_spare_bits_of_the_last_character(alg: str) -> None:
    issuer = signer(alg)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = issuer.token()
    accepted = [last for last in alphabet if presented(token[:-1] + last, issuer) == "accepted"]
    assert accepted == [token[-1]]


def test_text_around_a_token() -> None:
    issuer = signer("ES256")
    token = issuer.token()
    for changed in (
        f" {token}",
        f"{token} ",
        f"{token}\n",
        f"{token}\r\n",
        f"{token}.",
        f".{token}",
        f"{token}\0",
        f'"{token}"',
        f"Bearer {token}",
        f"\ufeff{token}",
        f"{token}\u200b",
    ):
        assert presented(changed, issuer) == "malformed"
    # Characters that a careless decoder would fold into ASCII.
    fullwidth = "".join(chr(ord(character) + 0xFEE0) if character.isalnum() else character for character in token)
    assert presented(fullwidth, issuer) == "malformed"
    assert presented(fullwidth.encode(), issuer) == "malformed"


def test_rfc_7516_section_3_1_five_parts() -> None:
    issuer = signer("ES256")
    header = b64(b'{"alg":"ECDH-ES","enc":"A256GCM"}')
    assert presented(f"{header}.AAAA.AAAA.AAAA.AAAA", issuer) == "encrypted"
    assert presented(f"{header}..AAAA.AAAA.AAAA", issuer) == "encrypted"
    assert presented(f"{issuer.token()}.AAAA.AAAA", issuer) == "encrypted"
    assert presented(f"{issuer.token()}.AAAA", issuer) == "malformed"


def test_rfc_7515_section_7_2_the_json_serialization() -> None:
    issuer = signer("ES256")
    header, payload, signature = issuer.token().split(".")
    flattened = f'{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}'
    general = f'{{"payload":"{payload}","signatures":[{{"protected":"{header}","signature":"{signature}"}}]}}'
    assert presented(flattened, issuer) == "malformed"
    assert presented(general, issuer) == "malformed"


def test_rfc_8725_section_3_11_oversize() -> None:
    issuer = signer("ES256")
    assert presented(issuer.token({"pad": "x" * 65_536}), issuer) == "too_large"
    assert presented("a" * 8_388_608, issuer) == "too_large"
    assert presented(issuer.token({"pad": "x" * 8_000}), issuer) == "accepted"
    assert presented(issuer.token(x5c=["A" * 12_000]), issuer) == "too_large"
    assert presented("." * 16_384, issuer) == "malformed"
