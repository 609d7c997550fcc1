"""Thumbprints of JSON Web Keys (RFC 7638): the name that a public key has everywhere."""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Callable, Mapping
from hashlib import sha256
from operator import itemgetter
from typing import Final

from zerotrust.core.reason import Reason
from zerotrust.wire.material import JsonObject, unsuitable

# Section 3.2 and RFC 8037 section 2: the members that make the key, in lexicographic order, without blanks.
_FORMS: Final[Mapping[str, tuple[str, Callable[[JsonObject], tuple[str, ...]]]]] = {
    "EC": ('{"crv":"%s","kty":"EC","x":"%s","y":"%s"}', itemgetter("crv", "x", "y")),
    "RSA": ('{"e":"%s","kty":"RSA","n":"%s"}', itemgetter("e", "n")),
    "OKP": ('{"crv":"%s","kty":"OKP","x":"%s"}', itemgetter("crv", "x")),
}
_NOT_THERE: Final = unsuitable("its public members are not all there in base64url")
# None of these needs an escape in JSON. Values are base64url, and names of curves.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]++")


def thumbprint(jwk: JsonObject) -> str | Reason:
    """The SHA-256 thumbprint of a public key, in base64url (RFC 7638 section 3).

    Says nothing about whether the key is good: `zerotrust.wire.jwk.parse_key` does.

    Args:
        jwk: the parsed JSON object; members that do not make the key do not count.

    Returns:
        43 characters, or `unsuitable_key` where the members that make a public key are not there.
    """
    kty = jwk.get("kty")
    form = _FORMS.get(kty) if isinstance(kty, str) else None
    if form is None:
        return unsuitable("its kty is not that of a public key", presented=kty)
    template, members = form
    try:
        values = members(jwk)
        if "" in values or _PLAIN.fullmatch("".join(values)) is None:
            return _NOT_THERE
    except (KeyError, TypeError):  # one is not there, or no text
        return _NOT_THERE
    digest = sha256((template % values).encode("ascii")).digest()
    return b2a_base64(digest, newline=False).translate(_TO_BASE64URL, b"=").decode("ascii")


_TO_BASE64URL: Final = bytes.maketrans(b"+/", b"-_")
