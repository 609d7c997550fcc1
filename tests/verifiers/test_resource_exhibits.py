"""Resources made up of attributes, and what questions say of themselves and show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import pytest

from tests.verifiers.tokens import NOW, bearer
from zerotrust.core.errors import PolicyError
from zerotrust.core.evidence import Evidence
from zerotrust.core.facts import Always, Attribute, IsTrue
from zerotrust.core.policy import Leaf
from zerotrust.verifiers.resource import Resource, verifier_of
from zerotrust.verifiers.resource_questions import IsNamed, ResourceEvidence, ResourceQuestion, Telling, Told
from zerotrust.verifiers.resource_values import Fields

ID = UUID(int=10)


@dataclass
class Report:
    owner: str
    public: bool
    key: UUID
    tags: list[str]
    anything: Any = None


report = Resource(Report)
verifier = verifier_of(report)
REPORT = Report("ada", True, ID, ["a", "b"])


def asked(policy: object) -> ResourceQuestion:
    return cast("ResourceQuestion", cast("Leaf[Any]", policy).question)


def evidence(resource: Report = REPORT) -> ResourceEvidence:
    return ResourceEvidence("Report", "", NOW, math.inf, Fields(resource))


def test_a_uuid_is_read_and_made_up_as_text() -> None:
    read = verifier.read(evidence(), Attribute("key"))
    assert read == str(ID)
    made = verifier.exhibit({"key": read}, NOW)
    assert made.fields.get(("key",)) == ID
    assert asked(report.key == ID).holds(made, NOW) is True


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"key": "10"}, "key of report is a UUID, not str"),
        ({"owner": {"a": 1}}, "owner of report is plain, not dict"),
        ({"owner": 5}, "owner of report is str, not int"),
        ({'owner == "ada"': 1}, "of report is true or false, not int"),
    ],
    ids=["no UUID", "an object", "another type", "no answer"],
)
def test_what_no_resource_has_is_refused(values: dict[str, object], said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        verifier.exhibit(values, NOW)


def test_what_a_question_depends_on() -> None:
    token = bearer()
    assert asked(report.public.is_true).sides == ("public",)
    assert asked(report.owner.is_none).sides == ("owner",)
    assert asked(report.owner == token.subject).sides == ("owner", "token.subject")
    assert IsNamed().sides == ()


def test_what_was_seen() -> None:
    assert asked(report.owner.is_none).saw(evidence(), NOW) == "owner: ada"
    assert asked(report.public.is_true).saw(evidence(), NOW) == "public: True"
    assert asked(report.tags.has("a")).saw(evidence(), NOW) == "tags: a, b"
    assert asked(report.tags.has("a")).saw(evidence(Report("", True, ID, [])), NOW) == "tags: none"
    assert asked(report.anything.is_true).saw(evidence(), NOW) == "anything: nothing"


def test_a_flag_is_a_fact_of_the_field_only_where_it_is_declared_one() -> None:
    assert asked(report.public.is_true).facts() == IsTrue(Attribute("public", optional=True))
    question = asked(report.anything.is_true)
    assert question.facts() == IsTrue(Telling("anything.is_true", optional=True, question=question))
    assert IsNamed().facts() == Always(True)


def test_what_a_subclass_has_to_say_itself_has_no_answer() -> None:
    with pytest.raises(NotImplementedError):  # abstract, and never in a policy
        ResourceQuestion().answer(evidence())
    with pytest.raises(NotImplementedError):  # as above
        Told("token.mood").read(Evidence("a", "b", NOW, math.inf))
