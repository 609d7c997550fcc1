"""Approvals count once (RFC 7519 section 4.1.7, WebAuthn Level 3 section 13.4.3), whoever presents them at once."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from tests.verifiers.approving import NOW, ORDER, World, can_pay, evidence, header, passkey, refused, sent
from zerotrust import Sources
from zerotrust.core.decision import Allow
from zerotrust.driver import run
from zerotrust.stores.memory import MemoryStore
from zerotrust.stores.sqlite import SqliteStore
from zerotrust.verifiers.approval_evidence import ApprovalEvidence
from zerotrust.wire.encoding import b64url_decode, b64url_encode

TIMES = 100


def test_replayed_in_turn() -> None:
    world = World()
    shown = world.approved(world.enrolled())
    evidence(world.asks(headers=[shown]))
    for later in (0.0, 1.0, 299.0):
        assert refused(world.asks(headers=[shown], later=later)) == "replayed"
    assert refused(world.asks(headers=[shown], later=301)) == "wrong_challenge"


def test_a_malleable_signature_is_the_same_approval() -> None:
    """ECDSA has two signatures for each: the second is refused like the first, and the key not taken for a copy."""
    world = World()
    authenticator = world.enrolled()
    step = world.wanted()
    response = authenticator.get(step["publicKey"])
    evidence(world.asks(headers=[header(step["approval"], response)]))
    assert refused(world.asks(headers=[header(step["approval"], other_signature(response))])) == "replayed"
    evidence(world.asks(headers=[world.approved(authenticator)]))


def other_signature(response: str) -> str:
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    members: dict[str, Any] = json.loads(response)
    signature = b64url_decode(members["response"]["signature"])
    assert isinstance(signature, bytes)
    r, s = decode_dss_signature(signature)
    members["response"]["signature"] = b64url_encode(encode_dss_signature(r, order - s))
    return json.dumps(members)


@pytest.mark.parametrize("step", [0, 1], ids=["no counter", "counter"])
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_hundred_times_at_once_by_threads(kind: str, step: int, tmp_path: Path) -> None:
    store: Any = MemoryStore() if kind == "memory" else SqliteStore(tmp_path / "store.db", durable=False)
    with store:
        world = World(store)
        authenticator = world.enrolled(counter_step=step)
        shown = world.approved(authenticator)
        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(lambda _: world.asks(headers=[shown]), range(TIMES)))
        assert sum(isinstance(one, Allow) for one in outcomes) == 1
        # Contention may keep some from being looked at; nobody is let in, and no key is taken for a copy.
        assert {refused(one) for one in outcomes if not isinstance(one, Allow)} <= {"replayed", "source_refused"}
        (listed,) = run(passkey.listing(evidence_of(outcomes), NOW), Sources(store))
        assert "copy" not in listed.detail


def evidence_of(outcomes: list[Any]) -> Any:
    allowed = next(one for one in outcomes if isinstance(one, Allow))
    found = [finding.evidence for finding in allowed.findings.values() if finding.evidence is not None]
    proven = next(one for one in found if isinstance(one, ApprovalEvidence))
    return proven.record.account


def test_at_once_by_processes(tmp_path: Path) -> None:
    """Forks of one process, so that all of them know the same issuer."""
    path = tmp_path / "store.db"
    with SqliteStore(path, durable=False) as store:
        world = World(store)
        shown = world.approved(world.enrolled())
    allowed = 0
    children: list[tuple[int, int]] = []
    for _ in range(4):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            won = 0
            try:
                with SqliteStore(path, durable=False) as mine:
                    for _ in range(TIMES // 4):
                        won += isinstance(World(mine).decided(sent(ORDER, [shown]), ORDER, can_pay), Allow)
                os.write(writing, bytes([won]))
            finally:
                os._exit(0)
        os.close(writing)
        children.append((child, reading))
    for child, reading in children:
        told = os.read(reading, 1)
        os.waitpid(child, 0)
        os.close(reading)
        assert len(told) == 1
        allowed += told[0]
    assert allowed == 1
