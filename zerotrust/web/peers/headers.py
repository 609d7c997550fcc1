"""The headers by which proxies tell of a client's certificate: a closed list, of which no copy may go astray."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import DUPLICATE_HEADER, STRAY_HEADER, Reason

_NAME: Final = re.compile("[a-z0-9]+(?:-[a-z0-9]+)*")
_FOLD: Final = bytes.maketrans(b"_ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"-abcdefghijklmnopqrstuvwxyz")


def _with(prefix: str, *endings: str) -> tuple[str, ...]:
    return tuple(prefix + ending for ending in endings)


# What each of them sets besides what is read here.
ALB: Final = _with("x-amzn-mtls-clientcert", "-serial-number", "-issuer", "-subject", "-validity")
CLOUDFRONT: Final = _with(
    "cloudfront-viewer-cert", "-serial-number", "-issuer", "-subject", "-present", "-sha256", "-validity"
)
CLOUDFLARE: Final = _with(
    "cf-cert",
    *("-revoked", "-verified", "-presented", "-serial", "-issuer-serial", "-fingerprint-sha256", "-fingerprint-sha1"),
    *("-issuer-dn", "-subject-dn", "-issuer-dn-rfc2253", "-subject-dn-rfc2253", "-issuer-dn-legacy"),
    *("-subject-dn-legacy", "-ski", "-issuer-ski", "-not-before", "-not-after"),
)
INGRESS_NGINX: Final = ("ssl-client-subject-dn", "ssl-client-issuer-dn")
OPENSHIFT: Final = (
    *_with("x-ssl-client", "-serial", "-version", "-sha1", "-dn", "-cn", "-notbefore", "-notafter"),
    "x-ssl-issuer",
)
TRAEFIK: Final = _with("x-forwarded-tls-client-cert", "-info", "-infos")

KNOWN: Final = frozenset(
    name.encode()
    for name in (
        *("client-cert", "client-cert-chain", "x-forwarded-client-cert", "x-forwarded-client-cert-chain"),
        *("l5d-client-id", "x-arr-clientcert", "ms-aspnetcore-clientcert", "x-forwarded-tls-client-cert"),
        *("x-amzn-mtls-clientcert", "x-amzn-mtls-clientcert-leaf", "cloudfront-viewer-cert-pem"),
        *("cf-client-cert-der-base64", "cf-client-cert-sha256", "ssl-client-cert", "ssl-client-verify"),
        *_with("x-ssl-client", "-cert", "-certificate", "-verify", "-der", "-chain", "-chain-der", "-cert-chain"),
        *_with("x-ssl-client", "-s-dn", "-i-dn", "-subject-dn", "-issuer-dn", "-fingerprint", "-sha256", "-b64"),
        *_with("x-ssl", "-cert", "-client-verified", "-client-used"),
        *_with("x-client", "-cert", "-certificate", "-cert-chain", "-verify", "-dn", "-cn"),
        *ALB,
        *CLOUDFRONT,
        *CLOUDFLARE,
        *INGRESS_NGINX,
        *OPENSHIFT,
        *TRAEFIK,
    )
)
"""In lower case. That one is here means that it is noticed, not that it is read."""


# What clients, other proxies and HTTP itself put there: none of it is a place for a secret of one hop.
_TAKEN: Final = re.compile(
    "authorization|proxy-.*|cookie|host|forwarded|x-forwarded-.*|x-real-ip|x-original-.*|x-request-id|via|dpop|"
    "connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|content-.*|accept.*|user-agent|referer|origin|"
    "date|range|if-.*|cache-control|pragma|traceparent|tracestate|sec-.*|access-control-.*|script-name|path-info"
)


def taken(header: str) -> bool:
    """Whether the header (lower case) has another use, so that it cannot be a hop's own."""
    return _TAKEN.fullmatch(header) is not None


def check_header(what: str, name: object) -> str:
    """`name` in lower case, if a header may be called so that no server takes for another; else `ConfigError`."""
    if isinstance(name, str) and name.isascii() and _NAME.fullmatch(name.lower()):
        return name.lower()
    raise ConfigError(
        f"{what}={name!r}: write a header's name of letters, digits and hyphens, such as x-ssl-client-cert; many "
        "servers drop or merge names with underscores"
    )


def collect(
    headers: Sequence[tuple[bytes, bytes]], known: frozenset[bytes]
) -> tuple[dict[bytes, bytes] | None, Reason | None]:
    """The `known` ones among `headers`, and what is wrong with how they came.

    Args:
        headers: of a request, names in lower case as servers give them; another case is noticed.
        known: the names that are looked for.

    Returns:
        The last value of each, None if there is none; and `duplicate_header` if one came twice, or `stray_header` for
        one under another spelling, which the next server may take for the one it stands for.
    """
    pairs = [pair for pair in headers if pair[0] in known]
    names = b" ".join([pair[0] for pair in headers])
    wrong = None if names.islower() and b"_" not in names else _spelled(headers, known)
    if not pairs:
        return None, wrong
    found = dict(pairs)
    return found, wrong if len(found) == len(pairs) else _twice(pairs)


def _spelled(headers: Sequence[tuple[bytes, bytes]], known: frozenset[bytes]) -> Reason | None:
    for name, _ in headers:
        meant = name.translate(_FOLD)
        if meant != name and meant in known:
            return STRAY_HEADER(expected=meant.decode("ascii"), presented=name.decode("ascii"))
    return None


def _twice(pairs: Sequence[tuple[bytes, bytes]]) -> Reason:
    names = [name for name, _ in pairs]
    return DUPLICATE_HEADER(presented=next(name for name in names if names.count(name) > 1).decode("ascii"))
