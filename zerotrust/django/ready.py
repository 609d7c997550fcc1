"""What comes ready-made with the door: the ceremonies, and the metadata of a resource (RFC 9728)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

from zerotrust.core.ask import Gather
from zerotrust.core.policy import Policy, anyone
from zerotrust.core.reason import TOO_LARGE, Reason
from zerotrust.django.requests import Body, asked
from zerotrust.django.sending import refusal
from zerotrust.driver import run, run_async
from zerotrust.web.answer import Answer, undecided
from zerotrust.web.gate import Gate
from zerotrust.web.metadata import BECAUSE, Metadata
from zerotrust.web.posted import CUT_SHORT
from zerotrust.web.posted import TOO_LARGE as ANSWER_TOO_LARGE
from zerotrust.web.report import Protection, Report, RouteLine

_CEREMONIES: Final = "ready ceremonies: each decides what it requires"


class Ready:
    """The ready answers of one door, given before anything is resolved.

    Args:
        gate: says what there is.
        policies: gives those in force, for the metadata.
    """

    def __init__(self, gate: Gate, policies: Callable[[], Iterable[Policy]]) -> None:
        self._gate = gate
        self._metadata = None if gate.resource is None else Metadata(gate.resource, policies)

    def reported(self, report: Report) -> Report:
        """`report` with what comes ready-made, and a problem for each view that nobody gets to behind it."""
        lines, problems = report.lines, report.problems
        if self._metadata is not None:
            line = RouteLine(("GET",), self._metadata.path, Protection(anyone(because=BECAUSE), "RESOURCE"))
            lines = (line, *lines)
        if (ceremonies := self._gate.ceremonies) is not None:
            from zerotrust.web.ceremonies.met import hidden

            problems += tuple(hidden((line.path for line in report.lines), ceremonies.setup))
            opened = Protection(anyone(because=_CEREMONIES), "CEREMONIES")
            lines = (RouteLine(("*",), f"{ceremonies.at}/*", opened), *lines)
        return replace(report, lines=lines, problems=problems)

    def response(self, request: HttpRequest) -> HttpResponseBase | None:
        """The answer to `request`, if it is for any of it."""
        if (told := self._told(request)) is not None:
            return told
        return self._run(request) if self._is_ceremony(request) else None

    async def response_async(self, request: HttpRequest) -> HttpResponseBase | None:
        """`response` under ASGI."""
        if (told := self._told(request)) is not None:
            return told
        return await self._run_async(request) if self._is_ceremony(request) else None

    def _told(self, request: HttpRequest) -> HttpResponseBase | None:
        if self._metadata is None or request.path_info != self._metadata.path:
            return None
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return refusal(self._metadata.answer, request)

    def _is_ceremony(self, request: HttpRequest) -> bool:
        ceremonies, path = self._gate.ceremonies, request.path_info
        return ceremonies is not None and (path == ceremonies.at or path.startswith(f"{ceremonies.at}/"))

    def _run(self, request: HttpRequest) -> HttpResponseBase:
        if self._gate.style == "async":
            return async_to_sync(self._run_async)(request)
        from zerotrust.web.ceremonies.door import tell_failure

        try:
            steps = self._answering(request)
            answer = steps if isinstance(steps, Answer) else run(steps, self._gate.sources, self._gate.budget)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here must not answer 500
            tell_failure(error)
            answer = undecided()
        return _sent(answer, request)

    async def _run_async(self, request: HttpRequest) -> HttpResponseBase:
        from zerotrust.web.ceremonies.door import tell_failure

        try:
            steps = self._answering(request)
            sources, budget = self._gate.sources, self._gate.budget
            answer = steps if isinstance(steps, Answer) else await run_async(steps, sources, budget)
        except Exception as error:  # noqa: BLE001 - as above
            tell_failure(error)
            answer = undecided()
        return _sent(answer, request)

    def _answering(self, request: HttpRequest) -> Gather[Answer] | Answer:
        from zerotrust.web.ceremonies.reading import MOST_BODY

        gate, body = self._gate, b""
        assert gate.ceremonies is not None, "it was just looked at"  # noqa: S101
        if request.method == "POST":
            read = Body(request).read(MOST_BODY)
            if isinstance(read, Reason):
                return ANSWER_TOO_LARGE if read.kind is TOO_LARGE else CUT_SHORT
            body = read
        about = asked(request, gate.clock(), gate.sources, gate.peers)
        return gate.ceremonies.answering(about, body, about.root)


def _sent(answer: Answer, request: HttpRequest) -> HttpResponseBase:
    from zerotrust.web.ceremonies.door import tell

    tell(answer)
    return refusal(answer, request)
