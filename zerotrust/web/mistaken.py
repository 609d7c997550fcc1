"""Applications that were given to the guard of another kind of application: told where they are given."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction, signature
from typing import Final, Literal, ParamSpec

from zerotrust.core.errors import ConfigError

P = ParamSpec("P")

_DOORS: Final = {
    "fastapi": "write `from zerotrust.fastapi import Guard`",
    "starlette": "write `from zerotrust.starlette import Guard`",
    "flask": "write `from zerotrust.flask import Guard`",
    "django": "its guard is `zerotrust.django.Guard` in MIDDLEWARE",
}
_PARAMETERS: Final = {"ASGI": ("scope", "receive", "send"), "WSGI": ("environ", "start_response")}


def no_application(app: object) -> ConfigError:
    """The error where `app` is no application of the framework whose guard was given it."""
    tops = (kind.__module__.partition(".")[0] for kind in type(app).__mro__)
    advice = next((_DOORS[top] for top in tops if top in _DOORS), "Guard(app, default=token.valid)")
    return ConfigError(f"Guard takes the application, not {type(app).__name__}: {advice}")


def check_called(app: object, kind: Literal["ASGI", "WSGI"]) -> None:
    """Raise a `ConfigError` if `app` cannot be called as an application of this kind is, as far as that can be told."""
    wanted = f"a{'n' * (kind == 'ASGI')} {kind} application"
    if not callable(app):
        raise ConfigError(f"Guard takes {wanted}, not {type(app).__name__}: Guard(app, rules)")
    parameters = _PARAMETERS[kind]
    waits = any(iscoroutinefunction(one) for one in (app, type(app).__call__))
    if (kind == "ASGI" or not waits) and _takes(app, parameters):
        return
    other, module = ("WSGI", "wsgi") if kind == "ASGI" else ("ASGI", "asgi")
    raise ConfigError(
        f"Guard takes {wanted}, called with {', '.join(parameters)}, and "
        f"{getattr(app, '__qualname__', type(app).__name__)} is not: for {other} write "
        f"`from zerotrust.{module} import Guard`"
    )


def takes_rules(init: Callable[P, None]) -> Callable[P, None]:
    """`init` of a guard that takes `Rules`, for whoever gives it a `default=`, as guards of frameworks take it."""

    @wraps(init)
    def told(*args: P.args, **kwargs: P.kwargs) -> None:
        if "default" in kwargs:
            raise ConfigError("Guard takes no default=: write Guard(app, Rules(default=...))")
        init(*args, **kwargs)

    return told


def _takes(app: Callable[..., object], parameters: tuple[str, ...]) -> bool:
    """Whether `app` can be called with so many; True where it does not say."""
    try:
        taken = signature(app, follow_wrapped=False)
    except (TypeError, ValueError):
        return True
    try:
        taken.bind(*parameters)
    except TypeError:
        return False
    return True
