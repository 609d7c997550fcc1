"""`zerotrust.js` against an application that answers as it is told: what is sent, and how often."""

from __future__ import annotations

import pytest

from tests.e2e.browser.stub import APPROVAL, OK, ORIGIN, PROVEN, RECOVERY, STATUS, TOTP, Answer, Stub, problem, refusal

pytestmark = pytest.mark.e2e


def test_a_request_is_repeated_once_after_the_proof(stub: Stub) -> None:
    stub.on("/pay", refusal(TOTP), OK)
    stub.on("/auth/totp/verify", PROVEN)
    stub.start("const response = await pay({ headers: { 'X-Order': '7', Authorization: 'Bearer t' } });"
               "return [response.status, await response.json()];")  # fmt: skip
    stub.enter("123 456")
    assert stub.result() == [200, {"paid": True}]
    assert [(one.method, one.post_data, one.headers["x-order"]) for one in stub.sent("/pay")] == [
        ("POST", "5", "7")
    ] * 2
    assert stub.bodies("/auth/totp/verify") == [{"code": "123456"}]
    verify = stub.sent("/auth/totp/verify")[0]
    assert verify.headers["authorization"] == "Bearer t"  # who steps up is who was refused
    assert verify.headers["content-type"] == "application/json"
    assert stub.page.locator("dialog").count() == 0


def test_a_second_refusal_is_returned(stub: Stub) -> None:
    stub.on("/pay", refusal(TOTP))
    stub.on("/auth/totp/verify", PROVEN)
    stub.start(STATUS)
    stub.enter()
    status, body = stub.result()
    assert (status, body["code"]) == (401, "not_satisfied")
    assert len(stub.sent("/pay")) == 2
    assert stub.page.locator("dialog").count() == 0


@pytest.mark.parametrize("how", ["Escape", "Cancel"])
def test_who_gives_up_gets_the_refusal_and_the_cursor_back(stub: Stub, how: str) -> None:
    stub.on("/pay", refusal(TOTP))
    stub.page.get_by_role("button", name="Pay").focus()
    stub.start(STATUS)
    shown = stub.dialogue()
    if how == "Escape":
        stub.page.keyboard.press("Escape")
    else:
        shown.get_by_role("button", name="Cancel").click()
    assert stub.result()[0] == 401
    assert stub.result()[1]["code"] == "not_satisfied"  # its body is still there to read
    assert len(stub.sent("/pay")) == 1
    assert stub.page.evaluate("document.activeElement.textContent") == "Pay"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (OK, 200),
        (problem(401, code="not_presented"), 401),
        (Answer(401, refusal(TOTP).body, "application/json"), 401),
        (Answer(403, refusal(TOTP).body, "application/problem+json"), 403),
        (refusal(), 401),
        (refusal([]), 401),
        (refusal([{"method": "retina"}], "totp", None, [None], [{"method": "__proto__"}], [{}]), 401),
        (refusal([{"method": "approval"}]), 401),
        (problem(401, step_up={"ways": "totp"}), 401),
        (Answer(401, "not an object", "application/problem+json"), 401),
    ],
    ids=["ok", "plain", "json", "forbidden", "none", "empty", "unknown", "spent-approval", "wrong-type", "no-object"],
)
def test_other_answers_are_returned_as_they_are(stub: Stub, answer: Answer, expected: int) -> None:
    stub.on("/pay", answer)
    stub.start("return (await pay()).status")
    assert stub.result() == expected
    assert len(stub.sent("/pay")) == 1


def test_a_foreign_origin_cannot_make_a_person_type_a_code(stub: Stub) -> None:
    told = refusal(TOTP)
    allowed = (("Access-Control-Allow-Origin", ORIGIN),)
    stub.on("/pay", Answer(told.status, told.body, told.kind, allowed))
    stub.start("const response = await client.fetch('http://other.localhost/pay');"
               "return [response.status, (await response.json()).code];")  # fmt: skip
    assert stub.result() == [401, "not_satisfied"]
    assert stub.page.locator("dialog").count() == 0


def test_requests_at_once_share_one_dialogue(stub: Stub) -> None:
    stub.on("/pay", *[refusal(TOTP)] * 5, OK)
    stub.on("/auth/totp/verify", PROVEN)
    stub.start("return (await Promise.all([pay(), pay(), pay(), pay(), pay()])).map((one) => one.status)")
    stub.dialogue()
    stub.page.wait_for_function("() => performance.getEntriesByName(location.origin + '/pay').length === 5")
    assert stub.page.locator("dialog").count() == 1
    stub.enter()
    assert stub.result() == [200] * 5
    assert len(stub.sent("/auth/totp/verify")) == 1
    assert len(stub.sent("/pay")) == 10


