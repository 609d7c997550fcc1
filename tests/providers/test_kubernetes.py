from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.asking import (
    any_claims,
    asked,
    bearer_header,
    claims_of,
    clock,
    evidence,
    header_of,
    json_values,
    outcome,
    verdict,
)
from tests.verifiers.tokens import NOW, Web, code, found
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.core.verdict import Verdict
from zerotrust.providers.kubernetes import kubernetes, translate
from zerotrust.testing.issuer import OMIT
from zerotrust.testing.providers.kubernetes import FakeKubernetes
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.profile import Dialect

CLUSTER = FakeKubernetes(clock=clock)
URL = CLUSTER.issuer.url
LEDGER = "system:serviceaccount:payments:ledger"
UID = "1163c599-aec5-4f46-abab-1c4961e64260"


def workload(**options: Any) -> Bearer:
    return Bearer(kubernetes(URL, keys=CLUSTER.jwks(), **options), audience="ledger", name="workload")


WORKLOAD = workload()


def says(**claim: Any) -> dict[str, Any]:
    """The claim `kubernetes.io` with some of it changed; None leaves a member out."""
    good = claims_of(CLUSTER.mint())["kubernetes.io"]
    return {name: value for name, value in {**good, **claim}.items() if value is not None}


def test_a_token_is_believed() -> None:
    seen = evidence(WORKLOAD, bearer_header(CLUSTER.mint()))
    assert (seen.source, seen.subject) == (URL, LEDGER)
    named = {name: seen.claims[name] for name in ("namespace", "service_account", "service_account_uid", "pod", "node")}
    assert named == {
        "namespace": "payments",
        "service_account": "ledger",
        "service_account_uid": UID,
        "pod": "ledger-6654f79fff-85kr7",
        "node": "node-1",
    }


def test_the_fake_has_the_documented_shape() -> None:
    token = CLUSTER.mint()
    assert header_of(token) == {"alg": "RS256", "kid": CLUSTER.issuer.key().kid}
    claims = claims_of(token)
    assert claims.keys() == {"aud", "exp", "iat", "iss", "jti", "kubernetes.io", "nbf", "sub"}
    assert (claims["aud"], claims["sub"], claims["exp"] - claims["iat"]) == (["ledger"], LEDGER, 3600)
    assert claims["kubernetes.io"].keys() == {"namespace", "serviceaccount", "pod", "node"}
    assert claims_of(CLUSTER.mint(bound=False))["kubernetes.io"].keys() == {"namespace", "serviceaccount"}
    legacy = claims_of(CLUSTER.mint_legacy())
    assert legacy["iss"] == "kubernetes/serviceaccount"
    assert not legacy.keys() & {"aud", "exp", "iat", "kubernetes.io"}


def test_the_workload_by_leaves() -> None:
    headers = bearer_header(CLUSTER.mint())
    assert verdict(WORKLOAD.claim("namespace", "payments"), headers) is Verdict.YES
    assert verdict(WORKLOAD.claim("service_account", "other"), headers) is Verdict.NO
    assert verdict(WORKLOAD.subject(LEDGER), headers) is Verdict.YES
    assert verdict(WORKLOAD.has_claim("pod"), headers) is Verdict.YES
    assert verdict(WORKLOAD.has_claim("pod"), bearer_header(CLUSTER.mint(bound=False))) is Verdict.NO


