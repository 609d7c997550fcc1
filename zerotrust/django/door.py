"""The door of one deployment: its gate, what protects which view, and the decisions about requests."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from threading import RLock
from typing import Any, Final

from asgiref.sync import async_to_sync
from django.apps import apps
from django.conf import settings
from django.core.signals import setting_changed
from django.http import HttpRequest
from django.urls import ResolverMatch
from django.utils.module_loading import import_string

from zerotrust.asgi.standing import Watch
from zerotrust.core.errors import ConfigError, Denied
from zerotrust.core.policy import Policy
from zerotrust.core.request import AccessRequest
from zerotrust.django.configured import Configured, SettingsError, is_guard, middleware, read
from zerotrust.django.installed import NO_APPLICATION, is_checked
from zerotrust.django.lookup import Lookup
from zerotrust.django.marks import marks_of
from zerotrust.django.protections import Entry, Protections
from zerotrust.django.ready import Ready
from zerotrust.django.requests import Body, asked, believes_proxies, style_of
from zerotrust.django.urls import Found, places, resolve, root_urlconf
from zerotrust.django.users import Users
from zerotrust.django.visit import Visit
from zerotrust.driver import Sources
from zerotrust.web.answer import Answer
from zerotrust.web.gate import Checkpoint, Gate, Passed, Style
from zerotrust.web.report import Report

_LOG: Final = logging.getLogger("zerotrust.guard")
_LOCALE: Final = "django.middleware.locale.LocaleMiddleware"
_KINDS: Final[tuple[Style, ...]] = ("blocking", "async")


@dataclass(slots=True)
class Prepared:
    """A request that is about to be decided.

    Attributes:
        place: what is required.
        asked: the request as it is decided about.
        sources: what answers questions about it.
        found: what the path leads to; None for what no route serves.
    """

    place: Checkpoint
    asked: AccessRequest
    sources: Sources
    found: Found | None


class Door:
    """What decides for the middleware, for views that decide late, and for servers of static files.

    Args:
        configured: what the settings say.
        style: how it asks, which depends on the server: `blocking` under WSGI, `async` under ASGI.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    def __init__(self, configured: Configured, style: Style) -> None:
        self.style: Style = style
        self.gate: Gate = configured.gate(style)
        self.watch: Watch | None = Watch(self.gate) if style == "async" else None
        for path, rule in configured.rules.items():
            self.gate.policy(rule.policy, f"ZEROTRUST['{rule.by}'][{path!r}]")
        self.protections: Protections = Protections(self.gate.default, configured.rules, self.gate.policy, _static())
        self.users: Users | None = None if configured.user is None else Users(configured.user)
        self._rules = [rule.policy for rule in configured.rules.values()]
        self._urlconfs = configured.urlconfs
        self._lookup = Lookup(self._entry, by_path=_by_path())
        self._is_told = False
        self.ready: Ready | None = None
        if self.gate.resource is not None or self.gate.ceremonies is not None:
            self.ready = Ready(self.gate, self.policies)
        self._sound = False

    # --- Looking at all of it ----------------------------------------------------------------------------------------

    def report(self) -> Report:
        """Every view with the policy that protects it, as things are now."""
        found = [place for one in self._listed() for place in places(one)]
        made = self.protections.report(found)
        return made if self.ready is None else self.ready.reported(made)

    def policies(self) -> Iterator[Policy]:
        """All that were given; what several of them combine to is not among them."""
        given = dict.fromkeys((self.gate.default.policy, *self._rules))
        for one in self._listed():
            for place in places(one):
                given.update(dict.fromkeys(marks_of(place.view).policies))
        yield from given

    def start(self) -> None:
        """Log the report, the first time; raises `ConfigError` if there are problems, or nobody to find them."""
        if not is_checked():
            raise ConfigError(f"the guard refuses to start: {NO_APPLICATION}")
        self.gate.start(self.report(), self.policies())
        self._sound = True

    def is_sound(self) -> bool:
        """Whether there are no problems, looked for until there are none."""
        if not self._sound:
            self._sound = self.gate.sound(self.report())
        return self._sound

    def _entry(self, found: Found) -> Entry:
        """What protects `found`."""
        listed = self._lists(found.urlconf)
        if not (listed or self._is_told):
            self._is_told = True
            _LOG.warning(
                "middleware sets request.urlconf to %r, which no report lists: no rule opens anything there, or takes "
                "the place of the DEFAULT; name it in ZEROTRUST['URLCONFS']",
                _name_of(found.urlconf),
            )
        return self.protections.entry(found.place, listed=listed)

    def _lists(self, urlconf: object) -> bool:
        """Whether the report has the views of `urlconf`."""
        return any(one == urlconf or _name_of(one) == _name_of(urlconf) for one in self._listed())

    def _listed(self) -> tuple[Any, ...]:
        return root_urlconf(), *self._urlconfs

    # --- Deciding ----------------------------------------------------------------------------------------------------

    def prepare(self, request: HttpRequest) -> Prepared:
        """What has to be decided before `request` is handled, from its path as it is now."""
        known = self._lookup.find(request)
        if known is not None:
            found, entry = known
            return self.prepared(request, entry.of(request.method), found)
        static, entry = self.protections.static, self.protections.unknown
        if static is not None and request.path_info.startswith(static.others.path[:-1]):
            entry = static  # what a middleware serves of this folder
        return self.prepared(request, entry.of(request.method), None)

    def running(self, request: HttpRequest, match: ResolverMatch) -> Prepared:
        """What has to be decided before `match` runs, which Django has found, in the language it has chosen."""
        found = resolve(request, by_path=False)
        if found is None or not found.is_of(match):
            raise ConfigError(
                "what Django is about to run is not what the path leads to, so nobody can tell its policy"
            )
        return self.again(request, found)

    def again(self, request: HttpRequest, found: Found) -> Prepared:
        """What has to be decided about `found`, for which the method of `request` has changed."""
        return self.prepared(request, self._lookup.entry(found).of(request.method), found)

    def prepared(self, request: HttpRequest, place: Checkpoint, found: Found | None) -> Prepared:
        """What has to be decided at `place`."""
        gate = self.gate
        sources = gate.sources.beside(Body(request)) if place.looks_at_body else gate.sources
        return Prepared(place, asked(request, gate.clock(), gate.sources, gate.peers), sources, found)

    def decide(self, request: HttpRequest, prepared: Prepared) -> Passed | Answer:
        """Let `request` in or not, blocking."""
        if self.style == "async":  # a middleware that knows no other way has the request handled in a thread
            return async_to_sync(self.decide_async)(request, prepared)
        return self.gate.admit(prepared.place, prepared.asked, prepared.sources)

    async def decide_async(self, request: HttpRequest, prepared: Prepared) -> Passed | Answer:
        """`decide` for what is awaited."""
        if self.style == "blocking":  # an async view under WSGI, in a loop of its own
            return self.gate.admit(prepared.place, prepared.asked, prepared.sources)
        return await self.gate.admit_async(prepared.place, prepared.asked, prepared.sources)

    def denied(self, request: HttpRequest, denied: Denied, visit: Visit | None) -> Answer:
        """The answer to a refusal that was raised while `request` was handled."""
        gate, route = self.gate, "a view" if visit is None else visit.place.path
        try:
            about = None if visit is None else visit.access.request
            if about is None:
                about = asked(request, gate.clock(), gate.sources, gate.peers)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here must not answer 500
            return gate.failed(None, route, error)
        if self.style == "async":
            return async_to_sync(gate.denied_async)(denied, about, route)
        return gate.denied(denied, about, route)


