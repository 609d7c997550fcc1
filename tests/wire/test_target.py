from __future__ import annotations

import re
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zerotrust.core.reason import Reason
from zerotrust.wire.target import encoded_path, is_plain, normal_origin, normal_path, normal_target

BASE = "https://api.example"


def refused(outcome: str | Reason) -> bool:
    return isinstance(outcome, Reason)


@pytest.mark.parametrize(
    ("spelled", "normal"),
    [
        # RFC 3986 section 6.2.2.1: case.
        ("HTTPS://API.Example/A", "https://api.example/A"),
        ("https://api.example/%e2%82%ac", "https://api.example/%E2%82%AC"),
        # Section 6.2.2.2: what need not be encoded.
        ("https://api.example/%7Eada/%41%2d%5F%2E1", "https://api.example/~ada/A-_.1"),
        ("https://api.example/a%2Fb", "https://api.example/a%2Fb"),
        ("https://api.example/a%21", "https://api.example/a%21"),
        # Section 6.2.3: the default port, the empty port, the empty path.
        ("https://api.example:443/a", "https://api.example/a"),
        ("https://api.example:/a", "https://api.example/a"),
        ("http://api.example:80/a", "http://api.example/a"),
        ("http://api.example:443/a", "http://api.example:443/a"),
        ("https://API.example:8443/a", "https://api.example:8443/a"),
        ("https://api.example", "https://api.example/"),
        # Names and addresses.
        ("https://192.0.2.1/a", "https://192.0.2.1/a"),
        ("https://[2001:DB8::1]:443/a", "https://[2001:db8::1]/a"),
        ("http://a_b/", "http://a_b/"),
        # Query and fragment are no part of it (RFC 9449 section 4.3).
        ("https://api.example/a?b=c#d", "https://api.example/a"),
        ("https://api.example?b", "https://api.example/"),
        ("https://api.example#b", "https://api.example/"),
        ("https://api.example/a?u=https://b.example/../c", "https://api.example/a"),
        # What looks like a dot segment and is none.
        ("https://api.example/.well-known/a", "https://api.example/.well-known/a"),
        ("https://api.example/...", "https://api.example/..."),
        ("https://api.example/a.", "https://api.example/a."),
        ("https://api.example//a//", "https://api.example//a//"),
        ("https://api.example/a;b=1,2/(c)@:$&'*+!=", "https://api.example/a;b=1,2/(c)@:$&'*+!="),
    ],
)
def test_one_spelling(spelled: str, normal: str) -> None:
    assert normal_target(spelled) == normal
    assert normal_target(normal) == normal


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/a",
        "//api.example/a",
        "api.example/a",
        "https:/api.example/a",
        "https:///a",
        "https://",
        "ftp://api.example/a",
        "wss://api.example/a",
        "file://api.example/a",
        "httpx://api.example:1/a",
        "javascript:alert(1)",
        # user information
        "https://api.example@evil.example/a",
        "https://user:password@api.example/a",
        "https://@api.example/a",
        # what parsers read differently
        "https://api.example\\@evil.example/a",
        "https://api.example/a\\b",
        "https://api.example/a b",
        "https://api.example/a\tb",
        "https://api.example/a\n",
        "\thttps://api.example/a",
        "https://api.example/a\x00",
        "https://api.example/a?b c",
        "https://api.example/a#\x7f",
        "https://api.example/é",
        "https://éxample/a",
        "https://api.example/\ud800",
        "https://api.example%2fa",
        "https://api%2eexample/a",
        "https://api.example/a%",
        "https://api.example/a%2",
        "https://api.example/a%zz",
        'https://api.example/a"b',
        "https://api.example/a|b",
        "https://api.example/a[b]",
        "https://api.example/{a}",
        # ports
        "https://api.example:0/a",
        "https://api.example:0443/a",
        "https://api.example:65536/a",
        "https://api.example:99999/a",
        "https://api.example:443:443/a",
        "https://api.example:-1/a",
        "https://api.example:4e2/a",
        # hosts
        "https://api..example/a",
        "https://.example/a",
        "https://api.example./a",
        "https://-a.example/a",
        "https://[::1/a",
        "https://::1/a",
        "https://[fe80::1%25eth0]/a",
        # dot segments, encoded or not
        "https://api.example/../a",
        "https://api.example/a/..",
        "https://api.example/a/./b",
        "https://api.example/.",
        "https://api.example/a/%2e%2E/b",
        "https://api.example/a/.%2e",
        "https://api.example/%2e/a",
    ],
)
def test_what_has_no_spelling(url: str) -> None:
    assert refused(normal_target(url))
    assert not is_plain(url)


def test_a_length_that_no_url_has() -> None:
    assert refused(normal_target(BASE + "/" + "a" * 2048))
    assert refused(normal_path("/" + "a" * 2048))
    assert refused(encoded_path("/" + "a" * 2048))
    assert not is_plain(BASE + "/" + "a" * 2048)


@pytest.mark.parametrize(
    ("scheme", "host", "origin"),
    [
        ("https", "API.example", "https://api.example"),
        ("HTTPS", "api.example:443", "https://api.example"),
        ("https", "api.example:8443", "https://api.example:8443"),
        ("http", "localhost:8000", "http://localhost:8000"),
        # RFC 6455 section 4.1: a handshake is an HTTP request.
        ("wss", "api.example:443", "https://api.example"),
        ("ws", "api.example:80", "http://api.example"),
    ],
)
def test_origins(scheme: str, host: str, origin: str) -> None:
    assert normal_origin(scheme, host) == origin


