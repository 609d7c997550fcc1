"""Tokens with keys nobody has heard of, by the hundred: no amplification toward the issuer (CWE-406)."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from tests.stores.fetching import NOW
from zerotrust import AccessRequest, Bearer, Issuer, Sources, decide, decide_async
from zerotrust.stores.http import AsyncHttpFetcher, HttpFetcher
from zerotrust.testing.server import LocalIssuerServer

MANY = 200


def requests(server: LocalIssuerServer) -> tuple[AccessRequest, list[AccessRequest]]:
    """A good one, and many that name keys of the attacker's making."""

    def carrying(token: str) -> AccessRequest:
        return AccessRequest(now=NOW, headers=[(b"authorization", b"Bearer " + token.encode())])

    good = server.issuer.mint(audience="payments")
    flood = [carrying(server.issuer.forge_unknown_key(good, kid=f"kid-{number}")) for number in range(MANY)]
    return carrying(good), flood


def test_unknown_key_flood_blocking() -> None:
    with LocalIssuerServer(clock=lambda: NOW, algorithms=["ES256"]) as server, HttpFetcher() as fetcher:
        token, sources = Bearer(Issuer(server.url), audience="payments"), Sources(fetcher)
        good, flood = requests(server)
        with ThreadPoolExecutor(8) as pool:
            decisions = list(pool.map(lambda request: decide(token.valid, request, sources), flood))
        assert {decision.reason.code for decision in decisions} == {"unknown_key"}  # type: ignore[union-attr]
        assert decide(token.valid, good, sources)
        assert server.requests["/jwks"] <= 2


def test_unknown_key_flood_async() -> None:
    async def main() -> None:
        async with AsyncHttpFetcher() as fetcher:
            sources = Sources(fetcher)
            decisions = await asyncio.gather(*(decide_async(token.valid, request, sources) for request in flood))
            assert {decision.reason.code for decision in decisions} == {"unknown_key"}  # type: ignore[union-attr]
            assert await decide_async(token.valid, good, sources)

    with LocalIssuerServer(clock=lambda: NOW, algorithms=["ES256"]) as server:
        token = Bearer(Issuer(server.url), audience="payments")
        good, flood = requests(server)
        asyncio.run(main())
        assert server.requests["/jwks"] <= 2
