"""Keys that change while many threads verify, and floods that would hide newer keys (CWE-362, CWE-406)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Barrier

import pytest

from tests.attacks.deciding import decided, presenting
from tests.stores.fetching import Ticks
from tests.stores.web import PATIENCE, ScriptedServer, Seen, answer
from tests.verifiers.tokens import NOW, bearer, compact_json, jwks, mint
from tests.wire.signing import Signer, signer
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources
from zerotrust.stores.http import HttpFetcher
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.issuer import Issuer

OLD = signer("ES256", kid="old")
NEW = signer("ES256", kid="new")
IMPOSTOR = signer("ES256", kid="new")
THREADS = 8
TURNS = 5


def published(*signers: Signer) -> bytes:
    return answer(compact_json(jwks(*signers)))


class World:
    """One issuer behind a server, one verifier, one fetcher, and many threads that ask."""

    def __init__(self, server: ScriptedServer, pool: ThreadPoolExecutor, fetcher: HttpFetcher, remember: int) -> None:
        self.server = server
        self._pool = pool
        self._sources = Sources(fetcher)
        self._issuer = f"http://127.0.0.1:{server.port}"
        self._verifier: Bearer = bearer(Issuer(self._issuer, jwks_uri=server.url), remember=remember)

    def token(self, who: Signer, /, kid: str | None = None, **changes: object) -> AccessRequest:
        header = {} if kid is None else {"kid": kid}
        claims = {"iss": self._issuer, "iat": int(NOW) - 10, "exp": int(NOW) + 10_000, **changes}
        return presenting(b"Bearer " + mint(who, header, **claims).encode())

    def ask(self, request: AccessRequest, now: float = NOW) -> str:
        return decided(self._verifier, AccessRequest(now=now, headers=request.headers), self._sources)

    def begin(self, request: AccessRequest, now: float = NOW) -> list[Future[str]]:
        """Ask in every thread at once, several times."""
        together = Barrier(THREADS)

        return [self._pool.submit(self._together, together, request, now) for _ in range(THREADS)]

    def _together(self, together: Barrier, request: AccessRequest, now: float) -> str:
        together.wait(PATIENCE)
        (told,) = {self.ask(request, now) for _ in range(TURNS)}
        return told


@pytest.fixture(params=[0, 64], ids=["not remembered", "remembered"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with ScriptedServer(published(OLD)) as server, ThreadPoolExecutor(3 * THREADS) as pool, HttpFetcher() as fetcher:
        yield World(server, pool, fetcher, request.param)


def ended(asked: list[Future[str]]) -> set[str]:
    assert not wait(asked, PATIENCE).not_done
    return {one.result() for one in asked}


def test_rotation_while_many_threads_verify(world: World, ticks: Ticks) -> None:
    old, new, forged = world.token(OLD), world.token(NEW), world.token(IMPOSTOR)
    assert ended(world.begin(old)) == {"allowed"}
    assert world.server.count == 1
    assert ended(world.begin(new)) == {"unknown_key"}
    assert world.server.count == 2

    # The issuer turns to its new key, and its answer takes a while.
    ticks.ahead = 31.0
    later = NOW + 31.0
    world.server.say(world.server.held(published(NEW)))
    waiting, forging = world.begin(new, later), world.begin(forged, later)
    assert ended(world.begin(old, later)) == {"allowed"}  # who has a key is not kept waiting for another
    assert not any(one.done() for one in waiting + forging)
    world.server.gate.set()
    assert (ended(waiting), ended(forging)) == ({"allowed"}, {"bad_signature"})

    # From the moment the new set is there, the old key is gone, whatever is remembered.
    assert ended(world.begin(old, later)) == {"unknown_key"}
    assert ended(world.begin(new, later)) == {"allowed"}
    assert world.server.count == 3


def test_one_thread_sees_either_set_and_never_a_mixture(world: World, ticks: Ticks) -> None:
    # The name stays and the key changes: no thread may verify with the one what it found good with the other.
    old, new = signer("ES256", kid="key"), signer("ES256", kid="key")
    world.server.say(published(old))
    good_before, good_after = world.token(old), world.token(new)
    assert (world.ask(good_before), world.ask(good_after)) == ("allowed", "bad_signature")
    for turn, (now_good, now_bad) in enumerate([(good_after, good_before), (good_before, good_after)] * 3, 1):
        world.server.say(published(new if now_good is good_after else old))
        later = NOW + 400.0 * turn
        assert world.ask(world.token(IMPOSTOR), later) == "unknown_key"  # whoever asks first waits for the fetch
        asked = world.begin(now_good, later), world.begin(now_bad, later)
        assert [ended(one) for one in asked] == [{"allowed"}, {"bad_signature"}]


def test_a_flood_of_unknown_keys_costs_a_fetch_in_thirty_seconds_and_hides_no_new_key(
    world: World, ticks: Ticks
) -> None:
    assert world.ask(world.token(OLD)) == "allowed"
    flood = [world.token(OLD, kid=f"kid-{number}") for number in range(40)]
    for turn in range(1, 21):
        ticks.ahead, now = 15.0 * turn, NOW + 15.0 * turn
        assert {world.ask(one, now) for one in flood} == {"unknown_key"}
        assert world.ask(world.token(OLD), now) == "allowed"
        assert world.server.count <= 2 + turn // 2
    world.server.say(published(OLD, NEW))
    seen = []
    for turn in range(21, 25):  # the flood goes on
        ticks.ahead, now = 15.0 * turn, NOW + 15.0 * turn
        assert {world.ask(one, now) for one in flood} == {"unknown_key"}
        seen.append(world.ask(world.token(NEW), now))
    assert seen[2:] == ["allowed", "allowed"]


def test_keys_that_an_issuer_withdraws_end_the_tokens_that_are_remembered(world: World, ticks: Ticks) -> None:
    token = world.token(OLD)
    for _ in range(3):
        assert world.ask(token) == "allowed"
    world.server.say(published(NEW))
    # Within the life of the copy the withdrawal is not known; that life is the application's choice (`fresh_for`).
    assert world.ask(token, NOW + 60.0) == "allowed"
    for later in (400.0, 430.0):
        assert ended(world.begin(token, NOW + later)) == {"unknown_key"}
    assert world.server.count <= 3


@pytest.mark.parametrize("answers", [1, 7])
def test_a_server_that_answers_everybody_differently_is_believed_one_answer_at_a_time(
    world: World, answers: int
) -> None:
    # A load balancer before instances with keys of their own: no answer adds keys to another.
    many = [signer("ES256", kid=f"key-{number}") for number in range(answers)]
    turn = iter(range(1000))

    def script(_: Seen) -> bytes:
        return published(many[next(turn) % answers])

    world.server.say(script)
    good = sum(world.ask(world.token(one)) == "allowed" for one in many)
    assert 1 <= good <= 2
    assert world.server.count <= 2
