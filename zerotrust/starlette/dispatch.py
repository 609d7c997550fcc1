"""What stands in the place of a router's dispatch, and has what was let in handled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from zerotrust.asgi.body import handed_on
from zerotrust.asgi.standing import Lasting
from zerotrust.starlette.sending import go_on, refuse
from zerotrust.web.ambient import ended, enter, leave
from zerotrust.web.answer import Answer

if TYPE_CHECKING:
    from zerotrust.starlette.guard import Guard


class Dispatch:
    """The ASGI application that takes the place of a router's dispatch.

    Args:
        guard: decides.
        router: whose dispatch it is.
        dispatch: that dispatch.
    """

    __slots__ = ("_dispatch", "_router", "guard")

    def __init__(self, guard: Guard, router: Router, dispatch: ASGIApp) -> None:
        self.guard: Guard = guard
        self._router = router
        self._dispatch = dispatch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Dispatch what the guard lets in; at start-up, what fails its check ends that."""
        kind = scope["type"]
        if kind == "http" or kind == "websocket":
            outcome = await self.guard.admit(self._router, scope, receive)
            receive = handed_on(scope, receive)
            if isinstance(outcome, Answer):
                await refuse(outcome, scope, send)
                return
            if outcome is not None:
                token = enter(outcome.access)
                lasting = Lasting(self.guard.lasts, outcome.place, outcome.access, receive, send)
                try:
                    with lasting:
                        if outcome.headers:
                            await go_on(self._dispatch, outcome.headers, scope, lasting.receive, lasting.send)
                        else:
                            await self._dispatch(scope, lasting.receive, lasting.send)
                    if lasting.closing is not None:
                        await lasting.closed()
                finally:
                    leave(token)
                ended(scope, outcome.access)
                return
        if kind == "lifespan":
            try:
                self.guard.check()
            except Exception as error:
                # A server takes an exception alone for "no lifespan here" and goes on.
                await receive()
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                raise
        await self._dispatch(scope, receive, send)
