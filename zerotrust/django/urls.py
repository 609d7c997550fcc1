"""The URLconf as the guard sees it: what a path leads to, and where what it leads to was declared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeAlias

from django.conf import settings
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.contrib.admindocs.utils import (
    remove_non_capturing_groups,
    replace_metacharacters,
    replace_named_groups,
    replace_unnamed_groups,
)
from django.http import HttpRequest
from django.urls import Resolver404, ResolverMatch, URLPattern, URLResolver, get_resolver
from django.urls.resolvers import LocalePrefixPattern, RegexPattern
from django.utils.translation import get_language_from_path, override

_RESOLVES: Final = (URLResolver.resolve, URLPattern.resolve)
_DEEPEST: Final = 32  # URLconfs in URLconfs; one that includes itself must not be followed for ever
_LANGUAGE: Final = "<language>/"
# What serves all files of a folder, so that rules name the folder.
_FOLDERS: Final = ("django.views.static.serve", "django.contrib.staticfiles.views.serve")
# What Django REST framework appends for a view in another format: `/payments.json`.
_SUFFIX: Final = re.compile(r"<drf_format_suffix[^<>:]*:\w+>|\\\.\(\?P<\w+>(?:[^()]*|\([^()]*\))\)/\?\$")


Pattern: TypeAlias = URLPattern | URLResolver


@dataclass(frozen=True, slots=True)
class Step:
    """A pattern on the way from the top of a URLconf to a view.

    Attributes:
        path: up to and with it, as declared, from `/` on; of a regular expression what people read in it.
        raw: the same as it was written, by which two that read alike can be named.
        written: tells apart what differs in more than how it begins and ends; alike for a view and its other formats.
        keys: how rules may name it; first the one that names nothing else.
        mount: whether all that lies below belongs to it: an include, or a folder of files.
    """

    path: str
    raw: str
    written: str
    keys: tuple[str, ...]
    mount: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A view where it was declared.

    Attributes:
        steps: to it, from the top.
        view: as the URLconf names it.
    """

    steps: tuple[Step, ...]
    view: object

    @property
    def path(self) -> str:
        """As declared."""
        return self.steps[-1].path if self.steps else "/"


def urlconf_of(request: HttpRequest) -> Any:
    """The URLconf that Django will look `request` up in."""
    return getattr(request, "urlconf", None) or root_urlconf()


@cache
def root_urlconf() -> Any:
    """The URLconf of requests for which middleware has set no other; known until settings change."""
    return settings.ROOT_URLCONF


@dataclass(slots=True)
class Found:
    """What a path leads to.

    Attributes:
        chain: the patterns on the way, from the top.
        view: what will run.
        urlconf: that of the request.
    """

    chain: tuple[Pattern, ...]
    view: object
    urlconf: Any = None

    @property
    def place(self) -> Place:
        """Where that was declared."""
        return Place(_steps(self.chain, get_resolver(self.urlconf)), self.view)

    def is_of(self, match: ResolverMatch | None) -> bool:
        """Whether `match` is the same, found by Django."""
        if match is None or match.func is not self.view:
            return False
        mine = route(self.chain)
        return match.route == mine or (_is_stray(self.chain[-1]) and match.route.startswith(mine))


def resolve(request: HttpRequest, *, by_path: bool) -> Found | None:
    """What Django will resolve the path of `request` to; None if to nothing.

    Args:
        request: as it is now.
        by_path: whether `LocaleMiddleware` will choose the language by the path, and has not yet.
    """
    urlconf, path = urlconf_of(request), request.path_info
    if by_path and is_language_prefix_patterns_used(urlconf)[0]:
        with override(get_language_from_path(path) or settings.LANGUAGE_CODE):
            found = _found(get_resolver(urlconf), path, 0)
    else:
        found = _found(get_resolver(urlconf), path, 0)
    if found is not None:
        found.urlconf = urlconf
    return found


def route(chain: tuple[Pattern, ...]) -> str:
    """The route as Django writes it, in the language that is active."""
    if len(chain) == 1:
        return str(chain[0].pattern)
    joined = ""
    for one in reversed(chain):
        spelled = str(one.pattern)
        joined = spelled + joined.removeprefix("^") if spelled else joined
    return joined


def _is_stray(one: Pattern) -> bool:
    """Whether nobody else can tell what lies below `one`."""
    return getattr(type(one), "resolve", None) not in _RESOLVES


def places(urlconf: Any) -> Iterator[Place]:
    """All views of a URLconf, in the order in which they are tried."""
    top = get_resolver(urlconf)
    for chain in walk(top):
        yield Place(_steps(chain, top), getattr(chain[-1], "callback", None))


