"""A policy or a decision as a page that needs nothing else: no scripts, no fonts, nothing from anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from math import isfinite
from time import gmtime, strftime
from typing import Final

from zerotrust.core.decision import Allow, Challenge, Decision, Deny
from zerotrust.core.errors import PolicyError
from zerotrust.core.moments import show_moment
from zerotrust.core.policy import Policy, name_of
from zerotrust.core.text import visible
from zerotrust.core.verdict import Verdict
from zerotrust.documents.naming import shown
from zerotrust.documents.parts import Part, Shown, in_the_way, parts_of
from zerotrust.documents.style import POLICY, STYLE

_WORDS: Final = {Verdict.YES: "yes", Verdict.NO: "no", Verdict.UNKNOWN: "unknown"}
_COLOURS: Final = {Allow: "yes", Challenge: "unknown", Deny: "no"}
_AS_ABOVE: Final = ' <span class="quiet">(as above)</span>'
_DEEPEST: Final = 60
"""Levels that are set in; browsers put no more than some hundred elements into one another."""


def to_html(policy_or_decision: Shown, *, title: str | None = None) -> str:
    """A page for people who answer for a policy, or who have to find out why a decision came out as it did.

    Of a decision it shows what would change it, what stood in the way with the most specific first, and every leaf with
    its verdict, the reason, the age of the evidence, and until when it stays so. It holds no secret, but it names the
    subject and its attributes: it is for operators, not for callers.

    The page is safe to open whatever callers sent: every text is escaped, there is no script, and its own
    Content-Security-Policy allows none. Moments are in UTC.

    Args:
        policy_or_decision: what is shown.
        title: of the page; unless given, the policy's name, or the policy itself.

    Raises:
        PolicyError: it is neither, or the title is no text.
    """
    if title is not None and not isinstance(title, str):  # callers are not all typed
        raise PolicyError(f"title={shown(title)}: write a text, or leave it out")
    title = None if title is None else visible(title)
    root = parts_of(policy_or_decision)
    if isinstance(policy_or_decision, Policy):
        named = _name(policy_or_decision)
        head = [f'<h1><span class="name">{_text(title or named)}</span></h1>', "<p>A policy, as it is written.</p>"]
        body, heading, now = "", "Parts", None
    else:
        named = f"{type(policy_or_decision).__name__}: {_name(policy_or_decision.policy)}"
        head = [*_head(policy_or_decision, title)]
        body, heading, now = "\n".join(_reasons(policy_or_decision)), "Every part", policy_or_decision.now
    tree = "".join(_tree(root, now))
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">'
        f"<title>{_text(title or named)}</title><style>{STYLE}</style></head>\n"
        f'<body><header class="head">{"".join(head)}</header>\n<main>{body}\n'
        f"<section><h2>{heading}</h2>{tree}</section></main></body></html>\n"
    )


def _name(policy: Policy) -> str:
    return name_of(policy) or visible(policy)


def _head(decision: Decision, title: str | None) -> Iterator[str]:
    kind = type(decision).__name__.lower()
    colour = _COLOURS[type(decision)]
    name = _text(title or _name(decision.policy))
    yield f'<h1><span class="verdict {colour}">{kind}</span> <span class="name">{name}</span></h1>'
    until = decision.valid_until
    stands = f"; stands until {_moment(until, decision.now)}" if isfinite(until) else ""
    yield f'<p class="quiet">Decided {_text(_full(decision.now))}{stands}.</p>'


def _reasons(decision: Decision) -> Iterator[str]:
    if isinstance(decision, Allow):
        return
    yield "<section><h2>What would change it</h2>"
    if decision.remedies:
        yield '<ol class="list">' + "".join(f"<li>{_text(visible(one))}</li>" for one in decision.remedies) + "</ol>"
        if not any(one.by_caller for one in decision.remedies):
            yield '<p class="quiet">Nothing that the caller can do alone.</p>'
    else:
        yield "<p>Nothing that anybody could do now.</p>"
    yield '</section><section><h2>What stood in the way</h2><ol class="list">'
    for one in in_the_way(decision):
        clause = f' <span class="quiet">({_text(one.reason.clause)})</span>' if one.reason.clause else ""
        code = f'<code class="code">{_text(one.reason.code)}</code>'
        yield f"<li><code>{_text(one.text)}</code>: {_text(one.detail)} {code}{clause}</li>"
    yield "</ol></section>"


def _tree(root: Part, now: float | None) -> Iterator[str]:
    """The parts as lists in lists, without a stack frame for each level."""
    yield '<ul class="tree">'
    open_at: list[int] = []  # the depths of the parts whose lists are open
    for depth, role, part, again in root.flat():
        while open_at and open_at[-1] >= min(depth, _DEEPEST):
            open_at.pop()
            yield "</ul></details></li>"
        level = f'<span class="quiet">level {depth}</span> ' if depth > _DEEPEST else ""
        said = f"{level}{_role(role)}{_badge(part)}"
        if not part.children:
            yield f'<li><div class="leaf">{said}<code>{_text(part.text)}</code>{"".join(_known(part, now))}</div></li>'
        elif again or depth >= _DEEPEST:
            yield f"<li>{said}{_label(part)}{_AS_ABOVE if again else ''}</li>"
        else:
            yield f"<li><details open><summary>{said}{_label(part)}</summary><ul>"
            open_at.append(depth)
    yield "</ul></details></li>" * len(open_at) + "</ul>"


def _role(role: str) -> str:
    return f'<span class="role">{_text(role)}</span> ' if role else ""


def _badge(part: Part) -> str:
    if part.verdict is None:
        return ""
    return f'<span class="verdict {part.verdict.name.lower()}">{_WORDS[part.verdict]}</span> '


def _label(part: Part) -> str:
    if part.kind == "tags":
        return f'<span class="tag">{_text(part.text)}</span>'
    return f'<span class="name">{_text(part.text)}</span>' if part.kind == "name" else _text(part.text)


def _known(part: Part, now: float | None) -> Iterator[str]:
    """What a decision knows of a leaf."""
    if part.detail:
        code = f' <code class="code">{_text(part.code)}</code>' if part.code else ""
        clause = f' <span class="quiet">({_text(part.clause)})</span>' if part.clause else ""
        yield f"<p>{_text(part.detail)}{code}{clause}</p>"
    if now is None:
        return
    said: list[str] = []
    if part.verified_at is not None:
        said.append(f"checked {_moment(part.verified_at, now)}, {_text(age(now - part.verified_at))}")
    if part.valid_until is not None and isfinite(part.valid_until):
        said.append(f"stays so until {_moment(part.valid_until, now)}")
    if said:
        yield f'<p class="quiet">{"; ".join(said)}</p>'


def age(seconds: float) -> str:
    """How long ago something was, in the largest unit of which there are two or more."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} before"
    return f"{seconds:.0f} s before" if seconds >= 1 else "just then"


def _moment(moment: float, now: float) -> str:
    return _text(show_moment(moment, now))


def _full(moment: float) -> str:
    if not -62135596800 <= moment < 253402300800:  # beyond what a calendar can say
        return "at no moment that a calendar has"
    return strftime("%Y-%m-%d %H:%M:%S UTC", gmtime(moment))


def _text(text: str) -> str:
    """`text` as it stands in HTML, between tags and in attributes; what no encoding has is shown as missing."""
    return escape(text.encode("utf-8", "replace").decode())
