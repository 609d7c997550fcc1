"""RFC 7662 section 4: what an attacker with tokens, or between us and the endpoint, could try."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.stores.web import ScriptedServer, answer
from tests.verifiers.introspecting import SECRET, Server, answered, introspection
from tests.verifiers.tokens import NOW, OMIT, compact_json, mint, request
from zerotrust import Allow, Sources, decide
from zerotrust.stores.http import HttpFetcher


def code(verifier: Any, token: str, sources: Sources) -> str:
    decision = decide(verifier.valid, request(token), sources)
    return "allowed" if isinstance(decision, Allow) else decision.reason.code


@pytest.mark.parametrize("token", ["a+b", "a/b==", "-._~+/", "aaa%26", "a&token=b", "a%00", "a\r\nX: y", "a#b"])
def test_a_token_is_asked_about_as_it_is_and_adds_no_parameter(token: str) -> None:
    with ScriptedServer(answer(compact_json(answered()))) as server, HttpFetcher() as fetcher:
        outcome = code(introspection(endpoint=server.url), token, Sources(fetcher))
        asked = [parse_qsl(seen.body.decode(), strict_parsing=True) for seen in server.seen]
    if outcome == "allowed":
        assert asked == [[("token", token), ("token_type_hint", "access_token")]]
    else:
        assert (outcome, asked) == ("malformed", [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_an_endpoint_that_redirects_gives_neither_token_nor_secret_to_another(status: int) -> None:
    with ScriptedServer(answer(compact_json(answered()))) as thief:
        redirect = answer(b"{}", status=status, location=thief.url)
        with ScriptedServer(redirect) as server, HttpFetcher() as fetcher:
            assert code(introspection(endpoint=server.url), "abc", Sources(fetcher)) == "source_refused"
            assert server.count == 1
        assert thief.count == 0


def test_section_4_a_token_for_another_service() -> None:
    for aud in ("ledger", ["ledger"], [], "payments ", "PAYMENTS", "payment\u017f", OMIT):
        assert code(introspection(), "abc", Server(answered(aud=aud)).sources) in ("wrong_audience", "missing_claim")


def test_a_refresh_token_or_another_kind_in_place_of_an_access_token() -> None:
    for changes in ({"token_type": OMIT}, {"token_type": "refresh_token"}, {"token_use": "refresh_token"}):
        assert code(introspection(), "abc", Server(answered(**changes)).sources) in ("missing_claim", "wrong_type")


def test_rfc_9068_section_5_a_client_that_calls_itself_like_a_person() -> None:
    server = Server(answered(sub=OMIT, client_id="ada"))
    assert code(introspection(), "abc", server.sources) == "missing_claim"


def test_a_bound_token_that_was_stolen() -> None:
    bindings: list[object] = [{"jkt": "x"}, {"x5t#S256": "x"}, {"kid": "x"}, {}, None, "x", []]
    for cnf in bindings:
        assert code(introspection(), "abc", Server(answered(cnf=cnf)).sources) == "proof_required"


def test_a_jwt_is_not_shown_to_whoever_answers_for_opaque_tokens() -> None:
    server = Server()
    for token in (mint(), f"{mint()}.x.y", "ey..", "eyJ9.eyJ9."):
        assert code(introspection(), token, server.sources) == "wrong_type"
    assert server.count == 0


def test_nobody_else_is_let_in_by_the_answer_about_one() -> None:
    server = Server(lambda token: answered() if token == "good" else {"active": False})
    verifier = introspection()
    assert code(verifier, "good", server.sources) == "allowed"
    for near in ("Good", "good=", "goo", "good.", "good~"):
        assert code(verifier, near, server.sources) == "not_active"
    assert code(verifier, "good", server.sources) == "allowed"


def test_an_answer_about_an_earlier_life_is_not_used_again() -> None:
    verifier, server = introspection(), Server()
    assert code(verifier, "abc", server.sources) == "allowed"
    server.fail()
    late = decide(verifier.valid, request("abc", now=NOW + 30), server.sources)
    assert not late
    assert late.reason.code == "source_down"
    assert SECRET not in str(late.explanation)
