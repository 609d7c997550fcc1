"""What callers show: each by a name, made once, so that every door is shown the same octets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from examples.doors.policies import ISSUER
from tests.conformance.wire import HOST, Headers
from tests.conformance.world import NONCES, NOW
from zerotrust import Nonces
from zerotrust.testing import Clock, DPoPClient, LocalIssuer

CLOCK = Clock(NOW)
LOCAL = LocalIssuer(ISSUER, clock=CLOCK, algorithms=["EdDSA", "RS256"])
CLIENT = DPoPClient("EdDSA", clock=CLOCK)
NONCE = Nonces(NONCES).make(NOW)

RECENT = int(NOW) - 10


def minted(**claims: Any) -> str:
    return LOCAL.mint(**{"audience": "ledger", **claims})


def bearer(token: str, scheme: str = "Bearer") -> Headers:
    return ((b"authorization", f"{scheme} {token}".encode()),)


_ALICE = minted(scope="read")
_CHIEF = minted(subject="chief", scope="read pay", groups=["finance"], roles=["staff"], auth_time=RECENT)
_BOUND = minted(subject="chief", scope="read pay", cnf=CLIENT.cnf, auth_time=RECENT)
_PAYOUT = LOCAL.mint(audience="payouts", scope="payout", cnf=CLIENT.cnf)
_TWICE = {path: CLIENT.proof("GET", f"http://{HOST.decode()}{path}", _BOUND) for path in ("/me", "/payments")}

FIXED: Mapping[str, Headers] = {
    "nobody": (),
    "no-scope": bearer(minted()),
    "reader": bearer(_ALICE),
    "lower-case-scheme": bearer(_ALICE, "bearer"),
    "payer": bearer(minted(subject="pam", scope="read pay", roles=["clerk"], auth_time=RECENT)),
    "stale": bearer(minted(scope="read pay", groups=["finance"], roles=["clerk"], auth_time=int(NOW) - 4000)),
    "contractor": bearer(minted(scope="read pay", groups=["finance"], roles=["contractor"], auth_time=RECENT)),
    "finance": bearer(minted(subject="fay", groups=["finance"], roles=["clerk"], auth_time=RECENT)),
    "staff": bearer(minted(subject="adele", roles=["staff"])),
    "chief": bearer(_CHIEF),
    "expired": bearer(minted(scope="read pay", now=NOW - 4000, lifetime=timedelta(minutes=5))),
    "not-yet": bearer(minted(scope="read pay", nbf=int(NOW) + 4000)),
    "forged": bearer(LOCAL.forge_claims(_ALICE, scope="read pay", sub="chief")),
    "foreign-key": bearer(LOCAL.forge_foreign_key(_CHIEF)),
    "unknown-key": bearer(LOCAL.forge_unknown_key(_CHIEF)),
    "unsigned": bearer(LOCAL.forge_unsigned(_CHIEF)),
    "confused-key": bearer(LOCAL.forge_key_confusion(_CHIEF)),
    "embedded-key": bearer(LOCAL.forge_embedded_key(_CHIEF)),
    "other-audience": bearer(minted(audience="other", scope="read pay")),
    "other-issuer": bearer(
        LocalIssuer("https://other.example", clock=CLOCK, algorithms=["EdDSA"]).mint(audience="ledger")
    ),
    "id-token": bearer(LOCAL.mint_id_token(client="ledger")),
    "garbage": bearer("not.a.token"),
    "empty": ((b"authorization", b"Bearer "),),
    "no-value": ((b"authorization", b""),),
    "basic": ((b"authorization", b"Basic YWxpY2U6c2VjcmV0"),),
    "two-headers": bearer(_ALICE) + bearer(_CHIEF),
    "the-same-twice": bearer(_CHIEF) + bearer(_CHIEF),
    "two-in-one": ((b"authorization", f"Bearer {_ALICE}, Bearer {_CHIEF}".encode()),),
    "not-ascii": ((b"authorization", "Bearer tökén".encode()),),
    "upper-case-name": ((b"AUTHORIZATION", f"Bearer {_CHIEF}".encode()),),
    "underscored": ((b"http_authorization", f"Bearer {_CHIEF}".encode()), (b"x_authorization", b"Bearer x")),
    "in-a-proxy-header": ((b"proxy-authorization", f"Bearer {_CHIEF}".encode()),),
    "in-a-cookie": ((b"cookie", f"access_token={_CHIEF}; authorization={_CHIEF}".encode()),),
    "bound-without-proof": bearer(_BOUND),
    "bound-as-dpop-without-proof": bearer(_BOUND, "DPoP"),
    "unbound-as-dpop": bearer(_CHIEF, "DPoP"),
}


def shown(name: str, method: str, target: bytes) -> Headers:  # noqa: C901 - a few lines for each caller
    """The headers of the caller called `name` who sends this request; of some a new proof each time."""
    if name in FIXED:
        return FIXED[name]
    path = target.partition(b"?")[0].decode()
    url = f"http://{HOST.decode()}{path}"
    match name:
        case "dpop":
            return tuple(CLIENT.headers(method, url, _BOUND))
        case "dpop-again":
            return (*bearer(_BOUND, "DPoP"), (b"dpop", _TWICE[path].encode()))
        case "dpop-of-another-method":
            return tuple(CLIENT.headers("DELETE", url, _BOUND))
        case "dpop-of-another-path":
            return tuple(CLIENT.headers(method, url + "/other", _BOUND))
        case "dpop-of-another-host":
            return tuple(CLIENT.headers(method, f"http://evil.example{path}", _BOUND))
        case "dpop-of-another-key":
            other = DPoPClient("EdDSA", clock=CLOCK)
            return tuple(other.headers(method, url, _BOUND))
        case "dpop-foreign-signature":
            return (*bearer(_BOUND, "DPoP"), (b"dpop", CLIENT.forge_foreign_key(method, url, _BOUND).encode()))
        case "dpop-of-yesterday":
            return tuple(CLIENT.headers(method, url, _BOUND, iat=int(NOW) - 86_400))
        case "dpop-twice":
            first, proof = CLIENT.headers(method, url, _BOUND)
            return (first, proof, (b"dpop", CLIENT.proof(method, url, _BOUND).encode()))
        case "dpop-as-bearer":
            return (*bearer(_BOUND), *CLIENT.headers(method, url, _BOUND)[1:])
        case "payout":
            return tuple(CLIENT.headers(method, url, _PAYOUT, nonce=NONCE))
        case "payout-without-nonce":
            return tuple(CLIENT.headers(method, url, _PAYOUT))
        case "payout-other-nonce":
            return tuple(CLIENT.headers(method, url, _PAYOUT, nonce="A" * 43))
        case "payout-without-proof":
            return bearer(_PAYOUT, "DPoP")
        case "payout-unbound":
            return bearer(LOCAL.mint(audience="payouts", scope="payout"))
    raise AssertionError(name)


MOVING = (
    "dpop", "dpop-of-another-method", "dpop-of-another-path", "dpop-of-another-host", "dpop-of-another-key",
    "dpop-foreign-signature", "dpop-of-yesterday", "dpop-twice", "dpop-as-bearer",
)  # fmt: skip
OF_PAYOUTS = ("payout", "payout-without-nonce", "payout-other-nonce", "payout-without-proof", "payout-unbound")
