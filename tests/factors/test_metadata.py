from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from time import gmtime, strftime
from typing import Any, cast

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from tests.factors.attested import MODEL, NOW, OTHER
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import days, hours
from zerotrust.core.reason import Reason
from zerotrust.factors.aaguid import aaguid_of, aaguid_text, parse_aaguid
from zerotrust.factors.metadata import SIGNER, Metadata
from zerotrust.factors.metadata_model import Model, StatusReport, parse_day, read_model
from zerotrust.testing.authority import LocalAuthority
from zerotrust.testing.metadata import LocalMetadata, model_entry
from zerotrust.wire.json import JsonValue

SERVICE = LocalMetadata(now=NOW)
AUTHORITY = LocalAuthority("Test Attestation CA", now=NOW)
DAY = 86400.0


def read(blob: bytes, now: float = NOW, **how: Any) -> Metadata:
    found = Metadata.read(blob, root=SERVICE.root, now=now, **how)
    assert isinstance(found, Metadata), str(found)
    return found


def model(**members: JsonValue) -> Model:
    found = read_model({**model_entry(MODEL, AUTHORITY.der), **members})
    assert isinstance(found, Model), str(found)
    return found


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "blob.jwt"
    path.write_bytes(SERVICE.blob(model_entry(MODEL, AUTHORITY.der, name="Test Key"), number=7) + b"\n")
    found = Metadata.from_file(path, root=SERVICE.root, now=NOW)
    assert (found.number, found.legal_header, len(found.models)) == (7, "For tests.", 1)
    assert repr(found) == "<Metadata number 7, 1 models>"
    one = found.model(MODEL)
    assert one is not None
    assert (one.aaguid, one.name, one.in_hardware, one.verifies_user) == (MODEL, "Test Key", True, True)
    assert one.anchors is not None
    assert found.model(OTHER) is None


