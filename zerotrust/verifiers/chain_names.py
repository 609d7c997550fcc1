"""Whether the names in a path are such as its authorities may vouch for (RFC 5280 section 4.2.1.10)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

from cryptography import x509

from zerotrust.core.reason import NAME_CONSTRAINTS, Reason
from zerotrust.wire.certificate import Certificate
from zerotrust.wire.distinguished_name import comparable_name

_EMPTY_NAME: Final = b"\x30\x00"
_MOST_COMPARISONS: Final = 4096

_CALLED: Final[dict[type[x509.GeneralName], str]] = {
    x509.DirectoryName: "name",
    x509.DNSName: "DNS name",
    x509.RFC822Name: "mailbox",
    x509.IPAddress: "address",
}


class _TooMany(Exception):
    """More comparisons than any honest path needs."""


def constrained(path: Sequence[Certificate]) -> bool:
    """Whether any certificate of `path` constrains names."""
    return any(one.extension(x509.NameConstraints) is not None for one in path)


def name_fault(path: Sequence[Certificate]) -> tuple[Reason, int] | None:
    """The first name in `path`, from the anchor down, that an authority above it may not vouch for.

    An anchor's own constraints hold like any other's. Only kinds of names that can be compared here pass: directory
    names, DNS names, mailboxes and addresses; a name of another kind under a constraint of its kind is refused.

    Returns:
        Why, and where in `path` the authority stands whose constraint it is; None if there is nothing to say.
    """
    left = [_MOST_COMPARISONS]
    for place in range(len(path) - 1, 0, -1):
        constraints = path[place].extension(x509.NameConstraints)
        if constraints is None:
            continue
        for below in range(place - 1, -1, -1):
            one = path[below]
            if below and one.subject_name == one.issuer_name:
                continue  # self-issued, and not the last (section 6.1.3 (b) and (c))
            try:
                outside = _outside(one, constraints, left)
            except _TooMany:
                outside = "more names and constraints than can be compared"
            if outside:
                detail = f"{outside}: outside of what {path[place].label} may vouch for"
                return NAME_CONSTRAINTS(presented=one.label, detail=detail), place
    return None


def _outside(one: Certificate, constraints: x509.NameConstraints, left: list[int]) -> str:
    permitted = list(constraints.permitted_subtrees or ())
    excluded = list(constraints.excluded_subtrees or ())
    for kind, value in _names(one):
        allowed = [tree.value for tree in permitted if type(tree) is kind]
        forbidden = [tree.value for tree in excluded if type(tree) is kind]
        if not allowed and not forbidden:
            continue
        left[0] -= len(allowed) + len(forbidden)
        if left[0] < 0:
            raise _TooMany
        within = _COMPARED.get(kind)
        if within is None:
            return f"a {kind.__name__}, which cannot be compared"
        if (allowed and not any(within(value, tree, False) for tree in allowed)) or any(
            within(value, tree, True) for tree in forbidden
        ):
            return f"{_CALLED[kind]} {value.rfc4514_string() if isinstance(value, x509.Name) else value}"
    return ""


def _names(one: Certificate) -> Iterator[tuple[type[x509.GeneralName], object]]:
    """All that it says its subject is called: also the subject's own name, and mailboxes therein (section 4.2.1.10)."""
    alternative = list(one.extension(x509.SubjectAlternativeName) or ())
    for name in alternative:
        yield type(name), name.value
    if one.subject_name == _EMPTY_NAME:
        return
    subject = one.parsed.subject
    yield x509.DirectoryName, subject
    if not any(isinstance(name, x509.RFC822Name) for name in alternative):
        for attribute in subject.get_attributes_for_oid(x509.NameOID.EMAIL_ADDRESS):
            yield x509.RFC822Name, attribute.value


# Each tells whether a value is within a tree of its kind. Where that cannot be told, the answer is `wide`: True for a
# tree that is excluded, False for one that is permitted.


def _name_within(value: object, tree: object, wide: bool) -> bool:
    if not isinstance(value, x509.Name) or not isinstance(tree, x509.Name):
        return wide
    inner, outer = comparable_name(value.public_bytes()), comparable_name(tree.public_bytes())
    if inner is None or outer is None:
        return wide
    return inner[: len(outer)] == outer


def _dns_within(value: object, tree: object, wide: bool) -> bool:
    if not isinstance(value, str) or not isinstance(tree, str):
        return wide
    name, tree = value.lower(), tree.lower()
    if not tree:
        return True
    if wide and name.startswith("*.") and f".{tree.removeprefix('.')}".endswith(name[1:]):
        return True  # a wildcard stands for many names: one of them is within
    return name.endswith(tree) if tree.startswith(".") else name == tree or name.endswith(f".{tree}")


def _mailbox_within(value: object, tree: object, wide: bool) -> bool:
    if not isinstance(value, str) or not isinstance(tree, str):
        return wide
    local, _, host = value.rpartition("@")
    if "@" in tree:
        wanted, _, wanted_host = tree.rpartition("@")
        return (local, host.lower()) == (wanted, wanted_host.lower())
    return host.lower().endswith(tree.lower()) if tree.startswith(".") else host.lower() == tree.lower()


def _address_within(value: object, tree: object, wide: bool) -> bool:
    if not isinstance(value, (IPv4Address, IPv6Address)) or not isinstance(tree, (IPv4Network, IPv6Network)):
        return wide
    return value in tree


_COMPARED: Final[dict[type[x509.GeneralName], Callable[[object, object, bool], bool]]] = {
    x509.DirectoryName: _name_within,
    x509.DNSName: _dns_within,
    x509.RFC822Name: _mailbox_within,
    x509.IPAddress: _address_within,
}
