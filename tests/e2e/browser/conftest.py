"""One browser for each worker, and a context of its own for each test that fails if a page complains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

import pytest

from tests.e2e.browser.stub import PATIENCE, Stub
from tests.servers import need

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize


# Not for the session: while it lives an event loop runs in this thread, and no other test could run one of its own.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium without a window; skips, or fails where it is required, if there is none."""
    path = which("chromium") or which("chromium-browser") or which("google-chrome")
    need(None if find_spec("playwright") else "Playwright is not installed")
    need(None if path else "no Chromium is on the path")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, headless=True)
        yield browser
        browser.close()


@contextmanager
def watched(chromium: Browser, *, scripts: bool = True) -> Iterator[tuple[BrowserContext, list[str]]]:
    """A browser with no memory, of somebody who dislikes motion, and what its pages complain of.

    That is: exceptions that nobody caught, breaches of a Content Security Policy, and dialogs of the old kind.
    """
    complaints: list[str] = []
    size: ViewportSize = {"width": 900, "height": 720}
    opened = chromium.new_context(reduced_motion="reduce", viewport=size, java_script_enabled=scripts)
    opened.set_default_timeout(PATIENCE)

    def watch(page: Page) -> None:
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"a dialog: {dialog.message}"))
        page.on("console", lambda said: complaints.append(said.text) if "Security Policy" in said.text else None)

    opened.on("page", watch)
    yield opened, complaints
    opened.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser whose pages have nothing to complain of."""
    with watched(chromium) as (opened, complaints):
        yield opened
        assert complaints == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page of that browser."""
    return context.new_page()


@pytest.fixture(scope="module")
def shared_page(chromium: Browser) -> Iterator[Page]:
    """One for a file of tests: each loads it anew, which costs a tenth of a new one."""
    with watched(chromium) as (opened, complaints):
        yield opened.new_page()
        assert complaints == []


@pytest.fixture
def stub(shared_page: Page) -> Stub:
    """An application that has not been told yet what to answer."""
    return Stub(shared_page)


@pytest.fixture
def plain(chromium: Browser) -> Iterator[BrowserContext]:
    """The same without JavaScript."""
    with watched(chromium, scripts=False) as (opened, complaints):
        yield opened
        assert complaints == []


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: `pytest --basetemp=...` says where that is."""
    return tmp_path_factory.mktemp("pictures")
