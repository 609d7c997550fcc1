"""CWE-565, reliance on cookies: whatever is changed, made up, moved or sewn together proves nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sessions.browsers import ADA, EVE, KEEPERS, KEY, NOW, Browser, Shop, found, proof
from tests.verifiers.kept import Kept
from zerotrust.core.ask import Ask, Lookup, Put
from zerotrust.driver import Sources, run
from zerotrust.sessions.cookie import MOST_COOKIE, SessionCookie
from zerotrust.sessions.kept import SPACE, KeptSessions
from zerotrust.sessions.record import Entry
from zerotrust.sessions.registry import Begun
from zerotrust.sessions.sealed import SealedSessions
from zerotrust.sessions.sealing import Sealer
from zerotrust.stores.memory import MemoryStore
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.session_evidence import SessionEvidence
from zerotrust.wire.encoding import b64url_decode, b64url_encode

T = TypeVar("T")
OTHER_KEY = bytes(range(1, 33))
NAME = "__Host-session"
REFUSED = ("bad_session", "session_ended")


@pytest.fixture(params=sorted(KEEPERS))
def shop(request: pytest.FixtureRequest) -> Shop:
    return Shop(Session(source="shop", keep=KEEPERS[request.param]))


def with_value(value: str) -> Browser:
    return Browser({NAME: value})


def test_no_character_may_change(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser)
    value = browser.cookie
    for at in range(len(value)):
        other = "A" if value[at] != "A" else "B"
        assert shop.find(with_value(value[:at] + other + value[at + 1 :])) in REFUSED, at
        assert shop.find(with_value(value[:at] + value[at + 1 :])) in REFUSED, at
        assert shop.find(with_value(value[:at] + "A" + value[at:])) in REFUSED, at
    assert isinstance(shop.find(browser), SessionEvidence)


def test_there_is_one_spelling_of_each_value(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser)
    value = browser.cookie
    # The last character of base64url may have bits to spare: all but one of its spellings are refused.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    good = [one for one in alphabet if isinstance(shop.find(with_value(value[:-1] + one)), SessionEvidence)]
    assert good == [value[-1]]
    for wrong in (value + "=", value + ".", "." + value, value.swapcase(), value + value, f"{value}.{value}"):
        assert shop.find(with_value(wrong)) in REFUSED


@given(st.text("abcAB01-_.", max_size=80))
def test_no_made_up_value_is_a_session(value: str) -> None:
    for keeper in KEEPERS.values():
        shop = Shop(Session(source="shop", keep=keeper))
        assert shop.find(with_value(value)) in REFUSED
        assert not isinstance(shop.prove(with_value(value), proof()), Begun)


def test_the_name_of_a_session_is_not_its_id() -> None:
    """Handles are in lists that their owner, and who looks over a shoulder, can see."""
    shop, browser, other = Shop(), Browser(), Browser()
    handle = shop.sign_in(browser).record.handle
    shop.sign_in(other, EVE)
    (_, secret) = other.cookie.split(".")
    for value in (handle, f"{handle}.", f"{handle}.{secret}", f"{handle}.{'A' * 43}", f"{handle}.{handle}{'A' * 21}"):
        assert shop.find(with_value(value)) == "bad_session"


def test_a_value_of_another_shape_does_not_reach_the_store() -> None:
    shop = Shop()
    for handle, secret in ((2000, 43), (0, 43), (22, 0), (21, 43), (22, 44), (23, 42), (22, 2000)):
        assert shop.find(with_value("A" * handle + "." + "A" * secret)) == "bad_session"


def test_halves_of_two_sessions_are_none() -> None:
    shop, mine, theirs = Shop(), Browser(), Browser()
    shop.sign_in(mine)
    shop.sign_in(theirs, EVE)
    for one, two in ((mine, theirs), (theirs, mine)):
        value = f"{one.cookie.split('.')[0]}.{two.cookie.split('.')[1]}"
        assert shop.find(with_value(value)) == "bad_session"


def test_who_reads_the_store_finds_no_id(shop: Shop) -> None:
    """CWE-312. What is kept of an id is its digest, and that is no id."""
    kept = Kept()
    values: list[bytes] = []
    answer = kept.answer

    def watching(ask: object, timeout: float) -> object:
        values.extend(value for name in ("new", "value") if isinstance(value := getattr(ask, name, None), bytes))
        return answer(ask, timeout)  # type: ignore[arg-type]

    kept.answer = watching  # type: ignore[method-assign, assignment]
    browser = Browser()
    browser.take(run(shop.session.beginning(ADA, browser.request()), kept.sources).headers)
    everything = b" ".join(values)
    assert values
    secret = browser.cookie.split(".")[-1]
    octets = b64url_decode(secret)
    assert isinstance(octets, bytes)
    for form in (secret.encode(), octets, octets.hex().encode()):
        assert form not in everything
    digest = json.loads(values[0])["d"]
    handle = json.loads(values[0])["h"]
    assert found(shop.session, with_value(f"{handle}.{digest}").request(), kept.sources) in REFUSED


# --- Sealed ones -----------------------------------------------------------------------------------------------------
def sealed(**more: object) -> Shop:
    return Shop(Session(source="shop", keep=SealedSessions(KEY), **more))  # type: ignore[arg-type]


def test_what_another_application_sealed_is_nothing_here() -> None:
    mine = sealed()
    theirs = Shop(Session(source="shop", keep=SealedSessions(OTHER_KEY)), mine.store)
    browser = Browser()
    theirs.sign_in(browser)
    assert mine.find(browser) == "bad_session"


def test_what_was_sealed_for_another_cookie_is_nothing_in_this() -> None:
    """An id of the public part of a site must not become one of its back office."""
    mine = sealed()
    office = Shop(Session(source="shop", keep=SealedSessions(KEY), cookie=SessionCookie("office")), mine.store)
    browser = Browser()
    office.sign_in(browser)
    assert mine.find(with_value(browser.cookie)) == "bad_session"


def test_what_was_sealed_for_another_use_is_nothing_here() -> None:
    shop, browser = sealed(), Browser()
    shop.sign_in(browser)
    octets = Sealer(KEY, "session").open(browser.cookie, NAME.encode())
    assert isinstance(octets, bytes)
    for sealer in (Sealer(KEY, "device"), Sealer(KEY, "challenge"), Sealer(OTHER_KEY, "session")):
        assert shop.find(with_value(sealer.seal(octets, NAME.encode()))) == "bad_session"
    assert shop.find(with_value(Sealer(KEY, "session").seal(octets, b""))) == "bad_session"
    assert isinstance(shop.find(with_value(Sealer(KEY, "session").seal(octets, NAME.encode()))), SessionEvidence)


@pytest.mark.parametrize("swap", ["account", "handle", "purpose", "nothing at all"])
def test_what_is_sealed_must_be_that_of_its_anchor(swap: str) -> None:
    """Even with the key in hand a record does not count under another session's anchor, or for another purpose."""
    shop, mine, theirs = sealed(), Browser(), Browser()
    shop.sign_in(mine)
    shop.sign_in(theirs, EVE)
    sealer = Sealer(KEY, "session")

    def opened(browser: Browser) -> Entry:
        octets = sealer.open(browser.cookie, NAME.encode())
        assert isinstance(octets, bytes)
        entry = Entry.from_bytes(octets)
        assert isinstance(entry, Entry)
        return entry

    entry = opened(mine)
    if swap == "account":
        entry = replace(entry, record=replace(entry.record, handle=opened(theirs).record.handle))
    elif swap == "handle":
        entry = replace(entry, record=replace(entry.record, handle="A" * 22))
    elif swap == "purpose":
        entry = replace(entry, purpose="__Host-office")
    outcome = shop.find(with_value(sealer.seal(entry.to_bytes(), NAME.encode())))
    assert isinstance(outcome, SessionEvidence) if swap == "nothing at all" else outcome in REFUSED


