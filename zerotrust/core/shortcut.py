"""The hot path: one generated function per policy that answers "is it YES?" and keeps the leaf values.

The policy is put into negation normal form, in which a YES needs no third value: an `UNKNOWN` leaf is simply neither
"is True" nor "is False". What remains is one Python boolean expression. No text of the user's enters the source:
verifiers and questions are passed by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from zerotrust.core.errors import PolicyError
from zerotrust.core.finding import Absent, Unavailable
from zerotrust.core.policy import AllOf, AnyOf, Anyone, AtLeast, Leaf, Named, Not, Policy, Standing


def shortcut(policy: Policy, leaves: Sequence[Leaf[Any] | Standing]) -> Callable[..., Any]:
    """Generate `is_yes(findings, now)`: the tuple of leaf values if `policy` is YES on `findings`, else None.

    A leaf that was not needed for the YES keeps the value None. `policy` must be small and without predicates.
    """
    verifiers = list(dict.fromkeys(leaf.verifier for leaf in leaves))
    names: dict[str, object] = {"Absent": Absent, "Unavailable": Unavailable}
    lines = ["def is_yes(findings, now):"]
    for number, verifier in enumerate(verifiers):
        names[f"w{number}"] = verifier
        lines += [
            f"    f{number} = findings.get(w{number})",
            f"    e{number} = None if f{number} is None else f{number}.evidence",
            f"    if e{number} is not None and now >= e{number}.expires_at: e{number} = None",
        ]
    literals: dict[Leaf[Any] | Standing, str] = {}
    for number, leaf in enumerate(leaves):
        owner = verifiers.index(leaf.verifier)
        if isinstance(leaf, Leaf):
            names[f"t{number}"] = leaf.question.holds
            value = f"None if e{owner} is None else t{number}(e{owner}, now)"
        elif leaf.outcome is Unavailable:
            value = f"None if f{owner} is None else type(f{owner}) is Unavailable"
        else:
            value = f"None if f{owner} is None or type(f{owner}) is Unavailable else type(f{owner}) is Absent"
        literals[leaf] = f"(v{number} := {value})"
    kept = [f"v{number}" for number in range(len(leaves))]
    if kept:
        lines.append(f"    {' = '.join(kept)} = None")
    values = f"({', '.join(kept)},)" if kept else "()"
    lines.append(f"    return {values} if {_expression(policy, True, literals)} else None")
    exec(compile("\n".join(lines), "<policy>", "exec"), names)  # noqa: S102 - made of generated names only
    return cast("Callable[..., Any]", names["is_yes"])


def _expression(policy: Policy, wanted: bool, literals: dict[Leaf[Any] | Standing, str]) -> str:
    """A Python expression that is true exactly if `policy` comes to `wanted`."""
    match policy:
        case Leaf() | Standing():
            return f"({literals[policy]} is {wanted})"
        case Anyone():
            return str(wanted)
        case Not():
            return _expression(policy.inner, not wanted, literals)
        case Named():
            return _expression(policy.inner, wanted, literals)
        case AllOf() | AnyOf():
            parts = [_expression(part, wanted, literals) for part in policy.parts]
            return "(" + (" and " if isinstance(policy, AllOf) is wanted else " or ").join(parts) + ")"
        case AtLeast():
            # "at least k are YES" fails for good once more than n - k are NO.
            enough = policy.count if wanted else len(policy.parts) - policy.count + 1
            counted = " + ".join(f"({_expression(part, wanted, literals)})" for part in policy.parts)
            return f"({counted} >= {enough})"
        case _:
            raise PolicyError(f"{policy!r} is not a policy that can be evaluated; compose the given combinators")
