"""`zerotrust.js` against an application that answers as it is told: what is sent, how often, and what a person sees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.e2e.browser.conftest import watched
from tests.e2e.browser.stub import APPROVAL, OK, ORIGIN, PROVEN, RECOVERY, TOTP, Answer, Stub, problem, refusal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.e2e

STATUS = "const response = await pay(); return [response.status, await response.json()];"


@pytest.fixture(scope="module")
def shared_page(chromium: Browser) -> Iterator[Page]:
    """Each test loads it anew, which costs a tenth of a new one."""
    with watched(chromium) as (context, complaints):
        yield context.new_page()
        assert complaints == []


@pytest.fixture
def stub(shared_page: Page) -> Stub:
    return Stub(shared_page)


def dialogue(stub: Stub) -> Locator:
    shown = stub.page.get_by_role("dialog", name="Confirm that it is you")
    shown.wait_for()
    return shown


def enter(stub: Stub, code: str = "123456") -> None:
    dialogue(stub).get_by_label("Code").fill(code)
    stub.page.keyboard.press("Enter")


def test_a_request_is_repeated_once_after_the_proof(stub: Stub) -> None:
    stub.on("/pay", refusal(TOTP), OK)
    stub.on("/auth/totp/verify", PROVEN)
    stub.start("const response = await pay({ headers: { 'X-Order': '7', Authorization: 'Bearer t' } });"
               "return [response.status, await response.json()];")  # fmt: skip
    enter(stub, "123 456")
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
    enter(stub)
    status, body = stub.result()
    assert (status, body["code"]) == (401, "not_satisfied")
    assert len(stub.sent("/pay")) == 2
    assert stub.page.locator("dialog").count() == 0


@pytest.mark.parametrize("how", ["Escape", "Cancel"])
def test_who_gives_up_gets_the_refusal_and_the_cursor_back(stub: Stub, how: str) -> None:
    stub.on("/pay", refusal(TOTP))
    stub.page.get_by_role("button", name="Pay").focus()
    stub.start(STATUS)
    shown = dialogue(stub)
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
    dialogue(stub)
    stub.page.wait_for_function("() => performance.getEntriesByName(location.origin + '/pay').length === 5")
    assert stub.page.locator("dialog").count() == 1
    enter(stub)
    assert stub.result() == [200] * 5
    assert len(stub.sent("/auth/totp/verify")) == 1
    assert len(stub.sent("/pay")) == 10


def test_giving_up_once_is_enough_for_all_that_wait(stub: Stub) -> None:
    stub.on("/pay", refusal(TOTP))
    stub.start("return (await Promise.all([pay(), pay(), pay()])).map((one) => one.status)")
    dialogue(stub)
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
    enter(stub)
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
    enter(stub)
    assert stub.result() == [200, 200]
    assert len(stub.sent("/auth/totp/verify")) == 1


def test_a_signal_ends_the_wait_of_its_own_request_alone(stub: Stub) -> None:
    stub.on("/pay", refusal(TOTP), refusal(TOTP), OK)
    stub.on("/auth/totp/verify", PROVEN)
    stub.start("window.stop = new AbortController();"
               "const aborted = pay({ signal: window.stop.signal }).catch((error) => error.name);"
               "const other = pay(); return [await aborted, (await other).status]")  # fmt: skip
    dialogue(stub)
    stub.page.wait_for_function("() => performance.getEntriesByName(location.origin + '/pay').length === 2")
    stub.page.evaluate("window.stop.abort()")
    enter(stub)
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
    enter(stub)
    status, bodies = stub.result()
    assert status == 200
    assert bodies == [bodies[0]] * 2
    assert bodies[0] in {"abc", "a=bc"}


# --- What a person sees ----------------------------------------------------------------------------------------------


def test_wrong_codes_are_told_and_typed_anew(stub: Stub) -> None:
    stub.on("/pay", refusal(TOTP), OK)
    stub.on(
        "/auth/totp/verify",
        problem(400, code="wrong_code", detail="not the code that is due"),
        problem(429, code="throttled", detail="too many", retry_after=30),
        problem(429, code="throttled", detail="too many", retry_after=900),
        problem(400, code="strange", detail="<img src=x onerror=alert(1)>"),
        PROVEN,
    )
    stub.start("return (await pay()).status")
    shown = dialogue(stub)
    for expected in (
        "That code is not right. Check it, or wait for the next one.",
        "Too many attempts. Try again in 30 seconds.",
        "Too many attempts. Try again in 15 minutes.",
        "<img src=x onerror=alert(1)>",
    ):
        enter(stub, "000000")
        shown.get_by_role("alert").get_by_text(expected, exact=True).wait_for()
        field = shown.get_by_label("Code")
        assert field.get_attribute("aria-invalid") == "true"
        assert stub.page.evaluate("document.getSelection().toString()") == "000000"  # what is typed next replaces it
    assert shown.locator("img").count() == 0
    enter(stub)
    assert stub.result() == 200
    assert len(stub.sent("/pay")) == 2


def test_an_outage_is_told_and_leaves_the_choice(stub: Stub) -> None:
    stub.on("/pay", refusal(TOTP), OK)
    stub.on("/auth/totp/verify", Answer(502, "what a proxy says", "text/html"), PROVEN)
    stub.start("return (await pay()).status")
    enter(stub)
    dialogue(stub).get_by_role("alert").get_by_text("That did not work.").wait_for()
    enter(stub)
    assert stub.result() == 200


def test_a_way_of_two_steps_is_gone_step_by_step(stub: Stub) -> None:
    stub.on("/pay", refusal([*TOTP, *RECOVERY]), OK)
    stub.on("/auth/totp/verify", PROVEN)
    stub.on("/auth/recovery/verify", PROVEN)
    stub.start("return (await pay()).status")
    shown = dialogue(stub)
    shown.get_by_text("Step 1 of 2").wait_for()
    enter(stub)
    shown.get_by_text("Step 2 of 2").wait_for()
    assert shown.get_by_label("Code").input_value() == ""
    enter(stub, " abcd-efgh jkmn ")
    assert stub.result() == 200
    assert stub.bodies("/auth/recovery/verify") == [{"code": "abcd-efgh jkmn"}]
    assert len(stub.sent("/pay")) == 2


def test_ways_are_chosen_and_what_this_browser_cannot_do_is_not_offered(stub: Stub) -> None:
    stub.page.evaluate("delete window.PublicKeyCredential")
    stub.on("/pay", refusal([{"method": "passkey"}], RECOVERY, TOTP), OK)
    stub.on("/auth/totp/verify", PROVEN)
    stub.start("return (await pay()).status")
    shown = dialogue(stub)
    shown.get_by_text("Enter one of your recovery codes.").wait_for()
    assert shown.get_by_role("button", name="Passkey").count() == 0
    shown.get_by_role("button", name="Authenticator app").click()
    shown.get_by_text("Enter the code that your authenticator app shows.").wait_for()
    assert stub.page.evaluate("document.activeElement.name") == "code"
    shown.get_by_role("button", name="Recovery code").wait_for()
    enter(stub)
    assert stub.result() == 200


def test_passkeys_come_first_where_there_are_any(stub: Stub) -> None:
    stub.on("/pay", refusal(TOTP, [{"method": "passkey"}, *TOTP], [{"method": "passkey"}]))
    stub.start(STATUS)
    shown = dialogue(stub)
    shown.get_by_role("button", name="Use passkey").wait_for()
    assert shown.get_by_role("group", name="Other ways").get_by_role("button").all_inner_texts() == [
        "Authenticator app",
        "Passkey and Authenticator app",
    ]
    stub.page.keyboard.press("Escape")


def test_the_dialogue_is_told_to_assistive_technology(stub: Stub) -> None:
    stub.on("/pay", refusal(TOTP, RECOVERY))
    stub.start(STATUS)
    shown = dialogue(stub)
    assert shown.aria_snapshot() == (
        '- dialog "Confirm that it is you":\n'
        '  - heading "Confirm that it is you" [level=2]\n'
        "  - paragraph: Enter the code that your authenticator app shows.\n"
        "  - text: Code\n"
        '  - textbox "Code"\n'
        "  - alert\n"  # there before anything is said in it, or not everybody would hear
        '  - button "Confirm"\n'
        '  - button "Cancel"\n'
        '  - group "Other ways":\n'
        '    - button "Recovery code"\n'
        '    - link "Nothing here works?":\n'
        "      - /url: http://localhost/auth/"
    )
    described = "one => document.getElementById(one.getAttribute('aria-describedby')).textContent"
    assert "Enter the code that your" in shown.evaluate(described)
    stub.page.keyboard.press("Escape")


def test_the_keyboard_stays_inside_and_reaches_everything(stub: Stub) -> None:
    stub.on("/pay", refusal(TOTP, RECOVERY))
    stub.start(STATUS)
    dialogue(stub)
    seen: list[str] = []
    for _ in range(5):
        seen.append(stub.page.evaluate("document.activeElement.textContent || document.activeElement.name"))
        stub.page.keyboard.press("Tab")
    assert seen == ["code", "Confirm", "Cancel", "Recovery code", "Nothing here works?"]
    stub.page.keyboard.press("Escape")


def test_other_words_and_another_dialogue(stub: Stub) -> None:
    stub.on("/pay", refusal(TOTP), OK)
    stub.on("/auth/totp/verify", PROVEN)
    stub.start("""
        const text = { ...module.TEXT, lang: "de", title: "Sind Sie es?", submit: "Weiter", code: "Code vom Telefon" };
        return (await module.zerotrust({ text }).fetch("/pay")).status;
    """)
    shown = stub.page.get_by_role("dialog", name="Sind Sie es?")
    assert shown.get_attribute("lang") == "de"
    shown.get_by_label("Code vom Telefon").fill("123456")
    shown.get_by_role("button", name="Weiter").click()
    assert stub.result() == 200

    stub.on("/pay", refusal(TOTP), OK)
    stub.start("""
        const dialog = async ({ ways, prove }) => { for (const step of ways[0]) await prove(step, "42"); return true; };
        return (await module.zerotrust({ dialog }).fetch("/pay")).status;
    """)
    assert stub.result() == 200
    assert stub.bodies("/auth/totp/verify")[-1] == {"code": "42"}


def test_stepping_up_ahead_of_a_request(stub: Stub) -> None:
    stub.on("/auth/totp/verify", PROVEN)
    stub.start("return client.stepUp(argument)", [TOTP])
    enter(stub)
    assert stub.result() is True
    stub.start("return client.stepUp(argument)", [[{"method": "retina"}]])
    assert stub.result() is False


def test_a_server_that_shows_other_than_it_has_signed_gets_nothing(stub: Stub) -> None:
    """What is shown is the document; the challenge has to be its digest."""
    stub.on("/pay", refusal(APPROVAL))
    stub.start(STATUS)
    shown = stub.page.get_by_role("dialog", name="Approve this")
    shown.wait_for()
    assert shown.locator("dt").all_inner_texts() == ["POST", "to", "cents"]
    assert shown.locator("dd").all_inner_texts() == ["localhost/pay", "<b>Bob</b>", "5"]
    shown.get_by_role("button", name="Approve with passkey").click()
    shown.get_by_role("alert").get_by_text(re.compile("Nothing was approved")).wait_for()
    stub.page.keyboard.press("Escape")
    assert stub.result()[0] == 401
    assert len(stub.sent("/pay")) == 1