# --- The one of this process -----------------------------------------------------------------------------------------

_doors: Final[dict[str, Door]] = {}
_lock: Final = RLock()


def door(style: Style) -> Door:
    """The door for deployments of `style`, as the settings are now; raises `ConfigError` where there can be none."""
    made = _doors.get(style)
    if made is None:
        with _lock:
            made = _doors.get(style)
            if made is None:
                made = _doors[style] = Door(read(), style)
    return made


def door_of(request: HttpRequest) -> Door:
    """The door for the deployment that `request` came by."""
    return door(style_of(request))


def doors() -> tuple[Door, ...]:
    """Those that serve in this process, as the settings are now."""
    with _lock:
        return tuple(_doors.values())


def any_door() -> Door:
    """A door for whichever kind of deployment the sources serve: for checks and reports, where nothing is served."""
    try:
        return door(_KINDS[0])
    except SettingsError as error:
        if error.id != "zerotrust.E008":
            raise
        return door(_KINDS[1])


def _changed(**_: object) -> None:
    _doors.clear()
    believes_proxies.cache_clear()
    root_urlconf.cache_clear()


setting_changed.connect(_changed, dispatch_uid="zerotrust.django")


def _name_of(urlconf: object) -> object:
    """The name of the module that `urlconf` is, or names; itself, if it is none."""
    return urlconf if isinstance(urlconf, str) else getattr(urlconf, "__name__", urlconf)


def _static() -> str | None:
    """The path of static files, where an application serves them, or a server for development would."""
    url: object = getattr(settings, "STATIC_URL", None)
    if not apps.is_installed("django.contrib.staticfiles") or not isinstance(url, str):
        return None
    return url if url.startswith("/") and url.endswith("/") and len(url) > 1 else None


def _by_path() -> bool:
    """Whether the middleware that chooses the language by the path stands behind the guard, so has not run yet."""
    locale: Any = import_string(_LOCALE)
    for _, kind in reversed(middleware()):
        if is_guard(kind):
            return False
        if isinstance(kind, type) and issubclass(kind, locale):
            return True
    return False
