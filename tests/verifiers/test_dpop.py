"""Each check of RFC 9449 section 4.3, one after another; attacks stand in tests/attacks/test_dpop_rfc_9449.py."""

from __future__ import annotations

from typing import Any

import pytest

from tests.verifiers.proofs import (
    CLIENT,
    OTHER,
    SECRET,
    TOKEN,
    URL,
    asked,
    changed,
    code,
    proof,
    verdict,
)
from tests.verifiers.tokens import NOW
from tests.wire.signing import signer
from zerotrust.core.moments import minutes, seconds
from zerotrust.testing import OMIT
from zerotrust.testing.dpop import DPoPClient, token_hash
from zerotrust.verifiers.dpop import ASYMMETRIC, MAX_JTI, MAX_PROOF, DPoP
from zerotrust.verifiers.nonces import Nonces
from zerotrust.wire.thumbprint import thumbprint

# RFC 9449 section 7.1: the request of figure 12.
RFC_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
RFC_PROOF = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyV"
    "VFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMW"
    "ozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6"
    "MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRim"
    "PPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
RFC_JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
RFC_IAT = 1562262618


def published(**changes: Any) -> str:
    request = {
        "now": RFC_IAT,
        "host": "resource.example.org",
        "path": "/protectedresource",
        "raw_path": None,
        **changes,
    }
    token, jkt = request.pop("token", RFC_TOKEN), request.pop("jkt", RFC_JKT)
    return verdict(RFC_PROOF, token=token, jkt=jkt, **request)


def test_the_example_of_section_7_1() -> None:
    assert published() == "good"
    assert published(jkt=CLIENT.jkt) == "key_mismatch the key of the proof (RFC 9449 section 4.3)"
    assert published(token=TOKEN).startswith("bad_proof ath")
    assert published(method="POST") == "bad_proof htm"
    assert published(path="/protectedresource/") == "bad_proof htu"
    assert published(now=RFC_IAT + 70) == "bad_proof iat"


def test_section_4_2_the_hash_of_the_example() -> None:
    assert token_hash(RFC_TOKEN) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


# --- Items 1 to 3: one well-formed JWT with every claim --------------------------------------------------------------
def test_item_1_there_is_one_header() -> None:
    dpop, good = DPoP(), proof()
    assert code(dpop.check(asked(), TOKEN, CLIENT.jkt)) == "proof_required DPoP"
    assert code(dpop.check(asked(good), TOKEN, CLIENT.jkt)) == "good"
    assert code(dpop.check(asked(good, good), TOKEN, CLIENT.jkt)) == "duplicate_header"
    assert code(dpop.check(asked(good, proof()), TOKEN, CLIENT.jkt)) == "duplicate_header"


@pytest.mark.parametrize("joint", [",", ", ", " , "])
def test_item_1_headers_that_a_proxy_has_joined(joint: str) -> None:
    assert verdict(joint.join([proof(), proof()])) == "duplicate_header"
    assert verdict(proof() + joint) == "duplicate_header"


@pytest.mark.parametrize(
    "sent",
    ["", ".", "..", "...", "a", "a.b", "é", b"\xff\xfe", b"\x00", "null", "{}", " ", "e30.e30.e30", "e30..", "=.=.="],
)
def test_item_2_what_is_no_token(sent: str | bytes) -> None:
    assert verdict(sent).startswith("bad_proof")


def test_item_2_blanks_quotes_and_padding() -> None:
    good = proof()
    for sent in (f" {good}", f"{good} ", f'"{good}"', f"{good}=", f"DPoP {good}", good.replace(".", ". "), f"{good}\n"):
        assert verdict(sent).startswith("bad_proof")


def test_item_2_five_parts_have_a_reason_of_their_own() -> None:
    assert verdict(CLIENT.forge_encrypted("GET", URL, TOKEN)) == "encrypted a DPoP proof"


