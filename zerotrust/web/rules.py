"""Which policy protects which path, for doors that stand before an application they know nothing of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from zerotrust.core.errors import ConfigError
from zerotrust.core.mistakes import instead
from zerotrust.core.policy import Policy, all_of, anyone
from zerotrust.core.reason import TOO_LARGE, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.verifiers.methods import REGISTERED
from zerotrust.web.context import is_websocket
from zerotrust.web.gate import Checkpoint
from zerotrust.web.places import Table, Template, check_crossing, is_too_long, lies_in
from zerotrust.web.report import Protection, Report, RouteLine
from zerotrust.wire.path import Path, Shape, read_path

WEBSOCKET: Final = "WS"
"""What stands for the handshake of a WebSocket among methods."""

OTHERWISE: Final = "(anything else)"
"""What stands for the path of what no rule names."""

_REMEMBERED: Final = 10_000  # combinations of rules; each is small, and there are few
_TOO_LONG: Final = TOO_LARGE(expected="segments that are no longer", detail="a segment of the path that is not ASCII")
_OVERRIDES: Final = frozenset({b"x-http-method-override", b"x-method-override", b"x-http-method"})
_UPGRADE: Final = b"upgrade"
_SUSPECTS: Final = frozenset(map(len, (*_OVERRIDES, _UPGRADE)))  # most headers are told by their length to be none
_OVERRIDING: Final = "_method"  # the field that Rails, Laravel, Symfony and their like take for the method


@dataclass(eq=False, slots=True)
class Rule:
    """One line of a table of rules.

    Attributes:
        template: where it holds.
        methods: for which; None for all.
        protection: what is required, and by which call.
        is_open: whether everybody is let in: such a rule holds for the path as it is spelled, and for no other.
    """

    template: Template
    methods: tuple[str, ...] | None
    protection: Protection
    is_open: bool = field(init=False)

    def __post_init__(self) -> None:
        self.is_open = self.protection.open_because is not None

    def names(self, method: str) -> bool:
        """Whether it names a method. What holds for `GET` holds for `HEAD`."""
        return self.methods is not None and ("GET" if method == "HEAD" else method) in self.methods


class Rules:
    """Policies by method and path. Of several rules for a path the most specific counts.

    A template is a path with literal segments, decoded; `{id}` stands for any one segment that is not empty, and `/**`
    at the end for everything below: `/admin/**` is `/admin/` and `/admin/users/7`, not `/admin`. Paths are those within
    the application: what a server or a surrounding application has put before them is taken off first.

    A rule that protects holds for its paths in other spellings, too, besides what holds there: another case, a slash
    more or less at the end. A rule that opens holds for the path as it is written. A path that servers may read in
    different ways is refused, whatever the rules say. A method that no rule of a path names needs all rules of that
    path, and what holds otherwise; so does a request that asks to be taken for another method
    (`X-HTTP-Method-Override`).

    Args:
        default: the policy of everything that no rule names.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    def __init__(self, *, default: Policy) -> None:
        self.default: Protection = Protection(_policy(default, "default"), "default")
        self._rules: list[Rule] = []
        self._places: dict[Shape, list[Rule]] = {}
        self._compiled: _Compiled | None = None

    def open(self, path: str, *, because: str, methods: Collection[str] | None = None) -> None:
        """Let everybody in at `path`, spelled exactly so.

        Args:
            path: a template.
            because: the reason, which the report shows.
            methods: for which methods; all unless given.

        Raises:
            ConfigError: it is no template, or there is another rule for it.
        """
        self._add(path, Protection(anyone(because=because), "rules.open"), methods)

    def protect(self, path: str, policy: Policy, *, methods: Collection[str] | None = None) -> None:
        """Require `policy` at `path`, in any spelling.

        Args:
            path: a template.
            policy: takes the place of the default there, and of what less specific rules say.
            methods: for which methods, such as `["POST"]`; all unless given. `GET` stands for `HEAD` as well, and `WS`
                for the handshake of a WebSocket.

        Raises:
            ConfigError: it is no template, or there is another rule for it.
        """
        self._add(path, Protection(_policy(policy, f"rules.protect({path!r}, ...)"), "rules.protect"), methods)

    def _add(self, path: str, protection: Protection, methods: Collection[str] | None) -> None:
        template = Template(path)
        if self._compiled is not None:
            raise ConfigError(f"{path}: these rules are in use already; give all of them before the first request")
        rule = Rule(template, None if methods is None else _methods(path, methods), protection)
        place = self._places.setdefault(template.folded, [])
        for other in place:
            _check_pair(rule, other)
        place.append(rule)
        self._rules.append(rule)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules)

    @property
    def policies(self) -> tuple[Policy, ...]:
        """All that were given; what several of them combine to is not among them."""
        return self.default.policy, *(rule.protection.policy for rule in self._rules)

    def check(self) -> None:
        """Make the table that requests are looked up in; after that no rule can be added.

        Raises:
            ConfigError: two rules cover some path, neither is more specific, and none says what holds there.
        """
        if self._compiled is None:
            self._compiled = _Compiled(self.default, self._places)

    def report(self) -> Report:
        """Every rule with the policy that it requires, and what protects everything else."""
        lines = (RouteLine(rule.methods or ("*",), rule.template.text, rule.protection) for rule in self._rules)
        return Report(tuple(lines), self.default)

    def find(self, request: AccessRequest) -> Checkpoint | Reason:
        """What is required of `request`.

        Returns:
            The checkpoint to decide it at, the same one each time for the same rules. Or `malformed` or `too_large`:
            its path has no single reading, and it has to be refused (`Gate.unreadable`).

        Raises:
            ConfigError: as for `check`, if that was not called.
            PolicyError: the policies that a request has to meet together cannot be combined.
        """
        return self.look_up(request)[0]

    def look_up(self, request: AccessRequest) -> tuple[Checkpoint | Reason, bool | None]:
        """What `find` gives, and what else of the request it rests on than method, scheme and path.

        Returns:
            Besides what was found None if on nothing else; else whether the method was certain (`is_certain`).
        """
        if self._compiled is None:
            self.check()
        assert self._compiled is not None, "it was just made"  # noqa: S101
        return self._compiled.find(request)


