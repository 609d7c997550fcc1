"""`zerotrust replay`: which past requests would come out differently under another policy."""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Final, cast

from zerotrust.cli.demo.terminal import Terminal
from zerotrust.cli.policy_files import CannotLoad, policies_in
from zerotrust.cli.progress import watched
from zerotrust.cli.replay_report import print_report
from zerotrust.core.errors import ConfigError
from zerotrust.core.mistakes import nearest
from zerotrust.core.policy import Policy
from zerotrust.replay.outcome import BY, By, Report
from zerotrust.replay.plan import names
from zerotrust.replay.replaying import lines_of, replay

KEY_VARIABLE: Final = "ZEROTRUST_REPLAY_KEY"

_OK: Final = 0
_CHANGED: Final = 1
_USAGE: Final = 2
_UNTOLD: Final = 3
_GZIP: Final = b"\x1f\x8b"


def run(options: argparse.Namespace) -> int:
    """Replay, print what came of it, and give the exit status."""
    by: tuple[By, ...] = tuple(options.by or BY)
    try:
        report = _replayed(options)
    except (ConfigError, CannotLoad) as error:
        return _complain(str(error))
    except (OSError, EOFError) as error:  # EOFError: a compressed file that ends early
        return _complain(f"{options.capsules}: {error}")
    if options.json:
        print(json.dumps(report.to_dict(by, options.top), indent=2))
    else:
        print_report(report, by, options.top, Terminal.of(sys.stdout, os.environ))
    if options.fail_on and (report.weaker or (options.fail_on == "any" and report.changed)):
        return _CHANGED
    return _UNTOLD if report.malformed or report.untold or report.unmatched or not report.total else _OK


def _replayed(options: argparse.Namespace) -> Report:
    policies = _by_name(policies_in(options.policy, options.verifiers), options.policy, options.of)
    with ExitStack() as stack:
        raw, total = _opened(options.capsules, stack)
        file = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if _is_gzip(raw) else raw
        lines = watched(
            lines_of(file),
            Terminal.of(sys.stderr, os.environ),
            what="capsules",
            total=total,
            done=raw.tell if total is not None else int,
        )
        return replay(lines, policies, key=_key(options.key_file), examples=options.examples, of=options.of)


def _by_name(loaded: dict[str, Policy], source: str, only: str | None) -> Policy | dict[str, Policy]:
    """The one policy that was asked for; or those of a file, under the names that capsules have for them."""
    if len(loaded) == 1 and (source.endswith(".json") or (":" in source and not source.endswith(".py"))):
        return next(iter(loaded.values()))
    named: dict[str, Policy] = {}
    for policy in loaded.values():
        name = " & ".join(names(policy))
        if named.setdefault(name, policy) != policy:
            raise ConfigError(f"two policies of {source} are called {name}; give one of them, as {source}:NAME")
    if only is not None and only not in named:
        raise ConfigError(f"{source} has no policy that is called {only!r}; {nearest(only, named)}")
    return named


def _key(path: str | None) -> str | None:
    if path is None:
        return os.environ.get(KEY_VARIABLE) or None
    try:
        return Path(path).read_text("ascii").strip()
    except (OSError, ValueError) as error:
        kind = error.strerror if isinstance(error, OSError) else "it holds more than a key"
        raise ConfigError(f"--key-file {path}: {kind}") from None


def _opened(path: str, stack: ExitStack) -> tuple[IO[bytes], int | None]:
    if path == "-":
        return sys.stdin.buffer, None
    opened: IO[bytes] = stack.enter_context(Path(path).open("rb"))  # noqa: SIM115 - the stack closes it
    return opened, os.fstat(opened.fileno()).st_size


def _is_gzip(file: IO[bytes]) -> bool:
    peek = getattr(file, "peek", None)
    return peek is not None and bytes(peek(2))[:2] == _GZIP


def _complain(what: str) -> int:
    print(f"zerotrust replay: {what}", file=sys.stderr)
    return _USAGE
