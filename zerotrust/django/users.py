"""`request.user`, from the application's own hook: called when somebody looks, and never before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from zerotrust.django.requests import is_awaited
from zerotrust.web.access import Access


class Users:
    """Gives requests their user.

    Args:
        hook: of the application: takes the access, and gives a user, or None for nobody; may be a coroutine function.
    """

    def __init__(self, hook: Callable[[Access], Any]) -> None:
        self._hook = hook
        self._is_async = is_awaited(hook)

    def give(self, request: HttpRequest, access: Access) -> None:
        """Give `request` the user of `access`."""
        user = _User(self._hook, self._is_async, access)
        inner: Any = request
        inner.user = SimpleLazyObject(user.now)
        inner.auser = user.later


class _User:
    """The user of one request, asked for once."""

    __slots__ = ("_access", "_hook", "_is_async", "_known")

    def __init__(self, hook: Callable[[Access], Any], is_async: bool, access: Access) -> None:
        self._hook = hook
        self._is_async = is_async
        self._access = access
        self._known: list[Any] = []

    def now(self) -> Any:
        if not self._known:
            hook = async_to_sync(self._hook) if self._is_async else self._hook
            self._known.append(_somebody(hook(self._access)))
        return self._known[0]

    async def later(self) -> Any:
        if not self._known:
            hook = self._hook if self._is_async else sync_to_async(self._hook)
            self._known.append(_somebody(await hook(self._access)))
        return self._known[0]


def _somebody(user: Any) -> Any:
    if user is not None:
        return user
    from django.contrib.auth.models import AnonymousUser  # where there are users, this is installed

    return AnonymousUser()
