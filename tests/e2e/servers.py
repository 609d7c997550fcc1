"""The two servers of these tests: an OpenID provider nobody here wrote, in Node, and an application on uvicorn."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread, Timer
from typing import IO, Any, NamedTuple, NoReturn, cast

import httpx2
import pytest
import uvicorn
from starlette.types import ASGIApp

PROVIDER = Path(__file__).parent / "provider"

PAYMENTS = "https://payments.example"
VAULT = "https://vault.example"  # its tokens are opaque
LEDGER = "https://ledger.example"
CLIENT_SECRET = "e2e-client-secret"
METADATA = "/.well-known/openid-configuration"
ALGORITHMS = ("ES256", "RS256", "EdDSA", "Ed25519")

# A hang ends in a failure, never in a run that does not end. Nothing here takes a tenth of it.
PATIENCE = 30.0


def cannot_run(reason: str) -> NoReturn:
    """Skip where a developer has no Node; fail where these tests are what the run is for."""
    if os.environ.get("ZEROTRUST_REQUIRE") == "1" or os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and this run requires it", pytrace=False)
    pytest.skip(reason)  # the issuer runs on Node, which the library itself does not need; CI has it


def install_provider() -> str:
    """Have npm install the provider, once for each checkout and version asked for; the path of node."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        cannot_run("the OpenID provider needs node and npm on the path")
    import fcntl  # not on every system that can collect these tests

    manifest = PROVIDER / "package.json"
    installed_for = PROVIDER / "node_modules" / ".installed-for"
    with manifest.open() as lock:  # several workers, one installation
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = manifest.read_text("utf-8")
        if not installed_for.is_file() or installed_for.read_text("utf-8") != wanted:
            ran = subprocess.run(
                [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"],
                cwd=PROVIDER,
                capture_output=True,
                text=True,
                check=False,
            )
            if ran.returncode:
                cannot_run(f"npm could not install the OpenID provider: {ran.stderr.strip()[-2000:]}")
            installed_for.write_text(wanted, "utf-8")
    return node


class Script:
    """A running script of `provider/`, made by `running`: it is told things by lines, and answers each with JSON."""

    def __init__(self, name: str, process: subprocess.Popen[str], errors: IO[bytes]) -> None:
        self._name = name
        self._process = process
        self._errors = errors

    def tell(self, line: str) -> dict[str, Any]:
        """Say one line; what it answers."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self.read()

    def read(self) -> dict[str, Any]:
        """The next line that is meant for us; it may print notices of its own between them."""
        assert self._process.stdout is not None
        watchdog = Timer(PATIENCE, self._process.kill)
        watchdog.start()
        try:
            for line in self._process.stdout:
                if line.startswith("{"):
                    return cast("dict[str, Any]", json.loads(line))
        finally:
            watchdog.cancel()
        self._process.wait(PATIENCE)
        self._errors.seek(0)
        ended = self._errors.read().decode()[-2000:]
        pytest.fail(f"{self._name} ended with {self._process.returncode}: {ended}")

    def stop(self) -> None:
        """End the process and wait until it is gone."""
        self._process.terminate()
        self._process.wait(PATIENCE)


@contextmanager
def running(node: str, name: str, *arguments: str) -> Iterator[Script]:
    """Run a script; when this ends, its process is gone. It ends by itself, too, should this process vanish."""
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            [node, name, *arguments],
            cwd=PROVIDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            yield Script(name, process, errors)
        finally:
            process.kill()


class Tokens(NamedTuple):
    """What a person's sign-in gave."""

    access: str
    identity: str


class Provider:
    """A running `oidc-provider`, made by `providing`; `provider.mjs` says what it is made of.

    Attributes:
        issuer: its issuer identifier, an http URL on loopback.
    """

    def __init__(self, script: Script, http: httpx2.Client) -> None:
        self._script = script
        self._http = http
        self.issuer = str(script.read()["issuer"])

    def token(self, client: str = "machine-ES256", *, scope: str = "pay", resource: str = PAYMENTS) -> str:
        """An access token by the client credentials grant (RFC 6749 section 4.4) for one resource (RFC 8707)."""
        answer = self._post(
            "/token", client, {"grant_type": "client_credentials", "scope": scope, "resource": resource}
        )
        return str(answer["access_token"])

    def sign_in(self, subject: str, *, scope: str = "openid pay", resource: str = PAYMENTS) -> Tokens:
        """A person's tokens, by OpenID Connect CIBA Core 1.0: the sign-in that needs no browser."""
        asked = self._post("/backchannel", "counter", {"scope": scope, "login_hint": subject, "resource": resource})
        granted = self._post(
            "/token",
            "counter",
            {"grant_type": "urn:openid:params:grant-type:ciba", "auth_req_id": str(asked["auth_req_id"])},
        )
        return Tokens(str(granted["access_token"]), str(granted["id_token"]))

    def get(self, path: str) -> httpx2.Response:
        """Any document of the provider; counted like everybody's requests."""
        return self._http.get(self.issuer + path)

    def rotate(self) -> int:
        """New keys sign from now on, the previous ones stay published; the number of the generation."""
        return int(self._script.tell("rotate")["generation"])

    def retire(self) -> int:
        """Only the keys that sign now stay published."""
        return int(self._script.tell("retire")["generation"])

    def counts(self) -> dict[str, int]:
        """How often each path was asked for."""
        return cast("dict[str, int]", self._script.tell("counts"))

    def count_anew(self) -> None:
        """Forget the counts so far."""
        self._script.tell("countAnew")

    @property
    def key_set_reads(self) -> int:
        """How often the key set was asked for."""
        return self.counts().get("/jwks", 0)

    def signed_in_ago(self, seconds: int) -> None:
        """Whoever signs in from now on did so `seconds` ago."""
        self._script.tell(f"signedInAgo {seconds}")

    def add_client(self, **metadata: object) -> None:
        """One more client, by its metadata (RFC 7591 section 2)."""
        self._script.tell("addClient " + json.dumps(metadata, separators=(",", ":")).replace(" ", "\\u0020"))

    def revoke(self, token: str, client: str = "machine-ES256") -> None:
        """End a token that was issued to `client` (RFC 7009)."""
        answer = self._http.post(self.issuer + "/token/revocation", data={"token": token}, auth=(client, CLIENT_SECRET))
        assert answer.status_code == 200, answer.text

    def stop(self) -> None:
        """End the process and wait until it is gone."""
        self._script.stop()

    def post(self, path: str, client: str, form: dict[str, str]) -> dict[str, Any]:
        """What the provider answers `client`, which authenticates by its secret."""
        return self._post(path, client, form)

    def _post(self, path: str, client: str, form: dict[str, str]) -> dict[str, Any]:
        answer = self._http.post(self.issuer + path, data=form, auth=(client, CLIENT_SECRET))
        assert answer.status_code == 200, answer.text
        return cast("dict[str, Any]", answer.json())


@contextmanager
def providing(
    node: str, *, pem: Path | None = None, tls: ssl.SSLContext | None = None, ca: Path | None = None
) -> Iterator[Provider]:
    """Start a provider; when this ends, its process is gone.

    Args:
        node: the path of node.
        pem: its key and certificate, to speak TLS and see client certificates.
        tls: how we speak TLS with it, and which certificate we show.
        ca: whose client certificates it takes for authorized (RFC 8705 section 2.1).
    """
    files = [str(file) for file in (pem, ca) if file is not None]
    with (
        httpx2.Client(timeout=PATIENCE, trust_env=False, verify=tls or True) as http,
        running(node, "provider.mjs", *files) as script,
    ):
        yield Provider(script, http)


@contextmanager
def serving(app: ASGIApp, **options: Any) -> Iterator[str]:
    """Serve `app` with uvicorn on a free loopback port; gives its base URL, and ends with the server stopped.

    Args:
        app: what is served.
        options: further ones of uvicorn's configuration.
    """
    # The socket listens before the server runs, so the first request waits in its queue and nobody has to poll.
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="warning", **options)
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name="uvicorn")
    thread.start()
    try:
        yield f"{'https' if config.is_ssl else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listener.close()
        assert not thread.is_alive(), "uvicorn did not stop"


@contextmanager
def calling(url: str) -> Iterator[httpx2.Client]:
    """An HTTP client for the application at `url`, whatever proxies the environment names."""
    with httpx2.Client(base_url=url, timeout=PATIENCE, trust_env=False) as client:
        yield client
