"""An issuer, its verifier and policies: what the tests of Flask's door share."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from zerotrust import Bearer, Issuer, minutes
from zerotrust.flask import Guard
from zerotrust.testing import LocalIssuer

ISSUER = LocalIssuer(algorithms=("EdDSA",))
NOW = ISSUER.clock()
clock = ISSUER.clock

token = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="api")
can_read = token.scope("read")
can_pay = (token.scope("pay") & token.fresh(within=minutes(5))).named("can pay")


def shown(scope: str = "", **claims: Any) -> dict[str, str]:
    """The header that shows a good token."""
    return {"authorization": f"Bearer {ISSUER.mint(scope=scope, **claims)}"}


GOOD = shown()
READER = shown("read")
PAYER = shown("pay", auth_time=int(NOW) - 10)


def made(**options: Any) -> tuple[Flask, Guard]:
    """An application without static files, and its guard."""
    app = Flask("shop", static_folder=None)
    return app, Guard(app, default=token.valid, clock=clock, **options)


def get(app: Flask, path: str, headers: dict[str, str] | None = None, method: str = "GET", **more: Any) -> TestResponse:
    """What `app` answers."""
    return app.test_client().open(path, method=method, headers=headers, **more)
