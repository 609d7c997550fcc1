"""The hot path: one generated function per policy that gives every leaf its value and answers "is it YES?".

The policy is put into negation normal form, in which a YES needs no third value: an `UNKNOWN` leaf is simply neither
"is True" nor "is False". What remains is one Python boolean expression, made of the expressions that question
classes declare. No value enters the source: verifiers and questions are passed by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, cast

from zerotrust.core.errors import PolicyError
from zerotrust.core.expression import rename_expression
from zerotrust.core.finding import Absent
from zerotrust.core.policy import AllOf, AnyOf, Anyone, AtLeast, Derived, Leaf, Named, Not, Policy, Standing
from zerotrust.core.reason import NOT_GATHERED
from zerotrust.core.verifier import Question, Verifier


def shortcut(policy: Policy, leaves: Sequence[Leaf[Any] | Standing]) -> Callable[..., Any]:
    """Generate `evaluate(findings, now)`: the value of every leaf if `policy` is YES on `findings`, else None.

    `policy` must be small and without predicates. The text for `token.scope("pay") & ~token.role("contractor")`:

        def evaluate(findings, now):
            try:
                e0 = findings[w0].evidence
            except KeyError:
                e0 = findings.get(w0, unasked).evidence
            if e0 is None or not now < e0.expires_at:
                v0 = v1 = None
            else:
                v0 = q0_missing if e0.scope is None else q0_wanted <= e0.scope
                v1 = q1.unread(e0) if e0.roles is None else q1_name in e0.roles
            return (v0, v1,) if (v0 is True and v1 is False) else None
    """
    owned: dict[Verifier[Any], list[int]] = {}
    for number, leaf in enumerate(leaves):
        owned.setdefault(leaf.verifier, []).append(number)
    names: dict[str, Any] = {"unasked": UNASKED}
    names |= {f"w{number}": verifier for number, verifier in enumerate(owned)}
    for number, leaf in enumerate(leaves):
        names[f"q{number}"] = leaf.question if isinstance(leaf, Leaf) else leaf
    lines = ["def evaluate(findings, now):"]
    lines += evidence_lines(len(owned))
    for number, positions in enumerate(owned.values()):
        lines += _values(number, {position: leaves[position] for position in positions}, names)
    values = {leaf: f"v{number}" for number, leaf in enumerate(leaves)}
    kept = "".join(f"{value}, " for value in values.values())
    lines.append(f"    return ({kept}) if {_expression(policy, True, values)} else None")
    exec(compile("\n".join(lines), "<policy>", "exec"), names)  # noqa: S102 - made of generated names and checked parts
    return cast("Callable[..., Any]", names["evaluate"])


def evidence_lines(count: int) -> Iterator[str]:
    """The lines that give `e0` and so on the evidence of the verifiers `w0` and so on."""
    if count:
        yield "    try:"
        yield from (f"        e{number} = findings[w{number}].evidence" for number in range(count))
        yield "    except KeyError:"  # gathered lazily: what is missing was not asked
        yield from (f"        e{number} = findings.get(w{number}, unasked).evidence" for number in range(count))


def _values(verifier: int, leaves: dict[int, Leaf[Any] | Standing], names: dict[str, Any]) -> Iterator[str]:
    """The lines that give the leaves of one verifier their values."""
    evidence = f"e{verifier}"
    asked = {number: leaf.question for number, leaf in leaves.items() if isinstance(leaf, Leaf)}
    if asked:
        yield f"    if {evidence} is None or not now < {evidence}.expires_at:"
        yield f"        {' = '.join(f'v{number}' for number in asked)} = None"
        yield "    else:"
        for number, question in asked.items():
            yield f"        v{number} = {answer_text(question, evidence, f'q{number}', names)}"
    for number, leaf in leaves.items():
        if isinstance(leaf, Standing):
            yield f"    v{number} = q{number}.answer(findings[w{verifier}]) if w{verifier} in findings else None"


UNASKED: Final = Absent(NOT_GATHERED())
_HELD: Final = re.compile(r"\0q\.(\w++)(?!\()")  # an attribute of the question that is not called


def answer_text(question: Question[Any], evidence: str, name: str, names: dict[str, Any]) -> str:
    """The expression that answers `question`, called `name`, on the evidence called `evidence`.

    Questions are frozen, so what one holds is looked up once: `q0.wanted` is put into `names` as `q0_wanted`.
    """
    kind = type(question)
    own = "holds" in {attribute for base in kind.__mro__ if base is not Question for attribute in vars(base)}
    if own:
        return f"{name}.holds({evidence}, now)"

    def held(attribute: re.Match[str]) -> str:
        names[given := f"{name}_{attribute[1]}"] = getattr(question, attribute[1])
        return given

    # Renamed once for all leaves, to what stands for no other name and in no text: a text has its zeros escaped.
    text = rename_expression(kind.expression, "\0e", "\0q")
    return _HELD.sub(held, text).replace("\0e", evidence).replace("\0q", name)


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
        case Derived():
            return _expression(policy.meaning, wanted, values)
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
