"""Rules of the settings hold where they were declared and below, and open nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from tests.django.urls import seen
from tests.django.world import BOTH, GOOD, GUARD, ISSUER, PAYER, READER, STAFF, ZEROTRUST, code, get, shown, staff
from zerotrust import Bearer, ConfigError, Issuer, anyone

both = pytest.mark.parametrize("ask", BOTH, ids=["wsgi", "asgi"])
OTHER = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="other")
BOTH_SCOPES = shown("read staff")


def given(**changed: Any) -> Any:
    return override_settings(ZEROTRUST={**ZEROTRUST, **changed})


@both
def test_what_is_opened_lets_everybody_in(ask: Any) -> None:
    with given(OPEN={"/health/": "the load balancer asks"}):
        assert ask("/health/").content == b"plain"
        assert ask("/plain/").status_code == 401


@both
@pytest.mark.parametrize("path", ["/shop/", "/shop/*"])
def test_a_rule_at_an_include_holds_below(ask: Any, path: str) -> None:
    with given(PROTECT={path: staff}):
        assert ask("/shop/cart/", GOOD).status_code == 403
        assert ask("/shop/cart/lines/", STAFF).content == b"plain"
        assert ask("/plain/", GOOD).content == b"plain"
    with given(OPEN={"/shop/*": "everybody may look"}):
        assert ask("/shop/cart/").content == b"plain"


def test_the_closest_rule_counts() -> None:
    with given(PROTECT={"/shop/": staff}, OPEN={"/shop/cart/": "carts are for everybody"}):
        assert get("/shop/cart/").content == b"plain"
        assert get("/shop/cart/lines/").status_code == 401
        assert get("/shop/cart/lines/", GOOD).status_code == 403


def test_a_rule_at_a_view_holds_below_besides_the_default() -> None:
    with given(DEFAULT=anyone(because="a test"), PROTECT={"/shop/cart/": staff}):
        assert get("/shop/").content == b"plain"
        assert get("/shop/cart/lines/").status_code == 401
        assert get("/shop/cart/lines/", STAFF).status_code == 200


def test_a_rule_adds_to_what_a_view_requires() -> None:
    with given(PROTECT={"/dispatched/": staff}):
        assert get("/dispatched/", READER).status_code == 403
        assert get("/dispatched/", STAFF).status_code == 403
        assert get("/dispatched/", BOTH_SCOPES).status_code == 200


@pytest.mark.parametrize("path", ["/items/<int:pk>/", "/old/<year>/", "/^old/(?P<year>[0-9]{4})/$"])
def test_paths_are_written_as_they_were_declared(path: str) -> None:
    asked = "/items/7/" if "items" in path else "/old/2001/"
    with given(OPEN={path: "old news"}):
        assert get(asked).content == b"plain"


@pytest.mark.parametrize("path", ["/files/", "/files/*", "/files/<path>"])
def test_folders_of_files_are_named_by_their_path(path: str) -> None:
    with given(OPEN={path: "styles"}), override_settings(DEBUG=True):
        answer = get("/files/admin/css/base.css")
        assert answer.status_code == 200
        answer.close()
    assert get("/files/admin/css/base.css").status_code == 401


def test_what_does_not_combine_stops_the_start() -> None:
    with given(PROTECT={"/pay/": OTHER.valid}), pytest.raises(ConfigError, match="/pay/"):
        get("/plain/")


def test_a_problem_that_comes_later_refuses_everything(caplog: pytest.LogCaptureFixture) -> None:
    from django.test import Client

    client = Client()
    assert client.get("/plain/", headers=GOOD).status_code == 200
    with given(PROTECT={"/nowhere/": staff}):
        assert code(client.get("/plain/", headers=GOOD)) == (503, "undecided")
        assert code(client.get("/plain/", headers=GOOD)) == (503, "undecided")
    assert caplog.text.count("'/nowhere/' meets no route") == 1
    assert client.get("/plain/", headers=GOOD).status_code == 200
    with override_settings(ZEROTRUST=None):
        assert code(client.get("/plain/", headers=GOOD)) == (503, "undecided")


class WhiteNoise:
    """Answers for static files by itself, as WhiteNoise does."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        from django.http import HttpResponse

        if request.path_info.startswith("/static/"):
            return HttpResponse("a file")
        return self.get_response(request)


@both
def test_a_middleware_that_serves_static_files_is_covered(ask: Any) -> None:
    with override_settings(MIDDLEWARE=[GUARD, "tests.django.test_rules.WhiteNoise"]):
        assert ask("/static/app.css").status_code == 401
        with given(OPEN={"/static/": "styles and scripts"}):
            assert ask("/static/app.css").content == b"a file"
            assert ask("/staticx/").status_code == 401


@pytest.mark.parametrize(
    "path",
    ["//plain/", "/plain//", "/%70lain/", "/plain/%2e%2e/health/", "/PLAIN/", "/health/;x", "/health//", "/./health/"],
)
def test_an_open_view_opens_no_other_spelling(path: str) -> None:
    seen.clear()
    with given(OPEN={"/health/": "the load balancer asks"}):
        assert get(path).status_code == 401
    assert seen == []


LANGUAGES = {"USE_I18N": True, "LANGUAGES": [("en", "English"), ("de", "German")], "LANGUAGE_CODE": "en"}
LOCALE = "django.middleware.locale.LocaleMiddleware"


@both
@pytest.mark.parametrize("order", [[GUARD, LOCALE], [LOCALE, GUARD]], ids=["guard first", "locale first"])
def test_paths_in_several_languages(ask: Any, order: list[str]) -> None:
    opened = {"/<language>/about/": "everybody may know"}
    with override_settings(
        ROOT_URLCONF="tests.django.language_urls",
        MIDDLEWARE=order,
        ZEROTRUST={**ZEROTRUST, "OPEN": opened},
        **LANGUAGES,
    ):
        assert [ask(f"/{language}/about/").status_code for language in ("en", "de", "en")] == [200, 200, 200]
        assert ask("/de/pay/", GOOD).status_code == 401
        assert ask("/de/pay/", PAYER).status_code == 200
        assert ask("/fr/about/").status_code == 401


@both
def test_without_the_middleware_for_languages_there_is_one(ask: Any) -> None:
    opened = {"/<language>/about/": "everybody may know"}
    with override_settings(
        ROOT_URLCONF="tests.django.language_urls",
        MIDDLEWARE=[GUARD],
        ZEROTRUST={**ZEROTRUST, "OPEN": opened},
        **LANGUAGES,
    ):
        assert ask("/en/about/").content == b"plain"
        assert code(ask("/de/about/")) == (401, "not_presented"), "which Django serves nobody"
        assert ask("/de/about/", GOOD).status_code == 404