def test_item_2_a_proof_has_a_greatest_length() -> None:
    good = proof()
    padded = CLIENT.proof("GET", URL, TOKEN, pad="a" * (MAX_PROOF * 3 // 4 - len(good)))
    assert MAX_PROOF * 0.9 < len(padded) <= MAX_PROOF
    assert verdict(padded) == "good"
    assert verdict(CLIENT.proof("GET", URL, TOKEN, pad="a" * MAX_PROOF)) == "bad_proof too long"


@pytest.mark.parametrize(
    "payload",
    [b"null", b"[]", b'"a"', b"{", b'{"jti":1,"jti":2}', b"\xef\xbb\xbf{}", b"{}{}", b'{"a":NaN}', b"\xff"],
)
def test_item_2_payloads_that_are_no_claims(payload: bytes) -> None:
    assert verdict(CLIENT.sign(payload)) == "bad_proof claims"


@pytest.mark.parametrize("claim", ["jti", "htm", "htu", "iat", "ath"])
def test_item_3_every_claim_is_required(claim: str) -> None:
    assert changed(**{claim: OMIT}).startswith(f"bad_proof {claim}")


@pytest.mark.parametrize("claim", ["jti", "htm", "htu", "iat", "ath"])
@pytest.mark.parametrize("value", [None, True, False, 0, 1.5, [], {}, ["a"], {"a": "b"}, ""])
def test_item_3_every_claim_has_its_type(claim: str, value: Any) -> None:
    assert changed(**{claim: value}).startswith(f"bad_proof {claim}")


@pytest.mark.parametrize(
    ("jti", "outcome"), [("a", "good"), ("a" * MAX_JTI, "good"), ("a" * (MAX_JTI + 1), "bad_proof jti")]
)
def test_item_3_an_id_has_a_greatest_length(jti: str, outcome: str) -> None:
    assert changed(jti=jti) == outcome


def test_claims_nobody_knows_are_ignored() -> None:
    assert changed(exp=1, nbf=NOW + 999, aud="another", nonce="whatever", nested={"a": [1]}) == "good"


# --- Items 4 to 7: header, signature and key -------------------------------------------------------------------------
@pytest.mark.parametrize(
    "typ", ["JWT", "at+jwt", "DPoP+JWT", "application/dpop+jwt", "dpop+jwt ", "dpop", "", None, 1, OMIT]
)
def test_item_4_the_type_is_exactly_that_of_a_proof(typ: Any) -> None:
    outcome = changed({"typ": typ})
    assert outcome.startswith(("bad_proof typ", "bad_proof header"))


@pytest.mark.parametrize(
    "alg", ["ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"]
)
def test_item_5_every_family_of_asymmetric_algorithms(alg: Any) -> None:
    client = DPoPClient(alg, clock=lambda: NOW)
    assert verdict(proof(client), jkt=client.jkt) == "good"
    assert verdict(proof(client), DPoP(algorithms=ASYMMETRIC - {alg}), jkt=client.jkt) == "bad_proof alg"
    assert verdict(proof(client), DPoP(algorithms={alg}), jkt=client.jkt) == "good"
    assert (
        verdict(client.forge_foreign_key("GET", URL, TOKEN), jkt=client.jkt) == "bad_proof the signature does not match"
    )


@pytest.mark.parametrize("alg", ["Ed25519", "Ed448"])
def test_item_5_the_names_of_rfc_9864(alg: str) -> None:
    one = signer(alg)
    jwk = {name: one.jwk[name] for name in ("kty", "crv", "x")}
    body = {"jti": "1", "htm": "GET", "htu": URL, "iat": NOW, "ath": token_hash(TOKEN)}
    sent = one.token(body, typ="dpop+jwt", jwk=jwk, kid=None)
    assert verdict(sent, jkt=str(thumbprint(jwk))) == "good"


@pytest.mark.parametrize(
    "alg", ["none", "None", "", "HS256", "HS512", "es256", "ES256 ", "ES256K", "RSA-OAEP", None, 256, OMIT]
)
def test_item_5_algorithms_that_are_none(alg: Any) -> None:
    outcome = changed({"alg": alg})
    assert outcome.startswith(("bad_proof alg", "bad_proof header"))


@pytest.mark.parametrize("alg", ["ES384", "RS256", "EdDSA"])
def test_item_5_an_algorithm_that_does_not_fit_the_key(alg: str) -> None:
    assert changed({"alg": alg}) == "bad_proof jwk"


def test_item_6_the_signature_is_by_the_key_that_is_shown() -> None:
    assert verdict(CLIENT.forge_foreign_key("GET", URL, TOKEN)) == "bad_proof the signature does not match"
    assert verdict(proof().rpartition(".")[0] + ".") == "bad_proof the signature does not match"


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"])
def test_item_7_a_private_key_is_refused(member: str) -> None:
    for value in ("AAAA", None, ""):
        assert changed({"jwk": {**CLIENT.jwk, member: value}}) == "bad_proof jwk"


@pytest.mark.parametrize("jwk", [None, OMIT, "", "key", [], [{}], 1, {}, {"kty": "EC"}, {"kty": "oct", "k": "AAAA"}])
def test_a_key_that_is_none(jwk: Any) -> None:
    assert changed({"jwk": jwk}).startswith("bad_proof jwk")


@pytest.mark.parametrize(
    "changes", [{"use": "enc"}, {"key_ops": ["sign"]}, {"alg": "ES384"}, {"kid": 1}, {"crv": "P-384"}, {"x": "AAAA"}]
)
def test_a_key_for_something_else(changes: dict[str, Any]) -> None:
    assert changed({"jwk": {**CLIENT.jwk, **changes}}).startswith(("bad_proof jwk", "key_mismatch"))


def test_what_else_stands_in_the_header_is_not_trusted() -> None:
    extra = {"kid": "another", "jku": "https://evil.example/jwks", "x5u": "https://evil.example", "x5c": ["AAAA"]}
    assert changed(extra) == "good"
    assert changed({"jwk": {**CLIENT.jwk, "use": "sig", "key_ops": ["verify"], "ext": True, "alg": "ES256"}}) == "good"
    assert verdict(OTHER.proof("GET", URL, TOKEN, header={"kid": CLIENT.jkt, "key": dict(CLIENT.jwk)})).startswith(
        "key_mismatch"
    )
    assert changed({"crit": ["jwk"]}).startswith("bad_proof header")
    assert changed({"crit": ["exp"], "exp": 1}).startswith("bad_proof header")
    assert changed({"b64": False}).startswith("bad_proof header")


# --- Items 8 and 9: this request -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("htm", "method"), [("get", "GET"), ("GET", "get"), ("POST", "GET"), ("GET ", "GET"), ("*", "GET")]
)
def test_item_8_the_method_is_compared_as_it_stands(htm: str, method: str) -> None:
    assert verdict(proof(method=htm), method=method) == "bad_proof htm"
    assert verdict(proof(method=method), method=method) == "good"


@pytest.mark.parametrize(
    "htu",
    [
        URL,
        "HTTPS://API.Example:443/accounts/1",
        "https://api.example/%61ccounts/%31",
        f"{URL}?a=b",
        f"{URL}#a",
        f"{URL}?a=https://evil.example/#b",
    ],
)
def test_item_9_the_same_url_in_another_spelling(htu: str) -> None:
    assert verdict(proof(url=htu)) == "good"


@pytest.mark.parametrize(
    "htu",
    [
        "https://api.example/accounts/2",
        "https://api.example/accounts/1/",
        "https://api.example/Accounts/1",
        "https://api.example/accounts%2F1",
        "https://api.example//accounts/1",
        "https://api.example/accounts/1;a",
        "http://api.example/accounts/1",
        "wss://api.example/accounts/1",
        "https://evil.example/accounts/1",
        "https://api.example.evil.example/accounts/1",
        "https://api.example:8443/accounts/1",
        "https://user@api.example/accounts/1",
        "https://api.example/a/../accounts/1",
        "https://api.example/a/%2e%2e/accounts/1",
        "https://api.example/./accounts/1",
        "https://api.example\\@evil.example/accounts/1",
        "https://api.example/accounts/1\n",
        "/accounts/1",
        "api.example/accounts/1",
        "",
    ],
)
def test_item_9_another_url(htu: str) -> None:
    assert verdict(proof(url=htu)) == "bad_proof htu"


def test_item_9_what_is_sent_encoded_is_compared_encoded() -> None:
    for htu, raw_path, outcome in (
        ("https://api.example/a%2fb", "/a%2Fb", "good"),
        ("https://api.example/a/b", "/a%2Fb", "bad_proof htu"),
        ("https://api.example/a%2Fb", "/a/b", "bad_proof htu"),
        ("https://api.example/caf%c3%a9", "/caf%C3%A9", "good"),
    ):
        assert verdict(proof(url=htu), raw_path=raw_path) == outcome


def test_item_9_without_the_path_as_sent_an_encoded_slash_is_refused() -> None:
    for htu, path, outcome in (
        ("https://api.example/a/b", "/a/b", "good"),
        ("https://api.example/caf%C3%A9", "/café", "good"),
        ("https://api.example/a%20b", "/a b", "good"),
        ("https://api.example/a%2Fb", "/a/b", "bad_proof htu"),
    ):
        assert verdict(proof(url=htu), path=path, raw_path=None) == outcome


@pytest.mark.parametrize(
    "request_changes",
    [
        {"host": ""},
        {"host": "api.example, evil.example"},
        {"host": "user@api.example"},
        {"scheme": "ftp"},
        {"raw_path": "/accounts/../accounts/1"},
        {"raw_path": "/accounts/1?a"},
        {"raw_path": "*"},
        {"raw_path": "https://api.example/accounts/1"},
        {"raw_path": None, "path": "/\ud800"},
    ],
)
def test_item_9_a_request_whose_url_cannot_be_told(request_changes: dict[str, Any]) -> None:
    assert verdict(proof(), **request_changes) == "bad_proof the URL of the request"


def test_item_9_a_websocket_is_the_https_request_that_opens_it() -> None:
    """RFC 6455 section 4.1: the handshake is an HTTP request, and its target URI has an HTTP scheme."""
    assert verdict(proof(), scheme="wss") == "good"
    assert verdict(proof(url="http://api.example/accounts/1"), scheme="ws") == "good"
    assert verdict(proof(url="wss://api.example/accounts/1"), scheme="wss") == "bad_proof htu"


@pytest.mark.parametrize(
    ("base", "raw_path", "htu"),
    [
        ("https://public.example", "/a", "https://public.example/a"),
        ("https://public.example/", "/a", "https://public.example/a"),
        ("https://Public.example:443/v1", "/a", "https://public.example/v1/a"),
        ("https://public.example/v1/", "/a", "https://public.example/v1/a"),
        ("https://public.example/v1", "/", "https://public.example/v1/"),
        ("http://127.0.0.1:8000", "/a", "http://127.0.0.1:8000/a"),
    ],
)
def test_item_9_behind_a_proxy_the_public_url_counts(base: str, raw_path: str, htu: str) -> None:
    dpop = DPoP(url=base)
    for request in ({"scheme": "http", "host": "10.0.0.7:8000"}, {"host": "evil.example"}, {"host": ""}):
        assert verdict(proof(url=htu), dpop, raw_path=raw_path, **request) == "good"
        assert (
            verdict(proof(url=f"http://10.0.0.7:8000{raw_path}"), dpop, raw_path=raw_path, **request) == "bad_proof htu"
        )


# --- Item 10: nonces -------------------------------------------------------------------------------------------------
def test_item_10_a_nonce_of_ours_is_required_where_there_are_nonces() -> None:
    nonces = Nonces(SECRET)
    dpop, nonce = DPoP(nonces=nonces), nonces.make(NOW)
    assert verdict(proof(nonce=nonce), dpop) == "good"
    for wrong in (nonces.make(NOW - 600), Nonces(bytes(range(1, 33))).make(NOW), "", "é", nonce + "A"):
        assert verdict(proof(nonce=wrong), dpop) == "nonce_required"
    for odd in (OMIT, None, 1, True, [nonce], {"nonce": nonce}):
        assert verdict(CLIENT.proof("GET", URL, TOKEN, nonce=odd), dpop) == "nonce_required"  # type: ignore[arg-type]


def test_item_10_the_next_nonce_goes_with_every_answer() -> None:
    nonces = Nonces(SECRET)
    assert DPoP(nonces=nonces).continuing(NOW) == ((b"dpop-nonce", nonces.make(NOW).encode()),)
    assert DPoP().continuing(NOW) == ()


# --- Item 11: time ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("age", "outcome"),
    [
        (-11, "bad_proof iat"),
        (-10, "good"),
        (0, "good"),
        (60, "good"),
        (69, "good"),
        (70, "bad_proof iat"),
        (1e6, "bad_proof iat"),
    ],
)
def test_item_11_a_proof_is_good_for_a_minute(age: float, outcome: str) -> None:
    assert verdict(proof(), now=NOW + age) == outcome


