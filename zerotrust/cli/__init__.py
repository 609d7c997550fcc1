"""The `zerotrust` command. What a command needs is imported when it runs, so that `--version` needs nothing."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final

from zerotrust import __version__
from zerotrust.cli.policy_arguments import describe as describe_policy
from zerotrust.cli.replay_arguments import describe as describe_replay
from zerotrust.cli.serve_arguments import describe as describe_serve

_DEMO_NEEDS: Final = ("fastapi", "uvicorn", "httpcore2")  # what the extra `demo` brings

OK: Final = 0
UNEXPECTED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130  # 128 + SIGINT, as shells count


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (without the program's name; `sys.argv` unless given) and return its exit status."""
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        if options.version:
            print(f"zerotrust {__version__}")
            return OK
        if options.command == "demo":
            return _demo(serve=options.serve, port=options.port)
        if options.command == "store" and options.store_command is not None:
            return _store(options)
        if options.command == "replay":
            from zerotrust.cli import replay

            return replay.run(options)
        if options.command == "serve":
            from zerotrust.cli import serve

            return serve.run(options)
        if options.command == "policy" and options.policy_command is not None:
            from zerotrust.cli import policy

            return policy.run(options)
        (parser if options.command is None else options.parser).print_help()
        return OK
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has left (`zerotrust demo | head`). Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNEXPECTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="zerotrust",
        description="Typed access decisions for Python web services.",
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(dest="command", title="commands")
    demo = commands.add_parser(
        "demo",
        help="send real requests to a guarded app and show every decision",
        description=(
            "Start an issuer and a guarded FastAPI app on loopback, send them good, stale, wrong and forged "
            "credentials over HTTP, and show what came back and why. The exit status is 0 if every outcome was the "
            "expected one."
        ),
    )
    demo.add_argument("--serve", action="store_true", help="keep the app up, with a page to try credentials by hand")
    demo.add_argument(
        "--port", type=_port, default=0, help="where the app listens on 127.0.0.1 (default: any free port)"
    )
    _describe_store(commands.add_parser("store", help="check, migrate and set up what remembers used tokens"))
    describe_replay(commands.add_parser("replay", help="try a policy on recorded decisions"))
    describe_policy(commands.add_parser("policy", help="compare, check and show policies"))
    describe_serve(commands.add_parser("serve", help="answer proxies and applications by the policies of a file"))
    return parser


def _describe_store(store: argparse.ArgumentParser) -> None:
    store.set_defaults(parser=store)
    commands = store.add_subparsers(dest="store_command", title="commands")
    commands.add_parser("key", help="print a new key, for StoreKeys")
    check = commands.add_parser(
        "check",
        help="run the contract against a live store, blocking and async",
        description=(
            "Look at how a store is set up, and try on it all that stores promise. What an application keeps there is "
            "not touched, and what is left behind expires within a minute or two. The exit status is 0 if nothing is "
            "wrong."
        ),
    )
    migrate = commands.add_parser("migrate", help="bring a store's schema up to date")
    for command in (check, migrate):
        command.add_argument("url", nargs="?", help="e.g. redis://host:6379/0; ZEROTRUST_STORE_URL if it is not given")
        command.add_argument(
            "--timeout", type=_seconds, default=2.0, metavar="SECONDS", help="for one question (default: 2)"
        )
    check.add_argument("--json", action="store_true", help="print JSON")
    check.add_argument(
        "--namespace",
        help="where to check, if the server allows no other; its index key, if any, in ZEROTRUST_STORE_INDEX_KEY",
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 60:
        raise argparse.ArgumentTypeError(f"a time is a number of seconds, more than 0 and at most 60, not {text!r}")
    return seconds


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text!r}")
    return int(text)


def _demo(*, serve: bool, port: int) -> int:
    missing = [name for name in _DEMO_NEEDS if find_spec(name) is None]
    if missing:
        print(f"zerotrust demo needs {', '.join(missing)}: pip install 'zerotrust[demo]'", file=sys.stderr)
        return USAGE
    from zerotrust.cli.demo.command import run

    return run(serve=serve, port=port)


def _store(options: argparse.Namespace) -> int:
    from zerotrust.cli import store

    if options.store_command == "key":
        return store.key()
    if options.store_command == "migrate":
        return store.migrate(options.url, timeout=options.timeout)
    return store.check(options.url, namespace=options.namespace, timeout=options.timeout, as_json=options.json)
