"""Pages and charts show every part, its verdict, and what is known of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given

from tests.documents.samples import policies, token
from tests.laws.strategies import cases
from tests.laws.toys import NOW, TOKEN, facts
from tests.search import usually
from zerotrust.core.combining import PolicySet
from zerotrust.core.decision import Allow, Decision
from zerotrust.core.errors import PolicyError
from zerotrust.core.finding import Absent, Finding, Verified
from zerotrust.core.policy import Policy, all_of
from zerotrust.core.reason import NOT_PRESENTED
from zerotrust.core.verifier import Verifier
from zerotrust.documents import to_html, to_mermaid
from zerotrust.documents.html import age
from zerotrust.documents.parts import in_the_way, parts_of
from zerotrust.engine import judge

LINE = re.compile(
    r'n\d+(\["[^"\[\]<>]*(<br/>[^"\[\]<>]*)?"\]|\(\["[^"<>]*"\]\)|\[/"[^"<>]*"/\]|\("[^"<>]*"\)):::(yes|no|unknown|leaf|node'
    r"|name|tags)|n\d+ -->(\|\"[a-z]+\"\|)? n\d+|classDef [a-z]+ [a-z0-9:#,]+"
)


class Reader(HTMLParser):
    """What a browser would make of a page: its tags, all closed in order, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def decided(policy: Policy, known: dict[Verifier, Finding]) -> Decision:
    return judge(policy, known, NOW)


def sample() -> Decision:
    evidence = facts(flags={"pay"}, since=NOW - 8, level=1, expires_at=NOW + 60)
    policy = (TOKEN.has("pay") & (TOKEN.fresh(5) | TOKEN.level(3)) & ~TOKEN.has("root")).named("can pay")
    return decided(policy, {TOKEN: Verified(evidence)})


def test_a_page_of_a_decision_says_what_came_of_each_leaf() -> None:
    decision = sample()
    page = to_html(decision)
    text = Reader(page).text
    for said in (
        "can pay",
        "What would change it",
        "What stood in the way",
        "1970-01-01 00:16:40 UTC",
        "stays so until",
    ):
        assert said in text
    for leaf in decision.policy.program.leaves:
        assert str(leaf) in text
    for word in ("yes", "no"):
        assert f">{word}</span>" in page
    assert "checked 00:16, just then" in text


def test_what_is_most_specific_stands_first() -> None:
    policy = TOKEN.has("pay") & TOKEN.level(3)
    ranks = [one.reason.rank for one in in_the_way(decided(policy, {TOKEN: Verified(facts(flags={"pay"}))}))]
    assert len(ranks) == 1
    two = in_the_way(decided(policy, {TOKEN: Absent(NOT_PRESENTED())}))
    assert [one.text for one in two] == [str(policy.children[0]), str(policy.children[1])]


@usually(60)
@given(cases())
def test_the_first_obstacle_is_the_reason_of_the_refusal(case: tuple[Policy, dict[Verifier, Finding]]) -> None:
    policy, known = case
    decision = decided(policy, known)
    found = in_the_way(decision)
    assert [one.reason.rank for one in found] == sorted((one.reason.rank for one in found), reverse=True)
    if decision:
        assert found == []
    elif found:
        assert not isinstance(decision, Allow)
        assert found[0].reason.rank == decision.reason.rank
    Reader(to_html(decision))
    check_chart(to_mermaid(decision))


@usually(60)
@given(policies())
def test_a_page_of_a_policy_shows_every_part(policy: Policy) -> None:
    text = Reader(to_html(policy)).text
    rows = [part for _, _, part, _ in parts_of(policy).flat()]
    assert all(part.text in text for part in rows)
    assert all(part.verdict is None for part in rows)
    check_chart(to_mermaid(policy))


def test_a_policy_set_tells_what_permits_from_what_forbids() -> None:
    policy = PolicySet(permit=[token.role("a")], forbid=[token.role("b")]).tagged("sensitive")
    assert [(role, part.text) for _, role, part, _ in parts_of(policy).flat()] == [
        ("", "tagged sensitive"),
        ("", "policy set"),
        ("permit", 'token.role("a")'),
        ("forbid", 'token.role("b")'),
    ]
    assert '-->|"forbid"|' in to_mermaid(policy)


def test_titles() -> None:
    assert "<title>can pay</title>" in to_html(token.valid.named("can pay"))
    assert "<title>A &amp; B</title>" in to_html(token.valid, title="A & B")
    assert "<title>Allow: can</title>" in to_html(decided(TOKEN.level(0).named("can"), {TOKEN: Verified(facts())}))


AGES = [(0, "just then"), (-5, "just then"), (1, "1 s before"), (119, "119 s before"), (120, "2 min before")]
AGES += [(7199, "120 min before"), (7200, "2 h before"), (200000, "2 d before")]


@pytest.mark.parametrize(("seconds", "said"), AGES)
def test_ages(seconds: float, said: str) -> None:
    assert age(seconds) == said


def test_anything_else_is_refused() -> None:
    for make in (to_html, to_mermaid):
        with pytest.raises(PolicyError, match="a policy or a decision is shown, not 'x'"):
            make("x")  # type: ignore[arg-type]
    with pytest.raises(PolicyError, match="title=1: write a text"):
        to_html(token.valid, title=1)  # type: ignore[arg-type]


def test_deep_and_shared_policies_are_shown_in_bounds() -> None:
    deep: Policy = token.valid
    for level in range(1000):
        deep = ~(deep & token.role(f"r{level}"))
    page = to_html(deep)
    Reader(page)
    assert "level 1000" in page
    check_chart(to_mermaid(deep))
    shared: Policy = token.valid
    for _ in range(200):
        shared = all_of(shared, shared)
    assert "(as above)" in to_html(shared)
    assert len(to_mermaid(shared)) < 50_000


def check_chart(chart: str) -> None:
    first, *lines = chart.splitlines()
    assert first == "flowchart TD"
    for line in lines:
        assert LINE.fullmatch(line.strip()), line
