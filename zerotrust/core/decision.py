"""What the policy engine says: `Allow`, `Challenge` or `Deny`, each able to explain itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

from zerotrust.core.errors import NotVerified
from zerotrust.core.evidence import Evidence
from zerotrust.core.explain import Explanation, explain, why_unknown
from zerotrust.core.finding import Finding
from zerotrust.core.horizon import horizon
from zerotrust.core.nodes import Op
from zerotrust.core.policy import Named, Policy, Tagged, called
from zerotrust.core.program import Findings, Value
from zerotrust.core.reason import NOT_SATISFIED, Reason, most_specific
from zerotrust.core.remedy import Remedy
from zerotrust.core.verdict import Verdict
from zerotrust.core.verifier import Verifier
from zerotrust.core.ways import Unlock, ways_of

E = TypeVar("E", bound=Evidence)


class _Settled:
    """A verdict with the findings and leaf values it rests on; everything else is computed when somebody looks.

    Attributes:
        policy: what was decided.
        findings: what was gathered, by verifier; a verifier that could not change the verdict is missing.
        values: the value of each leaf, in the order of `policy.program.leaves`: True, False, None, or the reason for
            which verified evidence leaves it unknown.
        now: the moment it was decided for, POSIX seconds.
    """

    __slots__ = ("findings", "now", "policy", "values")

    policy: Policy
    findings: Findings
    values: tuple[Value, ...]
    now: float

    if not TYPE_CHECKING:  # to which it would say that there is everything

        def __getattr__(self, name: str) -> object:
            if name != "values":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
            self.values = self.policy.program.values(self.findings, self.now)
            return self.values

    @property
    def verdict(self) -> Verdict:
        """The value of the policy."""
        return Verdict(self.policy.program.verdict(self.values))

    @property
    def explanation(self) -> Explanation:
        """The tree of verdicts, for operators and audit; it may name the subject and its attributes."""
        return explain(self.policy.program, self.values, self.findings, self.now)

    @property
    def valid_until(self) -> float:
        """POSIX seconds: for every moment before, the same evidence gives the same verdict."""
        return horizon(self.policy.program, self.values, self.findings, self.now)

    @property
    def name(self) -> str:
        """The policy's name, or the policy as it was written."""
        return called(self.policy)

    def unlock(self) -> Unlock:
        """What whoever was refused can do about it, for user interfaces; empty if nothing was refused."""
        return Unlock()

    def finding(self, verifier: Verifier[E]) -> Finding[E] | None:
        """What `verifier` found; None if it was not asked, because it could not change the verdict."""
        return self.findings.get(verifier)

    def _headline(self) -> str:
        return f"{type(self).__name__.upper()} {self.name}"

    def _body(self) -> str:
        tree, policy = self.explanation, self.policy
        while isinstance(policy, Tagged):
            tree, policy = tree.children[0], policy.inner
        if isinstance(policy, Named):  # the name already stands in the headline
            tree = tree.children[0]
        return "\n".join(f"  {line}" for line in str(tree).splitlines())

    def __str__(self) -> str:
        return f"{self._headline()}\n{self._body()}"

    def __repr__(self) -> str:
        return f"<{self._headline()}>"


class Allow(_Settled):
    """The policy is YES. The only truthy decision; `allow` makes it."""

    __slots__ = ()

    def __bool__(self) -> Literal[True]:
        return True

    def __getitem__(self, verifier: Verifier[E]) -> E:
        """The evidence that `verifier` found; raises `NotVerified` if the decision did not rest on any.

        Evidence is there for certain only if the policy cannot be YES without it: in `a | b` one may be missing.
        """
        evidence = self.get(verifier)
        if evidence is not None:
            return evidence
        finding = self.findings.get(verifier)
        if finding is None and any(other.name == verifier.name for other in self.findings):
            raise NotVerified(
                f"no evidence of this {verifier!r}: the policy, {self.name}, rests on another verifier that is also "
                "called so. Make one verifier, use it in both places, and give different ones a different name="
            )
        seen = "not asked for: the policy was met without it" if finding is None else type(finding).__name__.lower()
        raise NotVerified(
            f"no evidence of {verifier!r} ({seen}). Use .get({verifier!r}) and deal with None, or ask for it in the "
            f"policy, which is: {self.name}"
        )

    def get(self, verifier: Verifier[E]) -> E | None:
        """The evidence that `verifier` found; None if it was not asked, found nothing good, or it has expired."""
        finding = self.finding(verifier)
        evidence = None if finding is None else finding.evidence
        return evidence if evidence is not None and self.now < evidence.expires_at else None


