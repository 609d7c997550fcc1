"""What protects what: the marks of views, and the rules of the settings, worked out for a place and then remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final

from zerotrust.core.errors import ZeroTrustError
from zerotrust.core.policy import Policy, all_of, called
from zerotrust.django.marks import marks_of, marks_within
from zerotrust.django.urls import Place, Step
from zerotrust.web.gate import NO_ROUTE, Checkpoint
from zerotrust.web.report import Protection, Report, RouteLine

_SHOWN: Final = 3  # of the paths that may be meant


@dataclass(slots=True)
class Entry:
    """What is known of one place.

    Attributes:
        view: kept, so that no other one gets the id it is remembered by.
        methods: what is required for each method that the view answers.
        others: what is required for any other.
    """

    view: object
    methods: Mapping[str, Checkpoint]
    others: Checkpoint

    def of(self, method: str | None) -> Checkpoint:
        """What is required for `method`."""
        return self.methods.get(method or "", self.others) if self.methods else self.others


class Protections:
    """The policies of all places of one door.

    Args:
        default: protects what nothing else does.
        rules: what holds at a path and below.
        check: takes a policy, and raises `ConfigError` if it cannot be decided here.
        static: the folder of static files that servers for development serve; None if there is none.
    """

    def __init__(
        self,
        default: Protection,
        rules: Mapping[str, Protection],
        check: Callable[[object, str], Policy],
        static: str | None,
    ) -> None:
        self.default: Protection = default
        self._rules = rules
        self._check = check
        self.unknown: Entry = Entry(None, {}, Checkpoint(default, NO_ROUTE))
        self.static: Entry | None = None
        self._static: Step | None = None
        if static is not None:
            self._static = Step(static, static, static, (f"{static}*", static), mount=True)
            held = self._held((), self._rule((self._static,)))
            self.static = Entry(None, {}, Checkpoint(held or default, f"{static}*"))

    def entry(self, place: Place, *, listed: bool = True) -> Entry:
        """What protects `place`; raises `PolicyError` or `ConfigError` where that cannot be told.

        Args:
            place: of a view.
            listed: whether its URLconf is in the report. In one that is not, rules may meet what nobody has looked
                at: none opens anything there, and none takes the place of the default.
        """
        marks = marks_of(place.view)
        for policy in marks.policies:
            self._check(policy, f"what {place.path} requires")
        held: dict[tuple[Policy, ...], Checkpoint] = {}

        def checkpoint(required: Sequence[Policy]) -> Checkpoint:
            key = tuple(required)
            if key not in held:
                rule = self._rule(place.steps, required=bool(key))
                if rule is not None and not listed and not key:
                    rule = self._beside_default(rule, None) if rule.open_because is None else None
                held[key] = Checkpoint(self._held(key, rule) or self.default, place.path, frozenset(key))
            return held[key]

        methods = {
            name: checkpoint(tuple(dict.fromkeys((*marks.all, *own)))) for name, own in (marks.methods or {}).items()
        }
        needed = list(held.values()) or [checkpoint(marks.all)]
        if len(needed) == 1:
            return Entry(place.view, {}, needed[0])
        return Entry(place.view, methods, _all(needed))

    def _rule(self, steps: Sequence[Step], *, required: bool = False) -> Protection | None:
        """What the rules say about the last of `steps`."""
        rule: Protection | None = None
        around = "/"
        for step in steps:
            exact = next((self._rules[key] for key in step.keys if key in self._rules), None)
            if exact is not None:
                rule = exact
            elif (above := self._above(around, step)) is not None:
                rule = above if required else self._beside_default(above, rule)
            if step.mount:
                around = step.path
        return rule

    def _above(self, around: str, step: Step) -> Protection | None:
        """The rule of the closest route, in the mount at `around`, below whose path `step` was declared.

        It was given for a route, so it may not have been meant to take the place of the default below: both hold. And
        an opened route opens nothing else. So do the rules of a mount hold for what was declared beside it.
        """
        above = [
            path
            for path, rule in self._rules.items()
            if rule.open_because is None
            and len(below := f"{path.removesuffix('*').rstrip('/')}/") > len(around)
            and any(key != path and key.startswith(below) for key in step.keys)
        ]
        return self._rules[max(above, key=len)] if above else None

    def _beside_default(self, rule: Protection, default: Protection | None) -> Protection:
        default = default or self.default
        if rule.policy == default.policy:
            return default
        return Protection(all_of(rule.policy, default.policy), f"{rule.by} and {default.by}")

    def _held(self, required: Sequence[Policy], rule: Protection | None) -> Protection | None:
        """What is `required`, with the `rule` besides; a rule that opens opens nothing for which more is required."""
        policies = list(required)
        by = ["require"] if policies else []
        if rule is not None and (not policies or rule.open_because is None):
            by.append(rule.by)
            policies += [rule.policy] if rule.policy not in policies else []
        if not policies:
            return None
        return Protection(policies[0] if len(policies) == 1 else all_of(*policies), " and ".join(by))

    # --- Looking at all of them --------------------------------------------------------------------------------------

    def report(self, places: Sequence[Place]) -> Report:
        """All of `places`, with what protects each."""
        lines: list[RouteLine] = []
        problems: list[str] = []
        named: dict[str, dict[tuple[bool, str], Step]] = {}
        vain: dict[str, str] = {}
        alike: dict[str, set[str]] = {}
        for place in places:
            alike.setdefault(place.path, set()).update(step.written for step in place.steps[-1:])
        opened = {path for path, rule in self._rules.items() if rule.by == "OPEN"}
        for place in places:
            keys = {key for step in place.steps for key in step.keys}
            for step in place.steps:
                for key in self._rules.keys() & step.keys:
                    named.setdefault(key, {}).setdefault((step.mount, step.written), step)
            # Of those that read alike, each as it was written, which is what a rule has to name it by.
            shown = place.path if len(alike[place.path]) == 1 else place.steps[-1].raw
            try:
                entry = self.entry(place)
            except ZeroTrustError as error:
                problems.append(f"{shown}: {error}")
                lines.append(RouteLine(("*",), shown, None))
                continue
            lines += _lines(shown, entry, place.view)
            for path in opened.intersection(keys):
                held = {one.protection for one in (*entry.methods.values(), entry.others)}
                if any(one.by == "OPEN" for one in held):
                    opened.discard(path)
                elif path in place.steps[-1].keys:
                    vain[path] = str(entry.others.protection)
        if self._static is not None and self.static is not None:
            for key in self._rules.keys() & self._static.keys:
                named.setdefault(key, {}).setdefault((True, ""), self._static)
            lines.append(RouteLine(("*",), self.static.others.path, self.static.others.protection))
        known = {line.path for line in lines} | {step.keys[0] for one in places for step in one.steps if step.mount}
        for path in sorted(self._rules):
            problems += self._misnamed(path, list(named.get(path, {}).values()), sorted(known))
        problems += [
            f"OPEN {path!r} has no effect: the view requires {vain[path]} itself; leave one of them out"
            for path in sorted(opened & vain.keys())
        ]
        return Report(tuple(lines), self.default, tuple(problems))

    def _misnamed(self, path: str, named: Sequence[Step], known: Sequence[str]) -> Iterator[str]:
        """What is wrong with `path` as the name of what was `named` by it."""
        by = self._rules[path].by
        mounts, views = [one for one in named if one.mount], [one for one in named if not one.mount]
        if not named:
            yield f"{by} {path!r} meets no route; write the path as it was declared{_nearest(path, known)}"
        elif mounts and views and by == "OPEN":
            yield (
                f"OPEN {path!r} names a view, and an include or a folder as well; write {views[0].keys[0]!r} to open "
                f"the view alone, or {mounts[0].keys[0]!r} to open all that is below"
            )
        for same in ([one for one in mounts if one is not self._static], views):
            if len(same) > 1:
                written = " or ".join(repr(one.raw) for one in same)
                yield f"{by} {path!r} names {len(same)} routes that read alike; write {written}, whichever is meant"


def _nearest(path: str, known: Sequence[str]) -> str:
    """Which of the paths `known` may be meant by `path`, the nearest first."""
    near = get_close_matches(path, known, _SHOWN, 0.4) or known[:_SHOWN]
    more = len(known) - len(near)
    return f", such as {', '.join(near)}{f' ({more} more)' if more else ''}" if near else ""


def _lines(path: str, entry: Entry, view: object) -> Iterator[RouteLine]:
    """A line for each of the policies of a place, with what else decides there once `view` is called."""
    late = " & ".join(map(called, marks_within(view)))

    def line(methods: tuple[str, ...], place: Checkpoint) -> RouteLine:
        protection = place.protection
        if late:
            protection = replace(protection, by=f"{protection.by}; what it calls requires {late}")
        return RouteLine(methods, path, protection)

    for place in {id(one): one for one in entry.methods.values()}.values():
        yield line(tuple(sorted(name for name, one in entry.methods.items() if one is place)), place)
    yield line(("*",), entry.others)


def _all(needed: Sequence[Checkpoint]) -> Checkpoint:
    """What several ask for, together: for a method that the view does not answer."""
    closed = [one.protection for one in needed if one.protection.open_because is None] or [needed[0].protection]
    policies = list(dict.fromkeys(one.policy for one in closed))
    by = " and ".join(dict.fromkeys(one.by for one in closed))
    grants = frozenset[object]().union(*(one.grants for one in needed))
    return Checkpoint(Protection(policies[0] if len(policies) == 1 else all_of(*policies), by), needed[0].path, grants)
