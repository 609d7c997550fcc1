"""What goes on beside decisions, whatever the door: they are recorded, and policies tried in their shadow.

Nothing here changes what was decided, and nothing gets out of here but what a door has to run later.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Protocol

from zerotrust.core.decision import Decision
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources, run, run_async
from zerotrust.web.rehearsal import Rehearsal
from zerotrust.web.shadow import Shadow

_LOG = logging.getLogger("zerotrust.replay")


class Records(Protocol):
    """What decisions are recorded by: a `zerotrust.replay.Recorder`."""

    def record(
        self,
        decision: Decision,
        request: AccessRequest,
        *,
        route: str,
        method: str | None = None,
        shadow: Decision | None = None,
    ) -> None:
        """Record one decision; it neither raises nor waits."""
        ...


@dataclass(frozen=True, slots=True)
class Observed:
    """A decision that was made, with what it was made about.

    Attributes:
        decision: what was decided.
        request: about what.
        route: the path as declared.
        method: of HTTP; `WS` for a WebSocket.
    """

    decision: Decision
    request: AccessRequest
    route: str
    method: str


class Aside:
    """What a door hands its decisions to.

    Args:
        recorder: has each of them recorded; None for nobody.
        shadow: what is tried beside; None for nothing.
        sources: of the door.

    Attributes:
        sources: what a shadow policy asks.
    """

    __slots__ = ("_recorder", "_shadow", "_told", "_waiting", "sources")

    def __init__(self, recorder: Records | None, shadow: Shadow | None, sources: Sources) -> None:
        self._recorder = recorder
        self._shadow = shadow
        self.sources: Sources = sources if shadow is None or shadow.sources is None else shadow.sources
        self._waiting = 0
        self._told = False

    def observe(self, seen: Observed) -> Later | None:
        """Do with a decision what can be done at once; gives what has to wait for answers, for the door to run."""
        shadow, beside = self._shadow, None
        if shadow is not None:
            try:
                candidate = shadow.candidate(seen.decision.policy)
                if candidate is not None:
                    rehearsal = Rehearsal(candidate, seen.request, seen.decision.findings)
                    if rehearsal.pending is not None and self._waiting < shadow.most:
                        self._waiting += 1
                        return Later(self, shadow, rehearsal, seen)
                    if rehearsal.pending is not None:
                        shadow.skip()
                    else:
                        beside = rehearsal.decision()
                        shadow.count(seen.decision, beside, seen.route, seen.method)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - not even `SystemExit` may change what becomes of the request
                shadow.fail(error, seen.route)
        self._record(seen, beside)
        return None

    def ended(self, seen: Observed, beside: Decision | None) -> None:
        """Record what had to wait, now that it has ended."""
        self._waiting -= 1
        self._record(seen, beside)

    def _record(self, seen: Observed, beside: Decision | None) -> None:
        if self._recorder is None:
            return
        try:
            self._recorder.record(seen.decision, seen.request, route=seen.route, method=seen.method, shadow=beside)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - one of the application's own may raise anything
            if not self._told:
                self._told = True
                _LOG.error("a decision at %s was not recorded: %s", seen.route, type(error).__qualname__)


class Later:
    """A shadow policy that waits for answers. A door runs it once, beside the request or after it."""

    __slots__ = ("_aside", "_rehearsal", "_seen", "_shadow")

    def __init__(self, aside: Aside, shadow: Shadow, rehearsal: Rehearsal, seen: Observed) -> None:
        self._aside = aside
        self._shadow = shadow
        self._rehearsal = rehearsal
        self._seen = seen

    def run(self) -> None:
        """Try the policy, count what it comes to, and record the decision."""
        beside: Decision | None = None
        try:
            beside = run(self._rehearsal.steps(), self._aside.sources, self._shadow.budget)
            self._count(beside)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - as in `observe`
            self._shadow.fail(error, self._seen.route)
        finally:
            self._aside.ended(self._seen, beside)

    async def run_async(self) -> None:
        """`run` for asyncio."""
        beside: Decision | None = None
        try:
            beside = await run_async(self._rehearsal.steps(), self._aside.sources, self._shadow.budget)
            self._count(beside)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # as in `observe`
            if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                raise
            self._shadow.fail(error, self._seen.route)
        finally:  # also where it is cancelled
            self._aside.ended(self._seen, beside)

    def drop(self) -> None:
        """Record the decision without trying the policy, where a door cannot run it."""
        self._shadow.skip()
        self._aside.ended(self._seen, None)

    def _count(self, beside: Decision | None) -> None:
        self._shadow.count(self._seen.decision, beside, self._seen.route, self._seen.method)


def _is_cancelled() -> bool:
    """Whether somebody wants the task that runs this to end, and not just something in it says that it was."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
