"""What the wire asks for and what a user interface is told are the same: the first way."""

from __future__ import annotations

import json
import math
import re
from functools import reduce
from operator import and_, or_

from hypothesis import given
from hypothesis import strategies as st

from zerotrust import Bearer, Challenge, Issuer, Policy, Profile, judge, minutes
from zerotrust.core.finding import Absent, Finding, Rejected, Verified
from zerotrust.core.reason import BAD_SIGNATURE, NOT_PRESENTED
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.web.answer import answer

NOW = 1_000_000.0
ISSUER = "https://login.example.com"
token = Bearer(Issuer(ISSUER, profile=Profile(ladder=("low", "mid", "high"))), audience="payments")
LEAVES: list[Policy] = [
    token.scope("read"),
    token.scope("pay", "read"),
    token.fresh(within=minutes(1)),
    token.fresh(within=minutes(5)),
    token.acr("mid", "other"),
    token.acr("other", "high"),
    token.acr_at_least("mid"),
    ~token.acr("high"),
    token.role("editor"),
]
NAMES = ("scope", "max_age", "acr_values")


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    parts = draw(st.lists(st.sampled_from(LEAVES), min_size=1, max_size=5))
    cut = draw(st.integers(0, len(parts)))
    sides = [reduce(draw(st.sampled_from((and_, or_))), side) for side in (parts[:cut], parts[cut:]) if side]
    return reduce(draw(st.sampled_from((and_, or_))), sides)


@st.composite
def findings(draw: st.DrawFn) -> Finding[TokenEvidence]:
    scope = draw(st.sampled_from((None, frozenset[str](), frozenset({"read"}))))
    since = draw(st.sampled_from((None, NOW - 30, NOW - 200, NOW - 900)))
    acr = draw(st.sampled_from((None, "low", "high", "other")))
    roles = draw(st.sampled_from((frozenset[str](), frozenset({"editor"}))))
    good = TokenEvidence(ISSUER, "ann", NOW, math.inf, scope=scope, auth_time=since, acr=acr, roles=roles)
    shown: tuple[Finding[TokenEvidence], ...] = (Verified(good), Absent(NOT_PRESENTED()), Rejected(BAD_SIGNATURE()))
    return draw(st.sampled_from((shown[0], *shown)))


@given(policies(), findings())
def test_the_challenge_and_the_body_ask_for_what_the_first_way_says(
    policy: Policy, found: Finding[TokenEvidence]
) -> None:
    refusal = judge(policy, {token: found}, NOW)
    if not isinstance(refusal, Challenge):
        return
    sent = answer(refusal)
    (step,) = refusal.unlock().ways[0].steps
    body, challenge = json.loads(sent.body), dict(sent.headers)[b"www-authenticate"].decode()
    for name in NAMES:
        value = step.parameters.get(name)
        text = None if value in (None, ()) else " ".join(value) if isinstance(value, tuple) else str(value)
        said = re.search(rf'\b{name}="([^"]*)"', challenge)
        told = body.get(name)
        assert text == (said and said[1]) == (None if told is None else str(told)) or _same(text, said and said[1])


def _same(one: str | None, other: str | None) -> bool:
    """Scopes in another order are the same scopes; what is held stands with what is missing."""
    return one is not None and other is not None and sorted(one.split()) == sorted(other.split())
