"""Certificate revocation lists (RFC 5280 section 5): what they say is read, and what cannot be is refused."""

from __future__ import annotations

from base64 import encodebytes
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import example, given
from hypothesis import strategies as st

from tests.pki.revoking import DAY, NOW, ROOT, scoped
from tests.search import usually
from zerotrust.core.reason import CRITICAL_EXTENSION, MALFORMED, TOO_LARGE, Kind, Reason
from zerotrust.testing.authority import Extensions
from zerotrust.testing.revoking import crl
from zerotrust.wire import crl as module
from zerotrust.wire import crl_entries
from zerotrust.wire.crl import MOST_LISTS, CertificateList, read_crl, read_crls
from zerotrust.wire.der import SEQUENCE, element
from zerotrust.wire.der_encoding import integer, wrap

Flags = x509.ReasonFlags
RSA, OTHER_RSA = (rsa.generate_private_key(65537, 2048) for _ in range(2))


def read(der: bytes) -> CertificateList:
    one = read_crl(der)
    assert isinstance(one, CertificateList), one
    return one


def kind_of(document: bytes) -> Kind:
    refused = read_crls(document)
    assert isinstance(refused, Reason)
    return refused.kind


def pem(der: bytes, label: bytes = b"X509 CRL") -> bytes:
    return b"-----BEGIN " + label + b"-----\n" + encodebytes(der) + b"-----END " + label + b"-----\n"


FULL = crl(ROOT, 1, 128, 1 << 158, number=7, reasons=[(5, Flags.unspecified), (9, Flags.certificate_hold)])


def test_what_a_list_says() -> None:
    one = read(FULL)
    assert (one.number, one.base, one.count) == (7, None, 5)
    assert (one.this_update, one.next_update) == (NOW - 3600, NOW - 3600 + 7 * DAY)
    assert one.issuer == x509.Name.public_bytes(ROOT.name)
    assert one.label == "CRL 7 of CN=Root"
    for serial, why in ((1, "keyCompromise"), (128, "keyCompromise"), (1 << 158, "keyCompromise")):
        said = one.find(integer(serial))
        assert said is not None
        assert (said.when, said.why, said.removed) == (NOW - 3600, why, False)
    assert [said.why for serial in (5, 9) if (said := one.find(integer(serial)))] == ["unspecified", "certificateHold"]
    for serial in (0, 2, 127, 129, 1 << 157, -1, -5, (1 << 158) + 1, 1 << 200):
        assert one.find(integer(serial)) is None
    assert one.find(b"") is None


@pytest.mark.parametrize("hash_", [SHA256(), SHA384(), SHA512()], ids=lambda one: one.name)
def test_signatures_of_every_kind(hash_: SHA256 | SHA384 | SHA512) -> None:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ROOT.name)
        .last_update(datetime(2027, 1, 1, tzinfo=UTC))
        .next_update(datetime(2027, 2, 1, tzinfo=UTC))
        .add_extension(x509.CRLNumber(1), critical=False)
    )
    pss = padding.PSS(padding.MGF1(hash_), hash_.digest_size)
    for key, how in ((RSA, pss), (RSA, padding.PKCS1v15()), (ROOT.key, None)):
        one = read(builder.sign(key, hash_, rsa_padding=how).public_bytes(Encoding.DER))
        assert one.check_signature(key.public_key(), b"right") is None
        assert one.check_signature(OTHER_RSA.public_key(), b"wrong") is not None
    ed = Ed25519PrivateKey.generate()
    one = read(builder.sign(ed, None).public_bytes(Encoding.DER))
    assert one.check_signature(ed.public_key(), b"right") is None


def test_a_signature_is_verified_once_for_each_key(monkeypatch: pytest.MonkeyPatch) -> None:
    one, asked = read(FULL), list[object]()

    def counted(key: object, *_: object) -> None:
        asked.append(key)

    monkeypatch.setattr(module, "check_signature", counted)
    for number in range(40):
        for _ in range(2):
            one.check_signature(number, bytes([number]))
    # Of a bounded number of keys: sixteen of them once, and the others each time.
    assert len(asked) == 16 + 2 * 24


def test_an_empty_list_is_a_list() -> None:
    one = read(crl(ROOT))
    assert one.count == 0
    assert bool(one)
    assert one.find(b"\x01") is None


