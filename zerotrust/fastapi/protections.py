"""What protects what: rules and requirements, found for a place once and then remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from starlette.routing import Router

from zerotrust.core.errors import ConfigError, ZeroTrustError
from zerotrust.core.policy import Policy, all_of
from zerotrust.fastapi.annotations import lost
from zerotrust.fastapi.requirement import Requirement
from zerotrust.fastapi.routes import Owner, Place, Target, frontends, inner_router, places
from zerotrust.web.report import Protection, Report, RouteLine

_REMEMBERED = 10_000  # places; an application that makes new ones all the time must not fill the memory


@dataclass(slots=True)
class Entry:
    """What is known of one place.

    Attributes:
        target: kept, so that no other one gets the id it is remembered by.
        protection: its policy; None if what is mounted there is guarded from within.
        grants: the requirements that this policy covers.
        area: of a mount that is guarded from within: what its routes are in. inner: the router there.
        problem: why nobody may pass: what it requires cannot be told.
    """

    target: Target
    protection: Protection | None
    grants: frozenset[object] = frozenset()
    area: Area | None = None
    inner: Router | None = None
    problem: str | None = None


@dataclass(slots=True)
class Area:
    """Where a router is mounted: the path up to there, and the rule that holds below unless there is a closer one."""

    owner: Protections
    prefix: str = ""
    rule: Protection | None = None
    entries: dict[int, Entry] = field(default_factory=dict[int, Entry])


class Protections:
    """The policies of all places of one guard.

    Args:
        default: protects what nothing else does.
        enter: has the guard watch a mounted router; False if it cannot, so that the mount is decided on as a whole.
    """

    def __init__(self, default: Protection, enter: Callable[[Router], bool]) -> None:
        self._default = default
        self._enter = enter
        self._rules: dict[str, Protection] = {}
        self._requirements: dict[Policy, Requirement] = {}
        self.top = Area(self)

    def add_rule(self, path: str, protection: Protection) -> None:
        """Let `protection` hold at `path` and below; raises `ConfigError` if there is a rule for it."""
        if path in self._rules:
            raise ConfigError(f"two rules for {path}; give one, e.g. guard.protect({path!r}, one & another)")
        self._rules[path] = protection
        self.top = Area(self)

    def requirement(self, policy: Policy, make: Callable[[Policy], Requirement]) -> Requirement:
        """The one requirement for `policy`."""
        known = self._requirements.get(policy)
        if known is None:
            known = self._requirements[policy] = make(policy)
        return known

    def entry(self, area: Area, target: Target, owner: Owner) -> Entry:
        """What protects `target`, None standing for what no route serves; `PolicyError` if policies do not combine."""
        entry = area.entries.get(id(target))
        if entry is None:
            if len(area.entries) >= _REMEMBERED:
                area.entries.clear()
            entry = area.entries[id(target)] = self._work_out(area, target, owner)
        return entry

    def _work_out(self, area: Area, target: Target, owner: Owner) -> Entry:
        if target is None:
            return Entry(None, area.rule or self._default)
        place = Place(target, owner)
        for dependant in place.dependants():
            if (problem := lost(dependant)) is not None:
                return Entry(target, None, problem=problem)
        rule = next((self._rules[key] for key in _keys(area, place) if key in self._rules), area.rule)
        required = [one for one in place.calls() if isinstance(one, Requirement) and self._is_mine(one)]
        policies = list(dict.fromkeys(one.policy for one in required))
        by = ["guard.require"] if policies else []
        if rule is not None and (not policies or rule.open_because is None):
            by.append(rule.by)
            policies += [rule.policy] if rule.policy not in policies else []
        protection = None
        if policies:
            protection = Protection(policies[0] if len(policies) == 1 else all_of(*policies), " and ".join(by))
        inner = inner_router(place.mount) if place.mount is not None else None
        if inner is not None and self._enter(inner):
            return Entry(target, None, area=Area(self, area.prefix + place.path, protection), inner=inner)
        return Entry(target, protection or self._default, frozenset(required))

    def _is_mine(self, requirement: Requirement) -> bool:
        return self._requirements.get(requirement.policy) is requirement

    # --- Looking at all of them --------------------------------------------------------------------------------------

    def report(self, router: Router) -> Report:
        """Every route of `router` and of what is mounted there."""
        lines: list[RouteLine] = []
        problems: list[str] = []
        met: set[str] = set()
        for area, place in self._walk(router, self.top, ()):
            met.update(_keys(area, place))
            entry = self._entry_or_problem(area, place)
            if isinstance(entry, str):
                problems.append(f"{area.prefix}{place.path}: {entry}")
            elif entry.inner is not None:
                continue  # its routes follow
            protection = None if isinstance(entry, str) else entry.protection
            shown = [*frontends(place.target)] or [place.path + ("/*" if place.mount else "")]
            lines += [RouteLine(place.methods, area.prefix + path, protection) for path in shown]
        known = ", ".join(sorted({line.path for line in lines}))
        for path in self._rules.keys() - met:
            by = self._rules[path].by
            problems.append(f"{by}({path!r}) meets no route; write the path as it was declared, one of: {known}")
        return Report(tuple(lines), self._default, tuple(problems))

    def of_operations(self, router: Router) -> Iterator[tuple[str, tuple[str, ...], Protection]]:
        """Path template, methods and protection of the routes that `router` serves itself."""
        for place in places(router):
            entry = self._entry_or_problem(self.top, place)
            if not isinstance(entry, str) and entry.protection is not None:
                yield place.template, place.methods, entry.protection

    def _walk(self, router: Router, area: Area, above: tuple[Router, ...]) -> Iterator[tuple[Area, Place]]:
        for place in places(router):
            yield area, place
            entry = self._entry_or_problem(area, place)
            if isinstance(entry, str) or entry.inner is None or entry.area is None:
                continue
            if not any(entry.inner is one for one in (*above, router)):  # an application may be mounted inside itself
                yield from self._walk(entry.inner, entry.area, (*above, router))

    def _entry_or_problem(self, area: Area, place: Place) -> Entry | str:
        try:
            entry = self.entry(area, place.target, place.owner)
            return entry if entry.problem is None else entry.problem
        except ZeroTrustError as error:
            return str(error)


def _keys(area: Area, place: Place) -> tuple[str, ...]:
    """How rules may name `place`. A mount at the root is `/*` only: `/` is the route there."""
    path = area.prefix + place.path
    if place.mount is None:
        return tuple(area.prefix + path for path in frontends(place.target)) or (path, area.prefix + place.template)
    return (path, f"{path}/*") if place.path else (f"{path}/*",)
