r"""Envoy's `x-forwarded-client-cert` (XFCC): one element for each hop, and in it what the hop says of its client.

    element = pair *( ";" pair )      elements are separated by ","
    pair    = key "=" ( value / DQUOTE *( quoted / "\" any ) DQUOTE )

The grammar is read in full, or nothing is: whoever splits at commas and semicolons lets a client write fields of its
own by way of its certificate's subject.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from zerotrust.core.reason import DUPLICATE_HEADER, KEY_MISMATCH, MALFORMED, TOO_LARGE, Reason
from zerotrust.wire.client_cert import MAX_FORWARDED, too_large
from zerotrust.wire.forwarded_pem import read_escaped_pem

MOST_ELEMENTS: Final = 16
"""Hops that a header may tell of."""

MOST_PAIRS: Final = 128
"""Pairs in all elements together; a certificate may have dozens of names."""

# Visible ASCII and the blank. Whatever else a value is of, it is of nothing else.
_VISIBLE: Final = bytes(range(0x20, 0x7F))

# Outside quotes a value holds none of the characters that the grammar needs, and no blank. The second pattern is for
# headers that hold a backslash: in quotes it takes the next character with it, as in the names of RFC 4514 that Envoy
# quotes; what was `\"` for the writer is so for the reader, whichever of the two put the backslash there.
_BARE: Final = rb'([^",;= ]*+))(?:([,;])|\Z)'
_PAIR: Final = re.compile(rb'([A-Za-z]+)=(?:"([^"]*+)"|' + _BARE)
_PAIR_ESCAPED: Final = re.compile(rb'([A-Za-z]+)=(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"|' + _BARE)
_SINGLE: Final = {b"hash": 0, b"cert": 1, b"chain": 2, b"subject": 3}
_SEVERAL: Final = {b"by": 0, b"uri": 1, b"dns": 2}
_HASH: Final = re.compile(rb"[0-9a-fA-F]{64}")

_GRAMMAR: Final = MALFORMED(expected="key=value;key=value,...", detail="x-forwarded-client-cert")
_KEY: Final = MALFORMED(
    expected="By, Hash, Cert, Chain, Subject, URI or DNS", detail="x-forwarded-client-cert: a key that is none of its"
)
_TWICE: Final = DUPLICATE_HEADER(detail="x-forwarded-client-cert: a key that an element may have once came twice")
_BLANK: Final = MALFORMED(detail="x-forwarded-client-cert: a key without a value beside one that has one")
_NO_HASH: Final = MALFORMED(
    expected="Hash=, the certificate's SHA-256 in hexadecimal", detail="x-forwarded-client-cert"
)
_OTHER_HASH: Final = KEY_MISMATCH(detail="x-forwarded-client-cert: Hash is not that of the certificate")
_OTHER_CHAIN: Final = KEY_MISMATCH(detail="x-forwarded-client-cert: Chain does not begin with Cert")
_NOT_ONE: Final = MALFORMED(detail="x-forwarded-client-cert: Cert holds more than one certificate")


@dataclass(frozen=True, slots=True)
class XfccElement:
    """What one hop says of its client, as it stands there.

    Attributes:
        by: the URIs of the hop's own certificate.
        hash: SHA-256 of the client's certificate, hexadecimal as sent; None if it was not told.
        cert: the client's certificate as percent-encoded PEM; None if it was not passed on.
        chain: likewise all that the client presented, its own certificate first.
        subject: the certificate's subject. For people to read: nobody is identified by it.
        uris: the URIs among the certificate's alternative names.
        dns: the DNS names among them.
    """

    by: tuple[str, ...] = ()
    hash: bytes | None = None
    cert: bytes | None = None
    chain: bytes | None = None
    subject: str | None = None
    uris: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()

    def certificates(self) -> tuple[bytes, ...] | Reason:
        """The certificates that were passed on, as DER, the client's own first; none if neither `Cert` nor `Chain` was.

        Returns:
            The certificates; `malformed` if they cannot be read or come without the hash that Envoy always sends, and
            `key_mismatch` if `Hash`, `Cert` and `Chain` are not about the same certificate.
        """
        text = self.cert if self.chain is None else self.chain
        if text is None:
            return ()
        whole = read_escaped_pem(text)
        if isinstance(whole, Reason):
            return whole
        if self.chain is None and len(whole) != 1:
            return _NOT_ONE
        if self.cert is not None and self.chain is not None and not _begins(self.chain, self.cert):
            leaf = read_escaped_pem(self.cert)
            if isinstance(leaf, Reason):
                return leaf
            if leaf != whole[:1]:
                return _OTHER_CHAIN
        if self.hash is None:
            return _NO_HASH
        if sha256(whole[0]).hexdigest().encode() != self.hash.lower():
            return _OTHER_HASH
        return whole


def read_xfcc(value: bytes) -> tuple[XfccElement, ...] | Reason:
    """The elements of an `x-forwarded-client-cert` header, the nearest hop's last.

    Keys count without regard to case, values as they stand. `By`, `URI` and `DNS` may come several times in an
    element; one without a value says nothing, and stands alone.

    Args:
        value: the header's value.

    Returns:
        The elements, at least one. Else `too_large`; `duplicate_header` if another key comes twice in an element;
        `malformed` for whatever is not this grammar to the last character: an empty element or pair, a key that
        is not known, a quote that does not close, text after one that does, a separator or blank outside of quotes.
    """
    if len(value) > MAX_FORWARDED:
        return too_large(value)
    elements: list[XfccElement] = []
    at = pairs = 0
    separator: bytes | None = b","
    if value.translate(None, _VISIBLE):
        return _GRAMMAR
    match = (_PAIR_ESCAPED if b"\\" in value else _PAIR).match
    single: list[bytes | None] = [None, None, None, None]
    several: tuple[list[str], ...] = ([], [], [])
    while separator:
        pair = match(value, at)
        if pair is None:
            return _GRAMMAR
        at, pairs = pair.end(), pairs + 1
        key, quoted, bare, separator = pair.groups()
        key, text = key.lower(), bare if quoted is None else _plain(quoted)
        if (once := _SINGLE.get(key)) is not None:
            if single[once] is not None:
                return _TWICE
            single[once] = text
        elif (often := _SEVERAL.get(key)) is not None:
            several[often].append(text.decode("ascii"))
        else:
            return _KEY
        if separator != b";":
            element = _element(single, several)
            if isinstance(element, Reason):
                return element
            elements.append(element)
            single, several = [None, None, None, None], ([], [], [])
        if len(elements) > MOST_ELEMENTS or pairs > MOST_PAIRS:
            return TOO_LARGE(
                expected=f"at most {MOST_ELEMENTS} elements and {MOST_PAIRS} pairs", detail="x-forwarded-client-cert"
            )
    return tuple(elements)


def _begins(chain: bytes, cert: bytes) -> bool:
    """Whether `chain` starts with `cert` octet for octet, and that is one whole block: then it need not be read."""
    return (
        chain.startswith(cert)
        and cert.endswith((b"-----END%20CERTIFICATE-----%0A", b"-----END%20CERTIFICATE-----"))
        and cert.count(b"-----BEGIN") == 1
    )


def _plain(quoted: bytes) -> bytes:
    return quoted.replace(b'\\"', b'"') if b"\\" in quoted else quoted


def _element(single: list[bytes | None], several: tuple[list[str], ...]) -> XfccElement | Reason:
    digest, cert, chain, subject = single
    if digest is not None and not _HASH.fullmatch(digest):
        return _NO_HASH
    for values in several:
        if "" in values and len(values) > 1:  # Envoy writes `URI=` where there is none: the other is the client's work
            return _BLANK
    by, uris, dns = (tuple(value for value in values if value) for values in several)
    named = None if subject is None else subject.decode("ascii")
    return XfccElement(by, digest, cert, chain, named, uris, dns)
