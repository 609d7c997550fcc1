"""How clients of Microsoft Entra ID are told to come back with more: a claims challenge, which they make a request of.

They understand JSON in a `claims` parameter, not `acr_values` (Microsoft identity platform, "Claims challenges, claims
requests and client capabilities").
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Final
from urllib.parse import urlsplit

from zerotrust.web.wanted import Wanted

# Where people sign in, by where their tokens are from: the public cloud, and the national ones apart from it.
_CLOUDS: Final = ("login.microsoftonline.us", "login.partner.microsoftonline.cn")
_PUBLIC: Final = "login.microsoftonline.com"


def authorization_uri(issuer: str) -> str:
    """Where the users of `issuer` sign in, whatever their tenant."""
    host = urlsplit(issuer).hostname or ""
    return f"https://{host if host in _CLOUDS else _PUBLIC}/common/oauth2/authorize"


def claims_of(asked: Wanted) -> dict[str, object]:
    """What a token has to say, as a claims request (OpenID Connect Core section 5.5).

    One authentication context at a time: of `values` one would do, and there is no way to ask for several.
    """
    if not asked.auth_contexts:
        return {}
    return {"access_token": {"acrs": {"essential": True, "value": asked.auth_contexts[0]}}}


def encoded(claims: dict[str, object]) -> str:
    """`claims` as a claims challenge carries them: the shortest JSON, in base64."""
    return b64encode(minified(claims).encode("ascii")).decode("ascii")


def minified(claims: dict[str, object]) -> str:
    """`claims` as the shortest JSON, in ASCII."""
    return json.dumps(claims, separators=(",", ":"))
