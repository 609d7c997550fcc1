"""Ways to break the engine, and the law that has to notice each: the laws' own test."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Break:
    """A mistake: in `file`, `right` becomes `wrong`, and each of `laws` has to fail."""

    name: str
    file: str
    right: str
    wrong: str
    laws: tuple[str, ...]


_LOGIC, _GATHER = "test_kleene.py::test_", "test_gathering.py::test_"
_MARKS, _PIECES = "test_marks.py::test_", "test_pieces.py::test_"
_REMEDY, _HORIZON, _TREE = "test_remedies.py::test_", "test_horizons.py::test_", "test_explanations.py::test_"

BREAKS = (
    Break(
        "AND ignores UNKNOWN",
        "core/program.py",
        "sure = parts.count(True)",
        "sure = parts.count(True) + (parts.count(None) if rank == len(parts) else 0)",
        (_LOGIC + "the_engine_agrees_with_the_reference", _LOGIC + "the_shortcut_is_the_general_evaluation"),
    ),
    Break(
        "NOT of UNKNOWN is YES",
        "core/program.py",
        "inner if op == _NAME or inner is None else not inner",
        "inner if op == _NAME else not inner",
        (_LOGIC + "the_engine_agrees_with_the_reference", _LOGIC + "an_error_in_a_predicate_is_unknown_also_under_not"),
    ),
    Break(
        "the horizon takes the max for AND",
        "core/horizon.py",
        "needed = node.rank if verdict",
        "needed = 1 if verdict",
        (_HORIZON + "the_horizon_is_what_the_rule_says", _HORIZON + "examples"),
    ),
    Break(
        "remedies are not checked",
        "core/promise.py",
        "return Promise(values, brought, self.program.verdict(values) is True)",
        "return Promise(values, brought, True)",
        (_REMEDY + "what_is_offered_works", _REMEDY + "demands_that_exclude_each_other_are_not_offered"),
    ),
    Break(
        "lazy gathering stops too early",
        "engine.py",
        "            yield from _gather(pending, request, findings, marks, kept)\n        settled",
        "            if findings:\n                return _refused(policy, findings, values, now, ())\n"
        "            yield from _gather(pending, request, findings, marks, kept)\n        settled",
        (_GATHER + "lazy_equals_eager", _GATHER + "cheapest_first"),
    ),
    Break(
        "lazy gathering takes what is pending for unknown",
        "core/program.py",
        "(_NO, _YES) if leaf in pending",
        "(_UNKNOWN, _UNKNOWN) if leaf in pending",
        (_GATHER + "nobody_is_asked_who_cannot_change_the_verdict",),
    ),
    Break(
        "somebody is asked in vain",
        "core/program.py",
        "low, high = max(low, bounds[position][0]), min(high, bounds[position][1])",
        "low, high = bounds[position]",
        (_GATHER + "a_cheap_verifier_that_cannot_help_is_left_alone",),
    ),
    Break(
        "the shortcut ignores expiry",
        "core/shortcut.py",
        "if {evidence} is None or not now < {evidence}.expires_at:",
        "if {evidence} is None:",
        (_LOGIC + "the_shortcut_is_the_general_evaluation", _HORIZON + "evidence_does_not_count_from_its_expiry_on"),
    ),
    Break(
        "the general evaluation ignores expiry",
        "core/program.py",
        "if evidence is None or not now < evidence.expires_at:",
        "if evidence is None:",
        (_LOGIC + "the_engine_agrees_with_the_reference", _LOGIC + "the_shortcut_is_the_general_evaluation"),
    ),
    Break(
        "the shortcut takes unknown for what is wanted",
        "core/shortcut.py",
        'f"({values[policy]} is {wanted})"',
        'f"({values[policy]} is not {not wanted})"',
        (_LOGIC + "the_shortcut_is_the_general_evaluation", _LOGIC + "without_evidence_only_an_open_door_allows"),
    ),
    Break(
        "the shortcut's at_least is off by one",
        "core/shortcut.py",
        "enough = policy.count if wanted",
        "enough = policy.count - 1 if wanted",
        (_LOGIC + "the_shortcut_is_the_general_evaluation", _LOGIC + "at_least_is_and_or_and_its_own_dual"),
    ),
    Break(
        "the pieces ignore expiry",
        "core/pieces.py",
        "is not None and not now < e{number}.expires_at:",
        "is not None and False:",
        (_PIECES + "every_alternative_is_found",),
    ),
    Break(
        "the pieces' at_least is off by one",
        "core/pieces.py",
        "enough = node.rank if helps",
        "enough = node.rank - 1 if helps and node.rank > 1",
        (_PIECES + "of_very_many_as_many_as_demanded_count",),
    ),
    Break(
        "what forbids is looked up",
        "core/index.py",
        " or not self._helpful[position]:",
        ":",
        (_PIECES + "alternatives_that_forbid_are_asked_each_for_itself",),
    ),
    Break(
        "what demands nothing of the attribute is not tried",
        "core/index.py",
        "[part for part in parts if best not in self.of(part)]",
        "[]",
        (_PIECES + "every_alternative_is_found",),
    ),
    Break(
        "what a look-up leads to is taken for granted",
        "core/index.py",
        "    return pieces[0] if len(pieces) == 1 else tried\n",
        "    return lambda *_: True\n",
        (_PIECES + "every_alternative_is_found",),
    ),
    Break(
        "what demands nothing of what is stated is not left",
        "core/narrowing.py",
        "hits.union(choice.rest)",
        "hits",
        (_PIECES + "every_alternative_is_found",),
    ),
    Break(
        "at_least is off by one",
        "core/nodes.py",
        "Node(policy, Op.RANK, children, rank=policy.count)",
        "Node(policy, Op.RANK, children, rank=max(1, policy.count - 1))",
        (_LOGIC + "the_engine_agrees_with_the_reference", _LOGIC + "at_least_is_and_or_and_its_own_dual"),
    ),
    Break(
        "the subject is not compared",
        "engine.py",
        "not verifier.agrees(finding.evidence, about)",
        "False",
        (_GATHER + "evidence_about_two_people_never_adds_up", _GATHER + "lazy_equals_eager"),
    ),
    Break(
        "unlinked verifiers may be mixed",
        "core/linked.py",
        "if len(islands) > 1:",
        "if len(islands) > 9:",
        (_GATHER + "evidence_about_who_knows_whom_cannot_be_mixed",),
    ),
    Break(
        "what is missing counts as no",
        "core/program.py",
        "so put, a moment that is no number is past\n        return None",
        "so put, a moment that is no number is past\n        return False",
        (_LOGIC + "the_engine_agrees_with_the_reference",),
    ),
    Break(
        "whatever is not NO allows",
        "engine.py",
        "    if program.verdict(kept) is True:",
        "    if program.verdict(kept) is not False:",
        (_LOGIC + "only_yes_allows", _LOGIC + "without_evidence_only_an_open_door_allows"),
    ),
    Break(
        "what was gathered allows unless it is NO",
        "engine.py",
        "            if program.verdict(values) is not True:",
        "            if program.verdict(values) is False:",
        (_GATHER + "lazy_equals_eager",),
    ),
    Break(
        "marks are consumed whatever the verdict",
        "engine.py",
        "            if program.verdict(values) is not True:\n                break",
        "            if program.verdict(values) is not True:\n"
        "                yield from _spend(findings, marks, request)\n                break",
        (_MARKS + "a_refusal_of_other_making_uses_nothing_up",),
    ),
    Break(
        "what was used before counts",
        "engine.py",
        "        if not lost:",
        "        if True:",
        (_MARKS + "what_was_used_does_not_count", _MARKS + "a_mark_allows_once"),
    ),
    Break(
        "what was not used up is left in a refusal as verified",
        "engine.py",
        "kept_for_later if marks else findings",
        "findings",
        (_MARKS + "a_refusal_of_other_making_uses_nothing_up",),
    ),
    Break(
        "what is linked to what was used still counts",
        "engine.py",
        "        if linked.of in lost:",
        "        if False:",
        (_MARKS + "what_is_linked_to_what_was_used_does_not_count_either",),
    ),
    Break(
        "a store that fails is as good as a yes",
        "core/once.py",
        "        return Unavailable(failure.reason, failure.retry_after)",
        "        return Verified(finding.proven)",
        (_MARKS + "what_was_used_does_not_count",),
    ),
    Break(
        "an error in a predicate is a no",
        "core/program.py",
        "return PREDICATE_FAILED(presented=type(error).__name__)",
        "return False",
        (_LOGIC + "an_error_in_a_predicate_is_unknown_also_under_not",),
    ),
    Break(
        "a predicate is called again",
        "core/program.py",
        "if values[position] is None and (finding",
        "if (finding",
        (_GATHER + "a_predicate_is_not_called_again_when_more_evidence_comes",),
    ),
    Break(
        "not looking proves absence",
        "core/policy.py",
        " or (isinstance(finding, Absent) and finding.reason.kind == LINK_MISSING)",
        "",
        (_GATHER + "absence_is_not_proven_by_not_looking",),
    ),
    Break(
        "linked evidence outlives what it is linked to",
        "engine.py",
        "about.expires_at < finding.evidence.expires_at",
        "False",
        (_HORIZON + "what_is_linked_lasts_no_longer_than_what_it_is_linked_to",),
    ),
    Break(
        "remedies are tried in any order",
        "core/unlock.py",
        "return sorted(filter(None, way.actions), reverse=True), len(way.demands)",
        "return [], len(way.demands)",
        (_REMEDY + "cheapest_first_and_at_most_four",),
    ),
    Break(
        "a demand is offered that is not needed",
        "core/unlock.py",
        "offer = search.without_needless_demands(offer)",
        "pass",
        (
            _REMEDY + "nothing_less_would_work_and_what_works_is_offered",
            _REMEDY + "what_another_demand_brings_along_is_left_out",
        ),
    ),
    Break(
        "of two demands that bring each other the stronger is offered",
        "core/unlock.py",
        "return self.until >= other.until or not",
        "return self.until <= other.until or not",
        (_REMEDY + "what_another_demand_brings_along_is_left_out",),
    ),
    Break(
        "an alternative includes another",
        "core/unlock.py",
        "if not any(kept.spares(offer) for kept in found):",
        "if True:",
        (_REMEDY + "no_alternative_asks_for_all_that_another_asks_for",),
    ),
    Break(
        "remedies forget what a verifier is linked to",
        "core/unlock.py",
        "        if base is None:\n            return ()\n        number",
        "        if True:\n            return ()\n        number",
        (_REMEDY + "what_is_offered_works", _REMEDY + "what_is_linked_is_offered_with_what_it_is_linked_to"),
    ),
    Break(
        "the explanation calls unknown a no",
        "core/explain.py",
        "None: Verdict.UNKNOWN",
        "None: Verdict.NO",
        (_TREE + "every_node_says_what_the_reference_says",),
    ),
    Break(
        "a refusal gives the reason of a part that was satisfied",
        "core/decision.py",
        "if verdicts[position] is wanted:",
        "if False:",
        (_TREE + "the_reason_of_a_refusal_stood_in_the_way",),
    ),
)
