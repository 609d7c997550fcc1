"""Who tries to keep a connection longer than its access, or to hand it to somebody else (CWE-613, CWE-384)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.asgi.lasting import NOW, World, bound, echo, minted, shown, streaming, token
from zerotrust import Bearer, Denied, Issuer, minutes, seconds
from zerotrust.asgi.types import Receive, Scope, Send
from zerotrust.testing import DPoPClient, LocalIssuer


def renewing(with_: str, policy: Any = None, **options: Any) -> tuple[str, float]:
    """What comes of a renewal after 50 of 100 seconds, and when the connection was closed."""

    async def body(world: World) -> tuple[str, float]:
        line = world.open(headers=shown(auth_time=int(NOW)))
        await asyncio.sleep(50)
        line.say(f"renew {with_}")
        await line.end()
        return line.texts[0], round(line.closed[0])

    return World(echo, policy, **options).run(body)


def test_nobody_takes_over_the_connection_of_somebody_else() -> None:
    assert renewing(minted(500, subject="mallory")) == ("subject_mismatch", 100)


def test_the_same_name_of_another_issuer_is_somebody_else() -> None:
    from tests.asgi.lasting import ISSUER

    other = LocalIssuer("https://other.example", algorithms=("EdDSA",))
    either = Bearer(
        Issuer(ISSUER.url, keys=ISSUER.jwks()), Issuer(other.url, keys=other.jwks()), audience="api", leeway=seconds(0)
    )
    theirs = other.mint(now=NOW, lifetime=seconds(500), subject="alice")
    assert renewing(theirs, either.valid) == ("subject_mismatch", 100)


@pytest.mark.parametrize(
    ("weaker", "code"),
    [
        (minted(10), "expired"),
        (minted(500, audience="other"), "wrong_audience"),
        (minted(500)[:-4] + "AAAA", "bad_signature"),
        ("x" * 100_000, "too_large"),
        ("\ud800", "malformed"),
        ("", "malformed"),
    ],
    ids=["expired", "audience", "signature", "large", "surrogate", "empty"],
)
def test_a_worse_token_renews_nothing(weaker: str, code: str) -> None:
    assert renewing(weaker) == (code, 100)


def test_a_token_of_an_older_sign_in_renews_nothing() -> None:
    policy = token.fresh(within=minutes(5))
    assert renewing(minted(500, auth_time=int(NOW) - 1000), policy)[1] == 100


def test_a_proof_that_is_kept_back_counts_for_no_connection() -> None:
    """It was used elsewhere, and the store has forgotten that by the time the handler asks."""
    client, outcome = DPoPClient(), list[str]()
    made = client.headers("GET", "https://api.example/", minted(9000, cnf=client.cnf), iat=int(NOW))
    stolen = {name.decode(): value.decode() for name, value in made}

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        await asyncio.sleep(1000)
        with pytest.raises(Denied) as denied:
            await scope["zerotrust.access"].check_async(bound.valid)
        outcome.append(denied.value.decision.reason.code)

    async def body(world: World) -> None:
        used = world.open(headers=stolen)  # where no proof is asked for, nothing is used up
        await used.end()

    from zerotrust import request

    World(late, request.method("GET")).run(body)
    assert outcome == ["bad_proof"]


def test_an_application_that_does_not_listen_is_cancelled() -> None:
    ended: list[str] = []

    async def deaf(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        try:
            while True:
                await receive()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def body(world: World) -> float:
        line = world.open()
        await line.end()
        assert line.closed[1] == 3000
        return world.loop.time()

    assert World(deaf).run(body) == pytest.approx(101, abs=0.1)
    assert ended == ["cancelled"]


@pytest.mark.parametrize("kind", ["websocket", "http"])
def test_an_application_that_will_not_be_cancelled_sends_nothing_more(kind: str) -> None:
    swallowed: list[str] = []

    async def stubborn(scope: Scope, receive: Receive, send: Send) -> None:
        if kind == "websocket":
            await send({"type": "websocket.accept"})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        while len(swallowed) < 8:
            try:
                await asyncio.sleep(0.3)
                if kind == "websocket":
                    await send({"type": "websocket.send", "text": "."})
                else:
                    await send({"type": "http.response.body", "body": b".", "more_body": True})
            except (asyncio.CancelledError, OSError) as error:
                swallowed.append(type(error).__name__)

    async def body(world: World) -> None:
        line = world.open(kind, headers=shown(2))
        await line.end()
        await asyncio.sleep(10)
        last = max(when for when, _ in line.sent)
        assert last < 2.4
        assert not line.task.cancelling()
        assert not line.complete

    World(stubborn).run(body)
    assert "CancelledError" in swallowed or kind == "websocket"


def test_a_thousand_idle_connections_leave_nothing_behind() -> None:
    async def body(world: World) -> None:
        lines = [world.open(headers=shown(subject=f"user{number % 7}")) for number in range(1000)]
        await asyncio.sleep(1)
        assert len(world.guard._watch) == 1000
        for _ in range(3):
            world.guard.recheck()  # as often as somebody likes
        await asyncio.sleep(10)
        timers = [one for one in world.loop._scheduled if not one.cancelled()]  # type: ignore[attr-defined]
        assert len(timers) <= 1001
        for line in lines[:500]:
            line.leave()
        await asyncio.gather(*(line.end() for line in lines))
        assert not [one for one in world.loop._scheduled if not one.cancelled()]  # type: ignore[attr-defined]
        assert all(line.closed is not None for line in lines[500:])

    World(echo).run(body)


@pytest.mark.parametrize("ahead", [0.0, 0.5, 1.0])
def test_a_renewal_that_is_under_way_is_waited_for(ahead: float) -> None:
    """It holds up the cut no longer than a decision may take, and nothing passes meanwhile."""

    async def body(world: World) -> None:
        line = world.open()
        await asyncio.sleep(99.5)
        world.slow = 0.3
        line.say(f"renew {minted(100, now=world.clock())}")
        await asyncio.sleep(0.1)
        world.ahead = ahead
        line.say("and?")
        await asyncio.sleep(20)
        assert line.texts == ["renewed", "and?"]
        line.leave()
        await line.end()

    World(echo).run(body)


def test_a_renewal_after_the_cut_revives_nothing() -> None:
    outcome: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        try:
            await scope["zerotrust.access"].renew(shown(500))
        except OSError as error:
            outcome.append(type(error).__name__)
        with pytest.raises(OSError, match="cut"):
            await send({"type": "websocket.send", "text": "still here"})

    async def body(world: World) -> None:
        line = world.open()
        await line.end()
        assert line.closed[1] == 3000

    World(app).run(body)
    assert outcome == ["Cut"]


def test_a_stream_that_is_read_slowly_is_cut_all_the_same() -> None:
    async def body(world: World) -> float:
        line = world.open("http")
        await asyncio.sleep(15)
        line.hold = asyncio.Event().wait()  # nobody reads any more
        await line.end()
        assert not line.complete
        return world.loop.time()

    assert World(streaming()).run(body) == pytest.approx(100, abs=1)
