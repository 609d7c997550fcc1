"""The callers' credentials: good ones, ones that are not enough, ones that are no good, and forgeries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from zerotrust.testing import OMIT, LocalIssuer

AUDIENCE: Final = "payments"


def good(
    issuer: LocalIssuer,
    *,
    subject: str = "alice",
    audience: str = AUDIENCE,
    scope: str = "read pay",
    role: str = "staff",
    signed_in: timedelta = timedelta(minutes=1),
    age: timedelta = timedelta(),
    padding: int = 0,
) -> str:
    """A genuine access token, good in every respect unless told otherwise.

    Args:
        issuer: who signs it.
        subject: whose it is.
        audience: the API it is meant for.
        scope: what it may be used for.
        role: the one role of its subject.
        signed_in: how long ago the person signed in.
        age: how long ago it was issued; it lives for five minutes.
        padding: characters of ballast.
    """
    now = issuer.clock()
    return issuer.mint(
        subject=subject,
        audience=audience,
        scope=scope,
        now=now - age.total_seconds(),
        lifetime=timedelta(minutes=5),
        auth_time=int(now - signed_in.total_seconds()),
        roles=[role],
        ballast="x" * padding if padding else OMIT,
    )


def stale(issuer: LocalIssuer) -> str:
    """Issued a moment ago to somebody who signed in an hour ago."""
    return good(issuer, signed_in=timedelta(hours=1))


def expired(issuer: LocalIssuer) -> str:
    """Issued ten minutes ago for five minutes."""
    return good(issuer, age=timedelta(minutes=10), signed_in=timedelta(minutes=11))


def from_elsewhere(issuer: LocalIssuer) -> str:
    """Impeccable, but from an issuer that nobody here trusts."""
    return good(LocalIssuer("https://login.elsewhere.example", clock=issuer.clock, algorithms=("ES256",)))


def id_token(issuer: LocalIssuer) -> str:
    """Proof for the client of who signed in; it opens no API, even where client and API share a name."""
    return issuer.mint_id_token(client=AUDIENCE, scope="read pay", auth_time=int(issuer.clock()) - 60)


@dataclass(frozen=True, slots=True)
class Credential:
    """One choice on the page.

    Attributes:
        id: its name in URLs.
        group: the heading it stands under.
        title: what it is, in a few words.
        hint: what is special about it.
        make: mints it; None where nothing is presented.
    """

    id: str
    group: str
    title: str
    hint: str
    make: Callable[[LocalIssuer], str] | None


_LET_IN: Final = "Good"
_NOT_ENOUGH: Final = "Good, but not enough"
_NO_GOOD: Final = "No good here and now"
_FORGED: Final = "Forged"

CREDENTIALS: Final = (
    Credential("good", _LET_IN, "Good token", "Alice, staff, just signed in", good),
    Credential("stale", _NOT_ENOUGH, "Stale sign-in", "signed in an hour ago", stale),
    Credential("contractor", _NOT_ENOUGH, "Contractor", "role contractor", lambda i: good(i, role="contractor")),
    Credential("read-only", _NOT_ENOUGH, "Missing scope", "scope read, without pay", lambda i: good(i, scope="read")),
    Credential("none", _NO_GOOD, "No token", "nothing presented", None),
    Credential("expired", _NO_GOOD, "Expired", "five minutes ago", expired),
    Credential("audience", _NO_GOOD, "Wrong audience", "meant for ledger", lambda i: good(i, audience="ledger")),
    Credential("issuer", _NO_GOOD, "Wrong issuer", "genuine, from elsewhere", from_elsewhere),
    Credential("id-token", _NO_GOOD, "ID token", "not an access token", id_token),
    Credential("oversized", _NO_GOOD, "Oversized", "20 KB of token", lambda i: good(i, padding=15_000)),
    Credential(
        "tampered",
        _FORGED,
        "Tampered",
        "claims changed after signing",
        lambda i: i.forge_claims(good(i, scope="read"), scope="read pay"),
    ),
    Credential("foreign-key", _FORGED, "Foreign key", "another key, same kid", lambda i: i.forge_foreign_key(good(i))),
    Credential("unsigned", _FORGED, "Unsigned", "alg: none", lambda i: i.forge_unsigned(good(i))),
    Credential(
        "confusion",
        _FORGED,
        "Key confusion",
        "HS256 with the public key",
        lambda i: i.forge_key_confusion(good(i)),
    ),
    Credential("unknown-key", _FORGED, "Unknown key", "a kid nobody has", lambda i: i.forge_unknown_key(good(i))),
    Credential("embedded", _FORGED, "Own key", "its key in the header", lambda i: i.forge_embedded_key(good(i))),
)
