"""The laws' yardstick: what the engine should say, worked out so plainly that there is nothing to get wrong.

Recursive, eager, without a single shortcut; exponential where that is simplest. It shares with the engine the
policies and the verifiers, which are data, and none of the machinery.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise, product
from typing import Any, TypeAlias

from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Unspent, Verified
from zerotrust.core.policy import AllOf, AnyOf, Anyone, AtLeast, Derived, Leaf, Named, Not, Policy, Standing
from zerotrust.core.reason import EXPIRED, LINK_MISSING, SUBJECT_MISMATCH
from zerotrust.core.remedy import Action
from zerotrust.core.verifier import Verifier

Truth: TypeAlias = bool | None
Findings: TypeAlias = Mapping[Verifier[Any], Finding[Any]]
AnyLeaf: TypeAlias = Leaf[Any] | Standing


# --- Strong Kleene logic ---------------------------------------------------------------------------------------------
def evaluate(policy: Policy, answer: Callable[[AnyLeaf], Truth]) -> Truth:
    """The value of `policy`; every leaf, each time it occurs, is answered by `answer`, in the order written."""
    if isinstance(policy, Leaf | Standing):
        return answer(policy)
    if isinstance(policy, Anyone):
        return True
    values = [evaluate(child, answer) for child in policy.children]
    yes, no = values.count(True), values.count(False)
    if isinstance(policy, Named | Derived):
        return values[0]
    if isinstance(policy, Not):
        return None if values[0] is None else not values[0]
    if isinstance(policy, AllOf):
        return False if no else True if yes == len(values) else None
    if isinstance(policy, AnyOf):
        return True if yes else False if no == len(values) else None
    assert isinstance(policy, AtLeast)
    return True if yes >= policy.count else False if len(values) - no < policy.count else None


def usable(finding: Finding[Any] | None, now: float) -> bool:
    return isinstance(finding, Verified) and now < finding.evidence.expires_at


def leaf_value(leaf: AnyLeaf, findings: Findings, now: float) -> Truth:
    finding = findings.get(leaf.verifier)
    if isinstance(leaf, Standing):
        if finding is None:
            return None
        if leaf.outcome is Unavailable:
            return isinstance(finding, Unavailable)
        if isinstance(finding, Unavailable) or (isinstance(finding, Absent) and finding.reason.kind is LINK_MISSING):
            return None  # it was not looked whether something was presented
        return isinstance(finding, Absent)
    if not usable(finding, now):
        return None
    assert isinstance(finding, Verified)
    try:
        answer = leaf.question.holds(finding.evidence, now)
    except ZeroDivisionError:
        return None
    return answer if type(answer) is bool else None


def verdict(policy: Policy, findings: Findings, now: float) -> Truth:
    return evaluate(policy, lambda leaf: leaf_value(leaf, findings, now))


def occurrences(policy: Policy) -> Iterator[AnyLeaf]:
    """Every leaf as often as it is written, in the order written."""
    if isinstance(policy, Leaf | Standing):
        yield policy
    for child in policy.children:
        yield from occurrences(child)


# --- Gathering -------------------------------------------------------------------------------------------------------
def find(verifier: Verifier[Any], truth: Findings, now: float) -> Finding[Any]:
    """What `verifier` comes back with where `truth` says what each would find if it stood alone."""
    found = truth[verifier]
    if verifier.of is None:
        return found
    base = find(verifier.of, truth, now)
    if isinstance(base, Unavailable):
        return base
    if not usable(base, now):
        return Absent(LINK_MISSING())
    assert isinstance(base, Verified)
    if isinstance(found, Verified) and found.evidence.subject != base.evidence.subject:
        return Rejected(SUBJECT_MISMATCH())
    return found


def with_bases(verifiers: Iterable[Verifier[Any]]) -> Iterator[Verifier[Any]]:
    for verifier in verifiers:
        if verifier.of is not None:
            yield from with_bases((verifier.of,))
        yield verifier


def everything(policy: Policy, truth: Findings, now: float) -> dict[Verifier[Any], Finding[Any]]:
    """All findings the policy could ask about, gathered whether they matter or not."""
    return {verifier: find(verifier, truth, now) for verifier in with_bases(policy.verifiers)}


def gathered(policy: Policy, truth: Findings, now: float) -> list[Verifier[Any]]:
    """Who has to be asked until the verdict is settled, in order: the cheapest whose answers can still change it.

    "Can change" by trying every answer of every leaf not yet known, each time it is written apart: that `x & ~x`
    cannot be YES is nothing an engine needs to notice.
    """
    written = list(occurrences(policy))
    order = sorted(dict.fromkeys(leaf.verifier for leaf in written), key=lambda verifier: verifier.cost)
    asked: list[Verifier[Any]] = []
    while True:
        known = {verifier: find(verifier, truth, now) for verifier in asked}
        choices = [
            (leaf_value(leaf, known, now),) if leaf.verifier in known else (True, False, None) for leaf in written
        ]
        useful = [verifier for verifier in order if verifier not in known and _matters(policy, verifier, choices)]
        if not useful:
            return asked
        asked += [verifier for verifier in with_bases(useful[:1]) if verifier not in known]


def _matters(policy: Policy, verifier: Verifier[Any], choices: Sequence[tuple[Truth, ...]]) -> bool:
    """Whether, with the others' answers held fast in some way, this verifier's answers make a difference."""
    outcomes: dict[tuple[Truth, ...], Truth] = {}
    written = list(occurrences(policy))
    mine = [leaf.verifier == verifier for leaf in written]
    for answers in product(*choices):
        said = iter(answers)
        outcome = evaluate(policy, lambda _, said=said: next(said))  # type: ignore[misc]
        others = tuple(answer for answer, own in zip(answers, mine, strict=True) if not own)
        if outcomes.setdefault(others, outcome) is not outcome:
            return True
    return False


# --- Horizon ---------------------------------------------------------------------------------------------------------
def moments(policy: Policy, findings: Findings, now: float) -> list[float]:
    """Every moment from `now` on at which some leaf may change, and one between each two: nothing else happens."""
    events = {now}
    for leaf in occurrences(policy):
        finding = findings.get(leaf.verifier)
        if isinstance(leaf, Leaf) and isinstance(finding, Verified):
            events.add(finding.evidence.expires_at)
            at = now
            while at < math.inf:
                at = leaf.question.until(finding.evidence, at)
                events.add(at)
    ordered = sorted(at for at in events if now <= at < math.inf)
    between = [(early + late) / 2 for early, late in pairwise(ordered)]
    return sorted([*ordered, *between, ordered[-1] + 1, ordered[-1] + 1e9])


def horizon(policy: Policy, findings: Findings, now: float) -> tuple[Truth, float]:
    """Verdict and end by the rule: AND-YES the least, AND-NO the greatest among NO children, OR dual, NOT the same."""
    if isinstance(policy, Leaf):
        finding = findings.get(policy.verifier)
        if not isinstance(finding, Verified) or not usable(finding, now):
            return None, math.inf
        end = min(policy.question.until(finding.evidence, now), finding.evidence.expires_at)
        return leaf_value(policy, findings, now), end
    if isinstance(policy, Standing):
        found = findings.get(policy.verifier)
        return leaf_value(policy, findings, now), now + found.retry_after if isinstance(
            found, Unavailable
        ) else math.inf
    if isinstance(policy, Anyone):
        return True, math.inf
    whole = verdict(policy, findings, now)
    children = [horizon(child, findings, now) for child in policy.children]
    if isinstance(policy, Not | Named | Derived):
        return whole, children[0][1]
    if whole is None:
        return None, min(end for _, end in children)
    needed = len(children)
    if isinstance(policy, AnyOf):
        needed = 1
    elif isinstance(policy, AtLeast):
        needed = policy.count
    if not whole:
        needed = len(children) - needed + 1  # so many NOs settle it
    return whole, sorted((end for value, end in children if value is whole), reverse=True)[needed - 1]


# --- Remedies --------------------------------------------------------------------------------------------------------
Demands: TypeAlias = Mapping[AnyLeaf, bool]


def action_for(leaf: AnyLeaf, wanted: bool, findings: Findings, now: float) -> Action | None:
    finding = findings[leaf.verifier]
    if isinstance(leaf, Standing) and wanted:
        return None  # what was presented once cannot be taken back, and nobody causes an outage
    assert not isinstance(finding, Unspent), "marks have laws of their own"
    if not isinstance(finding, Verified):
        return leaf.verifier.action(finding)
    if not usable(finding, now):
        return leaf.verifier.action(Rejected(EXPIRED()))
    if isinstance(leaf, Standing):
        return None
    return None if leaf.question.opaque else leaf.question.action(finding.evidence, wanted)


def steps_for(demands: Demands, findings: Findings, now: float) -> dict[Verifier[Any], Action] | None:
    """The hardest thing to do with each verifier demanded of or linked to by one that is; None if that cannot be."""
    steps: dict[Verifier[Any], Action] = {}
    for leaf, wanted in demands.items():
        action = action_for(leaf, wanted, findings, now)
        if action is None:
            return None
        steps[leaf.verifier] = max(action, steps.get(leaf.verifier, action))
    for verifier in list(steps):
        for base in with_bases((verifier,)):
            finding = findings.get(base)
            if finding is None or base in steps or usable(finding, now):
                continue
            assert not isinstance(finding, Unspent)
            action = base.action(Rejected(EXPIRED()) if isinstance(finding, Verified) else finding)
            if action is None:
                return None
            steps[base] = action
    return steps


def effort(steps: Mapping[Verifier[Any], Action]) -> tuple[int, ...]:
    return tuple(sorted(steps.values(), reverse=True))


def answers_under(
    policy: Policy, demands: Demands, stepped: Iterable[Verifier[Any]], findings: Findings, now: float
) -> Callable[[AnyLeaf], Truth]:
    """What each leaf says once the `stepped` verifiers bring what was demanded of them and nothing else changed."""
    promised = dict(findings)
    for verifier in stepped:
        finding = findings[verifier]
        evidence = finding.evidence if usable(finding, now) else verifier.blank(now)
        for leaf in dict.fromkeys(occurrences(policy)):
            if isinstance(leaf, Leaf) and leaf.verifier == verifier and leaf in demands:
                evidence = leaf.question.assume(evidence, demands[leaf], now)
        promised[verifier] = Verified(evidence)

    def answer(leaf: AnyLeaf) -> Truth:
        if isinstance(leaf, Leaf) and leaf.question.opaque:  # believed if demanded; else only what is known counts
            return demands[leaf] if leaf in demands else leaf_value(leaf, findings, now)
        return leaf_value(leaf, promised, now)

    return answer


def verdict_under(
    policy: Policy, demands: Demands, stepped: Iterable[Verifier[Any]], findings: Findings, now: float
) -> Truth:
    """The verdict once the `stepped` verifiers bring what was demanded of them and nothing else changed."""
    return evaluate(policy, answers_under(policy, demands, stepped, findings, now))


def remedies(policy: Policy, findings: Findings, now: float) -> Iterator[tuple[Demands, dict[Verifier[Any], Action]]]:
    """All sets of demands that would make the policy YES, with the steps they take: by trying every one."""
    leaves = list(dict.fromkeys(occurrences(policy)))
    for wishes in product((None, True, False), repeat=len(leaves)):
        demands = {leaf: wish for leaf, wish in zip(leaves, wishes, strict=True) if wish is not None}
        steps = steps_for(demands, findings, now)
        if steps and verdict_under(policy, demands, steps, findings, now) is True:
            yield demands, steps
