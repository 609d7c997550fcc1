"""The guard lets in whom the policy allows, tells the others what to do, and decides before anything runs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.django.urls import seen
from tests.django.world import BOTH, GOOD, PAYER, code
from zerotrust.web.ambient import current_access

both = pytest.mark.parametrize("ask", BOTH, ids=["wsgi", "asgi"])


@both
@pytest.mark.parametrize("path", ["/pay/", "/pay-async/", "/hidden/"])
def test_a_view_gets_the_evidence(ask: Any, path: str) -> None:
    answer = ask(path, PAYER)
    assert (answer.status_code, answer.json()) == (200, {"who": "alice", "same": True})
    assert current_access() is None


@both
@pytest.mark.parametrize("path", ["/refund/", "/refund-async/", "/hidden-class/"])
def test_a_class_requires_its_policy(ask: Any, path: str) -> None:
    assert ask(path, PAYER, "POST").json() == {"who": "alice"}
    assert code(ask(path, GOOD, "POST")) == (403, "predicate_failed") or ask(path, GOOD, "POST").status_code in (
        401,
        403,
    )
    assert code(ask(path, method="POST")) == (401, "not_presented")


@both
def test_a_view_without_a_policy_has_the_default(ask: Any) -> None:
    seen.clear()
    assert code(ask("/plain/")) == (401, "not_presented")
    assert seen == []
    assert ask("/plain/", GOOD).content == b"plain"
