"""Signature counters that show a copy (WebAuthn Level 3 section 6.1.1): what is marked, and what that means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.factors.faulty import Faulty
from tests.verifiers.passkey_ceremonies import ANNA, NOW, Site, code, configured, good, phone
from zerotrust.core.ask import Advance, Ask, ConsumeOnce, SourceFailed
from zerotrust.driver import Sources
from zerotrust.factors.passkey_records import MAX_RECENT, Kept
from zerotrust.factors.passkeys import RECORDS, TRIES
from zerotrust.testing.authenticator import LocalAuthenticator


def kept(site: Site, device: LocalAuthenticator) -> Kept:
    found = site.run(site.passkey._passkeys.finding(device.credentials[-1].id, NOW))
    assert found is not None
    return found


def detail(site: Site) -> str:
    return site.run(site.passkey.listing(ANNA, NOW))[0].detail


def copied(**config: Any) -> tuple[Site, LocalAuthenticator, LocalAuthenticator]:
    """A site, an authenticator that was used three times, and a copy made after the first."""
    site, device = Site(configured(**config)), phone()
    good(site.enrol(device))
    good(site.prove(device))
    thief = device.clone()
    good(site.prove(device))
    good(site.prove(device))
    return site, device, thief


def test_the_first_use_of_a_copy_whose_counter_is_behind_is_noticed() -> None:
    site, device, thief = copied()
    assert kept(site, device).cloned_at is None
    site.now += 7
    assert good(site.prove(thief)).proof.cloned is True
    assert kept(site, device).cloned_at == NOW + 7
    assert kept(site, device).credential.sign_count == 3  # it never goes back
    assert detail(site) == "a copy is suspected: remove it"


@pytest.mark.parametrize(("counter", "cloned"), [(2, True), (3, True), (4, False), (0, True)])
def test_a_counter_has_to_grow(counter: int, cloned: bool) -> None:
    site, device, _ = copied()
    assert good(site.prove(device.but(sign_count=counter))).proof.cloned is cloned


def test_an_authenticator_without_a_counter_is_no_copy() -> None:
    site, device = Site(), phone(counter_step=0)
    good(site.enrol(device))
    for _ in range(3):
        assert good(site.prove(device)).proof.cloned is False


def test_once_marked_neither_the_copy_nor_the_original_counts() -> None:
    """Nobody can tell which is which: a thief's counter soon is ahead."""
    site, device, thief = copied()
    good(site.prove(thief))
    for used in (device, thief.but(sign_count=100), device.but(sign_count=5), device.but(sign_count=1000)):
        site.now += 60
        assert good(site.prove(used)).proof.cloned is True
    assert kept(site, device).cloned_at == NOW
    assert kept(site, device).credential.sign_count == 1000


def test_nobody_signs_in_with_a_marked_passkey() -> None:
    site, device, thief = copied()
    assert code(site.prove(thief, None)) == "counter_went_back"
    assert kept(site, device).cloned_at is not None
    assert code(site.prove(device, None)) == "counter_went_back"


def test_where_copies_are_refused_they_are_and_the_mark_stays() -> None:
    site, device, thief = copied(on_clone="refuse")
    assert code(site.prove(thief)) == "counter_went_back"
    assert kept(site, device).cloned_at == NOW
    assert code(site.prove(device)) == "counter_went_back"
    assert detail(site) == "a copy is suspected: remove it"


def test_a_renamed_passkey_stays_marked_and_one_enrolled_anew_is_not() -> None:
    site, device, thief = copied()
    good(site.prove(thief))
    (listed,) = site.run(site.passkey.listing(ANNA, NOW))
    site.run(site.passkey.renaming(ANNA, listed.id, "Clean", NOW))
    assert good(site.prove(device)).proof.cloned is True
    site.run(site.passkey.removing(ANNA, listed.id, NOW))
    fresh = phone()
    good(site.enrol(fresh))
    assert good(site.prove(fresh)).proof.cloned is False


def test_an_answer_sent_twice_is_replayed_and_no_copy() -> None:
    """A double click has the same counter twice."""
    site, device, _ = copied()
    response = device.get(site.challenge())
    good(site.prove(response))
    assert code(site.prove(response)) == "replayed"
    assert kept(site, device).cloned_at is None
    assert good(site.prove(device)).proof.cloned is False


# --- Two at once -----------------------------------------------------------------------------------------------------
def between(store: Faulty, what: Any) -> None:
    """Have `what` happen just before the next change of a record."""

    def intrude(ask: Ask[Any]) -> None:
        if isinstance(ask, Advance) and ask.kind == RECORDS:
            store.before = lambda _: None
            what()

    store.before = intrude


@pytest.fixture
def store() -> Faulty:
    return Faulty()


