"""Signing people in and out in an application's own handlers: with a password, say, that the application itself checks.

What goes wrong by hand is seen to here: a form that another site posts (login CSRF, CWE-352), a session that was there
before (fixation, CWE-384), a `next` that leads elsewhere (CWE-601), and a cookie that never gets to the browser.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from zerotrust.core.ask import Gather, SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.evidence import Evidence
from zerotrust.core.reason import BAD_SESSION
from zerotrust.core.request import AccessRequest
from zerotrust.driver import NO_SOURCES, Sources, check_sources, run_async
from zerotrust.factors.account import Account
from zerotrust.factors.proof import Proof
from zerotrust.sessions.carrier import Headers
from zerotrust.sessions.cookie import SessionCookie
from zerotrust.sessions.cross_site import check_origins, is_loopback
from zerotrust.sessions.record import SessionRecord
from zerotrust.starlette.late import refused
from zerotrust.verifiers.session import Session
from zerotrust.web.asgi_request import access_request
from zerotrust.web.ceremonies import replies
from zerotrust.web.ceremonies.forgery import forged
from zerotrust.web.ceremonies.landing import landing
from zerotrust.web.clock import check_clock
from zerotrust.web.peers import Peers
from zerotrust.web.wired import check_peers

T = TypeVar("T")

# What browsers send for links, pictures and pages fetched in advance, from whatever site, with the cookies of this one.
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

# Whoever sends a request says the host, so it is no mistake of the application.
_DEVELOPMENT: Final = BAD_SESSION(expected="a request to localhost", detail="a cookie for development")


async def sign_in(
    request: Request,
    response: Response,
    session: Session,
    account: Account,
    *,
    sources: Sources,
    proofs: Sequence[Proof] = (),
    about: Evidence | None = None,
    origins: Collection[str] = (),
    peers: Peers | None = None,
    clock: Callable[[], float] = time.time,
) -> SessionRecord:
    """Begin a session of `account`, whom the caller knows to be there, and have `response` carry its cookie.

    Whatever session this browser had before ends. A post counts only if the browser says that a page of this host sent
    it, or of one of the `origins` of the session's cookie: by `Origin`, or by `Sec-Fetch-Site: same-origin`. All else
    is refused by an exception, so that nobody is signed in by a caller that looks at no result.

    Args:
        request: the post that signs in.
        response: what the handler answers with: the one it returns itself, or FastAPI's `response: Response` where it
            returns something else. It gets the cookie, and `Cache-Control: no-store` unless it has another.
        session: what remembers it.
        account: who signed in. Its source is that of the session, or of what the session is `of`.
        sources: what the guard has: a store that keeps sessions.
        proofs: the factors that were proven just now, e.g. `[Proof("password", clock(), "password")]`.
        about: what the verifier found that the session is `of`: `access[token]`.
        origins: further origins whose pages may post here, such as `https://admin.example.com`.
        peers: as the guard has it; for a session with `bound_to=` alone.
        clock: tells the time in POSIX seconds; the guard's.

    Returns:
        What the session remembers.

    Raises:
        starlette.exceptions.HTTPException: 403 `cross_site` where no page of ours sent the request; 503 where the store
            does not answer; 400 `bad_session` for another host than localhost, where the session's cookie is for
            development. Then nobody was signed in.
        ConfigError: a mistake in the application, among them a handler for GET: any page may have browsers send that.
    """
    asked = _own_post("sign_in", request, response, session, origins, peers, check_clock(clock)())
    steps = session.beginning(account, asked, proofs=proofs, about=about)
    begun = await _stepping(request, steps, _ready("sign_in", session, sources))
    _carry(response, begun.headers)
    return begun.record


async def sign_out(
    request: Request,
    response: Response,
    session: Session,
    *,
    sources: Sources,
    origins: Collection[str] = (),
    clock: Callable[[], float] = time.time,
) -> None:
    """End the session of this browser, if it has one, and have `response` take its cookie away.

    Args:
        request: the post that signs out.
        response: as for `sign_in`.
        session: what remembers it.
        sources: what the guard has: a store that keeps sessions.
        origins: as for `sign_in`.
        clock: tells the time in POSIX seconds; the guard's.

    Raises:
        starlette.exceptions.HTTPException: 403 `cross_site`, or 503 where the store does not answer: nothing ended.
        ConfigError: as for `sign_in`.
    """
    asked = _own_post("sign_out", request, response, session, origins, None, check_clock(clock)())
    headers = await _stepping(request, session.ending(asked), _ready("sign_out", session, sources))
    _carry(response, headers)


def safe_next(text: object, default: str = "/") -> str:
    """Where to send somebody who wanted to go to `text`: there if it is a path of this very origin, else to `default`.

    Args:
        text: what came in the query or form, e.g. `request.query_params.get("next")`: anything.
        default: the path to go to where `text` is none.

    Returns:
        A path with its query and fragment, at most 2048 characters of ASCII: without an authority, a backslash, a
        control character, a dot segment or an encoded slash in it, however they are spelled.

    Raises:
        ConfigError: `default` is no such path.
    """
    if not landing(default):
        raise ConfigError(f"default={default!r}: write a path of this origin, such as /")
    return landing(text) or default


def _own_post(
    what: str,
    request: Request,
    response: Response,
    session: Session,
    origins: Collection[str],
    peers: Peers | None,
    now: float,
) -> AccessRequest:
    """`request` as sessions take it, if a page of ours sent it to change something; else it raises what to answer."""
    if not isinstance(request, Request) or not isinstance(response, Response):
        given = f"{type(request).__name__} and {type(response).__name__}"
        raise ConfigError(f"{what} takes a Request, a Response and the Session, not {given}")
    if not isinstance(session, Session):
        raise ConfigError(f"{what} takes the Session third, not {session!r}")
    if request.method in _READING:
        raise ConfigError(f"{what} is for POST: any page can have a browser send {request.method}, cookies included")
    asked = access_request(request.scope, now, NO_SOURCES, check_peers(peers))
    carrier = session.carrier
    pages = check_origins(origins) | check_origins(getattr(carrier, "origins", ()))
    refusal = forged(asked, pages)
    if isinstance(carrier, SessionCookie) and carrier.http_on_localhost and not is_loopback(asked.host):
        refusal = _DEVELOPMENT
    if refusal is not None:
        raise refused(request.scope, replies.refused(refusal))
    return asked


def _ready(what: str, session: Session, sources: Sources) -> Sources:
    """`sources`, if they answer what `session` asks."""
    answering = check_sources(sources).require("async")
    for kind in session.needs:
        if not answering.answers(kind):
            raise ConfigError(
                f"{what}: no source answers {kind.__name__}; give the guard's sources, with a store such as "
                "AsyncRedisStore(url) or MemoryStore()"
            )
    return answering


async def _stepping(request: Request, steps: Gather[T], sources: Sources) -> T:
    try:
        return await run_async(steps, sources)
    except SourceFailed as failure:
        raise refused(request.scope, replies.outage(failure)) from failure


def _carry(response: Response, headers: Headers) -> None:
    response.raw_headers.extend(headers)
    response.headers.setdefault("cache-control", "no-store")
