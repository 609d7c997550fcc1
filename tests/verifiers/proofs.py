"""What the tests of DPoP share: a client with a key, requests with its proofs, and what a verifier makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.verifiers.tokens import NOW, bearer, mint
from zerotrust.core.ask import ConsumeOnce
from zerotrust.core.decision import Decision
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources
from zerotrust.engine import decide
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing.dpop import DPoPClient
from zerotrust.verifiers.dpop import DPoP

HOST = "api.example"
PATH = "/accounts/1"
URL = f"https://{HOST}{PATH}"
SECRET = bytes(range(32))

CLIENT = DPoPClient(clock=lambda: NOW)
OTHER = DPoPClient(clock=lambda: NOW)
TOKEN = mint(cnf=CLIENT.cnf)


def proof(
    client: DPoPClient = CLIENT, /, method: str = "GET", url: str = URL, token: str = TOKEN, **changes: Any
) -> str:
    return client.proof(method, url, token, **changes)


def asked(
    *proofs: str | bytes, token: str = TOKEN, auth: str = "DPoP", now: float = NOW, **changes: Any
) -> AccessRequest:
    """A request with a token and these DPoP headers."""
    headers = [(b"authorization", f"{auth} {token}".encode())]
    headers += [(b"dpop", one if isinstance(one, bytes) else one.encode()) for one in proofs]
    about = {"host": HOST, "path": PATH, "raw_path": PATH, **changes}
    return AccessRequest(now=now, headers=headers, **about)


def checked(
    sent: str | bytes, dpop: DPoP | None = None, *, token: str = TOKEN, jkt: str = CLIENT.jkt, **request: Any
) -> ConsumeOnce | Reason:
    """What the check makes of one proof, the second time as the first."""
    dpop = dpop or DPoP()
    first = dpop.check(asked(sent, token=token, **request), token, jkt)
    again = dpop.check(asked(sent, token=token, **request), token, jkt)
    assert first == again, "a key that is known is checked as one that is new"
    return first


def code(outcome: ConsumeOnce | Reason) -> str:
    """`good`, or the code of the reason and what it is about."""
    if isinstance(outcome, ConsumeOnce):
        return "good"
    return f"{outcome.code} {outcome.detail.split(':')[0]}".strip()


def verdict(sent: str | bytes, dpop: DPoP | None = None, **request: Any) -> str:
    return code(checked(sent, dpop, **request))


def changed(header: Mapping[str, Any] | None = None, /, **claims: Any) -> str:
    """What the check makes of a good proof with these members changed."""
    return verdict(proof(header=header, **claims))


def decided(request: AccessRequest, store: MemoryStore | None = None, /, **options: Any) -> Decision:
    """The decision on `request` by a verifier that takes proofs."""
    verifier = bearer(**{"dpop": DPoP(), **options})
    return decide(verifier.valid, request, Sources(store or MemoryStore()))


def why(decision: Decision) -> str:
    """`allowed`, or the code of the reason that the token was not taken for."""
    if decision:
        return "allowed"
    (finding,) = decision.findings.values()
    return finding.reason.code  # type: ignore[union-attr]  # what is refused has one
