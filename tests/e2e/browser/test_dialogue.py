"""The dialogue of `zerotrust.js`, and what a person and assistive technology meet in it."""

from __future__ import annotations

import re

import pytest

from tests.e2e.browser.stub import APPROVAL, OK, PASSKEY, PROVEN, RECOVERY, STATUS, TOTP, Answer, Stub, problem, refusal

pytestmark = pytest.mark.e2e


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
    shown = stub.dialogue()
    for expected in (
        "That code is not right. Check it, or wait for the next one.",
        "Too many attempts. Try again in 30 seconds.",
        "Too many attempts. Try again in 15 minutes.",
        "<img src=x onerror=alert(1)>",
    ):
        stub.enter("000000")
        shown.get_by_role("alert").get_by_text(expected, exact=True).wait_for()
        field = shown.get_by_label("Code")
        assert field.get_attribute("aria-invalid") == "true"
        assert stub.page.evaluate("document.getSelection().toString()") == "000000"  # what is typed next replaces it
    assert shown.locator("img").count() == 0
    stub.enter()
    assert stub.result() == 200
    assert len(stub.sent("/pay")) == 2


def test_an_outage_is_told_and_leaves_the_choice(stub: Stub) -> None:
    stub.on("/pay", refusal(TOTP), OK)
    stub.on("/auth/totp/verify", Answer(502, "what a proxy says", "text/html"), PROVEN)
    stub.start("return (await pay()).status")
    stub.enter()
    stub.dialogue().get_by_role("alert").get_by_text("That did not work.").wait_for()
    stub.enter()
    assert stub.result() == 200


def test_a_way_of_two_steps_is_gone_step_by_step(stub: Stub) -> None:
    stub.on("/pay", refusal([*TOTP, *RECOVERY]), OK)
    stub.on("/auth/totp/verify", PROVEN)
    stub.on("/auth/recovery/verify", PROVEN)
    stub.start("return (await pay()).status")
    shown = stub.dialogue()
    shown.get_by_text("Step 1 of 2").wait_for()
    stub.enter()
    shown.get_by_text("Step 2 of 2").wait_for()
    assert shown.get_by_label("Code").input_value() == ""
    stub.enter(" abcd-efgh jkmn ")
    assert stub.result() == 200
    assert stub.bodies("/auth/recovery/verify") == [{"code": "abcd-efgh jkmn"}]
    assert len(stub.sent("/pay")) == 2


def test_ways_are_chosen_and_what_this_browser_cannot_do_is_not_offered(stub: Stub) -> None:
    stub.page.evaluate("delete window.PublicKeyCredential")
    stub.on("/pay", refusal([{"method": "passkey"}], RECOVERY, TOTP), OK)
    stub.on("/auth/totp/verify", PROVEN)
    stub.start("return (await pay()).status")
    shown = stub.dialogue()
    shown.get_by_text("Enter one of your recovery codes.").wait_for()
    assert shown.get_by_role("button", name="Passkey").count() == 0
    shown.get_by_role("button", name="Authenticator app").click()
    shown.get_by_text("Enter the code that your authenticator app shows.").wait_for()
    assert stub.page.evaluate("document.activeElement.name") == "code"
    shown.get_by_role("button", name="Recovery code").wait_for()
    stub.enter()
    assert stub.result() == 200


def test_passkeys_come_first_where_there_are_any(stub: Stub) -> None:
    stub.on("/pay", refusal(TOTP, [{"method": "passkey"}, *TOTP], [{"method": "passkey"}]))
    stub.start(STATUS)
    shown = stub.dialogue()
    shown.get_by_role("button", name="Use passkey").wait_for()
    assert shown.get_by_role("group", name="Other ways").get_by_role("button").all_inner_texts() == [
        "Authenticator app",
        "Passkey and Authenticator app",
    ]
    stub.page.keyboard.press("Escape")


FAKE_AUTHENTICATOR = """() => {
    PublicKeyCredential.parseRequestOptionsFromJSON = (options) => options;
    navigator.credentials.get = ({ publicKey, signal }) => new Promise((resolve, reject) => {
        window.asked = publicKey;
        signal.addEventListener("abort", () => { window.ended = true; reject(signal.reason); });
        if (!window.slow) resolve({ toJSON: () => ({ id: "x" }) });
    });
}"""


def test_a_proof_without_user_verification_is_told_where_it_is_demanded(stub: Stub) -> None:
    stub.page.evaluate(FAKE_AUTHENTICATOR)
    stub.on("/pay", refusal(PASSKEY), OK)
    stub.on("/auth/passkey/options", Answer(200, {"publicKey": {"challenge": "AAAA", "userVerification": "preferred"}}))
    weak, strong = ({"proven": {"method": "passkey", "at": 0, "user_verified": one}} for one in (False, True))
    stub.on("/auth/passkey/verify", Answer(200, weak), Answer(200, strong))
    stub.start("return (await pay()).status")
    shown = stub.dialogue()
    shown.get_by_role("button", name="Use passkey").click()
    shown.get_by_role("alert").filter(has_text="Your device did not check that it is you.").wait_for()
    assert len(stub.sent("/pay")) == 1
    shown.get_by_role("button", name="Use passkey").click()
    assert stub.result() == 200
    assert stub.page.evaluate("window.asked.userVerification") == "required"
    assert stub.bodies("/auth/passkey/verify") == [{"credential": {"id": "x"}}] * 2


def test_the_prompt_of_the_browser_ends_with_the_dialogue(stub: Stub) -> None:
    stub.page.evaluate(FAKE_AUTHENTICATOR)
    stub.on("/pay", refusal(PASSKEY))
    stub.on("/auth/passkey/options", Answer(200, {"publicKey": {"challenge": "AAAA"}}))
    stub.start("window.slow = true; return (await pay()).status")
    stub.dialogue().get_by_role("button", name="Use passkey").click()
    stub.page.wait_for_function("() => window.asked")
    stub.page.keyboard.press("Escape")
    assert stub.result() == 401
    assert stub.page.evaluate("window.ended") is True


def test_the_dialogue_is_told_to_assistive_technology(stub: Stub) -> None:
    stub.on("/pay", refusal(TOTP, RECOVERY))
    stub.start(STATUS)
    shown = stub.dialogue()
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
    stub.dialogue()
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
    stub.enter()
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
