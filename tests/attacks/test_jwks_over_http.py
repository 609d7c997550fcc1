"""Key sets served by somebody hostile, slow or careless, over real HTTP: RFC 7517 sections 4.5 and 5, CWE-400, CWE-918.

Both fetchers face each of them, and the whole decision is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.attacks.deciding import decided, decided_by, presenting
from tests.stores.fetching import Blocking, Face, either
from tests.stores.web import PATIENCE, ScriptedServer, Seen, answer
from tests.verifiers.tokens import NOW, bearer, compact_json, jwks, mint
from tests.wire.signing import Signer, b64, signer
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.issuer import Issuer

GOOD = signer("ES256", kid="good")
NEXT = signer("ES256", kid="next")
EVIL = signer("ES256", kid="evil")
STALE = 400.0  # seconds after which a copy without Cache-Control is fetched anew


def published(*signers: Signer) -> bytes:
    return answer(compact_json(jwks(*signers)))


def trusting(server: ScriptedServer, **options: object) -> Bearer:
    """A verifier of tokens of the issuer at `server`, whose keys are fetched there."""
    return bearer(Issuer(issuer(server), jwks_uri=server.url), **options)


def issuer(server: ScriptedServer) -> str:
    return f"http://127.0.0.1:{server.port}"


def by(who: Signer, server: ScriptedServer, header: object = None, *, now: float = NOW) -> AccessRequest:
    token = mint(who, header, iss=issuer(server), iat=int(NOW) - 10, exp=int(NOW) + 10_000)
    return presenting(b"Bearer " + token.encode(), now=now)


# --- What is in the set ----------------------------------------------------------------------------------------------
@either
def test_the_set_these_attacks_start_from_is_good(face: type[Face]) -> None:
    with ScriptedServer(published(GOOD, NEXT)) as server, face() as fetcher:
        verifier = trusting(server)
        assert [decided_by(fetcher, verifier, by(who, server)) for who in (GOOD, NEXT, EVIL)] == [
            *("allowed", "allowed", "unknown_key"),
        ]


@either
@pytest.mark.parametrize(
    "keys",
    [
        jwks(GOOD, signer("ES256", kid="good")),
        jwks(signer("ES256", kid="good"), GOOD),
        jwks(GOOD, NEXT, GOOD),
        jwks(GOOD, signer("HS256", kid="shared")),
        compact_json(jwks(GOOD, EVIL)).replace(b'"evil"', b'"\\u0067ood"'),
        [GOOD.jwk],
        {"keys": GOOD.jwk},
    ],
    ids=["two keys of one name", "the other order", "the same key twice", "a shared secret", "spelled", "list", "one"],
)
def test_rfc_7517_sections_4_5_and_5_sets_that_two_readers_read_differently(face: type[Face], keys: object) -> None:
    with ScriptedServer(answer(keys if isinstance(keys, bytes) else compact_json(keys))) as server, face() as fetcher:
        verifier = trusting(server)
        for who in (GOOD, signer("ES256", kid="good"), NEXT):
            assert decided_by(fetcher, verifier, by(who, server)) == "source_refused"


@either
def test_mixed_key_types_serve_their_own_algorithm_only(face: type[Face]) -> None:
    mixed = [GOOD, signer("RS256", kid="rsa"), signer("EdDSA", kid="ed"), signer("ES384", kid="p384")]
    with ScriptedServer(published(*mixed)) as server, face() as fetcher:
        verifier = trusting(server)
        for who in mixed:
            assert decided_by(fetcher, verifier, by(who, server)) == "allowed"
            for other in mixed:
                if other is not who:
                    lent = by(who, server, {"kid": other.jwk["kid"]})
                    assert decided_by(fetcher, verifier, lent) == "unsuitable_key"
        assert server.count == 1


@either
def test_a_set_that_gives_its_private_keys_away_ends_the_trust_in_the_one_before(face: type[Face]) -> None:
    with ScriptedServer(published(GOOD)) as server, face() as fetcher:
        verifier = trusting(server)
        assert decided_by(fetcher, verifier, by(GOOD, server)) == "allowed"
        server.say(answer(compact_json({"keys": [{**GOOD.jwk, "d": b64(b"d" * 32)}]})))
        assert decided_by(fetcher, verifier, by(GOOD, server, now=NOW + STALE)) == "source_refused"


# --- What is not in the set ------------------------------------------------------------------------------------------
@either
@pytest.mark.parametrize("kid", ["good", "evil", None])
def test_rfc_8725_section_3_10_urls_in_a_header_are_not_even_asked(face: type[Face], kid: str | None) -> None:
    with ScriptedServer(published(GOOD)) as server, ScriptedServer(published(EVIL)) as theirs, face() as fetcher:
        verifier = trusting(server)
        for parameter in ("jku", "x5u", "url", "kid"):
            forged = by(EVIL, server, {"kid": kid, parameter: theirs.url})
            assert decided_by(fetcher, verifier, forged) in {"bad_signature", "unknown_key"}
        # Nor where the token is good without them.
        assert decided_by(fetcher, verifier, by(GOOD, server, {"jku": theirs.url, "x5u": theirs.url})) == "allowed"
        assert theirs.count == 0


@either
def test_an_issuer_that_is_not_ours_is_not_asked_for_keys(face: type[Face]) -> None:
    with ScriptedServer(published(GOOD)) as server, ScriptedServer(published(EVIL)) as theirs, face() as fetcher:
        verifier = trusting(server)
        for named in (issuer(theirs), issuer(server) + "/", issuer(server) + "@" + issuer(theirs)):
            token = mint(EVIL, iss=named).encode()
            assert decided_by(fetcher, verifier, presenting(b"Bearer " + token)) == "unknown_issuer"
        assert (server.count, theirs.count) == (0, 0)


@either
@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS256"}, {"typ": "JWT"}, {"crit": ["x"], "x": 1}])
def test_what_no_key_could_save_costs_no_fetch(face: type[Face], header: dict[str, object]) -> None:
    with ScriptedServer(published(GOOD)) as server, face() as fetcher:
        assert decided_by(fetcher, trusting(server), by(GOOD, server, header)) != "allowed"
        assert server.count == 0


# --- How it is served ------------------------------------------------------------------------------------------------
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
SET = compact_json(jwks(GOOD))


@either
@pytest.mark.parametrize(
    ("response", "code"),
    [
        (answer(SET, media_type="text/html"), "source_refused"),
        (answer(SET, media_type="text/javascript"), "source_refused"),
        (answer(SET, media_type=""), "source_refused"),
        (answer(b"<html>sign in to the airport</html>", media_type="text/html"), "source_refused"),
        (answer(b"<html>sign in to the airport</html>"), "source_refused"),
        (answer(SET + b" " * 512 * 1024), "source_refused"),
        (answer(SET, length=False).replace(SET, SET + b" " * 1024 * 1024), "source_refused"),
        (answer(compact_json({"keys": [{**GOOD.jwk, "kid": str(n)} for n in range(1000)]})), "source_refused"),
        (answer(b'{"keys":' + b"[" * 100_000), "source_refused"),
        (answer(b"\xef\xbb\xbf" + SET), "source_refused"),
        (answer(SET.decode().encode("utf-16")), "source_refused"),
        (answer(SET[:-1] + b',"keys":[]}'), "source_refused"),
        (answer(SET, content_encoding="gzip"), "source_refused"),
        (answer(SET, status=302, location="https://attacker.example/jwks"), "source_refused"),
        (answer(SET, status=404), None),
        (answer(SET, status=500), None),
        (answer(SET, status=204), None),
        (answer(SET, status=206), None),
        (answer(SET).replace(b"Content-Length: ", b"Content-Length: 1"), None),
        (b"HTTP/1.1 200 OK\r\n", None),
        (b"\x16\x03\x01\x02\x00", None),
    ],
    ids=range(21),
)
def test_a_response_that_is_no_key_set_lets_nobody_in(face: type[Face], response: bytes, code: str | None) -> None:
    with ScriptedServer(response) as server, face() as fetcher:
        verifier = trusting(server)
        for who in (GOOD, EVIL):
            seen = decided_by(fetcher, verifier, by(who, server))
            assert seen == code if code else seen in {"source_refused", "source_down"}
        assert server.count <= 2


@either
def test_a_server_that_never_answers_is_waited_for_a_bounded_time(face: type[Face]) -> None:
    with ScriptedServer() as server, face(timeout=timedelta(milliseconds=100)) as fetcher:

        def drip(_: Seen) -> Iterator[bytes]:
            yield HEAD
            while not server.gate.wait(0.01):
                yield b" "

        server.say(drip)
        verifier = trusting(server)
        assert decided_by(fetcher, verifier, by(GOOD, server)) == "source_timeout"
        assert server.cut.wait(PATIENCE)
        # Who asks at once again is not waited for at all: the failure is remembered, and no connection is made.
        assert decided_by(fetcher, verifier, by(GOOD, server)) == "source_timeout"
        assert server.count == 1


@either
@pytest.mark.parametrize(
    "broken",
    [
        answer(b"<html>", media_type="text/html"),
        answer(compact_json(jwks(EVIL, EVIL))),
        answer(compact_json(jwks(EVIL, signer("HS256", kid="shared")))),
        answer(SET + b" " * 512 * 1024),
        answer(b"", status=503),
        HEAD + SET[:20],
    ],
    ids=range(6),
)
def test_a_set_that_went_bad_neither_ends_nor_widens_the_trust_in_the_last_good_one(
    face: type[Face], broken: bytes
) -> None:
    with ScriptedServer(published(GOOD)) as server, face() as fetcher:
        verifier = trusting(server, remember=0)
        assert decided_by(fetcher, verifier, by(GOOD, server)) == "allowed"
        server.say(broken)
        assert decided_by(fetcher, verifier, by(GOOD, server, now=NOW + STALE)) == "allowed"
        assert decided_by(fetcher, verifier, by(EVIL, server, now=NOW + STALE)) == "unknown_key"
        # But not for ever: an attacker who keeps the true set away does not keep a withdrawn key alive.
        assert decided_by(fetcher, verifier, by(GOOD, server, now=NOW + 5000)) != "allowed"


def test_tokens_that_were_verified_are_not_remembered_beyond_the_keys() -> None:
    with ScriptedServer(published(GOOD)) as server, Blocking() as fetcher:
        verifier = trusting(server)
        request = by(GOOD, server)
        for _ in range(3):
            assert decided_by(fetcher, verifier, request) == "allowed"
        later = AccessRequest(now=NOW + 5000, headers=request.headers)
        server.say(answer(b"", status=503))
        assert decided_by(fetcher, verifier, later) == "source_down"
        assert decided(verifier, later, Sources()) == "no_source"
