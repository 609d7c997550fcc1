"""What XACML 3.0 says of a combination: its appendix C and tables 4 to 7, written down step by step.

It knows nothing of policies but how they are put together, and nothing of the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from itertools import product
from typing import TypeAlias

from zerotrust.core.combining import Combination, PolicySet, Rule
from zerotrust.core.policy import Named, Policy, Tagged


class Says(Enum):
    """The decisions of section 7.10: the four, and what an Indeterminate could have been without its error."""

    PERMIT = "Permit"
    DENY = "Deny"
    NOT_APPLICABLE = "NotApplicable"
    INDETERMINATE_P = "Indeterminate{P}"
    INDETERMINATE_D = "Indeterminate{D}"
    INDETERMINATE_DP = "Indeterminate{DP}"
    INDETERMINATE = "Indeterminate"  # as first-applicable returns it: it is not said what it could have been


P, D, NA = Says.PERMIT, Says.DENY, Says.NOT_APPLICABLE
I_P, I_D, I_DP, I_ANY = Says.INDETERMINATE_P, Says.INDETERMINATE_D, Says.INDETERMINATE_DP, Says.INDETERMINATE
EVERY = (P, D, NA, I_P, I_D, I_DP)

Truth: TypeAlias = bool | None


# --- Appendix C ------------------------------------------------------------------------------------------------------
def deny_overrides(decisions: Sequence[Says]) -> Says:
    """C.2."""
    if D in decisions:
        return D
    if I_DP in decisions or I_ANY in decisions:
        return I_DP
    if I_D in decisions and (I_P in decisions or P in decisions):
        return I_DP
    if I_D in decisions:
        return I_D
    if P in decisions:
        return P
    if I_P in decisions:
        return I_P
    return NA


def permit_overrides(decisions: Sequence[Says]) -> Says:
    """C.4."""
    if P in decisions:
        return P
    if I_DP in decisions or I_ANY in decisions:
        return I_DP
    if I_P in decisions and (I_D in decisions or D in decisions):
        return I_DP
    if I_P in decisions:
        return I_P
    if D in decisions:
        return D
    if I_D in decisions:
        return I_D
    return NA


def deny_unless_permit(decisions: Sequence[Says]) -> Says:
    """C.6."""
    return P if P in decisions else D


def permit_unless_deny(decisions: Sequence[Says]) -> Says:
    """C.7."""
    return D if D in decisions else P


def first_applicable(decisions: Sequence[Says]) -> Says:
    """C.8."""
    for decision in decisions:
        if decision is D:
            return D
        if decision is P:
            return P
        if decision is NA:
            continue
        return I_ANY
    return NA


ALGORITHMS: dict[str, Callable[[Sequence[Says]], Says]] = {
    "deny_overrides": deny_overrides,
    "permit_overrides": permit_overrides,
    "first_applicable": first_applicable,
    "deny_unless_permit": deny_unless_permit,
    "permit_unless_deny": permit_unless_deny,
}


# --- Tables 4 to 7 ---------------------------------------------------------------------------------------------------
def rule(effect: str, condition: Truth) -> Says:
    """Table 4, of a rule without a target."""
    if condition is False:
        return NA
    if effect == "permit":
        return P if condition else I_P
    return D if condition else I_D


def targeted(target: Truth, combined: Says) -> Says:
    """Tables 5 and 6; where the target is Indeterminate, table 7."""
    if target is True:
        return combined
    if target is False:
        return NA
    return {NA: NA, P: I_P, D: I_D, I_ANY: I_DP, I_DP: I_DP, I_P: I_P, I_D: I_D}[combined]


# --- Ours ------------------------------------------------------------------------------------------------------------
def says(item: Rule | Policy, value: Callable[[Policy], Truth]) -> Says:
    """What `item` comes to, with our one difference: an unknown is never decided by default.

    Deny-unless-permit that meets what may yet permit, and permit-unless-deny that meets what may yet deny, stay open
    where the standard has them say Deny and Permit.
    """
    if isinstance(item, Named | Tagged):
        return says(item.inner, value)
    if isinstance(item, Rule):
        return rule(item.effect, value(item.condition))
    if isinstance(item, PolicySet):
        decisions = [rule("permit", value(one)) for one in item.permit]
        decisions += [rule("forbid", value(one)) for one in item.forbid]
        combined = deny_overrides(decisions)
        # Deny where nothing applies; what is open either way, or may yet permit, may also end in that Deny.
        return combined if combined in (P, D) else D if combined in (NA, I_D) else I_DP
    assert isinstance(item, Combination)
    combined = combine(item.algorithm, [says(one, value) for one in item.items])
    return combined if item.target is None else targeted(value(item.target), combined)


def combine(algorithm: str, decisions: Sequence[Says]) -> Says:
    if algorithm == "deny_unless_permit" and P not in decisions and any(one in (I_P, I_DP) for one in decisions):
        return I_DP
    if algorithm == "permit_unless_deny" and D not in decisions and any(one in (I_D, I_DP) for one in decisions):
        return I_DP
    combined = ALGORITHMS[algorithm](decisions)
    if combined is not I_ANY:
        return combined
    # Section 7.10: by what it could have come to without the errors.
    could = {ALGORITHMS[algorithm](sure) for sure in product(*(_COULD[one] for one in decisions))}
    return I_DP if {P, D} <= could else I_P if P in could else I_D


_COULD = {P: (P,), D: (D,), NA: (NA,), I_P: (P, NA), I_D: (D, NA), I_DP: (P, D, NA)}


def truth(decision: Says) -> Truth:
    """A combination as a policy: whether it permits."""
    return True if decision is P else False if decision in (D, NA, I_D) else None
