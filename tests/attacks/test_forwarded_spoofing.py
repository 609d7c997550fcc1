"""RFC 9440 section 4, CWE-290, CWE-348: who sends the header of a hop is not the hop, and nothing of it counts.

CVE-2026-35616: a service took a header of the client's before what its own server told, and compared names in a chain
that nobody had verified. CVE-2026-46579: a router passed on a client's `X-SSL-Client-*` where there was no mutual TLS.
"""

from __future__ import annotations

import base64

import pytest

from tests.attacks.forwarding import ATTACKER, CART, ELSEWHERE, HOP, LEDGER, VICTIM, behind, outcome, pct
from tests.verifiers.peers import ISSUING, NOW
from tests.web.forwarding import CASES, Case
from zerotrust.testing.authority import Issued, LocalAuthority
from zerotrust.web.peers import (
    Connection,
    FromHops,
    Hop,
    HopSecret,
    TlsPeer,
    alb_passthrough,
    alb_verify,
    azure_app_service,
    haproxy,
    nginx,
    openshift,
    rfc9440,
)

CERT, VERIFY = "x-ssl-client-cert", "x-ssl-client-verify"
certificates = pytest.mark.parametrize("case", [case for case in CASES if case.chain], ids=lambda case: case.name)


def spoof(client: Issued) -> list[tuple[str, str]]:
    return [(CERT, pct(client)), (VERIFY, "SUCCESS")]


def b64(client: Issued) -> str:
    return base64.b64encode(client.der).decode()


# --- From somebody who is no hop --------------------------------------------------------------------------------------


def test_the_header_itself_proves_nothing() -> None:
    peers = behind(nginx())
    assert outcome(peers, spoof(VICTIM)) == "ledger"  # so says the hop
    for client in (ELSEWHERE, "127.0.0.1", "::1", "10.1.2.30", "::ffff:10.1.2.3", None, "unix:"):
        assert outcome(peers, spoof(VICTIM), client=client) == "untrusted_hop"


def test_an_address_that_a_header_names_is_not_where_it_comes_from() -> None:
    """uvicorn and others put what `X-Forwarded-For` says in the place of the address, if they are let."""
    headers = [*spoof(VICTIM), ("x-forwarded-for", HOP), ("forwarded", f"for={HOP}"), ("x-real-ip", HOP)]
    assert outcome(behind(nginx()), headers, client=ELSEWHERE) == "untrusted_hop"
    assert outcome(behind(nginx()), headers, client=HOP, connection=Connection(rewritten=True)) == "untrusted_hop"


def test_beside_a_certificate_of_ones_own_on_the_connection() -> None:
    """CVE-2026-35616: the header must not win over what the server's own handshake tells; the request is refused."""
    own = Connection(ATTACKER.ders, shown=True)
    assert outcome(TlsPeer(), [], connection=own) == "cart"
    for name in (CERT, CERT.upper(), "X-SSL-CLIENT-CERT", "x_ssl_client_cert", "client-cert", VERIFY):
        assert outcome(TlsPeer(), [(name, pct(VICTIM))], connection=own) == "stray_header"
        assert outcome(TlsPeer(), [(name, "SUCCESS")], connection=Connection(shown=True)) == "stray_header"


@certificates
def test_names_in_a_chain_that_nobody_signed(case: Case) -> None:
    """CVE-2026-35616: subjects and issuers that match as text, signed by the attacker. Verified is verified again."""
    fake_root = LocalAuthority("Prod Root", now=NOW)
    forged = fake_root.intermediate("Prod Issuing").issue("workload", uris=[LEDGER], days=1)
    assert forged.certificate.issuer == ISSUING.certificate.subject
    headers = [(name, str(value)) for name, value in case.good(forged)]
    said = outcome(FromHops(Hop("edge", case.format, addresses=[HOP])), headers)
    assert said in {"chain_signature", "untrusted_chain"}


# --- Beside the real one, and where a directive was forgotten ---------------------------------------------------------


@pytest.mark.parametrize(
    "twin",
    [CERT, "X-SSL-Client-Cert", "x_ssl_client_cert", "X_SSL_CLIENT_CERT", "x-ssl_client-cert", "X-Ssl-Client-Cert"],
)
def test_beside_the_real_one(twin: str) -> None:
    """CWE-444: two spellings that one server keeps apart, and the next joins or takes for one (PEP 3333)."""
    for headers in ([*spoof(ATTACKER), (twin, pct(VICTIM))], [(twin, pct(VICTIM)), *spoof(ATTACKER)]):
        assert outcome(behind(nginx()), headers) in {"duplicate_header", "stray_header"}


@pytest.mark.parametrize("comma", [",", ", ", " ,", ",,"])
def test_joined_to_the_real_one(comma: str) -> None:
    """What gunicorn, Werkzeug and waitress make of two; wsgiref of a twin with underscores, too."""
    for joined in (f"{pct(ATTACKER)}{comma}{pct(VICTIM)}", f"{pct(VICTIM)}{comma}{pct(ATTACKER)}"):
        assert outcome(behind(nginx()), [(CERT, joined), (VERIFY, "SUCCESS")]) == "duplicate_header"
    for joined in (f":{b64(ATTACKER)}:{comma}:{b64(VICTIM)}:", f":{b64(VICTIM)}:{comma}:{b64(ATTACKER)}:"):
        assert outcome(behind(rfc9440()), [("client-cert", joined)]) == "duplicate_header"
    assert outcome(behind(nginx()), [(CERT, pct(VICTIM)), (VERIFY, f"FAILED:self{comma}SUCCESS")]) != "ledger"
    assert outcome(behind(nginx()), [(CERT, pct(VICTIM)), (VERIFY, f"SUCCESS{comma}NONE")]) == "malformed"


