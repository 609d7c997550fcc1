"""The parts of the page where a factor is proven: a button for passkeys, a form for each kind of code."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from zerotrust.web.ceremonies.page_markup import Markup, element, together
from zerotrust.web.ceremonies.page_words import ASKED, NAMES, wrong
from zerotrust.web.ceremonies.view import FactorView, PageView

_MOST_NAME: Final = "64"


def hidden(**fields: str) -> Markup:
    """Fields that go along; those that are empty stay away."""
    return together(
        *(element("input", type="hidden", name=name, value=value) for name, value in fields.items() if value)
    )


def proving(view: PageView, factor: FactorView, *, first: bool) -> Markup:
    """A panel to prove one kind of factor.

    Args:
        view: the page it stands on.
        factor: what to prove.
        first: whether it is the first one: the cursor starts there.
    """
    title = element("h2", NAMES[factor.method], id=f"{factor.path}-title")
    parts = (title, element("p", ASKED[factor.method]))
    body = _by_passkey(view, first=first) if factor.method == "passkey" else _by_code(view, factor, first=first)
    return element("section", *parts, body, class_="panel", aria_labelledby=f"{factor.path}-title")


def code_field(view: PageView, path: str, *, digits: bool, first: bool, label: str = "Code") -> Markup:
    """The field that a code is typed into, with what was wrong about the last one."""
    said = _said(view, path)
    name = f"{path.replace('/', '-')}-code"
    return together(
        element("label", label, for_=name),
        said and element("p", said, class_="error", id=f"{name}-error"),
        element(
            "input",
            id=name,
            name="code",
            required=True,
            autocomplete="one-time-code" if digits else "off",
            inputmode="numeric" if digits else None,
            autocapitalize="none",
            spellcheck="false",
            maxlength="64",
            autofocus=first,
            aria_invalid="true" if said else None,
            aria_describedby=f"{name}-error" if said else None,
        ),
    )


def name_field(path: str, value: str = "", label: str = "Name") -> Markup:
    """The field for what the owner calls an authenticator."""
    name = f"{path.replace('/', '-')}-name"
    return together(
        element("label", label, for_=name),
        element("input", id=name, name="name", value=value, required=True, maxlength=_MOST_NAME, autocomplete="off"),
    )


def lost(view: PageView) -> Markup | None:
    """The way to a recovery code, where there are any and this page asks for something else."""
    codes = next(
        (one for one in view.factors if one.method == "recovery_code" and one.can_prove and not one.wanted), None
    )
    if codes is None:
        return None
    # What they are good for is to set up another factor, not what the person came for.
    address = f"{view.at}/?for={codes.method}&next={quote(f'{view.at}/', safe='/')}"
    return element("p", element("a", "Lost it? Use a recovery code to set up another", href=address))


def _by_passkey(view: PageView, *, first: bool) -> Markup:
    form = element(
        "form",
        element("p", class_="error", role="alert"),
        element("div", element("button", "Use passkey", type="submit", autofocus=first), class_="buttons"),
        method="post",
        hidden=True,  # until the script makes it work
        data_passkey="prove",
        data_verified=view.verified,
        data_next=view.next or None,
    )
    return together(form, without_passkeys())


def without_passkeys() -> Markup:
    """What stands there until the script has found that passkeys work."""
    said = "Passkeys need JavaScript and a browser that knows them."
    return element("p", said, class_="muted", data_without_passkeys=True)


def _by_code(view: PageView, factor: FactorView, *, first: bool) -> Markup:
    return element(
        "form",
        code_field(view, f"{factor.path}/verify", digits=factor.method != "recovery_code", first=first),
        hidden(next=view.next),
        element("div", element("button", "Confirm", type="submit"), class_="buttons"),
        method="post",
        action=f"{view.at}/{factor.path}/verify",
    )


def _said(view: PageView, path: str) -> str:
    return wrong(view.problem) if view.problem is not None and view.problem.path == path else ""
