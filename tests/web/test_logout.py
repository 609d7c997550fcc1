"""The logout endpoint as HTTP: OpenID Connect Back-Channel Logout 1.0 sections 2.5 and 2.8."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search import usually
from tests.verifiers.kept import Kept
from tests.verifiers.logout_tokens import back_channel, logout_token
from tests.verifiers.tokens import NOW
from zerotrust.core.request import AccessRequest
from zerotrust.driver import run
from zerotrust.web.answer import Answer
from zerotrust.web.logout import MOST_BODY, logout_answer

FORM = b"application/x-www-form-urlencoded"
GOOD = urlencode({"logout_token": logout_token()}).encode()


def post(
    body: bytes = GOOD,
    *,
    kind: bytes | None = FORM,
    method: str = "POST",
    kept: Kept | None = None,
    twice: bool = False,
) -> Answer:
    headers = [] if kind is None else [(b"content-type", kind)] * (1 + twice)
    asked = AccessRequest(now=NOW, method=method, headers=headers)
    return run(logout_answer(back_channel(), asked, body), (kept or Kept()).sources)


def test_done() -> None:
    answer = post()
    assert (answer.status, answer.body, answer.code) == (200, b"", "logged_out")
    assert dict(answer.headers)[b"cache-control"] == b"no-store"


@pytest.mark.parametrize(
    "kind", [FORM, FORM + b"; charset=UTF-8", FORM.upper(), FORM + b" ;x"], ids=lambda kind: kind.decode()
)
def test_content_types(kind: bytes) -> None:
    assert post(kind=kind).status == 200


@pytest.mark.parametrize("kind", [None, b"", b"application/json", b"text/plain", b"multipart/form-data", FORM + b"x"])
def test_other_content_types(kind: bytes | None) -> None:
    kept = Kept()
    assert post(kind=kind, kept=kept).status == 400
    assert post(twice=True).status == 400
    assert not kept.asked


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"logout_token",
        b"logout_token=",
        b"logout_token=a.b.c",
        GOOD + b"&" + GOOD,
        GOOD + b"&logout_token=",
        b"Logout_token=" + GOOD[13:],
        b"id_token=" + GOOD[13:],
        GOOD[13:],
        GOOD + b"&" + b"&".join(b"a%d=1" % number for number in range(40)),
        GOOD + b"&x=%ff",
        GOOD + b"&x=\xff",
        GOOD + b"&x",
        GOOD + b"%0a",
        b"logout_token=+" + GOOD[13:],
        json.dumps({"logout_token": GOOD[13:].decode()}).encode(),
    ],
    ids=map(str, range(16)),  # not the bodies: each process signs its own
)
def test_what_is_not_one_good_token(body: bytes) -> None:
    answer = post(body)
    assert answer.status == 400
    assert json.loads(answer.body)["error"] == "invalid_request"
    headers = dict(answer.headers)
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"content-length"] == str(len(answer.body)).encode()


def test_fields_that_nobody_knows_are_ignored() -> None:
    assert post(GOOD + b"&state=1&empty=").status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "post"])
def test_other_methods(method: str) -> None:
    answer = post(method=method)
    assert answer.status == 405
    assert dict(answer.headers)[b"allow"] == b"POST"


def test_a_large_body() -> None:
    kept = Kept()
    assert post(GOOD + b"&x=" + b"a" * MOST_BODY, kept=kept).status == 413
    assert post(GOOD + b"&x=" + b"a" * (MOST_BODY - len(GOOD) - 3)).status == 200
    assert not kept.asked


def test_a_token_that_is_refused_and_why() -> None:
    answer = post(urlencode({"logout_token": logout_token(nonce="n", sub="ada-secret")}).encode())
    said = json.loads(answer.body)
    assert (answer.status, answer.code) == (400, "wrong_claim")
    assert said == {
        "error": "invalid_request",
        "error_description": "wrong_claim: a claim says something else than it must",
    }


def test_replayed() -> None:
    kept = Kept()
    assert post(kept=kept).status == 200
    assert (post(kept=kept).status, post(kept=kept).code) == (400, "replayed")


def test_an_outage_is_told_so_that_it_is_sent_again() -> None:
    for step in range(6):
        kept = Kept()
        kept.fails_after = step
        answer = post(kept=kept)
        assert answer.status == 503
        assert dict(answer.headers)[b"retry-after"] == b"3"
        assert dict(answer.headers)[b"cache-control"] == b"no-store"
        assert json.loads(answer.body)["error"] == "server_error"
        kept.fails_after = float("inf")
        assert post(kept=kept).status == 200


@usually(200)
@given(body=st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: GOOD + tail), kind=st.binary(max_size=60))
def test_any_bytes_are_answered(body: bytes, kind: bytes) -> None:
    assert post(body).status in {200, 400}
    assert post(body, kind=kind).status in {200, 400}
