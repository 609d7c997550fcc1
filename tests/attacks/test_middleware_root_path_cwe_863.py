"""CWE-863, CWE-436: frameworks take the root off a path each in its own way; no way may lead past a rule.

Litestar takes off everything before the root as well, wherever that stands; Quart and Django take off characters, not
segments; Starlette takes off segments alone. uvicorn puts the root before a target that has no slash. And Daphne takes
the root from a header of the client.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.test_middleware_requests import Calls
from tests.fastapi.world import GOOD, NOW, call, http_scope, raw, shown, token
from tests.wsgi.test_guard import environ_of, serve
from zerotrust import AccessRequest, ConfigError, asgi, decide, request, wsgi
from zerotrust.core.decision import Allow
from zerotrust.web.asgi_request import access_request
from zerotrust.web.rules import Rules

ADMIN = {"authorization": shown(roles=["admin"])["authorization"]}


def rules() -> Rules:
    made = Rules(default=token.valid)
    made.protect("/admin/**", token.role("admin"))
    made.open("/users", because="a test")
    made.open("/pub/**", because="a test")
    return made


def litestar(path: str, root: str) -> str:
    below = path.split(root, maxsplit=1)[-1]
    return "/" + below.strip("/")


def quart(path: str, root: str) -> str:
    return "/" + path.removeprefix(root).lstrip("/")


def starlette(path: str, root: str) -> str:
    below = path[len(root) :]
    return below or "/" if path.startswith(root) and below[:1] in ("", "/") else path


ROUTERS = (litestar, quart, starlette)


@pytest.mark.parametrize("router", ROUTERS, ids=lambda router: str(router.__name__))
@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/pub/api/admin/users", "/api"),
        ("/pub/apiadmin/users", "/api"),
        ("/apiadmin/users", "/api"),  # uvicorn, of the target `admin/users`
        ("/pub/z/admin/users", "/z"),
        ("/pub/admin/users", "pub"),
        ("/pub/admin/users", "/pub/"),
        ("/pub/admin/users", "/"),
        ("/pub/admin/users", "/pub"),
        ("/api/admin/users", "/api"),
        ("/admin/users", "/api"),
        ("/api/pub/api/admin/users", "/api"),
        ("/pub/x", "/api"),
    ],
)
def test_whatever_the_router_makes_of_it(router: Any, path: str, root: str) -> None:
    behind = Calls(rules())
    served = call(behind.asgi, http_scope(path, headers=raw(GOOD), root_path=root)).status == 200
    if router(path, root).startswith("/admin/"):
        assert not served
        assert behind.calls == []


def test_what_has_one_reading_is_served() -> None:
    behind = Calls(rules())
    for path in ("/api/pub/api/admin/users", "/api/users", "/users", "/pub/x"):
        assert call(behind.asgi, http_scope(path, root_path="/api")).status == 200
    assert call(behind.asgi, http_scope("/api/admin/users", headers=raw(ADMIN), root_path="/api")).status == 200
    assert call(behind.asgi, http_scope("/pub/apiary", root_path="/api")).status == 400


# --- A root that the client names ------------------------------------------------------------------------------------
@pytest.mark.parametrize("root", ["/admin", "/z", "/", "/api", "admin"])
def test_only_the_root_that_was_given_is_taken_off(root: str) -> None:
    behind = Calls(rules())
    for only, said in (("", root), ("/shop", root), ("/shop", "")):
        guard = asgi.Guard(behind.asgi._app, rules(), clock=lambda: NOW, root=only)
        for path in ("/admin/users", "/users", f"{said}/users"):
            assert call(guard, http_scope(path, root_path=said)).status == 400
            assert call(guard, http_scope(path, root_path=said)).status == 400, "nothing was remembered"
    assert behind.calls == []
    guard = asgi.Guard(behind.asgi._app, rules(), clock=lambda: NOW, root="/shop")
    assert call(guard, http_scope("/shop/users", root_path="/shop")).status == 200
    assert call(guard, http_scope("/shop/admin/users", root_path="/shop")).status == 401
    assert call(guard, http_scope("/shop/users", root_path="/admin")).status == 400, "also once it is remembered"


@pytest.mark.parametrize("root", ["shop", "/shop/", "/", "/a//b", "/a/../b", 7])
def test_a_root_that_none_can_be_is_no_root(root: Any) -> None:
    with pytest.raises(ConfigError, match="root"):
        asgi.Guard(Calls().asgi._app, rules(), root=root)


def test_a_wsgi_guard_has_the_same_word() -> None:
    behind = Calls()
    guard = wsgi.Guard(behind.wsgi._app, rules(), clock=lambda: NOW, root="/shop")
    for mount, code in (("/shop", 200), ("", 400), ("/admin", 400), ("/shop", 200)):
        assert serve(guard, environ_of("/users", SCRIPT_NAME=mount), strict=False).code == code


# --- Leaves ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "root"), [("/pub/api/admin/users", "/api"), ("/apiadmin/users", "/api"), ("/pub/admin/x", "/pub/")]
)
def test_a_rule_about_a_path_does_not_know_either(path: str, root: str) -> None:
    leaf = request.path("/admin/*")
    for asked in (
        AccessRequest(now=NOW, path=path, root=root),
        access_request(http_scope(path, root_path=root), NOW),
    ):
        for policy in (leaf, ~leaf):
            decision = decide(policy, asked)
            assert not isinstance(decision, Allow)
            assert decision.reason.code == "malformed"
