"""RFC 5280 section 4.2.1.10: an authority that may vouch for some names only, and a client that has another.

CVE-2021-44532 and its like: names that are compared in another way than they are used, or are not looked at, at all.
"""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from tests.attacks.openssl_certificates import AUTHORITY, OpenSsl, Signed
from tests.attacks.x509_outcome import outcome
from tests.pki.paths import NOW, Made, authority, peer

ACCEPTED = ("accepted", None)


@pytest.fixture(scope="module")
def openssl(tmp_path_factory: pytest.TempPathFactory) -> OpenSsl:
    return OpenSsl(tmp_path_factory.mktemp("names"))


@pytest.fixture(scope="module")
def root(openssl: OpenSsl) -> Signed:
    return openssl.root()


@pytest.mark.parametrize(
    ("constraint", "names", "good"),
    [
        ("permitted;DNS:example.com", "DNS:a.example.com,DNS:example.com", True),
        ("permitted;DNS:example.com", "DNS:A.EXAMPLE.COM", True),
        ("permitted;DNS:example.com", "DNS:evil.com", False),
        ("permitted;DNS:example.com", "DNS:badexample.com", False),
        ("permitted;DNS:example.com", "DNS:a.example.com,DNS:evil.com", False),
        ("permitted;DNS:example.com", "URI:spiffe://prod/a", True),  # no constraint on URIs
        ("excluded;DNS:example.com", "DNS:a.example.com", False),
        ("excluded;DNS:a.example.com", "DNS:*.example.com", False),
        ("excluded;DNS:example.com", "DNS:example.org", True),
        ("permitted;email:example.com", "email:ada@example.com", True),
        ("permitted;email:example.com", "email:ada@mail.example.com", False),
        ("permitted;email:.example.com", "email:ada@mail.example.com", True),
        ("permitted;email:ada@example.com", "email:bea@example.com", False),
        ("excluded;email:example.com", "email:ada@example.com", False),
        ("permitted;IP:10.0.0.0/255.0.0.0", "IP:10.1.2.3", True),
        ("permitted;IP:10.0.0.0/255.0.0.0", "IP:11.1.2.3", False),
        ("excluded;IP:10.0.0.0/255.0.0.0", "IP:10.1.2.3", False),
        ("permitted;URI:example.com", "URI:https://example.com/", False),  # unsupported refuses
        ("permitted;URI:prod", "URI:spiffe://prod/a", False),
    ],
)
def test_names(openssl: OpenSsl, root: Signed, constraint: str, names: str, good: bool) -> None:
    issuing = openssl.issue("Issuing", root, extensions=(*AUTHORITY, f"nameConstraints=critical,{constraint}"))
    client = openssl.issue("client", issuing, more=(f"subjectAltName={names}",))
    expected = ACCEPTED if good else ("name_constraints", client.label)
    assert outcome([client, issuing], root, client.read.not_before) == expected


def test_constraints_of_the_anchor_hold_too(openssl: OpenSsl) -> None:
    root = openssl.root(extensions=(*AUTHORITY, "nameConstraints=critical,permitted;DNS:example.com"))
    issuing = openssl.issue("Issuing", root, extensions=AUTHORITY)
    client = openssl.issue("client", issuing, more=("subjectAltName=DNS:evil.com",))
    assert outcome([client, issuing], root, client.read.not_before) == ("name_constraints", client.label)


def test_no_authority_below_widens_them(openssl: OpenSsl, root: Signed) -> None:
    narrow = openssl.issue("Narrow", root, extensions=AUTHORITY, more=("nameConstraints=permitted;DNS:example.com",))
    wide = openssl.issue("Wide", narrow, extensions=AUTHORITY, more=("nameConstraints=permitted;DNS:com",))
    for name, good in (("a.example.com", True), ("evil.com", False)):
        client = openssl.issue("client", wide, more=(f"subjectAltName=DNS:{name}",))
        expected = ACCEPTED if good else ("name_constraints", client.label)
        assert outcome([client, wide, narrow], root, client.read.not_before) == expected


# --- The subject's own name, which is a directory name as well -------------------------------------------------------
def organisation(name: str, organisation_: str = "Acme") -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation_), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )


def constrained(*, permitted: str = "", excluded: str = "", critical: bool = False) -> tuple[Made, Made]:
    """A root, and an authority below it that may vouch for one organisation's names only, or not for one's."""
    trees = {
        kind: [x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, name)]))] if name else None
        for kind, name in (("permitted_subtrees", permitted), ("excluded_subtrees", excluded))
    }
    root = authority()
    return root, authority("Issuing", root, extensions=((x509.NameConstraints(**trees), critical),))


