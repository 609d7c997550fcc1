"""What is not kept of evidence, and what is not made of what another verifier left."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import PackageNotFoundError

import pytest

from tests.replay.world import KEY, capsule_of, tried
from zerotrust import Bearer, Issuer, judge
from zerotrust.core.facts import Attribute
from zerotrust.core.finding import Verified
from zerotrust.replay import writing
from zerotrust.replay.digests import Digests

NOW = 1_800_000_000.0
token = Bearer(Issuer("https://issuer.example"), audience="api")
can_pay = token.scope("pay")


def nested(levels: int) -> object:
    value: object = "end"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (nested(4), True), (nested(5), False), ({"a": {"b": [1, None, True]}}, True), ({"a": {"b": nested(3)}}, False),
        ({1: "a"}, False), ([b"bytes"], False), (b"bytes", False), ({"a"}, False), (object, False),
        ("x" * 512, True), ("x" * 513, False), ("\ud800", False), (float("nan"), False), (2**63, False),
        (["x"] * 513, False),
    ],
    ids=[
        "four deep", "five deep", "object", "object too deep", "number as name", "bytes in a list", "bytes", "set",
        "class", "long", "too long", "half a pair", "nan", "great", "many",
    ],
)  # fmt: skip
def test_what_is_no_small_plain_data_is_not_kept(value: object, plain: bool) -> None:
    assert writing._is_plain(value, 0) is plain


def test_no_object_becomes_a_digest() -> None:
    attribute, digests = Attribute("claims.dept"), Digests(KEY)
    assert writing._guarded({"a": 1}, attribute, token, [], digests) is writing._LEFT_OUT
    assert writing._guarded([{"a": 1}], attribute, token, [], digests) is writing._LEFT_OUT
    assert writing._guarded("a", attribute, token, [], digests) == digests.of("a")


def test_the_version_of_a_tree_that_was_not_installed_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    assert writing._version.__wrapped__() != "unknown"
    monkeypatch.setattr(writing, "version", missing)
    assert writing._version.__wrapped__() == "unknown"


def test_what_another_kind_of_verifier_found_answers_nothing() -> None:
    says = {"subject": "ann", "scope": ["pay"]}
    capsule = capsule_of(judge(can_pay, {token: Verified(token.exhibit(says, NOW))}, NOW))
    told = tried(can_pay, capsule)
    assert (told.allowed, told.missing, list(told.trial.findings(capsule))) == (True, (), [token])
    for found in (replace(capsule.found[0], type="Passkey"), replace(capsule.found[0], by="nobody")):
        other = replace(capsule, found=(found,))
        told = tried(can_pay, other)
        assert (told.allowed, told.decision(), told.trial.findings(other)) == (None, None, {})
        (why,) = told.missing
        assert why == ("token was a Passkey" if found.by == "token" else "token was not looked at")