def test_a_file_that_cannot_be_used_is_refused_when_it_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "blob.jwt"
    with pytest.raises(ConfigError, match=r"blob\.jwt cannot be read"):
        Metadata.from_file(path, root=SERVICE.root, now=NOW)
    path.write_bytes(b"")
    with pytest.raises(ConfigError, match="cannot be used: malformed"):
        Metadata.from_file(path, root=SERVICE.root, now=NOW)
    path.write_bytes(SERVICE.blob())
    with pytest.raises(ConfigError, match="cannot be used: not signed by whom it names"):
        Metadata.from_file(path, root=LocalMetadata(now=NOW).root, now=NOW)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"root": "root.pem"}, "root is who may issue"),
        ({"grace": 7}, "grace is a span"),
        ({"grace": days(400)}, "out of range"),
        ({"signer": ""}, "signer is a DNS name"),
        ({"signer": 1}, "signer is a DNS name"),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, dict) else value,
)
def test_arguments_that_make_no_sense(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Metadata.read(SERVICE.blob(), **{"root": SERVICE.root, "now": NOW, **arguments})


def test_it_is_good_to_the_end_of_the_day_that_it_names_and_for_the_grace() -> None:
    blob = SERVICE.blob(days=30)
    found = read(blob)
    assert strftime("%Y-%m-%dT%H:%M:%S", gmtime(found.due)) == "2026-10-22T00:00:00"
    assert found.stale(found.due - 1) is None
    stale = found.stale(found.due)
    assert isinstance(stale, Reason)
    assert str(stale) == (
        "a source gave an answer that is not usable (expected FIDO metadata newer than number 1, "
        "presented due on 2026-10-21)"
    )
    patient = read(blob, grace=hours(1))
    assert patient.stale(found.due + 3599) is None
    assert patient.stale(found.due + 3600) is not None


def test_a_number_seen_before_may_come_again_but_no_lower_one() -> None:
    assert read(SERVICE.blob(number=5), seen=5).number == 5
    assert read(SERVICE.blob(number=6), seen=5).number == 6


def test_another_service_may_sign_for_itself() -> None:
    own = LocalMetadata(now=NOW, signer="metadata.example")
    assert isinstance(Metadata.read(own.blob(), root=own.root, now=NOW, signer=None), Metadata)
    assert isinstance(Metadata.read(own.blob(), root=own.root, now=NOW, signer="Metadata.Example"), Metadata)


def test_of_two_entries_for_one_model_the_compromised_one_counts() -> None:
    good, bad = model_entry(MODEL, name="good"), model_entry(MODEL, name="bad", status="REVOKED")
    for entries in ([good, bad], [bad, good]):
        found = read(SERVICE.blob(*entries)).model(MODEL)
        assert found is not None
        assert found.name == "bad"


def test_of_two_entries_for_one_model_both_count() -> None:
    """Whoever puts up with one compromise must not miss the other entry's revocation."""
    entries = [model_entry(MODEL, status=status) for status in ("REVOKED", "USER_KEY_PHYSICAL_COMPROMISE")]
    for some in (entries, entries[::-1]):
        found = read(SERVICE.blob(*some)).model(MODEL)
        assert found is not None
        assert {one.status for one in found.compromises()} == {"REVOKED", "USER_KEY_PHYSICAL_COMPROMISE"}


def test_u2f_models_are_found_by_key_and_uaf_models_are_passed_over() -> None:
    key = bytes(range(20))
    uaf: dict[str, JsonValue] = {"aaid": "4e4e#4005", "statusReports": [{"status": "REVOKED"}]}
    found = read(SERVICE.blob(model_entry(None, name="U2F", key_identifiers=[key]), uaf))
    assert [one.name for one in found.models] == ["U2F"]
    assert found.model_of_key(key) is found.models[0]
    assert found.model_of_key(bytes(20)) is None


@pytest.mark.parametrize(
    ("reports", "at", "expected"),
    [
        pytest.param([("FIDO_CERTIFIED_L1", "2020-01-01")], "2026-01-01", "FIDO_CERTIFIED_L1", id="one"),
        pytest.param([("FIDO_CERTIFIED_L1", "2020-01-01")], "2019-12-31", None, id="not yet"),
        pytest.param([("FIDO_CERTIFIED_L1", "2020-01-01")], "2020-01-01", "FIDO_CERTIFIED_L1", id="from that day on"),
        pytest.param(
            [("FIDO_CERTIFIED_L2", "2022-01-01"), ("FIDO_CERTIFIED_L1", "2020-01-01")],
            "2026-01-01",
            "FIDO_CERTIFIED_L2",
            id="the last by date, wherever it stands",
        ),
        pytest.param(
            [("FIDO_CERTIFIED_L2", "2020-01-01"), ("FIDO_CERTIFIED_L1", "2022-01-01")],
            "2026-01-01",
            "FIDO_CERTIFIED_L1",
            id="and not the highest",
        ),
        pytest.param(
            [("FIDO_CERTIFIED_L2", "2020-01-01"), ("NOT_FIDO_CERTIFIED", "2022-01-01")], "2026-01-01", None, id="lost"
        ),
        pytest.param(
            [("NOT_FIDO_CERTIFIED", "2020-01-01"), ("FIDO_CERTIFIED_L1", "2020-01-01")],
            "2026-01-01",
            None,
            id="the lower of one day",
        ),
        pytest.param(
            [("FIDO_CERTIFIED_L2", "2020-01-01"), ("FIDO_CERTIFIED_L1", "2020-01-01")],
            "2026-01-01",
            "FIDO_CERTIFIED_L1",
            id="the lower level of one day",
        ),
        pytest.param(
            [("FIDO_CERTIFIED_L2", "2020-01-01"), ("FIDO_CERTIFIED", "2020-01-01")],
            "2026-01-01",
            "FIDO_CERTIFIED_L2",
            id="function and level of one day",
        ),
        pytest.param(
            [("FIDO_CERTIFIED_L3", ""), ("NOT_FIDO_CERTIFIED", "2024-01-01")],
            "2026-01-01",
            None,
            id="an undated certification and a dated withdrawal",
        ),
        pytest.param(
            [("FIDO_CERTIFIED_L3", ""), ("NOT_FIDO_CERTIFIED", "")], "2026-01-01", None, id="undated withdrawal, too"
        ),
        pytest.param(
            [("FIDO_CERTIFIED_L3", ""), ("FIDO_CERTIFIED_L1", "2024-01-01")],
            "2026-01-01",
            "FIDO_CERTIFIED_L1",
            id="an undated one and a lower dated one",
        ),
        pytest.param(
            [("FIDO_CERTIFIED_L1", ""), ("FIDO_CERTIFIED_L3", "2024-01-01")],
            "2026-01-01",
            "FIDO_CERTIFIED_L1",
            id="an undated one and a higher dated one",
        ),
        pytest.param([("FIDO_CERTIFIED_L1", "")], "2026-01-01", "FIDO_CERTIFIED_L1", id="undated alone"),
        pytest.param(
            [("FIDO_CERTIFIED_L1", ""), ("NOT_FIDO_CERTIFIED", "2027-01-01")],
            "2026-01-01",
            "FIDO_CERTIFIED_L1",
            id="a withdrawal to come",
        ),
        pytest.param([("FIDO_CERTIFIED_L3", "2025-1-1 ")], "2026-01-01", None, id="a day that cannot be read"),
        pytest.param(
            [("FIDO_CERTIFIED_L3", "2025-01-01"), ("NOT_FIDO_CERTIFIED", "2024/01/01")],
            "2026-01-01",
            None,
            id="a withdrawal of a day that cannot be read",
        ),
        pytest.param(
            [("FIDO_CERTIFIED_L1", "2020-01-01"), ("UPDATE_AVAILABLE", "2022-01-01")],
            "2026-01-01",
            "FIDO_CERTIFIED_L1",
            id="what says nothing about it",
        ),
        pytest.param(
            [("NOT_FIDO_CERTIFIED", ""), ("FIDO_CERTIFIED_L1", "2020-01-01")], "2026-01-01", None, id="undated"
        ),
        pytest.param([], "2026-01-01", None, id="none"),
    ],
)
def test_certification_goes_by_date(reports: list[tuple[str, str]], at: str, expected: str | None) -> None:
    found = read_model(model_entry(MODEL, status=reports))
    assert isinstance(found, Model)
    now = parse_day(at)
    assert now is not None
    assert found.certification(now) == expected


def test_a_compromise_counts_as_soon_as_it_is_published_whatever_came_after() -> None:
    reports = [("USER_KEY_REMOTE_COMPROMISE", "2030-01-01"), ("FIDO_CERTIFIED_L1", "2031-01-01")]
    found = read_model(model_entry(MODEL, status=reports))
    assert isinstance(found, Model)
    assert [one.status for one in found.compromises()] == ["USER_KEY_REMOTE_COMPROMISE"]


def test_a_report_may_be_about_one_certificate() -> None:
    reported = b64encode(AUTHORITY.der).decode()
    for member in ("certificate", "batchCertificate"):
        found = model(statusReports=[{"status": "ATTESTATION_KEY_COMPROMISE", member: reported}])
        assert found.reports == (StatusReport("ATTESTATION_KEY_COMPROMISE", None, AUTHORITY.der),)
    for broken in ("!", 1, None, "", "A" * 50_000, "AAAA", b64encode(AUTHORITY.der + b"\0").decode()):
        found = model(statusReports=[{"status": "ATTESTATION_KEY_COMPROMISE", "certificate": broken}])
        assert found.reports == (StatusReport("ATTESTATION_KEY_COMPROMISE"),)


def test_a_report_may_be_about_two_certificates() -> None:
    one, other = AUTHORITY.der, SERVICE.authority.der
    both: dict[str, JsonValue] = {
        "status": "REVOKED",
        "certificate": b64encode(one).decode(),
        "batchCertificate": b64encode(other).decode(),
    }
    found = model(statusReports=[both])
    assert {report.certificate for report in found.reports} == {one, other}
    for name in ("certificate", "batchCertificate"):
        found = model(statusReports=[{**both, name: "AAAA"}])
        assert found.reports == (StatusReport("REVOKED"),)


@pytest.mark.parametrize("day", ["2099-1-1 ", 20990101, None, ""], ids=repr)
def test_a_certification_whose_beginning_nobody_can_read_is_none(day: Any) -> None:
    found = model(statusReports=[{"status": "FIDO_CERTIFIED_L3", "effectiveDate": day}])
    assert found.certification(NOW) is None
    withdrawn = model(
        statusReports=[
            {"status": "FIDO_CERTIFIED_L3", "effectiveDate": "2024-01-01"},
            {"status": "NOT_FIDO_CERTIFIED", "effectiveDate": day},
        ]
    )
    assert withdrawn.certification(NOW) is None


def test_roots_may_have_blanks_and_those_that_are_none_are_passed_over() -> None:
    text = b64encode(AUTHORITY.der).decode()
    statement: dict[str, JsonValue] = {
        "attestationRootCertificates": [f" {text[:64]}\n{text[64:]}\r\n", "!!!", "QUJD", 7, ""]
    }
    found = model(metadataStatement=statement)
    assert found.anchors is not None
    assert [one.der for one in found.anchors.certificates] == [AUTHORITY.der]
    nobody = model(metadataStatement={"attestationRootCertificates": ["QUJD"]})
    assert nobody.anchors is None


@pytest.mark.parametrize(
    "members",
    [
        {"aaguid": "ee882879"},
        {"aaguid": 7},
        {"aaguid": None},
        {"attestationCertificateKeyIdentifiers": ["0011"]},
        {"attestationCertificateKeyIdentifiers": ["zz" * 20]},
        {"statusReports": None},
        {"statusReports": {}},
        {"statusReports": ["REVOKED"]},
        {"statusReports": [{}]},
        {"statusReports": [{"status": 1}]},
    ],
    ids=str,
)
def test_an_entry_that_could_hide_a_revocation_is_refused(members: dict[str, JsonValue]) -> None:
    found = read_model({**model_entry(MODEL), **members})
    assert isinstance(found, Reason)
    assert found.code == "malformed"


def test_an_entry_is_bounded() -> None:
    too_many_roots: dict[str, JsonValue] = {"attestationRootCertificates": ["QUJD"] * 65}
    many: dict[str, dict[str, JsonValue]] = {
        "roots": {"metadataStatement": too_many_roots},
        "reports": {"statusReports": cast("list[JsonValue]", [{"status": "REVOKED"}] * 257)},
        "identifiers": {"attestationCertificateKeyIdentifiers": cast("list[JsonValue]", ["00" * 20] * 1025)},
    }
    for members in many.values():
        assert isinstance(read_model({**model_entry(MODEL), **members}), Reason)


def test_the_model_of_zeros_is_nobodys() -> None:
    assert read_model(model_entry(bytes(16))) is None


def test_what_says_little_is_read_as_little() -> None:
    found = model(metadataStatement=None)
    assert (found.name, found.roots, found.in_hardware, found.verifies_user) == ("", (), False, False)
    odd: dict[str, JsonValue] = {
        "description": 7,
        "keyProtection": "hardware",
        "userVerificationDetails": [7, [7, {"userVerificationMethod": 7}], {"userVerificationMethod": "x"}],
    }
    found = model(metadataStatement=odd)
    assert (found.name, found.key_protection, found.user_verification) == ("", frozenset(), frozenset())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-02", DAY),
        ("2026-11-22", 1795305600.0),
        ("2026-11-31", None),
        ("2026-1-2", None),
        ("22.11.2026", None),
        ("2026-11-22T00:00:00Z", None),
        (" 2026-11-22", None),
        ("\uff12\uff10\uff12\uff16-11-22", None),
        ("", None),
    ],
)
def test_days(text: str, expected: float | None) -> None:
    assert parse_day(text) == expected


