"""WebSockets and streaming responses are cut when their access ends, and not before."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.asgi.lasting import NOW, Line, World, bound, echo, minted, shown, streaming, token
from tests.fastapi.world import call, http_scope, raw
from zerotrust import ConfigError, Denied, anyone, request, seconds
from zerotrust.asgi import Access, Guard, Rules
from zerotrust.asgi.cut import Cut
from zerotrust.asgi.types import Receive, Scope, Send
from zerotrust.testing import DPoPClient


async def both(scope: Scope, receive: Receive, send: Send) -> None:
    await (echo if scope["type"] == "websocket" else streaming())(scope, receive, send)


async def leave(*lines: Line) -> None:
    for line in lines:
        line.leave()
        await line.end()


# --- Cutting ----------------------------------------------------------------------------------------------------------


def test_an_idle_websocket_is_closed_when_its_token_expires() -> None:
    async def body(world: World) -> None:
        line = world.open()
        await line.end()
        assert line.closed == (pytest.approx(100, abs=0.1), 3000, "expired")

    World(echo).run(body)


def test_messages_pass_until_then_and_none_after() -> None:
    async def body(world: World) -> None:
        line = world.open()
        await asyncio.sleep(99)
        line.say("in time")
        await asyncio.sleep(0.5)
        world.ahead = 0.5  # before any timer
        line.say("too late")
        await line.end()
        assert line.texts == ["in time"]
        assert line.closed == (pytest.approx(99.5), 3000, "expired")

    World(echo).run(body)


def test_what_the_application_sends_too_late_is_not_sent() -> None:
    raised: list[type[BaseException]] = []
    told: list[Any] = []

    async def telling(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        world.ahead = 100
        try:
            await send({"type": "websocket.send", "text": "secret"})
        except OSError as error:
            raised.append(type(error))
            told.append(await receive())
            raise

    async def body(world: World) -> None:
        line = world.open()
        await line.end()
        assert (raised, told) == ([Cut], [{"type": "websocket.disconnect", "code": 3000, "reason": "expired"}])
        assert [message["type"] for message in line.messages] == ["websocket.accept", "websocket.close"]

    world = World(telling)
    world.run(body)


def test_a_revocation_counts_with_the_next_recheck() -> None:
    async def body(world: World) -> None:
        line = world.open()
        await asyncio.sleep(31)
        world.revoke()
        await line.end()
        assert line.closed == (pytest.approx(60, abs=0.1), 3000, "revoked")

    World(echo, recheck=seconds(30)).run(body)


def test_a_revocation_counts_at_once_where_somebody_listens() -> None:
    async def body(world: World) -> None:
        line, other = world.open(), world.open(headers=shown(subject="bob"))
        stream = world.open("http")
        await asyncio.sleep(31)
        world.revoke()
        world.guard.recheck()
        await line.end()
        await stream.end()
        other.say("still here")
        await asyncio.sleep(1)
        assert line.closed == (pytest.approx(31, abs=0.1), 3000, "revoked")
        assert not stream.complete
        assert (other.texts, other.closed) == (["still here"], None)
        await leave(other)

    World(both).run(body)


def test_it_may_be_said_in_any_thread() -> None:
    async def body(world: World) -> None:
        line = world.open()
        await asyncio.sleep(1)
        world.revoke()
        await asyncio.to_thread(world.guard.recheck)
        await line.end()
        assert line.closed == (pytest.approx(1, abs=0.5), 3000, "revoked")

    World(echo).run(body)


def test_what_was_said_before_it_lasted_counts_too() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(5)
        await echo(scope, receive, send)

    async def body(world: World) -> None:
        line = world.open()
        await asyncio.sleep(1)
        world.revoke()
        world.guard.recheck()
        await line.end()
        assert [message["type"] for message in line.messages] == ["websocket.close"]

    World(slow).run(body)


def test_who_may_no_longer_is_told_so() -> None:
    now, ends = (datetime.fromtimestamp(NOW + offset, UTC).strftime("%H:%M") for offset in (-60, 60))
    policy = token.valid & request.during(now, ends, zone="UTC")

    async def body(world: World) -> None:
        line = world.open()
        await line.end()
        assert line.closed is not None
        assert line.closed[0] < 61
        assert line.closed[1:] == (3003, "not_satisfied")

    World(echo, policy).run(body)


@pytest.mark.parametrize("late", [1, 100])
def test_an_outage_cuts(late: float) -> None:
    async def body(world: World) -> None:
        line = world.open(headers=shown(200))
        await asyncio.sleep(late)
        world.store.down = True
        world.guard.recheck()
        await line.end()
        assert line.closed == (pytest.approx(late, abs=0.1), 1013, "source_timeout")

    World(echo).run(body)


def test_a_clock_that_fails_cuts() -> None:
    async def body(world: World) -> None:
        line = world.open()
        await asyncio.sleep(1)
        world.ahead = float("nan")
        line.say("hello")
        await line.end()
        assert line.closed is not None
        assert line.texts == []

    World(echo).run(body)


def test_a_clock_that_is_put_forward_is_noticed_within_a_minute() -> None:
    async def body(world: World) -> None:
        line = world.open(headers=shown(3000))
        await asyncio.sleep(70)
        world.ahead = 3000
        await line.end()
        assert line.closed == (pytest.approx(120, abs=1), 3000, "expired")

    World(echo).run(body)


def test_a_clock_that_is_put_back_is_no_reason_to_look_less_often() -> None:
    async def body(world: World) -> None:
        line = world.open(headers=shown(3000))
        await asyncio.sleep(10)
        world.revoke()
        world.ahead = -500
        await line.end()
        assert line.closed is not None
        assert line.closed[0] < 61

    World(echo, recheck=seconds(30)).run(body)


# --- Responses --------------------------------------------------------------------------------------------------------


def test_a_response_stops_and_does_not_look_complete() -> None:
    async def body(world: World) -> None:
        line = world.open("http")
        await line.end()
        assert (line.body, line.complete) == (b"x" * 10, False)
        assert world.loop.time() == pytest.approx(100, abs=0.1)

    World(streaming()).run(body)


@pytest.mark.parametrize("kind", [b"text/event-stream", b"Text/Event-Stream; charset=utf-8"])
def test_a_stream_of_events_ends(kind: bytes) -> None:
    async def body(world: World) -> None:
        line = world.open("http")
        await line.end()
        assert (line.body, line.complete) == (b"x" * 10, True)

    World(streaming(kind)).run(body)


def test_a_stream_of_events_of_known_length_does_not_look_complete() -> None:
    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream"), (b"content-length", b"10")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await asyncio.sleep(1000)

    async def body(world: World) -> None:
        line = world.open("http")
        await line.end()
        assert not line.complete

    World(stream).run(body)


def test_a_response_in_one_part_is_left_alone() -> None:
    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(500)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    async def body(world: World) -> None:
        line = world.open("http")
        await line.end()
        assert (line.body, line.complete) == (b"done", True)

    World(late).run(body)


def test_what_comes_after_the_last_part_is_left_alone() -> None:
    done: list[str] = []

    async def background(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"b"})
        await asyncio.sleep(500)
        done.append("mail sent")

    async def body(world: World) -> None:
        line = world.open("http")
        await line.end()
        assert (line.body, done) == (b"ab", ["mail sent"])

    World(background).run(body)


def test_what_is_open_to_everybody_goes_on() -> None:
    async def body(world: World) -> None:
        line = world.open("http", headers={})
        await asyncio.sleep(5000)
        assert len(world.guard._watch) == 0
        line.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await line.task

    World(streaming(every=1000), anyone(because="public")).run(body)


def test_what_is_good_for_ever_has_no_timer_and_hears_of_rechecks_all_the_same() -> None:
    async def body(world: World) -> None:
        line = world.open()
        await asyncio.sleep(1)
        assert not [one for one in world.loop._scheduled if not one.cancelled()]  # type: ignore[attr-defined]
        world.guard.recheck()
        line.say("hello")
        await asyncio.sleep(1)
        assert line.texts == ["hello"]
        await leave(line)

    World(echo, request.method("GET")).run(body)


# --- Applications that go their own way -------------------------------------------------------------------------------


def test_whoever_is_kept_waiting_by_the_server_is_woken() -> None:
    raised: list[BaseException] = []

    async def telling(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        lines[0].hold = asyncio.Event().wait()  # a client that does not read
        try:
            await send({"type": "websocket.send", "text": "a"})
        except OSError as error:
            raised.append(error)
        lines[0].hold = None

    async def body(world: World) -> None:
        lines.append(world.open())
        (line,) = lines
        await line.end()
        assert [type(error) for error in raised] == [Cut]
        assert world.loop.time() == pytest.approx(100, abs=1)

    lines: list[Line] = []
    World(telling).run(body)


def test_a_refusal_of_its_own_time_limits_is_the_servers() -> None:
    async def body(world: World) -> None:
        scope = world.open().scope

        async def receive() -> Any:
            raise TimeoutError

        async def send(message: Any) -> None:
            if message["type"] == "websocket.send":
                raise TimeoutError

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "websocket.accept"})
            with pytest.raises(TimeoutError):
                await send({"type": "websocket.send", "text": "a"})
            with pytest.raises(TimeoutError):
                await receive()

        await asyncio.sleep(0)
        await World.behind(world, app)(scope, receive, send)
        for line in world.lines:
            await leave(line)

    World(echo).run(body)


@pytest.mark.parametrize("slow", [0.0, 0.3])
def test_two_tasks_that_wait_for_messages_are_given_each_of_them_once(slow: float) -> None:
    got: list[str] = []

    async def waiting(receive: Receive) -> None:
        while (message := await receive())["type"] == "websocket.receive":
            got.append(message["text"])

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(waiting(receive)) for _ in range(3)]
            await asyncio.sleep(5)
            tasks[0].cancel()  # who waits at the time must not take one with it

    async def body(world: World) -> None:
        line = world.open()
        await asyncio.sleep(1)
        world.slow = slow
        for number in range(30):
            line.say(f"{number}")
            if number % 4 == 0:
                world.guard.recheck()
            await asyncio.sleep(number % 3 / 5)
        await asyncio.sleep(5)
        assert got == [f"{number}" for number in range(30)]
        await line.end()
        assert line.closed == (pytest.approx(100, abs=0.1), 3000, "expired")

    World(app).run(body)


def test_a_message_is_not_lost_with_who_waited_for_it() -> None:
    async def hasty(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        waiting = asyncio.ensure_future(receive())
        await asyncio.sleep(1)
        lines[0].say("precious")
        world.slow = 0.5
        world.guard.recheck()
        await asyncio.sleep(0.2)  # it is being decided now
        waiting.cancel()
        await asyncio.wait({waiting})
        await send({"type": "websocket.send", "text": (await receive())["text"]})

    async def body(world: World) -> None:
        lines.append(world.open())
        (line,) = lines
        await line.end()
        assert line.texts == ["precious"]

    lines: list[Line] = []
    world = World(hasty)
    world.run(body)


def test_an_error_of_the_application_is_raised_as_ever() -> None:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        try:
            await receive()
            while (await receive())["type"] == "websocket.receive":
                pass
        finally:
            raise LookupError("mine")

    async def body(world: World) -> None:
        first, second = world.open(), world.open()
        await asyncio.sleep(1)
        first.leave()
        for line in (first, second):
            with pytest.raises(LookupError, match="mine"):
                await line.end()
        assert second.closed is not None

    World(failing).run(body)


def test_a_server_that_shuts_down_cancels_as_ever() -> None:
    async def body(world: World) -> None:
        line = world.open()
        await asyncio.sleep(1)
        line.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await line.task

    World(echo).run(body)


def test_a_group_of_tasks_ends_with_it() -> None:
    async def grouped(scope: Scope, receive: Receive, send: Send) -> None:
        async with asyncio.TaskGroup() as group:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            group.create_task(send({"type": "http.response.body", "body": b"x", "more_body": True}))  # type: ignore[arg-type]
            group.create_task(writer(send))

    async def writer(send: Send) -> None:
        while True:
            await asyncio.sleep(30)
            world.ahead += 100
            await send({"type": "http.response.body", "body": b"y", "more_body": True})

    async def body(world: World) -> None:
        line = world.open("http")
        await line.end()
        assert line.body == b"x"

    world = World(grouped)
    world.run(body)


# --- Renewing ---------------------------------------------------------------------------------------------------------


def test_a_client_renews_its_token_in_band() -> None:
    async def body(world: World) -> None:
        line = world.open()
        await asyncio.sleep(50)
        line.say(f"renew {minted(100, now=world.clock())}")
        await asyncio.sleep(60)
        line.say("still here")
        await line.end()
        assert line.texts == ["renewed", "still here"]
        assert line.closed == (pytest.approx(150, abs=0.1), 3000, "expired")

    World(echo).run(body)


def test_a_token_of_a_shorter_life_ends_it_sooner() -> None:
    async def body(world: World) -> None:
        line = world.open()
        await asyncio.sleep(10)
        line.say(f"renew {minted(20, now=world.clock())}")
        await line.end()
        assert line.closed == (pytest.approx(30, abs=0.1), 3000, "expired")

    World(echo).run(body)


def test_a_refused_renewal_changes_nothing() -> None:
    async def body(world: World) -> None:
        line = world.open()
        await asyncio.sleep(50)
        line.say(f"renew {minted(10, now=NOW)}")
        line.say("renew nonsense")
        await line.end()
        assert line.texts == ["expired", "malformed"]
        assert line.closed == (pytest.approx(100, abs=0.1), 3000, "expired")

    World(echo).run(body)


def test_the_access_is_that_of_the_new_token() -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        access: Access = scope["zerotrust.access"]
        await send({"type": "websocket.accept"})
        seen.append((access[token].scope, access.valid_until - NOW))
        allowed = await access.renew({"Authorization": f"Bearer {minted(200, scope='read')}"})
        assert access.decision is allowed
        seen.append((access[token].scope, access.valid_until - NOW))
        assert access.check(token.scope("read"))
        with pytest.raises(ConfigError, match="renew takes"):
            await access.renew({})

    async def body(world: World) -> None:
        await world.open().end()
        assert seen == [(None, 100), (frozenset({"read"}), 200)]

    World(app, token.valid).run(body)


@pytest.mark.parametrize(
    "headers", [{}, {"": "x"}, {"a b": "x"}, {"authorization": b"x"}, "authorization", {1: "x"}, None]
)
def test_what_is_no_header_is_a_mistake(headers: Any) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        with pytest.raises(ConfigError, match="renew takes"):
            await scope["zerotrust.access"].renew(headers)

    async def body(world: World) -> None:
        await world.open().end()

    World(app).run(body)


def test_nothing_can_be_renewed_where_nothing_lasts() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with pytest.raises(ConfigError, match="nothing lasts"):
            await scope["zerotrust.access"].renew(shown())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
        kept.append(scope["zerotrust.access"])

    async def body(world: World) -> None:
        await world.open("http").end()
        with pytest.raises(ConfigError, match="nothing lasts"):
            await kept[0].renew(shown())

    kept: list[Access] = []
    World(app).run(body)


def test_a_bound_token_outlives_its_proof_and_is_renewed_with_another() -> None:
    client = DPoPClient()
    url = "https://api.example/"

    def headers(lifetime: float, now: float) -> dict[str, str]:
        made = client.headers("GET", url, minted(lifetime, now=now, cnf=client.cnf), iat=int(now))
        return {name.decode(): value.decode() for name, value in made}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        access: Access = scope["zerotrust.access"]
        await send({"type": "websocket.accept"})
        await asyncio.sleep(300)
        stale = headers(900, NOW)
        with pytest.raises(Denied) as denied:
            await access.renew(stale)
        assert denied.value.decision.reason.code == "bad_proof"
        fresh = headers(900, world.clock())
        await access.renew(fresh)
        with pytest.raises(Denied) as denied:
            await access.renew({**fresh, "authorization": headers(900, world.clock())["authorization"]})
        assert denied.value.decision.reason.code == "bad_proof"  # of another token
        while True:
            await receive()

    async def body(world: World) -> None:
        line = world.open(headers=headers(400, NOW))
        await asyncio.sleep(200)
        assert line.closed is None
        await line.end()
        assert line.closed == (pytest.approx(1200, abs=0.1), 3000, "expired")

    world = World(app, bound.valid, recheck=seconds(30))
    world.run(body)


# --- Configuration ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recheck", [5, 5.0, seconds(0), seconds(0.5), seconds(86401), True])
def test_a_recheck_that_makes_no_sense_is_a_mistake(recheck: Any) -> None:
    with pytest.raises(ConfigError, match="recheck"):
        Guard(echo, Rules(default=request.method("GET")), recheck=recheck)


def test_another_kind_of_loop_serves_what_does_not_last(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise RuntimeError("no running event loop")

    world = World(echo)
    monkeypatch.setattr("asyncio.current_task", none)
    sent = call(World.behind(world, says_ok), http_scope("/", headers=raw(shown())))
    assert (sent.status, sent.body) == (200, b"ok")
    with pytest.raises(ConfigError, match="asyncio"):
        call(World.behind(world, streaming()), http_scope("/", headers=raw(shown())))
    world.loop.close()


async def says_ok(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})
