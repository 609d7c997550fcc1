"""The ready ceremonies as an ASGI application, for any server or framework to mount."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from zerotrust.asgi.body import read_body
from zerotrust.asgi.types import Receive, Scope, Send
from zerotrust.core.moments import seconds, span_in_seconds
from zerotrust.driver import Sources, run_async
from zerotrust.web.answer import Answer, undecided
from zerotrust.web.asgi_request import access_request
from zerotrust.web.ceremonies import BUDGET, Ceremonies
from zerotrust.web.ceremonies.door import check_door, tell, tell_failure
from zerotrust.web.ceremonies.reading import MOST_BODY
from zerotrust.web.clock import check_clock
from zerotrust.web.peers import Peers

_PATIENCE: Final = seconds(5)


class CeremoniesApp:
    """Serves `Ceremonies` under ASGI: mounted at their path, or asked for every request below it.

    Bodies are bounded in size and time. Whatever goes wrong ends in an answer that says nothing of it; the logger
    `zerotrust.ceremonies` does.

    Args:
        ceremonies: what is served.
        sources: what answers their questions, a store above all; instant or async ones.
        peers: says who the peer of a connection is, where a policy looks at it.
        patience: how long a body may take to arrive; up to a minute.
        clock: tells the time in POSIX seconds.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    def __init__(
        self,
        ceremonies: Ceremonies,
        *,
        sources: Sources,
        peers: Peers | None = None,
        patience: timedelta = _PATIENCE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ceremonies, self._sources, self._peers = check_door(ceremonies, sources, peers, "async")
        self._patience = span_in_seconds(patience, "patience", least=0.1, most=60)
        self._clock = check_clock(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a WebSocket is closed, and a lifespan has nothing to do."""
        if scope["type"] == "http":
            answer = await self._answer(scope, receive)
            await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
            await send({"type": "http.response.body", "body": answer.body})
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
        elif scope["type"] == "lifespan":
            while True:
                event = (await receive())["type"]
                await send({"type": f"{event}.complete"})
                if event == "lifespan.shutdown":
                    return

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        try:
            body: bytes | Answer = b""
            if scope["method"] == "POST":
                body = await read_body(scope, receive, MOST_BODY, self._patience)
            if isinstance(body, Answer):
                answer = body
            else:
                request = access_request(scope, self._clock(), self._sources, self._peers)
                steps = self._ceremonies.answering(request, body, scope.get("root_path", ""))
                answer = await run_async(steps, self._sources, BUDGET)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here must not answer 500
            tell_failure(error)
            return undecided()
        tell(answer)
        return answer
