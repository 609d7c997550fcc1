"""Whose factors: a subject in its source's own naming."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who enrols factors.

    Attributes:
        source: who vouches for the subject: a token's issuer, or the application's own name for its sign-in.
        subject: the subject, in that source's own naming. Compared octet by octet.
    """

    source: str
    subject: str

    @property
    def key(self) -> bytes:
        """What is kept for this account is kept under this: two different accounts never share one."""
        # Escapes leave ASCII, so that even text that is not valid Unicode has one.
        return json.dumps([self.source, self.subject], separators=(",", ":")).encode("ascii")
