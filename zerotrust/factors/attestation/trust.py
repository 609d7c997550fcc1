"""Who vouches for an attestation: the path from its certificate to one that is trusted (WebAuthn Level 3 section 7.1).

Attestation certificates have a profile of their own, and the paths of `zerotrust.pki` need no exception for it but one:

- They have no extended key usage, or one that only their format knows, so none is asked for here.
- Those of TPMs under Windows mark their certificate policies critical. Nobody asks for a policy, so any will do
  (`ChainRules.any_policy`); for clients' certificates that stays refused.
- Their names are nobody's that could be compared, and are not looked at. They may live for a thousand years, or for
  three days as Apple's; they have to be valid now.
- Android sends its root along. That is no harm: an anchor is trusted by value, never because it was presented.
- A security key's certificate may be an anchor itself, in FIDO's metadata only: see `Model.is_listed`.
"""

from __future__ import annotations

from typing import Final

from zerotrust.core.reason import UNTRUSTED_ATTESTATION, Reason
from zerotrust.factors.attestation.attested import Attestation
from zerotrust.pki.anchors import Anchors
from zerotrust.pki.chain import ChainRules, Path, build_path

RULES: Final = ChainRules(purposes=(), most=8, any_policy=True)
"""What a path for attestation has to keep to; Google's have five certificates."""


def trusted_path(attestation: Attestation, anchors: Anchors, now: float) -> Path | Reason:
    """The path from the attestation certificate to one of `anchors`, valid at `now`.

    Args:
        attestation: a statement with certificates.
        anchors: who is trusted to vouch for it.
        now: the moment, POSIX seconds.

    Returns:
        The path; or `untrusted_attestation`, whose detail says which certificate failed on which clause.
    """
    if not attestation.x5c:
        return UNTRUSTED_ATTESTATION(detail="nobody attests it", presented=attestation.format)
    leaf, *others = attestation.x5c
    path = build_path(leaf, [one for one in others if one not in anchors], anchors, now, RULES)
    if isinstance(path, Reason):
        return UNTRUSTED_ATTESTATION(detail=str(path), presented=attestation.format)
    return path
