"""One request, step by step: something else happens in between, or the store fails once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.web.ceremonies.world import Browser, Reply, Sending, World, reply_of, steps
from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import SOURCE_DOWN

Hook = Callable[[int, Any], bool | None]
"""Called with the number of a question and the question; True has the store fail at it."""


def driven(world: World, sent: Sending, hook: Hook) -> tuple[Reply, int]:
    """The answer to `sent`, and how many questions it took."""
    answering = steps(world, sent)
    asked, answer, failure = 0, None, None
    while True:
        try:
            question = answering.send(answer) if failure is None else answering.throw(failure)
        except StopIteration as end:
            return reply_of(end.value), asked
        answer, failure = None, None
        try:
            if hook(asked, question):
                raise SourceFailed(SOURCE_DOWN(), 3.0)
            answer = world.store.answer(question, 1.0)
        except SourceFailed as failed:
            failure = failed
        asked += 1


def twin(browser: Browser) -> Browser:
    """Another tab of the same browser, or whoever has copied its cookies."""
    return Browser(browser.world, browser.subject, browser.claims, dict(browser.cookies), browser.client)


def kept(world: World, browser: Browser) -> dict[str, str]:
    """The id of what is enrolled, by method."""
    return {one["method"]: one["id"] for one in browser.read()["factors"]}
