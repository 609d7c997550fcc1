"""What `store` promises, as checks that can be run: each is a sentence and what has to hold for it."""

from __future__ import annotations

from itertools import zip_longest
from math import inf, nan
from time import perf_counter
from typing import Final

from zerotrust.core.ask import Advance, ConsumeOnce, Count, Lookup, Put, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_TIMEOUT
from zerotrust.stores.bench import LIFE, Bench, Broken, Check, NotApplicable, promise
from zerotrust.stores.codec import MAX_VALUE
from zerotrust.stores.names import DIGEST_SIZE, MAX_KEY
from zerotrust.stores.notices import Changed

_THREADS: Final = 16
_MARKS: Final = 24
# Stores keep time in milliseconds: what has expired may be there for one more, never for one less.
_GRAIN: Final = 0.002
# A store that keeps answering "it was something else" is broken, and the check of it has to end.
_ATTEMPTS: Final = 400


@promise(ConsumeOnce)
def mark_once(bench: Bench) -> None:
    """A mark is used once: True for the first asker, False for every later one until it expires."""
    keys = [b"%d" % number for number in range(_MARKS)]
    for key in keys:
        bench.expect(True, bench.mark(key), "the first to ask")
        bench.expect(False, bench.mark(key), "the second to ask")
    for key in keys:
        bench.expect(False, bench.mark(key, life=LIFE + 5), "the third to ask, after others")


@promise(ConsumeOnce)
def mark_apart(bench: Bench) -> None:
    """Every key in every space is a mark of its own."""
    bench.expect(True, bench.mark(b"k"), "a new mark")
    bench.expect(True, bench.mark(b"k", space="b"), "the same key in another space")
    for key in (b"", b"K", b"k\0", b"\0k", b"k ", bytes(range(256)) * 4):
        bench.expect(True, bench.mark(key), f"another key, of {len(key)} bytes")
    bench.expect(False, bench.mark(b""), "the empty key again")


@promise(ConsumeOnce)
def mark_until(bench: Bench) -> None:
    """A mark is kept until it expires, also among askers whose clocks differ by seconds."""
    bench.expect(True, bench.mark(life=2.0004), "a new mark")
    bench.expect(False, bench.mark(at=2.0), "just before it expires")
    # Some clocks are ahead, others behind; the server's is one more.
    bench.expect(True, bench.mark(b"ahead", at=5.0, life=3.0), "a new mark, by a clock that is ahead")
    bench.expect(False, bench.mark(b"ahead"), "the same by another clock")
    bench.expect(True, bench.mark(b"behind", at=-10.0, life=5.0), "a new mark, by a clock that is behind")
    bench.expect(False, bench.mark(b"behind", at=-6.0), "the same again, by the clock that is behind")


@promise(ConsumeOnce)
def mark_race(bench: Bench) -> None:
    """Of 16 threads that ask at the same time exactly one wins."""
    keys = [b"%d" % number for number in range(_MARKS)]
    told = bench.race(_THREADS, lambda _: bench.each(bench.mark(key) for key in keys))
    failures = [answer for answers in told for answer in answers if isinstance(answer, SourceFailed)]
    for answers in zip_longest(*told):
        winners = answers.count(True)
        if winners > 1 or (winners < 1 and not failures):
            raise Broken(f"one winner of {_THREADS} was promised, {winners} came")
    if failures:
        raise failures[0]


@promise(Put, Lookup)
def value_whole(bench: Bench) -> None:
    """A value is there as it was put, byte for byte, until another takes its place or it is forgotten."""
    bench.expect(None, bench.look(), "before anything was put")
    for value in (b"value", b"", b"\0", bytes(range(256)), b"other", bytes(MAX_VALUE)):
        bench.ask(bench.put(value))
        bench.expect(value, bench.look(), f"after {len(value)} bytes were put")
    bench.expect(None, bench.look(b"other"), "another key")
    bench.expect(None, bench.look(space="b"), "another space")
    bench.ask(bench.put(None))
    bench.expect(None, bench.look(), "after it was forgotten")
    bench.ask(bench.put(None))
    bench.ask(bench.put(b"anew"))
    bench.expect(b"anew", bench.look(), "after it was put anew")


