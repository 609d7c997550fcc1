"""A refused request is found in the log, by the method and path that the client asked for and an id; no secret is."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any

import pytest

from tests.service.world import ask, good, post, scope_of, serving, tell
from zerotrust.service.log import JsonLines, shown_path

MOUNTS = ("/nginx", "/traefik", "/caddy", "/envoy")
GIVEN = b"0f9a6c2e-58b1-4a39-9f0e-3f3d2a9b7c11"
OWN = re.compile("[0-9a-f]{32}")


@pytest.fixture(autouse=True)
def at_info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "zerotrust.service")


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    found = [json.loads(one.getMessage()) for one in caplog.records if one.name == "zerotrust.service"]
    caplog.clear()
    return found


def test_a_refusal_is_found_by_method_path_and_the_id_of_the_proxy(caplog: pytest.LogCaptureFixture) -> None:
    service = serving()
    for mount in MOUNTS:
        said = ask(service, mount, (b"x-request-id", GIVEN), uri=b"/files/a%20b?token=secret", method=b"PUT")
        assert said.values(b"x-request-id") == [GIVEN]
        assert lines(caplog) == [
            {
                "event": "refused", "by": mount[1:], "route": "/files/**", "status": 401, "code": "not_presented",
                "method": "PUT", "path": "/files/a%20b", "request_id": GIVEN.decode(),
            }
        ]  # fmt: skip


def test_a_line_of_json_for_each_record(caplog: pytest.LogCaptureFixture) -> None:
    ask(serving(), "/caddy", (b"x-request-id", GIVEN), uri=b"/a")
    (record,) = [one for one in caplog.records if one.name == "zerotrust.service"]
    record.created = 1_800_000_000.25
    assert json.loads(JsonLines().format(record)) == {
        "time": "2027-01-15T08:00:00.250Z", "level": "INFO", "logger": "zerotrust.service", "event": "refused",
        "by": "caddy", "route": "(anything else)", "status": 401, "code": "not_presented", "method": "GET",
        "path": "/a", "request_id": GIVEN.decode(),
    }  # fmt: skip
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        failed = logging.LogRecord("a", logging.ERROR, "", 1, "two\nlines: %s", ("é",), sys.exc_info())
    text = JsonLines().format(failed)
    told = json.loads(text)
    assert (told["message"], text.count("\n"), text.isascii()) == ("two\nlines: é", 0, True)
    assert told["exception"].endswith("ZeroDivisionError")


def test_who_may_pass_is_told_of_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    said = ask(serving(), "/caddy", good(), (b"x-request-id", GIVEN))
    assert (lines(caplog), said.values(b"x-request-id")) == ([], [])


@pytest.mark.parametrize(
    "ids",
    [[], [b""], [b"short"], [b"a" * 65], [b'"}\n{"event": "x'], [b"a b c d e f"], [GIVEN, GIVEN], [b"\xff" * 20]],
    ids=["none", "empty", "short", "long", "forged", "blanks", "two", "octets"],
)
def test_an_id_of_another_form_is_replaced_and_told_to_the_proxy(
    ids: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    said = ask(serving(), "/caddy", *((b"x-request-id", one) for one in ids))
    (line,) = lines(caplog)
    assert OWN.fullmatch(line["request_id"])
    assert said.values(b"x-request-id") == [line["request_id"].encode()]


def test_strangers_have_no_say_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    service = serving()
    said = ask(service, "/caddy", (b"x-request-id", GIVEN), without=[b"x-hop-secret"])
    (line,) = lines(caplog)
    assert (said.status, line["status"], "path" in line, "method" in line) == (403, 403, False, False)
    assert OWN.fullmatch(line["request_id"])
    said = post(service, "/access/v1/evaluation", {}, (b"x-request-id", GIVEN), proof=False)
    (line,) = lines(caplog)
    assert (line["by"], line["status"], bool(OWN.fullmatch(line["request_id"]))) == ("authzen", 401, True)
    assert said.values(b"x-request-id") == [GIVEN]  # AuthZEN section 10.1.3


def test_what_cannot_be_read_is_told_as_far_as_it_can(caplog: pytest.LogCaptureFixture) -> None:
    service = serving()
    ask(service, "/nginx", uri=b"/caf\xc3\xa9/\r\nx?a")
    (line,) = lines(caplog)
    assert (line["status"], line["path"]) == (400, "/caf\\xc3\\xa9/\\r\\nx")
    ask(service, "/nginx", uri=b"/a", method=b"G\nET")
    ask(service, "/nginx", (b"x-original-uri", b"/b"))
    ask(service, "/nginx", uri=b"http://user:word@host/", without=[b"x-original-method"])
    assert [(one.get("method"), one.get("path")) for one in lines(caplog)] == [
        (None, "/a"), ("GET", None), (None, None)
    ]  # fmt: skip
    scope = scope_of("/envoy/", [(b"x-hop-secret", b"0123456789abcdefghijklmnopqrstuvwxyz")])
    tell(service, {**scope, "raw_path": None})
    assert [("path" in one, one["method"]) for one in lines(caplog)] == [(False, "GET")]


def test_what_is_asked_at_the_wrong_place_is_told_too(caplog: pytest.LogCaptureFixture) -> None:
    service = serving()
    tell(service, scope_of("/cady"))
    tell(service, scope_of("/traefik", method="POST"))
    assert [(one["by"], one["status"], one["code"]) for one in lines(caplog)] == [
        ("(unknown)", 404, "not_found"), ("(unknown)", 405, "method_not_allowed")
    ]  # fmt: skip
    tell(service, scope_of("/healthz"))
    assert not lines(caplog)


def test_refusals_of_authzen_have_the_id_of_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    service = serving()
    entity = {"type": "a", "id": "secret-word"}
    whole: dict[str, Any] = {
        "subject": entity,
        "resource": entity,
        "context": {"request": {"url": "https://a/secret-path?x"}},
    }
    whole["evaluations"] = [{"action": {"name": "read"}}, {"action": {"name": "secret-word"}}, {}]
    said = post(service, "/access/v1/evaluations", whole, (b"x-request-id", GIVEN))
    assert said.status == 200
    assert "secret" not in caplog.text
    found = lines(caplog)
    assert [(one["route"], one["status"]) for one in found] == [("read", 401), ("(unknown)", 403), ("(unknown)", 400)]
    assert {one["request_id"] for one in found} == {GIVEN.decode()}
    for name in (b"a" * 257, b"\xff"):
        said = post(service, "/access/v1/evaluation", whole, (b"x-request-id", name))
        (line,) = lines(caplog)
        assert (said.status, said.values(b"x-request-id")) == (400, [line["request_id"].encode()])
    assert 'mount="authzen",route="(unknown)",outcome="refused",code="malformed"} 3' in service.metrics.text()


SHOWN = {
    b"/": "/",
    b"/orders/42/how-to-pay?token=x": "/orders/42/how-to-pay",
    b"/a#b": "/a",
    b"/reset/dGhpcyBpcyBhIHNlY3JldA": "/reset/*",
    b"/s/eyJhbGciOiJub25lIn0.e30.c2ln/x": "/s/*/x",
    b"/s/0F9A6C2E-58B1-4A39-9F0E-3F3D2A9B7C11": "/s/*",
    b"/a;jsessionid=0a1b2c3d4e5f/b": "/*/b",
    b"/getting-started-with-policies.html": "/getting-started-with-policies.html",
    b"/" + b"A" * 4000: "/...",
    b"/ab" * 400: ("/ab" * 66)[:197] + "...",
}


def test_a_segment_that_may_be_a_token_is_not_told() -> None:
    assert {uri: shown_path(uri) for uri in SHOWN} == SHOWN
