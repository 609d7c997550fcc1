"""Inside a framework's own session: Starlette's, Flask's, Django's carries the id instead of a cookie of ours.

The framework's session is a carrier and no more. What was proven, for how long it counts, which id is the one that
counts and what was revoked stays in our store, or sealed with an anchor there; so it does not matter for how long the
framework keeps its session, or whether an older copy of it comes back.

What does matter is who else can read it. Frameworks that keep sessions on the server under an id of their own (Django,
Flask-Session) hand out whatever stands there to whoever knows that id, also to somebody who planted it in a browser
before (CWE-384). So their id has to change whenever ours does: `rotate`. Where the framework's cookie carries the
session itself (Starlette, Flask), who has an older copy has an older id of ours, which is dead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any, Final, Protocol, cast

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import BAD_SESSION, TOO_LARGE, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.sessions.carrier import Carrier, Headers
from zerotrust.sessions.cross_site import check_origins, cross_site, is_loopback

MOST_VALUE: Final = 2400
"""Characters of a value: a framework that keeps its session in its cookie writes it in base64, which adds a third, with
what the application has put there; and browsers drop a cookie of more than 4096."""

_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}", re.ASCII)
_VALUE: Final = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
_TOO_LONG: Final = TOO_LARGE(expected=f"at most {MOST_VALUE} characters", detail="a session in a framework's own")
_FOREIGN: Final = BAD_SESSION(detail="what stands in the framework's session is none of ours")


class FrameworkMapping(Protocol):
    """As much of a framework's session as is needed."""

    def get(self, key: str, /) -> Any:
        """What stands under `key`, None if nothing does."""
        ...

    def __setitem__(self, key: str, value: str, /) -> None: ...

    def pop(self, key: str, default: None, /) -> Any:
        """Take out what stands under `key`."""
        ...


class FrameworkSession(Carrier):
    """Carries a session's id in the framework's own session, which the door finds in the request.

    Its cookie is the framework's to set. Have it `Secure`, `HttpOnly` and `SameSite=Lax`, best under a name that begins
    with `__Host-`. Frameworks that write the whole session back at the end of each request may undo a new id when two
    run at the same time: then the browser holds one that is dead, and proves its factor once more.

    Args:
        rotate: gives the framework's session, which it is called with, a new id: for Django
            `lambda session: session.cycle_key()`. None where the framework's cookie carries the session itself, as
            those of Starlette and Flask do: there is no id.
        name: under which key.
        origins: further origins whose pages may send requests that change something.
        http_on_localhost: for development alone: whether pages served over plain http by localhost may, too.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    def __init__(
        self,
        *,
        rotate: Callable[[Any], object] | None,
        name: str = "zerotrust.session",
        origins: Collection[str] = (),
        http_on_localhost: bool = False,
    ) -> None:
        if rotate is not None and not callable(rotate):
            raise ConfigError(f"rotate={rotate!r}: write a function, such as lambda session: session.cycle_key()")
        if not isinstance(name, str) or not _KEY.fullmatch(name):
            raise ConfigError(f"name={name!r}: write a letter, then letters, digits, dots, _ and -")
        if not isinstance(http_on_localhost, bool):
            raise ConfigError(f"http_on_localhost={http_on_localhost!r}: write True or False")
        self.name: str = name
        self._rotate = rotate
        self.origins: frozenset[str] = check_origins(origins)
        self._plain = http_on_localhost

    @property
    def room(self) -> int:
        """How many characters a value may have: what the framework's cookie holds with some 700 bytes beside it."""
        return MOST_VALUE

    def read(self, request: AccessRequest) -> str | Reason | None:
        """What stands in the framework's session; `bad_session` or `cross_site` as for a cookie."""
        value = _mapping(request).get(self.name)
        if value is None:
            return None
        if not isinstance(value, str) or len(value) > MOST_VALUE or not _VALUE.fullmatch(value):
            return _FOREIGN
        forged = cross_site(request, self.origins, plain_http=self._plain and is_loopback(request.host))
        return value if forged is None else forged

    def write(self, request: AccessRequest, value: str, ends_at: float) -> Headers | Reason:
        """Put `value` there, under a new id of the framework's; no header of ours. `too_large` as for a cookie."""
        if len(value) > MOST_VALUE:
            return _TOO_LONG
        mapping = _mapping(request)
        if self._rotate is not None:
            self._rotate(mapping)
        mapping[self.name] = value
        return ()

    def renew(self, request: AccessRequest, value: str, ends_at: float) -> Headers | Reason:
        """Put `value` there, under the id that is."""
        _mapping(request)[self.name] = value
        return ()

    def clear(self, request: AccessRequest) -> Headers:
        """Take it out; what else stands in the framework's session is the application's to clear."""
        _mapping(request).pop(self.name, None)
        return ()

    def __repr__(self) -> str:
        return f"FrameworkSession(name={self.name!r})"


def _mapping(request: AccessRequest) -> FrameworkMapping:
    mapping = request.session
    if not all(hasattr(mapping, method) for method in ("get", "__setitem__", "pop")):
        raise ConfigError(
            "FrameworkSession: this request has no session of a framework. Put the framework's session middleware "
            "outside of the guard, or give AccessRequest(session=...)"
        )
    return cast("FrameworkMapping", mapping)
