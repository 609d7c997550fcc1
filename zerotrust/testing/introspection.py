"""An introspection endpoint without HTTP: it hands out opaque tokens, and says what they are until told to forget."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from secrets import token_urlsafe
from typing import Any, ClassVar, Literal, TypeVar, cast

from zerotrust.core.ask import Ask, Document, Post, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED
from zerotrust.testing.clock import Clock
from zerotrust.testing.issuer import OMIT, Omit
from zerotrust.wire.json import JsonValue

T = TypeVar("T")

_LIFETIME = timedelta(minutes=5)


class IntrospectionSource:
    """Answers `Post` as an authorization server's introspection endpoint does (RFC 7662), at whatever URL.

    It is instant, so it serves blocking and async applications. Whoever shows no client authentication at all is told
    401; whether it is the right one is not looked at.

    Args:
        issuer: the `iss` of its answers.
        clock: its clock, POSIX seconds; one that stands still unless given.

    Attributes:
        asked: how often it was asked.
        down: whether nothing answers at present; may be changed.

    Example:
        server = IntrospectionSource("https://login.example.com")
        presented = server.issue(audience="payments", scope="pay")
        app = create_app(sources=Sources(server))
    """

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (Post,)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    def __init__(self, issuer: str = "https://issuer.example", *, clock: Callable[[], float] | None = None) -> None:
        self.issuer = issuer
        self.clock: Callable[[], float] = clock or Clock()
        self.asked: int = 0
        self.down = False
        self._tokens: dict[str, dict[str, JsonValue]] = {}

    def issue(
        self,
        *,
        subject: str = "alice",
        audience: str | list[str],
        scope: str = "",
        lifetime: timedelta = _LIFETIME,
        **members: JsonValue | Omit,
    ) -> str:
        """A new token, good until it expires or is revoked.

        Args:
            subject: the `sub` of the answer.
            audience: its `aud`.
            scope: names separated by blanks; no member if empty.
            lifetime: from now to `exp`.
            members: members to add or to put in place of these (`cnf={...}`, `active="true"`); `OMIT` leaves one out.
        """
        now = int(self.clock())
        said: dict[str, JsonValue | Omit] = {
            "active": True,
            "iss": self.issuer,
            "sub": subject,
            "aud": [*audience] if isinstance(audience, list) else audience,
            "client_id": "web",
            "token_type": "Bearer",
            "scope": scope or OMIT,
            "iat": now,
            "exp": now + int(lifetime.total_seconds()),
            "jti": token_urlsafe(12),
            **members,
        }
        token = token_urlsafe(32)
        self._tokens[token] = {name: value for name, value in said.items() if value is not OMIT}
        return token

    def revoke(self, token: str) -> None:
        """From now on `token` is not active (RFC 7009)."""
        self._tokens.pop(token, None)

    def answer(self, ask: Ask[T], timeout: float) -> T:
        """What is known of the token asked about; `SourceFailed` if `down` is set or nobody says who asks."""
        if not isinstance(ask, Post):
            raise TypeError(f"IntrospectionSource cannot answer {type(ask).__name__}")
        if self.down:
            raise SourceFailed(SOURCE_DOWN(detail="the introspection endpoint"))
        self.asked += 1
        form = dict(ask.content())
        if not (ask.headers or ask.certificate or {"client_secret", "client_assertion"} & form.keys()):
            raise SourceFailed(SOURCE_REFUSED(expected="status 200", presented="401 invalid_client"))
        said = self._tokens.get(form.get("token", ""), {"active": False})
        exp = said.get("exp")
        if isinstance(exp, int) and exp <= self.clock():
            said = {"active": False}
        return cast("T", Document(ask.url, json.dumps(said).encode(), ask.now))

    def __repr__(self) -> str:
        return f"IntrospectionSource({self.issuer!r})"
