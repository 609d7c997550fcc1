"""The authorization request that would satisfy a refusal, for applications that send browsers to sign in themselves."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, Literal, TypeAlias, get_args
from urllib.parse import parse_qsl, quote, urlencode

from zerotrust.core.decision import Challenge, Deny
from zerotrust.core.errors import ConfigError
from zerotrust.web.entra import claims_of, minified
from zerotrust.web.wanted import Wanted, wanted
from zerotrust.wire.url import check_url

Prompt: TypeAlias = Literal["none", "login", "consent", "select_account"]

_LEAST_STATE: Final = 16  # characters; what has fewer was counted or typed, not drawn
_MOST: Final = 2048  # characters of one value: a browser's URL has to hold them all

# RFC 7636 section 4.2: the SHA-256 of a verifier. The method `plain` is not spoken.
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_VISIBLE: Final = re.compile(r"[!-~]+")
_SCOPE: Final = re.compile(r"[!#-\[\]-~]+")


def authorization_url(
    endpoint: str,
    asked: Challenge | Wanted,
    *,
    client_id: str,
    redirect_uri: str,
    state: str,
    code_challenge: str,
    nonce: str | None = None,
    scope: Collection[str] = (),
    scope_prefix: str = "",
    essential: bool = False,
    prompt: Prompt | None = None,
    resource: str | None = None,
) -> str:
    """The URL to redirect a browser to, so that it comes back with a code for a token that lets it in.

    It asks for the authorization code with PKCE (RFC 6749 section 4.1.1, RFC 7636, RFC 9700 section 2.1.1), with the
    `scope`, `max_age` and `acr_values` that are asked for (RFC 9470 section 4), and with `claims` where that is the
    way to ask (Microsoft Entra ID's authentication contexts, or `essential`). Every parameter stands once, encoded; a
    value never becomes another parameter.

    Args:
        endpoint: the authorization endpoint, https, or http on loopback. A query that it has is kept.
        asked: the refusal, or what is to be asked for.
        client_id: as registered.
        redirect_uri: where the browser is to come back to, as registered; https, or http on loopback.
        state: at least 16 random characters that are bound to the browser's session, e.g. `secrets.token_urlsafe()`,
            and compared when it comes back (RFC 6749 section 10.12).
        code_challenge: the SHA-256 of the code verifier, base64url without padding (RFC 7636 section 4.2).
        nonce: as `state`, for the ID token (OpenID Connect Core section 3.1.2.1); None for none.
        scope: more scopes to ask for, e.g. `{"openid"}`.
        scope_prefix: what the issuer puts before the scopes of this service, e.g. `api://payments/`.
        essential: ask for the `acr` as an essential claim, so that a server fails that cannot do it, rather than
            signing in by less (OpenID Connect Core section 5.5.1.1). For servers that understand `claims`.
        prompt: what the server shall show; by default as it sees fit.
        resource: the resource identifier that the token is for (RFC 8707).

    Raises:
        ConfigError: with what was seen and what to write instead. No value that may be a secret is shown.
    """
    if isinstance(asked, Deny):
        raise ConfigError("a Deny cannot be cured by signing in: answer it with 403, and redirect for a Challenge only")
    if not isinstance(asked, Challenge | Wanted):
        raise ConfigError(f"authorization_url takes a Challenge, or Wanted(...), not {type(asked).__name__}")
    want = wanted(asked) if isinstance(asked, Challenge) else asked
    check_url(endpoint, "endpoint", "https://login.example.com/authorize")
    check_url(redirect_uri, "redirect_uri", "https://shop.example.com/callback")
    if resource is not None:
        check_url(resource, "resource", "https://api.example.com")
    if not isinstance(state, str) or len(state) < _LEAST_STATE:
        raise ConfigError(
            f"state needs at least {_LEAST_STATE} random characters, such as secrets.token_urlsafe() gives"
        )
    if not isinstance(code_challenge, str) or not _CHALLENGE.fullmatch(code_challenge):
        raise ConfigError("code_challenge is the SHA-256 of the code verifier in base64url: 43 characters, no padding")
    if prompt is not None and prompt not in get_args(Prompt):
        raise ConfigError(f"prompt={prompt!r}: write one of {', '.join(get_args(Prompt))}")
    if not all(isinstance(value, str) and _SCOPE.fullmatch(value) for value in want.acr_values):
        raise ConfigError(f"acr_values={want.acr_values!r}: one value has no blanks, quotes or backslashes")
    scopes = _scopes(want, scope, scope_prefix)
    claims = claims_of(want)
    if essential and want.acr_values:
        # Section 5.5.1.1 leaves open what happens where `acr_values` asks for the same besides.
        claims["id_token"] = {"acr": {"essential": True, "values": list(want.acr_values)}}
    parameters = {
        "response_type": "code",
        "client_id": _value("client_id", client_id),
        "redirect_uri": redirect_uri,
        "scope": " ".join(scopes) or None,
        "state": _value("state", state),
        "nonce": None if nonce is None else _value("nonce", nonce),
        "code_challenge": code_challenge,
        "code_challenge_method": "S256",
        "max_age": None if want.max_age is None else str(want.max_age),
        "acr_values": None if essential or not want.acr_values else " ".join(want.acr_values),
        "claims": minified(claims) if claims else None,
        "prompt": prompt,
        "resource": resource,
    }
    return _joined(endpoint, {name: value for name, value in parameters.items() if value is not None})


def _joined(endpoint: str, parameters: dict[str, str]) -> str:
    base, question, query = endpoint.partition("?")
    # Some servers still end a parameter at a semicolon, as HTML 4 once had it.
    taken = {name for name, _ in parse_qsl(query.replace(";", "&"), keep_blank_values=True)}
    if twice := sorted(taken & parameters.keys()):
        # RFC 6749 section 3.1: no parameter more than once. Which of two a server would take is anybody's guess.
        raise ConfigError(
            f"endpoint sets {', '.join(twice)} itself, which has to be asked for here; leave it out there"
        )
    own = f"{query}&" if question and query else ""
    return f"{base}?{own}{urlencode(parameters, quote_via=quote, safe='')}"


def _scopes(want: Wanted, more: Collection[str], prefix: str) -> list[str]:
    if isinstance(more, str):
        raise ConfigError(f'scope takes a collection of names: write {{"{more}"}}, not "{more}"')
    if not isinstance(prefix, str) or (prefix and not _SCOPE.fullmatch(prefix)):
        raise ConfigError(f"scope_prefix={prefix!r}: write what stands before a scope, such as api://payments/")
    scopes = list(dict.fromkeys([*more, *(prefix + name for name in want.scope)]))
    for name in scopes:
        if not isinstance(name, str) or not _SCOPE.fullmatch(name):
            raise ConfigError(f"scope {name!r}: one scope has no blanks, quotes or backslashes")
    return scopes


def _value(what: str, value: object) -> str:
    if not isinstance(value, str) or not _VISIBLE.fullmatch(value) or len(value) > _MOST:
        raise ConfigError(
            f"{what} is 1 to {_MOST} characters of visible ASCII, without blanks"
        )  # never shown: a secret
    return value
