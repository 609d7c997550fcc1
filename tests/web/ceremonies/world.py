"""An application with ceremonies, browsers that go there by any door, and authenticators: what these tests share."""

from __future__ import annotations

import asyncio
import io
import json
from base64 import b32decode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from starlette.types import ASGIApp, Message

from zerotrust import Bearer, Issuer, minutes
from zerotrust.asgi import CeremoniesApp as AsgiApp
from zerotrust.core.ask import Gather
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources, run
from zerotrust.factors.account import Account
from zerotrust.factors.relying_party import RelyingParty
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing import LocalIssuer
from zerotrust.testing.authenticator import LocalAuthenticator
from zerotrust.testing.authority import LocalAuthority
from zerotrust.verifiers.hotp import Hotp
from zerotrust.verifiers.passkey import Passkey
from zerotrust.verifiers.recovery_codes import RecoveryCodes
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.totp import Totp
from zerotrust.web.answer import Answer
from zerotrust.web.ceremonies import BUDGET, Ceremonies
from zerotrust.wire.otp import OtpKey
from zerotrust.wsgi import CeremoniesApp as WsgiApp

ISSUER = LocalIssuer(algorithms=("EdDSA",))
NOW = float(ISSUER.clock())
HOST = "shop.example.com"
ORIGIN = f"https://{HOST}"
SECRET = bytes(range(32))
AUTHORITY = LocalAuthority("Test CA", now=NOW)
KEYS = StoreKeys(encrypt=[bytes(range(40, 72))], index=bytes(range(32)))

Pairs = list[tuple[bytes, bytes]]


@dataclass
class Reply:
    status: int
    headers: Pairs
    body: bytes

    def header(self, name: str) -> str | None:
        values = [value.decode() for key, value in self.headers if key == name.encode()]
        return ", ".join(values) if values else None

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def cookies(self) -> list[str]:
        return [value.decode() for key, value in self.headers if key == b"set-cookie"]


@dataclass
class Sending:
    """One request, as any door can be given it."""

    method: str
    path: str
    query: str = ""
    headers: Pairs = field(default_factory=list)
    body: bytes = b""
    client: str = "192.0.2.7"


Door = Callable[["World", Sending], Reply]


@dataclass
class World:
    """The application."""

    ceremonies: Ceremonies
    session: Session
    passkey: Passkey
    totp: Totp
    hotp: Hotp
    codes: RecoveryCodes
    token: Bearer
    store: Any
    sources: Sources
    door: Door
    now: float = NOW
    root: str = ""

    def clock(self) -> float:
        return self.now

    def later(self, seconds: float) -> None:
        self.now += seconds

    def browser(self, subject: str | None = "ada", **claims: Any) -> Browser:
        return Browser(self, subject, claims)


def steps(world: World, sent: Sending) -> Gather[Answer]:
    """The answer to one request, for a test that runs it step by step."""
    request = AccessRequest(
        now=world.now, method=sent.method, scheme="https", host=HOST, path=sent.path, query=sent.query,
        headers=[(b"host", HOST.encode()), *sent.headers], client=sent.client,
    )  # fmt: skip
    return world.ceremonies.answering(request, sent.body, world.root)


def pure(world: World, sent: Sending) -> Reply:
    return reply_of(run(steps(world, sent), world.sources, BUDGET))


def reply_of(answer: Answer) -> Reply:
    return Reply(answer.status, list(answer.headers), answer.body)


def scope_of(sent: Sending) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": sent.method,
        "scheme": "https",
        "path": sent.path,
        "raw_path": sent.path.encode("utf-8", "surrogatepass"),
        "query_string": sent.query.encode(),
        "root_path": "",
        "headers": [(b"host", HOST.encode()), *sent.headers],
        "client": (sent.client, 40000),
        "server": ("192.0.2.1", 443),
    }


def through(app: ASGIApp, sent: Sending, **scope: Any) -> Reply:
    """The answer of an ASGI application."""
    messages: list[Message] = []
    parts = iter([{"type": "http.request", "body": sent.body, "more_body": False}])

    async def receive() -> Message:
        return next(parts, {"type": "http.disconnect"})

    async def send(message: Message) -> None:
        messages.append(message)

    asyncio.run(app({**scope_of(sent), **scope}, receive, send))  # type: ignore[arg-type]
    start, body = messages[0], b"".join(message.get("body", b"") for message in messages[1:])
    return Reply(start["status"], list(start["headers"]), body)


def asgi(world: World, sent: Sending) -> Reply:
    return through(AsgiApp(world.ceremonies, sources=world.sources, clock=world.clock), sent)


def environ_of(sent: Sending) -> dict[str, Any]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": sent.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": sent.path.encode("utf-8", "surrogatepass").decode("latin-1"),
        "QUERY_STRING": sent.query,
        "SERVER_NAME": HOST,
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": sent.client,
        "HTTP_HOST": HOST,
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(sent.body),
        "CONTENT_LENGTH": str(len(sent.body)) if sent.method == "POST" else "",
    }
    for name, value in sent.headers:
        key = name.decode().upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ


def wsgi(world: World, sent: Sending) -> Reply:
    return through_wsgi(WsgiApp(world.ceremonies, sources=world.sources, clock=world.clock), environ_of(sent))


def through_wsgi(app: Any, environ: dict[str, Any]) -> Reply:
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]]) -> None:
        started.append((status, headers))

    body = b"".join(app(environ, start_response))
    status, headers = started[0]
    return Reply(int(status[:3]), [(name.encode(), value.encode("latin-1")) for name, value in headers], body)


