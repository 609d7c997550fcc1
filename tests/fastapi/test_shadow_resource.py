"""A policy in the shadow of one that a handler checks: it is tried on the same object."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import logging
from dataclasses import dataclass
from typing import Annotated

import pytest
from fastapi import FastAPI

from tests.fastapi.shadows import tallies
from tests.fastapi.world import GOOD, call, clock, http_scope, raw, token
from tests.replay.world import KEY
from zerotrust import ConfigError, Resource
from zerotrust.fastapi import Access, Guard
from zerotrust.replay import Capsule, Recorder, read_capsule
from zerotrust.web.shadow import Difference, Shadow


@dataclass
class Invoice:
    owner: str
    amount: int


invoice = Resource(Invoice)
STORED = {1: Invoice("alice", 500), 2: Invoice("alice", 1500), 3: Invoice("alice", 2500), 4: Invoice("bob", 1500)}
owns = invoice.owner == token.subject
can_pay = (owns & (invoice.amount <= 1000)).named("can pay")
soon = (owns & (invoice.amount <= 2000)).named("can pay soon").tagged("sensitive")


def shop(shadow: Shadow, recorder: Recorder) -> FastAPI:
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=clock, shadow=shadow, recorder=recorder)

    @app.get("/async/{number}")
    async def of_async(number: int, access: Annotated[Access, guard.require(token.valid)]) -> str:
        access.check(can_pay, resource=STORED.get(number))
        return "paid"

    @app.get("/awaited/{number}")
    async def of_awaited(number: int, access: Annotated[Access, guard.require(token.valid)]) -> str:
        await access.check_async(can_pay, resource=STORED.get(number))
        return "paid"

    @app.get("/thread/{number}")
    def of_thread(number: int, access: Annotated[Access, guard.require(token.valid)]) -> str:
        access.check(can_pay, resource=STORED.get(number))
        return "paid"

    guard.check()
    return app


@pytest.mark.parametrize("way", ["async", "awaited", "thread"])
def test_it_is_tried_on_the_object_that_was_checked(way: str, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Difference] = []
    lines: list[bytes] = []
    shadow = Shadow({can_pay: soon}, report=seen.append)
    with caplog.at_level(logging.WARNING, "zerotrust"):
        app = shop(shadow, Recorder(key=KEY, sink=lines.append))
    assert "never tried" not in caplog.text
    with caplog.at_level(logging.INFO, "zerotrust.shadow"):
        status = [call(app, http_scope(f"/{way}/{n}", "GET", raw(GOOD))).status for n in (1, 2, 3, 4, 99)]
    assert status == [200, 403, 403, 403, 403]
    assert tallies(shadow) == {"same": 3, "weaker": 1}  # of what is not there nothing would be otherwise
    assert [(one.route, one.shadow.name) for one in seen] == [(f"/{way}/{{number}}", "can pay soon")]
    assert "would be let in under can pay soon in the shadow" in caplog.text
    capsules = [one for one in map(read_capsule, lines) if isinstance(one, Capsule) and one.called == "can pay"]
    assert [None if one.shadow is None else one.shadow.kind for one in capsules] == [
        "allow", "allow", "refuse", "refuse", None,
    ]  # fmt: skip


def test_where_nobody_names_a_resource_none_is_looked_at() -> None:
    with pytest.raises(ConfigError, match=r"can pay soon looks at a resource, and token\.valid does not"):
        Guard(FastAPI(), default=token.valid, clock=clock, shadow=Shadow({token.valid: soon}))
