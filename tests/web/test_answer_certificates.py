"""A refusal for want of a client certificate: TLS asks for those, so no challenge in HTTP can."""

from __future__ import annotations

import json

from tests.verifiers.devices import OTHER, device, issued, request
from tests.verifiers.tokens import NOW, bearer, mint
from zerotrust.core.decision import Challenge, Deny
from zerotrust.core.policy import Policy
from zerotrust.core.request import AccessRequest
from zerotrust.engine import decide
from zerotrust.web.answer import Answer, answer

TOKEN = bearer()
DEVICE = device(of=TOKEN)


def answered(policy: Policy, asked: AccessRequest) -> Answer:
    decision = decide(policy, asked)
    assert isinstance(decision, Challenge | Deny)
    return answer(decision, request=asked)


def challenges(said: Answer) -> list[bytes]:
    return [value for name, value in said.headers if name == b"www-authenticate"]


def test_a_missing_or_wrong_certificate_is_forbidden_and_challenges_nobody() -> None:
    token = mint(device_id="pc-1")
    for peer, code in ((None, "not_presented"), (issued("pc-2"), "subject_mismatch")):
        said = answered(TOKEN.valid & DEVICE.managed, request(peer, token, NOW))
        assert (said.status, challenges(said)) == (403, [])
        assert json.loads(said.body)["code"] == code
    alone = device().managed
    for peer, code in ((None, "not_presented"), (issued(by=OTHER), "untrusted_chain")):
        said = answered(alone, request(peer, None, NOW))
        assert (said.status, challenges(said)) == (403, [])
        assert json.loads(said.body)["code"] in (code, "chain_signature")


def test_a_missing_token_is_asked_for_as_ever() -> None:
    said = answered(TOKEN.valid & DEVICE.managed, request(issued("pc-1"), None, NOW))
    assert said.status == 401
    assert challenges(said) == [b'Bearer realm=""']
    assert json.loads(said.body)["code"] == "not_presented"
