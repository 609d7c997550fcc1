"""Access tokens: signature, `exp`, `nbf`, `iss` and `aud`, by us and by the peers; and what a refusal costs.

Answers for P1 (near the raw verification), P2 (the fastest), P3 (a fraction of the others' overhead) and P5 (refusing
costs an attacker's victim little).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from benchmarks import ours, peers, yardstick
from benchmarks.floors import raw
from benchmarks.harness import Case, Goal, Group, case, overhead, total
from benchmarks.material import Material, b64url, material
from benchmarks.runner import Groups, main

OURS: Final = "zerotrust"
YARDSTICK: Final = "yardstick: minimal strict"
YARDSTICK_KNOWN: Final = "yardstick, header kept by text"

P1: Final = {"ES256": 1.35, "EdDSA": 1.22, "RS256": 1.85}
P2: Final = {"ES256": 0.9, "RS256": 0.9, "HS256": 0.9, "EdDSA": 0.95}


def accepting(algorithm: str) -> Group:
    """One good token, verified by everybody."""
    made = material(algorithm)
    cases = [raw(made)]
    for name, kept in ((YARDSTICK, False), (YARDSTICK_KNOWN, True)):
        cases.append(case(name, yardstick.verifier(made, kept), made.good, made.now, right=_claims))
    rivals = peers.verifiers(made)
    cases += [case(name, check, made.good, right=_claims) for name, check in rivals.items()]
    verify = ours.verifier(made)
    if verify is not None:
        cases.append(case(OURS, verify, made.good, made.now, right=ours.verified))
    about = f"one {algorithm} access token of {len(made.good)} bytes; floor: raw verification of the same bytes"
    return Group(f"tokens {algorithm}", about, cases, _goals(algorithm, [*rivals]))


def _goals(algorithm: str, rivals: list[str]) -> list[Goal]:
    goals: list[Goal] = []
    if algorithm in P1:
        goals.append(Goal("P1", f"{algorithm}: total, x raw", P1[algorithm], total(OURS)))
        yardsticks = (YARDSTICK, YARDSTICK_KNOWN)
        goals += [Goal("P1", f"{algorithm}: overhead, x {name}", 1.4, overhead(OURS, name)) for name in yardsticks]
    limit = P2[algorithm]
    # No goal may depend on PyJWT's slow line, so the version without it is a rival too.
    goals.append(Goal("P2", f"{algorithm}: total, x fastest peer", limit, total(OURS, *rivals)))
    if algorithm != "HS256":
        goals.append(Goal("P3", f"{algorithm}: overhead, x PyJWT + PyJWKSet", 1 / 5, overhead(OURS, peers.PYJWT_SET)))
        goals.append(Goal("P3", f"{algorithm}: overhead, x PyJWT, C alphabet", 1 / 2.2, overhead(OURS, peers.PYJWT_C)))
    goals.append(Goal("P3", f"{algorithm}: overhead, x joserfc + KeySet", 1 / 2, overhead(OURS, peers.JOSERFC_SET)))
    return goals


def refusing() -> Group:
    """What each kind of bad token costs us, joserfc and PyJWT, next to a raw ES256 verification."""
    made = material("ES256")
    cases = [raw(made)]
    for kind, token in bad_tokens(made).items():
        cases += _refusals(made, kind, token)
    goals = [
        Goal("P5", "oversize, x raw ES256", 1 / 50, total(f"oversize: {OURS}")),
        Goal("P5", "unknown kid, x raw ES256", 1 / 8, total(f"unknown kid: {OURS}")),
        Goal("P5", "unknown kid, x joserfc", 1 / 2.5, total(f"unknown kid: {OURS}", "unknown kid: joserfc")),
        Goal("P5", "bad signature, x raw ES256", 1.2, total(f"bad signature: {OURS}")),
    ]
    return Group("tokens refused", "bad ES256 tokens; floor: one raw ES256 verification", cases, goals)


def bad_tokens(made: Material) -> dict[str, str]:
    """One token for each kind of refusal. The oversize one is signed: only its size is wrong."""
    return {
        "oversize": made.token(padding=b64url(bytes(48 * 1024))),
        "no dots": "A" * 800,
        "unknown kid": made.unknown_kid,
        "bad signature": made.bad_signature,
        "expired": made.expired,
    }


def _refusals(made: Material, kind: str, token: str) -> list[Case]:
    cases = [case(f"{kind}: yardstick", yardstick.verifier(made, True), token, made.now, right=_refused)]
    rivals = {"joserfc": peers.joserfc_set(made), "PyJWT": peers.pyjwt_set(made)}
    if kind != "oversize":  # PyJWT and joserfc have no limit: they read and accept it, and that is what it costs
        cases += [case(f"{kind}: {name}", caught(verify), token, right=_refused) for name, verify in rivals.items()]
    else:
        cases += [case(f"{kind}: {name}", verify, token, right=_claims) for name, verify in rivals.items()]
    verify = ours.verifier(made)
    if verify is not None:
        cases.append(case(f"{kind}: {OURS}", verify, token, made.now, right=ours.refused))
    return cases


def caught(verify: peers.Verifier) -> Callable[[str], Any]:
    """A peer that raises, as a function that says what was raised; raising is part of its cost, and ours has none."""

    def verdict(token: str) -> object:
        try:
            return verify(token)
        except Exception as refusal:
            return str(type(refusal).__name__)

    return verdict


def _claims(outcome: object) -> bool:
    return isinstance(outcome, Mapping) and outcome["sub"] == "00u1a2b3c4d5e6f7g8h9"


def _refused(outcome: object) -> bool:
    return isinstance(outcome, str)


GROUPS: Final[Groups] = {
    "es256": partial(accepting, "ES256"),
    "rs256": partial(accepting, "RS256"),
    "eddsa": partial(accepting, "EdDSA"),
    "hs256": partial(accepting, "HS256"),
    "refused": refusing,
}

if __name__ == "__main__":
    sys.exit(main("benchmarks.tokens", GROUPS))
