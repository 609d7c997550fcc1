"""Any bytes in any header, path or query give a decision, never a 500 and never access (RFC 9110 section 5.5)."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import json
from typing import Annotated, Any

from fastapi import FastAPI
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.applications import Starlette

from tests.fastapi.world import GOOD, call, can_pay, clock, http_scope, token
from zerotrust.fastapi import Access, Guard

TOKEN = GOOD["authorization"].removeprefix("Bearer ").encode()

APP = FastAPI()
GUARD = Guard(APP, default=token.valid, clock=clock)


@APP.post("/pay")
async def pay(order: dict[str, Any], access: Annotated[Access, GUARD.require(can_pay)]) -> str:
    raise AssertionError("let in")


@APP.websocket("/feed")
async def feed(access: Annotated[Access, GUARD.require(can_pay)]) -> None:
    raise AssertionError("let in")


APP.mount("/sub", Starlette())

STATUSES = {400, 401, 403, 503}

_names = st.sampled_from(
    [b"authorization", b"host", b"content-type", b"content-length", b"cookie", b"dpop"]
) | st.binary(max_size=20)
_tampered = st.tuples(st.integers(0, len(TOKEN)), st.binary(max_size=6)).map(
    lambda cut: b"Bearer " + TOKEN[: cut[0]] + cut[1] + TOKEN[cut[0] + 1 :]
)
_values = (
    st.binary(max_size=200)
    | st.binary(max_size=200).map(lambda tail: b"Bearer " + tail)
    | st.text(alphabet="abcXYZ019-_.=~+/ ", max_size=80).map(lambda tail: b"Bearer " + tail.encode())
    | _tampered
)
headers = st.lists(st.tuples(_names, _values), max_size=6)


def refused(scope: Any) -> None:
    sent = call(APP, scope)
    assert sent.reads == 0
    assert sent.status in STATUSES
    problem = json.loads(sent.body)
    assert problem["status"] == sent.status
    assert problem["code"] != "undecided"


@given(headers)
@example([(b"authorization", b"Bearer " + b"a" * 100_000)])
@example([(b"authorization", b"Bearer " + b"." * 100_000)])
@example([(b"authorization", b"\x00")] * 200)
def test_any_headers_give_a_decision(given_headers: list[tuple[bytes, bytes]]) -> None:
    refused(http_scope("/pay", "POST", given_headers))


@given(headers, st.dictionaries(st.sampled_from(["tls", "websocket.http.response"]), st.just({})))
def test_any_headers_of_a_websocket_give_a_decision(
    given_headers: list[tuple[bytes, bytes]], extensions: dict[str, Any]
) -> None:
    scope = {**http_scope("/feed", headers=given_headers), "type": "websocket", "extensions": extensions}
    sent = call(APP, scope)
    assert sent.messages[0]["type"] in {"websocket.close", "websocket.http.response.start"}


@given(
    path=st.text(max_size=40).map(lambda tail: "/" + tail)
    | st.sampled_from(["", "*", "/pay", "/sub", "/sub/", "//pay"]),
    root=st.sampled_from(["", "/", "/sub", "/pay"]) | st.text(max_size=5),
    query=st.binary(max_size=40),
    method=st.sampled_from(["GET", "POST", "HEAD", "CONNECT", "pay", ""]) | st.text(max_size=8),
)
def test_any_path_query_and_method_give_a_decision(path: str, root: str, query: bytes, method: str) -> None:
    sent = call(APP, http_scope(path, method, query_string=query, root_path=root))
    assert sent.status == 401
    assert sent.reads == 0


@given(st.integers(1, 400), st.sampled_from(["/", "a/", "%2e%2e/", "../", "sub/"]))
def test_a_long_path_gives_a_decision(times: int, part: str) -> None:
    for prefix in ("/", "/sub/"):
        assert call(APP, http_scope(prefix + part * times)).status == 401


@given(client=st.none() | st.tuples(st.text(max_size=30), st.integers()), scheme=st.text(max_size=8))
def test_any_client_and_scheme_give_a_decision(client: object, scheme: str) -> None:
    refused({**http_scope("/pay", "POST"), "client": client, "scheme": scheme})
