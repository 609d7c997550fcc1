"""CWE-863: a rule for one place takes no other that reads like it: what lies below it, or beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path, re_path
from django.views.static import serve

from tests.django.world import GOOD, STAFF, ZEROTRUST, get, staff, token_valid
from zerotrust import ConfigError
from zerotrust.django import report
from zerotrust.testing import assert_guarded

PUBLIC = "it is for everybody"


def page(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("page")


def secret(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("secret")


below = [path("orders/", secret), path("orders/<int:pk>/", secret)]


def given(*urls: Any, **changed: Any) -> Any:
    return override_settings(ROOT_URLCONF=urls, ZEROTRUST={**ZEROTRUST, **changed})


def codes(*paths: str, headers: dict[str, str] | None = None) -> list[int]:
    return [get(one, headers).status_code for one in paths]


def held(at: str) -> set[str]:
    return {str(line) for line in report().lines if line.path == at}


def problem() -> str:
    """The only one; with it, nothing is served."""
    (told,) = report().problems
    with pytest.raises(ConfigError, match="refuses to start"):
        get("/")
    return told


# --- The page at the root ---------------------------------------------------------------------------------------------


def test_the_landing_page_opens_nothing_below() -> None:
    with given(path("", page), path("", include(below)), OPEN={"/": PUBLIC}):
        assert codes("/", "/orders/", "/orders/7/", "/nothing/") == [200, 401, 401, 401]
        assert_guarded(report(), open={"/": PUBLIC})
        assert held("/orders/") == {"token.valid  (default)"}


def test_the_landing_page_takes_no_default_from_what_is_below() -> None:
    with given(path("", page), path("", include(below)), DEFAULT=staff, PROTECT={"/": token_valid}):
        assert codes("/", "/orders/", headers=GOOD) == [200, 403]


@pytest.mark.parametrize("pattern", [r"^(?P<path>.*)$", r"(?P<path>.*)"])
def test_the_landing_page_opens_no_folder(pattern: str, tmp_path: Path) -> None:
    (tmp_path / "backup.sql").write_text("secret")
    files = re_path(pattern, serve, {"document_root": tmp_path})
    with given(path("", page), files, OPEN={"/": PUBLIC}):
        assert codes("/", "/backup.sql") == [200, 401]
    with given(files, OPEN={"/*": PUBLIC}):
        answer = get("/backup.sql")
        assert answer.status_code == 200
        answer.close()


def test_static_files_that_a_urlconf_serves_as_well_are_the_same(tmp_path: Path) -> None:
    with given(re_path(r"^static/(?P<path>.*)$", serve, {"document_root": tmp_path}), OPEN={"/static/": PUBLIC}):
        assert_guarded(report(), open={"/static/*": PUBLIC, "/static/<path>": PUBLIC})
    with given(path("static/", page), OPEN={"/static/": PUBLIC}):
        assert "write '/static/$'" in problem()


def test_all_below_the_root_can_be_named() -> None:
    with given(path("beside/", secret), path("", include(below)), OPEN={"/*": PUBLIC}):
        assert codes("/orders/", "/beside/") == [200, 401]
    with given(path("", include(below)), OPEN={"/": PUBLIC}):
        assert problem() == "OPEN '/' meets no route; write the path as it was declared, such as /* (3 more)"


# --- A view and an include of one name --------------------------------------------------------------------------------


def test_a_view_opens_no_include_that_differs_by_a_slash() -> None:
    with given(path("api", page), path("api/", include(below)), OPEN={"/api": PUBLIC}):
        assert codes("/api", "/api/orders/") == [200, 401]
    with given(path("api/", include(below)), OPEN={"/api": PUBLIC}):
        assert "such as /api/*" in problem()


@pytest.mark.parametrize(
    "urls",
    [
        (path("api/", include([path("", page), *below])),),
        (path("api/", page), path("api/", include(below))),
        (path("api/", include([path("", include([path("", page)])), *below])),),
    ],
    ids=["within", "beside", "deeper"],
)
def test_a_name_of_a_view_and_an_include_opens_neither(urls: Any) -> None:
    with given(*urls, OPEN={"/api/": PUBLIC}):
        assert problem() == (
            "OPEN '/api/' names a view, and an include or a folder as well; write '/api/$' to open the view alone, or "
            "'/api/*' to open all that is below"
        )
    with given(*urls, OPEN={"/api/$": PUBLIC}):
        assert codes("/api/", "/api/orders/") == [200, 401]
        assert_guarded(report(), open={"/api/": PUBLIC})
    with given(*urls, OPEN={"/api/*": PUBLIC}):
        assert get("/api/orders/").status_code == 200
    with given(*urls, PROTECT={"/api/": staff}):
        assert codes("/api/", "/api/orders/", headers=GOOD) == [403, 403]
    with given(*urls, PROTECT={"/api/$": staff}):
        assert codes("/api/", "/api/orders/", headers=GOOD) == [403, 200]


def test_the_landing_page_of_a_language_opens_nothing_below() -> None:
    urls = tuple(i18n_patterns(path("", page), path("orders/", secret)))
    languages = override_settings(USE_I18N=True, LANGUAGE_CODE="en")
    with languages, given(*urls, OPEN={"/<language>/": PUBLIC}):
        assert "write '/<language>/$'" in problem()
    with languages, given(*urls, OPEN={"/<language>/$": PUBLIC}):
        assert codes("/en/", "/en/orders/") == [200, 401]


def test_what_protects_an_include_protects_what_stands_beside_it() -> None:
    urls = path("admin/orders/", secret), path("admin/", include([path("", page)])), path("adminer/", secret)
    with given(*urls, PROTECT={"/admin/*": staff}):
        assert codes("/admin/", "/admin/orders/", "/adminer/", headers=GOOD) == [403, 403, 200]
        assert codes("/admin/", "/admin/orders/", headers=STAFF) == [200, 200]


# --- Regular expressions that read alike ------------------------------------------------------------------------------

FILES = (
    re_path(r"^files/(?P<name>public-\w+)$", page),
    re_path(r"^files/(?P<name>\w+)$", secret),
)


def test_regular_expressions_that_read_alike_are_named_as_they_were_written() -> None:
    with given(*FILES, OPEN={"/files/<name>": PUBLIC}):
        assert problem() == (
            "OPEN '/files/<name>' names 2 routes that read alike; write '/^files/(?P<name>public-\\\\w+)$' or "
            "'/^files/(?P<name>\\\\w+)$', whichever is meant"
        )
    raw = r"/^files/(?P<name>public-\w+)$"
    with given(*FILES, OPEN={raw: PUBLIC}):
        assert codes("/files/public-a", "/files/salaries") == [200, 401]
        assert_guarded(report(), open={raw: PUBLIC})


def test_includes_that_read_alike_are_named_as_they_were_written() -> None:
    urls = [re_path(rf"^(?P<tenant>{one})/", include(below)) for one in (r"public-\w+", r"\w+")]
    for rule in ("/<tenant>/*", "/<tenant>/"):
        with given(*urls, OPEN={rule: PUBLIC}):
            assert "names 2 routes that read alike" in problem()
    with given(*urls, OPEN={r"/^(?P<tenant>public-\w+)/": PUBLIC}):
        assert codes("/public-a/orders/", "/b/orders/") == [200, 401]


def test_what_differs_in_its_marks_of_beginning_and_end_is_the_same() -> None:
    for one in (r"^a/$", r"a/$", r"^a/\Z"):
        with given(path("a/", page), re_path(one, page), OPEN={"/a/": PUBLIC}):
            assert report().problems == ()
    with given(path("a/", page), re_path(r"a/\Z", secret), OPEN={"/a/": PUBLIC}):  # found anywhere in a path
        assert "names 2 routes that read alike" in problem()
    urls = [re_path(one, include([path("y/", page)])) for one in (r"^pub/", r"pub/")]
    with given(*urls, OPEN={"/pub/*": PUBLIC}):
        assert "names 2 routes that read alike" in problem()


def test_a_view_for_whatever_begins_so_is_no_page() -> None:
    """What a single-page application is served by: Django runs it for all that is below, too."""
    for one, below in ((r"^", "/*"), (r"^shop/", "/shop/*"), (r"shop/", "/shop/*")):
        for rule in (below.removesuffix("*"), below.replace("*", "$")):
            with given(re_path(one, page), OPEN={rule: PUBLIC}):
                assert "meets no route" in problem()
        with given(re_path(one, page), OPEN={below: PUBLIC}):
            assert codes(f"{below.removesuffix('*')}orders/7/") == [200]
            assert below in [line.path for line in report().lines]
            assert_guarded(report(), open={below: PUBLIC})
    with given(path("a/", page), re_path(r"^a/", secret), OPEN={"/a/": PUBLIC}):
        assert codes("/a/", "/a/x") == [200, 401]
