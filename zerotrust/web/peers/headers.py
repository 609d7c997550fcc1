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
        The first value of each, None if there is none; and `duplicate_header` if one came twice, or `stray_header` for
        one under another spelling, which the next server may take for the one it stands for.
    """
    found: dict[bytes, bytes] | None = None
    wrong: Reason | None = None
    for name, value in headers:
        if name in known:
            if found is None:
                found = {name: value}
            elif name in found:
                wrong = DUPLICATE_HEADER(presented=name.decode("ascii"))
            else:
                found[name] = value
        elif (b"_" in name or not name.islower()) and name.translate(_FOLD) in known:
            wrong = wrong or STRAY_HEADER(
                expected=name.translate(_FOLD).decode("ascii"), presented=name.decode("ascii", "replace")
            )
    return found, wrong
