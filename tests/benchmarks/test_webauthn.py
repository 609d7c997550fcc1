"""What the WebAuthn group times is right: ours and the peers take a good assertion, and none takes a bad signature."""

from __future__ import annotations

import json
from typing import Any

import pytest
from webauthn.helpers.exceptions import InvalidAuthenticationResponse

from benchmarks import webauthn
from benchmarks.harness import measure
from zerotrust.core.reason import Reason
from zerotrust.factors.assertion import Assertion
from zerotrust.wire.encoding import b64url_decode, b64url_encode


@pytest.mark.parametrize("name", webauthn.GROUPS)
def test_the_groups_run(name: str) -> None:
    measure(webauthn.GROUPS[name](), rounds=1, attempts=1)


def test_everybody_refuses_a_bad_signature() -> None:
    one = webauthn.enrolled()[0]
    parsed: dict[str, Any] = json.loads(one.text)
    signature = b64url_decode(parsed["response"]["signature"])
    assert isinstance(signature, bytes)
    parsed["response"]["signature"] = b64url_encode(signature[:-1] + bytes((signature[-1] ^ 1,)))
    assert isinstance(webauthn.check(one.text, one.credential), Assertion)
    assert isinstance(webauthn.check(json.dumps(parsed), one.credential), Reason)
    with pytest.raises(InvalidAuthenticationResponse):
        webauthn.py_webauthn()(json.dumps(parsed), one.credential)
    with pytest.raises(ValueError, match="Invalid signature"):
        webauthn.fido2()(parsed, webauthn.fido2_credentials(one))
