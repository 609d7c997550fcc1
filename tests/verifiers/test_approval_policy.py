"""Approvals that a policy asks for at once, however deep, and however often its parts are shared."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import Policy
from zerotrust.factors.relying_party import RelyingParty
from zerotrust.testing import LocalIssuer
from zerotrust.verifiers.approval import Approval
from zerotrust.verifiers.approval_policy import check_approvals
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.passkey import Passkey
from zerotrust.verifiers.session import Session

ISSUER = LocalIssuer("https://login.example.com")
TOKEN = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="shop")
PASSKEY = Passkey(
    RelyingParty("example.com", name="Example", origins=["https://shop.example.com"]),
    of=Session(of=TOKEN),
    secret=bytes(range(32)),
)
FIRST, SECOND = (Approval(PASSKEY, fields=("memo",), name=name).given for name in ("first", "second"))


def deep(policy: Policy) -> Policy:
    for number in range(3_000):
        policy = (policy | TOKEN.scope("x")) & TOKEN.valid if number % 2 else (policy & TOKEN.valid).named(f"n{number}")
    return policy


def shared(policy: Policy) -> Policy:
    """As often as there are ways through it, which nobody could walk: each of its parts stands there twice."""
    for _ in range(60):
        policy = (policy & TOKEN.valid) | (policy & TOKEN.scope("x"))
    return policy


@pytest.mark.parametrize("build", [deep, shared])
def test_no_depth_and_no_sharing_is_too_much(build: Callable[[Policy], Policy]) -> None:
    check_approvals(build(FIRST), "default")
    with pytest.raises(ConfigError, match="2 approvals at once"):
        check_approvals(build(FIRST & SECOND), "default")
