"""The guard lets in whom the policy allows, tells the others what to do, and decides before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings

from tests.django.urls import seen
from tests.django.world import (
    BOTH,
    GOOD,
    GUARD,
    ISSUER,
    NOW,
    PAYER,
    READER,
    STAFF,
    ZEROTRUST,
    can_pay,
    code,
    get,
    get_async,
    shown,
    staff,
    token,
)
from zerotrust import Bearer, ConfigError, Issuer
from zerotrust.django import Require, access, require
from zerotrust.django.marks import marks_of
from zerotrust.web.ambient import current_access

both = pytest.mark.parametrize("ask", BOTH, ids=["wsgi", "asgi"])


@pytest.fixture(autouse=True)
def nobody_is_left() -> Iterator[None]:
    seen.clear()
    yield
    assert current_access() is None


@both
@pytest.mark.parametrize("path", ["/pay/", "/pay-async/", "/hidden/", "/hidden-async/"])
def test_a_view_gets_the_evidence(ask: Any, path: str) -> None:
    answer = ask(path, PAYER)
    assert (answer.status_code, answer.json()) == (200, {"who": "alice", "same": True})


@both
@pytest.mark.parametrize("path", ["/refund/", "/refund-async/", "/hidden-class/"])
def test_a_class_requires_its_policy(ask: Any, path: str) -> None:
    assert ask(path, PAYER, "POST").json() == {"who": "alice"}
    assert code(ask(path, GOOD, "POST")) == (401, "missing_claim")
    assert code(ask(path, method="POST")) == (401, "not_presented")


@both
def test_a_view_without_a_policy_has_the_default(ask: Any) -> None:
    assert code(ask("/plain/")) == (401, "not_presented")
    assert seen == []
    assert ask("/plain/", GOOD).content == b"plain"


def test_a_policy_may_be_given_where_the_class_becomes_a_view() -> None:
    assert get("/refund-staff/", STAFF, "POST").status_code == 200
    assert get("/refund-staff/", PAYER, "POST").status_code == 403


def test_methods_have_policies_of_their_own() -> None:
    assert get("/methods/", GOOD).content == b"read"
    assert get("/methods/", GOOD, "HEAD").status_code == 200
    assert get("/methods/", GOOD, "POST").status_code == 401
    assert get("/methods/", PAYER, "POST").content == b"paid"
    assert get("/methods/", PAYER, "DELETE").status_code == 403
    assert get("/methods/", STAFF, "DELETE").content == b"deleted"


@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "BREW"])
def test_a_method_that_is_not_answered_needs_all_of_them(method: str) -> None:
    assert code(get("/methods/", STAFF, method)) == (401, "not_satisfied")
    assert code(get("/methods/", PAYER, method)) == (403, "not_satisfied")
    both_scopes = shown("pay staff", auth_time=int(NOW) - 10)
    assert get("/methods/", both_scopes, method).status_code == (200 if method == "OPTIONS" else 405)


@both
@pytest.mark.parametrize("path", ["/dispatched/", "/dispatched-async/"])
def test_dispatch_may_be_decorated(ask: Any, path: str) -> None:
    assert ask(path, READER).content == b"read"
    assert ask(path, GOOD).status_code == 403


@both
def test_a_wrong_method_is_told_to_who_meets_the_policy(ask: Any) -> None:
    assert ask("/post-only/").status_code == 401
    assert ask("/post-only/", PAYER).status_code == 405


@both
def test_what_no_route_serves_needs_the_default(ask: Any) -> None:
    assert code(ask("/nowhere/")) == (401, "not_presented")
    assert ask("/nowhere/", GOOD).status_code == 404
    assert code(ask("/plain")) == (401, "not_presented")
    assert ask("/plain", GOOD).headers["location"] == "/plain/"


@both
def test_refusals_are_sent_as_they_are(ask: Any) -> None:
    answer = ask("/pay/")
    assert [name for name, _ in answer.items()] == [
        "content-type", "content-length", "cache-control", "www-authenticate",
    ]  # fmt: skip
    head = ask("/pay/", method="HEAD")
    assert (head.content, list(head.items())) == (b"", list(answer.items()))


@pytest.mark.parametrize("ask", BOTH, ids=["wsgi", "asgi"])
def test_what_is_refused_later_is_refused_in_the_same_words(ask: Any) -> None:
    before = ask("/pay/", GOOD)
    for path in ("/denying/", "/denying-group/", "/hidden/"):
        later = ask(path, GOOD)
        assert (list(later.items()), later.content) == (list(before.items()), before.content), path
    assert ask("/denying/", PAYER).content == b"allowed"


@both
def test_what_is_hidden_is_the_applications_own_404(ask: Any) -> None:
    answer, other = ask("/denying/?hidden", GOOD), ask("/nowhere/", GOOD)
    assert (answer.status_code, answer.content) == (404, other.content)


@both
def test_the_applications_own_mistakes_stay_its_own(ask: Any) -> None:
    assert ask("/broken/").status_code == 401
    with override_settings(LOGGING_CONFIG=None):
        assert ask("/broken/", GOOD).status_code == 500


@pytest.mark.parametrize(
    ("ask", "path"), [(get, "/streaming/"), (get_async, "/streaming-async/")], ids=["wsgi", "asgi"]
)
def test_the_access_is_there_while_a_response_is_streamed(ask: Any, path: str) -> None:
    answer = ask(path, GOOD)
    sent = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert sent == b"alicealice"


@both
def test_errors_while_deciding_are_refusals(ask: Any, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> float:
        raise RuntimeError("a secret")

    ticks = iter([1.0])

    def clock() -> float:
        return next(ticks, None) or broken()

    with override_settings(ZEROTRUST={**ZEROTRUST, "CLOCK": clock}):
        answer = ask("/plain/", GOOD)
    assert code(answer) == (503, "undecided")
    assert "a secret" not in answer.content.decode() + caplog.text


@both
def test_every_response_carries_the_next_nonce(ask: Any) -> None:
    sender = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="api", name="sender")
    speaking = Speaking(sender)
    with override_settings(ROOT_URLCONF="tests.django.few_urls", ZEROTRUST={**ZEROTRUST, "DEFAULT": speaking.valid}):
        for path in ("/plain/", "/nowhere/", "/broken/"):
            answer = ask(path, GOOD)
            assert answer.headers["x-next"] == "7", path
            assert answer.cookies["kept"].output(header="") == " kept=1; Path=/; X-Odd"
        assert ask("/replying/", GOOD).headers["x-next"] == "8"


def Speaking(like: Bearer) -> Bearer:
    class Speaker(Bearer):
        def continuing(self, now: float) -> Any:
            return ((b"x-next", b"7"),)

        def renewing(self, finding: Any, now: float) -> Any:
            return ((b"set-cookie", b"kept=1; Path=/; X-Odd"),)

    return Speaker(*like.issuers, audience="api")


class Rewriting:
    """A middleware that changes what runs after the guard has decided."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        if "x-path" in request.headers:
            request.path_info = request.headers["x-path"]
        if "x-method" in request.headers:
            request.method = request.headers["x-method"]
        if "x-urlconf" in request.headers:
            request.urlconf = request.headers["x-urlconf"]
        return self.get_response(request)


