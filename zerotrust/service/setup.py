"""One policy file as the service works with it: read in full before the first request is decided by it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import Policy
from zerotrust.driver import NO_SOURCES, Sources, check_sources
from zerotrust.service.callers import Callers, read_callers
from zerotrust.service.identity import Identity
from zerotrust.service.names import check_names
from zerotrust.web.aside import Records
from zerotrust.web.gate import Checkpoint, Gate
from zerotrust.web.peers import Peers
from zerotrust.web.report import Protection, Report
from zerotrust.web.rules import WEBSOCKET, Rules
from zerotrust.web.shadow import Shadow
from zerotrust.web.wired import check_policy


@dataclass(frozen=True, slots=True)
class _Whole(Report):
    """The report of the rules, and below it what else is in force."""

    besides: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([Report.__str__(self), *self.besides])


class Setup:
    """What is in force: rules, gate, callers and the rest of one policy file. It is never changed, only replaced.

    Args:
        names: the public names of the file.
        private: whether nobody but callers can connect at all, since the service listens on a Unix socket that only
            they may open; else `callers` have to prove themselves.
        clock: tells the time in POSIX seconds.

    Attributes:
        gate: decides.
        rules: say what is required where.
        identity: says what the application behind the proxy is told.
        callers: who may ask; empty if whoever can connect.
        actions: the policies that AuthZEN asks for, by the name of the action.
        pdp: the identifier of this decision point (AuthZEN section 9), an HTTPS URL; None if it publishes no metadata.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    def __init__(
        self, names: Mapping[str, object], *, private: bool = False, clock: Callable[[], float] = time.time
    ) -> None:
        check_names(names)
        rules = names.get("rules")
        if not isinstance(rules, Rules):
            seen = "there is none" if rules is None else f"rules is {type(rules).__name__}"
            raise ConfigError(f"a policy file defines rules = Rules(default=token.valid), and {seen}")
        sources = check_sources(names.get("sources", NO_SOURCES))
        explain = names.get("explain", False)
        if not isinstance(explain, bool):
            raise ConfigError(f"explain is {type(explain).__name__}; write explain = True, for development only")
        self.rules: Rules = rules
        self.gate: Gate = Gate(
            "async", default=rules.default.policy, sources=sources, peers=cast("Peers | None", names.get("peers")),
            explain=explain, realm=cast("str | None", names.get("realm")),
            recorder=cast("Records | None", names.get("recorder")), shadow=cast("Shadow | None", names.get("shadow")),
            clock=clock, answered=(), given=_given,
        )  # fmt: skip
        for rule in rules:
            if WEBSOCKET in (rule.methods or ()):
                raise ConfigError(
                    f"{rule.template.text}: {WEBSOCKET} among methods holds for nothing here: proxies ask about the "
                    'handshake of a WebSocket as about a GET; write methods=["GET"], or leave methods= out'
                )
            self.gate.policy(rule.protection.policy, f"{rule.protection.by}({rule.template.text!r}, ...)")
        rules.check()
        self.identity: Identity = Identity(names.get("identity"))
        self.callers: Callers = read_callers(names["callers"]) if names.get("callers") is not None else ()
        if not self.callers and not private:
            raise ConfigError(
                "callers is missing: on a port anybody could ask, and say anything of a request. Write callers = "
                "Caller('nginx', secret=HopSecret('x-hop-secret', os.environ['HOP_SECRET'])), or listen on a Unix "
                "socket that only the proxy may open: --unix-socket"
            )
        self.actions: dict[str, Checkpoint] = _actions(names.get("authzen"), self.gate)
        self.pdp: str | None = _pdp(names.get("pdp"))
        secrets = {caller.secret.header.encode() for caller in self.callers}
        if both := secrets & self.identity.names:
            raise ConfigError(f"identity: {min(both).decode()} carries the secret of a caller; write another header")
        self.hidden: frozenset[bytes] = frozenset(secrets | self.identity.names)
        self.users: int = 0  # requests that are being decided with it

    @property
    def sources(self) -> Sources:
        """What answers the verifiers' questions."""
        return self.gate.sources

    @property
    def policies(self) -> tuple[Policy, ...]:
        """All that were given."""
        return *self.rules.policies, *(place.protection.policy for place in self.actions.values())

    def report(self) -> Report:
        """Every rule with the policy that it requires, and what protects everything else; as text, all else, too."""
        rules = self.rules.report()
        told = ", ".join(sorted(name.decode() for name in self.identity.names)) or "nothing"
        asks = ", ".join(caller.name for caller in self.callers) or "whoever may open the socket"
        besides = [f"AuthZEN {name}: {place.protection}" for name, place in self.actions.items()]
        besides += [f"the application is told: {told}", f"who may ask: {asks}"]
        return _Whole(rules.lines, rules.fallback, rules.problems, tuple(besides))

    def start(self) -> None:
        """Log the report."""
        self.gate.start(self.report(), self.policies)

    def __str__(self) -> str:
        return str(self.report())


def _given(name: str, value: str) -> str:
    return f"{name} = {value}"


def _actions(given: object, gate: Gate) -> dict[str, Checkpoint]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ConfigError(f"authzen is {type(given).__name__}; write authzen = {{'can_read': can_read}}")
    made: dict[str, Checkpoint] = {}
    for name, policy in cast("Mapping[Any, object]", given).items():
        if not (isinstance(name, str) and 0 < len(name) <= 128 and name.isprintable()):
            raise ConfigError(f"authzen: {name!r} is no name of an action; write text such as 'can_read'")
        where = f"authzen[{name!r}]"
        checked = check_policy(policy, where, gate.sources, None, in_handler=True, given=gate.given)
        made[name] = Checkpoint(Protection(checked, where), name)
    return made


def _pdp(given: object) -> str | None:
    if given is None:
        return None
    # AuthZEN 1.0 section 9.1.1: https, without query and fragment.
    if not (
        isinstance(given, str)
        and given.startswith("https://")
        and given.isascii()
        and given.isprintable()
        and not set(given) & set('?# "\\')
        and given.removeprefix("https://").strip("/")
    ):
        raise ConfigError(
            f"pdp is {given!r}; write the URL of this service as callers know it: https://pdp.example.com"
        )
    return given
