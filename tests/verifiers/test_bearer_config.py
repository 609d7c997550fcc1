"""Verifiers and leaves that make no sense fail where they are written, and say what to write instead."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum, IntEnum, StrEnum
from typing import Any

import pytest

from tests.verifiers.tokens import ISSUER, URL, bearer, jwks, mint, outcome, request, static
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.moments import days, minutes, seconds
from zerotrust.core.verdict import Verdict
from zerotrust.engine import decide
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.carrier import Carrier
from zerotrust.verifiers.dpop import DPoP
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.profile import Profile

TOKEN = bearer()


class Colour(StrEnum):
    RED = "red"


class OldColour(str, Enum):  # noqa: UP042 - this is how it was written before 3.11
    RED = "red"


class Level(IntEnum):
    HIGH = 3


@pytest.mark.parametrize("issuers", [(), (URL,), (static(), URL), (None,), (jwks(ISSUER),)], ids=range(5))
def test_issuers_come_first(issuers: tuple[Any, ...]) -> None:
    with pytest.raises(ConfigError, match=r"Bearer takes issuers first, .* write Bearer\(Issuer\("):
        Bearer(*issuers, audience="payments")


@pytest.mark.parametrize("several", [[static()], {static()}, [static(), static("https://b.example")], []])
def test_issuers_come_one_by_one(several: Any) -> None:
    with pytest.raises(ConfigError, match=r"write Bearer\(\*issuers, \.\.\.\)"):
        Bearer(several, audience="payments")


@pytest.mark.parametrize("carrier", [Carrier("x-edge-assertion"), Carrier("x-edge-assertion", "Edge")])
def test_no_proof_comes_with_what_a_proxy_puts_there(carrier: Carrier) -> None:
    behind = static(profile=Profile(carrier=carrier))
    with pytest.raises(ConfigError, match=r"dpop: tokens in x-edge-assertion.* come from a proxy"):
        Bearer(behind, audience="payments", dpop=DPoP())
    assert Bearer(behind, audience="payments").dpop is None


def test_issuer_and_audience_are_required() -> None:
    with pytest.raises(ConfigError, match=r"^no audience for https://issuer\.example: write Bearer\(\.\.\., audience="):
        Bearer(static())


def test_issuers_with_the_same_url() -> None:
    with pytest.raises(ConfigError, match=f"two issuers have the same url: {URL}"):
        bearer(static(), Issuer(URL))


@pytest.mark.parametrize(
    ("option", "value", "advice"),
    [
        ("audience", "", "audience takes one or more names"),
        ("audience", [], "audience takes one or more names"),
        ("audience", ["payments", ""], "audience takes one or more names"),
        ("audience", [5], "audience takes one or more names"),
        ("audience", b"payments", "audience takes one or more names"),
        ("audience", None, "no audience for https://issuer.example"),
        ("audience", 5, "audience takes one or more names"),
        ("require", 5, "require takes one or more names"),
        ("require", [5], "require takes one or more names"),
        ("require", [""], "require takes one or more names"),
        ("name", "", "write an identifier such as token"),
        ("name", "my token", "write an identifier such as token"),
        ("name", None, "write an identifier such as token"),
        ("name", 5, "write an identifier such as token"),
        ("realm", 'a"b', "printable ASCII without quotes"),
        ("realm", "a\\b", "printable ASCII without quotes"),
        ("realm", "a\r\nSet-Cookie: b", "printable ASCII without quotes"),
        ("realm", "ä", "printable ASCII without quotes"),
        ("realm", 5, "printable ASCII without quotes"),
        ("realm", "a\n", "printable ASCII without quotes"),
        ("leeway", 10, "a span of time such as minutes(5), not 10"),
        ("leeway", None, "a span of time"),
        ("leeway", seconds(-1), "out of range"),
        ("leeway", seconds(121), "leeway=121 s is out of range: 0 s to 2 min"),
        ("leeway", timedelta.max, "out of range"),
        ("max_lifetime", 300, "a span of time"),
        ("max_lifetime", seconds(0), "max_lifetime=0 s is out of range"),
        ("max_lifetime", days(99999), "out of range"),
        ("max_length", 255, "from 256 to 262144"),
        ("max_length", 256 * 1024 + 1, "from 256 to 262144"),
        ("max_length", True, "from 256 to 262144"),
        ("max_length", 1e4, "from 256 to 262144"),
        ("max_length", None, "from 256 to 262144"),
        ("roles", "", "roles takes the name of a claim"),
        ("roles", None, "roles takes the name of a claim"),
        ("groups", ["groups"], "groups takes the name of a claim"),
        ("roles", "scope", "roles='scope': the claim scope is no list of texts"),
        ("groups", "acr", "the claim acr is no list of texts; name the one that lists them"),
        ("roles", "may_act", "the claim may_act is no list of texts"),
    ],
)
def test_options(option: str, value: object, advice: str) -> None:
    with pytest.raises(ConfigError) as caught:
        bearer(**{option: value})
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("audience", ("a", "payments")),
        ("audience", {"payments"}),
        ("audience", (name for name in ["payments"])),
        ("require", ()),
        ("require", {"jti"}),
        ("require", "jti"),
        ("name", "jeton"),
        ("realm", ""),
        ("realm", "payments api"),
        ("realm", None),
        ("leeway", seconds(0)),
        ("leeway", minutes(2)),
        ("max_lifetime", None),
        ("max_lifetime", days(1)),
        ("max_length", 1000),
        ("roles", "https://issuer.example/roles"),
    ],
)
def test_options_that_are_fine(option: str, value: object) -> None:
    assert outcome(bearer(**{option: value}), mint()) == "verified"


def test_it_is_frozen_and_itself() -> None:
    with pytest.raises(AttributeError):
        TOKEN.audience = frozenset({"everybody"})  # type: ignore[misc]
    assert bearer() != bearer()
    assert len({TOKEN, bearer(), TOKEN}) == 2
    assert repr(bearer(name="jeton")) == "jeton"


# --- Leaves ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "scope", ["pay read", "", 'pay"', "pay\\", "pay\n", "p\u00e4y", None, 5, ["pay"], ("pay", "read")]
)
def test_scopes_that_no_token_can_hold(scope: Any) -> None:
    with pytest.raises(ConfigError, match="scope"):
        TOKEN.scope(scope)
    with pytest.raises(ConfigError, match="scope"):
        TOKEN.scope("pay", scope)


def test_scope_of_two_words_says_how_to_write_two_scopes() -> None:
    with pytest.raises(ConfigError, match=r'give several as scope\("read", "write"\)'):
        TOKEN.scope("read write")


@pytest.mark.parametrize("leaf", ["scope", "acr", "amr"])
def test_leaves_that_ask_for_nothing(leaf: str) -> None:
    with pytest.raises(ConfigError, match=f"{leaf} takes one or more names, not "):
        getattr(TOKEN, leaf)()


@pytest.mark.parametrize("value", ["", None, 5, ["staff"], True])
@pytest.mark.parametrize("leaf", ["role", "group", "subject", "acr", "amr", "claim", "has_claim"])
def test_names_in_leaves(leaf: str, value: object) -> None:
    several = leaf in {"acr", "amr"}
    count = "one or more names, not " if several else "exactly one name, not "
    if several and isinstance(value, list):
        count = "its names one by one"
    with pytest.raises(ConfigError, match=f"^{leaf} takes {count}"):
        getattr(TOKEN, leaf)(value)


@pytest.mark.parametrize("value", [None, 1.5, ["a"], {"a": 1}, b"a", object()])
def test_claims_are_compared_with_plain_values(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"^claim\('dept', .*compare with text, a whole number, True or False"):
        TOKEN.claim("dept", "finance", value)


@pytest.mark.parametrize("value", [Colour.RED, OldColour.RED, Level.HIGH])
def test_an_enumeration_would_never_be_equal_to_what_json_holds(value: Any) -> None:
    # `~token.claim("colour", Colour.RED)` would let everybody in.
    with pytest.raises(ConfigError, match=r"write its \.value"):
        TOKEN.claim("colour", value)


@pytest.mark.parametrize("url", ["https://other.example", URL + "/", "", None, 5, [URL]])
def test_an_issuer_that_is_not_believed(url: Any) -> None:
    with pytest.raises(ConfigError, match=f"can never hold; token believes {URL}"):
        TOKEN.issuer(url)


@pytest.mark.parametrize("within", [300, None, seconds(0), seconds(0.5), seconds(-5), days(99999)])
def test_fresh_takes_a_span(within: Any) -> None:
    with pytest.raises(ConfigError, match=r"^within"):
        TOKEN.fresh(within)


@pytest.mark.parametrize("acr", ["gold plus", 'gold"', "gold\n", "g\\"])
def test_acr_values_have_to_fit_a_challenge(acr: str) -> None:
    # RFC 9470 section 3: they are sent separated by spaces within quotes.
    with pytest.raises(ConfigError, match=r"^acr\("):
        TOKEN.acr("silver", acr)


def test_that_takes_a_function_and_a_text() -> None:
    with pytest.raises(ConfigError, match=r"that\(\) takes a function of the evidence, not 'finance'"):
        TOKEN.that("finance", "finance")  # type: ignore[arg-type]
    for text in ("", None, 5):
        with pytest.raises(ConfigError, match="that takes exactly one name"):
            TOKEN.that(lambda _: True, text)  # type: ignore[arg-type]


def test_that_cannot_wait() -> None:
    async def later(_: object) -> bool:
        return True

    with pytest.raises(ConfigError, match="takes a plain function"):
        TOKEN.that(later, "later")  # type: ignore[arg-type]


def test_keys_of_another_kind_are_recognised() -> None:
    with pytest.raises(ConfigError, match="write jwks_uri="):
        Issuer(URL, keys="https://issuer.example/jwks")
    with pytest.raises(ConfigError, match="PEM is not read"):
        Issuer(URL, keys="-----BEGIN PUBLIC KEY-----\n")


def test_a_subject_is_one_of_its_issuer() -> None:
    other = "https://other.example"
    verifier = bearer(Issuer(URL, keys=jwks(ISSUER)), Issuer(other, keys=jwks(ISSUER)))
    with pytest.raises(ConfigError, match=r"write subject\('ada', issuer=url\)"):
        verifier.subject("ada")
    with pytest.raises(ConfigError, match="can never hold"):
        verifier.subject("ada", "https://third.example")
    leaf = verifier.subject("ada", issuer=other)
    assert str(leaf) == f'token.subject("ada", "{other}")'
    assert decide(leaf, request(mint(iss=other, sub="ada")))
    assert not decide(leaf, request(mint(iss=URL, sub="ada")))
    assert decide(leaf, request(mint(iss=URL, sub="ada"))).verdict is Verdict.NO


def test_the_names_of_claims_are_no_leaves() -> None:
    token = Bearer(Issuer("https://login.example.com"), audience="payments", groups="teams")
    assert (token.roles, token.groups) == ("roles", "teams")
    for wrong in (token.roles, token.groups):
        with pytest.raises(PolicyError, match=r'token.role\("..."\) or token.group\("..."\)'):
            wrong("staff")  # type: ignore[operator]
    for leaf in (token.role("staff"), token.group("staff")):
        assert type(getattr(leaf.question, "source")) is str  # noqa: B009 - what documents write is plain
