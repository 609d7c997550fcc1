"""One listener to the feed of a ledger, until its token ends; `python -m tests.examples.feeding DOOR` tells of it."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from examples.doors.policies import ISSUER
from examples.doors.serving import DOORS
from examples.doors.setting import Setting
from tests.asgi.lasting import Line, Loop
from tests.fastapi.world import http_scope, raw
from zerotrust import Sources, seconds
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing import IssuerSource, LocalIssuer

BEGUN = 1_800_000_000.0


def heard(door: str) -> dict[str, Any]:
    """What a listener of a hundred seconds is told by the application called `door`, and what others are."""
    loop = Loop()

    def clock() -> float:
        return BEGUN + loop.passed

    issuer = LocalIssuer(ISSUER, clock=clock, algorithms=["EdDSA"])
    setting = Setting(Sources(IssuerSource(issuer), MemoryStore()), clock)
    app = DOORS[door].app(setting)

    def line(**claims: Any) -> Line:
        good = issuer.mint(audience="ledger", lifetime=seconds(90), **claims)  # and a leeway of ten
        scope = http_scope("/feed")
        scope["headers"] = raw({"host": "ledger.example", "authorization": f"Bearer {good}"})
        return Line(app, scope)

    async def listened() -> dict[str, Any]:
        refused = line()
        await refused.end()
        leaver = line(scope="read")
        await leaver.begun()
        leaver.leave()
        await leaver.end()
        listener = line(scope="read")
        await listener.begun()
        for reference, by in ("p-7", "alice"), ("p-8", "bob"), ("p-7", "alice"):
            setting.ledger.pay({"reference": reference, "to": "carol", "cents": 5}, by)
        await listener.end()
        return {
            "refused": refused.messages[0]["status"],
            "events": listener.body.decode().split("\n\n")[:-1],
            "complete": listener.complete,
            "ended": round(loop.passed),
            "listening": len(setting.ledger._listeners),
        }

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(listened())


if __name__ == "__main__":
    print(json.dumps(heard(sys.argv[1])))
