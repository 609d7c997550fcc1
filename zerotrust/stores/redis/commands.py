"""What is said to a Redis for each ask, and what its answers mean.

Keys are `NAMESPACE:m:{DIGEST}` for marks, `:r:` for values and `:c:` for counters; the braces are a hash tag for
clusters. A value is kept as eight bytes of expiry (milliseconds, big-endian) and what `Codec.pack` made of it.
Announcements go to the channel `NAMESPACE:t:TOPIC`.

Redis forgets by its own clock. So what is kept lives for the longer of what the asker's clock and what the server's
clock say is left of it, and a minute more; whether a value has expired is then judged by the `now` of the question.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha1
from typing import Any, Final, NamedTuple, TypeAlias

from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put, SourceFailed
from zerotrust.stores.codec import FOREVER, SLOTS, Codec, expiry, moment, refused, slots

MARGIN: Final = 60_000
"""How much longer than needed things are kept, in milliseconds: clocks differ, and are set."""

Reply: TypeAlias = object


class Script:
    """A script that the server keeps under its digest.

    Attributes:
        text: what it says.
        digest: SHA-1 of that, in hexadecimal, which is how Redis names scripts.
    """

    __slots__ = ("digest", "text")

    def __init__(self, text: str) -> None:
        self.text: bytes = text.encode()
        self.digest: bytes = sha1(self.text, usedforsecurity=False).hexdigest().encode()


# Each takes how long to keep things, in milliseconds, as its last argument; an empty one is for good.
_PUT: Final = Script("""\
local value, life = ARGV[3], ARGV[4]
if value == '' then redis.call('DEL', KEYS[1])
elseif life == '' then redis.call('SET', KEYS[1], value)
else redis.call('SET', KEYS[1], value, 'PX', life) end
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1""")

_ADVANCE: Final = Script("""\
local now, old, value, life = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local kept = redis.call('GET', KEYS[1])
local there = ''
if kept and struct.unpack('>i8', kept) > now then there = string.sub(kept, 9) end
if there ~= old then return 0 end
if life == '' then redis.call('SET', KEYS[1], value)
else redis.call('SET', KEYS[1], value, 'PX', life) end
return 1""")

# A counter keeps the slots of one window more than is asked about, for those whose clock is behind, and under `gone`
# the last slot it let go of: where that would count, what was forgotten is not taken for nothing.
_COUNT: Final = Script("""\
local slot, first, keep, add, life = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
local left = redis.call('PTTL', KEYS[1])
local gone = tonumber(redis.call('HGET', KEYS[1], 'gone') or '') or -math.huge
if gone >= first then return -1 end
if add ~= '0' then redis.call('HINCRBY', KEYS[1], slot, add) end
local sum, last, kept = 0, gone, redis.call('HGETALL', KEYS[1])
for at = 1, #kept, 2 do
  local here = tonumber(kept[at])
  if here and here >= first then sum = sum + tonumber(kept[at + 1])
  elseif here and here < keep and add ~= '0' then
    redis.call('HDEL', KEYS[1], kept[at])
    if here > last then last = here end
  end
end
if last > gone then redis.call('HSET', KEYS[1], 'gone', string.format('%.0f', last)) end
if add ~= '0' then
  if life == '' then redis.call('PERSIST', KEYS[1])
  elseif left == -2 or (left >= 0 and left < tonumber(life)) then redis.call('PEXPIRE', KEYS[1], life) end
end
return sum""")


class Command(NamedTuple):
    """One command, complete but for how long to keep what it writes.

    Attributes:
        key: what it is about; decides which node of a cluster is asked.
        words: the command without its end; of a script, what follows the number of keys.
        read: the answer to the ask, from the server's.
        now: milliseconds, by the asker's clock.
        until: milliseconds until which what it writes is kept; None if it keeps nothing.
        script: what the server runs; None for a native command.
    """

    key: bytes
    words: tuple[bytes, ...]
    read: Callable[[Reply], Any]
    now: int = 0
    until: int | None = None
    script: Script | None = None

    def packed(self, server_now: int | None) -> bytes:
        """As it is sent, a script by its digest; `server_now` is the server's clock in milliseconds, if known."""
        if self.script is None:
            words = self.words
            if self.until is not None and self.until < FOREVER:
                words = (*words, b"PX", self._life(server_now))
            return pack(words)
        return pack((b"EVALSHA", self.script.digest, b"1", *self.words, self._life(server_now)))

    def in_full(self, server_now: int | None) -> bytes:
        """As it is sent to a server that does not know the script yet."""
        text = b"" if self.script is None else self.script.text
        return pack((b"EVAL", text, b"1", *self.words, self._life(server_now)))

    def _life(self, server_now: int | None) -> bytes:
        if self.until is None or self.until >= FOREVER:
            return b""
        now = self.now if server_now is None else min(self.now, server_now)
        return b"%d" % (self.until - now + MARGIN)


