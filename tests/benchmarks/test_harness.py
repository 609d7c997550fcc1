"""The harness: its arithmetic, its A/A rule, its tables and its JSON. No test asserts how long anything takes."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from benchmarks import runner
from benchmarks.harness import (
    FLOOR_AGAIN,
    Case,
    Goal,
    Group,
    Row,
    batch_size,
    busy,
    case,
    is_quiet,
    measure,
    median_of_ratios,
    overhead,
    total,
)
from benchmarks.report import as_data, as_json, from_data, goals_table, table


def steady(name: str, seconds: float, outcome: object = True) -> Case:
    """A case that takes a made-up time."""
    return Case(name, lambda: outcome, lambda number: number * seconds, bool)


def drifting(name: str, times: Iterator[float]) -> Case:
    """A case whose batches take these times, one after another."""
    return Case(name, lambda: True, lambda _: next(times), bool, batch=1)


def rows(**ratios: float) -> dict[str, Row]:
    return {name: Row(name, ratio, ratio, ratio) for name, ratio in ratios.items()}


def test_ratio_is_taken_within_each_round_so_that_a_slow_phase_cancels_out() -> None:
    floor = [1.0, 10.0, 1.0]
    samples = [2.0, 20.0, 3.0]
    assert median_of_ratios(samples, floor) == 2.0


def test_rows_hold_median_least_and_ratio() -> None:
    times = iter([9.0, 4e-6, 2e-6, 6e-6])  # the first is the warm-up
    result = measure(Group("g", "", [steady("floor", 2e-6), drifting("case", times)]), rounds=3, attempts=1)
    row = next(row for row in result.rows if row.name == "case")
    assert (row.median_us, row.least_us, row.ratio) == pytest.approx((4.0, 2.0, 2.0))


def test_floor_is_measured_twice_and_agreement_is_quiet() -> None:
    result = measure(Group("g", "", [steady("floor", 1e-6)]), rounds=3)
    assert [row.name for row in result.rows] == ["floor", FLOOR_AGAIN]
    assert result.quiet
    assert result.attempts == 1


@pytest.mark.parametrize(("again", "quiet"), [(1.0, True), (1.029, True), (0.971, True), (1.04, False), (0.96, False)])
def test_more_than_three_percent_between_floor_and_floor_is_noise(again: float, quiet: bool) -> None:
    assert is_quiet(again) is quiet


def unquiet(factors: list[float]) -> Group:
    """A floor whose second copy is off by a factor, one for each attempt (two batches of warm-up, one round)."""
    calls = {"floor": 0, "again": 0}
    order: list[str] = []

    def sample(_: int) -> float:
        # In an attempt the harness warms up floor then copy, and then measures both in any order: the slower of the
        # two measured batches is whichever comes second, so the ratio is the factor or its inverse.
        calls["floor"] += 1
        attempt, step = divmod(calls["floor"] - 1, 4)
        order.append(str(step))
        return factors[min(attempt, len(factors) - 1)] if step == 3 else 1.0

    return Group("g", "", [Case("floor", lambda: True, sample, bool, batch=1)])


def test_a_noisy_attempt_is_measured_again() -> None:
    result = measure(unquiet([1.5, 1.5, 1.01]), rounds=1)
    assert result.attempts == 3
    assert result.quiet


def test_attempts_are_bounded_and_the_quietest_is_kept_and_says_that_it_is_noisy() -> None:
    result = measure(unquiet([2.0, 1.1, 3.0, 4.0]), rounds=1, attempts=4)
    assert result.attempts == 4
    assert not result.quiet
    assert result.rows[-1].ratio in (pytest.approx(1.1), pytest.approx(1 / 1.1))
    assert "TOO NOISY" in table(result)


def test_a_wrong_outcome_is_not_measured() -> None:
    with pytest.raises(AssertionError, match="liar"):
        measure(Group("g", "", [steady("floor", 1e-6), steady("liar", 1e-6, outcome=False)]), rounds=1)


def test_collector_is_off_while_measuring_and_on_again_after() -> None:
    seen: list[bool] = []

    def sample(number: int) -> float:
        seen.append(gc.isenabled())
        return number * 1e-3

    measure(Group("g", "", [Case("floor", lambda: True, sample, bool)]), rounds=2, attempts=1)
    assert gc.isenabled()
    assert not any(seen)


def test_a_case_calls_its_function_with_its_arguments() -> None:
    calls: list[tuple[object, ...]] = []

    def record(*arguments: object) -> bool:
        calls.append(arguments)
        return True

    one = case("one", record, 1, "two")
    one.check()
    one.sample(3)
    assert calls == [(1, "two")] * 4


def test_a_busy_machine_is_noted() -> None:
    assert busy(load=2.0, cores=2) == []
    assert "load 5.5 on 2 cores" in busy(load=5.5, cores=2)[0]


def test_batches_take_about_the_time_asked_for() -> None:
    assert batch_size(lambda number: number * 1e-6, seconds=0.003) == 3000
    assert batch_size(lambda number: number * 0.5, seconds=0.003) == 1


def test_goals_compare_totals_and_overheads() -> None:
    measured = rows(ours=1.2, one=1.5, two=2.0)
    assert total("ours")(measured) == 1.2
    assert total("ours", "one", "two")(measured) == pytest.approx(0.8)
    assert overhead("ours", "two")(measured) == pytest.approx(0.2)
    assert overhead("ours", "one", "two")(measured) == pytest.approx(0.4)


def goals_of(limit: float, name: str = "case") -> list[Goal]:
    return [Goal("P0", "twice the floor", limit, total(name))]


@pytest.mark.parametrize(("limit", "met", "word"), [(2.5, True, "met"), (1.5, False, "MISSED")])
def test_a_goal_is_met_up_to_its_limit(limit: float, met: bool, word: str) -> None:
    cases = [steady("floor", 1e-6), steady("case", 2e-6)]
    result = measure(Group("g", "", cases, goals_of(limit)), rounds=1)
    assert result.goals[0].met is met
    assert word in goals_table(result.goals).splitlines()[-1]


def test_a_goal_without_its_case_is_not_measured() -> None:
    result = measure(Group("g", "", [steady("floor", 1e-6)], goals_of(1.0, "absent")), rounds=1)
    assert (result.goals[0].measured, result.goals[0].met) == (None, None)
    assert "not measured" in goals_table(result.goals)


def test_a_group_that_cannot_be_measured_here_says_why_and_meets_no_goal() -> None:
    result = measure(Group("g", "about", [], goals_of(1.0), ["no server is installed"]))
    assert (result.rows, result.goals[0].met) == ([], None)
    text = table(result)
    assert "no server is installed" in text
    assert "NOT MEASURED" in text
    assert "not measured" in text
    assert from_data(as_data([result])) == [result]


@pytest.mark.parametrize("outcome", [True, False])
def test_what_a_group_started_is_ended_whatever_happens(outcome: bool) -> None:
    ended: list[bool] = []
    group = Group("g", "", [steady("floor", 1e-6, outcome)], close=lambda: ended.append(True))
    with nullcontext() if outcome else pytest.raises(AssertionError):
        measure(group, rounds=1, attempts=1)
    assert ended == [True]


def test_json_has_versions_rows_and_goals_and_reads_back() -> None:
    cases = [steady("floor", 1e-6), steady("case", 2e-6)]
    result = measure(Group("g", "about", cases, goals_of(2.5), ["a note"]), rounds=1)
    data = json.loads(as_json([result]))
    assert set(data) == {"python", "packages", "groups"}
    assert "cryptography" in data["packages"]
    group = data["groups"][0]
    assert group["rows"][1] == {"name": "case", "median_us": 2.0, "least_us": 2.0, "ratio": 2.0}
    assert group["goals"] == [{"goal": "P0", "says": "twice the floor", "limit": 2.5, "measured": 2.0, "met": True}]
    assert group["notes"][0] == "a note"
    assert from_data(as_data([result])) == [result]


def test_command_line_measures_one_group_here(capsys: pytest.CaptureFixture[str]) -> None:
    groups = {"one": lambda: Group("first", "", [steady("floor", 1e-6)])}
    assert runner.main("benchmarks.none", groups, ["--group", "one", "--rounds", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["groups"][0]["group"] == "first"
    assert runner.main("benchmarks.none", groups, ["--group", "one", "--rounds", "1"]) == 0
    assert capsys.readouterr().out.startswith("first:")


@pytest.mark.parametrize("arguments", [["--rounds", "0"], ["--rounds", "x"], ["--group", "absent"]])
def test_command_line_refuses_nonsense(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        runner.main("benchmarks.none", {"one": lambda: Group("g", "", [steady("floor", 1e-6)])}, arguments)


def test_a_group_that_fails_in_its_own_process_fails_the_run() -> None:
    with pytest.raises(SystemExit, match="failed"):
        runner.main("benchmarks.absent", {"one": lambda: Group("g", "", [steady("floor", 1e-6)])}, ["--rounds", "1"])
