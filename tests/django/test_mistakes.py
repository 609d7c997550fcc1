"""What is easily forgotten is told: by the report, by the checks, and by a guard that does not start."""

from __future__ import annotations

import io
from typing import Any, ClassVar

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

import zerotrust.django
from tests.django.urls import Refund, hiding
from tests.django.urls import user as plain_user
from tests.django.world import GOOD, GUARD, READER, ZEROTRUST, can_pay, can_read, get, shown, token
from zerotrust import ConfigError, Sources
from zerotrust.django import Require, report, require
from zerotrust.django.checks import check_settings
from zerotrust.django.rest import Requires
from zerotrust.stores.http import AsyncHttpFetcher
from zerotrust.testing import assert_guarded

COMMON = "django.middleware.common.CommonMiddleware"


def given(**changed: Any) -> Any:
    return override_settings(ZEROTRUST={**ZEROTRUST, **changed})


def without_application() -> Any:
    return override_settings(INSTALLED_APPS=[each.name for each in apps.get_app_configs() if each.label != "zerotrust"])


# --- Forgotten in the settings ----------------------------------------------------------------------------------------


def test_a_report_without_a_guard_is_not_good() -> None:
    assert_guarded(zerotrust.django)
    with override_settings(MIDDLEWARE=[COMMON]):
        assert "nothing is decided" in report().problems[0]
        with pytest.raises(AssertionError, match=r"MIDDLEWARE has no zerotrust\.django\.Guard"):
            assert_guarded(zerotrust.django)
        with pytest.raises(CommandError, match="1 problem:"):
            call_command("zerotrust_routes", stdout=io.StringIO())
        assert [message.id for message in check_settings()] == ["zerotrust.E005"]


def test_without_the_application_nothing_would_be_checked() -> None:
    with without_application():
        with pytest.raises(AssertionError, match=r"INSTALLED_APPS has no zerotrust\.django"):
            assert_guarded(zerotrust.django)
        with pytest.raises(ConfigError, match=r"INSTALLED_APPS has no zerotrust\.django"):
            get("/plain/", GOOD)
    with override_settings(MIDDLEWARE=[GUARD]):
        assert get("/plain/", GOOD).status_code == 200


# --- Forgotten at a view ----------------------------------------------------------------------------------------------


class Bare(Require, View):
    """Says no policy."""


class Misspelled(Require, View):
    policy: ClassVar[Any] = "can_pay"


class Method(Require, View):
    def policy(self) -> Any:  # type: ignore[override]  # a mistake: nobody calls it
        return can_read


class Unasked(View):
    policy = can_pay


class Asked(View):
    policy = can_pay

    @method_decorator(require(policy))
    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("paid")


class Told(Require, View):
    @property  # works, and may depend on what the URLconf gives
    def policy(self) -> Any:  # type: ignore[override]
        return can_read

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("read")


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (Bare.as_view(), "Bare is a Require without a policy"),
        (Misspelled.as_view(), "Misspelled.policy: 'can_pay' is str, not a policy"),
        (Refund.as_view(policy="can_pay"), "Refund.policy: 'can_pay' is str, not a policy"),
        (Method.as_view(), "Method.policy: policy is "),
        (Unasked.as_view(), "Unasked has a policy that nobody asks for; write class Unasked(Require, ...)"),
    ],
    ids=["none", "text", "text from the URLconf", "a method", "no Require"],
)
def test_a_view_that_seems_to_require_something_does(view: Any, said: str) -> None:
    with override_settings(ROOT_URLCONF=(path("new/", view),)):
        assert [problem.startswith(f"/new/: {said}") for problem in report().problems] == [True]
        assert [message.id for message in check_settings()] == ["zerotrust.E007"]
        with pytest.raises(ConfigError, match="refuses to start"):
            get("/new/", GOOD)


class Uncalled(APIView):
    permission_classes: Any = (Requires,)


class Itself(APIView):
    permission_classes: Any = (IsAuthenticated, can_pay)


