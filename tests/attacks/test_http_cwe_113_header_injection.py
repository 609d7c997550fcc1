"""CWE-113: nothing that a caller, a token or a careless configuration says can add a line to our headers."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import pytest
from fastapi import FastAPI
from starlette.types import Message

from tests.fastapi.world import call, clock, http_scope, raw, shown, token
from zerotrust import ConfigError
from zerotrust.fastapi import Guard

EVIL = 'x", error="none"\r\nset-cookie: a=b'


def injected(messages: list[Message]) -> bool:
    return any(
        b"\r" in value or b"\n" in value or name == b"set-cookie" or b"none" in value
        for name, value in messages[0]["headers"]
    )


@pytest.mark.parametrize("realm", [EVIL, "a\r\nb: c", 'quoted"', "back\\slash", "nul\0"])
def test_a_realm_that_would_break_out_is_refused_where_it_is_written(realm: str) -> None:
    with pytest.raises(ConfigError):
        Guard(FastAPI(), default=token.valid, realm=realm)


def test_text_of_a_policy_that_would_break_out_is_refused_where_it_is_written() -> None:
    """How text that got past this would be rendered is tested with the rendering, in tests/web."""
    for leaf in (token.scope, token.acr):
        with pytest.raises(ConfigError):
            leaf("read", EVIL)


def test_text_of_a_token_or_a_path_is_never_sent_back() -> None:
    app = FastAPI()
    Guard(app, default=token.scope("pay"), clock=clock, explain=True)
    headers = raw(shown(EVIL.replace(" ", "_"), subject=EVIL, acr=EVIL))
    sent = call(app, http_scope("/" + EVIL, headers=headers))
    assert sent.status in {401, 403}
    assert not injected(sent.messages)
