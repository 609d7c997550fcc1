"""Issuers that are described wrongly fail where they are written, and say what to write instead."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import pytest

from tests.verifiers.tokens import ISSUER, URL, bearer, evidence, jwks, mint, outcome, request
from tests.wire.signing import b64, signer
from zerotrust.core.errors import ConfigError
from zerotrust.engine import decide
from zerotrust.verifiers.issuer import PUBLIC_KEY_ALGORITHMS, Issuer
from zerotrust.wire.jwk import KeySet
from zerotrust.wire.url import check_url

SHARED = signer("HS256")


# --- URLs ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "url",
    [
        "https://issuer.example",
        "https://issuer.example/",
        "https://issuer.example:8443/realms/a",
        "https://[2001:db8::1]/a",
        "http://127.0.0.1:8080",
        "http://[::1]:8080/a",
        "http://localhost",
        "http://LOCALHOST:1",
    ],
)
def test_urls_that_may_be_fetched(url: str) -> None:
    assert check_url(url, "an issuer") == url
    assert Issuer(url).url == url


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("", "absolute URL"),
        ("issuer.example", "absolute URL"),
        ("//issuer.example", "absolute URL"),
        ("https://", "absolute URL"),
        ("https:///path", "absolute URL"),
        ("https://user@issuer.example", "absolute URL"),
        ("https://user:password@issuer.example", "absolute URL"),
        ("https://@issuer.example", "absolute URL"),
        ("https://issuer.example/#a", "absolute URL"),
        ("https://issuer.example:0", "absolute URL"),
        ("https://issuer.example:99999", "absolute URL"),
        ("https://issuer.example:a", "absolute URL"),
        ("https://[::1", "absolute URL"),
        ("http://issuer.example", "absolute URL"),
        ("http://127.0.0.1.evil.example", "absolute URL"),
        ("http://localhost.evil.example", "absolute URL"),
        ("http://10.0.0.1", "absolute URL"),
        ("http://0.0.0.0", "absolute URL"),
        ("ftp://issuer.example", "absolute URL"),
        ("file:///etc/passwd", "absolute URL"),
        ("javascript://issuer.example", "absolute URL"),
        ("https://issuer..example", "absolute URL"),
        ("https://-issuer.example", "absolute URL"),
        ("HTTPS://issuer.example", "absolute URL"),
        ("https://issuer.example/" + "a" * 2048, "absolute URL"),
        ("https://issuer.example/a b", "absolute URL"),
        (" https://issuer.example", "absolute URL"),
        ("https://issuer.example\n", "absolute URL"),
        ("https://issuer.example\t", "absolute URL"),
        ("https://\u0131ssuer.example", "absolute URL"),
        (None, "absolute URL"),
        (b"https://issuer.example", "absolute URL"),
        (5, "absolute URL"),
    ],
)
def test_urls_that_may_not(url: object, advice: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Issuer(url)  # type: ignore[arg-type]
    assert advice in str(caught.value)
    assert "password" not in str(caught.value)
    assert repr(url) in str(caught.value) or "@" in str(url)
    for place in ("jwks_uri", "metadata"):
        if url is None:
            continue
        with pytest.raises(ConfigError, match=f"^{place} is "):
            Issuer(URL, **cast("dict[str, Any]", {place: url}))


def test_a_mistake_in_a_url_is_told_as_one() -> None:
    def told(**options: Any) -> str:
        with pytest.raises(ConfigError) as caught:
            Issuer(**{"url": URL, **options})
        assert "source" not in str(caught.value)
        assert ": : " not in str(caught.value)
        return str(caught.value)

    assert told(url="login.example.com") == (
        "an issuer is 'login.example.com': not an absolute https URL with a plain host and no user information. Write "
        "an absolute URL such as https://login.example.com; plain http is for loopback only"
    )
    assert "'http://a.example': a.example (expected https, presented http). Write" in told(url="http://a.example")
    assert "(expected a URL of at most 2048 characters, presented 3008). Write" in told(url="https://" + "a" * 3000)
    assert "such as https://login.example.com/jwks;" in told(jwks_uri="jwks")
    assert "such as https://login.example.com/.well-known/openid-configuration;" in told(metadata="metadata")


@pytest.mark.parametrize(
    "path", ["jwks.json", "/etc/keys/jwks.json", "./keys.pem", "~/keys", "C:\\keys\\jwks.json", Path("jwks.json")]
)
def test_a_path_is_no_key(path: Any) -> None:
    with pytest.raises(ConfigError, match=r"JWK Set.*give the content.*read_text\(\)") as caught:
        Issuer(URL, keys=path)
    assert "jwks.json" not in str(caught.value)


def test_an_issuer_identifier_has_no_query() -> None:
    # RFC 8414 section 2; where keys are may well have one.
    with pytest.raises(ConfigError, match="no query"):
        Issuer("https://issuer.example/?tenant=a")
    assert Issuer(URL, jwks_uri="https://issuer.example/jwks?tenant=a").jwks_uri


# --- Keys ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "keys",
    [
        jwks(ISSUER),
        MappingProxyType(jwks(ISSUER)),
        json.dumps(jwks(ISSUER)),
        json.dumps(jwks(ISSUER)).encode(),
        ISSUER.keys(),
    ],
    ids=["dict", "mapping", "text", "bytes", "KeySet"],
)
def test_keys_in_every_form(keys: KeySet | str | bytes | dict[str, object]) -> None:
    issuer = Issuer(URL, keys=keys)
    assert issuer.static is not None
    assert [key.kid for key in issuer.static] == ["key-1"]
    assert outcome(bearer(issuer), mint()) == "verified"


@pytest.mark.parametrize(
    "keys",
    [
        "",
        b"",
        "{}",
        "[]",
        "-----BEGIN PUBLIC KEY-----",
        {},
        {"keys": "key"},
        {"keys": ["key"]},
        {"keys": {1, 2}},
        {"keys": [MappingProxyType(ISSUER.jwk)]},
        {"keys": [ISSUER.jwk, ISSUER.jwk]},
        {"keys": [{**ISSUER.jwk, "d": b64(b"x" * 32)}]},
        {"keys": [ISSUER.jwk, SHARED.jwk]},
        {"keys": [float("nan")]},
        '{"keys":["\ud800"]}',
        [ISSUER.jwk],
        ISSUER.jwk,
        5,
        object(),
        bytearray(b"{}"),
    ],
    ids=range(20),
)
def test_keys_that_are_not_a_key_set(keys: object) -> None:
    with pytest.raises(ConfigError, match="JWK Set") as caught:
        Issuer(URL, keys=keys)  # type: ignore[arg-type]
    assert b64(b"x" * 32) not in str(caught.value)


@pytest.mark.parametrize("keys", [jwks(ISSUER), ISSUER.keys()], ids=["dict", "KeySet"])
def test_keys_that_verify_none_of_the_algorithms(keys: KeySet | dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="no key verifies any of ES384, RS256"):
        Issuer(URL, keys=keys, algorithms={"RS256", "ES384"})


@pytest.mark.parametrize("keys", [{"keys": []}, KeySet(())], ids=["dict", "KeySet"])
def test_a_set_without_keys(keys: KeySet | dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="no key verifies any of"):
        Issuer(URL, keys=keys)


def test_keys_set_aside_are_named() -> None:
    unfit = {**ISSUER.jwk, "use": "enc"}
    with pytest.raises(ConfigError, match=r"set aside: key-1: .*its use is not sig"):
        Issuer(URL, keys={"keys": [unfit]})
    # One unfit key does not silence the others.
    other = signer("ES256", kid="other")
    issuer = Issuer(URL, keys={"keys": [unfit, other.jwk]})
    assert outcome(bearer(issuer), mint(other)) == "verified"
    assert outcome(bearer(issuer), mint()) == "rejected unsuitable_key"


def test_one_place_for_keys() -> None:
    pairs: list[dict[str, Any]] = [
        {"keys": jwks(ISSUER), "jwks_uri": URL},
        {"keys": jwks(ISSUER), "metadata": URL},
        {"jwks_uri": URL, "metadata": URL},
    ]
    for pair in pairs:
        with pytest.raises(ConfigError, match="give one of keys, jwks_uri and metadata"):
            Issuer(URL, **pair)


# --- Algorithms ------------------------------------------------------------------------------------------------------
def test_algorithms_by_default() -> None:
    assert Issuer(URL).algorithms == PUBLIC_KEY_ALGORITHMS
    assert not any(name.startswith("HS") or name == "none" for name in PUBLIC_KEY_ALGORITHMS)


@pytest.mark.parametrize(
    ("algorithms", "advice"),
    [
        ("ES256", r'write {"ES256"}, not "ES256"'),
        ([], "none at all cannot be pinned"),
        (["none"], "none cannot be pinned"),
        (["ES256", "es256"], "es256 cannot be pinned"),
        (["HS256", "ES256"], "mixes HMAC with signatures"),
        (5, "a collection of names"),
        (None, "a collection of names"),
        ([1], "a collection of names"),
        ([["ES256"]], "a collection of names"),
        ([""], "a collection of names"),
    ],
    ids=str,
)
def test_algorithms_that_cannot_be_pinned(algorithms: object, advice: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Issuer(URL, keys=jwks(ISSUER), algorithms=cast("Any", algorithms))
    assert advice in str(caught.value)


@pytest.mark.parametrize("algorithms", [{"ES256"}, ["ES256"], ("ES256", "ES256"), frozenset({"ES256"})])
def test_algorithms_in_any_collection(algorithms: set[str]) -> None:
    assert Issuer(URL, algorithms=algorithms).algorithms == {"ES256"}


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_shared_secrets(alg: str) -> None:
    shared = signer(alg)
    verifier = bearer(Issuer(URL, keys=jwks(shared), algorithms={alg}))
    assert outcome(verifier, mint(shared)) == "verified"
    assert outcome(verifier, mint(shared, header={"alg": "HS999"})) == "rejected algorithm"
    assert outcome(verifier, mint()) == "rejected algorithm"
    assert str(shared.jwk["k"]) not in repr(verifier.issuers)


def test_a_shared_secret_is_never_fetched() -> None:
    places: list[dict[str, Any]] = [{}, {"jwks_uri": URL + "/jwks"}, {"metadata": URL + "/metadata"}]
    for place in places:
        with pytest.raises(ConfigError, match="a shared secret is never fetched; give keys="):
            Issuer(URL, algorithms={"HS256"}, **place)


@pytest.mark.parametrize("as_set", [True, False])
def test_shared_secrets_have_to_be_asked_for(as_set: bool) -> None:
    keys = SHARED.keys() if as_set else jwks(SHARED)
    with pytest.raises(ConfigError, match=r"keys are expected|no key verifies"):
        Issuer(URL, keys=keys)
    with pytest.raises(ConfigError, match=r"keys are expected|no key verifies"):
        Issuer(URL, keys=ISSUER.keys() if as_set else jwks(ISSUER), algorithms={"HS256"})


# --- What is left out when empty -------------------------------------------------------------------------------------
def test_claims_that_are_left_out_when_empty() -> None:
    plain = bearer()
    silent = bearer(Issuer(URL, keys=jwks(ISSUER), absent_is_empty={"roles", "groups", "scope", "amr", "teams"}))
    said = evidence(plain, mint())
    assert (said.scope, said.amr, said.roles, said.groups, said.claims.get("teams")) == (None,) * 5
    said = evidence(silent, mint())
    assert (said.scope, said.amr, said.roles, said.groups) == (frozenset(),) * 4
    assert said.claims["teams"] == []
    said = evidence(silent, mint(scope="pay", amr=["otp"], roles=["staff"], teams=None))
    assert (said.scope, said.amr, said.roles) == (frozenset({"pay"}), frozenset({"otp"}), frozenset({"staff"}))
    assert said.claims["teams"] is None


@pytest.mark.parametrize("elsewhere", [{"groups": "src1"}, "groups", ["groups"], None])
def test_what_is_kept_elsewhere_is_not_empty(elsewhere: object) -> None:
    # OpenID Connect Core section 5.6.2: Entra ID sends groups so when there are too many of them.
    verifier = bearer(Issuer(URL, keys=jwks(ISSUER), absent_is_empty={"groups"}))
    token = mint(_claim_names=elsewhere)
    assert evidence(verifier, token).groups is None
    assert not decide(~verifier.group("contractors"), request(token))
    assert decide(~verifier.group("contractors"), request(mint(_claim_names={"address": "src1"})))


@pytest.mark.parametrize(
    "name", ["iss", "sub", "aud", "exp", "iat", "nbf", "auth_time", "acr", "client_id", "jti", "cnf"]
)
def test_claims_that_are_no_lists_cannot_be_empty_lists(name: str) -> None:
    with pytest.raises(ConfigError, match=f"absent_is_empty: {name} is no list"):
        Issuer(URL, keys=jwks(ISSUER), absent_is_empty={"roles", name})


@pytest.mark.parametrize("names", ["roles", 5, [5], [""], None])
def test_absent_is_empty_takes_names(names: object) -> None:
    with pytest.raises(ConfigError, match="a collection of names"):
        Issuer(URL, absent_is_empty=cast("Any", names))


# --- What shows ------------------------------------------------------------------------------------------------------
def test_an_issuer_shows_its_addresses_and_no_keys() -> None:
    shown = repr(Issuer(URL, keys=jwks(SHARED), algorithms={"HS256"}))
    assert URL in shown
    assert str(SHARED.jwk["k"]) not in shown
    assert repr(Issuer(URL, jwks_uri=URL + "/jwks")) == f"Issuer(url='{URL}', jwks_uri='{URL}/jwks', metadata=None)"
