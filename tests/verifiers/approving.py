"""People who approve payments with passkeys, the requests they send, and a door that answers all that is asked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from zerotrust import AccessRequest, Bearer, Issuer, Sources, minutes
from zerotrust.core.ask import Ask, ReadBody
from zerotrust.core.decision import Allow, Decision
from zerotrust.core.reason import MALFORMED, Reason
from zerotrust.driver import run
from zerotrust.engine import decide
from zerotrust.factors.account import Account
from zerotrust.factors.enrolled import Enrolled
from zerotrust.factors.relying_party import RelyingParty
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing import LocalIssuer
from zerotrust.testing.authenticator import LocalAuthenticator
from zerotrust.verifiers.approval import HEADER, Approval, ApprovalWanted
from zerotrust.verifiers.approval_evidence import ApprovalEvidence
from zerotrust.verifiers.passkey import Passkey
from zerotrust.verifiers.session import Session
from zerotrust.wire.encoding import b64url_encode

ISSUER = LocalIssuer(algorithms=("EdDSA",))
NOW = ISSUER.clock()
SECRET = bytes(range(64, 96))
ORIGIN = "https://shop.example.com"

token = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="api")
passkey = Passkey(RelyingParty("example.com", name="Example", origins=[ORIGIN]), of=Session(of=token), secret=SECRET)
approval = Approval(passkey, fields=("amount", "to"), within=minutes(5))
can_pay = token.scope("pay") & approval.given

ORDER = b'{"amount":100,"to":"alice"}'
Headers = Iterable[tuple[bytes, bytes]]


@dataclass
class BodySource:
    """The body of one request, as a door would tell it."""

    body: bytes | Reason
    reads: int = 0
    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (ReadBody,)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    def answer(self, ask: Any, timeout: float) -> Any:
        self.reads += 1
        if isinstance(self.body, bytes) and len(self.body) > ask.limit:
            return MALFORMED(detail="too long")
        return self.body


@dataclass
class World:
    """One store, and those who use it."""

    store: Any = field(default_factory=MemoryStore)
    now: float = NOW

    def enrolled(self, subject: str = "alice", key: Passkey = passkey, **behaviour: Any) -> LocalAuthenticator:
        """An authenticator with a passkey of `subject`."""
        authenticator = LocalAuthenticator(key.rp.id, ORIGIN, **behaviour)
        account, sources = Account(ISSUER.url, subject), Sources(self.store)
        options = run(key.offering(account, subject, subject, b"browser", self.now), sources)
        made = authenticator.create(options)
        done = run(key.enrolling(account, made, b"browser", self.now, "key"), sources)
        assert isinstance(done, Enrolled), done
        return authenticator

    def asks(
        self,
        body: bytes | Reason = ORDER,
        headers: Headers = (),
        *,
        subject: str = "alice",
        scope: str = "pay",
        policy: Any = can_pay,
        later: float = 0.0,
        spent: set[tuple[str, bytes]] | None = None,
        **request: Any,
    ) -> Decision:
        """What is decided about a request."""
        return self.decided(sent(body, headers, subject, scope, self.now + later, spent, **request), body, policy)

    def decided(self, request: AccessRequest, body: bytes | Reason, policy: Any = can_pay) -> Decision:
        return decide(policy, request, Sources(self.store, BodySource(body)))

    def wanted(self, body: bytes = ORDER, **more: Any) -> dict[str, Any]:
        """The step by which a request without approval is refused."""
        return step_of(self.asks(body, **more), more.get("policy", can_pay))

    def approved(self, authenticator: LocalAuthenticator, body: bytes = ORDER, **more: Any) -> tuple[bytes, bytes]:
        """The header that approves a request."""
        step = self.wanted(body, **more)
        return header(step["approval"], authenticator.get(step["publicKey"]))


def sent(
    body: bytes | Reason,
    headers: Headers = (),
    subject: str = "alice",
    scope: str = "pay",
    now: float = NOW,
    spent: set[tuple[str, bytes]] | None = None,
    **request: Any,
) -> AccessRequest:
    """A payment by `subject`, to be decided on."""
    shown = f"Bearer {ISSUER.mint(sub=subject, scope=scope)}".encode()
    kind = request.pop("kind", b"application/json")
    fixed = [(b"authorization", shown), *([(b"content-type", kind)] if kind else [])]
    usual = {"method": "POST", "host": "api.example.com", "path": "/payments", "spent": spent}
    return AccessRequest(now=now, headers=[*fixed, *headers], **{**usual, **request})


def step_of(decision: Decision, policy: Any = can_pay) -> dict[str, Any]:
    finding = next(found for found in decision.findings.values() if isinstance(found, ApprovalWanted))
    assert not decision
    return dict(finding.step)


def header(name: str, response: str) -> tuple[bytes, bytes]:
    return HEADER.encode(), f"{name}.{b64url_encode(response.encode())}".encode()


def evidence(decision: Decision, of: Approval = approval) -> ApprovalEvidence:
    assert isinstance(decision, Allow), decision.explanation
    return decision[of]


def refused(decision: Decision) -> str:
    """Why."""
    assert not isinstance(decision, Allow)
    return decision.reason.code


def as_json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value).encode()
