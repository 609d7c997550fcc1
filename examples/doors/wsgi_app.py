"""The ledger as a plain WSGI application, behind `zerotrust.wsgi.Guard`."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIEnvironment

from examples.doors.plain import reply
from examples.doors.rules import rules_of
from examples.doors.setting import Setting
from zerotrust.wsgi import Guard


def create_app(setting: Setting) -> Guard:
    ledger, pages = setting.ledger, frozenset(setting.pages)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        method = str(environ["REQUEST_METHOD"])
        length = str(environ.get("CONTENT_LENGTH") or "0")
        body = environ["wsgi.input"].read(int(length)) if method == "POST" and length.isdecimal() else b""
        made = reply(ledger, pages, method, str(environ.get("PATH_INFO", "")), body)
        start_response(f"{made.status} {HTTPStatus(made.status).phrase}", made.headers)
        return [] if method == "HEAD" else made.body

    return Guard(app, rules_of(setting), sources=setting.sources, recorder=setting.recorder, clock=setting.clock)
