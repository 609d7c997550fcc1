"""Policies as Rego: a function for each condition, and a set of the pieces of evidence that pass."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from regopy import Interpreter

from tests.laws.differential.cases import Below, Country
from tests.laws.differential.conditions import Condition, Every, Some, Test, conditions
from tests.laws.toys import Fresh as Recent
from tests.laws.toys import Level
from zerotrust.core.finding import Absent
from zerotrust.core.policy import Leaf, Policy, Standing
from zerotrust.verifiers.claim_questions import Claim, HasClaim
from zerotrust.verifiers.token_questions import Acr, Fresh, Group, IssuedBy, Role, Scope


def translated(policy: Policy) -> str:
    """The text of `policy` in Rego."""
    lines = ["package t", "import rego.v1"]
    whole = _rule(conditions(policy)[0], lines)
    lines.append(f"passed contains i if {{ some i, e in input.evidence; {whole} }}")
    return "\n".join(lines)


def allowed(policy: Policy, evidence: Sequence[dict[str, Any]]) -> list[bool]:
    """What Rego says of `policy` for each piece of evidence."""
    interpreter = Interpreter()
    interpreter.add_module("t.rego", translated(policy))
    bundle = interpreter.build("x = data.t.passed")
    asked = Interpreter()
    asked.set_input({"evidence": list(evidence)})
    output = asked.query_bundle(bundle)  # what is read from it lives no longer than it does
    passed = set(output.results[0].bindings["x"])
    return [number in passed for number in range(len(evidence))]


def _rule(condition: Condition, lines: list[str]) -> str:
    """One line of a body that holds if `condition` does of `e`; what it needs is put into `lines`."""
    if isinstance(condition, Test):
        return _leaf(condition.leaf, condition.wanted)
    if isinstance(condition, Every) and not condition.parts:
        return "true"
    if isinstance(condition, Some) and not condition.parts:
        return "false"
    parts = [_rule(part, lines) for part in condition.parts]
    name = f"c{len(lines)}"
    if isinstance(condition, Every):
        lines.append(f"{name}(e) if {{ {'; '.join(parts)} }}")
    elif condition.count == 1:
        lines += [f"{name}(e) if {{ {part} }}" for part in parts]
    else:
        counted = " | ".join(f"{{{number} | {part}}}" for number, part in enumerate(parts))
        lines.append(f"{name}(e) if {{ count({counted}) >= {condition.count} }}")
    return f"{name}(e)"


def _leaf(leaf: Leaf[Any] | Standing, wanted: bool) -> str:
    negated = "" if wanted else "not "
    if isinstance(leaf, Standing):
        assert leaf.outcome is Absent
        name = json.dumps(leaf.verifier.name)
        return f"{name} in e.looked; {negated}{name} in e.absent"
    stated, test = _test(leaf.question, f"e.{leaf.verifier.name}")
    # What is not stated is undefined, and so is the whole body; but `not` of an undefined test would hold.
    return f"is_object(e.{leaf.verifier.name}); {stated}{negated}{test}"


def _test(question: Any, where: str) -> tuple[str, str]:
    """What has to be stated of a token, and what is asked of it."""
    match question:
        case Scope(names):
            return f"is_array({where}.scope); ", f"object.subset({where}.scope, {{{_several(names)}}})"
        case Role(name):
            return f"is_array({where}.roles); ", f"{json.dumps(name)} in {where}.roles"
        case Group(name):
            return f"is_array({where}.groups); ", f"{json.dumps(name)} in {where}.groups"
        case Claim("tags", values):
            named = f"{{{_several(values)}}}"
            return f"is_array({where}.claims.tags); ", f"count({named} & {{t | some t in {where}.claims.tags}}) > 0"
        case Claim("grade", values):
            return f"is_number({where}.claims.grade); ", f"{where}.claims.grade in [{_several(values)}]"
        case Claim(name, values):
            return f"is_string({where}.claims.{name}); ", f"{where}.claims.{name} in [{_several(values)}]"
        case HasClaim(name):
            return "", f"{json.dumps(name)} in object.keys({where}.claims)"
        case Acr(values):
            return f"is_string({where}.acr); ", f"{where}.acr in [{_several(values)}]"
        case Fresh(within):
            return f"is_number({where}.auth_time); ", f"e.now - {where}.auth_time < {within:.0f}"
        case IssuedBy(url):
            return "", f"{where}.issuer == {json.dumps(url)}"
        case _:
            return _other(question, where)


def _other(question: Any, where: str) -> tuple[str, str]:
    """Of a factor, or of the request."""
    match question:
        case Recent(within):
            return "", f"e.now - {where}.since < {within:.0f}"
        case Level(least):
            return "", f"{where}.level >= {least}"
        case Country(codes):
            return f"is_string({where}.country); ", f"{where}.country in [{_several(codes)}]"
        case Below(limit):
            return f"is_number({where}.risk); ", f"{where}.risk < {limit}"
        case _:
            raise TypeError(f"{question!r} is not in the subset")


def _several(values: Sequence[object]) -> str:
    return ", ".join(json.dumps(value, ensure_ascii=False) for value in values)
