"""What is found odd in a table, against all requests that can tell small tables apart."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search import usually
from tests.segments import reference
from tests.segments.world import REQUESTS, tables
from zerotrust.segments import ANY, FindingKind, Flow, Segments, deny

SHADOWED, OVERRULED, IDLE = FindingKind.SHADOWED, FindingKind.OVERRULED, FindingKind.IDLE
CONTRADICTORY = FindingKind.CONTRADICTORY
NEEDLESS = {SHADOWED, OVERRULED, IDLE}
WEB = "spiffe://prod.example/web"

Covered = dict[int, frozenset[int]]


def covered(flows: list[Flow]) -> Covered:
    """By number of row: the requests it covers."""
    return {
        number: frozenset(place for place, request in enumerate(REQUESTS) if reference.covers(flow, *request))
        for number, flow in enumerate(flows, 1)
    }


def union(sets: Iterable[frozenset[int]]) -> frozenset[int]:
    return frozenset().union(*sets)


def found(flows: list[Flow], kind: FindingKind) -> list[int]:
    return [one.row for one in Segments(flows, service="s").findings if one.kind is kind]


@pytest.mark.unmeasured  # as the other two are not measured: the examples go over the same lines
@usually(150)
@given(tables, st.data())
def test_what_is_found_is_exactly_what_is_so(flows: list[Flow], data: st.DataObject) -> None:
    findings = Segments(flows, service="s").findings
    kinds = {one.row: one.kind for one in findings if one.kind in NEEDLESS}
    sets = covered(flows)
    denying = {number for number, flow in enumerate(flows, 1) if flow.denies}
    allowing = set(sets) - denying

    def allowed(rows: Iterable[int]) -> frozenset[int]:
        kept = set(rows)
        return union(sets[row] for row in kept & allowing) - union(sets[row] for row in kept & denying)

    # Any of them may go.
    go = data.draw(st.sets(st.sampled_from(sorted(kinds)))) if kinds else set()
    assert allowed(sets) == allowed(set(sets) - set(kinds)) == allowed(set(sets) - go)
    # None of the others may.
    stays = set(sets) - {row for row in kinds if row in denying}
    for row in set(sets) - set(kinds):
        rest = stays if row in denying else set(sets) - set(kinds)
        assert allowed(rest) != allowed(rest - {row}), row
    # And they are called what they are.
    denied = union(sets[row] for row in denying)
    for row, kind in kinds.items():
        if row in allowing:
            assert (kind is OVERRULED) is (sets[row] <= denied)
        else:
            assert (kind is IDLE) is not bool(sets[row] & union(sets[other] for other in allowing))
    contradictions = {(one.row, other) for one in findings if one.kind is CONTRADICTORY for other in one.others}
    assert contradictions == {
        (row, other)
        for row in denying
        for other in allowing
        if sets[row] & sets[other] and not (sets[row] < sets[other] or sets[other] < sets[row])
    }


@pytest.mark.unmeasured
@usually(60)
@given(tables)
def test_the_rows_it_names_decide_the_same(flows: list[Flow]) -> None:
    sets = covered(flows)
    for one in Segments(flows, service="s").findings:
        if one.kind in {SHADOWED, OVERRULED}:
            covering = union(sets[other] for other in one.others)
            relevant = sets[one.row]
            if flows[one.row - 1].denies:
                relevant &= union(sets[row] for row in sets if not flows[row - 1].denies)
            assert relevant <= covering
            assert one.row not in one.others


@pytest.mark.parametrize(
    ("rows", "kind", "expected"),
    [
        ([Flow(WEB, "s", "GET", "/a"), Flow("*", "s", ANY, "/**")], SHADOWED, [1]),
        ([Flow("*", "s", ANY, "/**"), Flow(WEB, "s", "GET", "/a")], SHADOWED, [2]),
        ([Flow(WEB, "s", "GET", "/a"), Flow(WEB, "s", "GET", "/a")], SHADOWED, [2]),
        ([Flow(WEB, "s", "GET", "/{x}"), Flow(WEB, "s", "GET", "/{y}")], SHADOWED, [2]),
        ([Flow(WEB, "s", "GET", "/a/**"), Flow(WEB, "s", "GET", "/a")], SHADOWED, []),
        ([Flow(WEB, "s", "GET", "/a/**"), Flow(WEB, "s", "GET", ["/a/", "/a/{x}", "/a/{x}/**"])], SHADOWED, [2]),
        ([Flow(WEB, "s", "GET", ["/a/", "/a/{x}", "/a/{x}/**"]), Flow(WEB, "s", "GET", "/a/**")], SHADOWED, [2]),
        ([Flow(WEB, "s", "GET", ["/a/", "/a/{x}/**"]), Flow(WEB, "s", "GET", "/a/**")], SHADOWED, [1]),
        ([Flow("*", "s", ANY, "/a"), deny("*", "s", ANY, "/b"), Flow(WEB, "s", "GET", ["/a", "/b"])], SHADOWED, [3]),
        ([Flow("*", "s", ANY, "/a"), deny("*", "s", ANY, "/b"), Flow(WEB, "s", "GET", ["/b", "/a"])], SHADOWED, [3]),
        ([Flow(WEB, "s", "GET", "/a"), deny(WEB, "s", "GET", "/a"), deny("*", "s", "GET", "/a")], SHADOWED, [3]),
        ([Flow(WEB, "s", "GET", "/a"), deny("*", "s", ANY, "/a")], OVERRULED, [1]),
        ([Flow(WEB, "s", "GET", "/a"), deny("*", "s", ANY, "/b")], IDLE, [2]),
        ([Flow("*", "s", ANY, "/**"), deny(WEB, "s", "GET", "/a")], CONTRADICTORY, []),
        ([Flow(WEB, "s", "GET", "/a"), deny(WEB, "s", "GET", "/a")], CONTRADICTORY, [2]),
        ([Flow(WEB, "s", "GET", "/**"), deny("*", "s", "GET", "/a")], CONTRADICTORY, [2]),
        ([Flow(WEB, "s", "GET", "/**"), Flow(WEB, "t", "GET", "/a")], SHADOWED, []),
        ([Flow(WEB, "s", "GET", "/a"), deny(WEB, "t", "GET", "/a")], IDLE, [2]),
        ([Flow(WEB, "t", "GET", "/a"), Flow(WEB, "s", "GET", "/"), Flow("*", "t", ANY, "/**")], SHADOWED, [1]),
    ],
)
def test_examples(rows: list[Flow], kind: FindingKind, expected: list[int]) -> None:
    assert found(rows, kind) == expected


def test_what_is_found_is_said() -> None:
    rows = [
        Flow("*", "s", ANY, "/**"),
        Flow(WEB, "s", "GET", "/a"),
        deny(WEB, "s", "GET", "/b"),
        deny("*", "s", ANY, "/b"),
    ]
    assert [str(one) for one in Segments(rows, service="s").findings] == [
        f"row 2 changes nothing, because of row 1 ({WEB} -> s GET /a)",
        f"row 3 changes nothing, because of row 4 (deny {WEB} -> s GET /b)",
    ]


def test_every_service_of_a_shared_table_is_looked_at() -> None:
    rows = [Flow(WEB, name, "GET", path) for path in ("/{x}", "/a") for name in ("s", "t")]
    findings = Segments(rows, service="s").findings
    assert [(one.row, one.others) for one in findings] == [(3, (1,)), (4, (2,))]
    assert findings == Segments(rows, service="t").findings


@pytest.mark.unmeasured
def test_a_large_table_is_looked_through_in_time() -> None:
    rows = [Flow(f"spiffe://p/ns/{row % 100}/sa/{row}", "s", "GET", f"/r{row % 50}/{{id}}") for row in range(3000)]
    rows += [deny(f"spiffe://p/ns/{row}/**", "s", "GET", "/r0/{id}") for row in range(0, 100, 50)]
    table = Segments(rows, service="s")
    assert {one.kind for one in table.findings} == {OVERRULED}
