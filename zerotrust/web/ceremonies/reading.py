"""What was posted: one strict JSON object, or one form, bounded; nothing is taken for the other."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from zerotrust.core.reason import MALFORMED, TOO_LARGE, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.wire.json import JsonValue, parse_object

MOST_BODY: Final = 64 * 1024
"""Bytes of a body: a registration with its attestation certificates is a quarter of that."""

MOST_NAME: Final = 64
"""Characters of the name that a person gives to an authenticator."""

_MOST_FIELDS: Final = 16
_JSON: Final = re.compile(rb"application/json(?:[ \t]*;[ \t]*charset=\"?utf-8\"?)?", re.IGNORECASE)
_FORM: Final = re.compile(rb"application/x-www-form-urlencoded(?:[ \t]*;[ \t]*charset=\"?utf-8\"?)?", re.IGNORECASE)
# Marks that turn the direction of text could make one name look like another (Unicode Technical Report 36).
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Posted:
    """What was posted.

    Attributes:
        members: by name; they may hold codes, and never show.
        form: whether it was a form of a page without the script, which is answered with pages.
    """

    members: Mapping[str, JsonValue] = field(repr=False)
    form: bool


def is_form(request: AccessRequest) -> bool:
    """Whether a form is posted, as far as its content type says."""
    kind = request.field("content-type")
    return isinstance(kind, bytes) and _FORM.fullmatch(kind.strip(b" \t")) is not None


def read(request: AccessRequest, body: bytes) -> Posted | Reason | None:
    """The fields in `body`.

    Returns:
        The fields; None where the content type is neither that of JSON nor that of a form; else a reason: `too_large`
        for more than `MOST_BODY` bytes or too many fields, `duplicate_header` for two content types, `malformed` for
        what is no JSON object with unique names, no form in UTF-8, or has a field twice.
    """
    if len(body) > MOST_BODY:
        return TOO_LARGE(expected=f"at most {MOST_BODY} bytes")
    kind = request.field("content-type")
    if isinstance(kind, Reason):
        return kind
    if kind is not None and _JSON.fullmatch(kind.strip(b" \t")):
        members = parse_object(body, limit=MOST_BODY)
        return members if isinstance(members, Reason) else Posted(members, form=False)
    return _form(body) if is_form(request) else None


def _form(body: bytes) -> Posted | Reason:
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), errors="strict",
            max_num_fields=_MOST_FIELDS,
        )  # fmt: skip
    except ValueError:  # what is no form, too many fields, or not UTF-8 once unquoted
        return MALFORMED(detail="no form in UTF-8")
    members: dict[str, JsonValue] = dict(pairs)
    if len(members) != len(pairs):
        return MALFORMED(detail="a form with a field that comes twice")
    return Posted(members, form=True)


NO_CODE: Final = MALFORMED(expected="a text called code")
"""A form that was sent before anything was typed, it may be."""


def text(posted: Posted, name: str, most: int = 256) -> str | Reason:
    """The text of the field `name`, from 1 to `most` characters; else a reason, which does not quote it."""
    value = posted.members.get(name)
    if not isinstance(value, str) or not value:
        return MALFORMED(expected=f"a text called {name}")
    return value if len(value) <= most else TOO_LARGE(expected=f"at most {most} characters", detail=name)


def label(posted: Posted) -> str | Reason:
    """The field `name`: what a person calls an authenticator, trimmed; empty if there is none.

    At most `MOST_NAME` characters, none of which is a control character or invisible.
    """
    value = posted.members.get("name", "")
    if not isinstance(value, str):
        return MALFORMED(expected="a text called name")
    trimmed = value.strip()
    if len(trimmed) > MOST_NAME:
        return TOO_LARGE(expected=f"at most {MOST_NAME} characters", detail="name")
    if any(unicodedata.category(character) in _UNSEEN for character in trimmed):
        return MALFORMED(detail="the name holds characters that do not show")
    return trimmed
