"""`settings.ZEROTRUST`, read: every value as an object, every mistake with the id of a system check and a hint."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final, cast

from django.conf import settings
from django.utils.module_loading import import_string

from zerotrust.core.errors import ConfigError, ZeroTrustError
from zerotrust.core.policy import Policy, anyone
from zerotrust.driver import NO_SOURCES
from zerotrust.web.gate import Gate, Style
from zerotrust.web.report import Protection

NAME: Final = "ZEROTRUST"
EXAMPLE: Final = 'ZEROTRUST = {"DEFAULT": "shop.policies.signed_in"}'

# As the guards of other frameworks call them.
_GATE: Final = {
    "SOURCES": "sources", "PEERS": "peers", "EXPLAIN": "explain", "REALM": "realm", "RESOURCE": "resource",
    "CEREMONIES": "ceremonies", "RECORDER": "recorder", "SHADOW": "shadow", "CLOCK": "clock",
    "RECHECK": "recheck",
}  # fmt: skip
KEYS: Final = ("DEFAULT", "OPEN", "PROTECT", "USER", "URLCONFS", *_GATE)
_NO_TEXT: Final = frozenset(_GATE) - {"REALM", "EXPLAIN"}


class SettingsError(ConfigError):
    """A mistake in the settings.

    Attributes:
        id: of the system check that tells it.
        hint: what to write instead.
    """

    def __init__(self, message: str, *, id: str, hint: str) -> None:  # noqa: A002 - as Django's checks call it
        super().__init__(f"{message}; {hint}")
        self.message: str = message
        self.id: str = id
        self.hint: str = hint


@dataclass(frozen=True, slots=True)
class Configured:
    """What `settings.ZEROTRUST` says.

    Attributes:
        default: the policy of every view without its own.
        rules: what holds at a path and below.
        user: gives `request.user` for an access; None where the application's own middleware does.
        urlconfs: further URLconfs, which middleware sets for some requests; for the report.
        options: for the gate.
    """

    default: object
    rules: Mapping[str, Protection]
    user: Callable[..., Any] | None = None
    urlconfs: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def gate(self, style: Style) -> Gate:
        """The gate of these settings for deployments of `style`; raises `SettingsError` where there can be none."""
        sources = self.options.get("sources", NO_SOURCES)
        if hasattr(sources, "require"):
            try:
                sources.require(style)
            except ConfigError as error:
                kind, other = ("ASGI", "AsyncHttpFetcher()") if style == "async" else ("WSGI", "HttpFetcher()")
                raise SettingsError(
                    f"ZEROTRUST['SOURCES'] does not serve under {kind}: {error}",
                    id="zerotrust.E008",
                    hint=f"under {kind} write sources of that kind, such as Sources({other})",
                ) from error
        options: dict[str, Any] = {"clock": time.time, **self.options}
        try:
            return Gate(style, default=cast("Policy", self.default), given=_given, **options)
        except ConfigError as error:
            raise SettingsError(
                f"ZEROTRUST: {error}", id="zerotrust.E004", hint="see docs/django.md for what each key takes"
            ) from error


def _given(name: str, value: str) -> str:
    return f"ZEROTRUST = {{'{name.upper()}': {value}, ...}}"


def read() -> Configured:
    """What the settings say now; raises `SettingsError` where they cannot be read."""
    value: object = getattr(settings, NAME, None)
    if value is None:
        raise SettingsError("there is no ZEROTRUST in the settings", id="zerotrust.E001", hint=f"write {EXAMPLE}")
    if not isinstance(value, Mapping):
        raise SettingsError(f"ZEROTRUST is {type(value).__name__}", id="zerotrust.E001", hint=f"write {EXAMPLE}")
    given = cast("Mapping[object, object]", value)
    for key in given:
        if key not in KEYS:
            near = get_close_matches(str(key).upper(), KEYS, 1)
            hint = f"write {near[0]}" if near else f"the keys are {', '.join(KEYS)}"
            raise SettingsError(f"ZEROTRUST has {key!r}, which means nothing", id="zerotrust.E002", hint=hint)
    if "DEFAULT" not in given:
        raise SettingsError("ZEROTRUST has no DEFAULT", id="zerotrust.E001", hint=f"write {EXAMPLE}")
    options = {
        name: _resolved(given[key], key) if key in _NO_TEXT else given[key]
        for key, name in _GATE.items()
        if key in given
    }
    user = _resolved(given.get("USER"), "USER")
    if user is not None and (isinstance(user, type) or not callable(user)):
        raise SettingsError(
            f"ZEROTRUST['USER'] is {user!r}",
            id="zerotrust.E004",
            hint="write a function that takes the Access and gives a user, or None for nobody",
        )
    return Configured(
        _resolved(given["DEFAULT"], "DEFAULT"), _rules(given), user, _urlconfs(given.get("URLCONFS", ())), options
    )


def _rules(given: Mapping[object, object]) -> dict[str, Protection]:
    rules: dict[str, Protection] = {}
    for path, because in _paths(given, "OPEN"):
        if not isinstance(because, str):
            raise SettingsError(
                f"ZEROTRUST['OPEN'][{path!r}] is {because!r}",
                id="zerotrust.E004",
                hint="write the reason why everybody is let in, which the report shows",
            )
        try:
            rules[path] = Protection(anyone(because=because), "OPEN")
        except ZeroTrustError as error:
            raise SettingsError(
                f"ZEROTRUST['OPEN'][{path!r}]: {error}", id="zerotrust.E004", hint="write a reason"
            ) from error
    for path, policy in _paths(given, "PROTECT"):
        if path in rules:
            raise SettingsError(
                f"two rules for {path}", id="zerotrust.E004", hint="name it in OPEN or in PROTECT, not in both"
            )
        held = _resolved(policy, "PROTECT", path)
        if not isinstance(held, Policy):
            raise SettingsError(
                f"ZEROTRUST['PROTECT'][{path!r}] is {type(held).__name__}",
                id="zerotrust.E004",
                hint="write a policy, such as token.valid, or where one is: 'shop.policies.staff'",
            )
        rules[path] = Protection(held, "PROTECT")
    return rules


def _paths(given: Mapping[object, object], key: str) -> list[tuple[str, object]]:
    value = given.get(key, {})
    if not isinstance(value, Mapping):
        raise SettingsError(
            f"ZEROTRUST[{key!r}] is {type(value).__name__}", id="zerotrust.E004", hint=f"write {{{'/admin/'!r}: ...}}"
        )
    pairs = cast("Mapping[object, object]", value)
    for path in pairs:
        if not isinstance(path, str) or not path.startswith("/"):
            raise SettingsError(
                f"ZEROTRUST[{key!r}] has {path!r}",
                id="zerotrust.E004",
                hint="write paths as `manage.py zerotrust_routes` shows them, such as '/admin/' or '/items/<int:pk>/'",
            )
    return cast("list[tuple[str, object]]", list(pairs.items()))


def _urlconfs(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, list | tuple):
        raise SettingsError(
            f"ZEROTRUST['URLCONFS'] is {value!r}", id="zerotrust.E004", hint="write a list, such as ['shop.urls_api']"
        )
    return tuple(cast("list[str]", value))


def _resolved(value: object, *keys: str) -> Any:
    """`value`, which stands at `keys`, or what it names, if it is a dotted path."""
    if not isinstance(value, str):
        return value
    try:
        return import_string(value)
    except ImportError as error:
        raise SettingsError(
            f"ZEROTRUST{''.join(f'[{key!r}]' for key in keys)} is {value!r}, which cannot be imported: {error}",
            id="zerotrust.E003",
            hint="write where it is, such as 'shop.policies.signed_in'",
        ) from error


def middleware() -> list[tuple[str, object]]:
    """What stands in `MIDDLEWARE`, with its name; None for what cannot be imported, which Django tells itself."""
    found: list[tuple[str, object]] = []
    for path in settings.MIDDLEWARE:
        try:
            found.append((path, import_string(path)))
        except ImportError:
            found.append((path, None))
    return found


def is_guard(kind: object) -> bool:
    """Whether `kind`, of what stands in `MIDDLEWARE`, is a guard."""
    return bool(getattr(kind, "is_zerotrust_guard", False))
