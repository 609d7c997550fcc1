"""A proxy in each of its modes, the guarded application behind them, and curl in front."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from tests.e2e.proxies.pki import Identity, Pki
from tests.e2e.proxies.setup import MODES, NAME, Example, Mode
from tests.e2e.servers import serving
from tests.servers import PATIENCE, need
from tests.servers.proxies import Proxy, proxying


@dataclass(frozen=True)
class Answer:
    """What curl got.

    Attributes:
        status: of the response; None if there was none, since the TLS handshake failed.
        body: the JSON in it; empty if it holds none.
        arrived: the headers of the request as the application's server got it; None if it got none.
        text: the body as it is, or what curl says.
    """

    status: int | None
    body: dict[str, Any]
    arrived: list[tuple[str, str]] | None
    text: str

    def values(self, header: str) -> list[str]:
        """What arrived under this name."""
        return [value for name, value in self.arrived or () if name == header.lower()]


class Recorder:
    """Notes what headers requests arrive with.

    Attributes:
        arrived: the headers of each request.
    """

    def __init__(self) -> None:
        self.arrived: list[list[tuple[str, str]]] = []

    def around(self, app: ASGIApp) -> ASGIApp:
        """`app`, whose requests are noted."""

        async def recording(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
                self.arrived.append(headers)
            await app(scope, receive, send)

        return recording


def curl(recorder: Recorder, pki: Pki, url: str, *arguments: str, identity: Identity | None = None) -> Answer:
    """Ask for `url`, which names the application wherever it is, with a certificate or without."""
    port = url.partition("://")[2].partition("/")[0].rpartition(":")[2]
    shown = () if identity is None else ("--cert", str(identity.certificate), "--key", str(identity.key))
    before = len(recorder.arrived)
    ran = subprocess.run(
        [
            *("curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", str(PATIENCE)),
            *("--cacert", str(pki.root.certificate), "--resolve", f"{NAME}:{port}:127.0.0.1"),
            *("--write-out", "\n%{http_code}", *shown, *arguments, url),
        ],
        env={"PATH": os.environ["PATH"], "HOME": str(pki.directory)},  # no proxy, no .curlrc
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * PATIENCE,
    )
    text, _, status = ran.stdout.rpartition("\n")
    arrived = recorder.arrived[before:]
    assert len(arrived) <= 1
    try:
        body = json.loads(text)
    except ValueError:
        body = {}
    seen = arrived[0] if arrived else None
    return Answer(None if status == "000" else int(status), body, seen, text or ran.stderr)


class World(ABC):
    """A proxy, in one process for each mode, before one application.

    Attributes:
        example: whose configuration the proxy has.
        pki: the certificates.
        secret: what the proxy tells the application to be believed.
        url: where the application itself is, the one behind the modes "required" and "optional".
    """

    def __init__(self, example: Example, pki: Pki, stack: ExitStack, modes: Sequence[Mode] = MODES) -> None:
        need(None if shutil.which("curl") and shutil.which("openssl") else "these tests need curl and openssl")
        example.kind.need()
        self.example = example
        self.pki = pki
        self.secret = token_hex(32)
        self.recorder = Recorder()
        self.url = stack.enter_context(self.served())
        self.proxies: dict[Mode, Proxy] = {}
        for mode in modes:
            url = stack.enter_context(self.served(self.app(any_certificate=True))) if mode == "any" else self.url
            self.proxies[mode] = stack.enter_context(self.proxy(mode, url))

    @abstractmethod
    def app(self, *, any_certificate: bool = False) -> ASGIApp:
        """What is behind the proxy."""

    @contextmanager
    def served(self, app: ASGIApp | None = None, **options: Any) -> Iterator[str]:
        """One more of these applications, or another one; gives its URL. `options` are those of uvicorn."""
        with serving(self.recorder.around(app or self.app()), **{"proxy_headers": False, **options}) as url:
            yield url

    @contextmanager
    def proxy(self, mode: Mode, url: str, example: Example | None = None) -> Iterator[Proxy]:
        """One more of these proxies, before the application at `url`."""
        files = (example or self.example).files(self.pki, mode, self.secret, int(url.rpartition(":")[2]))
        environment = {"HOP_SECRET": self.secret}
        with proxying(self.example.kind, files, ports=2, environment=environment) as running:
            yield running

    def ask(
        self,
        mode: Mode,
        identity: Identity | None = None,
        headers: Sequence[tuple[str, str]] = (),
        *,
        path: str = "/whoami",
        forgetful: bool = False,
    ) -> Answer:
        """Ask the application by way of the proxy.

        Args:
            mode: which of the proxies.
            identity: the client's certificate.
            headers: which the client sends besides.
            path: of the application.
            forgetful: ask at the place that forgot the directives.
        """
        port = self.proxies[mode].ports[1 if forgetful and self.example.elsewhere else 0]
        before = "/forgetful" if forgetful and not self.example.elsewhere else ""
        sent = [part for name, value in headers for part in ("--header", f"{name}: {value}")]
        url = f"https://{NAME}:{port}{before}{path}"
        return curl(self.recorder, self.pki, url, *sent, identity=identity)

    def bypass(self, headers: Sequence[tuple[str, str]], *, path: str = "/whoami", source: str = "127.0.0.1") -> Answer:
        """Ask the application itself, from an address on loopback."""
        sent = [part for name, value in headers for part in ("--header", f"{name}: {value}")]
        return curl(self.recorder, self.pki, self.url + path, "--interface", source, *sent)
