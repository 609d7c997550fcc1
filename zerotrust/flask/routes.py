"""What an application serves: its URL rules, what stands at each of them, and what that requires."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from flask import Flask
from flask.views import MethodView
from werkzeug.routing import Rule

from zerotrust.flask.requirement import Requirement, marks
from zerotrust.web.wrapped import marks_within

_BELOW: Final = re.compile(r"/<path:[A-Za-z_][A-Za-z0-9_]*>\Z")
_AUTOMATIC: Final = "provide_automatic_options"

View = Callable[..., Any]


def rules(app: Flask) -> Iterator[Rule]:
    """Every rule that a request may come by, but for those that only redirect: they are never dispatched."""
    for rule in app.url_map.iter_rules():
        if not rule.build_only and rule.redirect_to is None:
            yield rule


def path_of(rule: Rule) -> str:
    """The path as it was declared, with the prefixes of blueprints; behind `//` and its host or subdomain, if any."""
    domain = rule.host if rule.map.host_matching else rule.subdomain
    return f"//{domain}{rule.rule}" if domain else rule.rule


def names_of(rule: Rule) -> tuple[str, ...]:
    """How `guard.open` and `guard.protect` may name the rule: `/static/<path:filename>` is `/static/*` as well."""
    path = path_of(rule)
    below = _BELOW.search(path)
    return (path,) if below is None else (path, f"{path[: below.start()]}/*")


def shown(rule: Rule) -> str:
    """The path as the report shows it."""
    names = names_of(rule)
    return names[-1] if str(rule.endpoint).rpartition(".")[2] == "static" else names[0]


def methods_of(rule: Rule) -> tuple[str, ...]:
    """The methods that are dispatched to the view, but for HEAD beside GET, which is the same; `*` if all are."""
    if rule.methods is None:
        return ("*",)
    left_out = {"HEAD"} if "GET" in rule.methods else set[str]()
    if answers_options(rule):
        left_out.add("OPTIONS")
    return tuple(sorted(rule.methods - left_out)) or tuple(sorted(rule.methods))


def answers_options(rule: Rule) -> bool:
    """Whether Flask answers OPTIONS there by itself."""
    return bool(getattr(rule, _AUTOMATIC, False))


def differs_by_method(view: View | None) -> bool:
    """Whether what `view` requires may differ by the method of a request."""
    kind = getattr(view, "view_class", None)
    return isinstance(kind, type) and getattr(kind, "dispatch_request", None) is MethodView.dispatch_request


def required_by(view: View | None, method: str) -> Iterator[Requirement]:
    """What `view` requires of a request by `method`, as far as that can be seen before it is called."""
    yield from marks(view)
    kind = getattr(view, "view_class", None)
    if not isinstance(kind, type):
        return
    yield from marks(getattr(kind, "dispatch_request", None))
    if differs_by_method(view):
        name = method.lower()
        if not hasattr(kind, name) and name == "head":
            name = "get"  # as MethodView has it
        yield from marks(getattr(kind, name, None))


def required_within(view: View | None) -> Iterator[Requirement]:
    """What functions require that `view` was made around, or calls, and does not say itself; as far as that shows."""
    own = set(marks(view))
    for mark in dict.fromkeys(marks_within(view)):
        if isinstance(mark, Requirement) and mark not in own:
            yield mark
