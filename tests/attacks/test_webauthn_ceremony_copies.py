"""What a copy of a passkey has proven before it showed (WebAuthn Level 3 section 6.1.1), where copies are refused."""

from __future__ import annotations

import pytest

from tests.factors.faulty import Faulty
from tests.verifiers.passkey_ceremonies import ANNA, BERT, SECRET, Site, code, configured, good, phone, relying_party
from zerotrust import AccessRequest, Allow, decide, minutes
from zerotrust.core.ask import SourceFailed
from zerotrust.testing.authenticator import LocalAuthenticator
from zerotrust.verifiers.passkey import OnClone, Passkey
from zerotrust.verifiers.session import Session


class Shop:
    """A site with sessions, and the requests of browsers that have one each."""

    def __init__(self, on_clone: OnClone) -> None:
        self.store = Faulty()
        self.session = Session(source="shop")
        self.site = Site(
            Passkey(relying_party(), of=self.session, secret=SECRET, on_clone=on_clone), self.store.sources
        )

    def browser(self, device: LocalAuthenticator | None, *, bert: bool = False) -> AccessRequest:
        """A browser in which somebody has signed in with it, or without."""
        proofs = () if device is None else (good(self.site.prove(device)).proof,)
        begun = self.site.run(
            self.session.beginning(BERT if bert else ANNA, AccessRequest(now=self.site.now), proofs=proofs)
        )
        cookies = [value.split(b";")[0] for name, value in begun.headers if name == b"set-cookie"]
        return AccessRequest(now=self.site.now, headers=[(b"cookie", b"; ".join(cookies))])

    def passes(self, browser: AccessRequest) -> bool:
        return isinstance(decide(self.site.passkey.within(minutes(10)), browser, self.store.sources), Allow)

    def sessions(self) -> tuple[int, int]:
        anna, bert = (self.site.run(self.session.listing(who, self.site.now)) for who in (ANNA, BERT))
        return len(anna), len(bert)


def copied(on_clone: OnClone) -> tuple[Shop, AccessRequest, AccessRequest, LocalAuthenticator]:
    """The owner and a thief have used the same key, the thief last; and so the owner's counter is behind."""
    shop, device = Shop(on_clone), phone()
    good(shop.site.enrol(device))
    thief = device.clone()
    mine = shop.browser(device)
    good(shop.site.prove(thief.but(sign_count=10)))
    theirs = shop.browser(thief.but(sign_count=20))
    shop.browser(None, bert=True)
    assert shop.passes(mine)
    assert shop.passes(theirs)
    return shop, mine, theirs, device


@pytest.mark.parametrize("signs_in", [False, True], ids=["step-up", "sign-in"])
def test_nothing_that_was_proven_before_counts_on_in_any_session(signs_in: bool) -> None:
    shop, mine, theirs, device = copied("refuse")
    assert shop.sessions() == (2, 1)
    assert code(shop.site.prove(device, None if signs_in else ANNA)) == "counter_went_back"
    assert shop.sessions() == (0, 1)
    assert not shop.passes(mine)
    assert not shop.passes(theirs)


def test_a_store_that_fails_in_between_is_made_up_for() -> None:
    for fails_at in range(3, 8):  # after Lookup, ConsumeOnce and Advance: what ends the sessions
        shop, mine, theirs, device = copied("refuse")
        response = device.get(shop.site.challenge())
        shop.store.asked.clear()
        shop.store.fails_at = fails_at
        with pytest.raises(SourceFailed):
            shop.site.prove(response)
        shop.store.fails_at = 10**6
        assert code(shop.site.prove(device)) == "counter_went_back"
        assert shop.sessions() == (0, 1)
        assert not shop.passes(mine)
        assert not shop.passes(theirs)


def test_where_copies_are_recorded_it_is_for_policies_to_act() -> None:
    shop, mine, theirs, device = copied("record")
    assert good(shop.site.prove(device)).proof.cloned is True
    assert shop.sessions() == (2, 1)
    assert shop.passes(mine)
    assert shop.passes(theirs)


def test_what_remembers_and_is_no_session_has_none_to_end() -> None:
    site, device = Site(configured(on_clone="refuse")), phone()
    good(site.enrol(device))
    good(site.prove(device))
    assert code(site.prove(device.but(sign_count=1))) == "counter_went_back"
