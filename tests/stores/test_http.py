"""Both fetchers against a real server on loopback: what is served, kept, renewed, and when nobody waits."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from tests.stores.fetching import NOW, Async, Blocking, Face, Ticks, either
from tests.stores.web import ScriptedServer, answer
from zerotrust.core.ask import Fetch, Lookup, SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT
from zerotrust.driver import Sources
from zerotrust.stores.http import AsyncHttpFetcher, HttpFetcher

MINUTES_5 = answer(cache_control="max-age=300")


@either
def test_a_document_is_fetched_once_and_stays_the_same_object(face: type[Face]) -> None:
    with ScriptedServer(MINUTES_5) as server, face() as fetcher:
        first = fetcher.get(server.url)
        assert (first.url, first.body, first.fetched_at) == (server.url, b'{"keys":[]}', NOW)
        assert fetcher.get(server.url, NOW + 200) is first
        assert server.count == 1


@either
def test_what_is_sent(face: type[Face]) -> None:
    with ScriptedServer() as server, face() as fetcher:
        fetcher.get(f"http://127.0.0.1:{server.port}/a%20b/keys?c=d&e")
        (seen,) = server.seen
        assert seen.target == "/a%20b/keys?c=d&e"
        assert seen.fields["host"] == f"127.0.0.1:{server.port}"
        assert seen.fields["accept-encoding"] == "identity"
        assert not {"cookie", "authorization"} & seen.fields.keys()


@either
def test_localhost_by_name(face: type[Face]) -> None:
    with ScriptedServer() as server, face(hosts=[f"localhost:{server.port}"]) as fetcher:
        assert fetcher.get(f"http://localhost:{server.port}/").body == b'{"keys":[]}'


def test_a_cached_document_is_no_coroutine() -> None:
    with ScriptedServer() as server, Async() as fetcher:
        document = fetcher.get(server.url)
        assert fetcher.fetcher.answer(Fetch(server.url, NOW), 1.0) is document


@either
@pytest.mark.parametrize(
    ("control", "life"),
    [("max-age=1000", 1000), ("max-age=1", 60), ("max-age=999999999", 86400), ("no-store", 60), ("public", 300)],
)
def test_freshness_ends_when_the_server_says_within_bounds(face: type[Face], control: str, life: float) -> None:
    with ScriptedServer(answer(cache_control=control)) as server, face() as fetcher:
        first = fetcher.get(server.url)
        assert fetcher.get(server.url, NOW + 0.79 * life) is first
        assert server.count == 1
        assert fetcher.get(server.url, NOW + life + 0.1) is not first
        assert server.count == 2


@either
def test_renewed_in_the_background_while_the_copy_is_served(face: type[Face]) -> None:
    with ScriptedServer(MINUTES_5) as server, face() as fetcher:
        first = fetcher.get(server.url)
        server.say(server.held(answer(b"[1]")))
        assert fetcher.get(server.url, NOW + 241) is first  # and returns while the server holds its answer back
        assert fetcher.get(server.url, NOW + 242) is first
        server.gate.set()
        fetcher.settle()
        renewed = fetcher.get(server.url, NOW + 243)
        assert (renewed.body, renewed.fetched_at) == (b"[1]", NOW + 241)
        assert server.count == 2


@either
def test_a_clock_set_back_keeps_no_copy_alive(face: type[Face], ticks: Ticks) -> None:
    with ScriptedServer(MINUTES_5) as server, face() as fetcher:
        first = fetcher.get(server.url, NOW)
        assert fetcher.get(server.url, NOW - 86400) is first
        ticks.ahead = 301
        assert fetcher.get(server.url, NOW - 86400) is not first


@either
def test_a_clock_that_jumps_ahead_asks_again(face: type[Face]) -> None:
    with ScriptedServer(MINUTES_5) as server, face() as fetcher:
        first = fetcher.get(server.url, NOW)
        assert fetcher.get(server.url, NOW + 1e9).fetched_at == NOW + 1e9
        assert fetcher.get(server.url, NOW) is not first  # the copy is from the future, and good for its minutes
        assert server.count == 2


@either
def test_an_unseen_key_causes_one_fetch_in_an_interval(face: type[Face], ticks: Ticks) -> None:
    with ScriptedServer(MINUTES_5) as server, face() as fetcher:
        first = fetcher.get(server.url)
        server.say(answer(b"[2]"))
        second = fetcher.get(server.url, NOW + 1, newer_than=first.fetched_at)
        assert second.body == b"[2]"
        for _ in range(20):
            assert fetcher.get(server.url, NOW + 2, newer_than=second.fetched_at) is second
        assert server.count == 2
        ticks.ahead = 31
        assert fetcher.get(server.url, NOW + 3, newer_than=second.fetched_at) is not second
        assert server.count == 3


@either
def test_failing_to_find_newer_keys_gives_the_old_ones(face: type[Face]) -> None:
    with ScriptedServer(MINUTES_5) as server, face() as fetcher:
        first = fetcher.get(server.url)
        server.say(answer(status=500))
        assert fetcher.get(server.url, NOW + 1, newer_than=NOW) is first
        assert fetcher.get(server.url, NOW + 1, newer_than=NOW) is first
        assert server.count == 2


@either
@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (answer(status=404), SOURCE_REFUSED),
        (answer(status=204), SOURCE_REFUSED),
        (answer(status=203), SOURCE_REFUSED),
        (answer(status=206), SOURCE_REFUSED),
        (answer(status=401), SOURCE_REFUSED),
        (answer(status=429), SOURCE_DOWN),
        (answer(status=500), SOURCE_DOWN),
        (answer(status=503), SOURCE_DOWN),
        (answer(b'{"keys": ['), SOURCE_REFUSED),
        (answer(b""), SOURCE_REFUSED),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{}", SOURCE_DOWN),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz", SOURCE_DOWN),
        (b"SSH-2.0-OpenSSH_9.2\r\n", SOURCE_DOWN),
        (b"\r\n", SOURCE_DOWN),
    ],
)
def test_an_answer_that_is_none(face: type[Face], response: bytes, kind: object) -> None:
    with ScriptedServer(response) as server, face() as fetcher:
        failure = fetcher.failure(server.url)
        assert failure.reason.kind is kind
        assert failure.retry_after == 1.0
        assert fetcher.failure(server.url).reason == failure.reason  # at once, without asking again
        assert server.count == 1


@either
def test_nobody_there(face: type[Face]) -> None:
    with ScriptedServer() as server:
        url = server.url
    with face() as fetcher:
        assert fetcher.refusal(url).kind is SOURCE_DOWN


@either
def test_a_chunked_answer(face: type[Face]) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nContent-Type: application/jwk-set+json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with ScriptedServer(chunked + b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n") as server, face() as fetcher:
        assert fetcher.get(server.url).body == b"{}"


@either
def test_a_broken_off_answer_does_not_replace_a_good_copy(face: type[Face]) -> None:
    with ScriptedServer(MINUTES_5) as server, face() as fetcher:
        first = fetcher.get(server.url)
        server.say(answer(b'{"keys":[', length=False))
        assert fetcher.get(server.url, NOW + 301) is first


@either
def test_a_slow_server_is_waited_for_no_longer_than_the_asker_can(face: type[Face]) -> None:
    with ScriptedServer() as server, face() as fetcher:
        server.say(server.held())
        assert fetcher.failure(server.url, timeout=0.01).reason.kind is SOURCE_TIMEOUT
        server.gate.set()
        assert fetcher.get(server.url).body == b'{"keys":[]}'  # the fetch went on, for those who could wait
        assert server.count == 1


@either
def test_limits_of_askers_do_not_mix(face: type[Face]) -> None:
    with ScriptedServer(answer(b"[1,2,3]")) as server, face() as fetcher:
        assert fetcher.refusal(server.url, limit=6).kind is SOURCE_REFUSED
        assert fetcher.get(server.url, limit=7).body == b"[1,2,3]"


@either
def test_the_number_of_documents_is_bounded(face: type[Face]) -> None:
    with ScriptedServer() as server, face(documents=3) as fetcher:
        base = f"http://127.0.0.1:{server.port}/"
        last = [fetcher.get(f"{base}{number}") for number in range(10)][-1]
        assert len(fetcher.fetcher._cache._entries) == len(fetcher.fetcher._cache.ready) == 3
        assert fetcher.get(f"{base}9") is last
        assert server.count == 10
        fetcher.get(f"{base}0")
        assert server.count == 11


@either
def test_hosts(face: type[Face]) -> None:
    with ScriptedServer() as server, face(hosts=["login.example.com"]) as fetcher:
        assert fetcher.refusal(server.url).kind is SOURCE_REFUSED
        assert server.count == 0


@either
def test_closed(face: type[Face]) -> None:
    with ScriptedServer(MINUTES_5) as server:
        with face() as fetcher:
            first = fetcher.get(server.url)
        with pytest.raises(SourceFailed, match="closed"):
            fetcher.fetcher.answer(Fetch(server.url + "2", NOW), 1.0)
        assert fetcher.fetcher.answer(Fetch(server.url, NOW + 250), 1.0) is first
        assert server.count == 1


def test_a_question_for_another() -> None:
    with pytest.raises(TypeError, match="Lookup"):
        HttpFetcher().answer(Lookup("kind", b"key", NOW), 1.0)


def test_pairing_with_the_drivers() -> None:
    for fetcher, style in ((HttpFetcher(), "blocking"), (AsyncHttpFetcher(), "async")):
        sources = Sources(fetcher)
        assert sources.require(cast("Any", style)) is sources
    with pytest.raises(ConfigError, match="HttpFetcher is blocking"):
        Sources(HttpFetcher()).require("async")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"timeout": timedelta(0)}, "timeout=0:00:00 must be longer than nothing"),
        ({"cooldown": timedelta(0)}, "cooldown"),
        ({"stale_for": timedelta(seconds=-1)}, "stale_for"),
        ({"cooldown": 30}, "cooldown=30 is not a timedelta"),
        ({"timeout": timedelta(minutes=2)}, "longer than any request waits"),
        ({"fresh_for": timedelta(seconds=1)}, "must lie between"),
        ({"documents": 0}, "documents=0"),
        ({"hosts": []}, "hosts is empty"),
        ({"hosts": "login.example.com"}, r"write hosts=\['login.example.com'\]"),
        ({"hosts": ["https://login.example.com"]}, "is not a host"),
        ({"hosts": ["login.example.com/keys"]}, "is not a host"),
        ({"hosts": ["user@login.example.com"]}, "is not a host"),
    ],
)
@pytest.mark.parametrize("kind", [HttpFetcher, AsyncHttpFetcher])
def test_settings_that_make_no_sense(kind: type, settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        kind(**settings)


def test_no_stale_copies_may_be_wanted() -> None:
    with ScriptedServer(MINUTES_5) as server, Blocking(stale_for=timedelta(0)) as fetcher:
        fetcher.get(server.url)
        server.say(answer(status=500))
        assert fetcher.refusal(server.url, NOW + 301).kind is SOURCE_DOWN


def test_a_repr_tells_no_urls() -> None:
    with ScriptedServer() as server, Blocking() as fetcher:
        fetcher.get(server.url + "?token=secret")
        assert repr(fetcher.fetcher) == "HttpFetcher(1 documents)"


def test_without_a_client_the_error_names_the_extra(tmp_path: Path) -> None:
    (tmp_path / "httpcore2.py").write_text("raise ImportError('not installed')")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import zerotrust.stores.http"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "pip install 'zerotrust[http]'" in ran.stderr


@either
def test_proxies_of_the_environment_are_not_used(face: type[Face], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with ScriptedServer() as server, face() as fetcher:
        assert fetcher.get(server.url).body == b'{"keys":[]}'
