"""An application that was given to the guard of another kind is told where it is given, with the guard to take."""

from __future__ import annotations

from functools import partial, wraps
from inspect import signature
from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette

from tests.web.sample import Told, valid, verified
from zerotrust import ConfigError, asgi, fastapi, flask, starlette, wsgi
from zerotrust.web.rules import Rules

POLICY = valid(Told(verified()))
RULES = Rules(default=POLICY)


@pytest.mark.parametrize(
    ("guard", "app", "advice"),
    [
        (flask.Guard, FastAPI(), "not FastAPI: write `from zerotrust.fastapi import Guard`"),
        (flask.Guard, Starlette(), "not Starlette: write `from zerotrust.starlette import Guard`"),
        (fastapi.Guard, Flask("a"), "not Flask: write `from zerotrust.flask import Guard`"),
        (starlette.Guard, Flask("a"), "not Flask: write `from zerotrust.flask import Guard`"),
        (starlette.Guard, "app", r"not str: Guard\(app, default=token.valid\)"),
    ],
    ids=["flask: FastAPI", "flask: Starlette", "fastapi: Flask", "starlette: Flask", "starlette: text"],
)
def test_the_guard_of_another_framework_is_named(guard: Any, app: Any, advice: str) -> None:
    with pytest.raises(ConfigError, match=f"^Guard takes the application, {advice}$"):
        guard(app, default=POLICY)


@pytest.mark.parametrize("guard", [asgi.Guard, wsgi.Guard], ids=["asgi", "wsgi"])
def test_a_default_is_given_in_the_rules(guard: Any) -> None:
    app = waits if guard is asgi.Guard else answers
    for given in ({"default": POLICY}, {"rules": RULES, "default": POLICY}):
        with pytest.raises(
            ConfigError, match=r"^Guard takes no default=: write Guard\(app, Rules\(default=\.\.\.\)\)$"
        ):
            guard(app, **given)
    with pytest.raises(TypeError, match="rules"):
        guard(app)
    assert list(signature(guard).parameters)[:2] == ["app", "rules"]


async def waits(scope: Any, receive: Any, send: Any) -> None: ...


def answers(environ: Any, start_response: Any) -> list[bytes]:
    return []


class Waits:
    async def __call__(self, *given: Any) -> None: ...


@pytest.mark.parametrize("app", [waits, FastAPI(), Waits(), partial(waits, {})], ids=range(4))
def test_one_that_is_awaited_is_no_wsgi(app: Any) -> None:
    with pytest.raises(ConfigError, match=r"takes a WSGI application, .* for ASGI write `from zerotrust\.asgi "):
        wsgi.Guard(app, RULES)


@pytest.mark.parametrize("app", [answers, Flask("a")], ids=range(2))
def test_one_of_two_parameters_is_no_asgi(app: Any) -> None:
    with pytest.raises(ConfigError, match=r"takes an ASGI application, .* for WSGI write `from zerotrust\.wsgi "):
        asgi.Guard(app, RULES)


class Untold:
    __signature__ = "none that could be read"

    def __call__(self, *given: Any) -> Any: ...


def test_what_may_be_right_is_taken() -> None:
    both: tuple[Any, ...] = (Untold(), lambda *given: None, wraps(answers)(lambda *given: None))
    right: tuple[Any, ...] = (waits, FastAPI(), Waits())
    for app in (*both, *right):
        asgi.Guard(app, RULES)
    others: tuple[Any, ...] = (answers, Flask("a"), partial(answers))
    for other in (*both, *others):
        wsgi.Guard(other, RULES)
