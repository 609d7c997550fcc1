"""What is easily written wrong about sessions, factors and approvals, and what the messages say instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.verifiers.passkey_ceremonies import NOW, SECRET, relying_party
from zerotrust import AccessRequest, Sources, decide
from zerotrust.core.decision import Allow
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.moments import minutes
from zerotrust.core.policy import Policy
from zerotrust.factors.proof import Proof
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing import LocalIssuer
from zerotrust.verifiers.approval import Approval
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.factor_questions import FactorEvidence, ProvenWithin
from zerotrust.verifiers.hotp import Hotp
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.passkey import Passkey
from zerotrust.verifiers.recovery_codes import RecoveryCodes
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.session_evidence import SessionEvidence
from zerotrust.verifiers.session_questions import Factors, PhishingResistant
from zerotrust.verifiers.totp import Totp

ISSUER = LocalIssuer(algorithms=("EdDSA",))
token = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="api")
session = Session(of=token)
passkey = Passkey(relying_party(), of=session, secret=SECRET)
approval = Approval(passkey)

FACTORS: dict[str, Callable[[Any], object]] = {
    "Passkey": lambda of: Passkey(relying_party(), of=of, secret=SECRET),
    "Totp": lambda of: Totp("Example", of=of),
    "Hotp": lambda of: Hotp("Example", of=of),
    "RecoveryCodes": lambda of: RecoveryCodes(of=of),
}


@pytest.mark.parametrize("kind", FACTORS)
def test_a_factor_is_of_a_session_and_not_of_what_the_session_is_of(kind: str) -> None:
    said = rf"^{kind}: of takes the session .*token remembers nothing; write session = Session\(of=token\) and {kind}\("
    with pytest.raises(ConfigError, match=said):
        FACTORS[kind](token)
    assert FACTORS[kind](session) is not None


def test_a_verifier_among_policies_is_told_what_to_ask() -> None:
    for other, leaf in ((passkey, r"passkey\.within\(minutes\(10\)\)"), (approval, r"approval\.given")):
        with pytest.raises(PolicyError, match=rf"is a verifier, not a policy; ask it something, e\.g\. {leaf}$"):
            session.valid & other  # type: ignore[operator]  # the mistake
        with pytest.raises(PolicyError, match=rf"e\.g\. {leaf}$"):
            other | session.valid


def test_the_source_of_a_session() -> None:
    assert Session(of=None).source == "session"
    with pytest.raises(ConfigError, match="source=None: write what the application calls its own sign-in"):
        Session(source=None)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="leave it out"):
        Session(of=token, source=None)  # type: ignore[arg-type]


def test_the_time_of_an_approval_is_called_within() -> None:
    with pytest.raises(ConfigError, match=r"^within is a span of time"):
        Approval(passkey, within=300)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"^within=5 s is out of range"):
        Approval(passkey, within=minutes(1 / 12))


def test_the_lifetime_of_a_token_for_tests_is_a_span() -> None:
    with pytest.raises(ConfigError, match=r"lifetime takes a span of time such as timedelta\(minutes=5\), not 3600"):
        ISSUER.mint(lifetime=3600)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("leaf", "asked"),
    [
        (session.valid, "prove a factor"),
        (session.factors(at_least=2), "prove two different factors"),
        (session.phishing_resistant, "use your passkey"),
        (session.factors(at_least=2) & session.phishing_resistant, "use your passkey, and have it verify you"),
        (Totp("Example", of=session).within(minutes(5)), "enter a code of your authenticator app"),
        (Hotp("Example", of=session).within(minutes(5)), "enter the next code of your token"),
        (RecoveryCodes(of=session).within(minutes(5)), "enter one of your recovery codes"),
        (passkey.within(minutes(5)), "use your passkey"),
        (Session(source="shop").valid, "sign in"),
    ],
    ids=["valid", "factors", "phishing", "both", "totp", "hotp", "recovery", "passkey", "sign_in"],
)
def test_what_is_asked_for_is_said_as_one_says_it(leaf: Policy, asked: str) -> None:
    sent = ISSUER.mint(audience="api", now=NOW, exp=int(NOW) + 600)
    found = decide(
        leaf,
        AccessRequest(now=NOW, headers=[(b"authorization", f"Bearer {sent}".encode())]),
        Sources(MemoryStore(keys=StoreKeys(encrypt=[SECRET]))),
    )
    assert not isinstance(found, Allow)
    assert [str(step) for step in found.remedies[0].steps] == [asked]


def test_explanations_say_that_it_is_hardware_that_lacks() -> None:
    soft, hard = Proof("passkey", NOW, "1"), Proof("passkey", NOW, "2", device_bound=True, hardware_bound=True)
    asked = ProvenWithin(600, device_bound=True, hardware_bound=True)
    evidence = [FactorEvidence("shop", "ann", NOW, NOW + 60, (one,)) for one in (soft, hard)]
    assert "its key may leave its device, not attested to be kept in hardware" in asked.saw(evidence[0], NOW)
    assert "hardware" not in asked.saw(evidence[1], NOW)
    assert "hardware" not in ProvenWithin(600).saw(evidence[0], NOW)
    for question in (Factors(2, hardware_bound=True), PhishingResistant(hardware_bound=True), Factors(2)):
        said = [
            question.found(SessionEvidence("shop", "ann", NOW, NOW + 60, "h", NOW, (one,)), NOW) for one in (soft, hard)
        ]
        assert ("(not attested to be kept in hardware)" in said[0]) is question.hardware_bound
        assert "hardware" not in said[1]
