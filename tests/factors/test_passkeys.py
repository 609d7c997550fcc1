"""How passkeys are kept: records and lists, races for them, and stores that fail in between."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factors.faulty import Faulty
from zerotrust.core.ask import Advance, Ask, Lookup, Put, SourceFailed
from zerotrust.core.reason import ALREADY_ENROLLED, SOURCE_REFUSED, TOO_LARGE, Reason
from zerotrust.driver import run
from zerotrust.factors.account import Account
from zerotrust.factors.credential import Credential
from zerotrust.factors.passkey_records import Kept, Listed, Place, key_for, key_of, public_id
from zerotrust.factors.passkeys import LISTS, RECORDS, SETTLED, TRIES, Passkeys, place_name

NOW = 1_800_000_000.0
ANNA, BERT = Account("shop", "anna"), Account("shop", "bert")
passkeys = Passkeys("example.com", 3)


def made(id: bytes = b"one", account: Account = ANNA, **other: object) -> Kept:  # noqa: A002
    facts: dict[str, object] = {
        "public_key": b"key",
        "sign_count": 0,
        "backup_eligible": False,
        "backed_up": False,
        "user_verified_at_enrolment": True,
        "transports": ("usb",),
        "aaguid": bytes(16),
        "hardware_bound": False,
        "name": "Key",
        "enrolled_at": NOW,
    }
    credential = Credential(id=id, account=account, **{**facts, **other})  # type: ignore[arg-type]  # by name
    return Kept(credential, b"handle", place_name())


def shown(store: Faulty, account: Account = ANNA, now: float = NOW) -> list[bytes]:
    """The ids of the passkeys that an account has, as its owner sees them."""
    listed = run(passkeys.listed(account, now), store.sources)
    good = () if listed is None else run(passkeys.good(account, listed, now), store.sources)
    return [kept.credential.id for kept in good]


def usable(store: Faulty, id: bytes = b"one") -> bool:  # noqa: A002
    return run(passkeys.finding(id, NOW), store.sources) is not None


def lines(store: Faulty, account: Account = ANNA) -> int:
    listed = run(passkeys.listed(account, NOW), store.sources)
    return 0 if listed is None else len(listed.places)


# --- Values ----------------------------------------------------------------------------------------------------------
def test_what_is_written_is_read() -> None:
    for kept in (made(), replace(made(), cloned_at=NOW), replace(made(), cloned_at=5, recent=((b"l", 7), (b"m", NOW)))):
        assert Kept.from_bytes(kept.to_bytes()) == kept
        assert Kept.from_bytes(kept.to_bytes()).stored == kept.to_bytes()
    listed = (
        Listed(b"h" * 32).with_place(Place(b"id", b"place", NOW, ("usb", "nfc"))).with_place(Place(b"2", b"3", 4, ()))
    )
    assert Listed.from_bytes(listed.to_bytes()) == listed
    assert listed.without(b"place").places == (Place(b"2", b"3", 4, ()),)


@pytest.mark.parametrize("name", ["v", "credential", "user_handle", "place", "cloned_at", "recent"])
@pytest.mark.parametrize("value", ['"!"', "[]", "true", "7", '""', '"AAAA"'])
def test_what_is_no_record_is_a_source_that_failed(name: str, value: str) -> None:
    members = json.loads(made().to_bytes())
    wrong = json.dumps({**members, name: json.loads(value)}).encode()
    if (value == '"AAAA"' and name in {"user_handle", "place"}) or (name, value) == ("recent", "[]"):
        assert isinstance(Kept.from_bytes(wrong), Kept)
        return
    with pytest.raises(SourceFailed) as failed:
        Kept.from_bytes(wrong)
    assert failed.value.reason.kind is SOURCE_REFUSED


@pytest.mark.parametrize("one", [7, [], ["AAAA"], ["", 1.0], ["!", 1.0], ["AAAA", 1], ["AAAA", 1.0, 1]], ids=str)
def test_what_is_no_counted_answer_is_a_source_that_failed(one: object) -> None:
    members = json.loads(made().to_bytes())
    assert Kept.from_bytes(json.dumps({**members, "recent": [["AAAA", 1.0]]}).encode()).counted(bytes(3))
    with pytest.raises(SourceFailed):
        Kept.from_bytes(json.dumps({**members, "recent": [one]}).encode())


@given(st.binary(max_size=60))
def test_any_octets_may_stand_in_a_store(octets: bytes) -> None:
    for read in (Kept.from_bytes, Listed.from_bytes):
        with pytest.raises(SourceFailed):
            read(octets)


PLACE = ["AAAA", "BBBB", 1.0, ["usb"]]


@pytest.mark.parametrize(
    "places",
    [5, [5], [[]], [PLACE[:3]], [[*PLACE, 1]], [[1, *PLACE[1:]]], [["AAAA", "BBBB", "1", []]], [[*PLACE[:3], 7]]],
    ids=str,
)
def test_what_is_no_list_is_a_source_that_failed(places: object) -> None:
    good = json.dumps({"v": 1, "user_handle": "AAAA", "places": [PLACE]}).encode()
    assert len(Listed.from_bytes(good).places) == 1
    with pytest.raises(SourceFailed):
        Listed.from_bytes(json.dumps({"v": 1, "user_handle": "AAAA", "places": places}).encode())


def test_the_public_id_is_short_and_no_part_of_the_credential_id() -> None:
    assert len(public_id(b"x" * 1023)) == 22
    assert public_id(b"x") != public_id(b"y")
    assert made().id == public_id(b"one")


def test_relying_parties_and_accounts_share_no_key() -> None:
    keys = {
        key_of("example.com", ANNA),
        key_of("example.com", BERT),
        key_of("example.org", ANNA),
        key_for("example.com", b"one"),
        key_for("example.org", b"one"),
        key_for("example.com", b"two"),
    }
    assert len(keys) == 6


# --- Keeping ---------------------------------------------------------------------------------------------------------
def test_a_passkey_is_added_shown_found_and_removed() -> None:
    store = Faulty()
    one, two = made(), made(b"two")
    assert run(passkeys.adding(one, NOW), store.sources) is None
    assert run(passkeys.adding(two, NOW + 1), store.sources) is None
    assert shown(store) == [b"one", b"two"]
    assert shown(store, BERT) == []
    assert run(passkeys.finding(b"one", NOW), store.sources) == one
    assert run(passkeys.owned(ANNA, one.id, NOW), store.sources) == one
    assert run(passkeys.owned(BERT, one.id, NOW), store.sources) is None
    run(passkeys.removing(one, NOW), store.sources)
    assert shown(store) == [b"two"]
    assert lines(store) == 1
    assert not usable(store)


def test_it_is_replaced_only_as_it_was_read() -> None:
    store = Faulty()
    run(passkeys.adding(made(), NOW), store.sources)
    read = run(passkeys.finding(b"one", NOW), store.sources)
    assert read is not None
    new = replace(read, cloned_at=NOW)
    assert run(passkeys.replacing(read, new, NOW), store.sources) is True
    assert run(passkeys.replacing(read, new, NOW), store.sources) is False
    run(passkeys.removing(read, NOW), store.sources)
    late = replace(new, stored=new.to_bytes())
    assert run(passkeys.replacing(late, late, NOW), store.sources) is False  # the dead stay dead
    assert not usable(store)


def test_a_record_in_the_place_of_another_is_none() -> None:
    """Whoever can write to the store must not make one credential answer for another."""
    store = Faulty()
    put = Put(RECORDS, key_for("example.com", b"two"), made(b"one").to_bytes(), math.inf, NOW)
    store.store.answer(put, 1.0)
    with pytest.raises(SourceFailed, match="in the place of"):
        run(passkeys.finding(b"two", NOW), store.sources)


def test_an_account_has_one_user_handle_whoever_else_begins() -> None:
    store, handles = Faulty(), []

    def other(_: Ask[Any]) -> None:
        store.before = lambda _: None
        handles.append(run(passkeys.beginning(ANNA, NOW), store.sources).user_handle)

    run(passkeys.listed(ANNA, NOW), store.sources)
    store.before = lambda ask: other(ask) if isinstance(ask, Advance) else None
    handles.append(run(passkeys.beginning(ANNA, NOW), store.sources).user_handle)
    handles.append(run(passkeys.beginning(ANNA, NOW + 10**8), store.sources).user_handle)
    assert len(handles) == 3
    assert len(set(handles)) == 1
    assert 16 <= len(handles[0]) <= 64
    assert run(passkeys.beginning(BERT, NOW), store.sources).user_handle != handles[0]


def test_the_most_of_one_account() -> None:
    store = Faulty()
    for number in range(3):
        assert run(passkeys.adding(made(bytes([number])), NOW), store.sources) is None
    refused = run(passkeys.adding(made(b"more"), NOW), store.sources)
    assert isinstance(refused, Reason)
    assert refused.kind is TOO_LARGE
    assert not usable(store, b"more")
    assert run(passkeys.adding(made(b"more", BERT), NOW), store.sources) is None


# --- One credential id, one owner ------------------------------------------------------------------------------------
@pytest.mark.parametrize("account", [ANNA, BERT])
def test_an_id_that_somebody_has_is_nobody_elses(account: Account) -> None:
    store = Faulty()
    run(passkeys.adding(made(), NOW), store.sources)
    refused = run(passkeys.adding(made(account=account, public_key=b"other"), NOW), store.sources)
    assert isinstance(refused, Reason)
    assert refused.kind is ALREADY_ENROLLED
    assert (shown(store), shown(store, BERT)) == ([b"one"], [])
    assert (lines(store), lines(store, BERT)) == (1, 0)
    kept = run(passkeys.finding(b"one", NOW), store.sources)
    assert kept is not None
    assert kept.credential.public_key == b"key"


@pytest.mark.parametrize("account", [ANNA, BERT])
@pytest.mark.parametrize("at", range(4))
def test_of_two_who_enrol_one_id_at_once_one_has_it(account: Account, at: int) -> None:
    """Whenever the other comes in between: the first to write the record has it, and it is in the owner's list."""
    store = Faulty()
    outcomes: list[Reason | None] = []

    def intrude(_: Ask[Any]) -> None:
        if len(store.asked) - 1 == at:
            store.before = lambda _: None
            outcomes.append(run(passkeys.adding(made(account=account), NOW), store.sources))

    store.before = intrude
    outcomes.append(run(passkeys.adding(made(), NOW), store.sources))
    assert len(outcomes) == 2
    assert [outcome is None for outcome in outcomes].count(True) == 1
    kept = run(passkeys.finding(b"one", NOW), store.sources)
    assert kept is not None
    owner = kept.credential.account
    assert shown(store, owner) == [b"one"]
    assert shown(store, BERT if owner == ANNA else ANNA) == []
    assert lines(store) + lines(store, BERT) == 1


