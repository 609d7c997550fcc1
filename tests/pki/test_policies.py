"""Certificate policies that a leaf marks critical (RFC 5280 section 4.2.1.4): refused, but where any policy will do."""

from __future__ import annotations

import pytest
from cryptography import x509

from zerotrust.core.reason import Reason
from zerotrust.pki.anchors import Anchors
from zerotrust.pki.chain import CLIENT, ChainRules, Path, build_path
from zerotrust.testing.authority import Extensions, LocalAuthority
from zerotrust.wire.certificate import Certificate, read_certificate

NOW = 1_790_000_000.0
ROOT = LocalAuthority(now=NOW)
ANY = ChainRules(any_policy=True)
POLICIES = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.3.6.1.4.1.55555.2"), None)])
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")
DEMANDING = x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None)
INHIBITING = x509.InhibitAnyPolicy(0)


def outcome(extensions: Extensions, rules: ChainRules, authority: LocalAuthority = ROOT) -> str:
    issued = authority.issue(extensions=extensions)
    read = [read_certificate(der) for der in issued.ders]
    chain = [one for one in read if isinstance(one, Certificate)]
    found = build_path(chain[0], chain[1:], Anchors.from_der(ROOT.der), NOW, rules)
    return found.code if isinstance(found, Reason) else "accepted"


def test_policies_that_are_not_critical_are_nobodys_concern() -> None:
    assert outcome([(POLICIES, False)], CLIENT) == "accepted"
    assert outcome([(POLICIES, False)], ANY) == "accepted"


def test_critical_policies_are_refused_unless_any_will_do() -> None:
    assert outcome([(POLICIES, True)], CLIENT) == "critical_extension"
    assert outcome([(POLICIES, True)], ANY) == "accepted"
    # Over an issuer that is known already, the path is checked another way.
    issuing = ROOT.intermediate()
    for _ in range(2):
        assert outcome([(POLICIES, True)], ANY, issuing) == "accepted"
        assert outcome([(POLICIES, True)], CLIENT, issuing) == "critical_extension"


@pytest.mark.parametrize("other", [UNKNOWN, DEMANDING, INHIBITING], ids=["unknown", "demanding", "inhibiting"])
def test_nothing_else_is_let_through_by_that(other: x509.ExtensionType) -> None:
    assert outcome([(other, True)], ANY) == "critical_extension"
    assert outcome([(POLICIES, True), (other, True)], ANY) == "critical_extension"


@pytest.mark.parametrize("rules", [CLIENT, ANY], ids=["client", "any policy"])
def test_an_authority_with_critical_policies_is_refused_as_before(rules: ChainRules) -> None:
    assert outcome([], rules, ROOT.intermediate(extensions=[(POLICIES, True)])) == "critical_extension"


def test_a_path_is_what_comes_of_it() -> None:
    issued = read_certificate(ROOT.issue(extensions=[(POLICIES, True)]).der)
    assert isinstance(issued, Certificate)
    assert isinstance(build_path(issued, [], Anchors.from_der(ROOT.der), NOW, ANY), Path)