@pytest.mark.parametrize(
    ("scheme", "host"),
    [
        ("https", ""),
        ("", "api.example"),
        ("ftp", "api.example"),
        ("http\u017f", "api.example"),
        ("https", "api.example/a"),
        ("https", "user@api.example"),
        ("https", "api.example, evil.example"),
        ("https", "api.example\n"),
        ("https", "a" * 64),
        ("https", "a." * 2000 + "example"),
    ],
)
def test_what_is_no_origin(scheme: str, host: str) -> None:
    assert refused(normal_origin(scheme, host))


@pytest.mark.parametrize(
    ("path", "encoded"),
    [
        ("/a b", "/a%20b"),
        ("/é", "/%C3%A9"),
        ("/~ada", "/~ada"),
        ("/a%b", "/a%25b"),
        ("/a?b", "/a%3Fb"),
        ("/a!$&'()*+,;=:@b", "/a!$&'()*+,;=:@b"),
        ("/", "/"),
        ("", "/"),
    ],
)
def test_a_path_that_was_decoded(path: str, encoded: str) -> None:
    assert encoded_path(path) == encoded


@pytest.mark.parametrize("path", ["a", "*", "/../a", "/a/.", "/\ud800", "http://api.example/"])
def test_a_decoded_path_that_is_none(path: str) -> None:
    assert refused(encoded_path(path))


@pytest.mark.parametrize("path", ["a", "*", "/a?b", "/a#b", "/%", "/é", "/a/%2e%2e/b", "https://api.example/a"])
def test_a_path_as_sent_that_is_none(path: str) -> None:
    assert refused(normal_path(path))


# --- Properties ------------------------------------------------------------------------------------------------------
urls = st.one_of(
    st.text(max_size=40),
    st.text("htps:/.%2eEfFaA@\\?#:[]0148~-_ ", max_size=40),
    st.builds("https://{}{}".format, st.text("aA.:0-_@", min_size=1, max_size=12), st.text("/a.%2eE7f;~", max_size=16)),
)
paths = st.text("/.aA%2eE7fF;~é \\", max_size=16).map(lambda path: "/" + path)


@given(urls)
def test_any_text_has_one_spelling_or_none(url: str) -> None:
    normal = normal_target(url)
    if isinstance(normal, str):
        assert normal_target(normal) == normal
        assert re.fullmatch(r"https?://[!-~]+", normal)
        assert not re.search(r"/\.\.?(/|$)|[?#@\\]", normal.split("://")[1].split("/")[0])
    assert isinstance(normal_path(url), str | Reason)
    assert isinstance(encoded_path(url), str | Reason)
    assert isinstance(normal_origin(url, url), str | Reason)


pieces = ["a", "A", "%61", "%41", "/", "%2F", "%2f", "~", "%7E", "%7e", ";", "%3B", ".", "%2E", "%2e", "-", "%5C"]
spelled = st.tuples(
    st.sampled_from(["http", "https", "HTTPS"]),
    st.sampled_from(["a.example", "A.example", "b.example"]),
    st.sampled_from(["", ":", ":80", ":443", ":8443"]),
    st.lists(st.sampled_from(pieces), max_size=4).map("".join),
)
Spelled = tuple[str, str, str, str]


def meaning(url: Spelled) -> tuple[object, ...]:
    """What a URL names, by another way: RFC 3986 section 2 read character by character."""
    scheme, host, port, path = url
    tokens = re.findall("%..|.", "/" + path)
    characters = [chr(int(token[1:], 16)) if len(token) == 3 else token for token in tokens]
    free = [len(token) == 1 or re.fullmatch(r"[\w.~-]", char) for token, char in zip(tokens, characters, strict=True)]
    default = {"http": "80", "https": "443"}[scheme.lower()]
    return scheme.lower(), host.lower(), port[1:] or default, *zip(characters, map(bool, free), strict=True)


@given(spelled, spelled)
@example(("https", "a.example", "", "%61"), ("HTTPS", "A.example", ":443", "a"))
def test_spellings_are_equal_exactly_if_they_name_the_same_resource(one: Spelled, other: Spelled) -> None:
    first, second = (normal_target(f"{scheme}://{host}{port}/{path}") for scheme, host, port, path in (one, other))
    if isinstance(first, str) and isinstance(second, str):
        assert (first == second) == (meaning(one) == meaning(other))


@given(urls)
def test_what_is_plain_is_in_its_one_spelling(url: str) -> None:
    assert not is_plain(url) or normal_target(url) == url


@given(paths)
def test_a_path_that_needed_no_encoding_is_the_same_decoded(path: str) -> None:
    sent = quote(path, safe="/;~")
    normal = normal_path(sent)
    assert normal == encoded_path(unquote(sent))


@given(st.lists(st.sampled_from(["a", "/", "%2F", "%2f", "~", ";", "%C3%A9"]), max_size=5).map("".join))
def test_a_decoded_path_is_never_taken_for_one_sent_with_an_encoded_slash(path: str) -> None:
    sent = f"/%2F{path}"
    assert isinstance(normal_path(sent), str)
    assert normal_path(sent) != encoded_path(unquote(sent))
