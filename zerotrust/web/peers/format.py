"""How a hop tells of its client: which headers it sets, and what they hold."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final, TypeAlias

import attrs

from zerotrust.core.peer import Peer
from zerotrust.core.reason import DUPLICATE_HEADER, KEY_MISMATCH, MALFORMED, TOO_LARGE, UNTRUSTED_CHAIN, Reason
from zerotrust.wire.client_cert import MOST_FORWARDED

Found: TypeAlias = Mapping[bytes, bytes]
Reader: TypeAlias = Callable[[bytes], tuple[bytes, ...] | Reason]

_PLACEHOLDER: Final = re.compile(rb":?\(null\):?|:?\{[^{}]*\}:?|\$[a-z_]+|%[\[{].*")


class Format(ABC):
    """What one kind of hop writes, as a pure function of its headers.

    Attributes:
        name: as it was written, for messages.
        beside: the headers that the hop sets and that are not read, in lower case.
    """

    name: str
    beside: tuple[str, ...]

    @property
    @abstractmethod
    def reads(self) -> tuple[str, ...]:
        """The headers that are read, in lower case."""

    @abstractmethod
    def read(self, found: Found, hop: str) -> Peer | Reason | None:
        """What a trusted hop says of its client.

        Args:
            found: the headers of this format that came, each once.
            hop: what the hop is called.

        Returns:
            Certificates or names, none of them verified yet; a reason not to believe what came; None if the hop's
            client presented nothing.
        """

    def __repr__(self) -> str:
        return self.name


@attrs.frozen
class Verdict:
    """What a hop found when it checked the certificate itself. Only a refusal counts: verifiers check it all again.

    Attributes:
        header: where it says so.
        good: the word for a certificate that passed.
        none: the words that may stand where there was no certificate.
        bad: what it says of others.
        unverified: whether a certificate that did not pass is handed on all the same.
        optional: whether the header may be missing beside a certificate.
    """

    header: str
    good: bytes
    none: tuple[bytes, ...]
    bad: re.Pattern[bytes]
    unverified: bool = False
    optional: bool = False

    def refusal(self, found: Found, hop: str, *, presented: bool) -> Reason | None:
        """Why what it says does not allow to go on with a certificate, or without one."""
        said = found.get(self.header.encode())
        if said is None:
            if self.optional or not presented:
                return None
            return MALFORMED(expected=self.header, detail=f"{hop} sent a certificate without saying what it found")
        if not presented:
            if said in self.none:
                return None
            return MALFORMED(presented=_text(said), detail=f"{hop} says what it found, but sent no certificate")
        if said == self.good:
            return None
        if not self.bad.fullmatch(said):
            return MALFORMED(presented=_text(said), detail=f"{self.header} from {hop}")
        return None if self.unverified else UNTRUSTED_CHAIN(presented=_text(said), detail=f"so says {hop}")


@attrs.frozen(repr=False, kw_only=True)
class CertificateHeader(Format):
    """A format with the certificate in one header, and perhaps the rest of the chain in others.

    Attributes:
        name: as in `Format`.
        certificate: the header that carries the client's certificate.
        decode: reads it.
        above: the headers that carry the certificates above it, in order.
        decode_above: reads one of these.
        blank: the values of `certificate` that say that there is none.
        verdict: what the hop found, if it says so.
        digest: the header that carries the SHA-256 of the certificate in hexadecimal, if there is one.
        beside: as in `Format`.
    """

    name: str
    certificate: str
    decode: Reader
    above: tuple[str, ...] = ()
    decode_above: Reader | None = None
    blank: tuple[bytes, ...] = ()
    verdict: Verdict | None = None
    digest: str | None = None
    beside: tuple[str, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """See `Format.reads`."""
        further = (self.verdict.header if self.verdict else None, self.digest)
        return (self.certificate, *self.above, *(header for header in further if header))

    def read(self, found: Found, hop: str) -> Peer | Reason | None:
        """See `Format.read`."""
        value = found.get(self.certificate.encode())
        presented = value is not None and value not in self.blank
        refused = self.verdict.refusal(found, hop, presented=presented) if self.verdict else None
        if not presented or value is None:
            return refused if refused is not None else self._orphan(found, hop)
        leaf = self._decoded(self.certificate, value, self.decode)
        if refused is not None or isinstance(leaf, Reason):
            return leaf if isinstance(leaf, Reason) else refused
        if self.digest is not None:
            said = found.get(self.digest.encode())
            if said is not None and said.lower() != sha256(leaf[0]).hexdigest().encode():
                return KEY_MISMATCH(detail=f"{self.digest} is not that of the certificate")
        chain = list(leaf)
        for header in self.above:
            if (more := found.get(header.encode())) is not None:
                read = self._decoded(header, more, self.decode_above or self.decode)
                if isinstance(read, Reason):
                    return read
                chain += read
        if len(chain) > MOST_FORWARDED:
            return TOO_LARGE(expected=f"at most {MOST_FORWARDED} certificates", presented=len(chain))
        return Peer(tuple(chain), hop)

    def _orphan(self, found: Found, hop: str) -> Reason | None:
        for header in (*self.above, self.digest):
            if header is not None and found.get(header.encode()):
                return MALFORMED(expected=self.certificate, presented=header, detail=f"{hop} sent no certificate")
        return None

    def _decoded(self, header: str, value: bytes, decode: Reader) -> tuple[bytes, ...] | Reason:
        read = decode(value)
        if not isinstance(read, Reason):
            return read
        if _PLACEHOLDER.fullmatch(value):
            return MALFORMED(
                presented=_text(value), detail=f"{header}: a placeholder; let the hop drop the header instead"
            )
        if b"," in value and read.kind is MALFORMED:
            return DUPLICATE_HEADER(detail=f"{header}: a comma, as where several are joined to one")
        return about_header(read, header)


def about_header(read: Reason, header: str) -> Reason:
    """`read` with the header's name in front of its detail."""
    return Reason(read.kind, read.expected, read.presented, f"{header}: {read.detail}" if read.detail else header)


def _text(value: bytes) -> str:
    return value[:80].decode("ascii", "backslashreplace")
