"""A real PostgreSQL server for tests: on a free loopback port, as an unprivileged user, gone when its block ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from types import MappingProxyType

import pytest

from tests import servers

USER = "postgres"

# A hang ends in a failure, never in a run that does not end. Nothing here takes a tenth of it.
PATIENCE = 30.0

_CACHE = Path(__file__).parents[2] / ".pytest_cache"
_PLAIN: Mapping[str, str] = MappingProxyType({})
_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "fsync": "off",
        "max_connections": "200",
        "log_min_messages": "fatal",
    }
)

# A server dies with the thread that started it (PR_SET_PDEATHSIG), so they are started by one that lives on.
_STARTER = ThreadPoolExecutor(1, "postgres-starter")


def missing() -> str | None:
    """Why no server can be started here; None if one can."""
    if find_spec("psycopg") is None:
        return "these tests need psycopg: pip install 'zerotrust[postgres]'"
    if _programs() is None:
        return "no PostgreSQL server is installed (Debian: apt-get install postgresql)"
    if shutil.which("setpriv") is None:
        return "the server is started with setpriv, of util-linux"
    if os.geteuid() == 0:
        from pwd import getpwnam

        try:
            getpwnam(USER)
        except KeyError:
            return f"PostgreSQL does not run as root, and there is no user {USER!r}"
    return None


def need() -> None:
    """Skip where no server can be started; fail where these tests are what the run is for."""
    servers.need(missing())


class PostgresServer:
    """A server with the database `zerotrust`, made by `postgres_server`.

    Attributes:
        port: where it listens, on 127.0.0.1; the same after a restart.
        url: the database, as the role that owns it and has no further rights.
        superuser: the same database as a superuser.
        data: the data directory.
        log: what the server wrote.
    """

    def __init__(self, directory: Path, settings: Mapping[str, str] = _PLAIN) -> None:
        self.data = directory / "data"
        self.log = directory / "server.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"postgresql://zerotrust@127.0.0.1:{self.port}/zerotrust"
        self.superuser = f"postgresql://{USER}@127.0.0.1:{self.port}/zerotrust"
        self.settings = {**_SETTINGS, **settings}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process that started all others of the server."""
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def start(self) -> None:
        """Start it, with `settings`, and wait until it takes connections. Nothing if it runs."""
        if self._process is not None:
            return
        if not self.data.exists():
            shutil.copytree(_template(), self.data, copy_function=_copy, symlinks=True)
            _give(self.data, self.data.parent)
        deadline = monotonic() + PATIENCE
        while not self._started(deadline):
            # Processes of a server that was killed may still be going, or somebody has the port for a moment.
            said = self.log.read_text("utf-8")[-2000:]
            assert "in use" in said, f"the server does not start: {said}"
            assert monotonic() < deadline, f"the server does not start: {said}"

    def stop(self) -> None:
        """Shut it down: sessions are ended, what was committed is on disk. Nothing if it does not run."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End all its processes at once, without a chance to do anything. Nothing if it does not run."""
        if self._process is None:
            return
        children = _children(self._process.pid)
        self._end(signal.SIGKILL)
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def abort(self) -> None:
        """Have all its processes go without ending anything: the quickest way to be rid of it."""
        self._end(signal.SIGQUIT)

    def restart(self) -> None:
        """Shut it down and start it again."""
        self.stop()
        self.start()

    def _started(self, deadline: float) -> bool:
        ready = self.data / "postmaster.pid"
        programs = _programs()
        assert programs is not None
        options = [f"--{name}={value}" for name, value in {**self.settings, "port": str(self.port)}.items()]
        with self.log.open("ab") as log:
            process = self._process = _STARTER.submit(
                _run,
                "--pdeathsig",
                "QUIT",
                str(programs / "postgres"),
                "-D",
                str(self.data),
                *options,
                log=log.fileno(),
            ).result()
        while not _says_ready(ready, process.pid):
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.01)
                self._process = None
                return False
            if monotonic() > deadline:
                self.kill()
                return False
        return True

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(PATIENCE)
            raise
        finally:
            self._process = None