@promise(Put, Lookup)
def value_until(bench: Bench) -> None:
    """Whether a value has expired is judged by the `now` of the question, whatever the server's clock says."""
    bench.ask(bench.put(b"v", life=2.0))
    bench.expect(b"v", bench.look(), "at once")
    bench.expect(b"v", bench.look(at=1.99), "just before it expires")
    bench.expect(None, bench.look(at=2.0 + _GRAIN), "when it has expired")
    bench.ask(bench.put(b"v", b"behind", at=-10.0, life=5.0))
    bench.expect(b"v", bench.look(b"behind", at=-5.01), "by a clock that is behind")
    bench.expect(None, bench.look(b"behind", at=-5.0 + _GRAIN), "when it has expired by a clock that is behind")
    bench.ask(bench.put(b"longer", life=LIFE))
    bench.expect(b"longer", bench.look(at=2.0 + _GRAIN), "after it was put for longer")
    bench.ask(bench.put(b"shorter", life=1.0))
    bench.expect(None, bench.look(at=1.0 + _GRAIN), "after it was put for shorter")
    try:
        bench.ask(bench.put(b"for good", b"good", life=inf))
        bench.expect(b"for good", bench.look(b"good", at=1e9), "what was put for good, in thirty years")
    finally:
        bench.ask(bench.put(None, b"good"))


@promise(Put, Lookup, Advance)
def value_secret(bench: Bench) -> None:
    """A secret value is given back to who asks for one, equals no `old`, and no plain value takes its place."""
    try:
        bench.ask(bench.put(b"secret", secret=True))
    except SourceFailed as failure:
        if failure.reason.kind in (SOURCE_DOWN, SOURCE_TIMEOUT):
            raise
        raise NotApplicable(f"it takes no secret values: {failure.reason.detail}") from None
    try:
        bench.expect(b"secret", bench.look(secret=True), "a secret value")
    except SourceFailed as failure:
        if failure.reason.kind in (SOURCE_DOWN, SOURCE_TIMEOUT):
            raise
        raise Broken(f"a secret value that was taken is not given back: {failure.reason.detail}") from None
    bench.expect(False, bench.advance(b"secret", b"new"), "Advance from a secret value")
    bench.expect(False, bench.advance(None, b"new"), "Advance from nothing where a secret value is")
    bench.expect(b"secret", bench.look(secret=True), "a secret value that nothing advanced")
    bench.ask(bench.put(b"plain", b"plain"))
    bench.expect_refused(bench.look(b"plain", secret=True), "a plain value, where only a secret one will do")


@promise(ConsumeOnce, Put, Lookup, Count)
def kinds_apart(bench: Bench) -> None:
    """Marks, values and counters of the same name do not meet."""
    bench.expect(True, bench.mark(), "a mark")
    bench.expect(0, bench.count(0), "a counter where a mark is")
    bench.expect(None, bench.look(), "a value where a mark is")
    bench.ask(bench.put(b"v"))
    bench.expect(2, bench.count(2), "a counter where a mark and a value are")
    bench.expect(False, bench.mark(), "the mark again")
    bench.expect(b"v", bench.look(), "the value")


@promise(Advance, Put, Lookup)
def advance(bench: Bench) -> None:
    """Advance replaces `old` by `new`, or nothing."""
    bench.expect(False, bench.advance(b"a", b"b"), "from what is not there")
    bench.expect(True, bench.advance(None, b"a"), "from nothing")
    bench.expect(False, bench.advance(None, b"b"), "from nothing, where there is something")
    bench.expect(False, bench.advance(b"b", b"c"), "from another value")
    bench.expect(b"a", bench.look(), "after others failed")
    bench.expect(True, bench.advance(b"a", b""), "from what is there")
    bench.expect(b"", bench.look(), "after it advanced to the empty value")
    bench.expect(False, bench.advance(None, b"c"), "from nothing, where the empty value is")
    bench.expect(True, bench.advance(b"", b"c"), "from the empty value")
    bench.ask(bench.put(b"d"))
    bench.expect(True, bench.advance(b"d", b"e"), "from what was put")
    bench.ask(bench.put(None))
    bench.expect(False, bench.advance(b"e", b"f"), "from what was forgotten")
    bench.expect(True, bench.advance(None, b"f"), "from nothing, after it was forgotten")


@promise(Advance, Lookup)
def advance_until(bench: Bench) -> None:
    """For Advance, what has expired by the `now` of the question is nothing."""
    bench.expect(True, bench.advance(None, b"a", life=2.0), "from nothing")
    bench.expect(True, bench.advance(b"a", b"b", at=1.0, life=2.0), "from what is there, to what lasts longer")
    bench.expect(b"b", bench.look(at=2.99), "just before it expires")
    bench.expect(None, bench.look(at=3.0 + _GRAIN), "when it has expired")
    bench.expect(False, bench.advance(b"b", b"c", at=3.0 + _GRAIN), "from what has expired")
    bench.expect(True, bench.advance(None, b"c", at=3.0 + _GRAIN), "from nothing, where something has expired")
    bench.expect(b"c", bench.look(at=3.0 + _GRAIN), "after that")


