"""Envoy's `x-forwarded-client-cert`: the grammar in full, and no second way to read anything."""

from __future__ import annotations

import string
from hashlib import sha256
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.wire.test_forwarded_pem import pem
from zerotrust.core.reason import Reason
from zerotrust.wire.client_cert import MAX_FORWARDED
from zerotrust.wire.xfcc import MOST_ELEMENTS, MOST_PAIRS, XfccElement, read_xfcc

DER, CA, OTHER = b"the certificate", b"its authority", b"another certificate"
HASH = sha256(DER).hexdigest()


def escaped(*ders: bytes) -> str:
    return quote(pem(*ders), safe="")


# --- What is written is read ------------------------------------------------------------------------------------------

HOSTILE = [
    ",By=spiffe://a/evil",
    ";URI=spiffe://a/evil",
    '",',
    '";',
    '\\"',
    '"',
    ",",
    ";",
    "=",
    " ",
    "\\\\",
    "Cert=",
    "Hash=ff",
]
names = st.text(alphabet=string.ascii_letters + string.digits + ":/.-_~%", min_size=1, max_size=20)
# Subjects as RFC 4514 writes them: a backslash stands before what is special, another backslash among it.
subjects = st.lists(st.sampled_from([*HOSTILE, "CN=", "O=Lab", "+", "#"]) | names, max_size=6).map("".join)


def rfc4514(text: str) -> str:
    return "".join("\\" + char if char in ',+"\\<>;' else char for char in text)


elements = st.builds(
    XfccElement,
    by=st.lists(names, max_size=2).map(tuple),
    hash=st.none() | st.binary(min_size=32, max_size=32).map(bytes.hex).map(str.encode),
    cert=st.none() | st.just(escaped(DER).encode()),
    chain=st.none() | st.just(escaped(DER, CA).encode()),
    subject=st.none() | subjects.map(rfc4514),
    uris=st.lists(names, max_size=2).map(tuple),
    dns=st.lists(names, max_size=2).map(tuple),
).filter(lambda element: element != XfccElement())


def written(element: XfccElement) -> str:
    """As Envoy writes it: certificates and subject in quotes, the rest bare."""
    pairs = [f"By={one}" for one in element.by]
    pairs += [f"Hash={element.hash.decode()}"] if element.hash is not None else []
    pairs += [f'Cert="{element.cert.decode()}"'] if element.cert is not None else []
    pairs += [f'Chain="{element.chain.decode()}"'] if element.chain is not None else []
    pairs += [f'Subject="{element.subject}"'] if element.subject is not None else []
    pairs += [f"URI={one}" for one in element.uris] + [f"DNS={one}" for one in element.dns]
    return ";".join(pairs)


def plain(element: XfccElement) -> XfccElement:
    """As it is read: of all escapes, that of the quote belongs to the header."""
    subject = None if element.subject is None else element.subject.replace('\\"', '"')
    return XfccElement(element.by, element.hash, element.cert, element.chain, subject, element.uris, element.dns)


@given(st.lists(elements, min_size=1, max_size=4))
def test_round_trip_with_hostile_subjects(told: list[XfccElement]) -> None:
    assert read_xfcc(",".join(map(written, told)).encode()) == tuple(map(plain, told))


@given(st.lists(st.sampled_from([*HOSTILE, "Subject=", "URI=a", '"', "\\", "\n", "\0", "é", "Chain"])).map("".join))
@example("")
def test_anything_gives_elements_or_a_reason(text: str) -> None:
    read = read_xfcc(text.encode())
    assert isinstance(read, tuple | Reason)
    if isinstance(read, tuple):
        for element in read:
            assert isinstance(element.certificates(), tuple | Reason)


@given(st.binary(max_size=200))
def test_any_bytes(value: bytes) -> None:
    assert isinstance(read_xfcc(value), tuple | Reason)


@given(elements, elements, st.lists(st.sampled_from(HOSTILE) | names).map("".join).map(rfc4514))
def test_what_stands_in_front_changes_nothing_of_the_last(one: XfccElement, last: XfccElement, subject: str) -> None:
    """Whatever another hop wrote: either the whole is refused, or the last element is what the hop wrote."""
    for before in (written(one), f'Subject="{subject}"', subject):
        read = read_xfcc(f"{before},{written(last)}".encode())
        if isinstance(read, tuple):
            assert read[-1] == plain(last)


def test_keys_in_any_case() -> None:
    read = read_xfcc(b"bY=a;HASH=" + HASH.encode() + b';uri=B;dNs=C;SUBJECT="D"')
    assert read == (XfccElement(("a",), HASH.encode(), None, None, "D", ("B",), ("C",)),)


def test_names_without_a_value_say_nothing() -> None:
    assert read_xfcc(b'By=;URI=;DNS=;Subject=""') == (XfccElement(subject=""),)


