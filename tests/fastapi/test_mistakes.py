"""What a developer is likely to get wrong is refused where it is written, with what to write instead."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from time import time_ns
from typing import Annotated, Any, ClassVar, Literal

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.testclient import TestClient

from tests.fastapi.world import READER, can_pay, can_read, clock, token
from zerotrust import AccessRequest, Bearer, ConfigError, Finding, Issuer, Sources, TokenEvidence, Verifier, anyone
from zerotrust.core.ask import Ask, Fetch, Lookup
from zerotrust.fastapi import Access, Guard
from zerotrust.verifiers.client_authentication import ClientSecret
from zerotrust.verifiers.introspection import Introspection
from zerotrust.verifiers.token_questions import Valid

discovered = Bearer(Issuer("https://issuer.example"), audience="api", name="discovered")


class Keys:
    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (Fetch,)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "async"

    def answer(self, ask: Ask[Any], timeout: float) -> Any:
        raise AssertionError


class Linked(Verifier[TokenEvidence]):
    """Needs a store, and what it is linked to needs keys."""

    name = "linked"
    of = discovered
    kinds: tuple[type[Ask[Any]], ...] = (Lookup,)

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        return self.kinds

    def find(self, request: AccessRequest) -> Finding[TokenEvidence]:
        raise AssertionError

    def blank(self, now: float) -> TokenEvidence:
        raise AssertionError


# --- Sources ---------------------------------------------------------------------------------------------------------


def test_keys_that_have_to_be_fetched_need_a_source() -> None:
    advice = (
        r"no source answers Fetch, which discovered needs; write Guard\(app, sources=Sources\(AsyncHttpFetcher\(\)\)"
    )
    with pytest.raises(ConfigError, match=f"^default: {advice}"):
        Guard(FastAPI(), default=discovered.valid)
    guard = Guard(FastAPI(), default=token.valid)
    with pytest.raises(ConfigError, match=rf"^guard\.require\(\.\.\.\): {advice}"):
        guard.require(discovered.scope("read"))
    with pytest.raises(ConfigError, match=rf"^guard\.protect\(\.\.\.\): {advice}"):
        guard.protect("/docs", discovered.valid)
    Guard(FastAPI(), default=discovered.valid, sources=Sources(Keys())).require(discovered.scope("read"))


def test_tokens_that_have_to_be_asked_about_need_a_source() -> None:
    opaque = Introspection(
        "https://issuer.example",
        audience="api",
        client=ClientSecret("api", "secret"),
        endpoint="https://issuer.example/introspect",
        name="opaque",
    )
    with pytest.raises(
        ConfigError, match=r"no source answers Post, which opaque needs; .*AsyncHttpFetcher\(\).*asks the"
    ):
        Guard(FastAPI(), default=opaque.valid)
    with pytest.raises(ConfigError, match="no source answers Post"):
        Guard(FastAPI(), default=opaque.valid, sources=Sources(Keys()))


def test_so_does_what_a_verifier_is_linked_to() -> None:
    with pytest.raises(ConfigError, match="no source answers Lookup, which linked needs"):
        Guard(FastAPI(), default=Valid().leaf(Linked()), sources=Sources(Keys()))
    linked = Linked()
    linked.kinds = ()
    with pytest.raises(ConfigError, match="no source answers Fetch, which discovered needs"):
        Guard(FastAPI(), default=Valid().leaf(linked))


@pytest.mark.parametrize("wrong", [Keys(), Keys])
def test_one_source_by_itself_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigError, match=r"sources is Keys, one source by itself; write Sources\(Keys\(\)\)"):
        Guard(FastAPI(), default=token.valid, sources=wrong)


# --- Markers ---------------------------------------------------------------------------------------------------------


def in_the_signature(guard: Guard) -> None:
    @FastAPI().get("/")
    async def handler(access: Annotated[Access, Depends(guard.require(can_read))]) -> None: ...


def in_the_route(guard: Guard) -> None:
    @FastAPI().get("/", dependencies=[Depends(guard.require(anyone(because="a test")))])
    async def handler() -> None: ...


def in_the_router(guard: Guard) -> None:
    @APIRouter(dependencies=[Depends(guard.require(can_read))]).get("/")
    async def handler() -> None: ...


@pytest.mark.parametrize("write", [in_the_signature, in_the_route, in_the_router], ids=lambda one: one.__name__)
def test_a_marker_needs_no_depends_around_it(write: Callable[[Guard], None]) -> None:
    with pytest.raises(ConfigError, match=r"a dependency by itself; .* without Depends\(\.\.\.\) around it"):
        write(Guard(FastAPI(), default=token.valid))


@pytest.mark.parametrize("annotation", [Access, Access | None, Annotated[Access, can_read], Annotated[Access, "text"]])
def test_an_access_that_nothing_gives_is_refused_where_it_is_written(annotation: Any) -> None:
    async def handler(access: Any) -> None: ...

    handler.__annotations__["access"] = annotation
    with pytest.raises(ConfigError, match=r"write access: Annotated\[Access, guard\.require\(policy\)\]"):
        FastAPI().get("/")(handler)


# --- Rules -----------------------------------------------------------------------------------------------------------


def test_opening_a_route_that_requires_something_itself_is_a_problem() -> None:
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=clock)
    guard.open("/pay", because="a mistake")

    @app.get("/pay", dependencies=[guard.require(can_pay)])
    async def pay() -> None: ...

    [problem] = guard.report().problems
    assert problem == (
        "guard.open('/pay') has no effect: the route requires can pay  (guard.require) itself; leave one of them out"
    )

    @app.post("/pay")
    async def open_indeed() -> None: ...

    assert guard.report().problems == ()


def test_opening_what_is_mounted_stays_possible_where_some_routes_require_more() -> None:
    app, inner = FastAPI(), FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    guard = Guard(app, default=token.valid, clock=clock)

    @inner.get("/pay", dependencies=[guard.require(can_pay)])
    async def pay() -> None: ...

    app.mount("/shop", inner)
    guard.open("/shop", because="a shop")
    assert guard.report().problems == ()


# --- Where no guard stands -------------------------------------------------------------------------------------------


def test_without_a_guard_the_answer_is_the_same_and_the_log_tells_once(caplog: pytest.LogCaptureFixture) -> None:
    guard = Guard(FastAPI(), default=token.valid, clock=clock)
    app = FastAPI()

    @app.get("/pay/{number}", dependencies=[guard.require(can_pay)])
    async def pay(number: int) -> str:
        raise AssertionError

    client = TestClient(app)
    for _ in range(2):
        answer = client.get("/pay/7", headers=READER)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_satisfied")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["cache-control"] == "no-store"
        assert 'scope="pay"' in answer.headers["www-authenticate"]
    assert caplog.text.count("at /pay/{number} no Guard stands before a guard.require(...): put Guard(app, ...)") == 1


# --- The extra -------------------------------------------------------------------------------------------------------


def test_without_fastapi_the_import_names_the_extra() -> None:
    code = "import sys; sys.modules['fastapi'] = None; import zerotrust.fastapi"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "ImportError: the door for FastAPI needs FastAPI: pip install 'zerotrust[fastapi]'" in ran.stderr


def test_the_block_in_the_documentation_about_tests_runs_alone() -> None:
    page = (Path(__file__).parents[2] / "docs" / "fastapi.md").read_text()
    block = page.split("## In tests")[1].split("```python\n")[1].split("```")[0]
    ran = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


# --- The clock -------------------------------------------------------------------------------------------------------


async def later() -> float:
    raise AssertionError


def broken() -> float:
    raise OSError


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (1_800_000_000, r"clock=1800000000 cannot be called; write a function that tells POSIX seconds"),
        (None, "clock=None cannot be called"),
        (datetime.now, r"clock\(\) told datetime, not a number; .* and not datetime.now"),
        (later, "told coroutine"),
        (lambda: True, "told bool"),
        (lambda: "noon", "told str"),
        (lambda: float("nan"), "told nan, which is no moment"),
        (lambda: -1, "told -1"),
        (time_ns, "which is no moment from 1970 to 9999 in seconds"),
        (broken, r"clock\(\) raised OSError"),
    ],
)
def test_a_clock_that_does_not_tell_seconds(wrong: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Guard(FastAPI(), default=token.valid, clock=wrong)
