"""CWE-863, CWE-436: no spelling of a path may reach a place of the application under another place's policy.

A guard before an application reads paths itself, and so did those that were bypassed by slashes, dots, case, parameters
and encodings (CVE-2022-22978, CVE-2023-34034, CVE-2020-5902 are of this family). Here real routers say where a request
would go, and the rule applied has to be at least that place's policy, or a refusal.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote_to_bytes

import pytest
from django.urls import Resolver404, path, re_path
from django.urls.resolvers import RegexPattern, URLResolver
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Match, Route, Router
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from tests.fastapi.world import GOOD, call, clock, http_scope, raw, token
from tests.search import usually
from tests.wsgi.test_guard import environ_of, serve
from zerotrust import asgi, wsgi
from zerotrust.core.reason import Reason
from zerotrust.web.asgi_request import access_request
from zerotrust.web.rules import Rules
from zerotrust.web.wsgi_request import wsgi_request

# Where an application has what, and the name of the policy there; None for what is open.
PLACES = {
    "/admin/users": "staff",
    "/admin/{rest:path}": "staff",
    "/payments/{id}": "pay",
    "/docs/secret": "staff",
    "/docs/{page}": None,
    "/health": None,
}


def rules() -> Rules:
    made = Rules(default=token.valid.named("default"))
    made.protect("/admin/**", token.role("staff").named("staff"))
    made.protect("/payments/{id}", token.scope("pay").named("pay"))
    made.protect("/docs/secret", token.role("staff").named("staff"))
    made.open("/docs/{page}", because="a test")
    made.open("/health", because="a test")
    return made


RULES = rules()


# --- Routers: each tells at which place a decoded path is served, if at any -------------------------------------------
def _never(*_: Any) -> Any:
    raise AssertionError


_STARLETTE = Router([Route(place, _never) for place in PLACES])


def starlette(decoded: str) -> str | None:
    scope = {"type": "http", "method": "GET", "path": decoded, "root_path": "", "headers": []}
    return next(
        (one.path for one in _STARLETTE.routes if isinstance(one, Route) and one.matches(scope)[0] == Match.FULL), None
    )


def _angled(place: str) -> str:
    return place.replace("{rest:path}", "<path:rest>").replace("{id}", "<id>").replace("{page}", "<page>")


def werkzeug(*, strict: bool, merge: bool) -> Any:
    routes = Map(
        [Rule(_angled(place), endpoint=place) for place in PLACES], strict_slashes=strict, merge_slashes=merge
    ).bind("api.example")

    def find(decoded: str) -> str | None:
        try:
            return str(routes.match(decoded, "GET")[0])
        except HTTPException:
            return None

    return find


_DJANGO = URLResolver(
    RegexPattern(r"^/"),
    [
        path(_angled(place).replace("<id>", "<str:id>").replace("<page>", "<str:page>")[1:], _never, name=place)
        for place in PLACES
    ]
    + [
        re_path(r"(?i)^admin/users/?$", _never, name="/admin/users"),
        re_path(r"^docs/secret/?$", _never, name="/docs/secret"),
    ],
)


def django(decoded: str) -> str | None:
    try:
        return str(_DJANGO.resolve(decoded).url_name)
    except Resolver404:
        return None


def lenient(decoded: str) -> str | None:
    """One that overlooks all that any router or file system is known to."""
    parts = [
        part.lower().rstrip(". ")
        for part in decoded.split(";", maxsplit=1)[0].replace("\\", "/").split("/")
        if part not in ("", ".")
    ]
    return starlette("/" + "/".join(parts))


ROUTERS = {
    "starlette": starlette,
    "werkzeug": werkzeug(strict=True, merge=True),
    "werkzeug, lenient": werkzeug(strict=False, merge=True),
    "werkzeug, not merging": werkzeug(strict=False, merge=False),
    "django": django,
    "a lenient one": lenient,
}


# --- Spellings -------------------------------------------------------------------------------------------------------
def _swapped(text: str, at: int) -> str:
    return text[:at] + text[at : at + 1].swapcase() + text[at + 1 :]


def _encoded(text: str, at: int) -> str:
    return text[:at] + "".join(f"%{octet:02x}" for octet in text[at : at + 1].encode()) + text[at + 1 :]


_CHANGES: list[Any] = [
    _swapped,
    _encoded,
    *(
        lambda text, at, more=more: text[:at] + more + text[at:]
        for more in (
            "/",
            "//",
            "/.",
            "/./",
            "/..",
            "/../",
            "..;/",
            ";a=1",
            "%2f",
            "%2F",
            "%5c",
            "\\",
            "%00",
            "%",
            ".",
            "%20",
            "%252f",
            "%c0%af",
        )
    ),
    lambda text, at: text + "/",
    lambda text, at: text + "?a",
    lambda text, at: "http://api.example" + text,
    lambda text, at: "/docs/.." + text,
    lambda text, at: "/health/.." + text,
    lambda text, at: text.replace("i", "\N{LATIN SMALL LETTER DOTLESS I}").replace(
        "s", "\N{LATIN SMALL LETTER LONG S}"
    ),
]
_STARTS = ["/admin/users", "/admin/users/7", "/admin", "/payments/7", "/docs/secret", "/docs/start", "/health"]
SPELLINGS = st.tuples(
    st.sampled_from(_STARTS), st.lists(st.tuples(st.sampled_from(_CHANGES), st.integers(0, 12)), max_size=4)
)


def spelled(start: str, changes: list[Any]) -> str:
    for change, at in changes:
        start = change(start, at)
    return start


def _enough(target: str, found: Any, decoded: str) -> None:
    if isinstance(found, Reason):
        return
    required = str(found.protection).partition("  ")[0].split(" & ")
    for name, router in ROUTERS.items():
        place = router(decoded)
        if place is not None and (policy := PLACES[place]) is not None:
            assert policy in required, f"{name} serves {target!r} at {place}, and {required} is required"


def try_it(spelling: str) -> None:
    """Look a spelling up as it comes from all kinds of servers, and compare."""
    target = quote(spelling, safe="/%;?:=\\")
    sent = target.partition("?")[0].encode("ascii")
    decoded = unquote_to_bytes(sent).decode("utf-8", "replace")
    for told in (sent, None):
        scope = http_scope(decoded, raw_path=told)
        _enough(target, RULES.find(access_request(scope, clock())), decoded)
    environ = environ_of(unquote_to_bytes(sent).decode("latin-1"), RAW_URI=target)
    _enough(target, RULES.find(wsgi_request(environ, clock())), decoded)
    del environ["RAW_URI"]
    _enough(target, RULES.find(wsgi_request(environ, clock())), decoded)


@given(SPELLINGS)
@usually(200)
def test_whatever_a_router_makes_of_a_spelling_the_rule_is_at_least_that_places(
    spelling: tuple[str, list[Any]],
) -> None:
    try_it(spelled(*spelling))


def test_so_it_is_for_each_change_at_each_place() -> None:
    for start in _STARTS:
        for spelling in {change(start, at) for change in _CHANGES for at in range(len(start) + 1)}:
            try_it(spelling)


@pytest.mark.parametrize("router", ROUTERS)
def test_the_routers_do_serve_these_places(router: str) -> None:
    assert ROUTERS[router]("/admin/users") == "/admin/users"
    assert ROUTERS[router]("/docs/secret") == "/docs/secret"
    assert ROUTERS[router]("/payments/7") == "/payments/{id}"


TRICKS = [
    "//admin/users", "/admin//users", "/./admin/users", "/docs/../admin/users", "/docs/..;/admin/users",
    "/admin;/users", "/admin%2fusers", "/docs/%2e%2e/admin/users", "/%61dmin/users", "/admin\\users",
    "/admin%5cusers", "/admin/users%00", "/health%2f..%2fadmin/users", "/admin%252fusers", "/ADMIN/users",
    "/admin/users/", "/Admin/Users/", "/admin./users", "/admin%20/users", "http://api.example/admin/users",
    "api.example:443", "*", "admin/users", "/admin/users;jsessionid=1", "/%c0%aeadmin/users", "/%ff",
    "/docs/%2E%2E/%61dmin/users",
]  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("shown", [{}, GOOD], ids=["stranger", "anybody"])
def test_no_trick_gets_into_the_application(trick: str, shown: dict[str, str]) -> None:
    called: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        called.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def old(environ: Any, start: Any) -> list[bytes]:
        called.append(environ["PATH_INFO"])
        start("200 OK", [])
        return []

    octets = unquote_to_bytes(trick)
    scope = http_scope(octets.decode("utf-8", "replace"), headers=raw(shown), raw_path=trick.encode())
    assert call(asgi.Guard(app, RULES, clock=clock), scope).status in {400, 401, 403}
    environ = environ_of(octets.decode("latin-1"), shown, RAW_URI=trick)
    assert serve(wsgi.Guard(old, RULES, clock=clock), environ, strict=False).code in {400, 401, 403}
    assert called == []