@both
def test_what_runs_is_what_was_decided_about(ask: Any) -> None:
    rewriting = "tests.django.test_guard.Rewriting"
    with override_settings(MIDDLEWARE=[GUARD, rewriting]):
        assert ask("/plain/", {**GOOD, "x-path": "/pay/"}).status_code == 401
        assert ask("/plain/", {**PAYER, "x-path": "/pay/"}).json() == {"who": "alice", "same": True}
        assert ask("/methods/", {**GOOD, "x-method": "POST"}).status_code == 401
        assert ask("/health/", {**GOOD, "x-urlconf": "tests.django.other_urls"}).status_code == 401
        assert ask("/health/", {**PAYER, "x-urlconf": "tests.django.other_urls"}).status_code == 200
    with override_settings(MIDDLEWARE=[rewriting, GUARD]):
        assert ask("/plain/", {**GOOD, "x-path": "/pay/"}).status_code == 401
        assert ask("/pay/", {**GOOD, "x-path": "/plain/"}).content == b"plain"


@both
@pytest.mark.parametrize("path", ["/pay/", "/pay-async/", "/hidden/", "/dispatched-async/"])
def test_nothing_is_a_mark_only(ask: Any, path: str, caplog: pytest.LogCaptureFixture) -> None:
    headers = READER if "dispatched" in path else PAYER
    with override_settings(MIDDLEWARE=[]):
        assert code(ask(path)) == (401, "not_presented")
        assert ask(path, headers).status_code == 200
    assert ask("/refund/", GOOD, "POST").status_code == 401


@both
def test_without_settings_marks_refuse(ask: Any) -> None:
    with override_settings(MIDDLEWARE=[], ZEROTRUST=None):
        assert code(ask("/pay/", PAYER)) == (503, "undecided")
        assert code(ask("/pay-async/", PAYER)) == (503, "undecided")


def test_access_says_where_nobody_decided() -> None:
    with pytest.raises(ConfigError, match="nobody has decided"):
        access(HttpRequest())


def test_marks_say_what_they_take() -> None:
    with pytest.raises(ConfigError, match=r"takes a policy, e\.g\. token\.valid"):
        require(token)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="does not decorate the class"):
        require(token.valid)(Require)
    with pytest.raises(ConfigError, match="decorates a function, not 3"):
        require(token.valid)(3)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="is given no request"):
        require(token.valid)(lambda one: one)(3)

    class Bare(Require):
        def get(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("never")

    with pytest.raises(ConfigError, match="takes a policy"):
        Bare.as_view()(HttpRequest())


def test_what_is_called_for_a_view_is_known_by_its_marks() -> None:
    class Counter:
        @require(can_pay)
        def __call__(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("counted")

    marked = require(can_pay)(lambda request: HttpResponse("paid"))
    for view in (Counter(), partial(marked), partial(partial(marked), tax=7)):
        assert marks_of(view).policies == (can_pay,)
    assert marks_of(partial(require(staff)(marked))).policies == (can_pay, staff)
    assert marks_of(partial(len)).policies == ()


def test_the_method_is_found_by_the_request_alone() -> None:
    assert get_async("/pay/", {"authorization": "Bearer x"}).status_code == 401


@both
def test_what_is_open_leads_nowhere_else(ask: Any) -> None:
    opened = {**ZEROTRUST, "OPEN": {"/health/": "the load balancer asks"}}
    with override_settings(MIDDLEWARE=[GUARD, "tests.django.test_guard.Rewriting"], ZEROTRUST=opened):
        assert ask("/health/").content == b"plain"
        seen.clear()
        assert ask("/health/", {"x-path": "/plain/"}).status_code == 401
        assert ask("/health/", {"x-path": "/shop/"}).status_code == 401
        assert seen == []
