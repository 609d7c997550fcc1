"""Any answer whatever is a finding or an outage, never an exception, and only a good one is believed."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from tests.verifiers.introspecting import TOKEN, Server, answered, introspection
from tests.verifiers.tokens import NOW, OMIT, URL, compact_json, found, request
from zerotrust.core.finding import Rejected, Unavailable, Verified
from zerotrust.verifiers.dpop import DPoP

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
MEMBERS = [*answered(), "nbf", "auth_time", "acr", "amr", "cnf", "act", "may_act", "token_use", "roles", "groups"]
PLAUSIBLE = st.sampled_from(
    [OMIT, True, False, None, 0, 1, "", "true", URL, "payments", "ledger", NOW, NOW + 60, NOW - 60, ["payments"],
     ["ledger"], [1], "Bearer", "DPoP", "refresh_token", {"jkt": "x"}, {"x5t#S256": "x"}, {"sub": "bob"}, {}]
)  # fmt: skip


def judged(body: bytes, **options: Any) -> Verified[Any] | Rejected | Unavailable:
    verifier = introspection(**options)
    finding = found(verifier, request(TOKEN), Server(body).sources)  # type: ignore[arg-type]
    assert isinstance(finding, Verified | Rejected | Unavailable)
    str(finding)
    return finding


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    assert not judged(body)


@given(JSON)
def test_any_json(value: Any) -> None:
    assert not judged(json.dumps(value).encode("utf-8", "surrogatepass"))


@given(st.dictionaries(st.sampled_from(MEMBERS), PLAUSIBLE | JSON, max_size=6))
@example({"active": 1})
@example({"cnf": {"jkt": 7}})
@example({"act": {"act": {"act": {}}}})
@example({"token_type": {}})
def test_any_member_of_a_good_answer(changes: dict[str, Any]) -> None:
    try:
        body = compact_json(answered(**changes))
    except (ValueError, UnicodeEncodeError):
        return
    for options in ({}, {"clients": True, "audience_optional": True, "token_type_optional": True, "dpop": DPoP()}):
        finding = judged(body, **options)
        if not finding:
            continue
        # An oracle of its own, in few words.
        claims = json.loads(body)
        assert claims["active"] is True
        assert claims.get("iss", URL) == URL
        named = claims.get("aud", "payments" if options else None)
        assert named == "payments" or "payments" in named
        assert claims.get("token_type", "Bearer" if options else "").lower() == "bearer"
        assert claims.get("exp", NOW) > NOW - 10
        assert "cnf" not in claims
        assert isinstance(finding, Verified)
        assert finding.evidence.subject == claims.get("sub", claims.get("client_id"))
        assert NOW < finding.evidence.expires_at <= NOW + 30
