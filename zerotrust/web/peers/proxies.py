"""Proxies that an operator configures to pass on the certificate: nginx, HAProxy, Apache, Caddy, Traefik, OpenShift."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.web.peers.format import CertificateHeader, Verdict
from zerotrust.web.peers.headers import INGRESS_NGINX, OPENSHIFT, TRAEFIK, check_header
from zerotrust.wire.client_cert import read_client_cert, read_client_cert_chain
from zerotrust.wire.forwarded_pem import (
    read_base64_der,
    read_base64_ders,
    read_base64_pem,
    read_escaped_pem,
    read_spaced_pem,
)

_FAILED: Final = re.compile(rb"FAILED:[ -~]*")
_MOD_SSL: Final = re.compile(rb"FAILED:[ -~]*|GENEROUS")
_NUMBER: Final = re.compile(rb"[1-9][0-9]{0,5}")


def rfc9440() -> CertificateHeader:
    """A hop that sends `Client-Cert`, and `Client-Cert-Chain` if it passes on the chain (RFC 9440).

    Without a certificate neither header may come: an empty one is refused.
    """
    return _rfc9440("rfc9440()")


def caddy() -> CertificateHeader:
    """Caddy that sends `Client-Cert` (RFC 9440), made of its placeholder `certificate_der_base64`.

    Without a certificate Caddy writes the placeholder itself, `:{http.request.tls.client...}:`, which is refused: let
    its configuration tell the two cases apart and remove the header in one.
    """
    return _rfc9440("caddy()")


def _rfc9440(name: str) -> CertificateHeader:
    return CertificateHeader(
        name=name,
        certificate="client-cert",
        decode=_one,
        above=("client-cert-chain",),
        decode_above=read_client_cert_chain,
    )


def _one(value: bytes) -> tuple[bytes, ...] | Reason:
    der = read_client_cert(value)
    return der if isinstance(der, Reason) else (der,)


def nginx(
    cert: str = "x-ssl-client-cert", verify: str | None = "x-ssl-client-verify", *, unverified: bool = False
) -> CertificateHeader:
    """nginx or OpenResty that sends `$ssl_client_escaped_cert` and `$ssl_client_verify`.

    An empty header is none: nginx sends no header that has no value.

    Args:
        cert: the header with the certificate, without those above it.
        verify: the header with what nginx found; None if it sends none.
        unverified: whether certificates count that nginx says it could not verify (`FAILED:...`, as with
            `ssl_verify_client optional_no_ca`). The verifiers here check them in any case; this is for those that know
            authorities which nginx does not know, and for certificates that tokens are bound to (RFC 8705).
    """
    return _nginx(_written("nginx", cert, verify, unverified), cert, verify, unverified)


def ingress_nginx(*, unverified: bool = False) -> CertificateHeader:
    """The Kubernetes ingress controller ingress-nginx with `auth-tls-pass-certificate-to-upstream`.

    Args:
        unverified: as with `nginx`; for `auth-tls-verify-client: optional_no_ca`.
    """
    name = f"ingress_nginx({'unverified=True' if unverified else ''})"
    return _nginx(name, "ssl-client-cert", "ssl-client-verify", unverified, beside=INGRESS_NGINX)


def _nginx(
    name: str, cert: str, verify: str | None, unverified: bool, beside: tuple[str, ...] = ()
) -> CertificateHeader:
    cert = check_header("cert", cert)
    verdict = None
    if verify is not None:
        verdict = Verdict(check_header("verify", verify), b"SUCCESS", (b"NONE", b""), _FAILED, unverified)
    return CertificateHeader(
        name=name, certificate=cert, decode=read_escaped_pem, blank=(b"",), verdict=verdict, beside=beside
    )


def haproxy(
    cert: str = "x-ssl-client-cert", verify: str | None = "x-ssl-client-verify", *, unverified: bool = False
) -> CertificateHeader:
    """HAProxy that sends `%[ssl_c_der,base64]` and `%[ssl_c_verify]`. If it sends RFC 9440, write `rfc9440()`.

    An empty header is none, and so is the verdict `0` alone: HAProxy says it without a certificate, too.

    Args:
        cert: the header with the certificate, without those above it.
        verify: the header with what HAProxy found; None if it sends none.
        unverified: whether certificates count that HAProxy could not verify (any other number, as with
            `crt-ignore-err all`). The verifiers here check them in any case.
    """
    cert = check_header("cert", cert)
    verdict = None if verify is None else _haproxy_verdict(check_header("verify", verify), unverified)
    return CertificateHeader(
        name=_written("haproxy", cert, verify, unverified),
        certificate=cert,
        decode=read_base64_der,
        blank=(b"",),
        verdict=verdict,
    )


def openshift(*, unverified: bool = False) -> CertificateHeader:
    """The ingress router of OpenShift with client TLS, which sends `X-SSL-Client-DER` and `X-SSL-Client-Verify`.

    It puts quotes around the value. CVE-2026-46579: routers before the fix pass on what a client sends without TLS.

    Args:
        unverified: as with `haproxy`.
    """
    return CertificateHeader(
        name=f"openshift({'unverified=True' if unverified else ''})",
        certificate="x-ssl-client-der",
        decode=_unquoted,
        blank=(b"", b'""'),
        verdict=_haproxy_verdict("x-ssl-client-verify", unverified),
        beside=OPENSHIFT,
    )


def _haproxy_verdict(header: str, unverified: bool) -> Verdict:
    return Verdict(header, b"0", (b"0", b""), _NUMBER, unverified)


def _unquoted(value: bytes) -> tuple[bytes, ...] | Reason:
    quoted = len(value) > 1 and value[:1] == b'"' and value[-1:] == b'"'
    return read_base64_der(value[1:-1] if quoted else value)


def apache(
    cert: str = "x-ssl-client-cert",
    verify: str | None = "x-ssl-client-verify",
    *,
    chain: Sequence[str] = (),
    encoding: Literal["pem", "base64"] = "pem",
    unverified: bool = False,
) -> CertificateHeader:
    """Apache httpd that sends `SSL_CLIENT_CERT` and `SSL_CLIENT_VERIFY` by `RequestHeader`.

    Its text for what is not there, `(null)`, is refused: make the header conditional, and unset it first.

    Args:
        cert: the header with the certificate.
        verify: the header with what Apache found; None if it sends none.
        chain: the headers with `SSL_CLIENT_CERT_CHAIN_0` and so on, in order.
        encoding: `pem` for `%{SSL_CLIENT_CERT}s`, in which a space stands for each line break; `base64` for
            `expr=%{base64:%{SSL_CLIENT_CERT}}`.
        unverified: whether certificates count that Apache could not verify (`FAILED:...`, and `GENEROUS` with
            `SSLVerifyClient optional_no_ca`). The verifiers here check them in any case.
    """
    readers = {"pem": read_spaced_pem, "base64": read_base64_pem}
    if encoding not in readers:
        raise ConfigError(f"encoding={encoding!r}: write 'pem' or 'base64'")
    if isinstance(chain, str):
        raise ConfigError(f"chain={chain!r}: write the headers as a list, chain=[{chain!r}]")
    cert = check_header("cert", cert)
    verdict = None
    if verify is not None:
        verdict = Verdict(check_header("verify", verify), b"SUCCESS", (b"NONE", b""), _MOD_SSL, unverified)
    return CertificateHeader(
        name=_written("apache", cert, verify, unverified),
        certificate=cert,
        decode=readers[encoding],
        above=tuple(check_header("chain", name) for name in chain),
        verdict=verdict,
    )


def traefik() -> CertificateHeader:
    """Traefik with the middleware `passTLSClientCert` and `pem: true`, which sends the whole chain.

    Traefik removes a client's copy where the entry point does not trust the client's address; so its
    `forwardedHeaders` must trust nobody but proxies.
    """
    return CertificateHeader(
        name="traefik()", certificate="x-forwarded-tls-client-cert", decode=read_base64_ders, beside=TRAEFIK
    )


def _written(function: str, cert: str, verify: str | None, unverified: bool) -> str:
    return f"{function}(cert={cert!r}, verify={verify!r}{', unverified=True' if unverified else ''})"
