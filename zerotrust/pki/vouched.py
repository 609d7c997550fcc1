"""What need not be found out twice: that one authority's certificate was signed by another authority.

Thousands of peers have the same issuer. That a signature is good never changes, so it is kept with the certificate that
it is on, for as long as somebody holds that; all that may change (dates, anchors, what is below) is checked each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from cryptography.x509.verification import PolicyBuilder

from zerotrust.pki.anchors import policy_to
from zerotrust.wire.certificate import Certificate

_BY: Final = "signed by"
_POLICY: Final = "policy"


def vouch_for(authorities: Sequence[Certificate]) -> None:
    """Keep that each of `authorities` was signed by the next. Only the last signer of each is kept.

    Args:
        authorities: a path without its leaf, as `cryptography` found it good.
    """
    for one, above in pairwise(authorities):
        one.notes[_BY] = above


def is_vouched_for(authorities: Sequence[Certificate]) -> bool:
    """Whether each of `authorities` is known to be signed by the next."""
    return all(one.notes.get(_BY) == above for one, above in pairwise(authorities))


def vouched_policy(issuer: Certificate) -> PolicyBuilder:
    """What `cryptography` is to check of a leaf below an issuer that is vouched for."""
    policy = issuer.notes.get(_POLICY)
    if not isinstance(policy, PolicyBuilder):
        policy = policy_to(issuer)
        issuer.notes[_POLICY] = policy
    return policy
