"""AuthZEN 1.0: evaluation, batch and metadata, decided by named policies on the credential of the subject."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.service.world import clock, good, post, scope_of, serving, tell
from zerotrust import Bearer, Issuer, Sources, anyone
from zerotrust.core.ask import Ask, Fetch, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.service import Entity, Rules
from zerotrust.service.authzen import Batch, read
from zerotrust.testing import LocalIssuer

ONE = "/access/v1/evaluation"
MANY = "/access/v1/evaluations"


def minted(scope: str = "read", subject: str = "alice") -> str:
    return good(scope, subject)[1].decode().removeprefix("Bearer ")


def question(action: str = "read", subject: str = "alice", resource: str = "1", **context: Any) -> dict[str, Any]:
    return {
        "subject": {"type": "user", "id": subject},
        "action": {"name": action},
        "resource": {"type": "document", "id": resource},
        "context": context,
    }


def test_a_subject_whose_token_meets_the_policy_is_permitted() -> None:
    said = post(serving(), ONE, question(token=minted()))
    assert (said.status, said.values(b"content-type")) == (200, [b"application/json"])
    assert said.json["decision"] is True
    assert said.json["context"]["identity"] == {"x-auth-subject": "alice"}
    assert said.json["context"]["valid_until"] > 0


def test_the_original_request_may_be_told_with_its_headers() -> None:
    original = {"method": "PUT", "url": "https://api.example/a?b=c", "headers": {"Authorization": f"Bearer {minted()}"}}
    assert post(serving(), ONE, question(request=original)).json["decision"] is True
    seen: list[Any] = []
    service = serving(identity={"X-A": lambda access: seen.append(access.request)})
    listed = {"authorization": [f"Bearer {minted()}"]}
    post(service, ONE, question(request={**original, "client": "192.0.2.3", "headers": listed}))
    (request,) = seen
    assert (request.method, request.host, request.path, request.query) == ("PUT", "api.example", "/a", "b=c")
    assert (request.client, request.resource) == ("192.0.2.3", Entity("document", "1"))


def test_a_refusal_says_why_and_what_to_ask_the_subject_for() -> None:
    said = post(serving(), ONE, question()).json
    assert said["decision"] is False
    assert said["context"]["reason"] == "not_presented"
    assert said["context"]["status"] == 401
    assert said["context"]["reason_user"] == {"en": "nothing was presented"}
    assert said["context"]["www_authenticate"] == ['Bearer scope="read"']
    assert "reason_admin" not in said["context"]
    explained = post(serving(explain=True), ONE, question(token=minted("other"))).json["context"]
    assert "scope" in explained["reason_admin"]["en"]
    assert explained["remedies"]


def test_a_token_of_somebody_else_proves_nothing_of_the_subject() -> None:
    said = post(serving(), ONE, question(subject="bob", token=minted())).json
    assert (said["decision"], said["context"]["reason"]) == (False, "wrong_subject")


def test_an_action_without_a_policy_is_denied() -> None:
    said = post(serving(), ONE, question("delete", token=minted())).json
    assert (said["decision"], said["context"]["reason"]) == (False, "unknown_action")


def test_policies_may_be_about_the_resource() -> None:
    service = serving()
    assert post(service, ONE, question("own", resource="alice", token=minted())).json["decision"] is True
    assert post(service, ONE, question("own", resource="bob", token=minted())).json["decision"] is False


def test_a_failure_is_a_denial() -> None:
    def fails(access: Any) -> str:
        raise RuntimeError("secret words")

    said = post(serving(identity={"X-A": fails}), ONE, question(token=minted()))
    assert (said.json["decision"], said.json["context"]["status"]) == (False, 503)
    assert b"secret" not in said.body


def test_an_outage_says_when_to_ask_again() -> None:
    class Down:
        answers: ClassVar[tuple[type[Ask[Any]], ...]] = (Fetch,)
        style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

        def answer(self, ask: Any, timeout: float) -> Any:
            raise SourceFailed(SOURCE_DOWN(), 7.0)

    far = Bearer(Issuer("https://far.example"), audience="site")
    rules = Rules(default=far.valid)
    service = serving(rules=rules, sources=Sources(Down()), authzen={"read": far.valid})
    context = post(service, ONE, question(token=minted())).json["context"]
    assert context["status"] in (401, 503)
    other = LocalIssuer("https://far.example", clock=clock).mint(audience="site")
    context = post(service, ONE, question(token=other)).json["context"]
    assert (context["status"], context["retry_after"]) == (503, 7)


def test_where_nothing_is_told_nothing_stands_in_the_answer() -> None:
    open_to_all = serving(identity=..., authzen={"read": anyone(because="a test")})
    assert post(open_to_all, ONE, question()).json == {"decision": True}


def batch(semantic: str | None = None, *actions: str) -> dict[str, Any]:
    whole = question(token=minted("read"))
    whole["evaluations"] = [{"action": {"name": action}} for action in actions]
    return whole if semantic is None else {**whole, "options": {"evaluations_semantic": semantic}}


def decisions(value: object) -> list[bool]:
    return [one["decision"] for one in post(serving(), MANY, value).json["evaluations"]]


def test_several_are_decided_in_order_and_as_far_as_asked() -> None:
    actions = ("read", "gone", "read", "gone")
    assert decisions(batch(None, *actions)) == [True, False, True, False]
    assert decisions(batch("execute_all", *actions)) == [True, False, True, False]
    assert decisions(batch("deny_on_first_deny", *actions)) == [True, False]
    assert decisions(batch("permit_on_first_permit", "gone", *actions)) == [False, True]


def test_what_stands_above_holds_for_all_that_do_not_say_otherwise() -> None:
    whole = question(token=minted())
    whole["evaluations"] = [{}, {"subject": {"type": "user", "id": "bob"}}, {"context": {}}, 7]
    assert decisions(whole) == [True, False, False, False]


@pytest.mark.parametrize("evaluations", [[], None], ids=["empty", "null"])
def test_without_evaluations_one_is_decided(evaluations: Any) -> None:
    said = post(serving(), MANY, {**question(token=minted()), "evaluations": evaluations}).json
    assert said["decision"] is True
    assert "evaluations" not in said


def test_in_a_single_evaluation_a_list_means_nothing() -> None:
    assert post(serving(), ONE, {**question(), "evaluations": [question(token=minted())]}).json["decision"] is False


def without(part: str) -> dict[str, Any]:
    return {name: value for name, value in question(token=minted()).items() if name != part}


MALFORMED: dict[str, Any] = {
    "no json": b"{",
    "twice": b'{"subject":{},"subject":{}}',
    "a list": [],
    "no subject": without("subject"),
    "no action": without("action"),
    "no resource": without("resource"),
    "subject is text": {**question(), "subject": "alice"},
    "subject has no id": {**question(), "subject": {"type": "user"}},
    "subject has an empty id": {**question(), "subject": {"type": "user", "id": ""}},
    "subject has no type": {**question(), "subject": {"id": "alice", "type": ""}},
    "properties": {**question(), "resource": {"type": "a", "id": "b", "properties": []}},
    "action is text": {**question(), "action": "read"},
    "action properties": {**question(), "action": {"name": "read", "properties": 7}},
    "action has no name": {**question(), "action": {"name": 3}},
    "context is a list": {**question(), "context": []},
    "token is no token": question(token="a b"),
    "token is a number": question(token=7),
    "request is text": question(request="GET /"),
    "method": question(request={"method": "get it"}),
    "relative url": question(request={"url": "/a"}),
    "url with a fragment": question(request={"url": "https://a/#b"}),
    "client": question(request={"client": "1" * 46}),
    "headers": question(request={"headers": []}),
    "header name": question(request={"headers": {"a b": "c"}}),
    "header value": question(request={"headers": {"a": "b\r\nc"}}),
    "header number": question(request={"headers": {"a": 1}}),
    "many headers": question(request={"headers": {f"a{n}": "b" for n in range(101)}}),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_cannot_be_read_is_a_bad_request(name: str) -> None:
    assert post(serving(), ONE, MALFORMED[name]).status == 400


@pytest.mark.parametrize(
    "more",
    [
        {"evaluations": {}},
        {"evaluations": [{}] * 101},
        {"evaluations": [{}], "options": []},
        {"evaluations": [{}], "options": {"evaluations_semantic": "first"}},
        {"evaluations": [{}], "options": {"evaluations_semantic": ["execute_all"]}},
    ],
    ids=["object", "many", "options", "semantic", "list"],
)
def test_a_batch_that_cannot_be_read_is_a_bad_request(more: dict[str, Any]) -> None:
    assert post(serving(), MANY, {**question(token=minted()), **more}).status == 400


def test_callers_prove_themselves_before_the_body_is_read() -> None:
    said = post(serving(), ONE, question(token=minted()), proof=False)
    assert (said.status, said.code) == (401, "untrusted_hop")
    assert said.values(b"www-authenticate")


def test_the_transport_is_strict() -> None:
    service = serving()
    assert tell(service, scope_of(ONE)).status == 405
    assert post(service, ONE, question(), (b"content-type", b"application/json")).status == 400
    assert tell(service, scope_of(ONE, [(b"x-hop-secret", b"x")], "POST")).status == 401
    assert post(service, ONE, b"[" + b" " * 262_144 + b"]").status == 413


def test_a_request_that_has_a_name_is_answered_with_it() -> None:
    service = serving()
    assert post(service, ONE, question(), (b"x-request-id", b"abc")).values(b"x-request-id") == [b"abc"]
    assert post(service, ONE, question(), (b"x-request-id", b"a" * 257)).status == 400
    assert post(service, ONE, question(), (b"x-request-id", b"\xff")).status == 400


def test_metadata_is_published_where_the_url_is_known() -> None:
    """Section 9.2: behind the well-known path stands that of the identifier; section 9.2.3: the identifier as it is."""
    path = "/.well-known/authzen-configuration"
    assert tell(serving(), scope_of(path)).status == 404
    for pdp, base, where in (
        ("https://pdp.example.com", "https://pdp.example.com", path),
        ("https://pdp.example.com/", "https://pdp.example.com", path),
        ("https://pdp.example.com/tenant1", "https://pdp.example.com/tenant1", f"{path}/tenant1"),
    ):
        service = serving(pdp=pdp)
        assert tell(service, scope_of(where)).json == {
            "policy_decision_point": pdp,
            "access_evaluation_endpoint": f"{base}/access/v1/evaluation",
            "access_evaluations_endpoint": f"{base}/access/v1/evaluations",
        }
        assert tell(service, scope_of(f"{where}/x")).status == 404
        assert tell(service, scope_of(path)).status == (200 if where == path else 404)
        assert tell(service, scope_of(where, method="POST")).status == 405


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["subject", "action", "resource", "context", "type", "id", "name", "request", "headers",
                         "evaluations", "options", "token", "url", "evaluations_semantic"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=60)
@given(JSON, st.booleans())
def test_any_json_is_a_question_or_a_reason(value: Any, several: bool) -> None:
    said = read(json.dumps(value).encode(), AccessRequest(now=1.0), several=several)
    assert isinstance(said, Batch | Reason)