@api_view(["GET"])
@permission_classes([Requires])  # type: ignore[list-item]  # a mistake
def decorated(request: Request) -> Response:
    return Response("paid")


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (Uncalled.as_view(), "permission_classes of Uncalled has Requires itself; write Requires(policy)"),
        (decorated, "permission_classes of decorated has Requires itself; write Requires(policy)"),
        (Itself.as_view(), "permission_classes of Itself has a policy, can pay; write Requires(policy) for it"),
        (APIView.as_view(permission_classes=[can_pay]), "permission_classes of APIView has a policy, can pay; write "),
    ],
    ids=["uncalled", "below api_view", "a policy", "from the URLconf"],
)
def test_what_is_no_permission_is_told_before_it_fails(view: Any, said: str) -> None:
    with override_settings(ROOT_URLCONF=(path("new/", view),)):
        assert [problem.startswith(f"/new/: {said}") for problem in report().problems] == [True]
        assert [message.id for message in check_settings()] == ["zerotrust.E007"]


class Hidden(View):
    @staticmethod  # a function of the class, as the decorator leaves it
    @hiding
    @require(can_read)
    def get(_: HttpRequest) -> HttpResponse:
        return HttpResponse("read")

    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("sent")


def test_the_report_tells_what_views_require_that_the_guard_does_not_see() -> None:
    urls = (
        path("hidden/", hiding(require(can_pay)(plain_user))),
        path("both/", require(can_read)(hiding(require(can_pay)(require(can_read)(plain_user))))),
        path("plain/", plain_user),
    )
    with override_settings(ROOT_URLCONF=urls):
        said = {line.path: str(line) for line in report().lines if not line.path.startswith("/static")}
    assert said == {
        "/hidden/": "token.valid  (default; what it calls requires can pay)",
        "/both/": 'token.scope("read")  (require; what it calls requires can pay)',
        "/plain/": "token.valid  (default)",
    }
    with override_settings(ROOT_URLCONF=(path("class/", Hidden.as_view()),)):
        lines = [(line.methods, str(line)) for line in report().lines if line.path == "/class/"]
    assert lines == [(("*",), 'token.valid  (default; what it calls requires token.scope("read"))')]


def test_a_policy_that_is_asked_for_in_another_way_is_none_forgotten() -> None:
    with override_settings(ROOT_URLCONF=(path("asked/", Asked.as_view()), path("told/", Told.as_view()))):
        assert report().problems == ()
        assert [get("/told/", headers).status_code for headers in (GOOD, READER)] == [403, 200]
        assert get("/asked/", GOOD, "POST").status_code == 401


# --- Misspelled -------------------------------------------------------------------------------------------------------


def test_a_rule_that_meets_nothing_is_told_the_nearest_paths() -> None:
    with given(OPEN={"/healthz/": "the load balancer asks"}):
        (problem,) = report().problems
    assert "meets no route; write the path as it was declared, such as /health/" in problem
    assert "/admin/" not in problem
    assert problem.endswith(" more)")
    with given(OPEN={"/~~~": "nothing is near"}), override_settings(ROOT_URLCONF=(path("new/", Refund.as_view()),)):
        assert report().problems[0].endswith("such as /new/, /static/*")
    nothing = override_settings(ROOT_URLCONF=(), STATIC_URL=None)
    with given(OPEN={"/~~~": "there is nothing"}), nothing:
        assert report().problems[0].endswith("as it was declared")


def test_sources_for_asgi_alone_do_not_start_where_wsgi_serves() -> None:
    waiting = {**ZEROTRUST, "SOURCES": Sources(AsyncHttpFetcher())}
    with override_settings(ZEROTRUST=waiting, WSGI_APPLICATION="shop.wsgi.application"):
        assert [message.id for message in check_settings()] == ["zerotrust.E009"]
        with override_settings(ASGI_APPLICATION="shop.asgi.application"):
            assert check_settings() == []


# --- USER and Django's own sign-in ------------------------------------------------------------------------------------

PEOPLE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
KEPT: dict[str, Any] = {
    "SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies",
    "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],  # the others take their time
}


