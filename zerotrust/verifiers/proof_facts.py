"""Proofs of factors as attributes: what marks a proof has, how it reads, and proofs made up of that.

A proof that does not count because of a copy does not show among them: it is the same as none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final, cast

from zerotrust.core.errors import PolicyError
from zerotrust.core.exhibit import misfit, number, texts
from zerotrust.core.facts import Attribute
from zerotrust.factors.proof import Method, Proof

PROOFS: Final = Attribute("proofs", better=1)
CLONED: Final = Attribute("cloned", better=-1)
"""Whether there is one that a copy has made."""

KNOWLEDGE: Final = "knowledge"
POSSESSION: Final = "possession"
PHISHING_RESISTANT: Final = "phishing_resistant"
USER_VERIFIED: Final = "user_verified"
DEVICE_BOUND: Final = "device_bound"
HARDWARE_BOUND: Final = "hardware_bound"

_MODEL: Final = "model:"
_MADE_UP: Final = "-"
_FLAGS: Final = (USER_VERIFIED, DEVICE_BOUND, HARDWARE_BOUND)
_KINDS: Final = (KNOWLEDGE, POSSESSION, PHISHING_RESISTANT)


def of_model(model: str) -> str:
    """The mark of a proof by an authenticator of this model (AAGUID)."""
    return f"{_MODEL}{model}"


def marks_of(proof: Proof) -> list[str]:
    """What marks `proof` has."""
    marks = [flag for flag in _FLAGS if getattr(proof, flag)]
    marks.append(KNOWLEDGE if "knowledge" in proof.kinds else POSSESSION)
    marks += [PHISHING_RESISTANT] if proof.phishing_resistant else []
    return sorted([*marks, *([of_model(proof.model)] if proof.model else [])])


def read_proofs(proofs: Iterable[tuple[Proof, float]]) -> list[dict[str, object]]:
    """Proofs that no copy has made, each with the longest pause since, as plain data for JSON."""
    return [
        {"at": proof.at, "marks": marks_of(proof), **({} if pause == math.inf else {"pause": pause})}
        for proof, pause in proofs
    ]


def exhibit_proofs(
    value: object, name: str, method: Method | None = None, scope: str = ""
) -> list[tuple[Proof, float]]:
    """Proofs as `read_proofs` reads them, the earliest first.

    Args:
        value: what it made of them.
        name: of the verifier, for errors.
        method: how they were proven; None if their marks say it.
        scope: where they count.

    Raises:
        PolicyError: they are none, or no proof has such marks.
    """
    if not isinstance(value, list | tuple):
        misfit(name, PROOFS.name, "a list of proofs", value)
    listed = [_proof(one, name, method, scope) for one in cast("list[object]", value)]
    return sorted(listed, key=lambda pair: pair[0].at)


def _proof(value: object, name: str, method: Method | None, scope: str) -> tuple[Proof, float]:
    if not isinstance(value, Mapping):
        misfit(name, PROOFS.name, "a list of objects", value)
    said = cast("Mapping[str, object]", value)
    marks = frozenset(texts(name, "marks", said.get("marks", [])))
    models = [mark.removeprefix(_MODEL) for mark in marks if mark.startswith(_MODEL)]
    unknown = {mark for mark in marks if not mark.startswith(_MODEL)}.difference(_FLAGS, _KINDS)
    if unknown or len(models) > 1:
        raise PolicyError(f"no proof of {name} has the marks {', '.join(sorted(marks))}")
    proof = Proof(
        _method(marks, name) if method is None else method,
        number(name, "at", said.get("at")),
        _MADE_UP,
        scope,
        user_verified=USER_VERIFIED in marks,
        device_bound=DEVICE_BOUND in marks,
        hardware_bound=HARDWARE_BOUND in marks,
        model=models[0] if models else "",
    )
    return proof, number(name, "pause", said.get("pause", math.inf))


def _method(marks: frozenset[str], name: str) -> Method:
    """One that marks a proof so."""
    kinds = marks.intersection(_KINDS)
    for method in ("passkey", "totp", "password"):
        proof = Proof(method, 0.0, "")
        if kinds == frozenset(marks_of(proof)):
            return method
    raise PolicyError(f"no proof of {name} is just {' and '.join(sorted(kinds)) or 'of no kind'}")
