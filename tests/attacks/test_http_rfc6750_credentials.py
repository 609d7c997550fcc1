"""RFC 6750: what a client may send as credentials, and the ways of sending them that are refused."""

from __future__ import annotations

import json

import pytest
from fastapi import FastAPI

from tests.fastapi.world import GOOD, ISSUER, PAYER, Sent, call, clock, http_scope, token
from zerotrust import anyone, not_presented
from zerotrust.fastapi import Guard

GOOD_VALUE = GOOD["authorization"].encode()
OTHER_VALUE = PAYER["authorization"].encode()
TOKEN = GOOD_VALUE.removeprefix(b"Bearer ")


def send(*headers: tuple[bytes, bytes], path: str = "/docs", **more: object) -> Sent:
    app = FastAPI()
    Guard(app, default=token.valid, clock=clock)
    return call(app, {**http_scope(path, headers=headers), **more})


def test_the_good_value_is_let_in() -> None:
    """What all refusals below are measured against."""
    assert send((b"authorization", GOOD_VALUE)).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", GOOD_VALUE), (b"authorization", GOOD_VALUE)],
        [(b"authorization", GOOD_VALUE), (b"authorization", OTHER_VALUE)],
        [(b"authorization", b"Basic YTpi"), (b"authorization", GOOD_VALUE)],
        [(b"authorization", b""), (b"authorization", GOOD_VALUE)],
    ],
)
def test_section_3_1_a_header_sent_twice_is_an_invalid_request(headers: list[tuple[bytes, bytes]]) -> None:
    """RFC 9110 section 5.3: which of two would count is for every hop to decide differently."""
    sent = send(*headers)
    assert (sent.status, json.loads(sent.body)["code"]) == (400, "duplicate_header")
    assert sent.headers[b"www-authenticate"] == b'Bearer error="invalid_request"'


@pytest.mark.parametrize(
    "value",
    [
        GOOD_VALUE + b"," + OTHER_VALUE,
        GOOD_VALUE + b", " + GOOD_VALUE,
        GOOD_VALUE + b" ",
        GOOD_VALUE + b" extra",
        b" " + GOOD_VALUE,
        b"Bearer\t" + TOKEN,
        b"Bearer" + TOKEN,
        b"Bearer " + TOKEN + b"\n",
        b"Bearer " + TOKEN + b"\x00",
        b"Bearer\xc2\xa0" + TOKEN,
        b'Bearer "' + TOKEN + b'"',
        b"Bearer token=" + TOKEN,
        b"Token " + TOKEN,
        TOKEN,
    ],
)
def test_section_2_1_anything_but_the_scheme_spaces_and_the_token_is_refused(value: bytes) -> None:
    assert send((b"authorization", value)).status in {400, 401}


def test_section_2_1_there_may_be_several_spaces() -> None:
    assert send((b"authorization", b"bearer   " + TOKEN)).status == 200


@pytest.mark.parametrize(
    ("headers", "query", "body"),
    [
        ([], b"access_token=" + TOKEN, b""),
        ([(b"content-type", b"application/x-www-form-urlencoded")], b"", b"access_token=" + TOKEN),
        ([(b"cookie", b"authorization=" + GOOD_VALUE + b"; access_token=" + TOKEN)], b"", b""),
        ([(b"x-authorization", GOOD_VALUE), (b"proxy-authorization", GOOD_VALUE)], b"", b""),
        ([(b"x-forwarded-authorization", GOOD_VALUE), (b"x-http-authorization", GOOD_VALUE)], b"", b""),
    ],
)
def test_sections_2_2_and_2_3_a_token_anywhere_else_is_no_token(
    headers: list[tuple[bytes, bytes]], query: bytes, body: bytes
) -> None:
    """RFC 9700 section 4.3.2 forbids the query; logs, referrers and histories keep it."""
    app = FastAPI()
    Guard(app, default=token.valid, clock=clock)
    sent = call(app, http_scope("/docs", "POST", headers, query_string=query), body)
    assert (sent.status, json.loads(sent.body)["code"]) == (401, "not_presented")


def test_a_bad_credential_is_not_nothing() -> None:
    """Whoever is let in without a credential is not let in with a bad one: a client should learn that it is bad."""
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=clock)
    guard.protect("/docs", token.valid | not_presented(token))
    assert call(app, http_scope("/docs")).status == 200
    for value in (b"Bearer", b"Bearer ", b"Bearer x", b"Bearer \xff"):
        assert call(app, http_scope("/docs", headers=[(b"authorization", value)])).status == 401


def test_section_5_3_neither_token_nor_subject_comes_back() -> None:
    """Answers travel through logs and caches that tokens must not reach."""
    app = FastAPI()
    Guard(app, default=token.scope("pay"), clock=clock)
    forged = ISSUER.forge_claims(TOKEN.decode(), sub="mallory").encode()
    for value in (GOOD_VALUE, b"Bearer " + forged, b"Bearer " + TOKEN[:-6]):
        sent = call(app, http_scope("/docs", headers=[(b"authorization", value)]))
        assert sent.status in {401, 403}
        for leak in (*value.removeprefix(b"Bearer ").split(b"."), b"alice", b"mallory"):
            assert leak not in sent.body
            assert not any(leak in text for _, text in sent.messages[0]["headers"])
        assert sent.headers[b"cache-control"] == b"no-store"


def test_an_open_route_cares_for_no_credential() -> None:
    app = FastAPI()
    Guard(app, default=anyone(because="a test"), clock=clock)
    assert call(app, http_scope("/docs", headers=[(b"authorization", b"\xff\x00")])).status == 200
