"""What a session says as attributes, and evidence made up to say it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from zerotrust.core.exhibit import number, put
from zerotrust.core.facts import Attribute
from zerotrust.factors.proof import Proof
from zerotrust.verifiers.factor_questions import uncopied
from zerotrust.verifiers.proof_facts import PROOFS, exhibit_proofs, read_proofs
from zerotrust.verifiers.session_evidence import SessionEvidence

STARTED_AT: Final = Attribute("started_at", optional=True, better=1)
"""When it began; not stated while none has."""

SEEN_AT: Final = Attribute("seen_at", better=1)

_MADE_UP: Final = "-"


def paired(evidence: SessionEvidence) -> list[tuple[Proof, float]]:
    """Each proof with the longest pause since; endless where none is said."""
    unsaid = [math.inf] * (len(evidence.proofs) - len(evidence.pauses))
    return list(zip(evidence.proofs, (*evidence.pauses, *unsaid), strict=False))


def read_session(evidence: SessionEvidence, name: str) -> object:
    """What `evidence` says of the attribute `name`, as plain data for JSON; None if nothing."""
    if name == STARTED_AT.name:
        return evidence.started_at if evidence.handle else None
    if name == PROOFS.name:
        good = uncopied(evidence.proofs)
        return read_proofs((proof, pause) for proof, pause in paired(evidence) if proof in good)
    value: object = getattr(evidence, name)
    return value


def exhibit_session(blank: SessionEvidence, values: Mapping[str, object], name: str) -> SessionEvidence:
    """`blank`, a session that has begun if `values` say when, with what else they say; else `PolicyError`."""
    said = {attribute: value for attribute, value in values.items() if value is not None}
    proven = exhibit_proofs(said.pop(PROOFS.name, []), name)
    started = said.pop(STARTED_AT.name, None)
    begun = replace(blank, proofs=tuple(proof for proof, _ in proven), pauses=tuple(pause for _, pause in proven))
    if started is not None:
        begun = replace(begun, handle=_MADE_UP, started_at=number(name, STARTED_AT.name, started))
    return put(begun, said, name)
