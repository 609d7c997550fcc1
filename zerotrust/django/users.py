"""`request.user`, from the application's own hook: called when somebody looks, and never before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from zerotrust.django.requests import is_awaited
from zerotrust.web.access import Access

_GIVEN: Final = "_zerotrust_user"


class Users:
    """Gives requests their user.

    Args:
        hook: of the application: takes the access, and gives a user, or None where nobody belongs to it: then it is
            whom Django's own sign-in knows, as without a hook. It may be a coroutine function.
    """

    def __init__(self, hook: Callable[[Access], Any]) -> None:
        self._hook = hook
        self._is_async = is_awaited(hook)

    def give(self, request: HttpRequest, access: Access) -> None:
        """Give `request` the user of `access`."""
        inner: Any = request
        noted = inner.__dict__
        user, auser, before = noted.get("user"), noted.get("auser"), noted.get(_GIVEN)
        if before is not None and user is before.shown:  # no middleware has put its own there since
            user, auser = before.user, before.auser
        given = _User(self._hook, self._is_async, access, user, auser)
        noted[_GIVEN] = given
        inner.user = given.shown
        inner.auser = given.later


class _User:
    """The user of one request, asked for once.

    Attributes:
        shown: as views see it.
        user: of Django's own sign-in; None if it has put none there.
        auser: the same, to be awaited.
    """

    __slots__ = ("_access", "_hook", "_is_async", "_known", "auser", "shown", "user")

    def __init__(self, hook: Callable[[Access], Any], is_async: bool, access: Access, user: Any, auser: Any) -> None:
        self._hook = hook
        self._is_async = is_async
        self._access = access
        self._known: list[Any] = []
        self.shown = SimpleLazyObject(self.now)
        self.user = user
        self.auser = auser

    def now(self) -> Any:
        if not self._known:
            hook = async_to_sync(self._hook) if self._is_async else self._hook
            user = hook(self._access)
            self._known.append(self._django() if user is None else user)
        return self._known[0]

    async def later(self) -> Any:
        if not self._known:
            hook = self._hook if self._is_async else sync_to_async(self._hook)
            user = await hook(self._access)
            if user is None:
                user = self._django() if self.auser is None else await self.auser()
            self._known.append(user)
        return self._known[0]

    def _django(self) -> Any:
        if self.user is not None:
            return self.user
        from django.contrib.auth.models import AnonymousUser  # where there are users, this is installed

        return AnonymousUser()
