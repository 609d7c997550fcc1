"""CWE-532 and CWE-117: what the log tells of a refusal has no secret in it, and is one line, whatever was sent."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.service.world import ask, good, post, serving
from zerotrust.service.log import about

MOUNTS = ("/nginx", "/traefik", "/caddy", "/envoy")
TOKEN = good("other")[1].removeprefix(b"Bearer ")
OPAQUE = b"kJ8-sWq_Zt1vN4xKe"
AROUND = (
    (b"/s/", b""), (b"/s/", b"/more"), (b"/?", b""), (b"/a?b=", b"&c"), (b"/a#", b""), (b"/a;b=", b""),
    (b"http://a:", b"@b/"), (b"/\xff/", b"/"), (b"/a%3F", b""),
)  # fmt: skip
LETTERS = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


def test_no_credential_reaches_the_log_wherever_it_was_put(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    service = serving()
    for mount in MOUNTS:
        for secret in (TOKEN, OPAQUE):
            for before, after in AROUND:
                ask(service, mount, uri=before + secret + after, method=b"PUT")
            ask(service, mount, (b"authorization", b"Bearer " + secret), (b"cookie", b"a=" + secret), method=b"PUT")
            ask(service, mount, (b"x-request-id", b"Bearer " + secret))
            ask(service, mount, method=secret)
            ask(service, mount, (b"x-hop-secret", secret))
            ask(service, mount, uri=b"/s" + secret, without=[b"x-hop-secret"])
    for secret in (TOKEN, OPAQUE):
        text = secret.decode()
        entity = {"type": text, "id": text}
        for action in ("read", text):
            context = {"token": text, "request": {"url": f"https://a/{text}?{text}", "headers": {"cookie": text}}}
            whole = {"subject": entity, "action": {"name": action}, "resource": entity, "context": context}
            assert post(service, "/access/v1/evaluation", whole).json["decision"] is False
    assert '"event": "refused"' in caplog.text
    for secret in (TOKEN, TOKEN[-40:], OPAQUE):
        assert secret.decode() not in caplog.text


@settings(max_examples=60)
@given(st.binary(max_size=60).map(lambda some: b"/" + some), st.none() | st.binary(max_size=30))
@example(b"/\xe2\x80\xa8\x1b[0m", b"GET")
@example(b'/"}\r\n{"event": "allowed"}', b"G\nT")
def test_what_is_told_is_on_one_line_and_short(uri: bytes, method: bytes | None) -> None:
    told = about(method, uri)
    assert told["path"].isprintable()
    assert len(told["path"]) <= 1000
    assert not set(told["path"]) & set("?#")
    assert set(told.get("method", "")) <= LETTERS
    assert json.dumps(told).isascii()
