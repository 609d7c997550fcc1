"""The ceremonies as a WSGI application: bodies are bounded, and nothing that goes wrong shows."""

from __future__ import annotations

import io
import logging
from typing import Any
from wsgiref.validate import validator

import pytest

from tests.web.ceremonies.world import World, environ_of, make, through_wsgi
from zerotrust import seconds
from zerotrust.core.errors import ConfigError
from zerotrust.driver import Sources
from zerotrust.stores.sqlite import AsyncSqliteStore
from zerotrust.web.ceremonies.reading import MOST_BODY
from zerotrust.wsgi import CeremoniesApp


def app_of(world: World, **options: Any) -> CeremoniesApp:
    return CeremoniesApp(world.ceremonies, sources=world.sources, clock=world.clock, **options)


class Input(io.BytesIO):
    """Counts what is read."""

    def __init__(self, body: bytes = b"") -> None:
        super().__init__(body)
        self.got = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0, "an input without an end is never asked for all"
        part = super().read(size)
        self.got += len(part)
        return part


def status(world: World, body: io.BytesIO, *, patience: float = 5, **environ: Any) -> int:
    sent = environ_of(world.browser().posting("totp/verify", {"code": "1"}))
    app = app_of(world, patience=seconds(patience))
    return through_wsgi(app, {**sent, "wsgi.input": body, **environ}).status


@pytest.mark.parametrize("length", [str(MOST_BODY + 1), "9" * 30, "-1", "1e3", "x", "1,1", "\xb2", "+5", " 5"])
def test_a_body_that_says_that_it_is_too_large_is_not_read(length: str) -> None:
    body = Input(b"x" * 100)
    assert status(make(), body, CONTENT_LENGTH=length) == 413
    assert body.got == 0


def test_no_more_is_read_than_is_declared() -> None:
    body = Input(b'{"code":"1"}GET / HTTP/1.1')
    assert status(make(), body, CONTENT_LENGTH="12") == 400
    assert body.got == 12


def test_without_a_length_there_is_no_body_unless_the_server_says_that_it_ends() -> None:
    body = Input(b'{"code":"1"}')
    assert status(make(), body, CONTENT_LENGTH="") == 400
    assert body.got == 0
    assert status(make(), body, CONTENT_LENGTH="", **{"wsgi.input_terminated": True}) == 400
    assert body.got == 12
    endless = Input(b"x" * (3 * MOST_BODY))
    assert status(make(), endless, CONTENT_LENGTH="", **{"wsgi.input_terminated": True}) == 413
    assert endless.got == MOST_BODY + 1


def test_a_body_that_ends_too_soon_is_malformed() -> None:
    assert status(make(), Input(b"{"), CONTENT_LENGTH="12") == 400


def test_a_connection_that_breaks_is_malformed() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("connection reset")

    assert status(make(), Broken(), CONTENT_LENGTH="12") == 400


def test_a_body_that_trickles_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(0, 1000, 3))
    monkeypatch.setattr("zerotrust.wsgi.body.monotonic", lambda: next(moments))

    class Slow(Input):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(1)

    body = Slow(b'{"code":"1"}')
    assert status(make(), body, patience=5, CONTENT_LENGTH="12") == 408
    assert body.got == 2


def test_it_keeps_to_the_protocol() -> None:
    world = make()
    app = validator(app_of(world))
    for path in ("", "factors", "zerotrust.js"):
        environ = environ_of(world.browser().prepare("GET", path))
        environ.pop("CONTENT_LENGTH")
        environ |= {"wsgi.version": (1, 0), "wsgi.errors": io.StringIO(), "wsgi.multithread": False,
                    "wsgi.multiprocess": False, "wsgi.run_once": False}  # fmt: skip
        started: list[str] = []

        def start_response(status: str, headers: Any, exc_info: Any = None, started: list[str] = started) -> Any:
            started.append(status)
            return lambda data: None

        answer = app(environ, start_response)
        assert b"".join(answer)
        answer.close()  # type: ignore[attr-defined]
        assert started == ["200 OK"]


def test_mounted_by_a_dispatcher_addresses_are_the_same() -> None:
    world = make()
    environ = environ_of(world.browser().prepare("GET", ""))
    whole = through_wsgi(app_of(world), dict(environ))
    below = through_wsgi(app_of(world), {**environ, "SCRIPT_NAME": "/auth", "PATH_INFO": "/"})
    assert whole.body == below.body
    deeper = through_wsgi(app_of(world), {**environ, "SCRIPT_NAME": "/\xc3\xa9/auth", "PATH_INFO": "/"})
    assert 'href="/%C3%A9/auth/zerotrust.css"' in deeper.text


def test_a_mount_that_a_client_names_serves_nothing() -> None:
    world = make()
    environ = environ_of(world.browser().prepare("GET", "factors"))
    assert through_wsgi(app_of(world), {**environ, "HTTP_SCRIPT_NAME": "/x"}).status == 404


def test_whatever_goes_wrong_is_503(caplog: pytest.LogCaptureFixture) -> None:
    world = make(person=lambda account: 1 // 0)
    world.door = lambda _, sent: through_wsgi(app_of(world), environ_of(sent))
    with caplog.at_level(logging.ERROR, "zerotrust"):
        reply = world.browser().get("factors")
    assert (reply.status, reply.json["code"]) == (503, "undecided")
    assert "ZeroDivisionError" in caplog.text


def test_an_async_store_is_refused(tmp_path: Any) -> None:
    world = make()
    with pytest.raises(ConfigError, match="SqliteStore"):
        CeremoniesApp(world.ceremonies, sources=Sources(AsyncSqliteStore(tmp_path / "store.db")))
