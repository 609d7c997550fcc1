"""The breaker among many askers at once: an outage that fails a hundred of them is one outage."""

from __future__ import annotations

import pytest

from zerotrust.core.ask import ConsumeOnce, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.stores.health import FAILURES, Health

ASK = ConsumeOnce("jti", b"k", 10.0, 0.0)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health("Toy", lambda error: SOURCE_DOWN() if isinstance(error, OSError) else None, 0.5, clock)


def fails(health: Health) -> SourceFailed:
    with pytest.raises(SourceFailed) as caught, health.attempt(ASK):
        raise OSError
    return caught.value


def rest(health: Health, clock: Clock) -> float:
    """How long nobody is let through from now on."""
    began = clock.now
    while "not asked" in (failure := fails(health)).reason.detail:
        assert failure.retry_after <= 30
        clock.now += 0.125
    return clock.now - began


def test_those_under_way_when_it_opens_do_not_prolong_the_rest(health: Health, clock: Clock) -> None:
    attempts = [health.attempt(ASK) for _ in range(100)]
    for attempt in attempts:
        attempt.__enter__()
    clock.now += 0.5
    for attempt in attempts:
        with pytest.raises(SourceFailed):
            attempt.__exit__(OSError, OSError(), None)
    assert health.metrics().breaker == "open"
    assert rest(health, clock) == 1.0


def test_each_ask_that_finds_it_still_out_doubles_the_rest(health: Health, clock: Clock) -> None:
    for _ in range(FAILURES):
        fails(health)
    assert [rest(health, clock) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]


def test_one_asks_and_the_others_are_refused_meanwhile(health: Health, clock: Clock) -> None:
    for _ in range(FAILURES):
        fails(health)
    clock.now += 1.0
    probe = health.attempt(ASK)
    probe.__enter__()
    assert "not asked" in fails(health).reason.detail
    probe.__exit__(None, None, None)
    assert health.metrics().breaker == "closed"
    with health.attempt(ASK):
        pass


def test_one_that_never_comes_back_is_not_waited_for(health: Health, clock: Clock) -> None:
    for _ in range(FAILURES):
        fails(health)
    clock.now += 1.0
    health.attempt(ASK).__enter__()
    clock.now += 0.6  # more than an ask may take
    with health.attempt(ASK):
        pass
    assert health.metrics().breaker == "closed"