@dataclass
class Browser:
    """Keeps cookies, says where its pages come from, and shows the token that signs its person in."""

    world: World
    subject: str | None = "ada"
    claims: Mapping[str, Any] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    client: str = "192.0.2.7"
    authenticator: LocalAuthenticator = field(
        default_factory=lambda: LocalAuthenticator("example.com", ORIGIN, authority=AUTHORITY)
    )

    def prepare(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        query: str = "",
        headers: Iterable[tuple[str, str]] = (),
        origin: str | None = ORIGIN,
    ) -> Sending:
        """One request; `path` is below the mount unless it begins with a slash."""
        sent: dict[str, str] = {}
        if self.subject is not None:
            claims = {"auth_time": int(self.world.now) - 10, **self.claims}
            sent["authorization"] = (
                f"Bearer {ISSUER.mint(subject=self.subject, audience='api', now=self.world.now, **claims)}"
            )
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if method == "POST" and origin is not None:
            sent["origin"] = origin
        pairs = [(name.encode(), value.encode("latin-1")) for name, value in (*sent.items(), *headers)]
        full = path if path.startswith("/") else f"{self.world.root}{self.world.ceremonies.at}/{path}"
        return Sending(method, full, query, pairs, body, self.client)

    def send(self, method: str, path: str, body: bytes = b"", **more: Any) -> Reply:
        return self.take(self.world.door(self.world, self.prepare(method, path, body, **more)))

    def take(self, reply: Reply) -> Reply:
        """Keep the cookies of `reply`."""
        for cookie in reply.cookies:
            name, _, rest = cookie.partition("=")
            value = rest.partition(";")[0]
            if value and "Max-Age=0" not in rest:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return reply

    def get(self, path: str, query: str = "", **more: Any) -> Reply:
        return self.send("GET", path, query=query, **more)

    def posting(self, path: str, members: Any = None, **more: Any) -> Sending:
        body = json.dumps({} if members is None else members).encode()
        headers = [("content-type", "application/json"), *more.pop("headers", ())]
        return self.prepare("POST", path, body, headers=headers, **more)

    def post(self, path: str, members: Any = None, **more: Any) -> Reply:
        return self.take(self.world.door(self.world, self.posting(path, members, **more)))

    def form(self, path: str, **fields: str) -> Reply:
        headers = [("content-type", "application/x-www-form-urlencoded")]
        return self.send("POST", path, urlencode(fields).encode(), headers=headers)

    def read(self, path: str = "factors") -> Any:
        reply = self.get(path)
        assert reply.status == 200, reply.text
        return reply.json

    @property
    def enrolled(self) -> list[str]:
        return [one["method"] for one in self.read()["factors"]]

    @property
    def proofs(self) -> list[str]:
        return [one["method"] for one in self.read()["session"]["proofs"]]

    # --- Whole ceremonies --------------------------------------------------------------------------------------------

    def enrol_passkey(self, name: str = "my key", *, use: bool = True) -> Reply:
        """Enrol one, and use it: to have enrolled it proves nothing."""
        options = self.post("passkey/enrol/options")
        if options.status != 200:
            return options
        credential = json.loads(self.authenticator.create(options.json["publicKey"]))
        reply = self.post("passkey/enrol", {"credential": credential, "name": name})
        if reply.status == 201 and use:
            assert self.use_passkey().status == 200
        return reply

    def use_passkey(self) -> Reply:
        options = self.post("passkey/options")
        if options.status != 200:
            return options
        credential = json.loads(self.authenticator.get(options.json["publicKey"]))
        return self.post("passkey/verify", {"credential": credential})

    def enrol_totp(self) -> tuple[Reply, Codes]:
        options = self.post("totp/enrol/options")
        if options.status != 200:
            return options, Codes(b"")
        codes = Codes.of(options.json["secret"])
        return self.post("totp/enrol", {"code": codes.at(self.world.now), "name": "phone"}), codes


@dataclass
class Codes:
    """What an authenticator app shows."""

    key: bytes

    @classmethod
    def of(cls, secret: str) -> Codes:
        text = secret.replace(" ", "")
        return cls(b32decode(text + "=" * (-len(text) % 8)))

    def at(self, now: float) -> str:
        return OtpKey(self.key, "SHA1", 6).at(int(now) // 30)


def make(
    *,
    door: Door = pure,
    signs_in: bool = False,
    store: Any = None,
    first: Any = None,
    keep: Any = None,
    **options: Any,
) -> World:
    """An application whose people come with a token, or that signs them in itself."""
    kept = store or MemoryStore(keys=KEYS)
    token = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="api")
    session = Session(source="shop", keep=keep) if signs_in else Session(of=token, keep=keep)
    passkey = Passkey(RelyingParty("example.com", name="Example", origins=[ORIGIN]), of=session, secret=SECRET)
    totp, hotp = Totp("Example", of=session), Hotp("Example", of=session)
    codes = RecoveryCodes(of=session, count=4, cost=10)
    if first is None:
        first = session.age(minutes(5)) if signs_in else token.fresh(within=minutes(5))
    ceremonies = Ceremonies(session, passkey, totp, hotp, codes, first=first, name="Example", **options)
    return World(ceremonies, session, passkey, totp, hotp, codes, token, kept, Sources(kept), door)


def sign_in(world: World, subject: str = "ada") -> Browser:
    """A browser in which the application has signed somebody in by itself."""
    browser = world.browser(None)
    request = AccessRequest(now=world.now, method="POST", host=HOST, headers=[(b"origin", ORIGIN.encode())])
    begun = run(world.session.beginning(Account("shop", subject), request), world.sources)
    browser.take(Reply(200, list(begun.headers), b""))
    return browser
