"""CWE-116, CWE-74: a client's certificate is written into `x-forwarded-client-cert`, and the client chose what it says.

Envoy puts the subject in quotes and names bare. Whoever splits at separators reads fields that the client wrote.
"""

from __future__ import annotations

from hashlib import sha256

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from tests.attacks.forwarding import ATTACKER, BY, CART, LEDGER, VICTIM, XFCC, behind, outcome, pct, told
from tests.naming import same_everywhere
from tests.verifiers.peers import AUTHORITY, PROD
from zerotrust.web.peers import Format, istio, xfcc
from zerotrust.web.peers.meshes import Xfcc
from zerotrust.wire.xfcc import read_xfcc

FORMATS = [
    xfcc(BY),
    xfcc(BY, appended=True),
    xfcc(BY, asserted=True),
    xfcc(BY, appended=True, asserted=True),
    istio(BY),
]


def appends(how: Format) -> bool:
    """Whether a client's own element may stand in front: then the hop's `By` may stand in no name, quoted or not."""
    return isinstance(how, Xfcc) and how.appended


each = pytest.mark.parametrize("how", FORMATS, ids=repr)

VICTIMS_HASH = sha256(VICTIM.der).hexdigest()


@each
def test_an_honest_client_is_known(how: Format) -> None:
    assert outcome(behind(how), [(XFCC, told(ATTACKER, CART))]) == "cart"
    assert outcome(behind(how), [(XFCC, told(VICTIM, LEDGER))]) == "ledger"


# --- By subject -------------------------------------------------------------------------------------------------------

SUBJECTS = [
    f",By={BY}",
    f";URI={LEDGER}",
    f";By={BY};URI={LEDGER}",
    f'",By={BY};Hash={VICTIMS_HASH};URI={LEDGER};Subject="',
    f'";URI={LEDGER};Subject="',
    f'";Cert="{pct(VICTIM)}";DNS="',
    f'",By={BY};Hash={VICTIMS_HASH};Cert="{pct(VICTIM)}";Subject="',
    f'\\",By={BY};URI={LEDGER};Subject=\\"',
    f'\\\\",By={BY};URI={LEDGER};Subject=\\\\"',
    '"',
    "\\",
    '\\"',
    '\\\\"',
    "\n",
    "\r\nx-forwarded-client-cert: x",
    "\0",
    "CN=é",
]


def rfc4514(text: str) -> str:
    """As Envoy writes a subject: what is special with a backslash, octets outside of ASCII and controls as hex."""
    written = "".join("\\" + char if char in ',+"\\<>;' else char for char in text)
    return "".join(
        char if " " <= char <= "~" else "".join(f"\\{octet:02X}" for octet in char.encode()) for char in written
    )


@each
@pytest.mark.parametrize("text", SUBJECTS)
def test_a_subject_as_envoy_writes_it_is_a_subject(how: Format, text: str) -> None:
    subject = rfc4514(f"CN={text}")
    said = outcome(behind(how), [(XFCC, told(ATTACKER, CART, subject=subject))])
    assert said in ({"cart", "malformed"} if appends(how) and f"By={BY}" in subject else {"cart"})


@each
@pytest.mark.parametrize("text", SUBJECTS)
def test_a_subject_that_nobody_escaped_makes_nobody_the_victim(how: Format, text: str) -> None:
    """A hop that quotes and does not escape. The attacker stays who it is, or nobody gets in."""
    for subject in (text, f"CN={text}"):
        if "\r" not in subject:
            assert outcome(behind(how), [(XFCC, told(ATTACKER, CART, subject=subject))]) in CLOSED
        if '"' not in subject:  # not even quoted
            bare = told(ATTACKER, CART).replace('"CN=cart"', subject)
            assert outcome(behind(xfcc(BY)), [(XFCC, bare)]) in CLOSED


CLOSED = {"cart", "malformed", "duplicate_header", "key_mismatch", "untrusted_hop", "wrong_svid"}


@given(st.lists(st.sampled_from([*SUBJECTS, "CN=", "a", ",", ";", "=", '"', "\\"]), max_size=5).map("".join))
def test_no_subject_makes_anybody_the_victim(text: str) -> None:
    escaped = told(ATTACKER, CART, subject=rfc4514(text))
    for how in FORMATS:
        assert outcome(behind(how), [(XFCC, escaped)]) in ({"cart", "malformed"} if appends(how) else {"cart"})
    if text.isascii() and text.isprintable():
        assert outcome(behind(xfcc(BY)), [(XFCC, told(ATTACKER, CART, subject=text))]) in CLOSED


# --- By alternative names, which Envoy does not quote ----------------------------------------------------------------

INJECTED = f'By={BY};Hash={VICTIMS_HASH};Cert="{pct(VICTIM)}"'


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        (f"{CART},{INJECTED}", {"duplicate_header"}),
        (f"{CART},{INJECTED};URI={LEDGER}", {"duplicate_header"}),
        (f'{CART};Cert="{pct(VICTIM)}"', {"duplicate_header"}),
        (f"{CART};Hash={VICTIMS_HASH}", {"duplicate_header"}),
        (f'{CART};Chain="{pct(VICTIM)}"', {"key_mismatch"}),
        (f"{CART};URI={LEDGER}", {"cart", "wrong_svid"}),
        (f"{CART};By={BY}", {"cart", "wrong_svid"}),
        (f"{CART};By=spiffe://{PROD}/other", {"untrusted_hop"}),
        (f'{CART}"', {"malformed"}),
        (f"{CART} ", {"malformed"}),
    ],
    ids=same_everywhere,
)
def test_by_a_uri_that_one_hop_passes_on(name: str, codes: set[str]) -> None:
    """An authority that signs any name, and a hop that replaces the header (`SANITIZE_SET`)."""
    assert outcome(behind(xfcc(BY)), [(XFCC, told(ATTACKER, name))]) in codes


