"""Proxies of a service mesh: Envoy and Istio with `x-forwarded-client-cert`, Linkerd with `l5d-client-id`."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import Final

import attrs

from zerotrust.core.errors import ConfigError
from zerotrust.core.peer import Peer
from zerotrust.core.reason import DUPLICATE_HEADER, MALFORMED, UNTRUSTED_HOP, Reason
from zerotrust.verifiers.token import texts
from zerotrust.web.peers.format import Format, Found
from zerotrust.wire.xfcc import XfccElement, read_xfcc

_XFCC: Final = "x-forwarded-client-cert"
_LINKERD: Final = "l5d-client-id"
_CUT: Final = MALFORMED(
    detail=f"{_XFCC}: the hop's own By stands there more than once, or not where the last element begins"
)
_URI: Final = re.compile("[a-z][a-z0-9+.-]*:[!-~]+")
_NAME: Final = re.compile(
    rb"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+|spiffe://[!-+\--~]{1,2000}"
)


@attrs.frozen(repr=False, kw_only=True)
class Xfcc(Format):
    """`x-forwarded-client-cert`: what `xfcc` and `istio` say.

    Attributes:
        name: as in `Format`.
        by: the URIs that the hop's own certificate may have; None if it has none.
        appended: whether elements of hops before it may stand before its own.
        asserted: whether its word is passed on where it tells a name and no certificate.
    """

    name: str
    by: frozenset[str] | None
    appended: bool
    asserted: bool
    beside: tuple[str, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """See `Format.reads`."""
        return (_XFCC,)

    def read(self, found: Found, hop: str) -> Peer | Reason | None:
        """See `Format.read`."""
        value = found.get(_XFCC.encode())
        if value is None:
            return None
        elements = read_xfcc(value)
        if isinstance(elements, Reason):
            return elements
        own = elements[-1]
        if len(elements) > 1 and not self.appended:
            return DUPLICATE_HEADER(
                expected="one element", presented=len(elements), detail=f"{_XFCC}: let {hop} replace it: SANITIZE_SET"
            )
        if not (own.by and self.by.issuperset(own.by)) if self.by is not None else own.by:
            return UNTRUSTED_HOP(
                expected=f"By={' or '.join(sorted(self.by))}" if self.by else "no By",
                presented=", ".join(own.by) or "none",
                detail=_XFCC,
            )
        if self.appended and not self._ends_with(own, value):
            return _CUT
        chain = own.certificates()
        if isinstance(chain, Reason):
            return chain
        return Peer(chain, hop) if chain else self._named(own, hop)

    def _ends_with(self, own: XfccElement, value: bytes) -> bool:
        """Whether the last element is the hop's own, all of it and from its first octet.

        Envoy appends to what a client sent without reading it, and quotes no names: so a quote that the client leaves
        open hides the hop's element, and a name in its certificate cuts it in two. But the hop's element always
        begins with its `By`, in clear. So wherever that stands, in quotes or out of them, is looked for in octets.
        """
        begins = [at.start() for at in _by(self.by or frozenset[str]()).finditer(value)]
        if len(begins) != len(own.by) or value[: begins[0]][-1:] not in (b"", b","):
            return False
        return read_xfcc(value[begins[0] :]) == (own,)

    def _named(self, own: XfccElement, hop: str) -> Peer | Reason:
        if not self.asserted:
            return UNTRUSTED_HOP(expected="Cert= or Chain=", presented="a name alone", detail=f"{_XFCC} from {hop}")
        if len(own.uris) != 1 or not _URI.fullmatch(own.uris[0]):
            return MALFORMED(expected="one URI=", presented=len(own.uris), detail=f"{_XFCC} from {hop}")
        return Peer(hop=hop, names=own.uris)


@cache
def _by(own: frozenset[str]) -> re.Pattern[bytes]:
    """Where one of these stands as `By`, in any case and not in quotes of its own, which Envoy does not write."""
    uris = "|".join(re.escape(uri) for uri in sorted(own))
    return re.compile(f'by=(?:{uris})(?=[";,]|\\Z)'.encode(), re.IGNORECASE)


def xfcc(by: str | Collection[str] | None, *, appended: bool = False, asserted: bool = False) -> Xfcc:
    """Envoy that sends `x-forwarded-client-cert` with the certificate (`cert: true` or `chain: true`).

    Args:
        by: the URI in the hop's own certificate, which it writes as `By`; several if it has several, or if there are
            several such hops. None if its certificate has no URI, in which case there must be no `By`.
        appended: whether the hop adds its element to what came from others (`APPEND_FORWARD`), of which then the last
            counts; its `By` may stand nowhere else in the header, in no quotes either. Otherwise it must replace what
            came (`SANITIZE_SET`), and a second element is refused.
        asserted: whether the URI in an element without a certificate is passed on as the hop's word. The hop must write
            it for every client (`uri: true`), be it empty.
    """
    pinned = None if by is None else frozenset(texts("by", by))
    for uri in sorted(pinned or ()):
        if not _URI.fullmatch(uri):
            raise ConfigError(f"by={uri!r} is no URI; write that of the proxy's own certificate: spiffe://prod/ingress")
    if appended and pinned is None:
        raise ConfigError(
            "by=None with appended=True: what the hop appends cannot be told from what a client sent; give the hop a "
            "certificate with a URI and write it, or let the hop replace the header (SANITIZE_SET)"
        )
    words = [repr(by if by is None or isinstance(by, str) else sorted(by))]
    words += [f"{word}=True" for word, on in (("appended", appended), ("asserted", asserted)) if on]
    return Xfcc(name=f"xfcc({', '.join(words)})", by=pinned, appended=appended, asserted=asserted)


def istio(by: str | Collection[str]) -> Xfcc:
    """The Istio sidecar beside this application, which appends an element without a certificate.

    Args:
        by: the SPIFFE id of this very workload: its sidecar's certificate is the workload's own.
    """
    if by is None:  # not for the type checker
        raise ConfigError("by=None: write this workload's SPIFFE id: spiffe://cluster.local/ns/prod/sa/payments")
    return attrs.evolve(xfcc(by, appended=True, asserted=True), name=f"istio({by!r})")


@attrs.frozen(repr=False)
class Linkerd(Format):
    """`l5d-client-id`: what `linkerd` says."""

    name: str = "linkerd()"
    beside: tuple[str, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """See `Format.reads`."""
        return (_LINKERD,)

    def read(self, found: Found, hop: str) -> Peer | Reason | None:
        """See `Format.read`."""
        value = found.get(_LINKERD.encode())
        if value is None:
            return None
        if b"," in value:
            return DUPLICATE_HEADER(detail=f"{_LINKERD}: a comma, as where several are joined to one")
        if not _NAME.fullmatch(value):
            return MALFORMED(expected="the name of one workload", detail=_LINKERD)
        return Peer(hop=hop, names=(value.decode("ascii"),))


def linkerd() -> Linkerd:
    """The Linkerd proxy beside this application, which passes on a name alone: `l5d-client-id`.

    It sets the header for clients in the mesh and removes what any other sends.
    """
    return Linkerd()
