"""What of a response is believed: status, redirects, type, encoding and size are judged as the bytes arrive."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from zerotrust.core.ask import Fetch
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, Reason
from zerotrust.stores.address import follow
from zerotrust.stores.cache import Fetched
from zerotrust.stores.freshness import Terms
from zerotrust.wire.json import parse
from zerotrust.wire.url import Address, Hosts

MAX_REDIRECTS: Final = 3
"""Redirects that are followed, all of them within one origin."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
PASSING: Final = frozenset({408, 425, 429})
"""Statuses of a client's class by which a server says that it is not well (RFC 6585 section 4, RFC 9110 15.5.9)."""
_MAX_FIELDS: Final = 100
# RFC 8259 section 11, RFC 7517 section 8.5.1 (application/jwk-set+json), RFC 6839 section 3.1.
_JSON_TYPE: Final = re.compile(r"application/json|[a-z]+/[a-z0-9.!#$&^_-]+\+json", re.ASCII)


def request_headers(address: Address, signed: tuple[str, ...] = ()) -> list[tuple[bytes, bytes]]:
    """The header fields of a request to `address`. No encoding is asked for: what is read is what was counted.

    Args:
        address: where it goes.
        signed: the media types of what is asked for; empty for JSON.
    """
    return [
        (b"Host", address.authority.encode()),
        (b"Accept", ", ".join(signed or ("application/json", "application/jwk-set+json")).encode()),
        (b"Accept-Encoding", b"identity"),
        (b"User-Agent", b"zerotrust"),
        (b"Connection", b"close"),
    ]


class Answer:
    """The answer to one request, judged as it arrives; subclasses say what is made of it.

    Args:
        limit: the most bytes of its body.
        signed: the media types it may have where it is signed, and judged by whoever asks; empty for JSON.
    """

    __slots__ = ("_chunks", "_limit", "_read", "_refused", "_signed")

    def __init__(self, limit: int, signed: tuple[str, ...] = ()) -> None:
        self._limit = limit
        self._signed = signed
        self._refused: Reason | None = None
        self._chunks: list[bytes] = []
        self._read = 0

    def body(self, chunk: bytes) -> bool:
        """Take the next bytes of the body; whether more may come."""
        self._read += len(chunk)
        if self._read > self._limit:
            self._chunks.clear()
            self._refused = self._too_large("more")
            return False
        self._chunks.append(chunk)
        return True

    def _whole(self) -> bytes | Reason:
        """The body, once there is nothing more to read, if it is JSON: what breaks off early can look like an end.

        What is signed is not looked into: who asks for it has to say what is of no use, which a part of it is.
        """
        if self._refused is not None:
            return self._refused
        body = b"".join(self._chunks)
        if self._signed:
            return body
        read = parse(body, limit=self._limit)
        return SOURCE_REFUSED(presented=str(read)) if isinstance(read, Reason) else body

    def _unreadable(self, fields: dict[str, str]) -> Reason | None:
        """Why the body is not to be read, by its header fields."""
        media_type = fields.get("content-type", "none").partition(";")[0].strip().lower()
        if self._signed:
            if media_type not in self._signed:
                return SOURCE_REFUSED(expected=" or ".join(self._signed), presented=media_type[:100])
        elif not _JSON_TYPE.fullmatch(media_type):
            return SOURCE_REFUSED(expected="a JSON media type", presented=media_type[:100])
        encoding = fields.get("content-encoding", "identity").lower()
        if encoding not in {"identity", ""}:
            return SOURCE_REFUSED(expected="no content encoding", presented=encoding[:100])
        length = fields.get("content-length", "")
        if length.isascii() and length.isdecimal() and len(length) < 20 and int(length) > self._limit:
            return self._too_large(length)
        return None

    def _too_large(self, size: str) -> Reason:
        return SOURCE_REFUSED(expected=f"at most {self._limit} bytes", presented=size)


def fields_of(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str] | Reason:
    """Header fields by name in lower case, those that came several times joined; a reason if they are too many."""
    headers = list(headers)
    if len(headers) > _MAX_FIELDS:
        return SOURCE_REFUSED(expected=f"at most {_MAX_FIELDS} header fields", presented=len(headers))
    fields: dict[str, str] = {}
    for name, value in headers:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        fields[key] = f"{fields[key]}, {text}" if key in fields else text
    return fields


class Reply(Answer):
    """One exchange, redirects included, without I/O: a driver does the requests that `address` names.

    Args:
        address: where to ask first.
        ask: what the document has to be.
        terms: how long copies are used.
        hosts: the only hosts a redirect may lead to, on top of the origin it started at.

    Attributes:
        address: where to ask next; None when there is nothing more to ask.
    """

    __slots__ = ("_hosts", "_life", "_redirects", "_terms", "_useless", "address")

    def __init__(self, address: Address, ask: Fetch, terms: Terms, hosts: Hosts | None) -> None:
        super().__init__(ask.limit, ask.signed)
        self.address: Address | None = address
        self._useless = ask.unusable
        self._terms = terms
        self._hosts = hosts
        self._redirects = 0
        self._life = 0.0

    def head(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Judge a response's status and header fields; whether its body is to be read."""
        asked, self.address = self.address, None
        fields = fields_of(headers)
        if isinstance(fields, Reason):
            self._refused = fields
            return False
        if status in _REDIRECTS and asked is not None:
            there = self._redirect(asked, fields.get("location", ""))
            if isinstance(there, Reason):
                self._refused = there
            else:
                self.address = there
            return False
        self._refused = self._unusable(status, fields)
        self._life = self._terms.life(fields.get("cache-control", ""), fields.get("age", ""))
        return self._refused is None

    def outcome(self) -> Fetched | Reason:
        """The document, once there is nothing more to ask and to read.

        A body that is no JSON, or not what was asked for, never takes the place of a good copy: a connection that
        breaks off early can look like one that ended, and an issuer in trouble can answer `{}`.
        """
        body = self._whole()
        if isinstance(body, Reason):
            return body
        useless = None if self._useless is None else self._useless(body)
        if useless is not None:
            return SOURCE_REFUSED(presented=str(useless))
        return Fetched(body, self._life)

    def _redirect(self, asked: Address, location: str) -> Address | Reason:
        self._redirects += 1
        if self._redirects > MAX_REDIRECTS:
            return SOURCE_REFUSED(expected=f"at most {MAX_REDIRECTS} redirects")
        return follow(asked, location, self._hosts)

    def _unusable(self, status: int, fields: dict[str, str]) -> Reason | None:
        if status != 200:
            kind = SOURCE_DOWN if status >= 500 or status in PASSING else SOURCE_REFUSED
            return kind(expected="status 200", presented=status)
        return self._unreadable(fields)
