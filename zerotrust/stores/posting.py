"""Forms sent to endpoints that ask who we are, under way: bounded for each host, and shared by those who ask the same.

Nothing is kept: an answer goes to those who wait for it, and is gone.
"""

from __future__ import annotations

import ssl
from asyncio import Task
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import urlencode

from zerotrust.core.ask import Document, Post, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT, Reason
from zerotrust.stores.client import Message
from zerotrust.stores.health import Health
from zerotrust.stores.reply import PASSING, Answer, fields_of, request_headers
from zerotrust.wire.json import parse
from zerotrust.wire.url import Address, Hosts, parse_url

# Seconds after its deadline at which those who wait give it up: its thread or its loop must be gone.
_OVERDUE: Final = 0.25

# Seconds after its deadline at which a post is taken for lost, with the loop or thread that carried it. Until then it
# takes up room: a thread that hangs in a name look-up is still there.
_LOST: Final = 30.0

# By which a server, or what stands before it, says that it cannot answer now, whatever the question is. 500 may be
# about one question, and whoever knows such a question must not be able to have all others refused.
_AILING: Final = PASSING | {502, 503, 504}

# RFC 6749 section 5.2, RFC 6750 section 3.1: what of a refusal may be repeated. A closed list, lest a secret is in it.
_ERRORS: Final = frozenset(
    {
        "invalid_request", "invalid_client", "unauthorized_client", "access_denied", "invalid_token", "invalid_scope",
        "insufficient_scope", "unsupported_token_type", "temporarily_unavailable", "server_error",
    }
)  # fmt: skip
_EXPLAINED: Final = frozenset({400, 401, 403})
_NOT_US: Final = frozenset({"invalid_client", "unauthorized_client", "access_denied"})

_Key: TypeAlias = tuple[str, str | None, int, bytes]


