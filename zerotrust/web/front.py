"""What stands before an application that a door knows nothing of: its rules, and what the door itself serves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import anyone
from zerotrust.core.reason import MALFORMED, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources
from zerotrust.web.answer import Answer
from zerotrust.web.aside import Records
from zerotrust.web.context import is_websocket
from zerotrust.web.gate import Checkpoint, Gate, Style
from zerotrust.web.metadata import BECAUSE, Metadata
from zerotrust.web.peers import Peers
from zerotrust.web.report import Protection, Report, RouteLine
from zerotrust.web.resource import ProtectedResource
from zerotrust.web.rules import Rules, is_certain
from zerotrust.web.shadow import Shadow
from zerotrust.wire.path import read_path

if TYPE_CHECKING:
    from zerotrust.web.ceremonies import Ceremonies

CEREMONIES_BECAUSE: Final = "ready ceremonies: each decides what it requires"
_READING: Final = ("GET", "HEAD")
_OTHER_ROOT: Final = MALFORMED(
    expected="the root path given to the guard",
    presented="another one",
    detail="the root path (root_path, SCRIPT_NAME)",
)

Spelling: TypeAlias = tuple[str | bytes | None, ...]
"""Method, scheme and path of a request, as the server gave them: all that its place depends on, but for what asks to
be taken for another method."""

_REMEMBERED: Final = 2048  # spellings; callers choose them, so number and length are bounded
_LONGEST: Final = 512  # characters of one; what is longer is worked out each time


class Front:
    """One application behind its rules.

    Args:
        style: how the door asks.
        rules: what is required where; no more can be added after this.
        sources: what answers the verifiers' questions.
        peers: says who the peer of a connection is.
        explain: put the explanation tree into refusals.
        realm: the protection space that challenges name.
        resource: has its metadata served.
        ceremonies: has them served.
        recorder: has each decision recorded.
        shadow: policies to try beside.
        clock: tells the time in POSIX seconds.
        recheck: how late a revocation may count on connections that last.
        root: the only root path (`root_path`, `SCRIPT_NAME`) that is taken off; None for whatever the server says.

    Attributes:
        known: the places of spellings that came lately, where nothing else of a request counts. A door looks here
            first, before it reads anything of the request.
        started: whether the report was logged.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    def __init__(
        self,
        style: Style,
        rules: Rules,
        *,
        sources: Sources,
        peers: Peers | None,
        explain: bool,
        realm: str | None,
        resource: ProtectedResource | None,
        ceremonies: Ceremonies | None,
        recorder: Records | None,
        shadow: Shadow | None,
        clock: Callable[[], float],
        recheck: timedelta | None,
        root: str | None = None,
    ) -> None:
        if not isinstance(rules, Rules):
            raise ConfigError(
                f"Guard takes the application and its rules, not {type(rules).__name__}: "
                "Guard(app, Rules(default=token.valid))"
            )
        self.gate: Gate = Gate(
            style, default=rules.default.policy, sources=sources, peers=peers, explain=explain, realm=realm,
            resource=resource, ceremonies=ceremonies, recorder=recorder, shadow=shadow, clock=clock, recheck=recheck,
            given=_given,
        )  # fmt: skip
        for rule in rules:
            self.gate.policy(rule.protection.policy, f"{rule.protection.by}({rule.template.text!r}, ...)")
        rules.check()
        self._rules = rules
        self._root = None if root is None else _checked_root(root)
        self._metadata = None if resource is None else Metadata(resource, lambda: rules.policies)
        self.known: dict[Spelling, Checkpoint] = {}
        self._known_certain: dict[Spelling, Checkpoint] = {}  # where the method counts, and is what it seems
        self.started: bool = False
        if problems := self.report().problems:
            raise ConfigError("the guard refuses to start: " + "; ".join(problems))

    def report(self) -> Report:
        """Every rule with the policy it requires, what the door serves itself, and what protects everything else."""
        report, ceremonies, metadata = self._rules.report(), self.gate.ceremonies, self._metadata
        lines: list[RouteLine] = []
        problems: list[str] = []
        if metadata is not None:
            lines.append(RouteLine(_READING, metadata.path, Protection(anyone(because=BECAUSE), "guard.open")))
        if ceremonies is not None:
            from zerotrust.web.ceremonies.met import hidden

            ready = Protection(anyone(because=CEREMONIES_BECAUSE), "guard.open")
            lines += [RouteLine(("*",), path, ready) for path in (ceremonies.at, f"{ceremonies.at}/**")]
            problems += hidden((line.path for line in report.lines), ceremonies.setup)
        return Report((*lines, *report.lines), report.fallback, tuple(problems))

    def start(self) -> None:
        """Log the report, the first time: at start-up, or at the first request where a server tells of none."""
        if not self.started:
            self.started = True
            self.gate.start(self.report(), self._rules.policies)

    def place(self, request: AccessRequest, spelling: Spelling | None = None) -> Checkpoint | Answer | None:
        """Where `request` has to be decided on; the answer to it; or None, if it goes to the ceremonies.

        Args:
            request: what came in.
            spelling: what the place is remembered by; None if it is not to be.
        """
        if self._root is not None and request.root != self._root:
            return self.gate.unreadable(_OTHER_ROOT, request)
        if spelling is not None and (known := self._known_certain.get(spelling)) is not None and is_certain(request):
            return known
        found, certain = self._rules.look_up(request)
        if isinstance(found, Reason):
            return self.gate.unreadable(found, request)
        if self._metadata is not None and request.path_within == self._metadata.path:
            if request.method in _READING and not is_websocket(request):
                return self._metadata.answer
        elif self.gate.ceremonies is not None and not is_websocket(request):
            path, at = request.path_within, self.gate.ceremonies.at
            if path == at or path.startswith(f"{at}/"):
                return None
        if spelling is not None and certain is not False:
            _remember(self.known if certain is None else self._known_certain, spelling, found)
        return found


def _checked_root(root: object) -> str:
    if isinstance(root, str) and (root == "" or (root[-1] != "/" and not isinstance(read_path(root), Reason))):
        return root
    raise ConfigError(
        f"root={root!r}: write the path, decoded, that the server or a surrounding application has put before this "
        'one, such as root="/shop", root="" if none has'
    )


def _remember(known: dict[Spelling, Checkpoint], spelling: Spelling, place: Checkpoint) -> None:
    if sum(len(part) for part in spelling if part) > _LONGEST:
        return
    if len(known) >= _REMEMBERED:
        known.clear()
    known[spelling] = place


def _given(name: str, value: str) -> str:
    return f"Guard(app, rules, {name}={value}, ...)"
