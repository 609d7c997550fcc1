"""Whoever a test says is there, is there; the checks of certificates are those of production."""

from __future__ import annotations

from typing import Any

import pytest

from tests.verifiers.devices import OTHER, device, issued
from tests.verifiers.tokens import NOW
from zerotrust.core.errors import ConfigError
from zerotrust.core.peer import Peer
from zerotrust.core.reason import STRAY_HEADER
from zerotrust.core.request import AccessRequest
from zerotrust.engine import decide
from zerotrust.testing import Issued, LocalAuthority, LocalPeers
from zerotrust.web.peers import Connection


def seen(peers: LocalPeers) -> AccessRequest:
    asked = AccessRequest(now=NOW)
    return AccessRequest(now=NOW, peer=peers.peer(asked, Connection()))


def test_it_says_what_it_is_told() -> None:
    peers, one = LocalPeers(), issued()
    assert seen(peers).peer is None
    peers.client = one
    assert seen(peers).peer == Peer(one.ders)
    peers.client = Peer(hop="front", names=("spiffe://a/b",))
    assert seen(peers).peer is peers.client
    peers.client = STRAY_HEADER()
    assert seen(peers).peer is peers.client


@pytest.mark.parametrize("client", ["pc-1", b"pc-1", issued().der, Issued, LocalAuthority(now=NOW)])
def test_who_presents_nothing_that_could_be_checked_is_refused(client: Any) -> None:
    with pytest.raises(ConfigError, match=r"give what it presents, LocalAuthority\(now=\.\.\.\)\.issue\("):
        LocalPeers(client)  # no value in the message: it might be a key
    peers = LocalPeers()
    with pytest.raises(ConfigError, match="give what it presents"):
        peers.client = client
    assert peers.client is None


def test_certificates_are_checked_as_ever() -> None:
    policy = device().managed
    assert decide(policy, seen(LocalPeers(issued())))
    assert not decide(policy, seen(LocalPeers(issued(by=OTHER))))
    assert not decide(policy, seen(LocalPeers()))
