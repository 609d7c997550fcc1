"""What seldom happens: rules that change while a request is decided on, headers of the guard's own, odd views."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from tests.flask.world import GOOD, ISSUER, NOW, READER, can_pay, can_read, clock, get, made, shown, token
from zerotrust import Bearer, ConfigError, Issuer, Sources, anyone
from zerotrust.flask import Guard, NotVerified, protections
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing import DPoPClient
from zerotrust.verifiers.dpop import DPoP
from zerotrust.verifiers.nonces import Nonces
from zerotrust.web.access import Access
from zerotrust.web.ambient import acting
from zerotrust.web.functions import MARK
from zerotrust.web.resource import ProtectedResource


def test_headers_of_the_guard_are_in_every_response() -> None:
    client = DPoPClient(clock=clock)
    nonces = Nonces(bytes(range(32)))
    bound = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="api", dpop=DPoP(nonces=nonces))
    app = Flask("shop", static_folder=None)
    guard = Guard(app, default=bound.valid, sources=Sources(MemoryStore()), clock=clock)
    app.add_url_rule("/x", "x", lambda: "x")
    app.add_url_rule("/fails", "fails", lambda: str(1 / 0))
    app.add_url_rule("/refuses", "refuses", lambda: guard.access.check(bound.scope("write")) and "x")
    proof = ISSUER.mint(scope="read", cnf=client.cnf)
    for path, status in (("/x", 200), ("/no", 404), ("/fails", 500), ("/refuses", 403)):
        sent = client.headers("GET", f"https://localhost{path}", proof, nonce=nonces.make(NOW))
        headers = {name.decode(): value.decode() for name, value in sent}
        answer = get(app, path, headers, base_url="https://localhost")
        assert (answer.status_code, "dpop-nonce" in answer.headers) == (status, True), path


def test_rules_that_change_while_it_is_decided_refuse() -> None:
    app = Flask("shop", static_folder=None)
    changing: list[str] = []

    def telling() -> float:
        if changing:
            guard.protect(changing.pop(), can_read)
        return NOW

    guard = Guard(app, default=token.valid, clock=telling)
    app.add_url_rule("/x", "x", lambda: "x")
    changing.append("/x")
    assert get(app, "/x", GOOD).status_code == 503
    assert get(app, "/x", GOOD).status_code == 403


def test_routes_without_methods_and_with_options_alone() -> None:
    app, guard = made()
    app.url_map.add(Rule("/any", endpoint="any"))
    app.view_functions["any"] = guard.require(can_read)(lambda: "any")
    app.add_url_rule("/options", "options", lambda: "x", methods=["OPTIONS"], provide_automatic_options=True)
    guard.protect("/options", can_read)
    assert [line.methods for line in guard.report().lines] == [("*",), ("OPTIONS",)]
    for method in ("GET", "BREW", "OPTIONS"):
        assert get(app, "/any", GOOD, method).status_code == 403
        assert get(app, "/any", READER, method).text == "any"
    assert get(app, "/options", GOOD, "OPTIONS").status_code == 403
    assert get(app, "/options", READER, "OPTIONS").status_code == 200


def test_a_method_that_leads_elsewhere_needs_the_default_besides() -> None:
    app, guard = made()
    app.add_url_rule("/x", "x", guard.require(anyone(because="public"))(lambda: "x"))
    app.url_map.add(Rule("/x", endpoint="moved", methods=["PUT"], redirect_to="y"))
    assert get(app, "/x").text == "x"
    assert get(app, "/x", method="DELETE").status_code == 401
    assert get(app, "/x", GOOD, "DELETE").status_code == 405


def test_only_so_many_rules_and_combinations_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protections, "_REMEMBERED", 1)
    app, guard = made()
    for name in ("a", "b"):
        app.get(f"/{name}", endpoint=f"{name}get")(guard.require(can_read)(lambda: "x"))
        app.post(f"/{name}", endpoint=f"{name}post")(guard.require(can_pay)(lambda: "x"))
    both = shown("read pay", auth_time=int(NOW) - 10)
    for path in ("/a", "/b", "/a"):
        assert get(app, path, GOOD).status_code == 403
        assert get(app, path, both, "DELETE").status_code == 405
        assert get(app, path, READER, "DELETE").status_code == 401


def test_policies_that_do_not_combine_close_their_route(monkeypatch: pytest.MonkeyPatch) -> None:
    app, guard = made()
    app.add_url_rule("/x", "x", guard.require(can_read)(guard.require(can_pay)(lambda: "x")))
    app.add_url_rule("/y", "y", lambda: "y")

    def refusing(*policies: Any) -> Any:
        raise ConfigError("these two contradict each other")

    monkeypatch.setattr(protections, "all_of", refusing)
    assert guard.report().problems == ("GET /x: these two contradict each other",)
    assert get(app, "/x", shown("read pay")).status_code == 503


def test_a_rule_that_says_what_the_default_says_is_the_default() -> None:
    app, guard = made()
    app.add_url_rule("/a", "a", lambda: "x")
    app.add_url_rule("/a/b", "b", lambda: "x")
    app.add_url_rule("/c", "c", guard.require(token.valid)(lambda: "x"))
    guard.protect("/a", token.valid)
    guard.protect("/c", token.valid)
    assert [str(line.protection) for line in guard.report().lines] == [
        "token.valid  (guard.protect)", "token.valid  (default)", "token.valid  (guard.require and guard.protect)",
    ]  # fmt: skip


class Odd:
    __slots__ = ("__name__",)

    def __call__(self) -> str:
        return "x"

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = None  # type: ignore[assignment]


def test_views_of_which_nothing_can_be_noted_are_guarded_too() -> None:
    app, guard = made()
    app.add_url_rule("/x", "x", Odd())
    app.add_url_rule("/y", "y", guard.require(can_read)(_named(Odd())))
    assert guard.report().problems == ()
    assert get(app, "/x").status_code == 401
    assert get(app, "/x", GOOD).text == "x"
    assert get(app, "/y", GOOD).status_code == 403


def _named(view: Odd) -> Odd:
    setattr(view, "__name__", "view")  # noqa: B010 - to mypy it has none
    return view


def test_marks_of_others_are_left_where_they_are() -> None:
    app, guard = made()
    other = Guard(default=token.valid, clock=clock)
    called = other.require(can_read)(lambda: "x")

    def view() -> str:
        return called()

    setattr(view, MARK, ("somebody else's",))
    app.add_url_rule("/x", "x", guard.require(token.valid)(view))
    assert "somebody else's" in getattr(app.view_functions["x"], MARK)
    assert [str(line.protection) for line in guard.report().lines] == ["token.valid  (guard.require)"]
    assert get(app, "/x", GOOD).status_code == 403  # the other guard's requirement decides by itself


def test_an_access_of_no_guard_decides_nothing() -> None:
    app, guard = made()
    kept: list[Access] = []
    app.add_url_rule("/x", "x", lambda: kept.append(guard.access) or "x")  # type: ignore[func-returns-value]
    get(app, "/x", GOOD)
    with acting(Access(kept[0].decision)), pytest.raises(ConfigError, match="not given by a guard"):
        guard.require(can_read)(lambda: "x")()
    with pytest.raises(NotVerified):
        kept[0][Bearer(Issuer("https://other.example"), audience="x")]


def test_a_ready_route_that_leads_elsewhere_is_a_problem() -> None:
    app = Flask("shop", static_folder=None)
    path = "/.well-known/oauth-protected-resource"
    app.url_map.add(Rule(path, endpoint="moved", redirect_to="y"))
    guard = Guard(app, default=can_read, clock=clock, resource=ProtectedResource("https://api.example"))
    assert any("is not served" in problem for problem in guard.report().problems)


def test_without_flask_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['flask'] = None; import zerotrust.flask"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ImportError: the door for Flask needs Flask: pip install 'zerotrust[flask]'" in ran.stderr