@promise(Advance, Lookup)
def advance_race(bench: Bench) -> None:
    """No step of those who advance at the same time is lost."""
    threads, steps = 4, 8

    def climb(_: int) -> int:
        done = 0
        for _attempt in range(_ATTEMPTS):
            if done == steps:
                break
            there = bench.ask(bench.look())
            done += bench.ask(bench.advance(there, b"%d" % (int(there or b"0") + 1)))
        return done

    done = sum(bench.race(threads, climb))
    bench.expect(b"%d" % done, bench.look(), f"after {done} steps of 1 by {threads} threads")


@promise(Count)
def count_sum(bench: Bench) -> None:
    """A count is the sum of all that was added; a look adds nothing."""
    bench.expect(0, bench.count(0), "before anything was counted")
    bench.expect(1, bench.count(1), "one")
    bench.expect(6, bench.count(5), "five more")
    bench.expect(6, bench.count(0), "a look")
    bench.expect(6, bench.count(0), "a second look")
    bench.expect(0, bench.count(0, b"other"), "another key")
    bench.expect(0, bench.count(0, space="b"), "another space")
    bench.expect(0, bench.count(0, window=9.0), "another window")
    bench.expect(2**31 + 6, bench.count(2**31), "as many as can be")


@promise(Count)
def count_window(bench: Bench) -> None:
    """No event in the window is left out, and none older than a window and an eighth taken in."""
    bench.expect(3, bench.count(3), "three")
    bench.expect(3, bench.count(0, at=7.99), "while they are in the window of 8 s")
    bench.expect(5, bench.count(2, at=4.0), "two more")
    bench.expect(0, bench.count(0, at=13.01), "when all are older than a window and an eighth")
    bench.expect(2, bench.count(0, at=9.01), "when the first are older than a window and an eighth")
    bench.expect(5, bench.count(0), "by a clock that is behind")


@promise(Count)
def count_race(bench: Bench) -> None:
    """No event of those who count at the same time is lost."""
    threads, times = 8, 6
    told = bench.race(threads, lambda _: [bench.ask(bench.count(1)) for _ in range(times)])
    bench.expect(threads * times, bench.count(0), f"after {threads} threads counted {times} times")
    numbers = sorted(number for one in told for number in one)
    if any(number < place for place, number in enumerate(numbers, 1)):
        raise Broken("at most n of those who count were promised to be told a number up to n, and more were")


@promise(Put, Lookup)
def announce(bench: Bench) -> None:
    """Subscribers hear of a Put with `announce`, of no other, and find what was put."""
    here, changed = bench.space(), Changed(bench.store.digest(bench.space(), b"k"))
    with bench.listening() as heard:
        bench.ask(bench.put(b"quiet", b"other"))
        bench.ask(bench.put(b"elsewhere", space="b", announce=True))
        bench.ask(bench.put(b"v", announce=True))
        bench.expect_notice(changed, heard, "what was put with announce, and nothing else")
        bench.expect(b"v", bench.look(), "once it was announced")
        bench.ask(bench.put(None, announce=True))
        bench.expect_notice(changed, heard, "what was forgotten with announce")
        bench.expect(None, bench.look(), "once that was announced")
        bench.expect_notice(None, heard, "after that")
    other = {bench.store.digest(bench.space("b"), b"k"), bench.store.digest(here, b"other")}
    if len(changed.key) != DIGEST_SIZE or changed.key in other:
        raise Broken(f"a digest of {DIGEST_SIZE} bytes for each key was promised, of {len(changed.key)} came")


@promise(Put)
def announce_many(bench: Bench) -> None:
    """Every subscriber hears every announcement."""
    keys = [b"%d" % number for number in range(_MARKS)]
    wanted = {bench.store.digest(bench.space(), key) for key in keys}
    with bench.listening() as first, bench.listening() as second:
        for key in keys:
            bench.ask(bench.put(b"v", key, announce=True))
        for heard in (first, second):
            left = set(wanted)
            for _ in keys:
                notice = heard.get(bench.timeout)
                if not isinstance(notice, Changed):
                    raise Broken(f"each of {len(keys)} announcements was promised, {len(left)} did not come")
                left.discard(notice.key)
            if left:
                raise Broken(f"each of {len(keys)} announcements was promised, {len(left)} did not come")


