"""The page: what it shows to whoever is there."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import parse_qsl, quote

from zerotrust.core.ask import Gather, SourceFailed
from zerotrust.core.finding import Unavailable
from zerotrust.factors.enrolled import Enrolled
from zerotrust.web.ceremonies.landing import landing
from zerotrust.web.ceremonies.requirements import good, knowing, listing
from zerotrust.web.ceremonies.sessions import viewing as sessions_of
from zerotrust.web.ceremonies.setup import PATHS, Known, Refused, Visit
from zerotrust.web.ceremonies.view import FactorView, OfferView, PageView, Problem, SessionView

_MOST_QUERY = 8 * 1024
_MOST_FIELDS = 16


def asked(visit: Visit) -> dict[str, str]:
    """The fields of the query; none if it is none. Of one that comes twice, neither."""
    query = visit.request.query
    if len(query) > _MOST_QUERY:
        return {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}
    names = [name for name, _ in pairs]
    return {name: value for name, value in pairs if names.count(name) == 1}


def viewing(
    visit: Visit,
    *,
    next: str = "",  # noqa: A002 - as in the URL
    wanted: Collection[str] = (),
    stepping_up: bool = False,
    problem: Problem | None = None,
    offer: OfferView | None = None,
    codes: tuple[str, ...] = (),
    done: str = "",
    verified: bool = False,
) -> Gather[PageView]:
    """What to show to whoever is there."""
    setup = visit.setup
    known = yield from knowing(visit)
    if isinstance(known, Refused):
        _be_sure(known)
    here = known if isinstance(known, Known) else None
    enrolled: tuple[Enrolled, ...] = ()
    sessions: tuple[SessionView, ...] = ()
    if here is not None:
        enrolled = yield from listing(visit, here.account)
        sessions = yield from sessions_of(visit, here)
    factors: list[FactorView] = []
    for path, factor in setup.factors.items():
        own = tuple(one for one in enrolled if one.method == factor.method)
        signing_in = here is None and setup.session.of is None and factor.method == "passkey"
        named = not wanted or factor.method in wanted or path in wanted
        factors.append(FactorView(factor.method, path, own, bool(good(own)) or signing_in, here is not None, named))
    return PageView(
        at=visit.at,
        name=setup.name,
        now=visit.now,
        account=None if here is None else setup.person(here.account),
        next=next,
        stepping_up=stepping_up,
        factors=tuple(factors),
        sessions=sessions,
        sign_in=_sign_in(visit, next) if here is None else "",
        offer=offer,
        codes=codes,
        problem=problem,
        done=done,
        verified=verified,
    )


def _be_sure(refused: Refused) -> None:
    """Raise `SourceFailed` where it cannot be told that nobody is there: a page that says to sign in would be wrong."""
    for found in refused.decision.findings.values():
        if isinstance(found, Unavailable):
            raise SourceFailed(found.reason, found.retry_after)


def home(visit: Visit) -> Gather[PageView]:
    """The page as its URL says."""
    fields = asked(visit)
    following = landing(fields.get("next"))
    methods = set(PATHS) | set(PATHS.values())
    wanted = [one for one in fields.get("for", "").split(",") if one in methods]
    return (
        yield from viewing(
            visit,
            next=following,
            wanted=wanted,
            stepping_up=bool(following or wanted),
            done=fields.get("done", ""),
            verified=fields.get("verified") == "passkey",
        )
    )


def _sign_in(visit: Visit, following: str) -> str:
    where = visit.setup.sign_in
    if not where:
        return ""
    # Not the page that asks for more: whether anything more is needed, whoever guards `following` knows.
    return f"{where}?next={quote(following or f'{visit.at}/', safe='')}"
