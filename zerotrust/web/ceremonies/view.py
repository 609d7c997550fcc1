"""What the page shows: plain data, made by the ceremonies and rendered by the page. Nothing in it is HTML but one SVG.

Forms need no hidden token against forgery: what is posted is believed only from the page's own origin, which the
browser tells (`Origin`, `Sec-Fetch-Site`). All addresses are below `PageView.at`; every form posts to one of the paths
named here, as `application/x-www-form-urlencoded`, and sends `next` along where there is one.

| form posts to         | fields                | of                                    |
|-----------------------|-----------------------|---------------------------------------|
| `{path}/verify`       | `code`, `next`        | `FactorView` with `can_prove`         |
| `{path}/enrol/options`| `next`                | `FactorView` with `can_enrol`, no codes|
| `{path}/enrol`        | `code`, `name`, `next`| `OfferView`                           |
| `recovery/regenerate` | `next`                | the `FactorView` of recovery codes    |
| `factors/rename`      | `method`, `id`, `name`| `Enrolled`                            |
| `factors/remove`      | `method`, `id`        | `Enrolled`                            |
| `sessions/revoke`     | `handle`, or `all=true`| `SessionView`                        |
| `sign-out`            |                       | where `account` is not None           |

Passkeys need the script; their forms are for it alone. A view is shown at any of those paths too, with an error or
what was made, so links in it must be absolute (`at` in front).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from zerotrust.factors.enrolled import Enrolled
from zerotrust.factors.proof import Method


@dataclass(frozen=True, slots=True)
class FactorView:
    """One kind of factor that can be used here.

    Attributes:
        method: how it is proven.
        path: its part of the paths: `passkey`, `totp`, `hotp` or `recovery`.
        enrolled: the account's authenticators of this kind, the oldest first; for recovery codes at most one entry,
            whose `left` says how many there are.
        can_prove: whether the person can prove it now: one is enrolled, or it is a passkey and nobody is signed in.
        can_enrol: whether the person may try to enrol one, or to make new codes; the answer may still be that a factor
            has to be proven before.
        wanted: whether the way that led here asks for it (`?for=`); all of what can be proven, if it asks for nothing.
    """

    method: Method
    path: str
    enrolled: tuple[Enrolled, ...] = ()
    can_prove: bool = False
    can_enrol: bool = True
    wanted: bool = False


@dataclass(frozen=True, slots=True)
class SessionView:
    """One session of the account; times in POSIX seconds.

    Attributes:
        handle: names it in requests; not a secret.
        current: whether it is that of this very browser.
    """

    handle: str
    started_at: float
    seen_at: float
    ends_at: float
    current: bool = False


@dataclass(frozen=True, slots=True)
class OfferView:
    """A secret that waits to be enrolled: shown once, with a form for the first code.

    Attributes:
        path: `totp` or `hotp`.
        secret: for typing in, base32; empty where it was shown before, and its first code was not right.
        uri: the `otpauth:` URI, e.g. as a link on a phone.
        svg: the same as a QR code, a complete `<svg>` element that is safe to put into the page; empty if there is
            none.
    """

    path: str
    secret: str = field(repr=False)
    uri: str = field(repr=False)
    svg: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, for the person.

    Attributes:
        code: the stable name of the reason, e.g. `wrong_code`; the page may have better words for it than `detail`.
        detail: a sentence.
        path: the form it belongs to, e.g. `totp/verify`; empty if to none.
        retry_after: seconds to wait before another attempt; None if there is nothing to wait for.
    """

    code: str
    detail: str
    path: str = ""
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class PageView:
    """All that one page shows.

    Which parts: `offer` or `codes` if there is one; else the dialogue if `stepping_up` (prove one of the wanted
    factors, then go on to `next`); else everything: factors to manage, and sessions.

    Attributes:
        at: the path that all is mounted at, e.g. `/auth`; without a slash at its end.
        name: of the application.
        now: the moment of the page, POSIX seconds.
        account: the subject that is signed in; None if nobody is.
        next: where the person was going: a path of this origin with its query; empty if nowhere.
        stepping_up: whether the person was led here to prove something.
        factors: the kinds of factor that can be used here, in the order to show them.
        sessions: the account's sessions, the current one first.
        sign_in: the application's own page for signing in, with where to come back to; empty if there is none.
        offer: a secret to enrol; None if none was asked for.
        codes: recovery codes that were just made, shown this once; empty otherwise.
        problem: what went wrong; None if nothing did.
        verified: whether only a passkey will do whose authenticator verifies its user; the page says so if it did not.
        done: what was just done, one of `proven`, `enrolled`, `renamed`, `removed`, `revoked` and
            `signed_out`; anything else, which a link may say, is nothing.
    """

    at: str
    name: str
    now: float
    account: str | None = None
    next: str = ""
    stepping_up: bool = False
    factors: tuple[FactorView, ...] = ()
    sessions: tuple[SessionView, ...] = ()
    sign_in: str = ""
    offer: OfferView | None = None
    codes: tuple[str, ...] = field(default=(), repr=False)
    problem: Problem | None = None
    done: str = ""
    verified: bool = False
