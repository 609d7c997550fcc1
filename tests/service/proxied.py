"""Real processes: the decision service, a proxy before it and a site that notes what reaches it."""

from __future__ import annotations

import json
import os
import pwd
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_hex
from threading import Thread

from tests.servers import PATIENCE, Process, free_port, workplace
from tests.servers.proxies import Kind, Proxy, proxying
from zerotrust.testing import Clock, LocalIssuer

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "decision_service"
SECRET = "write-a-secret-of-your-own-here"

Change = tuple[str, str]


def changed(text: str, *changes: Change) -> str:
    """A documented configuration as it runs here."""
    for old, new in changes:
        assert old in text, f"the documented configuration no longer says {old!r}"
        text = text.replace(old, new)
    return text


@dataclass
class Site:
    """A plain site.

    Attributes:
        port: where it listens.
        arrived: the headers of each request that reached it, and its request line.
    """

    port: int = 0
    arrived: list[tuple[str, list[tuple[str, str]]]] = field(default_factory=list)


@contextmanager
def site() -> Iterator[Site]:
    made = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            made.arrived.append((self.requestline, [(name.lower(), value) for name, value in self.headers.items()]))
            body = b"the site"
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_OPTIONS = _any

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.port = int(server.server_address[1])
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE)


@dataclass
class Service:
    """A decision service in a process of its own."""

    port: int
    process: Process
    file: Path

    def wait(self) -> None:
        assert self.process.wait_for("listening on"), self.process.said()


def policies(issuer: LocalIssuer) -> str:
    """The documented policy file, whose issuer is one that these tests have the keys of."""
    text = (EXAMPLES / "policies.py").read_text("utf-8")
    keys = f"Issuer({issuer.url!r}, keys={json.dumps(json.dumps(issuer.jwks()))})"
    return changed(text, ('Issuer("https://login.example.com")', keys))


@contextmanager
def deciding(text: str, secret: str, *, unix: Path | None = None, wait: bool = True) -> Iterator[Service]:
    """A decision service; it may be waited for later, where something else can be started meanwhile."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    with workplace(user) as folder:
        file = folder / "policies.py"
        file.write_text(text, "utf-8")
        port = free_port()
        where = ("--port", str(port)) if unix is None else ("--unix-socket", str(unix))
        environment = {**os.environ, "HOP_SECRET": secret, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "zerotrust", "serve", str(file), *where]
        process = Process(command, user=user, directory=folder, environment=environment)
        service = Service(port, process, file)
        try:
            if wait:
                service.wait()
            yield service
        finally:
            process.stop()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


def ask(
    where: int | Path,
    path: str = "/",
    headers: Sequence[tuple[str, str]] = (),
    *,
    method: str = "GET",
    body: bytes = b"",
) -> Answer:
    """One request, octet by octet as it is written here."""
    lines = [f"{method} {path} HTTP/1.1", "Host: site.example.com", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    family = socket.AF_INET if isinstance(where, int) else socket.AF_UNIX
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(("127.0.0.1", where) if isinstance(where, int) else str(where))
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        with connection.makefile("rb") as stream:
            head = list(iter(lambda: stream.readline().rstrip(b"\r\n").decode("latin-1"), ""))
            pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in head[1:])]
            length = dict(pairs).get("content-length")
            # Not all of them close at once, though they were asked to.
            rest = b"" if method == "HEAD" else stream.read(-1 if length is None else int(length))
    return Answer(int(head[0].split(" ")[1]), pairs, rest)


@dataclass
class World:
    """A proxy before a site, asking a service."""

    issuer: LocalIssuer
    secret: str
    site: Site
    service: Service
    proxy: Proxy

    def ask(self, path: str, headers: Sequence[tuple[str, str]] = (), *, method: str = "GET") -> Answer:
        return ask(self.proxy.ports[0], path, headers, method=method)

    def token(self, scope: str = "read", subject: str = "alice") -> tuple[str, str]:
        minted = self.issuer.mint(audience="site", scope=scope, subject=subject)
        return ("Authorization", f"Bearer {minted}")


Configure = Callable[[Mapping[str, str], int, int, int, str], Mapping[str, str]]


@contextmanager
def world(kind: Kind, folder: str, configure: Configure) -> Iterator[World]:
    """All of it; `configure` is given the documented files, the ports of proxy, service and site, and the secret."""
    kind.need()
    issuer = LocalIssuer(algorithms=("EdDSA",), clock=Clock(time.time(), ticking=True))
    secret = token_hex(32)
    with site() as plain, deciding(policies(issuer), secret, wait=False) as service:
        files = {path.name: path.read_text("utf-8") for path in (EXAMPLES / folder).iterdir()}

        def made(place: Path, ports: tuple[int, ...]) -> Mapping[str, str]:
            texts = configure(files, ports[0], service.port, plain.port, secret)
            return {name: text.replace("/etc/nginx/snippets", str(place)) for name, text in texts.items()}

        with proxying(kind, made, environment={"HOP_SECRET": secret}) as proxy:
            service.wait()
            yield World(issuer, secret, plain, service, proxy)


def nginx(files: Mapping[str, str], port: int, service: int, site: int, secret: str) -> Mapping[str, str]:
    return {
        "site.conf": changed(
            files["site.conf"], ("listen 8080;", f"listen 127.0.0.1:{port};"),
            ("127.0.0.1:8180", f"127.0.0.1:{service}"), ("127.0.0.1:8000", f"127.0.0.1:{site}"),
        ),
        "decision-service.conf": changed(files["decision-service.conf"], (SECRET, secret)),
    }  # fmt: skip


def caddy(files: Mapping[str, str], port: int, service: int, site: int, secret: str) -> Mapping[str, str]:
    return {
        "Caddyfile": changed(
            files["Caddyfile"],
            ("http://site.example.com:8080 {", f"http://site.example.com:{port} {{\n\tbind 127.0.0.1"),
            ("127.0.0.1:8180", f"127.0.0.1:{service}"), ("127.0.0.1:8000", f"127.0.0.1:{site}"),
        )
    }  # fmt: skip


def envoy(files: Mapping[str, str], port: int, service: int, site: int, secret: str) -> Mapping[str, str]:
    return {
        "envoy.yaml": changed(
            files["envoy.yaml"],
            ("address: 0.0.0.0, port_value: 8080", f"address: 127.0.0.1, port_value: {port}"),
            ("port_value: 8180", f"port_value: {service}"), ("127.0.0.1:8180", f"127.0.0.1:{service}"),
            ("port_value: 8000", f"port_value: {site}"),
        )
    }  # fmt: skip
