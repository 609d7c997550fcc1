"""Names compared as RFC 5280 section 7.1 has it; and DER, as far as it is looked into."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509 import NameAttribute, NameOID, RelativeDistinguishedName
from cryptography.x509.name import _ASN1Type
from hypothesis import example, given
from hypothesis import strategies as st

from tests.pki.paths import tlv
from zerotrust.wire.der import NotDer, element, elements
from zerotrust.wire.distinguished_name import comparable_name, is_plain_name, may_be_within


def name(text: str, kind: _ASN1Type = _ASN1Type.UTF8String, oid: x509.ObjectIdentifier = NameOID.COMMON_NAME) -> bytes:
    return x509.Name([NameAttribute(oid, text, kind)]).public_bytes()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (name("Good CA"), name("good ca")),
        (name("Good CA"), name("  Good   CA ")),
        (name("Good CA"), name("GOOD CA", _ASN1Type.PrintableString)),
        (name("STRASSE"), name("straße")),
        (name("A\N{COMBINING RING ABOVE}"), name("\N{LATIN SMALL LETTER A WITH RING ABOVE}")),
        (name("\N{FULLWIDTH LATIN CAPITAL LETTER A}"), name("a")),
        (
            name("Example", _ASN1Type.IA5String, NameOID.DOMAIN_COMPONENT),
            name("EXAMPLE", _ASN1Type.IA5String, NameOID.DOMAIN_COMPONENT),
        ),
    ],
)
def test_equal_by_what_they_say(one: bytes, other: bytes) -> None:
    assert one != other
    assert comparable_name(one) == comparable_name(other) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (name("Good CA"), name("GoodCA")),
        (name("Good CA"), name("Good CA", oid=NameOID.ORGANIZATION_NAME)),
        (name("Good CA"), name("Good CA", _ASN1Type.BMPString)),  # in another encoding: only the same octets
        (name("Good CA"), x509.Name([]).public_bytes()),
        (name("A\0B"), name("A")),
    ],
)
def test_different(one: bytes, other: bytes) -> None:
    assert comparable_name(one) != comparable_name(other)


def test_the_order_of_steps_counts_and_that_within_one_does_not() -> None:
    a, b = NameAttribute(NameOID.COMMON_NAME, "a"), NameAttribute(NameOID.ORGANIZATION_NAME, "b")
    forth, back = (x509.Name(order).public_bytes() for order in ([a, b], [b, a]))
    assert comparable_name(forth) != comparable_name(back)
    together = [tlv(0x30, tlv(0x31, inner)) for inner in (_bare(a) + _bare(b), _bare(b) + _bare(a))]
    assert together[0] != together[1]
    assert comparable_name(together[0]) == comparable_name(together[1]) is not None
    assert comparable_name(together[0]) != comparable_name(forth)


def _bare(attribute: NameAttribute[str]) -> bytes:
    return x509.Name([RelativeDistinguishedName([attribute])]).public_bytes()[4:]


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"\x30",
        b"\x31\x00",
        name("a") + b"\0",
        name("a")[:-1],
        b"\x30\x02\x30\x00",  # no set
        b"\x30\x04\x31\x02\x31\x00",  # no attribute
        tlv(0x30, tlv(0x31, tlv(0x30, b"\x06\x01\x2a"))),  # a type without a value
        tlv(0x30, tlv(0x31, tlv(0x30, b"\x06\x01\x2a\x0c\x01a\x0c\x01b"))),  # and with two
        tlv(0x30, tlv(0x31, tlv(0x30, b"\x0c\x01a\x0c\x01a"))),  # no type
        tlv(0x30, tlv(0x31, b"") * 65),
        tlv(0x30, tlv(0x31, tlv(0x30, b"\x06\x01\x2a" + tlv(0x0C, b"a" * 2048)))),
    ],
)
def test_no_name(der: bytes) -> None:
    assert comparable_name(der) is None


def test_octets_that_are_no_text() -> None:
    odd = tlv(0x30, tlv(0x31, tlv(0x30, b"\x06\x01\x2a\x0c\x01\xff")))
    assert comparable_name(odd) == comparable_name(odd) is not None
    assert comparable_name(odd) != comparable_name(odd.replace(b"\xff", b"\xfe"))


@given(st.binary(max_size=300))
@example(name("a"))
def test_any_octets(der: bytes) -> None:
    comparable_name(der)


# --- DER -------------------------------------------------------------------------------------------------------------
@given(st.binary(max_size=20), st.sampled_from([0x02, 0x04, 0x30]))
def test_what_is_written_is_read(contents: bytes, tag: int) -> None:
    der = tlv(tag, contents * 20)
    start = len(der) - len(contents) * 20
    assert element(b"xx" + der + b"yy", 2, 2 + len(der)) == (tag, 2 + start, 2 + len(der))
    assert elements(der * 3, 0, 3 * len(der), 3)[2] == (2 * len(der), tag, 2 * len(der) + start, 3 * len(der))


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"\x30",
        b"\x30\x01",
        b"\x30\x80\x00\x00",
        b"\x30\x81\x01\x00",
        b"\x30\x82\x00\x81" + bytes(129),
        b"\x30\x85\x00\x00\x00\x00\x00",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x1f\x01\x00",
        b"\x02\x00",
    ],
)
def test_not_der(der: bytes) -> None:
    with pytest.raises(NotDer):
        element(der, 0, len(der), 0x30)


def test_too_many_elements() -> None:
    with pytest.raises(NotDer):
        elements(b"\x05\x00" * 4, 0, 8, 3)


@pytest.mark.parametrize(
    ("der", "plain"),
    [
        (name("Good CA"), True),
        (name("x" * 64), True),
        (x509.Name([]).public_bytes(), True),
        (name("NL", _ASN1Type.PrintableString, NameOID.COUNTRY_NAME), True),
        (
            x509.Name(
                [NameAttribute(NameOID.ORGANIZATION_NAME, text) for text in ("a" * 60, "b" * 60, "c")]
            ).public_bytes(),
            True,
        ),
        (name("\N{LATIN SMALL LETTER E WITH ACUTE}"), False),
        (name("Good CA", _ASN1Type.BMPString), False),
        (name("a.example", _ASN1Type.IA5String, NameOID.DOMAIN_COMPONENT), False),  # not of X.520
        (x509.Name([NameAttribute(NameOID.ORGANIZATION_NAME, "x" * 60)] * 6).public_bytes(), False),
        (tlv(0x30, tlv(0x31, tlv(0x30, b"\x06\x03\x55\x04\x03" + tlv(0x0C, b"x" * 65)))), False),
        (tlv(0x30, tlv(0x31, tlv(0x30, b"\x06\x03\x55\x04\x03" + tlv(0x0C, b"")))), False),
        (tlv(0x30, tlv(0x31, tlv(0x30, b"\x06\x03\x55\x04\x06" + tlv(0x13, b"NLD")))), False),
    ],
)
def test_names_that_are_sure_to_be_readable(der: bytes, plain: bool) -> None:
    assert is_plain_name(der) is plain


def test_names_beyond_ascii_are_bounded() -> None:
    """One character may be read as eighteen."""
    steps = [NameAttribute(NameOID.ORGANIZATION_NAME, "\N{LATIN SMALL LETTER E WITH ACUTE}" * 50)]
    assert comparable_name(x509.Name(steps * 5).public_bytes()) is not None
    assert comparable_name(x509.Name(steps * 6).public_bytes()) is None
    assert comparable_name(x509.Name([NameAttribute(NameOID.ORGANIZATION_NAME, "e" * 50)] * 30).public_bytes())


def element_of(text: str) -> bytes:
    """One step of a name."""
    return name(text)[2:]


EVIL = name("Evil", oid=NameOID.ORGANIZATION_NAME)


@pytest.mark.parametrize(
    ("one", "may"),
    [
        (name("Evil", _ASN1Type.BMPString, NameOID.ORGANIZATION_NAME), True),
        (name("Good", _ASN1Type.T61String, NameOID.ORGANIZATION_NAME), True),
        (name("EVIL", oid=NameOID.ORGANIZATION_NAME), True),
        (name("Good", oid=NameOID.ORGANIZATION_NAME), False),
        (name("Evil", _ASN1Type.BMPString, NameOID.ORGANIZATIONAL_UNIT_NAME), False),
        (x509.Name([]).public_bytes(), False),
    ],
)
def test_what_may_be_within_where_it_cannot_be_told(one: bytes, may: bool) -> None:
    inner, outer = comparable_name(one), comparable_name(EVIL)
    assert inner is not None
    assert outer is not None
    assert may_be_within(inner, outer) is may
    body = element(one, 0, len(one))
    below = comparable_name(tlv(0x30, one[body[1] :] + element_of("a")))
    assert below is not None
    assert may_be_within(below, outer) is may
    assert may_be_within(outer, ()) is True


def test_a_step_of_several_attributes_may_match_in_what_is_told() -> None:
    told, other = NameAttribute(NameOID.COMMON_NAME, "a"), NameAttribute(NameOID.COMMON_NAME, "b")
    evil, untold = (
        NameAttribute(NameOID.ORGANIZATION_NAME, "Evil", kind) for kind in (_ASN1Type.UTF8String, _ASN1Type.BMPString)
    )
    tree, within, without = (
        comparable_name(x509.Name([RelativeDistinguishedName(pair)]).public_bytes())
        for pair in ([told, evil], [told, untold], [other, untold])
    )
    assert tree is not None
    assert within is not None
    assert without is not None
    assert may_be_within(within, tree)
    assert not may_be_within(without, tree)
    alone = comparable_name(x509.Name([told]).public_bytes())
    assert alone is not None
    assert not may_be_within(alone, within)
    assert not may_be_within(within, alone)
