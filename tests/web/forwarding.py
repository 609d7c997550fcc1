"""What hops send: one client's certificate in the format of each, and a resolver that listens to it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from zerotrust.core.peer import Peer
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.testing.authority import Issued, LocalAuthority
from zerotrust.web.peers import (
    Connection,
    Format,
    FromHops,
    Hop,
    Peers,
    alb_passthrough,
    alb_verify,
    apache,
    azure_app_service,
    caddy,
    cloudflare,
    cloudfront,
    cloudfront_passthrough,
    haproxy,
    ingress_nginx,
    istio,
    linkerd,
    nginx,
    openshift,
    rfc9440,
    traefik,
    xfcc,
)

NOW = 1_800_000_000.0
HOP, ELSEWHERE = "10.1.2.3", "10.1.2.4"
ROOT = LocalAuthority(now=NOW)
ISSUING = ROOT.intermediate()
CLIENT = ISSUING.issue(uris=["spiffe://prod/ns/shop/sa/cart"], dns=["cart.internal"])
VICTIM = ISSUING.issue(uris=["spiffe://prod/ns/shop/sa/ledger"], dns=["ledger.internal"])
BY = "spiffe://prod/ingress"

PLAINTEXT = Connection()

Headers = Sequence[tuple[str, str | bytes]]


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def escaped(client: Issued, *, chain: bool = False, safe: str = "") -> str:
    return quote(client.pem.decode() if chain else pem(client.certificate), safe=safe)


def b64(der: bytes) -> str:
    return base64.b64encode(der).decode()


def element(client: Issued = CLIENT, *, by: str | None = BY, chain: bool = False, cert: bool = True) -> str:
    """As Envoy writes it."""
    pairs = [f"By={by}"] if by else []
    pairs.append(f"Hash={sha256(client.der).hexdigest()}")
    pairs += [f'Cert="{escaped(client)}"'] if cert else []
    pairs += [f'Chain="{escaped(client, chain=True)}"'] if chain else []
    names = client.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return ";".join([*pairs, 'Subject="CN=client"', *(f"URI={uri}" for uri in uris)])


@dataclass(frozen=True)
class Case:
    """A format with what its hop sends: for a client with a certificate, for one without, and garbage."""

    name: str
    format: Format
    good: Callable[[Issued], Headers]
    chain: int = 1
    names: tuple[str, ...] = ()
    absent: Sequence[Headers] = ((),)
    malformed: Sequence[Headers] = field(default=())

    @property
    def header(self) -> str:
        """The one that carries the certificate or the name."""
        return self.format.reads[0]

    @property
    def peers(self) -> FromHops:
        return FromHops(Hop("edge", self.format, addresses=[HOP]))


def _nginx(cert: str, verify: str) -> Callable[[Issued], Headers]:
    return lambda client: [(cert, escaped(client)), (verify, "SUCCESS")]


CERT, VERIFY = "x-ssl-client-cert", "x-ssl-client-verify"
PLACEHOLDER = ":{http.request.tls.client.certificate_der_base64}:"

CASES = [
    Case(
        "rfc9440",
        rfc9440(),
        lambda client: [
            ("client-cert", f":{b64(client.der)}:"),
            ("client-cert-chain", ", ".join(f":{b64(der)}:" for der in client.ders[1:])),
        ],
        chain=2,
        malformed=[
            [("client-cert", "")],
            [("client-cert", "::")],
            [("client-cert-chain", f":{b64(CLIENT.der)}:")],
            [("client-cert", f":{b64(CLIENT.der)}:"), ("client-cert-chain", "")],
            [("client-cert", f":{b64(CLIENT.der)}:;x")],
        ],
    ),
    Case(
        "caddy",
        caddy(),
        lambda client: [("client-cert", f":{b64(client.der)}:")],
        malformed=[[("client-cert", PLACEHOLDER)], [("client-cert", "")], [("client-cert", "::")]],
    ),
    Case(
        "xfcc",
        xfcc(BY),
        lambda client: [("x-forwarded-client-cert", element(client, chain=True))],
        chain=2,
        malformed=[
            [("x-forwarded-client-cert", "")],
            [("x-forwarded-client-cert", element() + ",")],
            [("x-forwarded-client-cert", element() + ";")],
            [("x-forwarded-client-cert", element() + '"')],
            [("x-forwarded-client-cert", f'By={BY};Cert="{escaped(CLIENT)}"')],
        ],
    ),
    Case(
        "istio",
        istio(BY),
        lambda client: [("x-forwarded-client-cert", element(client, cert=False))],
        chain=0,
        names=("spiffe://prod/ns/shop/sa/cart",),
        malformed=[
            [("x-forwarded-client-cert", f"By={BY};Hash={'0' * 64}")],
            [("x-forwarded-client-cert", f"By={BY};URI=spiffe://a/b;URI=spiffe://a/c")],
            [("x-forwarded-client-cert", f"By={BY};URI=no-uri")],
        ],
    ),
    Case(
        "linkerd",
        linkerd(),
        lambda client: [("l5d-client-id", "cart.shop.serviceaccount.identity.linkerd.cluster.local")],
        chain=0,
        names=("cart.shop.serviceaccount.identity.linkerd.cluster.local",),
        malformed=[
            [("l5d-client-id", value)] for value in ("", "cart", "a..b", "-a.b", "a.b\n", "A.b", "a.b c", "*.b")
        ],
    ),
    Case(
        "nginx",
        nginx(),
        _nginx(CERT, VERIFY),
        absent=[(), [(VERIFY, "NONE")], [(CERT, ""), (VERIFY, "NONE")], [(CERT, "")]],
        malformed=[
            [(CERT, escaped(CLIENT))],
            [(CERT, escaped(CLIENT)), (VERIFY, "")],
            [(CERT, escaped(CLIENT)), (VERIFY, "NONE")],
            [(CERT, escaped(CLIENT)), (VERIFY, "success")],
            [(VERIFY, "SUCCESS")],
            [(CERT, ""), (VERIFY, "SUCCESS")],
            [(VERIFY, "FAILED:expired")],
            [(CERT, "$ssl_client_escaped_cert"), (VERIFY, "SUCCESS")],
            [(CERT, "(null)"), (VERIFY, "SUCCESS")],
            [(CERT, b64(CLIENT.der)), (VERIFY, "SUCCESS")],
            [(CERT, b"\xff"), (VERIFY, "SUCCESS")],
        ],
    ),
    Case(
        "ingress_nginx",
        ingress_nginx(),
        _nginx("ssl-client-cert", "ssl-client-verify"),
        absent=[(), [("ssl-client-verify", "NONE")]],
        malformed=[[("ssl-client-cert", escaped(CLIENT))], [("ssl-client-verify", "SUCCESS")]],
    ),
    Case(
        "haproxy",
        haproxy(),
        lambda client: [(CERT, b64(client.der)), (VERIFY, "0")],
        absent=[(), [(VERIFY, "0")], [(CERT, ""), (VERIFY, "0")]],
        malformed=[
            [(CERT, b64(CLIENT.der))],
            [(CERT, b64(CLIENT.der)), (VERIFY, "")],
            [(CERT, b64(CLIENT.der)), (VERIFY, "00")],
            [(CERT, b64(CLIENT.der)), (VERIFY, "SUCCESS")],
            [(VERIFY, "18")],
            [(CERT, f":{b64(CLIENT.der)}:"), (VERIFY, "0")],
        ],
    ),
    Case(
        "openshift",
        openshift(),
        lambda client: [
            ("x-ssl-client-der", f'"{b64(client.der)}"'),
            ("x-ssl-client-verify", "0"),
            ("x-ssl-client-dn", '"/CN=client"'),
        ],
        absent=[(), [("x-ssl-client-verify", "0")], [("x-ssl-client-der", '""'), ("x-ssl-client-verify", "0")]],
        malformed=[
            [("x-ssl-client-der", f'"{b64(CLIENT.der)}'), (VERIFY, "0")],
            [("x-ssl-client-der", f'"{b64(CLIENT.der)}"')],
            [("x-ssl-client-der", '"'), (VERIFY, "0")],
        ],
    ),
    Case(
        "apache",
        apache(chain=["x-ssl-client-chain"]),
        lambda client: [
            (CERT, pem(client.certificate).replace("\n", " ").strip()),
            ("x-ssl-client-chain", pem(client.chain[0]).replace("\n", " ").strip()),
            (VERIFY, "SUCCESS"),
        ],
        chain=2,
        absent=[(), [(VERIFY, "NONE")]],
        malformed=[
            [(CERT, "(null)"), (VERIFY, "NONE")],
            [(CERT, "(null)"), (VERIFY, "(null)")],
            [(CERT, "(null)"), (VERIFY, "SUCCESS")],
            [(CERT, ""), (VERIFY, "NONE")],
            [("x-ssl-client-chain", pem(CLIENT.chain[0]).replace("\n", " "))],
            [(VERIFY, "(null)")],
            [(CERT, escaped(CLIENT)), (VERIFY, "SUCCESS")],
        ],
    ),
    Case(
        "apache_base64",
        apache(encoding="base64", verify=None),
        lambda client: [(CERT, b64(pem(client.certificate).encode()))],
        malformed=[[(CERT, "")], [(CERT, "(null)")], [(CERT, b64(CLIENT.der))]],
    ),
    Case(
        "traefik",
        traefik(),
        lambda client: [
            ("x-forwarded-tls-client-cert", ",".join(map(b64, client.ders))),
            ("x-forwarded-tls-client-cert-info", quote('Subject="CN=client"')),
        ],
        chain=2,
        malformed=[[("x-forwarded-tls-client-cert", "")], [("x-forwarded-tls-client-cert", b64(CLIENT.der) + ",")]],
    ),
    Case(
        "alb_verify",
        alb_verify(),
        lambda client: [
            ("x-amzn-mtls-clientcert-leaf", escaped(client, safe="+=/")),
            ("x-amzn-mtls-clientcert-subject", "CN=client"),
        ],
        malformed=[[("x-amzn-mtls-clientcert-leaf", "")], [("x-amzn-mtls-clientcert-leaf", b64(CLIENT.der))]],
    ),
    Case(
        "alb_passthrough",
        alb_passthrough(),
        lambda client: [("x-amzn-mtls-clientcert", escaped(client, chain=True, safe="+=/"))],
        chain=2,
        malformed=[[("x-amzn-mtls-clientcert", "")], [("x-amzn-mtls-clientcert", b64(CLIENT.der))]],
    ),
    Case(
        "cloudfront",
        cloudfront(),
        lambda client: [
            ("cloudfront-viewer-cert-pem", escaped(client)),
            ("cloudfront-viewer-cert-present", "1"),
            ("cloudfront-viewer-cert-sha256", sha256(client.der).hexdigest()),
            ("cloudfront-viewer-cert-serial-number", "4a:3f"),
        ],
        absent=[(), [("cloudfront-viewer-cert-present", "0")]],
        malformed=[
            [("cloudfront-viewer-cert-present", "1")],
            [("cloudfront-viewer-cert-sha256", sha256(CLIENT.der).hexdigest())],
            [("cloudfront-viewer-cert-pem", escaped(CLIENT)), ("cloudfront-viewer-cert-present", "0")],
            [("cloudfront-viewer-cert-pem", "")],
        ],
    ),
    Case(
        "cloudfront_passthrough",
        cloudfront_passthrough(),
        lambda client: [("client-cert", f":{b64(client.der)}:"), ("cloudfront-viewer-cert-present", "1")],
        malformed=[[("client-cert", "")]],
    ),
    Case(
        "cloudflare",
        cloudflare(),
        lambda client: [
            ("cf-client-cert-der-base64", b64(client.der)),
            ("cf-client-cert-sha256", sha256(client.der).hexdigest()),
            ("cf-cert-verified", "true"),
        ],
        absent=[(), [("cf-cert-verified", "false")], [("cf-cert-presented", "false"), ("cf-cert-verified", "false")]],
        malformed=[
            [("cf-client-cert-sha256", sha256(CLIENT.der).hexdigest())],
            [("cf-cert-verified", "true")],
            [("cf-client-cert-der-base64", "")],
            [("cf-client-cert-der-base64", b64(CLIENT.der)), ("cf-cert-verified", "yes")],
        ],
    ),
    Case(
        "azure_app_service",
        azure_app_service(),
        lambda client: [("x-arr-clientcert", b64(client.der))],
        malformed=[
            [("x-arr-clientcert", "")],
            [("x-arr-clientcert", "(null)")],
            [("x-arr-clientcert", escaped(CLIENT))],
        ],
    ),
]

PLAIN = (("host", "shop.example"), ("user-agent", "curl"), ("accept", "*/*"), ("x-forwarded-for", "192.0.2.7"))


def request(headers: Headers, *, client: str | None = HOP, now: float = NOW) -> AccessRequest:
    """A request with these headers among others."""
    pairs = [
        (name.encode("latin-1"), value if isinstance(value, bytes) else value.encode("latin-1"))
        for name, value in (*PLAIN, *headers)
    ]
    return AccessRequest(now=now, headers=pairs, client=client)


def ask(
    peers: Peers, headers: Headers, *, client: str | None = HOP, connection: Connection = PLAINTEXT, now: float = NOW
) -> Peer | Reason | None:
    return peers.peer(request(headers, client=client, now=now), connection)


def code(
    peers: Peers, headers: Headers, *, client: str | None = HOP, connection: Connection = PLAINTEXT, now: float = NOW
) -> str:
    """`absent`, `peer`, or the code of the reason why not."""
    said = ask(peers, headers, client=client, connection=connection, now=now)
    return "absent" if said is None else said.code if isinstance(said, Reason) else "peer"
