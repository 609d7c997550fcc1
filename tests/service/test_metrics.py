"""Metrics are text that Prometheus reads, of a bounded size whatever callers do."""

from __future__ import annotations

from tests.service.world import ask, serving
from zerotrust.service.metrics import Metrics


def test_a_histogram_counts_each_decision_in_all_buckets_above() -> None:
    metrics = Metrics()
    for seconds in (0.0004, 0.0005, 0.02, 9.0):
        metrics.decided("caddy", "/a", 200, "", seconds)
    text = metrics.text()
    assert 'zerotrust_decision_seconds_bucket{mount="caddy",le="0.0005"} 2' in text
    assert 'zerotrust_decision_seconds_bucket{mount="caddy",le="0.025"} 3' in text
    assert 'zerotrust_decision_seconds_bucket{mount="caddy",le="5.0"} 3' in text
    assert 'zerotrust_decision_seconds_bucket{mount="caddy",le="+Inf"} 4' in text
    assert 'zerotrust_decision_seconds_count{mount="caddy"} 4' in text
    assert 'zerotrust_decision_seconds_sum{mount="caddy"} 9.0209' in text


def test_outcomes_are_three() -> None:
    metrics = Metrics()
    for status in (200, 401, 403, 400, 503):
        metrics.decided("caddy", "/a", status, "c", 0.0)
    text = metrics.text()
    assert 'outcome="allowed",code="c"} 1' in text
    assert 'outcome="refused",code="c"} 3' in text
    assert 'outcome="unavailable",code="c"} 1' in text


def test_labels_are_escaped() -> None:
    metrics = Metrics()
    metrics.decided("caddy", 'a"b\\c\nd', 200, "", 0.0)
    assert 'route="a\\"b\\\\c\\nd"' in metrics.text()
    assert all(line.startswith(("#", "zerotrust_")) for line in metrics.text().splitlines())


def test_there_are_only_so_many_series() -> None:
    metrics = Metrics()
    for number in range(5000):
        metrics.decided("caddy", f"/{number}", 200, "", 0.0)
    lines = [line for line in metrics.text().splitlines() if line.startswith("zerotrust_decisions_total{")]
    assert len(lines) == 4097
    assert any('route="(other)"' in line and line.endswith(" 904") for line in lines)


def test_what_callers_send_is_no_label() -> None:
    service = serving()
    for number in range(20):
        ask(service, "/caddy", uri=f"/{number}".encode(), method=f"M{number}".encode())
    assert service.metrics.text().count("zerotrust_decisions_total{") == 1
