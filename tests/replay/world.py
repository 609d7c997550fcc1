"""What tests of capsules share: a key, and a way there and back."""

from __future__ import annotations

from typing import Any

from zerotrust.core.decision import Decision
from zerotrust.core.policy import Policy
from zerotrust.core.request import AccessRequest
from zerotrust.replay import Capsule, Recorder, read_capsule
from zerotrust.replay.digests import Digests
from zerotrust.replay.prints import fingerprint
from zerotrust.replay.rebuild import Trial, Tried

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))


def recorded(decision: Decision, *, shadow: Decision | None = None, route: str = "/pay/{id}", **options: Any) -> bytes:
    """The line that a recorder writes of this decision."""
    lines: list[bytes] = []
    recorder = Recorder(key=KEY, sink=lines.append, **options)
    recorder.record(decision, AccessRequest(now=decision.now, method="POST"), route=route, shadow=shadow)
    assert (recorder.recorded, recorder.failed, len(lines)) == (1, 0, 1)
    return lines[0]


def capsule_of(decision: Decision, **options: Any) -> Capsule:
    capsule = read_capsule(recorded(decision, **options))
    assert isinstance(capsule, Capsule), capsule
    return capsule


def tried(policy: Policy, capsule: Capsule, key: bytes | None = KEY) -> Tried:
    return Trial(policy, fingerprint(policy), None if key is None else Digests(key)).on(capsule)
