"""The ready ceremonies as one mountable set of routes, free of any framework."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final
from urllib.parse import quote

from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Gather, Lookup, Put
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.moments import minutes
from zerotrust.core.policy import AnyOf, Leaf, Policy, ask_instead
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Budget
from zerotrust.factors.account import Account
from zerotrust.sessions.carrier import Carrier
from zerotrust.sessions.cookie import SessionCookie
from zerotrust.sessions.cross_site import check_origins
from zerotrust.sessions.device import DeviceCookie
from zerotrust.sessions.framework import FrameworkSession
from zerotrust.verifiers.factor import FactorVerifier
from zerotrust.verifiers.passkey import Passkey
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.session_evidence import SessionEvidence
from zerotrust.web.answer import Answer
from zerotrust.web.ceremonies.browser import ceremony_cookie
from zerotrust.web.ceremonies.landing import landing
from zerotrust.web.ceremonies.routing import Routes
from zerotrust.web.ceremonies.setup import PATHS, Person, Setup, SignedIn

BUDGET: Final = Budget(asks=512)
"""What one ceremony may cost: whoever has many authenticators has each of them looked up, more than once."""

NEEDS: Final[tuple[type[Ask[Any]], ...]] = (Lookup, Put, Advance, ConsumeOnce, Count)
"""What ceremonies ask of a store."""

_RECENT: Final = minutes(5)


def _subject(account: Account) -> str:
    return account.subject


class Ceremonies:
    """Routes to enrol, prove, list, rename and remove factors, to manage sessions, and to get back in.

    One set for all: JSON for `zerotrust.js` and other clients, a page and plain forms for browsers without it. It is
    pure: `answering` gives the steps of one answer, which a door runs. What it requires itself are policies like any
    other.

    Args:
        session: what remembers what was proven.
        factors: those that can be enrolled and proven here, each `of` the session and of its own method; shown in this
            order.
        first: what whoever has nothing enrolled yet must show to enrol a first factor: the sign-in alone, if need be a
            recent one, `token.fresh(within=minutes(5))`. It counts for nobody who has enrolled anything.
        manage: what everybody else must show to enrol, rename or remove. Unless given, one of the factors within 5
            minutes; of whoever has a passkey, that or a recovery code, since other codes may be phished.
        at: the path that all is mounted at.
        name: of the application, for people.
        sign_in: the path of the application's own page for signing in; linked to where nobody is signed in.
        origins: origins of pages that may post here, besides the host's own and those of passkeys.
        person: says what a person calls an account, an e-mail address say; authenticators show it. The subject unless
            given.
        devices: tells browsers in which somebody has proven a factor before, whose wrong codes are counted apart:
            `DeviceCookie(keys)`. Unless given, one whose key comes from the secret of the passkey.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    __slots__ = ("_routes", "_setup")

    def __init__(
        self,
        session: Session,
        *factors: FactorVerifier,
        first: Policy,
        manage: Policy | None = None,
        at: str = "/auth",
        name: str,
        sign_in: str = "",
        origins: Collection[str] = (),
        person: Person = _subject,
        devices: DeviceCookie | None = None,
    ) -> None:
        if not isinstance(session, Session):
            raise ConfigError(f"Ceremonies takes the session first, Session(of=token), not {session!r}")
        by_path = _by_path(session, factors)
        for what, policy in (("first", first), ("manage", manage)):
            if not isinstance(policy, Policy | None) or (policy is None and what == "first"):
                asked = ask_instead(policy) or f"{session!r}.age(at_most=minutes(5))"
                raise ConfigError(f"{what} takes a policy, e.g. {asked}, not {policy!r}")
        signed_in = Leaf(session, SignedIn())
        proven = tuple(factor.within(_RECENT) for factor in by_path.values())
        strong = tuple(one.within(_RECENT) for one in by_path.values() if one.method in ("passkey", "recovery_code"))
        recent = _any(proven) if manage is None else manage
        guarded = _any(strong or proven) if manage is None else manage
        if not isinstance(name, str) or not name.strip():
            raise ConfigError(f"name={name!r}: write what people call the application")
        if not callable(person):
            raise ConfigError(f"person={person!r}: write a function of an Account, such as lambda account: ...")
        carrier = session.carrier
        local = _is_local(carrier)
        pages = [origin for factor in factors if isinstance(factor, Passkey) for origin in factor.rp.origins]
        taken = carrier.origins if isinstance(carrier, SessionCookie | FrameworkSession) else frozenset[str]()
        _check_pages(pages, taken, carrier)
        self._setup = Setup(
            session,
            by_path,
            signed_in,
            _there(signed_in, first, "first"),
            _there(signed_in, recent, "manage"),
            signed_in & guarded,
            _path(at, "at").rstrip("/"),
            name.strip(),
            _path(sign_in, "sign_in") if sign_in else "",
            check_origins(origins) | check_origins(pages) | taken,
            person,
            ceremony_cookie(carrier.name, http_on_localhost=local),
            _devices(devices, by_path, local),
        )
        self._routes = Routes(self._setup)

    @property
    def at(self) -> str:
        """The path that all is mounted at, without a slash at its end."""
        return self._setup.at

    @property
    def setup(self) -> Setup:
        """What was configured, checked."""
        return self._setup

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The policies that are decided here, for a door to check what they need."""
        return (self._setup.first, self._setup.manage, self._setup.guarded)

    def below(self, root: str) -> str:
        """The path that all is mounted at, as it stands in URLs where the application is mounted at `root`."""
        mount = quote(root.rstrip("/") + self._setup.at)
        return mount if landing(mount) else self._setup.at

    def answering(self, request: AccessRequest, body: bytes = b"", root: str = "") -> Gather[Answer]:
        """The answer to one request, as a generator of asks for a driver to run, under `BUDGET`.

        Args:
            request: what came in, its whole path included.
            body: its body, of at most `MOST_BODY` bytes; with more it is refused.
            root: where the application, or what serves this, is mounted (`root_path`, `SCRIPT_NAME`); empty if at the
                root.

        Returns:
            The answer, to whatever was asked: a failing store is answered with 503.
        """
        return self._routes.answering(request, body, root)

    def __repr__(self) -> str:
        return f"<Ceremonies at {self._setup.at}>"


def _by_path(session: Session, factors: tuple[FactorVerifier, ...]) -> dict[str, FactorVerifier]:
    if not factors:
        raise ConfigError("Ceremonies has no factors; write Ceremonies(session, passkey, totp, codes, ...)")
    found: dict[str, FactorVerifier] = {}
    for factor in factors:
        if not isinstance(factor, FactorVerifier):
            raise ConfigError(f"Ceremonies takes factors, such as Totp(...), after the session, not {factor!r}")
        if factor.of is not session:
            raise ConfigError(f"{factor!r} is not of this session; write of={session!r} where it is made")
        path = PATHS.get(factor.method)
        if path is None or path in found:
            raise ConfigError(f"{factor!r} is a second factor proven by {factor.method}; ceremonies take one of each")
        found[path] = factor
    return found


def _any(policies: tuple[Policy, ...]) -> Policy:
    return policies[0] if len(policies) == 1 else AnyOf(policies)


def _check_pages(pages: list[str], taken: frozenset[str], carrier: Carrier) -> None:
    """One of the origins is that of the host itself; from any other, posts have no session unless that takes them."""
    others = sorted(check_origins(pages) - taken)
    if len(others) > 1:
        raise ConfigError(
            f"pages of {', '.join(others)} use passkeys, but only those of the host itself may post with a session; "
            f"write Session(..., cookie={type(carrier).__name__}(..., origins={others!r}))"
        )


def _devices(given: DeviceCookie | None, factors: dict[str, FactorVerifier], local: bool) -> DeviceCookie | None:
    if given is not None:
        if not isinstance(given, DeviceCookie):
            raise ConfigError(f"devices takes DeviceCookie(keys), not {type(given).__name__}")
        return given
    for factor in factors.values():
        if isinstance(factor, Passkey):
            key = factor.challenges(_RECENT).imaginary(Account("", ""), b"device cookie")  # of nobody: a use of its own
            return DeviceCookie(key, http_on_localhost=local)
    raise ConfigError(
        "who guesses codes elsewhere must not keep the owner out (SP 800-63B-4 section 3.2.2), so a cookie tells which "
        "browsers are known; here is no passkey, from whose secret its key could come: write "
        "devices=DeviceCookie(secret) with a secret that `zerotrust store key` makes, the same on all servers"
    )


def _there(signed_in: Leaf[SessionEvidence], policy: Policy, what: str) -> Policy:
    """`policy`, of somebody who is there."""
    try:
        return signed_in & policy
    except PolicyError:
        session = signed_in.verifier
        whom = f"{session!r}" if session.of is None else f"{session!r} or {session.of!r}"
        raise PolicyError(
            f"{what}={policy!r} may be about somebody else than {session!r} is; ask {whom}, e.g. "
            f"{what}={session!r}.age(at_most=minutes(5))"
        ) from None


def _is_local(carrier: Carrier) -> bool:
    """Whether the session is carried over plain http on this machine, in development."""
    return any(getattr(carrier, name, False) is True for name in ("http_on_localhost", "_plain"))


def _path(value: str, what: str) -> str:
    if not isinstance(value, str) or landing(value) != value or value in ("", "/") or set("?#%") & set(value):
        meant = f"/{value.strip('/')}" if isinstance(value, str) else ""
        good = len(meant) > 1 and landing(meant) == meant and not set("?#%{}:") & set(meant)
        usual = "/login" if what == "sign_in" else "/auth"
        raise ConfigError(f"{what}={value!r}: write a path of this application, such as {meant if good else usual}")
    return value