@pytest.mark.parametrize(
    ("forge", "expected"),
    [
        (lambda: CLUSTER.mint(alg="EdDSA"), "algorithm"),
        (lambda: CLUSTER.issuer.forge_unsigned(CLUSTER.mint()), "algorithm"),
        (lambda: CLUSTER.issuer.forge_key_confusion(CLUSTER.mint()), "algorithm"),
        (lambda: CLUSTER.mint(header={"typ": "at+jwt"}), "wrong_type"),
        (lambda: CLUSTER.issuer.forge_foreign_key(CLUSTER.mint()), "bad_signature"),
        (lambda: CLUSTER.mint(iss="https://other.example"), "unknown_issuer"),
        (lambda: CLUSTER.mint_legacy(), "unknown_issuer"),
        (lambda: CLUSTER.mint_legacy(url=URL), "wrong_type"),
        (lambda: CLUSTER.mint_legacy(url=URL, aud=["ledger"], exp=NOW + 60, iat=NOW), "wrong_type"),
        (lambda: CLUSTER.mint(exp=OMIT), "missing_claim"),
        (lambda: CLUSTER.mint(iat=OMIT), "missing_claim"),
        (lambda: CLUSTER.mint(aud=OMIT), "missing_claim"),
        (lambda: CLUSTER.mint(audience=[URL]), "wrong_audience"),
        (lambda: CLUSTER.mint(lifetime=timedelta(days=365)), "too_long_lived"),
        (lambda: CLUSTER.mint(exp=NOW - 11, iat=NOW - 700), "expired"),
        (lambda: CLUSTER.mint(kubernetes_io=OMIT), "missing_claim"),
        (lambda: CLUSTER.mint(kubernetes_io="payments"), "wrong_claim_type"),
        (lambda: CLUSTER.mint(sub="system:serviceaccount:kube-system:ledger"), "wrong_claim"),
        (lambda: CLUSTER.mint(sub="system:serviceaccount:payments:admin"), "wrong_claim"),
        (lambda: CLUSTER.mint(sub="system:node:node-1"), "wrong_claim"),
        (lambda: CLUSTER.mint(sub=f"{LEDGER}:x"), "wrong_claim"),
        (lambda: CLUSTER.mint(sub=f"{LEDGER}\n"), "wrong_claim"),
        (lambda: CLUSTER.mint(sub="system:serviceaccount:PAYMENTS:ledger"), "wrong_claim"),
        (lambda: CLUSTER.mint(sub=OMIT), "wrong_claim"),
        (lambda: CLUSTER.mint(sub=None), "wrong_claim"),
        (lambda: CLUSTER.mint(kubernetes_io=says(namespace="kube-system")), "wrong_claim"),
        (lambda: CLUSTER.mint(kubernetes_io=says(namespace=["payments"])), "wrong_claim"),
        (lambda: CLUSTER.mint(kubernetes_io=says(serviceaccount=None)), "wrong_claim"),
        (lambda: CLUSTER.mint(kubernetes_io=says(serviceaccount={"name": "admin", "uid": UID})), "wrong_claim"),
        (lambda: CLUSTER.mint(kubernetes_io=says(serviceaccount="ledger")), "wrong_claim_type"),
        (lambda: CLUSTER.mint(kubernetes_io=says(serviceaccount={"name": "ledger", "uid": 1})), "wrong_claim_type"),
        (lambda: CLUSTER.mint(kubernetes_io=says(pod="ledger-0")), "wrong_claim_type"),
        (lambda: CLUSTER.mint(kubernetes_io=says(pod={"uid": UID})), "wrong_claim_type"),
        (lambda: CLUSTER.mint(kubernetes_io=says(pod={"name": ""})), "wrong_claim_type"),
        (lambda: CLUSTER.mint(kubernetes_io=says(node=[])), "wrong_claim_type"),
        (lambda: CLUSTER.mint(cnf={"jkt": "0" * 43}), "proof_required"),
    ],
)
def test_refusals(forge: Callable[[], str], expected: str) -> None:
    assert outcome(WORKLOAD, bearer_header(forge())) == f"rejected {expected}"


def test_namespaces() -> None:
    some = workload(namespaces={"payments", "orders"})
    assert outcome(some, bearer_header(CLUSTER.mint())) == "verified"
    assert outcome(some, bearer_header(CLUSTER.mint(namespace="default"))) == "rejected wrong_claim"
    assert outcome(workload(namespaces="orders"), bearer_header(CLUSTER.mint())) == "rejected wrong_claim"


def test_claims_in_their_places_do_not_count() -> None:
    token = CLUSTER.mint(bound=False, pod="ledger-0", node="node-1")
    assert verdict(WORKLOAD.claim("pod", "ledger-0"), bearer_header(token)) is Verdict.UNKNOWN
    own = {**claims_of(CLUSTER.mint()), "namespace": "kube-system", "service_account": "admin"}
    given_back = translate(own)
    assert not isinstance(given_back, Reason)
    assert (given_back["namespace"], given_back["service_account"]) == ("payments", "ledger")