def test_who_is_never_first_gives_up() -> None:
    store = Faulty()
    run(passkeys.beginning(ANNA, NOW), store.sources)

    def meddle(ask: Ask[Any]) -> None:
        if isinstance(ask, Advance) and ask.kind == LISTS:
            store.store.answer(Put(LISTS, ask.key, Listed(place_name()).to_bytes(), math.inf, NOW), 1.0)

    store.before = meddle
    store.asked.clear()
    with pytest.raises(SourceFailed, match="again and again"):
        run(passkeys.adding(made(), NOW), store.sources)
    assert store.kinds() == ["Lookup", "Advance"] * TRIES
    assert not usable(store)


def test_a_list_that_is_never_there_when_looked_at_is_given_up() -> None:
    store = Faulty()
    store.answer = lambda ask, timeout: None if isinstance(ask, Lookup) else False  # type: ignore[method-assign, assignment, return-value]  # a store at odds with itself
    with pytest.raises(SourceFailed, match="again and again"):
        run(passkeys.beginning(ANNA, NOW), store.sources)


# --- Failures between the two ----------------------------------------------------------------------------------------
def asks(step: str) -> int:
    """How many asks a step takes."""
    store = Faulty()
    if step == "removing":
        run(passkeys.adding(made(), NOW), store.sources)
        store.asked.clear()
        run(passkeys.removing(made(), NOW), store.sources)
    else:
        run(passkeys.adding(made(), NOW), store.sources)
    return len(store.asked)


