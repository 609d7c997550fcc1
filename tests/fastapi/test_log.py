"""Developers see why a request was refused; at levels that run in production, the log quotes no caller."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import logging
from typing import Annotated, Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.fastapi.test_mistakes import Keys
from tests.fastapi.world import GOOD, ISSUER, READER, call, can_pay, clock, http_scope, token
from zerotrust import Bearer, ConfigError, Issuer, Sources, TokenEvidence
from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import NO_SOURCE
from zerotrust.fastapi import Access, Guard
from zerotrust.testing import IssuerSource, LocalIssuer

SECRET = "hunter2"


def shop(policy: Any, **options: Any) -> FastAPI:
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=clock, **options)

    @app.get("/pay/{name}", dependencies=[guard.require(policy)])
    async def pay(name: str) -> str:
        return name

    return app


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    return [(one.levelno, one.getMessage()) for one in caplog.records if one.name == "zerotrust.guard"]


def test_a_refusal_is_told_with_its_tree(caplog: pytest.LogCaptureFixture) -> None:
    client = TestClient(shop(can_pay))
    client.get("/nowhere")
    with caplog.at_level(logging.DEBUG, logger="zerotrust.guard"):
        client.get(f"/pay/shoes?code={SECRET}", headers=READER)
        client.get("/missing")
    caplog.set_level(logging.INFO, logger="zerotrust.guard")
    [(level, told), (_, missing)] = [line for line in lines(caplog) if line[1].startswith("refused")]
    first, tree = told.split("\n", 1)
    assert (level, first) == (logging.DEBUG, "refused GET /pay/shoes: 401 not_satisfied")
    assert tree.startswith("CHALLENGE can pay -> sign in again")
    assert 'token.scope("pay")' in tree or "token.scope" in tree
    assert SECRET not in told
    assert READER["authorization"].split()[1] not in caplog.text
    assert missing.startswith("refused GET /missing: 401 not_presented\n")


def test_above_debug_refusals_are_a_line_without_values(caplog: pytest.LogCaptureFixture) -> None:
    client = TestClient(shop(can_pay))
    client.get("/docs", headers=GOOD)
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="zerotrust.guard"):
        client.get(f"/pay/{SECRET}", headers=READER)
        client.get(f"/{SECRET}")
        call(client.app, http_scope(f"/%%{SECRET}", root_path=f"/{SECRET}"))
    assert lines(caplog) == []
    told = [(one.name, one.levelno, one.getMessage()) for one in caplog.records]
    assert told[:2] == [
        ("zerotrust.guard.refusals", logging.INFO, "refused at /pay/{name}: 401 not_satisfied"),
        ("zerotrust.guard.refusals", logging.INFO, "refused at (no route): 401 not_presented"),
    ]
    assert SECRET not in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="zerotrust.guard"):
        client.get("/pay/shoes")
    assert caplog.records == []


def test_what_is_hidden_is_told_as_such(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=clock)

    @app.get("/invoice")
    async def invoice(access: Annotated[Access, guard.require(token.valid)]) -> None:
        access.check(token.scope("never"), hidden=True)

    for level, first in (
        (logging.DEBUG, "refused GET /invoice: 404 (hidden, else 403) missing_claim"),
        (logging.INFO, "refused at /invoice: 404 (hidden, else 403) missing_claim"),
    ):
        caplog.clear()
        with caplog.at_level(level, logger="zerotrust.guard"):
            assert TestClient(app).get("/invoice", headers=GOOD).status_code == 404
        assert caplog.messages[-1].splitlines()[0] == first


def test_an_outage_of_an_issuer_is_warned_of_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    issuer = LocalIssuer("https://login.example.com")
    discovered, source = Bearer(Issuer(issuer.url), audience="api"), IssuerSource(issuer)
    source.down = True
    now = [issuer.clock()]
    app = FastAPI()
    Guard(app, default=discovered.valid, sources=Sources(source), clock=lambda: now[0])
    app.get("/other")(lambda: "x")
    client = TestClient(app)
    shown = {"authorization": f"Bearer {issuer.mint(audience='api')}"}
    with caplog.at_level(logging.WARNING, logger="zerotrust.guard"):
        assert [client.get(path, headers=shown).status_code for path in ("/x", "/other", "/x")] == [503] * 3
        now[0] += 60
        client.get("/other", headers=shown)
    assert [told for _, told in lines(caplog)] == [
        "refused at (no route): source_down: a source did not answer: token",
        "refused at /other: source_down: a source did not answer: token (2 more since the last such line)",
    ]


def test_tokens_of_another_issuer_are_warned_of_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    url, foreign = f"https://{SECRET}.example.com", LocalIssuer("https://issuer.example")
    client = TestClient(shop(can_pay))
    with caplog.at_level(logging.WARNING, logger="zerotrust.guard"):
        for minted in (ISSUER.mint(audience="api", iss=url), foreign.mint(audience="api")):
            for path in ("/pay/x", "/nowhere"):
                client.get(path, headers={"authorization": f"Bearer {minted}"})
    assert [told for _, told in lines(caplog)] == [
        "refused at /pay/{name}: unknown_issuer: the issuer is not trusted here: token",
        "refused at /pay/{name}: unknown_key: the issuer has no such key: token",
    ]


def test_what_a_caller_sent_cannot_forge_a_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="zerotrust.guard"):
        call(shop(can_pay), http_scope("/pay/x\nrefused GET /forged", method="GET\nX"))
    assert "\nrefused GET /forged" not in caplog.text
    assert "\nX" not in caplog.text


def test_a_websocket_is_told_too(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="zerotrust.guard"):
        call(shop(can_pay), http_scope("/ws", type="websocket"))
    assert "/ws: 401 not_presented" in caplog.text


def test_a_predicate_that_raises_is_warned_of_without_values(caplog: pytest.LogCaptureFixture) -> None:
    def finance(evidence: TokenEvidence) -> bool:
        raise KeyError(SECRET)

    with caplog.at_level(logging.INFO, logger="zerotrust.guard"):
        TestClient(shop(token.that(finance, "finance staff"))).get(f"/pay/{SECRET}", headers=GOOD)
    [(level, told)] = [line for line in lines(caplog) if "refused" in line[1]]
    assert level == logging.WARNING
    assert told.startswith("refused at /pay/{name}: token.that(")
    assert "finance staff" in told
    assert "gave no answer: KeyError, in " in told
    assert "finance at " in told
    assert SECRET not in told


def test_deciding_that_fails_is_told_with_its_route(caplog: pytest.LogCaptureFixture) -> None:
    discovered = Bearer(Issuer("https://issuer.example"), audience="api")

    class Crashes(Keys):
        def answer(self, ask: Any, timeout: float) -> Any:
            raise OSError(SECRET)

    TestClient(shop(discovered.valid, sources=Sources(Crashes()))).get(f"/pay/{SECRET}", headers=GOOD)
    assert "refused at /pay/{name} (http), since deciding failed: OSError at " in caplog.text
    assert "in test_deciding_that_fails_is_told_with_its_route.<locals>.Crashes.answer" in caplog.text
    assert SECRET not in "".join(told for _, told in lines(caplog))


def test_our_own_words_on_a_configuration_are_told_and_those_of_others_are_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Waits(Keys):
        def answer(self, ask: Any, timeout: float) -> Any:
            raise ConfigError(SECRET)

    class Changes(Keys):
        pass

    discovered = Bearer(Issuer("https://issuer.example"), audience="api")
    TestClient(shop(discovered.valid, sources=Sources(Waits()))).get("/pay/x", headers=GOOD)
    assert "deciding failed: ConfigError at " in caplog.text
    assert SECRET not in "".join(told for _, told in lines(caplog))
    source = Changes()
    app = shop(discovered.valid, sources=Sources(source))
    source.style = "blocking"  # type: ignore[misc]  # what only shows at a request
    TestClient(app).get("/pay/x", headers=GOOD)
    assert "deciding failed: ConfigError (Changes is blocking and cannot serve run_async()" in caplog.text


def test_somebody_who_is_not_known_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    table: dict[str, set[str]] = {"nobody": {"pay"}}
    answer = TestClient(shop(token.permitted("pay", by=table))).get("/pay/x", headers=GOOD)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_satisfied")
    assert [told for level, told in lines(caplog) if level >= logging.WARNING] == []


def test_a_look_up_that_raises_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    def look_up(issuer: str, sub: str) -> set[str]:
        raise KeyError(SECRET)

    TestClient(shop(token.permitted("pay", by=look_up))).get("/pay/x", headers=GOOD)
    [told] = [told for level, told in lines(caplog) if level == logging.WARNING]
    assert "gave no answer: KeyError, in " in told
    assert "look_up at " in told
    assert SECRET not in told


def test_a_source_that_was_not_given_is_warned_of_and_nobody_is_told_to_try_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    discovered = Bearer(Issuer("https://issuer.example"), audience="api")

    class Passes(Keys):
        def answer(self, ask: Any, timeout: float) -> Any:
            raise SourceFailed(NO_SOURCE(expected="Fetch"))

    answer = TestClient(shop(discovered.valid, sources=Sources(Passes()))).get("/pay/x", headers=GOOD)
    assert (answer.status_code, answer.json()["code"]) == (503, "no_source")
    assert "retry-after" not in answer.headers
    assert "retry_after" not in answer.json()
    assert (logging.WARNING, "refused at /pay/{name}: token asks for Fetch; give sources=") in lines(caplog)
