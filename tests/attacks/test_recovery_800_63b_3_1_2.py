"""Recovery codes under attack (look-up secrets, SP 800-63B-4 section 3.1.2): reuse, theft, guessing, floods."""

from __future__ import annotations

import json
import random
from collections import Counter
from hashlib import sha1, sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifiers.codes import ANN, BOB, NOW, Watched, World, recovery, told
from zerotrust.core.ask import Advance
from zerotrust.core.reason import WRONG_CODE, Reason
from zerotrust.driver import run
from zerotrust.factors import recovery as hashing
from zerotrust.factors.recovery import ALPHABET, hashed, normal
from zerotrust.factors.throttle import MOST

CODES = recovery(count=3)
WRONG = "2222-2222-2222-2222"


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was hashed; quickly."""
    done: list[str] = []

    def quick(code: str, salt: bytes, cost: int) -> bytes:
        done.append(code)
        return sha256(salt + code.encode()).digest()

    monkeypatch.setattr(hashing, "hashed", quick)
    return done


@pytest.mark.parametrize(
    "spell", [str, str.upper, lambda code: code.replace("-", ""), lambda code: code.replace("-", " ")]
)
def test_a_code_is_used_once_however_it_is_spelled(spell: Any) -> None:
    world = World()
    code = world.regenerate(CODES)[0]
    assert world.said(CODES, code) == "proven"
    assert world.said(CODES, spell(code)) == "wrong_code"


def test_codes_of_an_older_set_are_void_used_or_not() -> None:
    world = World()
    old = world.regenerate(CODES)
    assert world.said(CODES, old[0]) == "proven"
    world.regenerate(CODES)
    assert {world.said(CODES, code) for code in old} == {"wrong_code"}


def test_a_removed_set_does_not_come_back() -> None:
    world = World()
    old = world.regenerate(CODES)
    assert run(CODES.removing(ANN, world.listed(CODES)[0].id, NOW), world.sources) is None
    assert world.said(CODES, old[0]) == "not_enrolled"
    world.regenerate(CODES)
    assert world.said(CODES, old[0]) == "wrong_code"


def test_a_set_replaced_while_a_code_of_it_is_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow hash leaves time for it."""
    world = World()
    old = world.regenerate(CODES)
    slow = hashing.hashed
    new: list[tuple[str, ...]] = []

    def meanwhile(code: str, salt: bytes, cost: int) -> bytes:
        monkeypatch.setattr(hashing, "hashed", slow)
        new.append(world.regenerate(CODES))
        return slow(code, salt, cost)

    monkeypatch.setattr(hashing, "hashed", meanwhile)
    assert world.said(CODES, old[0]) == "not_enrolled"
    assert world.listed(CODES)[0].left == 3
    assert world.said(CODES, new[0][0]) == "proven"


def test_codes_of_another_account() -> None:
    world = World()
    bobs = world.regenerate(CODES, account=BOB)
    world.regenerate(CODES)
    assert world.said(CODES, bobs[0], account=ANN) == "wrong_code"
    assert world.listed(CODES, BOB)[0].left == 3


# --- Spellings -------------------------------------------------------------------------------------------------------
FOREIGN = [
    "\uff12",
    "\u0662",
    "\u00b2",
    "\u212a",
    "\u0430",
    "o",
    "0",
    "l",
    "1",
    "i",
    "u",
    "\u00df",
    "\ud800",
    "\x00",
    "_",
]


@pytest.mark.parametrize("letter", FOREIGN, ids=ascii)
def test_letters_that_are_none_are_refused_before_anything_is_asked_or_hashed(letter: str, hashes: list[str]) -> None:
    """Nothing is normalised but case, hyphens and blanks: no look-alikes, no other scripts."""
    world = World()
    code = world.regenerate(CODES)[0]
    hashes.clear()
    world.source.asked.clear()
    for spelled in (letter + code[1:], code[:-1] + letter, code + letter):
        assert world.said(CODES, spelled) == "wrong_code"
    assert (world.source.asked, hashes) == ([], [])


OTHERS = [None, 5, b"2222222222222222", ["2222-2222-2222-2222"], True, 2.0, "", "-" * 19, "2" * 10_000_000]


