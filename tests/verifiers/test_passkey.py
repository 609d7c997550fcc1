"""Passkeys: enrolled, used, listed, renamed and removed, over stores; what they prove, and what is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from tests.verifiers.passkey_ceremonies import (
    ANNA,
    BERT,
    HERE,
    NOW,
    SECRET,
    Remembered,
    Site,
    code,
    configured,
    good,
    phone,
    relying_party,
)
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import hours, minutes
from zerotrust.driver import Sources, run_async
from zerotrust.factors.account import Account
from zerotrust.stores.sqlite import AsyncSqliteStore, SqliteStore
from zerotrust.verifiers.passkey import Passkey
from zerotrust.wire.encoding import b64url_decode, b64url_encode


@pytest.fixture(params=["memory", "sqlite"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    if request.param == "memory":
        yield Site()
        return
    with SqliteStore(tmp_path / "passkeys.db", durable=False) as store:
        yield Site(sources=Sources(store))


# --- Full ceremonies -------------------------------------------------------------------------------------------------
def test_a_passkey_is_enrolled_and_used(site: Site) -> None:
    device = phone()
    enrolled = good(site.enrol(device))
    assert (enrolled.method, enrolled.name, enrolled.enrolled_at, enrolled.used_at) == ("passkey", "Phone", NOW, None)
    site.now += 60
    proving = good(site.prove(device))
    assert proving.account == ANNA
    proof = proving.proof
    assert (proof.method, proof.at, proof.by, proof.scope) == ("passkey", NOW + 60, enrolled.id, "example.com")
    assert (proof.user_verified, proof.device_bound, proof.hardware_bound, proof.cloned) == (True, True, False, False)
    (listed,) = site.run(site.passkey.listing(ANNA, site.now))
    assert (listed.id, listed.used_at) == (enrolled.id, NOW + 60)


def test_somebody_signs_in_without_saying_who(site: Site) -> None:
    annas, berts = phone(), phone()
    good(site.enrol(annas))
    good(site.enrol(berts, BERT))
    assert good(site.prove(berts, None)).account == BERT
    assert good(site.prove(annas, None)).account == ANNA


def test_one_of_several_passkeys(site: Site) -> None:
    first, second = phone(), phone(algorithm="EdDSA")
    one, two = good(site.enrol(first, name="One")), good(site.enrol(second, name="Two"))
    assert site.names() == ["One", "Two"]
    assert good(site.prove(second)).proof.by == two.id
    assert good(site.prove(first)).proof.by == one.id


def test_renamed_and_removed(site: Site) -> None:
    device, other = phone(), phone()
    enrolled = good(site.enrol(device))
    good(site.enrol(other, name="Other"))
    assert site.run(site.passkey.renaming(ANNA, enrolled.id, "  Work phone ", site.now)) is None
    assert site.names() == ["Work phone", "Other"]
    good(site.prove(device))
    assert site.names() == ["Work phone", "Other"]
    challenge = site.challenge()
    assert site.run(site.passkey.removing(ANNA, enrolled.id, site.now)) is None
    assert code(site.prove(device.get(challenge))) == "not_enrolled"  # at once, the open challenge too
    assert code(site.prove(device, None)) == "not_enrolled"
    assert site.names() == ["Other"]
    good(site.prove(other))


def test_the_last_one_can_be_removed_and_another_enrolled(site: Site) -> None:
    handle = cast("dict[str, str]", site.offer()["user"])["id"]
    enrolled = good(site.enrol(phone()))
    assert site.run(site.passkey.removing(ANNA, enrolled.id, site.now)) is None
    assert site.names() == []
    assert cast("dict[str, str]", site.offer()["user"])["id"] == handle
    good(site.enrol(phone(), name="New"))
    assert site.names() == ["New"]


@pytest.mark.parametrize("other", [BERT, Account("other", "anna"), Account("nobody", "")], ids=str)
def test_nobody_else_renames_or_removes_it(site: Site, other: Account) -> None:
    enrolled = good(site.enrol(phone()))
    assert code(site.run(site.passkey.renaming(other, enrolled.id, "Mine", site.now))) == "not_enrolled"
    assert code(site.run(site.passkey.removing(other, enrolled.id, site.now))) == "not_enrolled"
    assert code(site.run(site.passkey.removing(ANNA, "nonsense", site.now))) == "not_enrolled"
    assert code(site.run(site.passkey.renaming(ANNA, "nonsense", "Mine", site.now))) == "not_enrolled"
    assert site.names() == ["Phone"]


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("x" * 65, "too_large"), ("two\nlines", "malformed"), (" ", "malformed"), ("a\u202eb", "malformed")],
    ids=["long", "lines", "blank", "reversed"],
)
def test_names_that_cannot_be_shown(site: Site, name: str, outcome: str) -> None:
    device = phone()
    response = device.create(site.offer())
    assert code(site.enrol(response, name=name)) == outcome
    enrolled = good(site.enrol(response, name="x" * 64))  # it did not cost the challenge
    assert code(site.run(site.passkey.renaming(ANNA, enrolled.id, name, site.now))) == outcome
    assert site.names() == ["x" * 64]


def test_one_without_a_name_has_one() -> None:
    site = Site()
    good(site.enrol(phone(), name=""))
    assert site.names() == ["Passkey"]


def test_in_asyncio_over_sqlite(tmp_path: Path) -> None:
    passkey, device = configured(), phone()

    async def ceremonies() -> str:
        async with AsyncSqliteStore(tmp_path / "passkeys.db", durable=False) as store:
            sources = Sources(store)
            offer = await run_async(passkey.offering(ANNA, "anna", "Anna", HERE, NOW), sources)
            good(await run_async(passkey.enrolling(ANNA, device.create(offer), HERE, NOW, "Phone"), sources))
            asked = await run_async(passkey.challenging(None, HERE, NOW), sources)
            proving = good(await run_async(passkey.proving(None, device.get(asked), HERE, NOW), sources))
            return proving.account.subject

    assert asyncio.run(ceremonies()) == "anna"


# --- What pages are given --------------------------------------------------------------------------------------------
def test_the_options_of_an_enrolment() -> None:
    site = Site(configured(relying_party(user_verification="required", resident_key="required"), lifetime=minutes(2)))
    good(site.enrol(phone(transports=("usb", "nfc"))))
    options = cast("dict[str, Any]", site.offer())
    challenge, handle = b64url_decode(options.pop("challenge")), b64url_decode(options["user"].pop("id"))
    excluded = options.pop("excludeCredentials")
    assert isinstance(challenge, bytes)
    assert isinstance(handle, bytes)
    assert len(challenge) >= 16
    assert 16 <= len(handle) <= 64
    assert b"anna" not in handle
    assert options == {
        "rp": {"id": "example.com", "name": "Example"},
        "user": {"name": "anna@example.com", "displayName": "Name"},
        "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in (-7, -8, -35, -36, -257)],
        "timeout": 120_000,
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
        "extensions": {"credProps": True},
    }
    assert [(one["type"], one["transports"]) for one in excluded] == [("public-key", ["nfc", "usb"])]
    assert json.loads(json.dumps(options)) == options


def test_what_must_not_be_made_twice_is_named() -> None:
    site = Site()
    assert site.offer()["excludeCredentials"] == []
    device, other = phone(), phone()
    good(site.enrol(device))
    good(site.enrol(other, BERT))
    (excluded,) = cast("list[dict[str, str]]", site.offer()["excludeCredentials"])
    assert b64url_decode(excluded["id"]) == device.credentials[0].id


def test_the_options_of_a_step_up_name_the_accounts_passkeys() -> None:
    site = Site()
    device, other, berts = phone(transports=("hybrid", "internal")), phone(transports=()), phone()
    for made, account in ((device, ANNA), (other, ANNA), (berts, BERT)):
        good(site.enrol(made, account))
    options = cast("dict[str, Any]", site.challenge())
    assert {name: options[name] for name in ("timeout", "rpId", "userVerification")} == {
        "timeout": 300_000,
        "rpId": "example.com",
        "userVerification": "preferred",
    }
    allowed = [(b64url_decode(one["id"]), one["type"], one["transports"]) for one in options["allowCredentials"]]
    assert allowed == [
        (device.credentials[0].id, "public-key", ["hybrid", "internal"]),
        (other.credentials[0].id, "public-key", []),
    ]


def test_who_signs_in_is_not_told_whose_passkeys_there_are() -> None:
    site = Site()
    good(site.enrol(phone()))
    assert site.challenge(None)["allowCredentials"] == []


def test_a_user_handle_is_random_and_stays() -> None:
    one, other = Site(), Site()
    handles = [
        cast("dict[str, str]", at.offer(account)["user"])["id"] for at in (one, other) for account in (ANNA, BERT)
    ]
    assert len(set(handles)) == 4
    assert cast("dict[str, str]", one.offer()["user"])["id"] == handles[0]


def test_a_password_manager_is_told_which_passkeys_are_left() -> None:
    site = Site()
    assert site.run(site.passkey.signalling(ANNA, NOW)) is None
    device, other = phone(), phone()
    gone = good(site.enrol(device))
    good(site.enrol(other))
    site.run(site.passkey.removing(ANNA, gone.id, NOW))
    said = cast("dict[str, Any]", site.run(site.passkey.signalling(ANNA, NOW)))
    assert said["rpId"] == "example.com"
    assert b64url_decode(said["userId"]) == other.credentials[0].user_handle
    assert [b64url_decode(one) for one in said["allAcceptedCredentialIds"]] == [other.credentials[0].id]


# --- What is kept and told -------------------------------------------------------------------------------------------
def test_a_synced_passkey_is_not_bound_to_its_device_and_says_where_it_is() -> None:
    site = Site()
    device = phone(backup_eligible=True, counter_step=0)
    good(site.enrol(device))
    assert good(site.prove(device)).proof.device_bound is False
    asserted = []
    for backed_up in (False, True, True, False):
        device = device.but(backed_up=backed_up)
        challenge = bytes(32)
        response = device.get(site.run(site.passkey.requesting(ANNA, challenge, NOW)))
        asserted.append(good(site.run(site.passkey.asserting(ANNA, response, challenge, NOW))))
        (listed,) = site.run(site.passkey.listing(ANNA, NOW))
        assert listed.detail == ("backed up" if backed_up else "")
        assert asserted[-1].credential.backed_up is backed_up
    assert [one.backup_changed for one in asserted] == [False, True, False, True]


@pytest.mark.parametrize("eligible", [False, True])
def test_backup_eligibility_never_changes(eligible: bool) -> None:
    """Section 7.2, step 19."""
    site = Site()
    device = phone(backup_eligible=eligible)
    good(site.enrol(device))
    assert code(site.prove(device.but(backup_eligible=not eligible))) == "backup_state"
    good(site.prove(device))


def test_user_verification_goes_into_the_proof_or_is_required() -> None:
    site = Site()
    device = phone()
    good(site.enrol(device))
    assert good(site.prove(device.but(user_verified=False))).proof.user_verified is False
    assert good(site.prove(device)).proof.user_verified is True
    challenge = bytes(range(32))
    response = device.but(user_verified=False).get(site.run(site.passkey.requesting(ANNA, challenge, NOW)))
    asserting = site.passkey.asserting(ANNA, response, challenge, NOW, user_verified=True)
    assert code(site.run(asserting)) == "user_not_verified"
    strict = Site(configured(relying_party(user_verification="required")), site.sources)
    assert code(strict.prove(device.but(user_verified=False))) == "user_not_verified"


def test_a_counter_that_grows_is_kept() -> None:
    site = Site()
    device = phone(counter_step=3)
    good(site.enrol(device))
    for count in (3, 6, 9):
        good(site.prove(device))
        kept = site.run(site.passkey._passkeys.finding(device.credentials[0].id, NOW))
        assert kept is not None
        assert kept.credential.sign_count == count


def test_servers_with_the_same_secret_and_store_are_one() -> None:
    site = Site()
    other = Site(configured(), site.sources)
    device = phone()
    response = device.create(site.offer())
    good(other.enrol(response))
    response = device.get(other.challenge())
    good(site.prove(response))
    assert code(other.prove(response)) == "replayed"


def test_two_relying_parties_share_a_store_and_nothing_else() -> None:
    site = Site()
    other = Site(configured(relying_party("example.org", origins=["https://example.org"])), site.sources)
    device = phone()
    good(site.enrol(device))
    assert other.names() == []
    elsewhere = device.but(rp_id="example.org", origin="https://example.org")
    assert code(other.prove(elsewhere, None)) == "not_enrolled"


@pytest.mark.parametrize("response", ["", "null", "{}", b"\xff", "\ud800", "[" * 100], ids=ascii)
def test_what_is_no_response_is_refused_everywhere(response: str | bytes) -> None:
    site = Site()
    for steps in (
        site.passkey.enrolling(ANNA, response, HERE, NOW, "Phone"),
        site.passkey.proving(ANNA, response, HERE, NOW),
        site.passkey.asserting(None, response, bytes(32), NOW),
    ):
        outcome: object = site.run(cast("Any", steps))
        assert code(outcome) in {"malformed", "too_large"}


# --- Configuration ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"rp": "example.com"}, "RelyingParty"),
        ({"of": None}, "session"),
        ({"of": "session"}, "session"),
        ({"name": "my passkey"}, "identifier"),
        ({"name": 5}, "identifier"),
        ({"most": 0}, "from 1 to 20"),
        ({"most": 21}, "from 1 to 20"),
        ({"most": True}, "from 1 to 20"),
        ({"on_clone": "allow"}, "refuse"),
        ({"secret": b"short"}, "token_bytes"),
        ({"lifetime": hours(2)}, "lifetime"),
    ],
    ids=str,
)
def test_what_is_configured_wrongly_is_said(given: dict[str, Any], says: str) -> None:
    everything = {"rp": relying_party(), "of": Remembered(), "secret": SECRET, **given}
    with pytest.raises(ConfigError, match=says):
        Passkey(everything.pop("rp"), **everything)


def test_nothing_secret_shows() -> None:
    site = Site()
    good(site.enrol(phone()))
    assert repr(site.passkey) == "passkey"
    assert SECRET.hex() not in str(site.passkey)


def test_the_most_of_one_account() -> None:
    site = Site(configured(most=2))
    for name in ("One", "Two"):
        good(site.enrol(phone(), name=name))
    response = phone().create(site.offer())
    refused = site.enrol(response)
    assert code(refused) == "too_large"
    assert "remove one" in str(refused)
    (first, _) = site.run(site.passkey.listing(ANNA, NOW))
    site.run(site.passkey.removing(ANNA, first.id, NOW))
    good(site.enrol(response))  # the refusal did not cost the challenge


def test_twenty_passkeys_are_within_the_budget_of_a_run() -> None:
    site = Site(configured(most=20))
    for number in range(20):
        good(site.enrol(phone(), name=str(number)))
    assert len(site.names()) == 20
    assert len(cast("list[object]", site.offer()["excludeCredentials"])) == 20
    (last,) = site.run(site.passkey.listing(ANNA, NOW))[-1:]
    assert site.run(site.passkey.removing(ANNA, last.id, NOW)) is None
    good(site.enrol(phone(), name="last"))


def test_a_secret_as_it_is_printed_is_that_secret() -> None:
    printed = b64url_encode(SECRET)
    site, device = Site(configured(secret=SECRET)), phone()
    good(site.enrol(device))
    challenged = site.challenge()
    site.passkey = configured(secret=[printed, b64url_encode(bytes(range(200, 232)))])
    assert good(site.prove(device.get(challenged))).account == ANNA
