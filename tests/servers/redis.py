"""Redis for tests: one server, one with a replica and a Sentinel, or a cluster of three masters."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis

from tests.servers import PATIENCE, Process, free_port, hand_over, workplace
from tests.servers import need as _need

USER = "redis"
_READY = "Ready to accept connections"
_TAKEN = "Address already in use"
_DEFAULTS = (
    "--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--daemonize", "no", "--logfile", "",
    "--repl-diskless-sync-delay", "0",
)  # fmt: skip


def missing() -> str | None:
    """Why no server can be started here; None if one can."""
    if _binary() is None:
        return "these tests need redis-server (or valkey-server) on the path"
    return None


def need() -> None:
    """Skip, or fail where the run requires it, if no server can be started here."""
    _need(missing())


class RedisServer:
    """A server that can be stopped and started again on the same port, in the same folder.

    Attributes:
        port: where it listens, on 127.0.0.1.
        url: with scheme, port and database, without credentials.
        directory: its folder.
    """

    def __init__(self, *arguments: str, directory: Path, tls: bool = False, sentinel: bool = False) -> None:
        self.directory = directory
        self._arguments = arguments
        self._sentinel = sentinel
        self._process: Process | None = None
        self._tls = tls
        self.port = free_port()

    @property
    def url(self) -> str:
        """Where it is, without credentials."""
        return f"{'rediss' if self._tls else 'redis'}://127.0.0.1:{self.port}/0"

    @property
    def process(self) -> Process:
        """The running process."""
        assert self._process is not None, "the server is not running"
        return self._process

    def url_for(self, user: str, password: str) -> str:
        """The same with credentials."""
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{rest}"

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        for _ in range(5):
            binary = _binary()
            assert binary is not None
            place = ["--port", "0", "--tls-port", str(self.port)] if self._tls else ["--port", str(self.port)]
            command = [binary, *self._arguments, *place]
            process = Process(command, user=USER, directory=self.directory)
            if process.wait_for("Sentinel ID is" if self._sentinel else _READY, _TAKEN):
                if _TAKEN not in process.said():
                    self._process = process
                    return
                process.kill()
                # The port was free a moment ago. A restart keeps its port, and says so by failing.
                self.port = free_port() if self._process is None else self.port
                continue
            process.kill()
            raise AssertionError(f"the server did not start:\n{process.said()}")
        raise AssertionError("no free port was found for a server")

    def stop(self) -> None:
        """End it the polite way: it writes what its configuration says first."""
        if self._process is not None and self._process.running:
            self._process.signal(signal.SIGCONT)
            self._process.stop()

    def kill(self) -> None:
        """End it at once (SIGKILL): it writes nothing."""
        if self._process is not None:
            self._process.kill()

    def restart(self) -> None:
        """Stop it and start it again on the same port."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze it (SIGSTOP): connections are taken by the kernel, answers do not come."""
        self.process.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it run on (SIGCONT)."""
        self.process.signal(signal.SIGCONT)

    def command(self, *command: str | bytes | int, **options: Any) -> Any:
        """Run one command on a connection of its own; `options` are those of `redis.Redis`."""
        if self._tls:
            options = {
                "ssl": True,
                "ssl_ca_certs": str(self.directory / "ca.pem"),
                "ssl_check_hostname": False,
                **options,
            }
        with redis.Redis(port=self.port, socket_timeout=PATIENCE, **options) as client:
            return client.execute_command(*command)

    def info(self, section: str = "everything", **options: Any) -> dict[str, Any]:
        """What INFO says."""
        found: dict[str, Any] = self.command("INFO", section, **options)
        return found


@contextmanager
def redis_server(*arguments: str, directory: Path | None = None, tls: Path | None = None) -> Iterator[RedisServer]:
    """A running server; gone afterwards.

    Args:
        arguments: further ones for redis-server; they override the defaults (no persistence).
        directory: its folder, reachable for everybody; it is handed over to the server's user. None for a new one.
        tls: a folder that holds `server.pem`, `server.key` and `ca.pem`; the server talks TLS only then, and its
            folder gets copies of them.
    """
    with ExitStack() as stack:
        place = directory or stack.enter_context(workplace(USER))
        options: tuple[str, ...] = ()
        if tls is not None:
            for name in ("server.pem", "server.key", "ca.pem"):
                shutil.copy(tls / name, place / name)
            options = (
                "--tls-cert-file", "server.pem", "--tls-key-file", "server.key", "--tls-ca-cert-file", "ca.pem",
                "--tls-auth-clients", "no", "--tls-replication", "yes",
            )  # fmt: skip
        hand_over(place, USER)
        server = RedisServer(*_DEFAULTS, *options, *arguments, directory=place, tls=tls is not None)
        server.start()
        stack.callback(server.kill)
        yield server


class Watched:
    """A master, its replica and the Sentinel that watches them.

    Attributes:
        name: what the Sentinel calls the master.
        url: `redis+sentinel://...`.
    """

    name = "main"

    def __init__(self, master: RedisServer, replica: RedisServer, sentinel: RedisServer) -> None:
        self.master = master
        self.replica = replica
        self.sentinel = sentinel

    @property
    def url(self) -> str:
        """Where the Sentinel is."""
        return f"redis+sentinel://127.0.0.1:{self.sentinel.port}/{self.name}"

    def wait_for_failover(self) -> None:
        """Wait until the replica has become the master."""
        assert self.sentinel.process.wait_for(f"+switch-master {self.name}"), self.sentinel.process.said()


@contextmanager
def sentinel(*arguments: str, settings: str = "") -> Iterator[Watched]:
    """One master, one replica in step with it, and one Sentinel that decides alone.

    Args:
        arguments: further ones for both servers.
        settings: further lines of the Sentinel's configuration.
    """
    with ExitStack() as stack:
        master = stack.enter_context(redis_server(*arguments))
        replica = stack.enter_context(redis_server(*arguments, "--replicaof", f"127.0.0.1 {master.port}"))
        assert replica.process.wait_for("sync: Finished with success"), replica.process.said()
        place = stack.enter_context(workplace(USER))
        config = place / "sentinel.conf"
        config.write_text(
            f"sentinel monitor main 127.0.0.1 {master.port} 1\n"
            "sentinel down-after-milliseconds main 500\n"
            "sentinel failover-timeout main 3000\n"
            'bind 127.0.0.1\nlogfile ""\n' + settings,
            "utf-8",
        )
        hand_over(place, USER)
        guard = RedisServer("sentinel.conf", "--sentinel", directory=place, sentinel=True)
        guard.start()
        stack.callback(guard.kill)
        assert guard.process.wait_for("+slave slave"), guard.process.said()
        yield Watched(master, replica, guard)


class Cluster:
    """Masters that share the slots among them.

    Attributes:
        nodes: the servers.
        url: `redis+cluster://...`, naming all of them.
    """

    def __init__(self, nodes: list[RedisServer]) -> None:
        self.nodes = nodes

    @property
    def url(self) -> str:
        """Where the nodes are."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)


