"""What a guard has done with its decisions: recorded, and policies tried in their shadow, in tasks of their own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final

from starlette.types import Scope

from zerotrust.core.decision import Decision
from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import Policy, called
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources
from zerotrust.fastapi.denied import route_of
from zerotrust.web.asgi_request import scope_of
from zerotrust.web.aside import Aside, Observed, Records
from zerotrust.web.shadow import Shadow
from zerotrust.web.wired import looks_at_resource

_LOG: Final = logging.getLogger("zerotrust.guard")


class Besides:
    """Takes the decisions of one guard.

    Args:
        recorder: has each of them recorded.
        shadow: what is tried beside.
        sources: of the guard.
        check: whether a policy can be decided with these sources, in a handler if it is told so; raises `ConfigError`
            if not.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    def __init__(
        self,
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
        self._shadow = shadow
        self._aside = Aside(recorder, shadow, sources)
        self._running: set[asyncio.Task[None]] = set()  # a loop keeps weak references only
        self._idle = recorder is None and shadow is None
        if shadow is not None:
            self._aside.sources.require("async")
            for policy, candidate in shadow.candidates.items():
                named = looks_at_resource(policy)
                if looks_at_resource(candidate) and not named:
                    raise ConfigError(
                        f"Shadow(...): {called(candidate)} looks at a resource, and {called(policy)} does not, so that "
                        "nobody names one where it is decided; such a shadow is for a policy that access.check is given"
                    )
                check(candidate, "Shadow(...)", self._aside.sources, named)

    def observe(self, decision: Decision, request: AccessRequest, route: str, scope: Scope) -> None:
        """Take a decision. It raises nothing, and waits for nobody."""
        if self._idle:
            return
        later = self._aside.observe(Observed(decision, request, route, str(scope.get("method", "WS"))))
        if later is not None:
            running = later.run_async()
            try:
                task = asyncio.get_running_loop().create_task(running)
            except RuntimeError:  # another kind of event loop, or none
                running.close()
                later.drop()
                return
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def inside(self, decision: Decision, request: AccessRequest) -> None:
        """Take a decision that was made while a request is handled."""
        scope = None if self._idle else scope_of(request)
        if scope is not None:
            self.observe(decision, request, route_of(scope), scope)

    def warn(self, policies: Iterable[Policy]) -> None:
        """Tell of shadow policies that are tried nowhere, since what they may take the place of is not given."""
        given = set(policies) if self._shadow is not None else set[Policy]()
        for policy in self._shadow.candidates if self._shadow is not None else ():
            if policy not in given and not looks_at_resource(policy):  # which policies handlers check nobody knows yet
                _LOG.warning(
                    "the shadow of %s is never tried: nothing here is protected by that policy itself", called(policy)
                )
