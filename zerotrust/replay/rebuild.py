"""A policy tried on recorded findings: the evidence is made up again from what was kept, and leaves asked anew.

A leaf that cannot be answered from what was kept is neither unknown nor no: it could have been anything. Where that
matters, what the policy would have come to cannot be told, and is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final, cast

from zerotrust.core import reason as reasons
from zerotrust.core.decision import Challenge, Decision, Deny, allow
from zerotrust.core.evidence import Evidence
from zerotrust.core.fact_values import tests, value_of
from zerotrust.core.facts import Includes, Mentions, NothingBut, OneOf, Present
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.policy import Leaf, Policy, Standing
from zerotrust.core.program import Value
from zerotrust.core.reason import NOT_GATHERED, NOT_SATISFIED, Kind, Reason
from zerotrust.core.unlock import remedies
from zerotrust.core.verifier import Verifier
from zerotrust.replay.capsule import Capsule, Found
from zerotrust.replay.digests import Digests
from zerotrust.replay.plan import Asked, asked, constants, labels, shared
from zerotrust.replay.writing import answer_name

_KINDS: Final[Mapping[str, Kind]] = {kind.code: kind for kind in vars(reasons).values() if isinstance(kind, Kind)}
_UNKNOWN: Final = NOT_GATHERED()  # the value of a leaf that is certainly unknown: nothing was verified for it
_UNSAID: Final = NOT_SATISFIED()  # of one that is certainly unknown, since the evidence does not say


class Trial:
    """A policy, ready to be tried on many capsules.

    Args:
        policy: what is tried.
        fingerprint: of the policy.
        digests: under the key that the capsules were recorded with; without it, leaves that ask who somebody is have
            the answers only that were recorded.

    Attributes:
        policy: what is tried.
        fingerprint: of the policy.
    """

    def __init__(self, policy: Policy, fingerprint: str, digests: Digests | None = None) -> None:
        self.policy: Policy = policy
        self.fingerprint: str = fingerprint
        self._program = policy.program
        self._digests = digests
        self._labels = labels(policy)
        self._shared = shared(policy)
        self._leaves = tuple(
            (leaf, self._labels[leaf.verifier], type(leaf.verifier).__name__, *_asked(leaf, digests))
            for leaf in self._program.leaves
        )
        self._known: dict[str, object] = {}
        for _, _, _, about, _, _, _ in self._leaves:
            if digests is not None and about.fact is not None:
                self._known |= {cast("str", digests.of(constant)): constant for constant in constants(about.fact)}

    def on(self, capsule: Capsule) -> Tried:
        """What the policy comes to on the findings of `capsule`, at its moment."""
        found = {one.by: one for one in capsule.found}
        exact = capsule.decided.fingerprint == self.fingerprint
        readable = self._digests is not None and self._digests.key_id == capsule.key_id
        values: list[Value] = []
        missing: list[str] = []
        for leaf, label, kind, about, kept_as, looked_into, unrecorded in self._leaves:
            one = found.get(label)
            if one is None or one.code == NOT_GATHERED.code or (label in self._shared and not exact):
                value, why = None, f"{label} was not looked at"
            elif one.type != kind:
                value, why = None, f"{label} was a {one.type}"
            elif isinstance(leaf, Standing):
                value, why = _standing(leaf, one), ""
            else:
                value = self._value(about, kept_as, looked_into, readable, one, capsule.now)
                why = unrecorded
            values.append(value)
            if value is None:
                missing.append(why)
        return Tried(self, capsule, tuple(values), tuple(missing), any(one.answers for one in capsule.found))

    def _value(
        self, about: Asked, kept_as: str, looked_into: frozenset[str], readable: bool, found: Found, now: float
    ) -> Value:
        """The answer of one leaf; None if it cannot be told."""
        if not found.good or not now < found.until:
            return _UNKNOWN
        if found.answers and (kept := found.answers.get(kept_as)) is not None:
            return kept if isinstance(kept, bool) else _reason(kept)
        says = found.says or {}
        if about.fact is None or not about.names <= says.keys():
            return None
        if found.hidden and not about.names.isdisjoint(found.hidden):
            if not readable or not looked_into.isdisjoint(found.hidden):
                return None
            says = self._readable(found)
        answer = value_of(about.fact, says, now)
        return _UNSAID if answer is None else answer

    def _readable(self, found: Found) -> dict[str, object]:
        return {
            name: self._shown(value) if name in found.hidden else value for name, value in (found.says or {}).items()
        }

    def evidence(self, verifier: Verifier[Any], found: Found, now: float) -> Evidence | None:
        """Evidence that says what was kept; None if it cannot be made of that."""
        try:
            evidence: Evidence = verifier.exhibit(self._readable(found), now)
            return replace(evidence, expires_at=found.until)
        except Exception:  # noqa: BLE001 - of values that this verifier's evidence cannot have
            return None

    def _shown(self, value: object) -> object:
        if isinstance(value, list):
            return [self._shown(one) for one in cast("list[object]", value)]
        return self._known.get(value, value) if isinstance(value, str) else value

    def findings(self, capsule: Capsule) -> dict[Verifier[Any], Finding[Any]]:
        """The findings of `capsule`, as far as they are of this policy's verifiers and can be made again."""
        by_label = {label: verifier for verifier, label in self._labels.items()}
        findings: dict[Verifier[Any], Finding[Any]] = {}
        for found in capsule.found:
            verifier = by_label.get(found.by)
            if verifier is None or type(verifier).__name__ != found.type:
                continue
            if not found.good:
                findings[verifier] = _nothing(found)
            elif (evidence := self.evidence(verifier, found, capsule.now)) is not None:
                findings[verifier] = Verified(evidence)
        return findings


