"""Whether the names in a path are such as its authorities may vouch for (RFC 5280 section 4.2.1.10)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, NamedTuple, TypeAlias

from cryptography import x509

from zerotrust.core.reason import NAME_CONSTRAINTS, Reason
from zerotrust.wire.certificate import UNREADABLE, Certificate
from zerotrust.wire.distinguished_name import ComparableName, comparable_name, may_be_within

_EMPTY_NAME: Final = b"\x30\x00"
_MOST_COMPARISONS: Final = 4096
_MOST_OCTETS: Final = 256 * 1024
_MOST_SHOWN: Final = 200

_CALLED: Final[dict[type[x509.GeneralName], str]] = {
    x509.DirectoryName: "name",
    x509.DNSName: "DNS name",
    x509.RFC822Name: "mailbox",
    x509.IPAddress: "address",
}


class _Directory(NamedTuple):
    steps: ComparableName
    octets: int


class _Mailbox(NamedTuple):
    local: str
    host: str


Form: TypeAlias = _Directory | _Mailbox | str | IPv4Address | IPv6Address | IPv4Network | IPv6Network | None
"""A name or a tree made ready for comparison; None for what cannot be compared."""


@dataclass(slots=True)
class Comparisons:
    """What may still be compared in one search for a path.

    Attributes:
        left: how many names with how many trees.
        octets: of how many octets in all these trees may be.
    """

    left: int = _MOST_COMPARISONS
    octets: int = _MOST_OCTETS

    def allow(self, count: int, octets: int) -> bool:
        """Whether that many more may be compared; they count from then on."""
        self.left -= count
        self.octets -= octets
        return self.left >= 0 and self.octets >= 0


class _Name(NamedTuple):
    kind: type[x509.GeneralName]
    form: Form
    said: object


class _Held(NamedTuple):
    names: tuple[_Name, ...]


class _Trees(NamedTuple):
    """The constraints of one kind."""

    permitted: tuple[Form, ...]
    excluded: tuple[Form, ...]
    octets: int


class _Constraints(NamedTuple):
    by_kind: dict[type[x509.GeneralName], _Trees]


def constrained(path: Sequence[Certificate]) -> bool:
    """Whether any certificate of `path` constrains names."""
    return any(one.extension(x509.NameConstraints) is not None for one in path)


def name_fault(path: Sequence[Certificate], comparisons: Comparisons) -> tuple[Reason, int] | None:
    """The first name in `path`, from the anchor down, that an authority above it may not vouch for.

    An anchor's own constraints hold like any other's. Only kinds of names that can be compared here pass: directory
    names, DNS names, mailboxes and addresses; a name of another kind under a constraint of its kind is refused.

    Args:
        path: the certificates, the leaf first. Their signatures should be known to be good: names and trees that
            somebody made up cost him nothing.
        comparisons: what may still be compared.

    Returns:
        Why, and where in `path` the authority stands whose constraint it is; None if there is nothing to say.
    """
    for place in range(len(path) - 1, 0, -1):
        if path[place].extension(x509.NameConstraints) is None:
            continue
        trees = _trees_of(path[place])
        for below in range(place - 1, -1, -1):
            one = path[below]
            if below and one.subject_name == one.issuer_name:
                continue  # self-issued, and not the last (section 6.1.3 (b) and (c))
            outside = _outside(_names_of(one), trees, comparisons)
            if outside:
                detail = f"{outside}: outside of what {path[place].label} may vouch for"
                return NAME_CONSTRAINTS(presented=one.label, detail=detail), place
    return None


def _outside(names: tuple[_Name, ...], trees: dict[type[x509.GeneralName], _Trees], comparisons: Comparisons) -> str:
    for kind, form, said in names:
        of_kind = trees.get(kind)
        if of_kind is None:
            continue
        if not comparisons.allow(len(of_kind.permitted) + len(of_kind.excluded), of_kind.octets):
            return "more names and constraints than can be compared"
        within = _COMPARED.get(kind)
        if within is None:
            return f"a {kind.__name__}, which cannot be compared"
        if (of_kind.permitted and not any(within(form, tree, False) for tree in of_kind.permitted)) or any(
            within(form, tree, True) for tree in of_kind.excluded
        ):
            shown = said.rfc4514_string() if isinstance(said, x509.Name) else str(said)
            return f"{_CALLED[kind]} {shown[:_MOST_SHOWN]}"
    return ""


# --- Ready for comparison, once for each certificate ------------------------------------------------------------------


def _names_of(one: Certificate) -> tuple[_Name, ...]:
    known = one.notes.get(_Held)
    if isinstance(known, _Held):
        return known.names
    names = tuple(_Name(kind, _form(kind, value), value) for kind, value in _said(one))
    one.notes[_Held] = _Held(names)
    return names


def _said(one: Certificate) -> Iterator[tuple[type[x509.GeneralName], object]]:
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


def _trees_of(one: Certificate) -> dict[type[x509.GeneralName], _Trees]:
    known = one.notes.get(_Constraints)
    if isinstance(known, _Constraints):
        return known.by_kind
    constraints = one.extension(x509.NameConstraints)
    trees: dict[type[x509.GeneralName], _Trees] = {}
    if constraints is not None:
        permitted, excluded = list(constraints.permitted_subtrees or ()), list(constraints.excluded_subtrees or ())
        for kind in {type(tree) for tree in (*permitted, *excluded)}:
            allowed, forbidden = (
                tuple(_form(kind, tree.value) for tree in some if type(tree) is kind) for some in (permitted, excluded)
            )
            trees[kind] = _Trees(allowed, forbidden, sum(map(_octets, (*allowed, *forbidden))))
    one.notes[_Constraints] = _Constraints(trees)
    return trees


def _form(kind: type[x509.GeneralName], value: object) -> Form:
    if isinstance(value, x509.Name):
        try:
            der = value.public_bytes()
        except UNREADABLE:
            return None
        steps = comparable_name(der)
        return None if steps is None else _Directory(steps, len(der))
    if isinstance(value, (IPv4Address, IPv6Address, IPv4Network, IPv6Network)):
        return value
    if not isinstance(value, str):
        return None
    if kind is x509.RFC822Name and "@" in value:
        local, _, host = value.rpartition("@")
        return _Mailbox(local, host.lower())
    return value.lower()


def _octets(form: Form) -> int:
    if isinstance(form, _Directory):
        return form.octets
    return len(form.local) + len(form.host) if isinstance(form, _Mailbox) else len(str(form))


# --- Comparing --------------------------------------------------------------------------------------------------------

# Each tells whether a name is within a tree of its kind. Where that cannot be told, the answer is `wide`: True for a
# tree that is excluded, False for one that is permitted.


def _name_within(name: Form, tree: Form, wide: bool) -> bool:
    if not isinstance(name, _Directory) or not isinstance(tree, _Directory):
        return wide
    return name.steps[: len(tree.steps)] == tree.steps or (wide and may_be_within(name.steps, tree.steps))


def _dns_within(name: Form, tree: Form, wide: bool) -> bool:
    if not isinstance(name, str) or not isinstance(tree, str):
        return wide
    if not tree:
        return True
    if wide and name.startswith("*.") and f".{tree.removeprefix('.')}".endswith(name[1:]):
        return True  # a wildcard stands for many names: one of them is within
    return name.endswith(tree) if tree.startswith(".") else name == tree or name.endswith(f".{tree}")


def _mailbox_within(name: Form, tree: Form, wide: bool) -> bool:
    if name is None or tree is None:
        return wide
    if isinstance(tree, _Mailbox):
        return name == tree
    host = name.host if isinstance(name, _Mailbox) else name
    if not isinstance(host, str) or not isinstance(tree, str):
        return wide
    return host.endswith(tree) if tree.startswith(".") else host == tree


def _address_within(name: Form, tree: Form, wide: bool) -> bool:
    if not isinstance(name, (IPv4Address, IPv6Address)) or not isinstance(tree, (IPv4Network, IPv6Network)):
        return wide
    return name in tree


_COMPARED: Final[dict[type[x509.GeneralName], Callable[[Form, Form, bool], bool]]] = {
    x509.DirectoryName: _name_within,
    x509.DNSName: _dns_within,
    x509.RFC822Name: _mailbox_within,
    x509.IPAddress: _address_within,
}