@pytest.mark.parametrize("is_awaited", [False, True], ids=["def", "async def"])
@pytest.mark.parametrize("order", [[GUARD, *PEOPLE], [*PEOPLE, GUARD]], ids=["before", "behind"])
def test_whom_user_does_not_know_django_may(order: list[str], is_awaited: bool) -> None:
    from django.contrib.auth.models import User

    def user_of(access: Any) -> Any:
        return access.get(token).subject if access.get(token).subject == "bob" else None

    async def user_of_async(access: Any) -> Any:
        return user_of(access)

    call_command("migrate", verbosity=0)
    hook = user_of_async if is_awaited else user_of
    with given(USER=hook), override_settings(MIDDLEWARE=order, **KEPT):
        User.objects.filter(username="ada").delete()
        User.objects.create_superuser("ada", password="made up")
        browser = Client(headers=GOOD)
        assert browser.get("/user/").content == browser.get("/user-async/").content == b"AnonymousUser"
        assert browser.get("/admin/").headers["location"] == "/admin/login/?next=/admin/"
        signed_in = browser.post("/admin/login/?next=/admin/", {"username": "ada", "password": "made up"})
        assert (signed_in.status_code, signed_in.headers["location"]) == (302, "/admin/")
        assert browser.get("/admin/").status_code == 200
        assert browser.get("/user/").content == browser.get("/user-async/").content == b"ada"
        bob = shown(subject="bob")
        assert browser.get("/user/", headers=bob).content == browser.get("/user-async/", headers=bob).content == b"bob"


# --- Clients that send a token, and CsrfViewMiddleware ----------------------------------------------------------------


@csrf_exempt
@require(can_read)
def exempt(request: HttpRequest) -> HttpResponse:
    return HttpResponse("paid")


@method_decorator(csrf_exempt, name="dispatch")
class Exempt(Require, View):
    policy = can_read

    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("paid")


@require(can_read)
def posted(request: HttpRequest) -> HttpResponse:
    return HttpResponse("paid")


CSRF = (path("exempt/", exempt), path("class/", Exempt.as_view()), path("posted/", posted))


@pytest.mark.parametrize("at", ["/exempt/", "/class/"])
def test_who_is_exempt_from_djangos_csrf_check_is_not_from_the_policy(at: str) -> None:
    sent = Client(enforce_csrf_checks=True)
    middleware = [GUARD, "django.middleware.csrf.CsrfViewMiddleware"]
    with override_settings(MIDDLEWARE=middleware, ROOT_URLCONF=CSRF):
        assert next(str(line.protection) for line in report().lines if line.path == at).startswith(
            'token.scope("read")'
        )
        assert sent.post(at).status_code == 401
        assert sent.post(at, headers=GOOD).status_code == 403
        assert sent.post(at, headers=READER).content == b"paid"
        assert b"CSRF" in sent.post("/posted/", headers=READER).content


class Shown(APIView):
    def post(self, request: Request) -> Response:
        return Response(str(request.user))


def test_a_cookie_of_django_is_nobody_to_views_that_are_exempt() -> None:
    """Those of Django REST framework are, all of them: else another site could post as whoever is signed in."""
    from django.contrib.auth.models import User

    call_command("migrate", verbosity=0)
    urls = (path("shown/", Shown.as_view()), path("user/", plain_user))
    opened = given(USER=lambda access: None, OPEN={"/shown/": "anybody", "/user/": "anybody"})
    with opened, override_settings(MIDDLEWARE=[GUARD, *PEOPLE], ROOT_URLCONF=urls, **KEPT):
        browser = Client()
        browser.force_login(User.objects.get_or_create(username="eve")[0])
        assert browser.get("/user/").content == b"eve"
        assert browser.post("/shown/").json() == "AnonymousUser"
    told = given(USER=lambda access: "bob", OPEN={"/shown/": "anybody"})
    with told, override_settings(MIDDLEWARE=[GUARD, *PEOPLE], ROOT_URLCONF=urls, **KEPT):
        assert browser.post("/shown/").json() == "bob"
