"""What several questions to a token promise together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from zerotrust.core.verifier import Question
from zerotrust.verifiers.token_draft import Draft
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.verifiers.token_questions import About, IssuedBy, TokenQuestion


def promised(
    evidence: TokenEvidence,
    demands: Iterable[tuple[Question[TokenEvidence], bool]],
    now: float,
    lists: Mapping[str, str],
) -> TokenEvidence:
    """`evidence` as it would be once all `demands` are met, questions and the answers wanted.

    Whose token it is comes first, since nothing is left of what another said.

    Args:
        evidence: what there is.
        demands: what is wanted, in any order.
        now: POSIX seconds.
        lists: by claim, the field that is drawn from it: `roles`, `groups`.
    """
    draft = Draft(evidence, lists)
    for question, wanted in sorted(demands, key=lambda demand: not isinstance(demand[0], IssuedBy | About)):
        if isinstance(question, TokenQuestion) and type(question).assume is TokenQuestion.assume:
            question.promise(draft, wanted, now)
        else:  # its own way
            draft = Draft(question.assume(draft.evidence(), wanted, now), lists)
    return draft.evidence()
