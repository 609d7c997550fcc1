"""A store that fails, at any ask, before or after doing it: nobody gets in by that, and nothing hidden stays behind."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from tests.factors.faulty import Faulty
from tests.verifiers.passkey_ceremonies import ANNA, HERE, NOW, Site, code, configured, good, phone
from zerotrust.core.ask import Advance, Ask, Put, SourceFailed
from zerotrust.driver import Sources
from zerotrust.factors.passkey_records import key_for
from zerotrust.factors.passkeys import RECORDS, SETTLED
from zerotrust.testing.authenticator import LocalAuthenticator

Step = Callable[[Site, LocalAuthenticator], object]


def prove(site: Site, device: LocalAuthenticator) -> object:
    return site.prove(device.get(site.challenge()))


def sign_in(site: Site, device: LocalAuthenticator) -> object:
    return site.prove(device.get(site.challenge(None)), None)


def challenge(site: Site, device: LocalAuthenticator) -> object:
    return site.challenge()


def enrol(site: Site, device: LocalAuthenticator) -> object:
    return site.enrol(phone(), name="New")


def rename(site: Site, device: LocalAuthenticator) -> object:
    (first, *_) = site.run(site.passkey.listing(ANNA, NOW))
    return site.run(site.passkey.renaming(ANNA, first.id, "Renamed", NOW))


def listing(site: Site, device: LocalAuthenticator) -> object:
    return site.run(site.passkey.listing(ANNA, NOW))


STEPS: list[Step] = [prove, sign_in, challenge, enrol, rename, listing]


def world() -> tuple[Faulty, Site, LocalAuthenticator]:
    store = Faulty()
    site, device = Site(sources=Sources(store)), phone()
    good(site.enrol(device))
    store.asked.clear()
    return store, site, device


def length(step: Step) -> int:
    store, site, device = world()
    step(site, device)
    return len(store.asked)


@pytest.mark.parametrize("carried_out", [False, True], ids=["not done", "done"])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_an_outage_at_any_ask_is_a_failure_and_no_success(step: Step, carried_out: bool) -> None:
    asks = length(step)
    assert asks > 0
    for number in range(asks):
        store, site, device = world()
        store.fails_at, store.carried_out = number, carried_out
        with pytest.raises(SourceFailed):
            step(site, device)
        # All is well afterwards: nobody is shut out, nothing is good that is not shown, and nothing looks like a copy.
        store.fails_at = math.inf
        shown = {one.id for one in site.run(site.passkey.listing(ANNA, NOW))}
        assert len(shown) == 1 + (step is enrol and carried_out and number == asks - 1)
        assert good(site.prove(device)).proof.cloned is False


@pytest.mark.parametrize("carried_out", [False, True], ids=["not done", "done"])
def test_an_answer_whose_use_was_not_written_down_is_not_good_later(carried_out: bool) -> None:
    """The challenge is used up before the counter moves: what failed in between is lost, not open."""
    store, site, device = world()
    response = device.get(site.challenge())
    store.asked.clear()
    store.fails_at, store.carried_out = 2, carried_out  # Lookup, ConsumeOnce, Advance
    with pytest.raises(SourceFailed):
        site.prove(response)
    assert store.kinds() == ["Lookup", "ConsumeOnce", "Advance"]
    store.fails_at = math.inf
    assert code(site.prove(response)) == "replayed"


def test_the_mark_is_the_last_thing_asked_before_anything_is_written() -> None:
    store, site, _ = world()
    made = phone().create(site.offer())
    store.asked.clear()
    good(site.enrol(made))
    kinds = store.kinds()
    assert kinds.count("ConsumeOnce") == 1
    assert "Advance" not in kinds[: kinds.index("ConsumeOnce")]
    assert set(kinds[: kinds.index("ConsumeOnce")]) == {"Lookup"}


def test_a_store_that_forgot_everything_lets_nobody_in() -> None:
    _, site, device = world()
    options, made = site.challenge(), phone().create(site.offer())
    emptied = Site()
    assert code(emptied.prove(device.get(options))) == "not_enrolled"
    assert code(emptied.prove(device.get(site.challenge(None)), None)) == "not_enrolled"
    assert code(emptied.enrol(made)) == "wrong_challenge"  # its user handle is lost


@pytest.mark.parametrize(
    "value", [b"", b"{}", b"null", b"\xff", b"[" * 1000], ids=["empty", "object", "null", "octets", "deep"]
)
def test_what_somebody_else_wrote_into_the_store_is_no_passkey(value: bytes) -> None:
    store, site, device = world()
    key = key_for("example.com", device.credentials[0].id)
    store.store.answer(Put(RECORDS, key, value, math.inf, NOW), 1.0)
    for step in (prove, sign_in, listing):
        with pytest.raises(SourceFailed):
            step(site, device)


def test_one_credentials_record_in_the_place_of_anothers() -> None:
    """Who can write to the store, but not sign, must not make a passkey of their own answer for a victim's."""
    store, site, device = world()
    thief = phone()
    good(site.enrol(thief, ANNA, HERE))
    kept = site.run(site.passkey._passkeys.finding(thief.credentials[0].id, NOW))
    assert kept is not None
    put = Put(RECORDS, key_for("example.com", device.credentials[0].id), kept.stored, math.inf, NOW)
    store.store.answer(put, 1.0)
    with pytest.raises(SourceFailed):
        prove(site, device)


def test_cwe_400_what_enrolments_that_failed_left_behind_does_not_keep_an_owner_out() -> None:
    store = Faulty()
    site = Site(configured(most=1), Sources(store))
    made = phone().create(site.offer())
    store.before = lambda ask: setattr(store, "fails_at", len(store.asked) - 1) if _is_a_record(ask) else None
    with pytest.raises(SourceFailed):
        site.enrol(made)
    store.before = lambda _: None
    assert code(site.enrol(phone())) == "too_large"
    site.now += SETTLED + 1
    good(site.enrol(phone(), name="At last"))
    assert site.names() == ["At last"]


def _is_a_record(ask: Ask[Any]) -> bool:
    return isinstance(ask, Advance) and ask.kind == RECORDS