def test_two_uses_with_one_counter_do_not_both_pass(store: Faulty) -> None:
    """Both were judged against the same record; who is second to write is judged again."""
    site, device = Site(sources=store.sources), phone()
    good(site.enrol(device))
    thief = device.clone()
    mine, theirs = device.get(site.challenge()), thief.get(site.challenge())
    outcomes = []
    between(store, lambda: outcomes.append(good(site.prove(theirs)).proof.cloned))
    outcomes.append(good(site.prove(mine)).proof.cloned)
    assert outcomes == [False, True]
    assert kept(site, device).cloned_at == NOW


def test_two_uses_with_growing_counters_both_pass(store: Faulty) -> None:
    site, device = Site(sources=store.sources), phone()
    good(site.enrol(device))
    first, second = device.get(site.challenge()), device.get(site.challenge())
    outcomes = []
    between(store, lambda: outcomes.append(good(site.prove(first)).proof.cloned))
    outcomes.append(good(site.prove(second)).proof.cloned)
    assert outcomes == [False, False]
    assert kept(site, device).credential.sign_count == 2


def test_a_rename_at_the_same_time_loses_nothing(store: Faulty) -> None:
    site, device = Site(sources=store.sources), phone()
    enrolled = good(site.enrol(device))
    between(store, lambda: site.run(site.passkey.renaming(ANNA, enrolled.id, "New", NOW)))
    good(site.prove(device))
    assert site.names() == ["New"]
    assert kept(site, device).credential.sign_count == 1
    between(store, lambda: good(site.prove(device)))
    assert site.run(site.passkey.renaming(ANNA, enrolled.id, "Newer", NOW)) is None
    assert site.names() == ["Newer"]
    assert kept(site, device).credential.sign_count == 2


def test_one_removed_while_it_is_used_proves_nothing(store: Faulty) -> None:
    site, device = Site(sources=store.sources), phone()
    enrolled = good(site.enrol(device))
    between(store, lambda: site.run(site.passkey.removing(ANNA, enrolled.id, NOW)))
    assert code(site.prove(device)) == "not_enrolled"
    assert site.names() == []


@pytest.mark.parametrize("step", ["using", "renaming"])
def test_who_is_never_first_gives_up_and_has_proven_nothing(store: Faulty, step: str) -> None:
    site, device = Site(sources=store.sources), phone(counter_step=0)
    enrolled = good(site.enrol(device))
    busy = Site(sources=Sources(store.store))
    response = device.get(site.challenge())

    def meddle(ask: Ask[Any]) -> None:
        if isinstance(ask, Advance):
            busy.now += 1
            good(busy.prove(device))

    store.before = meddle
    store.asked.clear()
    steps: dict[str, Callable[[], object]] = {
        "using": lambda: site.prove(response),
        "renaming": lambda: site.run(site.passkey.renaming(ANNA, enrolled.id, "New", NOW)),
    }
    with pytest.raises(SourceFailed, match="again and again"):
        steps[step]()
    assert store.kinds().count("Advance") == TRIES
    store.before = lambda _: None
    assert site.names() == ["Phone"]
    if step == "using":
        assert code(site.prove(response)) == "replayed"


# --- Answers whose mark is consumed afterwards -----------------------------------------------------------------------
CHALLENGE = bytes(range(100, 132))


def later(site: Site, response: str, challenge: bytes = CHALLENGE) -> bool:
    mark = ConsumeOnce("elsewhere", challenge, NOW + 300, site.now)
    came = good(site.run(site.passkey.asserting(ANNA, response, challenge, site.now, later=mark)))
    assert came.assertion.counter_went_back <= came.cloned
    return came.cloned


def test_the_same_answer_may_come_again_until_its_mark_is_consumed(store: Faulty) -> None:
    site, device = Site(sources=store.sources), phone()
    good(site.enrol(device))
    response = device.get(site.run(site.passkey.requesting(ANNA, CHALLENGE, NOW)))
    assert [later(site, response) for _ in range(3)] == [False] * 3
    good(site.prove(device))  # another use in between: stepping up, say
    assert later(site, response) is False
    assert kept(site, device).cloned_at is None
    assert kept(site, device).credential.sign_count == 2
    asked = store.asked[:]
    assert not any(isinstance(ask, ConsumeOnce) and ask.space == "elsewhere" for ask in asked)


def test_twins_at_once_are_one_use(store: Faulty) -> None:
    site, device = Site(sources=store.sources), phone()
    good(site.enrol(device))
    response = device.get(site.run(site.passkey.requesting(ANNA, CHALLENGE, NOW)))
    outcomes = []
    between(store, lambda: outcomes.append(later(site, response)))
    outcomes.append(later(site, response))
    assert outcomes == [False, False]
    assert kept(site, device).cloned_at is None


@pytest.mark.parametrize("carried_out", [False, True], ids=["not done", "done"])
@pytest.mark.parametrize("fails_at", range(3))
def test_wherever_the_store_fails_the_same_answer_is_no_copy(store: Faulty, fails_at: int, carried_out: bool) -> None:
    site, device = Site(sources=store.sources), phone()
    good(site.enrol(device))
    response = device.get(site.run(site.passkey.requesting(ANNA, CHALLENGE, NOW)))
    store.asked.clear()
    store.fails_at, store.carried_out = fails_at, carried_out
    if fails_at < 2:  # Lookup, Advance: there is nothing else that could fail
        with pytest.raises(SourceFailed):
            later(site, response)
    else:
        assert later(site, response) is False
    store.fails_at = len(store.asked) + 1000
    if fails_at == 0 or not carried_out:
        assert later(site, response) is False  # before others are used, or it is overtaken
    for _ in range(3):
        good(site.prove(device))
    assert later(site, response) is False
    assert kept(site, device).cloned_at is None


