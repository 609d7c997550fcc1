"""What can be proven of policies: whether one is weaker than another, what in it can never matter, and so on.

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

__all__ = [
    "Comparison",
    "Example",
    "Relation",
    "assert_not_weaker",
    "compare",
    "equivalent",
    "implies",
]
