"""Who has proven a key does not come back without one, and nobody can do that to somebody else."""

from __future__ import annotations

import math
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

import pytest

from tests.verifiers.kept import Kept
from tests.verifiers.tokens import NOW, OMIT, URL, bearer, code, found, mint, static
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import days, hours
from zerotrust.core.peer import Peer
from zerotrust.core.request import AccessRequest
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.ratchet import BindingRatchet
from zerotrust.verifiers.revocation import Revocation

CERTIFICATE = b"a certificate"
THUMBPRINT = urlsafe_b64encode(sha256(CERTIFICATE).digest()).rstrip(b"=").decode()
CNF = {"x5t#S256": THUMBPRINT}
DAY = 86400


def show(
    verifier: Bearer, kept: Kept, *, now: float = NOW, chain: tuple[bytes, ...] = (CERTIFICATE,), **say: Any
) -> str:
    at = int(now)
    token = mint(**{"iat": at, "exp": at + 300, **say})
    asked = AccessRequest(now=now, headers=[(b"authorization", f"Bearer {token}".encode())], peer=Peer(tuple(chain)))
    return code(found(verifier, asked, kept.sources))


def ratchet(**options: Any) -> Bearer:
    return bearer(static(), static("https://other.example"), ratchet=BindingRatchet(**options))


def test_off_unless_asked_for() -> None:
    kept, token = Kept(), bearer()
    assert show(token, kept, cnf=CNF) == "verified"
    assert show(token, kept) == "verified"
    assert not kept.asked


@pytest.mark.parametrize("remember", [0, 4096])
def test_weaker_after_stronger_is_refused(remember: int) -> None:
    kept = Kept()
    token = bearer(ratchet=BindingRatchet(), remember=remember)
    for _ in range(2):
        assert show(token, kept) == "verified"
    assert show(token, kept, cnf=CNF) == "verified"
    for _ in range(2):
        assert show(token, kept) == "rejected weaker_binding"
        assert show(token, kept, cnf=CNF) == "verified"


@pytest.mark.parametrize(
    "other",
    [{"sub": "bob"}, {"client_id": "app"}, {"iss": "https://other.example"}, {"sub": "web", "client_id": "ada"}],
    ids=str,
)
def test_it_counts_for_this_client_and_this_subject(other: dict[str, Any]) -> None:
    kept, token = Kept(), ratchet()
    assert show(token, kept, cnf=CNF) == "verified"
    assert show(token, kept, **other) == "verified"


def test_it_counts_for_the_whole_client_where_only_its_owner_gets_tokens() -> None:
    kept, token = Kept(), ratchet(confidential={"billing"})
    assert show(token, kept, cnf=CNF, client_id="billing") == "verified"
    assert show(token, kept, client_id="billing", sub="bob") == "rejected weaker_binding"
    assert show(token, kept, client_id="billing", iss="https://other.example") == "verified"
    assert show(token, kept, cnf=CNF) == "verified"
    assert show(token, kept, sub="bob") == "verified"


def test_what_is_not_proven_counts_for_nothing() -> None:
    kept, token = Kept(), ratchet()
    assert show(token, kept, cnf=CNF, chain=()) == "rejected proof_required"
    assert show(token, kept, cnf=CNF, chain=(b"another",)) == "rejected key_mismatch"
    assert show(token, kept, cnf={"kid": "x"}) == "rejected proof_required"
    assert show(token, kept, cnf=CNF, exp=NOW - 60) == "rejected expired"
    assert not kept.asked
    assert show(token, kept) == "verified"


def test_what_is_revoked_counts_for_nothing() -> None:
    kept = Kept()
    revocation = Revocation()
    token = bearer(ratchet=BindingRatchet(), revocation=revocation)
    for step in revocation.revoke_token(URL, "stolen", NOW):
        kept.answer(step, 1.0)
    assert show(token, kept, cnf=CNF, jti="stolen") == "rejected revoked"
    assert show(token, kept) == "verified"


def test_one_question_and_few_writes() -> None:
    kept, token = Kept(), ratchet(remember=days(30))
    for now in range(NOW, NOW + 30 * DAY, DAY // 2):
        before = kept.asked["Lookup"]
        assert show(token, kept, now=now, cnf=CNF) == "verified"
        assert kept.asked["Lookup"] == before + 1
    assert kept.asked["Put"] == 4


@pytest.mark.parametrize("last", [NOW, NOW + 7 * DAY, NOW + 8 * DAY])
def test_it_is_remembered_for_as_long_as_was_asked(last: int) -> None:
    kept, token = Kept(), ratchet(remember=days(30))
    for now in range(NOW, last + 1, DAY):
        assert show(token, kept, now=now, cnf=CNF) == "verified"
    assert show(token, kept, now=last + 30 * DAY - 1) == "rejected weaker_binding"
    assert show(token, kept, now=last + 40 * DAY) == "verified"


def test_a_token_without_a_client() -> None:
    kept, token = Kept(), ratchet()
    assert show(token, kept, client_id=OMIT) == "rejected missing_claim"
    assert show(token, kept, client_id="") == "rejected missing_claim"
    assert show(token, kept, client_id=OMIT, cnf=CNF) == "verified"


def test_an_outage_lets_nobody_in() -> None:
    kept, token = Kept(), ratchet()
    kept.fails_after = 0
    assert show(token, kept) == "unavailable source_down"
    assert show(token, kept, cnf=CNF) == "unavailable source_down"
    kept.fails_after = 1
    assert show(token, kept, cnf=CNF) == "unavailable source_down"  # not written down
    kept.fails_after = math.inf


@pytest.mark.parametrize("value", [b"nan", b"", b"x", b"-inf"])
def test_a_record_that_makes_no_sense_counts_and_is_written_anew(value: bytes) -> None:
    kept, token = Kept(), ratchet()
    assert show(token, kept, cnf=CNF) == "verified"
    put = kept.puts.pop()
    kept.store.answer(type(put)(put.kind, put.key, value, put.until, NOW), 1.0)
    assert show(token, kept) == "rejected weaker_binding"
    assert show(token, kept, cnf=CNF) == "verified"
    assert kept.puts


@pytest.mark.parametrize(
    "options",
    [
        {"remember": hours(1)}, {"remember": 30}, {"remember": days(400)}, {"confidential": "billing"},
        {"confidential": {""}}, {"confidential": [7]}, {"confidential": ""}, {"confidential": None},
    ],
)  # fmt: skip
def test_options(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        BindingRatchet(**options)
