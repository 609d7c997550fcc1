"""Whose passkey it is: credentials and user handles of others, ids that are somebody's, accounts that are guessed.

WebAuthn Level 3 sections 7.1 step 26, 7.2 steps 5 and 6, 14.6.1 to 14.6.3; CWE-204 (observable discrepancy), CWE-639.
"""

from __future__ import annotations

from typing import Any, cast

import pytest

from tests.factors.faulty import Faulty
from tests.verifiers.passkey_ceremonies import (
    ANNA,
    BERT,
    NOW,
    SECRET,
    Site,
    code,
    configured,
    good,
    phone,
    relying_party,
)
from zerotrust.driver import Sources
from zerotrust.factors.account import Account
from zerotrust.testing.authenticator import LocalAuthenticator
from zerotrust.testing.issuer import OMIT
from zerotrust.wire.encoding import b64url_decode, b64url_encode


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def annas(site: Site) -> LocalAuthenticator:
    made = phone()
    good(site.enrol(made))
    return made


@pytest.fixture
def berts(site: Site) -> LocalAuthenticator:
    made = phone()
    good(site.enrol(made, BERT))
    return made


def handle(device: LocalAuthenticator) -> str:
    return b64url_encode(device.credentials[-1].user_handle)


# --- Credentials of others -------------------------------------------------------------------------------------------
def test_section_7_2_step_6_anothers_credential_is_none_of_mine(
    site: Site, annas: LocalAuthenticator, berts: LocalAuthenticator
) -> None:
    """With the session of a victim and a passkey of one's own; allowed by the page or not."""
    options = {**site.challenge(ANNA), "allowCredentials": []}
    for claims in ({}, {"response": {"userHandle": handle(annas)}}, {"response": {"userHandle": OMIT}}):
        assert code(site.prove(berts.but(**claims).get(options))) == "wrong_credential"
    good(site.prove(annas.get(options)))


def test_section_7_2_step_6_two_subjects_of_the_same_name(site: Site, annas: LocalAuthenticator) -> None:
    """`anna` of one issuer is not `anna` of another."""
    other = Account("other", "anna")
    assert code(site.prove(annas.get({**site.challenge(other), "allowCredentials": []}), other)) == "wrong_credential"
    run_together = Account("shopan", "na")
    options = {**site.challenge(run_together), "allowCredentials": []}
    assert code(site.prove(annas.get(options), run_together)) == "wrong_credential"


@pytest.mark.parametrize("account", [ANNA, None], ids=["step-up", "sign-in"])
def test_section_7_2_step_6_the_user_handle_is_the_accounts(
    site: Site, annas: LocalAuthenticator, berts: LocalAuthenticator, account: Account | None
) -> None:
    wrong = [handle(berts), b64url_encode(b"anna"), b64url_encode(annas.credentials[-1].user_handle[:-1]), "AA"]
    for claimed in wrong:
        used = annas.but(response={"userHandle": claimed})
        assert code(site.prove(used, account)) == "wrong_credential"
    good(site.prove(annas, account))


def test_section_7_2_step_6_who_signs_in_needs_a_user_handle(site: Site, annas: LocalAuthenticator) -> None:
    for missing in (annas.but(user_handle=False), annas.but(response={"userHandle": None})):
        assert code(site.prove(missing, None)) == "wrong_credential"
        good(site.prove(missing, ANNA))  # a security key keeps none; the account is known


def test_section_7_2_a_credential_that_nobody_has(site: Site, annas: LocalAuthenticator) -> None:
    stranger = phone()
    stranger.create(site.offer(BERT))
    for account in (ANNA, None):
        assert code(site.prove(stranger.get({**site.challenge(account), "allowCredentials": []}), account)) == (
            "not_enrolled"
        )


def test_section_7_2_my_key_under_anothers_credential_id(
    site: Site, annas: LocalAuthenticator, berts: LocalAuthenticator
) -> None:
    id_of_annas = b64url_encode(annas.credentials[-1].id)
    forged = berts.but(credential={"id": id_of_annas, "rawId": id_of_annas}, response={"userHandle": handle(annas)})
    for account in (ANNA, None):
        options = {**site.challenge(account), "allowCredentials": []}
        assert code(site.prove(forged.get(options), account)) == "bad_signature"