@pytest.mark.parametrize("how", [xfcc(BY, appended=True), istio(BY)], ids=repr)
@pytest.mark.parametrize("kind", ["URI", "DNS"])
def test_by_a_name_that_cuts_the_element_of_a_hop_that_appends(how: Format, kind: str) -> None:
    """The injected element has all that a hop writes; but the one before it begins as the hop's own does."""
    for first in ("x", "", "x,y", ",", f"{CART},By=spiffe://{PROD}/other"):
        for cert in (True, False):
            name = f"{first},{INJECTED};URI={LEDGER}"
            evil = AUTHORITY.issue("cart", **{"uris" if kind == "URI" else "dns": [name]}, days=1)  # type: ignore[arg-type]
            header = told(evil, cert=cert) + f";{kind}={name}"
            assert header.endswith(f"{INJECTED};URI={LEDGER}")
            assert outcome(behind(how), [(XFCC, header)]) == "malformed"
    # Not the number of elements is what is refused.
    honest = f"{told(ATTACKER, CART, by=f'spiffe://{PROD}/other')},{told(VICTIM, LEDGER)}"
    assert outcome(behind(how), [(XFCC, honest)]) == "ledger"


@pytest.mark.parametrize("how", [xfcc(BY, appended=True), istio(BY)], ids=repr)
@pytest.mark.parametrize("begin", ['Subject="', 'URI="', f'By=spiffe://{PROD}/other;Subject="', 'By="x'])
@pytest.mark.parametrize("key", ["By", "by", "BY"])
def test_by_a_quote_that_the_client_leaves_open(how: Format, begin: str, key: str) -> None:
    """The hop appends to it unread: what it writes of its client then stands in the client's quotes.

    A name in the client's certificate, not quoted, closes them, and goes on with an element of the client's own.
    """
    for forged in (f'Hash={VICTIMS_HASH};Cert="{pct(VICTIM)}"', f"Hash={VICTIMS_HASH};URI={LEDGER}"):
        for own in (f"{key}={BY}", f'{key}="{BY}"'):
            appended = told(ATTACKER, f'{CART}",{own};{forged}', cert=False).replace('Subject="CN=cart";', "")
            header = f"{begin}x,{appended}"
            elements = read_xfcc(header.encode())
            assert isinstance(elements, tuple)  # all of it is grammar
            assert elements[-1].by == (BY,)
            assert outcome(behind(how), [(XFCC, header)]) == "malformed"


def test_a_name_alone_is_one_name() -> None:
    """Where a hop passes on no certificate, a second `URI` may be the client's own work."""
    for name in (f"{CART};URI={LEDGER}", f"{CART};uri={LEDGER}", f"{LEDGER};URI={CART}"):
        assert outcome(behind(istio(BY)), [(XFCC, told(ATTACKER, name, cert=False))]) == "malformed"
    # One that has no URI, for which Envoy writes an empty one, and has this for a DNS name, or for its URI.
    for rest in (f"URI=;DNS=x;URI={LEDGER}", f"URI=;URI={LEDGER}", f"URI={LEDGER};DNS=x;URI="):
        assert outcome(behind(istio(BY)), [(XFCC, f"{told(ATTACKER, cert=False)};{rest}")]) == "malformed"
    assert outcome(behind(istio(BY)), [(XFCC, told(ATTACKER, CART, cert=False))]) == "cart"


# --- In front of what the hop appends ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before",
    [
        f"By={BY};URI={LEDGER}",
        told(VICTIM, LEDGER),
        'Subject="',
        'Subject="\\',
        f'By={BY};URI="{LEDGER}',
        "URI=a\\",
        ",",
        ";",
        "",
        "x",
    ],
)
@pytest.mark.parametrize("how", FORMATS, ids=repr)
def test_what_a_client_sends_itself(how: Format, before: str) -> None:
    for cert in (True, False):
        header = f"{before},{told(ATTACKER, CART, cert=cert)}"
        assert outcome(behind(how), [(XFCC, header)]) in {"cart", "malformed", "duplicate_header", "untrusted_hop"}
        assert outcome(behind(how), [(XFCC, told(VICTIM, LEDGER)), (XFCC, header)]) == "duplicate_header"


@pytest.mark.parametrize("how", FORMATS, ids=repr)
def test_an_element_of_somebody_else_is_not_the_hops(how: Format) -> None:
    for by in (f"spiffe://{PROD}/other", BY.upper(), f"{BY}/", f"{BY}x", ""):
        assert outcome(behind(how), [(XFCC, told(VICTIM, LEDGER, by=by))]) == "untrusted_hop"
    behind_it = f"{told(ATTACKER, CART)},{told(VICTIM, LEDGER, by=f'spiffe://{PROD}/other')}"
    assert outcome(behind(how), [(XFCC, behind_it)]) in {"untrusted_hop", "duplicate_header"}


def test_a_certificate_that_the_hash_is_not_of() -> None:
    swapped = told(ATTACKER, CART).replace(pct(ATTACKER), pct(VICTIM))
    assert outcome(behind(xfcc(BY)), [(XFCC, swapped)]) == "key_mismatch"


def test_certificates_with_these_names_can_be_made() -> None:
    """What is attacked with here is what an authority could really sign."""
    evil = AUTHORITY.issue("cart", uris=[f"{CART},{INJECTED}"], days=1)
    names = evil.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [f"{CART},{INJECTED}"]
