"""One row of the table: who may, or may not, call what of which service."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import Any, Final, cast

import attrs

from zerotrust.core.errors import ConfigError
from zerotrust.segments.patterns import PathPattern
from zerotrust.segments.peers import PeerSelector
from zerotrust.verifiers.methods import unregistered
from zerotrust.wire.spiffe import SpiffeId

ANY: Final = "*"
"""Every method."""

# RFC 9110 section 9.1: methods are case-sensitive, and those registered are in capitals.
METHOD: Final = re.compile(r"[A-Z]+(?:-[A-Z]+)*")
_SERVICE: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")


class Effect(Enum):
    """What a row does with the requests it covers. A row that denies is stronger than any that allows."""

    ALLOW = "allow"
    DENY = "deny"


def _peers(given: object) -> PeerSelector:
    return given if isinstance(given, PeerSelector) else PeerSelector(cast("str", given))


def _service(given: object) -> str:
    if not isinstance(given, str) or not _SERVICE.fullmatch(given):
        raise ConfigError(f'a service is {given!r}: write its name, letters, digits, dots and dashes, such as "ledger"')
    return given


def _methods(given: object, own: tuple[str, ...]) -> tuple[str, ...]:
    methods = _listed(given)
    if not methods and not own:
        raise ConfigError("methods are none: a row without any covers nothing; write ANY for every method")
    for method in methods:
        if not isinstance(method, str):
            raise ConfigError(f'methods are {given!r}: write texts, such as ["GET", "POST"]')
        if method != ANY and not METHOD.fullmatch(method):
            advice = f"write {method.upper()!r}" if METHOD.fullmatch(method.upper()) else 'write one such as "GET"'
            raise ConfigError(f"a method is {method!r}: methods are in capitals; {advice}")
        if method != ANY and method not in own and (unknown := unregistered(method)):
            raise ConfigError(f"{unknown} is written as own=[{method!r}], beside methods")
    if ANY in methods and len(methods) + len(own) > 1:
        raise ConfigError(f"methods are {(*methods, *own)!r}: ANY covers the others; write ANY alone, or leave it out")
    _no_copies("methods", methods, methods)
    return tuple(dict.fromkeys((*cast("tuple[str, ...]", methods), *own)))


def _own(given: object) -> tuple[str, ...]:
    methods = _listed(given)
    for method in methods:
        if not isinstance(method, str) or not METHOD.fullmatch(method):
            raise ConfigError(f'own={given!r}: write methods of your own in capitals, such as ["PURGE"]')
    return cast("tuple[str, ...]", methods)


def _paths(given: object) -> tuple[PathPattern, ...]:
    paths = tuple(one if isinstance(one, PathPattern) else PathPattern(cast("str", one)) for one in _listed(given))
    if not paths:
        raise ConfigError('paths are none: a row without a path covers nothing; write "/**" for every path')
    _no_copies("paths", [path.shape for path in paths], paths)
    return paths


def _listed(given: object) -> tuple[object, ...]:
    """One value, or several."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        return (given,)
    return tuple(cast("Iterable[object]", given))


def _no_copies(what: str, keys: Iterable[object], shown: Iterable[object]) -> None:
    seen: set[object] = set()
    for key, one in zip(keys, shown, strict=True):
        if key in seen:
            raise ConfigError(f"{what}: {str(one)!r} stands twice in one row; write it once")
        seen.add(key)


def _effect(given: object) -> Effect:
    if not isinstance(given, Effect):
        raise ConfigError(f"an effect is {given!r}: write Effect.ALLOW or Effect.DENY, or deny(...) for such a row")
    return given


@attrs.frozen(init=False)
class Flow:
    """A row: these peers may call these methods and paths of that service.

    Args:
        peer: who calls: a SPIFFE id, or a selector of several (see `PeerSelector`), as text or value.
        service: the name of the service called.
        methods: one method or several that are registered with IANA (RFC 9110 section 16.1.1), in capitals; `ANY` for
            every one. HEAD is not part of GET.
        paths: one path pattern or several (see `PathPattern`).
        effect: whether the row allows or denies; `deny(...)` reads better for the latter.
        own: methods that are not registered, one or several; it covers them as it does `methods`.

    Raises:
        ConfigError: a part is not what it must be; the message says what to write.
    """

    peer: PeerSelector
    service: str
    methods: tuple[str, ...]
    paths: tuple[PathPattern, ...]
    effect: Effect
    own: tuple[str, ...] = attrs.field(eq=False)

    def __init__(
        self,
        peer: str | SpiffeId | PeerSelector,
        service: str,
        methods: str | Iterable[str],
        paths: str | PathPattern | Iterable[str | PathPattern],
        effect: Effect = Effect.ALLOW,
        *,
        own: str | Iterable[str] = (),
    ) -> None:
        known = _own(own)
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            _peers(peer), _service(service), _methods(methods, known), _paths(paths), _effect(effect), known
        )

    @property
    def denies(self) -> bool:
        """Whether it denies what it covers."""
        return self.effect is Effect.DENY

    @property
    def any_method(self) -> bool:
        """Whether it covers every method."""
        return self.methods == (ANY,)

    def covers_method(self, method: str) -> bool:
        """Whether it covers this method."""
        return method in self.methods or self.any_method

    @property
    def called(self) -> str:
        """What of the service it covers, as text: `GET,POST /accounts /accounts/{id}`."""
        return f"{','.join(self.methods)} {' '.join(map(str, self.paths))}"

    def __str__(self) -> str:
        return f"{'deny ' if self.denies else ''}{self.peer} -> {self.service} {self.called}"


def deny(
    peer: str | SpiffeId | PeerSelector,
    service: str,
    methods: str | Iterable[str],
    paths: str | PathPattern | Iterable[str | PathPattern],
    *,
    own: str | Iterable[str] = (),
) -> Flow:
    """A row that denies what it covers, whatever other rows allow. The arguments are those of `Flow`."""
    return Flow(peer, service, methods, paths, Effect.DENY, own=own)


def flow_of(members: dict[str, Any]) -> Flow:
    """A row from a JSON object: peer, service, methods, paths, own if it has any, and effect if it denies."""
    unknown = sorted(set(members) - {"peer", "service", "methods", "paths", "effect", "own"})
    missing = sorted({"peer", "service", "methods", "paths"} - set(members))
    if unknown or missing:
        raise ConfigError(
            f"a row has no {', '.join(missing)}"
            if missing
            else f"a row has {', '.join(map(repr, unknown))}, unknown here"
        )
    effect = members.get("effect", "allow")
    if effect not in ("allow", "deny"):
        raise ConfigError(f'an effect is {effect!r}: write "allow" or "deny"')
    return Flow(
        members["peer"],
        members["service"],
        members["methods"],
        members["paths"],
        Effect(effect),
        own=members.get("own", ()),
    )
