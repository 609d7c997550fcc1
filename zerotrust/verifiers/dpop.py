"""DPoP proofs: a client shows with each request that it has the key its token is bound to (RFC 9449)."""

from __future__ import annotations

import attrs

from zerotrust.core.ask import ConsumeOnce
from zerotrust.core.reason import PROOF_REQUIRED, Reason
from zerotrust.core.request import AccessRequest


@attrs.frozen(eq=False, kw_only=True)
class DPoP:
    """How DPoP proofs are checked."""

    required: bool = False

    def check(self, request: AccessRequest, token: str, jkt: str) -> ConsumeOnce | Reason:
        """The mark of a good proof, to be consumed last; or why it is not good."""
        return PROOF_REQUIRED()

    def continuing(self, now: float) -> tuple[tuple[bytes, bytes], ...]:
        """The next nonce, for the caller's next proof."""
        return ()
