"""The hot path: one generated function per policy that gives every leaf its value and answers "is it YES?".

The policy is put into negation normal form, in which a YES needs no third value: an `UNKNOWN` leaf is simply neither
"is True" nor "is False". What remains is one Python boolean expression, made of the expressions that question
classes declare. No value enters the source: verifiers and questions are passed by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from zerotrust.core.errors import PolicyError
from zerotrust.core.expression import rename_expression
from zerotrust.core.finding import Absent, Unavailable
from zerotrust.core.policy import AllOf, AnyOf, Anyone, AtLeast, Leaf, Named, Not, Policy, Standing
from zerotrust.core.reason import NOT_GATHERED
from zerotrust.core.verifier import Question


def shortcut(policy: Policy, leaves: Sequence[Leaf[Any] | Standing]) -> Callable[..., Any]:
    """Generate `evaluate(findings, now)`: whether `policy` is YES on `findings`, and the value of every leaf.

    `policy` must be small and without predicates. The text for `token.scope("pay") & ~token.role("contractor")`:

        def evaluate(findings, now):
            f0 = findings[w0] if w0 in findings else unasked
            e0 = f0.evidence
            if e0 is not None and now >= e0.expires_at: e0 = None
            v0 = None if e0 is None else (q0.missing if e0.scope is None else q0.wanted <= e0.scope)
            v1 = None if e0 is None else (q1.missing if e0.roles is None else q1.name in e0.roles)
            return (v0 is True and v1 is False), (v0, v1,)
    """
    verifiers = list(dict.fromkeys(leaf.verifier for leaf in leaves))
    names: dict[str, object] = {"Absent": Absent, "Unavailable": Unavailable, "unasked": _UNASKED}
    lines = ["def evaluate(findings, now):"]
    for number, verifier in enumerate(verifiers):
        names[f"w{number}"] = verifier
        lines += [
            f"    f{number} = findings[w{number}] if w{number} in findings else unasked",
            f"    e{number} = f{number}.evidence",
            f"    if e{number} is not None and now >= e{number}.expires_at: e{number} = None",
        ]
    values: dict[Leaf[Any] | Standing, str] = {}
    for number, leaf in enumerate(leaves):
        owner = verifiers.index(leaf.verifier)
        values[leaf] = f"v{number}"
        if isinstance(leaf, Leaf):
            names[f"q{number}"] = leaf.question
            answer = f"None if e{owner} is None else {_answer(leaf.question, f'e{owner}', f'q{number}')}"
        elif leaf.outcome is Unavailable:
            answer = f"None if f{owner} is unasked else type(f{owner}) is Unavailable"
        else:
            answer = f"None if f{owner} is unasked or type(f{owner}) is Unavailable else type(f{owner}) is Absent"
        lines.append(f"    v{number} = {answer}")
    kept = "".join(f"{value}, " for value in values.values())
    lines.append(f"    return {_expression(policy, True, values)}, ({kept})")
    exec(compile("\n".join(lines), "<policy>", "exec"), names)  # noqa: S102 - made of generated names and checked parts
    return cast("Callable[..., Any]", names["evaluate"])


_UNASKED = Absent(NOT_GATHERED())


def _answer(question: Question[Any], evidence: str, name: str) -> str:
    kind = type(question)
    own = "holds" in {attribute for base in kind.__mro__ if base is not Question for attribute in vars(base)}
    return f"{name}.holds({evidence}, now)" if own else f"({rename_expression(kind.expression, evidence, name)})"


def _expression(policy: Policy, wanted: bool, values: dict[Leaf[Any] | Standing, str]) -> str:
    """A Python expression that is true exactly if `policy` comes to `wanted`."""
    match policy:
        case Leaf() | Standing():
            return f"({values[policy]} is {wanted})"
        case Anyone():
            return str(wanted)
        case Not():
            return _expression(policy.inner, not wanted, values)
        case Named():
            return _expression(policy.inner, wanted, values)
        case AllOf() | AnyOf():
            parts = [_expression(part, wanted, values) for part in policy.parts]
            return "(" + (" and " if isinstance(policy, AllOf) is wanted else " or ").join(parts) + ")"
        case AtLeast():
            # "at least k are YES" fails for good once more than n - k are NO.
            enough = policy.count if wanted else len(policy.parts) - policy.count + 1
            counted = " + ".join(f"({_expression(part, wanted, values)})" for part in policy.parts)
            return f"({counted} >= {enough})"
        case _:
            raise PolicyError(f"{policy!r} is not a policy that can be evaluated; compose the given combinators")
