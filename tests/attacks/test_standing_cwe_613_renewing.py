"""Who shows another token on a connection, and hopes that the first one is forgotten, or is not (CWE-613)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.asgi.lasting import ISSUER, Line, World, echo, minted, shown, token
from zerotrust import Bearer, Denied, Issuer, anyone, request, seconds
from zerotrust.asgi import Access
from zerotrust.asgi.types import Receive, Scope, Send
from zerotrust.functions import Guard, current_access

admin = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="admin", name="admin", leeway=seconds(0))
functions = Guard(clock=ISSUER.clock)


def bearer(value: str) -> dict[str, str]:
    return {"authorization": f"Bearer {value}"}


async def may(access: Access) -> str:
    try:
        await access.check_async(admin.valid)
    except Denied as denied:
        return denied.decision.reason.code
    return "yes"


def after(first: list[str], second: list[str], steps: Callable[[Access, Callable[[], Awaitable[Any]]], Any]) -> Any:
    """What comes of `steps` on a connection that is renewed somewhere in it."""
    outcome: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        access = scope["zerotrust.access"]
        outcome.append(await steps(access, lambda: access.renew(bearer(minted(audience=second)))))

    async def body(world: World) -> None:
        await world.open(headers=bearer(minted(audience=first))).end()

    World(app, token.valid).run(body)
    return outcome[0]


BOTH, ONE = ["api", "admin"], ["api"]
WAYS = [(BOTH, ONE, "yes", "wrong_audience"), (ONE, BOTH, "wrong_audience", "yes")]


@pytest.mark.parametrize(("first", "second", "before", "then"), WAYS, ids=["less", "more"])
def test_what_a_handler_checks_rests_on_what_was_shown_last(
    first: list[str], second: list[str], before: str, then: str
) -> None:
    async def steps(access: Access, renew: Callable[[], Awaitable[Any]]) -> Any:
        return await may(access), await renew() and await may(access)

    assert after(first, second, steps) == (before, then)


@pytest.mark.parametrize(("first", "second", "before", "then"), WAYS, ids=["less", "more"])
def test_so_does_what_a_function_checks_that_was_called_before(
    first: list[str], second: list[str], before: str, then: str
) -> None:
    @functions.require(admin.valid if before == "yes" else request.method("GET"))
    async def further(renew: Callable[[], Awaitable[Any]]) -> Any:
        access = current_access()
        assert access is not None
        deeper = access.under(access.check(request.method("GET")))
        seen = await may(access), await may(deeper)
        await renew()
        assert access.request is deeper.request is not None
        return [*zip(seen, (await may(access), await may(deeper)), strict=True)]

    async def steps(access: Access, renew: Callable[[], Awaitable[Any]]) -> Any:
        return await further(renew)

    assert after(first, second, steps) == [(before, then)] * 2


def test_where_everybody_is_let_in_a_function_does_not_rest_on_what_was_shown_before() -> None:
    """Nothing of the connection's own decision tells then whether it is still about the same token."""
    outcome: list[str] = []

    @functions.require(admin.valid)
    async def further(renew: Callable[[], Awaitable[Any]]) -> None:
        inside = current_access()
        assert inside is not None
        outcome.append(await may(inside))
        await renew()
        outcome.append(await may(inside))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        access = scope["zerotrust.access"]
        await further(lambda: access.renew(bearer(minted(audience=ONE))))

    async def body(world: World) -> None:
        await world.open(headers=bearer(minted(audience=BOTH))).end()

    World(app, anyone(because="the rates are public")).run(body)
    assert outcome == ["yes", "wrong_audience"]


def test_a_function_renews_the_connection_itself() -> None:
    @functions.require(request.method("GET"))
    async def further() -> Any:
        access = current_access()
        assert access is not None
        await access.renew(bearer(minted(200)))
        return access.check(token.valid)[token].expires_at

    async def steps(access: Access, renew: Callable[[], Awaitable[Any]]) -> Any:
        return await further() == access[token].expires_at == access.valid_until

    assert after(ONE, ONE, steps)


def test_a_refused_renewal_leaves_the_first_token_what_it_was() -> None:
    async def steps(access: Access, renew: Callable[[], Awaitable[Any]]) -> Any:
        kept = access.request
        with pytest.raises(Denied):
            await access.renew(bearer(minted(subject="mallory")))
        return await may(access), access.request is kept

    assert after(BOTH, ONE, steps) == ("yes", True)


def test_what_a_further_decision_allowed_for_longer_grants_no_more_than_the_first() -> None:
    """A task that lives on after its token, in a function that asks for less."""
    mark = object()

    async def steps(access: Access, renew: Callable[[], Awaitable[Any]]) -> Any:
        base = Access(access.decision, frozenset((mark,)), access.request, access._desk)
        further = base.under(base.check(request.method("GET")))
        now = base.valid_until
        assert further.valid_until > now
        return [one.granted(mark, now - 1) for one in (base, further)], [
            one.granted(mark, now + 1) for one in (base, further)
        ]

    assert after(ONE, ONE, steps) == ([True, True], [False, False])


def test_whoever_renews_without_end_stays_who_it_is() -> None:
    """However often: what is decided about is the request that came in, with what was shown last."""

    async def steps(access: Access, renew: Callable[[], Awaitable[Any]]) -> Any:
        came: Any = access.request
        for _ in range(3):
            await renew()
        asked: Any = access.request
        return asked._request is came, len(asked.headers) == len(came.headers)

    assert after(ONE, ONE, steps) == (True, True)


def test_a_refused_renewal_is_logged_as_any_refusal(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "zerotrust.guard")

    async def body(world: World) -> None:
        line = world.open()
        await asyncio.sleep(1)
        caplog.clear()
        for value in (minted(500, subject="mallory"), "nonsense", minted(50)):
            line.say(f"renew {value}")
        await asyncio.sleep(1)
        assert line.texts == ["subject_mismatch", "malformed", "renewed"]
        line.leave()
        await line.end()

    World(echo).run(body)
    assert [record.getMessage() for record in caplog.records] == [
        "refused at (anything else): 403 subject_mismatch",
        "refused at (anything else): 401 malformed",
    ]


def test_no_more_renewals_than_rechecks_are_decided_at_once() -> None:
    answered: list[float] = []

    async def body(world: World) -> None:
        lines: list[Line] = [world.open(headers=shown(500)) for _ in range(100)]
        await asyncio.sleep(1)
        world.slow = 0.1
        answer = world.store.answer

        def counted(ask: Any, timeout: float) -> Any:
            answered.append(round(world.loop.time(), 3))
            return answer(ask, timeout)

        world.store.answer = counted  # type: ignore[method-assign]
        for line in lines:
            line.say(f"renew {minted(500)}")
        await asyncio.sleep(5)
        assert [line.texts for line in lines] == [["renewed"]] * 100
        for line in lines:
            line.leave()
        await asyncio.gather(*(line.end() for line in lines))

    World(echo).run(body)
    assert max(map(answered.count, set(answered))) == 64
