"""Which server is asked: the only one, the master that Sentinels name, or the node of a cluster that keeps a key.

Written once, as generators: they yield what is to be exchanged with whom, and a blocking or an async driver does it
and sends the replies back. Nothing is sent twice that may have been carried out: a redirection, and a script that is
not known, are answers that say it was not.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Final, Literal, Protocol, TypeAlias, cast

from redis.crc import key_slot

from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.stores.codec import refused
from zerotrust.stores.redis.commands import Command, Commands, pack
from zerotrust.stores.redis.links import NoScriptError, ReadOnlyError, ResponseError
from zerotrust.stores.redis.url import Place, Target, is_host

SLOTS: Final = 16384
ASK_AGAIN: Final = 10.0
"""Seconds after which Sentinels are asked again for a master that does not fail."""
_HOPS: Final = 5


@dataclass(frozen=True, slots=True)
class Exchange:
    """Commands to send to a server, and how many replies to read.

    Attributes:
        place: the server.
        payload: the commands, from the server's clock in milliseconds (None if unknown).
        replies: how many to read.
        asked: as what: a `server` that keeps things; a `sentinel`, or a `node` of a cluster that is asked for the
            way only: neither is held to what is promised, and the connection is not kept.
        share: how much of the time that is left this may take.
    """

    place: Place
    payload: Callable[[int | None], bytes]
    replies: int = 1
    asked: Literal["server", "sentinel", "node"] = "server"
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Only:
    """Connections to servers other than these are needed no more."""

    places: frozenset[Place]


Step: TypeAlias = Exchange | Only
Journey: TypeAlias = Generator[Step, "list[object] | None", object]


class Route(Protocol):
    """The way to whoever keeps a key."""

    def carry(self, command: Command) -> Journey:
        """Have `command` carried out; returns the reply, or raises the error that was replied."""
        ...

    def listen(self) -> Generator[Step, list[object] | None, Place]:
        """The server to subscribe at."""
        ...

    def servers(self) -> Generator[Step, list[object] | None, tuple[Place, ...]]:
        """All servers that keep something."""
        ...


def route_to(target: Target, commands: Commands) -> Route:
    """The way that a URL describes."""
    if target.mode == "one":
        return One(target.places[0])
    return Sentinels(target) if target.mode == "sentinel" else Cluster(target, commands)


class One:
    """One server."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def carry(self, command: Command) -> Journey:
        """Ask it."""
        return _ask(self._place, command)

    def listen(self) -> Generator[Step, list[object] | None, Place]:
        """That one."""
        yield from ()
        return self._place

    def servers(self) -> Generator[Step, list[object] | None, tuple[Place, ...]]:
        """That one."""
        yield from ()
        return (self._place,)


