"""The issuer's documents without HTTP: a source for tests of an application that discovers its issuer's keys."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, TypeVar, cast, runtime_checkable
from urllib.parse import urlsplit

from zerotrust.core.ask import Ask, Document, Fetch, SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.testing.issuer import LocalIssuer
from zerotrust.wire.json import JsonValue

T = TypeVar("T")

Documents: TypeAlias = dict[str, dict[str, JsonValue]]
"""What is published, by URL."""

METADATA_PATHS = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")


def document_at(issuer: LocalIssuer, path: str) -> dict[str, JsonValue] | None:
    """What `issuer` publishes at `path`, below its URL; None if nothing."""
    if path in METADATA_PATHS:
        return issuer.metadata()
    return issuer.jwks() if path == "/jwks" else None


class Provider(Protocol):
    """A fake of `zerotrust.testing.providers`.

    Attributes:
        issuer: what signs, under the name by which its profile discovers it.
    """

    issuer: LocalIssuer

    def jwks(self) -> dict[str, JsonValue]:
        """The keys it publishes."""
        ...


@runtime_checkable
class Publisher(Protocol):
    """A fake whose profile fetches something else than the metadata below the issuer's URL, and the keys they name."""

    def published(self) -> Documents:
        """What its profile fetches, by URL."""
        ...


def documents_of(issuer: LocalIssuer | Provider) -> Documents:
    """All that `issuer` publishes at present."""
    if isinstance(issuer, Publisher):
        return issuer.published()
    local = issuer if isinstance(issuer, LocalIssuer) else issuer.issuer
    base, metadata = local.url.rstrip("/"), local.metadata()
    return {**{base + path: metadata for path in METADATA_PATHS}, str(metadata["jwks_uri"]): issuer.jwks()}


class IssuerSource:
    """Answers `Fetch` with the documents of issuers, as they are at that moment.

    It is instant, so it serves blocking and async applications, and nothing is cached: a rotation shows at once.

    Args:
        issuers: whose documents there are: local issuers, fakes of `zerotrust.testing.providers`, or a
            `LocalTrustDomain` with its bundle; every other URL is down.

    Attributes:
        down: whether nothing answers at present; may be changed.

    Raises:
        ConfigError: what was given publishes nothing.

    Example:
        issuer, provider = LocalIssuer("https://login.example.com"), FakeOkta()
        app = create_app(sources=Sources(IssuerSource(issuer, provider)))
    """

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (Fetch,)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    def __init__(self, *issuers: LocalIssuer | Provider) -> None:
        for issuer in issuers:
            _check(issuer)
        self._issuers = issuers
        self.down = False

    def answer(self, ask: Ask[T], timeout: float) -> T:
        """The document asked for; `SourceFailed` with `source_down` if there is none or `down` is set."""
        if not isinstance(ask, Fetch):
            raise TypeError(f"IssuerSource cannot answer {type(ask).__name__}")
        for issuer in () if self.down else self._issuers:
            document = documents_of(issuer).get(ask.url)
            if document is not None:
                return cast("T", Document(ask.url, json.dumps(document).encode(), ask.now))
        raise SourceFailed(SOURCE_DOWN(detail=urlsplit(ask.url).netloc))


def _check(issuer: object) -> None:
    if isinstance(issuer, type):
        raise ConfigError(
            f"{issuer.__name__} is a class; make one, and keep it to sign with: fake = {issuer.__name__}()"
        )
    if isinstance(issuer, LocalIssuer) or (hasattr(issuer, "jwks") and hasattr(issuer, "issuer")):
        return
    local = getattr(issuer, "issuer", None)
    raise ConfigError(
        "IssuerSource takes LocalIssuer(url), LocalTrustDomain(name) and fakes of zerotrust.testing.providers, not "
        + type(issuer).__name__
        + ("; write IssuerSource(server.issuer), or have a fetcher ask it" if isinstance(local, LocalIssuer) else "")
    )
