"""The way to a key, fed with answers by hand: one server, Sentinels, and clusters that say odd things."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis.crc import key_slot
from redis.exceptions import AskError, MovedError, NoScriptError, OutOfMemoryError, ReadOnlyError, ResponseError

from zerotrust.core.ask import Ask, ConsumeOnce, Count, Lookup, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT, Kind
from zerotrust.stores.codec import Codec
from zerotrust.stores.redis import routes
from zerotrust.stores.redis.commands import Command, Commands
from zerotrust.stores.redis.failures import demoted, why
from zerotrust.stores.redis.links import ConnectionLost, InvalidResponse, RedisTimeout
from zerotrust.stores.redis.routes import Exchange, Journey, Only, Step, route_to
from zerotrust.stores.redis.url import Place, read

NOW = 2_000_000_000.0
COMMANDS = Commands(Codec("app", None))
MARK = COMMANDS.of(ConsumeOnce("jti", b"k", NOW + 9, NOW))
COUNT = COMMANDS.of(Count("tries", b"k", 80.0, NOW))
SLOT = key_slot(MARK.key)
FINGERPRINT = Codec("app", None).names.fingerprint().encode()

A, B = Place("a", 1), Place("b", 2)
A_AND_B = [[0, SLOT, [b"a", 1]], [SLOT + 1, 16383, [b"b", 2, b"id"]]]


class Trip:
    """A journey, and what it was fed with."""

    def __init__(self, journey: Journey) -> None:
        self.journey = journey
        self.steps: list[Step] = []
        self.step: Step = self._kept(next(journey))

    def _kept(self, step: Step) -> Step:
        self.steps.append(step)
        return step

    def say(self, *replies: object) -> Trip:
        """Answer the exchanges that come with these; an exception that is no reply is raised where it waits."""
        for reply in replies:
            while isinstance(self.step, Only):
                self.step = self._kept(self.journey.send(None))
            if isinstance(reply, Exception) and not isinstance(reply, ResponseError):
                self.step = self._kept(self.journey.throw(reply))
            else:
                self.step = self._kept(self.journey.send([reply]))
        return self

    def ends(self, reply: object) -> object:
        """The last reply; what the journey returns then."""
        with pytest.raises(StopIteration) as end:
            self.say(reply)
        return end.value.value

    @property
    def asked(self) -> list[tuple[str, str]]:
        """Who was asked, and as what."""
        return [(step.place.host, step.asked) for step in self.steps if isinstance(step, Exchange)]

    def sent(self) -> bytes:
        assert isinstance(self.step, Exchange)
        return self.step.payload(None)


def cluster(said: object = A_AND_B) -> Callable[[Command], Trip]:
    """A cluster whose map is known, and whose fingerprint was compared."""
    route = route_to(read("redis+cluster://seed"), COMMANDS)

    def carry(command: Command) -> Trip:
        return Trip(route.carry(command))

    carry(MARK).say(said, b"OK", FINGERPRINT).ends(b"OK")
    return carry


def reason_of(trip: Trip, *replies: object) -> tuple[Kind, str]:
    with pytest.raises(SourceFailed) as caught:
        trip.say(*replies)
    return caught.value.reason.kind, caught.value.reason.detail


def test_a_script_that_is_not_known_is_sent_in_full() -> None:
    trip = Trip(route_to(read("redis://a:1"), COMMANDS).carry(COUNT))
    assert b"EVALSHA" in trip.sent()
    trip.say(NoScriptError("No matching script"))
    assert b"\r\nEVAL\r\n" in trip.sent()
    assert trip.ends(1) == 1


def test_what_is_no_script_is_sent_once() -> None:
    trip = Trip(route_to(read("redis://a:1"), COMMANDS).carry(MARK))
    with pytest.raises(NoScriptError):
        trip.say(NoScriptError("No matching script"))


def test_the_way_to_a_node_is_asked_for_once() -> None:
    carry = cluster()
    trip = carry(MARK)
    assert trip.ends(None) is None
    assert trip.asked == [("a", "server")]


def test_a_first_ask_finds_the_way_and_compares_the_fingerprint() -> None:
    trip = Trip(route_to(read("redis+cluster://seed,other"), COMMANDS).carry(MARK))
    trip.say(ConnectionLost("gone"), A_AND_B)
    assert Only(frozenset((A, B))) in trip.steps
    trip.say(b"OK", FINGERPRINT).ends(b"OK")
    keeper = "a" if key_slot(COMMANDS.fingerprint_at) <= SLOT else "b"
    assert trip.asked == [("seed", "node"), ("other", "node"), (keeper, "server"), (keeper, "server"), ("a", "server")]


def test_another_fingerprint_is_refused_each_time() -> None:
    route = route_to(read("redis+cluster://seed"), COMMANDS)
    trip = Trip(route.carry(MARK))
    assert reason_of(trip, A_AND_B, b"OK", b"f" * 32)[0] is SOURCE_REFUSED
    assert reason_of(Trip(route.carry(MARK)), b"OK", b"f" * 32)[0] is SOURCE_REFUSED


@pytest.mark.parametrize("moved", [MovedError(f"{SLOT} c:3"), ResponseError(f"MOVED {SLOT} c:3")])
def test_a_key_that_has_moved_is_followed_and_the_map_read_anew(moved: ResponseError) -> None:
    carry = cluster()
    trip = carry(MARK).say(moved)
    assert trip.ends(b"OK") == b"OK"
    assert trip.asked == [("a", "server"), ("c", "server")]
    again = carry(MARK).say([[0, 16383, [b"c", 3]]])
    again.ends(b"OK")
    assert again.asked == [("a", "node"), ("c", "server")]


@pytest.mark.parametrize("ask", [AskError(f"{SLOT} c:3"), ResponseError(f"ASK {SLOT} c:3")])
def test_a_key_on_the_move_is_asked_for_elsewhere_this_time_only(ask: ResponseError) -> None:
    carry = cluster()
    trip = carry(MARK).say(ask)
    assert trip.sent().startswith(b"*1\r\n$6\r\nASKING\r\n*")
    assert isinstance(trip.step, Exchange)
    assert trip.step.replies == 2
    trip.ends(b"OK")
    again = carry(MARK)
    again.ends(b"OK")
    assert again.asked == [("a", "server")]


def test_a_node_without_a_name_is_the_one_that_spoke() -> None:
    trip = cluster()(MARK).say(ResponseError(f"MOVED {SLOT} :7"))
    assert isinstance(trip.step, Exchange)
    assert trip.step.place == Place("a", 7)


def test_nodes_that_point_at_each_other() -> None:
    trip = cluster()(MARK)
    circle = [MovedError(f"{SLOT} {'bc'[turn % 2]}:1") for turn in range(5)]
    assert reason_of(trip, *circle)[0] is SOURCE_DOWN
    assert len(trip.asked) == 5


@pytest.mark.parametrize(
    "error",
    [ResponseError("MOVED x"), ResponseError("MOVED 1 h:x"), ResponseError("MOVED 1 h:0"), OutOfMemoryError("x")],
)
def test_an_error_that_points_nowhere_is_an_error(error: ResponseError) -> None:
    trip = cluster()(MARK)
    with pytest.raises(ResponseError):
        trip.say(error)


def test_a_node_that_fails_is_asked_for_the_way_last() -> None:
    carry = cluster()
    with pytest.raises(ConnectionLost):
        carry(MARK).say(ConnectionLost("gone"))
    trip = carry(MARK)
    with pytest.raises(ResponseError):
        trip.say(ConnectionLost("gone"), ResponseError("NOPERM"))
    assert trip.asked == [("b", "node"), ("seed", "node")]


@pytest.mark.parametrize(
    "said",
    [
        None,
        b"OK",
        [],
        [3],
        [[]],
        [[0, 16384, [b"a", 1]]],
        [[5, 4, [b"a", 1]]],
        [[0, b"1", [b"a", 1]]],
        [[0, 1, b"a"]],
        [[0, 1, [b"a", 0]]],
        [[0, 1, [b"a", b"x"]]],
        [[0, 1, [b"\xff", 1]]],
        [[0, 1, [3, 1]]],
    ],
)
def test_maps_that_cannot_be_read(said: object) -> None:
    trip = Trip(route_to(read("redis+cluster://seed"), COMMANDS).carry(MARK))
    assert reason_of(trip, said)[0] in (SOURCE_REFUSED, SOURCE_DOWN)


def test_a_key_that_no_node_serves() -> None:
    route = route_to(read("redis+cluster://seed"), COMMANDS)
    at = key_slot(COMMANDS.fingerprint_at)
    trip = Trip(route.carry(MARK)).say([[at, at, [b"a", 1]]])
    assert reason_of(trip, b"OK", FINGERPRINT) == (
        SOURCE_DOWN,
        "no node of the cluster serves this part of its keys",
    )


def test_a_master_is_asked_for_anew_when_it_fails_and_not_when_it_refuses() -> None:
    route = route_to(read("redis+sentinel://s,t/main"), COMMANDS)

    def carry() -> Trip:
        return Trip(route.carry(MARK))

    first = carry().say(ConnectionLost("gone"), [b"a", b"1"])
    assert first.ends(b"OK") == b"OK"
    assert first.asked == [("s", "sentinel"), ("t", "sentinel"), ("a", "server")]
    with pytest.raises(OutOfMemoryError):
        carry().say(OutOfMemoryError("x"))
    second = carry()
    with pytest.raises(ReadOnlyError):
        second.say(ReadOnlyError("x"))
    assert second.asked == [("a", "server")]
    third = carry().say([b"b", b"2"])
    with pytest.raises(TimeoutError):
        third.say(TimeoutError())
    assert third.asked == [("t", "sentinel"), ("b", "server")]  # who answered is asked first
    assert carry().asked == [("t", "sentinel")]
    servers: Journey = route.servers()
    assert Trip(servers).say([b"b", b"2"]).steps[-1] == Only(frozenset((B,)))


def test_sentinels_are_asked_again_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    tick = 1000.0
    monkeypatch.setattr(routes, "monotonic", lambda: tick)
    route = route_to(read("redis+sentinel://s/main"), COMMANDS)
    Trip(route.carry(MARK)).say([b"a", b"1"]).ends(b"OK")
    tick += routes.ASK_AGAIN
    assert Trip(route.carry(MARK)).asked == [("a", "server")]
    tick += 1
    again = Trip(route.carry(MARK))
    assert Trip(route.carry(MARK)).asked == [("a", "server")]  # others do not wait for the answer
    again.say(ConnectionLost("gone")).ends(b"OK")
    assert again.asked == [("s", "sentinel"), ("a", "server")]
    tick += routes.ASK_AGAIN + 1
    moved = Trip(route.carry(MARK)).say([b"b", b"2"])
    moved.ends(b"OK")
    assert moved.asked == [("s", "sentinel"), ("b", "server")]
    assert isinstance(moved.steps[0], Exchange)
    assert moved.steps[0].share == 0.25


def test_sentinels_that_do_not_know() -> None:
    trip = Trip(route_to(read("redis+sentinel://s,t,u/main"), COMMANDS).carry(MARK))
    with pytest.raises(ResponseError):
        trip.say(None, [b"a"], ResponseError("NOAUTH"))
    shares = [step.share for step in trip.steps if isinstance(step, Exchange)]
    assert shares == [1 / 3, 1 / 2, 1.0]


@pytest.mark.parametrize(
    ("question", "replies"),
    [
        (ConsumeOnce("jti", b"k", NOW + 9, NOW), [b"no", 1, [b"OK"]]),
        (Lookup("session", b"k", NOW), [1, b"OK", [], b"\x01" * 9]),
        (Count("tries", b"k", 80.0, NOW), [None, b"1", [1], -1]),
    ],
)
def test_answers_that_do_not_fit_the_question(question: Ask[object], replies: list[object]) -> None:
    command = COMMANDS.of(question)
    for reply in replies:
        with pytest.raises(SourceFailed) as caught:
            command.read(reply)
        assert caught.value.reason.kind is SOURCE_REFUSED


@pytest.mark.parametrize(
    ("trouble", "kind", "says"),
    [
        (TimeoutError(), SOURCE_TIMEOUT, ""),
        (RedisTimeout("x"), SOURCE_TIMEOUT, ""),
        (ConnectionLost("Error 111 connecting to h:1. Connection refused."), SOURCE_DOWN, "Connection refused"),
        (ConnectionLost("max number of clients reached"), SOURCE_DOWN, "no more connections"),
        (OSError(24, "Too many open files"), SOURCE_DOWN, "Too many open files"),
        (InvalidResponse("secret"), SOURCE_REFUSED, "not of a Redis"),
        (OutOfMemoryError("command not allowed"), SOURCE_REFUSED, "memory is full"),
        (ResponseError("OOM command not allowed when used memory > 'maxmemory'. script: f_1"), SOURCE_REFUSED, "full"),
        (ResponseError("Error running script (call to f_1): @user_script:1: -OOM command"), SOURCE_REFUSED, "full"),
        (ResponseError("Error running script (call to f_1): @user_script:1: -READONLY You"), SOURCE_REFUSED, "replica"),
        (ResponseError("MISCONF Redis is configured to save"), SOURCE_REFUSED, "disk"),
        (ResponseError("NOREPLICAS Not enough good replicas"), SOURCE_REFUSED, "replicas"),
        (ResponseError("ACL failure in script: x can't run"), SOURCE_REFUSED, "permission"),
        (ResponseError("CLUSTERDOWN The cluster is down"), SOURCE_DOWN, "cluster"),
        (ResponseError("BUSY Redis is busy running a script"), SOURCE_DOWN, "busy"),
        (ResponseError("secret"), SOURCE_REFUSED, "not known here"),
    ],
)
def test_troubles_have_reasons(trouble: Exception, kind: Kind, says: str) -> None:
    reason = why(trouble)
    assert reason is not None
    assert reason.kind is kind
    assert says in reason.detail
    assert "secret" not in str(reason)


def test_a_bug_has_no_reason() -> None:
    for bug in (ValueError("x"), KeyError("x"), TypeError("x"), AssertionError()):
        assert why(bug) is None


def test_who_is_a_master_no_more() -> None:
    assert demoted(ReadOnlyError("You can't write against a read only replica."))
    assert not demoted(OutOfMemoryError("x"))
    assert not demoted(b"READONLY")
