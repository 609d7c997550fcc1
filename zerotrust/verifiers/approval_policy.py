"""What of a policy can never be met, since a request brings the approval of one `Approval`."""

from __future__ import annotations

from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import AnyOf, AtLeast, Leaf, Not, Policy
from zerotrust.verifiers.approval import Approval


def check_approvals(policy: Policy, where: str) -> None:
    """See that no part of `policy` asks for the approvals of two.

    Args:
        policy: the policy.
        where: what it was given as, for the message.

    Raises:
        ConfigError: it has such a part, which nobody could ever meet.
    """
    needed: dict[int, frozenset[Approval]] = {}
    seen: list[tuple[Policy, ...]] = []  # so that no id is given to another
    todo = [(policy, policy.children)]
    while todo:  # without a stack frame for each level, and once for what is shared
        one, children = todo[-1]
        missing = [child for child in children if id(child) not in needed]
        if missing:
            todo.extend((child, child.children) for child in missing)
            continue
        todo.pop()
        if id(one) not in needed:
            needed[id(one)] = _needed(one, [needed[id(child)] for child in children], where)
            seen.append((one, *children))


def _needed(policy: Policy, parts: list[frozenset[Approval]], where: str) -> frozenset[Approval]:
    """Those that every way to meet `policy` asks for, of what its parts need."""
    if isinstance(policy, Leaf):
        return frozenset(one for one in policy.verifiers if isinstance(one, Approval))
    if isinstance(policy, Not):
        return frozenset()
    count = 1 if isinstance(policy, AnyOf) else policy.count if isinstance(policy, AtLeast) else len(parts)
    # Where so many parts ask for it that too few are left without.
    needed = frozenset(
        one for one in frozenset[Approval]().union(*parts) if len(parts) - sum(one in part for part in parts) < count
    )
    if len(needed) > 1:
        raise ConfigError(
            f"{where}: {policy} asks for {len(needed)} approvals at once, and a request brings one; write one Approval "
            "with all the fields, and what is asked of the key, or join them with | where either will do"
        )
    return needed
