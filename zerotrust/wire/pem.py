"""Certificates in PEM (RFC 7468 section 5), as files of trust anchors hold them."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from typing import Final

from zerotrust.core.reason import COMPROMISED_KEY, MALFORMED, TOO_LARGE, Reason
from zerotrust.wire.certificate import Certificate, read_certificate

MAX_PEM: Final = 1024 * 1024
"""Octets of a file of certificates."""

MAX_CERTIFICATES: Final = 200
"""Certificates in one file; the list of all public authorities has 150."""

_MARK: Final = re.compile(rb"-----(BEGIN|END) ([A-Z0-9 ]{1,64})-----")
_BLANKS: Final = re.compile(rb"[ \t\r\n]+")


def read_pem(data: bytes) -> tuple[Certificate, ...] | Reason:
    """The certificates in `data`, in the order they stand there.

    Text between them is passed over, as RFC 7468 section 5.2 allows; any other kind of block is not.

    Returns:
        The certificates, one or more. Or `malformed` for a block that does not end, holds no base64 or is none of
        `CERTIFICATE`, `compromised_key` for a private key, `too_large`, or what `read_certificate` gives.
    """
    if len(data) > MAX_PEM:
        return TOO_LARGE(expected=f"at most {MAX_PEM} octets", presented=len(data), detail="certificates in PEM")
    marks = list(_MARK.finditer(data))
    if not marks:
        return MALFORMED(expected="-----BEGIN CERTIFICATE-----", detail="certificates in PEM")
    if len(marks) > 2 * MAX_CERTIFICATES:
        return TOO_LARGE(expected=f"at most {MAX_CERTIFICATES} certificates", detail="certificates in PEM")
    found: list[Certificate] = []
    for begin, end in zip(marks[::2], [*marks[1::2], None], strict=False):
        if b"PRIVATE KEY" in begin[2]:
            return COMPROMISED_KEY(detail="a private key among certificates")
        if begin[1] != b"BEGIN" or end is None or end[1] != b"END" or begin[2] != end[2]:
            return MALFORMED(detail="certificates in PEM: a block without its beginning or its end")
        if begin[2] != b"CERTIFICATE":
            return MALFORMED(expected="CERTIFICATE", presented=begin[2].decode("ascii"), detail="a block of PEM")
        one = _read(data[begin.end() : end.start()])
        if isinstance(one, Reason):
            return one
        found.append(one)
    return tuple(found)


def _read(body: bytes) -> Certificate | Reason:
    try:
        der = b64decode(_BLANKS.sub(b"", body), validate=True)
    except binascii.Error:
        return MALFORMED(detail="certificates in PEM: not base64")
    return read_certificate(der)