def test_personal_data_is_not_readable() -> None:
    """SP 800-63B-4 section 5.1.1, item 7: no personal information in the clear."""
    shop, browser = sealed(), Browser()
    shop.sign_in(browser, proofs=[proof("password")])
    octets = b64url_decode(browser.cookie)
    assert isinstance(octets, bytes)
    for word in (b'"ada"', b'"shop"', b"password"):  # shorter ones come by chance now and then
        assert word not in octets
        assert b64url_encode(word)[:-1].encode() not in browser.cookie.encode()


def test_the_store_holds_no_more_than_which_copy_counts() -> None:
    shop, browser, values = sealed(), Browser(), list[bytes]()
    answer = shop.store.answer

    class Watching:
        answers, style = MemoryStore.answers, MemoryStore.style

        def answer(self, ask: Ask[T], timeout: float) -> object:
            values.append(getattr(ask, "new", b""))
            return answer(ask, timeout)

    shop.sources = Sources(Watching())  # type: ignore[arg-type]
    shop.sign_in(browser, proofs=[proof("password", by="the-password")])
    assert isinstance(shop.prove(browser, proof("hotp", by="the-token")), Begun)
    everything = b" ".join(values)
    assert b"__Host-session" in everything
    for word in (b'"ada"', b"password", b"the-token", b"hotp"):  # "ada" alone is in a digest now and then
        assert word not in everything


