"""What the attacks on whole decisions share: one short word for whatever an attacker sends, cold and remembered."""

from __future__ import annotations

from tests.stores.fetching import Async, Face
from tests.verifiers.tokens import NOW
from zerotrust.core.decision import Allow, Challenge, Deny
from zerotrust.core.request import AccessRequest
from zerotrust.driver import NO_SOURCES, Sources
from zerotrust.engine import decide, decide_async
from zerotrust.verifiers.bearer import Bearer


def told(decision: Allow | Challenge | Deny) -> str:
    """`allowed`, or the code of the reason why not."""
    return "allowed" if isinstance(decision, Allow) else decision.reason.code


def presenting(*authorization: bytes, now: float = NOW) -> AccessRequest:
    """A request with these very `Authorization` headers."""
    return AccessRequest(now=now, headers=[(b"authorization", value) for value in authorization])


def decided(verifier: Bearer, request: AccessRequest, sources: Sources = NO_SOURCES) -> str:
    """What is decided of `verifier.valid`."""
    return told(decide(verifier.valid, request, sources))


def decided_by(face: Face, verifier: Bearer, request: AccessRequest) -> str:
    """The same with keys that are really fetched, blocking or async."""
    sources = Sources(face.fetcher)
    if isinstance(face, Async):
        return told(face.runner.run(decide_async(verifier.valid, request, sources)))
    return told(decide(verifier.valid, request, sources))
