"""The ready ceremonies as a WSGI application, for any server or framework to mount."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import seconds, span_in_seconds
from zerotrust.driver import Sources, run
from zerotrust.sessions.framework import FrameworkSession
from zerotrust.web.answer import Answer, undecided
from zerotrust.web.ceremonies import BUDGET, Ceremonies
from zerotrust.web.ceremonies.door import check_door, tell, tell_failure
from zerotrust.web.ceremonies.reading import MOST_BODY
from zerotrust.web.clock import check_clock
from zerotrust.web.peers import Peers
from zerotrust.web.wsgi_request import wsgi_request
from zerotrust.wsgi.body import read_body

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_PATIENCE: Final = seconds(5)


class CeremoniesApp:
    """Serves `Ceremonies` under WSGI: mounted at their path, or asked for every request below it.

    Bodies are bounded in size, and in time as far as the server lets go of them. Whatever goes wrong ends in an answer
    that says nothing of it; the logger `zerotrust.ceremonies` does.

    Args:
        ceremonies: what is served.
        sources: what answers their questions, a store above all; instant or blocking ones.
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
        self._ceremonies, self._sources, self._peers = check_door(ceremonies, sources, peers, "blocking")
        if isinstance(ceremonies.setup.session.carrier, FrameworkSession):
            raise ConfigError(
                "CeremoniesApp under WSGI is not given the session of a framework, so cookie=FrameworkSession(...) has "
                "nowhere to be; write Session(..., cookie=SessionCookie())"
            )
        self._patience = span_in_seconds(patience, "patience", least=0.1, most=60)
        self._clock = check_clock(clock)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        answer = self._answer(environ)
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers]
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
        return [answer.body]

    def _answer(self, environ: dict[str, Any]) -> Answer:
        try:
            body: bytes | Answer = b""
            if environ.get("REQUEST_METHOD") == "POST":
                body = read_body(environ, MOST_BODY, self._patience)
            if isinstance(body, Answer):
                answer = body
            else:
                request = wsgi_request(environ, self._clock(), self._sources, self._peers)
                mount = str(environ.get("SCRIPT_NAME") or "").encode("latin-1", "replace").decode("utf-8", "replace")
                answer = run(self._ceremonies.answering(request, body, mount), self._sources, BUDGET)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here must not answer 500
            tell_failure(error)
            return undecided()
        tell(answer)
        return answer
