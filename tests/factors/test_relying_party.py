"""Relying parties: what is configured wrongly fails at once, and says what to write."""

from __future__ import annotations

from typing import Any

import pytest

from zerotrust.core.errors import ConfigError
from zerotrust.factors.authenticators import AuthenticatorPolicy
from zerotrust.factors.relying_party import RELATED_ORIGINS_PATH, UNSAFE_ANY_TOP_ORIGIN, RelyingParty
from zerotrust.pki.anchors import Anchors
from zerotrust.testing.authority import LocalAuthority
from zerotrust.wire.cose import COSE_ALGORITHMS

GOOD: dict[str, Any] = {"name": "Example", "origins": ["https://example.com"]}


def made(rp_id: Any = "example.com", **changed: Any) -> RelyingParty:
    return RelyingParty(rp_id, **{**GOOD, **changed})


def test_what_it_accepts() -> None:
    rp = made(origins=["https://example.com", "https://shop.example.com:8443", "https://a.b.example.com"])
    assert all(map(rp.accepts_origin, rp.origins))
    for other in (
        "https://example.com.", "https://example.com/", "https://example.com:443", "https://EXAMPLE.com",
        "http://example.com", "https://shop.example.com", "https://xexample.com", "https://example.com.evil.example",
        "https://evil.example/https://example.com", "https://user@example.com", "null", "", " https://example.com",
        "https://example.com\n", "https://\u0435xample.com", "example.com", "ws://example.com",
    ):  # fmt: skip
        assert not rp.accepts_origin(other), other
    assert rp.accepts_algorithm(COSE_ALGORITHMS["ES384"])
    assert not rp.accepts_algorithm(COSE_ALGORITHMS["PS256"])
    assert (rp.attestation, rp.user_verification, rp.resident_key) == ("none", "preferred", "preferred")


def test_frames_are_refused_unless_allowed() -> None:
    assert not made().accepts_top_origin("https://other.example")
    assert not made().accepts_top_origin(None)
    named = made(top_origins=["https://other.example"])
    assert named.accepts_top_origin("https://other.example")
    assert not named.accepts_top_origin("https://third.example")
    assert not named.accepts_top_origin(None)
    anyone = made(top_origins=[UNSAFE_ANY_TOP_ORIGIN, "https://other.example"])
    assert anyone.accepts_top_origin("https://third.example")
    assert anyone.accepts_top_origin(None)


def test_section_5_11_related_origins() -> None:
    rp = made(related_origins=["https://example.de", "https://example.co.uk"])
    assert rp.accepts_origin("https://example.de")
    assert not rp.accepts_origin("https://www.example.de")
    assert rp.related_origins_document() == {"origins": ["https://example.co.uk", "https://example.de"]}
    assert RELATED_ORIGINS_PATH == "/.well-known/webauthn"
    assert made().related_origins_document() == {"origins": []}


def test_localhost_and_apps() -> None:
    assert made("localhost", origins=["http://localhost:8000"]).accepts_origin("http://localhost:8000")
    assert made("localhost", origins=["https://localhost"]).accepts_origin("https://localhost")
    app = "android:apk-key-hash:" + "A" * 43
    assert made(origins=["https://example.com", app]).accepts_origin(app)
    assert made("intranet", origins=["https://intranet"]).accepts_origin("https://intranet")


@pytest.mark.parametrize(
    ("rp_id", "advice"),
    [
        ("", "the site's domain"),
        (None, "the site's domain"),
        ("https://example.com", "the domain alone"),
        ("example.com:443", "the domain alone"),
        ("example.com/", "the domain alone"),
        ("[::1]", "the domain alone"),
        ("EXAMPLE.com", "'example.com'"),
        ("ex\u00e4mple.com", "xn--"),
        ("example.com.", "no domain"),
        ("-example.com", "no domain"),
        ("example..com", "no domain"),
        ("exa mple.com", "no domain"),
        ("example.com\n", "no domain"),
        ("x" * 64 + ".com", "no domain"),
        (".".join(["x" * 60] * 5), "no domain"),
        ("192.0.2.1", "no address"),
    ],
)
def test_rp_ids_that_are_none(rp_id: object, advice: str) -> None:
    with pytest.raises(ConfigError, match=advice):
        made(rp_id)


