"""What views say they require, read before any of them runs."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import FunctionType
from typing import Any, Final, cast

from zerotrust.core.errors import ConfigError
from zerotrust.core.mistakes import no_policy
from zerotrust.core.policy import Policy, called
from zerotrust.web import functions, wrapped

_API_VIEW: Final = "api_view.<locals>.decorator.<locals>.handler"  # of Django REST framework
_REQUIRES: Final = "zerotrust.django.rest.permissions.Requires"  # not imported: not everybody has that framework


@dataclass(frozen=True, slots=True)
class Marks:
    """What a view says it requires.

    Attributes:
        all: for any method.
        methods: for those that it answers, in upper case, besides that; None where it does not say which those are.
    """

    all: tuple[Policy, ...] = ()
    methods: Mapping[str, tuple[Policy, ...]] | None = None

    @property
    def policies(self) -> tuple[Policy, ...]:
        """All of them."""
        return (*self.all, *(policy for required in (self.methods or {}).values() for policy in required))


def marks(function: object) -> tuple[Policy, ...]:
    """What `function` itself requires, as far as its decorators hand that on; not what other guards know it by."""
    return tuple(one for one in functions.marks(function) if isinstance(one, Policy))


def marks_of(view: object) -> Marks:
    """What `view`, as a URLconf names it, requires: by its own mark, and by those of the class behind it.

    Raises:
        ConfigError: its class looks as if it required a policy, and does not.
    """
    own = marks(view)
    while isinstance(view, partial):
        view = cast("partial[object]", view).func
        own = (*own, *marks(view))
    own = (*own, *marks(getattr(type(view), "__call__", None)))  # noqa: B004 - what it requires is looked at
    kind: object = getattr(view, "view_class", None) or getattr(view, "cls", None)  # the second: REST framework
    if not isinstance(kind, type):
        return Marks(own)
    given: dict[str, Any] = getattr(view, "view_initkwargs", None) or getattr(view, "initkwargs", None) or {}
    policy: object = given.get("policy", getattr(kind, "policy", None))
    requires = bool(getattr(kind, "requires_policy", False))
    if requires and isinstance(policy, Policy):
        own = (*own, policy)
    permissions: object = given.get("permission_classes", getattr(kind, "permission_classes", ()))
    if isinstance(permissions, Collection):  # a property tells a view alone, so they decide when they are asked
        for permission in cast("Collection[object]", permissions):
            own = (*own, *marks(permission))
            _check_permission(kind, permission)
    made = Marks(tuple(dict.fromkeys(own)), dict(_by_method(view, kind)))
    _check(kind, policy, requires, made)
    return made


def _check(kind: type, policy: object, requires: bool, made: Marks) -> None:
    """Raise `ConfigError` where `policy`, which the class `kind` has, is not what it looks like."""
    if not requires:
        if isinstance(policy, Policy) and policy not in made.policies:
            raise ConfigError(
                f"{kind.__qualname__} has a policy that nobody asks for; write class {kind.__name__}(Require, ...), "
                "or call it by another name if it is for something else"
            )
    elif policy is None:
        raise ConfigError(
            f"{kind.__qualname__} is a Require without a policy; write policy = ..., or leave Require out"
        )
    elif not isinstance(policy, Policy) and (callable(policy) or not hasattr(type(policy), "__get__")):
        # What is left is a property, which tells the policy when a view is asked for it.
        raise ConfigError(no_policy(policy, f"{kind.__qualname__}.policy"))


def marks_within(view: object) -> Iterator[Policy]:
    """What functions require that `view` was made around, or calls, and does not say itself; as far as that shows."""
    own = set(marks_of(view).policies)
    kind: object = getattr(view, "view_class", None) or getattr(view, "cls", None)
    handlers = [getattr(kind, method, None) for method in getattr(kind, "http_method_names", ())]
    for mark in dict.fromkeys(mark for function in (view, *handlers) for mark in wrapped.marks_within(function)):
        if isinstance(mark, Policy) and mark not in own:
            yield mark


def _check_permission(kind: type, permission: object) -> None:
    """Raise `ConfigError` where `permission` is what a permission would be made with."""
    wrong = ""
    if isinstance(permission, Policy):
        wrong = f"a policy, {called(permission)}; write Requires(policy) for it"
    elif isinstance(permission, FunctionType) and f"{permission.__module__}.{permission.__qualname__}" == _REQUIRES:
        wrong = "Requires itself; write Requires(policy)"
    if wrong:
        raise ConfigError(f"permission_classes of {kind.__name__} has {wrong}")


def _by_method(view: object, kind: type) -> Iterator[tuple[str, tuple[Policy, ...]]]:
    actions: Mapping[str, str] | None = getattr(view, "actions", None)
    named = dict(actions) if actions else {name: name for name in getattr(kind, "http_method_names", ())}
    if "get" in named:
        named.setdefault("head", named["get"])
    for method, name in named.items():
        handler = getattr(kind, name, None)
        if method == "head" and handler is None:
            handler = getattr(kind, named.get("get", "get"), None)
        required = (*marks(handler), *marks(_below_api_view(handler)))
        automatic = handler is None or name == "options"  # of Django, for all methods of the view
        if not automatic or required:
            yield method.upper(), required


def _below_api_view(handler: object) -> object:
    """The function that `handler` calls, where `@api_view` made it, which hands no marks on; None if it did not."""
    if getattr(handler, "__qualname__", None) != _API_VIEW:
        return None
    return inspect.getclosurevars(cast("FunctionType", handler)).nonlocals.get("func")
