"""`zerotrust store`: look after the stores that an application uses."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack
from datetime import timedelta
from typing import Final

from zerotrust.cli.demo.terminal import Terminal
from zerotrust.cli.store_report import Checked, document, report
from zerotrust.core.ask import SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.stores.contract import CHECKS, Result, check_async_store, check_store
from zerotrust.stores.keys import StoreKeys, new_key
from zerotrust.stores.open import open_async_store, open_store

URL_VARIABLE: Final = "ZEROTRUST_STORE_URL"
INDEX_VARIABLE: Final = "ZEROTRUST_STORE_INDEX_KEY"
SCRATCH: Final = "zerotrust-check"
"""The namespace that is checked in unless another is given: what an application keeps is not touched."""

_OK: Final = 0
_WRONG: Final = 1
_USAGE: Final = 2


def key() -> int:
    """Print a new key for `StoreKeys`."""
    print(new_key())
    return _OK


def migrate(url: str | None, *, timeout: float) -> int:
    """Bring a store's schema up to date."""
    try:
        with open_store(_url(url), timeout=timedelta(seconds=timeout)) as store:
            before, after = store.migrate()
    except ConfigError as error:
        return _complain("migrate", error, _USAGE)
    except SourceFailed as failure:
        return _complain("migrate", failure.reason, _WRONG)
    if before == after == 0:
        print("this store has no schema")
    elif before == after:
        print(f"the schema has version {after} already")
    else:
        print(f"the schema had version {before} and has version {after} now")
    return _OK


def check(url: str | None, *, namespace: str | None, timeout: float, as_json: bool) -> int:
    """Check a live store, blocking and async, and print what came of it; 0 if nothing is wrong."""
    try:
        where = _url(url)
        checked = _checked(where, namespace, timedelta(seconds=timeout), Terminal.of(sys.stderr, os.environ))
    except ConfigError as error:
        return _complain("check", error, _USAGE)
    except SourceFailed as failure:
        return _complain("check", failure.reason, _WRONG)
    if as_json:
        print(json.dumps(document(where, checked), indent=2))
    else:
        report(where, checked, Terminal.of(sys.stdout, os.environ))
    return _OK if checked.sound else _WRONG


def _url(url: str | None) -> str:
    given = url or os.environ.get(URL_VARIABLE)
    if not given:
        raise ConfigError(f"which store? Give its URL, or set {URL_VARIABLE}, which keeps passwords out of sight")
    return given


def _complain(command: str, what: object, status: int) -> int:
    print(f"zerotrust store {command}: {what}", file=sys.stderr)
    return status


def _checked(url: str, namespace: str | None, timeout: timedelta, progress: Terminal) -> Checked:
    # With an index key in the scratch namespace, the next check without one would be refused.
    index = os.environ.get(INDEX_VARIABLE) if namespace is not None else None
    keys = StoreKeys(encrypt=[new_key()], index=index)
    name = SCRATCH if namespace is None else namespace
    blocking = open_store(url, namespace=name, keys=keys, timeout=timeout)
    twin = open_async_store(url, namespace=name, keys=keys, timeout=timeout)
    seconds = timeout.total_seconds()
    results: list[list[Result]] = []
    with ExitStack() as stack:
        stack.enter_context(blocking)
        stack.callback(progress.clear)
        facts = blocking.inspect()
        for found in (check_store(blocking, timeout=seconds), check_async_store(twin, timeout=seconds)):
            results.append([])
            for result in found:
                results[-1].append(result)
                progress.progress(f"{len(results[-1]):>3} of {len(CHECKS)}  {result.promise}")
        pairs = tuple(zip(*results, strict=True))
        return Checked(facts, pairs, (blocking.metrics(), twin.metrics()))
