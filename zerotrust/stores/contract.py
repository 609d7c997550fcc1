"""Checks whether a live store keeps the contract, in a second or two: for an operator's command and anybody's tests.

    for result in check_store(MyStore(...)):
        assert result.outcome == "passed", result

The checks ask in spaces of their own and by the real clock, so a store that is in use may be checked: nothing of
another space is read, written or forgotten early, and what they leave behind expires within half a minute.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from zerotrust.core.ask import Ask, SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.stores.bench import Bench, Broken, Check, Checkable, NotApplicable
from zerotrust.stores.bridge import Bridge
from zerotrust.stores.promises import PROMISES
from zerotrust.stores.store import AsyncStore

CHECKS: Final[tuple[Check, ...]] = PROMISES
"""What is checked, in this order."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one check.

    Attributes:
        name: of the check, e.g. `mark-once`.
        promise: what was checked, in one sentence.
        outcome: `passed`; `failed`: the promise was broken; `unchecked`: it could not be checked.
        detail: what was seen, or why it could not be checked.
        reason: why the store did not answer, if it could not be checked for that.
        seconds: how long it took.
    """

    name: str
    promise: str
    outcome: Literal["passed", "failed", "unchecked"]
    detail: str = ""
    reason: Reason | None = None
    seconds: float = 0.0


def check_store(
    store: Checkable, *, scratch: str = "", timeout: float = 1.0, checks: Sequence[Check] = CHECKS
) -> Iterator[Result]:
    """Check a store that is blocking or instant, one promise after the other.

    Args:
        store: the store. Give it `StoreKeys(encrypt=[...])`, else secret values cannot be checked.
        scratch: begins the names of the spaces that are used, at most 64 characters; nobody else may use them. A
            random one if empty.
        timeout: the most seconds that one ask may take, as a driver would allow.
        checks: the ones to run.

    Returns:
        One result for each check. A failing store gives results, too; what it raises that it must not is `failed`.

    Raises:
        ConfigError: the store is async, or `scratch` is too long.
    """
    if store.style == "async":
        raise ConfigError(f"{type(store).__name__} is async; write check_async_store(store)")
    if len(scratch.encode()) > 64:
        raise ConfigError(f"scratch has {len(scratch)} characters; give at most 64, e.g. secrets.token_hex(8)")
    return _results(store, scratch or f"check-{secrets.token_hex(8)}", timeout, checks)


def check_async_store(
    store: AsyncStore, *, scratch: str = "", timeout: float = 1.0, checks: Sequence[Check] = CHECKS
) -> Iterator[Result]:
    """The same for an async store, which runs in an event loop of its own in the meantime and is closed at the end."""
    with Bridge(store) as bridge:
        yield from check_store(bridge, scratch=scratch, timeout=timeout, checks=checks)


def _results(store: Checkable, scratch: str, timeout: float, checks: Sequence[Check]) -> Iterator[Result]:
    for check in checks:
        # Each has spaces of its own; and its own `now`, for the server's clock does not stand still either.
        bench = Bench(store, f"{scratch}-{check.name}", time.time(), timeout)
        began = time.perf_counter()
        outcome, detail, reason = _outcome(check, bench, store.answers)
        yield Result(check.name, check.promise, outcome, detail, reason, time.perf_counter() - began)


def _outcome(
    check: Check, bench: Bench, answers: Sequence[type[Ask[Any]]]
) -> tuple[Literal["passed", "failed", "unchecked"], str, Reason | None]:
    missing = [kind.__name__ for kind in check.asks if kind not in answers]
    if missing:
        return "unchecked", f"the store does not answer {', '.join(missing)}", None
    try:
        check.run(bench)
    except Broken as broken:
        return "failed", str(broken), None
    except NotApplicable as why:
        return "unchecked", str(why), None
    except SourceFailed as failure:
        return "unchecked", str(failure.reason), failure.reason
    except Exception as error:  # noqa: BLE001 - whatever a store raises, it must not; the text may quote anything
        return "failed", f"the store raised {type(error).__name__}, where SourceFailed was due", None
    return "passed", "", None
