"""One request, step by step: something else happens in between, or the store fails once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

from tests.web.ceremonies.world import KEYS, Browser, Codes, Reply, Sending, World, make, reply_of, sign_in, steps
from zerotrust.core.ask import Ask, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.stores.memory import MemoryStore
from zerotrust.wire.otp import OtpKey

T = TypeVar("T")

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


class Recorded(MemoryStore):
    """Remembers what it was asked, so that another can be asked the same."""

    def __init__(self) -> None:
        super().__init__(keys=KEYS)
        self.asked: list[Ask[Any]] = []

    def answer(self, ask: Ask[T], timeout: float) -> T:
        self.asked.append(ask)
        answer: Any = super().answer(ask, timeout)
        return cast("T", answer)


@cache
def prepared() -> tuple[list[Ask[Any]], dict[str, str], Codes, tuple[str, ...], dict[str, Codes]]:
    """Somebody with TOTP and recovery codes, who has just proven both, and been offered others.

    What the store was asked; the cookies; what makes codes; the recovery codes; what was offered.
    """
    store = Recorded()
    world = make(signs_in=True, store=store)
    owner = sign_in(world)
    _, app = owner.enrol_totp()
    codes = owner.post("recovery/regenerate").json["codes"]
    world.later(60)
    owner.post("totp/verify", {"code": app.at(world.now)})
    owner.post("recovery/verify", {"code": codes.pop()})
    offers = {what: Codes.of(owner.post(f"{what}/enrol/options").json["secret"]) for what in ("totp", "hotp")}
    return store.asked, owner.cookies, app, tuple(codes), offers


class Scene:
    """That person, about to replace or to add something."""

    def __init__(self) -> None:
        asked, cookies, self.app, self.codes, self.offers = prepared()
        self.world = make(signs_in=True, store=Recorded())
        self.world.later(60)
        for ask in asked:
            self.world.store.answer(ask, 1.0)
        self.owner = self.world.browser(None)
        self.owner.cookies.update(cookies)
        self.before = kept(self.world, self.owner)

    def other(self) -> Browser:
        """Somebody who can sign in as the owner and no more."""
        browser = sign_in(self.world)
        browser.client = "203.0.113.9"
        return browser

    def sending(self, what: str) -> Sending:
        if what == "recovery":
            return self.owner.posting("recovery/regenerate")
        self.new = offer = self.offers[what]
        code = offer.at(self.world.now) if what == "totp" else OtpKey(offer.key).at(0)
        return self.owner.posting(f"{what}/enrol", {"code": code})

    def after(self) -> dict[str, str]:
        return kept(self.world, sign_in(self.world))
