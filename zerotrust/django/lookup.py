"""What a path leads to, found before Django finds it, and remembered where it is always the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern, RoutePattern

from zerotrust.django.protections import Entry
from zerotrust.django.urls import Found, Pattern, resolve, urlconf_of, walk

_REMEMBERED: Final = 10_000  # places; an application that makes new ones all the time must not fill the memory

Known: TypeAlias = tuple[Found, Entry]


class Lookup:
    """Finds what requests lead to.

    Args:
        work_out: tells what protects what was found.
        by_path: whether `LocaleMiddleware` will choose the language by the path, and has not when the guard looks.
    """

    def __init__(self, work_out: Callable[[Found], Entry], *, by_path: bool) -> None:
        self._work_out = work_out
        self._by_path = by_path
        self._entries: dict[tuple[object, tuple[Pattern, ...], int], Entry] = {}
        self._fixed: dict[URLResolver, bool] = {}
        self._known: dict[tuple[URLResolver, str], Known] = {}

    def find(self, request: HttpRequest) -> Known | None:
        """What Django will find for `request`, and what protects it; None if nothing serves its path."""
        resolver, path = get_resolver(urlconf_of(request)), request.path_info
        known = self._known.get((resolver, path))
        if known is None:
            found = resolve(request, by_path=self._by_path)
            if found is None:
                return None
            known = found, self.entry(found)
            if _is_written_out(found) and self._is_fixed(resolver):
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[resolver, path] = known
        return known

    def entry(self, found: Found) -> Entry:
        """What protects `found`."""
        key = found.urlconf, found.chain, id(found.view)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._work_out(found)
            if len(self._entries) >= _REMEMBERED:
                self._entries.clear()
            self._entries[key] = entry
        return entry

    def _is_fixed(self, resolver: URLResolver) -> bool:
        """Whether paths lead to the same each time: nothing in it looks at the language, or is the application's."""
        fixed = self._fixed.get(resolver)
        if fixed is None:
            if len(self._fixed) >= _REMEMBERED:
                self._fixed.clear()
            fixed = self._fixed[resolver] = all(_is_plain(one) for chain in walk(resolver) for one in chain)
        return fixed


def _is_written_out(found: Found) -> bool:
    """Whether a single path leads there: so no more are remembered than were declared, whatever callers ask for."""
    return all(type(one.pattern) is RoutePattern and not one.pattern.converters for one in found.chain)


def _is_plain(one: Pattern) -> bool:
    pattern = one.pattern
    if type(one) not in (URLPattern, URLResolver) or type(pattern) not in (RoutePattern, RegexPattern):
        return False
    written: object = getattr(pattern, "_route" if type(pattern) is RoutePattern else "_regex", None)
    converters = pattern.converters.values()
    return isinstance(written, str) and all(type(each).__module__ == "django.urls.converters" for each in converters)
