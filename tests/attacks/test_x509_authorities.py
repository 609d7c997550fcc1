"""RFC 5280 sections 4.2.1.3, 4.2.1.9 and 6.1.4: who may issue what, with certificates that `openssl` made.

A client's certificate that issues others (CVE-2002-0862, CVE-2021-3450), an authority below one that allows none
(CVE-2020-0601's neighbourhood), authorities posing as clients, and those that trust themselves.
"""

from __future__ import annotations

import pytest

from tests.attacks.openssl_certificates import AUTHORITY, CLIENT, OpenSsl, Signed
from tests.attacks.x509_outcome import is_no_anchor, outcome
from zerotrust.pki.chain import Anchors

ACCEPTED = ("accepted", None)


@pytest.fixture(scope="module")
def openssl(tmp_path_factory: pytest.TempPathFactory) -> OpenSsl:
    return OpenSsl(tmp_path_factory.mktemp("authorities"))


@pytest.fixture(scope="module")
def root(openssl: OpenSsl) -> Signed:
    return openssl.root()


@pytest.fixture(scope="module")
def now(root: Signed) -> float:
    return root.read.not_before + 86400


def test_good_clients_are_accepted(openssl: OpenSsl, root: Signed, now: float) -> None:
    issuing = openssl.issue("Issuing", root, extensions=AUTHORITY)
    assert outcome([openssl.issue("client", root)], root, now) == ACCEPTED
    assert outcome([openssl.issue("client", issuing), issuing], root, now) == ACCEPTED


# --- Section 4.2.1.9: basic constraints ------------------------------------------------------------------------------
def test_a_clients_certificate_issues_nothing(openssl: OpenSsl, root: Signed, now: float) -> None:
    client = openssl.issue("client", root)
    victim = openssl.issue("victim", client)
    assert outcome([victim, client], root, now) == ("not_a_ca", client.label)


def test_nor_does_one_that_leaves_basic_constraints_out(openssl: OpenSsl, root: Signed, now: float) -> None:
    silent = openssl.issue("silent", root, extensions=("keyUsage=critical,keyCertSign",))
    assert outcome([openssl.issue("victim", silent), silent], root, now) == ("not_a_ca", silent.label)


def test_nor_one_that_claims_the_usage_alone(openssl: OpenSsl, root: Signed, now: float) -> None:
    claims = openssl.issue("claims", root, extensions=("basicConstraints=critical,CA:FALSE", "keyUsage=keyCertSign"))
    assert outcome([openssl.issue("victim", claims), claims], root, now) == ("not_a_ca", claims.label)


def test_path_length(openssl: OpenSsl, root: Signed, now: float) -> None:
    last = openssl.issue("Last", root, extensions=("basicConstraints=critical,CA:TRUE,pathlen:0", AUTHORITY[1]))
    below = openssl.issue("Below", last, extensions=AUTHORITY)
    assert outcome([openssl.issue("client", last), last], root, now) == ACCEPTED
    assert outcome([openssl.issue("client", below), below, last], root, now) == ("path_length", last.label)


def test_path_length_of_the_anchor_itself(openssl: OpenSsl, now: float) -> None:
    root = openssl.root(extensions=("basicConstraints=critical,CA:TRUE,pathlen:0", AUTHORITY[1]))
    below = openssl.issue("Below", root, extensions=AUTHORITY)
    assert outcome([openssl.issue("client", root)], root, now) == ACCEPTED
    assert outcome([openssl.issue("client", below), below], root, now) == ("path_length", root.label)


# --- Section 4.2.1.3: key usage --------------------------------------------------------------------------------------
def test_an_authority_whose_key_must_not_sign_certificates(openssl: OpenSsl, root: Signed, now: float) -> None:
    lists = openssl.issue("Lists", root, extensions=(AUTHORITY[0], "keyUsage=critical,cRLSign"))
    assert outcome([openssl.issue("client", lists), lists], root, now) == ("key_usage", lists.label)


@pytest.mark.parametrize("held", ["keyEncipherment", "keyAgreement", "cRLSign", "nonRepudiation"])
def test_a_client_whose_key_must_not_sign(openssl: OpenSsl, root: Signed, now: float, held: str) -> None:
    client = openssl.issue("client", root, extensions=(CLIENT[0], f"keyUsage=critical,{held}", CLIENT[2]))
    assert outcome([client], root, now) == ("key_usage", client.label)


