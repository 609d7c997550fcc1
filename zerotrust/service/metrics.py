"""What the service counts, in the text format of Prometheus (exposition format 0.0.4)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

CONTENT_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"

_BOUNDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_MOST: Final = 4096  # combinations of labels; all of them come from policies and closed lists, never from callers
_OTHER: Final = "(other)"


class Metrics:
    """Counters of one process.

    Attributes:
        reload_failed: whether the policies that are in force are not those that lie in the file.
        loaded_at: when the policies in force were loaded, POSIX seconds.
    """

    def __init__(self) -> None:
        self._decisions: dict[tuple[str, str, str, str], int] = {}
        self._seconds: dict[str, list[float]] = {}  # by mount: a count for each bucket, one above all, and the sum
        self._reloads: dict[str, int] = {"loaded": 0, "failed": 0}
        self.reload_failed: bool = False
        self.loaded_at: float = 0.0

    def decided(self, mount: str, route: str, status: int, code: str, seconds: float) -> None:
        """Count a decision.

        Args:
            mount: what was asked by: nginx, authzen, ...
            route: the template of the rule that decided, or the name of the policy; never what a caller sent.
            status: of the answer.
            code: why it was refused; empty if it was not.
            seconds: how long it took.
        """
        outcome = "allowed" if status < 300 else "unavailable" if status == 503 else "refused"
        key = (mount, route, outcome, code)
        if key not in self._decisions and len(self._decisions) >= _MOST:
            key = (mount, _OTHER, outcome, _OTHER)
        self._decisions[key] = self._decisions.get(key, 0) + 1
        held = self._seconds.setdefault(mount, [0.0] * (len(_BOUNDS) + 2))
        held[bisect_left(_BOUNDS, seconds)] += 1
        held[-1] += seconds

    def reloaded(self, outcome: str) -> None:
        """Count an attempt to load policies: `loaded` or `failed`."""
        self._reloads[outcome] += 1

    def text(self) -> str:
        """All of it."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield "# HELP zerotrust_decisions_total Access decisions, by what decided and how."
        yield "# TYPE zerotrust_decisions_total counter"
        for (mount, route, outcome, code), count in sorted(self._decisions.items()):
            labels = _labels(mount=mount, route=route, outcome=outcome, code=code)
            yield f"zerotrust_decisions_total{labels} {count}"
        yield "# HELP zerotrust_decision_seconds How long decisions took."
        yield "# TYPE zerotrust_decision_seconds histogram"
        for mount, held in sorted(self._seconds.items()):
            total = 0
            for bound, fell in zip((*map(str, _BOUNDS), "+Inf"), held[:-1], strict=True):
                total += int(fell)
                yield f"zerotrust_decision_seconds_bucket{_labels(mount=mount, le=bound)} {total}"
            yield f"zerotrust_decision_seconds_sum{_labels(mount=mount)} {held[-1]!r}"
            yield f"zerotrust_decision_seconds_count{_labels(mount=mount)} {total}"
        yield "# HELP zerotrust_policy_reloads_total Attempts to load policies after the first."
        yield "# TYPE zerotrust_policy_reloads_total counter"
        for outcome, count in sorted(self._reloads.items()):
            yield f"zerotrust_policy_reloads_total{_labels(outcome=outcome)} {count}"
        yield "# HELP zerotrust_policy_reload_failed 1 if the policies in force are not those in the file."
        yield "# TYPE zerotrust_policy_reload_failed gauge"
        yield f"zerotrust_policy_reload_failed {int(self.reload_failed)}"
        yield "# HELP zerotrust_policy_loaded_timestamp_seconds When the policies in force were loaded."
        yield "# TYPE zerotrust_policy_loaded_timestamp_seconds gauge"
        yield f"zerotrust_policy_loaded_timestamp_seconds {self.loaded_at!r}"


def _labels(**labels: str) -> str:
    escaped = (
        f'{name}="{value.translate(_ESCAPED)}"'
        for name, value in labels.items()
    )  # fmt: skip
    return "{" + ",".join(escaped) + "}"


_ESCAPED: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
