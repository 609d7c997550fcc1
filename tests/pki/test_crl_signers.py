"""Who may sign a list besides the authority itself (RFC 5280 section 6.3.3 (f)): another key of its name."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tests.pki.revoking import DAY, DIRECT, GOOD, NOW, ROOT, STRANGER, verdict, why
from zerotrust.core.errors import ConfigError
from zerotrust.pki.crls import Crls
from zerotrust.testing.authority import Issued, LocalAuthority
from zerotrust.testing.revoking import crl

AUTHORITY = ROOT.intermediate("Issuing", path_length=None)
LEAF = AUTHORITY.issue("client")
ROOT_CRL = crl(ROOT)


def usage(**holds: bool) -> tuple[x509.KeyUsage, bool]:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: holds.get(name, False) for name in names}), True


def signer(by: LocalAuthority = ROOT, name: x509.Name = AUTHORITY.name, **options: Any) -> Issued:
    return by.issue(subject=name, **{"extensions": [usage(crl_sign=True)], **options})


def pem(*issued: Issued) -> bytes:
    return b"".join(one.certificate.public_bytes(Encoding.PEM) for one in issued)


@pytest.mark.parametrize("by", [ROOT, AUTHORITY], ids=["issued by who is above", "issued by itself"])
def test_another_key_of_the_same_name(by: LocalAuthority) -> None:
    other = signer(by)
    lists = [ROOT_CRL, crl(AUTHORITY, key=other.key), *([] if by is ROOT else [crl(AUTHORITY)])]
    assert verdict(Crls(*lists, signers=pem(other)), LEAF) == GOOD
    assert verdict(Crls(*lists), LEAF, also=(other.der,)) == GOOD  # presented by the peer
    if by is ROOT:
        assert verdict(Crls(*lists), LEAF) == "revocation_unknown"
        assert why(Crls(*lists), LEAF) == "CRL 1 of CN=Issuing is not signed by its issuer"
    revoking = [ROOT_CRL, crl(AUTHORITY, LEAF, key=other.key), *([] if by is ROOT else [crl(AUTHORITY)])]
    assert verdict(Crls(*revoking, signers=pem(other)), LEAF) == "certificate_revoked"


def test_a_leaf_is_not_remembered_as_good_beyond_its_signer() -> None:
    other = signer(days=2)
    way = Crls(crl(ROOT), crl(AUTHORITY, key=other.key), signers=pem(other))
    assert verdict(way, LEAF) == GOOD
    assert verdict(way, LEAF, now=NOW + 3 * DAY) == "revocation_unknown"


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda: signer(name=STRANGER.name), id="another name"),
        pytest.param(lambda: signer(by=STRANGER), id="issued by a stranger"),
        pytest.param(lambda: signer(extensions=[usage(digital_signature=True)]), id="no cRLSign"),
        pytest.param(lambda: signer(extensions=[usage(key_cert_sign=True)]), id="keyCertSign is not cRLSign"),
        pytest.param(lambda: signer(starts=-10 * DAY, days=5), id="expired"),
        pytest.param(lambda: signer(starts=3600), id="not valid yet"),
        pytest.param(lambda: signer(extensions=[usage(crl_sign=True), (x509.UnrecognizedExtension(
            x509.ObjectIdentifier("1.2.3.4"), b""), True)]), id="an unknown critical extension"),
        pytest.param(lambda: LEAF, id="the leaf itself"),
    ],
)  # fmt: skip
def test_who_may_not_sign(wrong: Any) -> None:
    other = wrong()
    way = Crls(ROOT_CRL, crl(AUTHORITY, key=other.key))
    assert verdict(way, LEAF, also=(other.der,)) == "revocation_unknown"


def test_a_certificate_without_a_key_usage_signs_no_lists_unless_it_is_an_authority() -> None:
    """Else a leaf that is called like its authority could vouch for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    plain = Issued(ROOT._sign(AUTHORITY.name, key, days=30, extensions=[]), key)
    way = Crls(ROOT_CRL, crl(AUTHORITY, key=key))
    assert verdict(way, LEAF, also=(plain.der,)) == "revocation_unknown"
    for wrong in (plain, LEAF):
        with pytest.raises(ConfigError, match="does not hold cRLSign"):
            Crls(ROOT_CRL, signers=pem(wrong))


def test_a_list_that_the_other_key_did_not_sign_either() -> None:
    forged = crl(AUTHORITY, key=STRANGER.key)
    assert verdict(Crls(ROOT_CRL, forged, signers=pem(signer())), LEAF) == "revocation_unknown"


def test_the_key_for_lists_was_revoked() -> None:
    other = signer()
    lists = crl(ROOT, other), crl(AUTHORITY, key=other.key)
    assert verdict(Crls(*lists, signers=pem(other)), LEAF) == "revocation_unknown"


def test_nothing_is_known_of_the_key_for_lists() -> None:
    """It is issued by the authority itself, whose only list is the one it signs: it must not vouch for itself."""
    other = signer(by=AUTHORITY)
    assert verdict(Crls(ROOT_CRL, crl(AUTHORITY, key=other.key), signers=pem(other)), LEAF) == "revocation_unknown"


def test_two_keys_that_vouch_for_each_other() -> None:
    one, two = signer(by=AUTHORITY), signer(by=AUTHORITY)
    lists = ROOT_CRL, crl(AUTHORITY, key=one.key), crl(AUTHORITY, key=two.key, number=2)
    assert verdict(Crls(*lists, signers=pem(one, two)), LEAF) == "revocation_unknown"


