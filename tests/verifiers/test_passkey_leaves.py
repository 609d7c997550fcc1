"""What policies ask of passkeys, and what people are told who lack one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from tests.verifiers.passkey_ceremonies import ANNA, NOW, Remembered, Site, configured, good, phone, relying_party
from zerotrust.core.decision import Allow, Challenge, Decision, Deny
from zerotrust.core.errors import ConfigError
from zerotrust.core.finding import Unavailable
from zerotrust.core.moments import minutes, seconds
from zerotrust.core.policy import Policy
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.core.remedy import Action, Step
from zerotrust.core.request import AccessRequest
from zerotrust.engine import decide
from zerotrust.factors.authenticators import AuthenticatorPolicy
from zerotrust.factors.proof import Proof
from zerotrust.testing.attesting import LocalAttestation
from zerotrust.verifiers.passkey import Passkey
from zerotrust.verifiers.session import Session

REQUEST = AccessRequest(now=NOW)


def used(**facts: Any) -> Proof:
    return Proof(**{"method": "passkey", "at": NOW - 60, "by": "id", "scope": "example.com", **facts})


MODEL = "ee882879-721c-4913-9775-3dfcce97072a"
OTHER = "d8522d9f-575b-4866-88a9-ba99fa02f35b"
VENDOR = LocalAttestation("packed", now=NOW)
BELIEVING = relying_party(authenticators=AuthenticatorPolicy(models={MODEL: VENDOR.anchors}, require_attestation=False))


def passkey(*proofs: Proof, **other: Any) -> Passkey:
    return configured(BELIEVING, *proofs, **other)


def remedies(policy: Policy) -> list[str]:
    decision = decide(policy, REQUEST)
    assert isinstance(decision, Challenge), decision
    return [str(remedy) for remedy in decision.remedies]


STRENGTHS = ("user_verified", "device_bound", "hardware_bound")


@pytest.mark.parametrize("strength", STRENGTHS)
def test_a_use_counts_if_it_was_as_strong_as_asked(strength: str) -> None:
    for shown in (True, False):
        factor = passkey(used(**{strength: shown}))
        decision = decide(factor.within(minutes(10), **{strength: True}), REQUEST)  # type: ignore[arg-type]
        assert isinstance(decision, Allow) is shown
        assert isinstance(decide(factor.within(minutes(10)), REQUEST), Allow)


def test_a_use_counts_if_it_was_by_a_model_that_is_asked_for() -> None:
    for shown, counts in ((MODEL, True), (OTHER, False), ("", False)):
        factor = passkey(used(model=shown))
        decision = decide(factor.within(minutes(10), models=[MODEL.upper()]), REQUEST)
        assert isinstance(decision, Allow) is counts
        assert isinstance(decide(factor.within(minutes(10), models=[MODEL, OTHER]), REQUEST), Allow) is bool(shown)
        assert ("not attested to be one of these models" in str(decision)) is not counts
    leaf = passkey().within(minutes(10), models=[OTHER, MODEL, MODEL])
    assert str(leaf) == f"passkey.within(10 min, models={OTHER}, {MODEL})"
    assert remedies(leaf) == ["use your passkey, of a model that is accepted here"]


def test_company_keys_on_one_handler_any_passkey_on_the_others() -> None:
    """The policy of the relying party says who may enrol; what a handler asks for, its own policy says."""
    site = Site(configured(BELIEVING))
    model = bytes.fromhex(MODEL.replace("-", ""))
    proofs: dict[str, Proof] = {}
    for name, device in {
        "company": phone(attestation=VENDOR, aaguid=model),
        "liar": phone(attestation="none", aaguid=model),
        "any": phone(attestation="none"),
    }.items():
        good(site.enrol(device))
        proofs[name] = good(site.prove(device)).proof
    assert {name: proof.model for name, proof in proofs.items()} == {"company": MODEL, "liar": "", "any": ""}
    for name, proof in proofs.items():
        factor = passkey(proof)
        assert isinstance(decide(factor.within(minutes(10)), REQUEST), Allow)
        assert isinstance(decide(factor.within(minutes(10), models=[MODEL]), REQUEST), Allow) is (name == "company")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"hardware_bound": True}, r"within\(hardware_bound=True\) could never be met.*authenticators="),
        ({"models": [MODEL]}, r"within\(models=...\) could never be met.*authenticators="),
    ],
    ids=["hardware", "model"],
)
def test_what_nobody_is_believed_to_attest_cannot_be_asked_for(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        configured().within(minutes(10), **asked)


@pytest.mark.parametrize("models", [MODEL, 5, ["YubiKey 5"], [None]], ids=["text", "number", "a name", "nothing"])
def test_models_are_a_list_of_aaguids(models: Any) -> None:
    with pytest.raises(ConfigError, match="models"):
        passkey().within(minutes(10), models=models)


def test_it_counts_for_as_long_as_asked() -> None:
    factor = passkey(used())
    allowed = decide(factor.within(seconds(61)), REQUEST)
    assert isinstance(allowed, Allow)
    assert allowed.valid_until == NOW + 1
    assert isinstance(decide(factor.within(seconds(60)), REQUEST), Challenge)


@pytest.mark.parametrize(
    "other", [used(scope="example.org"), used(scope=""), used(method="totp"), used(cloned=True)],
    ids=["rp id", "no rp id", "method", "cloned"],
)  # fmt: skip
def test_another_factor_another_site_and_a_copy_do_not_count(other: Proof) -> None:
    assert isinstance(decide(passkey(other).within(minutes(10)), REQUEST), Challenge)
    assert isinstance(decide(passkey(other, used()).within(minutes(10)), REQUEST), Allow)


def test_a_leaf_prints_as_it_was_written() -> None:
    factor = passkey()
    leaf = factor.within(minutes(10), user_verified=True, hardware_bound=True)
    assert str(leaf) == "passkey.within(10 min, user_verified=True, hardware_bound=True)"
    assert str(factor.cloned) == "passkey.cloned"
    assert leaf == factor.within(seconds(600), user_verified=True, hardware_bound=True)
    assert leaf != factor.within(minutes(10), user_verified=True)
    with pytest.raises(ConfigError, match="span"):
        factor.within(5)  # type: ignore[arg-type]  # a number has no unit
    with pytest.raises(ConfigError, match="span"):
        factor.within(timedelta(0))


# --- Remedies --------------------------------------------------------------------------------------------------------
def test_what_people_are_told() -> None:
    factor = passkey()
    assert remedies(factor.within(minutes(10))) == ["use your passkey"]
    assert remedies(factor.within(minutes(10), user_verified=True)) == ["use your passkey, with user verification"]
    assert remedies(factor.within(minutes(10), device_bound=True)) == ["use your passkey, one that stays on its device"]
    assert remedies(factor.within(minutes(10), user_verified=True, hardware_bound=True)) == [
        "use your passkey, with user verification, one attested to be kept in hardware"
    ]
    assert remedies(passkey(name="security_key").within(minutes(1))) == ["use your security key"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "use your passkey"),
        ({"models": [MODEL], "hardware_bound": True}, "use a passkey of a kind that is accepted here"),
        ({"hardware_bound": True}, "use a passkey on a security key"),
        ({"device_bound": True}, "use a passkey that stays on one device"),
        ({"device_bound": True, "user_verified": True},
         "use a passkey that stays on one device, and let it check that it is you"),
    ],
    ids=["any", "model", "hardware", "device", "device and user"],
)  # fmt: skip
def test_what_people_are_told_who_never_heard_of_policies(asked: dict[str, Any], said: str) -> None:
    decision = decide(passkey().within(minutes(10), **asked), REQUEST)
    assert isinstance(decision, Challenge)
    assert [step.phrase for remedy in decision.remedies for step in remedy.steps] == [said]


def test_who_has_used_one_is_told_to_use_it_again() -> None:
    factor = passkey(used(at=NOW - 3600))
    assert remedies(factor.within(minutes(10))) == ["use your passkey again"]
    weak = passkey(used(at=NOW - 5))
    assert remedies(weak.within(minutes(10), user_verified=True)) == ["use your passkey again, with user verification"]


def test_demands_of_several_leaves_add_up_to_one_use() -> None:
    factor = passkey()
    policy = factor.within(minutes(10), user_verified=True) & factor.within(minutes(1), device_bound=True)
    assert remedies(policy) == ["use your passkey, with user verification, one that stays on its device"]
    either = factor.within(minutes(10), user_verified=True) | factor.within(minutes(1))
    assert remedies(either) == ["use your passkey"], "the other asks for all of that, and for more"


def test_a_remedy_does_what_it_promises() -> None:
    policy = passkey().within(minutes(10), user_verified=True, device_bound=True)
    decision = decide(policy, REQUEST)
    assert isinstance(decision, Challenge)
    (step,) = decision.remedies[0].steps
    assert step.action is Action.PRESENT_FACTOR
    again = passkey(used(at=NOW, user_verified=True, device_bound=True))
    assert isinstance(decide(again.within(minutes(10), user_verified=True, device_bound=True), REQUEST), Allow)


def test_an_outage_is_to_be_waited_for() -> None:
    factor = passkey()
    step = Step(factor, Action.RETRY, ())
    assert factor.describe(step) == "try again (passkey could not be checked)"
    assert factor.action(Unavailable(SOURCE_DOWN())) is Action.RETRY


# --- Copies ----------------------------------------------------------------------------------------------------------
def decided(policy: Policy) -> Decision:
    return decide(policy, REQUEST)


def test_a_policy_can_act_on_a_copy() -> None:
    assert isinstance(decided(passkey(used(cloned=True)).cloned), Allow)
    assert isinstance(decided(passkey(used(cloned=True), used()).cloned), Allow)
    assert isinstance(decided(passkey(used()).cloned), Deny | Challenge)
    assert isinstance(decided(passkey().cloned), Deny | Challenge)
    factor = passkey(used())
    assert isinstance(decided(factor.within(minutes(10)) & ~factor.cloned), Allow)
    factor = passkey(used(cloned=True), used())
    assert isinstance(decided(factor.within(minutes(10)) & ~factor.cloned), Deny)


def test_without_a_use_nobody_can_tell_whether_there_is_a_copy() -> None:
    """UNKNOWN, and so under a NOT: using one may help."""
    assert isinstance(decided(~passkey().cloned), Challenge | Deny)
    factor = passkey()
    assert remedies(~factor.cloned & factor.within(minutes(10))) == ["use your passkey"]


def test_explanations_say_what_was_seen() -> None:
    seen = str(decided(passkey(used(cloned=True)).within(minutes(10))).explanation)
    assert "a copy is suspected" in seen
    assert "a copy is suspected" in str(decided(passkey(used(cloned=True)).cloned).explanation)
    assert "no sign of a copy" in str(decided(passkey(used()).cloned).explanation)


def test_without_a_session_it_is_the_session_that_is_missing() -> None:
    factor = configured(of=Remembered(absent=True))
    decision = decided(factor.within(minutes(10)))
    assert isinstance(decision, Challenge | Deny)


# --- In a session ----------------------------------------------------------------------------------------------------
def test_a_session_remembers_and_a_policy_is_satisfied() -> None:
    """From a refusal, by what it asks for, to being let in."""
    session = Session(source="shop")
    site = Site(configured(of=session))
    device = phone()
    good(site.enrol(device))
    policy = site.passkey.within(minutes(10), user_verified=True)
    begun = site.run(session.beginning(ANNA, REQUEST))
    signed_in = AccessRequest(now=NOW, headers=sent_back(begun.headers))
    refused = decide(policy, signed_in, site.sources)
    assert isinstance(refused, Challenge)
    assert [str(remedy) for remedy in refused.remedies] == ["use your passkey, with user verification"]
    begun = good(site.run(session.adding(signed_in, good(site.prove(device)))))
    allowed = decide(policy, AccessRequest(now=NOW, headers=sent_back(begun.headers)), site.sources)
    assert isinstance(allowed, Allow), allowed.explanation
    assert allowed.valid_until == NOW + 600
    assert isinstance(
        decide(policy, AccessRequest(now=NOW + 600, headers=sent_back(begun.headers)), site.sources), Challenge
    )


def sent_back(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """What a browser sends after these `Set-Cookie` headers."""
    return [(b"cookie", value.partition(b";")[0]) for _, value in headers]