@usually(50)
@given(st.sets(st.integers(-(1 << 159), (1 << 159) - 1), max_size=200))
def test_serials_are_found_and_no_others(serials: set[int]) -> None:
    one = read(with_entries(*(entry(integer(serial)) for serial in serials)))
    assert one.count == len(serials)
    for serial in serials:
        assert one.find(integer(serial)) is not None
        for other in (serial ^ 1, serial + 256, -serial):
            assert (one.find(integer(other)) is not None) == (other in serials)


def test_times_of_either_kind() -> None:
    late = read(crl(ROOT, 5, starts=30 * 365 * DAY))  # in 2057, which UTCTime cannot say
    said = late.find(b"\x05")
    assert said is not None
    assert said.when == late.this_update == NOW + 30 * 365 * DAY


def test_years_of_the_century_before() -> None:
    """RFC 5280 section 4.1.2.5.1."""
    one = read(with_entries(entry(b"\1", b"\x17\x0d991231235959Z"), entry(b"\2", b"\x17\x0d491231235959Z")))
    said = [one.find(serial) for serial in (b"\1", b"\2")]
    assert [None if one is None else one.when for one in said] == [946684799.0, 2524607999.0]


def test_a_date_that_is_none_is_no_error() -> None:
    der = FULL.replace(b"270115070000Z", b"279915070000Z")  # of the entries and the list: a month 99
    assert isinstance(read_crl(der), Reason)
    # Of the entries alone: what is revoked is revoked.
    tbs = FULL.rindex(b"270115070000Z")
    one = read_crl(FULL[:tbs] + b"279915070000Z" + FULL[tbs + 13 :])
    assert isinstance(one, CertificateList)
    whens = [said.when for serial in (1, 128, 1 << 158, 5, 9) if (said := one.find(integer(serial)))]
    assert whens.count(None) == 1


def test_scopes() -> None:
    assert read(crl(ROOT, extensions=[scoped(only_contains_user_certs=True)])).scope.authorities is False
    assert read(crl(ROOT, extensions=[scoped(only_contains_ca_certs=True)])).scope.users is False
    neither = read(crl(ROOT, extensions=[scoped(only_contains_attribute_certs=True)])).scope
    assert (neither.users, neither.authorities) == (False, False)
    some = read(crl(ROOT, extensions=[scoped(only_some_reasons=frozenset({Flags.superseded}))])).scope
    assert some.reasons == frozenset({Flags.superseded})
    names = [x509.UniformResourceIdentifier("http://crl.example.com/1.crl")]
    assert read(crl(ROOT, extensions=[scoped(full_name=names)])).scope.names == tuple(names)
    end = x509.RelativeDistinguishedName([x509.NameAttribute(x509.NameOID.COMMON_NAME, "CRL1")])
    assert read(crl(ROOT, extensions=[scoped(relative_name=end)])).scope.relative == end


def test_a_delta() -> None:
    one = read(crl(ROOT, 3, number=9, base=7, reasons=[(4, Flags.remove_from_crl)]))
    assert (one.number, one.base) == (9, 7)
    assert one.label.startswith("delta CRL 9")
    assert [said.removed for serial in (3, 4) if (said := one.find(integer(serial)))] == [False, True]


# --- What is refused --------------------------------------------------------------------------------------------------

UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")


@pytest.mark.parametrize(
    "extensions",
    [
        pytest.param([(UNKNOWN, True)], id="unknown critical extension (section 5.2)"),
        pytest.param([scoped(indirect_crl=True)], id="indirect list (section 5.2.5)"),
        pytest.param([(x509.FreshestCRL([x509.DistributionPoint(
            [x509.UniformResourceIdentifier("http://a")], None, None, None)]), True)], id="critical freshestCRL"),
    ],
)  # fmt: skip
def test_critical_extensions(extensions: Extensions) -> None:
    assert kind_of(crl(ROOT, extensions=extensions)) is CRITICAL_EXTENSION
    read(crl(ROOT, extensions=[(UNKNOWN, False)]))  # what is not critical is passed over


