"""Answers to challenges that were not asked, not here, not for this, not of this person, not any more, or before.

WebAuthn Level 3 section 13.4.3; CWE-294 (replay), CWE-352 (on behalf of another site), CWE-384 (another's session).
"""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factors.faulty import Faulty
from tests.verifiers.passkey_ceremonies import (
    ANNA,
    BERT,
    HERE,
    NOW,
    ORIGIN,
    SECRET,
    THERE,
    Site,
    code,
    configured,
    good,
    phone,
    relying_party,
)
from zerotrust.core.errors import ConfigError
from zerotrust.driver import Sources
from zerotrust.testing.authenticator import LocalAuthenticator
from zerotrust.wire.encoding import b64url_decode, b64url_encode


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def device(site: Site) -> LocalAuthenticator:
    made = phone()
    good(site.enrol(made))
    return made


def with_challenge(challenge: object) -> dict[str, Any]:
    """Options of an attacker's own making."""
    return {"challenge": challenge, "rpId": "example.com", "allowCredentials": []}


# --- Replay ----------------------------------------------------------------------------------------------------------
def test_section_13_4_3_an_assertion_counts_once(site: Site, device: LocalAuthenticator) -> None:
    for account in (ANNA, None):
        response = device.get(site.challenge(account))
        good(site.prove(response, account))
        for _ in range(3):
            assert code(site.prove(response, account)) == "replayed"
            site.now += 50


def test_section_13_4_3_a_challenge_counts_once_whatever_answers_it(site: Site, device: LocalAuthenticator) -> None:
    other = phone()
    good(site.enrol(other))
    options = site.challenge()
    good(site.prove(device.get(options)))
    assert code(site.prove(device.get(options))) == "replayed"
    assert code(site.prove(other.get(options))) == "replayed"


def test_section_7_1_an_enrolment_counts_once(site: Site) -> None:
    options = site.offer()
    device = phone()
    response = device.create(options)
    enrolled = good(site.enrol(response))
    assert code(site.enrol(response)) == "already_enrolled"
    assert code(site.enrol(phone().create(options))) == "replayed"
    site.run(site.passkey.removing(ANNA, enrolled.id, site.now))
    assert code(site.enrol(response)) == "replayed"
    assert site.names() == []


def test_a_failed_attempt_does_not_use_it_up(site: Site, device: LocalAuthenticator) -> None:
    """Or an attacker who sees a challenge could spoil it for its owner."""
    options = site.challenge()
    for fault in ("signature", "origin", "type", "rp id", "user present", "backup state", "cross origin", "trailing"):
        assert code(site.prove(device.wrong(fault).get(options)))
    stranger = phone()
    good(site.enrol(stranger, BERT))
    assert code(site.prove(stranger.get({**options, "allowCredentials": []}))) == "wrong_credential"
    assert code(site.prove(phone(credential_id=b"?" * 16).create({**site.offer(), **options}))) == "malformed"
    good(site.prove(device.get(options)))


def test_a_failed_enrolment_does_not_use_it_up(site: Site, device: LocalAuthenticator) -> None:
    options = site.offer()
    for fault in ("origin", "type", "rp id", "user present", "backup state", "cross origin", "trailing", "truncated"):
        assert code(site.enrol(phone().wrong(fault).create(options)))
    assert code(site.enrol(phone(credential_id=device.credentials[0].id).create(options))) == "already_enrolled"
    good(site.enrol(phone().create(options)))


# --- Another session, person, purpose, site --------------------------------------------------------------------------
def test_cwe_384_another_browsers_challenge(site: Site, device: LocalAuthenticator) -> None:
    """An attacker has a victim sign the attacker's challenge, or gives a victim an answer of their own to send."""
    for account in (ANNA, None):
        response = device.get(site.challenge(account, HERE))
        assert code(site.prove(response, account, THERE)) == "wrong_challenge"
        good(site.prove(response, account, HERE))
    made = phone().create(site.offer(ANNA, HERE))
    assert code(site.enrol(made, ANNA, THERE)) == "wrong_challenge"
    good(site.enrol(made, ANNA, HERE))


