"""Flows: a decision over ten thousand rows next to one over ten, the very same request by the very same peer.

The rows are those of a large shop: a few paths of each of many services, for callers in many namespaces. What is asked
for stands in both tables, and in the large one among thousands of its like.
"""

from __future__ import annotations

import sys
from itertools import cycle
from typing import Any, Final

from benchmarks.harness import Case, Goal, Group, case, total
from benchmarks.runner import Groups, main
from zerotrust.core.decision import Decision
from zerotrust.core.peer import Peer
from zerotrust.core.policy import Policy
from zerotrust.core.request import AccessRequest
from zerotrust.engine import decide
from zerotrust.pki.short_lived import ShortLived
from zerotrust.pki.trust_bundle import TrustBundle
from zerotrust.segments import Flow, Segments, deny
from zerotrust.testing.authority import LocalAuthority
from zerotrust.verifiers.peer_certificate import PeerCertificate
from zerotrust.wire.spiffe import SpiffeId

NOW: Final = 1_800_000_000.0
FEW: Final = 10
MANY: Final = 10_000
CALLERS: Final = 64  # whose requests take turns, so that no one path through the table stays in the processor's cache


def rows(count: int) -> list[Flow]:
    """Rows for `count` callers; every tenth denies, and some are for a whole namespace."""
    made: list[Flow] = []
    for number in range(count):
        peer = caller(number)
        if number % 10 == 9:
            made.append(
                deny(f"spiffe://prod.example/ns/shop-{number}/**", "ledger", "DELETE", f"/accounts/{number}/**")
            )
        else:
            made.append(Flow(peer, "ledger", ["GET", "POST"], [f"/accounts/{number}", f"/accounts/{number}/{{entry}}"]))
    return made


def caller(number: int) -> str:
    """The SPIFFE id of a caller."""
    return f"spiffe://prod.example/ns/shop-{number}/sa/web"


def requests(authority: LocalAuthority, numbers: list[int], method: str) -> list[AccessRequest]:
    """A request of each of these callers, with its certificate."""
    made: list[AccessRequest] = []
    for number in numbers:
        path = f"/accounts/{number}/entry-7"
        peer = Peer(authority.issue("web", uris=[caller(number)], days=0.25).ders)
        made.append(AccessRequest(now=NOW, method=method, path=path, raw_path=path, peer=peer))
    return made


def deciding() -> Group:
    """One caller over and over, a refusal, and callers in turn; the floor is the small table."""
    authority = LocalAuthority(now=NOW)
    peer = PeerCertificate(TrustBundle("prod.example", authority.pem), revocation=ShortLived())
    small = Segments(rows(FEW), service="ledger").policy(peer)
    large = Segments(rows(MANY), service="ledger").policy(peer)
    allowed, refused = requests(authority, [7], "GET")[0], requests(authority, [7], "PUT")[0]
    few = requests(authority, [number % FEW for number in range(CALLERS) if number % FEW != 9], "GET")
    many = requests(authority, [number * 157 for number in range(CALLERS) if number * 157 % 10 != 9], "GET")
    cases = [
        case(f"{FEW} rows", decide, small, allowed),
        case(f"{MANY} rows", decide, large, allowed),
        case(f"refused: {FEW} rows", decide, small, refused, right=_is_refused),
        case(f"refused: {MANY} rows", decide, large, refused, right=_is_refused),
        _in_turn(f"in turn: {FEW} rows", small, few),
        _in_turn(f"in turn: {MANY} rows", large, many),
    ]
    goals = [
        Goal("flows", f"{prefix}{MANY} rows, x {FEW} rows", 1.3, total(f"{prefix}{MANY} rows", f"{prefix}{FEW} rows"))
        for prefix in ("", "refused: ", "in turn: ")
    ]
    notes = [
        "a whole decision: the certificate's path is remembered, its times and bundle are checked, then the table",
        f"in turn: callers after one another ({len(few)} and {len(many)}), each with its certificate and path",
    ]
    return Group("flows", f"a decision over {MANY} rows of flows; floor: over {FEW}", cases, goals, notes)


def looking_up() -> Group:
    """The table alone, without a certificate and without a decision around it."""
    few, many = Segments(rows(FEW), service="ledger"), Segments(rows(MANY), service="ledger")
    authority = LocalAuthority(now=NOW)
    request = requests(authority, [7], "GET")[0]
    who = SpiffeId(caller(7))
    cases = [
        case(f"{FEW} rows", few.rule, who, request),
        case(f"{MANY} rows", many.rule, who, request),
    ]
    goals = [Goal("flows", f"look-up alone: {MANY} rows, x {FEW} rows", 1.3, total(f"{MANY} rows", f"{FEW} rows"))]
    return Group("flow look-ups", f"the table alone, {MANY} rows; floor: {FEW}", cases, goals)


def _is_refused(decision: Decision) -> bool:
    return not decision


def _in_turn(name: str, policy: Policy, asked: list[AccessRequest]) -> Case:
    """One decision after the other, each for the next caller."""
    turns = cycle(asked)

    def one() -> Any:
        return decide(policy, next(turns))

    return case(name, one)


GROUPS: Final[Groups] = {"deciding": deciding, "looking_up": looking_up}

if __name__ == "__main__":
    sys.exit(main("benchmarks.segments", GROUPS))
