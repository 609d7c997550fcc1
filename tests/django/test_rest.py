"""Django REST framework is told what the guard decided, and its own places for policies are seen."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import override_settings
from rest_framework.test import APIRequestFactory

from tests.django.world import GOOD, PAYER, READER, STAFF, ZEROTRUST, can_pay, code, get, token
from zerotrust import ConfigError
from zerotrust.django.rest import AccessAuthentication, Requires
from zerotrust.django.urls import places


@pytest.fixture(autouse=True)
def rest() -> Iterator[None]:
    with override_settings(ROOT_URLCONF="tests.django.rest_urls"):
        yield


def test_a_permission_is_a_policy() -> None:
    assert code(get("/payments/", method="POST")) == (401, "not_presented")
    assert code(get("/payments/", GOOD, "POST")) == (401, "missing_claim")
    assert get("/payments/", PAYER, "POST").json() == {"who": "alice", "user": "AnonymousUser"}


def test_a_class_requires_its_policy_and_its_access_is_at_hand() -> None:
    assert get("/refunds/", READER, "POST").headers["www-authenticate"].startswith("Bearer")
    assert get("/refunds/", PAYER, "POST").json() == {"who": "alice", "same": True}


@pytest.mark.parametrize("path", ["/given/", "/mixed/", "/below/"])
def test_what_the_guard_does_not_see_is_decided_late_and_refused_in_the_same_words(path: str) -> None:
    before, late = get("/payments/", READER, "POST"), get(path, READER)
    assert list(late.items()) == list(before.items())
    assert (late.status_code, late.content) == (before.status_code, before.content)
    assert get(path, PAYER).status_code == 200


@pytest.mark.parametrize("path", ["/given/", "/payments/", "/marked/", "/below/", "/refunds/"])
def test_nothing_is_a_mark_only(path: str) -> None:
    method = "POST" if path in ("/payments/", "/refunds/") else "GET"
    with override_settings(MIDDLEWARE=[]):
        answer = get(path, method=method)
        assert code(answer) == (401, "not_presented")
        assert get(path, PAYER, method).status_code == 200


@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [
        ("/api/items/", "GET", GOOD),
        ("/api/items/7/", "GET", READER),
        ("/api/items/7/buy/", "POST", PAYER),
        ("/api/items/restock/", "POST", STAFF),
        ("/function/", "GET", PAYER),
        ("/function/", "POST", PAYER),
        ("/marked/", "GET", PAYER),
    ],
)
def test_actions_and_functions_have_policies_of_their_own(path: str, method: str, headers: dict[str, str]) -> None:
    assert get(path, headers, method).status_code == 200
    assert get(path, method=method).status_code == 401
    if headers is not GOOD:
        assert get(path, GOOD, method).status_code == (401 if headers is PAYER else 403)


def test_head_of_a_viewset_needs_what_get_does() -> None:
    # The framework adds HEAD to the actions of a view when it is first called; here it is the first call.
    assert get("/notes/1/", READER, "HEAD").status_code == 200
    assert get("/notes/1/", STAFF, "HEAD").status_code == 403
    assert get("/notes/1/", STAFF, "DELETE").status_code == 200
    assert get("/notes/1/", READER, "DELETE").status_code == 403


def test_a_wrong_method_is_told_to_who_meets_the_policy() -> None:
    assert get("/payments/", GOOD, "DELETE").status_code == 401
    assert get("/payments/", PAYER, "DELETE").status_code == 405


def test_a_401_of_the_framework_has_the_challenge() -> None:
    answer = get("/asking/", GOOD)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm=""')


def test_denied_is_answered_as_any_refusal() -> None:
    assert get("/denying/", GOOD).json()["code"] == get("/payments/", GOOD, "POST").json()["code"]
    assert get("/denying/", PAYER).status_code == 200


def test_the_user_is_what_the_hook_gives() -> None:
    with override_settings(ZEROTRUST={**ZEROTRUST, "USER": lambda access: SimpleNamespace(name=access[token].subject)}):
        assert get("/payments/", PAYER, "POST").json()["user"] == "namespace(name='alice')"


def test_without_a_decision_nobody_is_authenticated() -> None:
    class Bare:
        _request = APIRequestFactory().get("/")

    bare: Any = Bare()
    assert AccessAuthentication().authenticate(bare) is None
    assert AccessAuthentication().authenticate_header(bare) == 'Bearer realm=""'


@pytest.mark.parametrize(
    "combine",
    [lambda one: one & one, lambda one: one | one, lambda one: ~one, lambda one: Requires(one)],
    ids=["and", "or", "not", "no policy"],
)
def test_permissions_are_combined_as_policies(combine: Any) -> None:
    with pytest.raises(ConfigError):
        combine(Requires(can_pay))


def test_the_schema_tells_who_may_call_and_how_a_refusal_looks() -> None:
    document = get("/schema/?format=json", GOOD).json()
    payments = document["paths"]["/payments/"]["post"]
    assert payments["security"] == [{"bearer": ["pay"]}]
    assert {"401", "403", "503"} <= payments["responses"].keys()
    assert document["paths"]["/api/items/{id}/"]["get"]["security"] == [{"bearer": ["read"]}]
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert "AccessProblem" in document["components"]["schemas"]


def test_the_schema_finds_operations_below_a_prefix_that_is_left_out() -> None:
    from drf_spectacular.settings import spectacular_settings  # once Django is configured

    untyped: Any = spectacular_settings
    untyped.apply_patches({"SCHEMA_PATH_PREFIX": "/api", "SCHEMA_PATH_PREFIX_TRIM": True})
    try:
        document = get("/schema/?format=json", GOOD).json()
    finally:
        untyped.clear_patches()
    assert document["paths"]["/items/{id}/"]["get"]["security"] == [{"bearer": ["read"]}]


def test_the_schema_describes_no_operation_that_was_left_out() -> None:
    from zerotrust.django.rest.schema import describe_policies  # once Django is configured

    generator: Any = SimpleNamespace(
        endpoints=[("/payments/", "", "POST", views_of("/payments/"))],
        coerce_path=lambda path, method, view: path,
        create_view=lambda callback, method: None,
    )
    assert describe_policies({"paths": {}}, generator) == {"paths": {}}


def views_of(path: str) -> Any:
    return next(place.view for place in places("tests.django.rest_urls") if place.path == path)