def test_another_persons_challenge(site: Site, device: LocalAuthenticator) -> None:
    berts = phone()
    good(site.enrol(berts, BERT))
    response = device.get({**site.challenge(BERT), "allowCredentials": []})
    assert code(site.prove(response, ANNA)) == "wrong_challenge"
    assert code(site.prove(response, None)) == "wrong_challenge"
    assert code(site.prove(response, BERT)) == "wrong_credential"
    made = phone().create(site.offer(BERT))
    assert code(site.enrol(made, ANNA)) == "wrong_challenge"
    assert site.names() == ["Phone"]


def test_a_challenge_of_another_purpose(site: Site, device: LocalAuthenticator) -> None:
    enrol, step_up, sign_in = site.offer(), site.challenge(ANNA), site.challenge(None)
    for options in (enrol, sign_in):
        assert code(site.prove(device.get(with_challenge(options["challenge"])), ANNA)) == "wrong_challenge"
    for options in (enrol, step_up):
        assert code(site.prove(device.get(with_challenge(options["challenge"])), None)) == "wrong_challenge"
    for options in (step_up, sign_in):
        made = phone().create({**enrol, "challenge": options["challenge"]})
        assert code(site.enrol(made)) == "wrong_challenge"
    approval = site.passkey._challenges.make("approval", HERE, ANNA, site.now)
    assert code(site.prove(device.get(with_challenge(b64url_encode(approval))), ANNA)) == "wrong_challenge"


def test_section_7_the_answer_of_one_ceremony_in_the_other(site: Site, device: LocalAuthenticator) -> None:
    assert code(site.prove(phone().create({**site.offer(), **site.challenge()}))) == "malformed"
    assert code(site.enrol(device.get({**site.offer(), "allowCredentials": []}))) == "malformed"
    # The very challenge it has to answer, under the other ceremony's name.
    assert (
        code(site.prove(device.but(client_data={"type": "webauthn.create"}).get(site.challenge()))) == "wrong_ceremony"
    )
    made = phone().but(client_data={"type": "webauthn.get"}).create(site.offer())
    assert code(site.enrol(made)) == "wrong_ceremony"


def test_another_relying_partys_challenge(site: Site, device: LocalAuthenticator) -> None:
    """With the same secret and the same page, as of two applications that share both by mistake."""
    other = Site(configured(relying_party("shop.example.com")), site.sources)
    elsewhere = LocalAuthenticator("shop.example.com", ORIGIN)
    good(other.enrol(elsewhere))
    response = elsewhere.get(other.challenge())
    assert code(site.prove(response)) == "wrong_challenge"
    assert code(other.prove(device.get(with_challenge(site.challenge()["challenge"])))) == "wrong_challenge"
    good(other.prove(response))


def test_a_challenge_by_another_secret(site: Site, device: LocalAuthenticator) -> None:
    other = Site(configured(secret=SECRET[::-1]), site.sources)
    assert code(site.prove(device.get(other.challenge()))) == "wrong_challenge"


# --- Too late, cut, extended, made up --------------------------------------------------------------------------------
def test_too_late(site: Site, device: LocalAuthenticator) -> None:
    response, made = device.get(site.challenge()), phone().create(site.offer())
    site.now += 300
    assert code(site.prove(response)) == "wrong_challenge"
    assert code(site.enrol(made)) == "wrong_challenge"
    site.now -= 1
    good(site.prove(response))
    good(site.enrol(made))


@pytest.mark.parametrize("now", [math.nan, math.inf, -math.inf, -1.0, 1e13], ids=str)
def test_a_moment_that_is_none(site: Site, device: LocalAuthenticator, now: float) -> None:
    """No comparison with what is not a number is true: it is before no end."""
    response, made = device.get(site.challenge()), phone().create(site.offer())
    site.now = now
    assert code(site.prove(response)) == "wrong_challenge"
    assert code(site.enrol(made)) == "wrong_challenge"
    for account in (ANNA, None):
        with pytest.raises(ConfigError, match="now"):
            site.challenge(account)
    with pytest.raises(ConfigError, match="now"):
        site.offer()
    site.now = NOW
    good(site.prove(response))


