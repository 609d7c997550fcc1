"""NIST PKITS: the paths alone. What only a CRL says is told by test_pkits.py."""

from __future__ import annotations

import pytest

from tests.vectors import pkits
from zerotrust.core.reason import Reason
from zerotrust.pki.chain import Anchors, Path, build_path
from zerotrust.wire.certificate import Certificate

# What is wrong with these is said by CRLs, or is wrong with those.
_ABOUT_CRLS = ("404", "405", "414", "415")


def _is_refused_by_its_path(case: pkits.Case) -> bool:
    return not case.good and not case.id.startswith(_ABOUT_CRLS) and case.id[:5] not in {"40704", "40705"}


def test_every_path_that_must_be_accepted_is() -> None:
    cases = [case for case in pkits.CASES if case.supported and case.good]
    assert len(cases) == 51
    refused = {case.id: str(path) for case in cases if isinstance(path := case.path(), Reason)}
    assert refused == {}


def test_every_path_that_must_be_refused_is() -> None:
    cases = [case for case in pkits.CASES if _is_refused_by_its_path(case)]
    assert len(cases) > 45
    assert [case.id for case in cases if isinstance(case.path(), Path)] == []


# Sections 4.1 to 4.7 and 4.16: which clause, and which certificate.
@pytest.mark.parametrize(
    ("case", "code", "which"),
    [
        ("40102", "chain_signature", "Bad Signed CA"),
        ("40103", "chain_signature", "Invalid EE Signature Test3"),
        ("40201", "certificate_not_yet_valid", "Bad notBefore Date CA"),
        ("40202", "certificate_not_yet_valid", "Invalid EE notBefore"),
        ("40205", "certificate_expired", "Bad notAfter Date CA"),
        ("40206", "certificate_expired", "Invalid EE notAfter"),
        ("40207", "certificate_expired", "Invalid pre2000"),
        ("40301", "untrusted_chain", "Invalid Name Chaining EE"),
        ("40302", "untrusted_chain", "Invalid Name Chaining Order EE"),
        ("40508", "not_a_ca", "Basic Self-Issued CRL Signing Key CA"),
        ("40601", "not_a_ca", "Missing basicConstraints CA"),
        ("40602", "not_a_ca", "basicConstraints Critical cA False CA"),
        ("40603", "not_a_ca", "basicConstraints Not Critical cA False CA"),
        ("40605", "path_length", "pathLenConstraint0 CA"),
        ("40606", "path_length", "pathLenConstraint0 CA"),
        ("40609", "path_length", "pathLenConstraint6 subCA0"),
        ("40611", "path_length", "pathLenConstraint6 subCA1"),
        ("40616", "path_length", "pathLenConstraint0 CA"),
        ("40701", "key_usage", "keyUsage Critical keyCertSign False CA"),
        ("40702", "key_usage", "keyUsage Not Critical keyCertSign False CA"),
        ("41602", "critical_extension", "Invalid Unknown Critical"),
    ],
)
def test_the_reason_names_clause_and_certificate(case: str, code: str, which: str) -> None:
    (found,) = [one for one in pkits.CASES if one.id.startswith(case)]
    path = found.path()
    assert isinstance(path, Reason)
    assert path.code == code
    assert str(path.presented).startswith(f"CN={which}")


def test_of_policies_and_dsa_nothing_passes_that_must_not() -> None:
    """Certificate policies are not processed: what demands that they are (section 4.2.1.11) is refused."""
    cases = [case for case in pkits.CASES if not case.supported]
    assert len(cases) == 54
    assert [case.id for case in cases if not case.good and isinstance(case.path(), Path)] == []