# --- Enrolling what is somebody's ------------------------------------------------------------------------------------
@pytest.mark.parametrize("thief", [BERT, ANNA], ids=["another", "the same"])
def test_section_7_1_step_26_an_id_that_is_enrolled_is_not_enrolled_again(
    site: Site, annas: LocalAuthenticator, thief: Account
) -> None:
    """Or the key behind a victim's credential could be replaced, or a victim be signed in to the thief's account."""
    taken = phone(credential_id=annas.credentials[-1].id)
    assert code(site.enrol(taken, thief)) == "already_enrolled"
    assert site.names(BERT) == []
    assert good(site.prove(annas, None)).account == ANNA
    assert code(site.prove(taken.get({**site.challenge(thief), "allowCredentials": []}), thief)) in {
        "wrong_credential",
        "bad_signature",
    }


def test_nobody_removes_or_renames_anothers(site: Site, annas: LocalAuthenticator, berts: LocalAuthenticator) -> None:
    (listed,) = site.run(site.passkey.listing(ANNA, NOW))
    assert code(site.run(site.passkey.removing(BERT, listed.id, NOW))) == "not_enrolled"
    assert code(site.run(site.passkey.renaming(BERT, listed.id, "Mine", NOW))) == "not_enrolled"
    raw = b64url_encode(annas.credentials[-1].id)
    assert code(site.run(site.passkey.removing(ANNA, raw, NOW))) == "not_enrolled"
    good(site.prove(annas))


# --- Who is there, and who is not ------------------------------------------------------------------------------------
def shape(options: dict[str, Any]) -> Any:
    return [(set(one), one["type"], len(b64url_decode(one["id"]) or b"")) for one in options["allowCredentials"]]


def test_section_14_6_2_an_account_without_passkeys_looks_like_one_with(site: Site) -> None:
    device = phone(credential_id=b"i" * 32, transports=("hybrid", "internal"))
    good(site.enrol(device))
    there, nowhere = site.challenge(ANNA), site.challenge(Account("shop", "nobody"))
    assert set(there) == set(nowhere)
    assert shape(there) == shape(nowhere)
    assert (
        cast("Any", there)["allowCredentials"][0]["transports"]
        == cast("Any", nowhere)["allowCredentials"][0]["transports"]
    )


def test_section_14_6_2_it_is_the_same_every_time_and_on_every_server(site: Site) -> None:
    nobody, other = Account("shop", "nobody"), Account("shop", "somebody")
    said = [at.challenge(nobody)["allowCredentials"] for at in (site, site, Site(), Site(configured(most=3)))]
    assert all(one == said[0] for one in said)
    assert site.challenge(other)["allowCredentials"] != said[0]
    assert Site(configured(secret=SECRET[::-1])).challenge(nobody)["allowCredentials"] != said[0]
    elsewhere = Site(configured(relying_party("shop.example.com")))
    assert elsewhere.challenge(nobody)["allowCredentials"] != said[0]


def test_section_14_6_2_an_account_that_began_to_enrol_or_removed_all_looks_the_same_too(site: Site) -> None:
    before = site.challenge(ANNA)["allowCredentials"]
    site.offer(ANNA)
    assert site.challenge(ANNA)["allowCredentials"] == before
    gone = good(site.enrol(phone()))
    assert site.challenge(ANNA)["allowCredentials"] != before
    site.run(site.passkey.removing(ANNA, gone.id, NOW))
    assert site.challenge(ANNA)["allowCredentials"] == before


def test_cwe_208_the_store_is_asked_as_often_for_anybody() -> None:
    store = Faulty()
    site = Site(sources=Sources(store))
    for _ in range(5):
        good(site.enrol(phone()))
    store.asked.clear()
    asked = []
    for account in (ANNA, BERT, Account("shop", "nobody")):
        site.challenge(account)
        asked.append(store.kinds())
    assert asked == [["Lookup"]] * 3


def test_section_14_6_1_nothing_of_a_person_is_in_a_user_handle(site: Site) -> None:
    handles = []
    for at in (site, Site()):  # the same secret, the same account, another store
        user = cast("dict[str, str]", at.offer(Account("shop", "anna@example.com"))["user"])
        octets = b64url_decode(user["id"])
        assert isinstance(octets, bytes)
        assert b"anna" not in octets
        assert len(octets) <= 64
        handles.append(octets)
    assert handles[0] != handles[1]
