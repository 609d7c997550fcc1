"""What a server says about itself (INFO), and whether it can keep what is promised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol, cast

from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.stores.codec import refused
from zerotrust.stores.redis.commands import Commands, pack
from zerotrust.stores.redis.links import NoPermissionError, ResponseError
from zerotrust.stores.redis.url import Mode
from zerotrust.stores.store import Fact

CHECK_EVERY: Final = 5.0
"""Seconds after which a server that is used is asked about itself once more, along with an ask: its configuration may
be changed while it runs."""
CHECK_EACH: Final = 60.0
"""The same for each connection: behind one address there may be several servers, and clocks are set."""

_MIB: Final = 1024 * 1024
_CLOCKS: Final = 5.0
"""How many seconds clocks may differ before an operator is told."""


def read_info(reply: object) -> dict[str, str]:
    """The fields of an INFO reply; raises `SourceFailed` if it is none."""
    if not isinstance(reply, bytes):
        raise refused("INFO was not answered with text; is this a Redis?")
    lines = reply.decode("utf-8", "replace").splitlines()
    pairs = (line.partition(":") for line in lines if line and not line.startswith("#"))
    return {name: value for name, colon, value in pairs if colon}


def check(info: Mapping[str, str], *, cluster: bool, sentinel: bool) -> None:
    """Raise `SourceFailed` if a server cannot keep what a store promises.

    A replica takes no writes and answers late; one that evicts turns a used mark into an unused one.
    """
    if info.get("loading", "0") != "0":
        raise SourceFailed(SOURCE_DOWN(detail="the server is reading its data"))
    if info.get("redis_mode") == "sentinel":
        raise refused("a Sentinel, which keeps nothing; write redis+sentinel:// in place of redis://")
    role = info.get("role", "")
    if role != "master":
        if sentinel:
            raise SourceFailed(SOURCE_DOWN(detail="the Sentinels name a master that is none; it is failing over"))
        raise refused("a replica; give the address of the master, or of its Sentinels: redis+sentinel://")
    if (info.get("cluster_enabled") == "1") is not cluster:
        raise refused(
            "no node of a cluster; write redis:// in place of redis+cluster://"
            if cluster
            else "a node of a cluster; write redis+cluster:// in place of redis://"
        )
    policy = info.get("maxmemory_policy", "")
    if policy != "noeviction" and info.get("maxmemory") != "0":
        raise refused(
            "the server evicts what it keeps when its memory is full, and a used mark would count as unused again; "
            "set maxmemory-policy noeviction"
        )


class Greeting:
    """What is asked of a server on a new connection, in one exchange, before anything is entrusted to it.

    Args:
        commands: of the store; for the fingerprint of its index key.
        mode: how servers are found; in a cluster the fingerprint is kept by one node only, see `Cluster`.

    Attributes:
        payload: what is sent.
        replies: how many replies to read.
        again: what is sent, along with an ask, when the last answers are old; it has one reply.
    """

    __slots__ = ("_cluster", "_commands", "_sentinel", "again", "payload", "replies")

    def __init__(self, commands: Commands, mode: Mode) -> None:
        self._commands = commands
        self._cluster, self._sentinel = mode == "cluster", mode == "sentinel"
        self.again: bytes = pack((b"INFO",))
        words = () if self._cluster else commands.fingerprint()
        self.payload: bytes = self.again + b"".join(map(pack, words))
        self.replies: int = 1 + len(words)

    def read(self, replies: list[object], link: _Checked, tick: float) -> None:
        """Note on `link` what was replied by `tick`; raises what is wrong with the server."""
        if isinstance(replies[0], NoPermissionError):
            raise refused("the user may not ask whether the server keeps what it is given; permit it +info")
        info = read_info(_reply(replies[0]))
        check(info, cluster=self._cluster, sentinel=self._sentinel)
        if len(replies) > 1:
            _reply(replies[1])
            self._commands.compare(_reply(replies[2]))
        now = clock(info)
        link.ahead = None if now is None else now - tick
        link.checked = tick


class _Checked(Protocol):
    """What a connection knows of its server."""

    ahead: float | None
    checked: float


def _reply(reply: object) -> object:
    if isinstance(reply, ResponseError):
        raise reply
    return reply


def clock(info: Mapping[str, str]) -> float | None:
    """What the server's clock showed, POSIX seconds; None if it does not say."""
    text = info.get("server_time_usec", "")
    return int(text) / 1e6 if text.isascii() and text.isdecimal() and len(text) < 20 else None


