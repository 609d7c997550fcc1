"""`zerotrust serve`: the decision service for one policy file."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from zerotrust.cli.policy_files import CannotLoad, Ran, ran
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.service.app import Service
from zerotrust.service.log import JsonLines
from zerotrust.service.reload import Loaded, Reloader, digest
from zerotrust.service.setup import Setup

_OK: Final = 0
_FAILED: Final = 1
_USAGE: Final = 2
_TEXT: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"


def run(options: argparse.Namespace) -> int:
    """Serve until told to end, or only check; gives the exit status."""
    file, private = Path(options.file), options.unix_socket is not None
    if not options.check and find_spec("uvicorn") is None:
        print("zerotrust serve needs uvicorn: pip install 'zerotrust[serve]'", file=sys.stderr)
        return _USAGE
    load = loader(file, private=private)
    loaded = load()
    setup = loaded.setup
    if not isinstance(setup, Setup):
        print(f"zerotrust serve: {setup}", file=sys.stderr)
        return _USAGE
    if options.check:
        print(setup)
        return _OK
    told = logging.StreamHandler()
    told.setFormatter(JsonLines() if options.log_format == "json" else logging.Formatter(_TEXT))
    logging.basicConfig(level=logging.INFO, handlers=[told])
    logging.getLogger("zerotrust.guard.refusals").setLevel(logging.WARNING)  # the service tells of each itself
    return _serve(options, setup, load, loaded)


def loader(file: Path, *, private: bool) -> Callable[[], Loaded]:
    """What loads `file` anew, with all that it imports from beside itself."""

    def load() -> Loaded:
        before = digest((file,))
        done = ran(file)
        made = _made(file, done, private)
        torn = digest((file,)) != before
        files = (file.absolute(), *done.files)  # which are where links lead to; these may be changed, too
        return Loaded(made, files, "" if torn else digest(files))

    return load


def _made(file: Path, done: Ran, private: bool) -> Setup | Exception:
    """What a file that was run defines; or what is wrong with it."""
    if isinstance(done.names, CannotLoad):
        return done.names
    try:
        return Setup(done.names, private=private)
    except (ConfigError, PolicyError) as error:
        return CannotLoad(f"{file}: {error}")
    except Exception as error:  # noqa: BLE001 - a policy file holds what its author likes
        return CannotLoad(f"{file} cannot be used: {type(error).__name__}: {error}")


def _serve(options: argparse.Namespace, setup: Setup, load: Callable[[], Loaded], loaded: Loaded) -> int:
    from zerotrust.service.listen import forget, port_socket, serve, unix_socket

    path = None if options.unix_socket is None else Path(options.unix_socket)
    try:
        service = Service(setup, private=path is not None)
        listener = port_socket(options.host, options.port) if path is None else unix_socket(path)
    except (ConfigError, OSError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        print(f"zerotrust serve: cannot listen on {path or f'{options.host}:{options.port}'}: {why}", file=sys.stderr)
        return _FAILED
    where = str(path) if path is not None else "{}:{}".format(*listener.getsockname()[:2])
    print(f"zerotrust serve: listening on {where}", flush=True)
    reloader = Reloader(service, load, loaded)
    try:
        asyncio.run(serve(service, reloader, listener, interval=options.interval, drain=options.drain))
    finally:
        if path is not None:
            forget(path)
    return _OK
