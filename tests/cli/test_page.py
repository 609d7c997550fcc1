"""The page of `demo --serve`: its endpoints over HTTP, and the page itself in a browser where there is one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any, NoReturn

import pytest

from zerotrust.cli.demo.app import create_app
from zerotrust.cli.demo.client import Answer, Request, send
from zerotrust.cli.demo.credentials import CREDENTIALS
from zerotrust.cli.demo.page import add_page
from zerotrust.cli.demo.policies import Policies
from zerotrust.cli.demo.servers import AppServer
from zerotrust.testing import Clock, LocalIssuerServer

pytestmark = pytest.mark.e2e

PAGE = files("zerotrust.cli.demo").joinpath("page")

# What a payment with each credential on the page comes to.
PAYMENTS = {
    "good": (200, ""),
    "stale": (401, "not_satisfied"),
    "contractor": (403, "not_satisfied"),
    "read-only": (403, "not_satisfied"),
    "none": (401, "not_presented"),
    "expired": (401, "expired"),
    "audience": (401, "wrong_audience"),
    "issuer": (401, "unknown_issuer"),
    "id-token": (401, "wrong_type"),
    "oversized": (401, "too_large"),
    "tampered": (401, "bad_signature"),
    "foreign-key": (401, "bad_signature"),
    "unsigned": (401, "algorithm"),
    "confusion": (401, "algorithm"),
    "unknown-key": (401, "unknown_key"),
    "embedded": (401, "unknown_key"),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    clock = Clock()
    with LocalIssuerServer(clock=clock, algorithms=("ES256", "RS256")) as server:
        policies = Policies(server.url)
        app, guard = create_app(policies, clock)
        add_page(app, guard, policies, server.issuer)
        with AppServer(app) as running:
            yield running.url


def get(url: str, path: str) -> Answer:
    return send(url, Request("GET", path))


def mint(url: str, credential: str) -> str | None:
    answer = send(url, Request("POST", f"/demo/tokens/{credential}"))
    assert answer.status == 200
    token = answer.document["token"]
    assert token is None or isinstance(token, str)
    return token


def test_every_credential_on_the_page_comes_to_what_it_says(url: str) -> None:
    assert PAYMENTS.keys() == {credential.id for credential in CREDENTIALS}
    for credential, expected in PAYMENTS.items():
        token = mint(url, credential)
        headers = () if token is None else (("Authorization", f"Bearer {token}"),)
        body = (("Content-Type", "application/json"),)
        answer = send(url, Request("POST", "/payments", (*headers, *body), b'{"to": "bob", "cents": 1}'))
        assert (answer.status, answer.code) == expected, credential
        assert isinstance(answer.document["explanation"], dict)


def test_the_choices_come_with_policies_whose_lights_are_out(url: str) -> None:
    setup: dict[str, Any] = get(url, "/demo/setup").document
    assert [(one["method"], one["path"], one["policy"]) for one in setup["requests"]] == [
        ("POST", "/payments", "can pay"),
        ("GET", "/accounts", "can read"),
    ]
    tree = setup["requests"][0]["tree"]
    assert tree["verdict"] == "UNKNOWN"
    assert [leaf["text"] for leaf in tree["children"][0]["children"]] == [
        'token.scope("pay")',
        "token.fresh(5 min)",
        'not token.role("contractor")',
    ]
    assert {tuple(one) for one in setup["credentials"]} == {("id", "group", "title", "hint")}


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {value for name, value in attrs if name in {"src", "href"} and value}


def test_the_page_and_all_it_needs_come_from_here(url: str) -> None:
    for path in ["/", *_links()]:
        answer = get(url, path)
        assert answer.status == 200, path
        assert (answer.header("content-security-policy") or "").startswith("default-src 'none'")
        assert answer.header("cache-control") == "no-store"
        assert answer.header("content-type") in {
            "text/html; charset=utf-8",
            "text/css; charset=utf-8",
            "text/javascript; charset=utf-8",
            "image/svg+xml",
        }


def _links() -> set[str]:
    links = Links()
    links.feed(PAGE.joinpath("index.html").read_text("utf-8"))
    assert links.found == {"/demo/style.css", "/demo/page.js", "/demo/icon.svg"}
    return links.found


@pytest.mark.parametrize("name", ["index.html", "style.css", "page.js"])
def test_the_files_name_no_other_host_and_no_inline_script(name: str) -> None:
    text = PAGE.joinpath(name).read_text("utf-8")
    assert not re.search(r"https?://|@import|url\(|\son\w+=|style=|innerHTML|eval\(", text)


def test_only_the_page_is_open(url: str) -> None:
    for path in ("/docs", "/openapi.json", "/demo/nothing", "/demo", "/accounts"):
        assert get(url, path).status in {401, 404}, path
    assert get(url, "/openapi.json").status == 401
    assert send(url, Request("POST", "/demo/tokens/nobody")).status == 404


def cannot_run(reason: str) -> NoReturn:
    """Skip where a developer has no browser; fail where this run requires one."""
    if os.environ.get("ZEROTRUST_REQUIRE") == "1":
        pytest.fail(f"{reason}, and this run requires it", pytrace=False)
    pytest.skip(reason)  # a browser is no part of what a developer installs; CI sets ZEROTRUST_REQUIRE


def test_in_a_browser_the_tree_lights_up(url: str) -> None:
    if find_spec("playwright") is None:
        cannot_run("Playwright is not installed")
    playwright = import_module("playwright.sync_api")
    chromium = which("chromium") or which("chromium-browser") or which("google-chrome")
    if chromium is None:
        cannot_run("no Chromium is on the path")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, headless=True)
        page = browser.new_page(reduced_motion="reduce")
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{url}/")
        page.get_by_label("Stale sign-in").check()
        assert page.locator("#tree .light[data-verdict]").count() == 0
        page.get_by_role("button", name="Send request").click()
        page.locator("#tree > li > .node.lit").wait_for()
        assert page.locator("#status strong").inner_text() == "401 Unauthorized"
        assert page.locator("#status .chip").inner_text() == "asked to sign in again"
        assert 'max_age="300"' in page.locator("#told").inner_text()
        verdicts = page.locator("#tree .light").evaluate_all("all => all.map(one => one.dataset.verdict)")
        assert verdicts == ["NO", "NO", "YES", "NO", "YES"]
        page.get_by_label("Good token").check()
        assert page.locator("#status").inner_text() == "Not sent yet."
        page.keyboard.press("Enter")  # the form is a form: no mouse is needed
        page.locator("#tree > li > .node.lit").wait_for()
        assert page.locator("#status strong").inner_text() == "200 OK"
        page.set_viewport_size({"width": 320, "height": 600})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert errors == []
        browser.close()


def test_text_stands_out_from_its_ground_in_both_themes() -> None:
    """WCAG 2.2 success criterion 1.4.3: a contrast of 4.5 for every pair that the page uses."""
    light, dark = re.findall(r":root \{(.*?)\}", PAGE.joinpath("style.css").read_text("utf-8"), re.DOTALL)
    for block in (light, dark):
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        pairs = [(text, ground) for text in ("ink", "muted") for ground in ("ground", "panel", "sunken", "chosen")]
        pairs += [("on-accent", "accent")]
        pairs += [(name, ground) for name in ("yes", "no", "unknown") for ground in (f"{name}-ground", "panel")]
        for text, ground in pairs:
            assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


def _contrast(one: str, other: str) -> float:
    first, second = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (first + 0.05) / (second + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_page_is_four_files_that_the_wheel_takes_along() -> None:
    root = Path(__file__).resolve().parents[2]
    assert {path.name for path in (root / "zerotrust/cli/demo/page").iterdir()} == {
        "icon.svg",
        "index.html",
        "page.js",
        "style.css",
    }
