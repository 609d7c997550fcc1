"""Which path and method is which ceremony. Paths are compared whole: what is not in the table is not there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final, TypeAlias
from urllib.parse import quote

from zerotrust.core.ask import Gather, SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.verifiers.factor import FactorVerifier
from zerotrust.verifiers.one_time_password import OneTimePassword
from zerotrust.verifiers.passkey import Passkey
from zerotrust.verifiers.recovery_codes import RecoveryCodes
from zerotrust.web.answer import Answer
from zerotrust.web.ceremonies import codes, managing, passkeys, recovery, replies, sessions
from zerotrust.web.ceremonies.files import static_files
from zerotrust.web.ceremonies.forgery import forged
from zerotrust.web.ceremonies.home import home
from zerotrust.web.ceremonies.landing import landing
from zerotrust.web.ceremonies.page import page
from zerotrust.web.ceremonies.reading import Posted, read
from zerotrust.web.ceremonies.rendering import as_json, as_page, out_of_order
from zerotrust.web.ceremonies.setup import Outcome, Setup, Visit
from zerotrust.web.ceremonies.telling import tell_elsewhere, tell_outcome
from zerotrust.web.continuing import beside

Handler: TypeAlias = Callable[[Visit], Gather[Outcome]]

_READS: Final = ("GET", "HEAD")
_NOTHING: Final = Posted({}, form=False)
_NO_SUCH: Final = (404, "not_found", "there is no such ceremony")


class Routes:
    """Everything that is served.

    Args:
        setup: how the ceremonies are configured.
    """

    __slots__ = ("_files", "_posting", "_reading", "_setup")

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._files = static_files()
        self._reading: dict[str, Handler] = {"factors": managing.factors, "sessions": sessions.sessions}
        self._posting: dict[str, Handler] = {
            "factors/rename": managing.rename,
            "factors/remove": managing.remove,
            "sessions/revoke": sessions.revoke,
            "sign-out": sessions.sign_out,
        }
        for path, factor in setup.factors.items():
            self._posting.update({f"{path}/{name}": handler for name, handler in _of(factor).items()})

    def answering(self, request: AccessRequest, body: bytes, root: str) -> Gather[Answer]:
        """The answer to one request; never an exception that a source has caused."""
        placed = _placed(request.path, root, self._setup.at)
        if placed is None:
            tell_elsewhere(self._setup.at, root)
            return replies.problem(404, "not_found", f"{_NO_SUCH[2]}: all of them are below {self._setup.at}")
        at, path = placed
        visit = Visit(self._setup, request, at, path, _NOTHING)
        if request.method in _READS:
            answer = yield from self._read(visit)
            answer = answer if request.method == "GET" else replies.without_body(answer)
        elif request.method == "POST":
            answer = yield from self._post(visit, body)
        else:
            answer = self._wrong_method(path)
        return replace(answer, headers=(*answer.headers, *beside(answer.headers, tuple(visit.renewals))))

    def _read(self, visit: Visit) -> Gather[Answer]:
        path = visit.path
        if path in self._files:
            return self._files[path].answer(visit.request)
        try:
            if not path:
                return replies.page_answer(page((yield from home(visit))), 200, (), "page")
            if path in self._reading:
                outcome = yield from self._reading[path](visit)
                tell_outcome(visit, outcome)
                return (yield from as_json(visit, outcome))
        except SourceFailed as failure:
            return replies.outage(failure) if path else out_of_order(visit, failure)
        return self._wrong_method(path)

    def _post(self, visit: Visit, body: bytes) -> Gather[Answer]:
        handler = self._posting.get(visit.path)
        if handler is None:
            return self._wrong_method(visit.path)
        forgery = forged(visit.request, self._setup.origins)
        if forgery is not None:
            tell_outcome(visit, forgery)
            return replies.refused(forgery)
        posted = read(visit.request, body)
        if posted is None:
            return replies.problem(415, "unsupported_media_type", "JSON or a form is expected")
        if isinstance(posted, Reason):
            tell_outcome(visit, posted)
            return replies.refused(posted)
        visit = replace(visit, posted=posted)
        try:
            outcome = yield from handler(visit)
            tell_outcome(visit, outcome)
            return (yield from (as_page if posted.form else as_json)(visit, outcome))
        except SourceFailed as failure:
            return out_of_order(visit, failure) if posted.form else replies.outage(failure)

    def _wrong_method(self, path: str) -> Answer:
        if not path or path in self._reading or path in self._files:
            allow = b"GET, HEAD"
        elif path in self._posting:
            allow = b"POST"
        else:
            return replies.problem(*_NO_SUCH)
        return replies.problem(405, "method_not_allowed", "another method is expected", ((b"allow", allow),))


def _placed(path: str, root: str, at: str) -> tuple[str, str] | None:
    """The mount as it stands in URLs, and the part of `path` below it; None if it is not below it.

    Whatever mounts an application says in `root` where: of the whole, with `at` still to come, or of these very routes.
    A server may leave it out of the path.
    """
    for above in (root, root.removesuffix(at), ""):
        mount = above.rstrip("/") + at
        if path == mount or path.startswith(f"{mount}/"):
            shown = quote(mount)
            return (shown, path[len(mount) + 1 :]) if landing(shown) else None
    return None


def _of(factor: FactorVerifier) -> dict[str, Handler]:
    """The ceremonies of one factor, by the rest of the path."""
    if isinstance(factor, Passkey):
        return {
            "options": partial(passkeys.options, passkey=factor),
            "verify": partial(passkeys.verify, passkey=factor),
            "enrol/options": partial(passkeys.enrol_options, passkey=factor),
            "enrol": partial(passkeys.enrol, passkey=factor),
        }
    if isinstance(factor, RecoveryCodes):
        return {
            "verify": partial(recovery.verify, codes=factor),
            "regenerate": partial(recovery.regenerate, codes=factor),
        }
    if isinstance(factor, OneTimePassword):
        return {
            "verify": partial(codes.verify, factor=factor),
            "enrol/options": partial(codes.enrol_options, factor=factor),
            "enrol": partial(codes.enrol, factor=factor),
        }
    raise ConfigError(f"{factor!r}: there is no ready ceremony for what is proven by {factor.method}")
