"""Load balancers and edges of cloud providers, whose headers are theirs: AWS, Cloudflare, Azure."""

from __future__ import annotations

import re
from typing import Final

from zerotrust.web.peers.format import CertificateHeader, Verdict
from zerotrust.web.peers.headers import ALB, CLOUDFLARE, CLOUDFRONT, check_header
from zerotrust.web.peers.proxies import rfc9440
from zerotrust.wire.forwarded_pem import read_base64_der, read_escaped_pem

_LEAF: Final = "x-amzn-mtls-clientcert-leaf"
_WHOLE: Final = "x-amzn-mtls-clientcert"
_FALSE: Final = re.compile(b"false")
_NEVER: Final = re.compile(b"(?!)")


def alb_verify(leaf: str = _LEAF) -> CertificateHeader:
    """An Application Load Balancer of AWS whose listener verifies: `X-Amzn-Mtls-Clientcert-Leaf` and what goes with it.

    It passes on the client's own certificate alone: give the verifiers the intermediate authorities, too. The header
    of passthrough mode is none of its own and is refused.

    Args:
        leaf: the header, if the listener's attributes give it another name.
    """
    name = f"alb_verify({'' if leaf == _LEAF else f'leaf={leaf!r}'})"
    return CertificateHeader(name=name, certificate=check_header("leaf", leaf), decode=read_escaped_pem, beside=ALB)


def alb_passthrough(cert: str = _WHOLE) -> CertificateHeader:
    """An Application Load Balancer of AWS whose listener passes certificates through: `X-Amzn-Mtls-Clientcert`.

    It sends what the client presented, and has verified nothing but that the client has the key: all depends on the
    verifiers here. The headers of verify mode are none of its own and are refused.

    Args:
        cert: the header, if the listener's attributes give it another name.
    """
    name = f"alb_passthrough({'' if cert == _WHOLE else f'cert={cert!r}'})"
    return CertificateHeader(name=name, certificate=check_header("cert", cert), decode=read_escaped_pem)


def cloudfront() -> CertificateHeader:
    """Amazon CloudFront with viewer mTLS in required or optional mode: `CloudFront-Viewer-Cert-Pem`.

    The origin request policy must name that header; `-Present` and `-Sha256` are checked against it if they come. It
    passes on the client's own certificate alone.
    """
    return CertificateHeader(
        name="cloudfront()",
        certificate="cloudfront-viewer-cert-pem",
        decode=read_escaped_pem,
        verdict=Verdict("cloudfront-viewer-cert-present", b"1", (b"0",), _NEVER, optional=True),
        digest="cloudfront-viewer-cert-sha256",
        beside=CLOUDFRONT,
    )


def cloudfront_passthrough() -> CertificateHeader:
    """Amazon CloudFront with viewer mTLS in passthrough mode: `Client-Cert` and `Client-Cert-Chain` (RFC 9440).

    It has verified nothing but that the client has the key: all depends on the verifiers here.
    """
    plain = rfc9440()
    return CertificateHeader(
        name="cloudfront_passthrough()",
        certificate=plain.certificate,
        decode=plain.decode,
        above=plain.above,
        decode_above=plain.decode_above,
        beside=CLOUDFRONT,
    )


def cloudflare(*, unverified: bool = False) -> CertificateHeader:
    """Cloudflare with `client_certificate_forwarding`: `Cf-Client-Cert-Der-Base64` and `Cf-Client-Cert-Sha256`.

    They come with the first request of a connection alone, so later ones carry nothing that a policy could count on.
    A transform rule that sets `Client-Cert` with every request is `rfc9440()`.

    Args:
        unverified: whether certificates count of which `Cf-Cert-Verified`, if it comes, says `false`. The verifiers
            here check them in any case.
    """
    return CertificateHeader(
        name=f"cloudflare({'unverified=True' if unverified else ''})",
        certificate="cf-client-cert-der-base64",
        decode=read_base64_der,
        digest="cf-client-cert-sha256",
        verdict=Verdict("cf-cert-verified", b"true", (b"false", b""), _FALSE, unverified, optional=True),
        beside=CLOUDFLARE,
    )


def azure_app_service() -> CertificateHeader:
    """Azure App Service with client certificates: `X-ARR-ClientCert`.

    It checks nothing but that the client has the key: all depends on the verifiers here.
    """
    return CertificateHeader(name="azure_app_service()", certificate="x-arr-clientcert", decode=read_base64_der)
