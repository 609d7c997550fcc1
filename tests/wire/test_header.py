"""RFC 7515 section 4: what a protected header may say, and what it is held to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.signing import b64, compact_json
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.wire.header import Header, HeaderRules, media_type, parse_header


def read(header: object) -> Header | Reason:
    return parse_header(b64(header if isinstance(header, bytes) else compact_json(header)).encode())


def code(header: object) -> str:
    outcome = read(header)
    assert isinstance(outcome, Reason), outcome
    return outcome.code


def test_a_header_and_its_parameters() -> None:
    header = read({"alg": "ES256", "kid": "a", "typ": "at+jwt", "x5t": "thumb", "unheard": {"of": 1}})
    assert isinstance(header, Header)
    assert (header.alg, header.kid, header.typ) == ("ES256", "a", "at+jwt")
    assert header.parameters["unheard"] == {"of": 1}
    least = read({"alg": "none"})
    assert isinstance(least, Header)
    assert (least.alg, least.kid, least.typ) == ("none", None, None)


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"alg": None},
        {"alg": 256},
        {"alg": ["ES256"]},
        {"alg": "ES256", "kid": 1},
        {"alg": "ES256", "kid": None},
        {"alg": "ES256", "kid": ["a"]},
        {"alg": "ES256", "kid": {"a": "b"}},
        {"alg": "ES256", "typ": 1},
        {"alg": "ES256", "typ": None},
        {"alg": "ES256", "typ": ["at+jwt"]},
        [],
        "ES256",
        b"",
        b"{",
        b'{"alg":"none","alg":"ES256"}',
        b'{"alg":"ES256","kid":"a","kid":"b"}',
        b'\xef\xbb\xbf{"alg":"ES256"}',
        '{"alg":"ES256"}'.encode("utf-16"),
        b'{"alg":"ES256","x":NaN}',
        b'{"alg":"ES256","x":"\\ud800"}',
        b'{"alg":"ES256"}\x00',
    ],
)
def test_what_is_not_a_header(header: object) -> None:
    assert code(header) == "malformed"


def test_a_header_is_bounded() -> None:
    assert code({"alg": "ES256", "x": "a" * 8192}) == "too_large"
    assert code(b'{"alg":"ES256","x":' + b"[" * 20 + b"]" * 20 + b"}") == "too_large"
    assert code(b'{"alg":"ES256","x":' + b"9" * 100 + b"}") == "too_large"


@pytest.mark.parametrize(
    "crit",
    [
        [],
        None,
        "b64",
        {},
        1,
        [1],
        [None],
        [["b64"]],
        ["exp"],
        ["b64", "b64"],
        ["alg"],
        ["typ"],
        ["kid"],
        ["crit"],
        [""],
    ],
)
def test_crit_that_is_not_well_formed(crit: object) -> None:
    assert code({"alg": "ES256", "typ": "JWT", "kid": "a", "b64": True, "crit": crit}) == "malformed"


@pytest.mark.parametrize(
    "extra", [{"exp": 1}, {"b64": False}, {"http://example.com/ext": True}, {"b64": True, "exp": 1}]
)
def test_no_critical_extension_is_understood(extra: dict[str, object]) -> None:
    refused = read({"alg": "ES256", **extra, "crit": list(extra)})
    assert isinstance(refused, Reason)
    assert refused.code == "critical_unknown"
    assert refused.presented == " ".join(extra)


@pytest.mark.parametrize("b64_value", [False, True, None, "false"])
def test_b64_is_refused_even_when_it_is_not_called_critical(b64_value: object) -> None:
    assert code({"alg": "ES256", "b64": b64_value}) == "critical_unknown"


@given(st.binary(max_size=80))
def test_any_segment_gives_a_header_or_a_reason(segment: bytes) -> None:
    assert isinstance(parse_header(segment), Header | Reason)
    assert isinstance(read(segment), Header | Reason)


@pytest.mark.parametrize(
    ("typ", "expected"),
    [
        ("at+jwt", "application/at+jwt"),
        ("AT+JWT", "application/at+jwt"),
        ("application/at+jwt", "application/at+jwt"),
        ("Application/AT+jwt", "application/at+jwt"),
        ("example/at+jwt", "example/at+jwt"),
        ("JWT", "application/jwt"),
    ],
)
def test_media_types(typ: str, expected: str) -> None:
    assert media_type(typ) == expected


RULES = HeaderRules(frozenset({"ES256", "ES384"}), frozenset({"at+jwt"}))


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "APPLICATION/at+JWT"])
def test_the_type_expected_in_every_spelling(typ: str) -> None:
    assert RULES.refusal(Header("ES256", None, typ, {})) is None


@pytest.mark.parametrize(
    "typ",
    [
        None,
        "",
        "JWT",
        "at+jwt ",
        " at+jwt",
        "at+jwt\n",
        "at+jwt\x00",
        "application/application/at+jwt",
        "example/at+jwt",
        "logout+jwt",
        "secevent+jwt",
        "dpop+jwt",
        "at\u2795jwt",
        "\u0430t+jwt",
        "at+jwt;a=b",
        "application/",
    ],
)
def test_tokens_of_other_types(typ: str | None) -> None:
    refused = RULES.refusal(Header("ES256", None, typ, {}))
    assert refused is not None
    assert refused.code == "wrong_type"


def test_the_kelvin_sign_is_not_a_k() -> None:
    rules = HeaderRules(frozenset({"ES256"}), frozenset({"token-introspection+jwt"}))
    assert rules.refusal(Header("ES256", None, "TOKEN-introspection+jwt", {})) is None
    assert rules.refusal(Header("ES256", None, "to\u212aen-introspection+jwt", {})) is not None


def test_typ_may_be_declared_optional() -> None:
    rules = HeaderRules(frozenset({"ES256"}), frozenset({"at+jwt", "JWT"}), typ_optional=True)
    assert rules.refusal(Header("ES256", None, None, {})) is None
    assert rules.refusal(Header("ES256", None, "jwt", {})) is None
    assert rules.refusal(Header("ES256", None, "dpop+jwt", {})) is not None


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "nOnE", "", "es256", "ES256 ", "ES256\n", "ES512", "RS256", "HS256", "ES256K"]
)
def test_algorithms_that_are_not_pinned(alg: str) -> None:
    refused = RULES.refusal(Header(alg, None, "at+jwt", {}))
    assert refused is not None
    assert (refused.code, refused.expected) == ("algorithm", "ES256 or ES384")


@pytest.mark.parametrize(
    ("algorithms", "types", "optional", "message"),
    [
        (set(), {"at+jwt"}, False, "none at all"),
        ({"none"}, {"at+jwt"}, False, "none cannot be pinned"),
        ({"ES256", "ES256K"}, {"at+jwt"}, False, "ES256K"),
        ({"RS256", "HS256"}, {"at+jwt"}, False, "mixes HMAC"),
        ({"ES256"}, set(), False, "no token could pass"),
    ],
)
def test_rules_that_make_no_sense(algorithms: set[str], types: set[str], optional: bool, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        HeaderRules(frozenset(algorithms), frozenset(types), typ_optional=optional)


def test_long_values_are_cut_in_reasons() -> None:
    refused = RULES.refusal(Header("A" * 5000, None, "at+jwt", {}))
    assert refused is not None
    assert len(str(refused)) < 400
    critical = read({"alg": "ES256", "e" * 5000: 1, "crit": ["e" * 5000]})
    assert isinstance(critical, Reason)
    assert len(str(critical)) < 400