def test_an_authority_that_must_not_sign_lists() -> None:
    silent = ROOT.intermediate("Silent", extensions=[usage(key_cert_sign=True)])
    issued = silent.issue("client")
    assert verdict(Crls(ROOT_CRL, crl(silent)), issued) == "revocation_unknown"
    # Its anchor signed the list of its name, which does not make it one of the authority's.
    assert verdict(Crls(ROOT_CRL, crl(ROOT, issuer=silent.name)), issued) == "revocation_unknown"


def test_an_authority_does_not_appoint_who_speaks_in_the_name_of_those_above_it() -> None:
    """It was revoked, and would clear itself by a list of its issuer's name, by a key that it certified itself."""
    forger = signer(by=AUTHORITY, name=ROOT.name)
    forged = crl(ROOT, number=6, key=forger.key)
    for genuine in ((), (crl(ROOT, number=5, days=0.01),)):  # held back, or out of date
        assert verdict(Crls(*genuine, forged, crl(AUTHORITY), signers=pem(forger)), LEAF) == "revocation_unknown"
    way = Crls(crl(ROOT, AUTHORITY, number=5), forged, crl(AUTHORITY), signers=pem(forger))
    assert verdict(way, LEAF) == "certificate_revoked"
    # Nor further down, about who is further up: not by the name of one in between.
    below = AUTHORITY.intermediate("Below", path_length=None)
    issued = below.issue("client")
    forger = signer(by=below)
    lists = crl(ROOT), crl(AUTHORITY, key=forger.key), crl(below)
    assert verdict(Crls(*lists, signers=pem(forger)), issued) == "revocation_unknown"
    # Whoever stands above may: that is whom the authority is believed by.
    above = signer()
    lists = crl(ROOT), crl(AUTHORITY, key=above.key), crl(below)
    assert verdict(Crls(*lists, signers=pem(above)), issued) == GOOD


def test_an_authority_below_vouches_for_nobody_who_vouches_either() -> None:
    """The key for lists of the issuer was revoked, by who issued it; somebody below would clear that."""
    below = AUTHORITY.intermediate("Below", path_length=None)
    issued = below.issue("client")
    other, forger = signer(), signer(by=below, name=ROOT.name)
    revoking, forged = crl(ROOT, other, number=5, days=0.01), crl(ROOT, number=6, key=forger.key)
    lists = crl(AUTHORITY, key=other.key), crl(below)
    assert verdict(Crls(crl(ROOT), *lists, signers=pem(other, forger)), issued) == GOOD
    for roots in ((forged,), (revoking, forged)):
        assert verdict(Crls(*roots, *lists, signers=pem(other, forger)), issued) == "revocation_unknown"


def test_a_rollover_the_list_by_the_new_key_of_the_anchor() -> None:
    """The anchor is the old key; the new one is certified by it, and signs the lists (RFC 4210 section 4.4)."""
    new = ROOT.issue(subject=ROOT.name, extensions=[usage(key_cert_sign=True, crl_sign=True),
                     (x509.BasicConstraints(ca=True, path_length=None), True)])  # fmt: skip
    lists = crl(ROOT), crl(ROOT, DIRECT, key=new.key)
    assert verdict(Crls(*lists), DIRECT) == GOOD
    assert verdict(Crls(*lists, signers=pem(new)), DIRECT) == "certificate_revoked"


def test_a_rollover_the_list_by_the_old_key_which_is_the_anchor() -> None:
    usages = [usage(key_cert_sign=True, crl_sign=True), (x509.BasicConstraints(ca=True, path_length=None), True)]
    for anchor in (ROOT, AUTHORITY):  # one that signed itself, and one that somebody else did, of whom nothing is known
        made = anchor.issue(subject=anchor.name, extensions=usages)
        new = LocalAuthority.of(Issued(made.certificate, made.key), now=NOW)
        issued = new.issue("client")
        assert verdict(Crls(crl(anchor)), issued, root=anchor) == GOOD
        assert verdict(Crls(crl(anchor, issued)), issued, root=anchor) == "certificate_revoked"
        assert verdict(Crls(crl(anchor, new)), issued, root=anchor) == "certificate_revoked"


def test_a_weak_key() -> None:
    other = signer(key=rsa.generate_private_key(3, 2048))
    assert verdict(Crls(ROOT_CRL, crl(AUTHORITY, key=other.key), signers=pem(other)), LEAF) == "revocation_unknown"


def test_few_are_tried() -> None:
    strangers = [signer(by=STRANGER) for _ in range(6)]
    other = signer()
    lists = ROOT_CRL, crl(AUTHORITY, key=other.key)
    presented = tuple(one.der for one in strangers)
    assert verdict(Crls(*lists), LEAF, also=(*presented, other.der)) == "revocation_unknown"
    # What is configured comes before what peers present.
    assert verdict(Crls(*lists, signers=pem(other)), LEAF, also=presented) == GOOD


@pytest.mark.parametrize("given", [b"no pem", "text", b"-----BEGIN CERTIFICATE-----"])
def test_signers_that_are_none(given: Any) -> None:
    with pytest.raises(ConfigError, match="signers takes certificates in PEM"):
        Crls(ROOT_CRL, signers=given)
