"""CWE-613, insufficient session expiration: what was ended must not go on, whatever its holder tries."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tests.verifiers.kept import Kept
from tests.verifiers.tokens import NOW, OMIT, URL, bearer, mint, outcome, request
from zerotrust.core.moments import hours, seconds
from zerotrust.core.policy import unavailable
from zerotrust.driver import Sources, run, run_async
from zerotrust.engine import decide, decide_async
from zerotrust.stores.memory import MemoryStore
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.ratchet import BindingRatchet
from zerotrust.verifiers.revocation import Revocation
from zerotrust.verifiers.token_evidence import TokenEvidence


@pytest.mark.parametrize("remember", [0, 4096])
@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER  {}", "Bearer   {}"])
def test_another_spelling_of_the_header_does_not_bring_a_token_back(header: str, remember: int) -> None:
    kept, revocation = Kept(), Revocation()
    token, one = bearer(revocation=revocation, remember=remember), mint()
    spelled = request(one, scheme=header.removesuffix(" {}"))
    assert decide(token.valid, spelled, kept.sources)
    run(revocation.revoke_token(URL, "1", NOW), kept.sources)
    assert not decide(token.valid, spelled, kept.sources)
    assert not decide(token.valid, request(one), kept.sources)


def test_a_refreshed_token_of_a_session_that_ended() -> None:
    kept, revocation = Kept(), Revocation()
    token = bearer(revocation=revocation)
    run(revocation.revoke_session(URL, "s1", NOW), kept.sources)
    for later in (1, 60, 3600):
        refreshed = mint(sid="s1", jti=f"r{later}", iat=NOW + later, exp=NOW + later + 300)
        assert outcome(token, refreshed, now=NOW + later, sources=kept.sources) == "rejected revoked"


def test_leaving_the_session_out_of_a_token_does_not_help() -> None:
    kept, revocation = Kept(), Revocation()
    token = bearer(revocation=revocation)
    run(revocation.revoke_session(URL, "s1", NOW, subject="ada"), kept.sources)
    names: list[object] = [OMIT, None, 1, ["s1"], {}]
    for sid in names:
        assert outcome(token, mint(sid=sid), sources=kept.sources) == "rejected revoked"


def test_a_token_that_would_outlive_its_revocation() -> None:
    kept, revocation = Kept(), Revocation(longest_life=hours(1))
    token = bearer(revocation=revocation)
    for exp in (NOW + 3601, NOW + 10**8):
        assert outcome(token, mint(exp=exp), sources=kept.sources) == "rejected too_long_lived"


def test_a_token_dated_ahead_does_not_escape_what_was_issued_before() -> None:
    # As far ahead as clocks may differ: who revokes just after adds as much.
    kept, revocation = Kept(), Revocation()
    token = bearer(revocation=revocation)
    run(revocation.revoke_issued_before(NOW + 10, URL, NOW, subject="ada"), kept.sources)
    for iat in (NOW, NOW + 10):
        assert outcome(token, mint(iat=iat), sources=kept.sources) == "rejected revoked"
    assert outcome(token, mint(iat=NOW + 11), now=NOW + 1, sources=kept.sources) == "verified"


def test_neither_negation_nor_an_alternative_lets_a_revoked_token_in() -> None:
    kept, revocation = Kept(), Revocation()
    token = bearer(revocation=revocation)
    run(revocation.revoke_subject(URL, "ada", NOW), kept.sources)
    for policy in (token.valid, ~token.role("staff"), ~token.valid, token.valid | token.scope("x"), unavailable(token)):
        assert not decide(policy, request(mint(scope="x", roles=[])), kept.sources)


def test_a_flood_of_requests_while_it_is_revoked() -> None:
    """Once the revocation was answered no request gets in, in whichever thread it is decided."""
    store, revocation = MemoryStore(), Revocation()
    sources, token, one = Sources(store), bearer(revocation=revocation), mint()
    revoked, stop, late = threading.Event(), threading.Event(), list[bool]()

    def flood() -> None:
        while not stop.is_set():
            before = revoked.is_set()
            allowed = bool(decide(token.valid, request(one), sources))
            if before:
                late.append(allowed)

    threads = [threading.Thread(target=flood) for _ in range(4)]
    for thread in threads:
        thread.start()
    run(revocation.revoke_token(URL, "1", NOW), sources)
    revoked.set()
    while len(late) < 200:
        assert not bool(decide(token.valid, request(one), sources))
    stop.set()
    for thread in threads:
        thread.join()
    assert not any(late)


def test_in_asyncio_too() -> None:
    async def world() -> None:
        sources, revocation = Sources(MemoryStore()), Revocation(within=seconds(5))
        token, one = bearer(revocation=revocation), mint()
        assert await decide_async(token.valid, request(one), sources)
        await run_async(revocation.revoke_subject(URL, "ada", NOW), sources)
        decisions = await asyncio.gather(
            *(decide_async(token.valid, request(one, now=NOW + 5), sources) for _ in range(50))
        )
        assert not any(decisions)

    asyncio.run(world())


def test_an_outage_of_the_store_does_not_bring_a_token_back() -> None:
    kept, revocation = Kept(), Revocation(within=seconds(5))
    token, one = bearer(revocation=revocation), mint()
    assert decide(token.valid, request(one), kept.sources)
    run(revocation.revoke_token(URL, "1", NOW), kept.sources)
    kept.fails_after = 0
    assert not decide(token.valid, request(one, now=NOW + 5), kept.sources)


def test_a_user_of_an_app_cannot_shut_the_others_out() -> None:
    """Whoever gets a bound token made out to themselves must not ratchet the whole client."""
    kept, token = Kept(), bearer(ratchet=BindingRatchet())
    run(BindingRatchet().check(bound("mallory"), NOW), kept.sources)
    assert outcome(token, mint(sub="ada"), sources=kept.sources) == "verified"
    assert outcome(token, mint(sub="mallory"), sources=kept.sources) == "rejected weaker_binding"


def bound(sub: str) -> TokenEvidence:
    claims = {"client_id": "web", "cnf": {"jkt": "x"}}
    return TokenEvidence(URL, sub, NOW, NOW + 60, claims)  # type: ignore[arg-type]


def test_a_revoked_token_costs_no_more_than_its_lookups() -> None:
    kept, revocation = Kept(), Revocation()
    token: Bearer = bearer(revocation=revocation)
    run(revocation.revoke_token(URL, "1", NOW), kept.sources)
    kept.lookups()
    for _ in range(20):
        assert outcome(token, mint(jti="1"), sources=kept.sources) == "rejected revoked"
    assert kept.lookups() <= 20 * 2
