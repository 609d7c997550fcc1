"""What the peer is: its tokens are genuine to a third party, and its controls do what the other tests rely on."""

from __future__ import annotations

import jwt
import pytest

from tests.e2e.servers import ALGORITHMS, LEDGER, METADATA, PAYMENTS, Provider, install_provider

pytestmark = pytest.mark.e2e


def kids(provider: Provider) -> list[str]:
    return [key["kid"] for key in provider.get("/jwks").json()["keys"]]


@pytest.mark.parametrize("variable", [("CI", "true"), ("ZEROTRUST_REQUIRE", "1"), None])
def test_without_node_a_developer_skips_and_ci_fails(
    monkeypatch: pytest.MonkeyPatch, variable: tuple[str, str] | None
) -> None:
    for name in ("CI", "ZEROTRUST_REQUIRE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")
    if variable is not None:
        monkeypatch.setenv(*variable)
    with pytest.raises(pytest.skip.Exception if variable is None else pytest.fail.Exception, match="node and npm"):
        install_provider()


def test_it_describes_itself(provider: Provider) -> None:
    metadata = provider.get(METADATA).json()
    assert metadata["issuer"] == provider.issuer
    assert metadata["jwks_uri"] == f"{provider.issuer}/jwks"


# PyJWT does not know `Ed25519`, the name that RFC 9864 gives to what it verifies as EdDSA.
@pytest.mark.parametrize("algorithm", [name for name in ALGORITHMS if name != "Ed25519"])
def test_its_tokens_are_genuine_to_a_third_party(provider: Provider, algorithm: str) -> None:
    token = provider.token(f"machine-{algorithm}")
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["typ"]) == (algorithm, "at+jwt")
    keys = jwt.PyJWKSet.from_dict(provider.get("/jwks").json())
    claims = jwt.decode(
        token,
        keys[header["kid"]],
        algorithms=[algorithm],
        audience=PAYMENTS,
        issuer=provider.issuer,
    )
    assert claims["client_id"] == claims["sub"] == f"machine-{algorithm}"
    assert claims["scope"] == "pay"


def test_it_signs_under_the_name_of_rfc_9864(provider: Provider) -> None:
    header = jwt.get_unverified_header(provider.token("machine-Ed25519"))
    assert header["alg"] == "Ed25519"


def test_a_token_is_for_the_resource_that_was_asked_for(provider: Provider) -> None:
    claims = jwt.decode(provider.token(resource=LEDGER), options={"verify_signature": False})
    assert claims["aud"] == LEDGER


def test_a_person_gets_an_access_token_and_an_id_token(provider: Provider) -> None:
    tokens = provider.sign_in("mia")
    access = jwt.decode(tokens.access, options={"verify_signature": False})
    identity = jwt.decode(tokens.identity, options={"verify_signature": False})
    assert (access["sub"], access["aud"], access["acr"]) == ("mia", PAYMENTS, "urn:example:loa:2")
    assert (identity["sub"], identity["aud"]) == ("mia", "counter")
    assert "typ" not in jwt.get_unverified_header(tokens.identity)


def test_rotation_keeps_the_previous_keys_until_they_are_retired(own_provider: Provider) -> None:
    first = kids(own_provider)
    assert jwt.get_unverified_header(own_provider.token())["kid"] in first
    own_provider.rotate()
    both = kids(own_provider)
    assert set(first) < set(both)
    own_provider.retire()
    second = kids(own_provider)
    assert set(both) == {*first, *second}
    assert set(first).isdisjoint(second)
    assert jwt.get_unverified_header(own_provider.token())["kid"] in second
    assert own_provider.key_set_reads == 3
