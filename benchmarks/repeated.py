"""A token that was seen before: time, keys and whatever else can change are checked, its signature is not.

Answers for P4: one token again and again, and as many tokens in turn as are remembered, so that nothing of them is at
hand. And for the flood: tokens that come once each leave memory bounded, and the client that comes back in the cache.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from typing import Any, Final

from benchmarks import ours, peers
from benchmarks.floors import raw
from benchmarks.harness import Case, Goal, Group, case, clock, total
from benchmarks.material import Material, material
from benchmarks.runner import Groups, main
from zerotrust.core.decision import Decision
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources
from zerotrust.engine import decide
from zerotrust.stores.memory import MemoryStore
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.revocation import Revocation

REMEMBERED: Final = 4096
FLOOD: Final = 100_000
OFTEN: Final = 100
"""The honest client of the flood comes back after so many tokens of others."""

MIB: Final = 2**20

OURS: Final = "zerotrust, the token of a request"
DECIDED: Final = "zerotrust, whole decision: scope and role"
REVOCABLE: Final = "zerotrust, whole decision, revocation in memory"
ANEW: Final = "zerotrust, nothing remembered"
BEFORE: Final = "honest client, before the flood"
AFTER: Final = "honest client, after the flood"

HEADERS: Final = ((b"host", b"api.example"), (b"user-agent", b"benchmark"), (b"accept", b"application/json"))


def carrying(token: str, now: float) -> AccessRequest:
    """What a server makes of a request with this token."""
    return AccessRequest(now=now, headers=[*HEADERS, (b"authorization", b"Bearer " + token.encode())])


def one() -> Group:
    """The same ES256 token again and again."""
    made = material("ES256")
    request, verifier = carrying(made.good, made.now), ours.bearer(made, remember=REMEMBERED)
    revocable = ours.bearer(made, remember=REMEMBERED, revocation=Revocation())
    cases = [
        raw(made),
        case(peers.PYJWT_SET, peers.pyjwt_set(made), made.good),
        case(ANEW, ours.bearer(made).find, request, right=ours.verified),
        case(OURS, verifier.find, request, right=ours.verified),
        case(DECIDED, _deciding(verifier), request),
        case(REVOCABLE, _deciding(revocable), request),
    ]
    goals = [
        Goal("P4", "the same token again, x raw ES256", 1 / 20, total(OURS)),
        Goal("P4", "the same token again, x PyJWT + PyJWKSet", 1 / 50, total(OURS, peers.PYJWT_SET)),
    ]
    about = "a token that was verified before; floor: raw ES256 verification of the same bytes"
    return Group("repeated token", about, cases, goals)


def many() -> Group:
    """As many tokens as are remembered, in turn: none is in the processor's caches when it comes again."""
    made = material("ES256")
    tokens = [made.token(jti=f"jti-{number}", sub=f"user-{number}") for number in range(REMEMBERED)]
    requests = [carrying(token, made.now) for token in tokens]
    verifier = ours.bearer(made, remember=REMEMBERED)
    found = [[verifier.find(request) for request in requests] for _ in range(3)]
    kept = sum(first is second for first, second in zip(*found[-2:], strict=True))
    cases = [
        raw(made),
        _in_turn(peers.PYJWT_SET, peers.pyjwt_set(made), tokens),
        _in_turn(OURS, verifier.find, requests),
        _in_turn(DECIDED, _deciding(verifier), requests),
    ]
    goals = [
        Goal("P4", f"{REMEMBERED} tokens in turn, x PyJWT + PyJWKSet", 1 / 25, total(OURS, peers.PYJWT_SET)),
        Goal("P4", f"{REMEMBERED} tokens in turn, part of them forgotten", 0.0, lambda _: 1 - kept / REMEMBERED),
    ]
    about = f"{REMEMBERED} tokens in turn, all remembered; floor: raw ES256 verification of one"
    return Group("repeated tokens", about, cases, goals)


def flood(tokens: int = FLOOD) -> Group:
    """Tokens of the issuer that come once each, while one client comes back every now and then."""
    made = material("ES256")
    verifier = ours.bearer(made, remember=REMEMBERED)
    honest = carrying(made.good, made.now)
    known = [verifier.find(honest) for _ in range(3)][-1]
    before = case(BEFORE, verifier.find, honest, right=ours.verified)
    came = served = full = 0
    empty = _resident()
    for number, request in enumerate(_distinct(made, tokens)):
        verifier.find(request)
        if number == REMEMBERED:  # from here on nothing may grow any more
            full = _resident()
        if number % OFTEN == 0:
            came += 1
            served += verifier.find(honest) is known
    missed, grown, held = came - served, (_resident() - full) / MIB, len(verifier._demands.cache or ())
    what = f"flood of {tokens}"
    goals = [
        Goal("P4", f"{what}: times that the honest client was not remembered", 0.0, lambda _: missed),
        Goal("P4", f"{what}: tokens held, x those remembered", 1.0, lambda _: held / REMEMBERED),
        Goal("P4", f"{what}: MiB more than when the memory was full", 4.0, lambda _: grown),
        Goal("P4", f"{what}: honest client, x before", 1.25, total(AFTER, BEFORE)),
    ]
    cases = [before, case(AFTER, verifier.find, honest, right=ours.verified)]
    notes = [f"{held} tokens are held in {(full - empty) / MIB:.1f} MiB; the honest client came {came} times"]
    return Group("flood of tokens", "tokens that come once each; floor: the honest client before", cases, goals, notes)


def _distinct(made: Material, number: int) -> Iterator[AccessRequest]:
    for each in range(number):
        yield carrying(made.token(jti=f"flood-{each}"), made.now)


def _resident() -> int:
    """The most octets of memory this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _deciding(verifier: Bearer) -> Callable[[AccessRequest], Decision]:
    policy, sources = verifier.scope("read:accounts") & verifier.role("approver"), Sources(MemoryStore())
    return lambda request: decide(policy, request, sources)


def _in_turn(name: str, call: Callable[..., object], arguments: Sequence[Any]) -> Case:
    turns = cycle(arguments)

    def sample(number: int) -> float:
        batch = list(islice(turns, number))
        began = clock()
        for each in batch:
            call(each)
        return clock() - began

    return Case(name, lambda: call(arguments[0]), sample, bool)


GROUPS: Final[Groups] = {"one": one, "many": many, "flood": flood}

if __name__ == "__main__":
    sys.exit(main("benchmarks.repeated", GROUPS))