class _Compiled:
    """The rules, as requests are looked up in them."""

    def __init__(self, default: Protection, places: dict[Shape, list[Rule]]) -> None:
        self._table = Table(places)
        self._places = [tuple(places[shape]) for shape in self._table.shapes]
        held = {shape: [rule.template for rule in rules] for shape, rules in places.items()}
        same = {
            shape: rules[0].protection.policy
            for shape, rules in places.items()
            if len(rules) == 1 and rules[0].methods is None
        }
        check_crossing(self._table, held, same)
        self._default = Checkpoint(default, OTHERWISE)
        self._known: dict[tuple[Rule | None, ...], Checkpoint] = {(None,): self._default}
        # What one rule decides alone, whatever the request is like beside its path.
        self._literal: dict[str, Checkpoint] = {}
        for rules in self._places:
            if all(rule.methods is None for rule in rules):
                for rule in rules:
                    if (path := rule.template.literal) is not None:
                        self._literal[path] = self._checkpoint((rule,))

    def find(self, request: AccessRequest) -> tuple[Checkpoint | Reason, bool | None]:
        path, raw = request.path, request.raw_path
        if not request.root and (raw is None or raw == path) and (known := self._literal.get(path)) is not None:
            return known, None
        segments = path_of(request)
        if isinstance(segments, Reason):
            return segments, None
        found = self._table.find(segments)
        if not found:
            return self._default, None
        needed, certain = self._needed(found, segments, request)
        return self._checkpoint(needed), certain

    def _needed(
        self, found: list[int], path: Path, request: AccessRequest
    ) -> tuple[tuple[Rule | None, ...], bool | None]:
        """The rules that a request has to meet, from the most specific place outwards, until one settles it.

        What settles it holds for the path as it is spelled, and for the method. Then places around it do not count, but
        those do that merely meet it where spellings are not told apart: `/{page}` where `/admin/**` settles `/admin/`.
        """
        needed: list[Rule | None] = []
        certain: bool | None = None
        settled: Shape | None = None
        for place in found:
            if settled is not None and lies_in(settled, self._table.shapes[place]):
                continue
            rules = self._places[place]
            spelled = [rule for rule in rules if rule.template.spells(path)]
            if len(spelled) < len(rules):
                rules = tuple(rule for rule in rules if rule in spelled or not rule.is_open)
            general = [rule for rule in rules if rule.methods is None]
            chosen: Sequence[Rule] = rules
            settling = general
            if len(general) < len(rules):
                certain = is_certain(request) if certain is None else certain
                method = _method_of(request)
                if certain and (own := [rule for rule in rules if rule.names(method)]):
                    chosen = settling = own if any(rule in spelled for rule in own) else own + general
                elif certain and general:
                    chosen = general
            needed += chosen
            if settled is None and any(rule in spelled for rule in settling):
                settled = self._table.shapes[place]
        if settled is None:
            needed.append(None)
        return tuple(needed), certain

    def _checkpoint(self, rules: tuple[Rule | None, ...]) -> Checkpoint:
        known = self._known.get(rules)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known = {(None,): self._default}
            known = self._known[rules] = self._made(rules)
        return known

    def _made(self, rules: tuple[Rule | None, ...]) -> Checkpoint:
        held = [self._default.protection if rule is None else rule.protection for rule in rules]
        held = [one for one in held if one.open_because is None] or held
        policies = list(dict.fromkeys(one.policy for one in held))
        by = " and ".join(dict.fromkeys(one.by for one in held))
        path = next((rule.template.text for rule in rules if rule is not None), OTHERWISE)
        return Checkpoint(Protection(policies[0] if len(policies) == 1 else all_of(*policies), by), path)