def test_it_fits_into_what_browsers_keep() -> None:
    shop, browser = sealed(), Browser()
    shop.sign_in(browser)
    for number in range(20):
        begun = shop.prove(browser, proof("passkey", NOW, f"{number:03}" * 100))
        assert isinstance(begun, Begun)
        assert len(NAME) + 1 + len(browser.cookie) <= MOST_COOKIE
    evidence = shop.find(browser)
    assert isinstance(evidence, SessionEvidence)
    latest = [f"{number:03}" * 100 for number in range(20)][-len(evidence.proofs) :]
    assert [one.by for one in evidence.proofs] == latest
    assert len(latest) >= 5
    refused = shop.prove(browser, proof("passkey", NOW, "x" * 4000))
    assert getattr(refused, "code", "") == "too_large"
    assert isinstance(shop.find(browser), SessionEvidence), "and the session goes on as it was"


def test_sixteen_proofs_as_they_usually_are_fit() -> None:
    shop, browser = sealed(), Browser()
    shop.sign_in(browser)
    for number in range(16):
        assert isinstance(shop.prove(browser, proof("passkey", NOW + 0.123456, f"{number:022}")), Begun)
    evidence = shop.find(browser, NOW + 1)
    assert isinstance(evidence, SessionEvidence)
    assert len(evidence.proofs) == 16


# --- What others write into the store ---------------------------------------------------------------------------------
@pytest.mark.parametrize("value", [b"", b"{}", b"[]", b"\xff", b"x" * 1000], ids=range(5))
def test_what_was_not_written_here_is_no_session(value: bytes) -> None:
    shop, browser = Shop(Session(source="shop", keep=KeptSessions())), Browser()
    handle = shop.sign_in(browser).record.handle
    run_put(shop, handle, value)
    assert shop.find(browser) == "bad_session"
    assert run(shop.session.listing(ADA, NOW), shop.sources) == ()
    assert not isinstance(shop.prove(browser, proof()), Begun)


def test_a_record_that_was_moved_to_another_name_is_none() -> None:
    shop, mine, theirs = Shop(), Browser(), Browser()
    handle, other = shop.sign_in(mine).record.handle, shop.sign_in(theirs, EVE).record.handle
    raw = shop.store.answer(Lookup(SPACE, other.encode(), NOW), 1.0)
    assert isinstance(raw, bytes)
    run_put(shop, handle, raw)
    moved = f"{handle}.{theirs.cookie.split('.')[1]}"
    assert shop.find(with_value(moved)) == "bad_session"
    assert run(shop.session.listing(ADA, NOW), shop.sources) == ()


def run_put(shop: Shop, handle: str, value: bytes) -> None:
    shop.store.answer(Put(SPACE, handle.encode(), value, NOW + 600, NOW), 1.0)