class PostReply(Answer):
    """The answer to a form, without I/O: status 200 and JSON, or why not.

    Args:
        address: whose answer it is.
        limit: the most bytes of its body.
    """

    __slots__ = ("_address", "_status")

    def __init__(self, address: Address, limit: int) -> None:
        super().__init__(limit)
        self._address = address
        self._status = 200

    def head(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Judge a response's status and header fields; whether its body is to be read."""
        self._status = status
        fields = fields_of(headers)
        self._refused = fields if isinstance(fields, Reason) else self._unreadable(fields)
        return self._refused is None and (status == 200 or status in _EXPLAINED)

    def outcome(self) -> bytes | Reason:
        """The body, once there is nothing more to read."""
        body = self._whole()
        if self._status != 200:
            read = None if isinstance(body, Reason) else parse(body, limit=self._limit)
            error = read.get("error") if isinstance(read, dict) else None
            return self._failed(error if isinstance(error, str) and error in _ERRORS else "")
        if isinstance(body, Reason):
            return SOURCE_REFUSED(expected=body.expected, presented=body.presented, detail=self._address.authority)
        return body

    def _failed(self, error: str) -> Reason:
        status = self._status
        detail = self._address.authority
        if status == 401 or error in _NOT_US:
            detail += " does not accept us as a client: look at the id and the secret, key or certificate given for it"
        kind = SOURCE_DOWN if status in _AILING else SOURCE_REFUSED
        return kind(expected="status 200", presented=f"{status} {error}".rstrip(), detail=detail)


class _Lane:
    """Posts to one origin."""

    __slots__ = ("flying", "health")

    def __init__(self, health: Health) -> None:
        self.flying: int = 0
        self.health: Health = health


def _running() -> Future[Document | Reason | Exception]:
    landed: Future[Document | Reason | Exception] = Future()
    landed.set_running_or_notify_cancel()  # from here on no waiter who is cancelled can cancel it for the others
    return landed


@dataclass(slots=True, eq=False)
class Posting:
    """One post under way. Its repr shows nothing of what it carries.

    Attributes:
        ask: the question that caused it.
        address: where it goes.
        tls: what to connect with.
        began: the tick it began.
        deadline: the tick by which it must be over.
        landed: done when it is over: with the answer, the reason why there is none, or a bug.
        task: what carries it, where that is a task.
    """

    ask: Post
    address: Address
    tls: ssl.SSLContext = field(repr=False)
    began: float
    deadline: float
    lane: _Lane = field(repr=False)
    landed: Future[Document | Reason | Exception] = field(default_factory=_running, repr=False)
    task: Task[None] | None = field(default=None, repr=False)

    @property
    def message(self) -> Message:
        """What to send."""
        ask = self.ask
        content = urlencode(ask.content()).encode("ascii")
        return Message(
            "POST",
            [
                *request_headers(self.address),
                (b"Content-Type", b"application/x-www-form-urlencoded"),
                (b"Content-Length", str(len(content)).encode()),
                *((name.encode("ascii"), value.encode("ascii")) for name, value in ask.headers),
            ],
            content,
        )

    def reply(self) -> PostReply:
        """What judges the response."""
        return PostReply(self.address, self.ask.limit)


class Begun(NamedTuple):
    """Wait for `posting`; launch it first if `launch`."""

    posting: Posting
    launch: bool


class Posts:
    """What the two fetchers, blocking and async, have in common for posts. Thread-safe.

    Args:
        owner: the fetcher's class, for the log.
        most: how many may be under way to one origin at the same time.
        hosts: the only hosts to post to; None for any.
        timeout: seconds that one post may take.
        tls: what to connect with.
        certificates: what to connect with where a client certificate is asked for, by its name.
    """

    __slots__ = (
        "_certificates", "_closed", "_flying", "_hosts", "_lanes", "_lock", "_most", "_owner", "_shared", "_tls",
        "timeout",
    )  # fmt: skip

    def __init__(
        self,
        owner: str,
        *,
        most: int,
        hosts: Hosts | None,
        timeout: float,
        tls: ssl.SSLContext,
        certificates: Mapping[str, ssl.SSLContext],
    ) -> None:
        self._owner = owner
        self._most = most
        self._hosts = hosts
        self.timeout: float = timeout
        self._tls = tls
        self._certificates = dict(certificates)
        self._lock = Lock()
        self._lanes: dict[tuple[str, str, int], _Lane] = {}
        self._shared: dict[_Key, Posting] = {}
        self._flying: set[Posting] = set()
        self._closed = False

    def begin(self, ask: Post, tick: float) -> Begun:
        """What to wait for at `tick`. Who is told to launch must see to it that it lands.

        Raises:
            SourceFailed: the URL or the certificate will not do, too many are under way, or the host is left to rest.
        """
        address = parse_url(ask.url, self._hosts)
        if isinstance(address, Reason):
            raise SourceFailed(address)
        tls = self._context(ask, address)
        with self._lock:
            if self._closed:
                raise SourceFailed(SOURCE_DOWN(detail="the fetcher is closed"))
            key = _key(ask)
            known = None if key is None else self._shared.get(key)
            if known is not None and tick < known.deadline:
                return Begun(known, launch=False)
            lane = self._lane(address)
            if lane.flying >= self._most:
                self._sweep(tick)
            if lane.flying >= self._most:
                detail = f"{address.authority}: as many questions as may be are under way, {self._most}"
                raise SourceFailed(SOURCE_DOWN(detail=detail), retry_after=1.0)
            began = lane.health.admit("Post")
            lane.flying += 1
            posting = Posting(ask, address, tls, began, tick + self.timeout, lane)
            self._flying.add(posting)
            if key is not None:
                self._shared[key] = posting
            return Begun(posting, launch=True)

    def patience(self, posting: Posting, timeout: float, tick: float) -> float:
        """Seconds to wait for `posting`, of the `timeout` there are."""
        return max(0.0, min(timeout, posting.deadline + _OVERDUE - tick))

    def land(self, posting: Posting, outcome: bytes | Reason | BaseException) -> None:
        """`posting` is over; only the first time counts.

        An exception is a bug, which all who wait raise; any other `BaseException` means that it was cut short.
        """
        with self._lock:
            self._land(posting, outcome)

    def settle(self, posting: Posting) -> Document:
        """The answer for one who has waited for `posting`, landed or not.

        Raises:
            SourceFailed: there is none, or not in time.
        """
        late = SOURCE_TIMEOUT(detail=posting.address.authority)
        outcome = posting.landed.result() if posting.landed.done() else late
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, Reason):
            raise SourceFailed(outcome)
        return outcome

    def close(self) -> list[Posting]:
        """Let no post begin any more; those under way."""
        with self._lock:
            self._closed = True
            return list(self._flying)

    def _land(self, posting: Posting, outcome: bytes | Reason | BaseException) -> None:
        if posting not in self._flying:
            return
        self._flying.discard(posting)
        key = _key(posting.ask)
        if key is not None and self._shared.get(key) is posting:
            del self._shared[key]
        lane, ask = posting.lane, posting.ask
        lane.flying -= 1
        if isinstance(outcome, bytes):
            lane.health.done("Post", posting.began)
            posting.landed.set_result(Document(ask.url, outcome, ask.now))
        elif isinstance(outcome, Reason):
            lane.health.failed("Post", posting.began, outcome)
            posting.landed.set_result(outcome)
        else:
            lane.health.crashed("Post")
            cut = SOURCE_DOWN(detail="asking was cut short")
            posting.landed.set_result(outcome if isinstance(outcome, Exception) else cut)

    def _sweep(self, tick: float) -> None:
        for posting in list(self._flying):
            if tick >= posting.deadline + _LOST:
                self._land(posting, SOURCE_TIMEOUT(detail=posting.address.authority))

    def _lane(self, address: Address) -> _Lane:
        # Endpoints are configured, or named by metadata that is believed: there are as many as that, and no more.
        lane = self._lanes.get(address.origin)
        if lane is None:
            name = f"{self._owner} ({address.authority})"
            health = Health(name, lambda _: None, self.timeout, clock=monotonic)
            lane = self._lanes[address.origin] = _Lane(health)
        return lane

    def _context(self, ask: Post, address: Address) -> ssl.SSLContext:
        if ask.certificate is None:
            return self._tls
        context = self._certificates.get(ask.certificate)
        if context is None:
            write = f"{self._owner}(certificates={{{ask.certificate!r}: ('client.pem', 'client.key')}})"
            raise SourceFailed(SOURCE_REFUSED(expected=write, detail="no client certificate has this name"))
        if address.scheme != "https":
            raise SourceFailed(
                SOURCE_REFUSED(expected="https", presented=address.scheme, detail="for a client certificate")
            )
        return context


def _key(ask: Post) -> _Key | None:
    return None if ask.shared is None else (ask.url, ask.certificate, ask.limit, ask.shared)