@promise(ConsumeOnce, Put, Lookup, Advance, Count)
def limits(bench: Bench) -> None:
    """Keys, values, names and windows beyond the limits are refused, and nothing of them is kept."""
    key = b"k" * MAX_KEY
    bench.expect(True, bench.mark(key), f"a key of {MAX_KEY} bytes")
    bench.expect_refused(bench.mark(key + b"k"), f"a key of {MAX_KEY + 1} bytes")
    bench.expect_refused(bench.put(bytes(MAX_VALUE + 1)), f"Put with a value of {MAX_VALUE + 1} bytes")
    bench.expect_refused(bench.advance(None, bytes(MAX_VALUE + 1)), f"Advance to a value of {MAX_VALUE + 1} bytes")
    bench.expect(None, bench.look(), "after a value was refused")
    bench.expect_refused(bench.mark(space="a" * 128), "the name of a space of more than 128 bytes")
    for window in (0.0, -1.0, nan, inf):
        bench.expect_refused(bench.count(1, window=window), f"a window of {window} s")
    bench.expect_refused(bench.count(-1), "less than no event")


@promise(ConsumeOnce, Put, Lookup, Advance)
def born_expired(bench: Bench) -> None:
    """What would have expired already is refused, and no mark or value comes of it."""
    for life in (0.0, -1.0, nan, -inf):
        bench.expect_refused(bench.mark(life=life), f"a mark that lasts {life} s")
        bench.expect_refused(bench.put(b"v", life=life), f"a value that lasts {life} s")
        bench.expect_refused(bench.advance(None, b"v", life=life), f"an advance that lasts {life} s")
    bench.expect(True, bench.mark(), "a mark, after others were refused")
    bench.expect(None, bench.look(), "a value, after others were refused")
    bench.expect_refused(bench.look(at=nan), "a moment that is no time")


@promise(Put, Lookup, Count)
def no_time(bench: Bench) -> None:
    """Without time for an answer it fails at once, and the next question gets its own answer."""
    bench.ask(bench.put(b"late", b"late"))
    for _ in range(3):  # fewer than it takes a breaker to open
        began = perf_counter()
        try:
            bench.ask_within(bench.look(b"late"), 1e-6)
        except SourceFailed as failure:
            if failure.reason.kind is not SOURCE_TIMEOUT:
                raise
        took = perf_counter() - began
        if took > 0.5:
            raise Broken(f"an end after a microsecond was promised, it took {took:.1f} s")
        # Should the late answer still come, it must not be taken for that of the next question.
        bench.expect(None, bench.look(b"none"), "the next question after one that had no time")
        bench.expect(0, bench.count(0), "and the next")


@promise(ConsumeOnce)
def metrics(bench: Bench) -> None:
    """What was asked shows in the metrics."""
    at = "ConsumeOnce", "ok"
    before = bench.store.metrics().outcomes.get(at, 0)
    for number in range(3):
        bench.ask(bench.mark(b"%d" % number))
    after = bench.store.metrics()
    if after.outcomes.get(at, 0) < before + 3:
        raise Broken(f"3 more of {at} were promised, {after.outcomes.get(at, 0) - before} came")
    if after.breaker != "closed":
        raise Broken("a closed breaker was promised while the store answers")


@promise(ConsumeOnce, Put, Lookup, Count)
def discreet(bench: Bench) -> None:
    """Neither keys nor values show in a repr, a failure or the metrics."""
    needle = b"d1scr33t"
    bench.ask(bench.put(needle, needle))
    bench.ask(bench.mark(needle))
    bench.ask(bench.count(1, needle))
    failures = [
        bench.expect_refused(bench.look(needle, secret=True), "a plain value, where only a secret one will do"),
        bench.expect_refused(bench.put(needle * MAX_VALUE, needle), "a value that is too large"),
        bench.expect_refused(bench.mark(needle * MAX_KEY), "a key that is too large"),
    ]
    shown = [repr(bench.store), str(bench.store), repr(bench.store.metrics())]
    shown += [text for failure in failures for text in (repr(failure), str(failure), repr(failure.reason))]
    hidden = needle.decode(), needle.hex()
    if any(text in seen for seen in shown for text in hidden):
        raise Broken("a repr, a failure or the metrics show a key or a value")


PROMISES: Final[tuple[Check, ...]] = (
    mark_once,
    mark_apart,
    mark_until,
    mark_race,
    value_whole,
    value_until,
    value_secret,
    kinds_apart,
    advance,
    advance_until,
    advance_race,
    count_sum,
    count_window,
    count_race,
    announce,
    announce_many,
    limits,
    born_expired,
    no_time,
    metrics,
    discreet,
)
