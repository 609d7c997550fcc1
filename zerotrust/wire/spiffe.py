"""SPIFFE ids and trust domains as values (SPIFFE-ID section 2): text in, a value or why not out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import MALFORMED, TOO_LARGE, Reason

MAX_SPIFFE_ID: Final = 2048
"""Octets of a SPIFFE id (SPIFFE-ID section 2.3)."""

MAX_TRUST_DOMAIN: Final = 255
"""Octets of a trust domain's name (SPIFFE-ID section 2.3)."""

_SCHEME: Final = "spiffe://"
_MOST_SHOWN: Final = 80
_NAME: Final = re.compile(r"[a-z0-9._-]+")
_PATH: Final = re.compile(r"(?:/[a-zA-Z0-9._-]+)+")
_RELATIVE: Final = frozenset({".", ".."})

_NO_SCHEME: Final = MALFORMED(detail="a SPIFFE id that does not begin with spiffe:// in lower case")
_QUERY: Final = MALFORMED(detail="a SPIFFE id with a query or a fragment")
_AUTHORITY: Final = MALFORMED(detail="a SPIFFE id with user information or a port")
_ENCODED: Final = MALFORMED(detail="a SPIFFE id with percent-encoding")
_LONG_ID: Final = TOO_LARGE(expected=f"at most {MAX_SPIFFE_ID} octets", detail="a SPIFFE id")
_LONG_NAME: Final = TOO_LARGE(expected=f"at most {MAX_TRUST_DOMAIN} octets", detail="a trust domain")
_NO_NAME: Final = MALFORMED(detail="a SPIFFE id without a trust domain")
_NAME_WRONG: Final = MALFORMED(
    detail="a trust domain with more than lower-case letters, digits, dots, dashes and underscores"
)
_PATH_WRONG: Final = MALFORMED(
    detail="the path of a SPIFFE id with more than letters, digits, dots, dashes and underscores"
)
_EMPTY_SEGMENT: Final = MALFORMED(detail="the path of a SPIFFE id with an empty segment, or with a slash at its end")
_RELATIVE_SEGMENT: Final = MALFORMED(detail="the path of a SPIFFE id with a segment . or ..")


def _cut(given: object) -> str:
    """What was given, short enough for a message: somebody may have given a whole file."""
    shown = repr(given)
    return shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}..."


def _whole(given: object) -> str:
    """What to write for the pattern that somebody gave in place of a SPIFFE id; nothing if it is none."""
    if not isinstance(given, str):
        several = isinstance(given, (list, tuple, set, frozenset))
        return "; of several, write each by itself: spiffe(a, b)" if several else ""
    name, slash, path = given.removeprefix(_SCHEME).partition("/")
    if "*" not in given or _why_no_name(name) is not None:
        return ""
    below = _below(slash + path)
    return f'; for all below, path("{below}")' if below else f'; for all of it, trust_domain("{name}")'


def _all_below(given: object) -> str:
    if not isinstance(given, str) or "*" not in given:
        return ""
    below = _below(given)
    return f'; path("{below}") is all below it already' if below else "; for any path, trust_domain(...)"


def _below(pattern: str) -> str:
    """The path above the first segment with a wildcard; empty if there is none."""
    above = pattern.partition("*")[0].rpartition("/")[0]
    return above if _why_no_path(above) is None else ""


def _why_no_name(name: str) -> Reason | None:
    """What is wrong with the name of a trust domain (SPIFFE-ID section 2.1); None if nothing."""
    if len(name) > MAX_TRUST_DOMAIN:
        return _LONG_NAME
    if not name:
        return _NO_NAME
    return None if _NAME.fullmatch(name) else _NAME_WRONG


def _why_no_path(path: str) -> Reason | None:
    """What is wrong with the path of a SPIFFE id (SPIFFE-ID section 2.2); None if nothing. It may be empty."""
    if not path:
        return None
    if not _PATH.fullmatch(path):
        return _EMPTY_SEGMENT if "//" in path or path.endswith("/") else _PATH_WRONG
    return None if _RELATIVE.isdisjoint(path.split("/")) else _RELATIVE_SEGMENT


def _why_no_id(text: str) -> Reason | None:
    if len(text) > MAX_SPIFFE_ID:
        return _LONG_ID
    if not text.startswith(_SCHEME):
        return _NO_SCHEME
    rest = text[len(_SCHEME) :]
    if "?" in rest or "#" in rest:
        return _QUERY
    if "%" in rest:
        return _ENCODED
    name, slash, path = rest.partition("/")
    if "@" in name or ":" in name:
        return _AUTHORITY
    wrong = _why_no_name(name)
    return _why_no_path(slash + path) if wrong is None else wrong  # a reason is falsy


