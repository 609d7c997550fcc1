"""JSON Web Signatures in compact form (RFC 7515 sections 3.1 and 5.2), cut, held to rules and verified.

In two steps, so that the issuer can be known before its keys are: `split` cuts a token, `read_claims` reads what it
says of itself, and `check` tells whether to believe it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Final

from zerotrust.core.reason import BAD_SIGNATURE, ENCRYPTED, MALFORMED, TOO_LARGE, Reason
from zerotrust.wire.encoding import b64url_decode
from zerotrust.wire.header import Header, HeaderRules, parse_header
from zerotrust.wire.json import MAX_DEPTH, JsonValue, parse_object
from zerotrust.wire.jwk import KeySet

MAX_TOKEN: Final = 16 * 1024
"""Characters of a token: four times what a large header field usually may have."""

_NOT_ASCII: Final = MALFORMED(detail="a token with a character outside ASCII")
_NOT_THREE: Final = MALFORMED(detail="not three parts separated by periods")
_NO_HEADER: Final = MALFORMED(detail="a token with an empty header")
_FIVE: Final = ENCRYPTED()
_BAD_SIGNATURE: Final = BAD_SIGNATURE()


@dataclass(slots=True, repr=False)
class Compact:
    """A token cut at its periods: nothing is decoded or believed yet.

    Attributes:
        header: the base64url segment of the protected header.
        payload: the base64url segment of the payload.
        signing_input: both with the period between them, which is what is signed (RFC 7515 section 5.2).
        signature: the base64url segment of the signature.
    """

    header: bytes
    payload: bytes
    signing_input: bytes
    signature: bytes

    def __repr__(self) -> str:
        return f"<Compact token of {len(self.signing_input) + 1 + len(self.signature)} characters>"


@dataclass(frozen=True, slots=True)
class Jws:
    """A JWS whose signature was good."""

    header: Header
    payload: bytes = field(repr=False)


@cache
def _too_long(limit: int) -> Reason:
    return TOO_LARGE(expected=f"at most {limit} characters", detail="a token")


def split(token: str | bytes, *, limit: int = MAX_TOKEN) -> Compact | Reason:
    """Cut a token in compact form into its parts.

    Args:
        token: the token alone, without a scheme or blanks.
        limit: the greatest length accepted, in characters.

    Returns:
        The parts, or `too_large`, `encrypted` for the five parts of a JWE (RFC 7516 section 3.1), or `malformed`.
    """
    if len(token) > limit:
        return _too_long(limit)
    if isinstance(token, str):
        try:
            token = token.encode("ascii")
        except UnicodeEncodeError:
            return _NOT_ASCII
    signing_input, _, signature = token.rpartition(b".")
    header, period, payload = signing_input.partition(b".")
    if not period or b"." in payload:
        return _FIVE if token.count(b".") == 4 else _NOT_THREE
    if not header:
        return _NO_HEADER
    return Compact(header, payload, signing_input, signature)


def read_claims(compact: Compact, *, depth: int = MAX_DEPTH) -> dict[str, JsonValue] | Reason:
    """Decode and parse the claims of a token, whoever wrote them (RFC 7519 section 7.2, steps 7 to 10).

    Before `check` has succeeded they may choose whose keys to look at, and nothing else.

    Returns:
        The claims, or `malformed` or `too_large` (see `zerotrust.wire.json.parse`).
    """
    payload = b64url_decode(compact.payload)
    return payload if isinstance(payload, Reason) else parse_object(payload, limit=len(payload), depth=depth)


def check(compact: Compact, keys: KeySet, rules: HeaderRules) -> Header | Reason:
    """Hold a token's header to the rules of its issuer and verify its signature with the issuer's keys.

    A header is read once per key set: under the next token that begins with the same segment it is already known.

    Args:
        compact: the token, cut.
        keys: the keys of the issuer that the token claims to be from.
        rules: what is pinned for that issuer.

    Returns:
        The header, or the first of: `malformed`, `too_large`, `critical_unknown`, `wrong_type`, `algorithm`,
        `unknown_key`, `unsuitable_key`, `bad_signature`.
    """
    known = keys.recall(rules, compact.header)
    if known is not None:
        header, verify = known
    else:
        read = parse_header(compact.header)
        if isinstance(read, Reason):
            return read
        refused = rules.refusal(read)
        if refused is not None:
            return refused
        found = keys.find(read.kid, read.alg)
        if isinstance(found, Reason):
            return found
        header, verify = read, found[1]
    signature = b64url_decode(compact.signature)
    if isinstance(signature, Reason):
        return signature
    if not verify(compact.signing_input, signature):
        return _BAD_SIGNATURE
    if known is None:
        keys.remember(rules, compact.header, header, verify)
    return header


def verify_compact(token: str | bytes, keys: KeySet, rules: HeaderRules, *, limit: int = MAX_TOKEN) -> Jws | Reason:
    """Verify a JWS of one known issuer, whatever its payload is: `split`, `check`, then the payload's bytes."""
    compact = split(token, limit=limit)
    if isinstance(compact, Reason):
        return compact
    header = check(compact, keys, rules)
    if isinstance(header, Reason):
        return header
    payload = b64url_decode(compact.payload)
    return payload if isinstance(payload, Reason) else Jws(header, payload)
