"""The last good copy lives through an outage for a stated time, and an outage causes no flood of fetches."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.stores.fetching import NOW, Face, Ticks, either
from tests.stores.web import ScriptedServer, answer
from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import MALFORMED, SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT, Reason


def no_keys(body: bytes) -> Reason | None:
    return None if body.startswith(b'{"keys"') else MALFORMED(detail="no keys")


MINUTES_5 = answer(cache_control="max-age=300")
DOWN = answer(status=503)


@either
def test_the_last_good_copy_is_kept_for_the_stated_time(face: type[Face], ticks: Ticks) -> None:
    with ScriptedServer(MINUTES_5) as server, face(stale_for=timedelta(minutes=30)) as fetcher:
        first = fetcher.get(server.url)
        server.say(DOWN)
        assert fetcher.get(server.url, NOW + 301) is first
        ticks.ahead = 60
        assert fetcher.get(server.url, NOW + 2099) is first
        fetcher.settle()
        ticks.ahead = 120
        failure = fetcher.failure(server.url, NOW + 2101)
        assert failure.reason.kind is SOURCE_DOWN
        assert failure.reason.presented == 503


@either
def test_in_an_outage_nobody_waits_and_attempts_grow_rarer(face: type[Face], ticks: Ticks) -> None:
    with ScriptedServer(MINUTES_5) as server, face() as fetcher:
        first = fetcher.get(server.url)
        server.say(DOWN)
        assert fetcher.get(server.url, NOW + 301) is first  # finds out
        attempts = []
        for second in range(200):
            ticks.ahead = second
            for _ in range(5):
                before = server.count
                assert fetcher.get(server.url, NOW + 301 + second) is first
                fetcher.settle()
                attempts += [second] * (server.count - before)
        gaps = [after - before for before, after in zip([0, *attempts], attempts, strict=False)]
        assert gaps[:5] == [1, 2, 4, 8, 16] or gaps[:5] == [2, 3, 5, 9, 17]  # the clock runs on a little underneath
        assert max(gaps) <= 31
        assert len(attempts) <= 11


@either
def test_the_end_of_an_outage_is_noticed(face: type[Face], ticks: Ticks) -> None:
    with ScriptedServer(MINUTES_5) as server, face() as fetcher:
        first = fetcher.get(server.url)
        server.say(DOWN)
        assert fetcher.get(server.url, NOW + 301) is first
        server.say(answer(b"[2]"))
        ticks.ahead = 40
        assert fetcher.get(server.url, NOW + 341) is first  # this one caused the fetch, and did not wait for it
        fetcher.settle()
        assert fetcher.get(server.url, NOW + 342).body == b"[2]"


@either
def test_an_answer_without_keys_is_an_outage(face: type[Face], ticks: Ticks) -> None:
    with ScriptedServer(MINUTES_5) as server, face() as fetcher:
        first = fetcher.get(server.url, unusable=no_keys)
        for useless in (b"{}", b"[]", b'"keys"', b'{"Keys":[]}'):
            server.say(answer(useless))
            ticks.ahead += 60
            assert fetcher.get(server.url, NOW + 301, unusable=no_keys) is first
            fetcher.settle()
        assert fetcher.get(server.url, NOW + 301).body == useless  # who asks for any JSON gets it


@either
def test_without_a_copy_an_answer_without_keys_is_refused(face: type[Face]) -> None:
    with ScriptedServer(answer(b"{}")) as server, face() as fetcher:
        with pytest.raises(SourceFailed) as caught:
            fetcher.get(server.url, unusable=no_keys)
        assert caught.value.reason == SOURCE_REFUSED(presented="malformed: no keys")


@either
def test_no_copy_and_no_server(face: type[Face], ticks: Ticks) -> None:
    with ScriptedServer(DOWN) as server, face() as fetcher:
        for _ in range(20):
            failure = fetcher.failure(server.url)
            assert 1.0 <= failure.retry_after <= 1.01
        assert server.count == 1
        ticks.ahead = 2
        assert 1.9 <= fetcher.failure(server.url).retry_after <= 2.01
        assert server.count == 2
        ticks.ahead = 5
        server.say(MINUTES_5)
        assert fetcher.get(server.url).body == b'{"keys":[]}'


@either
def test_a_server_that_hangs_costs_the_first_to_notice_half_its_time(face: type[Face]) -> None:
    with ScriptedServer(MINUTES_5) as server, face() as fetcher:
        first = fetcher.get(server.url)
        server.say(server.held(DOWN))
        assert fetcher.get(server.url, NOW + 301, timeout=0.05) is first
        server.gate.set()  # so that closing the fetcher need not wait


@either
def test_a_server_that_hangs_is_cut_off(face: type[Face]) -> None:
    with ScriptedServer() as server, face(timeout=timedelta(milliseconds=100)) as fetcher:
        server.say(server.held())
        assert fetcher.refusal(server.url).kind is SOURCE_TIMEOUT
        server.gate.set()
