"""Real servers for tests: started in the foreground as an unprivileged user, on loopback, and gone when a test is."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Condition, Thread

import pytest

# A hang ends in a failure, never in a run that does not end.
PATIENCE = 30.0

# A process dies with the thread that started it, so they are all started by one that lives on.
_STARTER = ThreadPoolExecutor(1, "server-starter")


def need(missing: str | None) -> None:
    """Skip where a developer has no such server; fail where these tests are what the run is for."""
    if missing is None:
        return
    if os.environ.get("ZEROTRUST_REQUIRE") == "1" or os.environ.get("CI") == "true":
        pytest.fail(f"{missing}, and this run requires it", pytrace=False)
    pytest.skip(missing)  # Redis and PostgreSQL are no packages that a developer installs; CI has both


def free_port() -> int:
    """A port on loopback that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def someone(user: str) -> pwd.struct_passwd | None:
    """The account a server is to run as: `user` when the tests run as root, None when it is whoever runs them."""
    return pwd.getpwnam(user) if os.geteuid() == 0 else None


def hand_over(path: Path, user: str) -> None:
    """Let the server's user own a file or folder and all that is in it."""
    account = someone(user)
    for one in (path, *path.rglob("*")) if path.is_dir() else (path,):
        if account is not None:
            os.chown(one, account.pw_uid, account.pw_gid)
        if one.is_dir():
            one.chmod(0o755)


@contextmanager
def workplace(user: str) -> Iterator[Path]:
    """A folder the server's user owns and can reach (those of pytest are closed to others); gone afterwards."""
    path = Path(tempfile.mkdtemp(prefix="zerotrust-"))
    try:
        hand_over(path, user)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class Process:
    """A server in the foreground, and what it has said so far.

    It dies with this process (PR_SET_PDEATHSIG), so a test run that is killed leaves none behind.
    """

    def __init__(
        self, command: Sequence[str], *, user: str, directory: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        account = someone(user)
        prefix = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        if account is not None:
            prefix = [*(prefix or ["setpriv"]), f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}"]
            prefix += ["--clear-groups"]
        if prefix:
            prefix += ["--"]
        self._said: deque[str] = deque(maxlen=500)
        self._news = Condition()
        self._popen = _STARTER.submit(
            subprocess.Popen[str],
            [*prefix, *command],
            cwd=directory,
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ).result()
        self._reader = Thread(target=self._read, name=f"log of {command[0]}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._popen.poll() is None

    def said(self) -> str:
        """The last lines of its log."""
        with self._news:
            return "".join(self._said)

    def wait_for(self, *texts: str, patience: float = PATIENCE) -> bool:
        """Wait until its log holds one of `texts`; False if it ended first or did not say so in time."""
        with self._news:
            return self._news.wait_for(
                lambda: any(text in line for line in self._said for text in texts) or not self._reader.is_alive(),
                patience,
            ) and any(text in line for line in self._said for text in texts)

    def forget(self) -> None:
        """Forget what it has said, to `wait_for` something it says again."""
        with self._news:
            self._said.clear()

    def stop(self) -> None:
        """End it the polite way; kill it if that takes too long."""
        self._popen.terminate()
        try:
            self._popen.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._popen.kill()
        self._end()

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        self._popen.kill()
        self._end()

    def signal(self, number: int) -> None:
        """Send it a signal, SIGSTOP say."""
        self._popen.send_signal(number)

    def _end(self) -> None:
        self._popen.wait(PATIENCE)
        self._reader.join(PATIENCE)
        if self._popen.stdout is not None:
            self._popen.stdout.close()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        try:
            for line in self._popen.stdout:
                with self._news:
                    self._said.append(line)
                    self._news.notify_all()
        finally:
            # `wait_for` asks whether this thread lives: let it ask once more when it does not.
            Thread(target=self._ended, daemon=True).start()

    def _ended(self) -> None:
        self._reader.join()
        with self._news:
            self._news.notify_all()
