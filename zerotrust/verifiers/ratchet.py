"""A client that has shown that it can prove a key does not go back to tokens that anybody could use."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from zerotrust.core.ask import Ask, Gather, Lookup, Put
from zerotrust.core.reason import Reason
from zerotrust.verifiers.token_evidence import TokenEvidence


@attrs.frozen(eq=False, kw_only=True)
class BindingRatchet:
    """Remembers by client the strongest binding it has shown."""

    needs: ClassVar[tuple[type[Ask[Any]], ...]] = (Lookup, Put)

    def check(self, evidence: TokenEvidence, now: float) -> Gather[Reason | None]:
        """Why the token's binding is too weak for its client; None if it is not."""
        return None
        yield
