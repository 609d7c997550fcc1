"""CWE-863, CWE-436: no spelling of a path gets through a table of flows that the path meant does not get through.

A proxy and a service that read a path differently were the hole in CVE-2021-31920 and CVE-2021-29492 (slashes, encoded
or double, in front of Istio's and Envoy's rules), CVE-2020-5902 (`/..;/`) and CVE-2021-41773 (`/.%2e/`).
"""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.segments.peers import peer_certificate, sent
from zerotrust.core.request import AccessRequest
from zerotrust.engine import decide
from zerotrust.segments import ANY, Flow, Segments, deny
from zerotrust.web.asgi_request import access_request

WEB = "spiffe://prod.example/web"
PEER = peer_certificate()
# What is open must not become a way around what is denied, nor around what nobody is given.
OPEN_BUT_ADMIN = Segments([Flow(WEB, "s", ANY, "/**"), deny(WEB, "s", ANY, ["/admin", "/admin/**"])], service="s")
PUBLIC_ALONE = Segments([Flow(WEB, "s", ANY, ["/public", "/public/**"])], service="s")
POLICIES = [table.policy(PEER) for table in (OPEN_BUT_ADMIN, PUBLIC_ALONE)]

TO_ADMIN = (
    "/admin", "/admin/", "/admin/users", "//admin", "/public//../admin", "/./admin", "/public/../admin",
    "/public/..%2fadmin", "/public/%2e%2e/admin", "/public/.%2e/admin", "/public/%2E./admin", "/public/..;/admin",
    "/public;/../admin", "/admin;", "/admin;v=1/users", "/%61dmin", "/%61%64%6d%69%6e", "/admi%6E", "/%2561dmin",
    "/public%2f..%2fadmin", "/public%5c..%5cadmin", "/public\\..\\admin", "\\admin", "/%5cadmin",
    "/public/%252e%252e/admin", "/admin%00", "/admin%00.html", "/admin%0a", "/admin%09", "/public/..%c0%afadmin",
    "/%c0%ae%c0%ae/admin", "/public/%e0%80%ae%e0%80%ae/admin", "/%u0061dmin", "/admin%2f", "/admin%2Fusers",
    "/admin/%2e", "/admin/.", "/public/%2e%2e%2fadmin", "/admin%3bv=1", "admin", "", "/public/.../../admin",
    "/public/..", "/public/%2e%2e",
)  # fmt: skip


def resolved(path: str) -> set[str]:
    """What servers have been seen to make of a path: decoding, resolving, merging, folding, cutting, in any order."""
    seen = {path}
    todo = [path]
    while todo:
        one = todo.pop()
        for read in (
            unquote(one), one.replace("\\", "/"), re.sub("/+", "/", one), re.sub(r";[^/]*", "", one),
            one.split("\0")[0], re.sub(r"/\.(?=/|\Z)", "", one), re.sub(r"/[^/]+/\.\.(?=/|\Z)", "", one),
            one.rstrip("\t\n"),
        ):  # fmt: skip
            if read not in seen:
                seen.add(read)
                todo.append(read)
    return seen


def is_admin(path: str) -> bool:
    return re.match(r"/?admin(?:/|\Z)", path) is not None


@pytest.mark.parametrize("path", TO_ADMIN)
def test_no_known_trick_reaches_what_is_closed(path: str) -> None:
    for policy in POLICIES:
        if policy is POLICIES[1] or any(map(is_admin, resolved(path))):
            for raw in (True, False):
                assert not decide(policy, sent(WEB, "GET", path, raw=raw)), path


_pieces = st.sampled_from(
    ["/", "/", "admin", "public", "x", ".", "..", "%2e", "%2E", "%2f", "%5c", "\\", ";", ";a=b", "%3b", "%61", "%25",
     "%00", "%20", "?", "#", "%c3%a9", "%c0%af", "%ff", " ", "\t", "@", "%40", "Admin"]
)  # fmt: skip
_paths = st.lists(_pieces, max_size=8).map(lambda parts: "/" + "".join(parts))