@pytest.mark.parametrize("typed", OTHERS, ids=lambda typed: ascii(typed)[:24])
def test_other_types_and_lengths(typed: Any, hashes: list[str]) -> None:
    world = World()
    outcome = world.prove(CODES, typed)
    assert isinstance(outcome, Reason)
    assert outcome.kind is WRONG_CODE
    assert (world.source.asked, hashes) == ([], [])


@given(st.text(max_size=24))
def test_any_text_is_refused_without_an_exception(typed: str) -> None:
    assert told(World().prove(CODES, typed)) == ("wrong_code" if normal(typed) is None else "not_enrolled")


# --- Guessing, and what it costs -------------------------------------------------------------------------------------
@pytest.mark.parametrize("known", [True, False])
def test_section_3_2_2_guesses_are_limited_and_each_costs_one_hash(known: bool, hashes: list[str]) -> None:
    world, now, looked = World(), NOW, 0
    world.regenerate(CODES)
    hashes.clear()
    said: Counter[str] = Counter()
    while now < NOW + 8 * 86400:
        outcome = world.prove(CODES, WRONG, now, known=known)
        assert isinstance(outcome, Reason)
        said[outcome.code] += 1
        looked += outcome.code == "wrong_code"
        now += 1.0 if outcome.code == "wrong_code" else float(str(outcome.expected))
    assert looked == len(hashes) == (20 if known else 80)
    assert said.keys() == {"wrong_code", "throttled"}
    assert looked < MOST


def test_hundreds_at_once_cost_a_few_hashes(hashes: list[str]) -> None:
    world = World()
    world.regenerate(CODES)
    hashes.clear()
    for _ in range(300):
        world.prove(CODES, WRONG, address="192.0.2.1")
    assert len(hashes) == 10


def test_the_owner_gets_in_from_a_known_browser_while_others_guess(hashes: list[str]) -> None:
    world = World()
    code = world.regenerate(CODES)[0]
    for number in range(300):
        world.prove(CODES, WRONG, NOW + number * 600, address=f"198.51.100.{number % 250}")
    now = NOW + 300 * 600
    assert world.said(CODES, code, now) == "throttled"
    assert world.said(CODES, code, now, known=True) == "proven"


# --- Theft of what is kept -------------------------------------------------------------------------------------------
def stolen(world: World) -> dict[str, Any]:
    kept = [ask.new for ask in world.source.asked if isinstance(ask, Advance)][-1]
    state: dict[str, Any] = json.loads(kept)["state"]
    return state


def test_what_is_kept_is_salted_and_slow() -> None:
    world = World(Watched())
    code = world.regenerate(recovery(count=1, cost=11))[0]
    state, plain = stolen(world), code.replace("-", "")
    assert state["cost"] == 11
    import base64

    salt, [kept] = (
        base64.urlsafe_b64decode(state["salt"] + "=="),
        [base64.urlsafe_b64decode(one + "=") for one in state["hashes"]],
    )
    assert len(salt) >= 4  # section 3.1.2 asks for 32 bits
    assert kept == hashed(plain, salt, 11)
    for quick in (sha1, sha256):
        assert kept[:20] not in {
            quick(text).digest()[:20] for text in (plain.encode(), salt + plain.encode(), plain.encode() + salt)
        }


def test_the_same_code_has_another_hash_in_another_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zerotrust.verifiers.recovery_codes.new_codes", lambda count: (WRONG,) * count)
    world, hashes_seen = World(), set()
    for account in (ANN, BOB):
        world.regenerate(recovery(count=1), account=account)
        hashes_seen.add(stolen(world)["hashes"][0])
    assert len(hashes_seen) == 2


def test_used_codes_leave_nothing_behind() -> None:
    world = World()
    made = world.regenerate(CODES)
    before = set(stolen(world)["hashes"])
    assert world.said(CODES, made[1]) == "proven"
    after = set(stolen(world)["hashes"])
    assert after < before
    assert len(after) == 2


def test_codes_are_not_made_of_what_can_be_predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    """They come from `secrets`, whatever the seed of the module `random` is."""
    made = set()
    for _ in range(3):
        random.seed(5)
        made.add(hashing.new_codes(1))
    assert len(made) == 3
    assert set("".join(code for codes in made for code in codes)) <= set(ALPHABET) | {"-"}
