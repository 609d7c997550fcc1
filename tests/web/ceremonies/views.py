"""Page views that show everything a page can show, with every text in them as the test likes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from zerotrust.factors.enrolled import Enrolled
from zerotrust.web.ceremonies.view import FactorView, OfferView, PageView, Problem, SessionView

NOW: Final = 1_764_000_000.0
SECRET: Final = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

Text = Callable[[], str]


def factors(text: Text) -> tuple[FactorView, ...]:
    return (
        FactorView(
            "passkey",
            "passkey",
            (
                Enrolled(f"a{text()}", "passkey", f"n{text()}", NOW - 9e5, NOW - 400, None, f"d{text()}"),
                Enrolled(f"b{text()}", "passkey", f"n{text()}", NOW - 9e6),
            ),
            can_prove=True,
            wanted=True,
        ),
        FactorView("totp", "totp", (Enrolled("t", "totp", f"n{text()}", NOW - 9e6),), can_prove=True, wanted=True),
        FactorView("hotp", "hotp", can_prove=False),
        FactorView(
            "recovery_code", "recovery", (Enrolled("r", "recovery_code", "", NOW - 9e6, None, 8),), can_prove=True
        ),
    )


def views(text: Text) -> Mapping[str, PageView]:
    """One view of each kind of page, by what it shows."""

    def view(
        *,
        account: str | None = "",
        stepping_up: bool = False,
        shown: tuple[FactorView, ...] | None = None,
        sign_in: str = "",
        offer: OfferView | None = None,
        codes: tuple[str, ...] = (),
        problem: Problem | None = None,
        done: str = "",
    ) -> PageView:
        return PageView(
            at="/auth",
            name=f"n{text()}",
            now=NOW,
            account=None if account is None else f"a{text()}",
            next=f"/p{text()}",
            stepping_up=stepping_up,
            factors=factors(text) if shown is None else shown,
            sessions=() if account is None else tuple(_sessions(text)),
            sign_in=sign_in,
            offer=offer,
            codes=codes,
            problem=problem,
            done=done,
        )

    none = tuple(FactorView(one.method, one.path, wanted=True) for one in factors(text)[:2])
    sign_in = (FactorView("passkey", "passkey", can_prove=True, can_enrol=False, wanted=True),)
    offer = OfferView("totp", SECRET, f"otpauth://totp/{text()}", '<svg viewBox="0 0 1 1"><path d="M0 0"/></svg>')
    wrong = Problem(f"c{text()}", f"d{text()}", "totp/verify", 130)
    return {
        "dialogue": view(stepping_up=True),
        "dialogue with an error": view(stepping_up=True, problem=wrong),
        "dialogue with nothing to prove": view(stepping_up=True, shown=none),
        "dialogue for nobody": view(account=None, stepping_up=True, shown=none, sign_in="/login"),
        "sign-in": view(account=None, shown=sign_in, sign_in=f"/login?next={text()}"),
        "everything": view(done="enrolled"),
        "everything with an error": view(problem=Problem(f"c{text()}", f"d{text()}", f"p{text()}")),
        "offer": view(offer=offer, problem=Problem("wrong_code", "", "totp/enrol")),
        "offer again": view(offer=OfferView("totp", "", ""), problem=Problem("wrong_code", "", "totp/enrol")),
        "codes": view(codes=(f"c{text()}", f"c{text()}")),
    }


def _sessions(text: Text) -> tuple[SessionView, ...]:
    return (
        SessionView(f"h{text()}", NOW - 4000, NOW - 3, NOW + 4e4, current=True),
        SessionView(f"h{text()}", NOW - 90000, NOW - 3000, float("inf")),
    )


PAGES: Final = tuple(views(str))
