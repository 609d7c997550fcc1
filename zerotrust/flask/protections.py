"""What protects what: rules and requirements, found for a route once and then remembered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from flask import Flask
from werkzeug.routing import Rule

from zerotrust.core.errors import ConfigError, ZeroTrustError
from zerotrust.core.policy import Policy, all_of, anyone, called
from zerotrust.flask.requirement import Requirement
from zerotrust.flask.routes import (
    View,
    differs_by_method,
    methods_of,
    names_of,
    path_of,
    required_by,
    required_within,
    rules,
    shown,
)
from zerotrust.web.gate import NO_ROUTE, Checkpoint
from zerotrust.web.report import Protection, Report, RouteLine, meets_no_route

_REMEMBERED = 10_000  # an application that makes new rules all the time must not fill the memory


@dataclass(slots=True)
class Entry:
    """What is known of one rule.

    Attributes:
        rule: kept, so that no other one gets the id it is remembered by.
        view: what stood there when this was worked out.
        checkpoint: what is required, where that is the same for all methods.
        by_method: what is required by method, where it may differ.
    """

    rule: Rule
    view: View | None
    checkpoint: Checkpoint | None
    by_method: dict[str, Checkpoint] = field(default_factory=dict[str, Checkpoint])


class Rules:
    """What `guard.open` and `guard.protect` said, by the path it was said of."""

    def __init__(self, default: Protection) -> None:
        self.default: Protection = default
        self.by_path: dict[str, Protection] = {}
        self.version: int = 0

    def add(self, path: str, protection: Protection) -> None:
        """Let `protection` hold at `path`; raises `ConfigError` if it can be no path, or another rule is there."""
        if not isinstance(path, str) or not path.startswith("/"):
            raise ConfigError(f"{protection.by}({path!r}): write the path as it was declared, e.g. /items/<int:id>")
        if path in ("/*", "//*"):
            raise ConfigError(f"{protection.by}({path!r}) would hold everywhere: write Guard(..., default=policy)")
        if (known := self.by_path.get(path)) is not None:
            if known == protection:  # a factory says the same of each application that it makes
                return
            raise ConfigError(f"two rules for {path}; give one, e.g. guard.protect({path!r}, one & another)")
        self.by_path[path] = protection
        self.version += 1

    def of(self, rule: Rule, required: Sequence[Requirement]) -> Protection | None:
        """The closest rule for a route; None if the default alone protects it."""
        names = names_of(rule)
        for name in names:
            if name in self.by_path:
                return self.by_path[name]
        closest = around = ""
        depth = width = 0
        for path, protection in self.by_path.items():
            area = path.endswith("/*")
            above = path[:-1] if area else path.rstrip("/") + "/"
            # An opened route opens nothing else; and the root page has no below, that would be everything.
            if protection.open_because is not None or len(above) < 2 or not names[0].startswith(above):
                continue
            if len(above) > depth:
                closest, depth = path, len(above)
            if area and len(above) > width:
                around, width = path, len(above)
        if not closest:
            return None
        rule_of = self.by_path[closest]
        if closest == around or required:
            return rule_of
        # It was given for a route, so it may not have been meant to take the place of the default below: both hold.
        default = self.by_path[around] if around else self.default
        if rule_of.policy == default.policy:
            return default
        return Protection(all_of(rule_of.policy, default.policy), f"{rule_of.by} and {default.by}")

    def met_by(self, rule: Rule) -> Iterator[str]:
        """The paths of the rules that hold at a route."""
        names = names_of(rule)
        for path, protection in self.by_path.items():
            if path in names or (
                path.endswith("/*") and protection.open_because is None and names[0].startswith(path[:-1])
            ):
                yield path


class Protections:
    """The policies of all routes of one application.

    Args:
        app: the application.
        rules: of the guard.
        guard: whose requirements count; those of others decide by themselves.
        ready: why the routes are open that come ready-made, by endpoint.
    """

    def __init__(self, app: Flask, rules: Rules, guard: object, ready: Mapping[str, str]) -> None:
        self._app = app
        self._rules = rules
        self._guard = guard
        self._ready = ready
        self._entries: dict[int, Entry] = {}
        self._most = _REMEMBERED
        self._joined: dict[tuple[int, ...], tuple[Checkpoint, tuple[Checkpoint, ...]]] = {}
        self.fallback: Checkpoint = Checkpoint(rules.default, NO_ROUTE)

    def known(self, rule: Rule) -> Entry | None:
        """What is remembered of a rule; None if nothing is, or another view stands there now."""
        entry = self._entries.get(id(rule))
        if entry is None or entry.view is not self._app.view_functions.get(rule.endpoint):
            return None
        return entry

    def checkpoint(self, rule: Rule, method: str) -> Checkpoint:
        """What a request by `method` has to meet at a rule; `PolicyError` if policies do not combine."""
        entry = self.known(rule)
        if entry is None:
            if len(self._entries) >= self._most:
                self._make_room()
            view = self._app.view_functions.get(rule.endpoint)
            entry = Entry(rule, view, None if differs_by_method(view) else self._work_out(rule, view, method))
            self._entries[id(rule)] = entry
        if entry.checkpoint is not None:
            return entry.checkpoint
        known = entry.by_method.get(method)
        if known is None:
            known = self._work_out(rule, entry.view, method)
            if rule.methods is not None and method in rule.methods:  # of others there is no end
                entry.by_method[method] = known
        return known

    def _make_room(self) -> None:
        # Twice what there is: what is forgotten has everything looked at again, and so would nearly every request.
        self._most = max(_REMEMBERED, 2 * sum(1 for _ in self._app.url_map.iter_rules()))
        if len(self._entries) >= self._most:
            self._entries.clear()

    def all_of(self, checkpoints: Iterable[Checkpoint], path: str) -> Checkpoint:
        """What meets all of `checkpoints`; the default if there are none."""
        found = tuple({id(one): one for one in checkpoints}.values())
        if len(found) < 2:
            return found[0] if found else self.fallback
        key = tuple(map(id, found))
        known = self._joined.get(key)
        if known is None:
            if len(self._joined) >= _REMEMBERED:
                self._joined.clear()
            made = Checkpoint(_joined([one.protection for one in found]), path)
            known = self._joined[key] = made, found  # they are kept, so that ids stay theirs
        return known[0]

    def _work_out(self, rule: Rule, view: View | None, method: str) -> Checkpoint:
        if rule.endpoint in self._ready:
            return Checkpoint(Protection(anyone(because=self._ready[rule.endpoint]), "guard.open"), path_of(rule))
        required = tuple(dict.fromkeys(one for one in required_by(view, method) if one.guard is self._guard))
        protection = _combined(required, self._rules.of(rule, required)) or self._rules.default
        return Checkpoint(protection, path_of(rule), frozenset(required))

    # --- Looking at all of them --------------------------------------------------------------------------------------

    def report(self) -> Report:
        """Every route with the policy that protects it, as things are now."""
        lines: list[RouteLine] = []
        problems: list[str] = []
        met: set[str] = set()
        vain: dict[str, str] = {}
        for rule in rules(self._app):
            met.update(self._rules.met_by(rule))
            if any(one.guard is not self._guard for method in methods_of(rule) for one in self._required(rule, method)):
                problems.append(
                    f"the view at {shown(rule)} is marked by another Guard than the one that protects the application; "
                    "use one"
                )
            by_protection: dict[Protection | None, list[str]] = {}
            for method in methods_of(rule):
                try:
                    protection: Protection | None = self.checkpoint(rule, method).protection
                except ZeroTrustError as error:
                    problems.append(f"{method} {shown(rule)}: {error}")
                    protection = None
                by_protection.setdefault(protection, []).append(method)
            lines += [
                RouteLine(tuple(methods), shown(rule), self._with_hidden(rule, protection))
                for protection, methods in by_protection.items()
            ]
            opened = [name for name in names_of(rule) if self._opens(name)]
            for name in opened:
                more = [one for one in by_protection if one is not None and one.open_because is None]
                if more and len(more) == len(by_protection):
                    vain.setdefault(name, str(more[0]))
                else:
                    vain[name] = ""
        problems += [
            f"guard.open({path!r}) has no effect: the route requires {what} itself; leave one of them out"
            for path, what in vain.items()
            if what
        ]
        problems += [
            meets_no_route(f"{rule.by}({path!r})", (line.path for line in lines))
            for path, rule in self._rules.by_path.items()
            if path not in met
        ]
        return Report(tuple(lines), self._rules.default, tuple(problems))

    def _required(self, rule: Rule, method: str) -> Iterator[Requirement]:
        """What the view of a rule requires, whosever guard it says so to."""
        return required_by(self._app.view_functions.get(rule.endpoint), method)

    def _with_hidden(self, rule: Rule, protection: Protection | None) -> Protection | None:
        """With what else decides there, once it is called: such as a view that another decorator hides."""
        view = self._app.view_functions.get(rule.endpoint)
        late = dict.fromkeys(called(one.policy) for one in required_within(view) if one.guard is self._guard)
        if protection is None or not late:
            return protection
        return replace(protection, by=f"{protection.by}; what it calls requires {' & '.join(late)}")

    def _opens(self, name: str) -> bool:
        rule = self._rules.by_path.get(name)
        return rule is not None and rule.by == "guard.open"


def _combined(required: Sequence[Requirement], rule: Protection | None) -> Protection | None:
    """What is `required`, with the `rule` besides; a rule that opens opens nothing for which more is required."""
    policies: list[Policy] = list(dict.fromkeys(one.policy for one in required))
    by = ["guard.require"] if policies else []
    if rule is not None and (not policies or rule.open_because is None):
        by.append(rule.by)
        policies += [rule.policy] if rule.policy not in policies else []
    if not policies:
        return None
    return Protection(policies[0] if len(policies) == 1 else all_of(*policies), " and ".join(by))


def _joined(protections: Sequence[Protection]) -> Protection:
    """All of `protections`; one that is open adds nothing to those that are not."""
    closed = [one for one in protections if one.open_because is None] or [protections[0]]
    policies = list(dict.fromkeys(one.policy for one in closed))
    by = " and ".join(dict.fromkeys(one.by for one in closed))
    return Protection(policies[0] if len(policies) == 1 else all_of(*policies), by)
