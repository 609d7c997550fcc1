"""Who holds which permissions, as an application says: a table that is written down, or a function that looks it up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from inspect import iscoroutinefunction
from typing import TypeAlias, cast

from zerotrust.core.errors import ConfigError
from zerotrust.verifiers.delegation import Party

Lookup: TypeAlias = Callable[[str, str], Collection[str] | None]
"""The permissions of somebody, by issuer and `sub`; None for somebody who is not known."""

Table: TypeAlias = Mapping[str, Collection[str]] | Mapping[Party, Collection[str]]
"""Permissions by `sub`, where there is one issuer; or by `(issuer, sub)`."""


class Permissions:
    """A table as it was when it was given: later changes of the mapping change nothing here.

    Two are equal if they say the same.
    """

    __slots__ = ("_hash", "_held")

    def __init__(self, held: Mapping[Party, frozenset[str]]) -> None:
        self._held = dict(held)
        self._hash = hash(frozenset(self._held.items()))

    def of(self, party: Party) -> frozenset[str] | None:
        """What `party` holds; None if it is not in the table."""
        return self._held.get(party)

    def parties(self) -> Iterator[Party]:
        """Everybody in the table."""
        return iter(self._held)

    def __eq__(self, other: object) -> bool:
        return self._held == other._held if isinstance(other, Permissions) else NotImplemented

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"<permissions of {len(self._held)}>"


def permissions_of(by: object, issuer: str | None) -> Permissions | Lookup:
    """`by` as a table or a function, whichever it is; else `ConfigError`.

    Args:
        by: what the application gave.
        issuer: whose naming a `sub` alone is in; None if there are several.
    """
    if isinstance(by, Mapping):
        held = cast("Mapping[object, object]", by)
        return Permissions({_party(key, issuer): _held(key, value) for key, value in held.items()})
    if not callable(by):
        raise ConfigError(
            "permitted(by=...) takes a mapping such as {'ada': {'invoices:read'}} or a function of issuer and sub, not "
            + type(by).__name__
        )
    if iscoroutinefunction(by):
        raise ConfigError("permitted(by=...) takes a plain function: what has to wait is a verifier of its own")
    return cast("Lookup", by)


def texts_in(value: object) -> frozenset[str] | None:
    """`value` as a set, if it is a collection of texts; a text itself is none, since `"a" in "cat"` holds."""
    if isinstance(value, str) or not isinstance(value, Collection):
        return None
    items = cast("Collection[object]", value)
    return frozenset(cast("Collection[str]", items)) if all(isinstance(item, str) for item in items) else None


def _party(key: object, issuer: str | None) -> Party:
    if isinstance(key, str) and key:
        if issuer is None:
            raise ConfigError(f"permitted(by=...): each issuer may have a {key!r}; write (issuer, {key!r})")
        return issuer, key
    if isinstance(key, tuple):
        pair = cast("tuple[object, ...]", key)
        if len(pair) == 2 and all(isinstance(part, str) and part for part in pair):
            return cast("Party", pair)
    raise ConfigError(f"permitted(by=...): {key!r} is nobody; write a sub, or (issuer, sub)")


def _held(key: object, value: object) -> frozenset[str]:
    held = texts_in(value)
    if held is None:
        raise ConfigError(f"permitted(by=...): what {key!r} holds is a set of names, not {value!r}")
    return held
