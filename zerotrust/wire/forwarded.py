r"""Whom proxies say they forward for: `Forwarded` (RFC 7239 section 4), and `X-Forwarded-For`, which has no standard.

    Forwarded         = element *( OWS "," OWS element )
    element           = [ pair ] *( ";" [ pair ] )
    pair              = token "=" ( token / DQUOTE *( quoted / "\" any ) DQUOTE )
    X-Forwarded-For   = node *( OWS "," OWS node )

Each proxy adds an element at the end. What a client sent stands at the beginning, and is read by the same grammar: a
quote that it leaves open must not swallow what a proxy added. So the whole header is read, or nothing is.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, TypeAlias

from zerotrust.core.reason import DUPLICATE_HEADER, MALFORMED, TOO_LARGE, Reason

MAX_FORWARDED: Final = 4096
"""Octets of all the lines of the header together."""

MOST_HOPS: Final = 32
"""Elements of the header."""

MOST_PAIRS: Final = 128
"""Pairs in all elements of a `Forwarded` together."""

Address: TypeAlias = IPv4Address | IPv6Address

_TOO_LONG: Final = TOO_LARGE(expected=f"at most {MAX_FORWARDED} octets", detail="whom a proxy forwards for")
_TOO_MANY: Final = TOO_LARGE(expected=f"at most {MOST_HOPS} proxies", detail="whom a proxy forwards for")
_NO_NODE: Final = MALFORMED(expected="addresses, or unknown, between commas", detail="x-forwarded-for")
_GRAMMAR: Final = MALFORMED(expected="for=...;by=..., for=...", detail="forwarded")
_BAD_FOR: Final = MALFORMED(expected='an address such as 192.0.2.1 or "[2001:db8::1]"', detail="forwarded: for")
_TWICE: Final = DUPLICATE_HEADER(detail="forwarded: a parameter came twice in one element")

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR: Final = re.compile(rf'({_TOKEN})=(?:({_TOKEN})|"((?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t \x21-\x7e])*+)")')
_BETWEEN: Final = re.compile(r"[\t ]*,[\t ]*")
_ESCAPED: Final = re.compile(r"\\(.)")
_PORT: Final = r"(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?"
_V4: Final = re.compile(rf"([0-9.]{{7,15}}){_PORT}")
_V6: Final = re.compile(rf"\[([0-9A-Fa-f.]*:[0-9A-Fa-f:.]{{1,44}})\]{_PORT}")
_HIDDEN: Final = re.compile(rf"(?:unknown|_[A-Za-z0-9._-]+){_PORT}", re.IGNORECASE)  # section 6.3


def plain_address(address: Address) -> Address:
    """`address` as policies know it: IPv4 where that is mapped into IPv6, and without a zone (RFC 4007 section 11)."""
    if isinstance(address, IPv4Address):
        return address
    mapped = address.ipv4_mapped
    if mapped is not None:
        return mapped
    return IPv6Address(int(address)) if address.scope_id is not None else address


def read_x_forwarded_for(lines: tuple[bytes, ...]) -> tuple[Address | None, ...] | Reason:
    """The nodes of `X-Forwarded-For`, the client's end first; None for one that is not told.

    Args:
        lines: the values of the header, in the order received.

    Returns:
        The nodes; addresses may have ports, which are left out. Or `malformed`, or `too_large`.
    """
    text = _text(lines)
    if isinstance(text, Reason):
        return text
    found: list[Address | None] = []
    for part in text.split(","):
        node = part.strip("\t ")
        address = _bare(node)
        if address is None and node.lower() != "unknown":
            return _NO_NODE
        if len(found) == MOST_HOPS:
            return _TOO_MANY
        found.append(address)
    return tuple(found)


def read_forwarded(lines: tuple[bytes, ...]) -> tuple[Address | None, ...] | Reason:
    """The `for` of each element of `Forwarded` (RFC 7239), the client's end first; None where it is not told.

    Args:
        lines: the values of the header, in the order received.

    Returns:
        The nodes; None for an element without `for`, for `unknown` and for obfuscated identifiers. Or `malformed`,
        `too_large`, or `duplicate_header` for a parameter that came twice in an element.
    """
    text = _text(lines)
    if isinstance(text, Reason):
        return text
    found: list[Address | None] = []
    element: dict[str, str] = {}
    at, pairs = 0, 0
    while True:
        pair = _PAIR.match(text, at)
        if pair is not None:
            name, token, quoted = pair.groups()
            pairs += 1
            if name.lower() in element:
                return _TWICE
            if pairs > MOST_PAIRS:
                return _TOO_MANY
            element[name.lower()] = token if quoted is None else _ESCAPED.sub(r"\1", quoted)
            at = pair.end()
        if text[at : at + 1] == ";":
            at += 1
            continue
        comma = _BETWEEN.match(text, at)
        if (comma is None and at < len(text)) or not element:
            return _GRAMMAR
        node = _node(element["for"]) if "for" in element else None
        if isinstance(node, Reason):
            return node
        if len(found) == MOST_HOPS:
            return _TOO_MANY
        found.append(node)
        if comma is None:
            return tuple(found)
        element, at = {}, comma.end()


def _text(lines: tuple[bytes, ...]) -> str | Reason:
    if sum(map(len, lines)) + len(lines) > MAX_FORWARDED:
        return _TOO_LONG
    joined = b",".join(lines).strip(b"\t ")  # RFC 9110 section 5.3
    return joined.decode("ascii") if joined.isascii() else _GRAMMAR


def _node(text: str) -> Address | Reason | None:
    """Section 6: an address, an IPv6 one in brackets; None for a name that says nothing."""
    found = _V4.fullmatch(text) or _V6.fullmatch(text)
    if found is not None:
        address = _address(found[1])
        return _BAD_FOR if address is None else address
    return None if _HIDDEN.fullmatch(text) else _BAD_FOR


def _bare(text: str) -> Address | None:
    found = _V4.fullmatch(text) or _V6.fullmatch(text)
    return _address(text if found is None else found[1])


def _address(text: str) -> Address | None:
    try:
        return None if "%" in text else plain_address(ip_address(text))
    except ValueError:
        return None
