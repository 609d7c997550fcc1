"""Keys that are fetched: OpenID Connect Discovery section 4, RFC 8414 section 3, RFC 7517 section 5."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tests.verifiers.tokens import (
    ISSUER,
    JWKS,
    METADATA,
    NOW,
    URL,
    Web,
    bearer,
    code,
    drive,
    jwks,
    mint,
    outcome,
    page,
    published,
    request,
)
from tests.wire.signing import b64, compact_json, signer
from zerotrust.core.ask import Document, Fetch, Gather, SourceFailed
from zerotrust.core.finding import Finding, Rejected, Unavailable, Verified
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.driver import Sources
from zerotrust.engine import decide
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.token_evidence import TokenEvidence

OTHER = signer("ES256", kid="key-2")
GOOD_METADATA = {"issuer": URL, "jwks_uri": JWKS}
NEVER = float("-inf")


def discovering(**options: object) -> Bearer:
    return bearer(Issuer(URL, **options))  # type: ignore[arg-type]


def steps(verifier: Bearer, token: str) -> Gather[Finding[TokenEvidence]]:
    found = verifier.find(request(token))
    assert not isinstance(found, Verified | Rejected | Unavailable)
    assert hasattr(found, "send")
    return found  # type: ignore[return-value]


# --- What is asked, and in which order -------------------------------------------------------------------------------
def test_metadata_then_keys() -> None:
    asked, finding = drive(steps(discovering(), mint()), [page(METADATA, GOOD_METADATA), page(JWKS, jwks(ISSUER))])
    assert code(finding) == "verified"
    assert asked == [
        Fetch(METADATA, NOW, limit=128 * 1024, unusable=asked[0].unusable),
        Fetch(JWKS, NOW, NEVER, unusable=asked[1].unusable),
    ]


def test_what_may_not_take_the_place_of_good_documents() -> None:
    asked, _ = drive(steps(discovering(), mint()), [page(METADATA, GOOD_METADATA), page(JWKS, jwks(ISSUER))])
    of_metadata, of_keys = (fetch.unusable for fetch in asked)
    assert of_metadata is not None
    assert of_keys is not None
    assert of_metadata(json.dumps(GOOD_METADATA).encode()) is None
    assert of_metadata(json.dumps({**GOOD_METADATA, "issuer": "https://other.example"}).encode()) is not None
    assert of_metadata(b"{}") is not None
    assert of_keys(json.dumps(jwks(ISSUER)).encode()) is None
    assert of_keys(b'{"keys": []}') is None
    for useless in (b"{}", b'{"keys": null}', json.dumps({"keys": [ISSUER.jwk, ISSUER.jwk]}).encode(), b"\xff"):
        assert of_keys(useless) is not None
    # Keys that are given away must not leave the ones before them in place.
    assert of_keys(json.dumps({"keys": [{**ISSUER.jwk, "d": "AQ"}]}).encode()) is None
    # Equal questions share an answer, also those of later decisions.
    again, _ = drive(steps(discovering(), mint()), [page(METADATA, GOOD_METADATA), page(JWKS, jwks(ISSUER))])
    assert again[1] == asked[1]


def test_keys_at_a_known_place() -> None:
    asked, finding = drive(steps(discovering(jwks_uri=JWKS), mint()), [page(JWKS, jwks(ISSUER))])
    assert code(finding) == "verified"
    assert [fetch.url for fetch in asked] == [JWKS]


def test_metadata_at_a_known_place() -> None:
    place = URL + "/.well-known/oauth-authorization-server"
    asked, finding = drive(
        steps(discovering(metadata=place), mint()), [page(place, GOOD_METADATA), page(JWKS, jwks(ISSUER))]
    )
    assert code(finding) == "verified"
    assert [fetch.url for fetch in asked] == [place, JWKS]


def test_an_issuer_that_ends_with_a_slash() -> None:
    url = URL + "/"
    web = published(url=url)
    assert outcome(bearer(Issuer(url)), mint(iss=url), sources=web.sources) == "verified"
    assert web.urls == [METADATA, JWKS]
    assert outcome(bearer(Issuer(url)), mint(iss=URL), sources=web.sources) == "rejected unknown_issuer"


def test_keys_may_live_on_another_host() -> None:
    web = Web(
        {METADATA: {**GOOD_METADATA, "jwks_uri": "https://keys.example/a"}, "https://keys.example/a": jwks(ISSUER)}
    )
    assert outcome(discovering(), mint(), sources=web.sources) == "verified"


def test_http_on_loopback_for_development() -> None:
    url = "http://127.0.0.1:9000"
    assert outcome(bearer(Issuer(url)), mint(iss=url), sources=published(url=url).sources) == "verified"


@pytest.mark.parametrize("token", ["a.b.c", "", "x", mint(iss="https://evil.example"), mint(iss=None), mint(iss=5)])
def test_what_names_no_known_issuer_costs_no_fetch(token: str) -> None:
    web = published()
    assert outcome(discovering(), token, sources=web.sources).startswith("rejected")
    assert web.asked == []


# --- Metadata --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "issuer", [URL + "/", URL.upper(), "https://evil.example", "", None, 5, [URL], {"url": URL}, URL + "#"]
)
def test_openid_discovery_section_4_3_metadata_of_another_issuer(issuer: object) -> None:
    web = Web({METADATA: {**GOOD_METADATA, "issuer": issuer}, JWKS: jwks(ISSUER)})
    assert outcome(discovering(), mint(), sources=web.sources) == "unavailable source_refused"
    assert web.urls == [METADATA]


@pytest.mark.parametrize(
    "metadata",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b'"https://issuer.example"',
        b"{}",
        compact_json({"jwks_uri": JWKS}),
        compact_json(GOOD_METADATA)[:-1] + b',"jwks_uri":"https://evil.example"}',
        compact_json(GOOD_METADATA)[:-1] + b',"x":NaN}',
        b"\xff" + compact_json(GOOD_METADATA),
        compact_json({**GOOD_METADATA, "x": "x" * 128 * 1024}),
        b"[" * 100_000,
    ],
    ids=range(12),
)
def test_metadata_that_cannot_be_read(metadata: bytes) -> None:
    web = Web({METADATA: metadata, JWKS: jwks(ISSUER)})
    assert outcome(discovering(), mint(), sources=web.sources) == "unavailable source_refused"
    assert web.urls == [METADATA]


@pytest.mark.parametrize(
    "jwks_uri",
    [
        None,
        "",
        5,
        True,
        [JWKS],
        "/jwks",
        "http://issuer.example/jwks",
        "https://user:password@issuer.example/jwks",
        "file:///etc/passwd",
        "https://issuer.example/jwks#a",
        "https://issuer.example\n/jwks",
        "gopher://issuer.example",
        "data:application/json,{}",
    ],
)
def test_metadata_that_sends_elsewhere(jwks_uri: object) -> None:
    web = Web({METADATA: {**GOOD_METADATA, "jwks_uri": jwks_uri}})
    assert outcome(discovering(), mint(), sources=web.sources) == "unavailable source_refused"
    assert web.urls == [METADATA]


@pytest.mark.parametrize("jwks_uri", ["http://127.0.0.1:9000/jwks", "http://localhost/jwks", "HTTP://[::1]/jwks"])
def test_metadata_over_https_does_not_hand_over_to_plain_http(jwks_uri: str) -> None:
    web = Web({METADATA: {**GOOD_METADATA, "jwks_uri": jwks_uri}, jwks_uri: jwks(ISSUER)})
    assert outcome(discovering(), mint(), sources=web.sources) == "unavailable source_refused"
    assert web.urls == [METADATA]


@pytest.mark.parametrize("member", ["issuer", "jwks_uri"])
def test_reasons_stay_short_whatever_was_served(member: str) -> None:
    web = Web({METADATA: {**GOOD_METADATA, member: "x" * 100_000}})
    decision = decide(discovering().valid, request(mint()), web.sources)
    assert len(str(decision)) < 2000


# --- Keys ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "keys",
    [
        b"",
        b"<html>",
        b"{}",
        b"[]",
        b'{"keys":{}}',
        b'{"keys":[1]}',
        compact_json({"keys": [ISSUER.jwk] * 2}),
        compact_json({"keys": [{**ISSUER.jwk, "kid": str(number)} for number in range(101)]}),
        compact_json({"keys": [ISSUER.jwk, {**OTHER.jwk, "d": b64(b"d" * 32)}]}),
        compact_json(jwks(ISSUER, signer("HS256", kid="shared"))),
        compact_json(jwks(signer("HS256"))),
        compact_json({**jwks(ISSUER), "x": "x" * 512 * 1024}),
    ],
    ids=range(12),
)
def test_key_sets_that_are_refused_whole(keys: bytes) -> None:
    web = Web({METADATA: GOOD_METADATA, JWKS: keys})
    finding_code = outcome(discovering(), mint(), sources=web.sources)
    assert finding_code == "unavailable source_refused"
    assert web.urls == [METADATA, JWKS]


def test_an_empty_key_set_is_an_answer() -> None:
    web = published()
    web.publish(JWKS, {"keys": []})
    assert outcome(discovering(), mint(), sources=web.sources) == "rejected unknown_key"


# --- Unknown and unfit keys ------------------------------------------------------------------------------------------
def test_an_unknown_kid_causes_one_more_fetch_that_finds_it() -> None:
    old, new = page(JWKS, jwks(ISSUER), NOW - 60), page(JWKS, jwks(ISSUER, OTHER), NOW)
    metadata = page(METADATA, GOOD_METADATA)
    asked, finding = drive(steps(discovering(), mint(OTHER)), [metadata, old, metadata, new])
    assert code(finding) == "verified"
    assert [(fetch.url, fetch.newer_than) for fetch in asked] == [
        (METADATA, NEVER),
        (JWKS, NEVER),
        (METADATA, NEVER),
        (JWKS, NOW - 60),
    ]


@pytest.mark.parametrize("newer", [True, False])
def test_an_unknown_kid_that_stays_unknown(newer: bool) -> None:
    old = page(JWKS, jwks(ISSUER), NOW - 60)
    again = page(JWKS, jwks(ISSUER), NOW) if newer else old
    asked, finding = drive(steps(discovering(jwks_uri=JWKS), mint(OTHER)), [old, again])
    assert code(finding) == "rejected unknown_key"
    assert [fetch.newer_than for fetch in asked] == [NEVER, NOW - 60]


def test_an_outage_while_an_unknown_kid_is_looked_for() -> None:
    gather = steps(discovering(jwks_uri=JWKS), mint(OTHER))
    with pytest.raises(SourceFailed):
        drive(gather, [page(JWKS, jwks(ISSUER)), SourceFailed(SOURCE_DOWN())])


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (mint(header={"alg": "RS256"}), "rejected unsuitable_key"),
        (mint()[:-4] + "AAAA", "rejected bad_signature"),
        (mint(exp=NOW - 60), "rejected expired"),
        (mint(aud="ledger"), "rejected wrong_audience"),
    ],
)
def test_no_other_refusal_causes_a_second_fetch(token: str, expected: str) -> None:
    web = published()
    assert outcome(discovering(), token, sources=web.sources) == expected
    assert web.urls == [METADATA, JWKS]


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (mint(header={"alg": "none"}), "rejected algorithm"),
        (mint(header={"alg": "HS256"}), "rejected algorithm"),
        (mint(header={"typ": "JWT"}), "rejected wrong_type"),
        (mint(header={"crit": ["x"], "x": 1}), "rejected critical_unknown"),
        ("!" + mint(), "rejected malformed"),
    ],
)
def test_a_header_that_no_key_can_save_causes_no_fetch(token: str, expected: str) -> None:
    web = published()
    verifier = discovering()
    assert outcome(verifier, token, sources=web.sources) == expected
    assert web.urls == []
    assert outcome(verifier, mint(), sources=web.sources) == "verified"
    assert outcome(verifier, token, sources=web.sources) == expected  # nor does it pass for one that was seen


def test_a_key_set_aside_is_not_looked_for_again() -> None:
    web = published()
    web.publish(JWKS, {"keys": [{**ISSUER.jwk, "use": "enc"}]})
    assert outcome(discovering(), mint(), sources=web.sources) == "rejected unsuitable_key"
    assert web.urls == [METADATA, JWKS]


def test_keys_without_names() -> None:
    nameless = {name: value for name, value in ISSUER.jwk.items() if name != "kid"}
    web = published()
    web.publish(JWKS, {"keys": [nameless]})
    assert outcome(discovering(), mint(header={"kid": None}), sources=web.sources) == "verified"
    web.publish(JWKS, {"keys": [nameless, {**OTHER.jwk, "kid": "key-2"}]})
    assert outcome(discovering(), mint(header={"kid": None}), sources=web.sources) == "rejected unknown_key"


def test_rotation() -> None:
    web, verifier = published(ISSUER), discovering()
    assert outcome(verifier, mint(), sources=web.sources) == "verified"
    assert outcome(verifier, mint(OTHER), sources=web.sources) == "rejected unknown_key"
    web.publish(JWKS, jwks(ISSUER, OTHER), NOW)
    assert outcome(verifier, mint(OTHER), sources=web.sources) == "verified"
    assert outcome(verifier, mint(), sources=web.sources) == "verified"
    web.publish(JWKS, jwks(OTHER), NOW + 1)
    assert outcome(verifier, mint(), sources=web.sources) == "rejected unknown_key"
    assert outcome(verifier, mint(OTHER), sources=web.sources) == "verified"


def test_a_new_key_under_an_old_name() -> None:
    impostor = signer("ES256")
    web, verifier = published(ISSUER), discovering()
    assert outcome(verifier, mint(), sources=web.sources) == "verified"
    web.publish(JWKS, jwks(impostor), NOW)
    assert outcome(verifier, mint(), sources=web.sources) == "rejected bad_signature"
    assert outcome(verifier, mint(impostor), sources=web.sources) == "verified"


def test_keys_that_move() -> None:
    web, verifier = published(ISSUER), discovering()
    assert outcome(verifier, mint(), sources=web.sources) == "verified"
    web.publish(METADATA, {**GOOD_METADATA, "jwks_uri": URL + "/new"}, NOW)
    web.publish(URL + "/new", jwks(OTHER), NOW)
    assert outcome(verifier, mint(OTHER), sources=web.sources) == "verified"
    assert outcome(verifier, mint(), sources=web.sources) == "rejected unknown_key"


# --- Documents are read once -----------------------------------------------------------------------------------------
class Counted(bytes):
    """Bytes that count how often they are decoded."""

    reads = 0

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        Counted.reads += 1
        return super().decode(encoding, errors)


def test_a_document_is_read_once() -> None:
    Counted.reads = 0
    verifier = discovering()
    metadata = page(METADATA, Counted(compact_json(GOOD_METADATA)))
    keys = page(JWKS, Counted(compact_json(jwks(ISSUER))))
    for _ in range(5):
        _, finding = drive(steps(verifier, mint()), [metadata, keys])
        assert code(finding) == "verified"
    assert Counted.reads == 2
    # An equal document is another one: only the source knows whether it is newer.
    drive(steps(verifier, mint()), [metadata, page(JWKS, keys.body)])
    assert Counted.reads == 3


def test_two_decisions_interleaved() -> None:
    verifier = discovering()
    metadata = page(METADATA, GOOD_METADATA)
    first, second = steps(verifier, mint()), steps(verifier, mint(OTHER))
    next(first)
    next(second)
    first.send(metadata)
    second.send(metadata)
    # The two see different key sets; neither leaks into the other.
    second.send(page(JWKS, jwks(ISSUER), NOW - 60))
    ended: list[Finding[TokenEvidence]] = []
    for gather, answers in ((first, [page(JWKS, jwks(ISSUER))]), (second, [metadata, page(JWKS, jwks(OTHER), NOW)])):
        try:
            for answer in answers:
                gather.send(answer)
        except StopIteration as end:
            ended.append(end.value)
    assert [code(finding) for finding in ended] == ["verified", "verified"]


# --- Fetched and static side by side ---------------------------------------------------------------------------------
@pytest.mark.parametrize("kid", ["key-1", "unheard-of"])
def test_one_issuer_with_keys_at_hand_and_one_without(kid: str) -> None:
    other_url = "https://other.example"
    verifier = bearer(Issuer(URL), Issuer(other_url, keys=jwks(OTHER)))
    pages: Mapping[str, Document | SourceFailed] = published().pages
    web = Web()
    web.pages.update(pages)
    assert outcome(verifier, mint(OTHER, iss=other_url), sources=web.sources) == "verified"
    forged = mint(OTHER, {"kid": kid}, iss=other_url)
    assert outcome(verifier, forged, sources=web.sources) == "rejected unknown_key"
    assert web.asked == []  # keys at hand are never fetched, not even for an unknown name
    assert outcome(verifier, mint(), sources=web.sources) == "verified"
    assert web.urls == [METADATA, JWKS]
    assert isinstance(Sources(web), Sources)
