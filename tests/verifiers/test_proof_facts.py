"""Proofs as plain data, and made up of it again."""

from __future__ import annotations

import math

import pytest

from zerotrust.core.errors import PolicyError
from zerotrust.factors.proof import Method, Proof
from zerotrust.verifiers.proof_facts import exhibit_proofs, read_proofs

MODEL = "ee882879-721c-4913-9775-3dfcce97072a"


@pytest.mark.parametrize("method", ["passkey", "totp", "password"])
def test_marks_tell_the_method(method: Method) -> None:
    made = [(Proof(method, 7.0, "-"), math.inf), (Proof(method, 9.0, "-", user_verified=True, model=MODEL), 5.0)]
    assert exhibit_proofs(read_proofs(reversed(made)), "session") == made  # the earliest first


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        (["possession", "shiny"], "no proof of session has the marks possession, shiny"),
        (["model:a", "model:b"], "no proof of session has the marks model:a, model:b"),
        (["knowledge", "phishing_resistant"], "no proof of session is just knowledge and phishing_resistant"),
        (["user_verified"], "no proof of session is just of no kind"),
    ],
    ids=["unknown", "two models", "no such method", "no kind"],
)
def test_marks_that_no_proof_has_are_refused(marks: list[str], said: str) -> None:
    with pytest.raises(PolicyError, match=f"^{said}$"):
        exhibit_proofs([{"at": 1.0, "marks": marks}], "session")
