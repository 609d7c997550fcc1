"""Where documents are fetched from: forged requests (CWE-918, RFC 8725 section 3.10) and redirects (RFC 9110 15.4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stores.fetching import Face, either
from tests.stores.tls import contexts
from tests.stores.web import ScriptedServer, Seen, answer
from zerotrust.core.reason import SOURCE_REFUSED


@either
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{inner}/latest/meta-data/",
        "//127.0.0.1:{inner}/",
        "http://localhost:{inner}/",
        "http://[::1]:{inner}/",
        "http://127.0.0.1:{port}@127.0.0.1:{inner}/",
        "http://127.0.0.1:{inner}#@127.0.0.1:{port}/",
        "http:\\\\127.0.0.1:{inner}/",
        "https://127.0.0.1:{port}/",
        "http://LOCALHOST:{port}/",
        "http://2130706433:{inner}/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{inner}/",
        "",
        "/a b",
        "http://[",
    ],
)
def test_ssrf_by_redirect(face: type[Face], status: int, location: str) -> None:
    with ScriptedServer(answer(b'{"secret":1}')) as inner, ScriptedServer() as server, face() as fetcher:
        where = location.format(inner=inner.port, port=server.port)

        def script(seen: Seen) -> bytes:
            return answer(status=status, location=where) if seen.target == "/jwks" else answer(b'{"elsewhere":1}')

        server.say(script)
        assert fetcher.refusal(server.url).kind is SOURCE_REFUSED
        assert (inner.count, server.count) == (0, 1)


@either
def test_redirects_within_the_origin_are_followed_three_times(face: type[Face]) -> None:
    def script(seen: Seen) -> bytes:
        left = int(seen.target.rpartition("/")[2])
        return answer(status=302, location=f"/keys/{left - 1}") if left else answer(b"[0]")

    with ScriptedServer(script) as server, face() as fetcher:
        base = f"http://127.0.0.1:{server.port}/keys/"
        document = fetcher.get(base + "3")
        assert (document.body, document.url) == (b"[0]", base + "3")
        assert fetcher.refusal(base + "4").kind is SOURCE_REFUSED
        assert server.count == 8


@either
def test_a_redirect_in_circles(face: type[Face]) -> None:
    with ScriptedServer(answer(status=302, location="/jwks")) as server, face() as fetcher:
        assert fetcher.refusal(server.url).kind is SOURCE_REFUSED
        assert server.count == 4


@either
def test_two_locations(face: type[Face]) -> None:
    def script(seen: Seen) -> bytes:
        twice = b"HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"
        return twice if seen.target == "/jwks" else answer()

    with ScriptedServer(script) as server, face() as fetcher:
        assert fetcher.refusal(server.url).kind is SOURCE_REFUSED


@either
def test_downgrade_to_http_by_redirect(face: type[Face], tmp_path: Path) -> None:
    served, trusting = contexts(tmp_path)
    with ScriptedServer() as plain, ScriptedServer(tls=served) as server, face(tls=trusting) as fetcher:
        server.say(answer(status=301, location=plain.url))
        assert fetcher.refusal(server.url).kind is SOURCE_REFUSED
        assert plain.count == 0


@either
@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.com/keys",
        "http://10.0.0.1/",
        "http://127.0.0.1.example.com/",
        "http://127.1:{port}/",
        "http://0x7f.0.0.1:{port}/",
        "http://2130706433:{port}/",
        "http://0:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[::]:{port}/",
        "http://127.0.0.1:{port}@login.example.com/",
        "http://login.example.com@127.0.0.1:{port}/",
        "http://user:password@127.0.0.1:{port}/",
        "http://@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}\\@login.example.com/",
        "http://127.0.0.1:{port}/#keys",
        "http://127.0.0.1:{port}/ ",
        "\thttp://127.0.0.1:{port}/",
        "http://127.0.0.1:{port}/\r\nX-Injected: 1",
        "http://127.0.0.1:{port}/\n",
        "http://127.0.0.1:{port}/ä",
        "http://127。0。0。1:{port}/",
        "http:/127.0.0.1:{port}/",
        "http:127.0.0.1:{port}",
        "//127.0.0.1:{port}/",
        "127.0.0.1:{port}",
        "ftp://127.0.0.1:{port}/",
        "file:///etc/passwd",
        "http://127.0.0.1:{port}/" + "a" * 2048,
        "http://127.0.0.1:0/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:+{port}/",
        "",
    ],
)
def test_ssrf_by_url(face: type[Face], url: str) -> None:
    with ScriptedServer() as server, face() as fetcher:
        reason = fetcher.refusal(url.format(port=server.port))
        assert reason.kind is SOURCE_REFUSED
        assert "password" not in str(reason)
        assert server.count == 0