def allow(policy: Policy, findings: Findings, values: tuple[Value, ...] | Literal[True], now: float) -> Allow:
    """The decision that `policy` is YES.

    A function that fills an empty instance, for this is on the path of every request: a constructor takes a third more.

    Args:
        policy: what was decided.
        findings: what it rests on, by verifier.
        values: of each leaf; True if they are to be worked out when somebody reads them.
        now: the moment it was decided for, POSIX seconds.
    """
    decision = Allow()
    decision.policy = policy
    decision.findings = findings
    decision.now = now
    if values is not True:
        decision.values = values
    return decision


class _Refused(_Settled):
    __slots__ = ("remedies",)

    def __init__(
        self, policy: Policy, findings: Findings, values: tuple[Value, ...], now: float, remedies: tuple[Remedy, ...]
    ) -> None:
        self.policy = policy
        self.findings = findings
        self.values = values
        self.now = now
        self.remedies: tuple[Remedy, ...] = remedies

    def __bool__(self) -> Literal[False]:
        return False

    @property
    def remedy(self) -> Remedy | None:
        """The least that would let the caller in; None if nothing would."""
        return self.remedies[0] if self.remedies else None

    def unlock(self) -> Unlock:
        """What whoever was refused can do about it, for user interfaces: alternatives, the least effort first.

        It names the verifiers and what their leaves ask for, and of the caller nothing that these do not ask for.
        """
        return ways_of(self.remedies, self.policy.program, self.values, self.findings, self.now)

    @property
    def reason(self) -> Reason:
        """The most specific reason among those that stood in the way."""
        found = most_specific(list(self._reasons()))
        return NOT_SATISFIED() if found is None else found  # a reason is falsy, so `or` would lose it

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """All reasons that stood in the way, each once: the most specific first, of equals the one written first."""
        found: dict[str, Reason] = {}
        for reason in self._reasons():  # what they expected may be anything, also what has no hash
            found.setdefault(f"{reason.code}: {reason}", reason)
        return tuple(sorted(found.values(), key=lambda reason: -reason.rank))

    def _reasons(self) -> Iterator[Reason]:
        program = self.policy.program
        verdicts = program.verdicts(self.values)
        todo = [(len(program.nodes) - 1, True)]
        seen: set[int] = set()  # what is used several times stands in the way once
        while todo:
            position, wanted = todo.pop()
            if position in seen:
                continue
            seen.add(position)
            if verdicts[position] is wanted:
                continue  # whatever is missing further down, it does not stand in the way
            node = program.nodes[position]
            if node.leaf >= 0:
                unknown = why_unknown(node.leaf, program, self.values, self.findings, self.now)
                text = f"{'' if wanted else 'not '}{program.leaves[node.leaf]}"
                yield NOT_SATISFIED(expected=text) if unknown is None else unknown
            below = not wanted if node.op is Op.NOT else wanted
            todo.extend((child, below) for child in reversed(node.children))

    def _headline(self) -> str:
        offers = ", or ".join(dict.fromkeys(str(remedy) for remedy in self.remedies))
        return f"{super()._headline()} -> {offers}" if offers else super()._headline()


class Challenge(_Refused):
    """Not allowed as things stand, but the caller can do something about it: see `remedies`, cheapest first."""

    __slots__ = ()


class Deny(_Refused):
    """Not allowed, and nothing the caller can do alone would change that."""

    __slots__ = ()


Decision: TypeAlias = Allow | Challenge | Deny
