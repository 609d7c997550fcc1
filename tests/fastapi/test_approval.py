"""Approvals through the guard: what is to be approved is told, the same request comes again, the record stays."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import json
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Request
from pydantic import BaseModel

from tests.fastapi.world import ISSUER, NOW, Sent, call, clock, http_scope, token
from zerotrust import ConfigError, Sources, minutes
from zerotrust.core.ask import ReadBody
from zerotrust.core.policy import Policy, at_least
from zerotrust.driver import run
from zerotrust.factors.account import Account
from zerotrust.factors.enrolled import Enrolled
from zerotrust.factors.relying_party import RelyingParty
from zerotrust.fastapi import Access, Guard
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing import LocalAuthenticator
from zerotrust.verifiers.approval import Approval
from zerotrust.verifiers.approval_record import ApprovalRecord, check_record
from zerotrust.verifiers.passkey import Passkey
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.totp import Totp
from zerotrust.web.ceremonies import Ceremonies
from zerotrust.web.wired import check_policy
from zerotrust.wire.encoding import b64url_encode

ORIGIN = "https://shop.example.com"
session = Session(of=token)
passkey = Passkey(
    RelyingParty("example.com", name="Example", origins=[ORIGIN]), of=session, secret=bytes(range(100, 132))
)
totp = Totp("Example", of=session)
approval = Approval(passkey, fields=("amount", "to"), within=minutes(5))
ALICE = Account(ISSUER.url, "alice")
ORDER = b'{"amount":100,"to":"bob"}'
JSON = (b"content-type", b"application/json")


class Order(BaseModel):
    amount: int
    to: str


class World:
    """An application with a guard, and alice, who has a passkey."""

    def __init__(self, *, ceremonies: bool = True) -> None:
        self.store = MemoryStore(keys=StoreKeys(encrypt=[bytes(range(32))]))
        self.authenticator = LocalAuthenticator("example.com", ORIGIN)
        self.filed: list[ApprovalRecord] = []
        self.paid: list[int] = []
        options = run(passkey.offering(ALICE, "alice", "Alice", b"browser", NOW), Sources(self.store))
        made = self.authenticator.create(options)
        done = run(passkey.enrolling(ALICE, made, b"browser", NOW, "key"), Sources(self.store))
        assert isinstance(done, Enrolled), done
        self.app = app = FastAPI()
        factors: Any = (
            {"ceremonies": Ceremonies(session, passkey, totp, first=token.valid, name="Example")} if ceremonies else {}
        )
        guard = Guard(app, default=token.valid, sources=Sources(self.store), clock=clock, **factors)
        paying = guard.require(token.scope("pay") & approval.given)

        @app.post("/payments")
        async def pay(order: Order, access: Annotated[Access, paying]) -> dict[str, str]:
            found = access[approval]
            self.filed.append(found.record)
            self.paid.append(order.amount)
            return {"by": found.by}

        @app.post("/either", dependencies=[guard.require(totp.within(minutes(5)) & approval.given)])
        async def either(request: Request) -> None:
            self.paid.append(len(await request.body()))

    def send(
        self, body: bytes = ORDER, *headers: tuple[bytes, bytes], scope: str = "pay", path: str = "/payments"
    ) -> Sent:
        shown = f"Bearer {ISSUER.mint(scope=scope, sub='alice')}".encode()
        scope_ = http_scope(path, "POST", [(b"authorization", shown), JSON, *headers])
        return call(self.app, scope_, body)

    def approve(self, refusal: Sent) -> tuple[bytes, bytes]:
        ((step,),) = json.loads(refusal.body)["step_up"]["ways"]
        response = self.authenticator.get(step["publicKey"])
        return b"zerotrust-approval", f"{step['approval']}.{b64url_encode(response.encode())}".encode()


@pytest.mark.parametrize("ceremonies", [True, False])
def test_the_refusal_says_what_is_to_be_approved_and_the_same_request_passes_with_it(ceremonies: bool) -> None:
    world = World(ceremonies=ceremonies)
    refusal = world.send()
    assert (refusal.status, refusal.reads) == (401, 1)
    assert b'error="insufficient_user_authentication"' in refusal.headers[b"www-authenticate"]
    told = json.loads(refusal.body)
    assert ("at" in told["step_up"]) is ceremonies
    ((step,),) = told["step_up"]["ways"]
    assert step["method"] == "approval"
    assert step["operation"] == {
        "method": "POST",
        "host": "api.example",
        "path": "/payments",
        "fields": {"amount": 100, "to": "bob"},
        "query": {},
    }
    shown = world.approve(refusal)
    assert world.send(ORDER, shown).status == 200
    assert world.paid == [100]
    (record,) = world.filed
    assert check_record(record, origins=(ORIGIN,)) is None
    assert record.account == ALICE


@pytest.mark.parametrize("ceremonies", [True, False])
def test_what_came_before_does_not_count_again(ceremonies: bool) -> None:
    world = World(ceremonies=ceremonies)
    shown = world.approve(world.send())
    assert world.send(ORDER, shown).status == 200
    again = world.send(ORDER, shown)
    assert again.status == 401
    assert b'error="insufficient_user_authentication"' in again.headers[b"www-authenticate"]
    told = json.loads(again.body)
    assert told["code"] == "replayed"
    assert told["step_up"]["ways"] == [[{"method": "approval"}]]
    assert world.paid == [100]


def test_another_operation_is_refused() -> None:
    world = World()
    shown = world.approve(world.send())
    other = world.send(b'{"amount":100000,"to":"mallory"}', shown)
    assert other.status == 401
    assert json.loads(other.body)["code"] == "wrong_operation"
    assert world.paid == []


@pytest.mark.parametrize(
    ("body", "says"),
    [(b'{"amount":100}', "to"), (b'{"amount":100,"to":"bob","memo":1}', "memo"), (b"[]", "object"), (b"{", "JSON")],
)
def test_what_is_not_clear_is_a_bad_request_that_says_why(body: bytes, says: str) -> None:
    sent = World().send(body)
    assert sent.status == 400
    told = json.loads(sent.body)
    assert told["code"] == "unclear_operation"
    assert says in told["detail"]
    assert "step_up" not in told


def test_a_header_that_came_twice_is_a_bad_request() -> None:
    world = World()
    shown = world.approve(world.send())
    assert world.send(ORDER, shown, shown).status == 400


def test_cwe_696_nothing_is_read_of_who_may_not_anyway() -> None:
    world = World()
    refusal = world.send(scope="read")
    assert (refusal.status, refusal.reads) == (401, 0)
    assert b'scope="pay' in refusal.headers[b"www-authenticate"]
    assert "step_up" not in json.loads(refusal.body)
    stranger = call(world.app, http_scope("/payments", "POST", [JSON]), ORDER)
    assert (stranger.status, stranger.reads) == (401, 0)


def test_other_factors_are_asked_for_in_the_same_breath() -> None:
    world = World()
    refusal = world.send(path="/either")
    assert refusal.status == 401
    (way,) = json.loads(refusal.body)["step_up"]["ways"]
    assert {step["method"] for step in way} == {"totp", "approval"}
    assert all("document" in step for step in way if step["method"] == "approval")


@pytest.mark.parametrize("ceremonies", [True, False])
def test_a_passkey_alone_is_told_what_it_needs(ceremonies: bool) -> None:
    """Nobody who has none is asked to approve."""
    world = World(ceremonies=ceremonies)
    (listed,) = run(passkey.listing(ALICE, NOW), Sources(world.store))
    run(passkey.removing(ALICE, listed.id, NOW), Sources(world.store))
    told = json.loads(world.send().body)
    assert told["code"] == "not_enrolled"
    assert "approval" not in json.dumps(told.get("step_up"))


def test_a_guard_without_a_store_refuses_where_it_is_written() -> None:
    guard = Guard(FastAPI(), default=token.valid, clock=clock)
    with pytest.raises(ConfigError, match="no source answers"):
        guard.require(approval.given)


def test_a_door_that_reads_no_bodies_refuses_where_it_is_written() -> None:
    with pytest.raises(ConfigError, match="approval looks at the body"):
        check_policy(approval.given, "default", Sources(MemoryStore()), None)


A, B = approval.given, Approval(passkey, fields=("memo",), name="second").given


@pytest.mark.parametrize(
    "policy",
    [
        A & B,
        token.valid & (A & B).named("both"),
        A & token.valid & (token.scope("pay") | B) & B,
        token.scope("pay") | (A & B),
        (A | (A & totp.within(minutes(5)))) & B,
        at_least(3, A, B, token.valid),
        at_least(2, A & token.valid, A, B) & B,
    ],
    ids=str,
)
def test_two_approvals_at_once_are_refused_where_they_are_written(policy: Policy) -> None:
    """A request brings one, so that nobody would ever meet them."""
    with pytest.raises(ConfigError, match="2 approvals at once"):
        check_policy(policy, "default", Sources(MemoryStore()), None, (ReadBody,))
    guard = Guard(FastAPI(), default=token.valid, sources=Sources(MemoryStore()), clock=clock)
    with pytest.raises(ConfigError, match="one Approval with all the fields"):
        guard.require(policy)


@pytest.mark.parametrize(
    "policy",
    [A, A & A, A | B, (A | B) & A, token.valid & (A | B), at_least(1, A, B), A & ~B],
    ids=str,
)
def test_one_approval_of_several_that_will_do(policy: Policy) -> None:
    assert check_policy(policy, "default", Sources(MemoryStore()), None, (ReadBody,)) is policy


def test_without_a_guard_in_front_nothing_is_approved() -> None:
    """A requirement that decides late finds the body read already, and refuses."""
    guard = Guard(FastAPI(), default=token.valid, sources=Sources(MemoryStore()), clock=clock)
    other = FastAPI()
    other.post("/payments", dependencies=[guard.require(approval.given)])(lambda: None)
    shown = f"Bearer {ISSUER.mint(sub='alice')}".encode()
    sent = call(other, http_scope("/payments", "POST", [(b"authorization", shown), JSON]), ORDER)
    assert sent.status == 503
    assert json.loads(sent.body)["detail"]