@pytest.mark.parametrize(
    ("origin", "advice"),
    [
        ("https://example.com/", "scheme, host and port alone"),
        ("https://example.com/login", "scheme, host and port alone"),
        ("https://example.com?x", "scheme, host and port alone"),
        ("https://user@example.com", "scheme, host and port alone"),
        ("https://*.example.com", "scheme, host and port alone"),
        ("example.com", "scheme, host and port alone"),
        ("https://example.com\n", "scheme, host and port alone"),
        ("https://example.com:0", "scheme, host and port alone"),
        ("ftp://example.com", "scheme, host and port alone"),
        ("https://example.com:443", "write https://example.com, or another port"),
        ("https://example.com:65536", "another port"),
        ("https://Example.com", "in lower case"),
        ("https://ex\u00e4mple.com", "xn--"),
        ("http://example.com", "passkeys need https"),
        ("https://example.org", "outside of the RP id"),
        ("https://xexample.com", "outside of the RP id"),
        ("https://example.com.evil.example", "outside of the RP id"),
        (b"https://example.com", "write pages like"),
        (None, "write pages like"),
    ],
)
def test_origins_that_are_none(origin: object, advice: str) -> None:
    with pytest.raises(ConfigError, match=advice):
        made(origins=[origin])


@pytest.mark.parametrize(
    ("changed", "advice"),
    [
        ({"origins": []}, "origins is empty"),
        ({"origins": "https://example.com"}, "write a list"),
        ({"origins": None}, "write a list"),
        ({"name": ""}, "what your users call the site"),
        ({"name": 7}, "what your users call the site"),
        ({"related_origins": ["https://shop.example.com"]}, "write it into origins"),
        ({"related_origins": ["android:apk-key-hash:" + "A" * 43]}, "write it into origins"),
        ({"related_origins": "https://example.de"}, "write a list"),
        ({"top_origins": "*"}, "write a list"),
        ({"top_origins": ["https://*"]}, "scheme, host and port alone"),
        ({"algorithms": []}, "is empty"),
        ({"algorithms": ["RS1"]}, "choose from ES256"),
        ({"algorithms": [-7]}, "choose from ES256"),
        ({"algorithms": [["ES256"]]}, "choose from ES256"),
        ({"algorithms": "ES256"}, "write a list"),
        ({"attestation": "always"}, "'direct'"),
        ({"user_verification": True}, "'required'"),
        ({"resident_key": "yes"}, "'preferred'"),
        ({"authenticators": {"allow": []}}, "AuthenticatorPolicy"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else None,
)
def test_other_mistakes(changed: dict[str, object], advice: str) -> None:
    with pytest.raises(ConfigError, match=advice):
        made(**changed)


def test_a_domain_of_one_label_has_no_hosts_below_it() -> None:
    with pytest.raises(ConfigError, match="one label"):
        made("com", origins=["https://example.com"])


def test_what_authenticators_say_is_asked_for_where_somebody_wants_to_know() -> None:
    anchors = Anchors.from_pem(LocalAuthority(now=1_800_000_000.0).pem)
    policy = AuthenticatorPolicy(anchors=anchors)
    assert made(authenticators=policy).attestation == "direct"
    assert made(authenticators=policy, attestation="enterprise").attestation == "enterprise"
    with pytest.raises(ConfigError, match="attestation='direct'"):
        made(authenticators=policy, attestation="none")
    lenient = AuthenticatorPolicy(anchors=anchors, require_attestation=False)
    assert made(authenticators=lenient, attestation="none").attestation == "none"


def test_it_cannot_be_changed() -> None:
    rp = made()
    with pytest.raises(AttributeError, match="cannot be changed"):
        rp.origins = frozenset({"https://evil.example"})
    with pytest.raises(AttributeError):
        rp.unheard_of = 1
    assert repr(rp) == "RelyingParty('example.com', name='Example', origins=['https://example.com'])"