# Section 4.13, of which the table holds no cases: leaf, then intermediates. None: valid, and all the same refused, as
# `cryptography` takes no path with critical constraints on directory names or URIs.
NAME_CONSTRAINTS = {
    "1": ("ValidDNnameConstraintsTest1EE", "nameConstraintsDN1CACert", None),
    "2": ("InvalidDNnameConstraintsTest2EE", "nameConstraintsDN1CACert", False),
    "3": ("InvalidDNnameConstraintsTest3EE", "nameConstraintsDN1CACert", False),
    "5": ("ValidDNnameConstraintsTest5EE", "nameConstraintsDN2CACert", None),
    "6": ("ValidDNnameConstraintsTest6EE", "nameConstraintsDN3CACert", None),
    "7": ("InvalidDNnameConstraintsTest7EE", "nameConstraintsDN3CACert", False),
    "8": ("InvalidDNnameConstraintsTest8EE", "nameConstraintsDN4CACert", False),
    "9": ("InvalidDNnameConstraintsTest9EE", "nameConstraintsDN4CACert", False),
    "10": ("InvalidDNnameConstraintsTest10EE", "nameConstraintsDN5CACert", False),
    "11": ("ValidDNnameConstraintsTest11EE", "nameConstraintsDN5CACert", None),
    "12": ("InvalidDNnameConstraintsTest12EE", "nameConstraintsDN1CACert nameConstraintsDN1subCA1Cert", False),
    "13": ("InvalidDNnameConstraintsTest13EE", "nameConstraintsDN1CACert nameConstraintsDN1subCA2Cert", False),
    "14": ("ValidDNnameConstraintsTest14EE", "nameConstraintsDN1CACert nameConstraintsDN1subCA2Cert", None),
    "15": ("InvalidDNnameConstraintsTest15EE", "nameConstraintsDN3CACert nameConstraintsDN3subCA1Cert", False),
    "16": ("InvalidDNnameConstraintsTest16EE", "nameConstraintsDN3CACert nameConstraintsDN3subCA1Cert", False),
    "17": ("InvalidDNnameConstraintsTest17EE", "nameConstraintsDN3CACert nameConstraintsDN3subCA2Cert", False),
    "18": ("ValidDNnameConstraintsTest18EE", "nameConstraintsDN3CACert nameConstraintsDN3subCA2Cert", None),
    "19": ("ValidDNnameConstraintsTest19EE", "nameConstraintsDN1CACert nameConstraintsDN1SelfIssuedCACert", None),
    "20": ("InvalidDNnameConstraintsTest20EE", "nameConstraintsDN1CACert", False),
    "21": ("ValidRFC822nameConstraintsTest21EE", "nameConstraintsRFC822CA1Cert", True),
    "22": ("InvalidRFC822nameConstraintsTest22EE", "nameConstraintsRFC822CA1Cert", False),
    "23": ("ValidRFC822nameConstraintsTest23EE", "nameConstraintsRFC822CA2Cert", True),
    "24": ("InvalidRFC822nameConstraintsTest24EE", "nameConstraintsRFC822CA2Cert", False),
    "25": ("ValidRFC822nameConstraintsTest25EE", "nameConstraintsRFC822CA3Cert", True),
    "26": ("InvalidRFC822nameConstraintsTest26EE", "nameConstraintsRFC822CA3Cert", False),
    "27": ("ValidDNandRFC822nameConstraintsTest27EE", "nameConstraintsDN1CACert nameConstraintsDN1subCA3Cert", None),
    "28": ("InvalidDNandRFC822nameConstraintsTest28EE", "nameConstraintsDN1CACert nameConstraintsDN1subCA3Cert", False),
    "29": ("InvalidDNandRFC822nameConstraintsTest29EE", "nameConstraintsDN1CACert nameConstraintsDN1subCA3Cert", False),
    "30": ("ValidDNSnameConstraintsTest30EE", "nameConstraintsDNS1CACert", True),
    "31": ("InvalidDNSnameConstraintsTest31EE", "nameConstraintsDNS1CACert", False),
    "32": ("ValidDNSnameConstraintsTest32EE", "nameConstraintsDNS2CACert", True),
    "33": ("InvalidDNSnameConstraintsTest33EE", "nameConstraintsDNS2CACert", False),
    "34": ("ValidURInameConstraintsTest34EE", "nameConstraintsURI1CACert", None),
    "35": ("InvalidURInameConstraintsTest35EE", "nameConstraintsURI1CACert", False),
    "36": ("ValidURInameConstraintsTest36EE", "nameConstraintsURI2CACert", None),
    "37": ("InvalidURInameConstraintsTest37EE", "nameConstraintsURI2CACert", False),
    "38": ("InvalidDNSnameConstraintsTest38EE", "nameConstraintsDNS1CACert", False),
}


@pytest.mark.parametrize("number", NAME_CONSTRAINTS)
def test_name_constraints_of_section_4_13(number: str) -> None:
    leaf, above, good = NAME_CONSTRAINTS[number]
    read = [pkits.certificate(f"{name}.crt") for name in (leaf, *above.split())]
    certificates = [one for one in read if isinstance(one, Certificate)]
    assert len(certificates) == len(read)
    path = build_path(certificates[0], certificates[1:], Anchors(pkits.anchor()), pkits.AT, pkits.RULES)
    if good:
        assert isinstance(path, Path), path
    else:
        assert isinstance(path, Reason)
        assert path.code == "name_constraints"
