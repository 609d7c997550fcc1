"""What is approved: one exact operation, told from the request as it came and from nothing else.

Whatever the application might read otherwise than this file does, it refuses: names that come twice, numbers that are
rounded, other encodings of text, content codings, parameters and members that nobody named.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, cast
from urllib.parse import unquote_to_bytes

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import UNCLEAR_OPERATION, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.factors.account import Account
from zerotrust.wire.canonical_json import TOO_LONG, canonical_json, parse_exact
from zerotrust.wire.json import JsonValue
from zerotrust.wire.target import encoded_path, normal_origin

DOCUMENT_TYPE: Final = "zerotrust-approval-v1"
"""The `type` of what is signed, so that it is taken for nothing else."""

MAX_OPERATION: Final = 8 * 1024
"""Bytes of an operation as canonical JSON: nobody reads more before approving it."""

_SHOWN: Final = 8  # names of members that nobody asked for
_MAX_QUERY: Final = 4 * 1024
_METHOD: Final = re.compile(r"[A-Z][A-Z-]{0,31}")
_OVERRIDES: Final = ("x-http-method-override", "x-method-override", "x-http-method")
_METHOD_OVERRIDE: Final = "_method"
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f]{1,64}")
# RFC 9110 section 8.3.1; what else may stand there changes how the body is read.
_JSON_TYPE: Final = re.compile(rb"""application/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?""", re.IGNORECASE)
# RFC 3986 section 3.4, without the semicolon that some take for an ampersand.
_QUERY: Final = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,=:@/?]|%[0-9A-Fa-f]{2})*+")


@dataclass(frozen=True, slots=True)
class Operation:
    """What a request does.

    Attributes:
        method: the HTTP method, e.g. `POST`.
        host: the authority it was sent to, in lower case, without the default port.
        path: the path, percent-encoded.
        fields: the members of its JSON body that are approved; numbers, texts, lists and objects as JSON has them.
        query: the parameters of its query that are approved.
    """

    method: str
    host: str
    path: str
    fields: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue], hash=False)
    query: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)

    @property
    def digest(self) -> bytes:
        """SHA-256 of its canonical JSON, which it has as `Named.operation` makes it."""
        text = canonical_json(self.to_dict())
        return sha256(b"" if isinstance(text, Reason) else text).digest()

    def to_dict(self) -> dict[str, JsonValue]:
        """As it stands in what is signed."""
        return {
            "method": self.method,
            "host": self.host,
            "path": self.path,
            "fields": dict(self.fields),
            "query": dict(self.query),
        }

    def __str__(self) -> str:
        # For explanations and audit: which operation, without the values, which may be anybody's data.
        named = ", ".join((*self.fields, *(f"?{name}" for name in self.query)))
        return f"{self.method} {self.path}" + (f" ({named})" if named else "")


@dataclass(frozen=True, slots=True)
class Signed:
    """What somebody signs, and what it is a digest of.

    Attributes:
        document: canonical JSON of account, approval, operation and type.
        challenge: SHA-256 of it: the challenge of the ceremony.
    """

    document: str
    challenge: bytes


def what_is_signed(account: Account, approval: str, operation: Operation) -> Signed | Reason:
    """What `account` signs to approve `operation` by the string `approval`; a reason if it is no JSON."""
    text = canonical_json(
        {
            "type": DOCUMENT_TYPE,
            "account": {"source": account.source, "subject": account.subject},
            "approval": approval,
            "operation": operation.to_dict(),
        }
    )
    return text if isinstance(text, Reason) else Signed(text.decode(), sha256(text).digest())


@dataclass(frozen=True, slots=True)
class Named:
    """Which parts of a request make the operation.

    Attributes:
        fields: members of the JSON object in its body.
        query: parameters of its query.
        optional: those of both that may be missing.
        unapproved: names of members and parameters that may come besides, and that nobody approves.
    """

    fields: tuple[str, ...]
    query: tuple[str, ...]
    optional: frozenset[str]
    unapproved: frozenset[str]

    def operation(self, request: AccessRequest, body: bytes, limit: int) -> Operation | Reason:
        """What `request` with `body` does; `unclear_operation` where that cannot be told for certain."""
        if _METHOD.fullmatch(request.method) is None:
            return UNCLEAR_OPERATION(detail="the method")
        for name in _OVERRIDES:
            if request.field(name) is not None:
                return UNCLEAR_OPERATION(
                    presented=name, detail="a header by which some applications take another method"
                )
        origin = normal_origin("https", request.host)  # the scheme a proxy may have changed
        if isinstance(origin, Reason):
            return UNCLEAR_OPERATION(detail="the host")
        # As it was routed by: `raw_path` may be what it was before somebody rewrote it.
        path = encoded_path(request.path)
        if isinstance(path, Reason):
            return UNCLEAR_OPERATION(detail=f"the path: {path.detail}")
        query = self._query(request.query)
        if isinstance(query, Reason):
            return query
        fields = self._fields(request, body, limit)
        if isinstance(fields, Reason):
            return fields
        operation = Operation(request.method, origin.removeprefix("https://"), path, fields, query)
        text = canonical_json([operation.to_dict()], limit=MAX_OPERATION + 2)  # as deep as in what is signed
        if not isinstance(text, Reason):
            return operation
        if text.detail == TOO_LONG:
            return UNCLEAR_OPERATION(expected=f"at most {MAX_OPERATION} bytes", detail="more than anybody reads")
        return UNCLEAR_OPERATION(detail=text.detail)

    def _query(self, query: str) -> dict[str, str] | Reason:
        if len(query) > _MAX_QUERY or _QUERY.fullmatch(query) is None:
            return UNCLEAR_OPERATION(detail="the query")
        found: dict[str, str] = {}
        for part in query.split("&"):
            if not part:
                continue
            name, _, value = (_decoded(one) for one in part.partition("="))
            if name is None or value is None:
                return UNCLEAR_OPERATION(detail="the query is not UTF-8")
            if name == _METHOD_OVERRIDE:
                return UNCLEAR_OPERATION(
                    presented=name, detail="a parameter of the query by which some applications take another method"
                )
            if name in found:
                return UNCLEAR_OPERATION(presented=name, detail="a parameter of the query that comes twice")
            found[name] = value
        refused = self._refusal(found, self.query, "the query")
        return {name: found[name] for name in self.query if name in found} if refused is None else refused

    def _fields(self, request: AccessRequest, body: bytes, limit: int) -> dict[str, JsonValue] | Reason:
        if request.field("content-encoding") is not None:
            return UNCLEAR_OPERATION(detail="a Content-Encoding")
        members: JsonValue | Reason = {}
        if body or self.fields:
            kind = request.field("content-type")
            if not isinstance(kind, bytes) or _JSON_TYPE.fullmatch(kind) is None:
                return UNCLEAR_OPERATION(expected="application/json", detail="the Content-Type of the body")
            members = parse_exact(body, limit=limit)
        if isinstance(members, Reason):
            return UNCLEAR_OPERATION(expected=members.expected, detail=f"the body: {members.detail}")
        if not isinstance(members, dict):
            return UNCLEAR_OPERATION(detail="the body: JSON, but not an object")
        refused = self._refusal(members, self.fields, "the body")
        return {name: members[name] for name in self.fields if name in members} if refused is None else refused

    def _refusal(self, found: Mapping[str, object], named: tuple[str, ...], where: str) -> Reason | None:
        missing = [name for name in named if name not in found and name not in self.optional]
        if missing:
            return UNCLEAR_OPERATION(expected=", ".join(missing), detail=f"{where} lacks what is to be approved")
        stray = [name for name in found if name not in named and name not in self.unapproved]
        if stray:
            return UNCLEAR_OPERATION(
                expected=", ".join(named) or "nothing",
                presented=", ".join(stray[:_SHOWN]),
                detail=f"{where} says more than what is to be approved",
            )
        return None


def named(
    fields: Collection[str], query: Collection[str], optional: Collection[str], unapproved: Collection[str]
) -> Named:
    """The configuration, checked.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """
    listed = tuple(_names(fields, "fields")), tuple(_names(query, "query"))
    may_lack, besides = frozenset(_names(optional, "optional")), frozenset(_names(unapproved, "unapproved"))
    if _METHOD_OVERRIDE in listed[1]:
        raise ConfigError(
            f"query={_METHOD_OVERRIDE}: such requests are refused, since some applications take another "
            "method by it; approve the method that is sent"
        )
    if stray := sorted(may_lack.difference(*listed)):
        raise ConfigError(
            f"optional={', '.join(stray)}: it says which of fields and query may be missing; name it there"
        )
    if both := sorted(besides.intersection((*listed[0], *listed[1]))):
        raise ConfigError(f"unapproved={', '.join(both)}: fields or query has it as approved; name it once")
    return Named(*listed, may_lack, besides)


def _names(given: object, what: str) -> list[str]:
    if isinstance(given, str | bytes) or not isinstance(given, Collection):
        raise ConfigError(f'{what} takes names, such as {what}=("amount",), not {given!r}')
    names: list[str] = []
    for name in cast("Collection[object]", given):
        if not isinstance(name, str) or _NAME.fullmatch(name) is None or not _is_unicode(name):
            raise ConfigError(f"{what}: {name!r} is no name of a member: 1 to 64 characters that print")
        if name in names:
            raise ConfigError(f"{what} has {name!r} twice; name it once")
        names.append(name)
    return names


def _is_unicode(name: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _decoded(part: str) -> str | None:
    try:
        return unquote_to_bytes(part.replace("+", " ")).decode()
    except UnicodeDecodeError:
        return None