class Commands:
    """Makes commands of asks.

    Args:
        codec: of the store.
    """

    __slots__ = ("_codec", "_count", "_mark", "_record", "_topics", "fingerprint_at")

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        namespace = codec.names.namespace.encode()
        self._mark = namespace + b":m:{%b}"
        self._record = namespace + b":r:{%b}"
        self._count = namespace + b":c:{%b}"
        self._topics = namespace + b":t:"
        self.fingerprint_at: bytes = namespace + b":index"
        """Where the fingerprint of the index key is kept."""

    def of(self, ask: Ask[Any]) -> Command:
        """The command for `ask`.

        Raises:
            SourceFailed: `source_refused`: what is asked makes no sense, or is too large.
            TypeError: it is no ask of a store.
        """
        if isinstance(ask, ConsumeOnce):
            key = self._mark % urlsafe_b64encode(self._codec.mark(ask.space, ask.key))
            until = expiry(ask.until, ask.now)
            return Command(key, (b"SET", key, b"", b"NX"), _set_or_not, moment(ask.now), until)
        if isinstance(ask, Lookup):
            return self._lookup(ask)
        if isinstance(ask, Put):
            return self._put(ask)
        if isinstance(ask, Advance):
            return self._advance(ask)
        if isinstance(ask, Count):
            slot, first, until = slots(ask)
            key = self._count % urlsafe_b64encode(self._codec.count(ask.space, ask.window, ask.key))
            words = (key, b"%d" % slot, b"%d" % first, b"%d" % (first - SLOTS), b"%d" % ask.add)
            return Command(key, words, _number, moment(ask.now), until, _COUNT)
        raise TypeError(f"a Redis store cannot answer {type(ask).__name__}")

    def topic(self, kind: str) -> bytes:
        """The channel on which changes in `kind` are announced."""
        return self._topics + self._codec.names.topic(kind).encode()

    def fingerprint(self) -> tuple[tuple[bytes, ...], ...]:
        """Leaves the fingerprint of the index key where none is yet, and reads the one that is there."""
        mine = self._codec.names.fingerprint().encode()
        return (b"SET", self.fingerprint_at, mine, b"NX"), (b"GET", self.fingerprint_at)

    def compare(self, kept: Reply) -> None:
        """Refuse a namespace that was begun with another index key: used marks would be out of sight."""
        if kept != self._codec.names.fingerprint().encode():
            raise refused("another index key than the one this namespace was begun with")

    def _lookup(self, ask: Lookup) -> Command:
        name, now, secret = self._codec.record(ask.kind, ask.key), moment(ask.now), ask.secret
        codec = self._codec

        def read(reply: Reply) -> bytes | None:
            if reply is None:
                return None
            if not isinstance(reply, bytes) or len(reply) < 9:
                raise refused("a value that was not put there by this library")
            if _EXPIRY.unpack_from(reply)[0] <= now:
                return None
            return codec.unpack(name, reply[8:], secret=secret)

        key = self._record % urlsafe_b64encode(name)
        return Command(key, (b"GET", key), read)

    def _put(self, ask: Put) -> Command:
        name, now = self._codec.record(ask.kind, ask.key), moment(ask.now)
        key = self._record % urlsafe_b64encode(name)
        value, until = b"", None
        if ask.value is not None:
            until = expiry(ask.until, ask.now)
            value = _EXPIRY.pack(until) + self._codec.pack(name, ask.value, secret=ask.secret)
        if ask.announce:
            return Command(key, (key, self.topic(ask.kind), name, value), _done, now, until, _PUT)
        words = (b"DEL", key) if ask.value is None else (b"SET", key, value)
        return Command(key, words, _done, now, until)

    def _advance(self, ask: Advance) -> Command:
        name, now, until = self._codec.record(ask.kind, ask.key), moment(ask.now), expiry(ask.until, ask.now)
        key = self._record % urlsafe_b64encode(name)
        old = b"" if ask.old is None else self._codec.pack(name, ask.old)
        new = _EXPIRY.pack(until) + self._codec.pack(name, ask.new)
        return Command(key, (key, b"%d" % now, old, new), _yes_or_no, now, until, _ADVANCE)


_EXPIRY: Final = struct.Struct(">q")


def pack(words: tuple[bytes, ...]) -> bytes:
    """A command as RESP has it: an array of bulk strings."""
    return b"*%d\r\n" % len(words) + b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words])


def _set_or_not(reply: Reply) -> bool:
    if reply is None:
        return False
    if reply != b"OK":
        raise _strange()
    return True


def _yes_or_no(reply: Reply) -> bool:
    if reply not in (0, 1):
        raise _strange()
    return reply == 1


def _number(reply: Reply) -> int:
    if not isinstance(reply, int):
        raise _strange()
    if reply < 0:
        raise refused("the clock was set back to a time of which events were forgotten")
    return reply


def _done(reply: Reply) -> None:
    if reply != b"OK" and not isinstance(reply, int):
        raise _strange()


def _strange() -> SourceFailed:
    return refused("an answer that does not fit the question; is this a Redis?")
