"""Tokens, proofs, cookies, codes, headers, paths and bodies: in no capsule, in no log of recording (CWE-532)."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import json
import logging
from typing import Annotated, Any

import pytest
from fastapi import FastAPI

from tests.fastapi.world import ISSUER, NOW, call, clock, http_scope, raw, token
from tests.replay.world import KEY, recorded
from tests.web.ceremonies.doors import guarded
from tests.web.ceremonies.world import Codes, Sending, World, make, through
from zerotrust import AccessRequest, Bearer, Issuer, Policy, Sources, minutes
from zerotrust.core.finding import Absent, Rejected, Unavailable, Verified
from zerotrust.core.reason import BAD_SIGNATURE, NOT_PRESENTED, SOURCE_DOWN, SUBJECT_MISMATCH
from zerotrust.engine import judge
from zerotrust.fastapi import Access, Guard
from zerotrust.replay import Recorder
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing import DPoPClient
from zerotrust.verifiers.dpop import DPoP
from zerotrust.web.shadow import Shadow

SECRET = "planted-secret"


class Broken(RuntimeError):
    """Quotes what it should not."""


def broken(evidence: Any) -> bool:
    raise Broken(f"{SECRET} {evidence.claims}")


def test_nothing_of_a_request_but_its_declared_route_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    lines: list[bytes] = []
    app = FastAPI()
    candidate = token.that(broken, "broken") & token.claim("dept", "law")
    guard = Guard(
        app, default=token.valid, clock=clock, recorder=Recorder(token.scope("pay"), key=KEY, sink=lines.append),
        shadow=Shadow({token.valid: candidate}),
    )  # fmt: skip

    @app.get("/files/{name}", dependencies=[guard.require(token.that(broken, "broken"))])
    async def files(name: str) -> str:
        return name

    @app.post("/pay/{order}")
    async def pay(order: str) -> str:
        return order

    minted = ISSUER.mint(
        email=f"{SECRET}@example.com", password=SECRET, nested={"deep": [SECRET]}, dept=["law", {"a": SECRET}]
    )
    planted = {
        "authorization": f"Bearer {minted}",
        "cookie": f"session={SECRET}",
        "x-api-key": SECRET,
        "user-agent": SECRET,
        "x-request-id": SECRET,
        "dpop": SECRET,
        "x-forwarded-for": SECRET,
        "origin": f"https://{SECRET}.example",
        "host": f"{SECRET}.example",
    }
    with caplog.at_level(logging.INFO):
        for method, path in (("GET", f"/files/{SECRET}"), ("POST", f"/pay/{SECRET}"), ("PLANTED-SECRET", f"/{SECRET}")):
            for headers in (planted, {**planted, "authorization": f"Bearer {SECRET}"}, {"cookie": planted["cookie"]}):
                scope = http_scope(path, method, raw(headers), query_string=f"q={SECRET}".encode())
                call(app, scope, json.dumps({"secret": SECRET}).encode())
    assert len(lines) == 9
    told = b"".join(lines).lower()
    for secret in (SECRET, "planted", minted, *minted.split("."), "alice"):
        assert secret.lower().encode() not in told, secret
    assert SECRET not in caplog.text


def test_proofs_of_keys_do_not_show() -> None:
    lines: list[bytes] = []
    app, client = FastAPI(), DPoPClient(clock=clock)
    dpop = DPoP(url="https://api.example")
    bound = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="api", dpop=dpop)
    recorder = Recorder(key=KEY, sink=lines.append)
    Guard(app, default=bound.scope("pay"), clock=clock, sources=Sources(MemoryStore()), recorder=recorder)
    access = ISSUER.mint(scope="pay", cnf=client.cnf)
    good = client.headers("GET", "https://api.example/x", access)
    forged = [(name, value + b"x" if name == b"dpop" else value) for name, value in good]
    for headers in (good, good, forged):  # good, replayed, forged
        call(app, http_scope("/x", headers=headers))
    assert [json.loads(line)["found"][0]["state"] for line in lines] == ["verified", "rejected", "rejected"]
    for secret in (*access.split("."), *dict(good)[b"dpop"].decode().split("."), client.jkt):
        assert secret.encode() not in b"".join(lines)


def test_codes_and_cookies_do_not_show() -> None:
    lines: list[bytes] = []
    recorder = Recorder(key=KEY, sink=lines.append)

    def door(world: World, sent: Sending) -> Any:
        policy: Policy = world.token.valid & world.session.valid & world.totp.within(minutes(15))
        return through(guarded(world, default=policy, recorder=recorder), sent)

    world = make(door=door)
    browser = world.browser()
    offer = browser.post("totp/enrol/options").json
    codes = Codes.of(offer["secret"])
    first = codes.at(world.now)
    browser.post("totp/enrol", {"code": first})
    browser.post("totp/verify", {"code": "424242"})
    browser.get("nowhere")
    told = b"".join(lines)
    assert lines
    for secret in (offer["secret"], offer["secret"].replace(" ", ""), first, "424242", *browser.cookies.values()):
        assert str(secret).encode() not in told


REASONS = (
    Rejected(BAD_SIGNATURE(expected=SECRET, presented=SECRET, detail=SECRET)),
    Rejected(SUBJECT_MISMATCH(expected=SECRET, presented=SECRET)),
    Absent(NOT_PRESENTED(detail=SECRET)),
    Unavailable(SOURCE_DOWN(detail=f"https://user:{SECRET}@store.example"), 5.0),
)


@pytest.mark.parametrize("finding", REASONS, ids=lambda finding: finding.reason.code)
def test_of_a_reason_its_code_alone_is_kept(finding: Any) -> None:
    line = recorded(judge(token.scope("pay"), {token: finding}, NOW))
    assert SECRET.encode() not in line
    assert finding.reason.code.encode() in line


@pytest.mark.parametrize(
    "value",
    [
        f"Bearer {SECRET}", f"Basic {SECRET}", f"DPoP {SECRET}", f"eyJhbGciOiJFZERTQSJ9.{SECRET}.x",
        f"-----BEGIN PRIVATE KEY-----{SECRET}", "x" * 600 + SECRET, [f"Bearer {SECRET}"],
        {"a": {"b": f"Bearer {SECRET}"}},
    ],
    ids=["bearer", "basic", "dpop", "jwt", "pem", "long", "in a list", "in an object"],
)  # fmt: skip
def test_what_looks_like_a_credential_is_left_out_of_a_claim_that_is_read(value: Any) -> None:
    policy = token.claim("dept", "law")
    line = recorded(judge(policy, {token: Verified(token.exhibit({"claims.dept": value}, NOW))}, NOW))
    assert SECRET.encode() not in line
    assert json.loads(line)["found"][0]["says"] == {}


def test_the_key_is_in_no_repr_and_in_no_capsule() -> None:
    lines: list[bytes] = []
    key = "c2VjcmV0LWtleS1vZi10aGlydHktdHdvLW9jdGV0cyE"
    recorder = Recorder(key=key, sink=lines.append)
    recorder.record(judge(token.valid, {}, NOW), AccessRequest(now=NOW), route="/x")
    assert lines
    assert key not in repr(recorder) + lines[0].decode()


def test_the_handler_is_given_what_it_always_was() -> None:
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=clock, recorder=Recorder(key=KEY, sink=lambda line: None))

    @app.get("/me")
    async def me(access: Annotated[Access, guard.require(token.scope("read"))]) -> str:
        return access[token].subject

    headers = raw({"authorization": f"Bearer {ISSUER.mint(scope='read')}"})
    assert json.loads(call(app, http_scope("/me", headers=headers)).body) == "alice"
