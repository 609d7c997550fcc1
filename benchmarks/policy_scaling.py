"""One to a thousand policies of which the last one matches, and a comparison of two policies: P13."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from benchmarks import ours, policy_peers
from benchmarks.harness import Case, Goal, Group, case, total

SIZES: Final = (1, 10, 100, 1000)
OURS: Final = "zerotrust"
HAND: Final = "handwritten function"
_ROLES: Final = frozenset({"employee", "approver"})


def indexed() -> Group:
    """Each policy is about a path of its own, so that the one that matters can be looked up."""
    cases: list[Case] = []
    for count in SIZES:
        path = f"/records/r{count - 1}"
        cases.append(case(_name(HAND, count), _hand_paths(count), path, "GET", _ROLES))
        cases.append(ours.many_paths(_name(OURS, count), count, path))
        cedar, rego = policy_peers.cedar_paths(count), policy_peers.rego_paths(count)
        enforcer = policy_peers.casbin_paths(count)
        given = {"path": path, "method": "GET", "roles": sorted(_ROLES)}
        cases.append(case(_name("cedarpy", count), cedar.decide, path, 12, right=lambda seen: seen.allowed))
        cases.append(case(_name("regopy", count), rego.decide, given))
        cases.append(case(_name("casbin", count), enforcer.enforce, "employee", path, "GET"))
    goals = [Goal("P13", "1000 indexed policies, x 1", 1.3, total(_name(OURS, 1000), _name(OURS, 1)))]
    return Group("indexed", "employees may GET one path for each policy; the last one matches", cases, goals)


def unindexed() -> Group:
    """Each policy compares a number with one of its own: nothing can be looked up."""
    cases: list[Case] = []
    for count in SIZES:
        cases.append(case(_name(HAND, count), _hand_risks(count), count - 1, _ROLES))
        cases.append(ours.many_risks(_name(OURS, count), count))
        cedar, rego = policy_peers.cedar_risks(count), policy_peers.rego_risks(count)
        given = {"risk": count - 1, "roles": sorted(_ROLES)}
        cases.append(case(_name("cedarpy", count), cedar.decide, "/x", count - 1, right=lambda seen: seen.allowed))
        cases.append(case(_name("regopy", count), rego.decide, given))
    goals = [
        Goal("P13", "1000 unindexed policies, x cedarpy", 1 / 25, total(_name(OURS, 1000), _name("cedarpy", 1000)))
    ]
    return Group("unindexed", "employees may below one risk for each policy; the last one matches", cases, goals)


def _name(what: str, count: int) -> str:
    return f"{what}, {count}"


def _hand_paths(count: int) -> Callable[[str, str, frozenset[str]], bool]:
    table = {("GET", f"/records/r{number}"): "employee" for number in range(count)}

    def allowed(path: str, method: str, roles: frozenset[str]) -> bool:
        return table.get((method, path)) in roles

    return allowed


def _hand_risks(count: int) -> Callable[[int, frozenset[str]], bool]:
    rules = [(number + 1, "employee") for number in range(count)]

    def allowed(risk: int, roles: frozenset[str]) -> bool:
        return any(risk < limit and role in roles for limit, role in rules)

    return allowed
