"""Paths that have one reading, and templates for them.

What two servers might read differently is nobody's path: an encoded slash is a slash to some and data to others, dot
segments and double slashes are resolved by some and kept by others (CWE-436, CWE-863). Here such a path is refused
with what is wrong with it, whatever a table or a policy says of it.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias
from urllib.parse import unquote_to_bytes

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import MALFORMED, TOO_LARGE, Reason

MAX_PATH: Final = 8192
"""Characters of a path, as sent or decoded; more is refused."""

MAX_SEGMENTS: Final = 64
"""Segments of a template."""

Path: TypeAlias = tuple[str, ...]
"""A path without its first slash, split at the others and decoded. The last one is empty after a slash at the end."""

Shape: TypeAlias = tuple[tuple[str | None, ...], bool]
"""The segments of a template, None for an open one, and whether everything below them is meant."""

UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
"""What is never encoded (RFC 3986 section 2.3)."""

# With the unreserved ones, what may stand in a segment as it is (RFC 3986 section 3.3). Not the semicolon: to some
# servers it ends the segment, and what follows are parameters.
PLAIN: Final = "!$&'()*+,=:@"
_CHARACTERS: Final = r"A-Za-z0-9\-._~!$&'()*+,=:@"
_SIMPLE: Final = re.compile(rf"(?:/(?!\.\.?(?:/|\Z))[{_CHARACTERS}]++)*+/?")
_SENT: Final = re.compile(rf"/(?:[{_CHARACTERS}/]|%[0-9A-Fa-f]{{2}})*+")
_ENCODED: Final = re.compile("%([0-9A-Fa-f]{2})")
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f\\;%]")
_REPLACED: Final = "\ufffd"  # what servers put in the place of octets that are not UTF-8
_FORBIDDEN_OCTETS: Final = frozenset(range(0x20)) | {0x7F} | frozenset(b"/\\;%")
_NAME: Final = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")
_QUERY: Final = re.compile("[?#]")

# As others write templates: `:id`, `<id>`, `<int:id>`, `[id]`, `{id:int}`; and what stands for everything below.
_IDENTIFIER: Final = "[A-Za-z_][A-Za-z0-9_]*"
_FOREIGN: Final = re.compile(
    rf":({_IDENTIFIER})|<(?:[^:<>]*:)?({_IDENTIFIER})>|\[({_IDENTIFIER})\]|\{{({_IDENTIFIER}):.*\}}"
)
_FOREIGN_REST: Final = re.compile(rf"<path:{_IDENTIFIER}>|\{{{_IDENTIFIER}:path\}}|\[\.\.\.{_IDENTIFIER}\]")
_PATTERN: Final = re.compile(r"[{}*]|<.*>|\[.*\]")
_DOTS: Final = frozenset({".", ".."})

_TOO_LONG: Final = TOO_LARGE(expected=f"at most {MAX_PATH} characters", detail="the path")


def _odd(detail: str) -> Reason:
    return MALFORMED(expected="a path that has one reading", presented=detail, detail="the path")


_NO_SLASH: Final = _odd("no slash at its beginning")
_NOT_SENT: Final = _odd("a character that has to be encoded, a semicolon or a broken encoding")
_NEEDLESS: Final = _odd("an encoded letter, digit, dash, dot, underscore or tilde")
_ENCODED_SEPARATOR: Final = _odd("an encoded slash, backslash, semicolon, percent sign or control character")
_NOT_UTF8: Final = _odd("encoded octets that are not UTF-8")
_DOT_SEGMENT: Final = _odd("a dot segment")
_EMPTY: Final = _odd("an empty segment")
_SEPARATOR: Final = _odd("a backslash, semicolon, percent sign or control character")
_DIFFERS: Final = _odd("a path that differs from the one sent")


def read_path(path: str, raw: str | None = None) -> Path | Reason:
    """The segments of a request's path.

    Args:
        path: the decoded path, as the application's router sees it.
        raw: the path as it was sent; None where the server does not tell. Then an encoded slash cannot be told from
            another, to the router neither.

    Returns:
        The segments. Or `malformed`: dot segments, empty segments other than a last one, semicolons, backslashes and
        control characters, encoded or not; encoded percent signs, slashes and unreserved characters; octets that are
        not UTF-8, and the replacement character, which stands for such; or where `path` is not what `raw` decodes to.
        Or `too_large`.
    """
    if len(path) > MAX_PATH or (raw is not None and len(raw) > MAX_PATH):
        return _TOO_LONG
    if (raw is None or raw == path) and path[:1] == "/" and _SIMPLE.fullmatch(path):
        return tuple(path[1:].split("/"))
    if raw is None:
        return _of_decoded(path)
    segments = _of_sent(raw)
    if not isinstance(segments, Reason) and "/" + "/".join(segments) != path:
        return _DIFFERS
    return segments


def _of_decoded(path: str) -> Path | Reason:
    if path[:1] != "/":
        return _NO_SLASH
    if _FORBIDDEN.search(path):
        return _SEPARATOR
    try:
        path.encode()
    except UnicodeEncodeError:
        return _NOT_UTF8
    return _checked(path[1:].split("/"))


def _of_sent(raw: str) -> Path | Reason:
    if raw[:1] != "/":
        return _NO_SLASH
    if _SENT.fullmatch(raw) is None:
        return _NOT_SENT
    for encoded in _ENCODED.finditer(raw):
        octet = int(encoded[1], 16)
        if octet in _FORBIDDEN_OCTETS:
            return _ENCODED_SEPARATOR
        if chr(octet) in UNRESERVED:
            return _NEEDLESS
    try:
        return _checked([unquote_to_bytes(segment).decode() for segment in raw[1:].split("/")])
    except UnicodeDecodeError:
        return _NOT_UTF8


def _checked(segments: list[str]) -> Path | Reason:
    if "" in segments[:-1]:
        return _EMPTY
    if any(_REPLACED in segment for segment in segments):
        return _NOT_UTF8
    return _DOT_SEGMENT if not _DOTS.isdisjoint(segments) else tuple(segments)


def read_template(text: object, below: str) -> Shape:
    """The shape of the paths that a template stands for.

    Args:
        text: literal segments, decoded; `{name}` for any one segment that is not empty.
        below: the last segment that stands for everything below the others, e.g. `**`.

    Raises:
        ConfigError: it is no such template, or one that no path with a single reading matches.
    """
    if not isinstance(text, str) or not text.startswith("/"):
        raise ConfigError(f'a path is {text!r}: write one with a slash at its beginning, such as "/accounts/{{id}}"')
    if len(text) > MAX_PATH or text.count("/") > MAX_SEGMENTS:
        raise ConfigError(f"a path has at most {MAX_SEGMENTS} segments and {MAX_PATH} characters: {text[:80]!r}...")
    before = _QUERY.split(text, maxsplit=1)[0]
    if before != text:
        raise ConfigError(
            f"a path is {text!r}: nothing after the {text[len(before)]!r} is ever looked at, it is no part of the "
            f"path; write {before!r}"
        )
    parts = text[1:].split("/")
    is_open = parts[-1] == below
    closed = parts[: -1 if is_open else None]
    names = [part for part in closed if _NAME.fullmatch(part)]
    if (meant := _translated(parts, below)) != text:
        raise ConfigError(f'a path is {text!r}: that is how other templates are written; here write "{meant}"')
    for part in closed:
        if _PATTERN.search(part) and part not in names:
            raise ConfigError(
                f"a path is {text!r}: {part!r} is neither a name nor a pattern. Write {{name}} for any one "
                f"segment, or end in /{below} for everything below; nothing else stands for more than itself"
            )
    if len(names) != len(set(names)):
        raise ConfigError(f"a path is {text!r}: one name stands twice in it; name each segment for what it is")
    read = _of_decoded("/" + "/".join("x" if _NAME.fullmatch(part) else part for part in parts).removesuffix(below))
    if isinstance(read, Reason):
        raise ConfigError(
            f"a path is {text!r}: no request can match it, since it has {read.presented}. Write it decoded and in "
            "its plainest form"
        )
    return tuple(None if part in names else part for part in closed), is_open


def _translated(parts: list[str], below: str) -> str:
    """A template of these segments, with those that are written as in other templates as they are written here."""
    made: list[str] = []
    for place, part in enumerate(parts):
        if place == len(parts) - 1 and _FOREIGN_REST.fullmatch(part):
            made.append(below)
        elif found := _FOREIGN.fullmatch(part):
            made.append(f"{{{next(filter(None, found.groups()))}}}")
        else:
            made.append(part)
    return "/" + "/".join(made)


def covers(shape: Shape, path: Path) -> bool:
    """Whether what is of this `shape` covers a path."""
    segments, below = shape
    if len(path) <= len(segments) if below else len(path) != len(segments):
        return False
    return all(part != "" if wanted is None else part == wanted for wanted, part in zip(segments, path, strict=False))