@dataclass(frozen=True, slots=True)
class Tried:
    """What a policy comes to on one capsule.

    Attributes:
        trial: the policy. capsule: what it was tried on.
        values: of its leaves; None for those that cannot be told.
        missing: what cannot be told, and why.
        by_answers: whether leaves have the answers that were recorded, in place of their own on what was found.
    """

    trial: Trial
    capsule: Capsule
    values: tuple[Value, ...]
    missing: tuple[str, ...]
    by_answers: bool

    @property
    def allowed(self) -> bool | None:
        """Whether the caller would be let in; None if that cannot be told."""
        program = self.trial.policy.program
        if program.verdict(self.values) is True:  # a YES stays one, whatever is not known yet
            return True
        return None if self.missing and program.can_be_yes(self.values, {}) else False

    def decision(self) -> Decision | None:
        """The decision, on evidence that is made up where leaves do not look; None if it cannot be told.

        Whether a refusal is a challenge or a denial, and what its remedies are, is certain only if neither something is
        `missing` nor it is decided `by_answers`.
        """
        allowed = self.allowed
        if allowed is None:
            return None
        policy, now = self.trial.policy, self.capsule.now
        findings = self.trial.findings(self.capsule)
        values = tuple([None if value is _UNKNOWN else value for value in self.values])
        if allowed:
            return allow(policy, findings, values, now)
        offers = remedies(policy.program, values, findings, now)
        return (Challenge if offers and offers[0].by_caller else Deny)(policy, findings, values, now, offers)


_SOMETHING: Final = Verified(Evidence("", "", 0.0, float("inf")))


def _standing(leaf: Standing, found: Found) -> Value:
    answer = leaf.answer(_SOMETHING if found.good else _nothing(found))
    return _UNKNOWN if answer is None else answer


def _asked(leaf: Leaf[Any] | Standing, digests: Digests | None) -> tuple[Asked, str, frozenset[str], str]:
    """What a leaf rests on, what its answer is kept under, which attributes digests will not do for; and a text."""
    one = Asked(leaf, str(leaf), None, frozenset(), False) if isinstance(leaf, Standing) else asked(leaf)
    looked_into = frozenset(
        test.attribute.name
        for test in (() if one.fact is None else tests(one.fact))
        if not isinstance(test, OneOf | Mentions | Includes | NothingBut | Present)
    )
    return one, answer_name(one, digests), looked_into, f"{one.text} was not recorded"


@cache
def _reason(code: str, detail: str = "") -> Reason:
    return _KINDS.get(code, Kind(code, "", 0, "recorded"))(detail=detail)


def _nothing(found: Found) -> Absent | Rejected | Unavailable:
    why = _reason(found.code, found.detail)
    if found.state == "absent":
        return Absent(why)
    return Rejected(why) if found.state == "rejected" else Unavailable(why, found.retry_after)