def path_of(request: AccessRequest) -> Path | Reason:
    """The segments of the path of `request` within the application; why it has no single reading, if it has none.

    A proxy that takes the root off before it hands a request on, and tells the server to put it back, leaves the path
    as it was sent without it: what the application's router looks at is the same then.
    """
    path = request.path
    segments = read_path(path, request.raw_path)
    if not path.isascii() and any(map(is_too_long, path.split("/"))):
        return _TOO_LONG
    if not request.root:
        return segments
    if (odd := request.odd_root) is not None:
        return odd
    within = request.path_within
    if isinstance(segments, Reason):
        return read_path(within, request.raw_path)
    return segments if within == path else tuple(within[1:].split("/"))


def _method_of(request: AccessRequest) -> str:
    """The method as rules name it; empty where HTTP has none that a rule may name."""
    if is_websocket(request):
        return WEBSOCKET
    return "" if request.method == WEBSOCKET else request.method


def is_certain(request: AccessRequest) -> bool:
    """Whether nothing in `request` asks the application to take it for one with another method."""
    for name, value in request.headers:
        if len(name) not in _SUSPECTS:
            continue
        spelled = name.lower().replace(b"_", b"-")
        if spelled in _OVERRIDES:
            return False
        if spelled == _UPGRADE and not is_websocket(request) and b"websocket" in value.lower():
            return False
    return not request.query or _OVERRIDING not in unquote(request.query).lower()


def _policy(value: object, where: str) -> Policy:
    if not isinstance(value, Policy):
        raise ConfigError(f"{where} takes a policy, e.g. token.valid, not {type(value).__name__}{instead(value)}")
    return value


def _methods(path: str, methods: Collection[str]) -> tuple[str, ...]:
    if isinstance(methods, str) or not isinstance(methods, Collection):
        raise ConfigError(f'{path}: methods={methods!r}; write a list of methods, such as methods=["GET", "POST"]')
    made = tuple(dict.fromkeys(methods))
    if not made:
        raise ConfigError(f"{path}: methods is empty, so that the rule would hold for nothing; leave it out for all")
    for method in made:
        if method not in REGISTERED and method != WEBSOCKET:
            raise ConfigError(
                f"{path}: {method!r} is no registered method in upper case (RFC 9110 section 16.1.1); leave methods= "
                "out, and the rule holds for all"
            )
    if "HEAD" in made and "GET" not in made:
        raise ConfigError(f'{path}: HEAD is answered as GET is, so it has no rule of its own; write methods=["GET"]')
    return made


def _check_pair(rule: Rule, other: Rule) -> None:
    """Raise a `ConfigError` if two rules of one place hold for the same method, and it cannot be told which counts."""
    both = rule.methods is None and other.methods is None
    if not both and not (rule.methods and other.methods and set(rule.methods) & set(other.methods)):
        return
    path, spelled = rule.template.text, other.template.text
    if rule.template.shape == other.template.shape:
        both_spelled = path if path == spelled else f"the same: {spelled} and {path}"
        raise ConfigError(f"two rules for {both_spelled}; give one, e.g. rules.protect({path!r}, one & another)")
    if rule.protection.policy != other.protection.policy and not (rule.is_open and other.is_open):
        raise ConfigError(
            f"two rules that differ in no more than an application may overlook, case or a slash at the end: {spelled} "
            f"and {path}; give both the same policy"
        )
