"""The `WWW-Authenticate` header: RFC 6750 section 3, RFC 9449 section 7.1, RFC 9470 section 3, RFC 9728 section 5.1.

One builder for every dialect: what may stand between quotes is decided here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from zerotrust.core.decision import Challenge, Deny
from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import Policy
from zerotrust.core.verifier import Verifier
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.token import TokenVerifier
from zerotrust.web.entra import authorization_uri, claims_of, encoded
from zerotrust.web.wanted import Wanted, source_of

# What may stand between quotes without an escape (RFC 9110 section 5.6.4).
_QUOTABLE: Final = re.compile(r"[\x20\x21\x23-\x5B\x5D-\x7E]*")

BEARER: Final = "Bearer"
DPOP: Final = "DPoP"

Parameters: TypeAlias = Mapping[str, str | int | None]


def schemes(verifier: Verifier[Any] | None) -> tuple[str, ...]:
    """The schemes by which a credential for `verifier` comes; none where a proxy in front puts it into the request.

    Nor is there one for a certificate: that is asked for in the handshake of the connection, and nowhere else.
    `Bearer` for what is not a token: a 401 needs a challenge (RFC 9110 section 15.5.2), and none says it better.
    """
    if not isinstance(verifier, TokenVerifier):
        return () if verifier is not None and verifier.needs_peer else (BEARER,)
    if verifier.carrier.header != "authorization":
        return ()
    if verifier.dpop is None:
        return (BEARER,)
    return (DPOP,) if verifier.dpop.required else (BEARER, DPOP)


def tokens_of(policy: Policy) -> Iterator[TokenVerifier]:
    """The token verifiers that `policy` rests on and whose tokens callers send themselves."""
    todo: list[Verifier[Any]] = list(policy.program.verifiers)
    while todo:
        verifier = todo.pop(0)
        if verifier.of is not None:
            todo.append(verifier.of)
        if isinstance(verifier, TokenVerifier) and schemes(verifier):
            yield verifier


def issuer_of(refusal: Challenge | Deny, verifier: Verifier[Any] | None) -> Issuer | None:
    """Whose dialect to speak: that of the issuer of the token presented, else of the first; None without tokens."""
    if not isinstance(verifier, TokenVerifier):
        return None
    source = source_of(refusal, verifier)
    found = None if source is None else verifier.issuer_of(source)
    return next(iter(verifier.issuers), None) if found is None else found


def challenges(
    verifier: Verifier[Any] | None,
    among: Sequence[str],
    error: str | None,
    asked: Wanted,
    *,
    used: str | None = None,
    realm: str | None = None,
    resource_metadata: str | None = None,
) -> list[bytes]:
    """The values of `WWW-Authenticate`, one header each, as not all clients find the second in one value.

    Args:
        verifier: what is asked for a credential.
        among: the schemes to name, of those that `schemes` gives for it.
        error: the code; None if nothing was presented.
        asked: what the next token has to show.
        used: the scheme the credential came by: only its challenge tells the error (RFC 9449 section 7.2). None if
            that is not known.
        realm: the protection space.
        resource_metadata: where the metadata of this resource is (RFC 9728 section 5.1).
    """
    told = (used,) if used in among else among
    made: list[bytes] = []
    for scheme in among:
        parameters: dict[str, str | int | None] = {"realm": realm, "error": error if scheme in told else None}
        if scheme == DPOP and isinstance(verifier, TokenVerifier) and verifier.dpop is not None:
            parameters["algs"] = " ".join(sorted(verifier.dpop.algorithms))
        parameters.update(asked.members())
        parameters["resource_metadata"] = resource_metadata
        made.append(rendered(scheme, parameters))
    return made


def claims_challenge(
    issuer: Issuer, asked: Wanted, *, realm: str | None = None, resource_metadata: str | None = None
) -> bytes:
    """The claims challenge of Microsoft Entra ID for the authentication contexts `asked` for.

    Only for a client whose token, of this `issuer`, says that it understands one (`xms_cc` lists `cp1`).
    """
    parameters: dict[str, str | int | None] = {
        "realm": realm or "",
        "authorization_uri": authorization_uri(issuer.url),
        "error": "insufficient_claims",
        "claims": encoded(claims_of(asked)),
        **asked.members(),
        "resource_metadata": resource_metadata,
    }
    return rendered(BEARER, parameters)


def rendered(scheme: str, parameters: Parameters) -> bytes:
    """One challenge. A value that could end a quoted string or the header is left out with its name, and so is None."""
    sent = [(name, str(value)) for name, value in parameters.items() if value is not None]
    listed = ", ".join(f'{name}="{value}"' for name, value in sent if _QUOTABLE.fullmatch(value))
    # RFC 6750 section 3: at least one parameter must follow the scheme.
    return (f"{scheme} {listed}" if listed else f'{scheme} realm=""').encode("ascii")


def check_realm(realm: str | None) -> str | None:
    """`realm`, if it can be sent; raises `ConfigError` otherwise."""
    if realm is not None and not (realm and _QUOTABLE.fullmatch(realm)):
        raise ConfigError(f"realm={realm!r}: write printable ASCII without quotes and backslashes")
    return realm
