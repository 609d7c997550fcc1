"""Records decisions, beside them: whatever goes wrong with it, the decision stands and the request goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Final

from zerotrust.core.decision import Decision
from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import Policy
from zerotrust.core.request import AccessRequest
from zerotrust.replay.capsule import MOST_BYTES
from zerotrust.replay.digests import Digests
from zerotrust.replay.plan import Plan, plan, policies_of
from zerotrust.replay.prints import fingerprint
from zerotrust.replay.writing import line

_LOG = logging.getLogger("zerotrust.replay")
_MOST_POLICIES: Final = 10_000  # whose plans are remembered
_MOST_ID: Final = 128


class Recorder:
    """Has each decision kept as one line of JSON, for `zerotrust replay`.

    Kept are the findings, reduced to what leaves read; never a token, a cookie, a code or a header. Subjects and what
    else says who somebody is are kept as digests under `key`.

    Args:
        policies: what decisions are made under. What their leaves read is kept of every decision, so that each can be
            tried on the decisions of the others.
        key: at least 32 random octets, or their base64url text, as `zerotrust store key` prints it. Whoever has it can
            tell whether a capsule is about somebody known, so keep it apart from the capsules.
        sink: takes each line, a `FileSink`. It must not block; False says that it dropped the line.
        also: policies that are not enforced: what their leaves read is kept as well, so that they can be tried later.
        request_id: what the application calls a request; it must not say more of it than that. None for nothing.

    Attributes:
        recorded: decisions that the sink has taken.
        dropped: those that it had no room for.
        failed: those that could not be written down.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    def __init__(
        self,
        policies: Policy | Iterable[Policy] = (),
        *,
        key: bytes | str,
        sink: Callable[[bytes], bool | None],
        also: Policy | Iterable[Policy] = (),
        request_id: Callable[[AccessRequest], str | None] | None = None,
    ) -> None:
        self._digests = Digests(key)
        self._more = (*policies_of(policies, "Recorder(policies)"), *policies_of(also, "Recorder(also=...)"))
        if not callable(sink):
            raise ConfigError(f"sink takes lines of bytes, FileSink(path), not {type(sink).__name__}")
        if request_id is not None and not callable(request_id):
            raise ConfigError(f"request_id is a function of a request, not {type(request_id).__name__}")
        self._sink = sink
        self._request_id = request_id
        # By identity: to hash a large policy at every request would cost more than to decide it.
        self._known: dict[int, tuple[Policy, Plan, str]] = {}
        for policy in self._more:
            self._plan(policy)
        self._lock = Lock()
        self.recorded: int = 0
        self.dropped: int = 0
        self.failed: int = 0

    def record(
        self,
        decision: Decision,
        request: AccessRequest,
        *,
        route: str,
        method: str | None = None,
        shadow: Decision | None = None,
    ) -> None:
        """Record one decision. Never raises, and never waits.

        Args:
            decision: what was decided.
            request: what it was decided about.
            route: the path as it was declared, never as it was asked for.
            method: if it is not that of the request: `WS` for a WebSocket.
            shadow: what another policy came to on the same request.
        """
        try:
            _, kept, fingerprint_ = self._plan(decision.policy)
            beside: tuple[Decision, Plan, str] | None = None
            if shadow is not None:
                beside = (shadow, *self._plan(shadow.policy)[1:])
            made = line(
                decision, kept, fingerprint_, self._digests, method=method or request.method, route=route,
                request_id=self._id(request), beside=beside,
            )  # fmt: skip
            if len(made) > MOST_BYTES:
                self._fail(f"it is longer than {MOST_BYTES} bytes", route)
                return
            taken = self._sink(made) is not False
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - not even `SystemExit` may change what becomes of a request
            self._fail(type(error).__qualname__, route)  # its message may quote what was found
            return
        with self._lock:
            if taken:
                self.recorded += 1
                return
            self.dropped += 1
            first = self.dropped == 1
        if first:
            _LOG.warning("capsules are dropped: the sink has no room; Recorder.dropped counts them")

    def _fail(self, why: str, route: str) -> None:
        with self._lock:
            self.failed += 1
            first = self.failed == 1
        if first:
            _LOG.error("a decision at %s was not recorded: %s; Recorder.failed counts the next ones", route, why)

    def _id(self, request: AccessRequest) -> str:
        if self._request_id is None:
            return ""
        given = self._request_id(request)
        if given is None:
            return ""
        if not isinstance(given, str) or len(given) > _MOST_ID or not given.isascii() or not given.isprintable():
            raise ConfigError(f"request_id gives a text of at most {_MOST_ID} printable characters of ASCII")
        return given

    def _plan(self, policy: Policy) -> tuple[Policy, Plan, str]:
        known = self._known.get(id(policy))
        if known is None or known[0] is not policy:
            if len(self._known) >= _MOST_POLICIES:
                self._known.clear()
            known = self._known[id(policy)] = policy, plan(policy, self._more), fingerprint(policy)
        return known
