"""What a policy asks of the request itself: method, path and host, each in its one spelling."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search import usually
from zerotrust.core.decision import Allow, Deny
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.policy import Policy
from zerotrust.core.request import AccessRequest
from zerotrust.core.verdict import Verdict
from zerotrust.engine import decide
from zerotrust.testing.facts import check_facts
from zerotrust.verifiers.request import request
from zerotrust.verifiers.request_questions import RequestEvidence
from zerotrust.wire.path import MAX_PATH

YES, NO, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.UNKNOWN


def of(value: object) -> Any:
    return value


def verdict(policy: Policy, **said: Any) -> Verdict:
    return decide(policy, AccessRequest(now=1.0, **said)).verdict


@pytest.mark.parametrize(
    ("method", "expected"),
    [("GET", YES), ("HEAD", YES), ("POST", NO), ("PROPFIND", NO), ("get", UNKNOWN), ("Get", UNKNOWN), ("", UNKNOWN),
     ("G T", UNKNOWN), ("GET\n", UNKNOWN), ("\u0130", UNKNOWN), ("X" * 33, UNKNOWN)],
)  # fmt: skip
def test_methods_are_told_apart_by_their_very_letters(method: str, expected: Verdict) -> None:
    leaf = request.method("GET", "HEAD")
    assert verdict(leaf, method=method) is expected
    assert verdict(~leaf, method=method) is {YES: NO, NO: YES, UNKNOWN: UNKNOWN}[expected]


TEMPLATE, BELOW = request.path("/invoices/{id}"), request.path("/reports/{year}/*")


@pytest.mark.parametrize(
    ("leaf", "path", "expected"),
    [
        (TEMPLATE, "/invoices/7", YES),
        (TEMPLATE, "/invoices/J\u00f6rg 7", YES),
        (TEMPLATE, "/invoices", NO),
        (TEMPLATE, "/invoices/", NO),
        (TEMPLATE, "/invoices/7/", NO),
        (TEMPLATE, "/invoices/7/lines", NO),
        (TEMPLATE, "/Invoices/7", NO),
        (TEMPLATE, "/", NO),
        (BELOW, "/reports/2025/", YES),
        (BELOW, "/reports/2025/a/b", YES),
        (BELOW, "/reports/2025", NO),
        (BELOW, "/reports/", NO),
        (request.path("/"), "/", YES),
        (request.path("/*"), "/", YES),
        (request.path("/*"), "/any/thing", YES),
        (request.path("/a.b+c"), "/a.b+c", YES),
        (request.path("/a.b+c"), "/aXb+c", NO),
    ],
)
def test_a_path_has_the_shape_or_not(leaf: Policy, path: str, expected: Verdict) -> None:
    assert verdict(leaf, path=path) is expected


def test_a_path_as_sent_counts() -> None:
    leaf = request.path("/invoices/{id}")
    assert verdict(leaf, path="/invoices/a b", raw_path="/invoices/a%20b") is YES
    assert verdict(leaf, path="/invoices/a/b", raw_path="/invoices/a%2Fb") is UNKNOWN
    assert verdict(leaf, path="/invoices/7", raw_path="/other/7") is UNKNOWN
    assert verdict(leaf, path="/" + "a" * MAX_PATH) is UNKNOWN


@pytest.mark.parametrize(
    ("host", "expected"),
    [("api.example.com", YES), ("API.Example.com", YES), ("api.example.com.", YES), ("api.example.com:8443", YES),
     ("api.example.com.:80", YES), ("other.example", NO), ("api.example.com.evil.example", NO), ("[2001:db8::1]", NO),
     ("", UNKNOWN), ("api.example.com:port", UNKNOWN), ("user@api.example.com", UNKNOWN), ("api..example.com", UNKNOWN),
     ("api.example.com..", UNKNOWN), ("api.example.com/x", UNKNOWN), ("[::1", UNKNOWN), ("[fe80::1%25eth0]", UNKNOWN),
     ("a" * 300, UNKNOWN), ("\u212aapi.example.com", UNKNOWN)],
)  # fmt: skip
def test_hosts_are_compared_in_their_one_spelling(host: str, expected: Verdict) -> None:
    leaf = request.host("api.example.com")
    assert verdict(leaf, host=host) is expected
    assert verdict(~leaf, host=host) is {YES: NO, NO: YES, UNKNOWN: UNKNOWN}[expected]


def test_an_address_is_a_host() -> None:
    assert verdict(request.host("[2001:DB8:0::1]"), host="[2001:db8::0001]:443") is YES


def test_leaves_are_values_and_print_as_written() -> None:
    policy = request.method("POST") & request.path("/x/{id}/*") & request.host("api.example.com.")
    assert str(request.method("GET", own=["PURGE", "PUT"])) == 'request.method("GET", "PUT", own=["PURGE"])'
    assert verdict(request.method(own=["PURGE"]), method="PURGE") is YES
    assert str(policy) == 'request.method("POST") & request.path("/x/{id}/*") & request.host("api.example.com")'
    again = pickle.loads(pickle.dumps(policy))
    assert (again, hash(again)) == (policy, hash(policy))
    assert pickle.loads(pickle.dumps(request)) is request


def test_what_was_seen_is_told() -> None:
    shown = decide(
        request.method("GET") & request.path("/a") & request.host("b"), AccessRequest(now=1.0, path="/a", host="c")
    )
    assert isinstance(shown, Deny)
    assert [line.rpartition("  ")[2].strip() for line in str(shown).splitlines()[2:]] == [
        "method: GET",
        "path: /a",
        "host: c",
    ]
    assert shown.remedies == ()
    odd = decide(request.path("/a"), AccessRequest(now=1.0, path="/a/../b"))
    assert "a dot segment" in str(odd)


def test_it_stands_beside_any_other_verifier() -> None:
    from tests.fastapi.world import token

    assert isinstance(decide(token.valid | request.method("GET"), AccessRequest(now=1.0)), Allow)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda: request.method(), "one or more names"),
        (lambda: request.method("get"), "write upper case, such as GET"),
        (lambda: request.method("POTS"), 'method("POTS") is not registered; did you mean "POST"?'),
        (lambda: request.method("POST", "DEL"), 'did you mean "DELETE"?'),
        (lambda: request.method("GETT"), 'did you mean "GET"?'),
        (lambda: request.method("FLUSHALL"), 'method of your own is written as method(own=["FLUSHALL"])'),
        (lambda: request.method(own=["flush"]), "write upper case, such as GET"),
        (lambda: request.method(of(["GET", "PUT"])), "method(*names)"),
        (lambda: request.path("/reports/:id"), 'write "/reports/{id}"'),
        (lambda: request.path("/:a/:b_c"), 'write "/{a}/{b_c}"'),
        (lambda: request.path("/reports/<id>/x"), 'write "/reports/{id}/x"'),
        (lambda: request.path("/reports/<int:id>"), 'write "/reports/{id}"'),
        (lambda: request.path("/reports/[id]"), 'write "/reports/{id}"'),
        (lambda: request.path("/reports/{id:int}"), 'write "/reports/{id}"'),
        (lambda: request.path("/files/{rest:path}"), 'write "/files/*"'),
        (lambda: request.path("/files/<path:rest>"), 'write "/files/*"'),
        (lambda: request.path("/files/[...rest]"), 'write "/files/*"'),
        (lambda: request.path("/reports/report<id>"), "is neither a name nor a pattern"),
        (lambda: request.path("/reports/[0-9]+"), "is neither a name nor a pattern"),
        (lambda: request.path("invoices"), "slash at its beginning"),
        (lambda: request.path("/a/**"), "end in /* for everything below"),
        (lambda: request.path("/a/x{id}"), "{name} for any one"),
        (lambda: request.path("/a/*/b"), "end in /*"),
        (lambda: request.path("/{a}/{a}"), "stands twice"),
        (lambda: request.path("/a?b=c"), "write '/a'"),
        (lambda: request.path("/a//b"), "no request can match it"),
        (lambda: request.path("/a%2Fb"), "no request can match it"),
        (lambda: request.path(7), "slash at its beginning"),  # type: ignore[arg-type]
        (lambda: request.host("*.example.com"), "nothing stands for more than itself"),
        (lambda: request.host("https://example.com"), "without a scheme"),
        (lambda: request.host("example.com:443"), 'write "example.com"'),
        (lambda: request.host("b\u00fccher.example"), "Punycode"),
        (lambda: request.host("a b"), "api.example.com"),
    ],
)
def test_every_wrong_leaf_says_what_to_write(write: Any, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        write()
    assert said in str(error.value)


METHODS = st.sampled_from(["GET", "POST", "get", "DELETE"])
PATHS = st.lists(st.sampled_from(["", "a", "b", "..", "x;y", "\u00e4"]), max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)
HOSTS = st.sampled_from(["", "a.example", "A.example:1", "b.example", "c d"])
LEAVES = [
    request.method("GET", "DELETE"), request.path("/a/{b}"), request.path("/{a}/*"), request.path("/"),
    request.path("/a/"), request.host("a.example"), request.during("10:00", "20:00", zone="UTC"),
]  # fmt: skip


@given(METHODS, PATHS, HOSTS, st.integers(0, 2_000_000_000))
@usually(100)
def test_facts_say_what_leaves_answer(method: str, path: str, host: str, now: int) -> None:
    found = request.find(AccessRequest(now=float(now), method=method, path=path, host=host)).proven
    assert isinstance(found, RequestEvidence)
    for leaf in LEAVES:
        check_facts(leaf, found, now=float(now))


@pytest.mark.parametrize(
    "values", [{"path": "/a//b"}, {"path": "a"}, {"host": "A.example"}, {"host": "a:1"}, {"method": "get"}, {"x": 1}],
    ids=str,
)  # fmt: skip
def test_what_no_request_says_cannot_be_made_up(values: dict[str, object]) -> None:
    with pytest.raises(PolicyError):
        request.exhibit(values, 1.0)
