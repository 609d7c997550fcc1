"""Logout tokens, good and changed, for the tests of what takes them."""

from __future__ import annotations

from typing import Any

from tests.verifiers.tokens import ISSUER, NOW, OMIT, URL, Signer, static
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.logout import EVENT, BackChannelLogout
from zerotrust.verifiers.revocation import Revocation


def logout_claims(**changes: object) -> dict[str, object]:
    good = {
        "iss": URL, "aud": "app", "iat": NOW, "exp": NOW + 120, "jti": "l1", "sub": "ada", "sid": "s1",
        "events": {EVENT: {}},
    }  # fmt: skip
    return {name: value for name, value in {**good, **changes}.items() if value is not OMIT}


def logout_token(by: Signer = ISSUER, /, header: Any = None, **changes: object) -> str:
    return by.token(logout_claims(**changes), **{"typ": "logout+jwt", **(header or {})})


def back_channel(*issuers: Issuer, **options: Any) -> BackChannelLogout:
    return BackChannelLogout(*(issuers or (static(),)), **{"client_id": "app", "revocation": Revocation(), **options})
