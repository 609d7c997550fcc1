"""Revoking by mistake, too little or too short: what is forgotten, misspelled, or kept for less than tokens live."""

from __future__ import annotations

import gc
import math
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.verifiers.kept import Kept
from tests.verifiers.test_revocation import verdict
from tests.verifiers.tokens import NOW, URL, bearer, mint, static
from zerotrust.core.ask import Put
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import days, hours
from zerotrust.driver import run
from zerotrust.verifiers.profile import Profile
from zerotrust.verifiers.revocation import SPACE, Revocation


def forget() -> None:
    Revocation().revoke_subject(URL, "ada", NOW)
    gc.collect()


def test_a_revocation_that_nobody_runs_warns() -> None:
    with pytest.warns(RuntimeWarning, match=r"was never run, so nothing happened"):
        forget()


@pytest.mark.parametrize(
    "revoke",
    [
        lambda it: it.revoke_subject(URL, None, NOW),
        lambda it: it.revoke_subject(URL, "", NOW),
        lambda it: it.revoke_session(URL, None, NOW),
        lambda it: it.revoke_session(URL, None, NOW, subject="ada"),
        lambda it: it.revoke_token(URL, None, NOW),
        lambda it: it.revoke_token(None, "1", NOW),
        lambda it: it.revoke_issued_before(None, URL, NOW),
    ],
)
def test_names_are_checked_before_anything_is_run(revoke: Callable[[Revocation], Any]) -> None:
    """`revoke_subject(url, None)` would otherwise be taken for all subjects."""
    with pytest.raises(ConfigError):
        revoke(Revocation())


@pytest.mark.parametrize("name", [URL + "/", URL.upper(), "https://other.example", "issuer.example"])
def test_an_issuer_that_no_verifier_believes_is_a_mistake(name: str) -> None:
    """Signing everybody out of a misspelled issuer would succeed and do nothing."""
    revocation = Revocation()
    bearer(revocation=revocation)
    ways: list[Callable[[], object]] = [
        lambda: revocation.revoke_subject(name, "ada", NOW),
        lambda: revocation.revoke_session(name, "s1", NOW),
        lambda: revocation.revoke_token(name, "1", NOW),
        lambda: revocation.revoke_issued_before(NOW, name, NOW),
    ]
    for revoke in ways:
        with pytest.raises(ConfigError, match=f"those of {URL} are"):
            revoke()


def test_a_spelling_of_iss_stands_for_the_issuer() -> None:
    kept, revocation = Kept(), Revocation()
    profile = Profile(iss=frozenset({URL, "issuer.example"}))
    token = bearer(static(profile=profile), revocation=revocation)
    run(revocation.revoke_subject("issuer.example", "ada", NOW), kept.sources)
    assert verdict(token, mint(), kept) == "rejected revoked"
    assert verdict(token, mint(iss="issuer.example"), kept) == "rejected revoked"


def test_of_tenants_each_is_named_as_evidence_names_it() -> None:
    kept, revocation = Kept(), Revocation()
    profile = Profile(iss=re.compile(r"https://[a-z]+\.tenants\.example"))
    token = bearer(static(profile=profile), revocation=revocation)
    with pytest.raises(ConfigError):
        revocation.revoke_subject(URL, "ada", NOW)
    run(revocation.revoke_subject("https://a.tenants.example", "ada", NOW), kept.sources)
    assert verdict(token, mint(iss="https://a.tenants.example"), kept) == "rejected revoked"
    assert verdict(token, mint(iss="https://b.tenants.example"), kept) == "verified"


@pytest.mark.parametrize("remember", [0, 16])
def test_cwe_613_who_revokes_for_shorter_than_tokens_live_does_not_let_them_come_back(remember: int) -> None:
    kept = Kept()
    token = bearer(revocation=Revocation(longest_life=days(30)), remember=remember)
    long, short = mint(exp=NOW + 30 * 86400), mint(jti="2", sub="bob", exp=NOW + 3600)
    assert verdict(token, long, kept) == "verified"
    run(Revocation(longest_life=hours(24)).revoke_subject(URL, "ada", NOW), kept.sources)
    assert verdict(token, long, kept, NOW + 1) == "rejected too_long_lived"
    assert verdict(token, long, kept, NOW + 25 * 3600) == "rejected too_long_lived", (
        "its record may be forgotten by now"
    )
    assert verdict(token, short, kept, NOW + 1) == "verified"


def test_cwe_613_nor_once_somebody_revokes_for_longer() -> None:
    kept = Kept()
    token = bearer(revocation=Revocation(longest_life=days(30)))
    long, later = mint(exp=NOW + 30 * 86400), mint(jti="2", iat=NOW + 60, exp=NOW + 60 + 30 * 86400)
    for life, now in ((hours(1), NOW), (hours(24), NOW + 1), (days(30), NOW + 2), (hours(1), NOW + 3)):
        run(Revocation(longest_life=life).revoke_subject(URL, "ada", now), kept.sources)
    assert verdict(token, long, kept, NOW + 25 * 3600) == "rejected too_long_lived"
    assert verdict(token, later, kept, NOW + 61) == "verified", "what is issued afterwards was not revoked by anybody"


@pytest.mark.parametrize("epoch", [b"", b"short", b"x" * 16, b"x" * 16 + b"{}", b"x" * 16 + b"[[1]]", b"x" * 40])
def test_an_epoch_that_makes_no_sense_lets_nobody_in_until_the_next_revocation(epoch: bytes) -> None:
    kept, token = Kept(), bearer(revocation=(revocation := Revocation()))
    kept.store.answer(Put(SPACE, b"epoch", epoch, math.inf, NOW), 1.0)
    expected = "verified" if epoch[16:] == b"{}" else "rejected too_long_lived"
    assert verdict(token, mint(), kept) == expected
    run(revocation.revoke_subject(URL, "bob", NOW), kept.sources)
    assert verdict(token, mint(), kept) == "verified"


def test_who_revokes_for_longer_changes_nothing() -> None:
    kept = Kept()
    token = bearer(revocation=Revocation(longest_life=hours(24)))
    run(Revocation(longest_life=days(30)).revoke_subject(URL, "ada", NOW), kept.sources)
    assert verdict(token, mint(sub="bob", jti="2"), kept) == "verified"
    assert verdict(token, mint(), kept) == "rejected revoked"
