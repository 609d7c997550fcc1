"""What a policy can ask of a request itself: its method, its path, its host, its moment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from zerotrust.core.evidence import Evidence
from zerotrust.core.facts import Attribute, Both, During, Fact, Negated, OneOf, Segments
from zerotrust.core.reason import MALFORMED, Reason
from zerotrust.core.verifier import Question
from zerotrust.verifiers.methods import REGISTERED
from zerotrust.verifiers.windows import Window, show_days, show_time
from zerotrust.wire.path import Shape

METHOD = Attribute("method", optional=True)
PATH = Attribute("path", optional=True)
HOST = Attribute("host", optional=True)
AT = Attribute("at")

_NO_CALENDAR = MALFORMED(expected="a moment that a calendar has", detail="the moment of the request")


@dataclass(frozen=True, slots=True)
class RequestEvidence(Evidence):
    """What a request says of itself, in its one spelling; `subject` is empty, since it is about nobody.

    Attributes:
        method: the method; None if it is none, or one whose letters some servers would fold.
        path: the decoded path; None if servers may read it in different ways.
        host: the name or address asked for, in lower case, without a port; None if none, or no single one, was.
        at: POSIX seconds that a clock showed at `verified_at`.
        odd_method, odd_path, odd_host: why that is None.
    """

    method: str | None = None
    path: str | None = None
    host: str | None = None
    at: float = 0.0
    odd_method: Reason | None = None
    odd_path: Reason | None = None
    odd_host: Reason | None = None


def _quoted(values: tuple[str, ...]) -> str:
    return ", ".join(f'"{value}"' for value in values)


def _unless_odd(found: object, odd: str) -> str:
    """What to show of something: itself, or that it is odd."""
    return odd if found is None else str(found)


@dataclass(frozen=True, slots=True)
class Method(Question[RequestEvidence]):
    """Is it one of these methods (RFC 9110 section 9.1)?"""

    names: tuple[str, ...]
    expression: ClassVar[str] = "e.odd_method if e.method is None else e.method in q.names"
    looked_up: ClassVar[bool] = True

    def saw(self, evidence: RequestEvidence, now: float) -> str:
        return f"method: {_unless_odd(evidence.method, 'odd')}"

    def facts(self) -> Fact:
        return OneOf(METHOD, self.names)

    def arguments(self) -> Mapping[str, object]:
        names, own = self._parts
        return {"names": names, "own": own}

    @property
    def _parts(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return (
            tuple(name for name in self.names if name in REGISTERED),
            tuple(name for name in self.names if name not in REGISTERED),
        )

    def __str__(self) -> str:
        names, own = self._parts
        written = [_quoted(names)] if names else []
        return f"method({', '.join([*written, f'own=[{_quoted(own)}]'] if own else written)})"


@dataclass(frozen=True, slots=True)
class PathIs(Question[RequestEvidence]):
    """Has the path this shape?

    Attributes:
        template: as it was written.
        shape: what that means.
        pattern: the same for the decoded path.
    """

    template: str
    shape: Shape = field(repr=False)
    pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)
    expression: ClassVar[str] = "e.odd_path if e.path is None else q.pattern.fullmatch(e.path) is not None"
    looked_up: ClassVar[bool] = True

    def __post_init__(self) -> None:
        segments, below = self.shape
        parts = ["[^/]+" if part is None else re.escape(part) for part in segments]
        text = "".join(f"/{part}" for part in parts) + ("/.*" if below else "")
        object.__setattr__(self, "pattern", re.compile(text, re.DOTALL))

    def saw(self, evidence: RequestEvidence, now: float) -> str:
        return f"path: {_unless_odd(evidence.path, 'odd')}"

    def facts(self) -> Fact:
        segments, below = self.shape
        fits = Segments(PATH, (*segments, None) if below else segments, open_ended=below)
        if below or segments[-1] is not None:
            return fits
        # No path has an empty segment but for the last one, which `{name}` does not stand for.
        return Both((fits, Negated(Segments(PATH, (*segments[:-1], "")))))

    def arguments(self) -> Mapping[str, object]:
        return {"template": self.template}

    def __str__(self) -> str:
        return f'path("{self.template}")'


@dataclass(frozen=True, slots=True)
class Host(Question[RequestEvidence]):
    """Is it one of these hosts that the client asked for?"""

    names: tuple[str, ...]
    expression: ClassVar[str] = "e.odd_host if e.host is None else e.host in q.names"
    looked_up: ClassVar[bool] = True

    def saw(self, evidence: RequestEvidence, now: float) -> str:
        return f"host: {_unless_odd(evidence.host, 'odd')}"

    def facts(self) -> Fact:
        return OneOf(HOST, self.names)

    def __str__(self) -> str:
        return f"host({_quoted(self.names)})"


@dataclass(frozen=True, slots=True)
class InWindow(Question[RequestEvidence]):
    """Is it now in a window that comes again every week?"""

    window: Window

    def holds(self, evidence: RequestEvidence, now: float) -> bool | Reason:
        held = self.window.holds(_moment(evidence, now))
        return _NO_CALENDAR if held is None else held

    def until(self, evidence: RequestEvidence, now: float) -> float:
        moment = _moment(evidence, now)
        return now + (self.window.until(moment) - moment) if moment != now else self.window.until(now)

    def saw(self, evidence: RequestEvidence, now: float) -> str:
        local = self.window.local(_moment(evidence, now))
        return "no calendar has that moment" if local is None else f"{local:%a %H:%M} in {self.window.zone}"

    def facts(self) -> Fact:
        one = self.window
        return During(AT, one.zone, one.days, one.begins, one.ends)

    def arguments(self) -> Mapping[str, object]:
        one = self.window
        written = {"begins": show_time(one.begins), "ends": show_time(one.ends), "zone": one.zone}
        return written if len(one.days) == 7 else {**written, "days": show_days(one.days)}

    def __str__(self) -> str:
        one = self.window
        days = "" if len(one.days) == 7 else f', days="{show_days(one.days)}"'
        return f'during("{show_time(one.begins)}", "{show_time(one.ends)}", zone="{one.zone}"{days})'


def _moment(evidence: RequestEvidence, now: float) -> float:
    """What a clock shows at `now` that showed `at` when the request was verified."""
    return now if evidence.at == evidence.verified_at else evidence.at + (now - evidence.verified_at)
