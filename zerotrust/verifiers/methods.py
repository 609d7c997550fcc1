"""Methods of HTTP: those that are registered with IANA (RFC 9110 section 16.1.1), and those of an application's own."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches
from typing import Final, cast

from zerotrust.core.errors import ConfigError

_REGISTERED: Final = """
ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT CONNECT COPY DELETE GET HEAD LABEL LINK LOCK MERGE MKACTIVITY MKCALENDAR
MKCOL MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST PRI PROPFIND PROPPATCH PUT QUERY REBIND REPORT
SEARCH TRACE UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL
"""
REGISTERED: Final = frozenset(_REGISTERED.split())  # with QUERY of RFC 10008

METHOD: Final = re.compile(r"[A-Z0-9!#$%&'*+.^_`|~-]{1,32}")  # RFC 9110 section 5.6.2, without lower case

_UNUSUAL: Final = "upper case, such as GET: methods are case-sensitive (RFC 9110 section 9.1)"


def check_methods(names: tuple[object, ...], own: object) -> tuple[str, ...]:
    """The registered ones first, then an application's own; `ConfigError` for what is none, or mistyped.

    Args:
        names: registered methods.
        own: methods that are not registered.
    """
    made = dict.fromkeys([*(_registered(name) for name in names), *(_method(name) for name in _listed(own))])
    if not made:
        raise ConfigError('method() takes one or more names, as in method("GET", "HEAD")')
    return tuple(sorted(made, key=lambda name: name not in REGISTERED))  # each part in the order given


def unregistered(method: str, shown: str = "") -> str:
    """What to say of a method that is not registered, up to how one of an application's own is written; else nothing.

    Args:
        method: its name.
        shown: what it was given as.
    """
    if method in REGISTERED:
        return ""
    close = get_close_matches(method, sorted(REGISTERED), 1)
    advice = f'did you mean "{close[0]}"? A' if close else "a"
    return f"{shown or f'the method {method!r}'} is not registered; {advice} method of your own"


def _listed(own: object) -> Collection[object]:
    return cast("Collection[object]", own) if isinstance(own, Collection) and not isinstance(own, str) else (own,)


def _registered(name: object) -> str:
    if isinstance(name, list | tuple | set | frozenset):
        raise ConfigError(f"method({name!r}): write the names one by one, as in method(*names)")
    found = _method(name)
    if found in REGISTERED:
        return found
    said = unregistered(found, f'method("{found}")')
    raise ConfigError(f'{said} is written as method(own=["{found}"])')


def _method(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise ConfigError(f"method takes one or more names, not {name!r}")
    if METHOD.fullmatch(name) is None:
        raise ConfigError(f"method({name!r}): write {_UNUSUAL}")
    return name