def test_a_client_without_key_usage_is_as_good_as_any(openssl: OpenSsl, root: Signed, now: float) -> None:
    assert outcome([openssl.issue("client", root, extensions=(CLIENT[0], CLIENT[2]))], root, now) == ACCEPTED


# --- Authorities as clients ------------------------------------------------------------------------------------------
def test_an_authority_is_nobodys_peer(openssl: OpenSsl, root: Signed, now: float) -> None:
    issuing = openssl.issue(
        "Issuing", root, extensions=(AUTHORITY[0], "keyUsage=critical,keyCertSign,digitalSignature", CLIENT[2])
    )
    assert outcome([issuing], root, now) == ("ca_as_peer", issuing.label)


def test_nor_is_who_may_sign_certificates_by_its_usage_alone(openssl: OpenSsl, root: Signed, now: float) -> None:
    usage = "keyUsage=critical,keyCertSign,digitalSignature"
    claims = openssl.issue("claims", root, extensions=(CLIENT[0], usage, CLIENT[2]))
    assert outcome([claims], root, now) == ("ca_as_peer", claims.label)


def test_nor_is_the_anchor_itself(root: Signed, now: float) -> None:
    assert outcome([root], root, now) == ("ca_as_peer", root.label)
    assert outcome([root, root], root, now) == ("ca_as_peer", root.label)


# --- Section 6.1.1 (d): trusted is what was given, and nothing that calls itself so ----------------------------------
def test_self_signed(openssl: OpenSsl, root: Signed, now: float) -> None:
    own = openssl.issue("client")
    assert outcome([own], root, now) == ("untrusted_chain", own.label)
    assert outcome([own, own, root], root, now) == ("untrusted_chain", own.label)


def test_self_signed_under_the_name_of_the_anchor(openssl: OpenSsl, root: Signed, now: float) -> None:
    own = openssl.issue("Root")
    assert outcome([own], root, now) == ("chain_signature", own.label)


def test_a_self_signed_client_is_no_anchor_by_accident(openssl: OpenSsl) -> None:
    assert is_no_anchor(openssl.issue("client"))


def test_a_root_of_the_clients_own(openssl: OpenSsl, root: Signed, now: float) -> None:
    """The same names, another key: nothing that is presented becomes trusted by its name."""
    theirs = openssl.root()
    client = openssl.issue("client", theirs)
    assert outcome([client, theirs], root, now) == ("chain_signature", theirs.label)
    assert outcome([client], root, now) == ("chain_signature", client.label)
    stranger = openssl.issue("Stranger", extensions=AUTHORITY)
    assert outcome([openssl.issue("client", stranger), stranger], root, now) == ("untrusted_chain", stranger.label)


def test_an_anchor_is_its_octets_not_its_name_and_key(openssl: OpenSsl, root: Signed, now: float) -> None:
    """An intermediate is pinned. Another certificate of that same authority and key does not pass for it."""
    pinned = openssl.issue("Issuing", root, extensions=AUTHORITY)
    client = openssl.issue("client", pinned)
    again = openssl.issue("Elsewhere", extensions=AUTHORITY)
    anchors = Anchors.from_der(pinned.der)
    assert outcome([client], anchors, now) == ACCEPTED
    assert outcome([client, again, root], anchors, now) == ACCEPTED
    assert outcome([client, pinned], Anchors.from_der(again.der), now) == ("untrusted_chain", pinned.label)


def test_an_issuer_that_is_not_presented(openssl: OpenSsl, root: Signed, now: float) -> None:
    issuing = openssl.issue("Issuing", root, extensions=AUTHORITY)
    client = openssl.issue("client", issuing)
    assert outcome([client], root, now) == ("untrusted_chain", client.label)
    configured = Anchors.from_der(root.der, intermediates=[issuing.der])
    assert outcome([client], configured, now) == ACCEPTED


def test_a_configured_intermediate_is_not_trusted_for_that(openssl: OpenSsl, root: Signed, now: float) -> None:
    stranger = openssl.issue("Stranger", extensions=AUTHORITY)
    configured = Anchors.from_der(root.der, intermediates=[stranger.der])
    assert outcome([openssl.issue("client", stranger)], configured, now) == ("untrusted_chain", stranger.label)
