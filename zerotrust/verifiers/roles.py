"""Roles that include other roles (ANSI INCITS 359, hierarchical RBAC)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Protocol, cast

from zerotrust.core.algebra import AnyOf, Derived, Policy
from zerotrust.core.errors import ConfigError
from zerotrust.core.mistakes import is_text, nearest, shown
from zerotrust.core.policy import Leaf
from zerotrust.core.tree import Tree


class HasRoleLeaf(Protocol):
    """A verifier whose evidence lists roles, such as a `Bearer`."""

    def role(self, name: str, /) -> Leaf[Any]:
        """The leaf that is YES if the evidence lists `name`."""
        ...


class Roles:
    """Which roles include which: whoever has `admin` has `editor` too, and all that `editor` includes.

        roles = Roles(token, {"admin": ["editor"], "editor": ["viewer"]})
        roles.has("viewer")  # token.role("viewer") | token.role("editor") | token.role("admin")

    Args:
        verifier: whose evidence lists the roles somebody was given: anything with a leaf `role("...")`.
        includes: for each role, those that come with it; roles that include none need not stand on the left.
        name: how it prints.

    Raises:
        ConfigError: on a role that includes itself, directly or through others, and on what is no name of a role.
    """

    def __init__(self, verifier: HasRoleLeaf, includes: Mapping[str, Sequence[str]], *, name: str = "roles") -> None:
        if not callable(getattr(verifier, "role", None)) or isinstance(verifier, type):
            raise ConfigError(
                f"Roles(...) takes a verifier with a leaf role(...) first, such as a Bearer, not {shown(verifier)}"
            )
        if not isinstance(name, str) or not name.isidentifier():
            raise ConfigError(f"the name of Roles(...) is what its variable may be called, not {shown(name)}")
        if not isinstance(includes, Mapping) or not includes:
            raise ConfigError(
                'Roles(token, {"admin": ["editor"]}) takes the roles that each role includes, not ' + shown(includes)
            )
        self.verifier: HasRoleLeaf = verifier
        self.includes: Mapping[str, tuple[str, ...]] = MappingProxyType(
            {role: _names(role, included) for role, included in includes.items()}
        )
        self.name: str = name
        self._above: dict[str, list[str]] = {}  # by role: those that include it themselves
        for role, included in self.includes.items():
            self._above.setdefault(role, [])
            for one in included:
                self._above.setdefault(one, []).append(role)
        self._refuse_circles()

    def has(self, role: str) -> HasRole:
        """YES if the evidence lists `role`, or one that includes it."""
        if not isinstance(role, str) or role not in self._above:  # callers are not all typed
            advice = nearest(role, self._above) if isinstance(role, str) else f"name one: {self.name}.has('editor')"
            raise ConfigError(f"{self.name}.has({shown(role)}): no such role; {advice}")
        return HasRole(self, role)

    def including(self, role: str) -> tuple[str, ...]:
        """`role` and all that include it, the nearest first."""
        found = {role: None}
        level = [role]
        while level:
            level = [above for one in level for above in self._above[one] if above not in found]
            found |= dict.fromkeys(level)
        return tuple(found)

    def _refuse_circles(self) -> None:
        left = {role: len(above) for role, above in self._above.items()}
        free = [role for role, count in left.items() if not count]
        while free:
            for one in self.includes.get(free.pop(), ()):
                left[one] -= 1
                if not left[one]:
                    free.append(one)
        circle = [role for role, count in left.items() if count]
        if circle:
            raise ConfigError(f"Roles(...): {' -> '.join(self._circle(circle))}: a role cannot include itself")

    def _circle(self, among: Iterable[str]) -> list[str]:
        among = set(among)
        path = [min(role for role in among if set(self._above[role]) & among)]
        while path[-1] not in path[:-1]:  # upwards, where everybody has somebody above
            path.append(min(above for above in self._above[path[-1]] if above in among))
        return path[path.index(path[-1]) :][::-1]

    def __setattr__(self, name: str, value: object) -> None:
        if name in self.__dict__:
            raise AttributeError(f"the {name} of Roles(...) cannot be changed; make another")
        self.__dict__[name] = value

    def __eq__(self, other: object) -> bool:
        return type(other) is Roles and self._value() == other._value()

    def __hash__(self) -> int:
        return hash(self._value())

    def _value(self) -> tuple[object, ...]:
        # In their order, which is that of alternatives, and so of remedies.
        return self.verifier, self.name, tuple(self.includes.items())

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(Roles, name=self.name), (self.verifier, dict(self.includes))

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class HasRole(Derived):
    """YES if the evidence lists a role, or one that includes it. Made by `Roles.has`.

    Attributes:
        roles: which includes which.
        role: the role that is asked for.
    """

    roles: Roles
    role: str

    def __post_init__(self) -> None:
        leaves = tuple(self.roles.verifier.role(name) for name in self.roles.including(self.role))
        self.__dict__["meaning"] = AnyOf(cast("tuple[Policy, ...]", leaves))
        _ = self.verifiers

    @property
    def meaning(self) -> Policy:
        """The role, or one of those that include it, the nearest first."""
        made: Policy = self.__dict__["meaning"]
        return made

    @property
    def text(self) -> str:
        """As it was written."""
        return repr(self)

    def written(self) -> tuple[str | Tree, ...]:
        """`roles.has("editor")`."""
        return (f"{self.roles.name}.has({self.role!r})",)


def _names(role: object, included: object) -> tuple[str, ...]:
    if not isinstance(included, list | tuple):
        raise ConfigError(f"Roles(...): {shown(role)} includes a list of roles, not {shown(included)}")
    names = cast("list[str]", included)
    for name in (role, *names):
        if not is_text(name):
            raise ConfigError(f"Roles(...): a role is one line of printable text, not {shown(name)}")
    if len(set(names)) != len(names):
        raise ConfigError(f"Roles(...): {shown(role)} includes a role twice: {shown(names)}")
    return tuple(names)
