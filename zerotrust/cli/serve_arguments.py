"""What `zerotrust serve` takes. Apart from what it does, so that `--version` and `--help` import nothing else."""

from __future__ import annotations

import argparse


def describe(serve: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    serve.set_defaults(parser=serve)
    serve.add_argument("file", help="the policy file; it is RUN, as an import would: give only what you trust")
    serve.add_argument("--check", action="store_true", help="load the file, print what it requires, and exit")
    where = serve.add_mutually_exclusive_group()
    where.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    where.add_argument("--unix-socket", metavar="PATH", help="listen here, for the owner and the group of the process")
    serve.add_argument("--port", type=_port, default=8180, help="the port to listen on (default: 8180; 0: any)")
    serve.add_argument(
        "--interval", type=_seconds, default=2.0, metavar="SECONDS",
        help="how often to look whether the file has changed (default: 2)",
    )  # fmt: skip
    serve.add_argument(
        "--drain", type=_seconds, default=10.0, metavar="SECONDS",
        help="how long requests that have begun may take at the end (default: 10)",
    )  # fmt: skip
    serve.add_argument(
        "--log-format", choices=("text", "json"), default="text",
        help="how the log is written: as text, or as a line of JSON for each record (default: text)",
    )  # fmt: skip


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError(f"a time is a number of seconds, more than 0 and at most 3600, not {text!r}")
    return seconds
