"""What a session proves."""

from __future__ import annotations

from dataclasses import dataclass, field

from zerotrust.core.evidence import Evidence
from zerotrust.core.reason import Reason
from zerotrust.factors.proof import Proof
from zerotrust.sessions.carrier import Headers
from zerotrust.sessions.record import Key


@dataclass(frozen=True, slots=True)
class SessionEvidence(Evidence):
    """Facts about one session; `expires_at` is when it ends if it is not used, or ends at all.

    Attributes:
        handle: names the session in lists; not what its cookie holds. Empty while there is none yet: a session that is
            `of` something else verified begins with the first factor proven.
        started_at: when it began, POSIX seconds; `verified_at` while there is none.
        proofs: the factors proven in it, the latest last.
        lapsed: why an earlier session does not count any more; None if there was none, or it is this one.
        seen_at: when its use was written down last, POSIX seconds; 0 while there is none.
        pauses: for each proof the longest time, in seconds, for which the session was not used since.
        keys: the keys it is bound to, method and thumbprint; empty if it is bound to none.
        renewal: response headers that keep it going, empty if none are needed. They hold its cookie, and never show.
    """

    handle: str = ""
    started_at: float = 0.0
    proofs: tuple[Proof, ...] = ()
    lapsed: Reason | None = None
    seen_at: float = 0.0
    pauses: tuple[float, ...] = ()
    keys: tuple[Key, ...] = ()
    renewal: Headers = field(default=(), repr=False, compare=False)
