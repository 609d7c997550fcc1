"""Device ids: one explicit rule each, exactly one match, octet by octet, whatever else the certificate holds."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat import asn1
from hypothesis import given
from hypothesis import strategies as st

from tests.verifiers.devices import ISSUING, PREFIX, certificate
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.verifiers.device_identifier import (
    HARDWARE_MODULE_NAME,
    MOST_ID,
    PERMANENT_IDENTIFIER,
    USER_PRINCIPAL_NAME,
    DeviceIdRule,
    is_oid,
    san_dns,
    san_other_name,
    san_uri,
    subject_cn,
    subject_serial_number,
)
from zerotrust.wire.certificate import AlternativeNames, Certificate

URI = san_uri(prefix=PREFIX)
DNS = san_dns(suffix=".devices.example")
UPN = san_other_name(USER_PRINCIPAL_NAME)
PERMANENT = san_other_name(PERMANENT_IDENTIFIER)
HARDWARE = san_other_name(HARDWARE_MODULE_NAME)


def holding(**options: Any) -> Certificate:
    return certificate(ISSUING.issue(**options).der)


@dataclass
class Holding:
    """Other names that no authority could be brought to write."""

    names: AlternativeNames
    label: str = "it"


def with_other(oid: str, der: bytes) -> Certificate:
    return cast("Certificate", Holding(AlternativeNames(others=((oid, der),))))


def named(*pairs: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


def utf8(text: str) -> bytes:
    return asn1.encode_der(text)


CN, SERIAL, ORG = x509.NameOID.COMMON_NAME, x509.NameOID.SERIAL_NUMBER, x509.NameOID.ORGANIZATION_NAME
TPM_ASSIGNER = "2.23.133.12.1"
OF_TPM = b"\x30\x0d\x0c\x04ab12\x06\x05\x67\x81\x05\x0c\x01"

FOUND: list[tuple[DeviceIdRule, dict[str, Any], str]] = [
    (URI, {"uris": [PREFIX + "pc-1"]}, "pc-1"),
    (URI, {"uris": ["https://a", PREFIX + "pc-1", "urn:example:user:ada"]}, "pc-1"),
    (URI, {"uris": [PREFIX + "PC-1%0A:x y"]}, "PC-1%0A:x y"),
    # What Intune writes for network access control, with the SID that Windows maps by beside it.
    (
        san_uri(prefix="ID:Microsoft Endpoint Manager:GUID:"),
        {
            "uris": [
                "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1",
                "ID:Microsoft Endpoint Manager:GUID:5a1b2c3d-0000-4000-8000-0123456789ab",
            ]
        },
        "5a1b2c3d-0000-4000-8000-0123456789ab",
    ),
    (DNS, {"dns": ["pc-1.devices.example"]}, "pc-1"),
    (DNS, {"dns": ["www.example", "PC_1.devices.example", "devices.example"]}, "PC_1"),
    (UPN, {"others": [(USER_PRINCIPAL_NAME, utf8("pc-1$@corp.example"))]}, "pc-1$@corp.example"),
    (UPN, {"others": [("1.2.3", b"\x05\x00"), (USER_PRINCIPAL_NAME, utf8("pc-1"))]}, "pc-1"),
    (san_other_name("1.3.6.1.4.1.55555.2"), {"others": [("1.3.6.1.4.1.55555.2", b"\x16\x04pc-1")]}, "pc-1"),
    (san_other_name("1.3.6.1.4.1.55555.2"), {"others": [("1.3.6.1.4.1.55555.2", b"\x13\x04pc-1")]}, "pc-1"),
    (PERMANENT, {"others": [(PERMANENT_IDENTIFIER, b"\x30\x06\x0c\x04pc-1")]}, "pc-1"),
    (san_other_name(PERMANENT_IDENTIFIER, assigner=TPM_ASSIGNER), {"others": [(PERMANENT_IDENTIFIER, OF_TPM)]}, "ab12"),
    (
        PERMANENT,
        {"others": [(PERMANENT_IDENTIFIER, OF_TPM), (PERMANENT_IDENTIFIER, b"\x30\x06\x0c\x04pc-1")]},
        "pc-1",
    ),
    (HARDWARE, {"others": [(HARDWARE_MODULE_NAME, b"\x30\x08\x06\x02\x2a\x03\x04\x02\x0a\xff")]}, "1.2.3:0aff"),
    (subject_cn(), {"subject": named((CN, "pc-1"))}, "pc-1"),
    (subject_cn(), {"subject": named((ORG, "Example"), (CN, "Büro PC"), (SERIAL, "7"))}, "Büro PC"),
    (subject_serial_number(), {"subject": named((SERIAL, "C02XK0"), (CN, "Mac"))}, "C02XK0"),
]


@pytest.mark.parametrize(("rule", "held", "found"), FOUND, ids=lambda value: str(value)[:40])
def test_one_name_fits(rule: DeviceIdRule, held: dict[str, Any], found: str) -> None:
    assert rule.find(holding(**held)) == found


REFUSED: list[tuple[DeviceIdRule, dict[str, Any], str]] = [
    (URI, {}, "none of its names fits"),
    (URI, {"dns": ["pc-1.devices.example"]}, "none of its names fits"),
    (URI, {"uris": ["https://" + PREFIX + "pc-1"]}, "none of its names fits"),
    (URI, {"uris": [PREFIX + "pc-1", PREFIX + "pc-2"]}, "2 of its names fit, and nobody can tell"),
    (URI, {"uris": [PREFIX + "pc-1", PREFIX + "pc-1"]}, "2 of its names fit, and nobody can tell"),
    (URI, {"uris": [PREFIX + "pc-1", PREFIX.upper() + "pc-2"]}, "2 of its names fit, and nobody can tell"),
    (URI, {"uris": [PREFIX.upper() + "pc-1"]}, "none of its names fits"),
    (URI, {"uris": [PREFIX]}, "'' is no device id"),
    (URI, {"uris": [PREFIX + "pc-1\n"]}, "'pc-1\\\\n' is no device id"),
    (URI, {"uris": [PREFIX + "pc\x001"]}, "is no device id"),
    (URI, {"uris": [PREFIX + "pc-1\x7f"]}, "is no device id"),
    (URI, {"uris": [PREFIX + " pc-1"]}, "is no device id"),
    (URI, {"uris": [PREFIX + "pc-1 "]}, "is no device id"),
    (URI, {"uris": [PREFIX + "x" * (MOST_ID + 1)]}, "is no device id"),
    (DNS, {"dns": ["devices.example"]}, "none of its names fits"),
    (DNS, {"dns": ["pc-1.devices.example."]}, "none of its names fits"),
    (DNS, {"dns": ["pc-1xdevices.example"]}, "none of its names fits"),
    (DNS, {"dns": ["pc-1.devices.example.evil.example"]}, "none of its names fits"),
    (DNS, {"dns": ["pc-1.DEVICES.example"]}, "none of its names fits"),
    (DNS, {"dns": ["pc-1.devices.example", "pc-2.DEVICES.example"]}, "2 of its names fit, and nobody can tell"),
    (DNS, {"dns": ["pc-1.devices.example", "pc-2.devices.example"]}, "2 of its names fit, and nobody can tell"),
    (DNS, {"dns": ["*.devices.example"]}, "'*' is not one label"),
    (DNS, {"dns": ["a.pc-1.devices.example"]}, "'a.pc-1' is not one label"),
    (DNS, {"dns": ["pc-1.devices.example", "a.pc-2.devices.example"]}, "is not one label"),
    (DNS, {"dns": ["-.devices.example"]}, "is not one label"),
    (UPN, {}, "none of its names fits"),
    (
        UPN,
        {"others": [(USER_PRINCIPAL_NAME, utf8("a")), (USER_PRINCIPAL_NAME, utf8("b"))]},
        "2 of its names fit, and nobody can tell",
    ),
    (UPN, {"others": [(USER_PRINCIPAL_NAME, utf8("a\x00b"))]}, "is no device id"),
    (UPN, {"others": [(USER_PRINCIPAL_NAME, utf8(""))]}, "'' is no device id"),
    (UPN, {"others": [(USER_PRINCIPAL_NAME, utf8("a\u202eb"))]}, "is no device id"),
    (UPN, {"others": [(USER_PRINCIPAL_NAME, b"\x0c\x02\xff\xfe")]}, "not one text"),
    (UPN, {"others": [(USER_PRINCIPAL_NAME, b"\x0c\x03\xed\xa0\x80")]}, "not one text"),
    (UPN, {"others": [(USER_PRINCIPAL_NAME, b"\x30\x03" + utf8("a"))]}, "not one text"),
    (UPN, {"others": [(USER_PRINCIPAL_NAME, utf8("a")), (USER_PRINCIPAL_NAME, b"\x05\x00")]}, "not one text"),
    (PERMANENT, {"others": [(PERMANENT_IDENTIFIER, OF_TPM)]}, "none of its names fits"),
    (
        san_other_name(PERMANENT_IDENTIFIER, assigner="1.2.3"),
        {"others": [(PERMANENT_IDENTIFIER, OF_TPM)]},
        "none of its names fits",
    ),
    (PERMANENT, {"others": [(PERMANENT_IDENTIFIER, b"\x30\x00")]}, "permanentIdentifier has no value"),
    (PERMANENT, {"others": [(PERMANENT_IDENTIFIER, utf8("pc-1"))]}, "permanentIdentifier is malformed"),
    (
        PERMANENT,
        {"others": [(PERMANENT_IDENTIFIER, b"\x30\x08\x0c\x04pc-1\x05\x00")]},
        "permanentIdentifier is malformed",
    ),
    (HARDWARE, {"others": [(HARDWARE_MODULE_NAME, b"\x30\x06\x06\x02\x2a\x03\x04\x00")]}, "no serial number"),
    (HARDWARE, {"others": [(HARDWARE_MODULE_NAME, b"\x30\x04\x06\x02\x2a\x03")]}, "hardwareModuleName is malformed"),
    (subject_cn(), {"name": "", "uris": ["urn:x:y"]}, "none of its names fits"),
    (subject_cn(), {"subject": named((CN, "pc-1"), (CN, "pc-2"))}, "2 of its names fit, and nobody can tell"),
    (subject_cn(), {"subject": named((CN, "pc-1 "))}, "is no device id"),
    (subject_serial_number(), {"subject": named((CN, "pc-1"))}, "none of its names fits"),
    (
        subject_serial_number(),
        {"subject": named((SERIAL, "1"), (SERIAL, "1"))},
        "2 of its names fit, and nobody can tell",
    ),
]


@pytest.mark.parametrize(("rule", "held", "why"), REFUSED, ids=lambda value: str(value)[:40])
def test_anything_else_is_refused(rule: DeviceIdRule, held: dict[str, Any], why: str) -> None:
    one = holding(**held)
    reason = rule.find(one)
    assert isinstance(reason, Reason)
    assert reason.code == "wrong_name"
    assert why in reason.detail
    assert (reason.presented, reason.expected) == (one.label, f"exactly one {rule}")
    assert "\n" not in str(reason)
    assert "\x00" not in str(reason)


@pytest.mark.parametrize(
    "der", [b"", b"\x0c", b"\x0c\x02a", utf8("a") + b"\x00", b"\x0c\x81\x01a", b"\x2c\x03\x0c\x01a"]
)
def test_der_is_strict_to_the_last_octet(der: bytes) -> None:
    reason = UPN.find(with_other(USER_PRINCIPAL_NAME, der))
    assert isinstance(reason, Reason)
    assert "not one text" in reason.detail


OIDS = (USER_PRINCIPAL_NAME, PERMANENT_IDENTIFIER, HARDWARE_MODULE_NAME)


@given(der=st.binary(max_size=40), oid=st.sampled_from(OIDS))
def test_any_bytes_are_an_id_or_a_reason(der: bytes, oid: str) -> None:
    found = san_other_name(oid).find(with_other(oid, der))
    assert isinstance(found, Reason) or (1 <= len(found) <= MOST_ID and found.isprintable())


@given(text=st.text(min_size=1, max_size=20))
def test_an_id_is_what_stands_there(text: str) -> None:
    found = UPN.find(with_other(USER_PRINCIPAL_NAME, utf8(text)))
    assert isinstance(found, Reason) or found == text


def test_the_longest_id() -> None:
    assert URI.find(holding(uris=[PREFIX + "x" * MOST_ID])) == "x" * MOST_ID


RULES = [
    URI,
    DNS,
    UPN,
    PERMANENT,
    san_other_name(PERMANENT_IDENTIFIER, assigner="1.2.3"),
    HARDWARE,
    subject_cn(),
    subject_serial_number(),
]


def test_rules_are_data_that_prints_as_it_was_written() -> None:
    assert list(map(str, RULES)) == [
        'san_uri(prefix="urn:example:device:")',
        'san_dns(suffix=".devices.example")',
        'san_other_name("1.3.6.1.4.1.311.20.2.3")',
        'san_other_name("1.3.6.1.5.5.7.8.3")',
        'san_other_name("1.3.6.1.5.5.7.8.3", assigner="1.2.3")',
        'san_other_name("1.3.6.1.5.5.7.8.4")',
        "subject_cn()",
        "subject_serial_number()",
    ]
    assert len(set(RULES)) == len(RULES)
    assert [pickle.loads(pickle.dumps(rule)) for rule in RULES] == RULES
    assert san_uri(prefix="urn:a:") == san_uri(prefix="urn:a:") != san_uri(prefix="urn:b:")


MISTAKES: list[Callable[[], object]] = [
    lambda: san_uri(prefix=""),
    lambda: san_uri(prefix="device-"),
    lambda: san_uri(prefix="urn:dévice:"),
    lambda: san_uri(prefix="urn:a:\n"),
    lambda: san_uri(prefix=b"urn:a:"),  # type: ignore[arg-type]
    lambda: san_dns(suffix="devices.example"),
    lambda: san_dns(suffix="."),
    lambda: san_dns(suffix=".devices.example."),
    lambda: san_dns(suffix=".*.example"),
    lambda: san_dns(suffix=".devices..example"),
    lambda: san_other_name(""),
    lambda: san_other_name("UPN"),
    lambda: san_other_name("1.3.6.1.5.5.7.8.3\n"),
    lambda: san_other_name("01.3.6"),
    lambda: san_other_name(USER_PRINCIPAL_NAME, assigner="1.2.3"),
    lambda: san_other_name(PERMANENT_IDENTIFIER, assigner="x"),
]


@pytest.mark.parametrize("make", MISTAKES)
def test_mistakes(make: Callable[[], object]) -> None:
    with pytest.raises(ConfigError):
        make()


def test_object_identifiers() -> None:
    assert is_oid("2.5.4.3")
    for value in ("", "2", "2.5.4.3.", "9.1.1", "2.5.x", 7, None, "2.5.4.3\n", "2.05.4"):
        assert not is_oid(value), value
