# pyright: strict
"""What a type checker knows of guards before applications. Read by mypy and pyright; never run."""

from collections.abc import Iterable
from typing import Any, assert_type
from wsgiref.types import StartResponse, WSGIEnvironment

from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette

import zerotrust.asgi
import zerotrust.wsgi
from zerotrust import Bearer, Issuer, TokenEvidence
from zerotrust.asgi import Rules
from zerotrust.asgi.types import Receive, Scope, Send
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.web.ambient import current_access
from zerotrust.web.gate import Checkpoint
from zerotrust.web.report import Report

token = Bearer(Issuer("https://login.example.com"), audience="payments")
rules = Rules(default=token.valid)
rules.open("/health", because="the load balancer asks", methods=["GET"])
rules.protect("/payments/{id}", token.scope("pay"), methods={"POST"})
rules.open("/health")  # type: ignore[call-arg]
rules.protect("/admin/**")  # type: ignore[call-arg]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    access = current_access()
    if access is not None:
        assert_type(access[token], TokenEvidence)


def old(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return []


def any_old(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    return []


guarded = zerotrust.asgi.Guard(app, rules)
zerotrust.asgi.Guard(Starlette(), rules)
zerotrust.asgi.Guard(FastAPI(), rules)
zerotrust.wsgi.Guard(old, rules)
zerotrust.wsgi.Guard(any_old, rules)
zerotrust.wsgi.Guard(Flask(__name__), rules)
zerotrust.wsgi.Guard(zerotrust.wsgi.Guard(old, rules), rules)
zerotrust.asgi.Guard(app)  # type: ignore[call-arg]

assert_type(guarded.report(), Report)
assert_type(rules.report(), Report)
assert_type(rules.find(AccessRequest(now=0)), Checkpoint | Reason)
