"""The example shop: whatever is sent to its sign-in is answered, and never with 500."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from examples.mfa_app.app import create_app
from examples.mfa_app.people import People
from examples.mfa_app.policies import policies
from zerotrust import Sources
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.memory import MemoryStore

ROOT = Path(__file__).parents[2]
SHOP = create_app(
    policies("localhost", "http://localhost:8910", bytes(range(32)), development=True),
    People({"ada": "right"}),
    Sources(MemoryStore(keys=StoreKeys(encrypt=[bytes(range(32, 64))]))),
)
RIGHT = b"name=ada&password=right"


def signed_in(
    host: bytes = b"localhost:8910", length: bytes | None = None, body: bytes = RIGHT, site: bytes = b"same-origin"
) -> int:
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/login", "raw_path": b"/login", "query_string": b"", "root_path": "", "client": ("127.0.0.1", 4000),
        "server": ("127.0.0.1", 8910),
        "headers": [
            (b"host", host), (b"sec-fetch-site", site),
            (b"content-length", str(len(body)).encode() if length is None else length),
        ],
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(SHOP(scope, receive, send))
    return int(sent[0]["status"])


def test_who_knows_the_password_is_let_in() -> None:
    assert signed_in() == 303
    assert signed_in(body=b"name=ada&password=wrong") == 401


@pytest.mark.parametrize(
    ("length", "status"),
    [(b"abc", 400), (b"", 400), (b"-5", 400), (b"1_0", 400), (b"\xb2", 400), (b"4097", 413), (b"9" * 5000, 413)],
)
def test_a_length_is_a_number_and_small(length: bytes, status: int) -> None:
    assert signed_in(length=length) == status


@pytest.mark.parametrize("host", [b"shop.test", b"[", b"[::1", b"a]b", b"localhost:abc", b"localhost:99999999"])
def test_a_host_that_is_not_this_machine_is_refused(host: bytes) -> None:
    assert signed_in(host=host) in (400, 403)


def test_a_form_of_another_site_signs_nobody_in() -> None:
    assert signed_in(site=b"cross-site") == 403


@pytest.mark.parametrize("missing", ["uvicorn", "fastapi"])
def test_what_is_missing_is_told_by_its_extra(missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; import examples.mfa_app.__main__"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr == f"the shop needs {missing}, of the extra `demo`: pip install -e '.[demo,qr]'\n"
