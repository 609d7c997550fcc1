"""A policy file that is configured wrongly is told so when it is loaded."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.world import NOW, SECRET, can_read, names, setup, token
from zerotrust import (
    Anchors,
    Approval,
    ConfigError,
    Passkey,
    PeerCertificate,
    RelyingParty,
    Session,
    ShortLived,
    Sources,
    minutes,
)
from zerotrust.service import Caller, HopSecret, Rules, Setup
from zerotrust.service.callers import read_callers
from zerotrust.stores.http import HttpFetcher
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing import LocalAuthority


def websockets() -> Rules:
    rules = Rules(default=can_read)
    rules.protect("/feed", token.scope("feed"), methods=["GET", "WS"])
    return rules


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no rules": ({"rules": ...}, "there is none"),
    "rules": ({"rules": can_read}, "rules is"),
    "rules for WebSockets": ({"rules": websockets()}, "/feed: WS among methods .* as about a GET"),
    "sources": ({"sources": 7}, "sources"),
    "blocking sources": ({"sources": Sources(HttpFetcher())}, "HttpFetcher is blocking"),
    "explain": ({"explain": "yes"}, "explain is str"),
    "identity": ({"identity": ["a"]}, "identity is list"),
    "identity value": ({"identity": {"x-a": "alice"}}, "x-a is str"),
    "identity taken": ({"identity": {"Authorization": token}}, "another use"),
    "identity underscore": ({"identity": {"X_Auth": token}}, "letters, digits and hyphens"),
    "identity twice": ({"identity": {"x-a": token, "X-A": token}}, "x-a twice"),
    "identity ours": ({"identity": {"X-Decision-Status": token}}, "another use"),
    "identity secret": ({"identity": {"X-Hop-Secret": token}}, "carries the secret"),
    "callers": ({"callers": "nginx"}, "callers is str"),
    "authzen": ({"authzen": [can_read]}, "authzen is list"),
    "authzen name": ({"authzen": {7: can_read}}, "no name of an action"),
    "authzen policy": ({"authzen": {"read": token}}, "takes a policy"),
    "pdp": ({"pdp": "http://pdp.example"}, "pdp is"),
    "pdp query": ({"pdp": "https://pdp.example?a"}, "pdp is"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(name: str) -> None:
    more, says = WRONG[name]
    with pytest.raises(ConfigError, match=says):
        setup(**more)


MEANT = {
    "identiy": "identity", "identities": None, "soruces": "sources", "ruels": "rules", "callrs": "callers",
    "relam": "realm", "expalin": "explain", "authZen": "authzen", "authzn": "authzen", "peeers": "peers",
    "recoder": "recorder", "shaodw": "shadow", "pdpp": "pdp", "PDP": "pdp", "REALM": "realm", "RULES": None,
    "roles": None, "resources": None, "entity": None, "plain": None, "policy": None, "policies": None, "token": None,
    "groups": None, "rule": None, "caller": None, "ISSUER": None, "settings": None,
    "is_staff": None, "staff_rules": None,
}  # fmt: skip


def test_a_misspelt_name_is_told_with_the_nearest_and_names_of_ones_own_are_let_be() -> None:
    for name, meant in MEANT.items():
        if meant is None:
            setup(**{name: ["mine"]})
        else:
            with pytest.raises(ConfigError, match=f"^{name} is no name that is looked for, and {meant} is"):
                setup(**{name: ["mine"]})


def test_one_of_several_is_misspelt_where_there_are_no_several() -> None:
    with pytest.raises(ConfigError, match=r"^caller is no name .* and callers is"):
        Setup(names(callers=..., caller=7), private=True)


def test_what_is_imported_and_parts_of_policies_have_any_name() -> None:
    class Peer: ...

    for value in (Peer, Rules, pytest, read_callers, len, token, can_read):
        setup(peer=value, Rules=value, Identity=value, recoder=value)


def test_callers_are_checked() -> None:
    secret = HopSecret("x-hop-secret", SECRET)
    with pytest.raises(ConfigError, match="what the caller is called"):
        Caller("", secret=secret)
    with pytest.raises(ConfigError, match="write secret="):
        Caller("a", secret=SECRET)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="one name"):
        read_callers([Caller("a", secret=secret), Caller("a", secret=secret)])


def test_what_it_says_of_itself_names_everything_and_no_secret() -> None:
    text = str(Setup(names(), private=True))
    assert "OPEN because the front page is public" in text
    assert "AuthZEN read: can read" in text
    assert "the application is told: x-auth-subject" in text
    assert "who may ask: proxy" in text
    assert SECRET not in text
    bare = str(Setup({"rules": Rules(default=can_read)}, private=True))
    assert "the application is told: nothing" in bare
    assert "who may ask: whoever may open the socket" in bare


def test_what_needs_the_body_or_a_certificate_says_so_when_it_is_loaded() -> None:
    """Proxies ask without the body; and AuthZEN callers come over connections of their own."""
    session = Session(of=token)
    site = RelyingParty("example.com", name="a", origins=["https://example.com"])
    passkey = Passkey(site, of=session, secret=bytes(range(32)))
    approved = token.valid & Approval(passkey, fields=("amount",), within=minutes(5)).given
    for more in ({"rules": Rules(default=approved)}, {"authzen": {"pay": approved}}):
        with pytest.raises(ConfigError, match="body"):
            setup(sources=Sources(MemoryStore()), **more)
    certified = PeerCertificate(
        Anchors.from_pem(LocalAuthority("A", now=NOW).pem), subject="dns", revocation=ShortLived()
    ).valid
    with pytest.raises(ConfigError, match="who the peer"):
        setup(authzen={"read": certified})
