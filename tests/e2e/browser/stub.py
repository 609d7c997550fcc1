"""An application that answers as it was told to, in the browser's own place of a network: for `zerotrust.js` alone."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from zerotrust.web.ceremonies.files import static_files

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Request, Route

PATIENCE: Final = 30_000.0  # milliseconds: a hang ends in a failure
ORIGIN: Final = "http://localhost"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' http://other.localhost; "
    "require-trusted-types-for 'script'"
)
PAGE: Final = """<!doctype html><html lang="en"><head><title>Shop</title>
<link rel="stylesheet" href="/auth/zerotrust.css"></head><body><h1>Shop</h1><button>Pay</button></body></html>"""
PASSKEY: Final = [{"method": "passkey", "within": 600, "user_verified": True}]
TOTP: Final = [{"method": "totp", "within": 600}]
RECOVERY: Final = [{"method": "recovery_code", "within": 600}]
_DOCUMENT: Final = (
    '{"operation":{"method":"POST","host":"localhost","path":"/pay","fields":{"to":"<b>Bob</b>","cents":5},"query":{}}}'
)
# The challenge is not the digest of the document.
APPROVAL: Final = [{"method": "approval", "approval": "x", "document": _DOCUMENT, "publicKey": {"challenge": "A" * 43}}]


@dataclass(frozen=True)
class Answer:
    status: int
    body: object
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


def refusal(*ways: object, **members: object) -> Answer:
    body = {"status": 401, "code": "not_satisfied", "step_up": {"at": "/auth", "ways": ways}, **members}
    return Answer(401, body, "application/problem+json")


def problem(status: int, **members: object) -> Answer:
    return Answer(status, {"status": status, **members}, "application/problem+json")


PROVEN: Final = Answer(200, {"proven": {"method": "totp", "at": 0, "user_verified": False}})
STATUS: Final = "const response = await pay(); return [response.status, await response.json()];"
"""A script for `Stub.start`."""

OK: Final = Answer(200, {"paid": True})


class Stub:
    """Answers each path in the order it was told; the last answer holds for all that follow."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[Request] = []
        self._answers: dict[str, deque[Answer]] = defaultdict(deque)
        self._held: dict[str, list[Route]] = {}
        self._files = static_files()
        page.unroute_all()
        page.route("**/*", self._route)
        page.goto(f"{ORIGIN}/shop")

    def on(self, path: str, *answers: Answer) -> None:
        self._answers[path] = deque(answers)

    def hold(self, path: str) -> None:
        """Let requests to `path` wait for `release`."""
        self._held[path] = []

    def release(self, path: str, *answers: Answer) -> None:
        """Answer those that wait, in their order."""
        for route, answer in zip(self._held.pop(path), answers, strict=True):
            _fulfil(route, answer)

    def dialogue(self) -> Locator:
        """The dialogue, once it is there."""
        shown = self.page.get_by_role("dialog", name="Confirm that it is you")
        shown.wait_for()
        return shown

    def enter(self, code: str = "123456") -> None:
        """Type a code into it."""
        self.dialogue().get_by_label("Code").fill(code)
        self.page.keyboard.press("Enter")

    def sent(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.url.endswith(path)]

    def bodies(self, path: str) -> list[Any]:
        return [request.post_data_json for request in self.sent(path)]

    def start(self, script: str, argument: object = None) -> None:
        """Run `script`, which has `module`, `client` and `pay()`, and leave its promise at `window.result`."""
        self.page.evaluate(
            f"""async (argument) => {{
                const module = await import("/auth/zerotrust.js");
                const client = module.zerotrust();
                const pay = (init = {{}}) => client.fetch("/pay", {{ method: "POST", body: "5", ...init }});
                window.result = (async () => {{ {script} }})();
                window.result.catch(() => {{}});
            }}""",
            argument,
        )

    def result(self) -> Any:
        """What the script came to; waits for it, and not for ever."""
        late = "new Promise((_, reject) => setTimeout(reject, patience, new Error('it does not end')))"
        return self.page.evaluate(f"(patience) => Promise.race([window.result, {late}])", PATIENCE)

    def _route(self, route: Route) -> None:
        request = route.request
        path = request.url.split("localhost", 1)[1].split("?")[0]
        self.requests.append(request)
        name = path.removeprefix("/auth/")
        if path == "/shop":
            headers = {"Content-Security-Policy": POLICY}
            route.fulfill(status=200, content_type="text/html; charset=utf-8", body=PAGE, headers=headers)
        elif path.startswith("/auth/") and name in self._files:
            file = self._files[name]
            route.fulfill(status=200, content_type=file.kind.decode(), body=file.body)
        elif path in self._held:
            self._held[path].append(route)
        else:
            answers = self._answers[path]
            answer = Answer(404, {}) if not answers else answers[0] if len(answers) == 1 else answers.popleft()
            _fulfil(route, answer)


def _fulfil(route: Route, answer: Answer) -> None:
    route.fulfill(
        status=answer.status, content_type=answer.kind, body=json.dumps(answer.body), headers=dict(answer.headers)
    )
