"""OCSP as the way to tell what was revoked (RFC 6960, RFC 5019): asked of a responder, or stapled by the peer."""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta
from threading import Lock
from typing import Any, Final, NamedTuple

from cryptography import x509

from zerotrust.core.ask import Ask, Fetch, Gather, SourceFailed, ask
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import show_moment, show_span, span_in_seconds
from zerotrust.core.peer import Peer
from zerotrust.core.reason import CERTIFICATE_REVOKED, NO_SOURCE, REVOCATION_UNKNOWN, Reason
from zerotrust.pki.chain import Path
from zerotrust.pki.crl_status import AHEAD
from zerotrust.pki.ocsp_responder import signer_of
from zerotrust.pki.revocation import CertificateRevocation, unknown
from zerotrust.wire.certificate import Certificate
from zerotrust.wire.ocsp import MAX_RESPONSE, MEDIA_TYPES, Answer, certificate_id, read_ocsp, request_url
from zerotrust.wire.url import parse_url

_MOST_URLS: Final = 16
_HASHES: Final = ("sha1", "sha256")
_NEVER: Final = float("-inf")


class _Known(NamedTuple):
    """The newest response about a certificate that is believed, when it was fetched, and while who signed it may."""

    body: bytes
    answer: Answer
    fetched_at: float
    begins: float
    ends: float


