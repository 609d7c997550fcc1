"""People with a real browser in the example: enrolled, challenged, stepped up, and landed where they were going."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.e2e.browser.shop import Shop, Visitor, open_shop

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Page, Response

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as running:
        yield running


@pytest.fixture
def ada(shop: Shop, shared_page: Page) -> Iterator[Visitor]:
    """Somebody who has just signed in, with an authenticator that knows them."""
    visitor = shop.visitor(shared_page)
    visitor.get_authenticator()
    visitor.sign_in()
    yield visitor
    visitor.leave()


def dialogue_of(ada: Visitor, name: str = "Confirm that it is you") -> Page:
    ada.page.get_by_role("dialog", name=name).wait_for()
    return ada.page


def take(pictures: Path, page: Page, name: str) -> None:
    """Pictures for people to look at: by day, by night, and on a phone."""
    size = page.viewport_size
    assert size is not None
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=pictures / f"{name}-{scheme}.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320  # WCAG 2.2 success criterion 1.4.10
    page.screenshot(path=pictures / f"{name}-phone.png", full_page=True)
    page.set_viewport_size(size)


# --- Passkeys ---------------------------------------------------------------------------------------------------------


def test_a_payment_is_stepped_up_by_a_passkey_and_lands(ada: Visitor, pictures: Path) -> None:
    ada.enrol_passkey("Ada's laptop")
    take(pictures, ada.page, "everything")
    ada.shop.later(660)
    sent: list[tuple[str, int]] = []

    def note(response: Response) -> None:
        if response.request.method == "POST":
            sent.append((response.url.removeprefix(ada.shop.origin), response.status))

    ada.page.on("response", note)
    ada.pay()
    page = dialogue_of(ada)
    take(pictures, page, "dialogue")
    page.get_by_role("button", name="Use passkey").click()
    ada.told("Done: number")
    assert sent == [
        ("/payments", 401),
        ("/auth/passkey/options", 200),
        ("/auth/passkey/verify", 200),
        ("/payments", 200),
    ]
    with page.expect_response("**/payments"):  # what the first one was told is still there to be read
        page.get_by_role("button", name="Pay").click()  # within ten minutes nobody is asked again
    ada.told("Done: number")
    assert len(sent) == 5
    ada.go("/statement")
    assert page.get_by_text("12.50 to bob").count() == 2


def test_signing_in_with_nothing_but_a_passkey(ada: Visitor, pictures: Path) -> None:
    ada.enrol_passkey()
    ada.page.get_by_role("button", name="Sign out").click()
    ada.page.get_by_text("You are signed out.").wait_for()
    ada.go("/statement")
    assert ada.at().startswith("/auth/?next=/statement&for=passkey")
    take(pictures, ada.page, "sign-in")
    ada.page.get_by_role("button", name="Use passkey").click()
    ada.page.get_by_role("heading", name="Statement").wait_for()
    assert ada.at() == "/statement"
    assert ada.page.get_by_text(ada.name).is_visible()


def test_user_verification_off_is_refused_where_it_is_demanded(ada: Visitor) -> None:
    page, shop = ada.page, ada.shop
    ada.ask_authenticator("removeVirtualAuthenticator")
    ada.get_authenticator(verifies=False)
    ada.enrol_passkey()
    shop.later(660)
    ada.pay()
    dialogue_of(ada).get_by_role("button", name="Use passkey").click()
    page.get_by_role("alert").filter(has_text="No passkey was used.").wait_for()  # the browser was asked for it
    page.keyboard.press("Escape")
    ada.told("Refused")
    # A client that does not ask for it gets a proof, and the policy does not take that.
    proven = page.evaluate("import('/auth/zerotrust.js').then((module) => module.zerotrust().signIn())")
    assert proven["user_verified"] is False
    page.get_by_role("button", name="Pay").click()
    dialogue_of(ada)
    page.keyboard.press("Escape")
    ada.told("Refused")


def test_a_cloned_counter_is_noticed(ada: Visitor) -> None:
    ada.enrol_passkey("Copied one")
    ada.shop.later(660)
    ada.pay()
    dialogue_of(ada).get_by_role("button", name="Use passkey").click()
    ada.told("Done: number")
    ada.shop.later(660)
    (credential,) = ada.ask_authenticator("getCredentials")["credentials"]
    assert credential["signCount"] >= 2
    ada.ask_authenticator("removeCredential", credentialId=credential["credentialId"])
    ada.ask_authenticator("addCredential", credential={**credential, "signCount": 0})
    ada.pay()
    dialogue_of(ada).get_by_role("button", name="Use passkey").click()
    ada.told("Refused")
    ada.go("/auth/")
    assert ada.page.get_by_text("a copy").first.is_visible()


def test_inside_a_page_of_another_origin_a_passkey_proves_nothing(ada: Visitor) -> None:
    """WebAuthn Level 3 section 13.4.9: `crossOrigin`. The page around is of this site, or cookies would stay away."""
    ada.enrol_passkey()
    page = ada.page
    around, framed = "http://localhost:1", f"{ada.shop.origin}/framed"
    frame = f'<!doctype html><title>x</title><iframe allow="publickey-credentials-get *" src="{framed}"></iframe>'
    page.route(f"{around}/", lambda route: route.fulfill(content_type="text/html", body=frame))
    page.route(framed, lambda route: route.fulfill(content_type="text/html", body="<!doctype html><title>y</title>"))
    page.goto(f"{around}/")
    inner = next(one for one in page.frames if one.url == framed)
    refused = inner.evaluate(
        "import('/auth/zerotrust.js').then((module) => module.zerotrust().signIn())"
        ".then(() => 'in', (error) => `${error.status} ${error.code}`)"
    )
    assert refused == "400 cross_origin"


def test_a_browser_that_cannot_read_options_from_json(shop: Shop, page: Page) -> None:
    """Firefox before 119, Safari before 18.4: the script does it."""
    page.add_init_script(
        "delete PublicKeyCredential.parseCreationOptionsFromJSON;"
        "delete PublicKeyCredential.parseRequestOptionsFromJSON; delete PublicKeyCredential.prototype.toJSON;"
    )
    visitor = shop.visitor(page)
    visitor.get_authenticator()
    visitor.sign_in()
    visitor.enrol_passkey()
    visitor.pay()
    dialogue_of(visitor).get_by_role("button", name="Use passkey").click()
    visitor.told("Done: number")


def test_a_name_never_becomes_markup(ada: Visitor) -> None:
    name = '"><img src=x onerror=alert(1)>'
    ada.enrol_passkey(name)
    assert ada.page.get_by_text(name).is_visible()
    assert ada.page.locator("img").count() == 0


# --- Approvals --------------------------------------------------------------------------------------------------------


def test_a_transfer_is_shown_approved_and_made(ada: Visitor, pictures: Path) -> None:
    ada.enrol_passkey()
    ada.go("/")
    ada.page.get_by_role("button", name="Transfer").click()
    page = dialogue_of(ada, "Approve this")
    shown = dict(
        zip(page.locator("dialog dt").all_inner_texts(), page.locator("dialog dd").all_inner_texts(), strict=True)
    )
    host = ada.shop.origin.removeprefix("http://")
    assert shown == {"POST": f"{host}/transfers", "cents": "99900", "to": "DE02 1203 0000 0000 2020 51"}
    take(pictures, page, "approval")
    page.get_by_role("button", name="Approve with passkey").click()
    ada.told("Done: number")


@pytest.mark.parametrize("button", ["Pay", "Transfer"])
def test_who_has_nothing_set_up_is_told_so_and_led_there(ada: Visitor, button: str, pictures: Path) -> None:
    ada.go("/")
    ada.page.get_by_role("button", name=button).click()
    page = dialogue_of(ada)
    assert page.get_by_role("alert").get_by_text("Nothing of this kind is set up for you yet.").is_visible()
    link = page.get_by_role("link", name="Set it up in another tab")
    assert link.get_attribute("href") == f"{ada.shop.origin}/auth/"
    page.screenshot(path=pictures / f"nothing-{button.lower()}.png")
    page.get_by_role("button", name="Cancel").click()
    ada.told("Refused")


# --- Codes ------------------------------------------------------------------------------------------------------------


def test_a_payment_is_stepped_up_by_a_code_and_lands(ada: Visitor, pictures: Path) -> None:
    ada.offer_totp()
    take(pictures, ada.page, "offer")
    assert ada.page.get_by_role("img", name="QR code").is_visible()
    ada.page.get_by_role("textbox", name="Code").fill(ada.code())
    ada.page.get_by_role("button", name="Confirm").click()
    ada.page.get_by_text("Added.").wait_for()
    ada.shop.later(660)
    ada.pay()
    page = dialogue_of(ada)
    page.get_by_role("textbox", name="Code").fill("000000")
    page.keyboard.press("Enter")
    page.get_by_role("alert").filter(has_text="That code is not right.").wait_for()
    take(pictures, page, "wrong-code")
    page.keyboard.type(ada.code())  # over the wrong one, which is selected
    page.keyboard.press("Enter")
    ada.told("Done: number")


def test_everything_by_keyboard(ada: Visitor) -> None:
    ada.enrol_totp()
    ada.shop.later(660)
    ada.go("/")
    page = ada.page
    for _ in range(20):
        if page.evaluate("document.activeElement.textContent") == "Pay":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    dialogue_of(ada)
    page.keyboard.type(ada.code())
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    ada.told("Done: number")
    assert page.evaluate("document.activeElement.textContent") == "Pay"  # back where it was


def test_codes_without_a_script(shop: Shop, plain: BrowserContext, pictures: Path) -> None:
    ada = shop.visitor(plain.new_page())
    page = ada.page
    ada.type_password()
    ada.offer_totp()
    page.get_by_role("textbox", name="Code").fill("000000")
    page.get_by_role("button", name="Confirm").click()
    assert page.get_by_role("textbox", name="Code").get_attribute("aria-invalid") == "true"
    assert page.title().startswith("Error: ")
    page.get_by_role("textbox", name="Code").fill(ada.code())
    page.get_by_role("button", name="Confirm").click()
    page.get_by_text("Added. You can use it from now on.").wait_for()

    shop.later(660)
    ada.go("/statement")
    assert ada.at() == "/auth/?next=/statement&for=totp"
    take(pictures, page, "plain")
    page.get_by_role("textbox", name="Code").fill("000000")
    page.keyboard.press("Enter")
    page.get_by_text("That code is not right.").wait_for()
    page.get_by_role("textbox", name="Code").fill(ada.code())
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Statement").wait_for()
    assert ada.at() == "/statement"


def test_who_lost_everything_gets_back_in_by_a_recovery_code(shop: Shop, plain: BrowserContext, pictures: Path) -> None:
    ada = shop.visitor(plain.new_page())
    page = ada.page
    ada.sign_in()
    ada.enrol_totp()
    codes = ada.make_recovery_codes()
    assert len(set(codes)) == len(codes) >= 8
    take(pictures, page, "recovery-codes")

    shop.later(660)
    ada.go("/statement")
    page.get_by_role("link", name="Lost it?").click()
    page.get_by_role("textbox", name="Code").fill(codes[0])
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("heading", name="Ways to confirm that it is you").wait_for()
    assert page.get_by_text(f"{len(codes) - 1} left").is_visible()
    page.get_by_role("region", name="Authenticator app").get_by_role("button", name="Replace").click()
    ada.secret = page.locator("code.secret").text_content() or ""
    page.get_by_role("textbox", name="Code").fill(ada.code())
    page.get_by_role("button", name="Confirm").click()
    page.get_by_text("Added.").wait_for()
    ada.go("/statement")
    page.get_by_role("heading", name="Statement").wait_for()


# --- Looking after it -------------------------------------------------------------------------------------------------


def test_renaming_and_removing_ask_who_it_is_first(ada: Visitor) -> None:
    ada.enrol_totp()
    ada.shop.later(660)
    ada.go("/auth/")
    page = ada.page
    panel = page.get_by_role("region", name="Authenticator app")
    panel.get_by_text("Rename or remove").click()
    panel.get_by_role("button", name="Remove").click()
    page.get_by_text("Confirm first that it is you").wait_for()
    page.get_by_role("textbox", name="Code").fill(ada.code())
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("heading", name="Ways to confirm that it is you").wait_for()
    panel.get_by_text("Rename or remove").click()
    panel.get_by_role("textbox", name="Name").fill("Old phone")
    panel.get_by_role("button", name="Rename").click()
    panel.get_by_text("Old phone", exact=True).wait_for()
    panel.get_by_text("Rename or remove").click()
    panel.get_by_role("button", name="Remove").click()
    page.get_by_text("Removed.").wait_for()
    assert panel.get_by_role("button", name="Set up").is_visible()


def test_the_page_is_told_to_assistive_technology(ada: Visitor) -> None:
    ada.enrol_totp()
    ada.enrol_passkey()
    ada.shop.later(660)
    ada.go("/statement")
    assert ada.page.locator("body").aria_snapshot() == (
        "- banner:\n"
        "  - paragraph: Corner Shop\n"
        f"  - paragraph: Signed in as {ada.name}\n"
        '  - button "Sign out"\n'
        "- main:\n"
        '  - heading "Confirm that it is you" [level=1]\n'
        "  - paragraph: Choose one of these to go on.\n"
        '  - region "Passkey":\n'
        '    - heading "Passkey" [level=2]\n'
        "    - paragraph: Use your fingerprint, face, screen lock or security key.\n"
        "    - alert\n"
        '    - button "Use passkey"\n'
        '  - region "Authenticator app":\n'
        '    - heading "Authenticator app" [level=2]\n'
        "    - paragraph: Enter the code that your authenticator app shows.\n"
        "    - text: Code\n"
        '    - textbox "Code"\n'
        '    - button "Confirm"'
    )
