"""The schema and the reader agree: what is read is valid, and what is not valid is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.documents.samples import FUNCTIONS, LEAVES, STANDING, VERIFIERS, policies, token
from tests.documents.test_reading import NODES, anything
from tests.search import usually
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.policy import Policy
from zerotrust.documents import from_json, json_schema, to_json

SCHEMA = json_schema(VERIFIERS)
VALIDATOR = Draft202012Validator(SCHEMA)

FEW = usually(15)  # the validator takes its time

SHAPE = (
    "is wanted here",
    "takes no ",
    " lacks ",
    "is no kind of",
    "cannot be both",
    "is called",
    "has no leaf",
    "beside ",
)
NO_SHAPE = ("predicate", "not 1.0", "how it compares", "token.claim", "says")
"""A schema cannot know which functions there are; and 1.0 is an integer to it."""


def is_read(document: object) -> bool:
    try:
        from_json(json.dumps(document), VERIFIERS, predicates=FUNCTIONS)
    except (PolicyError, ConfigError):
        return False
    return True


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def test_every_leaf_is_valid() -> None:
    for policy in (*LEAVES, *STANDING):
        assert [*VALIDATOR.iter_errors(json.loads(to_json(policy)))] == [], str(policy)


@FEW
@given(policies())
def test_what_is_written_is_valid(policy: Policy) -> None:
    assert VALIDATOR.is_valid(json.loads(to_json(policy)))


def test_what_is_nested_deeply_is_valid() -> None:
    policy: Policy = token.valid
    for level in range(100):
        policy = ~(policy & token.role(f"r{level}"))
    assert VALIDATOR.is_valid(json.loads(to_json(policy)))


@FEW
@given(anything)
def test_what_is_read_is_valid(value: object) -> None:
    document = {"version": 1, "policy": value}
    assert VALIDATOR.is_valid(document) or not is_read(document)


def broken(draw: Callable[..., Any], document: Any) -> None:
    """Change one thing in a document."""
    place = document["policy"]
    while True:
        below = [one for one in (place.values() if isinstance(place, dict) else place) if isinstance(one, dict | list)]
        if not below or draw(st.booleans()):
            break
        place = draw(st.sampled_from(below))
    keys = list(place) if isinstance(place, dict) else list(range(len(place)))
    value = draw(st.sampled_from([None, 0, 7, True, "x", [], {}, ["x"], {"leaf": "token.valid"}, 1.5]))
    if keys and draw(st.booleans()):
        place[draw(st.sampled_from(keys))] = value
    elif isinstance(place, dict):
        place[draw(st.sampled_from(["name", "names", "leaf", "of", "extra"]))] = value
    else:
        place.append(value)


@FEW
@given(policies(most=3), st.data())
def test_what_is_not_valid_is_refused(policy: Policy, data: st.DataObject) -> None:
    document = json.loads(to_json(policy))
    broken(data.draw, document)
    assert VALIDATOR.is_valid(document) or not is_read(document)


def test_what_has_another_shape_is_not_valid() -> None:
    judged = 0
    for text, _ in NODES:
        document = {"version": 1, "policy": json.loads(text)}
        with pytest.raises(PolicyError) as refused:
            from_json(json.dumps(document), VERIFIERS, predicates=FUNCTIONS)
        message = str(refused.value)
        if any(said in message for said in SHAPE) and not any(said in message for said in NO_SHAPE):
            assert not VALIDATOR.is_valid(document), message
            judged += 1
    assert judged > 35


def test_it_is_of_exactly_these_verifiers() -> None:
    schema = Draft202012Validator(json_schema([token]))
    assert schema.is_valid({"version": 1, "policy": {"leaf": "token.valid"}})
    assert not schema.is_valid({"version": 1, "policy": {"leaf": "session.valid"}})
    assert not schema.is_valid({"version": 2, "policy": {"leaf": "token.valid"}})
    assert not schema.is_valid({"version": 1, "policy": {"leaf": "token.valid", "more": 1}})
    assert not schema.is_valid({"version": 1, "policy": {"effect": "permit", "if": {"leaf": "token.valid"}}})
    assert not schema.is_valid({"version": 1, "policy": {"not_presented": "session"}})
    with pytest.raises(ConfigError, match="write a list"):
        json_schema("token")  # type: ignore[arg-type]