class Sentinels:
    """The master that Sentinels name. They are asked at first, when it fails, and now and then.

    A master that was cut off from its Sentinels, but not from here, goes on beside its successor until it notices: two
    would take the same mark. So they are asked again every few seconds, while one that does not answer changes nothing.
    """

    def __init__(self, target: Target) -> None:
        self._name = target.master
        self._guides = target.places
        self._master: Place | None = None
        self._asked = 0.0

    def carry(self, command: Command) -> Journey:
        """Ask the master."""
        master = self._master
        if master is None:
            master = yield from self._discover()
        elif monotonic() - self._asked > ASK_AGAIN:
            self._asked = monotonic()  # others go on meanwhile
            with suppress(Exception):
                master = yield from self._discover(within=0.25)
        try:
            return (yield from _ask(master, command))
        except Exception as trouble:
            if not isinstance(trouble, ResponseError) or isinstance(trouble, ReadOnlyError):
                self._master = None
            raise

    def listen(self) -> Generator[Step, list[object] | None, Place]:
        """The master, asked for anew: whoever subscribes has lost the previous one."""
        return (yield from self._discover())

    def servers(self) -> Generator[Step, list[object] | None, tuple[Place, ...]]:
        """The master."""
        return ((yield from self._discover()),)

    def _discover(self, within: float = 1.0) -> Generator[Step, list[object] | None, Place]:
        question = pack((b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", self._name.encode()))
        trouble: Exception = SourceFailed(SOURCE_DOWN())
        guides = self._guides
        for at, guide in enumerate(guides):
            share = within / (len(guides) - at)
            try:
                reply = _only((yield Exchange(guide, lambda _: question, asked="sentinel", share=share)))
                if isinstance(reply, ResponseError):
                    raise reply
            except Exception as this:  # noqa: BLE001 - the next Sentinel may know; the last trouble is raised
                trouble = this
                continue
            place = _place(_list(reply))
            if place is None:
                trouble = SourceFailed(SOURCE_DOWN(detail=f"Sentinel {guide} knows no master {self._name}"))
                continue
            # Who answered is asked first next time.
            self._guides = (guide, *(other for other in guides if other != guide))
            self._master, self._asked = place, monotonic()
            yield Only(frozenset((place,)))
            return place
        raise trouble


class Cluster:
    """The nodes of a cluster, each of which keeps some slots."""

    def __init__(self, target: Target, commands: Commands) -> None:
        self._seeds = target.places
        self._commands = commands
        self._nodes: tuple[Place, ...] = ()
        self._slots: list[Place | None] = [None] * SLOTS
        self._known = False
        self._compared = False

    def carry(self, command: Command) -> Journey:
        """Ask the node that keeps the command's key, and follow where it points to."""
        if not self._known:
            yield from self._discover()
        if not self._compared:  # once: the node that keeps the fingerprint may fail later, and others go on
            yield from self._compare()
        return (yield from self._follow(command))

    def listen(self) -> Generator[Step, list[object] | None, Place]:
        """The node that answers first: announcements reach all of them."""
        return (yield from self._discover())

    def servers(self) -> Generator[Step, list[object] | None, tuple[Place, ...]]:
        """All masters."""
        yield from self._discover()
        return self._nodes

    def _follow(self, command: Command) -> Journey:
        slot = key_slot(command.key)
        place = self._slots[slot]
        if place is None:
            self._known = False
            raise SourceFailed(SOURCE_DOWN(detail="no node of the cluster serves this part of its keys"))
        asking = False
        for _ in range(_HOPS):
            try:
                return (yield from _ask(place, command, asking=asking))
            except ResponseError as error:
                found = _redirection(error, place)
                if found is None:
                    raise
                asking, place = found
                if not asking:
                    self._slots[slot] = place
                    self._known = False
            except Exception:
                self._known = False
                # Who failed is asked for the way last.
                self._nodes = tuple(node for node in self._nodes if node != place)
                raise
        raise SourceFailed(SOURCE_DOWN(detail="the nodes of the cluster point at each other"))

    def _discover(self) -> Generator[Step, list[object] | None, Place]:
        candidates = list(dict.fromkeys((*self._nodes, *self._seeds)))
        trouble: Exception = SourceFailed(SOURCE_DOWN())
        for at, place in enumerate(candidates):
            # Half of the time that is left for each: of many an equal share would be too short for any.
            share = 1.0 if at == len(candidates) - 1 else 0.5
            try:
                reply = _only((yield Exchange(place, lambda _: _CLUSTER_SLOTS, asked="node", share=share)))
                if isinstance(reply, ResponseError):
                    raise reply
                slots = _read_slots(reply, place)
            except Exception as this:  # noqa: BLE001 - the next node may know; the last trouble is raised
                trouble = this
                continue
            self._slots = slots
            self._nodes = tuple(dict.fromkeys(node for node in slots if node is not None))
            self._known = True
            yield Only(frozenset(self._nodes))
            return place
        raise trouble

    def _compare(self) -> Generator[Step, list[object] | None, None]:
        at = self._commands.fingerprint_at
        kept: object = None
        for words in self._commands.fingerprint():
            kept = yield from self._follow(Command(at, words, _as_it_is))
        self._commands.compare(kept)
        self._compared = True


_CLUSTER_SLOTS: Final = pack((b"CLUSTER", b"SLOTS"))
_ASKING: Final = pack((b"ASKING",))


def _ask(place: Place, command: Command, *, asking: bool = False) -> Journey:
    """Ask one server; raises the error that it replies with."""
    reply = _only((yield _exchange(place, command.packed, asking=asking)))
    # A server that does not know the script has done nothing yet.
    if isinstance(reply, NoScriptError) and command.script is not None:
        reply = _only((yield _exchange(place, command.in_full, asking=asking)))
    if isinstance(reply, ResponseError):
        raise reply
    return reply


def _exchange(place: Place, packed: Callable[[int | None], bytes], *, asking: bool) -> Exchange:
    if not asking:
        return Exchange(place, packed)
    return Exchange(place, lambda now: _ASKING + packed(now), 2)


def _as_it_is(reply: object) -> object:
    return reply


def _only(replies: list[object] | None) -> object:
    return replies[-1] if replies else None


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _place(words: Sequence[object]) -> Place | None:
    """An address as Sentinels give it: host and port."""
    if len(words) < 2 or not isinstance(words[0], bytes):
        return None
    with suppress(ValueError, UnicodeDecodeError):
        host, port = words[0].decode("ascii"), words[1]
        number = int(port) if isinstance(port, bytes | int) else 0
        if is_host(host) and 0 < number < 65536:
            return Place(host, number)
    return None


def _redirection(error: ResponseError, asked: Place) -> tuple[bool, Place] | None:
    """Where an error points to, and whether only for this time (`ASK`); None if it does not point anywhere."""
    kind = type(error).__name__
    words = str(error).split(" ")
    if words[0] in ("MOVED", "ASK"):
        kind = {"MOVED": "MovedError", "ASK": "AskError"}[words.pop(0)]
    if kind not in ("MovedError", "AskError") or len(words) != 2:
        return None
    host, _, port = words[1].rpartition(":")
    place = _place((host.encode() or asked.host.encode(), port.encode()))
    return None if place is None else (kind == "AskError", place)


def _read_slots(reply: object, asked: Place) -> list[Place | None]:
    """Which node serves which slot, from what CLUSTER SLOTS replies."""
    slots: list[Place | None] = [None] * SLOTS
    served = 0
    for part in _list(reply):
        first, last, node = (*_list(part)[:3], None, None, None)[:3]
        host, port = (*_list(node)[:2], None, None)[:2]
        if not isinstance(first, int) or not isinstance(last, int):
            raise refused("a map of the cluster that cannot be read")
        # A node that does not know how it is reached leaves that out: it is reached as it just was.
        place = _place((host or asked.host.encode(), port))
        if place is None or not 0 <= first <= last < SLOTS:
            raise refused("a map of the cluster that cannot be read")
        served += last - first + 1
        if served > SLOTS:  # each has one master; many that overlap would take long to enter
            raise refused("a map of the cluster that cannot be read")
        slots[first : last + 1] = [place] * (last - first + 1)
    if not any(slots):
        raise SourceFailed(SOURCE_DOWN(detail="the cluster serves no keys"))
    return slots
