"""Typed questions to the world. A verifier yields them; a driver has them answered, blocking or async.

`answer = yield from ask(ConsumeOnce(...))` is a `bool` to the type checker. A source that cannot answer makes the
driver throw `SourceFailed` in at the yield; a verifier need not catch it: the engine turns it into `Unavailable`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar, cast

from zerotrust.core.reason import Reason

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask(Generic[T]):
    """A question whose answer is a `T`."""


@dataclass(frozen=True, slots=True)
class Document:
    """A fetched document.

    Attributes:
        url: where it was asked for.
        body: its bytes, bounded by the `limit` of the question.
        fetched_at: the `now` of the request that caused the fetch, POSIX seconds.
    """

    url: str
    body: bytes
    fetched_at: float


@dataclass(frozen=True, slots=True)
class Fetch(Ask[Document]):
    """Read a public document over https (http on loopback only, or `signed`); answers may come from a cache.

    Attributes:
        url: the absolute URL.
        now: the moment of the request, POSIX seconds; freshness is judged by it.
        newer_than: POSIX seconds; a document fetched at or before this moment has been seen and did not help, so
            fetch again if the source's own rate limit allows it, and give the old one otherwise.
        limit: the most bytes of body to read.
        unusable: says why a body is of no use, None if it is good; one that is of no use never takes the place of
            one that is. A function with equality, so that equal questions share an answer; None if any JSON will do.
        signed: the media types of a document that carries a signature, by which whoever asks judges it; empty if it
            is JSON. Of such a one it does not matter how it came, so that plain http will do.
    """

    url: str
    now: float
    newer_than: float = float("-inf")
    limit: int = 512 * 1024
    unusable: Callable[[bytes], Reason | None] | None = None
    signed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Post(Ask[Document]):
    """Send a form to an endpoint that asks who we are, over https (http on loopback only), and read its JSON answer.

    It is sent once, redirects are not followed, and the answer never comes from a cache. Any status but 200 is a
    failure of the source. What it carries is secret, and shows in no repr.

    Attributes:
        url: the absolute URL.
        form: names and values, to be sent as `application/x-www-form-urlencoded`.
        now: the moment of the request, POSIX seconds.
        headers: header fields to send besides those that HTTP needs, in ASCII.
        certificate: what the source calls the client certificate to connect with; None for none.
        limit: the most bytes of the answer to read.
        shared: posts to one `url` with the same `shared` that are under way at the same time ask the same thing, and
            one answer serves them all; None if each is to be sent.
        sign: makes what the form has besides and is costly, a signed assertion; a source calls it only if it sends
            this very post. None if there is nothing.
    """

    url: str
    form: tuple[tuple[str, str], ...] = field(repr=False)
    now: float
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    certificate: str | None = None
    limit: int = 64 * 1024
    shared: bytes | None = field(default=None, repr=False)
    sign: Callable[[], tuple[tuple[str, str], ...]] | None = field(default=None, repr=False, compare=False)

    def content(self) -> tuple[tuple[str, str], ...]:
        """The form as it is to be sent, with what is signed. New each time."""
        return self.form if self.sign is None else self.form + self.sign()


@dataclass(frozen=True, slots=True)
class Lookup(Ask[bytes | None]):
    """Read the value kept under `key` in the space `kind`; None if there is none or it has expired by `now`.

    Attributes:
        kind: the space, a constant of the verifier.
        key: what the value is kept under; stores see its digest only.
        now: the moment of the request, POSIX seconds.
        secret: whether only a value put with `secret` will do; anything else fails with `source_refused`.
    """

    kind: str
    key: bytes
    now: float
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Put(Ask[None]):
    """Keep `value` under `key` in the space `kind` until `until`, whatever was there. It never shows.

    Attributes:
        kind: the space, a constant of the verifier.
        key: what the value is kept under; stores see its digest only.
        value: the value, None to forget what is there.
        until: when it expires, POSIX seconds; infinity for never.
        now: the moment of the request, POSIX seconds.
        secret: whether the store has to encrypt it.
        announce: whether those who subscribed to `kind` are told that `key` has changed.
    """

    kind: str
    key: bytes
    value: bytes | None = field(repr=False)
    until: float
    now: float
    secret: bool = False
    announce: bool = False


@dataclass(frozen=True, slots=True, init=False)
class ConsumeOnce(Ask[bool]):
    """Mark `key` used in `space` until `until` (POSIX seconds). True for exactly one asker, False for every other.

    After `until` a mark may or may not be there: what carries it must have expired by then.
    """

    space: str
    key: bytes
    until: float
    now: float

    def __init__(self, space: str, key: bytes, until: float, now: float) -> None:
        # By hand, on the path of requests that are good once: what a frozen dataclass generates takes twice as long.
        _put_space(self, space)
        _put_key(self, key)
        _put_until(self, until)
        _put_now(self, now)


def _put(name: str) -> Callable[[ConsumeOnce, object], None]:
    """What fills one slot of an instance that is being made, past the refusal of a frozen class."""
    fill: Callable[[ConsumeOnce, object], None] = getattr(ConsumeOnce, name).__set__
    return fill


_put_space, _put_key, _put_until, _put_now = _put("space"), _put("key"), _put("until"), _put("now")


@dataclass(frozen=True, slots=True)
class Advance(Ask[bool]):
    """Replace `old` (None: nothing) by `new` under `key` in `kind`, atomically; False if it was not `old`.

    What has expired by `now` counts as nothing. A value that was put with `secret` equals no `old`. None of them shows.
    """

    kind: str
    key: bytes
    old: bytes | None = field(repr=False)
    new: bytes = field(repr=False)
    until: float
    now: float


@dataclass(frozen=True, slots=True)
class Count(Ask[int]):
    """Count `add` events under `key` in `space`, and say how many there were in the last `window` seconds, these too.

    The answer may take in events up to an eighth of a window older than that; it never leaves one out that is in the
    window. So a limit may hold a little longer than it says, never shorter.

    Attributes:
        space: the space, a constant of the verifier.
        key: what is counted for, an address or a subject; stores see its digest only.
        window: the length of the window, seconds.
        now: the moment of the request, POSIX seconds.
        add: how many events to add; 0 to look only.
    """

    space: str
    key: bytes
    window: float
    now: float
    add: int = 1


@dataclass(frozen=True, slots=True)
class ReadBody(Ask[bytes | Reason]):
    """Read the body of the very request that is decided on. Only the door it came through can answer.

    It is read when this is asked and not before, within the budget of the decision; what the request is for gets the
    same body afterwards. The answer is all of it, without what `Content-Encoding` says undone; or a reason: `too_large`
    if it is longer than `limit`, `malformed` if it ended early.

    Attributes:
        limit: the most bytes to read.
    """

    limit: int = 64 * 1024


class SourceFailed(Exception):
    """A source did not give a usable answer. Raised by sources and thrown by drivers into verifiers.

    Args:
        reason: one of the `source_*` kinds, `no_source` or `budget_spent`.
        retry_after: seconds after which asking again may help.
    """

    def __init__(self, reason: Reason, retry_after: float = 5.0) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.retry_after = retry_after


# What a verifier that needs the world returns: asks go out, answers come in. Answers are untyped only in here; `ask`
# gives each caller the type its question declares.
Gather: TypeAlias = Generator[Ask[Any], Any, T]


def ask(question: Ask[T]) -> Gather[T]:
    """Have the driver answer `question`; the answer has the type that the question declares."""
    return cast("T", (yield question))
