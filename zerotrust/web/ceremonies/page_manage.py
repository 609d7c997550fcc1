"""The parts of the page where somebody looks after their factors and sessions."""

from __future__ import annotations

from datetime import UTC, datetime

from zerotrust.factors.enrolled import Enrolled
from zerotrust.web.ceremonies.page_dialogue import hidden, name_field, without_passkeys
from zerotrust.web.ceremonies.page_markup import Markup, element, together
from zerotrust.web.ceremonies.page_words import EXPLAINED, NAMES
from zerotrust.web.ceremonies.view import FactorView, PageView, SessionView


def factor_panel(view: PageView, factor: FactorView) -> Markup:
    """One kind of factor: what is enrolled of it, and how to enrol another."""
    rows = [_authenticator(view, factor, one) for one in factor.enrolled]
    return element(
        "section",
        element("h2", NAMES[factor.method], id=f"{factor.path}-title"),
        element("p", EXPLAINED[factor.method], class_="muted"),
        element("ul", *rows, class_="rows") if rows else None,
        _enrolment(view, factor) if factor.can_enrol else None,
        class_="panel",
        aria_labelledby=f"{factor.path}-title",
    )


def sessions_panel(view: PageView) -> Markup | None:
    """Where the account is signed in, and how to end that."""
    if not view.sessions:
        return None
    others = any(not one.current for one in view.sessions)
    everywhere = element(
        "form",
        hidden(all="true"),
        element("div", element("button", "Sign out everywhere else", type="submit", class_="danger"), class_="buttons"),
        method="post",
        action=f"{view.at}/sessions/revoke",
    )
    return element(
        "section",
        element("h2", "Where you are signed in", id="sessions-title"),
        element("ul", *(_session(view, one) for one in view.sessions), class_="rows"),
        everywhere if others else None,
        class_="panel",
        aria_labelledby="sessions-title",
    )


def _authenticator(view: PageView, factor: FactorView, one: Enrolled) -> Markup:
    used = (" · last used ", moment(one.used_at)) if one.used_at is not None else (" · not used yet",)
    name = one.name or NAMES[one.method]
    if one.left is not None:
        name = f"{one.left} left"
    return element(
        "li",
        element("span", name, class_="name"),
        element("p", one.detail, class_="muted") if one.detail else None,
        element("p", "Added ", moment(one.enrolled_at), used, class_="muted"),
        # They come and go together, with `recovery/regenerate`.
        _changes(view, one) if factor.method != "recovery_code" else _removal(view, one) if one.left == 0 else None,
    )


def _changes(view: PageView, one: Enrolled) -> Markup:
    which = hidden(method=one.method, id=one.id)
    said = f"Rename or remove {one.name or NAMES[one.method]}"
    return element(
        "details",
        element("summary", "Rename or remove", aria_label=said),
        element(
            "form",
            which,
            name_field(f"rename-{one.method}-{one.id}", one.name),
            element("div", element("button", "Rename", type="submit", class_="quiet"), class_="buttons"),
            method="post",
            action=f"{view.at}/factors/rename",
        ),
        _removal(view, one),
    )


def _removal(view: PageView, one: Enrolled) -> Markup:
    return element(
        "form",
        hidden(method=one.method, id=one.id),
        element("p", "Removing it signs you out everywhere else.", class_="muted"),
        element("div", element("button", "Remove", type="submit", class_="danger"), class_="buttons"),
        method="post",
        action=f"{view.at}/factors/remove",
    )


def _enrolment(view: PageView, factor: FactorView) -> Markup:
    if factor.method == "passkey":
        return _passkey(view, factor)
    codes = factor.method == "recovery_code"
    if factor.enrolled:  # of what is not a passkey, an account has one
        text = "Make new codes" if codes else "Replace"
        said = "The codes you have now will stop working." if codes else "A new one takes the place of this one."
    else:
        text, said = "Make recovery codes" if codes else "Set up", ""
    return element(
        "form",
        element("p", said, class_="muted") if said else None,
        hidden(next=view.next),
        element("div", element("button", text, type="submit", class_="quiet"), class_="buttons"),
        method="post",
        action=f"{view.at}/{factor.path}/{'regenerate' if codes else 'enrol/options'}",
    )


def _passkey(view: PageView, factor: FactorView) -> Markup:
    form = element(
        "form",
        name_field(
            "passkey/enrol", label="Name for a new passkey" if factor.enrolled else "Name, such as that of this device"
        ),
        element("p", class_="error", role="alert"),
        element("div", element("button", "Add a passkey", type="submit", class_="quiet"), class_="buttons"),
        method="post",
        hidden=True,  # until the script makes it work
        data_passkey="enrol",
        data_next=view.next or None,
    )
    return together(form, without_passkeys())


def _session(view: PageView, one: SessionView) -> Markup:
    button = element("button", "Sign out", type="submit", class_="quiet")
    end = element(
        "form",
        hidden(handle=one.handle),
        element("div", button, class_="buttons"),
        method="post",
        action=f"{view.at}/sessions/revoke",
    )
    return element(
        "li",
        element("span", "Since ", moment(one.started_at), class_="name"),
        element("span", "This browser", class_="tag") if one.current else None,
        element("p", "Last used ", moment(one.seen_at), " · ends ", moment(one.ends_at), class_="muted"),
        None if one.current else end,
    )


def moment(at: float) -> Markup:
    """A moment, in UTC until the script shows it in the person's own time; POSIX seconds."""
    try:
        when = datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError):
        return Markup("a time unknown")
    return element("time", f"{when:%d %b %Y, %H:%M} UTC", datetime=f"{when:%Y-%m-%dT%H:%M:%SZ}")
