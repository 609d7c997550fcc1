"""What can be proven of policies: whether one is weaker than another, what in it can never matter, what it requires.

Needs the extra `zerotrust[analysis]` for all but small policies.
"""

from zerotrust.analysis.comparison import (
    Comparison,
    Example,
    Relation,
    assert_not_weaker,
    compare,
    equivalent,
    implies,
)
from zerotrust.analysis.configuration import Change
from zerotrust.analysis.idle import Idle, IdleParts, idle_leaves, never_or_always, unreachable
from zerotrust.analysis.monotone import Monotone, Worse, monotone
from zerotrust.analysis.trust import (
    Requires,
    assert_phishing_resistant,
    requires,
    requires_phishing_resistant,
    sensitive,
)

__all__ = [
    "Change",
    "Comparison",
    "Example",
    "Idle",
    "IdleParts",
    "Monotone",
    "Relation",
    "Requires",
    "Worse",
    "assert_not_weaker",
    "assert_phishing_resistant",
    "compare",
    "equivalent",
    "idle_leaves",
    "implies",
    "monotone",
    "never_or_always",
    "requires",
    "requires_phishing_resistant",
    "sensitive",
    "unreachable",
]
