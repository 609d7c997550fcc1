"""What is posted: strict JSON or a form, bounded, nothing taken for the other, nothing foreign raised."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.web.ceremonies.reading import MOST_BODY, Posted, label, read, text

JSON, FORM = b"application/json", b"application/x-www-form-urlencoded"


def reading(body: bytes, *kinds: bytes) -> Posted | Reason | None:
    return read(AccessRequest(now=0.0, method="POST", headers=[(b"content-type", kind) for kind in kinds]), body)


def posted(value: Posted | Reason | None) -> dict[str, Any]:
    assert isinstance(value, Posted), value
    return dict(value.members)


@pytest.mark.parametrize(
    "kind", [JSON, b"APPLICATION/JSON", b"application/json; charset=utf-8", b' application/json;charset="UTF-8"']
)
def test_json(kind: bytes) -> None:
    assert posted(reading(b'{"code":"1"}', kind)) == {"code": "1"}


@pytest.mark.parametrize(
    "kind", [FORM, b"Application/X-WWW-Form-Urlencoded", b"application/x-www-form-urlencoded; charset=UTF-8"]
)
def test_forms(kind: bytes) -> None:
    found = reading(b"code=1+2&name=%C3%A9&empty=", kind)
    assert posted(found) == {"code": "1 2", "name": "é", "empty": ""}
    assert isinstance(found, Posted)
    assert found.form
    assert posted(reading(b"", kind)) == {}


@pytest.mark.parametrize(
    "kind",
    [
        b"",
        b"text/plain",
        b"application/json-patch+json",
        b"application/problem+json",
        b"multipart/form-data; boundary=x",
        b"text/json",
        b"application/json, text/plain",
        b"application/json; charset=utf-16",
        b"application/json; x=y",
        b"application/jsonx",
        b"\xff",
        b"application/json\x00",
        b"text/plain; application/json",
        b"application/x-www-form-urlencoded; boundary=x",
    ],
)
def test_what_is_neither_is_not_taken(kind: bytes) -> None:
    assert reading(b"{}", kind) is None


def test_without_a_content_type_nothing_is_taken_and_of_two_none() -> None:
    assert reading(b"{}") is None
    assert isinstance(reading(b"{}", JSON, FORM), Reason)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"x"',
        b"null",
        b'{"a":1,"a":2}',
        b"{",
        b'{"a":NaN}',
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"a":' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"a":"\\ud800"}',
        b"a=1",
    ],
    ids=lambda body: repr(body)[:20],
)
def test_json_is_strict(body: bytes) -> None:
    found = reading(body, JSON)
    assert isinstance(found, Reason)
    assert found.code in ("malformed", "too_large")


@pytest.mark.parametrize(
    "body",
    [b"a", b"a=1&a=2", b"a=%ff", b"\xff=1", b"&&", b"{}", b"&".join(b"a%d=1" % at for at in range(17))],
    ids=lambda body: repr(body)[:20],
)
def test_forms_are_strict(body: bytes) -> None:
    assert isinstance(reading(body, FORM), Reason)


@pytest.mark.parametrize("kind", [JSON, FORM])
def test_a_body_is_bounded(kind: bytes) -> None:
    found = reading(b"x" * (MOST_BODY + 1), kind)
    assert isinstance(found, Reason)
    assert found.code == "too_large"


@given(st.binary(max_size=300), st.sampled_from([JSON, FORM]))
def test_any_octets_are_read_or_refused(body: bytes, kind: bytes) -> None:
    found = reading(body, kind)
    assert isinstance(found, Posted | Reason)
    if isinstance(found, Posted):
        text(found, "code")
        label(found)


@given(st.text())
def test_a_name_is_kept_as_it_shows_or_refused(name: str) -> None:
    kept = label(Posted({"name": name}, form=False))
    if isinstance(kept, str):
        assert kept == name.strip()
        assert len(kept) <= 64
        kept.encode()  # valid Unicode
        assert not {"\n", "\r", "\0", "\u202e", "\u2066", "\u200b", "\ufeff"} & set(kept)


def test_a_text_is_one_of_so_many_characters() -> None:
    given = Posted({"a": "x" * 10, "n": 1}, form=False)
    assert text(given, "a", 10) == "x" * 10
    for found in (text(given, "a", 9), text(given, "n"), text(given, "b")):
        assert isinstance(found, Reason)
        assert "xxx" not in str(found)