@pytest.mark.parametrize(
    ("age", "outcome"), [(-1, "bad_proof iat"), (0, "good"), (299.5, "good"), (300, "bad_proof iat")]
)
def test_item_11_as_long_as_one_says(age: float, outcome: str) -> None:
    assert verdict(proof(), DPoP(max_age=minutes(5), leeway=seconds(0)), now=NOW + age) == outcome


@pytest.mark.parametrize(
    "iat", [NOW + 0.0, NOW + 0.5, str(NOW), f"{NOW}", True, None, [NOW], float("nan"), float("inf"), -NOW, 10**19]
)
def test_item_11_the_time_is_a_whole_number_of_seconds(iat: Any) -> None:
    assert changed(iat=iat) in ("bad_proof iat", "bad_proof claims")


# --- Item 12: this token, this key -----------------------------------------------------------------------------------
def test_item_12_the_hash_is_that_of_the_token() -> None:
    for ath in (token_hash(TOKEN + "A"), token_hash(TOKEN) + "=", TOKEN, "", "é" * 43, token_hash(TOKEN).lower()):
        assert changed(ath=ath).startswith("bad_proof ath")


def test_item_12_the_key_is_the_one_the_token_is_bound_to() -> None:
    assert verdict(proof(OTHER)).startswith("key_mismatch")
    for jkt in ("", "é", "\ud800", CLIENT.jkt + "=", CLIENT.jkt.lower(), CLIENT.jkt[:-1], OTHER.jkt):
        assert verdict(proof(), jkt=jkt).startswith("key_mismatch")