def _found(resolver: URLResolver, path: str, depth: int) -> Found | None:
    """What `path` resolves to, by the way there; without the resolver itself."""
    matched = resolver.pattern.match(path)
    if not matched or depth > _DEEPEST:
        return None
    rest = matched[0]
    for one in resolver.url_patterns:
        kind = type(one)
        if kind is not URLPattern and kind is not URLResolver and _is_stray(one):
            if (view := _taken(one, rest)) is not None:
                return Found((one,), view)
        elif isinstance(one, URLResolver):
            below = _found(one, rest, depth + 1)
            if below is not None:
                return Found((one, *below.chain), below.view)
        elif one.pattern.match(rest):
            return Found((one,), one.callback)
    return None


def _taken(stray: Pattern, path: str) -> object:
    """The view that `stray` gives for `path`, in its own way; None if it leaves the path to others."""
    try:
        match = stray.resolve(path)
    except Resolver404:
        return None
    return match.func if match else None


def walk(resolver: URLResolver, above: tuple[Pattern, ...] = ()) -> Iterator[tuple[Pattern, ...]]:
    """The patterns on the way to each view below `resolver`, in the order in which they are tried."""
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver) and type(one).resolve in _RESOLVES and len(above) < _DEEPEST:
            yield from walk(one, (*above, one))
        else:
            yield (*above, one)


_TOP: Final = Step("/", "/", "/", (), mount=True)


def _steps(chain: tuple[Pattern, ...], top: URLResolver) -> tuple[Step, ...]:
    steps: list[Step] = []
    above, around = _TOP, top
    with override(None):  # translated patterns as they were written
        for one in chain:
            above = _step(one, above, around)
            steps.append(above)
            if isinstance(one, URLResolver):
                around = one
    return tuple(steps)


def _step(one: Pattern, above: Step, around: URLResolver) -> Step:
    """What `one`, a pattern of `around`, adds to the way up to `above`."""
    own, spelled = _own(one)
    path, raw, written = above.path + own, above.raw + spelled, above.written + _written(one, spelled)
    folder = _folder(one, path)
    keys: tuple[str, ...] = (f"{path}$", path, raw)
    if isinstance(one, URLResolver):
        keys = (f"{path}*", path, raw)
    elif folder is not None:
        keys = (f"{folder}*", path, folder, raw)
    elif _is_open_ended(one):  # as a folder, though it says so nowhere
        path = f"{path}*"
        keys = (path, raw) if spelled.startswith("^") else (path,)
    elif (plain := _unsuffixed(one, around)) is not None:
        same = _step(plain, above, around)
        written, keys = same.written, keys + same.keys
    mount = isinstance(one, URLResolver) or folder is not None
    if mount:  # what is said of the page at the root is not said of all
        keys = tuple(key for key in keys if key != "/")
    return Step(path, raw, written, tuple(dict.fromkeys(keys)), mount)


def _unsuffixed(one: URLPattern, around: URLResolver) -> URLPattern | None:
    """The pattern for the same view that Django REST framework made `one` of, for other formats; None if it did not."""
    spelled = str(one.pattern)
    if _SUFFIX.search(spelled) is None:
        return None
    for other in around.url_patterns:
        if other is not one and isinstance(other, URLPattern) and other.callback is one.callback:
            plain = str(other.pattern).rstrip("$").rstrip("/")
            if spelled.startswith(plain) and _SUFFIX.fullmatch(spelled, len(plain)):
                return other
    return None


def _written(one: Pattern, spelled: str) -> str:
    """`spelled` without the marks of its beginning and end, so that `^a/$` is `a/`, which leads to the same."""
    if not isinstance(one.pattern, RegexPattern):
        return spelled
    text = spelled.removeprefix("^")
    # Without `^` Django looks for it anywhere in the path, but for a view whose expression ends in `$`.
    begins = text != spelled or (isinstance(one, URLPattern) and spelled.endswith("$"))
    begun = text if begins else f"...{text}"
    if isinstance(one, URLResolver):
        return begun
    return f"{begun}..." if _is_open_ended(one) else begun.removesuffix("$").removesuffix(r"\Z")


def _is_open_ended(one: Pattern) -> bool:
    """Whether `one` is a view with a regular expression that only the beginning of a path has to match."""
    return (
        isinstance(one, URLPattern)
        and isinstance(one.pattern, RegexPattern)
        and not str(one.pattern).endswith(("$", r"\Z"))
    )


def _own(one: Pattern) -> tuple[str, str]:
    """What a pattern adds to the path, for people; and as it was written."""
    pattern: Any = one.pattern
    if isinstance(pattern, LocalePrefixPattern):
        return _LANGUAGE, _LANGUAGE
    spelled = str(pattern)
    if not isinstance(pattern, RegexPattern):
        return spelled, spelled
    shown = replace_unnamed_groups(replace_named_groups(remove_non_capturing_groups(spelled)))
    return replace_metacharacters(shown), spelled


def _folder(one: Pattern, path: str) -> str | None:
    view: object = getattr(one, "callback", None)
    name = f"{getattr(view, '__module__', '')}.{getattr(view, '__qualname__', '')}"
    return path.partition("<")[0] if name in _FOLDERS and "<" in path else None
