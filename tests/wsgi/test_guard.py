"""The guard before any WSGI application: refuses before it is called, and answers for it where it refuses itself."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import pytest

from tests.fastapi.bodies import says_yes
from tests.fastapi.world import GOOD, ISSUER, NOW, READER, can_read, clock, token
from tests.web.ceremonies.world import make
from zerotrust import Bearer, ConfigError, Denied, DPoP, Issuer, Nonces, ProtectedResource, Sources, seconds
from zerotrust.core.policy import Policy
from zerotrust.stores.memory import MemoryStore
from zerotrust.web.ambient import current_access
from zerotrust.wsgi import Access, Guard, Rules

BOSS = token.role("boss")


@dataclass
class Sent:
    """What came out, and what the server was told when."""

    status: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    began: list[str] = field(default_factory=list)

    @property
    def code(self) -> int:
        return int(self.status[:3])

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)


def rules_of(policy: Policy = token.valid) -> Rules:
    rules = Rules(default=policy)
    rules.open("/health", because="the load balancer asks")
    rules.protect("/read", can_read)
    rules.protect("/yes", can_read & says_yes)
    return rules


def guarded(app: Any, policy: Policy = token.valid, **options: Any) -> Guard:
    return Guard(app, rules_of(policy), clock=clock, **options)


def environ_of(
    path: str = "/", headers: dict[str, str] | None = None, body: bytes = b"", **more: Any
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "api.example",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "api.example",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in (headers or {}).items()},
        **({"CONTENT_LENGTH": str(len(body))} if body else {}),
    }
    return {**made, **more}


def serve(app: Any, environ: dict[str, Any], *, strict: bool = True) -> Sent:
    """Do as a server does (PEP 3333): headers go with the first chunk, and then can be replaced no more."""
    sent = Sent()

    def start(status: str, headers: Any, exc_info: Any = None) -> Callable[[bytes], None]:
        if exc_info is not None:
            if sent.chunks:
                raise exc_info[1]
        else:
            assert not sent.began, "start_response called twice"
        sent.began.append(status)
        sent.status, sent.headers = status, dict(headers)
        return sent.chunks.append

    chunks = (validator(app) if strict else app)(environ, start)
    try:
        for chunk in chunks:
            assert sent.began, "a chunk before start_response"
            if chunk:
                sent.chunks.append(chunk)
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    return sent


class Chunks:
    """The response of an application that is made while it is sent."""

    def __init__(self, *steps: Any) -> None:
        self.steps = iter(steps)
        self.closed = 0
        self.current: list[Access | None] = []

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self.current.append(current_access())
        step = next(self.steps)
        if callable(step):
            step()
            return next(self)
        if isinstance(step, Exception):
            raise step
        assert isinstance(step, bytes)
        return step

    def close(self) -> None:
        self.closed += 1
        self.current.append(current_access())


class App:
    """Answers 200 with what it is told, once it has done that; and keeps what it was called with."""

    def __init__(self, answer: Any = None, *, before: Any = None, status: str | None = "200 OK") -> None:
        self.answer: Any = answer if answer is not None else [b"ok"]
        self.before = before
        self.status = status
        self.calls: list[dict[str, Any]] = []

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        self.calls.append(environ)
        if self.status is not None:
            start(self.status, [("Content-Type", "text/plain")])
        if self.before is not None:
            self.before()
        answer: Iterable[bytes] = self.answer
        return answer


def deny(hidden: bool = False) -> Callable[[], None]:
    def check() -> None:
        access = current_access()
        assert access is not None
        access.check(BOSS, hidden=hidden)

    return check


def test_a_refused_request_never_gets_to_the_application() -> None:
    app = App()
    body = io.BytesIO(b"body")
    sent = serve(guarded(app), environ_of("/read", GOOD, b"body", **{"wsgi.input": body}))
    assert (sent.status, sent.headers["content-type"], body.tell()) == (
        "403 Forbidden", "application/problem+json", 0,
    )  # fmt: skip
    assert serve(guarded(app), environ_of()).headers["www-authenticate"].startswith("Bearer")
    assert serve(guarded(app), environ_of("//health")).code == 400
    assert app.calls == []


def test_head_is_refused_without_a_body() -> None:
    get, head = (
        serve(guarded(App()), environ_of()),
        serve(guarded(App()), environ_of(REQUEST_METHOD="HEAD"), strict=False),
    )
    assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")
    assert get.body.startswith(b'{"type":"about:blank"')


def test_who_is_let_in_is_known_to_the_application_until_its_response_is_closed() -> None:
    chunks = Chunks(b"a", b"", b"b")
    app = App(chunks)
    sent = serve(guarded(app), environ_of("/read", READER))
    known, access = app.calls[0]["zerotrust.access"], chunks.current[0]
    assert access is not None
    assert (sent.code, sent.body, access[token].subject) == (200, b"ab", "alice")
    assert chunks.current == [access] * 5
    assert known.decision is access.decision
    assert known.request is None  # a circle otherwise, which would keep everything until it is collected
    assert chunks.closed == 1
    assert current_access() is None
    assert serve(guarded(App()), environ_of("/health")).body == b"ok"


def test_between_chunks_the_access_is_nobodys() -> None:
    response = iter(guarded(App(Chunks(b"a", b"b")))(environ_of(headers=GOOD), lambda *_: lambda _: None))
    assert next(response) == b"a"
    assert current_access() is None


@pytest.mark.parametrize("made", [list, tuple])
def test_what_is_made_already_is_the_servers_as_it_is(made: Any) -> None:
    chunks = made([b"ok"])
    assert guarded(App(chunks))(environ_of(headers=GOOD), lambda *_: lambda _: None) is chunks
    file = FileWrapper(io.BytesIO(b"file"))
    environ = {**environ_of(headers=GOOD), "wsgi.file_wrapper": FileWrapper}
    assert guarded(App(file))(environ, lambda *_: lambda _: None) is file


def test_an_application_may_begin_its_response_with_the_first_chunk_or_write_it() -> None:
    def late(environ: Any, start: Any) -> Iterator[bytes]:
        start("201 Created", [("Content-Type", "text/plain")])
        yield b"late"

    def writes(environ: Any, start: Any) -> list[bytes]:
        write = start("202 Accepted", [("Content-Type", "text/plain")])
        write(b"wri")
        write(b"tten")
        return []

    for app, status, body in ((late, "201 Created", b"late"), (writes, "202 Accepted", b"written")):
        sent = serve(guarded(app), environ_of(headers=GOOD))
        assert (sent.status, sent.body) == (status, body)
    assert serve(guarded(App(Chunks())), environ_of(headers=GOOD)).status == "200 OK"


def test_headers_go_into_the_response_of_the_application() -> None:
    bound = Bearer(
        Issuer(ISSUER.url, keys=ISSUER.jwks()),
        audience="api",
        dpop=DPoP(nonces=Nonces(bytes(range(32))), required=False),
    )
    options: Any = {"policy": bound.valid, "sources": Sources(MemoryStore())}
    for app in (App(), App(Chunks(b"x")), App(status="404 Not Found")):
        sent = serve(guarded(app, **options), environ_of(headers=GOOD))
        assert sent.headers["dpop-nonce"]
        assert sent.headers["Content-Type"] == "text/plain"
    sent = serve(guarded(App(before=deny()), **options), environ_of(headers=GOOD))
    assert (sent.code, bool(sent.headers["dpop-nonce"])) == (403, True)


@pytest.mark.parametrize(
    "app",
    [
        lambda check: App(before=check),
        lambda check: App(before=check, status=None),
        lambda check: App(Chunks(check, b"never")),
        lambda check: App(Chunks(b"", check, b"never")),
        lambda check: App(Chunks(check, b"never"), status=None),
    ],
    ids=["begun", "not begun", "first chunk", "after an empty one", "first chunk, not begun"],
)
def test_what_the_application_denies_before_anything_was_sent_is_answered(app: Any) -> None:
    sent = serve(guarded(app(deny())), environ_of(headers=GOOD))
    assert (sent.status, sent.headers["content-type"]) == ("403 Forbidden", "application/problem+json")
    assert sent.body.startswith(b'{"type":"about:blank"')
    sent = serve(guarded(app(deny(hidden=True))), environ_of(headers=GOOD))
    assert (sent.status, b"not_found" in sent.body) == ("404 Not Found", True)
    sent = serve(guarded(app(deny())), environ_of(headers=GOOD, REQUEST_METHOD="HEAD"), strict=False)
    assert (sent.code, sent.body) == (403, b"")


def test_what_is_denied_while_the_response_is_begun_to_be_iterated_over_is_answered() -> None:
    class Late:
        closed = False

        def __iter__(self) -> Iterator[bytes]:
            deny()()
            raise AssertionError

        def close(self) -> None:
            self.closed = True

    late = Late()
    assert serve(guarded(App(late)), environ_of(headers=GOOD), strict=False).code == 403
    assert late.closed


def test_what_is_denied_in_a_group_is_answered() -> None:
    def grouped() -> None:
        try:
            deny()()
        except Denied as error:
            raise ExceptionGroup("tasks", [error]) from error

    assert serve(guarded(App(before=grouped)), environ_of(headers=GOOD)).code == 403


def test_what_is_denied_too_late_breaks_off() -> None:
    chunks = Chunks(b"sent", deny())
    with pytest.raises(Denied):
        serve(guarded(App(chunks)), environ_of(headers=GOOD), strict=False)
    assert (chunks.closed, current_access()) == (1, None)

    def writes(environ: Any, start: Any) -> list[bytes]:
        start("200 OK", [])(b"sent")
        deny()()
        raise AssertionError

    with pytest.raises(Denied):
        serve(guarded(writes), environ_of(headers=GOOD), strict=False)


def test_other_exceptions_are_the_servers() -> None:
    for app in (App(before=lambda: 1 / 0), App(Chunks(ZeroDivisionError()))):
        with pytest.raises(ZeroDivisionError):
            serve(guarded(app), environ_of(headers=GOOD), strict=False)


def test_a_response_can_be_begun_anew_after_an_exception() -> None:
    def starts_anew(environ: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        if environ["PATH_INFO"] == "/late":
            yield b""
        try:
            raise ValueError
        except ValueError:
            start("500 Internal Server Error", [("Content-Type", "text/plain")], sys.exc_info())
        yield b"sorry"

    for path in ("/", "/late"):
        sent = serve(guarded(starts_anew), environ_of(path, GOOD))
        assert (sent.code, sent.body) == (500, b"sorry")

    def twice(environ: Any, start: Any) -> list[bytes]:
        start("200 OK", [])
        start("200 OK", [])
        return []

    with pytest.raises(AssertionError, match="called twice"):
        serve(guarded(twice), environ_of(headers=GOOD), strict=False)


# --- Bodies ----------------------------------------------------------------------------------------------------------
def echo(environ: dict[str, Any], start: Any) -> list[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    return [environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 100))]


def test_a_policy_reads_the_body_and_the_application_gets_it() -> None:
    sent = serve(guarded(echo), environ_of("/yes", READER, b"yes, please", REQUEST_METHOD="POST"))
    assert (sent.code, sent.body) == (200, b"yes, please")
    assert serve(guarded(echo), environ_of("/yes", READER, b"no", REQUEST_METHOD="POST")).code == 403


# --- What it serves, and how it is made ------------------------------------------------------------------------------
def test_where_it_is_mounted_rules_are_about_what_is_below() -> None:
    assert serve(guarded(App()), environ_of("/health", SCRIPT_NAME="/api")).code == 200
    assert serve(guarded(App()), environ_of("/health", SCRIPT_NAME="/api", RAW_URI="/api/health?x")).code == 200
    assert serve(guarded(App()), environ_of("/health", SCRIPT_NAME="/api", RAW_URI="/health")).code == 200
    assert serve(guarded(App()), environ_of("/api/health", SCRIPT_NAME="/api")).code == 401
    assert serve(guarded(App()), environ_of("/health", RAW_URI="/read")).code == 400


def test_the_metadata_of_a_resource_is_served_to_everybody() -> None:
    guard = guarded(App(), resource=ProtectedResource("https://api.example/mcp"))
    sent = serve(guard, environ_of("/.well-known/oauth-protected-resource/mcp"))
    assert (sent.status, b'"scopes_supported":["read"]' in sent.body) == ("200 OK", True)
    assert "RFC 9728" in str(guard.report())


def test_the_ceremonies_are_served() -> None:
    world = make()
    rules = Rules(default=world.session.valid & world.totp.within(seconds(300)))
    guard = Guard(App(), rules, sources=world.sources, ceremonies=world.ceremonies, clock=world.clock)
    assert (
        serve(guard, environ_of(f"{world.ceremonies.at}/factors")).headers["content-type"] == "application/problem+json"
    )
    assert serve(guard, environ_of("/other")).code == 401


def test_wrong_arguments_are_refused_where_it_is_made() -> None:
    given: Any = object()
    with pytest.raises(ConfigError, match="takes a WSGI application, not object"):
        guarded(given)
    with pytest.raises(ConfigError, match="takes the application and its rules, not object"):
        Guard(App(), given)
    with pytest.raises(ConfigError, match="has a Guard already"):
        guarded(guarded(App()))


def test_what_goes_wrong_is_neither_let_in_nor_told(caplog: pytest.LogCaptureFixture) -> None:
    app = App()
    ticks = iter([NOW])
    sent = serve(Guard(app, rules_of(), clock=lambda: next(ticks)), environ_of())
    assert (sent.code, sent.body.count(b"undecided")) == (503, 1)
    assert "at (no route)" in caplog.text
    broken = guarded(app, token.that(lambda evidence: 1 / 0 > 0, "a test"))
    assert serve(broken, environ_of(headers=GOOD)).code in {403, 503}
    assert app.calls == []


def test_the_report_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "zerotrust.guard")
    guard = guarded(App())
    guard.check()
    serve(guard, environ_of())
    assert caplog.text.count("OPEN because the load balancer asks") == 1
