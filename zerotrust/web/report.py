"""Which policy protects what: the rules a door was given, and the report it gives at start-up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from zerotrust.core.policy import AllOf, AnyOf, Anyone, Policy, called, name_of

_VERSION: Final = 1  # of the report as JSON


@dataclass(frozen=True, slots=True)
class Protection:
    """The policy of one route.

    Attributes:
        policy: what has to hold.
        by: where the policy comes from, e.g. `default` or `guard.require`.
    """

    policy: Policy
    by: str

    @property
    def open_because(self) -> str | None:
        """Why everybody is let in; None if the policy asks for anything."""
        if self.policy.program.verdict(self.policy.program.blank()) is not True:
            return None  # a YES before anything is known stays a YES
        return "; ".join(dict.fromkeys(_reasons(self.policy)))

    def to_dict(self) -> dict[str, Any]:
        """As values of JSON: the policy as it was written, where it comes from, and why it is open, if it is."""
        return {"policy": _brief(self.policy), "by": self.by, "open_because": self.open_because}

    def __str__(self) -> str:
        because = self.open_because
        if because is not None:
            return f"OPEN because {because}"
        return f"{_brief(self.policy)}  ({self.by})"


@dataclass(frozen=True, slots=True)
class RouteLine:
    """One route of the report.

    Attributes:
        methods: HTTP methods, `WS` for a WebSocket, or `*` for whatever is mounted there.
        path: as declared, with the prefixes of routers and mounts; of a mount with `/*`, of a host with `//`.
        protection: its policy; None if that could not be made (see `Report.problems`).
        outside: what is decided before that, where the route is in an application that has a guard of its own; the
            outermost first.
    """

    methods: tuple[str, ...]
    path: str
    protection: Protection | None
    outside: tuple[Protection, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether everybody is let in."""
        return all(one is not None and one.open_because is not None for one in (*self.outside, self.protection))

    def to_dict(self) -> dict[str, Any]:
        """As values of JSON. `requires` lists what is decided there, the outermost first; null stands for a refusal."""
        return {
            "methods": list(self.methods),
            "path": self.path,
            "open": self.is_open,
            "requires": [None if one is None else one.to_dict() for one in (*self.outside, self.protection)],
        }

    def __str__(self) -> str:
        return ", then its own Guard: ".join(map(str, (*self.outside, self.protection or "REFUSED")))


@dataclass(frozen=True, slots=True)
class Report:
    """Every route with the policy that protects it. Prints as a table.

    Attributes:
        lines: in the order in which routes are tried.
        fallback: what protects everything else: unknown paths, wrong methods, redirects to the right spelling.
        problems: what is configured wrongly; a door does not start while there are any.
    """

    lines: tuple[RouteLine, ...]
    fallback: Protection
    problems: tuple[str, ...] = ()

    @property
    def open(self) -> tuple[RouteLine, ...]:
        """The routes that let everybody in."""
        return tuple(line for line in self.lines if line.is_open)

    def to_dict(self) -> dict[str, Any]:
        """As values of JSON, for a file that reviews compare from one release to the next."""
        return {
            "version": _VERSION,
            "routes": [line.to_dict() for line in self.lines],
            "anything_else": self.fallback.to_dict(),
            "problems": list(self.problems),
        }

    def to_json(self, *, indent: int | None = 2) -> str:
        """`to_dict` as text.

        Args:
            indent: blanks a level; None for a single line.
        """
        return json.dumps(self.to_dict(), indent=indent)

    def __str__(self) -> str:
        rows = [(",".join(line.methods), line.path, str(line)) for line in self.lines]
        rows.append(("*", "(anything else)", str(self.fallback)))
        methods, paths = (max(len(row[column]) for row in rows) for column in (0, 1))
        table = [f"{row[0]:<{methods}}  {row[1]:<{paths}}  {row[2]}" for row in rows]
        return "\n".join([*table, *(f"PROBLEM: {problem}" for problem in self.problems)])


def meets_no_route(rule: str, known: Iterable[str]) -> str:
    """The problem of a `rule`, e.g. `guard.open('/x')`, where there are the paths `known`, and none of them is its."""
    declared = ", ".join(sorted(set(known)))
    advice = f"write the path as it was declared, one of: {declared}" if declared else "the application has no routes"
    return f"{rule} meets no route; {advice}"


def _brief(policy: Policy) -> str:
    """As it was written, but a name stands for what it names."""
    parts = list(dict.fromkeys(_parts(policy)))  # what is required twice, as by a rule and by the route, is said once
    if len(parts) < 2:
        return called(parts[0])
    return " & ".join(f"({part})" if isinstance(part, AnyOf) else called(part) for part in parts)


def _parts(policy: Policy) -> Iterator[Policy]:
    """What has to hold together, as far as names are among it."""
    if isinstance(policy, AllOf) and not name_of(policy) and any(map(name_of, policy.parts)):
        for part in policy.parts:
            yield from _parts(part)
    else:
        yield policy


def _reasons(policy: Policy) -> Iterator[str]:
    if isinstance(policy, Anyone):
        yield policy.because
    for child in policy.children:
        yield from _reasons(child)
