"""Name constraints as they are compared here, whatever `cryptography` says of them afterwards."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from tests.pki.paths import Made, authority, peer
from zerotrust.pki.name_constraints import Comparisons, constrained, name_fault

ROOT = authority()


def constraining(permitted: list[x509.GeneralName] | None, excluded: list[x509.GeneralName] | None) -> Made:
    return authority("Issuing", ROOT, extensions=((x509.NameConstraints(permitted, excluded), False),))


def within(constraint: x509.GeneralName, *names: x509.GeneralName, excluded: bool = False) -> bool:
    """Whether an authority so constrained may vouch for these names."""
    issuing = constraining(None, [constraint]) if excluded else constraining([constraint], None)
    client = peer(issuing, "", extensions=((x509.SubjectAlternativeName(names), True),))
    fault = name_fault([client.read, issuing.read, ROOT.read], Comparisons())
    assert fault is None or (fault[0].code, fault[0].presented, fault[1]) == ("name_constraints", client.label, 1)
    return fault is None


@pytest.mark.parametrize(
    ("tree", "name", "permitted", "excluded"),
    [
        # Names, and whether they pass under the tree as the only one permitted, and as one excluded.
        ("example.com", "example.com", True, False),
        ("example.com", "a.b.example.com", True, False),
        ("example.com", "A.Example.COM", True, False),
        ("example.com", "badexample.com", False, True),
        ("example.com", "example.com.evil.org", False, True),
        (".example.com", "a.example.com", True, False),
        (".example.com", "example.com", False, True),
        ("a.example.com", "*.example.com", False, False),  # some of what it stands for is within, and some is not
        ("example.com", "*.example.com", True, False),
        ("example.org", "*.example.com", False, True),
        ("", "example.com", True, False),
    ],
)
def test_dns_names(tree: str, name: str, permitted: bool, excluded: bool) -> None:
    assert within(x509.DNSName(tree), x509.DNSName(name)) is permitted
    assert within(x509.DNSName(tree), x509.DNSName(name), excluded=True) is excluded


@pytest.mark.parametrize(
    ("tree", "name", "permitted"),
    [
        ("example.com", "ada@example.com", True),
        ("example.com", "ada@EXAMPLE.com", True),
        ("example.com", "ada@mail.example.com", False),
        (".example.com", "ada@mail.example.com", True),
        (".example.com", "ada@example.com", False),
        ("ada@example.com", "ada@Example.com", True),
        ("ada@example.com", "Ada@example.com", False),  # only the host is without case (RFC 5321 section 2.4)
        ("ada@example.com", "bea@example.com", False),
    ],
)
def test_mailboxes(tree: str, name: str, permitted: bool) -> None:
    assert within(x509.RFC822Name(tree), x509.RFC822Name(name)) is permitted
    assert within(x509.RFC822Name(tree), x509.RFC822Name(name), excluded=True) is not permitted


@pytest.mark.parametrize(
    ("tree", "name", "permitted"),
    [
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("2001:db8::/32", "2001:db8::1", True),
        ("2001:db8::/32", "2001:db9::1", False),
        ("10.0.0.0/8", "::ffff:10.1.2.3", False),
    ],
)
def test_addresses(tree: str, name: str, permitted: bool) -> None:
    constraint, address = x509.IPAddress(ip_network(tree)), x509.IPAddress(ip_address(name))
    assert within(constraint, address) is permitted
    assert within(constraint, address, excluded=True) is not permitted


def test_kinds_that_cannot_be_compared() -> None:
    """Under a constraint of their kind they are refused, permitted or excluded; under none they are free."""
    uri = x509.UniformResourceIdentifier("spiffe://prod/a")
    for excluded in (False, True):
        assert not within(x509.UniformResourceIdentifier("prod"), uri, excluded=excluded)
        assert within(x509.DNSName("example.com"), uri, excluded=excluded)
        assert not within(x509.RegisteredID(x509.ObjectIdentifier("1.2.3")), _registered(), excluded=excluded)


def _registered() -> x509.RegisteredID:
    return x509.RegisteredID(x509.ObjectIdentifier("1.2.3"))


def test_every_name_has_to_pass() -> None:
    tree = x509.DNSName("example.com")
    good, bad = x509.DNSName("a.example.com"), x509.DNSName("evil.org")
    assert within(tree, good, x509.RFC822Name("ada@evil.org"))
    for names in ((good, bad), (bad, good)):
        assert not within(tree, *names)
        assert not within(tree, *names, excluded=True)


def test_constrained_is_who_is() -> None:
    issuing = constraining([x509.DNSName("example.com")], None)
    client = peer(issuing)
    assert constrained([client.read, issuing.read, ROOT.read])
    assert not constrained([client.read, ROOT.read])


@pytest.mark.parametrize("kind", [_ASN1Type.BMPString, _ASN1Type.T61String, _ASN1Type.UniversalString])
def test_directory_names_in_another_encoding_are_neither_in_nor_out(kind: _ASN1Type) -> None:
    tree = x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Evil")]))
    client = x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Evil", kind)]))
    assert not within(tree, client)
    assert not within(tree, client, excluded=True)
    assert not within(client, tree, excluded=True)
    good = x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Good")]))
    assert within(tree, good, excluded=True)