# --- What is not of the grammar ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        ";",
        "=",
        "By",
        "By=a,",
        ",By=a",
        "By=a;",
        ";By=a",
        "By=a;;URI=b",
        "By=a,,URI=b",
        " By=a",
        "By=a ",
        "By=a, URI=b",
        "By =a",
        "By= a",
        "By=a b",
        'By="a',
        'By=a"',
        'By=a"b"',
        'By="a"b',
        'By="a""b"',
        'By="a" ',
        'By="a\\"',
        'By="a\\',
        "By=a=b",
        "By=a\n",
        "By=a\r\nURI=b",
        "By=\x00",
        "By=\x7f",
        'Subject="\x01"',
        'Subject="é"',
        "By=é",
        "B%79=a",
        "Issuer=a",
        "By=a;X=b",
        "Hash=",
        "Hash=12",
        f"Hash={HASH}0",
        f"Hash={HASH[:-1]}g",
        f"Hash={HASH}\n",
    ],
)
def test_malformed(text: str) -> None:
    read = read_xfcc(text.encode())
    assert isinstance(read, Reason)
    assert read.code == "malformed"


@pytest.mark.parametrize("key", ["Hash", "Cert", "Chain", "Subject"])
@pytest.mark.parametrize("second", [str.lower, str.upper, str])
def test_a_single_key_twice(key: str, second: type[str]) -> None:
    value = HASH if key == "Hash" else '""'
    read = read_xfcc(f"{key}={value};URI=a;{second(key)}={value}".encode())
    assert isinstance(read, Reason)
    assert read.code == "duplicate_header"
    assert isinstance(read_xfcc(f"{key}={value},{key}={value}".encode()), tuple)


def test_bounds() -> None:
    assert len(read_xfcc(b",".join([b"By=a"] * MOST_ELEMENTS))) == MOST_ELEMENTS  # type: ignore[arg-type]
    for value in (
        b",".join([b"By=a"] * (MOST_ELEMENTS + 1)),
        b";".join([b"URI=a"] * (MOST_PAIRS + 1)),
        b"URI=" + b"a" * MAX_FORWARDED,
    ):
        read = read_xfcc(value)
        assert isinstance(read, Reason)
        assert read.code == "too_large"


# --- Certificates -----------------------------------------------------------------------------------------------------


def certificates(text: str) -> tuple[bytes, ...] | str:
    read = read_xfcc(text.encode())
    assert isinstance(read, tuple), read
    found = read[-1].certificates()
    return found.code if isinstance(found, Reason) else found


LEAF, CHAIN = f'Cert="{escaped(DER)}"', f'Chain="{escaped(DER, CA)}"'


def test_certificates() -> None:
    assert certificates("URI=a") == ()
    assert certificates(f"Hash={HASH}") == ()
    assert certificates(f"Hash={HASH};{LEAF}") == (DER,)
    assert certificates(f"Hash={HASH.upper()};{LEAF}") == (DER,)
    assert certificates(f"Hash={HASH};{CHAIN}") == (DER, CA)
    assert certificates(f"Hash={HASH};{LEAF};{CHAIN}") == (DER, CA)
    # The same certificate with other escapes, so that it has to be read to be known as the same.
    assert certificates(f'Hash={HASH};Cert="{quote(pem(DER), safe="/")}";{CHAIN}') == (DER, CA)
    assert certificates(f'Hash={HASH};Cert="{escaped(DER)[:-3]}";{CHAIN}') == (DER, CA)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (LEAF, "malformed"),
        (CHAIN, "malformed"),
        (f"Hash={sha256(OTHER).hexdigest()};{LEAF}", "key_mismatch"),
        (f"Hash={sha256(CA).hexdigest()};{CHAIN}", "key_mismatch"),
        (f'Hash={HASH};{LEAF};Chain="{escaped(OTHER, DER)}"', "key_mismatch"),
        (f'Hash={HASH};Cert="{escaped(OTHER)}";{CHAIN}', "key_mismatch"),
        (f'Hash={HASH};Cert="{escaped(DER, CA)}"', "malformed"),
        (f'Hash={HASH};Cert="{escaped(DER, CA)}";Chain="{escaped(DER, CA, OTHER)}"', "key_mismatch"),
        (f'Hash={HASH};Cert=""', "malformed"),
        (f'Hash={HASH};Chain=""', "malformed"),
        (f'Hash={HASH};Cert="";{CHAIN}', "malformed"),
        (f'Hash={HASH};Cert="{escaped(DER)[:60]}";{CHAIN}', "malformed"),
        (f'Hash={HASH};Cert="{pem(DER, line=" ")}"', "malformed"),
        (f"Hash={HASH};Cert=(null)", "malformed"),
    ],
)
def test_certificates_that_do_not_fit(text: str, code: str) -> None:
    assert certificates(text) == code