def test_a_place_that_forgot_one_of_two_directives() -> None:
    """nginx passes a client's header on in a `location` that does not set it: alone it does not count."""
    assert outcome(behind(nginx()), [(CERT, pct(VICTIM))]) == "malformed"
    assert outcome(behind(nginx()), [(CERT, pct(VICTIM)), (VERIFY, "NONE")]) == "malformed"
    assert outcome(behind(haproxy()), [(CERT, b64(VICTIM))]) == "malformed"


def test_a_place_that_forgot_all_of_them() -> None:
    """Then the client speaks with the hop's voice; a secret that goes with the directives tells them apart."""
    secret = "uA2-hYt8_Kc5Vd0ZpLq9XwNe3RbGs7Mj"
    kept = FromHops(Hop("edge", nginx(), addresses=[HOP], secret=HopSecret("x-hop-secret", secret)))
    assert outcome(kept, [*spoof(ATTACKER), ("x-hop-secret", secret)]) == "cart"
    assert outcome(kept, spoof(VICTIM)) == "untrusted_hop"
    assert outcome(kept, [*spoof(VICTIM), ("x-hop-secret", "a guess")]) == "untrusted_hop"


def test_where_there_was_no_mutual_tls() -> None:
    """CVE-2026-46579: a router that sets its headers only with a certificate leaves those of the client without."""
    for headers in (
        [("x-ssl-client-der", b64(VICTIM))],
        [("x-ssl-client-der", f'"{b64(VICTIM)}"')],
        [("x-ssl-client-der", b64(VICTIM)), (VERIFY, "NONE")],
        [("x-ssl-client-dn", "/CN=ledger"), (VERIFY, "0"), ("x-ssl-client-cert", pct(VICTIM))],
    ):
        assert outcome(behind(openshift()), headers) in {"malformed", "stray_header"}
    assert outcome(behind(openshift()), [("x-ssl-client-dn", "/CN=ledger"), (VERIFY, "0")]) == "not_presented"


# --- Headers of others ------------------------------------------------------------------------------------------------


def test_headers_that_the_hop_does_not_set() -> None:
    """Nothing that another part of the application may believe is let by in silence."""
    for stray in ("client-cert", "x-forwarded-client-cert", "x-client-cert", "l5d-client-id", "x-amzn-mtls-clientcert"):
        assert outcome(behind(nginx()), [*spoof(ATTACKER), (stray, pct(VICTIM))]) == "stray_header"
        assert outcome(behind(nginx()), [(stray, pct(VICTIM))]) == "stray_header"


def test_verified_and_passed_through_are_two_things() -> None:
    """A load balancer in passthrough mode has verified nothing; its header does not stand in for the other."""
    assert outcome(behind(alb_verify()), [("x-amzn-mtls-clientcert", pct(VICTIM))]) == "stray_header"
    assert outcome(behind(alb_passthrough()), [("x-amzn-mtls-clientcert-leaf", pct(VICTIM))]) == "stray_header"
    self_signed = LocalAuthority("ledger", now=NOW).issue("ledger", uris=[LEDGER], days=1)
    assert outcome(behind(alb_passthrough()), [("x-amzn-mtls-clientcert", pct(self_signed))]) == "untrusted_chain"
    assert outcome(behind(azure_app_service()), [("x-arr-clientcert", b64(self_signed))]) == "untrusted_chain"


@pytest.mark.parametrize(
    "placeholder", ["(null)", "{http.request.tls.client.certificate_der_base64}", "$ssl_client_cert", "", "-", "null"]
)
def test_what_servers_write_for_nothing(placeholder: str) -> None:
    """It stands for no certificate, and is nobody."""
    for case in CASES:
        said = outcome(FromHops(Hop("edge", case.format, addresses=[HOP])), [(case.header, placeholder)])
        assert said in {"malformed", "not_presented"}, case.name
        if placeholder:
            assert said == "malformed", case.name


def test_what_was_remembered_is_not_for_others() -> None:
    """A header that a hop has sent before proves nothing in the hands of somebody who copied it."""
    peers = behind(nginx())
    for _ in range(2):
        assert outcome(peers, spoof(VICTIM)) == "ledger"
        assert outcome(peers, spoof(VICTIM), client=ELSEWHERE) == "untrusted_hop"
        assert outcome(peers, [*spoof(VICTIM), (CERT, pct(VICTIM))]) == "duplicate_header"
        assert outcome(peers, [(CERT, pct(VICTIM)), (VERIFY, "FAILED:expired")]) == "untrusted_chain"


def test_oversize() -> None:
    """CWE-400: what is too long is not even looked at, wherever it comes from."""
    huge = "A" * 70_000
    assert outcome(behind(nginx()), [(CERT, huge), (VERIFY, "SUCCESS")]) == "too_large"
    assert outcome(behind(nginx()), [(CERT, huge), (VERIFY, "SUCCESS")], client=ELSEWHERE) == "untrusted_hop"


def test_an_honest_client_stays_itself() -> None:
    assert outcome(behind(nginx()), spoof(ATTACKER)) == "cart"
    assert outcome(behind(haproxy()), [(CERT, b64(ATTACKER)), (VERIFY, "0")]) == "cart"
    assert CART != LEDGER
