"""The issuer's documents without HTTP: a source for tests of an application that discovers its issuer's keys."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Literal, TypeVar, cast
from urllib.parse import urlsplit

from zerotrust.core.ask import Ask, Document, Fetch, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.testing.issuer import LocalIssuer
from zerotrust.wire.json import JsonValue

T = TypeVar("T")

METADATA_PATHS = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")


def document_at(issuer: LocalIssuer, path: str) -> dict[str, JsonValue] | None:
    """What `issuer` publishes at `path`, below its URL; None if nothing."""
    if path in METADATA_PATHS:
        return issuer.metadata()
    return issuer.jwks() if path == "/jwks" else None


class IssuerSource:
    """Answers `Fetch` with the documents of issuers, as they are at that moment.

    It is instant, so it serves blocking and async applications, and nothing is cached: a rotation shows at once.

    Args:
        issuers: whose documents there are; every other URL is down.

    Attributes:
        down: whether nothing answers at present; may be changed.

    Example:
        issuer = LocalIssuer("https://login.example.com")
        app = create_app(sources=Sources(IssuerSource(issuer)))
    """

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (Fetch,)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    def __init__(self, *issuers: LocalIssuer) -> None:
        self._issuers = issuers
        self.down = False

    def answer(self, ask: Ask[T], timeout: float) -> T:
        """The document asked for; `SourceFailed` with `source_down` if there is none or `down` is set."""
        if not isinstance(ask, Fetch):
            raise TypeError(f"IssuerSource cannot answer {type(ask).__name__}")
        parts = urlsplit(ask.url)
        for issuer in self._issuers:
            base = urlsplit(issuer.url)
            if not self.down and (base.scheme, base.netloc) == (parts.scheme, parts.netloc):
                document = document_at(issuer, parts.path.removeprefix(base.path.rstrip("/")))
                if document is not None:
                    return cast("T", Document(ask.url, json.dumps(document).encode(), ask.now))
        raise SourceFailed(SOURCE_DOWN(detail=parts.netloc))
