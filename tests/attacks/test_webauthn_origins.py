"""WebAuthn Level 3 sections 7.1 and 7.2 against pages that are nearly the right one: both ceremonies refuse them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factors.passkeys import CHALLENGE, OPTIONS, authenticator, code, made, party, register, use
from zerotrust.core.reason import Reason
from zerotrust.factors.relying_party import UNSAFE_ANY_TOP_ORIGIN, RelyingParty
from zerotrust.testing.authenticator import ASSERTION_FAULTS, FAULTS, LocalAuthenticator


def both(rp: RelyingParty | None = None, **behaviour: Any) -> set[str]:
    """What both ceremonies say to an authenticator that behaves like this."""
    signer = authenticator().but(**behaviour)
    given: dict[str, Any] = {} if rp is None else {"rp": rp}
    return {
        code(register(signer.create(OPTIONS), **given)),
        code(use(authenticator().but(**behaviour).get(OPTIONS), **given)),
    }


ORIGINS = [
    # Suffix and prefix: what `in`, `startswith` and `endswith` would let pass.
    "https://example.com.evil.example", "https://evil-example.com", "https://evilexample.com", "https://example.co",
    "https://example.comevil", "https://evil.example/https://example.com", "https://evil.example#https://example.com",
    "https://evil.example?https://example.com", "https://example.com@evil.example", "https://example.com:443@evil.example",
    "https://evil.example\\@example.com", "https://example.com%2eevil.example", "https://example.com\u3002evil.example",
    # Hosts below the RP id that nobody listed.
    "https://www.example.com", "https://user-content.example.com", "https://shop.example.com",
    # Schemes.
    "http://example.com", "HTTPS://example.com", "https:example.com", "//example.com", "example.com", "file://",
    "chrome-extension://example.com",
    "wss://example.com", "javascript://example.com", "android:apk-key-hash:example.com",
    "null", "",
    # Ports.
    "https://example.com:443", "https://example.com:8443", "https://example.com:", "https://example.com:0443",
    "https://shop.example.com:8444", "https://shop.example.com:08443", "https://shop.example.com",
    # Case, names in other scripts, and what some parsers trim.
    "https://EXAMPLE.com", "https://Example.Com", "https://ex\u0430mple.com", "https://\uff45xample.com",
    "https://xn--xample-9uf.com", "https://example.com.", "https://example.com/", "https://example.com ",
    " https://example.com", "https://example.com\n", "https://example.com\x00", "https://example.com\u200b",
    "https://exam\u00adple.com", "https://example\u2024com",
]  # fmt: skip


@pytest.mark.parametrize("origin", ORIGINS, ids=ascii)
def test_section_13_4_9_origins_that_are_nearly_the_right_one(origin: str) -> None:
    assert both(origin=origin) == {"wrong_origin"}


def test_section_5_11_related_origins_are_exact_too() -> None:
    rp = party(related_origins=["https://example.de"])
    assert both(rp, origin="https://example.de") == {"accepted"}
    for other in (
        "https://www.example.de",
        "http://example.de",
        "https://example.de.evil.example",
        "https://example.at",
    ):
        assert both(rp, origin=other) == {"wrong_origin"}
    assert both(origin="https://example.de") == {"wrong_origin"}


def test_a_document_at_another_rp_s_address_says_nothing_here() -> None:
    """Which origins are related is what is configured here, and never what a page says."""
    extra = {"relatedOrigins": ["https://evil.example"], "origins": ["https://evil.example"]}
    assert both(origin="https://evil.example", client_data=extra) == {"wrong_origin"}


@pytest.mark.parametrize(
    ("framed", "refused"),
    [
        ({"cross_origin": True}, "cross_origin"),
        ({"cross_origin": True, "top_origin": "https://evil.example"}, "cross_origin"),
        ({"cross_origin": True, "top_origin": "https://example.com"}, "cross_origin"),
        ({"top_origin": "https://evil.example"}, "cross_origin"),
        ({"client_data": {"crossOrigin": "false"}}, "malformed"),
        ({"client_data": {"crossOrigin": 1}}, "malformed"),
        ({"client_data": {"crossOrigin": None}}, "malformed"),
        ({"cross_origin": True, "client_data": {"topOrigin": ["https://evil.example"]}}, "malformed"),
    ],
    ids=str,
)
def test_pages_inside_other_sites_pages(framed: dict[str, Any], refused: str) -> None:
    assert both(**framed) == {refused}


def test_frames_are_accepted_inside_the_pages_named_alone() -> None:
    rp = party(top_origins=["https://portal.example"])
    assert both(rp, cross_origin=True, top_origin="https://portal.example") == {"accepted"}
    assert both(rp) == {"accepted"}
    for top in ("https://portal.example.evil.example", "http://portal.example", "https://PORTAL.example", "", None):
        assert both(rp, cross_origin=True, top_origin=top) == {"cross_origin"}
    # It names a page that it says it is not in.
    assert both(rp, cross_origin=False, top_origin="https://portal.example") == {"cross_origin"}
    # What may frame a page may not use its passkeys.
    assert both(rp, origin="https://portal.example") == {"wrong_origin"}


def test_who_allows_any_frame_still_asks_for_the_origin() -> None:
    rp = party(top_origins=[UNSAFE_ANY_TOP_ORIGIN])
    assert both(rp, cross_origin=True) == {"accepted"}
    assert both(rp, cross_origin=True, origin="https://evil.example") == {"wrong_origin"}
    assert both(rp, origin=UNSAFE_ANY_TOP_ORIGIN) == {"wrong_origin"}


@pytest.mark.parametrize(
    "rp_id", ["example.org", "www.example.com", "com", "EXAMPLE.com", "example.com.", "https://example.com", ""]
)
def test_section_6_1_rp_id_hashes_of_others(rp_id: str) -> None:
    assert both(rp_id=rp_id) == {"wrong_rp_id"}


def test_section_10_1_1_the_appid_of_u2f_is_no_rp_id() -> None:
    assert both(rp_id="https://example.com/app-id.json") == {"wrong_rp_id"}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_of_the_local_authenticator_is_refused(fault: str) -> None:
    signer = authenticator().wrong(fault)
    assert isinstance(use(signer.get(OPTIONS)), Reason)
    assert isinstance(register(signer.create(OPTIONS)), Reason)


@pytest.mark.parametrize("fault", ASSERTION_FAULTS)
def test_every_fault_of_its_assertions_is_refused(fault: str) -> None:
    assert code(use(authenticator().wrong(fault).get(OPTIONS))) == "bad_signature"


def test_an_assertion_for_another_site_with_the_same_challenge_is_no_use_here() -> None:
    """A phishing page relays the challenge: the browser writes down where it was answered."""
    relayed = LocalAuthenticator("evil.example", "https://evil.example")
    relayed.create(OPTIONS)
    assert code(use(relayed.get(OPTIONS), made(LocalAuthenticator()))) == "wrong_credential"
    assert (
        code(use(authenticator().but(origin="https://evil.example").get(OPTIONS), challenge=CHALLENGE))
        == "wrong_origin"
    )
