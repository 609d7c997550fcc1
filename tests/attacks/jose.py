"""What the JOSE attacks share: one outcome for whatever an attacker sends."""

from __future__ import annotations

from tests.wire.signing import Signer
from zerotrust.core.reason import Reason
from zerotrust.wire.header import HeaderRules
from zerotrust.wire.jose import check, read_claims, split
from zerotrust.wire.jwk import KeySet


def presented(
    token: str | bytes, issuer: Signer, *, keys: KeySet | None = None, rules: HeaderRules | None = None
) -> str:
    """`accepted`, or the code of the reason why not, from a verifier that trusts `issuer`.

    The claims are read last, as for one issuer, and first, as for several; what is refused is refused either way.
    """
    keys = issuer.keys() if keys is None else keys  # an empty set is a set
    rules = rules or issuer.rules()
    compact = split(token)
    if isinstance(compact, Reason):
        return compact.code
    claims = read_claims(compact)
    header = check(compact, keys, rules)
    if isinstance(header, Reason):
        # A second time, with whatever the first may have left behind.
        again = check(compact, keys, rules)
        assert isinstance(again, Reason)
        assert again.code == header.code
        return header.code
    return claims.code if isinstance(claims, Reason) else "accepted"
