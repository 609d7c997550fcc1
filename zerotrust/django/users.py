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


def told_by_hook(request: HttpRequest) -> Any:
    """Whom the application's own hook gives for `request`, else nobody: not whom a cookie of Django's names.

    For what leaves out Django's check against cross-site requests.
    """
    given: _User | None = request.__dict__.get(_GIVEN)
    return _nobody() if given is None else SimpleLazyObject(given.alone)


class _User:
    """The user of one request, asked for once.

    Attributes:
        shown: as views see it.
        user: of Django's own sign-in; None if it has put none there.
        auser: the same, to be awaited.
    """

    __slots__ = ("_access", "_hook", "_is_async", "_told", "auser", "shown", "user")

    def __init__(self, hook: Callable[[Access], Any], is_async: bool, access: Access, user: Any, auser: Any) -> None:
        self._hook = hook
        self._is_async = is_async
        self._access = access
        self._told: list[Any] = []
        self.shown = SimpleLazyObject(self.now)
        self.user = user
        self.auser = auser

    def told(self) -> Any:
        """What the hook gives."""
        if not self._told:
            hook = async_to_sync(self._hook) if self._is_async else self._hook
            self._told.append(hook(self._access))
        return self._told[0]

    def alone(self) -> Any:
        """The same, and nobody if it gives none."""
        user = self.told()
        return _nobody() if user is None else user

    def now(self) -> Any:
        """The user."""
        user = self.told()
        return self._django() if user is None else user

    async def later(self) -> Any:
        """The user, awaited."""
        if not self._told:
            hook = self._hook if self._is_async else sync_to_async(self._hook)
            self._told.append(await hook(self._access))
        if (user := self._told[0]) is not None:
            return user
        return self._django() if self.auser is None else await self.auser()

    def _django(self) -> Any:
        return _nobody() if self.user is None else self.user


def _nobody() -> Any:
    from django.contrib.auth.models import AnonymousUser  # where there are users, this is installed

    return AnonymousUser()
