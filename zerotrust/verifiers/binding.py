"""Tokens bound to a key (`cnf`, RFC 7800 section 3): the key has to be proven, or the token is refused."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from zerotrust.core.ask import ConsumeOnce
from zerotrust.core.peer import Peer
from zerotrust.core.reason import KEY_MISMATCH, PROOF_REQUIRED, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.verifiers.carrier import Presented
from zerotrust.verifiers.dpop import DPoP
from zerotrust.wire.json import JsonValue

THUMBPRINT: Final = "jkt"
"""The confirmation method of RFC 9449 section 6.1: a key shown by DPoP proofs."""

CERTIFICATE: Final = "x5t#S256"
"""The confirmation method of RFC 8705 section 3.1: the certificate of the TLS client."""

_METHODS: Final = frozenset({THUMBPRINT, CERTIFICATE})

_NO_OBJECT: Final = PROOF_REQUIRED(expected="an object of texts", detail="cnf")
_NO_CERTIFICATE: Final = PROOF_REQUIRED(expected="the client certificate it is bound to", detail="mutual TLS")
_OTHER_CERTIFICATE: Final = KEY_MISMATCH(detail="the client certificate (RFC 8705 section 3)")
_NO_PROOF: Final = PROOF_REQUIRED(expected="Authorization: DPoP and a proof", detail="DPoP")


def names_certificate(cnf: JsonValue) -> bool:
    """Whether a token with this confirmation is bound to a client certificate."""
    return isinstance(cnf, dict) and CERTIFICATE in cnf


def prove(
    cnf: JsonValue, presented: Presented, request: AccessRequest | None, dpop: DPoP | None
) -> ConsumeOnce | Reason | None:
    """Whether `request` proves every key that a token is bound to.

    Args:
        cnf: the claim. Each of its members must be a method known here, and is checked; there must be one.
        presented: the token as it came.
        request: what it came with; None if nothing is known of it.
        dpop: how DPoP proofs are checked; None if they are not accepted.

    Returns:
        None, or the mark of the proof, to be consumed; or `proof_required`, `key_mismatch`, why the peer is not
        believed, or what `DPoP.check` gives.
    """
    if not isinstance(cnf, dict):
        return _NO_OBJECT
    if len(cnf) == 1 and presented.dpop and dpop is not None and request is not None:  # all that follows, in short
        jkt = cnf.get(THUMBPRINT)
        if isinstance(jkt, str) and jkt:
            return dpop.check(request, presented.token, jkt, presented.ath)
    if not all(isinstance(value, str) and value for value in cnf.values()):
        return _NO_OBJECT
    if not cnf or not _METHODS.issuperset(cnf):
        return PROOF_REQUIRED(expected=" or ".join(sorted(_METHODS)), detail="a key confirmed in another way")
    if request is None:
        return PROOF_REQUIRED(expected="a proof of the key in cnf")
    if CERTIFICATE in cnf:
        unproven = _certificate(str(cnf[CERTIFICATE]), request.peer)
        if unproven is not None:
            return unproven
    if THUMBPRINT not in cnf:
        # A proof beside a token that is bound to a certificate alone proves nothing (RFC 9449 section 7.1).
        return KEY_MISMATCH(expected="a token bound to the key", detail="DPoP") if presented.dpop else None
    if dpop is None or not presented.dpop:
        return _NO_PROOF
    return dpop.check(request, presented.token, str(cnf[THUMBPRINT]), presented.ath)


def _certificate(thumbprint: str, peer: Peer | Reason | None) -> Reason | None:
    """Why the client's certificate is not the one with this thumbprint; None if it is (RFC 8705 section 3)."""
    if isinstance(peer, Reason):
        return peer
    if peer is None or not peer.chain:
        return _NO_CERTIFICATE
    digest = urlsafe_b64encode(sha256(peer.chain[0]).digest()).rstrip(b"=")
    return None if compare_digest(digest, thumbprint.encode()) else _OTHER_CERTIFICATE
