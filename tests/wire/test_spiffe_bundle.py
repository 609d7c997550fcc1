from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from cryptography.x509 import BasicConstraints
from hypothesis import given
from hypothesis import strategies as st
from spiffe import JwtBundle
from spiffe import TrustDomain as OracleDomain

from tests.naming import same_everywhere
from tests.verifiers.peers import (
    AUTHORITY,
    OTHERS,
    PARTNER,
    PROD,
    STRANGERS,
    bundle,
    jwt_entry,
    pems,
    uri_names,
    usage,
    x509_entry,
)
from tests.wire.signing import signer
from zerotrust.core.reason import Reason
from zerotrust.testing.authority import LocalAuthority
from zerotrust.wire.spiffe import TrustDomain
from zerotrust.wire.spiffe_bundle import MAX_BUNDLE, SpiffeBundle, read_bundle

HERE = TrustDomain(PROD)
ENTRY = x509_entry(AUTHORITY.certificate)
SIGNER = signer("ES256", "key-1")
TOKENS = jwt_entry(SIGNER)


def good(data: bytes) -> SpiffeBundle:
    read = read_bundle(data, HERE)
    assert isinstance(read, SpiffeBundle), read
    return read


def ders(data: bytes) -> list[bytes]:
    return [one.der for one in good(data).certificates]


def named(*uris: str, by: LocalAuthority = AUTHORITY) -> LocalAuthority:
    """An authority with these URIs among its names."""
    below = by.intermediate("Named")
    below.certificate = by.issue(
        "Named",
        key=below.key,
        purposes=(),
        extensions=[
            (BasicConstraints(ca=True, path_length=0), True),
            (usage(digital_signature=False, key_cert_sign=True), True),
            (uri_names(*uris), False),
        ],
    ).certificate
    return below


def test_both_kinds_of_authorities() -> None:
    read = good(bundle(ENTRY, TOKENS, spiffe_sequence=12, spiffe_refresh_hint=600, other="ignored"))
    assert [one.der for one in read.certificates] == [AUTHORITY.der]
    assert [one.kid for one in read.keys] == ["key-1"]
    assert (read.sequence, read.refresh_hint) == (12, 600)


def test_certificates_alone() -> None:
    for data in (AUTHORITY.pem, AUTHORITY.der):
        read = good(data)
        assert [one.der for one in read.certificates] == [AUTHORITY.der]
        assert (len(read.keys), read.sequence, read.refresh_hint) == (0, None, None)
    assert ders(pems([AUTHORITY, OTHERS])) == [AUTHORITY.der, OTHERS.der]


def test_x509_svid_section_6_2_the_first_certificate_and_no_other() -> None:
    first, second = (b64encode(one.der).decode() for one in (AUTHORITY, OTHERS))
    assert ders(bundle({**ENTRY, "x5c": [first, second]})) == [AUTHORITY.der]
    assert ders(bundle({**ENTRY, "x5c": [first, "not base64"]})) == [AUTHORITY.der]


@pytest.mark.parametrize(
    "changes",
    [
        {"x5c": None},
        {"x5c": []},
        {"x5c": "text"},
        {"x5c": [5]},
        {"x5c": ["*"]},
        {"x5c": ["\u00e9"]},
        {"x5c": [b64encode(b"no certificate").decode()]},
        {"x5c": [b64encode(OTHERS.der + b"\0").decode()]},
        {"x5c": [b64encode(OTHERS.der).decode() + "\n"]},
        {"x5c": ["A" * 10**5]},
        {"use": "sig"},
        {"use": "X509-SVID"},
        {"use": "wit-svid"},
        {"use": None},
        {"use": ["x509-svid"]},
        {"kty": None},
        {"kty": "oct?"},
        {"kty": "ec"},
        {"kty": ["EC"]},
        {"kty": {}},
    ],
    ids=same_everywhere,
)
def test_entries_that_do_not_count(changes: dict[str, Any]) -> None:
    """X.509-SVID section 6.2, Trust Domain and Bundle sections 4.2.1 and 4.2.2."""
    odd = {name: value for name, value in {**x509_entry(OTHERS.certificate), **changes}.items() if value is not None}
    assert ders(bundle(odd, ENTRY)) == [AUTHORITY.der]
    assert isinstance(read_bundle(bundle(odd), HERE), Reason)


def test_the_same_authority_twice_is_one() -> None:
    assert ders(bundle(ENTRY, ENTRY)) == [AUTHORITY.der]


