"""What the fakes of proxies and workload issuers share: claims of exactly one shape, signed as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TypeAlias

from zerotrust.testing.issuer import OMIT, LocalIssuer, Omit
from zerotrust.testing.keys import SigningAlgorithm
from zerotrust.wire.json import JsonValue

Shape: TypeAlias = dict[str, JsonValue | Omit]
"""Members of a header or a claims set; `OMIT` leaves one out."""

Changes: TypeAlias = Mapping[str, JsonValue | Omit]


def life(issuer: LocalIssuer, lifetime: timedelta) -> Shape:
    """`iat`, now by the issuer's clock, and `exp`."""
    issued = int(issuer.clock())
    return {"iat": issued, "exp": issued + int(lifetime.total_seconds())}


def listed(values: str | list[str]) -> JsonValue:
    """One text or a list of them, as JSON has it."""
    return values if isinstance(values, str) else [*values]


def sign(
    issuer: LocalIssuer,
    claims: Changes,
    header: Changes | None,
    *,
    typ: str | Omit,
    alg: SigningAlgorithm | None = None,
) -> str:
    """A token of these claims and no others.

    Args:
        issuer: whose key signs.
        claims: what it says.
        header: members to add to the header or to put in place of its own.
        typ: the type that tokens of this shape have, or `OMIT`.
        alg: the algorithm; the issuer's first unless given.
    """
    said = {name: value for name, value in claims.items() if value is not OMIT}
    payload = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    return issuer.sign(payload, alg=alg, header={"typ": typ, **(header or {})})