class Ocsp(CertificateRevocation):
    """The word of an authority's OCSP responder on every certificate of a path but its anchor.

    A response is believed if the issuer of the certificate signed it, or whom the issuer appointed: with a certificate
    that it issued itself, for OCSPSigning, and exempted from revocation (id-pkix-ocsp-nocheck); if it is about this
    very certificate; if it is not from the future, nor due to be renewed; and if none that is newer was seen. It is
    asked for by GET, so that the fetcher's cache and those of others serve; there is no nonce, by RFC 5019.

    Args:
        urls: where to ask; http will do, for responses are signed. One is asked about every certificate. Of several,
            each certificate is asked about where it says itself (authority information access), if that is one of
            them: a certificate never chooses whom we connect to.
        stapled_only: instead of `urls`: nobody is asked, what is stapled counts alone. It is about the leaf, so put
            `Crls(...)` after it for authorities: `FirstOf(Ocsp(stapled_only=True), Crls(...))`. Whoever fills
            `Peer.stapled` has to be yours: no server or proxy that is supported here hands over what clients staple.
        stapled: whether a response counts that came with the leaf in the handshake (`Peer.stapled`).
        at_most_old: how long ago the responder may have known what it says, where its own next update is too far off;
            needed where it names none. None for its own alone.
        algorithm: the hash that names the issuer in requests: `sha1`, which responders expect (RFC 5019 section
            2.1.1), or `sha256`. Responses may have either.
        remember: of how many certificates the newest response is kept in mind, so that an older one does not count
            again and no signature is verified twice.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    __slots__ = ("_at_most_old", "_known", "_lock", "_room", "algorithm", "stapled", "urls")

    def __init__(
        self,
        *urls: str,
        stapled_only: bool = False,
        stapled: bool = True,
        at_most_old: timedelta | None = None,
        algorithm: str = "sha1",
        remember: int = 4096,
    ) -> None:
        if not urls and not stapled_only:
            raise ConfigError(
                'Ocsp has nobody to ask: give a URL, Ocsp("http://ocsp.example.com"); or, where you fill Peer.stapled'
                " yourself with what clients staple, Ocsp(stapled_only=True)"
            )
        if stapled_only and (urls or not stapled):
            raise ConfigError("stapled_only=True is instead of URLs and of stapled=False: leave these out")
        if len(urls) > _MOST_URLS:
            raise ConfigError(f"Ocsp takes at most {_MOST_URLS} URLs, not {len(urls)}")
        if algorithm not in _HASHES:
            raise ConfigError(f"algorithm={algorithm!r} is none of {' and '.join(_HASHES)}")
        if type(remember) is not int or remember < 1:
            raise ConfigError(f"remember={remember!r} must be at least 1")
        self.urls: tuple[str, ...] = tuple(_url(url) for url in urls)
        self.stapled: bool = stapled
        self.algorithm: str = algorithm
        self._at_most_old = None if at_most_old is None else span_in_seconds(at_most_old, "at_most_old", least=60.0)
        self._room = remember
        self._known: OrderedDict[tuple[Certificate, Certificate], _Known] = OrderedDict()
        self._lock = Lock()

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """`Fetch`, where responders are asked."""
        return (Fetch,) if self.urls else ()

    def status(self, path: Path, place: int, peer: Peer, now: float) -> Gather[Reason | None]:
        """What came stapled, if that says something; else what the responder says; else what it said before."""
        certificate, issuer = path.certificates[place], path.certificates[place + 1]
        trouble: list[str] = []
        if self.stapled and not place and peer.stapled:
            told = self._judge(peer.stapled, _NEVER, certificate, issuer, now)
            if told is None or told.kind is not REVOCATION_UNKNOWN:
                return told
            trouble.append(f"stapled: {told.detail}")
        url = self._url_for(certificate)
        if url is None:
            told = self._nobody(certificate, place, trouble)
        else:
            told = yield from self._asked(url, certificate, issuer, now, trouble)
        if told is None or told.kind is CERTIFICATE_REVOKED:
            return told
        # Nothing that came is of use. Who holds an answer back, or forges one, does not make forget those before it.
        known = self._known.get((certificate, issuer))
        said = told if known is None else self._verdict(known, certificate, now)
        return said if said is None or said.kind is CERTIFICATE_REVOKED else told

    def _nobody(self, certificate: Certificate, place: int, trouble: list[str]) -> Reason:
        """Why nobody can be asked. To try again is of no use then, unless what came stapled was of none."""
        if self.urls:
            why = "it names none of the responders to ask"
        else:
            why = "what is stapled is about the leaf, and there is no URL to ask" if place else "nothing is stapled"
        if trouble:
            return unknown(certificate, "; ".join([*trouble, why] if self.urls else trouble))
        return NO_SOURCE(presented=certificate.label, detail=why)

    def _asked(
        self, url: str, certificate: Certificate, issuer: Certificate, now: float, trouble: list[str]
    ) -> Gather[Reason | None]:
        where = request_url(url, certificate_id(certificate, issuer, self.algorithm))
        question = Fetch(where, now, self._seen(certificate, issuer, now), MAX_RESPONSE, _unusable, MEDIA_TYPES)
        try:
            document = yield from ask(question)
        except SourceFailed as failure:
            return unknown(certificate, "; ".join([*trouble, str(failure.reason)]))
        return self._judge(document.body, document.fetched_at, certificate, issuer, now)

    def _url_for(self, certificate: Certificate) -> str | None:
        if len(self.urls) < 2:
            return self.urls[0] if self.urls else None
        access = certificate.extension(x509.AuthorityInformationAccess)
        for one in access or ():
            place = one.access_location
            if one.access_method == x509.oid.AuthorityInformationAccessOID.OCSP and (
                isinstance(place, x509.UniformResourceIdentifier) and place.value in self.urls
            ):
                return place.value
        return None

    def _seen(self, certificate: Certificate, issuer: Certificate, now: float) -> float:
        """The moment of the fetch that is of no more use, if the newest response is due to be renewed."""
        known = self._known.get((certificate, issuer))
        if known is None or known.answer.next_update is None or now < min(known.answer.next_update, known.ends):
            return _NEVER
        return known.fetched_at

    def _judge(
        self, body: bytes, fetched_at: float, certificate: Certificate, issuer: Certificate, now: float
    ) -> Reason | None:
        """What a response means for `certificate`, or a newer one that was seen."""
        known = self._known.get((certificate, issuer))
        if known is not None and known.body == body:
            return self._verdict(known, certificate, now)
        read = read_ocsp(body)
        if isinstance(read, Reason):
            return unknown(certificate, str(read))
        names = {certificate_id(certificate, issuer, algorithm) for algorithm in _HASHES}
        answers = [one for one in read.answers if one.about in names]
        if not answers:
            return unknown(certificate, "the OCSP response is about another certificate")
        signer = signer_of(read, issuer, now)
        if isinstance(signer, Reason):
            return unknown(certificate, f"who signed the OCSP response may not: {signer}")
        answer = max(answers, key=_age)
        latest = max(answer.this_update, read.produced_at)
        if latest > now + AHEAD:
            return unknown(certificate, f"the OCSP response is from {show_moment(latest, now)}, in the future")
        # That the issuer itself is valid is a matter of the path.
        span = (_NEVER, float("inf")) if signer is issuer else (signer.not_before, signer.not_after + 1)
        one = _Known(body, answer, fetched_at, *span)
        return self._verdict(self._newest(one, certificate, issuer), certificate, now)

    def _newest(self, one: _Known, certificate: Certificate, issuer: Certificate) -> _Known:
        """Keep `one`, unless what it says is older than what is known; the newest that is known then."""
        name = (certificate, issuer)
        with self._lock:
            known = self._known.get(name)
            if known is None or _age(known.answer) <= _age(one.answer):
                known = self._known[name] = one
            self._known.move_to_end(name)
            while len(self._known) > self._room:
                self._known.popitem(last=False)
            return known

    def _verdict(self, known: _Known, certificate: Certificate, now: float) -> Reason | None:
        answer = known.answer
        if answer.status == "revoked":  # also where the response is out of date
            since = "" if answer.revoked_at is None else f" since {show_moment(answer.revoked_at, now)}"
            return CERTIFICATE_REVOKED(presented=certificate.label, detail=f"{answer.why}{since}, says OCSP")
        if answer.status != "good":
            return unknown(certificate, "the OCSP responder does not know it")
        if not known.begins <= now < known.ends:
            return unknown(certificate, "the certificate of who signed the OCSP response is not valid now")
        if answer.next_update is None and self._at_most_old is None:
            return unknown(certificate, "the OCSP response has no next update, and at_most_old= is not given")
        if answer.next_update is not None and now >= answer.next_update:
            return unknown(certificate, f"the OCSP response was good until {show_moment(answer.next_update, now)}")
        if self._at_most_old is not None and now - answer.this_update > self._at_most_old:
            return unknown(certificate, f"the OCSP response is older than {show_span(self._at_most_old)}")
        if answer.this_update > now + AHEAD:
            return unknown(certificate, "the OCSP response is from the future")
        return None

    def __repr__(self) -> str:
        return f"Ocsp({', '.join(map(repr, self.urls)) or 'stapled_only=True'})"


def _age(answer: Answer) -> tuple[float, bool]:
    """What makes one answer newer than another; of the same moment, what is revoked counts."""
    return answer.this_update, answer.status == "revoked"


def _unusable(body: bytes) -> Reason | None:
    read = read_ocsp(body)
    return read if isinstance(read, Reason) else None


def _url(url: object) -> str:
    address = parse_url(url, plain=True) if isinstance(url, str) else None
    if not isinstance(url, str) or address is None or isinstance(address, Reason) or "?" in url:
        raise ConfigError(f"Ocsp: {url!r} is no URL of a responder; write e.g. Ocsp('http://ocsp.example.com')")
    return url
