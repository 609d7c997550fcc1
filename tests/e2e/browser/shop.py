"""The example application on loopback, and somebody who uses it in a browser with an authenticator."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from shutil import which
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Receive, Scope, Send

from examples.mfa_app.app import create_app
from examples.mfa_app.people import People
from examples.mfa_app.policies import policies
from tests.servers import need
from zerotrust import Sources
from zerotrust.cli.demo.servers import AppServer
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing import Clock

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

PASSWORD = "correct horse"


@dataclass
class Shop:
    """The running example, and its clock, which stands still until it is told to move."""

    origin: str
    clock: Clock
    people: Iterator[str] = field(default_factory=lambda: (f"person-{number}" for number in range(100)))

    def later(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def visitor(self, page: Page) -> Visitor:
        """Somebody whom the shop knows and who has nothing enrolled."""
        return Visitor(self, page, next(self.people))


class _Late:
    """Stands for the application until it is known where it listens."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@contextmanager
def open_shop() -> Iterator[Shop]:
    late, clock = _Late(), Clock(1_800_000_000.0)
    server = AppServer(late)
    origin = f"http://localhost:{server.port}"
    secret = bytes(range(32))
    store = MemoryStore(keys=StoreKeys(encrypt=[secret]))
    shop = policies("localhost", origin, secret, development=True, cost=10)
    passwords = People({f"person-{number}": PASSWORD for number in range(20)}, cost=4)
    late.app = create_app(shop, passwords, Sources(store), clock=clock)
    with server:
        yield Shop(origin, clock)


@dataclass
class Visitor:
    """A person, their browser's page, and the authenticator that it has once they got one."""

    shop: Shop
    page: Page
    name: str
    secret: str = ""
    _cdp: CDPSession | None = None
    _authenticator: str = ""

    # --- Where they go -----------------------------------------------------------------------------------------------

    def go(self, path: str) -> None:
        self.page.goto(f"{self.shop.origin}{path}")

    def at(self) -> str:
        return self.page.url.removeprefix(self.shop.origin)

    def sign_in(self) -> None:
        """As a script would, which is quicker."""
        form: dict[str, str | float | bool] = {"name": self.name, "password": PASSWORD}
        headers = {"Origin": self.shop.origin}
        self.page.context.clear_cookies()
        self.page.context.request.post(f"{self.shop.origin}/login", form=form, headers=headers)

    def leave(self) -> None:
        """Sign out, and take the authenticator along."""
        self.page.context.clear_cookies()
        self.page.unroute_all()
        if self._cdp is not None:
            self._cdp.detach()

    def type_password(self) -> None:
        """Sign in as a person does."""
        self.go("/login")
        self.page.get_by_label("Name").fill(self.name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("heading", name="Your account").wait_for()

    def pay(self) -> None:
        self.go("/")
        self.page.get_by_role("button", name="Pay").click()

    def told(self, text: str) -> None:
        """Wait until the shop says so."""
        self.page.get_by_role("status").filter(has_text=text).wait_for()

    # --- Passkeys ----------------------------------------------------------------------------------------------------

    @property
    def cdp(self) -> CDPSession:
        if self._cdp is None:
            self._cdp = self.page.context.new_cdp_session(self.page)
            self._cdp.send("WebAuthn.enable", {"enableUI": False})
        return self._cdp

    def get_authenticator(self, *, verifies: bool = True) -> None:
        """One of the platform's; `verifies`: whether it has a way to verify its user, and does."""
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": verifies,
            "isUserVerified": verifies,
            "automaticPresenceSimulation": True,
        }
        self._authenticator = self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def ask_authenticator(self, command: str, **more: Any) -> Any:
        return self.cdp.send(f"WebAuthn.{command}", {"authenticatorId": self._authenticator, **more})

    def enrol_passkey(self, name: str = "Laptop") -> None:
        self.go("/auth/")
        panel = self.page.get_by_role("region", name="Passkey")
        panel.get_by_label("Name, such as that of this device").fill(name)
        panel.get_by_role("button", name="Add a passkey").click()
        self.page.get_by_text("Added. You can use it from now on.").wait_for()

    # --- Codes -------------------------------------------------------------------------------------------------------

    def offer_totp(self) -> None:
        """Have the page show a key, and keep it."""
        self.go("/auth/")
        self.page.get_by_role("region", name="Authenticator app").get_by_role("button", name="Set up").click()
        self.page.get_by_role("heading", name="Set up: authenticator app").wait_for()
        self.secret = self.page.locator("code.secret").text_content() or ""

    def enrol_totp(self) -> None:
        self.offer_totp()
        self.page.get_by_role("textbox", name="Code").fill(self.code())
        self.page.get_by_role("button", name="Confirm").click()
        self.page.get_by_text("Added. You can use it from now on.").wait_for()

    def code(self) -> str:
        """What an authenticator app shows now: by oathtool, which knows nothing of us."""
        need(None if which("oathtool") else "oathtool is not installed")
        command = ["oathtool", "--totp", "-b", "-N", f"@{int(self.shop.clock())}", self.secret]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def make_recovery_codes(self) -> list[str]:
        self.go("/auth/")
        self.page.get_by_role("button", name="Make recovery codes").click()
        self.page.get_by_role("heading", name="Your recovery codes").wait_for()
        return self.page.locator("#codes code").all_inner_texts()
