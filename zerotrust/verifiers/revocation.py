"""Tokens that no longer count though they have not expired: revoked by id, subject, session or moment of issue."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from zerotrust.core.ask import Ask, Gather, Lookup
from zerotrust.core.reason import Reason
from zerotrust.verifiers.token_cache import Remembered
from zerotrust.verifiers.token_evidence import TokenEvidence


@attrs.frozen(eq=False, kw_only=True)
class Revocation:
    """Where revocations are looked up."""

    needs: ClassVar[tuple[type[Ask[Any]], ...]] = (Lookup,)

    def check(self, evidence: TokenEvidence, now: float, known: Remembered | None) -> Gather[Reason | None]:
        """Why the token is revoked; None if it is not."""
        return None
        yield
