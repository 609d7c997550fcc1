"""The search for remedies: the cheapest things the caller could do that would make the policy YES.

Bottom-up, every node collects ways to the wanted value: sets of demands (this leaf must answer that). At the root they
are tried, least effort first, by evaluating the policy on the evidence they promise. Only what stands that test is
offered, without any demand that is not needed, and nothing beside something that it includes.

Order: the least effort first (the hardest step counts most, then the next), of equals the one with fewer demands, of
these the one written first.

Whoever is refused causes this search, a stranger too, so its cost is bounded: a node keeps the best `_BEAM` ways, fewer
the more there are to combine, and where there are very many it takes the easiest parts and looks no further; and after
about `_WORK` evaluated nodes nothing more is tried. So in large policies a cheaper remedy may be missed, or a demand
offered that is not needed; a remedy that does not hold is never offered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import nsmallest
from typing import Any, NamedTuple, TypeAlias

from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Rejected, Unspent, Verified
from zerotrust.core.nodes import Op
from zerotrust.core.policy import Leaf, Standing
from zerotrust.core.program import Findings, Program, Value
from zerotrust.core.promise import Promise, Promises
from zerotrust.core.reason import EXPIRED
from zerotrust.core.remedy import Action, Demand, Remedy, Step
from zerotrust.core.verifier import Verifier

_BEAM = 32
_JOINS = 512  # about how many ways a node may join
_WORK = 8_000  # about how many nodes may be evaluated
_SHOWN = 4

Demands: TypeAlias = frozenset[tuple[int, bool]]  # (position of the leaf, wanted answer)


class _Way(NamedTuple):
    """Demands, and what they take: the hardest thing to do with each verifier, 0 where there is nothing to do."""

    demands: Demands
    actions: tuple[int, ...]


class _Offer(NamedTuple):
    """A remedy that holds, what it promises, and until when what it demands stays so (POSIX seconds)."""

    way: _Way
    remedy: Remedy
    promise: Promise
    until: float

    def spares(self, other: _Offer) -> bool:
        """Whether `other` takes all that this takes, and brings all that this demands: so it asks for too much.

        Each may bring what the other demands: who signs in now has done so within 5 minutes and within 10. Then the
        weaker demand is enough, which is the one that is met for longer.
        """
        if self._brought_by(other):
            return self.until >= other.until or not other._brought_by(self)
        return False

    def _brought_by(self, other: _Offer) -> bool:
        less = all(mine <= its for mine, its in zip(self.way.actions, other.way.actions, strict=True))
        return less and all(other.promise.values[position] is wanted for position, wanted in self.way.demands)


def remedies(program: Program, values: Sequence[Value], findings: Findings, now: float) -> tuple[Remedy, ...]:
    """What would make the policy YES, least effort first; at most four alternatives, none with a needless demand."""
    search = _Search(program, values, findings, now)
    found: list[_Offer] = []
    for way in search.ways():
        if search.exhausted or (len(found) >= _SHOWN and _effort(way) > max(_effort(kept.way) for kept in found)):
            break
        if any(kept.way.demands <= way.demands for kept in found):
            continue
        offer = search.offer(way)
        if offer is None:
            continue
        offer = search.without_needless_demands(offer)
        if not any(kept.spares(offer) for kept in found):
            found = [*(kept for kept in found if not offer.spares(kept)), offer]
    return tuple(offer.remedy for offer in sorted(found, key=_rank)[:_SHOWN])


def could_help(program: Program, values: Sequence[Value], findings: Findings, now: float) -> bool:
    """Whether some remedy may exist, taking evidence not yet gathered to be whatever suits best."""
    return bool(_Search(program, values, findings, now).ways())


def factors_could_help(program: Program, values: Sequence[Value], findings: Findings, now: float) -> bool:
    """`could_help` by nothing but proving factors, which one can do where one is."""
    ways = _Search(program, values, findings, now).ways()
    return any(all(action in (0, Action.PRESENT_FACTOR) for action in way.actions) for way in ways)


def _effort(way: _Way) -> tuple[list[int], int]:
    return sorted(filter(None, way.actions), reverse=True), len(way.demands)


def _rank(offer: _Offer) -> tuple[list[int], int, list[tuple[int, bool]]]:
    return *_effort(offer.way), sorted(offer.way.demands)


class _Search:
    def __init__(self, program: Program, values: Sequence[Value], findings: Findings, now: float) -> None:
        self.program = program
        self.values = values
        self.findings = findings
        self.promises = Promises(program, values, findings, now)
        self.joined = 0
        # Verifiers by number: to hash one takes a while, and most leaves share one object.
        self.numbers: dict[Verifier[Any], int] = {}
        self.same: dict[int, int] = {}
        self.bases: list[tuple[int, ...] | None] = []
        self.renewals: list[Action | None] = []
        self.verifiers: list[Verifier[Any]] = []
        self.gathered: list[bool] = []
        self.alone: dict[tuple[int, bool], list[_Way]] = {}
        self.again: dict[tuple[int, bool], _Way] = {}  # what is there, and has to be had of other evidence
        for verifier in program.verifiers:
            self._count(verifier)
        self.nothing = _Way(frozenset(), (0,) * len(self.verifiers))

    def _count(self, verifier: Verifier[Any]) -> None:
        if verifier in self.numbers:
            return
        if verifier.of is not None:
            self._count(verifier.of)
        self.numbers[verifier] = len(self.verifiers)
        self.verifiers.append(verifier)
        self.gathered.append(verifier in self.findings)
        self.renewals.append(self._anew(verifier) if verifier in self.findings else None)
        self.bases.append(self._bases(verifier.of))

    def _bases(self, base: Verifier[Any] | None) -> tuple[int, ...] | None:
        """What is linked to and was not verified, the outermost first; None if somebody of them cannot be had."""
        if base is None:
            return ()
        number = self.numbers[base]
        below = self.bases[number]
        if below is None or not self.gathered[number] or self.promises.current(base) is not None:
            return below
        return None if self.renewals[number] is None else (*below, number)

    def _anew(self, verifier: Verifier[Any]) -> Action | None:
        """What brings evidence where there is none that counts."""
        finding = self.findings[verifier]
        return verifier.action(Rejected(EXPIRED()) if isinstance(finding, Verified | Unspent) else finding)

    @property
    def exhausted(self) -> bool:
        """Whether as much was tried as may be; the first is tried in any case."""
        return self.promises.work > _WORK

    # --- Ways, bottom-up ---------------------------------------------------------------------------------------------

    def ways(self) -> list[_Way]:
        """What may make the policy YES, least effort first."""
        options: list[list[_Way]] = []
        for node, wanted in zip(self.program.nodes, self.program.helpful, strict=True):
            if node.leaf >= 0:
                options.append(self._of_leaf(node.leaf, wanted))
            elif node.op is Op.YES:
                options.append([self.nothing] if wanted else [])
            elif node.op in (Op.NOT, Op.NAME):
                options.append(options[node.children[0]])
            else:
                options.append(self._of_parts([options[child] for child in node.children], node.rank, wanted))
        return options[-1]

    def _of_leaf(self, position: int, wanted: bool) -> list[_Way]:
        known = self.alone.get((position, wanted))
        if known is None:
            known = self.alone[position, wanted] = self._alone(position, wanted)
        return known

    def _alone(self, position: int, wanted: bool) -> list[_Way]:
        leaf = self.program.leaves[position]
        number = self._number(leaf.verifier)
        if self.values[position] is wanted or not self.gathered[number]:
            return [self.nothing]
        action, bases = self._action(leaf, number, wanted), self.bases[number]
        if action is None or bases is None:
            return []
        actions = [0] * len(self.verifiers)
        for base in bases:
            actions[base] = self.renewals[base] or 0
        actions[number] = action
        return [_Way(frozenset(((position, wanted),)), tuple(actions))]

    def _number(self, verifier: Verifier[Any]) -> int:
        number = self.same.get(id(verifier))
        if number is None:
            number = self.same[id(verifier)] = self.numbers[verifier]
        return number

    def _action(self, leaf: Leaf[Any] | Standing, number: int, wanted: bool) -> Action | None:
        if isinstance(leaf, Standing):  # to present what was absent, or could not be checked; nobody un-presents
            return None if wanted else self.renewals[number]
        evidence = self.promises.current(self.verifiers[number])
        if evidence is not None:
            return None if leaf.question.opaque else leaf.question.action(evidence, wanted)
        return self.renewals[number]

    def _of_parts(self, parts: list[list[_Way]], rank: int, wanted: bool) -> list[_Way]:
        # "At least k are YES" fails for good once more than n - k are NO.
        needed = rank if wanted else len(parts) - rank + 1
        able = [ways for ways in parts if ways]
        if len(able) < needed:
            return []
        if needed == 1:
            return self._best([way for ways in able for way in ways], _BEAM)
        joins = len(able) * (min(needed, len(able) - needed) + 1) * max(map(len, able))
        if joins > _JOINS or self.joined > _WORK:
            easiest = nsmallest(needed, (ways[0] for ways in able), key=_effort)
            return self._join([easiest])
        return self._choose(able, needed, min(_BEAM, _JOINS // joins))

    def _choose(self, parts: list[list[_Way]], needed: int, beam: int) -> list[_Way]:
        """The best ways to have `needed` of `parts`: each is taken, by one of its own ways, or passed over."""
        ways: dict[int, list[_Way]] = {0: [self.nothing]}
        for position, own in enumerate(parts):
            left = len(parts) - position - 1
            grown: dict[int, list[_Way]] = {}
            for have, so_far in sorted(ways.items(), reverse=True):  # of equals, what was written first comes first
                if have + left >= needed:
                    grown.setdefault(have, []).extend(so_far)
                if have < needed and have + 1 + left >= needed:
                    grown.setdefault(have + 1, []).extend(
                        self._join([one, another] for one in so_far for another in own)
                    )
            ways = {have: self._best(several, beam) for have, several in grown.items()}
        return ways.get(needed, [])

    def _join(self, rows: Iterable[list[_Way]]) -> list[_Way]:
        """The ways of each row in one, but those that want both answers of a leaf."""
        joined: list[_Way] = []
        for row in rows:
            demands = frozenset[tuple[int, bool]]().union(*(way.demands for way in row))
            self.joined += len(demands)
            if len({position for position, _ in demands}) == len(demands):
                joined.append(_Way(demands, tuple(map(max, *(way.actions for way in row)))))
        return joined

    def _best(self, ways: list[_Way], beam: int) -> list[_Way]:
        if len(ways) == 1:
            return ways
        return nsmallest(beam, dict.fromkeys(ways), key=_effort)

    # --- Offers ------------------------------------------------------------------------------------------------------

    def offer(self, way: _Way) -> _Offer | None:
        """`way` as a remedy, if the policy is YES once it is carried out.

        Who brings other evidence loses what the one at hand says; then that is demanded of the other one, too.
        """
        remedy = self._remedy(way)
        promise = self.promises.carried_out(remedy)
        lost = [] if promise.holds or self.exhausted else self._lost(way, promise)
        if lost:
            way = self._way(way.demands.union(lost))
            remedy = self._remedy(way)
            promise = self.promises.carried_out(remedy)
        if not promise.holds:
            return None
        until = min((self._until(position, promise) for position, _ in way.demands), default=float("inf"))
        return _Offer(way, remedy, promise, until)

    def _lost(self, way: _Way, promise: Promise) -> list[tuple[int, bool]]:
        """What helps now and is gone once `way` brings what another source says, where one can have it of that, too."""
        lost: list[tuple[int, bool]] = []
        others = {
            verifier: evidence
            for verifier, evidence in promise.brought.items()
            if self._is_of_another(verifier, evidence)
        }
        for position, wanted in dict.fromkeys(self.program.polarities() if others else ()):
            value, promised = self.values[position], promise.values[position]
            if value is not wanted or promised is wanted or (position, not wanted) in way.demands:
                continue
            leaf = self.program.leaves[position]
            evidence = others.get(leaf.verifier)
            if evidence is None or isinstance(leaf, Standing) or leaf.question.opaque:
                continue
            action = leaf.question.action(evidence, wanted)
            if action is not None:
                actions = [0] * len(self.verifiers)
                actions[self._number(leaf.verifier)] = action
                self.again[position, wanted] = _Way(frozenset(((position, wanted),)), tuple(actions))
                lost.append((position, wanted))
        return lost

    def _is_of_another(self, verifier: Verifier[Any], evidence: Evidence) -> bool:
        current = self.promises.current(verifier)
        return current is not None and current.source != evidence.source

    def _until(self, position: int, promise: Promise) -> float:
        """Until when the leaf at `position` says what is promised."""
        leaf = self.program.leaves[position]
        if isinstance(leaf, Standing) or leaf.question.opaque:
            return float("inf")
        return leaf.question.until(promise.brought[leaf.verifier], self.promises.now)

    def _remedy(self, way: _Way) -> Remedy:
        """One step per verifier: the easiest first, but none before what it is linked to."""
        demands: dict[int, list[Demand]] = {}
        for position, wanted in sorted(way.demands):
            leaf = self.program.leaves[position]
            asked = demands.setdefault(self._number(leaf.verifier), [])
            if isinstance(leaf, Leaf):
                asked.append(Demand(leaf, wanted))
        order = dict.fromkeys(number for last in demands for number in (*(self.bases[last] or ()), last))
        steps = [self._step(number, way.actions[number], demands.get(number, [])) for number in order]
        hardest: dict[Verifier[Any], tuple[int, int]] = {}
        for step in steps:
            before = [way.actions[number] for number in self._chain(step.verifier)]
            hardest[step.verifier] = max(before), len(before)
        return Remedy(tuple(sorted(steps, key=lambda step: hardest[step.verifier])))

    def _step(self, number: int, action: int, demands: list[Demand]) -> Step:
        verifier = self.verifiers[number]
        return Step(verifier, Action(action), tuple(demands), self.promises.current(verifier) is not None)

    def _chain(self, verifier: Verifier[Any]) -> Iterable[int]:
        one: Verifier[Any] | None = verifier
        while one is not None:
            yield self.numbers[one]
            one = one.of

    def without_needless_demands(self, offer: _Offer) -> _Offer:
        """`offer` without what the rest of it brings along.

        The hardest goes first, of equals the weaker, which is met for longer, of these the last written.
        """
        done = False
        while not done:
            done = True
            if len(offer.way.demands) == 1:
                break
            costs = 8 * len(offer.way.demands) + 2 * len(self.program.nodes)
            burden = {demand: self._burden(*demand, offer.promise) for demand in offer.way.demands}
            for demand in sorted(burden, key=burden.__getitem__, reverse=True):
                if self.promises.work + costs > _WORK:
                    break
                less = self.offer(self._way(offer.way.demands - {demand}))
                if less is not None and less.way.demands < offer.way.demands:
                    offer, done = less, False
                    break
        return offer

    def _burden(self, position: int, wanted: bool, promise: Promise) -> tuple[int, float, int]:
        return max(self._single((position, wanted)).actions), self._until(position, promise), position

    def _way(self, demands: Demands) -> _Way:
        return self._join([[self.nothing, *map(self._single, demands)]])[0]

    def _single(self, demand: tuple[int, bool]) -> _Way:
        return self.again.get(demand) or self._of_leaf(*demand)[0]