@given(st.binary(min_size=16, max_size=16))
def test_aaguids_are_read_as_they_are_written(aaguid: bytes) -> None:
    assert parse_aaguid(aaguid_text(aaguid)) == aaguid
    assert aaguid_of(aaguid_text(aaguid), "model") == aaguid


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(
    member=st.sampled_from(
        ["aaguid", "attestationCertificateKeyIdentifiers", "metadataStatement", "statusReports", "other"]
    ),
    value=JSON,
)
def test_whatever_stands_in_an_entry_nothing_raises(member: str, value: Any) -> None:
    found = read_model({**model_entry(MODEL, AUTHORITY.der), member: value})
    assert found is None or isinstance(found, (Model, Reason))
    if isinstance(found, Model):
        found.certification(NOW)
        assert found.anchors is None or found.anchors.certificates


@given(st.dictionaries(st.sampled_from(["no", "nextUpdate", "legalHeader", "entries", "other"]), JSON, max_size=5))
def test_whatever_stands_in_a_payload_nothing_raises(payload: dict[str, Any]) -> None:
    found = Metadata.read(SERVICE.sign(json.dumps(payload).encode()), root=SERVICE.root, now=NOW)
    assert isinstance(found, (Metadata, Reason))


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        pytest.param(rsa.generate_private_key(65537, 2048), "RS256", id="RSA"),
        pytest.param(ec.generate_private_key(ec.SECP384R1()), "ES384", id="P-384"),
    ],
)
def test_signatures_by_other_keys(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, alg: str) -> None:
    issued = SERVICE.authority.issue(SIGNER, dns=[SIGNER], key=key)
    payload = {"no": 1, "nextUpdate": "2026-12-01", "legalHeader": "", "entries": []}
    blob = jwt.encode(payload, key, alg, headers={"x5c": [b64encode(issued.der).decode()]})
    assert read(blob.encode()).number == 1