def config_of(replies: list[object]) -> dict[str, str] | None:
    """What CONFIG GET replied, asked for one name at a time; None if the user may not read it."""
    found: dict[str, str] = {}
    for reply in replies:
        if not isinstance(reply, list):
            return None
        texts = cast("list[object]", reply)
        words = [text.decode("utf-8", "replace") if isinstance(text, bytes) else "" for text in texts]
        found.update(zip(words[::2], words[1::2], strict=False))
    return found


def facts(
    info: Mapping[str, str],
    config: Mapping[str, str] | None,
    *,
    mode: Mode,
    taken: float,
    offset: float | None,
    plain_to: str,
) -> tuple[Fact, ...]:
    """What an operator should know.

    Args:
        info: the fields of INFO.
        config: `save` and `appendfsync`; None if the user may not read them.
        mode: how the server was found.
        taken: seconds that one exchange took.
        offset: how much the server's clock is ahead of ours, seconds; None if it does not say.
        plain_to: where unencrypted connections leave this machine to; empty if they do not.
    """
    found = [
        Fact("version", info.get("valkey_version") or info.get("redis_version") or "unknown"),
        Fact("round trip", f"{taken * 1000:.2f} ms"),
        _usable(info, mode),
        _eviction(info),
        _memory(info),
        _persistence(info, config),
        _replicas(info),
        _clocks(offset),
        Fact("transport", f"not encrypted, to {plain_to}", "note", "write rediss:// to use TLS")
        if plain_to
        else Fact("transport", "does not leave this machine unencrypted"),
    ]
    return tuple(found)


def _usable(info: Mapping[str, str], mode: Mode) -> Fact:
    role = info.get("role", "unknown")
    try:
        check({**info, "maxmemory": "0"}, cluster=mode == "cluster", sentinel=mode == "sentinel")
    except SourceFailed as failure:
        return Fact("role", role, "bad", failure.reason.detail)
    return Fact("role", role)


def _eviction(info: Mapping[str, str]) -> Fact:
    policy = info.get("maxmemory_policy", "unknown")
    if policy == "noeviction":
        return Fact("eviction", policy)
    if info.get("maxmemory") != "0":
        return Fact("eviction", policy, "bad", "used marks would be forgotten; set maxmemory-policy noeviction")
    return Fact("eviction", policy, "note", "nothing is evicted while maxmemory is 0; set noeviction all the same")


def _memory(info: Mapping[str, str]) -> Fact:
    used, most = (int(text) if (text := info.get(name, "")).isdecimal() else 0 for name in ("used_memory", "maxmemory"))
    shown = f"{used / _MIB:.1f} MiB" + (f" of {most / _MIB:.1f}" if most else ", no limit")
    if not most:
        return Fact("memory", shown, "note", "set maxmemory: a flood of marks is refused then, and the machine lives")
    if used > 0.8 * most:
        return Fact("memory", shown, "note", "nearly full, and then asks are refused; raise maxmemory")
    return Fact("memory", shown)


def _persistence(info: Mapping[str, str], config: Mapping[str, str] | None) -> Fact:
    advice = "set appendonly yes, and appendfsync always if no crash may lose a mark; that is slower"
    if info.get("aof_enabled") == "1":
        how = "" if config is None else config.get("appendfsync", "")
        if how == "always":
            return Fact("persistence", "append-only file, written before each answer")
        lost = {"everysec": "the last 2 s", "no": "what the system had not written yet, some 30 s"}
        return Fact("persistence", f"append-only file; a crash loses {lost.get(how, '2 s or more')}", "note", advice)
    points = "" if config is None else config.get("save", "")
    if points:
        longest = max((int(word) for word in points.split()[::2] if word.isdecimal()), default=0)
        return Fact("persistence", f"snapshots; a crash loses up to the last {longest} s", "note", advice)
    if config is None:
        return Fact("persistence", "no append-only file", "note", f"permit +config|get to see more, or {advice}")
    return Fact("persistence", "none; a restart forgets everything, used marks too", "note", advice)


def _replicas(info: Mapping[str, str]) -> Fact:
    number = info.get("connected_slaves", "0")
    if number == "0":
        return Fact("replicas", "0")
    return Fact(
        "replicas",
        number,
        "note",
        "replication is asynchronous: a failover may lose the last marks; min-replicas-to-write 1 and "
        "min-replicas-max-lag bound how many",
    )


def _clocks(offset: float | None) -> Fact:
    if offset is None:
        return Fact("clock", "the server does not say")
    if abs(offset) <= _CLOCKS:
        return Fact("clock", f"{offset:+.3f} s")
    return Fact(
        "clock", f"{offset:+.1f} s", "note", "the clocks of this machine and the server differ; keep both in step (NTP)"
    )
