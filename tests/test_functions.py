"""Functions that require a policy, called in a handler, in a task or a command, and by nobody at all."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from zerotrust import AccessRequest, Bearer, ConfigError, Denied, Issuer, Sources, anyone, minutes
from zerotrust.fastapi import Guard as Door
from zerotrust.functions import Guard, current_access
from zerotrust.testing import Clock, IssuerSource, LocalIssuer
from zerotrust.verifiers.token_evidence import TokenEvidence

issuer = LocalIssuer("https://login.example.com")
clock = issuer.clock
token = Bearer(Issuer(issuer.url, keys=issuer.jwks()), audience="ledger")
guard = Guard(clock=clock)


def presented(**claims: Any) -> dict[str, str]:
    return {"authorization": f"Bearer {issuer.mint(audience='ledger', **claims)}"}


@guard.require(token.scope("refund"))
def refund(order: str, *, amount: int = 1) -> str:
    """Give it back."""
    return f"{amount} for {order} to {guard.access[token].subject}"


@guard.require(token.scope("refund"))
async def refund_later(order: str) -> str:
    """Give it back, in a while."""
    return f"{order} to {guard.access[token].subject}"


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(Denied) as caught:
        call()
    return " ".join(sorted({reason.code for reason in caught.value.decision.reasons}))


def test_it_keeps_name_text_signature_and_kind() -> None:
    assert (refund.__name__, refund.__doc__) == ("refund", "Give it back.")
    assert str(inspect.signature(refund)) == "(order: 'str', *, amount: 'int' = 1) -> 'str'"
    assert inspect.iscoroutinefunction(refund_later)
    assert not inspect.iscoroutinefunction(refund)


def test_each_call_is_decided_as_whoever_is_acting() -> None:
    with guard.acting(presented(subject="ada", scope="refund")):
        assert refund("o-1", amount=3) == "3 for o-1 to ada"
        assert asyncio.run(refund_later("o-2")) == "o-2 to ada"
    with guard.acting(presented(subject="bob", scope="read")):
        assert refused(lambda: refund("o-1")) == "not_satisfied"
        assert refused(lambda: asyncio.run(refund_later("o-1"))) == "not_satisfied"


def test_whoever_shows_nothing_is_refused_and_so_is_nobody() -> None:
    for header in ("Bearer \n", "€", "\udcff", ""):
        with guard.acting({"authorization": header}):
            assert refused(lambda: refund("o-1"))
    with guard.acting({}):
        assert refused(lambda: refund("o-1")) == "not_presented"
    assert current_access() is None
    with pytest.raises(Denied) as caught:
        refund("o-1")
    why = "nobody is being served: no request is being handled"
    assert str(caught.value.decision.reason) == f"nothing was presented: {why}"
    help_ = 'in a task write "with Guard().acting(headers):" of zerotrust.functions'
    assert str(caught.value) == f'token.scope("refund"): not_presented: {why}; {help_}'
    assert refused(lambda: asyncio.run(refund_later("o-1"))) == "not_presented"
    with pytest.raises(ConfigError, match="nobody is being served"):
        _ = guard.access


def test_what_lets_everybody_in_needs_nobody() -> None:
    welcome = guard.require(anyone(because="a public price list"))

    @welcome
    def prices() -> int:
        return 7

    assert prices() == 7


def test_who_acts_is_forgotten_at_the_end_also_of_an_error() -> None:
    def fail() -> None:
        with guard.acting(presented(scope="refund")):
            assert current_access() is not None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert current_access() is None


def test_what_expires_meanwhile_counts_no_longer() -> None:
    moving = Clock(clock())
    one = Guard(clock=moving)

    @one.require(token.scope("refund"))
    def now() -> bool:
        return True

    with one.acting(presented(scope="refund", lifetime=minutes(5))):
        assert now()
        moving.advance(minutes(5))
        moving.advance(minutes(5))
        assert refused(now) == "expired"


def test_below_it_the_evidence_of_both_decisions_is_at_hand() -> None:
    @guard.require(token.role("clerk"))
    def inner() -> str:
        return guard.access[token].subject

    @guard.require(token.scope("refund"))
    def outer() -> str:
        before = guard.access
        said = inner()
        assert guard.access is before
        return said

    with guard.acting(presented(subject="ada", scope="refund", roles=["clerk"])):
        assert outer() == "ada"
    with guard.acting(presented(subject="ada", scope="refund")):
        assert refused(outer) == "missing_claim"


def test_methods_properties_and_generators_decide_when_they_are_called() -> None:
    class Ledger:
        @guard.require(token.scope("refund"))
        def all(self) -> Iterator[str]:
            yield guard.access[token].subject

        @guard.require(token.scope("refund"))
        async def later(self) -> AsyncIterator[str]:
            yield "never"

        @property
        @guard.require(token.scope("refund"))
        def total(self) -> int:
            return 7

        @staticmethod
        @guard.require(token.scope("refund"))
        def currency() -> str:
            return "EUR"

    ledger = Ledger()
    assert refused(ledger.all) == "not_presented"
    assert refused(ledger.later) == "not_presented"
    assert refused(lambda: ledger.total) == "not_presented"
    assert refused(ledger.currency) == "not_presented"
    with guard.acting(presented(scope="refund")):
        assert (ledger.total, ledger.currency()) == (7, "EUR")


@pytest.mark.parametrize("what", ["class", "classmethod", "staticmethod", "property", "number"])
def test_what_is_no_function_is_refused_where_it_is_decorated(what: str) -> None:
    things: dict[str, object] = {
        "class": Clock, "classmethod": classmethod(lambda kind: kind), "staticmethod": staticmethod(refund),
        "property": property(refund), "number": 7,
    }  # fmt: skip
    thing: Any = things[what]
    with pytest.raises(ConfigError, match=r"guard\.require"):
        guard.require(token.valid)(thing)


def test_wrong_configuration_says_what_to_write() -> None:
    wrong: Any = token
    with pytest.raises(ConfigError, match=r"guard\.require\(\.\.\.\) takes a policy"):
        guard.require(wrong)
    with pytest.raises(
        ConfigError, match=r"no source answers Fetch.* write Guard\(sources=Sources\(HttpFetcher\(\)\)\), or give"
    ):
        guard.require(Bearer(Issuer(issuer.url), audience="ledger").valid)
    nothing: Any = "Bearer x"
    with pytest.raises(ConfigError, match="takes an AccessRequest, or headers"), guard.acting(nothing):
        pass
    with pytest.raises(ConfigError, match="a header called 'X€'"), guard.acting({"X€": "1"}):
        pass
    with pytest.raises(ConfigError, match="sources is"):
        Guard(sources=wrong)


def test_keys_are_fetched_where_a_task_runs_on_its_own() -> None:
    fetched = Bearer(Issuer(issuer.url), audience="ledger")
    one = Guard(sources=Sources(IssuerSource(issuer)), clock=clock)

    @one.require(fetched.valid)
    def task() -> str:
        return one.access[fetched].subject

    with one.acting(
        AccessRequest(now=clock(), headers=[(b"authorization", presented(subject="ada")["authorization"].encode())])
    ):
        assert task() == "ada"


def test_threads_know_who_is_served_only_if_they_are_given_the_context() -> None:
    with guard.acting(presented(subject="ada", scope="refund")), ThreadPoolExecutor(1) as pool:
        assert pool.submit(copy_context().run, refund, "o-1").result() == "1 for o-1 to ada"
        assert refused(lambda: pool.submit(refund, "o-1").result()) == "not_presented"


def test_generators_run_as_whoever_called_them() -> None:
    @guard.require(token.scope("refund"))
    def rows() -> Generator[str, str, str]:
        said = yield guard.access[token].subject
        try:
            yield said + guard.access[token].subject
        except KeyError:
            yield "caught " + guard.access[token].subject
        return "end " + guard.access[token].subject

    ended: list[str] = []

    @guard.require(token.scope("refund"))
    async def later() -> AsyncGenerator[str, str]:
        try:
            said = yield guard.access[token].subject
            try:
                yield said + guard.access[token].subject
            except KeyError:
                yield "caught " + guard.access[token].subject
        finally:
            ended.append(guard.access[token].subject)

    with guard.acting(presented(subject="ada", scope="refund")):
        made, made_later, unfinished = rows(), later(), later()

    async def take() -> list[str]:
        found = [await anext(made_later), await made_later.asend("by "), await made_later.athrow(KeyError())]
        with pytest.raises(StopAsyncIteration):
            await anext(made_later)
        await anext(unfinished)
        await unfinished.aclose()
        return found

    with guard.acting(presented(subject="mallory", scope="refund")):
        assert [next(made), made.send("by "), made.throw(KeyError())] == ["ada", "by ada", "caught ada"]
        with pytest.raises(StopIteration) as end:
            next(made)
        assert end.value.value == "end ada"
        assert asyncio.run(take()) == ["ada", "by ada", "caught ada"]
        assert guard.access.get(token) is None, "nothing is decided for her yet"
        assert refund("o") == "1 for o to mallory"
    assert ended == ["ada", "ada"]
    assert refused(lambda: refund("o")) == "not_presented"


# --- In a door's requests --------------------------------------------------------------------------------------------
def app() -> TestClient:
    made = FastAPI()
    door = Door(made, default=token.valid, clock=clock)

    @made.get("/sync")
    def sync() -> str:
        return refund("o-1")

    @made.get("/async")
    async def awaiting() -> str:
        return await refund_later("o-2")

    @made.get("/task")
    async def tasks() -> list[str]:
        async with asyncio.TaskGroup() as group:
            found = [group.create_task(refund_later(str(number))) for number in range(2)]
        return [one.result() for one in found]

    assert door.report().problems == ()
    return TestClient(made)


@pytest.mark.parametrize(
    ("path", "said"), [("/sync", "1 for o-1 to ada"), ("/async", "o-2 to ada"), ("/task", ["0 to ada", "1 to ada"])]
)
def test_in_a_handler_the_caller_acts(path: str, said: object) -> None:
    with app() as client:
        assert client.get(path, headers=presented(subject="ada", scope="refund")).json() == said
        answer = client.get(path, headers=presented(subject="ada", scope="read"))
        assert (answer.status_code, answer.json()["code"]) == (403, "not_satisfied")
        assert 'error="insufficient_scope", scope="refund"' in answer.headers["www-authenticate"]


def test_types() -> None:
    with guard.acting(presented(subject="ada", scope="refund")):
        answer: str = refund("o-1")
        evidence: TokenEvidence | None = guard.access.get(token)
    assert answer
    assert evidence is None, "nothing is decided before a function is called"
