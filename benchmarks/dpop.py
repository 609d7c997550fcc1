"""DPoP proofs (RFC 9449): one proof, by a key that is new or known, and the whole request that it comes with.

Answers for P6 (near the raw verification of the proof, and cheaper than auth0's) and P7 (the token from the cache, the
mark consumed and the policy decided besides). Every client has a key of its own, and they take turns.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import cache
from itertools import cycle, islice
from typing import Any, Final, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks import ours, peers
from benchmarks.floors import FLOOR
from benchmarks.harness import Case, Goal, Group, clock, total, truthy
from benchmarks.material import Material, material, unb64url
from benchmarks.runner import Groups, main
from zerotrust.core.ask import ConsumeOnce
from zerotrust.core.request import AccessRequest
from zerotrust.testing.dpop import DPoPClient

T = TypeVar("T")

CLIENTS: Final = 128
HOST: Final = "api.example"
PATH: Final = "/accounts/4711/payments"
URL: Final = f"https://{HOST}{PATH}"
METHOD: Final = "POST"

NEW: Final = "zerotrust, new client key"
KNOWN: Final = "zerotrust, known client key"
AUTH0: Final = "auth0-api-python"
WHOLE: Final = "zerotrust, whole request, known key"
WHOLE_NEW: Final = "zerotrust, whole request, new key"

Headers = list[tuple[bytes, bytes]]


class Client:
    """A client with its token, bound to its key."""

    def __init__(self, made: Material) -> None:
        self.prover = DPoPClient("ES256", clock=lambda: made.now)
        self.now = made.now
        self.jkt = self.prover.jkt
        self.token = made.token(cnf=self.prover.cnf)
        x, y = (int.from_bytes(unb64url(str(self.prover.jwk[name]))) for name in ("x", "y"))
        self.public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()

    def headers(self) -> Headers:
        """The token and a proof that nobody has seen."""
        return self.prover.headers(METHOD, URL, self.token)

    def request(self) -> AccessRequest:
        """What a server makes of the request with these headers."""
        headers = [(b"host", HOST.encode()), (b"accept", b"application/json"), *self.headers()]
        return AccessRequest(
            now=self.now, method=METHOD, scheme="https", host=HOST, path=PATH, raw_path=PATH, headers=headers
        )


@cache
def clients() -> Sequence[Client]:
    """The clients, each with its token under RS256, the one algorithm that auth0's check of tokens knows."""
    made = material("RS256")
    return [Client(made) for _ in range(CLIENTS)]


def in_turn(
    name: str, call: Callable[..., object], arguments: Sequence[tuple[Any, ...]], right: Callable[[Any], bool] = truthy
) -> Case:
    """A case that is called with each of `arguments` in turn, so that nothing is always at hand."""
    turns = cycle(arguments)

    def sample(number: int) -> float:
        batch = list(islice(turns, number))
        began = clock()
        for each in batch:
            call(*each)
        return clock() - began

    return Case(name, lambda: call(*arguments[0]), sample, right)


def fresh(name: str, call: Callable[[AccessRequest], object], right: Callable[[Any], bool]) -> Case:
    """A case that is called with requests of all clients in turn whose proofs nobody has seen."""
    turns = cycle(clients())

    def sample(number: int) -> float:
        batch = [client.request() for client in islice(turns, number)]
        began = clock()
        last: object = None
        for request in batch:
            last = call(request)
        taken = clock() - began
        if not right(last):
            raise AssertionError(f"{name}: {last!r:.200}")
        return taken

    return Case(name, lambda: call(clients()[0].request()), sample, right)


def floor() -> Case:
    """The raw verification of one proof of each client."""
    scheme = ec.ECDSA(SHA256())
    arguments: list[tuple[Callable[..., None], bytes, bytes]] = []
    for client in clients():
        message, _, signature_text = client.headers()[1][1].decode().rpartition(".")
        signature = unb64url(signature_text)
        der = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
        arguments.append((client.public.verify, der, message.encode()))
    turns = cycle(arguments)

    def sample(number: int) -> float:
        batch = list(islice(turns, number))
        began = clock()
        for verify, der, message in batch:
            verify(der, message, scheme)
        return clock() - began

    return Case(FLOOR, lambda: sample(1), sample, right=bool)


def finished(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that awaits nothing; an event loop would cost it more."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    raise AssertionError("it awaits something")


def proofs() -> Group:
    """One proof alone: header, signature, all claims; the key compared with the token's."""
    arguments = [(client.request(), client.token, client.jkt) for client in clients()]
    check = peers.auth0_proof(material("RS256"))
    theirs = [(client.token, client.headers()[1][1].decode(), METHOD, URL) for client in clients()]
    cases = [
        floor(),
        in_turn(NEW, ours.proof_of_new_key(), arguments, right=_marked),
        in_turn(KNOWN, ours.proof_of_known_key(), arguments, right=_marked),
        in_turn(AUTH0, lambda *given: finished(check(*given)), theirs, right=_claims),
    ]
    goals = [
        Goal("P6", "DPoP proof, new key: total, x raw", 1.6, total(NEW)),
        Goal("P6", "DPoP proof, new key: total, x auth0", 0.75, total(NEW, AUTH0)),
        Goal("P6", "DPoP proof, known key: total, x raw", 1.3, total(KNOWN)),
    ]
    size = len(clients()[0].headers()[1][1])
    return Group("DPoP proof", f"one ES256 proof of {size} bytes, {CLIENTS} keys in turn; floor: raw", cases, goals)


def requests() -> Group:
    """The request that a proof comes with: token and proof; for us the mark and a policy, too."""
    made = material("RS256")
    check = peers.auth0_request(made)
    sent = [{name.decode(): value.decode() for name, value in client.headers()} for client in clients()]
    cases = [
        floor(),
        fresh(WHOLE, ours.dpop_request(made, known=True), right=truthy),
        fresh(WHOLE_NEW, ours.dpop_request(made, known=False), right=truthy),
        in_turn(AUTH0, lambda *given: finished(check(*given)), [(each, METHOD, URL) for each in sent], right=_claims),
    ]
    goals = [
        Goal("P7", "DPoP request, cached token: total, x raw ES256", 1.45, total(WHOLE)),
        Goal(
            "P7", "DPoP request, cached token: total, x auth0 without replay and policy", 1 / 3.5, total(WHOLE, AUTH0)
        ),
    ]
    return Group("DPoP request", f"an RS256 token and an ES256 proof, {CLIENTS} clients in turn", cases, goals)


def _marked(outcome: object) -> bool:
    return isinstance(outcome, ConsumeOnce)


def _claims(outcome: object) -> bool:
    return isinstance(outcome, Mapping)


GROUPS: Final[Groups] = {"proofs": proofs, "requests": requests}

if __name__ == "__main__":
    sys.exit(main("benchmarks.dpop", GROUPS))