@pytest.mark.parametrize(
    ("extension", "critical", "kind"),
    [
        (UNKNOWN, True, CRITICAL_EXTENSION),
        (UNKNOWN, False, None),
        (x509.CertificateIssuer([x509.DirectoryName(ROOT.name)]), True, CRITICAL_EXTENSION),
        (x509.CertificateIssuer([x509.DirectoryName(ROOT.name)]), False, CRITICAL_EXTENSION),
        (x509.InvalidityDate(datetime(2026, 1, 1, tzinfo=UTC)), True, None),
    ],
)
def test_extensions_of_entries(extension: x509.ExtensionType, critical: bool, kind: Kind | None) -> None:
    """Section 5.3: of whichever entry it is, the whole list is refused, and none of the others found good."""
    der = crl(ROOT, 1, 2, 3, entry_extensions=[(extension, critical)])
    if kind is None:
        assert read(der).count == 3
    else:
        assert kind_of(der) is kind


def test_remove_from_crl_has_no_place_in_a_complete_list() -> None:
    assert kind_of(crl(ROOT, reasons=[(4, Flags.remove_from_crl)])) is MALFORMED


def parts(der: bytes) -> tuple[list[bytes], bytes]:
    """The elements of what is signed, and what follows it."""
    _, start, end = element(der, 0, len(der))
    _, at, stop = element(der, start, end)
    found: list[bytes] = []
    while at < stop:
        begins = at
        _, _, at = element(der, begins, stop)
        found.append(der[begins:at])
    return found, der[stop:end]


def together(found: list[bytes], rest: bytes) -> bytes:
    return wrap(SEQUENCE, wrap(SEQUENCE, b"".join(found)) + rest)


def entry(serial: bytes, date: bytes = b"\x17\x0d270115070000Z", extensions: bytes = b"") -> bytes:
    return wrap(SEQUENCE, wrap(2, serial) + date + extensions)


def with_entries(*entries: bytes) -> bytes:
    found, rest = parts(FULL)
    return together([*found[:5], wrap(SEQUENCE, b"".join(entries)), *found[6:]], rest)


def extension(*contents: bytes) -> bytes:
    return wrap(SEQUENCE, b"".join(wrap(SEQUENCE, content) for content in contents))


ECDSA_256, ECDSA_384 = bytes.fromhex("06082a8648ce3d040302"), bytes.fromhex("06082a8648ce3d040303")
TWO_KINDS = (x509.UnrecognizedExtension(x509.oid.ExtensionOID.ISSUING_DISTRIBUTION_POINT,
             bytes.fromhex("30068101ff8201ff")), True)  # fmt: skip
AFTER = wrap(SEQUENCE, bytes.fromhex("06032a0304") + wrap(4, b""))
REASON, REASON_1 = bytes.fromhex("0603551d15"), bytes.fromhex("04030a0101")


