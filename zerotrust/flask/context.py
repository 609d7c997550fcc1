"""Flask's context of a request, which is a value of its own until 3.1, and one with the application's from 3.2."""

from __future__ import annotations

import inspect
from contextvars import ContextVar
from typing import Any, Final, cast

import flask.globals
from flask import Flask

from zerotrust.core.errors import ConfigError

_KNOWN: Final = vars(flask.globals)
_VARIABLE: Final = cast("ContextVar[Any] | None", _KNOWN.get("_cv_request") or _KNOWN.get("_cv_app"))
_CALLED: Final = {"full_dispatch_request", "dispatch_request", "handle_exception", "handle_user_exception"}


def current() -> Any:
    """The context of the request that is being handled."""
    return None if _VARIABLE is None else _VARIABLE.get()


def check_dispatch(app: Flask) -> None:
    """Raise a `ConfigError` unless `app` dispatches as it is known of Flask 3.1 and 3.2.

    Those hand an exception on as the last argument, and from 3.2 on the context as the first one.
    """
    for kind in type(app).__mro__:
        if kind is not Flask and "wsgi_app" in vars(kind):
            raise ConfigError(
                f"{kind.__name__} overrides wsgi_app, so that a guard cannot tell what is dispatched; put a WSGI "
                "middleware around it: app.wsgi_app = Middleware(app.wsgi_app)"
            )
    called = {*Flask.wsgi_app.__code__.co_names, *Flask.full_dispatch_request.__code__.co_names}
    taken = list(inspect.signature(Flask.full_dispatch_request).parameters)[1:]
    if _VARIABLE is None or not called >= _CALLED or taken not in ([], ["ctx"]):
        raise ConfigError("this Flask dispatches in a way that is not known here; use Flask 3.1 or 3.2")
