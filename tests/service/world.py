"""A policy file's worth of policies, and questions to a service as bare ASGI."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from zerotrust import Bearer, Issuer, Resource
from zerotrust.service import Access, Caller, Entity, HopSecret, Rules, Service, Setup
from zerotrust.testing import LocalIssuer

ISSUER = LocalIssuer(algorithms=("EdDSA",))
NOW = ISSUER.clock()
clock = ISSUER.clock
SECRET = "0123456789abcdefghijklmnopqrstuvwxyz"
PROOF = (b"x-hop-secret", SECRET.encode())

token = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="site")
document = Resource(Entity)
can_read = token.scope("read").named("can read")
owns = (document.type == "document") & (document.id == token.subject)


def names(**more: object) -> dict[str, object]:
    """What a policy file defines."""
    rules = Rules(default=can_read)
    rules.open("/", because="the front page is public")
    rules.protect("/files/**", token.scope("write"), methods=["PUT"])
    given: dict[str, object] = {
        "rules": rules,
        "callers": Caller("proxy", secret=HopSecret("x-hop-secret", SECRET)),
        "identity": {"X-Auth-Subject": token},
        "authzen": {"read": can_read, "own": owns},
    }
    return {name: value for name, value in {**given, **more}.items() if value is not ...}


def setup(**more: object) -> Setup:
    return Setup(names(**more), clock=clock)


def serving(**more: object) -> Service:
    return Service(setup(**more), clock=clock, timer=lambda: 0.0)


def good(scope: str = "read", subject: str = "alice") -> tuple[bytes, bytes]:
    """The header that shows a good token."""
    return b"authorization", b"Bearer " + ISSUER.mint(audience="site", scope=scope, subject=subject).encode()


@dataclass(frozen=True)
class Said:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["code"])

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key == name]


def scope_of(
    path: str, headers: Iterable[tuple[bytes, bytes]] = (), method: str = "GET", **more: Any
) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("utf-8", "surrogatepass"),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"decisions"), *headers],
        "client": ("127.0.0.1", 40000),
        "server": ("127.0.0.1", 8180),
    }
    return {**whole, **more}


def tell(service: Service, scope: dict[str, Any], body: bytes = b"") -> Said:
    """What the service says to one request."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(service(scope, receive, send))
    start, rest = sent
    assert (start["type"], rest["type"]) == ("http.response.start", "http.response.body")
    return Said(start["status"], list(start["headers"]), rest.get("body", b""))


def told_by(mount: str, uri: bytes = b"/a", method: bytes = b"GET") -> list[tuple[bytes, bytes]]:
    """What a proxy says of a request, and proves itself with."""
    kind = b"x-original-" if mount == "/nginx" else b"x-forwarded-"
    return [
        PROOF,
        (kind + b"method", method),
        (kind + b"uri", uri),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", b"site.example.com"),
        (b"x-forwarded-for", b"192.0.2.7"),
    ]


def ask(
    service: Service, mount: str = "/caddy", *extra: tuple[bytes, bytes], uri: bytes = b"/a", method: bytes = b"GET",
    without: Sequence[bytes] = (),
) -> Said:  # fmt: skip
    """What a proxy is told of a request."""
    if mount == "/envoy":
        path, _, query = uri.partition(b"?")
        headers = [PROOF, (b"x-forwarded-proto", b"https"), (b"x-client-address", b"192.0.2.7"), *extra]
        headers = [pair for pair in headers if pair[0] not in without]
        scope = scope_of("/envoy" + path.decode("latin-1"), headers, method.decode())
        return tell(service, {**scope, "raw_path": b"/envoy" + path, "query_string": query})
    headers = [pair for pair in told_by(mount, uri, method) if pair[0] not in without]
    return tell(service, scope_of(mount, [*headers, *extra]))


def post(service: Service, path: str, value: object, *extra: tuple[bytes, bytes], proof: bool = True) -> Said:
    """What an AuthZEN caller is told."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    headers = [*([PROOF] if proof else []), (b"content-type", b"application/json"), *extra]
    return tell(service, scope_of(path, headers, "POST"), body)


__all__ = ["Access", "ask", "good", "post", "serving", "setup", "tell"]