def test_taken_apart_and_put_together_it_is_the_same() -> None:
    assert together(*parts(FULL)) == FULL
    assert read(with_entries(entry(b"\x01"), entry(b"\x00\x80"), entry(b"\x7f" * 20))).count == 3
    long = entry(b"\x02", extensions=extension(bytes.fromhex("06032a0304") + wrap(4, bytes(300))))
    assert read(with_entries(long, entry(b"\x01"))).find(b"\x02") is not None
    assert read(with_entries(long, entry(b"\x01"))).find(b"\x01") is not None


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda: FULL + b"\0", id="octets after it"),
        pytest.param(lambda: FULL[:-1], id="cut short"),
        pytest.param(lambda: b"", id="nothing"),
        pytest.param(lambda: together(parts(FULL)[0][1:], parts(FULL)[1]), id="version 1"),
        pytest.param(lambda: together([b"\x02\x01\x02", *parts(FULL)[0][1:]], parts(FULL)[1]), id="version 3"),
        pytest.param(lambda: together(parts(FULL)[0][:4] + parts(FULL)[0][5:], parts(FULL)[1]), id="no next update"),
        pytest.param(lambda: together(parts(FULL)[0][:6], parts(FULL)[1]), id="no extensions, so no number"),
        pytest.param(lambda: together([*parts(FULL)[0][:6], *parts(FULL)[0][5:]], parts(FULL)[1]), id="entries twice"),
        pytest.param(lambda: together([*parts(FULL)[0], b"\x05\x00"], parts(FULL)[1]), id="something else in it"),
        pytest.param(lambda: together(parts(FULL)[0], b"\x30\x00" + parts(FULL)[1]), id="two algorithms"),
        pytest.param(lambda: FULL[:-100] + FULL[-100:].replace(ECDSA_256, ECDSA_384), id="two good ones"),
        pytest.param(lambda: with_entries(entry(b"\x01", b"\x17\x0c270115070000Z")), id="a length that is not its own"),
        pytest.param(lambda: with_entries(entry(b"\x01", extensions=extension(REASON + REASON_1) + b"\5\0")),
                     id="something after the extensions"),
        pytest.param(lambda: with_entries(entry(b"\x01", extensions=extension(REASON + REASON_1 + AFTER))),
                     id="something after the value"),
        pytest.param(lambda: crl(ROOT, extensions=[TWO_KINDS]), id="two kinds of certificates alone"),
        pytest.param(lambda: with_entries(entry(b"")), id="no serial number"),
        pytest.param(lambda: with_entries(entry(b"\x00\x01")), id="a serial number with a zero before it"),
        pytest.param(lambda: with_entries(entry(b"\xff\x80")), id="a negative one with ones before it"),
        pytest.param(lambda: with_entries(entry(b"\x01" * 33)), id="a serial number of 33 octets"),
        pytest.param(lambda: with_entries(entry(b"\x01"), entry(b"\x02"), entry(b"\x01")), id="a serial number twice"),
        pytest.param(lambda: with_entries(entry(b"\x01", b"")), id="no date"),
        pytest.param(lambda: with_entries(entry(b"\x01", b"\x17\x0d270115070000+")), id="a date with a zone"),
        pytest.param(lambda: with_entries(entry(b"\x01", b"\x17\x0b2701150700Z")), id="a date without seconds"),
        pytest.param(lambda: with_entries(entry(b"\x01", b"\x18\x0f2701150700xxxxZ")), id="a date in letters"),
        pytest.param(lambda: with_entries(entry(b"\x01", extensions=b"\x30\x00")), id="no extension among extensions"),
        pytest.param(lambda: with_entries(entry(b"\x01", extensions=b"\x05\x00")), id="something else than extensions"),
        pytest.param(lambda: with_entries(entry(b"\x01", extensions=extension(REASON))), id="no value of an extension"),
        pytest.param(lambda: with_entries(entry(b"\x01", extensions=extension(REASON + bytes.fromhex("04030a0107")))),
                     id="a reason that there is not"),
        pytest.param(lambda: with_entries(entry(b"\x01", extensions=extension(REASON + bytes.fromhex("04040a020001")))),
                     id="a reason in too many octets"),
        pytest.param(lambda: with_entries(entry(b"\x01", extensions=extension(REASON + b"\1\1\1" + REASON_1))),
                     id="a truth that is none"),
        pytest.param(lambda: with_entries(entry(b"\x01", extensions=extension(*2 * [REASON + REASON_1]))),
                     id="an extension twice"),
        pytest.param(lambda: with_entries(entry(b"\x01"), b"\x02\x01\x01"), id="an entry that is none"),
        pytest.param(lambda: crl(ROOT, extensions=[scoped(only_contains_user_certs=True), (UNKNOWN, False)])
                     .replace(bytes.fromhex("8101ff"), bytes.fromhex("8301ff")), id="reasons that are a truth"),
    ],
)  # fmt: skip
def test_malformed(wrong: object) -> None:
    assert callable(wrong)
    assert kind_of(wrong()) is MALFORMED


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: together(parts(FULL)[0][1:], parts(FULL)[1]), "set crlnumber= in the section of the CA in"),
        (lambda: together(parts(FULL)[0][1:], parts(FULL)[1]), "(expected version 2, presented version 1)"),
        (lambda: FULL[:-1], "section 5): an element that does not fit"),
        (lambda: together([*parts(FULL)[0][:6], *parts(FULL)[0][5:]], parts(FULL)[1]), "else after the entries"),
        (lambda: with_entries(entry(b"")), "section 5): an entry has no serial number"),
        (lambda: b"", "expected DER, or PEM blocks"),
        (lambda: together([*parts(FULL)[0], b"\x05\x00"], parts(FULL)[1]), "error parsing asn1 value"),
    ],
)  # fmt: skip
def test_it_says_what_is_wrong(wrong: Any, says: str) -> None:
    refused = read_crls(wrong())
    assert isinstance(refused, Reason)
    assert str(refused).startswith("malformed: a CRL (RFC 5280 section 5)")
    assert says in str(refused)