@given(st.data(), st.booleans(), st.booleans())
def test_an_addition_that_fails_leaves_nothing_that_its_owner_does_not_see(
    data: st.DataObject, for_good: bool, carried_out: bool
) -> None:
    store = Faulty()
    store.fails_at = data.draw(st.integers(0, asks("adding") - 1))
    store.for_good, store.carried_out = for_good, carried_out
    with pytest.raises(SourceFailed):
        run(passkeys.adding(made(), NOW), store.sources)
    last = store.fails_at == asks("adding") - 1
    store.fails_at, store.for_good = math.inf, False
    # Only if the last ask was carried out, and nobody heard of it, it is good; and then it is shown.
    assert usable(store) is (last and carried_out)
    assert shown(store) == ([b"one"] if usable(store) else [])
    if not usable(store):
        assert run(passkeys.adding(made(), NOW), store.sources) is None
    assert shown(store) == [b"one"]
    assert usable(store)


@given(st.data(), st.booleans(), st.booleans())
def test_a_removal_that_fails_leaves_it_good_and_shown_or_dead(
    data: st.DataObject, for_good: bool, carried_out: bool
) -> None:
    store = Faulty()
    kept = made()
    run(passkeys.adding(kept, NOW), store.sources)
    first = len(store.asked)
    store.fails_at = first + data.draw(st.integers(0, asks("removing") - 1))
    store.for_good, store.carried_out = for_good, carried_out
    try:
        run(passkeys.removing(kept, NOW), store.sources)
        said = True
    except SourceFailed:
        said = False
    store.fails_at, store.for_good = math.inf, False
    if said:
        assert not usable(store)
    assert shown(store) == ([b"one"] if usable(store) else [])


