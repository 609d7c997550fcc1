"""The story that the demo tells: one request after the other, and what each has to come to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from zerotrust import days, hours, minutes
from zerotrust.cli.demo import credentials as present
from zerotrust.cli.demo.client import Answer, Headers, Request
from zerotrust.testing import Clock, LocalIssuerServer

ACCOUNTS: Final = "/accounts"
PAYMENTS: Final = "/payments"
REPORTS: Final = "/reports"

_ORDER: Final = b'{"to": "bob", "cents": 1250}'


@dataclass(frozen=True, slots=True)
class Expected:
    """What has to come back: status, the problem's `code`, and `WWW-Authenticate` in brief."""

    status: int
    code: str = ""
    challenge: str = ""

    def __str__(self) -> str:
        return ", ".join(part for part in (str(self.status), self.code, self.challenge) if part)

    def met_by(self, answer: Answer) -> bool:
        """Whether `answer` is exactly this."""
        return (self.status, self.code, self.challenge) == (answer.status, answer.code, answer.challenge)


@dataclass(frozen=True, slots=True)
class Step:
    """One request of the story. It may hold a token, so it does not show it.

    Attributes:
        patient: whether the client comes back when `Retry-After` says so.
    """

    chapter: str
    title: str
    request: Request = field(repr=False)
    expected: Expected
    patient: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """A step and what came back."""

    step: Step
    answer: Answer

    @property
    def expected(self) -> bool:
        """Whether it came back as it should."""
        return self.step.expected.met_by(self.answer)


OK: Final = Expected(200)


# What a challenge asks for besides saying what is wrong: all that the next token needs.
_TO_READ: Final = 'scope="read"'
_TO_PAY: Final = 'scope="pay" max_age="300"'


def sign_in(asks: str = "") -> Expected:
    """Nothing was presented (RFC 6750 section 3.1)."""
    return Expected(401, "not_presented", f"Bearer {asks}".rstrip())


def invalid_token(code: str, asks: str = _TO_READ) -> Expected:
    """A token was presented, and it is no good (RFC 6750 section 3.1)."""
    return Expected(401, code, f"invalid_token {asks}")


def story(server: LocalIssuerServer, clock: Clock) -> Iterator[Step]:
    """The steps, in order; between them the issuer rotates its keys, fails, and time passes.

    Args:
        server: the issuer that the app trusts.
        clock: the app's clock and the issuer's.
    """
    issuer = server.issuer
    chapter = "Let in"
    yield Step(chapter, "good token reads", read(present.good(issuer)), OK)
    yield Step(chapter, "good token pays", pay(present.good(issuer)), OK)

    issuer.rotate()
    yield Step(chapter, "token of a key just rotated in", read(present.good(issuer)), OK)

    chapter = "Before the body is read"
    yield Step(chapter, "no token", read(), sign_in(_TO_READ))
    yield Step(chapter, "no token, route without a policy", get(REPORTS), sign_in())
    yield Step(
        chapter,
        "no token, malformed body: not 422",
        pay(body=b'{"to": '),
        sign_in(_TO_PAY),
    )
    yield Step(chapter, "good token, malformed body: 422", pay(present.good(issuer), body=b'{"to": '), Expected(422))

    chapter = "No good"
    yield Step(chapter, "expired", read(present.expired(issuer)), invalid_token("expired"))
    yield Step(
        chapter, "wrong audience", read(present.good(issuer, audience="ledger")), invalid_token("wrong_audience")
    )
    yield Step(chapter, "wrong issuer", read(present.from_elsewhere(issuer)), invalid_token("unknown_issuer"))
    yield Step(chapter, "ID token instead of access token", read(present.id_token(issuer)), invalid_token("wrong_type"))
    yield Step(
        chapter,
        "two Authorization headers",
        read(present.good(issuer), present.good(issuer, subject="bob")),
        Expected(400, "duplicate_header", "invalid_request"),
    )
    yield Step(chapter, "20 KB of token", read(present.good(issuer, padding=15_000)), invalid_token("too_large"))

    chapter = "Forged"
    widened = issuer.forge_claims(present.good(issuer, scope="read"), scope="read pay")
    good = present.good(issuer)
    yield Step(chapter, "claims changed after signing", pay(widened), invalid_token("bad_signature", _TO_PAY))
    yield Step(
        chapter, "another key under the same kid", read(issuer.forge_foreign_key(good)), invalid_token("bad_signature")
    )
    yield Step(chapter, "alg: none", read(issuer.forge_unsigned(good)), invalid_token("algorithm"))
    yield Step(
        chapter, "HS256, the public key as secret", read(issuer.forge_key_confusion(good)), invalid_token("algorithm")
    )
    yield Step(
        chapter,
        "a kid nobody has",
        read(issuer.forge_unknown_key(good)),
        invalid_token("unknown_key"),
    )
    yield Step(
        chapter, "key brought along in the header", read(issuer.forge_embedded_key(good)), invalid_token("unknown_key")
    )

    chapter = "Good, but not enough"
    yield Step(
        chapter,
        "scope missing",
        pay(present.good(issuer, scope="read")),
        Expected(403, "not_satisfied", f"insufficient_scope {_TO_PAY}"),
    )
    yield Step(
        chapter,
        "signed in an hour ago: step up",
        pay(present.stale(issuer)),
        Expected(401, "not_satisfied", f"insufficient_user_authentication {_TO_PAY}"),
    )
    yield Step(chapter, "signed in again: let in", pay(present.good(issuer)), OK)
    yield Step(chapter, "contractor", pay(present.good(issuer, role="contractor")), Expected(403, "not_satisfied"))

    chapter = "Keys and outages"
    retired = present.good(issuer)
    issuer.rotate(keep=False)
    clock.advance(minutes(2))
    renewed = present.good(issuer)
    yield Step(chapter, "token of the newest key", read(renewed), OK)
    yield Step(chapter, "token of a retired key", read(retired), invalid_token("unknown_key"))
    server.stop()
    yield Step(chapter, "issuer down, keys cached", read(renewed), OK)
    clock.advance(hours(1))
    yield Step(chapter, "issuer down for an hour", read(present.good(issuer)), OK)
    clock.advance(days(2))
    yield Step(chapter, "issuer down for days", read(present.good(issuer)), Expected(503, "source_down"))
    server.start()
    yield Step(chapter, "issuer back, after Retry-After", read(present.good(issuer)), OK, patient=True)


def get(path: str, *tokens: str) -> Request:
    """A GET with an `Authorization` header for each token."""
    return Request("GET", path, _authorized(tokens))


def read(*tokens: str) -> Request:
    """A look at the accounts."""
    return get(ACCOUNTS, *tokens)


def pay(*tokens: str, body: bytes = _ORDER) -> Request:
    """A payment."""
    return Request("POST", PAYMENTS, (*_authorized(tokens), ("Content-Type", "application/json")), body)


def _authorized(tokens: tuple[str, ...]) -> Headers:
    return tuple(("Authorization", f"Bearer {token}") for token in tokens)
