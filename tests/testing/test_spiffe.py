"""A trust domain in a test is one to the verifiers: its SVIDs are good, and are refused for what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest

from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import hours, minutes, seconds
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources
from zerotrust.engine import decide
from zerotrust.pki.short_lived import ShortLived
from zerotrust.pki.trust_bundle import TrustBundle
from zerotrust.testing import OMIT, Clock, Issued, IssuerSource, LocalAuthority, LocalTrustDomain
from zerotrust.verifiers.jwt_svid import JwtSvid
from zerotrust.verifiers.peer_certificate import PeerCertificate

WEB = "/ns/shop/sa/web"
ID = "spiffe://prod.example/ns/shop/sa/web"


class World:
    """A trust domain, what believes it, and what comes of that."""

    def __init__(self, fetched: bool = False) -> None:
        self.clock = Clock()
        self.domain = LocalTrustDomain("prod.example", clock=self.clock)
        self.source = IssuerSource(self.domain)
        self.believe(TrustBundle("prod.example", endpoint=self.domain.endpoint) if fetched else self.domain.bundle())

    def believe(self, bundle: TrustBundle) -> None:
        self.peer = PeerCertificate(bundle, revocation=ShortLived())
        self.svid = JwtSvid(bundle, audience="payments")

    def comes(self, presented: Issued | str) -> str:
        """The id of who came, or the code of the reason against it."""
        now = self.clock()
        if isinstance(presented, Issued):
            decision = decide(self.peer.valid, AccessRequest(now=now, peer=presented.peer()), Sources(self.source))
            evidence: Any = decision[self.peer] if decision else None
        else:
            headers = [(b"authorization", f"Bearer {presented}".encode())]
            decision = decide(self.svid.valid, AccessRequest(now=now, headers=headers), Sources(self.source))
            evidence = decision[self.svid] if decision else None
        if evidence is not None:
            return str(evidence.spiffe_id)
        reason: object = getattr(decision, "reason", None)
        assert isinstance(reason, Reason)
        return reason.code


@pytest.mark.parametrize("fetched", [False, True])
def test_its_svids_are_good(fetched: bool) -> None:
    world = World(fetched)
    assert world.comes(world.domain.svid(WEB)) == ID == world.domain.id(WEB)
    assert world.comes(world.domain.jwt_svid(WEB, audience="payments")) == ID
    assert world.comes(world.domain.jwt_svid(WEB, audience=["mail", "payments"])) == ID


def test_they_live_as_long_as_they_say() -> None:
    world = World()
    certificate, token = world.domain.svid(WEB), world.domain.jwt_svid(WEB, audience="payments")
    longer: list[Issued | str] = [
        world.domain.svid(WEB, lifetime=hours(24)),
        world.domain.jwt_svid(WEB, audience="payments", lifetime=hours(2)),
    ]
    world.clock.advance(minutes(5) + seconds(11))
    assert (world.comes(certificate), world.comes(token)) == (ID, "expired")
    world.clock.advance(hours(1))
    assert world.comes(certificate) == "certificate_expired"
    assert [world.comes(one) for one in longer] == [ID, ID]
    # And what is issued now is good now.
    assert world.comes(world.domain.svid(WEB)) == world.comes(world.domain.jwt_svid(WEB, audience="payments")) == ID


def test_short_lived_takes_them_and_not_what_an_authority_issues_unless_told() -> None:
    world = World()
    world.clock.advance(hours(30))
    authority: LocalAuthority = world.domain.authority
    assert world.comes(world.domain.svid(WEB)) == ID
    assert world.comes(authority.issue(uris=[ID])) == "too_long_lived"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"audience": "mail"}, "wrong_audience"),
        ({"sub": OMIT}, "missing_claim"),
        ({"sub": "spiffe://partner.example/web"}, "unknown_trust_domain"),
        ({"exp": 1}, "expired"),
        ({"header": {"typ": "at+jwt"}}, "wrong_type"),
        ({"header": {"kid": "another"}}, "unknown_key"),
        ({"header": {"typ": OMIT}}, ID),
    ],
)
def test_a_jwt_svid_with_one_thing_changed(changed: dict[str, Any], code: str) -> None:
    world = World()
    assert world.comes(world.domain.jwt_svid(WEB, **{"audience": "payments", **changed})) == code


def test_what_an_attacker_makes() -> None:
    world = World()
    token, forge = world.domain.jwt_svid(WEB, audience="payments"), world.domain.issuer
    assert world.comes(forge.forge_unsigned(token)) == "algorithm"
    assert world.comes(forge.forge_key_confusion(token)) == "algorithm"
    assert world.comes(forge.forge_foreign_key(token)) == "bad_signature"
    stranger = LocalTrustDomain("prod.example", clock=world.clock)
    assert world.comes(stranger.svid(WEB)) == "chain_signature"  # of the same name
    wrong = world.domain.authority.wrong(uris=[ID])
    assert world.comes(wrong["expired"]) == "certificate_expired"


def test_a_rotation_is_another_edition_of_the_bundle() -> None:
    world, old = World(fetched=True), World()
    before = world.domain.svid(WEB), world.domain.jwt_svid(WEB, audience="payments")
    assert [world.comes(one) for one in before] == [ID, ID]
    world.domain.rotate()
    after = world.domain.svid(WEB), world.domain.jwt_svid(WEB, audience="payments")
    world.clock.advance(minutes(5))
    assert [world.comes(one) for one in (*before, *after)] == [ID] * 4
    world.domain.rotate(keep=False)
    world.clock.advance(minutes(5))
    again = world.domain.jwt_svid(WEB, audience="payments")
    assert [world.comes(one) for one in (before[0], after[0], world.domain.svid(WEB), again)] == [
        "untrusted_chain", "untrusted_chain", ID, ID,
    ]  # fmt: skip
    assert world.domain.jwks()["spiffe_sequence"] == 3
    old.domain.rotate()
    assert old.comes(old.domain.svid(WEB)) == "untrusted_chain"  # a bundle that was given does not follow


def test_an_outage_is_one() -> None:
    world = World(fetched=True)
    world.source.down = True
    assert world.comes(world.domain.svid(WEB)) == "source_down"


@pytest.mark.parametrize("path", ["", "web", "/", "/a b", "//a", "/a/", "spiffe://prod.example/web", None, b"/web"])
def test_what_is_no_path_of_a_workload_is_refused(path: Any) -> None:
    domain = LocalTrustDomain()
    for issue in (domain.id, domain.svid, lambda wrong: domain.jwt_svid(wrong, audience="payments")):
        with pytest.raises(ConfigError):
            issue(path)


def test_what_is_no_trust_domain_is_refused() -> None:
    with pytest.raises(ConfigError):
        LocalTrustDomain("spiffe://Prod.example/")
