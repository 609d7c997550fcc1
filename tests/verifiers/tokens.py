"""What the tests of token verifiers share: claims, requests, and sources that are told what to answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import GeneratorType
from typing import Any, ClassVar, Literal, TypeVar, cast

from tests.wire.signing import Signer, b64, compact_json, signer
from zerotrust.core.ask import Ask, Document, Fetch, Gather, SourceFailed
from zerotrust.core.finding import Finding, Unavailable, Unspent, Verified
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources, run
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.token_evidence import TokenEvidence

T = TypeVar("T")

NOW = 1_800_000_000
URL = "https://issuer.example"
METADATA = f"{URL}/.well-known/openid-configuration"
JWKS = f"{URL}/jwks"


class _Omit:
    """Leaves a claim out. Its text is the same in every process: it stands in names of tests."""

    def __repr__(self) -> str:
        return "OMIT"


OMIT = _Omit()

ISSUER = signer("ES256")


def jwks(*signers: Signer) -> dict[str, object]:
    return {"keys": [one.jwk for one in signers]}


def static(url: str = URL, *signers: Signer, **options: Any) -> Issuer:
    """An issuer whose keys are at hand."""
    return Issuer(url, keys=jwks(*(signers or (ISSUER,))), **options)


def bearer(*issuers: Issuer, **options: Any) -> Bearer:
    return Bearer(*(issuers or (static(),)), **{"audience": "payments", **options})


def claims(**changes: object) -> dict[str, object]:
    """Claims of a good token, each changed as told or left out with OMIT."""
    good = {"iss": URL, "sub": "ada", "aud": "payments", "client_id": "web", "jti": "1", "iat": NOW, "exp": NOW + 300}
    return {name: value for name, value in {**good, **changes}.items() if value is not OMIT}


def mint(by: Signer = ISSUER, /, header: Any = None, **changes: object) -> str:
    """A token by `by`; `header` changes its header, where None leaves a parameter out."""
    return by.token(claims(**changes), **(header or {}))


def mint_json(payload: bytes, by: Signer = ISSUER) -> str:
    """A token over these very bytes."""
    return by.token(payload)


def splice(header: bytes, payload: bytes, by: Signer = ISSUER) -> str:
    return by.seal(header, payload)


def request(token: str | None = None, *, now: float = NOW, scheme: str = "Bearer") -> AccessRequest:
    header = () if token is None else ((b"authorization", f"{scheme} {token}".encode()),)
    return AccessRequest(now=now, headers=header)


def raw_request(*values: bytes, now: float = NOW) -> AccessRequest:
    """A request with these very `Authorization` headers."""
    return AccessRequest(now=now, headers=[(b"authorization", value) for value in values])


def found(verifier: Bearer, asked: AccessRequest, sources: Sources | None = None) -> Finding[TokenEvidence]:
    """What `verifier` finds; a failing source is what the engine makes of it."""
    finding = verifier.find(asked)
    if not isinstance(finding, GeneratorType):
        return cast("Finding[TokenEvidence]", finding)
    try:
        return run(cast("Gather[Finding[TokenEvidence]]", finding), sources or Sources())
    except SourceFailed as failure:
        return Unavailable(failure.reason, failure.retry_after)


def code(finding: Finding[TokenEvidence]) -> str:
    """`verified`, or the kind of nothing with its reason's code."""
    if isinstance(finding, Verified):
        return "verified"
    assert not isinstance(finding, Unspent)
    return f"{type(finding).__name__.lower()} {finding.reason.code}"


def outcome(verifier: Bearer, token: str, *, now: float = NOW, sources: Sources | None = None) -> str:
    return code(found(verifier, request(token, now=now), sources))


def evidence(verifier: Bearer, token: str, *, now: float = NOW) -> TokenEvidence:
    finding = found(verifier, request(token, now=now))
    assert isinstance(finding, Verified), finding
    return finding.evidence


class Web:
    """A source that answers from a script, counts what it is asked, and is down for what it does not know."""

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (Fetch,)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    def __init__(self, pages: Mapping[str, object] | None = None) -> None:
        self.pages: dict[str, Document | SourceFailed] = {}
        self.asked: list[Fetch] = []
        for url, body in (pages or {}).items():
            self.publish(url, body)

    def publish(self, url: str, body: object, fetched_at: float = NOW - 60) -> None:
        octets = body if isinstance(body, bytes) else compact_json(body)
        self.pages[url] = Document(url, octets, fetched_at)

    def fail(self, url: str) -> None:
        self.pages[url] = SourceFailed(SOURCE_DOWN(), 7.0)

    def answer(self, ask: Ask[T], timeout: float) -> T:
        assert isinstance(ask, Fetch)
        self.asked.append(ask)
        page = self.pages.get(ask.url, SourceFailed(SOURCE_DOWN(), 7.0))
        if isinstance(page, SourceFailed):
            raise page
        return page  # type: ignore[return-value]

    @property
    def urls(self) -> list[str]:
        return [fetch.url for fetch in self.asked]

    @property
    def sources(self) -> Sources:
        return Sources(self)


def published(*signers: Signer, url: str = URL) -> Web:
    """The web with one issuer in good order."""
    base = url.rstrip("/")
    metadata = {"issuer": url, "jwks_uri": f"{base}/jwks"}
    return Web({f"{base}/.well-known/openid-configuration": metadata, f"{base}/jwks": jwks(*(signers or (ISSUER,)))})


def drive(gather: Gather[T], answers: Iterable[Document | SourceFailed]) -> tuple[list[Any], T]:
    """Run `gather` on prepared answers: what it asked, and what it returned."""
    asked: list[Any] = []
    script = iter(answers)
    try:
        asked.append(next(gather))
        while True:
            answer = next(script, None)
            assert answer is not None, f"one more question than answers: {asked[-1]}"
            asked.append(gather.throw(answer) if isinstance(answer, SourceFailed) else gather.send(answer))
    except StopIteration as end:
        return asked, end.value


def page(url: str, body: object, fetched_at: float = NOW - 60) -> Document:
    return Document(url, body if isinstance(body, bytes) else compact_json(body), fetched_at)


__all__ = ["Signer", "b64", "compact_json", "signer"]
