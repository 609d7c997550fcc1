"""Runs the demo: issuer and app up, the story told, the report printed, and with `--serve` a page kept up."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
import webbrowser
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Final

from zerotrust.cli.demo.app import create_app
from zerotrust.cli.demo.client import Answer, send
from zerotrust.cli.demo.page import add_page
from zerotrust.cli.demo.policies import Policies
from zerotrust.cli.demo.report import complaints, refusal, table
from zerotrust.cli.demo.scenario import Outcome, Step, story
from zerotrust.cli.demo.servers import AppServer
from zerotrust.cli.demo.terminal import Terminal
from zerotrust.testing import Clock, LocalIssuerServer

_PATIENCE: Final = 3  # times that a client does as `Retry-After` says


def run(*, serve: bool, port: int) -> int:
    """Tell the story and return the exit status: 0 if every outcome was the expected one, 1 if not or not started."""
    terminal = Terminal.of(sys.stdout, os.environ)
    clock = Clock(time.time(), ticking=True)
    # Short-lived copies of the keys, so that the story need not let much time pass.
    with LocalIssuerServer(clock=clock, algorithms=("ES256", "RS256"), cache_control="max-age=60") as server:
        policies = Policies(server.url)
        app, guard = create_app(policies, clock)
        if serve:
            add_page(app, guard, policies, server.issuer)
        try:
            app_server = AppServer(app, port)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            print(f"zerotrust demo: cannot listen on 127.0.0.1:{port}: {why}", file=sys.stderr)
            return 1
        with _explaining(), app_server:
            terminal.line(terminal.paint("zerotrust demo", "bold"))
            terminal.line(f"  issuer  {server.url}")
            terminal.line(f"  app     {app_server.url}")
            for line in str(guard.report()).splitlines():
                terminal.line(terminal.paint(f"          {line}", "dim"))
            for policy in (policies.can_read, policies.can_pay):
                terminal.line(f"  {policy.name + ':':<9} {policy.inner}")
            outcomes = _tell(server, clock, app_server.url, terminal)
            fetches = server.requests.get("/jwks", 0)
            _print(outcomes, fetches, terminal)
            if serve:
                _keep_up(app_server.url, terminal)
    return 0 if all(outcome.expected for outcome in outcomes) else 1


@contextmanager
def _explaining() -> Generator[None]:
    """Keep quiet the guard's warning of explain mode, which is right anywhere else; its errors still show."""

    def only_errors(record: logging.LogRecord) -> bool:
        return record.levelno > logging.WARNING

    log = logging.getLogger("zerotrust.guard")
    log.addFilter(only_errors)
    try:
        yield
    finally:
        log.removeFilter(only_errors)


def _tell(server: LocalIssuerServer, clock: Clock, base: str, terminal: Terminal) -> list[Outcome]:
    outcomes: list[Outcome] = []
    try:
        for step in story(server, clock):
            terminal.progress(f"{len(outcomes) + 1:>3}  {step.title}")
            outcomes.append(Outcome(step, _send(base, step)))
    finally:
        terminal.clear()
    return outcomes


def _send(base: str, step: Step) -> Answer:
    """Send a step's request; where the step says so, come back when `Retry-After` allows it."""
    answer = send(base, step.request)
    for _ in range(_PATIENCE if step.patient else 0):
        wait = answer.header("retry-after")
        if answer.status != 503 or wait is None:
            break
        time.sleep(float(wait))
        answer = send(base, step.request)
    return answer


def _print(outcomes: Sequence[Outcome], fetches: int, terminal: Terminal) -> None:
    terminal.line()
    terminal.line(terminal.paint("Why each was refused", "bold"))
    for number, outcome in enumerate(outcomes, 1):
        if "explanation" in outcome.answer.document and outcome.answer.status >= 400:
            terminal.line()
            for line in refusal(number, outcome, terminal):
                terminal.line(line)
    terminal.line()
    for line in table(outcomes, terminal):
        terminal.line(line)
    terminal.line()
    wrong = list(complaints(outcomes))
    for line in wrong:
        terminal.line(terminal.paint(line, "red"))
    total = len(outcomes)
    terminal.line(f"{total} requests; the app fetched keys {fetches} times.")
    verdict = f"{total - len(wrong)} of {total} outcomes were the expected ones."
    terminal.line(terminal.paint(verdict, "bold", "red" if wrong else "green"))


def _keep_up(url: str, terminal: Terminal) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are born ignoring it
    try:
        terminal.line()
        terminal.line(f"Try it by hand: {terminal.paint(url + '/', 'bold', 'cyan')}  (Ctrl-C stops)")
        terminal.stream.flush()
        if terminal.live:
            webbrowser.open(url + "/")
        # In short turns: a signal that comes right before an endless wait would not end it.
        while True:
            time.sleep(0.25)
    except KeyboardInterrupt:
        terminal.line()