def test_what_is_around_the_entries_is_bounded() -> None:
    large = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(60_000))
    read(crl(ROOT, extensions=[(large, False)]))
    larger = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(70_000))
    assert kind_of(crl(ROOT, extensions=[(larger, False)])) is MALFORMED
    names = [x509.UniformResourceIdentifier(f"http://{number}") for number in range(65)]
    read(crl(ROOT, extensions=[scoped(full_name=names[:64])]))
    assert kind_of(crl(ROOT, extensions=[scoped(full_name=names)])) is MALFORMED
    some = entry(b"\x01", extensions=extension(bytes.fromhex("06032a0304") + wrap(4, bytes(4000))))
    read(with_entries(some))
    more = entry(b"\x01", extensions=extension(bytes.fromhex("06032a0304") + wrap(4, bytes(4100))))
    assert kind_of(with_entries(more)) is MALFORMED


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = read_crls(FULL, limit=len(FULL) - 1)
    assert isinstance(refused, Reason)
    assert refused.kind is TOO_LARGE
    assert isinstance(read_crls(FULL, limit=len(FULL)), tuple)
    monkeypatch.setattr(crl_entries, "MOST_ENTRIES", 4)
    assert kind_of(FULL) is TOO_LARGE
    monkeypatch.setattr(crl_entries, "MOST_ENTRIES", 5)
    read(FULL)
    monkeypatch.setattr(module, "MAX_CRL", len(FULL) - 1)
    larger = read_crl(FULL)
    assert isinstance(larger, Reason)
    assert larger.kind is TOO_LARGE


# --- PEM --------------------------------------------------------------------------------------------------------------


def test_pem() -> None:
    both = read_crls(b"of the root\n" + pem(FULL) + b"\nof another\n" + pem(crl(ROOT, number=8)))
    assert isinstance(both, tuple)
    assert [one.number for one in both] == [7, 8]
    assert isinstance(read_crls(pem(FULL).replace(b"\n", b"\r\n")), tuple)


def of_length(rest: int) -> bytes:
    """A list as DER, whose length in octets has this rest by three."""
    found = (crl(ROOT, *range(1, 1 + count), key=Ed25519PrivateKey.generate()) for count in range(6))
    return next(der for der in found if len(der) % 3 == rest)


@pytest.mark.parametrize(
    "document",
    [
        pem(FULL, b"CERTIFICATE"),
        pem(FULL) + pem(FULL, b"CERTIFICATE"),
        pem(FULL)[:-10],
        pem(FULL) + b"-----BEGIN X509 CRL-----\n",
        pem(FULL).replace(b"A", b"*", 1),
        pem(of_length(0)).replace(b"\n-----END", b"=\n-----END"),
        pem(of_length(0)).replace(b"\n-----END", b"==\n-----END"),
        pem(of_length(1)).replace(b"=", b"", 1),
        pem(of_length(1)).replace(b"\n-----END", b"=\n-----END"),
        pem(of_length(2)).replace(b"=", b"", 1),
        pem(FULL[:-1]),
        b"no list at all",
    ],
)
def test_pem_that_cannot_be_used(document: bytes) -> None:
    assert kind_of(document) is MALFORMED


def test_pem_is_bounded() -> None:
    assert kind_of(pem(crl(ROOT)) * (MOST_LISTS + 1)) is TOO_LARGE


# --- Any octets -------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=400))
@example(b"\x30\x84\xff\xff\xff\xff")
@example(b"-----BEGIN X509 CRL----------END X509 CRL-----")
def test_total(data: bytes) -> None:
    assert isinstance(read_crls(data), Reason)


@usually(400)
@given(st.integers(0, len(FULL) - 1), st.binary(min_size=1, max_size=4))
def test_total_near_a_list(at: int, put: bytes) -> None:
    changed = FULL[:at] + put + FULL[at + len(put) :]
    one = read_crl(changed[: len(FULL)])
    if isinstance(one, CertificateList):  # then all of it can be looked at
        assert repr(one)
        for serial in (1, 128, 1 << 158, 5, 9):
            one.find(integer(serial))
        assert changed[: len(FULL)] == FULL or one.check_signature(ROOT.key.public_key(), b"again") is not None
