"""What a proxy and an application can get wrong between them, and what the application can notice of it."""
# No `from __future__ import annotations`: FastAPI reads the annotations of the handler below, which use its guard.

import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Annotated

import pytest
from fastapi import FastAPI

from tests.e2e.proxies.behaviour import let_in, refused
from tests.e2e.proxies.guarded import Guarded
from tests.e2e.proxies.pki import ADA, BEA, Pki
from tests.e2e.proxies.setup import (
    APACHE_EXAMPLE,
    CADDY_EXAMPLE,
    HAPROXY_EXAMPLE,
    NAME,
    NGINX_EXAMPLE,
    Change,
    Example,
    Mode,
)
from tests.e2e.proxies.world import curl
from zerotrust.fastapi import Access, Guard
from zerotrust.pki.chain import Anchors
from zerotrust.pki.crls import Crls
from zerotrust.pki.trust_bundle import TrustBundle
from zerotrust.verifiers.peer_certificate import PeerCertificate
from zerotrust.web.peers import FromHops, Hop, HopCertificate, nginx
from zerotrust.wire.certificate import Certificate, read_certificate

pytestmark = pytest.mark.e2e


@contextmanager
def behind(example: Example, pki: Pki, mode: Mode, *changes: Change) -> Iterator[Guarded]:
    """The application behind one proxy, of whose configuration something is changed."""
    with ExitStack() as stack:
        yield Guarded(replace(example, changes=changes), pki, stack, [mode])


# --- The proxy -------------------------------------------------------------------------------------------------------
def test_a_secret_that_is_set_everywhere_proves_nothing(pki: Pki) -> None:
    """The limit: where the secret is and the directive is not, the client speaks with the proxy's voice."""
    everywhere = (
        "    location / {",
        '    proxy_set_header X-Hop-Secret "write-a-secret-of-your-own-here";\n    location / {',
    )
    with behind(NGINX_EXAMPLE, pki, "optional", everywhere) as world:
        forged = NGINX_EXAMPLE.says(pki.ada)
        assert let_in(world.ask("optional", pki.bea, forged), BEA, world)
        assert let_in(world.ask("optional", pki.bea, forged, forgetful=True), ADA, world)  # it is not ada


@pytest.mark.parametrize(
    ("example", "change"),
    [
        (HAPROXY_EXAMPLE, (":%[ssl_c_der,base64]: if { ssl_c_used }", ":%[ssl_c_der,base64]:")),
        (APACHE_EXAMPLE, (' \\\n        "expr=-n %{SSL_CLIENT_CERT}"', "")),
        (CADDY_EXAMPLE, ("request_header @certified Client-Cert", "request_header Client-Cert")),
    ],
    ids=["haproxy", "apache", "caddy"],
)
def test_a_condition_that_was_left_out(pki: Pki, example: Example, change: Change) -> None:
    """Without a certificate they write `::`, nothing, and the placeholder itself."""
    with behind(example, pki, "optional", change) as world:
        assert let_in(world.ask("optional", pki.ada), ADA, world)
        for headers in ([], example.says(pki.ada)):
            assert refused(world.ask("optional", headers=headers)) == "malformed"


def test_another_name_in_tls_than_in_http(pki: Pki) -> None:
    """Caddy asks for certificates by the name in TLS: who names another, or none, must not get to the site's host."""
    with behind(CADDY_EXAMPLE, pki, "required") as world:
        port = world.proxies["required"].ports[0]
        for name in ("127.0.0.1", "localhost", "other.example.com"):
            answer = curl(
                world.recorder,
                pki,
                f"https://{name}:{port}/whoami",
                *("--insecure", "--header", f"Host: {NAME}:{port}", "--resolve", f"{name}:{port}:127.0.0.1"),
            )
            assert answer.arrived is None
            assert answer.status in (421, None)


# --- The application -------------------------------------------------------------------------------------------------
def test_any_certificate_where_the_application_expects_none_but_good_ones(pki: Pki) -> None:
    """The proxy was opened to any certificate, and nobody told the application: `FAILED` is not taken for good."""
    for example in (NGINX_EXAMPLE, APACHE_EXAMPLE):
        with behind(example, pki, "required") as world, world.proxy("any", world.url) as opened:
            world.proxies["any"] = opened
            assert let_in(world.ask("any", pki.ada), ADA, world)
            token = [("Authorization", f"Bearer {world.token(pki.selfsigned)}")]
            assert refused(world.ask("any", pki.selfsigned)) == "untrusted_chain"
            assert refused(world.ask("any", pki.selfsigned, token, path="/account")) == "untrusted_chain"


