"""Verified facts. RFC 9334 calls unverified claims "evidence"; here the word always means facts that were checked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """Verified facts about one subject, from one source.

    Attributes:
        source: who vouches for the facts, e.g. the issuer of a token.
        subject: whom the facts are about, in the source's own naming.
        verified_at: when they were checked, in POSIX seconds.
        expires_at: from when on they no longer count, in POSIX seconds; `math.inf` if never.
    """

    source: str
    subject: str
    verified_at: float
    expires_at: float
