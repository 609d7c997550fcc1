"""What is missing is told in the words of the door it is missing at, and for the way in which this door asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from zerotrust import Bearer, ConfigError, Issuer, Policy
from zerotrust.asgi import Guard as AsgiGuard
from zerotrust.flask import Guard as FlaskGuard
from zerotrust.service.setup import Setup
from zerotrust.testing import LocalIssuer
from zerotrust.web.rules import Rules
from zerotrust.wsgi import Guard as WsgiGuard

fetched = Bearer(Issuer("https://login.example.com"), audience="api").valid
issuer = LocalIssuer(algorithms=("EdDSA",))
once = Bearer(Issuer(issuer.url, keys=issuer.jwks()), audience="api", one_time=True).valid


async def app(scope: object, receive: object, send: object) -> None:
    raise AssertionError


DOORS: dict[str, Callable[[Policy], object]] = {
    "flask": lambda policy: FlaskGuard(Flask("shop", static_folder=None), default=policy),
    "wsgi": lambda policy: WsgiGuard(lambda environ, start_response: [], Rules(default=policy)),
    "asgi": lambda policy: AsgiGuard(app, Rules(default=policy)),
    "service": lambda policy: Setup({"rules": Rules(default=policy)}, private=True),
}


def advice(door: str, policy: Policy) -> str:
    with pytest.raises(ConfigError) as caught:
        DOORS[door](policy)
    return str(caught.value).partition("; write ")[2]


@pytest.mark.parametrize(
    ("door", "fetcher", "store"),
    [
        ("flask", "Guard(app, sources=Sources(HttpFetcher()), ...)", ": RedisStore(url), PostgresStore"),
        ("wsgi", "Guard(app, rules, sources=Sources(HttpFetcher()), ...)", ": RedisStore(url), PostgresStore"),
        ("asgi", "Guard(app, rules, sources=Sources(AsyncHttpFetcher()), ...)", ": AsyncRedisStore(url), AsyncPo"),
        ("service", "sources = Sources(AsyncHttpFetcher())", ": AsyncRedisStore(url), AsyncPostgresStore"),
    ],
)
def test_it_says_what_to_write_at_this_door(door: str, fetcher: str, store: str) -> None:
    assert advice(door, fetched) == f"{fetcher}, or give each Issuer its keys="
    told = advice(door, once)
    assert told.startswith(fetcher.partition("Sources(")[0] + "Sources(..., store)")
    assert store in told
