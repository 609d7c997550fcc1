"""The clock of a door, tried once where it is given: a wrong one would refuse everybody, one request at a time."""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutine
from typing import Final, cast

from zerotrust.core.errors import ConfigError

_LATEST: Final = 253_402_300_799  # the end of the year 9999
_ADVICE: Final = "write a function that tells POSIX seconds, such as time.time"


def check_clock(clock: object) -> Callable[[], float]:
    """`clock`, if it can be called and tells POSIX seconds; else a `ConfigError` that says what it told."""
    if not callable(clock):
        raise ConfigError(f"clock={clock!r} cannot be called; {_ADVICE}, or in a test a Clock of zerotrust.testing")
    try:
        told: object = clock()
    except Exception as error:
        raise ConfigError(f"clock() raised {type(error).__name__}; {_ADVICE}") from error
    if iscoroutine(told):
        told.close()
    if type(told) is not float and type(told) is not int:
        raise ConfigError(f"clock() told {type(told).__name__}, not a number; {_ADVICE} and not datetime.now")
    if not 0 <= told <= _LATEST:  # so put, what is no number is neither
        raise ConfigError(f"clock() told {told}, which is no moment from 1970 to 9999 in seconds; {_ADVICE}")
    return cast("Callable[[], float]", clock)
