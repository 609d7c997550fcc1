"""What the tests of access proxies and workloads share: requests with these very headers, and what comes of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from hypothesis import strategies as st

from tests.verifiers.tokens import NOW, code, found
from tests.wire.signing import unb64
from zerotrust.core.finding import Verified
from zerotrust.core.request import AccessRequest
from zerotrust.core.verdict import Verdict
from zerotrust.driver import Sources
from zerotrust.engine import decide
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.token_evidence import TokenEvidence

Headers = Iterable[tuple[bytes, bytes]]


def clock() -> float:
    return NOW


def asked(headers: Headers = (), *, now: float = NOW, client: str | None = None) -> AccessRequest:
    return AccessRequest(now=now, headers=[*headers], client=client)


def outcome(verifier: Bearer, headers: Headers, *, now: float = NOW) -> str:
    """`verified`, or the kind of nothing with its reason's code."""
    return code(found(verifier, asked(headers, now=now)))


def reason(verifier: Bearer, headers: Headers, *, now: float = NOW) -> str:
    """The whole reason, for people."""
    finding = found(verifier, asked(headers, now=now))
    assert not finding
    return str(finding.reason)  # type: ignore[union-attr]


def evidence(verifier: Bearer, headers: Headers, *, now: float = NOW) -> TokenEvidence:
    finding = found(verifier, asked(headers, now=now))
    assert isinstance(finding, Verified), finding
    return finding.evidence


def verdict(policy: Any, headers: Headers = (), *, now: float = NOW, client: str | None = None) -> Verdict:
    return decide(policy, asked(headers, now=now, client=client), Sources()).verdict


def bearer_header(token: str) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", b"Bearer " + token.encode())]


# Whatever a signed token may say: claims are not looked at before a profile sees them.
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def any_claims(*names: str, good: Mapping[str, object]) -> st.SearchStrategy[dict[str, Any]]:
    """Claims in which each of `names` is good, anything, or missing."""
    return st.fixed_dictionaries(
        {}, optional={name: st.just(good[name]) | json_values if name in good else json_values for name in names}
    )


def claims_of(token: str) -> dict[str, Any]:
    """What a token says."""
    claims: dict[str, Any] = json.loads(unb64(token.split(".")[1]))
    return claims


def header_of(token: str) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(unb64(token.split(".", maxsplit=1)[0]))
    return header