def test_an_account_without_a_uid() -> None:
    token = CLUSTER.mint(kubernetes_io=says(serviceaccount={"name": "ledger"}))
    assert "service_account_uid" not in evidence(WORKLOAD, bearer_header(token)).claims
    planted = CLUSTER.mint(kubernetes_io=says(serviceaccount={"name": "ledger"}), service_account_uid=UID)
    assert verdict(WORKLOAD.claim("service_account_uid", UID), bearer_header(planted)) is Verdict.UNKNOWN


def test_a_longer_life_if_asked_for() -> None:
    token = CLUSTER.mint(lifetime=timedelta(days=7))
    assert outcome(workload(max_lifetime=timedelta(days=7)), bearer_header(token)) == "verified"
    with pytest.raises(ConfigError, match="max_lifetime"):
        workload(max_lifetime=timedelta(0))


def test_accounts_with_dots_and_long_names() -> None:
    for name in ("a.b-c.d", "x" * 63):
        assert outcome(WORKLOAD, bearer_header(CLUSTER.mint(service_account=name))) == "verified"
    for name in ("", ".", "a..b", "-a", "a" * 254, "A"):
        assert outcome(WORKLOAD, bearer_header(CLUSTER.mint(service_account=name))) != "verified"


def test_keys_by_metadata_or_by_address() -> None:
    metadata = {"issuer": URL, "jwks_uri": f"{URL}/openid/v1/jwks"}
    pages = {f"{URL}/.well-known/openid-configuration": metadata, f"{URL}/openid/v1/jwks": CLUSTER.jwks()}
    request = asked(bearer_header(CLUSTER.mint()))
    assert code(found(Bearer(kubernetes(URL), audience="ledger"), request, Web(pages).sources)) == "verified"
    web = Web({"https://mirror.example/jwks": CLUSTER.jwks()})
    by_address = Bearer(kubernetes(URL, jwks_uri="https://mirror.example/jwks"), audience="ledger")
    assert code(found(by_address, request, web.sources)) == "verified"
    elsewhere = Web({"https://mirror.example/metadata": metadata, f"{URL}/openid/v1/jwks": CLUSTER.jwks()})
    by_metadata = Bearer(kubernetes(URL, metadata="https://mirror.example/metadata"), audience="ledger")
    assert code(found(by_metadata, request, elsewhere.sources)) == "verified"


@pytest.mark.parametrize("namespaces", [[], "Payments", ["payments", ""], ["a/b"], ["payments\n"], 1])
def test_names_of_namespaces(namespaces: Any) -> None:
    with pytest.raises(ConfigError, match="namespaces"):
        kubernetes(URL, namespaces=namespaces)


def test_nobody_is_sent_to_sign_in() -> None:
    assert kubernetes(URL).profile.dialect is Dialect.NONE


# --- Totality ---------------------------------------------------------------------------------------------------------

_good = claims_of(CLUSTER.mint())
_parts = st.fixed_dictionaries(
    {},
    optional={
        name: json_values
        | st.just(value)
        | st.fixed_dictionaries({}, optional={"name": json_values, "uid": json_values})
        for name, value in _good["kubernetes.io"].items()
    },
)


@given(
    any_claims("sub", "kubernetes.io", "pod", "kubernetes.io/serviceaccount/namespace", good=_good)
    | _parts.map(lambda part: {"sub": LEDGER, "kubernetes.io": part})
)
def test_translate_takes_any_claims(claims: dict[str, Any]) -> None:
    for namespaces in (None, frozenset({"payments"})):
        given_back = translate(claims, namespaces=namespaces)
        if not isinstance(given_back, Reason):
            assert f"system:serviceaccount:{given_back['namespace']}:{given_back['service_account']}" == claims["sub"]


@pytest.mark.parametrize("length", [10, 100_000])
def test_a_long_subject_is_refused_at_once(length: int) -> None:
    for tail in ("a.", "a-", "a:", "-"):
        assert isinstance(translate({**_good, "sub": "system:serviceaccount:a:" + tail * length}), Reason)