@pytest.mark.parametrize(
    ("allowed", "forbidden", "held", "good"),
    [
        ("Acme", "", "Acme", True),
        ("Acme", "", "ACME", True),
        ("Acme", "", "Bank", False),
        ("Acme", "", "Acme Inc", False),
        ("", "Bank", "Acme", True),
        ("", "Bank", "Bank", False),
        ("", "Bank", "  bANK ", False),
    ],
)
def test_the_subjects_own_name(allowed: str, forbidden: str, held: str, good: bool) -> None:
    """`cryptography` compares alternative names alone; what is not marked critical it passes over."""
    root, issuing = constrained(permitted=allowed, excluded=forbidden)
    client = peer(issuing, organisation("client", held))
    assert outcome([client, issuing], root, NOW) == (ACCEPTED if good else ("name_constraints", client.label))


def test_a_directory_name_among_the_alternatives() -> None:
    root, issuing = constrained(excluded="Bank")
    names = x509.SubjectAlternativeName([x509.DirectoryName(organisation("client", "Bank"))])
    client = peer(issuing, organisation("client"), extensions=((names, False),))
    assert outcome([client, issuing], root, NOW) == ("name_constraints", client.label)


def test_an_intermediate_with_another_name() -> None:
    root, issuing = constrained(permitted="Acme")
    below = authority(organisation("Below", "Bank"), issuing)
    client = peer(below, organisation("client"))
    assert outcome([client, below, issuing], root, NOW) == ("name_constraints", below.label)


def test_self_issued_certificates() -> None:
    """Section 6.1.3 (b) and (c): an authority's own new key is not bound by what it may vouch for; a client is."""
    root, issuing = constrained(permitted="Acme")
    renewed = authority("Issuing", issuing)
    client = peer(renewed, organisation("client"))
    assert outcome([client, renewed, issuing], root, NOW) == ACCEPTED
    posing = peer(renewed, "Issuing")
    assert outcome([posing, renewed, issuing], root, NOW) == ("name_constraints", posing.label)


def test_critical_constraints_on_directory_names_are_refused_altogether() -> None:
    """`cryptography` has no part of them, and it has the last word."""
    root, issuing = constrained(permitted="Acme", critical=True)
    client = peer(issuing, organisation("client"))
    assert outcome([client, issuing], root, NOW) == ("name_constraints", client.label)


@pytest.mark.parametrize(("mailbox", "good"), [("ada@acme.example", True), ("ada@bank.example", False)])
def test_a_mailbox_in_the_subject(mailbox: str, good: bool) -> None:
    """The emailAddress of old counts where there is no mailbox among the alternatives."""
    root = authority()
    constraints = x509.NameConstraints([x509.RFC822Name("acme.example")], None)
    issuing = authority("Issuing", root, extensions=((constraints, True),))
    client = peer(issuing, x509.Name([x509.NameAttribute(NameOID.EMAIL_ADDRESS, mailbox)]))
    assert outcome([client, issuing], root, NOW) == (ACCEPTED if good else ("name_constraints", client.label))


def test_constrained_paths_take_no_exception() -> None:
    """What `cryptography` refuses is accepted in four forms; under name constraints in none."""
    root = authority(key=Ed25519PrivateKey.generate())
    free = authority("Free", root)
    constraints = x509.NameConstraints([x509.DNSName("example.com")], None)
    bound = authority("Bound", root, extensions=((constraints, True),))
    assert outcome([peer(free), free], root, NOW) == ACCEPTED
    client = peer(bound)
    assert outcome([client, bound], root, NOW) == ("name_constraints", client.label)


def test_more_names_than_can_be_compared() -> None:
    """A product of names and constraints, each within its own bounds."""
    root = authority()
    trees = [x509.DNSName(f"n{number}.example") for number in range(400)]
    names = x509.SubjectAlternativeName([x509.DNSName(f"a.n{number}.example") for number in range(64)])
    issuing = authority("Issuing", root, extensions=((x509.NameConstraints(trees, None), True),))
    few = peer(issuing, extensions=((x509.SubjectAlternativeName(list(names)[:8]), False),))
    assert outcome([few, issuing], root, NOW) == ACCEPTED
    many = peer(issuing, extensions=((names, False),))
    assert outcome([many, issuing], root, NOW) == ("name_constraints", many.label)
