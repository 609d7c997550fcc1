"""CWE-863: Django takes off `FORCE_SCRIPT_NAME` or the root of the server; rules about paths see what its router does.

Daphne has the root from a header of the client.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIRequest
from django.test import override_settings

from tests.django.urls import seen
from tests.django.world import BOTH, GOOD, NOW, ZEROTRUST, code, get_async, token
from tests.fastapi.world import http_scope
from tests.wsgi.test_guard import environ_of
from zerotrust import PolicySet, request
from zerotrust.django.requests import asked
from zerotrust.driver import NO_SOURCES

CLOSED = {**ZEROTRUST, "DEFAULT": PolicySet(permit=[token.valid], forbid=[request.path("/plain/")])}


@pytest.mark.parametrize("ask", BOTH, ids=["wsgi", "asgi"])
@pytest.mark.parametrize("force", [None, "/shop"])
@pytest.mark.parametrize("path", ["/plain/", "/shop/plain/"])
def test_what_is_forbidden_stays_so(ask: Any, force: str | None, path: str) -> None:
    seen.clear()
    with override_settings(ZEROTRUST=CLOSED, FORCE_SCRIPT_NAME=force):
        assert code(ask(path, GOOD))[0] in (403, 404)
    assert seen == []


@pytest.mark.parametrize("root", ["/shop", "/z", "/plain", "/", "shop"])
@pytest.mark.parametrize("path", ["/plain/", "/shop/plain/", "/shopplain/", "/z/plain/", "//plain/"])
def test_a_root_of_the_client_is_no_way_in(root: str, path: str) -> None:
    seen.clear()
    with override_settings(ZEROTRUST=CLOSED):
        assert code(get_async(path, GOOD, root_path=root))[0] in (400, 403, 404)
    assert seen == []


@pytest.mark.parametrize("force", [None, "/shop", "/other"])
@pytest.mark.parametrize("root", ["", "/shop"])
@pytest.mark.parametrize("path", ["/plain/", "/shop/plain/", "/shop"])
def test_the_path_within_is_what_the_router_looks_at(path: str, root: str, force: str | None) -> None:
    with override_settings(FORCE_SCRIPT_NAME=force):
        one = ASGIRequest(http_scope(path, root_path=root), BytesIO())
        two = WSGIRequest(environ_of(path, SCRIPT_NAME=root))
        for made in (one, two):
            assert asked(made, NOW, NO_SOURCES, None).path_within == (made.path_info or "/")
