"""What protects what: rules and requirements, found for a place once and then remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from starlette.routing import Route, Router

from zerotrust.core.errors import ConfigError, ZeroTrustError
from zerotrust.core.policy import Policy, all_of
from zerotrust.starlette.requirement import Requirement
from zerotrust.starlette.routes import UNMATCHED, Owner, Place, Routing, Several, Target, probe
from zerotrust.web.gate import NO_ROUTE, Checkpoint
from zerotrust.web.report import Protection, Report, RouteLine, meets_no_route
from zerotrust.web.wrapped import Wrappers

_DEEPEST = 32  # mounts in mounts; one that leads back to itself must not be followed for ever
_REMEMBERED = 10_000  # places; an application that makes new ones all the time must not fill the memory


@dataclass(slots=True)
class Entry:
    """What is known of one place of the routing.

    Attributes:
        target: kept, so that no other one gets the id it is remembered by.
        place: what is required there; None if what is mounted there is guarded from within, or nobody may pass.
        area: of a mount that is guarded from within: what its routes are in. inner: the router there.
        problem: why nobody may pass: what it requires cannot be told.
    """

    target: Target
    place: Checkpoint | None
    area: Area | None = None
    inner: Router | None = None
    problem: str | None = None

    @property
    def protection(self) -> Protection | None:
        """Its policy; None if what is mounted there is guarded from within, or nobody may pass."""
        return None if self.place is None else self.place.protection


@dataclass(slots=True)
class Area:
    """Where a router is mounted.

    Attributes:
        owner: whose area it is.
        prefix: the path up to there; None if that is not known, so that no rule can name what is in it.
        rule: holds below unless there is a closer one. required: holds below in any case.
        router: the one that is mounted there; None at the top.
        astray: the area of another router that is entered with this one in the scope.
    """

    owner: Protections
    prefix: str | None = ""
    rule: Protection | None = None
    required: tuple[Requirement, ...] = ()
    router: Router | None = None
    entries: dict[object, Entry] = field(default_factory=dict[object, Entry])
    astray: Area | None = None

    def of(self, router: Router, root: Router) -> Area:
        """The area that `router` is in when it is entered with this one in the scope, `root` being the guard's own.

        A mounted application may pass a scope on to any other: what was open where it stands is not open there. But
        where it could be the router of this area, which has been replaced, what is required here stays required.
        """
        if router is self.router:
            return self
        if router is root:
            return self.owner.top
        if self.astray is None:
            rule = None if self.router is None else self.owner.beside_default(self.rule)
            self.astray = Area(self.owner, None, rule, self.required)
        return self.astray


class Protections:
    """The policies of all places of one guard.

    Args:
        routing: of the framework.
        default: protects what nothing else does.
        enter: has the guard watch a mounted router; False if it cannot, so that the mount is decided on as a whole.
        other: the report of another guard that stands before a mounted router; None if there is none.
    """

    def __init__(
        self,
        routing: Routing,
        default: Protection,
        enter: Callable[[Router], bool],
        other: Callable[[Router], Report | None],
    ) -> None:
        self._routing = routing
        self._default = default
        self._enter = enter
        self._other = other
        self._rules: dict[str, Protection] = {}
        self._routes: dict[int, tuple[Route, Protection]] = {}  # by id: Starlette's routes are equal by what they say
        self._requirements: dict[Policy, Requirement] = {}
        self.wrappers: Wrappers = Wrappers()
        self.top: Area = Area(self)

    def add_rule(self, path: str, protection: Protection) -> None:
        """Let `protection` hold at `path` and below; raises `ConfigError` if there is a rule for it."""
        if path in self._rules:
            raise ConfigError(f"two rules for {path}; give one, e.g. guard.protect({path!r}, one & another)")
        self._rules[path] = protection
        self.top = Area(self)

    def add_route(self, route: Route, protection: Protection) -> None:
        """Let `protection` hold at this very route, unless there is a rule for its path."""
        self._routes[id(route)] = route, protection
        self.top = Area(self)

    def requirement(self, policy: Policy, make: Callable[[Policy], Requirement]) -> Requirement:
        """The one requirement for `policy`."""
        known = self._requirements.get(policy)
        if known is None:
            known = self._requirements[policy] = make(policy)
        return known

    def policies(self) -> Iterator[Policy]:
        """All that were given, wherever they hold; what several of them combine to is not among them."""
        yield self._default.policy
        yield from [rule.policy for rule in self._rules.values()]
        yield from [rule.policy for _, rule in self._routes.values()]
        yield from list(self._requirements)

    def entry(self, area: Area, target: Target, owner: Owner) -> Entry:
        """What protects `target`, None standing for what no route serves; `PolicyError` if policies do not combine."""
        key = target.key if isinstance(target, Several) else id(target)
        entry = area.entries.get(key)
        if entry is None or (entry.inner is not None and not self._stands(entry)):
            if len(area.entries) >= _REMEMBERED:
                area.entries.clear()
            entry = area.entries[key] = self._work_out(area, target, owner)
        return entry

    def _work_out(self, area: Area, target: Target, owner: Owner) -> Entry:
        if target is None or target is UNMATCHED:
            return Entry(target, Checkpoint(_combined(area.required, area.rule) or self._default, NO_ROUTE))
        if isinstance(target, Several):
            return self._all_of(area, target)
        place = self._routing.place(target, owner)
        if (problem := place.problem) is not None:
            return Entry(target, None, problem=problem)
        mine = (one for one in place.marks() if isinstance(one, Requirement) and self._is_mine(one))
        required = tuple(dict.fromkeys((*area.required, *mine)))
        keys = _keys(area, place)
        rule = next((self._rules[key] for key in keys if key in self._rules), None)
        if rule is None and id(target) in self._routes:
            rule = self._routes[id(target)][1]
        if rule is None:
            rule = area.rule
            above = self._above(area, keys)
            if above is not None:
                rule = above if required else self.beside_default(above, area.rule)
        protection = _combined(required, rule)
        inner = self._routing.inner_router(place.mount) if place.mount is not None else None
        if inner is not None and self._enter(inner):
            prefix = None if area.prefix is None else area.prefix + place.path
            return Entry(target, None, area=Area(self, prefix, rule, required, inner), inner=inner)
        path = (area.prefix or "") + place.template
        return Entry(target, Checkpoint(protection or self._default, path, frozenset(required)))

    def _all_of(self, area: Area, several: Several) -> Entry:
        """What a method needs that none of these routes takes: what all of them do."""
        entries = [self.entry(area, place.target, place.owner) for place in several.places]
        found = [entry.place for entry in entries if entry.place is not None]
        if len(found) < len(entries):
            told = (entry.problem for entry in entries if entry.problem is not None)
            return Entry(several, None, problem=next(told, "what is mounted there takes no other method"))
        protections = {place.protection.policy: place.protection for place in found}
        first = found[0]
        if len(protections) == 1:
            return Entry(several, Checkpoint(first.protection, first.path))
        by = " and ".join(dict.fromkeys(one.by for one in protections.values()))
        return Entry(several, Checkpoint(Protection(all_of(*protections), by), first.path))

    def _stands(self, entry: Entry) -> bool:
        """Whether what is mounted at the entry's target has not been replaced since, and is still watched."""
        return (
            entry.inner is not None
            and self._routing.inner_router(entry.target) is entry.inner
            and self._enter(entry.inner)
        )

    def _above(self, area: Area, keys: Sequence[str]) -> Protection | None:
        """The rule of the closest route in `area` below whose path `keys` were declared, if it protects.

        It was given for a route, so it may not have been meant to take the place of the default below: both hold. And
        an opened route opens nothing else. The root page has no below: that would be everything.
        """
        least = len(area.prefix or "") + 1  # what is further out has come with the area
        above = [
            path
            for path, rule in self._rules.items()
            if len(path) > least
            and rule.open_because is None
            and any(key != path and key.startswith(path.rstrip("/") + "/") for key in keys)
        ]
        return self._rules[max(above, key=len)] if above else None

    def beside_default(self, rule: Protection | None, default: Protection | None = None) -> Protection:
        """`rule` and the default; raises `PolicyError` if they do not combine."""
        default = default or self._default
        if rule is None or rule.policy == default.policy:
            return default
        return Protection(all_of(rule.policy, default.policy), f"{rule.by} and {default.by}")

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
                problems.append(f"{area.prefix or ''}{place.path or '/'}: {entry}")
            elif entry.inner is not None:
                continue  # its routes follow
            protection = None if isinstance(entry, str) else entry.protection
            shown = place.fronts() or (place.path + ("/*" if place.mount or place.is_whole else ""),)
            outside: tuple[Protection, ...] = ()
            if protection is not None and (report := self._own_report(place)) is not None:
                here = (area.prefix or "") + place.path
                lines += [
                    replace(one, path=here + one.path, outside=(protection, *one.outside)) for one in report.lines
                ]
                problems += [f"{here}: {problem}" for problem in report.problems]
                protection, outside = report.fallback, (protection,)
            lines += [RouteLine(place.methods, f"{area.prefix or ''}{path}", protection, outside) for path in shown]
        for path in self._rules.keys() - met:
            problem = meets_no_route(f"{self._rules[path].by}({path!r})", (line.path for line in lines))
            problems.append(problem + self._routing.why_missing(path))
        problems += self._opened_in_vain(router)
        problems += self._out_of_reach(router)
        problems += self.above_their_routes(router)
        return Report(tuple(lines), self._default, tuple(problems))

    def above_their_routes(self, router: Router) -> Iterator[str]:
        """A problem for each endpoint that was decorated and that no route has so."""
        return self.wrappers.problems(place.endpoint for place in self._routing.everywhere(router))

    def _own_report(self, place: Place) -> Report | None:
        """That of the guard which the application mounted at `place` has itself."""
        inner = self._routing.inner_router(place.mount) if place.mount is not None else None
        return None if inner is None else self._other(inner)

    def _opened_in_vain(self, router: Router) -> Iterator[str]:
        opened = {path for path, rule in self._rules.items() if rule.by == "guard.open"}
        vain: dict[str, str] = {}
        for area, place in self._walk(router, self.top, ()) if opened else ():
            for path in opened.intersection(_keys(area, place)):
                entry = self._entry_or_problem(area, place)
                protection = None if isinstance(entry, str) else entry.protection
                if place.mount is not None or protection is None or protection.by == "guard.open":
                    opened.discard(path)
                else:
                    vain[path] = str(protection)
        for path in sorted(opened & vain.keys()):
            yield f"guard.open({path!r}) has no effect: the route requires {vain[path]} itself; leave one of them out"

    def _out_of_reach(self, router: Router) -> Iterator[str]:
        """The routes that were opened and that no request gets to, since an earlier one takes all of theirs.

        Paths with parameters are not looked at: whether another route takes all that fit them cannot be told.
        """
        opened = {path for path, rule in self._rules.items() if rule.by == "guard.open"}
        missing = dict(self._routes)
        for area, place in self._walk(router, self.top, ()) if opened or missing else ():
            path, ready = (area.prefix or "") + place.path, id(place.target) in self._routes
            missing.pop(id(place.target), None)
            if ready:
                entry = self._entry_or_problem(area, place)
                if not isinstance(entry, str) and not _is_open(entry):
                    yield f"{path}: the ready route has to be open, but {entry.protection} is required there"
            if area.prefix is None or place.mount is not None or not (ready or path in opened):
                continue
            if path.startswith("//") or "{" in path or "*" in place.methods:
                continue
            takers = [self._taker(router, path, method) for method in place.methods]
            others = [one for one in takers if one is not None and one.target is not place.target]
            if others and (ready or (len(others) == len(takers) and not any(map(_is_open, others)))):
                first = getattr(others[0].target, "path", "of another application")
                yield f"{path} is open in vain: an earlier route, {first or '/'}, takes its requests; declare it later"
        for route, _ in missing.values():
            yield f"the ready route {route.path} is not served: add it to the application of the guard, or one mounted"

    def _taker(self, router: Router, path: str, method: str) -> Entry | None:
        """What serves every request for `path` by `method`; None if that cannot be told from these two."""
        area, scope = self.top, probe(path, method)
        for _ in range(_DEEPEST):
            picked = self._routing.pick_surely(router, scope)
            entry = None if picked is None else self._entry_or_problem(area, self._routing.place(*picked))
            if entry is None or isinstance(entry, str) or entry.inner is None or entry.area is None:
                return None if isinstance(entry, str) else entry
            scope.update(entry.target.matches(scope)[1])
            router, area = entry.inner, entry.area
        return None

    def of_operations(self, router: Router) -> Iterator[tuple[str, tuple[str, ...], Protection]]:
        """Path template, methods and protection of the routes that `router` serves itself."""
        for place in self._routing.places(router):
            entry = self._entry_or_problem(self.top, place)
            if not isinstance(entry, str) and entry.protection is not None:
                yield place.template, place.methods, entry.protection

    def _walk(self, router: Router, area: Area, above: tuple[Router, ...]) -> Iterator[tuple[Area, Place]]:
        for place in self._routing.places(router):
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


def _is_open(entry: Entry) -> bool:
    return entry.protection is not None and entry.protection.open_because is not None


def _combined(required: Sequence[Requirement], rule: Protection | None) -> Protection | None:
    """What is `required`, with the `rule` besides; a rule that opens opens nothing for which more is required."""
    policies = list(dict.fromkeys(one.policy for one in required))
    by = ["guard.require"] if policies else []
    if rule is not None and (not policies or rule.open_because is None):
        by.append(rule.by)
        policies += [rule.policy] if rule.policy not in policies else []
    if not policies:
        return None
    return Protection(policies[0] if len(policies) == 1 else all_of(*policies), " and ".join(by))


def _keys(area: Area, place: Place) -> tuple[str, ...]:
    """How rules may name `place`. A mount at the root is `/*` only: `/` is the route there."""
    if area.prefix is None:
        return ()
    path = area.prefix + place.path
    if place.mount is None:
        return tuple(area.prefix + path for path in place.fronts()) or (path, area.prefix + place.template)
    return (path, f"{path}/*") if place.path else (f"{path}/*",)