def test_a_store_that_says_no_to_what_it_has_done_makes_no_copy(store: Faulty) -> None:
    """As one whose connection breaks, and that asks again by itself."""
    site, device = Site(sources=store.sources), phone()
    good(site.enrol(device))

    def twice(ask: Ask[Any]) -> None:
        if isinstance(ask, Advance) and ask.kind == RECORDS:
            store.before = lambda _: None
            store.store.answer(ask, 1.0)

    store.before = twice
    assert good(site.prove(device)).proof.cloned is False
    store.before = twice
    response = device.get(site.run(site.passkey.requesting(ANNA, CHALLENGE, NOW)))
    assert later(site, response) is False
    assert kept(site, device).cloned_at is None


def test_what_is_remembered_of_answers_is_bounded() -> None:
    site, device = Site(), phone()
    good(site.enrol(device))
    for number in range(3 * MAX_RECENT):
        challenge = bytes([number]) * 32
        assert later(site, device.get(site.run(site.passkey.requesting(ANNA, challenge, NOW))), challenge) is False
    assert len(kept(site, device).recent) == MAX_RECENT
    site.now += 301  # by then nobody takes them any more
    good(site.prove(device))
    assert len(kept(site, device).recent) == 1


# --- Answers that are overtaken --------------------------------------------------------------------------------------
def test_two_pages_that_ask_at_once_are_no_copy() -> None:
    """Sign in one, sign in the other, send the second, send the first."""
    site, device = Site(), phone()
    good(site.enrol(device))
    one, other = device.get(site.challenge()), device.get(site.challenge(None))
    site.now += 10
    assert good(site.prove(other, None)).proof.cloned is False
    assert code(site.prove(one)) == "wrong_challenge"
    assert code(site.prove(one)) == "replayed"
    assert kept(site, device).cloned_at is None
    assert kept(site, device).credential.used_at == NOW + 10
    assert good(site.prove(device)).proof.cloned is False


def test_an_approval_that_was_overtaken_is_no_copy_either() -> None:
    site, device = Site(), phone()
    good(site.enrol(device))
    response = device.get(site.run(site.passkey.requesting(ANNA, CHALLENGE, NOW)))
    site.now += 10
    good(site.prove(device))
    mark = ConsumeOnce("elsewhere", CHALLENGE, NOW + 300, site.now)
    for _ in range(2):
        steps = site.passkey.asserting(ANNA, response, CHALLENGE, site.now, later=mark, made_at=NOW)
        assert code(site.run(steps)) == "wrong_challenge"
    assert kept(site, device).cloned_at is None


def test_a_copy_is_noticed_at_its_next_challenge() -> None:
    site, device, thief = copied()
    response = thief.get(site.challenge())
    site.now += 10
    good(site.prove(device))
    assert code(site.prove(response)) == "wrong_challenge"
    assert kept(site, device).cloned_at is None
    assert good(site.prove(thief.but(sign_count=1))).proof.cloned is True
    assert kept(site, device).cloned_at == NOW + 10


def test_one_counter_in_two_answers_is_a_copy_whoever_was_first() -> None:
    site, device, _ = copied()
    thief = device.clone()
    mine, theirs = device.get(site.challenge()), thief.get(site.challenge())
    site.now += 10
    assert good(site.prove(mine)).proof.cloned is False
    assert good(site.prove(theirs)).proof.cloned is True


def test_what_is_marked_is_marked_whenever_it_was_asked() -> None:
    site, device, thief = copied()
    response = device.but(sign_count=2).get(site.challenge())
    site.now += 10
    good(site.prove(thief))
    assert good(site.prove(response)).proof.cloned is True
    assert good(site.prove(thief.but(sign_count=0))).proof.cloned is True


def test_what_was_a_copys_stays_a_copys_however_often_it_comes(store: Faulty) -> None:
    site, device = Site(sources=store.sources), phone()
    good(site.enrol(device))
    good(site.prove(device))
    thief = device.but(sign_count=1)
    response = thief.get(site.run(site.passkey.requesting(ANNA, CHALLENGE, NOW)))
    assert [later(site, response) for _ in range(3)] == [True] * 3


def test_another_answer_to_the_same_challenge_is_judged_by_its_own_counter() -> None:
    site, device = Site(), phone()
    good(site.enrol(device))
    thief = device.clone()
    options = site.run(site.passkey.requesting(ANNA, CHALLENGE, NOW))
    assert later(site, device.get(options)) is False
    assert later(site, thief.but(user_verified=False).get(options)) is True
