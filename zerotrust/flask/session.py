"""Flask's own session, as `FrameworkSession` takes it."""

from __future__ import annotations

import weakref
from typing import Any, NoReturn

from zerotrust.core.errors import ConfigError


class FlaskSession:
    """The session of one request. It is opened no sooner than somebody asks, since Flask sends `Vary: Cookie` then.

    Args:
        context: Flask's, of the request; once that is gone, there is no session any more.
    """

    __slots__ = ("_context",)

    def __init__(self, context: Any) -> None:
        self._context = weakref.ref(context)

    def _session(self) -> Any:
        context = self._context()
        if context is None:
            self._gone()
        return context.session

    @staticmethod
    def _gone() -> NoReturn:
        raise ConfigError("the request is over, and Flask's session with it: decide while it is handled")

    def get(self, key: str, /) -> Any:
        """What stands under `key`, None if nothing does."""
        return self._session().get(key)

    def __setitem__(self, key: str, value: str, /) -> None:
        self._session()[key] = value

    def pop(self, key: str, default: None = None, /) -> Any:
        """Take out what stands under `key`."""
        return self._session().pop(key, default)
