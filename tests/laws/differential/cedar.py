"""Policies as Cedar. A policy set becomes Cedar's own permits and forbids; anything else one permit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import cedarpy

from tests.laws.differential.cases import Below, Country
from tests.laws.differential.conditions import Condition, Every, Test, conditions
from tests.laws.toys import Fresh as Recent
from tests.laws.toys import Level
from zerotrust.core.combining import PolicySet
from zerotrust.core.finding import Absent
from zerotrust.core.policy import Leaf, Policy, Standing
from zerotrust.verifiers.claim_questions import Claim, HasClaim
from zerotrust.verifiers.token_questions import Acr, Fresh, Group, IssuedBy, Role, Scope

_WHO = {role: {"type": "Thing", "id": "x"} for role in ("principal", "resource")} | {
    "action": {"type": "Action", "id": "x"}
}
_NOTHING = cedarpy.Entities.from_json_str("[]")


def translated(policy: Policy) -> str:
    """The text of `policy` in Cedar."""
    if isinstance(policy, PolicySet):
        lines = [
            f"permit (principal, action, resource) when {{ {_text(conditions(one)[0])} }};" for one in policy.permit
        ]
        # What forbids forbids unless it is certain that it does not.
        return "\n".join(
            lines
            + [
                f"forbid (principal, action, resource) unless {{ {_text(conditions(one)[1])} }};"
                for one in policy.forbid
            ]
        )
    return f"permit (principal, action, resource) when {{ {_text(conditions(policy)[0])} }};"


def allowed(policy: Policy, evidence: Sequence[dict[str, Any]]) -> list[bool]:
    """What Cedar says of `policy` for each piece of evidence."""
    policies = cedarpy.PolicySet.from_str(translated(policy))
    answers = cedarpy.is_authorized_batch([{**_WHO, "context": one} for one in evidence], policies, _NOTHING)
    for answer in answers:
        if answer.diagnostics.errors:
            raise AssertionError(f"{answer.diagnostics.errors}: {translated(policy)}")
    return [answer.allowed for answer in answers]


def _text(condition: Condition) -> str:
    if isinstance(condition, Test):
        return _leaf(condition.leaf, condition.wanted)
    parts = [_text(part) for part in condition.parts]
    if isinstance(condition, Every):
        return f"({' && '.join(parts)})" if parts else "true"
    if condition.count == 1:
        return f"({' || '.join(parts)})" if parts else "false"
    return f"({' + '.join(f'(if {part} then 1 else 0)' for part in parts)} >= {condition.count})"


def _leaf(leaf: Leaf[Any] | Standing, wanted: bool) -> str:
    if isinstance(leaf, Standing):
        assert leaf.outcome is Absent
        name = _quoted(leaf.verifier.name)
        return f"(context.looked.contains({name}) && context.absent.contains({name}) == {str(wanted).lower()})"
    where = f"context.{leaf.verifier.name}"
    stated, test = _test(leaf.question, where)
    holds = test if wanted else f"!({test})"
    guards = [f"context has {leaf.verifier.name}", *(f"{holder} has {name}" for holder, name in stated), holds]
    return f"({' && '.join(guards)})"


def _test(question: Any, where: str) -> tuple[list[tuple[str, str]], str]:
    """What has to be stated of a token, and what is asked of it."""
    match question:
        case Scope(names):
            return [(where, "scope")], f"{where}.scope.containsAll({_listed(names)})"
        case Role(name):
            return [(where, "roles")], f"{where}.roles.contains({_quoted(name)})"
        case Group(name):
            return [(where, "groups")], f"{where}.groups.contains({_quoted(name)})"
        case Claim("tags", values):
            return [(f"{where}.claims", "tags")], f"{where}.claims.tags.containsAny({_listed(values)})"
        case Claim(name, values):
            return [(f"{where}.claims", name)], f"{_listed(values)}.contains({where}.claims.{name})"
        case HasClaim(name):
            return [], f"{where}.claims has {name}"
        case Acr(values):
            return [(where, "acr")], f"{_listed(values)}.contains({where}.acr)"
        case Fresh(within):
            return [(where, "auth_time")], f"context.now - {where}.auth_time < {within:.0f}"
        case IssuedBy(url):
            return [], f"{where}.issuer == {_quoted(url)}"
        case _:
            return _other(question, where)


def _other(question: Any, where: str) -> tuple[list[tuple[str, str]], str]:
    """Of a factor, or of the request."""
    match question:
        case Recent(within):
            return [], f"context.now - {where}.since < {within:.0f}"
        case Level(least):
            return [], f"{where}.level >= {least}"
        case Country(codes):
            return [(where, "country")], f"{_listed(codes)}.contains({where}.country)"
        case Below(limit):
            return [(where, "risk")], f"{where}.risk < {limit}"
        case _:
            raise TypeError(f"{question!r} is not in the subset")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _listed(values: Sequence[object]) -> str:
    return f"[{', '.join(_quoted(value) if isinstance(value, str) else str(value) for value in values)}]"
