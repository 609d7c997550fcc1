"""Both fetchers post against a real server on loopback: what is sent, what is an answer, and what a flood can do."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Semaphore, Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.stores.fetching import NOW, Async, Blocking, Face, either
from tests.stores.tls import contexts
from tests.stores.web import PATIENCE, ScriptedServer, Seen, answer
from zerotrust.core.ask import Document, Post, SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT, Reason
from zerotrust.stores.health import FAILURES
from zerotrust.stores.http import AsyncHttpFetcher, HttpFetcher

SECRET = "s3cr3t-that-nobody-sees"
ACTIVE = answer(b'{"active":true}')


@either
def test_what_is_sent(face: type[Face]) -> None:
    with ScriptedServer(ACTIVE) as server, face() as fetcher:
        document = fetcher.post(
            f"{server.url}?x=1",
            form=(("token", "a+b/c=&d"), ("client_id", "ü ~*")),
            headers=(("Authorization", "Basic YTpi"),),
        )
        assert document == Document(f"{server.url}?x=1", b'{"active":true}', NOW)
        (seen,) = server.seen
        assert (seen.method, seen.target) == ("POST", "/jwks?x=1")
        assert seen.body == b"token=a%2Bb%2Fc%3D%26d&client_id=%C3%BC+~%2A"
        assert seen.fields["content-type"] == "application/x-www-form-urlencoded"
        assert seen.fields["content-length"] == str(len(seen.body))
        assert seen.fields["authorization"] == "Basic YTpi"
        assert seen.fields["host"] == f"127.0.0.1:{server.port}"
        assert seen.fields["accept-encoding"] == "identity"
        assert not {"cookie", "expect", "transfer-encoding"} & seen.fields.keys()


@either
def test_never_from_a_cache(face: type[Face]) -> None:
    with ScriptedServer(answer(b"{}", cache_control="max-age=3600")) as server, face() as fetcher:
        for _ in range(3):
            fetcher.post(server.url)
        assert server.count == 3


@either
@pytest.mark.parametrize(
    ("response", "kind", "says"),
    [
        (answer(b"{}", status=201), SOURCE_REFUSED, "presented 201"),
        (answer(b"{}", status=204), SOURCE_REFUSED, "presented 204"),
        (answer(b"{}", status=302, location="/elsewhere"), SOURCE_REFUSED, "presented 302"),
        (answer(b"{}", status=307, location="/elsewhere"), SOURCE_REFUSED, "presented 307"),
        (answer(b'{"error":"invalid_client"}', status=401), SOURCE_REFUSED, "presented 401 invalid_client"),
        (answer(b'{"error":"invalid_client"}', status=400), SOURCE_REFUSED, "does not accept us as a client"),
        (answer(b"Unauthorized", status=401, media_type="text/plain"), SOURCE_REFUSED, "does not accept us"),
        (answer(b'{"error":"invalid_request"}', status=400), SOURCE_REFUSED, "presented 400 invalid_request"),
        (answer(b'{"error":"invalid_client', status=401), SOURCE_REFUSED, "does not accept us"),
        (answer(b"x" * 100000, status=401), SOURCE_REFUSED, "presented 401"),
        (answer(b"{}", status=404), SOURCE_REFUSED, "presented 404"),
        (answer(b"{}", status=500), SOURCE_REFUSED, "presented 500"),
        (answer(b"{}", status=503), SOURCE_DOWN, "presented 503"),
        (answer(b"{}", status=429), SOURCE_DOWN, "presented 429"),
        (answer(b"<html>", media_type="text/html"), SOURCE_REFUSED, "presented text/html"),
        (answer(b"e30", media_type="application/token-introspection+jwt"), SOURCE_REFUSED, "JSON media type"),
        (answer(b"{}", content_encoding="gzip"), SOURCE_REFUSED, "no content encoding"),
        (answer(b'{"active":'), SOURCE_REFUSED, "malformed"),
        (answer(b""), SOURCE_REFUSED, "malformed"),
        (answer(b'"' + b"x" * 70000 + b'"'), SOURCE_REFUSED, "at most 65536 bytes"),
        (answer(b'"' + b"x" * 70000 + b'"', length=False), SOURCE_REFUSED, "at most 65536 bytes"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 120 + b"\r\n", SOURCE_REFUSED, "100 header fields"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{}", SOURCE_DOWN, "Protocol"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", SOURCE_DOWN, "Protocol"),
        (b"\r\n", SOURCE_DOWN, "Protocol"),
    ],
    ids=range(25),
)  # fmt: skip
def test_what_is_no_answer(face: type[Face], response: bytes, kind: object, says: str) -> None:
    with ScriptedServer(response) as server, face() as fetcher:
        reason = fetcher.no_answer(server.url)
        assert reason.kind is kind
        assert says in str(reason)
        assert f"127.0.0.1:{server.port}" in str(reason)
        assert server.count == 1  # no redirect was followed, nothing was tried again


@either
def test_of_a_refusal_nothing_is_repeated_that_could_be_secret(face: type[Face]) -> None:
    said = f'{{"error":"{SECRET}","error_description":"{SECRET}"}}'.encode()
    with ScriptedServer(answer(said, status=401)) as server, face() as fetcher:
        assert SECRET not in str(fetcher.no_answer(server.url))


@either
@pytest.mark.parametrize(
    "url",
    ["http://issuer.example/", "https://u:p@issuer.example/", "https://issuer.example/#x", "ftp://issuer.example/", ""],
)
def test_where_nothing_is_posted_to(face: type[Face], url: str) -> None:
    with face() as fetcher:
        assert fetcher.no_answer(url).kind is SOURCE_REFUSED


@either
def test_hosts(face: type[Face]) -> None:
    with ScriptedServer(ACTIVE) as server, face(hosts=["issuer.example"]) as fetcher:
        assert fetcher.no_answer(server.url).kind is SOURCE_REFUSED
        assert server.count == 0


@either
def test_a_slow_server_is_waited_for_no_longer_than_the_asker_can(face: type[Face]) -> None:
    with ScriptedServer() as server, face() as fetcher:
        server.say(server.held(ACTIVE))
        assert fetcher.no_answer(server.url, timeout=0.01).kind is SOURCE_TIMEOUT
        server.gate.set()


@either
def test_a_server_that_answers_a_byte_at_a_time_ends_at_the_deadline(face: type[Face]) -> None:
    def trickle(_: Seen) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
        while True:
            yield b" "

    with ScriptedServer(trickle) as server, face(timeout=timedelta(milliseconds=200)) as fetcher:
        reason = fetcher.no_answer(server.url, limit=10**9)
        assert reason.kind in (SOURCE_TIMEOUT, SOURCE_REFUSED)
        assert server.cut.wait(PATIENCE)


@either
def test_closed(face: type[Face]) -> None:
    with ScriptedServer(ACTIVE) as server:
        with face() as fetcher:
            fetcher.post(server.url)
        with pytest.raises(SourceFailed, match="closed"):
            fetcher.fetcher.answer(Post(server.url, (), NOW), 1.0)
        assert server.count == 1


# --- A crowd ---------------------------------------------------------------------------------------------------------


def waiting(server: ScriptedServer, many: int, arrived: Semaphore) -> None:
    """Every answer waits for the gate; returns when `many` questions have arrived, and opens it."""
    for _ in range(many):
        assert arrived.acquire(timeout=PATIENCE)
    server.gate.set()


def held(server: ScriptedServer, arrived: Semaphore) -> None:
    def script(_: Seen) -> Iterator[bytes]:
        arrived.release()
        assert server.gate.wait(PATIENCE)
        yield ACTIVE

    server.say(script)


@either
def test_a_flood_cannot_pile_up(face: type[Face]) -> None:
    arrived = Semaphore(0)
    with ScriptedServer() as server, face(posts=3) as fetcher:
        held(server, arrived)
        asks = [Post(server.url, (("token", str(number)),), NOW) for number in range(20)]
        outcomes = fetcher.together(asks, lambda: waiting(server, 3, arrived))
        refused = [outcome for outcome in outcomes if isinstance(outcome, SourceFailed)]
        assert server.count == 3
        assert len(refused) == 17
        assert {failure.reason.kind for failure in refused} == {SOURCE_DOWN}
        assert {failure.retry_after for failure in refused} == {1.0}
        fetcher.post(server.url)  # there is room again, and nobody is left to rest


@either
def test_what_costs_a_signature_is_signed_for_posts_that_are_sent(face: type[Face]) -> None:
    """RFC 7523 section 3: one assertion for each, and a flood does not make us sign what nobody gets."""
    arrived, signed = Semaphore(0), list[int]()

    def sign() -> tuple[tuple[str, str], ...]:
        signed.append(1)
        return (("client_assertion", "a+b"),)

    with ScriptedServer() as server, face(posts=1) as fetcher:
        held(server, arrived)
        sharing = [Post(server.url, (("token", "x"),), NOW, shared=b"same", sign=sign) for _ in range(10)]
        refused = [Post(server.url, (("token", "x"),), NOW, sign=sign) for _ in range(10)]
        fetcher.together([*sharing, *refused], lambda: waiting(server, 1, arrived))
        assert len(signed) == server.count == 1
        fetcher.post(server.url, form=(("token", "x"),), shared=b"same", sign=sign)
        assert len(signed) == server.count == 2
        assert server.seen[1].body == b"token=x&client_assertion=a%2Bb"


@either
def test_those_who_ask_the_same_share_an_answer(face: type[Face]) -> None:
    arrived = Semaphore(0)
    with ScriptedServer() as server, face(posts=2) as fetcher:
        held(server, arrived)
        same = [Post(server.url, (("token", str(number)),), NOW, shared=b"same") for number in range(20)]
        outcomes = fetcher.together(same, lambda: waiting(server, 1, arrived))
        assert server.count == 1
        assert len({id(outcome) for outcome in outcomes}) == 1
        fetcher.post(server.url, shared=b"same")  # an answer that was given is asked for anew
        assert server.count == 2


@either
def test_those_who_ask_something_else_do_not(face: type[Face]) -> None:
    arrived = Semaphore(0)
    with ScriptedServer() as server, face() as fetcher:
        held(server, arrived)
        url = server.url
        asks = [
            Post(url, (), NOW, shared=b"one"),
            Post(url, (), NOW, shared=b"two"),
            Post(f"{url}2", (), NOW, shared=b"one"),
            Post(url, (), NOW, shared=b"one", limit=99),
            Post(url, (), NOW),
            Post(url, (), NOW),
        ]
        fetcher.together(asks, lambda: waiting(server, 6, arrived))
        assert server.count == 6


def test_those_who_show_another_certificate_do_not(tmp_path: Path) -> None:
    files = client_files(tmp_path)
    posts = HttpFetcher(certificates={"one": files, "two": files})._posts
    launched = [
        posts.begin(Post("https://127.0.0.1/", (), NOW, certificate=name, shared=b"same"), 0.0).launch
        for name in ("one", "two", None, "one")
    ]
    assert launched == [True, True, True, False]


@either
def test_a_host_that_fails_is_left_to_rest(face: type[Face], caplog: pytest.LogCaptureFixture) -> None:
    with ScriptedServer(answer(b"{}", status=503)) as server, face() as fetcher:
        for _ in range(FAILURES):
            assert fetcher.no_answer(server.url).presented == "503"
        resting = fetcher.no_answer(server.url)
        assert "not asked" in str(resting)
        assert server.count == FAILURES
        (lane,) = fetcher.fetcher._posts._lanes.values()
        lane.health.clock = lambda: 1e12
        server.say(ACTIVE)
        fetcher.post(server.url)
        fetcher.post(server.url)
        assert lane.flying == 0
    told = [record.getMessage() for record in caplog.records if record.name == "zerotrust.stores"]
    assert len(told) == 2
    assert all(f"127.0.0.1:{server.port}" in line for line in told)


@either
def test_one_host_rests_and_another_does_not(face: type[Face]) -> None:
    with ScriptedServer(answer(b"{}", status=503)) as bad, ScriptedServer(ACTIVE) as good, face() as fetcher:
        for _ in range(FAILURES + 1):
            fetcher.no_answer(bad.url)
        fetcher.post(good.url)


@either
@pytest.mark.parametrize("status", [500, 400, 401, 404])
def test_who_knows_a_question_that_fails_cannot_have_all_others_refused(
    face: type[Face], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedServer(answer(b"{}", status=status)) as server, face() as fetcher:
        for _ in range(3 * FAILURES):
            fetcher.no_answer(server.url)
        assert server.count == 3 * FAILURES
        server.say(ACTIVE)
        fetcher.post(server.url)
    # The operator hears of it, once a minute.
    assert [record.levelname for record in caplog.records if record.name == "zerotrust.stores"] == ["ERROR"]


@either
def test_a_bug_reaches_all_who_wait_and_the_room_is_free_again(
    face: type[Face], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("threading.excepthook", lambda _: None)
    with ScriptedServer(ACTIVE) as server, face(posts=1) as fetcher:
        with pytest.raises(UnicodeEncodeError):
            fetcher.post(server.url, headers=(("X", "ü"),))
        fetcher.post(server.url)


def test_a_thread_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unstarted(Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    with ScriptedServer(ACTIVE) as server, Blocking(posts=1) as fetcher:
        with monkeypatch.context() as patch:
            patch.setattr("zerotrust.stores.http.Thread", Unstarted)
            assert "no thread" in str(fetcher.no_answer(server.url))
        fetcher.post(server.url)


def test_a_request_that_goes_away_leaves_the_answer_to_the_others() -> None:
    arrived = Semaphore(0)
    with ScriptedServer() as server, Async() as fetcher:
        held(server, arrived)
        ask = Post(server.url, (), NOW, shared=b"same")

        async def both() -> Document:
            first = asyncio.ensure_future(fetcher.fetcher.answer(ask, PATIENCE))  # type: ignore[arg-type]
            second = asyncio.ensure_future(fetcher.fetcher.answer(ask, PATIENCE))  # type: ignore[arg-type]
            await asyncio.to_thread(arrived.acquire, timeout=PATIENCE)
            first.cancel()
            server.gate.set()
            return await second

        assert fetcher.runner.run(both()).body == b'{"active":true}'
        assert server.count == 1


def test_one_fetcher_serves_several_loops() -> None:
    with ScriptedServer(ACTIVE) as server:
        fetcher = AsyncHttpFetcher(posts=1)

        async def once() -> Document:
            answer = fetcher.answer(Post(server.url, (), NOW), PATIENCE)
            assert not isinstance(answer, Document)
            return await answer

        for _ in range(3):
            assert asyncio.run(once()).body == b'{"active":true}'


def test_a_loop_that_was_left_in_the_middle_takes_up_room_for_a_while_only() -> None:
    arrived = Semaphore(0)
    with ScriptedServer() as server:
        held(server, arrived)
        fetcher = AsyncHttpFetcher(posts=1)
        posts = fetcher._posts
        posting, launch = posts.begin(Post(server.url, (), NOW), 0.0)  # whose carrier never comes back
        assert launch
        with pytest.raises(SourceFailed, match="as many"):
            posts.begin(Post(server.url, (), NOW), posting.deadline + 29)
        _, launch = posts.begin(Post(server.url, (), NOW), posting.deadline + 31)
        assert launch
        assert isinstance(posting.landed.result(), Reason)


# --- Certificates ----------------------------------------------------------------------------------------------------


def client_files(folder: Path) -> tuple[Path, Path]:
    """A client certificate of its own making, and its key."""
    made = folder / "client"
    made.mkdir()
    contexts(made)
    both = (made / "server.pem").read_bytes()
    key, _, certificate = both.partition(b"-----BEGIN CERTIFICATE-----")
    (made / "key.pem").write_bytes(key)
    (made / "client.pem").write_bytes(b"-----BEGIN CERTIFICATE-----" + certificate)
    return made / "client.pem", made / "key.pem"


def der(certificate: Path) -> bytes:
    return x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(Encoding.DER)


@either
def test_rfc_8705_section_2_a_client_certificate_goes_where_it_is_asked_for(face: type[Face], tmp_path: Path) -> None:
    serving, trusting = contexts(tmp_path)
    certificate, key = client_files(tmp_path)
    serving.verify_mode = ssl.CERT_OPTIONAL
    serving.load_verify_locations(certificate)
    presenting = ssl.create_default_context(cafile=tmp_path / "server.pem")
    presenting.load_cert_chain(certificate, key)
    with (
        ScriptedServer(ACTIVE, serving) as server,
        face(tls=trusting, certificates={"payments": presenting}) as fetcher,
    ):
        fetcher.post(server.url, certificate="payments")
        fetcher.post(server.url)
        assert [seen.peer for seen in server.seen] == [der(certificate), None]
        unknown = fetcher.no_answer(server.url, certificate="other")
        assert unknown.kind is SOURCE_REFUSED
        assert "certificates={'other'" in str(unknown)
        assert server.count == 2


@either
def test_files_are_read_when_the_fetcher_is_made(
    face: type[Face], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving, _ = contexts(tmp_path)
    certificate, key = client_files(tmp_path)
    serving.verify_mode = ssl.CERT_REQUIRED
    serving.load_verify_locations(certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    with (
        ScriptedServer(ACTIVE, serving) as server,
        face(certificates={"one": (certificate, key), "two": (str(certificate), str(key))}) as fetcher,
    ):
        key.unlink()
        for name in ("one", "two"):
            fetcher.post(server.url, certificate=name)
        assert {seen.peer for seen in server.seen} == {der(certificate)}


@either
def test_a_certificate_is_not_shown_without_tls(face: type[Face], tmp_path: Path) -> None:
    with ScriptedServer(ACTIVE) as server, face(certificates={"payments": client_files(tmp_path)}) as fetcher:
        assert fetcher.no_answer(server.url, certificate="payments").expected == "https"
        assert server.count == 0


@either
def test_a_server_that_is_not_the_right_one_is_told_nothing(face: type[Face], tmp_path: Path) -> None:
    serving, _ = contexts(tmp_path)
    with ScriptedServer(ACTIVE, serving) as server, face() as fetcher:
        assert fetcher.no_answer(server.url).kind is SOURCE_DOWN
        assert server.count == 0


def unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    return context


@pytest.mark.parametrize("kind", [HttpFetcher, AsyncHttpFetcher])
@pytest.mark.parametrize(
    ("certificates", "said"),
    [
        ("client.pem", "certificates is str"),
        ([("a", "b")], "certificates is list"),
        ({"": ("a", "b")}, "is no name"),
        ({7: ("a", "b")}, "7 is no name"),
        ({"x": "client.pem"}, r"certificates\['x'\] is str; write"),
        ({"x": ("client.pem",)}, "is tuple; write"),
        ({"x": ("client.pem", 7)}, "is tuple; write"),
        ({"x": ("no.pem", "no.key")}, r"not a certificate and its key in PEM.*FileNotFoundError"),
        ({"x": unverified()}, "does not verify the server's certificate"),
    ],
)
def test_certificates_that_make_no_sense(kind: type, certificates: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        kind(certificates=certificates)


def test_keys_that_do_not_fit_or_are_locked(tmp_path: Path) -> None:
    certificate, _ = client_files(tmp_path)
    contexts(tmp_path)
    with pytest.raises(ConfigError, match="SSLError"):
        HttpFetcher(certificates={"x": (certificate, tmp_path / "server.pem")})
    with pytest.raises(ConfigError, match="files, but tls= is yours"):
        HttpFetcher(tls=ssl.create_default_context(), certificates={"x": (certificate, certificate)})


@pytest.mark.parametrize(
    "settings", [{"posts": 0}, {"posts": True}, {"posts": 2.5}, {"tls": "no"}, {"tls": unverified()}]
)
def test_settings_that_make_no_sense(settings: dict[str, Any]) -> None:
    for kind in (HttpFetcher, AsyncHttpFetcher):
        with pytest.raises(ConfigError, match=r"posts=|tls "):
            kind(**settings)


# --- What shows ------------------------------------------------------------------------------------------------------


@either
@pytest.mark.parametrize("response", [ACTIVE, answer(status=401), answer(status=500), b"junk\r\n\r\n"])
def test_nothing_of_what_is_sent_shows(face: type[Face], response: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ask: Post
    with ScriptedServer(response) as server, face() as fetcher:
        ask = Post(server.url, (("token", SECRET),), NOW, (("Authorization", SECRET),), shared=SECRET.encode())
        shown = [repr(ask), repr(fetcher.fetcher)]
        posting, _ = fetcher.fetcher._posts.begin(ask, 0.0)
        shown += [repr(posting), repr(posting.message), repr(posting.reply())]
        fetcher.fetcher._posts.land(posting, b"{}")
        try:
            fetcher.answer(ask, PATIENCE)
        except SourceFailed as failure:
            shown += [repr(failure), str(failure), str(failure.reason), repr(failure.__context__)]
    shown += [record.getMessage() for record in caplog.records]
    assert not [text for text in shown if SECRET in text]