@given(_paths, st.booleans())
def test_no_spelling_reaches_what_is_closed(path: str, raw: bool) -> None:
    for policy in POLICIES:
        if decide(policy, sent(WEB, "GET", path, raw=raw)):
            kept, _, _ = path.partition("?")
            assert not any(map(is_admin, resolved(kept if raw else unquote(kept)))), path


def test_what_is_open_stays_open() -> None:
    for path in (
        "/public",
        "/public/x",
        "/public/caf%C3%A9",
        "/public/a%40b",
        "/public/x?next=/../admin",
        "/public/..a",
    ):
        for policy in POLICIES:
            assert decide(policy, sent(WEB, "GET", path)), path
    # Other paths, to whoever compares as HTTP does: without folding case, cutting spaces or normalising Unicode.
    for path in ("/Admin", "/admin%20", "/admin.", "/x%ef%bc%8fadmin"):
        assert decide(POLICIES[0], sent(WEB, "GET", path)), path


@pytest.mark.parametrize("method", ["get", "Get", "GET ", " GET", "GET\n", "G\u0415T", "", "*", "POST"])
def test_methods_are_compared_as_they_were_sent(method: str) -> None:
    """RFC 9110 section 9.1: methods are case-sensitive."""
    table = Segments([Flow(WEB, "s", "GET", "/**"), Flow(WEB, "s", "PUT", "/put")], service="s")
    assert not decide(table.policy(PEER), sent(WEB, method, "/x"))
    open_to_all = Segments([Flow(WEB, "s", ANY, "/**")], service="s").policy(PEER)
    assert bool(decide(open_to_all, sent(WEB, method, "/x"))) is (method == "POST")


def test_a_row_that_denies_holds_for_every_method() -> None:
    for method in ("GET", "HEAD", "OPTIONS", "PROPFIND", "CONNECT", "TRACE", "get", "X"):
        assert not decide(POLICIES[0], sent(WEB, method, "/admin"))


@pytest.mark.parametrize(
    "header", ["x-http-method-override", "x-original-url", "x-rewrite-url", "x-forwarded-uri", "x-forwarded-prefix"]
)
def test_headers_change_neither_path_nor_method(header: str) -> None:
    request = sent(WEB, "GET", "/admin")
    fooled = AccessRequest(
        now=request.now, path="/admin", raw_path="/admin", peer=request.peer, headers=[(header.encode(), b"/public")]
    )
    assert not decide(POLICIES[0], fooled)


def test_what_the_router_sees_and_what_was_sent_must_agree() -> None:
    """A middleware that rewrites one of the two, or a server that decodes twice."""
    for path, raw in (("/admin", "/public"), ("/public", "/admin"), ("/admin", "/%2561dmin"), ("/a/b", "/a%2Fb")):
        scope = {
            "type": "http", "method": "GET", "path": path, "raw_path": raw.encode(), "headers": [], "query_string": b"",
        }  # fmt: skip
        request = access_request(scope, sent(WEB, "GET", "/").now)
        request.peer = sent(WEB, "GET", "/").peer
        for policy in POLICIES:
            assert not decide(policy, request)


def test_a_long_path_costs_little() -> None:
    """CWE-400: however many segments and open rows."""
    deep = "/" + "/".join("{" + f"n{count}" + "}" for count in range(30)) + "/**"
    table = Segments([Flow(WEB, "s", "GET", [deep, "/a/**", "/{x}/a/**"])], service="s")
    policy = table.policy(PEER)
    assert decide(policy, sent(WEB, "GET", "/" + "a/" * 4000))
    assert not decide(policy, sent(WEB, "GET", "/" + "b/" * 20))
    assert not decide(policy, sent(WEB, "GET", "/" + "a" * 100_000))
