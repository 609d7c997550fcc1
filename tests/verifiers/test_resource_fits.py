"""What can never hold by what is declared of a field is refused where it is written; and what is no comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.verifiers.tokens import bearer
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.policy import Policy
from zerotrust.verifiers.resource import Resource
from zerotrust.verifiers.resource_fields import declared_as

token = bearer()
ID = UUID(int=1)


@dataclass
class Report:
    owner: str
    number: int
    total: Decimal
    public: bool
    key: UUID
    tags: list[str] = field(default_factory=list)
    ranks: tuple[int, ...] = ()
    keys: set[UUID] = field(default_factory=set)
    pairs: dict[str, int] = field(default_factory=dict)
    anything: Any = None
    several: list[Any] = field(default_factory=list)


report = Resource(Report)
A: Any = token.valid
UNTYPED: Any = report  # callers are not all typed
ASKED: Any = token

NEVER: list[tuple[Callable[[], object], str]] = [
    (lambda: report.number == token.subject, "can never hold: it is declared int, and token.subject is text"),
    (lambda: token.subject != report.number, "can never hold: it is declared int, and token.subject is text"),
    (lambda: report.public == token.client_id, "can never hold: it is declared bool, and token.client_id is text"),
    (lambda: report.number.is_in(token.subject), "can never hold"),
    (lambda: report.ranks.has(token.subject), "declared a collection of int, and token.subject is text"),
    (lambda: report.tags == token.subject, "holds a collection; write report.tags.has(token.subject)"),
    (lambda: report.tags.is_in(token.claim("x")), 'holds a collection; write report.tags.has(token.claim("x"))'),
    (lambda: report.owner.has(token.subject), "holds no collection; write report.owner == token.subject"),
    (lambda: report.tags.has(3), "report.tags.has(3) can never hold: it is declared a collection of str"),
    (lambda: report.ranks.has("a"), "can never hold: it is declared a collection of int"),
    (lambda: report.keys.has(str(ID)), "write UUID("),
    (lambda: report.owner == report.number, "it is declared str, and report.number int"),
    (lambda: report.owner == report.tags, "report.tags holds a collection; write report.owner.is_in(report.tags)"),
    (lambda: report.number.is_in(report.tags), "it is declared int, and report.tags a collection of str"),
    (lambda: report.tags.has(report.number), "it is declared a collection of str, and report.number int"),
    # What is no comparison
    (lambda: A & report.public, "report.public is not a policy; write report.public.is_true"),
    (lambda: report.public & A, "report.public is not a policy; write report.public.is_true"),
    (lambda: ~report.public, "report.public is not a policy; write report.public.is_true"),
    (lambda: ~report.anything, "a flag is asked as report.anything.is_true"),
    (lambda: not report.public, "write report.public.is_true, or ~report.public.is_true"),
    (lambda: ~report.owner, "wants parentheses"),
    (lambda: UNTYPED.owner.lower(), "Report.owner holds str, which has no fields and no methods here"),
    (lambda: UNTYPED.tags.count("a"), "Report.tags holds a collection, which has no fields and no methods"),
    (lambda: report.owner.is_in(ASKED.claim("tenants", "a")), 'token.claim("tenants") without values'),
    (lambda: report.owner == A, "token.valid is a policy by itself"),
    (lambda: report.number <= 1000 & A, "1000 & token.valid: 1000 is int, not a policy; a comparison beside"),
    (lambda: report.owner == "ada" & A, "a comparison beside `&` or `|` wants parentheses"),
    (lambda: 0 <= report.number <= 1000, "two comparisons joined by `&`"),
    (lambda: report.owner in ["a", "b"], "write x.is_in([...])"),
    (lambda: ASKED.scope(["a", "b"]), "unpack them, as in scope(*names)"),
]  # fmt: skip


@pytest.mark.parametrize(("write", "said"), NEVER, ids=range(len(NEVER)))
def test_a_mistake_says_what_to_write(write: Callable[[], object], said: str) -> None:
    with pytest.raises((PolicyError, ConfigError)) as error:
        write()
    assert said in str(error.value)


def test_what_may_hold_is_left_alone() -> None:
    made: list[Policy] = [
        report.owner == token.subject,
        report.key == token.subject,
        report.anything == token.subject,
        report.number == token.claim("n"),
        report.number == report.total,
        report.owner.is_in(report.tags),
        report.tags.has(token.subject),
        report.keys.has(token.subject),
        report.keys.has(ID),
        report.several.has(3),
        report.several.has(token.subject),
        report.ranks.has(Decimal(3)),
        report.tags.has(report.owner),
    ]
    assert all(isinstance(one, Policy) for one in made)


def test_what_collections_hold_is_known_where_it_is_one_thing() -> None:
    assert [declared_as(kind).item for kind in (list[str], tuple[int, ...], set[UUID | None], frozenset[Any])] == [
        str, int, UUID, None,
    ]  # fmt: skip
    assert [declared_as(kind).item for kind in (list, tuple[int, str], list[str | int], list[list[str]])] == [None] * 4