def test_a_server_that_believes_in_forwarded_addresses(pki: Pki) -> None:
    """uvicorn without `--no-proxy-headers`: what it calls the client's address is what a client says."""
    with (
        behind(HAPROXY_EXAMPLE, pki, "optional") as world,
        world.served(proxy_headers=True) as url,
        world.proxy("optional", url) as proxy,
    ):
        world.proxies["optional"] = proxy
        assert let_in(world.ask("optional", pki.ada), ADA, world)  # HAProxy tells no address unless it is told to
        for address in ("127.0.0.1", "192.0.2.7", "127.0.0.1:4711", "unknown"):
            answer = world.ask("optional", pki.ada, [("X-Forwarded-For", address)])
            assert refused(answer) == "untrusted_hop", address


# --- The proxy's own certificate in place of a secret ----------------------------------------------------------------
_SHOWN = """\
    location / {
        proxy_ssl_certificate     /etc/proxy/server.pem;
        proxy_ssl_certificate_key /etc/proxy/server.key;
"""
_OVER_TLS: tuple[Change, ...] = (("http://127.0.0.1:8000;", "https://127.0.0.1:8000;"), ("    location / {\n", _SHOWN))


def certificate(pem: bytes) -> Certificate:
    read = read_certificate(ssl.PEM_cert_to_DER_cert(pem.decode()))
    assert isinstance(read, Certificate)
    return read


def knows_the_proxy(pki: Pki) -> FastAPI:
    """An application that ends TLS itself, to see the certificate of the proxy."""
    root = pki.root.certificate.read_bytes()
    peer = PeerCertificate(
        TrustBundle("prod.example", root + pki.issuing.certificate.read_bytes()),
        revocation=Crls(*(path.read_bytes() for path in pki.crls)),
    )
    edge = HopCertificate(Anchors(certificate(root)), uris="spiffe://prod.example/edge")
    hop = Hop("nginx", nginx(), addresses="127.0.0.1", broad="127.0.0.1", certificate=edge)
    app = FastAPI()
    guard = Guard(app, default=peer.valid, peers=FromHops(hop))

    @app.get("/whoami")
    async def whoami(access: Annotated[Access, guard.require(peer.valid)]) -> dict[str, str | None]:
        return {"id": access[peer].subject, "hop": access[peer].hop}

    return app


def test_a_hop_known_by_its_certificate(pki: Pki) -> None:
    tls = {
        "http": "zerotrust.uvicorn:H11TlsProtocol",
        "ssl_certfile": pki.server.certificate,
        "ssl_keyfile": pki.server.key,
        "ssl_ca_certs": str(pki.root.certificate),
        "ssl_cert_reqs": ssl.CERT_OPTIONAL,
    }
    with behind(NGINX_EXAMPLE, pki, "optional") as world, world.served(knows_the_proxy(pki), **tls) as url:
        shown = replace(NGINX_EXAMPLE, changes=_OVER_TLS)
        hidden = replace(NGINX_EXAMPLE, changes=_OVER_TLS[:1])
        forged = NGINX_EXAMPLE.says(pki.bea)
        with world.proxy("optional", url, shown) as proxy:
            world.proxies["optional"] = proxy
            assert let_in(world.ask("optional", pki.ada, forged), ADA, world)
            assert refused(world.ask("optional", headers=forged)) == "not_presented"
        with world.proxy("optional", url, hidden) as proxy:
            world.proxies["optional"] = proxy
            assert refused(world.ask("optional", pki.ada)) == "untrusted_hop"

        # Past the proxy: with a certificate of the same authority that is not the proxy's, and with none.
        direct = f"https://{NAME}:{url.rpartition(':')[2]}/whoami"
        sent = [part for name, value in NGINX_EXAMPLE.says(pki.ada) for part in ("--header", f"{name}: {value}")]
        for identity in (pki.bea, pki.ada, None):
            assert refused(curl(world.recorder, pki, direct, *sent, identity=identity)) == "untrusted_hop"
