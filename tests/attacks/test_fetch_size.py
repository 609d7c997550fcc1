"""Responses that never end or unfold (CWE-400, CWE-409): what is read is bounded, whatever a server claims."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator

import pytest

from tests.stores.fetching import Face, either
from tests.stores.web import PATIENCE, ScriptedServer, Seen, answer
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED

LIMIT = 10_000
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
# What the kernel takes on the way, though nobody reads it, is not ours to bound.
ON_THE_WAY = 16 * 1024 * 1024


@either
def test_at_the_limit_and_beyond(face: type[Face]) -> None:
    exact = b'"' + b"a" * (LIMIT - 2) + b'"'
    with ScriptedServer(answer(exact)) as server, face() as fetcher:
        assert fetcher.get(server.url, limit=LIMIT).body == exact
        server.say(answer(exact + b" "))
        assert fetcher.refusal(server.url + "2", limit=LIMIT).kind is SOURCE_REFUSED
        server.say(answer(exact + b" ", length=False))
        assert fetcher.refusal(server.url + "3", limit=LIMIT).kind is SOURCE_REFUSED


@either
def test_a_declared_length_is_enough_to_refuse(face: type[Face]) -> None:
    with ScriptedServer(HEAD + b"Content-Length: 99999999999\r\n\r\n") as server, face() as fetcher:
        reason = fetcher.refusal(server.url, limit=LIMIT)
        assert (reason.kind, reason.presented) == (SOURCE_REFUSED, "99999999999")


def endless(head: bytes, piece: bytes) -> Iterator[bytes]:
    yield head
    while True:
        yield piece


@either
@pytest.mark.parametrize(
    ("head", "piece", "kind"),
    [
        (HEAD + b"\r\n", b"[" * 65536, SOURCE_REFUSED),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"4\r\n[[[[\r\n" * 1000, SOURCE_REFUSED),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2;", b"x" * 65536, SOURCE_DOWN),
        (HEAD, b"X-Filler: " + b"x" * 65536 + b"\r\n", SOURCE_DOWN),
        (b"HTTP/1.1 200 ", b"x" * 65536, SOURCE_DOWN),
    ],
    ids=["body", "chunks", "chunk extension", "header", "status line"],
)
def test_an_endless_response_is_cut(face: type[Face], head: bytes, piece: bytes, kind: object) -> None:
    def script(_: Seen) -> Iterator[bytes]:
        return endless(head, piece)

    with ScriptedServer(script) as server, face() as fetcher:
        assert fetcher.refusal(server.url, limit=LIMIT).kind is kind
        assert server.cut.wait(PATIENCE)
        assert server.sent < ON_THE_WAY


@either
def test_a_hundred_header_fields_are_the_most(face: type[Face]) -> None:
    many = b"".join(b"A%d: b\r\n" % number for number in range(200))
    with ScriptedServer(HEAD + many + b"Content-Length: 2\r\n\r\n{}") as server, face() as fetcher:
        assert fetcher.refusal(server.url).kind is SOURCE_REFUSED


@either
@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b"[" + b" " * 5_000_000 + b"]"), "gzip"),
        (gzip.compress(gzip.compress(b" " * 5_000_000)), "gzip, gzip"),
        (zlib.compress(b"{}"), "deflate"),
        (b"{}", "br"),
        (b"{}", "zstd"),
        (b"{}", "identity, gzip"),
    ],
)
def test_gzip_bomb(face: type[Face], body: bytes, encoding: str) -> None:
    with ScriptedServer(answer(body, content_encoding=encoding)) as server, face() as fetcher:
        reason = fetcher.refusal(server.url, limit=LIMIT)
        assert (reason.kind, reason.presented) == (SOURCE_REFUSED, encoding)


@either
def test_gzip_bomb_that_does_not_say_so(face: type[Face]) -> None:
    with ScriptedServer(answer(gzip.compress(b" " * 5_000_000))) as server, face() as fetcher:
        assert fetcher.refusal(server.url, limit=LIMIT).kind is SOURCE_REFUSED


@either
@pytest.mark.parametrize(
    "media_type",
    [
        "",
        "text/html",
        "text/plain",
        "application/octet-stream",
        "application/jsonp",
        "text/html; a=application/json",
        "application/json, text/html",
        "text/html, a/b+json",
        "application/json\x00",
    ],
)
def test_an_uploaded_file_or_an_error_page_is_no_key_set(face: type[Face], media_type: str) -> None:
    with ScriptedServer(answer(media_type=media_type)) as server, face() as fetcher:
        assert fetcher.refusal(server.url).kind in {SOURCE_REFUSED, SOURCE_DOWN}


@either
@pytest.mark.parametrize(
    "media_type",
    ["application/json", "Application/JSON; charset=utf-8", "application/jwk-set+json", "application/entity+json;x"],
)
def test_json_by_any_of_its_names(face: type[Face], media_type: str) -> None:
    with ScriptedServer(answer(media_type=media_type)) as server, face() as fetcher:
        assert fetcher.get(server.url).body == b'{"keys":[]}'
