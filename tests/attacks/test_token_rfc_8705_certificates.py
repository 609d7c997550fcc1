"""Certificate-bound tokens (RFC 8705 section 3) in other hands: no certificate, another, or one that is only said."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha1, sha256, sha512

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from tests.attacks.deciding import decided
from tests.verifiers.tokens import ISSUER, NOW, OMIT, b64, bearer, mint
from zerotrust.core.peer import Peer
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing.dpop import DPoPClient
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.dpop import DPoP

KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(name: str, key: ec.EllipticCurvePrivateKey = KEY) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.fromtimestamp(NOW, UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


CLIENT = certificate("client")
MINE, THEIRS, ROOT = der(CLIENT), der(certificate("attacker")), der(certificate("root"))
THUMBPRINT = b64(sha256(MINE).digest())
BOUND = mint(cnf={"x5t#S256": THUMBPRINT})


def over_tls(
    token: str, *chain: bytes, scheme: str = "Bearer", headers: tuple[tuple[bytes, bytes], ...] = ()
) -> AccessRequest:
    """A request whose connection has this client certificate chain."""
    sent = (b"authorization", f"{scheme} {token}".encode())
    return AccessRequest(now=NOW, headers=[*headers, sent], peer=Peer(tuple(chain)))


@pytest.fixture(params=[0, 16], ids=["cold", "remembered"])
def verifier(request: pytest.FixtureRequest) -> Bearer:
    """One that has seen the bound token with its certificate, and may remember it."""
    verifier = bearer(remember=request.param)
    for _ in range(3):
        assert decided(verifier, over_tls(BOUND, MINE)) == "allowed"
    return verifier


def test_section_3_with_its_certificate_first_in_whatever_chain(verifier: Bearer) -> None:
    assert decided(verifier, over_tls(BOUND, MINE, ROOT)) == "allowed"
    assert decided(verifier, over_tls(BOUND, MINE, THEIRS, ROOT)) == "allowed"


def test_section_3_without_a_certificate_it_is_no_bearer_token(verifier: Bearer) -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert decided(verifier, over_tls(BOUND, scheme=scheme)) == "proof_required"


def test_section_3_with_another_certificate(verifier: Bearer) -> None:
    assert decided(verifier, over_tls(BOUND, THEIRS)) == "key_mismatch"
    # The same name and the same key under another certificate is another certificate.
    assert decided(verifier, over_tls(BOUND, der(certificate("client")))) == "key_mismatch"
    assert decided(verifier, over_tls(BOUND, MINE + b"\0")) == "key_mismatch"
    assert decided(verifier, over_tls(BOUND, CLIENT.public_bytes(Encoding.PEM))) == "key_mismatch"
    assert decided(verifier, over_tls(BOUND, b"")) == "key_mismatch"


def test_section_3_the_leaf_counts_wherever_else_in_the_chain_it_stands(verifier: Bearer) -> None:
    # Anybody may send the certificate of somebody else along with one's own: only the leaf's key was proven.
    for chain in ((THEIRS, MINE), (THEIRS, MINE, ROOT), (ROOT, MINE), (b"", MINE)):
        assert decided(verifier, over_tls(BOUND, *chain)) == "key_mismatch"


def test_a_certificate_in_a_header_is_only_said(verifier: Bearer) -> None:
    pem = CLIENT.public_bytes(Encoding.PEM)
    said = (
        (b"client-cert", b":" + b64encode(MINE) + b":"),
        (b"x-forwarded-client-cert", b"Hash=" + sha256(MINE).hexdigest().encode()),
        (b"x-ssl-client-cert", pem.replace(b"\n", b" ")),
        (b"x-ssl-client-verify", b"SUCCESS"),
        (b"ssl_client_cert", b64encode(MINE)),
    )
    assert decided(verifier, over_tls(BOUND, headers=said)) == "proof_required"
    assert decided(verifier, over_tls(BOUND, THEIRS, headers=said)) == "key_mismatch"


def test_rfc_9449_section_7_1_the_dpop_scheme_does_not_stand_for_the_certificate() -> None:
    proving, plain = bearer(dpop=DPoP()), bearer()
    for chain, code in (((), "proof_required"), ((THEIRS,), "key_mismatch"), ((MINE,), "key_mismatch")):
        assert decided(proving, over_tls(BOUND, *chain, scheme="DPoP")) == code
        assert decided(plain, over_tls(BOUND, *chain, scheme="DPoP")) == "not_presented"


@pytest.mark.parametrize(
    "thumbprint",
    [
        THUMBPRINT + "=",
        THUMBPRINT + "\n",
        " " + THUMBPRINT,
        THUMBPRINT[:-1],
        THUMBPRINT[:16],
        THUMBPRINT + "AAAA",
        THUMBPRINT.swapcase(),
        "\uff21" + THUMBPRINT[1:],
        sha256(MINE).hexdigest(),
        sha256(MINE).hexdigest().upper(),
        ":".join(f"{octet:02X}" for octet in sha256(MINE).digest()),
        b64(sha1(MINE).digest()),
        b64(sha512(MINE).digest()),
        b64(sha256(CLIENT.public_bytes(Encoding.PEM)).digest()),
        b64(sha256(CLIENT.tbs_certificate_bytes).digest()),
        b64(
            sha256(CLIENT.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
        ),
        b64(MINE),
        "*",
    ],
    ids=range(18),  # every worker makes a certificate of its own
)  # fmt: skip
def test_section_3_1_anything_but_the_thumbprint_of_the_certificate(thumbprint: str) -> None:
    assert decided(bearer(), over_tls(mint(cnf={"x5t#S256": thumbprint}), MINE)) == "key_mismatch"


def test_section_3_1_the_other_alphabet_of_base64_is_another_thumbprint() -> None:
    numbers = (str(number).encode() for number in range(1000))
    leaf = next(number for number in numbers if not b64(sha256(number).digest()).isalnum())
    standard = b64encode(sha256(leaf).digest()).rstrip(b"=").decode()
    assert decided(bearer(), over_tls(mint(cnf={"x5t#S256": b64(sha256(leaf).digest())}), leaf)) == "allowed"
    assert decided(bearer(), over_tls(mint(cnf={"x5t#S256": standard}), leaf)) == "key_mismatch"


@pytest.mark.parametrize(
    "cnf",
    [
        {},
        None,
        [],
        "",
        True,
        THUMBPRINT,
        [{"x5t#S256": THUMBPRINT}],
        {"x5t#S256": None},
        {"x5t#S256": ""},
        {"x5t#S256": [THUMBPRINT]},
        {"x5t#S256": {"": THUMBPRINT}},
        {"x5t#S256": 0},
        {"x5t#s256": THUMBPRINT},
        {"X5T#S256": THUMBPRINT},
        {"x5t": THUMBPRINT},
        {"x5t#S256 ": THUMBPRINT},
        {"jwk": ISSUER.jwk},
        {"kid": "key-1"},
        {"jku": "https://attacker.example/jwks"},
        # RFC 7800 section 3: a member nobody here understands is no reason to believe the others.
        {"x5t#S256": THUMBPRINT, "kid": "key-1"},
        {"x5t#S256": THUMBPRINT, "jwe": "AAAA"},
        {"x5t#S256": THUMBPRINT, "unheard of": "of"},
        {"x5t#S256": THUMBPRINT, "jkt": None},
        {"x5t#S256": THUMBPRINT, "": ""},
    ],
    ids=range(24),
)
def test_rfc_7800_section_3_a_confirmation_that_cannot_be_checked(cnf: object) -> None:
    for verifier in (bearer(), bearer(dpop=DPoP())):
        for chain in ((), (MINE,)):
            assert decided(verifier, over_tls(mint(cnf=cnf), *chain)) == "proof_required"


def test_rfc_7800_section_3_two_confirmations_ask_for_two_proofs() -> None:
    both = mint(cnf={"x5t#S256": THUMBPRINT, "jkt": THUMBPRINT})
    for verifier in (bearer(), bearer(remember=0)):
        for _ in range(2):
            assert decided(verifier, over_tls(both, MINE)) == "proof_required"
            assert decided(verifier, over_tls(both, THEIRS)) == "key_mismatch"
            assert decided(verifier, over_tls(both)) == "proof_required"


def test_rfc_7800_section_3_neither_of_two_proofs_stands_for_the_other() -> None:
    ada, eve = (DPoPClient(clock=lambda: NOW) for _ in range(2))
    both = mint(cnf={"x5t#S256": THUMBPRINT, "jkt": ada.jkt})
    url, sources = "https://api.example/", Sources(MemoryStore())

    def with_both(verifier: Bearer, prover: DPoPClient, *chain: bytes) -> str:
        headers = prover.headers("GET", url, both)
        asked = AccessRequest(now=NOW, host="api.example", headers=headers, peer=Peer(tuple(chain)))
        return decided(verifier, asked, sources)

    for verifier in (bearer(dpop=DPoP()), bearer(dpop=DPoP(), remember=0)):
        for _ in range(2):
            assert with_both(verifier, ada, MINE) == "allowed"
            assert with_both(verifier, ada) == "proof_required"
            assert with_both(verifier, ada, THEIRS) == "key_mismatch"
            assert with_both(verifier, eve, MINE) == "key_mismatch"
            assert decided(verifier, over_tls(both, MINE), sources) == "proof_required"


def test_a_duplicate_confirmation_is_refused_before_it_is_looked_at() -> None:
    for cnf in (
        f'"cnf":{{"x5t#S256":"{THUMBPRINT}","x5t#S256":"{b64(sha256(THEIRS).digest())}"}}',
        f'"cnf":{{"x5t#S256":"{THUMBPRINT}"}},"cnf":{{}}',
        f'"cnf":{{"x5t#S256":"{THUMBPRINT}"}},"\\u0063nf":null',
    ):
        payload = f'{{"iss":"https://issuer.example","sub":"ada","aud":"payments","iat":{NOW},"exp":{NOW + 300},{cnf}}}'
        assert decided(bearer(), over_tls(ISSUER.token(payload.encode()), MINE)) == "malformed"


def test_the_certificate_of_one_token_does_not_serve_another(verifier: Bearer) -> None:
    others = mint(cnf={"x5t#S256": b64(sha256(THEIRS).digest())})
    assert decided(verifier, over_tls(others, THEIRS)) == "allowed"
    assert decided(verifier, over_tls(others, MINE)) == "key_mismatch"
    assert decided(verifier, over_tls(BOUND, THEIRS)) == "key_mismatch"


def test_a_token_that_is_not_bound_is_no_worse_for_a_certificate(verifier: Bearer) -> None:
    # RFC 8705 section 3: the binding is in the token; a certificate alone asks for none.
    assert decided(verifier, over_tls(mint(cnf=OMIT), THEIRS)) == "allowed"