def test_jwt_svid_section_6_keys_have_their_use_and_a_kid() -> None:
    for odd in ({**SIGNER.jwk}, {**TOKENS, "use": "sig"}, {**TOKENS, "kid": 5}, {**TOKENS, "use": "x509-svid"}):
        read = good(bundle(odd, ENTRY))
        assert len(read.keys) == 0
    unnamed = {name: value for name, value in TOKENS.items() if name != "kid"}
    assert isinstance(read_bundle(bundle(unnamed), HERE), Reason)


def test_a_key_that_must_not_be_used_is_set_aside() -> None:
    read = good(bundle(TOKENS, {**TOKENS, "kid": "weak", "x": "AAAA"}))
    assert [one.kid for one in read.keys] == ["key-1"]
    assert list(read.keys.unsuitable) == ["weak"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "malformed"),
        (b" ", "malformed"),
        (b"{}", "malformed"),
        (b"[]", "malformed"),
        (b'{"keys": {}}', "malformed"),
        (b'{"keys": [1]}', "malformed"),
        (b'{"keys": [], "keys": []}', "malformed"),
        (b"\xef\xbb\xbf" + bundle(ENTRY), "malformed"),
        (bundle(), "malformed"),
        (bundle(TOKENS, TOKENS), "unsuitable_key"),  # RFC 7517 section 4.5
        (bundle(ENTRY, {**TOKENS, "d": "AAAA"}), "compromised_key"),
        (bundle(ENTRY, {"kty": "oct", "k": "AAAA", "use": "jwt-svid", "kid": "a"}), "compromised_key"),
        (bundle(*[ENTRY] * 101), "too_large"),
        (bundle(ENTRY, padding="x" * MAX_BUNDLE), "too_large"),
        (bundle(ENTRY, spiffe_sequence=-1), "malformed"),
        (bundle(ENTRY, spiffe_sequence="1"), "malformed"),
        (bundle(ENTRY, spiffe_sequence=True), "malformed"),
        (bundle(ENTRY, spiffe_sequence=1.0), "malformed"),
        (bundle(ENTRY, spiffe_sequence=None), "malformed"),
        (bundle(ENTRY, spiffe_sequence=2**64), "malformed"),
        (bundle(ENTRY, spiffe_refresh_hint="300"), "malformed"),
        (bundle(ENTRY, spiffe_refresh_hint=-300), "malformed"),
        (AUTHORITY.der + b"\0", "malformed"),
        (AUTHORITY.pem + AUTHORITY.issue("a").key_pem, "compromised_key"),
    ],
)
def test_what_is_refused_as_a_whole(data: bytes, code: str) -> None:
    refused = read_bundle(data, HERE)
    assert isinstance(refused, Reason)
    assert refused.code == code


def test_every_64_bit_sequence() -> None:
    assert good(bundle(ENTRY, spiffe_sequence=2**64 - 1)).sequence == 2**64 - 1


def test_x509_svid_section_3_2_an_authority_is_of_this_trust_domain_or_has_no_id() -> None:
    assert ders(named(f"spiffe://{PROD}").pem)
    for uris, why in (
        ([f"spiffe://{PARTNER}"], f"an authority of {PARTNER}"),
        ([f"spiffe://{PROD}/a"], "a path"),
        (["https://a.example"], "spiffe:// in lower case"),
        ([f"spiffe://{PROD}", f"spiffe://{PARTNER}"], "several URIs"),
    ):
        refused = read_bundle(pems([STRANGERS, named(*uris)]), HERE)
        assert isinstance(refused, Reason)
        assert refused.code == "wrong_svid"
        assert why in str(refused)


def test_the_same_keys_as_another_implementation_finds() -> None:
    data = bundle(ENTRY, TOKENS, jwt_entry(signer("RS256", "key-2")), {**TOKENS, "kid": "no", "use": "sig"})
    theirs = JwtBundle.parse(OracleDomain(PROD), data)
    assert theirs.get_jwt_authority("key-2") is not None
    assert {one.kid for one in good(data).keys} == {"key-1", "key-2"}


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)
members = st.sampled_from(["kty", "use", "x5c", "kid", "crv", "x", "y", "n", "e", "alg", "key_ops"])


@given(
    st.lists(st.dictionaries(members, values, max_size=3), max_size=3),
    st.dictionaries(st.sampled_from(["spiffe_sequence", "spiffe_refresh_hint", "keys"]), values, max_size=2),
)
def test_whatever_stands_in_it(changes: list[dict[str, Any]], document: dict[str, Any]) -> None:
    entries = [{**(TOKENS if index % 2 else ENTRY), **change} for index, change in enumerate(changes)]
    data = json.dumps({"keys": entries, **document}).encode()
    assert isinstance(read_bundle(data, HERE), SpiffeBundle | Reason)


@given(st.binary(max_size=40))
def test_any_bytes(data: bytes) -> None:
    assert isinstance(read_bundle(data, HERE), Reason)
