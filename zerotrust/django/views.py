"""`@require(policy)` and `class Refund(Require, View)`: what views require, and insist on themselves where need be.

The guard reads the marks before anything runs. Where it could not - another decorator hid the mark, or no guard stands
there - the view decides by itself when it is called: nothing is a mark only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final, ParamSpec, TypeVar, cast

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views import View

from zerotrust.core.errors import ConfigError
from zerotrust.core.mistakes import instead
from zerotrust.core.policy import Policy
from zerotrust.django.late import insisting, insisting_async, is_granted
from zerotrust.django.requests import is_awaited
from zerotrust.django.visit import request_in
from zerotrust.web.functions import marked

P = ParamSpec("P")
R = TypeVar("R")

_FOR_CLASS: Final = "write class Refund(Require, ...): policy = ..., or decorate its methods"


class Requirement:
    """A policy that views require; a decorator for them.

    Args:
        policy: what has to hold.

    Raises:
        ConfigError: it is no policy.
    """

    __slots__ = ("policy",)

    def __init__(self, policy: Policy) -> None:
        if not isinstance(policy, Policy):
            seen = f"{type(policy).__name__}{instead(policy)}"
            raise ConfigError(f"require(...) takes a policy, e.g. token.valid, not {seen}")
        self.policy: Policy = policy

    def __call__(self, view: Callable[P, R]) -> Callable[P, R]:
        """`view`, requiring the policy: a function, also `async def`, or a method of a class-based view.

        Raises:
            ConfigError: it is a class, or no function at all.
        """
        return marked(view, self.policy, self, name="@require(...)", for_class=_FOR_CLASS, is_awaited=is_awaited)

    def call(self, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What `view` answers, if the policy holds; else the refusal."""
        request = _request(view, args, kwargs)
        if is_granted(request, self.policy):
            return view(*args, **kwargs)
        return insisting(request, self.policy, lambda: view(*args, **kwargs), _owner(view, args))

    async def wait(self, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """`call` for what is awaited."""
        return await insisting_async(_request(view, args, kwargs), self.policy, lambda: view(*args, **kwargs))


def require(policy: Policy) -> Requirement:
    """What requires `policy` of a view; all of them, where there are several.

    For functions, `def` and `async def`, and methods of class-based views; `method_decorator(require(policy),
    name="dispatch")` for a view that is not yours. Above other decorators, or below those that use `functools.wraps`,
    the guard sees it before anything runs; below others the view decides for itself.

    Args:
        policy: what has to hold.

    Raises:
        ConfigError: it is no policy.
    """
    return Requirement(policy)


class Require(View):
    """A class-based view, of Django or of Django REST framework, that requires a policy: `policy = can_pay`.

    Its methods may be decorated with `@require(...)` besides. Write it first: `class Refund(Require, View)`.

    Attributes:
        policy: what has to hold.
        requires_policy: by which the guard knows such views.
    """

    policy: ClassVar[Policy | None] = None
    requires_policy: ClassVar[bool] = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer `request`, if `policy` holds."""
        policy = getattr(self, "policy", None)
        if not isinstance(policy, Policy):
            raise ConfigError(f"{type(self).__name__} takes a policy, such as policy = token.valid, not {policy!r}")
        answer = insisting(request, policy, lambda: super(Require, self).dispatch(request, *args, **kwargs), self)
        return cast("HttpResponseBase", answer)


def _request(view: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any]) -> HttpRequest:
    request = request_in(args, kwargs)
    if request is None:
        name = getattr(view, "__qualname__", type(view).__name__)
        raise ConfigError(f"{name} requires a policy, and is given no request to decide about; decorate the view")
    return request


def _owner(view: object, args: tuple[Any, ...]) -> object:
    """The class-based view that `view` is a method of; `method_decorator` has bound it in a way of its own."""
    first: object = args[0] if args else None
    if hasattr(first, "view_is_async"):
        return first
    return getattr(getattr(view, "func", None), "__self__", None)
