"""A body that a policy looks at: read when it is asked for, within bounds, and handed on as if nobody had read it."""

from __future__ import annotations

import io
from typing import Any

import pytest

from zerotrust.core.ask import ReadBody, SourceFailed
from zerotrust.core.reason import Reason
from zerotrust.wsgi.body import Body

WHOLE = b"one\ntwo\n\nthree"


class Slow(io.BytesIO):
    """Gives no more than three octets at a time, whatever it is asked for."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(3 if size is None or size < 0 or size > 3 else size)


class Broken(io.BytesIO):
    """Gives some, and then the connection is gone."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise OSError
        return super().read(4)


def environ_of(body: bytes = WHOLE, kind: Any = io.BytesIO, **more: Any) -> dict[str, Any]:
    return {"wsgi.input": kind(body), "CONTENT_LENGTH": str(len(body)), **more}


def read(environ: dict[str, Any], limit: int = 100, timeout: float = 60) -> Any:
    found = Body(environ).answer(ReadBody(limit), timeout)
    return found.code if isinstance(found, Reason) else found


@pytest.mark.parametrize("kind", [io.BytesIO, Slow])
def test_it_is_read_whole_and_handed_on(kind: Any) -> None:
    environ = environ_of(kind=kind)
    assert read(environ) == WHOLE
    assert read(environ, len(WHOLE)) == WHOLE, "another verifier may ask, too"
    assert environ["wsgi.input"].read(len(WHOLE)) == WHOLE
    assert environ["wsgi.input"].read(5) == b""


def test_nothing_is_read_before_it_is_asked_for_nor_of_what_is_too_large() -> None:
    environ = environ_of()
    body = environ["wsgi.input"]
    Body(environ)
    assert read(environ, 3) == "too_large"
    assert (body.tell(), environ["wsgi.input"]) == (0, body)
    assert read(environ_of(CONTENT_LENGTH="1e3")) == "too_large"
    assert read({"CONTENT_LENGTH": ""}) == b""
    assert read(environ_of(CONTENT_LENGTH="", **{"wsgi.input": body})) == b""
    assert body.tell() == 0


def test_an_input_that_ends_by_itself_is_read_to_its_end_or_the_limit() -> None:
    endless: Any = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    assert read(environ_of(**endless)) == WHOLE
    environ = environ_of(**endless)
    assert read(environ, 4) == "too_large"
    assert environ["wsgi.input"].read() == WHOLE


@pytest.mark.parametrize("kind", [io.BytesIO, Broken])
def test_what_ends_early_is_malformed_and_handed_on_as_far_as_it_came(kind: Any) -> None:
    environ = environ_of(kind=kind, CONTENT_LENGTH="99")
    assert read(environ) == "malformed"
    assert environ["wsgi.input"].read(4) == WHOLE[:4]


def test_what_takes_too_long_is_an_outage() -> None:
    environ = environ_of(kind=Slow)
    with pytest.raises(SourceFailed):
        read(environ, timeout=-1)
    assert environ["wsgi.input"].read(3) == b"one"


@pytest.mark.parametrize("limit", [3, 4, 5, 9])
def test_the_rest_is_as_any_input(limit: int) -> None:
    def rejoined() -> Any:
        environ = environ_of(**{"CONTENT_LENGTH": "", "wsgi.input_terminated": True})  # type: ignore[arg-type]
        assert read(environ, limit - 1) == "too_large"
        return environ["wsgi.input"]

    plain = io.BytesIO(WHOLE)
    assert list(rejoined()) == plain.readlines()
    assert rejoined().readlines() == [b"one\n", b"two\n", b"\n", b"three"]
    assert rejoined().readlines(5) == [b"one\n", b"two\n"]
    assert rejoined().read(None) == WHOLE
    joined = rejoined()
    got = [joined.readline(2), joined.readline(9), joined.readline(None), joined.read(2), joined.read(0), joined.read()]
    assert got == [b"on", b"e\n", b"two\n", b"\nt", b"", b"hree"]
