"""Certificates that a hop passes on (`x-forwarded-client-cert`): from the header to the chain that is valid now.

Answers for P10: near the two raw verifications that a leaf, its issuer and a root cost, and next to nothing for a
header that was seen before. The yardstick is what somebody would write by hand with `cryptography`: a few lines that
check the path and the name, and none of the rest.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from itertools import cycle, islice
from types import GeneratorType
from typing import Any, Final
from urllib.parse import quote, unquote_to_bytes

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store

from benchmarks.dpop import in_turn
from benchmarks.harness import Case, Goal, Group, clock, total
from benchmarks.runner import Groups, main
from zerotrust.core.finding import Verified
from zerotrust.core.request import AccessRequest
from zerotrust.engine import decide
from zerotrust.pki.revocation_strictness import NoRevocation
from zerotrust.pki.trust_bundle import TrustBundle
from zerotrust.testing.authority import Issued, LocalAuthority
from zerotrust.verifiers.peer_certificate import PeerCertificate
from zerotrust.web.peers import Connection, FromHops, Hop, xfcc

CLIENTS: Final = 64
NOW: Final = 1_800_000_000.0
HOP: Final = "10.1.2.3"
BY: Final = "spiffe://prod.example/ingress"

FLOOR: Final = "two raw ES256 verifications (floor)"
HAND: Final = "by hand: unquote, load, PolicyBuilder, one name"
FIRST: Final = "zerotrust, header and path never seen"
BOTH: Final = "zerotrust, the same, Cert and Chain sent"
PATH: Final = "zerotrust, path never seen"
AGAIN: Final = "zerotrust, header seen before"
DECIDED: Final = "zerotrust, header seen before, policy decided"

_CHAIN: Final = re.compile('Chain="([^"]*)"')


class Client:
    """A workload with its certificate, and the header that the hop makes of it."""

    def __init__(self, issued: Issued, number: int) -> None:
        leaf, self.issued = issued.certificate, issued
        self.uri = f"spiffe://prod.example/client/{number}"
        chain = b"".join(one.public_bytes(Encoding.PEM) for one in (leaf, *issued.chain))
        cert, whole = (quote(pem.decode(), safe="") for pem in (leaf.public_bytes(Encoding.PEM), chain))
        fingerprint = sha256(issued.der).hexdigest()
        begins, ends = f"By={BY};Hash={fingerprint};", f';Subject="CN=client";URI={self.uri}'
        self.header = f'{begins}Chain="{whole}"{ends}'.encode()
        self.both = f'{begins}Cert="{cert}";Chain="{whole}"{ends}'.encode()

    def request(self, *, both: bool = False) -> AccessRequest:
        """What a server makes of the request with this header, in octets of its own."""
        value = bytes(bytearray(self.both if both else self.header))
        headers = [(b"host", b"api.example"), (b"accept", b"*/*"), (b"x-forwarded-client-cert", value)]
        return AccessRequest(now=NOW, headers=headers, client=HOP)


@cache
def _authority() -> LocalAuthority:
    return LocalAuthority(now=NOW)


@cache
def _clients() -> Sequence[Client]:
    issuing = _authority().intermediate()
    return [
        Client(issuing.issue("client", uris=[f"spiffe://prod.example/client/{number}"]), number)
        for number in range(CLIENTS)
    ]


def _floor() -> Case:
    """The two signatures of each chain, with keys, digests and algorithm objects at hand."""
    arguments: list[tuple[Callable[..., None], bytes, bytes, Any]] = []
    for client in _clients():
        above = (*client.issued.chain, _authority().certificate)
        for child, parent in zip((client.issued.certificate, *client.issued.chain), above, strict=True):
            key, algorithm = parent.public_key(), child.signature_algorithm_parameters
            assert isinstance(key, ec.EllipticCurvePublicKey)
            arguments.append((key.verify, child.signature, child.tbs_certificate_bytes, algorithm))
    turns = cycle(arguments)

    def sample(number: int) -> float:
        batch = list(islice(turns, 2 * number))
        began = clock()
        for verify, signature, message, algorithm in batch:
            verify(signature, message, algorithm)
        return clock() - began

    return Case(FLOOR, lambda: sample(1), sample, right=bool)


def _by_hand() -> Callable[[Client], str | None]:
    store = Store([_authority().certificate])
    authorities = ExtensionPolicy.permit_all().require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
    builder = PolicyBuilder().store(store)
    builder = builder.extension_policies(ca_policy=authorities, ee_policy=ExtensionPolicy.permit_all())

    def check(client: Client) -> str | None:
        found = _CHAIN.search(client.header.decode())
        assert found is not None
        leaf, *others = x509.load_pem_x509_certificates(unquote_to_bytes(found[1]))
        at = datetime.fromtimestamp(NOW, UTC)
        builder.time(at).build_client_verifier().verify(leaf, others)
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return names.get_values_for_type(x509.UniformResourceIdentifier)[0]

    return check


def _ours(*, headers: int, paths: int) -> tuple[Callable[[AccessRequest], object], PeerCertificate, FromHops]:
    hop = Hop("ingress", xfcc(by=BY), addresses=[HOP])
    resolver = FromHops(hop, remember=headers)
    verifier = PeerCertificate(
        TrustBundle("prod.example", _authority().pem),
        revocation=NoRevocation(because="what it costs is measured by itself"),
        remember=paths,
    )
    connection = Connection()

    def check(request: AccessRequest) -> object:
        request.peer = resolver.peer(request, connection)
        found = verifier.find(request)
        if isinstance(found, GeneratorType):
            try:
                next(found)
            except StopIteration as end:
                return end.value
        return found

    return check, verifier, resolver


def _deciding() -> Callable[[AccessRequest], object]:
    _, verifier, resolver = _ours(headers=1024, paths=4096)
    policy = verifier.path("/client")
    connection = Connection()

    def check(request: AccessRequest) -> object:
        request.peer = resolver.peer(request, connection)
        return decide(policy, request)

    return check


def _arriving(name: str, call: Callable[[AccessRequest], object], right: Callable[[Any], bool], **sent: bool) -> Case:
    """A case that is called with requests that have just been read, from all clients in turn."""
    turns = cycle(_clients())

    def sample(number: int) -> float:
        batch = [client.request(**sent) for client in islice(turns, number)]
        last: object = None
        began = clock()
        for request in batch:
            last = call(request)
        taken = clock() - began
        if not right(last):
            raise AssertionError(f"{name}: {last!r:.200}")
        return taken

    # As many as there are clients: a server has a request's octets still at hand, which a long batch has not.
    return Case(name, lambda: call(_clients()[0].request(**sent)), sample, right, batch=CLIENTS)


def chains() -> Group:
    """A leaf, its issuer and a root, all on P-256; 64 clients in turn."""
    cases = [
        _floor(),
        in_turn(HAND, _by_hand(), [(client,) for client in _clients()], right=lambda uri: "/client/" in uri),
        _arriving(FIRST, _ours(headers=0, paths=0)[0], _verified),
        _arriving(BOTH, _ours(headers=0, paths=0)[0], _verified, both=True),
        _arriving(PATH, _ours(headers=1024, paths=0)[0], _verified),
        _arriving(AGAIN, _ours(headers=1024, paths=4096)[0], _verified),
        _arriving(DECIDED, _deciding(), bool),
    ]
    goals = [
        Goal("P10", "XFCC to validated chain: total, x two raw verifications", 1.9, total(FIRST)),
        Goal("P10", "XFCC header seen before, x two raw verifications", 1 / 30, total(AGAIN)),
    ]
    size = len(_clients()[0].header)
    return Group("XFCC", f"headers of {size} bytes, {CLIENTS} clients in turn; floor: raw", cases, goals)


def _verified(outcome: object) -> bool:
    return isinstance(outcome, Verified)


GROUPS: Final[Groups] = {"chains": chains}

if __name__ == "__main__":
    sys.exit(main("benchmarks.xfcc", GROUPS))
