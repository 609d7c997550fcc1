"""What a verifier and a question do unless they are told otherwise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from attrs import frozen

from tests.laws.toys import NOW, TOKEN, Facts, facts
from zerotrust.core.errors import PolicyError
from zerotrust.core.evidence import Evidence
from zerotrust.core.facts import Always, Attribute, Fact
from zerotrust.core.finding import Absent, Finding, Verified
from zerotrust.core.reason import NOT_PRESENTED
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Parameter, Question, Verifier


@dataclass(frozen=True, slots=True)
class Claims(Evidence):
    """Evidence with what somebody else named."""

    claims: Mapping[str, object] = field(default_factory=dict[str, object])


class Plain(Verifier[Claims]):
    """Nothing but what has to be given."""

    name = "plain"

    def find(self, request: AccessRequest) -> Finding[Claims]:
        return Absent(NOT_PRESENTED())

    def blank(self, now: float) -> Claims:
        return Claims("plain", "", now, math.inf)


@dataclass(frozen=True)
class Asks(Question[Facts]):
    """Asks for what it is told to."""

    wanted: tuple[tuple[str, Parameter], ...]

    def parameters(self, evidence: Facts | None) -> Mapping[str, Parameter]:
        return dict(self.wanted)


def asked(*questions: dict[str, Parameter]) -> dict[str, Parameter]:
    return TOKEN.parameters([Asks(tuple(one.items())) for one in questions], None, lambda _: True)


def test_what_nobody_said_is_not_so() -> None:
    plain = Plain()
    assert (plain.cost, plain.contextual, plain.reads_body, plain.keeps_secrets) == (10, False, False, False)
    assert (plain.needs, plain.needs_peer, plain.needs_resource) == ((), False, False)
    assert plain.continuing(NOW) == plain.renewing(Verified(plain.blank(NOW)), NOW) == ()
    question = Question[Facts]()
    assert (question.expression, question.opaque, question.looked_up) == ("", False, False)
    assert (question.infix, question.phishing_resistant) == (False, False)
    assert question.facts() is None
    assert question.parameters(None) == {}


def test_what_several_ask_for_is_asked_for_at_once() -> None:
    assert asked({"max_age": 300}, {"max_age": 60}, {"max_age": 90}) == {"max_age": 60}
    assert asked({"scope": ("a", "b")}, {"scope": ("c", "b")}) == {"scope": ("a", "b", "c")}
    for flags in ((True, False), (False, True), (True, True), (False, False)):
        assert asked({"renew": flags[0]}, {"renew": flags[1]}) == {"renew": any(flags)}
    assert asked({"max_age": 5}, {"scope": ("a",)}) == {"max_age": 5, "scope": ("a",)}


def test_an_attribute_in_a_mapping_may_have_dots_in_its_name() -> None:
    seen = Claims("plain", "ann", NOW, math.inf, {"org.unit": "tax", "org": {"unit": "none"}})
    assert Plain().read(seen, Attribute("claims.org.unit")) == "tax"
    assert Plain().read(seen, Attribute("claims.absent")) is None
    assert Plain().read(seen, Attribute("subject")) == "ann"
    assert TOKEN.read(facts(flags={"b", "a"}), Attribute("flags")) == ["a", "b"]


def test_a_leaf_is_called_with_the_fields_of_its_question() -> None:
    @dataclass(frozen=True)
    class Held(Question[Facts]):
        name: str
        made: int = field(default=1, init=False)

    @frozen
    class Between(Question[Facts]):
        least: int
        most: int = 9

    assert Held("a").arguments() == {"name": "a"}
    assert Between(2).arguments() == {"least": 2, "most": 9}
    assert Question[Facts]().arguments() == {}


def test_facts_are_vouched_for_by_each_class_that_answers() -> None:
    class Vouched(Question[Facts]):
        expression = "True"
        looked_up = True

        def facts(self) -> Fact:
            return Always(True)

    class Shown(Vouched):
        def __str__(self) -> str:
            return "shown"

    class Holding(Vouched):
        def holds(self, evidence: Facts, now: float) -> bool:
            return False

    class Expressing(Vouched):
        expression = "False"

    class Stating(Vouched):
        def facts(self) -> Fact:
            return Always(False)

    class Below(Stating):
        pass

    class VouchedAgain(Holding):
        looked_up = True

    class Mixed(Shown, Holding):
        pass

    assert [kind.looked_up for kind in (Vouched, Shown, VouchedAgain)] == [True] * 3
    assert [kind.looked_up for kind in (Holding, Expressing, Stating, Below, Mixed)] == [False] * 5


def test_answers_may_come_from_a_class_beside_questions() -> None:
    class Answers:
        def holds(self, evidence: Facts, now: float) -> bool:
            return True

    class Vouched(Answers, Question[Facts]):
        looked_up = True

    class OtherAnswers(Answers):
        def holds(self, evidence: Facts, now: float) -> bool:
            return False

    class Otherwise(OtherAnswers, Vouched):
        pass

    assert Vouched.looked_up
    assert not Otherwise.looked_up


def test_a_mistake_in_an_expression_shows_where_it_is_written() -> None:
    with pytest.raises(PolicyError, match="expression"):
        type("Wrong", (Question,), {"expression": "e.level >"})