@pytest.mark.parametrize("cut", [0, 1, 8, 24, 25, 26, 56])
def test_cut_or_extended(site: Site, device: LocalAuthenticator, cut: int) -> None:
    challenge = b64url_decode(str(site.challenge()["challenge"]))
    assert isinstance(challenge, bytes)
    for wrong in (challenge[:cut], challenge[cut + 1 :], challenge + bytes(cut + 1), challenge + challenge[-32:]):
        assert code(site.prove(device.get(with_challenge(b64url_encode(wrong))))) == "wrong_challenge"


@given(st.binary(max_size=80))
def test_made_up(challenge: bytes) -> None:
    at, used = _FOR_MADE_UP
    assert code(at.prove(used.get(with_challenge(b64url_encode(challenge))), None)) == "wrong_challenge"


_FOR_MADE_UP = (Site(), phone())
good(_FOR_MADE_UP[0].enrol(_FOR_MADE_UP[1]))


@pytest.mark.parametrize("spelled", ["padded", "standard", "blank", "none", "list"])
def test_in_another_spelling(site: Site, device: LocalAuthenticator, spelled: str) -> None:
    challenge = str(site.challenge()["challenge"])
    wrong: Any = {
        "padded": challenge + "=",
        "standard": challenge.replace("-", "+").replace("_", "/") + "\u0000",
        "blank": f" {challenge}",
        "none": "",
        "list": [challenge],
    }[spelled]
    outcome = code(site.prove(device.but(client_data={"challenge": wrong}).get(with_challenge(challenge))))
    assert outcome == ("malformed" if spelled == "list" else "wrong_challenge")


def test_the_moment_it_ends_cannot_be_moved(site: Site, device: LocalAuthenticator) -> None:
    challenge = b64url_decode(str(site.challenge()["challenge"]))
    assert isinstance(challenge, bytes)
    later = (int.from_bytes(challenge[1:9], "big") + 60_000).to_bytes(8, "big")
    moved = challenge[:1] + later + challenge[9:]
    assert code(site.prove(device.get(with_challenge(b64url_encode(moved))))) == "wrong_challenge"


def test_cwe_352_without_a_session_of_the_browser_there_is_no_challenge(site: Site, device: LocalAuthenticator) -> None:
    """Or whoever sends a victim a finished answer signs them in to an account of the attacker's."""
    response = device.get(site.challenge(None))
    with pytest.raises(ConfigError, match="binding"):
        site.challenge(None, b"")
    with pytest.raises(ConfigError, match="binding"):
        site.offer(ANNA, b"")
    with pytest.raises(ConfigError, match="binding"):
        site.prove(response, None, b"")


# --- Floods ----------------------------------------------------------------------------------------------------------
def test_cwe_400_challenges_and_wrong_answers_write_nothing() -> None:
    """Whoever asks for a million challenges, and answers none or wrongly, fills no store."""
    store = Faulty()
    site = Site(sources=Sources(store))
    device = phone()
    good(site.enrol(device))
    store.asked.clear()
    for _ in range(20):
        site.challenge()
        site.challenge(BERT)
        site.challenge(None)
    assert set(store.kinds()) == {"Lookup"}
    for fault in ("signature", "origin", "challenge", "rp id", "user present"):
        assert code(site.prove(device.wrong(fault).get(site.challenge()), ANNA))
        assert code(site.prove(device.wrong(fault).get(site.challenge(None)), None))
    for _ in range(5):
        assert code(site.prove(phone(credential_id=b"!" * 16).create(site.offer())))
    assert set(store.kinds()) <= {"Lookup"}


def test_an_offer_writes_once_for_each_account() -> None:
    store = Faulty()
    site = Site(sources=Sources(store))
    for _ in range(10):
        site.offer()
    assert store.kinds().count("Advance") == 1
