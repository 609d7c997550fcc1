"""The page: for people without a script, and with one where an application has no page of its own for this.

It is complete without a script but for passkeys. Everything on it comes from a `PageView`; text stays text wherever it
came from, since `element` escapes whatever is not made by itself.
"""

from __future__ import annotations

from zerotrust.web.ceremonies.page_dialogue import code_field, hidden, lost, name_field, proving
from zerotrust.web.ceremonies.page_manage import factor_panel, sessions_panel
from zerotrust.web.ceremonies.page_markup import Markup, document, element, safe_address, together
from zerotrust.web.ceremonies.page_words import DONE, NAMES, wrong
from zerotrust.web.ceremonies.view import OfferView, PageView


def page(view: PageView) -> str:
    """The HTML document that shows `view`.

    It holds no script and no style of its own, only links to `zerotrust.css` and `page.js` below `view.at`, so that the
    strictest Content Security Policy lets it work.
    """
    title, body, narrow = _content(view)
    error = "Error: " if view.problem is not None else ""
    return document(
        element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="robots", content="noindex"),
            element("title", f"{error}{title} - {view.name}"),
            element("link", rel="stylesheet", href=f"{view.at}/zerotrust.css"),
            element("link", rel="icon", href="data:,"),  # no request for one that is not there
            element("script", type="module", src=f"{view.at}/page.js"),
        ),
        element(
            "body",
            _header(view),
            element("main", element("h1", title), _done(view), _problem(view, body), body),
            class_="zerotrust narrow" if narrow else "zerotrust",
        ),
        lang="en",
        class_="zerotrust-page",
    )


def _content(view: PageView) -> tuple[str, Markup, bool]:
    """The title, what stands below it, and whether it is one thing to do, which looks best in a narrow column."""
    if view.offer is not None:
        kind = next((NAMES[one.method] for one in view.factors if one.path == view.offer.path), "authenticator")
        return f"Set up: {kind.lower()}", _offer(view, view.offer), True
    if view.codes:
        return "Your recovery codes", _codes(view), True
    if view.account is None:
        return "Sign in", _signing_in(view), True
    if view.stepping_up:
        return "Confirm that it is you", _dialogue(view), True
    return "Ways to confirm that it is you", _managing(view), False


def _header(view: PageView) -> Markup:
    who = None
    if view.account is not None:
        who = element(
            "div",
            element("p", "Signed in as ", element("span", view.account, class_="name")),
            element(
                "form",
                element("button", "Sign out", type="submit", class_="link"),
                method="post",
                action=f"{view.at}/sign-out",
            ),
            class_="who",
        )
    return element("header", element("p", view.name, class_="brand"), who)


def _done(view: PageView) -> Markup | None:
    said = DONE.get(view.done)
    return element("p", said, class_="done", role="status") if said else None


def _problem(view: PageView, body: Markup) -> Markup | None:
    """What went wrong, unless it stands beside its field already."""
    if view.problem is None or f'id="{view.problem.path.replace("/", "-")}-code-error"' in body:
        return None
    return element("p", wrong(view.problem, signed_in=view.account is not None), class_="error", role="alert")


# --- One thing to do --------------------------------------------------------------------------------------------------


def _dialogue(view: PageView) -> Markup:
    wanted = [one for one in view.factors if one.wanted]
    ready = [one for one in wanted if one.can_prove]
    if ready:
        panels = tuple(proving(view, one, first=one is ready[0]) for one in ready)
        choose = "Choose one of these to go on." if len(ready) > 1 else None
        return together(choose and element("p", choose), panels, lost(view))
    names = ", ".join(NAMES[one.method].lower() for one in wanted)
    said = f"To go on, you need one of these: {names}. You have none of them yet." if names else "There is no way on."
    return together(
        element("p", said),
        tuple(factor_panel(view, one) for one in wanted),
        lost(view),
        _onward(view, "Go on without"),
    )


def _signing_in(view: PageView) -> Markup:
    ready = [one for one in view.factors if one.can_prove]
    address = safe_address(view.sign_in)
    link = element("p", element("a", "Sign in another way" if ready else "Sign in", href=address))
    return together(
        tuple(proving(view, one, first=one is ready[0]) for one in ready),
        link if address else None,
        None if ready or address else element("p", "Nobody is signed in. Sign in to the application first."),
    )


def _offer(view: PageView, offer: OfferView) -> Markup:
    groups = (element("span", offer.secret[at : at + 4]) for at in range(0, len(offer.secret), 4))
    picture = element("div", Markup(offer.svg), class_="qr", role="img", aria_label="QR code of the key below")
    link = element("p", element("a", "Open it in an app on this device", href=offer.uri))
    path = f"{offer.path}/enrol"
    if not offer.secret:  # it was shown before, and the code was not right
        anew = element("p", element("a", "Start anew", href=f"{view.at}/"))
        return element("div", _first_code(view, path), anew, class_="panel")
    return element(
        "ol",
        element(
            "li",
            "Scan this with your authenticator app." if offer.svg else "Add this to your authenticator app.",
            picture if offer.svg else None,
            link if offer.uri.startswith("otpauth://") else None,
            element("p", "Or type this key into it:"),
            element("p", element("code", *groups, class_="secret")),
        ),
        element(
            "li",
            "Enter the code that it shows now.",
            _first_code(view, path),
        ),
        class_="steps panel",
    )


def _first_code(view: PageView, path: str) -> Markup:
    return element(
        "form",
        code_field(view, path, digits=True, first=True),
        name_field(path, "Authenticator app"),
        hidden(next=view.next),
        element("div", element("button", "Confirm", type="submit"), class_="buttons"),
        method="post",
        action=f"{view.at}/{path}",
    )


def _codes(view: PageView) -> Markup:
    return element(
        "div",
        element(
            "p",
            "Write these down or print them, and keep them in a safe place. ",
            element("strong", "Nobody can show them again."),
        ),
        element("p", "Each works once, on the day you cannot use anything else.", class_="muted"),
        element("ol", *(element("li", element("code", one)) for one in view.codes), id="codes", class_="codes"),
        element(
            "div",
            element(
                "button", "Copy", type="button", class_="quiet", hidden=True, data_copy="codes", data_done="Copied."
            ),
            element("button", "Print", type="button", class_="quiet", hidden=True, data_print=True),
            class_="buttons",
        ),
        element("p", id="codes-said", role="status", class_="muted"),
        element("p", element("a", "I have kept them safe", href=safe_address(view.next) or f"{view.at}/")),
        class_="panel",
    )


# --- Looking after it all ---------------------------------------------------------------------------------------------


def _onward(view: PageView, text: str) -> Markup | None:
    address = safe_address(view.next)
    return element("p", element("a", text, href=address)) if address else None


def _managing(view: PageView) -> Markup:
    panels = tuple(factor_panel(view, one) for one in view.factors)
    return together(_onward(view, "Back to where you were"), panels, sessions_panel(view))
