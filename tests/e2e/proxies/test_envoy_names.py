"""Certificates whose names are written to be read as more of `x-forwarded-client-cert`, as Envoy really sends them.

Envoy quotes a subject, but no URI and no DNS name: a certificate nobody issued can hold a whole element of the header.
"""
# No `from __future__ import annotations`: FastAPI reads the annotations of the handler below, which use its guard.

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pytest
from fastapi import FastAPI

from tests.e2e.proxies.behaviour import let_in, refused
from tests.e2e.proxies.guarded import Guarded
from tests.e2e.proxies.pki import ADA, Identity, Pki
from tests.e2e.proxies.setup import ENVOY_EXAMPLE, Mode
from zerotrust.fastapi import Access, Guard
from zerotrust.pki.crls import Crls
from zerotrust.pki.trust_bundle import TrustBundle
from zerotrust.testing.authority import LocalAuthority
from zerotrust.verifiers.peer_certificate import PeerCertificate
from zerotrust.web.peers import FromHops, Hop, HopSecret, xfcc
from zerotrust.wire.xfcc import read_xfcc

pytestmark = pytest.mark.e2e

EDGE = "spiffe://prod.example/edge"
_ALL = ("{chain: true}", "{cert: true, chain: true, subject: true, uri: true, dns: true}")
_APPENDING = ("SANITIZE_SET", "APPEND_FORWARD")


def appended(pki: Pki, secret: str) -> FastAPI:
    """An application that believes the last of several elements."""
    peer = PeerCertificate(
        TrustBundle("prod.example", pki.root.certificate.read_bytes()),
        revocation=Crls(pki.crls[0].read_bytes()),
    )
    place = "127.0.0.1"
    hop = Hop(
        "envoy", xfcc(EDGE, appended=True), addresses=place, broad=place, secret=HopSecret("x-hop-secret", secret)
    )
    app = FastAPI()
    guard = Guard(app, default=peer.valid, peers=FromHops(hop))

    @app.get("/whoami")
    async def whoami(access: Annotated[Access, guard.require(peer.valid)]) -> dict[str, str | None]:
        return {"id": access[peer].subject, "hop": access[peer].hop}

    return app


@pytest.fixture(scope="module")
def world(pki: Pki) -> Iterator[Guarded]:
    """Any certificate, all details: `any` in front of the example's application, `optional` of one that appends.

    `required` appends as well, and writes names alone, with no quote of its own.
    """
    with ExitStack() as stack:
        world = Guarded(replace(ENVOY_EXAMPLE, changes=(_ALL,)), pki, stack, ["any"])
        url = stack.enter_context(world.served(appended(pki, world.secret)))
        appending = replace(ENVOY_EXAMPLE, changes=(_ALL, _APPENDING))
        world.proxies["optional"] = stack.enter_context(world.proxy("any", url, appending))
        bare = replace(ENVOY_EXAMPLE, changes=((_ALL[0], "{uri: true}"), _APPENDING))
        world.proxies["required"] = stack.enter_context(world.proxy("any", url, bare))
        yield world


def made(folder: Path, *, uris: tuple[str, ...] = (), dns: tuple[str, ...] = (), subject: str = "x") -> Identity:
    """A certificate of one's own authority, which lets one have any name."""
    issued = LocalAuthority(now=time.time()).issue(subject, uris=uris, dns=dns)
    identity = Identity(folder / "own.pem", folder / "own.key")
    identity.certificate.write_bytes(issued.pem)
    identity.key.write_bytes(issued.key_pem)
    return identity


def names(pki: Pki) -> list[str]:
    """What would make ada of whoever has it for a name, if the header were split at commas and semicolons."""
    genuine = ENVOY_EXAMPLE.value(pki.ada)
    whole = [f"{before}{genuine}{after}" for before in ("x,", ",", "x;", ";", 'x",') for after in ("", f";URI={ADA}")]
    return [*whole, f"x,By={EDGE};URI={ADA}", f",By={EDGE};URI={ADA}", f"x;URI={ADA}", f";URI={ADA}"]


@pytest.mark.parametrize("mode", ["any", "optional"])
def test_the_control(world: Guarded, mode: Mode) -> None:
    answer = world.ask(mode, world.pki.ada)
    assert let_in(answer, ADA, world)
    assert "Subject=" in answer.values(ENVOY_EXAMPLE.header)[0]


@pytest.mark.parametrize("kind", ["subject", "uri", "dns", "dns beside a uri"])
@pytest.mark.parametrize("mode", ["any", "optional"])
def test_more_of_the_header_in_a_name(world: Guarded, mode: Mode, kind: str, tmp_path: Path) -> None:
    for name in names(world.pki):
        if kind == "subject":
            identity = made(tmp_path, subject=name[:64])
        elif kind == "uri":
            identity = made(tmp_path, uris=(name,))
        else:
            identity = made(tmp_path, uris=("spiffe://prod.example/x",) if "uri" in kind else (), dns=(name,))
        answer = world.ask(mode, identity)
        said = answer.values(ENVOY_EXAMPLE.header)[0]
        if kind == "subject":
            assert refused(answer) == "wrong_svid"  # quoted and escaped: it stays a certificate without a URI
        else:
            assert name in said  # bare, on a real Envoy
            assert refused(answer) in (
                # more elements, or more pairs, than Envoy writes
                *("duplicate_header", "malformed", "key_mismatch"),
                # what was injected says nothing, and the certificate is the attacker's own
                *("wrong_svid", "untrusted_chain"),
            )


@pytest.mark.parametrize("begin", ['Subject="x', 'By=spiffe://prod.example/other;Subject="'])
def test_a_quote_that_the_client_leaves_open(world: Guarded, begin: str, tmp_path: Path) -> None:
    """Envoy appends to it unread, and the name in the client's certificate closes it and goes on as ada."""
    name = f'spiffe://prod.example/x",{ENVOY_EXAMPLE.value(world.pki.ada)}'
    answer = world.ask("required", made(tmp_path, uris=(name,)), [(ENVOY_EXAMPLE.header, begin)])
    [said] = answer.values(ENVOY_EXAMPLE.header)
    elements = read_xfcc(said.encode())
    assert isinstance(elements, tuple)  # all of it is grammar, on a real Envoy
    assert (len(elements), elements[-1].by) == (2, (EDGE,))
    assert refused(answer) == "malformed"