@contextmanager
def cluster(*arguments: str, masters: int = 3) -> Iterator[Cluster]:
    """A cluster without replicas, all of whose slots are served."""
    with ExitStack() as stack:
        options = (
            "--cluster-enabled",
            "yes",
            "--cluster-node-timeout",
            "2000",
            "--cluster-require-full-coverage",
            "no",
        )
        buses = [free_port() for _ in range(masters)]
        nodes = [stack.enter_context(redis_server(*options, "--cluster-port", str(bus), *arguments)) for bus in buses]
        share = 16384 // masters
        for at, node in enumerate(nodes):
            last = 16383 if at == masters - 1 else (at + 1) * share - 1
            node.command("CLUSTER", "SET-CONFIG-EPOCH", at + 1)
            node.command("CLUSTER", "ADDSLOTSRANGE", at * share, last)
        first = nodes[0]
        for node, bus in zip(nodes[1:], buses[1:], strict=True):
            first.command("CLUSTER", "MEET", "127.0.0.1", node.port, bus)
        for node in nodes:
            _until_whole(node, masters)
        yield Cluster(nodes)


def _until_whole(node: RedisServer, masters: int) -> None:
    """Wait until a node knows of all slots and all nodes."""
    ends = time.monotonic() + PATIENCE
    with redis.Redis(port=node.port) as client:
        while True:
            found = client.execute_command("CLUSTER", "INFO").decode().splitlines()
            wanted = {"cluster_state:ok", "cluster_slots_ok:16384", f"cluster_known_nodes:{masters}"}
            if wanted <= set(found):
                return
            assert time.monotonic() < ends, found
            # A cluster tells nobody when it is ready; gossip goes round ten times a second.
            time.sleep(0.05)


def _binary() -> str | None:
    return shutil.which("redis-server") or shutil.which("valkey-server")
