"""Paths of one reading, and the patterns for them."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.segments import reference
from tests.segments.world import PATHS, PATTERNS
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import MALFORMED, TOO_LARGE, Reason
from zerotrust.segments.patterns import PathPattern, meet, witnesses
from zerotrust.wire.path import MAX_PATH, covers, read_path

GOOD = {
    "/": ("",),
    "/a": ("a",),
    "/a/": ("a", ""),
    "/a/b": ("a", "b"),
    "/~a-b_c.d": ("~a-b_c.d",),
    "/...": ("...",),
    "/.a/..b/a.": (".a", "..b", "a."),
    "/a@b:c,d=e!f$g&h'i(j)k*l+m": ("a@b:c,d=e!f$g&h'i(j)k*l+m",),
    "/a%40b": ("a@b",),
    "/a%20b": ("a b",),
    "/caf%C3%A9": ("café",),
    "/caf%c3%a9": ("café",),
    "/%F0%9F%98%80": ("\U0001f600",),
    "/a%3Fb%23c": ("a?b#c",),
    "/%7Bid%7D": ("{id}",),
}
ODD = (
    "", "a", "*", "//", "/a//b", "//a", "/a//", "/.", "/..", "/./a", "/a/../b", "/a/.", "/a/..", "/%2e/a",
    "/a/%2E%2e/b", "/a%2Fb", "/a%2fb", "/a%5Cb", "/a%5cb", "/a\\b", "/a;b", "/a;v=1/b", "/a%3Bb", "/a%3bb",
    "/a%00", "/a%0a", "/a%7F",
    "/a\n", "/a b", "/a%", "/a%4", "/a%zz", "/%61", "/%2D", "/%5f", "/%7E", "/a%25b", "/a%252Fb", "/%FF", "/%C0%AF",
    "/%E0%80%AF", "/%ED%A0%80", "/%F5%80%80%80", "/%C3", "/%C3/%A9", "/%EF%BF%BD", "/é", "/a?b", "/a#b", "/a[b]",
    "/a|b", '/a"b', "http://x/a", "/a\r\nb",
)  # fmt: skip


@pytest.mark.parametrize("raw", GOOD)
def test_a_path_of_one_reading_is_its_segments(raw: str) -> None:
    assert read_path(unquote(raw), raw) == GOOD[raw]
    if "%25" not in raw:
        assert read_path(unquote(raw)) == GOOD[raw]


@pytest.mark.parametrize("raw", ODD)
def test_a_path_of_several_readings_is_refused(raw: str) -> None:
    found = read_path(unquote(raw), raw)
    assert isinstance(found, Reason)
    assert found.kind is MALFORMED
    assert str(found.presented)


@pytest.mark.parametrize(
    "path", ["/a;b", "/a\\b", "/a%b", "/a\0", "/a\x7f", "/a//b", "/..", "/\ud800", "/a\ufffd", "", "a"]
)
def test_so_it_is_where_the_server_does_not_tell_how_it_was_sent(path: str) -> None:
    assert isinstance(read_path(path), Reason)


@pytest.mark.parametrize(
    ("path", "raw"), [("/b", "/a"), ("/a", "/a/"), ("/a/b", "/b"), ("/A", "/a"), ("/é", "/e%CC%81")]
)
def test_a_router_that_saw_another_path_is_noticed(path: str, raw: str) -> None:
    found = read_path(path, raw)
    assert isinstance(found, Reason)
    assert found.presented == "a path that differs from the one sent"


def test_a_long_path_is_not_read() -> None:
    for path, raw in (("/" + "a" * MAX_PATH, None), ("/a", "/" + "a" * MAX_PATH)):
        found = read_path(path, raw)
        assert isinstance(found, Reason)
        assert found.kind is TOO_LARGE
    assert read_path("/" + "a" * (MAX_PATH - 1)) == ("a" * (MAX_PATH - 1),)


@given(st.text(max_size=40), st.none() | st.text(max_size=40))
def test_anything_is_read_or_refused(path: str, raw: str | None) -> None:
    found = read_path(path, raw)
    assert isinstance(found, Reason) or "/" + "/".join(found) == path


_pieces = st.lists(
    st.sampled_from(["/", "a", ".", "..", "%2F", "%41", "%C3%A9", "%40", "%25", ";", "\\", "%5C", " ", "@", "%"]),
    max_size=8,
).map(lambda parts: "/" + "".join(parts))


@given(_pieces)
def test_what_is_read_has_one_spelling_but_for_what_may_be_encoded(raw: str) -> None:
    """Whoever decodes once, resolves dots, merges slashes or folds backslashes comes to the same path."""
    found = read_path(unquote(raw), raw)
    if isinstance(found, Reason):
        return
    decoded = unquote(raw, errors="strict")
    assert unquote(decoded) == decoded
    assert re.sub("/+", "/", decoded) == decoded
    assert "\\" not in decoded
    assert ";" not in decoded
    assert not {".", ".."} & set(decoded.split("/"))
    assert raw.count("/") == decoded.count("/") == len(found)


@given(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=3))
def test_sent_and_decoded_are_read_alike(parts: list[str]) -> None:
    path = "/" + "/".join(parts)
    try:
        raw = quote(path)
    except UnicodeEncodeError:
        assert isinstance(read_path(path), Reason)
        return
    one, another = read_path(path, raw), read_path(path)
    assert one == another or (isinstance(one, Reason) and isinstance(another, Reason))


# --- Patterns --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a slash at its beginning"),
        ("a", "a slash at its beginning"),
        ("/a?x=1", "nothing after the '?' is ever looked at, it is no part of the path; write '/a'"),
        ("/a#top?x", "nothing after the '#' is ever looked at, it is no part of the path; write '/a'"),
        ("/?", "write '/'"),
        (None, "a slash at its beginning"),
        (7, "a slash at its beginning"),
        ("/*", "nothing else stands for more"),
        ("/a*", "nothing else stands for more"),
        ("/a/**/b", "nothing else stands for more"),
        ("/**/**", "nothing else stands for more"),
        ("/{}", "nothing else stands for more"),
        ("/{id}.json", "nothing else stands for more"),
        ("/{a b}", "nothing else stands for more"),
        ("/{id}/{id}", "one name stands twice"),
        ("//", "no request can match it"),
        ("/a//b", "no request can match it"),
        ("/a/../b", "no request can match it"),
        ("/.", "no request can match it"),
        ("/a%2Fb", "no request can match it"),
        ("/a%20b", "no request can match it"),
        ("/a;b", "no request can match it"),
        ("/a\\b", "no request can match it"),
        ("/a\n", "no request can match it"),
        ("/\ud800", "no request can match it"),
        ("/a" * 65, "at most 64 segments"),
        ("/" + "a" * MAX_PATH, "at most 64 segments"),
    ],
)
def test_what_is_no_pattern_is_refused_with_what_to_write(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        PathPattern(text)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_cover_what_they_say(pattern: str) -> None:
    compiled, wrong = PathPattern(pattern), []
    for path in PATHS[:40]:
        segments = read_path(path)
        assert not isinstance(segments, Reason), path
        if compiled.matches(segments) is not reference.covers_path(pattern, path):
            wrong.append(path)
    assert not wrong


def test_examples_of_the_documentation() -> None:
    def match(pattern: str, path: str) -> bool:
        segments = read_path(path)
        return not isinstance(segments, Reason) and PathPattern(pattern).matches(segments)

    assert match("/accounts/{id}", "/accounts/7")
    assert not match("/accounts/{id}", "/accounts/")
    assert not match("/accounts/{id}", "/accounts/7/")
    assert match("/accounts/**", "/accounts/")
    assert match("/accounts/**", "/accounts/7/x")
    assert not match("/accounts/**", "/accounts")
    assert not match("/accounts/**", "/accountsx/7")
    assert not match("/accounts", "/Accounts")
    assert match("/café/a b", "/café/a b")


_shapes = st.sampled_from(PATTERNS).map(lambda text: PathPattern(text).shape)
_paths = [path for text in PATHS if not isinstance(path := read_path(text), Reason)]


@given(_shapes, _shapes)
def test_meet_is_what_both_cover(
    one: tuple[tuple[str | None, ...], bool], another: tuple[tuple[str | None, ...], bool]
) -> None:
    both = meet(one, another)
    assert both == meet(another, one)
    for path in _paths:
        assert (both is not None and covers(both, path)) is (covers(one, path) and covers(another, path))


@given(_shapes, st.lists(_shapes, min_size=1, max_size=4))
def test_witnesses_show_whether_patterns_cover_a_pattern_between_them(
    shape: tuple[tuple[str | None, ...], bool], others: list[tuple[tuple[str | None, ...], bool]]
) -> None:
    deepest = max(len(segments) for segments, _ in others)
    seen = all(any(covers(other, path) for other in others) for path in witnesses(shape, deepest))
    assert seen is all(any(covers(other, path) for other in others) for path in _paths if covers(shape, path))


@pytest.mark.parametrize(
    ("pattern", "others", "covered"),
    [
        ("/a/**", ["/a/", "/a/{x}", "/a/{x}/**"], True),
        ("/a/**", ["/a/", "/a/{x}", "/a/{x}/", "/a/{x}/{y}", "/a/{x}/{y}/**"], True),
        ("/a/**", ["/a/{x}", "/a/{x}/**"], False),
        ("/a/**", ["/a/", "/a/{x}/**"], False),
        ("/a/**", ["/a/", "/a/{x}"], False),
        ("/a/**", ["/a/", "/a/{x}", "/a/{x}/{y}", "/a/{x}/{y}/**"], False),
        ("/a/**", ["/a/", "/a/{x}", "/a/{x}/", "/a/{x}/{y}/**"], False),
        ("/a/**", ["/a/", "/a/{x}", "/a/b/**"], False),
        ("/{x}", ["/a", "/b"], False),
        ("/a", ["/{x}"], True),
        ("/a/", ["/{x}"], False),
    ],
)
def test_patterns_that_cover_a_pattern_between_them(pattern: str, others: list[str], covered: bool) -> None:
    shapes = [PathPattern(other).shape for other in others]
    deepest = max(len(segments) for segments, _ in shapes)
    paths = witnesses(PathPattern(pattern).shape, deepest)
    assert all(any(covers(shape, path) for shape in shapes) for path in paths) is covered
