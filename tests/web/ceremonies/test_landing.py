"""Where people go afterwards: a path of this origin, whatever is asked for."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zerotrust.core.request import AccessRequest
from zerotrust.web.ceremonies.landing import MOST, asked_for, landing

HERE = "https://shop.example.com/auth/?next=x"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/payments",
        "/a/b/",
        "/a?x=1&y=%2F%2Fb",
        "/a%20b",
        "/a#part",
        "/.well-known/x",
        "/...",
        "/a.b/..c",
        "/a?x=//y",
        "/a?x=/../b",
        "/@me",
        "/a;b=c",
        "/a:b",
        "/?",
        "/a[1]",
    ],
)
def test_paths_of_this_origin_are_taken_as_they_are(path: str) -> None:
    assert landing(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "/\\\\evil",
        "https://evil.example",
        "javascript:alert(1)",
        "/a//b",
        "/./a",
        "/a/../b",
        "/..",
        "/.",
        "/%2e%2e/a",
        "/a/%2E./b",
        "/\t/evil.example",
        "/\n/evil",
        "/a\r\nSet-Cookie: x=1",
        "/a b",
        "/a\x00",
        "/\u2215evil",
        "/\xe9",
        "/%2fevil.example",
        "/%5cevil",
        "/a%0d%0ab",
        "/a%00",
        "/%",
        "/%zz",
        "/a%2",
        '/"',
        "/<",
        "/a|b",
        "/a^b",
        "/{x}",
        "/`",
        " /a",
        "/a ",
        "@evil.example/",
        "?x",
        "#x",
        ".",
        "/" + "a" * MOST,
        None,
        7,
        ["/a"],
        b"/a",
    ],
    ids=lambda path: ascii(path)[:24],
)
def test_everything_else_is_nowhere(path: object) -> None:
    assert landing(path) == ""


PIECES = [
    "/",
    "\\",
    "%2f",
    "%5c",
    "..",
    ".",
    "%2e",
    "evil.example",
    ":",
    "@",
    "?",
    "#",
    "\t",
    "\n",
    "//",
    "a",
    "http:",
    "%",
    "\u202e",
    "\u017f",
    "\u3002",
]


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.from_regex(r"/[!-~]*")))
@example("/;@evil.example")
def test_whatever_is_taken_stays_on_this_origin(text: str) -> None:
    taken = landing(text)
    assert taken in ("", text)
    if taken:
        there = urlsplit(urljoin(HERE, taken))
        assert (there.scheme, there.netloc) == ("https", "shop.example.com")
        assert taken.isascii()
        assert taken.isprintable()
        assert "\\" not in taken
        assert not taken.startswith("//")


def request(path: str, query: str = "", raw: str | None = None) -> AccessRequest:
    return AccessRequest(now=0.0, path=path, raw_path=raw, query=query)


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        (request("/pay"), "/pay"),
        (request("/pay", "a=1"), "/pay?a=1"),
        (request("/a b", raw="/a%20b"), "/a%20b"),
        (request("/a b"), "/a%20b"),
        (request("/\xe9"), "/%C3%A9"),
        (request("//evil.example/x"), ""),
        (request("/x", raw="//evil.example/x"), ""),
        (request("/x", "a=\r\nb"), ""),
        (request("/x", "a" * MOST), ""),
        (request(""), ""),
    ],
    ids=lambda value: str(value)[-30:],
)
def test_where_somebody_was_going_is_told_if_it_can_be(asked: AccessRequest, path: str) -> None:
    assert asked_for(asked) == path
