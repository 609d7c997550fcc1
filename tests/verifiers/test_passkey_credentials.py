"""What is kept of a passkey, for who checks later what it signed."""

from __future__ import annotations

from tests.verifiers.approving import ISSUER, World, evidence, passkey
from tests.verifiers.passkey_ceremonies import ANNA, BERT, Site, code, good, phone
from zerotrust.driver import Sources, run
from zerotrust.factors.account import Account
from zerotrust.verifiers.approval_record import check_record


def test_its_public_key_and_name() -> None:
    site, device, other = Site(), phone(), phone()
    good(site.enrol(device, name="Phone"))
    good(site.enrol(other, name="Key"))
    credential = good(site.run(site.passkey.credential(ANNA, device.credentials[0].id, site.now)))
    assert credential.public_key == device.credentials[0].key.cose
    assert (credential.name, credential.account) == ("Phone", ANNA)


def test_of_this_account_alone() -> None:
    site, device = Site(), phone()
    enrolled = good(site.enrol(device))
    good(site.enrol(phone(), BERT))
    wanted = device.credentials[0].id
    assert code(site.run(site.passkey.credential(BERT, wanted, site.now))) == "not_enrolled"
    assert code(site.run(site.passkey.credential(Account("shop", "nobody"), wanted, site.now))) == "not_enrolled"
    assert code(site.run(site.passkey.credential(ANNA, b"another", site.now))) == "not_enrolled"
    assert site.run(site.passkey.removing(ANNA, enrolled.id, site.now)) is None
    assert code(site.run(site.passkey.credential(ANNA, wanted, site.now))) == "not_enrolled"


def test_a_record_is_checked_against_the_key_that_was_enrolled() -> None:
    world = World()
    authenticator = world.enrolled()
    record = evidence(world.asks(headers=[world.approved(authenticator)])).record
    account = good(record.account)
    assert account == Account(ISSUER.url, "alice")
    kept = good(run(passkey.credential(account, record.credential_id, world.now), Sources(world.store)))
    assert check_record(record, public_key=kept.public_key) is None
    eve = world.enrolled("eve").credentials[0]
    other = good(run(passkey.credential(Account(ISSUER.url, "eve"), eve.id, world.now), Sources(world.store)))
    assert code(check_record(record, public_key=other.public_key)) == "key_mismatch"
