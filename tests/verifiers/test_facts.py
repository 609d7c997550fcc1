"""What questions say that they depend on is what they depend on: on evidence made up of any values of attributes."""

from __future__ import annotations

import importlib
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import zerotrust
from tests.verifiers.facts_samples import FAMILIES, Family
from tests.verifiers.tokens import NOW, bearer
from zerotrust.core.errors import PolicyError
from zerotrust.core.fact_values import attributes, value_of
from zerotrust.core.facts import Always
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import Reason
from zerotrust.core.verifier import Question
from zerotrust.verifiers import delegation_questions as delegation
from zerotrust.verifiers.origin import Origin
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.step_up_questions import AcrAtLeast, Ladder

_TIMES = 400


def answer(leaf: Leaf[Any], evidence: Any) -> bool | None:
    held = leaf.question.holds(evidence, NOW)
    return None if isinstance(held, Reason) else held


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_a_fact_is_the_answer_on_what_is_exhibited(family: Family) -> None:
    chance = random.Random(family.name)
    seen: dict[Leaf[Any], set[bool | None]] = {leaf: set() for leaf in family.leaves}
    for _ in range(_TIMES):
        values = {name: chance.choice(pool) for name, pool in family.values.items()}
        evidence = family.verifier.exhibit(values, NOW)
        assert evidence.expires_at > NOW
        for leaf in family.leaves:
            fact = leaf.question.facts()
            assert fact is not None, str(leaf)
            seen[leaf].add(said := answer(leaf, evidence))
            assert value_of(fact, values, NOW) is said, f"{leaf} on {values}"
    for leaf, answers in seen.items():
        if leaf.question.facts() != Always(True) and type(leaf.question) not in _NEVER_ASKED:
            assert len(answers) > 1, f"{leaf} was only ever {answers}"
            assert True in answers, f"{leaf} was never YES"


def questions(of: type[Question[Any]] = Question) -> Iterator[type[Question[Any]]]:
    for one in of.__subclasses__():
        # Not the class without slots that a dataclass with slots was made of.
        if getattr(sys.modules[one.__module__], one.__qualname__, None) is one:
            yield one
        yield from questions(one)


# Who acts is made up in tests/verifiers/test_facts_of_evidence.py: not all chains can be.
_NEVER_ASKED = frozenset(
    {
        delegation.Acting,
        delegation.Direct,
        delegation.ActedBy,
        delegation.NotThrough,
        delegation.Depth,
        delegation.Permitted,
    }
)
_WITHOUT = {
    "zerotrust.verifiers.token_questions.That": "a function of the application's",
    "zerotrust.verifiers.certificate_questions.That": "a function of the application's",
    "zerotrust.verifiers.delegation_questions.PermittedBy": "a function of the application's",
}
_OF_ROOMS = (
    "zerotrust.analysis.",
    "zerotrust.web.checking",
    "zerotrust.web.standing",
)  # make questions up for themselves, that no policy of anybody's asks


def test_every_question_says_what_it_depends_on_and_is_tried() -> None:
    root = Path(zerotrust.__path__[0])
    for file in sorted(root.rglob("*.py")):
        if "Question" in file.read_text(encoding="utf-8"):
            importlib.import_module(".".join(file.relative_to(root.parent).with_suffix("").parts))
    tried = {type(leaf.question) for family in FAMILIES for leaf in family.leaves}
    untried = {
        f"{one.__module__}.{one.__qualname__}": one
        for one in questions()
        if one.__module__.startswith("zerotrust.") and not one.__module__.startswith(_OF_ROOMS)
        if one not in tried and not one.__subclasses__()
    }
    assert untried.keys() == _WITHOUT.keys()
    assert all(one.facts is Question.facts and one.opaque for one in untried.values())


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_what_no_evidence_can_say_is_refused(family: Family) -> None:
    for values in ({"no such thing": 1}, *({name: object()} for name in family.values)):
        with pytest.raises(PolicyError):
            family.verifier.exhibit(values, NOW)


def json_objects(of: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(["at", "marks", "pause", "sub"]), of)


@given(
    st.sampled_from([leaf for family in FAMILIES for leaf in family.leaves]),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda one: st.lists(one) | json_objects(one)),
)
def test_a_fact_has_a_value_whatever_is_said(leaf: Leaf[Any], value: object) -> None:
    fact = leaf.question.facts()
    assert fact is not None
    names = [attribute.name for attribute in attributes(fact)]
    assert value_of(fact, dict.fromkeys(names, value), NOW) in (True, False, None)


def test_attributes_of_one_name_are_one() -> None:
    for family in FAMILIES:
        named: dict[str, set[bool]] = {}
        for leaf in family.leaves:
            for attribute in attributes(leaf.question.facts()):  # type: ignore[arg-type]
                named.setdefault(attribute.name, set()).add(attribute.optional)
                assert attribute.private is (attribute.name in _PRIVATE), attribute
                assert attribute.name in family.values, attribute
        assert all(len(said) == 1 for said in named.values())


_PRIVATE = (
    "subject",
    "actor",
    "actors",
    "claims.may_act",
    "fingerprint",
    "spki",
    "names.emails",
    "device_id",
)


def test_where_two_issuers_could_have_made_a_token_the_first_ones_ladder_counts() -> None:
    tenants = Ladder(Origin("https://any.example", re.compile("https://[a-z]+[.]example")), ("low", "mid"))
    silent = Ladder(Origin("https://b.example"), ())
    question = AcrAtLeast("mid", (silent, tenants, Ladder(Origin("https://a.example"), ("mid", "low", "top"))))
    token = bearer()
    for name in ("a", "b", "any", "c", "c1"):
        for acr in ("low", "mid", "top", None):
            values = {"source": f"https://{name}.example", "acr": acr}
            said = question.holds(token.exhibit(values, NOW), NOW)
            assert value_of(question.facts(), values, NOW) is (None if isinstance(said, Reason) else said), values


def test_what_has_another_form_as_an_attribute_is_not_compared() -> None:
    """The text of `scope` lists a set in some order; `may_act` is an object that names somebody."""
    for name in ("scope", "may_act"):
        assert bearer().claim(name, "read").question.facts() is None


def test_what_proves_a_phishing_resistant_factor() -> None:
    resistant = {str(leaf) for family in FAMILIES for leaf in family.leaves if leaf.question.phishing_resistant}
    assert all(text.startswith(("passkey.within", "session.", "approval.given", "token.acr")) for text in resistant)
    assert {"session.phishing_resistant", "approval.given", 'token.acr_at_least("phr")'} <= resistant
    assert not {"session.valid", "session.factors(at_least=2)", "passkey.cloned", "totp.within(5 min)"} & resistant
    assert not {'token.acr("mid", "phr")', 'token.acr_at_least("mid")', 'token.amr("hwk")'} & resistant
    token = bearer()
    assert token.acr("phr", "phrh").question.phishing_resistant
    assert Session(source="x").factors(2, hardware_bound=True).question.phishing_resistant
