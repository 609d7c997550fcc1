"""What an application is told by an exception once its connection was cut."""

from __future__ import annotations

from typing import Final, cast

_MOST_CAUSES: Final = 16


class Cut(OSError):
    """The connection was cut, as its access has ended; what ASGI has `send` raise where nobody is left."""


def is_cut(error: BaseException) -> bool:
    """Whether all of `error` comes of a cut, however the application or its framework words it."""
    if isinstance(error, BaseExceptionGroup):
        parts = cast("BaseExceptionGroup[BaseException]", error).exceptions
        return all(is_cut(one) for one in parts)
    one: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if one is None or isinstance(one, Cut):
            break
        one = one.__cause__ or one.__context__
    return isinstance(one, Cut)