def test_giving_up_once_is_enough_for_all_that_wait(stub: Stub) -> None:
    stub.on("/pay", refusal(TOTP))
    stub.start("return (await Promise.all([pay(), pay(), pay()])).map((one) => one.status)")
    stub.dialogue()
    stub.page.wait_for_function("() => performance.getEntriesByName(location.origin + '/pay').length === 3")
    stub.page.keyboard.press("Escape")
    assert stub.result() == [401] * 3
    assert stub.page.locator("dialog").count() == 0


def test_a_late_refusal_is_tried_again_before_anybody_is_asked(stub: Stub) -> None:
    """It was sent before the proof of another request."""
    stub.on("/auth/totp/verify", PROVEN)
    stub.on("/now", refusal(TOTP), OK)
    stub.hold("/late")
    stub.start("const late = client.fetch('/late');"
               "const now = await client.fetch('/now'); return [now.status, (await late).status]")  # fmt: skip
    stub.enter()
    stub.page.wait_for_function("() => !document.querySelector('dialog')")
    stub.on("/late", OK)
    stub.release("/late", refusal(TOTP))
    assert stub.result() == [200, 200]
    assert len(stub.sent("/auth/totp/verify")) == 1


def test_dialogues_wait_for_each_other_and_a_proof_may_serve_both(stub: Stub) -> None:
    stub.on("/auth/totp/verify", PROVEN)
    stub.on("/one", refusal(TOTP), OK)
    stub.on("/two", refusal(TOTP, RECOVERY), OK)
    stub.start("const all = await Promise.all([client.fetch('/one'), client.fetch('/two')]);"
               "return all.map((one) => one.status)")  # fmt: skip
    stub.enter()
    assert stub.result() == [200, 200]
    assert len(stub.sent("/auth/totp/verify")) == 1


def test_a_signal_ends_the_wait_of_its_own_request_alone(stub: Stub) -> None:
    stub.on("/pay", refusal(TOTP), refusal(TOTP), OK)
    stub.on("/auth/totp/verify", PROVEN)
    stub.start("window.stop = new AbortController();"
               "const aborted = pay({ signal: window.stop.signal }).catch((error) => error.name);"
               "const other = pay(); return [await aborted, (await other).status]")  # fmt: skip
    stub.dialogue()
    stub.page.wait_for_function("() => performance.getEntriesByName(location.origin + '/pay').length === 2")
    stub.page.evaluate("window.stop.abort()")
    stub.enter()
    assert stub.result() == ["AbortError", 200]


@pytest.mark.parametrize("way", [TOTP, APPROVAL], ids=["code", "approval"])
def test_the_dialogue_goes_when_nobody_waits_any_more(stub: Stub, way: object) -> None:
    stub.on("/pay", refusal(way))
    stub.start(
        "window.stop = new AbortController();"
        "return pay({ signal: window.stop.signal }).then((one) => one.status, (error) => error.name)"
    )
    stub.page.get_by_role("dialog").wait_for()
    stub.page.evaluate("window.stop.abort()")
    assert stub.result() == "AbortError"
    stub.page.wait_for_function("() => !document.querySelector('dialog')")
    assert len(stub.sent("/pay")) == 1


@pytest.mark.parametrize(
    "script",
    [
        "new Request('/pay', { method: 'POST', body: 'abc' })",
        "'/pay', { method: 'POST', body: new Blob(['a', 'bc']) }",
        "'/pay', { method: 'POST', body: new URLSearchParams({ a: 'bc' }) }",
        "'/pay', { method: 'POST', duplex: 'half', body: new Blob(['a', 'bc']).stream() }",
    ],
    ids=["request", "blob", "form", "stream"],
)
def test_bodies_are_sent_again_whole(stub: Stub, script: str) -> None:
    stub.on("/auth/totp/verify", PROVEN)
    stub.start(f"""
        const bodies = [];
        const send = async (request) => {{
            if (!request.url.endsWith("/pay")) return window.fetch(request);
            bodies.push(await request.text());
            const [status, type] = bodies.length > 1 ? [200, "text/plain"] : [401, "application/problem+json"];
            const ways = [[{{ method: "totp" }}]];
            const headers = {{ "Content-Type": type }};
            return new Response(JSON.stringify({{ step_up: {{ ways }} }}), {{ status, headers }});
        }};
        const response = await module.zerotrust({{ fetch: send }}).fetch({script});
        return [response.status, bodies];
    """)
    stub.enter()
    status, bodies = stub.result()
    assert status == 200
    assert bodies == [bodies[0]] * 2
    assert bodies[0] in {"abc", "a=bc"}
