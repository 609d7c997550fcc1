"""What is around an application: who signs its tokens, what time it is, the books."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from examples.doors.ledger import Ledger, demo
from zerotrust import Policy, Sources
from zerotrust.driver import NO_SOURCES
from zerotrust.web.aside import Records


@dataclass
class Setting:
    """What `create_app` of each application takes.

    Attributes:
        sources: answer for the issuer's keys and keep what must not be used twice.
        clock: tells POSIX seconds.
        ledger: the books.
        recorder: has decisions recorded.
        pages: further pages that say `ledger.page(path)`, each under a policy of its own; by path.
    """

    sources: Sources = NO_SOURCES
    clock: Callable[[], float] = time.time
    ledger: Ledger = field(default_factory=demo)
    recorder: Records | None = None
    pages: Mapping[str, Policy] = field(default_factory=dict[str, Policy])