@contextmanager
def postgres_server(settings: Mapping[str, str] = _PLAIN, directory: Path | None = None) -> Iterator[PostgresServer]:
    """Start a server; when this ends, its processes are gone.

    Args:
        settings: more of `postgresql.conf`; they may be changed between a stop and a start.
        directory: where it keeps its files, and finds those of an earlier one; None for a new one that is removed.
    """
    need()
    with tempfile.TemporaryDirectory(prefix="zerotrust-postgres-", ignore_cleanup_errors=True) as own:
        server = PostgresServer(directory or Path(own), settings)
        server.data.parent.mkdir(parents=True, exist_ok=True)
        server.data.parent.chmod(0o755)
        try:
            server.start()
            yield server
        finally:
            server.abort()


@cache
def _programs() -> Path | None:
    """Where the programs of PostgreSQL are: those on the path, else the newest; Debian keeps them off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    on_path = shutil.which("initdb")
    if on_path is not None:
        found.append(Path(on_path).resolve())
    return found[-1].parent if found else None


def _run(*command: str, log: int) -> subprocess.Popen[bytes]:
    as_user = ["--reuid", USER, "--regid", USER, "--init-groups"] if os.geteuid() == 0 else []
    # No environment: PGDATA, PGPORT, LC_ALL and their like are somebody else's.
    return subprocess.Popen(
        ["setpriv", *as_user, *command],
        cwd="/",
        env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )


def _template() -> Path:
    """A data directory nobody uses, made once per checkout, version of the server and user."""
    import fcntl  # not on every system that can collect these tests

    programs = _programs()
    assert programs is not None
    _CACHE.mkdir(exist_ok=True)
    kept = _CACHE / f"{'-'.join(programs.parts[1:])}-{os.geteuid()}"
    with (_CACHE / "postgres.lock").open("a") as lock:  # several workers, one template
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            with tempfile.TemporaryDirectory(prefix="zerotrust-postgres-") as made:
                Path(made).chmod(0o755)
                _make_template(programs, Path(made) / "data")
                shutil.copytree(Path(made) / "data", kept.with_suffix(".new"))
                kept.with_suffix(".new").rename(kept)
    return kept


def _make_template(programs: Path, data: Path) -> None:
    data.mkdir(mode=0o700)
    _give(data)
    made = ("CREATE ROLE zerotrust LOGIN", "CREATE DATABASE zerotrust OWNER zerotrust")
    initdb = ["-D", str(data), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    with tempfile.TemporaryFile() as said:
        steps = [[str(programs / "initdb"), *initdb]]
        for statement in made:  # no server runs yet; single-user mode reads one statement from its input
            single = f"echo {statement!r} | {programs / 'postgres'} --single -D {data} -c fsync=off -j postgres"
            steps.append(["sh", "-c", single])
        for step in steps:
            process = _run(*step, log=said.fileno())
            if process.wait(PATIENCE):
                said.seek(0)
                pytest.fail(f"PostgreSQL could not make a data directory: {said.read().decode()[-2000:]}")


def _copy(source: str, target: str) -> str:
    return shutil.copyfile(source, target)


def _give(*paths: Path) -> None:
    """Make the server's user the owner, as root; a data directory is nobody else's."""
    for path in paths:
        if os.geteuid() == 0:
            shutil.chown(path, USER, USER)
    if os.geteuid() == 0:
        for folder, folders, files in os.walk(paths[0]):
            for name in (*folders, *files):
                shutil.chown(Path(folder) / name, USER, USER)
    paths[0].chmod(0o700)


def _says_ready(path: Path, pid: int) -> bool:
    with suppress(OSError):
        lines = path.read_text("utf-8").splitlines()  # those of a server that was killed are still there
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"
    return False


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    return []
