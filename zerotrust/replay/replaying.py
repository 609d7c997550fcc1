"""Past decisions, decided again by other policies: a stream of lines in, a report out, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.mistakes import nearest
from zerotrust.core.policy import Policy, all_of
from zerotrust.core.reason import Reason
from zerotrust.replay.capsule import MOST_BYTES, Capsule, read_capsule
from zerotrust.replay.digests import Digests
from zerotrust.replay.outcome import Example, Report, count
from zerotrust.replay.prints import fingerprint
from zerotrust.replay.rebuild import Trial
from zerotrust.replay.rule import rule

_MOST_WRONG: Final = 100  # malformed lines that are told one by one
_MOST_NAMES: Final = 20  # of policies that nobody wants to know of
_MOST_TRIALS: Final = 1000  # names of policies that are looked up once


def replay(
    lines: Iterable[bytes],
    policies: Policy | Mapping[str, Policy],
    *,
    key: bytes | str | None = None,
    examples: int = 3,
    of: str | None = None,
) -> Report:
    """Which past requests would come out differently.

    Requests are not made again: each policy is tried on what was found at the time. So a verifier that is configured
    otherwise, or a predicate whose code has changed, is not tried; nor is anything taken for unchanged that was not
    recorded.

    Args:
        lines: capsules, as a `FileSink` writes them.
        policies: one that is tried on all of them; or several by name, each on what was decided under that name.
        key: what the `Recorder` was given. Without it nothing can be said of new policies that ask who somebody is.
        examples: how many to keep in each group.
        of: leaves out what was not decided under the policy of this name.

    Raises:
        ConfigError: there is no policy, `key` is none, or nothing was decided under the policy that `of` names, and
            something under others.
    """
    report = Report()
    trials = Trials(policies, None if key is None else Digests(key, "key"))
    others: dict[str, int] = {}
    found = False
    for number, line in enumerate(lines, 1):
        if line.isspace() or not line:
            continue
        capsule = read_capsule(line)
        if of is not None and isinstance(capsule, Capsule):
            if of not in (*capsule.decided.names, capsule.called):
                count(others, capsule.called, _MOST_NAMES)
                continue
            found = True
        report.total += 1
        if isinstance(capsule, Reason):
            report.malformed += 1
            if len(report.wrong) < _MOST_WRONG:
                report.wrong.append((number, str(capsule)))
        else:
            _try(capsule, number, trials, report, examples)
    if others and not found:
        raise ConfigError(f"nothing was decided under a policy that is called {of!r}; {nearest(str(of), others)}")
    return report


def _try(capsule: Capsule, number: int, trials: Trials, report: Report, examples: int) -> None:
    trial = trials.of(capsule.decided.names)
    if trial is None:
        report.unmatched += 1
        count(report.names, capsule.called)
        return
    tried = trial.on(capsule)
    allowed = tried.allowed
    if allowed is None:
        report.untold += 1
        for what in dict.fromkeys(tried.missing):
            count(report.missing, what)
        return
    if allowed is capsule.decided.allowed:
        report.same += 1
        return
    was = capsule.decided.kind
    report.add(
        Example(
            line=number,
            change="weaker" if allowed else "stricter",
            now=capsule.now,
            method=capsule.method,
            route=capsule.route,
            policy=capsule.called,
            was=f"{was} ({capsule.decided.code})" if capsule.decided.code else was,
            rule=rule(trial.policy, tried.values, allowed),
            subject=capsule.subject,
            id=capsule.id,
        ),
        examples,
    )


class Trials:
    """The policies to try, by the names that capsules have.

    Where several policies held together, as a route's own and the default do, their new ones hold together.
    """

    def __init__(self, policies: object, digests: Digests | None) -> None:
        self._digests = digests
        self._one: Trial | None = None
        self._by_name: dict[str, Policy] = {}
        self._known: dict[tuple[str, ...], Trial | None] = {}
        if isinstance(policies, Policy):
            self._one = self._trial(policies)
            return
        if not isinstance(policies, Mapping) or not policies:
            raise ConfigError("replay takes a policy, or some by name: {'can pay': can_pay}")
        for name, policy in policies.items():  # pyright: ignore[reportUnknownVariableType]
            if not isinstance(name, str) or not isinstance(policy, Policy):
                raise ConfigError("replay takes policies by name: {'can pay': can_pay}")
            self._by_name[name] = policy

    def of(self, names: tuple[str, ...]) -> Trial | None:
        """What to try in place of the policies called so; None if there is no new one."""
        if self._one is not None:
            return self._one
        if names not in self._known:
            if len(self._known) >= _MOST_TRIALS:
                self._known.clear()
            found = [self._by_name[name] for name in names if name in self._by_name]
            whole = len(found) == len(names)
            self._known[names] = self._trial(found[0] if len(found) == 1 else all_of(*found)) if whole else None
        return self._known[names]

    def _trial(self, policy: Policy) -> Trial:
        return Trial(policy, fingerprint(policy), self._digests)


def lines_of(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of `file`, none longer than is read: what is, is cut, and the rest of it left out."""
    while line := file.readline(MOST_BYTES + 1):
        yield line
        while not line.endswith(b"\n"):
            line = file.readline(MOST_BYTES)
            if not line:
                return
