"""What is approved is told from the request alone, and from nothing that could be read in two ways."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrust import AccessRequest, ConfigError
from zerotrust.core.reason import Reason
from zerotrust.factors.account import Account
from zerotrust.verifiers.approval_operation import MAX_OPERATION, Named, Operation, named, what_is_signed

PAY = named(("amount", "to"), (), (), ())
ALICE = Account("https://login.example.com", "alice")
LIMIT = 64 * 1024


def request(
    *, kind: bytes | None = b"application/json", more: tuple[tuple[bytes, bytes], ...] = (), **parts: Any
) -> AccessRequest:
    headers = [*([] if kind is None else [(b"content-type", kind)]), *more]
    usual = {"method": "POST", "host": "api.example.com", "path": "/payments"}
    return AccessRequest(now=0.0, headers=headers, **{**usual, **parts})


def told(body: bytes = b'{"amount":100,"to":"bob"}', by: Named = PAY, **parts: Any) -> Operation | Reason:
    return by.operation(request(**parts), body, LIMIT)


def good(outcome: Operation | Reason) -> Operation:
    assert isinstance(outcome, Operation), str(outcome)
    return outcome


def unclear(outcome: Operation | Reason) -> str:
    assert isinstance(outcome, Reason)
    assert outcome.code == "unclear_operation"
    return str(outcome)


def test_an_operation() -> None:
    operation = good(told())
    assert operation == Operation("POST", "api.example.com", "/payments", {"amount": 100, "to": "bob"})
    assert str(operation) == "POST /payments (amount, to)"


@pytest.mark.parametrize(
    "body",
    [
        b' { "to" : "bob" , "amount" : 1e2 } ',
        b'{"amount":100.0,"to":"b\\u006fb"}',
        b'{"\\u0061mount":100,"to":"bob"}',
    ],
)
def test_one_operation_however_it_is_spelled(body: bytes) -> None:
    assert good(told(body)).digest == good(told()).digest


@pytest.mark.parametrize(
    "changed",
    [
        {"body": b'{"amount":101,"to":"bob"}'},
        {"body": b'{"amount":"100","to":"bob"}'},
        {"body": b'{"amount":[100],"to":"bob"}'},
        {"body": b'{"amount":100,"to":"bob "}'},
        {"body": b'{"amount":100,"to":"Bob"}'},
        {"body": b'{"amount":"bob","to":100}'},
        {"method": "PUT"},
        {"path": "/payments/"},
        {"path": "/Payments"},
        {"path": "/payments/7"},
        {"host": "api.example.org"},
        {"host": "api.example.com:8443"},
    ],
    ids=str,
)
def test_another_operation(changed: dict[str, Any]) -> None:
    assert good(told(**changed)).digest != good(told()).digest


@pytest.mark.parametrize("host", ["API.example.com", "api.example.com:443"])
def test_the_host_in_one_spelling(host: str) -> None:
    assert good(told(host=host)) == good(told())


def test_the_path_that_is_routed_by_counts() -> None:
    """A path that was rewritten on the way is approved as the application gets it."""
    assert good(told(path="/big", raw_path="/small")).path == "/big"
    assert good(told(path="/a b/ö")).path == "/a%20b/%C3%B6"


@pytest.mark.parametrize(
    "parts",
    [
        {"path": "/a/../b"},
        {"path": "/a\udcff"},
        {"path": "x"},
        {"host": ""},
        {"host": "a b"},
        {"host": "user@api.example.com"},
        {"method": "post"},
        {"method": "PO ST"},
        {"method": ""},
        {"kind": None},
        {"kind": b"text/plain"},
        {"kind": b"application/json-patch+json"},
        {"kind": b"application/json; charset=utf-7"},
        {"kind": b"application/json; charset=utf-8; boundary=x"},
        {"kind": b"application/x-www-form-urlencoded"},
        {"more": ((b"content-type", b"application/json"),)},
        {"more": ((b"content_type", b"text/plain"),)},
        {"more": ((b"content-encoding", b"gzip"),)},
        {"more": ((b"content-encoding", b"identity"),)},
        {"query": "amount=5"},
        {"query": "x"},
    ],
    ids=str,
)
def test_what_is_not_clear(parts: dict[str, Any]) -> None:
    unclear(told(**parts))


@pytest.mark.parametrize("kind", [b"application/json", b"Application/JSON", b'application/json ; charset="utf-8"'])
def test_json_by_its_name(kind: bytes) -> None:
    good(told(kind=kind))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "the body"),
        (b"[]", "not an object"),
        (b'"amount"', "not an object"),
        (b'{"amount":100}', "to"),
        (b'{"amount":100,"to":"bob","memo":"x"}', "memo"),
        (b'{"amount":100,"to":"bob","Amount":5}', "Amount"),
        (b'{"amount":100,"to":"bob","amount":5}', "twice"),
        (b'{"amount":100,"to":"bob","\\u0061mount":5}', "twice"),
        (b'{"amount":100,"to":{"a":1,"a":2}}', "twice"),
        (b'\xef\xbb\xbf{"amount":100,"to":"bob"}', "byte order mark"),
        ('{"amount":100,"to":"bob"}'.encode("utf-16"), "UTF-8"),
        (b'{"amount":NaN,"to":"bob"}', "NaN"),
        (b'{"amount":1e999,"to":"bob"}', "number"),
        (b'{"amount":9007199254740993,"to":"bob"}', "double"),
        (b'{"amount":0.1000000000000000055,"to":"bob"}', "double"),
        (b'{"amount":100,"to":"\\ud800"}', "surrogate"),
        (b'{"amount":100,"to":"bob"}garbage', "not JSON"),
        (b'{"amount":100,"to":"bob",}', "not JSON"),
        (b'{"amount":0100,"to":"bob"}', "not JSON"),
        (b"{'amount':100,'to':'bob'}", "not JSON"),
        (b'{"amount":100,/**/"to":"bob"}', "not JSON"),
        (b'{"amount":100,"to":' + b"[" * 14 + b"]" * 14 + b"}", "deeply"),
        (b'{"amount":100,"to":"' + b"x" * MAX_OPERATION + b'"}', "more than anybody reads"),
        (b'{"amount":100,"to":"bob"}' + b" " * LIMIT, "JSON"),
    ],
    ids=range(24),
)
def test_bodies_that_are_not_clear(body: bytes, says: str) -> None:
    assert says in unclear(told(body))


def test_as_deep_as_it_can_be_signed() -> None:
    """What is an operation can be signed: nesting is bounded before, not there."""
    for depth in range(20):
        outcome = told(b'{"amount":100,"to":' + b"[" * depth + b"]" * depth + b"}")
        if isinstance(outcome, Operation):
            assert not isinstance(what_is_signed(ALICE, "approval", outcome), Reason)


def test_what_is_missing_is_named_and_what_is_too_much() -> None:
    assert "expected amount, to" in unclear(told(b"{}"))
    assert "presented memo, more" in unclear(told(b'{"amount":1,"to":"x","memo":1,"more":2}'))


def test_only_some_of_what_is_too_much_is_named() -> None:
    refused = unclear(told(json.dumps({f"m{number}": 1 for number in range(1000)} | {"amount": 1, "to": 1}).encode()))
    assert "presented m0, m1" in refused
    assert "m9" not in refused


def test_a_parameter_that_is_always_refused_cannot_be_approved() -> None:
    with pytest.raises(ConfigError, match="_method"):
        named((), ("_method",), (), ())


def test_optional_members_are_approved_where_they_are() -> None:
    by = named(("amount", "memo"), (), ("memo",), ())
    without, with_it = good(told(b'{"amount":1}', by)), good(told(b'{"amount":1,"memo":null}', by))
    assert (without.fields, with_it.fields) == ({"amount": 1}, {"amount": 1, "memo": None})
    assert without.digest != with_it.digest


def test_unapproved_members_are_no_part_of_it() -> None:
    by = named(("amount",), (), (), ("trace",))
    one = good(told(b'{"amount":1,"trace":"a"}', by, query="trace=1"))
    assert one.digest == good(told(b'{"amount":1}', by)).digest


@pytest.mark.parametrize(
    "query", ["force=1&days=7", "days=7&force=1", "days=%37&force=1", "&days=7&&force=1&", "days=7&forc%65=1"]
)
def test_queries(query: str) -> None:
    by = named((), ("force", "days"), (), ())
    operation = good(told(b"", by, query=query, method="DELETE", kind=None))
    assert operation.query == {"force": "1", "days": "7"}
    assert str(operation) == "DELETE /payments (?force, ?days)"


def test_a_query_is_text_with_plus_signs() -> None:
    by = named((), ("q",), (), ())
    assert good(told(b"", by, query="q=a+b%2B%C3%B6=")).query == {"q": "a b+ö="}
    assert good(told(b"", by, query="q")).query == {"q": ""}


@pytest.mark.parametrize(
    "query",
    ["", "q=1&q=1", "q=1&%71=2", "q=1;r=2", "q=%ff", "q=%zz", "q=ö", "q=1#x", "q=1&x=2", "q[]=1", "q=" + "1" * 5000],
)
def test_queries_that_are_not_clear(query: str) -> None:
    unclear(told(b"", named((), ("q",), (), ()), query=query))


def test_members_and_parameters_are_two_things() -> None:
    """What is approved in the body is not approved in the query."""
    unclear(told(b'{"amount":1}', named(("amount",), (), (), ()), query="amount=1"))
    unclear(told(b'{"amount":1}', named((), ("amount",), (), ()), query="amount=1"))
    both = good(told(b'{"amount":1}', named(("amount",), ("amount",), (), ()), query="amount=2"))
    assert (both.fields, both.query) == ({"amount": 1}, {"amount": "2"})


def test_a_body_where_none_is_approved() -> None:
    nothing = named((), (), (), ())
    assert good(told(b"", nothing, kind=None)).fields == {}
    assert good(told(b"{}", nothing)).fields == {}
    unclear(told(b"{}", nothing, kind=None))
    unclear(told(b'{"a":1}', nothing))


def test_what_is_signed_says_all_of_it() -> None:
    signed = what_is_signed(ALICE, "abc", good(told()))
    assert not isinstance(signed, Reason)
    assert json.loads(signed.document) == {
        "type": "zerotrust-approval-v1",
        "account": {"source": "https://login.example.com", "subject": "alice"},
        "approval": "abc",
        "operation": {
            "method": "POST",
            "host": "api.example.com",
            "path": "/payments",
            "fields": {"amount": 100, "to": "bob"},
            "query": {},
        },
    }
    assert isinstance(what_is_signed(Account("\ud800", ""), "abc", good(told())), Reason)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("amount", (), (), ()), "fields takes names"),
        ((("a", "a"), (), (), ()), "twice"),
        (((1,), (), (), ()), "no name"),
        ((("",), (), (), ()), "no name"),
        ((("\ud800",), (), (), ()), "no name"),
        (((), ("a\n",), (), ()), "no name"),
        ((("a",), (), ("b",), ()), "optional=b"),
        ((("a",), (), (), ("a",)), "unapproved=a"),
        (((), ("a",), (), ("a",)), "unapproved=a"),
        (((), (), (), None), "unapproved takes names"),
    ],
    ids=str,
)
def test_names_that_are_none(given: tuple[Any, Any, Any, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        named(*given)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab\ud800"), inner, max_size=3),
)


@given(body=st.binary(max_size=80) | JSON.map(lambda value: json.dumps({"amount": value, "to": 1}).encode()))
def test_any_body_gives_an_operation_or_a_reason(body: bytes) -> None:
    outcome = told(body)
    if isinstance(outcome, Operation):
        theirs = json.loads(body)
        assert theirs == {"amount": outcome.fields["amount"], "to": outcome.fields["to"]}
    else:
        unclear(outcome)


@given(query=st.text(max_size=30), path=st.text(max_size=20), host=st.text(max_size=10), method=st.text(max_size=5))
def test_any_request_gives_an_operation_or_a_reason(query: str, path: str, host: str, method: str) -> None:
    outcome = told(b"", named((), ("a",), ("a",), ("b",)), query=query, path=path, host=host, method=method)
    assert isinstance(outcome, Operation | Reason)
