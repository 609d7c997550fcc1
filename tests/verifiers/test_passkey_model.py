"""Passkeys against a model of what has to come of every step, in any order, of several people in several browsers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from tests.search import usually
from tests.verifiers.passkey_ceremonies import ANNA, BERT, HERE, THERE, Site, code, configured, phone
from zerotrust.core.reason import Reason
from zerotrust.factors.account import Account
from zerotrust.testing.authenticator import LocalAuthenticator
from zerotrust.verifiers.factor import Proving

MOST = 3
LIFETIME = 300.0

ACCOUNTS = st.sampled_from([ANNA, BERT])
SELDOM = st.sampled_from([False, False, False, False, False, True])
BROWSERS = st.sampled_from([HERE, THERE])


@dataclass
class Card:
    """What the model knows of one credential.

    Attributes:
        device: what holds it; copies of it are other devices.
        owner: whose it is.
        name: what it is called.
        count: the highest counter shown.
        marked: whether a copy was noticed.
        used_at: when it was used last.
        alive: whether it is enrolled.
        id: what it is listed as.
    """

    device: LocalAuthenticator
    owner: Account
    name: str
    count: int = 0
    marked: bool = False
    used_at: float = 0.0
    alive: bool = True
    id: str = ""

    @property
    def credential_id(self) -> bytes:
        return self.device.credentials[0].id


@dataclass
class Open:
    """A challenge.

    Attributes:
        options: what the browser was given.
        account: for whom; None to sign in.
        binding: in which browser.
        ends: until when.
        used: whether it has succeeded.
    """

    options: dict[str, Any]
    account: Account | None
    binding: bytes
    ends: float
    used: bool = False


@dataclass
class Answer:
    """What an authenticator signed for a challenge."""

    challenge: Open
    card: Card
    response: str
    count: int


@dataclass
class Offer(Open):
    """A challenge to enrol, with what was made for it."""

    device: LocalAuthenticator = field(default_factory=phone)
    response: str = ""


class Ceremonies(RuleBasedStateMachine):
    offers = Bundle("offers")
    challenges = Bundle("challenges")
    answers = Bundle("answers")
    cards = Bundle("cards")

    def __init__(self) -> None:
        super().__init__()
        self.site = Site(configured(most=MOST))
        self.known: list[Card] = []

    def of(self, account: Account) -> list[Card]:
        return [card for card in self.known if card.owner == account and card.alive]

    def holder(self, credential_id: bytes) -> Card | None:
        """What is enrolled under that credential id."""
        return next((card for card in self.known if card.alive and card.credential_id == credential_id), None)

    # --- Enrolling ---------------------------------------------------------------------------------------------------
    @rule(target=offers, account=ACCOUNTS, binding=BROWSERS, counts=st.booleans())
    def offer(self, account: Account, binding: bytes, counts: bool) -> Offer:
        device = phone(counter_step=int(counts))
        options = self.site.offer(account, binding)
        ends = self.site.now + LIFETIME
        return Offer(options, account, binding, ends, device=device, response=device.create(options))

    @rule(target=offers, account=ACCOUNTS, binding=BROWSERS, card=cards)
    def offer_an_id_that_was_seen(self, account: Account, binding: bytes, card: Card) -> Offer:
        options = self.site.offer(account, binding)
        device = phone(credential_id=card.credential_id)
        return Offer(
            options, account, binding, self.site.now + LIFETIME, device=device, response=device.create(options)
        )

    @rule(target=cards, offer=offers, elsewhere=SELDOM, otherwise=SELDOM, name=st.sampled_from(["A", "B"]))
    def enrol(self, offer: Offer, elsewhere: bool, otherwise: bool, name: str) -> Any:
        account = next(one for one in (ANNA, BERT) if (one == offer.account) is not otherwise)
        binding = next(one for one in (HERE, THERE) if (one == offer.binding) is not elsewhere)
        outcome = self.site.enrol(offer.response, account, binding, name)
        if account != offer.account or binding != offer.binding or self.site.now >= offer.ends:
            assert code(outcome) == "wrong_challenge"
            return multiple()
        if self.holder(offer.device.credentials[0].id) is not None:
            assert code(outcome) == "already_enrolled"
            return multiple()
        if len(self.of(account)) >= MOST:
            assert code(outcome) == "too_large"
            return multiple()
        if offer.used:
            assert code(outcome) == "replayed"
            return multiple()
        assert not isinstance(outcome, Reason), outcome
        offer.used = True
        card = Card(offer.device, account, name, id=outcome.id)
        self.known.append(card)
        return card

    @rule(target=cards, account=ACCOUNTS, counts=st.booleans())
    def enrol_at_once(self, account: Account, counts: bool) -> Any:
        return self.enrol(self.offer(account, HERE, counts), False, False, "E")

    # --- Using -------------------------------------------------------------------------------------------------------
    @rule(target=challenges, account=st.one_of(ACCOUNTS, st.none()), binding=BROWSERS)
    def challenge(self, account: Account | None, binding: bytes) -> Open:
        return self.asked(account, binding)

    def asked(self, account: Account | None, binding: bytes) -> Open:
        return Open(self.site.challenge(account, binding), account, binding, self.site.now + LIFETIME)

    @rule(target=answers, challenge=challenges, card=cards)
    def answer(self, challenge: Open, card: Card) -> Answer:
        return self.sign(challenge, card, card.device)

    @rule(target=answers, challenge=challenges, card=cards, behind=st.integers(0, 3))
    def copy_answers(self, challenge: Open, card: Card, behind: int) -> Answer:
        return self.sign(challenge, card, self.copy(card, behind))

    def copy(self, card: Card, behind: int) -> LocalAuthenticator:
        thief = card.device.clone()
        thief.credentials[0].sign_count = max(0, thief.credentials[0].sign_count - behind)
        return thief

    @rule(card=cards)
    def step_up(self, card: Card) -> None:
        self.use(card, card.owner, None)

    @rule(card=cards)
    def sign_in(self, card: Card) -> None:
        self.use(card, None, None)

    @rule(card=cards, behind=st.integers(0, 3))
    def step_up_with_a_copy(self, card: Card, behind: int) -> None:
        self.use(card, card.owner, behind)

    @rule(card=cards, behind=st.integers(0, 3))
    def sign_in_with_a_copy(self, card: Card, behind: int) -> None:
        self.use(card, None, behind)

    def use(self, card: Card, account: Account | None, behind: int | None) -> None:
        challenge = self.asked(account, HERE)
        device = card.device if behind is None else self.copy(card, behind)
        self.prove(self.sign(challenge, card, device), account, HERE)

    def sign(self, challenge: Open, card: Card, device: LocalAuthenticator) -> Answer:
        response = device.get(challenge.options, credential=device.credentials[0])
        return Answer(challenge, card, response, device.credentials[0].sign_count)

    @rule(answer=answers, account=st.one_of(ACCOUNTS, st.none()), binding=BROWSERS)
    def prove_anywhere(self, answer: Answer, account: Account | None, binding: bytes) -> None:
        self.prove(answer, account, binding)

    @rule(answer=answers)
    def prove_rightly(self, answer: Answer) -> None:
        self.prove(answer, answer.challenge.account, answer.challenge.binding)

    def prove(self, answer: Answer, account: Account | None, binding: bytes) -> None:
        challenge, card = answer.challenge, answer.card
        outcome = self.site.prove(answer.response, account, binding)
        if account != challenge.account or binding != challenge.binding or self.site.now >= challenge.ends:
            assert code(outcome) == "wrong_challenge"
            return
        holder = self.holder(card.credential_id)
        if holder is None:
            assert code(outcome) == "not_enrolled"
            return
        if account not in (None, holder.owner) or card.owner != holder.owner:
            assert code(outcome) == "wrong_credential"
            return
        if holder is not card:
            assert code(outcome) == "bad_signature"
            return
        if challenge.used:
            assert code(outcome) == "replayed"
            return
        challenge.used = True
        if not card.marked and answer.count < card.count and challenge.ends - LIFETIME < card.used_at:
            assert code(outcome) == "wrong_challenge"  # another use came first
            return
        card.used_at = self.site.now
        card.marked = card.marked or (answer.count <= card.count and (answer.count, card.count) != (0, 0))
        card.count = max(card.count, answer.count)
        if card.marked and account is None:
            assert code(outcome) == "counter_went_back"
            return
        assert isinstance(outcome, Proving), outcome
        assert outcome.account == card.owner
        assert (outcome.proof.by, outcome.proof.cloned) == (card.id, card.marked)

    # --- Managing ----------------------------------------------------------------------------------------------------
    @rule(card=cards, account=ACCOUNTS, name=st.sampled_from(["C", "D"]))
    def rename(self, card: Card, account: Account, name: str) -> None:
        outcome = self.site.run(self.site.passkey.renaming(account, card.id, name, self.site.now))
        holder = self.holder(card.credential_id)
        if holder is not None and holder.owner == account:
            assert outcome is None
            holder.name = name
        else:
            assert code(outcome) == "not_enrolled"

    @rule(card=cards, account=ACCOUNTS)
    def remove(self, card: Card, account: Account) -> None:
        outcome = self.site.run(self.site.passkey.removing(account, card.id, self.site.now))
        holder = self.holder(card.credential_id)
        if holder is not None and holder.owner == account:
            assert outcome is None
            holder.alive = False
        else:
            assert code(outcome) == "not_enrolled"

    @rule(span=st.sampled_from([1.0, 10.0, 100.0, 299.0, 1000.0]))
    def wait(self, span: float) -> None:
        self.site.now += span

    @invariant()
    def everybody_sees_what_they_have(self) -> None:
        for account in (ANNA, BERT):
            listed = self.site.run(self.site.passkey.listing(account, self.site.now))
            assert [(one.id, one.name) for one in listed] == [(card.id, card.name) for card in self.of(account)]
            assert [bool(one.detail) for one in listed] == [card.marked for card in self.of(account)]


TestCeremonies = Ceremonies.TestCase
TestCeremonies.settings = usually(50, stateful_step_count=50)
