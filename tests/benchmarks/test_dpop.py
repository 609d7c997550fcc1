"""What the DPoP groups time is right: ours and the peer take a good proof, and neither takes a bad one."""

from __future__ import annotations

import pytest

from benchmarks import dpop, ours, peers, tokens
from benchmarks.harness import measure
from benchmarks.material import material
from zerotrust.core.ask import ConsumeOnce


@pytest.fixture(autouse=True)
def _now() -> None:
    """The peer goes by the clock of the system, and what is made once for a process may be too old for it by now."""
    material.cache_clear()
    dpop.clients.cache_clear()


@pytest.mark.parametrize("name", dpop.GROUPS)
def test_the_groups_run(name: str) -> None:
    measure(dpop.GROUPS[name](), rounds=1, attempts=1)


def test_a_proof_is_refused_for_another_method_by_everybody() -> None:
    client, other = dpop.clients()[:2]
    request = client.request()
    for check in (ours.proof_of_new_key(), ours.proof_of_known_key()):
        assert isinstance(check(request, client.token, client.jkt), ConsumeOnce)
        assert not check(request, other.token, client.jkt)
        assert not check(request, client.token, other.jkt)
    made = material("RS256")
    theirs = tokens.caught(lambda proof: dpop.finished(peers.auth0_proof(made)(client.token, proof, "GET", dpop.URL)))
    assert theirs(client.headers()[1][1].decode()) == "InvalidDpopProofError"


@pytest.mark.parametrize("known", [True, False])
def test_a_request_counts_once(known: bool) -> None:
    decide = ours.dpop_request(material("RS256"), known=known)
    request = dpop.clients()[0].request()
    assert decide(request)
    assert not decide(request)
