"""HTML from small functions: whatever is not `Markup` already becomes text, in every place."""

from __future__ import annotations

from html import escape
from typing import Final, TypeAlias

_VOID: Final = frozenset({"input", "link", "meta"})


class Markup(str):
    """HTML that goes into a page as it stands. Made here, and of constants; never of what somebody sent."""

    __slots__ = ()


Child: TypeAlias = "str | tuple[Child, ...] | None"
"""Text, `Markup`, several of them, or nothing."""


def element(tag: str, *children: Child, **attributes: str | bool | None) -> Markup:
    """One element: its children in their order, its attributes as they are named.

    Args:
        tag: the element's name.
        children: what stands in it; text is escaped.
        attributes: `True` for one without a value, `False` and None for none at all. Underscores stand for hyphens, and
            one at the end makes a name of a word that Python keeps to itself: `for_`, `aria_label`.
    """
    written = "".join(
        f" {name.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(value)}"')
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    return Markup(f"<{tag}{written}>" if tag in _VOID else f"<{tag}{written}>{together(*children)}</{tag}>")


def safe_address(address: str) -> str:
    """`address` if following it runs nothing: a path of this origin, or another page of the web; else empty."""
    here = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if here or address.startswith(("https://", "http://")) else ""


def together(*children: Child) -> Markup:
    """What stands one after the other."""
    return Markup("".join(map(_written, children)))


def document(*children: Child, **attributes: str | bool | None) -> str:
    """A whole document, from its `html` element's children and attributes."""
    return f"<!doctype html>\n{element('html', *children, **attributes)}\n"


def _written(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, tuple):
        return together(*child)
    return child if isinstance(child, Markup) else escape(child)