@dataclass(frozen=True, slots=True)
class TrustDomain:
    """The name of a trust domain, such as `prod.example` (SPIFFE-ID section 2.1).

    A DNS name, an address or anything else of these characters: what it looks like makes no difference.

    Args:
        name: lower-case letters, digits, dots, dashes and underscores; at most 255.

    Raises:
        ConfigError: it is no such name. For text from outside there is `parse_trust_domain`.
    """

    name: str

    def __post_init__(self) -> None:
        given: object = self.name
        wrong = _why_no_name(given) if isinstance(given, str) else MALFORMED(detail="not text")
        if wrong is not None:
            raise ConfigError(
                f"a trust domain is {_cut(given)}: {wrong}. Write its name alone, without spiffe:// and without a "
                'path, such as "prod.example"'
            )

    @property
    def id(self) -> SpiffeId:
        """The SPIFFE id of the trust domain itself, which has no path."""
        return _id_of(f"{_SCHEME}{self.name}")

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class SpiffeId:
    """A SPIFFE id (SPIFFE-ID section 2). There is one spelling of each, so that equal ids are equal texts.

    Args:
        text: the id, such as `spiffe://prod.example/ns/shop/sa/ledger`.

    Attributes:
        text: the id as text.
        trust_domain: the trust domain it is in.
        path: what comes after it, from its first slash on; empty for the id of the trust domain itself.

    Raises:
        ConfigError: it is no SPIFFE id. For text from outside there is `parse_spiffe_id`.
    """

    text: str
    trust_domain: TrustDomain = field(init=False, repr=False, compare=False)
    path: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        given: object = self.text
        wrong = _why_no_id(given) if isinstance(given, str) else MALFORMED(detail="not text")
        if wrong is not None:
            raise ConfigError(
                f'a SPIFFE id is {_cut(given)}: {wrong}. Write one such as "spiffe://prod.example/ledger"{_whole(given)}'
            )
        _take_apart(self)

    def is_under(self, prefix: str) -> bool:
        """Whether its path is `prefix` or goes on from there, segment by segment: `/ns/a` is not above `/ns/ab`."""
        return self.path == prefix or self.path.startswith(f"{prefix}/")

    def __str__(self) -> str:
        return self.text


def _id_of(text: str) -> SpiffeId:
    """The id that `text` was found to be. Finding it out again, for it and for its trust domain, would take as long."""
    made = object.__new__(SpiffeId)
    object.__setattr__(made, "text", text)
    _take_apart(made)
    return made


def _take_apart(made: SpiffeId) -> None:
    name, slash, path = made.text[len(_SCHEME) :].partition("/")
    trust_domain = object.__new__(TrustDomain)
    object.__setattr__(trust_domain, "name", name)
    object.__setattr__(made, "trust_domain", trust_domain)
    object.__setattr__(made, "path", slash + path)


def parse_spiffe_id(text: str) -> SpiffeId | Reason:
    """Read a SPIFFE id, whoever wrote it.

    Args:
        text: the id; nothing is trimmed, folded or decoded.

    Returns:
        The id. Or `malformed` for another scheme or its spelling in upper case, for a trust domain or a path with
        characters that section 2 does not allow (which leaves no user information, port, query, fragment or
        percent-encoding), for empty and relative segments and a slash at the end; or `too_large`.
    """
    wrong = _why_no_id(text)
    return _id_of(text) if wrong is None else wrong


def parse_trust_domain(name: str) -> TrustDomain | Reason:
    """Read the name of a trust domain, whoever wrote it: `malformed` or `too_large` if it is none."""
    wrong = _why_no_name(name)
    return TrustDomain(name) if wrong is None else wrong


def check_path(prefix: object) -> str:
    """`prefix` if it is a path that SPIFFE ids can have, such as `/ns/prod`; else `ConfigError`."""
    wrong = _why_no_path(prefix) if isinstance(prefix, str) and prefix else MALFORMED(detail="no path")
    if wrong is not None:
        raise ConfigError(
            f"a path of SPIFFE ids is {_cut(prefix)}: {wrong}. Write whole segments with a slash before each: "
            f'"/ns/prod"{_all_below(prefix)}'
        )
    return str(prefix)
