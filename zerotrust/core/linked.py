"""Evidence about two people never adds up: which verifiers may stand in one policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from zerotrust.core.errors import PolicyError
from zerotrust.core.mistakes import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zerotrust.core.tree import Tree
    from zerotrust.core.verifier import Verifier


def together(policy: Tree, parts: Iterable[frozenset[Verifier[Any]]]) -> frozenset[Verifier[Any]]:
    """The verifiers of all `parts`, each of which is known to be linked; `PolicyError` if `policy` mixes strangers."""
    most = max(parts, key=len, default=frozenset[Any]())
    joined = most.union(*(part for part in parts if not part <= most))
    if len(joined) == len(most):
        return most  # nothing that was not checked when that part was made
    islands = _islands(joined)
    if len(islands) > 1:
        called = sorted(min(verifier.name for verifier in island) for island in islands)
        names = " and ".join(called)
        if len(set(called)) == 1:
            names = f"{len(called)} verifiers that are called {called[0]!r}"
        of_peers = any(verifier.needs_peer for verifier in joined)
        raise PolicyError(
            f"{shown(policy)} mixes evidence of {names}, which nothing links: it could be about two different people. "
            + (_TIES if of_peers else "")
            + "For tokens of several issuers make one verifier: Bearer(Issuer(a), Issuer(b), audience=...). What an "
            "access proxy and the application itself ask for are two decisions: a Guard each, one application mounted "
            "in the other. Otherwise link them, if the verifier takes `of=`, or use the very same verifier in all "
            "leaves"
        )
    return joined


_TIES: Final = (
    'A token that names its device: DeviceCertificate(..., of=token, claim="device_id"). A token that is bound to the '
    "client's certificate: Bearer(..., bound_to=peer). Where only the connection ties them: DeviceCertificate(..., "
    "beside=token) or PeerCertificate(..., beside=token). "
)


def _islands(verifiers: frozenset[Verifier[Any]]) -> list[set[Verifier[Any]]]:
    """The verifiers about somebody, grouped by who is linked to whom, also through verifiers not in the policy."""
    islands: list[set[Verifier[Any]]] = []
    for verifier in verifiers:
        if verifier.contextual:
            continue
        reach: set[Verifier[Any]] = set()
        todo = [verifier]
        while todo:
            one = todo.pop()
            if one not in reach:
                reach.add(one)
                todo.extend(one.links)
                if one.of is not None:
                    todo.append(one.of)
        touching = [island for island in islands if island & reach]
        islands = [island for island in islands if not island & reach]
        islands.append(reach.union(*touching))
    return islands
