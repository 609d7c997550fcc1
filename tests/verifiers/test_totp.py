"""TOTP: offered, enrolled by its first code, proven once a step, followed as its clock drifts."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifiers.codes import ANN, BOB, NOW, Watched, World, raw, scanned, told, totp, wrong
from zerotrust.core.ask import Advance, Ask, Count, Lookup, Put, SourceFailed
from zerotrust.core.finding import Absent, Verified
from zerotrust.core.moments import minutes, seconds
from zerotrust.core.reason import SOURCE_DOWN, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.core.verdict import Verdict
from zerotrust.driver import Sources, run
from zerotrust.engine import decide
from zerotrust.factors.account import Account
from zerotrust.factors.enrolled import Enrolled
from zerotrust.factors.held import RETRIES
from zerotrust.factors.proof import Proof
from zerotrust.stores.memory import MemoryStore
from zerotrust.verifiers.factor import Proving
from zerotrust.verifiers.factor_questions import FactorEvidence
from zerotrust.verifiers.session_evidence import SessionEvidence

TOTP = totp()


# --- Enrolling -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("algorithm", "size"), [("SHA1", 20), ("SHA256", 32), ("SHA512", 64)])
@pytest.mark.parametrize("digits", [6, 7, 8])
@pytest.mark.parametrize("period", [30, 60])
def test_what_was_offered_is_enrolled_by_its_first_code(algorithm: Any, size: int, digits: int, period: int) -> None:
    world, factor = World(), totp(algorithm=algorithm, digits=digits, period=seconds(period))
    offer = world.offer(factor, label="ann@example.com")
    assert offer.expires_at == NOW + 600
    assert len(raw(offer)) == size
    app = scanned(offer)
    assert isinstance(app, pyotp.TOTP)
    assert (app.issuer, app.name, app.digits, app.interval) == ("Example", "ann@example.com", digits, period)
    assert world.listed(factor) == ()
    made = world.enrol(factor, app.at(NOW), name="Phone")
    assert isinstance(made, Enrolled)
    assert made == Enrolled(made.id, "totp", "Phone", NOW)
    assert world.listed(factor) == (made,)
    assert world.listed(factor, BOB) == ()
    assert world.said(factor, app.at(NOW + period), NOW + period) == "proven"
    assert world.listed(factor)[0].used_at == NOW + period


def test_the_code_that_enrols_counts_as_used() -> None:
    world = World()
    app = world.app(TOTP)
    assert world.said(TOTP, app.at(NOW)) == "replayed"
    assert world.said(TOTP, app.at(NOW - 30)) == "replayed"
    assert world.said(TOTP, app.at(NOW + 30)) == "proven"


def test_without_a_code_nothing_is_enrolled() -> None:
    world = World()
    app = scanned(world.offer(TOTP))
    assert isinstance(app, pyotp.TOTP)
    for code in (wrong(app, NOW), "", "12345", "123456789", app.at(NOW) + " "):
        assert told(world.enrol(TOTP, code)) == "wrong_code"
    assert world.said(TOTP, app.at(NOW)) == "not_enrolled"
    assert told(world.enrol(TOTP, app.at(NOW), account=BOB)) == "not_enrolled"
    assert isinstance(world.enrol(TOTP, app.at(NOW)), Enrolled)


@pytest.mark.parametrize("name", ["\n", "a" * 65, " ", 5])
def test_a_name_that_is_none(name: Any) -> None:
    world = World()
    app = scanned(world.offer(TOTP))
    assert isinstance(app, pyotp.TOTP)
    assert told(world.enrol(TOTP, app.at(NOW), name=name)) == "malformed"
    made = world.enrol(TOTP, app.at(NOW))
    assert isinstance(made, Enrolled)
    assert made.name == "Authenticator app"


def test_an_offer_lasts_for_minutes() -> None:
    for after, said in ((599.0, "proven"), (600.0, "not_enrolled")):
        world = World()
        app = scanned(world.offer(TOTP))
        assert isinstance(app, pyotp.TOTP)
        assert told(world.enrol(TOTP, app.at(NOW + after), NOW + after)) == said
    factor = totp(enrol_within=minutes(1))
    assert World().offer(factor).expires_at == NOW + 60


def test_an_offer_is_void_when_there_is_another() -> None:
    world = World()
    first, second = scanned(world.offer(TOTP)), scanned(world.offer(TOTP))
    assert isinstance(first, pyotp.TOTP)
    assert isinstance(second, pyotp.TOTP)
    assert told(world.enrol(TOTP, first.at(NOW))) == "wrong_code"
    assert isinstance(world.enrol(TOTP, second.at(NOW)), Enrolled)


def test_what_is_enrolled_stays_until_another_is_proven() -> None:
    world = World()
    old = world.app(TOTP)
    before = world.listed(TOTP)
    new = scanned(world.offer(TOTP, NOW + 30))
    assert isinstance(new, pyotp.TOTP)
    assert told(world.enrol(TOTP, wrong(new, NOW + 30), NOW + 30)) == "wrong_code"
    assert world.listed(TOTP) == before
    assert world.said(TOTP, old.at(NOW + 30), NOW + 30) == "proven"
    assert isinstance(world.enrol(TOTP, new.at(NOW + 60), NOW + 60), Enrolled)
    assert [one.id for one in world.listed(TOTP)] != [one.id for one in before]
    assert world.said(TOTP, old.at(NOW + 90), NOW + 90) == "wrong_code"
    assert world.said(TOTP, new.at(NOW + 90), NOW + 90) == "proven"


def test_an_offer_enrols_once() -> None:
    world = World()
    app = world.app(TOTP)
    assert told(world.enrol(TOTP, app.at(NOW + 30), NOW + 30)) == "not_enrolled"


@pytest.mark.parametrize("cut", range(1, 6))
def test_an_enrolment_that_was_cut_short_goes_on(cut: int) -> None:
    """The process died between its steps: nothing counts that was not proven, and one can try again."""

    class Dying(Watched):
        def answer(self, ask: Ask[Any], timeout: float) -> Any:
            if len(self.asked) == cut:
                raise SourceFailed(SOURCE_DOWN())
            return super().answer(ask, timeout)

    world = World()
    app = scanned(world.offer(TOTP))
    assert isinstance(app, pyotp.TOTP)
    dying = Dying()
    dying.store = world.source.store
    if cut < 5:
        with pytest.raises(SourceFailed):
            run(TOTP.enrolling(ANN, app.at(NOW), NOW), Sources(dying))
    else:  # it counts already, and is not told to have failed
        assert told(run(TOTP.enrolling(ANN, app.at(NOW), NOW), Sources(dying))) == "proven"
    said = told(world.enrol(TOTP, app.at(NOW + 30), NOW + 30))
    assert said == ("proven" if cut < 5 else "replayed")
    assert len(world.listed(TOTP)) == 1
    assert world.said(TOTP, app.at(NOW + 60), NOW + 60) == "proven"


class Interrupted(Watched):
    """Something else happens right before the key of an enrolment is kept."""

    def __init__(self, what: Callable[[], object]) -> None:
        super().__init__()
        self.what: Callable[[], object] | None = what

    def answer(self, ask: Ask[Any], timeout: float) -> Any:
        if isinstance(ask, Put) and ask.kind == "totp.key" and self.what is not None:
            what, self.what = self.what, None
            what()
        return super().answer(ask, timeout)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("what", ["enrolled", "enrolled and removed", "removed", "renamed"])
def test_an_enrolment_that_is_overtaken(before: bool, what: str) -> None:
    """By another, or by the removal of what it was to replace: then somebody meant something else."""
    world = World()
    if before:
        world.app(TOTP, NOW - 60)
    offered = scanned(world.offer(TOTP))
    assert isinstance(offered, pyotp.TOTP)

    def meanwhile() -> None:
        if what.startswith("enrolled"):
            world.app(TOTP)
        for listed in world.listed(TOTP):
            if what.endswith("removed"):
                run(TOTP.removing(ANN, listed.id, NOW), world.sources)
            if what == "renamed":
                run(TOTP.renaming(ANN, listed.id, "Old", NOW), world.sources)

    interrupted = Interrupted(meanwhile)
    interrupted.store = world.source.store
    said = told(run(TOTP.enrolling(ANN, offered.at(NOW), NOW, "New"), Sources(interrupted)))
    harmless = what == "renamed" or (what == "removed" and not before)
    assert said == ("proven" if harmless else "not_enrolled")
    assert [one.name for one in world.listed(TOTP)] == ["New"] if harmless else True
    assert world.said(TOTP, offered.at(NOW + 30), NOW + 30) == (
        "proven" if harmless else "wrong_code" if what == "enrolled" else "not_enrolled"
    )


def test_an_enrolment_sent_again_while_it_is_removed_does_not_come_back() -> None:
    world = World()
    offered = scanned(world.offer(TOTP))
    assert isinstance(offered, pyotp.TOTP)

    def meanwhile() -> None:
        assert isinstance(world.enrol(TOTP, offered.at(NOW)), Enrolled)
        assert run(TOTP.removing(ANN, world.listed(TOTP)[0].id, NOW), world.sources) is None

    class Held(Watched):
        """The offer was read just before."""

        def answer(self, ask: Ask[Any], timeout: float) -> Any:
            answer = super().answer(ask, timeout)
            if isinstance(ask, Lookup) and ask.kind == "totp.offered":
                meanwhile()
            return answer

    late = Held()
    late.store = world.source.store
    assert told(run(TOTP.enrolling(ANN, offered.at(NOW), NOW), Sources(late))) == "not_enrolled"
    assert world.listed(TOTP) == ()


def test_the_same_offer_enrolled_twice_at_once_keeps_its_key() -> None:
    world = World()
    offered = scanned(world.offer(TOTP))
    assert isinstance(offered, pyotp.TOTP)
    late = Interrupted(lambda: world.enrol(TOTP, offered.at(NOW)))
    late.store = world.source.store
    assert told(run(TOTP.enrolling(ANN, offered.at(NOW), NOW), Sources(late))) == "replayed"
    assert world.said(TOTP, offered.at(NOW + 30), NOW + 30) == "proven"


def test_enrolling_has_its_limit() -> None:
    world = World()
    app = scanned(world.offer(TOTP))
    assert isinstance(app, pyotp.TOTP)
    for _ in range(20):
        assert told(world.enrol(TOTP, wrong(app, NOW))) == "wrong_code"
    world.source.asked.clear()
    refused = world.enrol(TOTP, app.at(NOW))
    assert isinstance(refused, Reason)
    assert (refused.code, refused.expected) == ("throttled", 75)
    assert world.source.of_kind("totp.offered") == []


# --- Proving ---------------------------------------------------------------------------------------------------------
@given(st.integers(-4, 4), st.integers(0, 3), st.floats(0, 29.9))
def test_the_window(off: int, window: int, later: float) -> None:
    world, factor = World(), totp(window=window, digits=8)
    app = world.app(factor)
    now = NOW + 3600 + later
    assert world.said(factor, app.at(now, counter_offset=off), now) == (
        "proven" if abs(off) <= window else "wrong_code"
    )


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, -1), (1, 1), (1, 0), (1, -1), (-1, -1)])
def test_a_step_counts_once_and_none_after_a_later_one(first: int, second: int) -> None:
    world, factor = World(), totp(drift=0)
    app, now = world.app(factor), NOW + 3600
    assert world.said(factor, app.at(now, counter_offset=first), now) == "proven"
    assert world.said(factor, app.at(now, counter_offset=second), now) == "replayed"


def test_what_a_proof_says() -> None:
    world = World()
    app = world.app(TOTP)
    proving = world.prove(TOTP, app.at(NOW + 31.5), NOW + 31.5)
    assert proving == Proving(ANN, Proof("totp", NOW + 31.5, world.listed(TOTP)[0].id))


def test_drift_is_remembered_within_its_bound() -> None:
    world, factor = World(), totp(drift=3)
    app, now = world.app(factor), NOW
    for off in (1, 2, 3, 4):
        now += 3600
        assert world.said(factor, app.at(now, counter_offset=off), now) == "proven"
    # Not beyond the bound, which is 3: one more, for the window.
    now += 3600
    assert world.said(factor, app.at(now, counter_offset=5), now, known=True) == "wrong_code"
    assert world.said(factor, app.at(now, counter_offset=1), now, known=True) == "wrong_code"
    assert world.said(factor, app.at(now, counter_offset=2), now, known=True) == "proven"


def test_a_configuration_that_changes_leaves_those_enrolled_alone() -> None:
    world = World()
    app = world.app(totp(algorithm="SHA256", digits=8, period=seconds(60)))
    later = totp(algorithm="SHA1", digits=6)
    assert world.said(later, app.at(NOW + 60), NOW + 60) == "proven"
    assert world.said(later, "123456", NOW + 60) == "wrong_code"


def test_accounts_are_apart() -> None:
    world = World()
    ann, bob = world.app(TOTP), world.app(TOTP, account=BOB)
    assert world.said(TOTP, ann.at(NOW + 30), NOW + 30, account=BOB) == "wrong_code"
    assert world.said(TOTP, ann.at(NOW + 30), NOW + 30) == "proven"
    assert world.said(TOTP, bob.at(NOW + 30), NOW + 30, account=BOB) == "proven"
    other = Account("other", "ann")
    assert world.said(TOTP, ann.at(NOW + 60), NOW + 60, account=other) == "not_enrolled"


def test_a_subject_of_any_length() -> None:
    world, account = World(), Account("https://" + "i" * 3000, "\ud800" * 3000)
    app = world.app(TOTP, account=account)
    assert world.said(TOTP, app.at(NOW + 30), NOW + 30, account=account, address="1.2.3.4") == "proven"


# --- What its owner does with it -------------------------------------------------------------------------------------
def test_renamed_and_removed() -> None:
    world = World()
    app = world.app(TOTP)
    id_ = world.listed(TOTP)[0].id
    assert run(TOTP.renaming(ANN, id_, "Old phone", NOW), world.sources) is None
    assert world.listed(TOTP)[0].name == "Old phone"
    for factor_id, account in (("other", ANN), (id_, BOB)):
        assert told(run(TOTP.renaming(account, factor_id, "x", NOW), world.sources)) == "not_enrolled"
        assert told(run(TOTP.removing(account, factor_id, NOW), world.sources)) == "not_enrolled"
    assert told(run(TOTP.renaming(ANN, id_, "a\x1bb", NOW), world.sources)) == "malformed"
    pending = scanned(world.offer(TOTP))
    assert isinstance(pending, pyotp.TOTP)
    assert run(TOTP.removing(ANN, id_, NOW), world.sources) is None
    assert world.listed(TOTP) == ()
    assert world.said(TOTP, app.at(NOW + 30), NOW + 30) == "not_enrolled"
    assert told(world.enrol(TOTP, pending.at(NOW + 30), NOW + 30)) == "not_enrolled"
    assert told(run(TOTP.removing(ANN, id_, NOW), world.sources)) == "not_enrolled"


def test_one_enrolled_anew_has_nothing_of_its_predecessor() -> None:
    world = World()
    world.app(TOTP, NOW + 3600)
    id_ = world.listed(TOTP)[0].id
    run(TOTP.removing(ANN, id_, NOW + 3600), world.sources)
    app = world.app(TOTP, NOW + 3600)  # the same step, of another key
    assert world.listed(TOTP)[0].id != id_
    assert world.listed(TOTP)[0].used_at is None
    assert world.said(TOTP, app.at(NOW + 3630), NOW + 3630) == "proven"


# --- The store -------------------------------------------------------------------------------------------------------
def test_keys_are_kept_encrypted_or_not_at_all() -> None:
    world = World(MemoryStore())  # no key to encrypt with
    with pytest.raises(SourceFailed, match="no key to encrypt with"):
        world.offer(TOTP)


def test_every_key_is_put_as_secret_and_nothing_else_holds_it() -> None:
    world = World()
    offer = world.offer(TOTP)
    app = scanned(offer)
    assert isinstance(app, pyotp.TOTP)
    world.enrol(TOTP, app.at(NOW))
    world.prove(TOTP, app.at(NOW + 30), NOW + 30, address="192.0.2.1")
    key, seen = raw(offer), 0
    for ask in world.source.asked:
        kept = getattr(ask, "value", None) or getattr(ask, "new", None) or b""
        if key in kept or offer.secret.encode() in kept or base64.b64encode(key) in kept:
            assert isinstance(ask, Put)
            assert ask.secret
            seen += 1
    assert seen == 2
    assert all(ask.secret for ask in world.source.asked if isinstance(ask, Lookup) and ask.kind == "totp.key")


def test_keys_of_what_counts_no_more_are_forgotten() -> None:
    world = World()
    for number in range(3):
        world.app(TOTP, NOW + 60 * number)
    places = [ask.key for ask in world.source.asked if isinstance(ask, Put) and ask.kind == "totp.key" and ask.value]

    def kept() -> list[bool]:
        return [world.source.answer(Lookup("totp.key", at, NOW, secret=True), 1.0) is not None for at in places]

    assert kept() == [False, False, True]
    assert run(TOTP.removing(ANN, world.listed(TOTP)[0].id, NOW + 180), world.sources) is None
    assert kept() == [False, False, False]


def test_no_ask_shows_a_key_or_a_code() -> None:
    world = World()
    app = world.app(TOTP)
    world.prove(TOTP, app.at(NOW + 30), NOW + 30)
    shown = repr([ask for ask in world.source.asked if not isinstance(ask, Put)])
    for secret in (app.secret, app.at(NOW), app.at(NOW + 30)):
        assert secret not in shown


def test_a_record_without_its_key_proves_nothing() -> None:
    world = World()
    app = world.app(TOTP)
    key = next(ask for ask in world.source.asked if isinstance(ask, Put) and ask.kind == "totp.key")
    world.source.answer(Put(key.kind, key.key, None, NOW, NOW), 1.0)
    assert world.said(TOTP, app.at(NOW + 30), NOW + 30) == "not_enrolled"


def test_an_offer_that_was_damaged() -> None:
    world = World()
    world.offer(TOTP)
    put = world.source.asked[-1]
    assert isinstance(put, Put)
    world.source.answer(Put(put.kind, put.key, b"{}\nkey", NOW + 9, NOW, secret=True), 1.0)
    with pytest.raises(SourceFailed, match="cannot be read"):
        world.enrol(TOTP, "123456")


def test_an_attempt_that_was_not_looked_at_counts_for_nothing() -> None:
    class Late(Watched):
        def answer(self, ask: Ask[Any], timeout: float) -> Any:
            return False if isinstance(ask, Advance) else super().answer(ask, timeout)

    world = World()
    app = world.app(TOTP)
    late = World(Late())
    late.source.store = world.source.store
    for _ in range(60):
        refused = late.prove(TOTP, app.at(NOW + 30), NOW + 30, address="192.0.2.1")
        assert isinstance(refused, Reason)
        assert (refused.code, refused.expected) == ("throttled", 1)
    assert world.said(TOTP, app.at(NOW + 30), NOW + 30, address="192.0.2.1") == "proven"


def test_a_proof_stays_within_the_budget_of_a_decision() -> None:
    """Even when others always come first, until they no longer do."""

    class Crowded(Watched):
        left = 0

        def answer(self, ask: Ask[Any], timeout: float) -> Any:
            if isinstance(ask, Advance):
                self.left = self.left - 1 if self.left else RETRIES - 1
                if self.left:
                    self.asked.append(ask)
                    return False
            return super().answer(ask, timeout)

    world = World()
    app = world.app(TOTP)
    crowded = World(Crowded())
    crowded.source.store = world.source.store
    assert crowded.said(TOTP, app.at(NOW + 30), NOW + 30, address="192.0.2.1") == "proven"
    assert 20 < len(crowded.source.asked) <= 28


def test_asks_of_the_usual_proof() -> None:
    world = World()
    app = world.app(TOTP)
    world.source.asked.clear()
    assert world.said(TOTP, app.at(NOW + 30), NOW + 30, known=True) == "proven"
    assert [type(ask) for ask in world.source.asked] == [Lookup, Advance, Lookup, Advance]
    world.source.asked.clear()
    assert world.said(TOTP, app.at(NOW + 60), NOW + 60, address="192.0.2.1") == "proven"
    assert [type(ask) for ask in world.source.asked] == [Lookup, *[Count] * 4, Advance, Lookup, Advance, Count, Count]


# --- In a policy -----------------------------------------------------------------------------------------------------
def test_the_leaf_asks_when_it_was_proven() -> None:
    session = SessionEvidence("shop", "ann", NOW, NOW + 3600, "h", NOW, (Proof("totp", NOW - 60, "id"),))
    found = TOTP.find_about(AccessRequest(now=NOW), session)
    assert isinstance(found, Verified)
    assert isinstance(found.evidence, FactorEvidence)
    for span, holds in ((minutes(2), True), (minutes(1), False)):
        question = TOTP.within(span).question
        assert question.holds(found.evidence, NOW) is holds
    for proof in (Proof("hotp", NOW - 60, "id"), Proof("recovery_code", NOW - 60, "id")):
        other = SessionEvidence("shop", "ann", NOW, NOW + 3600, "h", NOW, (proof,))
        assert isinstance(TOTP.find_about(AccessRequest(now=NOW), other), Absent)
    assert str(TOTP.within(minutes(10))) == "totp.within(10 min)"
    assert decide(TOTP.within(minutes(10)), AccessRequest(now=NOW)).verdict is Verdict.UNKNOWN