@pytest.mark.parametrize("failing", [1, 2])
def test_a_removal_is_done_when_the_record_is_gone(failing: int) -> None:
    """Whether the line goes, too, nobody sees: it is told as done, and another time will do."""
    store = Faulty()
    kept = made()
    run(passkeys.adding(kept, NOW), store.sources)
    store.fails_at, store.for_good = len(store.asked) + failing, True
    run(passkeys.removing(kept, NOW), store.sources)
    store.fails_at, store.for_good = math.inf, False
    assert not usable(store)
    assert (shown(store), lines(store)) == ([], 1)


def test_what_stands_for_nothing_goes_with_time_and_no_sooner() -> None:
    """A line whose record is still to be written must stay: a stalled process may be about to write it."""
    store = Faulty()
    store.fails_at = asks("adding") - 1
    with pytest.raises(SourceFailed):
        run(passkeys.adding(made(), NOW), store.sources)
    run(passkeys.adding(made(b"two"), NOW), store.sources)
    assert lines(store) == 2
    for now, left in ((NOW + SETTLED, 2), (NOW + SETTLED + 1, 1)):
        listed = run(passkeys.beginning(ANNA, now), store.sources)
        good = run(passkeys.good(ANNA, listed, now), store.sources)
        run(passkeys.tidying(ANNA, listed, good, now), store.sources)
        assert lines(store) == left
    assert shown(store) == [b"two"]
