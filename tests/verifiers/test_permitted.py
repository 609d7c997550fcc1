"""What the subject and all actors may do together: the intersection along the chain, and its laws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifiers.tokens import NOW, URL, bearer, mint, request, static
from zerotrust.core.decision import Allow, Decision
from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import Leaf, Policy
from zerotrust.core.verdict import Verdict
from zerotrust.engine import decide
from zerotrust.testing import act_chain
from zerotrust.verifiers.token_evidence import TokenEvidence

TOKEN = bearer()
OTHER = "https://other.example"
YES, NO, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.UNKNOWN

TABLE = {
    "ada": {"invoices:read", "invoices:write"},
    "bob": {"invoices:read"},
    "agent": ["invoices:read"],
    "ledger": ("invoices:read", "invoices:write"),
    "idle": set[str](),
}
WRITE = TOKEN.permitted("invoices:write", by=TABLE)
READ = TOKEN.permitted("invoices:read", by=TABLE)


def deciding(policy: Policy, **claims: object) -> Decision:
    return decide(policy, request(mint(**claims)))


def function(table: dict[Any, Any]) -> Callable[[str, str], Any]:
    return lambda issuer, sub: table.get(sub) if issuer == URL else None


@pytest.mark.parametrize("make", [lambda leaf: leaf, lambda leaf: leaf & TOKEN.that(lambda _: True, "interpreted")])
@pytest.mark.parametrize("by", [TABLE, function(TABLE)], ids=["table", "function"])
@pytest.mark.parametrize(
    ("subject", "actors", "names", "verdict"),
    [
        ("ada", "", "invoices:write", YES),
        ("bob", "", "invoices:write", NO),
        ("eve", "", "invoices:write", UNKNOWN),
        ("idle", "", "invoices:read", NO),
        ("ada", "ledger", "invoices:write", YES),
        ("ada", "agent", "invoices:write", NO),
        ("ada", "agent", "invoices:read", YES),
        ("ada", "ledger agent", "invoices:write", NO),  # an earlier actor limits; it never adds
        ("ada", "agent ledger", "invoices:write", NO),
        ("bob", "ledger", "invoices:write", NO),  # an actor lends the subject nothing
        ("ada", "stranger", "invoices:write", UNKNOWN),
        ("ada", "ledger stranger", "invoices:write", UNKNOWN),
        ("ada", "stranger agent", "invoices:write", NO),
        ("ada", "agent stranger", "invoices:write", NO),
        ("ada", "ledger", "invoices:read invoices:write", YES),
        ("ada", "agent", "invoices:read invoices:write", NO),
        ("ada", "", "nothing", NO),
        ("ada", "ada", "invoices:write", YES),
    ],
)
def test_answers(
    subject: str, actors: str, names: str, verdict: Verdict, by: Any, make: Callable[[Policy], Policy]
) -> None:
    claims = {"sub": subject, **({"act": act_chain(*actors.split())} if actors else {})}
    leaf = TOKEN.permitted(*names.split(), by=by)
    assert deciding(make(leaf), **claims).verdict is verdict
    assert deciding(make(~leaf), **claims).verdict is ~verdict


def test_nothing_is_known_without_a_token() -> None:
    for leaf in (READ, TOKEN.permitted("invoices:read", by=function(TABLE))):
        for policy in (leaf, ~leaf):
            assert decide(policy, request()).verdict is UNKNOWN
            assert decide(policy, request(mint(exp=NOW - 60))).verdict is UNKNOWN


def test_the_token_has_to_be_for_it_too() -> None:
    policy = TOKEN.scope("invoices:write") & WRITE
    assert deciding(policy, scope="invoices:write")
    assert not deciding(policy, scope="invoices:read")
    assert not deciding(policy, sub="bob", scope="invoices:write")


# --- Who is meant ----------------------------------------------------------------------------------------------------
def test_an_actor_of_another_issuer_is_somebody_else() -> None:
    assert deciding(READ, act={"sub": "agent"}).verdict is YES
    assert deciding(READ, act={"sub": "agent", "iss": URL}).verdict is YES
    assert deciding(READ, act={"sub": "agent", "iss": OTHER}).verdict is UNKNOWN
    both = TOKEN.permitted("invoices:read", by={(URL, "ada"): {"invoices:read"}, (OTHER, "agent"): {"invoices:read"}})
    assert deciding(both, act={"sub": "agent", "iss": OTHER}).verdict is YES
    assert deciding(both, act={"sub": "agent"}).verdict is UNKNOWN


def test_several_issuers_name_their_own() -> None:
    verifier = bearer(static(), static(OTHER))
    leaf = verifier.permitted("read", by={(URL, "ada"): {"read"}, (OTHER, "ada"): {"write"}})
    assert decide(leaf, request(mint())).verdict is YES
    assert decide(leaf, request(mint(iss=OTHER))).verdict is NO
    with pytest.raises(ConfigError, match="each issuer may have a 'ada'"):
        verifier.permitted("read", by={"ada": {"read"}})


def test_a_table_is_what_it_was() -> None:
    mine = {"ada": {"read"}}
    leaf = TOKEN.permitted("admin", by=mine)
    mine["ada"].add("admin")
    mine["eve"] = {"admin"}
    assert deciding(leaf).verdict is NO
    assert deciding(leaf, sub="eve").verdict is UNKNOWN


# --- A function may do anything --------------------------------------------------------------------------------------
def raises(issuer: str, sub: str) -> set[str]:
    raise RuntimeError(sub)


@pytest.mark.parametrize(
    "by",
    [
        raises,
        lambda issuer, sub: "invoices:read",  # a text holds each of its parts
        lambda issuer, sub: True,
        lambda issuer, sub: [b"invoices:read"],
        lambda issuer, sub: ["invoices:read", 7],
        lambda issuer, sub: iter(["invoices:read"]),
        lambda sub: {"invoices:read"},
    ],
)
def test_a_function_that_says_nothing_usable_leaves_it_open(by: Any) -> None:
    leaf = TOKEN.permitted("invoices:read", by=by)
    for policy in (leaf, ~leaf):
        decision = deciding(policy)
        assert decision.verdict is UNKNOWN
        assert not isinstance(decision, Allow)
        assert decision.reason.code == "predicate_failed"
        assert "what ada may do is not known" in str(decision)
        assert decision.reason.presented  # what it raised or gave, which the guard's log tells


@pytest.mark.parametrize("by", [TABLE, function(TABLE)])
def test_that_somebody_is_not_known_is_no_failure(by: Any) -> None:
    """It is the caller who is nobody here, not the application that cannot say."""
    leaf = TOKEN.permitted("invoices:read", by=by)
    for policy in (leaf, ~leaf):
        decision = deciding(policy, sub="eve")
        assert decision.verdict is UNKNOWN
        assert not isinstance(decision, Allow)
        assert (decision.reason.code, decision.reason.detail) == ("not_satisfied", "what eve may do is not known")


def test_a_failure_is_told_before_somebody_unknown() -> None:
    def by(issuer: str, sub: str) -> set[str] | None:
        if sub == "broken":
            raise RuntimeError
        return None

    for chain in (("broken", "agent"), ("agent", "broken")):
        decision = deciding(TOKEN.permitted("x", by=by), act=act_chain(*chain))
        assert not isinstance(decision, Allow)
        assert (decision.reason.code, decision.reason.presented) == ("predicate_failed", "RuntimeError")


def test_whoever_lacks_it_is_known_whatever_happens_for_another() -> None:
    def by(issuer: str, sub: str) -> set[str]:
        if sub == "broken":
            raise RuntimeError
        return set()

    for chain in (("broken", "agent"), ("agent", "broken")):
        assert deciding(TOKEN.permitted("x", by=by), act=act_chain(*chain)).verdict is NO


def test_a_function_is_asked_once_about_each() -> None:
    asked: list[tuple[str, str]] = []

    def by(issuer: str, sub: str) -> set[str]:
        asked.append((issuer, sub))
        return {"read"}

    decision = deciding(TOKEN.permitted("read", by=by), act=act_chain("agent", (OTHER, "agent"), "agent", "ada"))
    assert asked == [(URL, "ada"), (URL, "agent"), (OTHER, "agent")]
    assert decision.explanation.detail == "agent for ada, through agent of https://other.example, agent, ada"
    assert len(asked) == 3


async def later(issuer: str, sub: str) -> set[str]:
    return {"read"}


@pytest.mark.parametrize(
    ("by", "says"),
    [
        (later, "plain function"),
        (None, "takes a mapping"),
        ({"invoices:read"}, "takes a mapping"),
        ({"ada": "invoices:read"}, "what 'ada' holds"),
        ({"ada": None}, "what 'ada' holds"),
        ({"ada": [1]}, "what 'ada' holds"),
        ({"": {"read"}}, "is nobody"),
        ({7: {"read"}}, "is nobody"),
        ({(URL, ""): {"read"}}, "is nobody"),
        ({("a", "b", "c"): {"read"}}, "is nobody"),
        ({(URL, 7): {"read"}}, "is nobody"),
    ],
)
def test_mistakes(by: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        TOKEN.permitted("read", by=by)


@pytest.mark.parametrize("names", [(), ("",), (7,), ("read", None)])
def test_names_are_texts(names: Any) -> None:
    with pytest.raises(ConfigError, match="permitted"):
        TOKEN.permitted(*names, by=TABLE)


# --- How it shows ----------------------------------------------------------------------------------------------------
def test_it_shows_who_lacks_what() -> None:
    def detail(leaf: Leaf[TokenEvidence], **claims: object) -> str:
        return deciding(leaf, **claims).explanation.detail

    assert str(WRITE) == 'token.permitted("invoices:write")'
    assert str(TOKEN.permitted("a", "b", by=TABLE)) == 'token.permitted("a", "b")'
    assert detail(WRITE, act=act_chain("ledger")) == "held by ada, ledger"
    assert detail(WRITE, sub="bob", act=act_chain("ledger", "agent")) == (
        "bob lacks invoices:write; agent lacks invoices:write"
    )
    assert "what eve may do is not known" in detail(WRITE, sub="eve")
    assert "what agent of https://other.example may do is not known" in detail(READ, act=act_chain((OTHER, "agent")))


def test_leaves_are_equal_if_they_ask_the_same() -> None:
    same = {name: frozenset(held) for name, held in reversed(TABLE.items())}
    assert TOKEN.permitted("invoices:write", by=same) == WRITE
    assert hash(TOKEN.permitted("invoices:write", by=same)) == hash(WRITE)
    assert TOKEN.permitted("invoices:write", by={"ada": {"invoices:write"}}) != WRITE
    assert READ != WRITE
    by = function(TABLE)
    assert TOKEN.permitted("a", by=by) == TOKEN.permitted("a", by=by)
    assert TOKEN.permitted("a", by=by) != TOKEN.permitted("a", by=function(TABLE))
    assert "ada" not in repr(WRITE.question)


# --- The laws --------------------------------------------------------------------------------------------------------
NAMES = st.sampled_from(["ada", "bob", "agent", "ledger", "cron"])
PERMISSIONS = st.sampled_from(["read", "write", "admin"])
TABLES = st.dictionaries(NAMES, st.frozensets(PERMISSIONS), max_size=5)
CHAINS = st.lists(NAMES, max_size=4)
ASKED = st.frozensets(PERMISSIONS, min_size=1).map(sorted)


def naive(table: dict[str, frozenset[str]], asked: list[str], parties: list[str]) -> Verdict:
    """The same, said again without any of the library."""
    answers = [None if party not in table else all(name in table[party] for name in asked) for party in parties]
    if False in answers:
        return NO
    return UNKNOWN if None in answers else YES


def both_ways(table: dict[str, frozenset[str]], asked: list[str], subject: str, chain: list[str]) -> Verdict:
    claims = {"sub": subject, **({"act": act_chain(*chain)} if chain else {})}
    verdicts = {deciding(TOKEN.permitted(*asked, by=by), **claims).verdict for by in (table, function(table))}
    assert len(verdicts) == 1
    return verdicts.pop()


@given(TABLES, ASKED, NAMES, CHAINS)
def test_law_it_is_the_intersection(
    table: dict[str, frozenset[str]], asked: list[str], subject: str, chain: list[str]
) -> None:
    assert both_ways(table, asked, subject, chain) is naive(table, asked, [subject, *chain])


@given(TABLES, ASKED, NAMES, st.lists(NAMES, max_size=3), NAMES, st.data())
def test_law_another_actor_never_grants(
    table: dict[str, frozenset[str]], asked: list[str], subject: str, chain: list[str], more: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(chain)))
    if both_ways(table, asked, subject, [*chain[:at], more, *chain[at:]]) is YES:
        assert both_ways(table, asked, subject, chain) is YES


@given(TABLES, ASKED, NAMES, CHAINS, st.randoms(use_true_random=False))
def test_law_their_order_does_not_matter(
    table: dict[str, frozenset[str]], asked: list[str], subject: str, chain: list[str], chance: Any
) -> None:
    shuffled = list(chain)
    chance.shuffle(shuffled)
    assert both_ways(table, asked, subject, chain) is both_ways(table, asked, subject, shuffled)


@given(TABLES, ASKED, NAMES, CHAINS, NAMES, PERMISSIONS)
def test_law_a_permission_less_never_grants(
    table: dict[str, frozenset[str]], asked: list[str], subject: str, chain: list[str], who: str, permission: str
) -> None:
    less = {name: held - {permission} if name == who else held for name, held in table.items()}
    if both_ways(less, asked, subject, chain) is YES:
        assert both_ways(table, asked, subject, chain) is YES


@given(TABLES, ASKED, NAMES, CHAINS, NAMES)
def test_law_to_know_less_settles_nothing_in_anybodys_favour(
    table: dict[str, frozenset[str]], asked: list[str], subject: str, chain: list[str], who: str
) -> None:
    """Neither the leaf nor its negation becomes YES because somebody's entry went missing."""
    forgotten = {name: held for name, held in table.items() if name != who}
    after, before = both_ways(forgotten, asked, subject, chain), both_ways(table, asked, subject, chain)
    assert after is before or after is UNKNOWN
