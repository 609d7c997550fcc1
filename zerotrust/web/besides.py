"""What a door has done with its decisions: recorded, and policies tried in their shadow, beside the requests."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Literal

from zerotrust.core.decision import Decision
from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import Policy, called
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources
from zerotrust.web.aside import Aside, Later, Observed, Records
from zerotrust.web.context import method_of
from zerotrust.web.shadow import Shadow
from zerotrust.web.wired import looks_at_resource

if TYPE_CHECKING:
    import asyncio

_LOG: Final = logging.getLogger("zerotrust.guard")


class Besides:
    """Takes the decisions of one door.

    Args:
        style: how the door asks: what has to wait for answers waits in a task of the running loop, or in one thread.
        recorder: has each of them recorded.
        shadow: what is tried beside.
        sources: of the door.
        check: whether a policy can be decided with these sources, in a handler if it is told so; raises `ConfigError`
            if not.

    Attributes:
        idle: whether there is nothing to be done with any.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    def __init__(
        self,
        style: Literal["blocking", "async"],
        recorder: Records | None,
        shadow: Shadow | None,
        sources: Sources,
        check: Callable[[Policy, str, Sources, bool], object],
    ) -> None:
        if recorder is not None and not callable(getattr(recorder, "record", None)):
            kind = type(recorder).__name__
            raise ConfigError(f"recorder takes Recorder(key=..., sink=FileSink(path)), not {kind}")
        if shadow is not None and not isinstance(shadow, Shadow):
            raise ConfigError(f"shadow takes Shadow({{can_pay: can_pay_soon}}), not {type(shadow).__name__}")
        self._style = style
        self._shadow = shadow
        self._aside = Aside(recorder, shadow, sources)
        self._running: set[asyncio.Task[None]] = set()  # a loop keeps weak references only
        self._thread: ThreadPoolExecutor | None = None
        self.idle: bool = recorder is None and shadow is None
        if shadow is not None:
            self._aside.sources.require(style)
            for policy, candidate in shadow.candidates.items():
                named = looks_at_resource(policy)
                if looks_at_resource(candidate) and not named:
                    raise ConfigError(
                        f"Shadow(...): {called(candidate)} looks at a resource, and {called(policy)} does not, so that "
                        "nobody names one where it is decided; such a shadow is for a policy that access.check is given"
                    )
                check(candidate, "Shadow(...)", self._aside.sources, named)

    def observe(self, decision: Decision, request: AccessRequest, route: str) -> None:
        """Take a decision, made at the path `route` as declared. It raises nothing, and waits for nobody."""
        if self.idle:
            return
        later = self._aside.observe(Observed(decision, request, route, method_of(request)))
        if later is not None:
            self._in_task(later) if self._style == "async" else self._in_thread(later)

    def _in_task(self, later: Later) -> None:
        import asyncio  # there already, where it is needed

        running = later.run_async()
        try:
            task = asyncio.get_running_loop().create_task(running)
        except RuntimeError:  # another kind of event loop, or none
            running.close()
            later.drop()
            return
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _in_thread(self, later: Later) -> None:
        try:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, "zerotrust-shadow")
            self._thread.submit(later.run)
        except RuntimeError:  # the interpreter is on its way out, or no thread can be had
            later.drop()

    def warn(self, policies: Iterable[Policy]) -> None:
        """Tell of shadow policies that are tried nowhere, since what they may take the place of is not given."""
        given = set(policies) if self._shadow is not None else set[Policy]()
        for policy in self._shadow.candidates if self._shadow is not None else ():
            if policy not in given and not looks_at_resource(policy):  # which policies handlers check nobody knows yet
                _LOG.warning(
                    "the shadow of %s is never tried: nothing here is protected by that policy itself", called(policy)
                )
