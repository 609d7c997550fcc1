"""Rules find the policy for a method and a path: the most specific counts, and no spelling gets by a weaker one."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search import usually
from tests.web.sample import Told, role, scope, valid, verified
from zerotrust import AccessRequest, ConfigError, anyone
from zerotrust.core.reason import Reason
from zerotrust.web.places import Table, fold, lies_in, overlap
from zerotrust.web.rules import Rules
from zerotrust.wire.path import covers, read_template

TOKEN = Told(verified())
DEFAULT = valid(TOKEN).named("default")
STAFF, PAY, READ, BOSS = (role(TOKEN, "staff"), scope(TOKEN, "pay"), scope(TOKEN, "read"), role(TOKEN, "boss"))
STAFF, PAY, READ, BOSS = STAFF.named("staff"), PAY.named("pay"), READ.named("read"), BOSS.named("boss")


def shop() -> Rules:
    rules = Rules(default=DEFAULT)
    rules.open("/health", because="the load balancer asks")
    rules.protect("/payments/{id}", PAY, methods=["POST"])
    rules.protect("/admin/**", STAFF)
    rules.open("/docs/{page}", because="public")
    rules.protect("/docs/secret", STAFF)
    return rules


def needed(rules: Rules, path: str, method: str = "GET", **more: Any) -> str:
    found = rules.find(AccessRequest(now=0, method=method, path=path, **more))
    if isinstance(found, Reason):
        return found.code
    return "open" if found.protection.open_because else str(found.protection).partition("  ")[0]


@pytest.mark.parametrize(
    ("path", "policy"),
    [
        ("/health", "open"),
        ("/health/", "default"),
        ("/HEALTH", "default"),
        ("/health/x", "default"),
        ("/admin/", "staff"),
        ("/admin/users/7", "staff"),
        ("/admin", "staff & default"),
        ("/Admin/users", "staff & default"),
        ("/admin./users", "staff & default"),
        ("/ADM\N{LATIN SMALL LETTER DOTLESS I}N/users", "staff & default"),
        ("/\N{FULLWIDTH LATIN SMALL LETTER A}dmin/users", "staff & default"),
        ("/administration", "default"),
        ("/docs/start", "open"),
        ("/docs/start/", "default"),
        ("/docs/Start", "open"),
        ("/docs/secret", "staff"),
        ("/docs/SECRET", "staff"),
        ("/docs/secret.", "staff"),
        ("/docs/secret/", "staff & default"),
        ("/", "default"),
    ],
)
def test_the_most_specific_rule_counts_and_variants_of_protected_paths_are_protected(path: str, policy: str) -> None:
    assert needed(shop(), path) == policy


@pytest.mark.parametrize(
    "path",
    [
        "//health", "/admin//x",
        "/./health", "/admin/../health", "/admin/..;/x", "/health;a=1", "/he\\alth", "/health\0",
        "/a%2fb", "http://api.example/health", "*", "api.example:443", "", "/\N{REPLACEMENT CHARACTER}",
    ],
)  # fmt: skip
def test_a_path_without_a_single_reading_is_refused_whatever_the_rules_say(path: str) -> None:
    assert needed(shop(), path) == "malformed"
    everything = Rules(default=anyone(because="test"))
    everything.open("/**", because="test")
    assert needed(everything, path) == "malformed"


def test_a_path_that_is_not_what_was_sent_is_refused() -> None:
    assert needed(shop(), "/health", raw_path="/admin/x") == "malformed"
    assert needed(shop(), "/health", raw_path="/%68ealth") == "malformed"
    assert needed(shop(), "/docs/a b", raw_path="/docs/a%20b") == "open"
    assert needed(shop(), "/" + "a" * 9000) == "too_large"
    assert needed(shop(), "/\udc80") == "malformed"


@pytest.mark.parametrize(
    ("method", "policy"),
    [("POST", "pay"), ("GET", "pay & default"), ("post", "pay & default"), ("DELETE", "pay & default")],
)
def test_a_method_that_no_rule_names_needs_all_rules_of_the_path(method: str, policy: str) -> None:
    assert needed(shop(), "/payments/7", method) == policy


def test_rules_by_method() -> None:
    rules = Rules(default=DEFAULT)
    rules.protect("/a", READ, methods=["GET"])
    rules.protect("/a", PAY, methods=["POST", "PUT"])
    rules.protect("/a/b", STAFF)
    rules.protect("/a/b", BOSS, methods=["DELETE"])
    rules.open("/c", because="test", methods=["GET"])
    rules.protect("/ws", READ, methods=["WS"])
    asked = [("GET", "/a"), ("HEAD", "/a"), ("PUT", "/a"), ("OPTIONS", "/a"), ("DELETE", "/A")]
    assert [needed(rules, path, method) for method, path in asked] == [
        "read", "read", "pay", "read & pay & default", "read & pay & default",
    ]  # fmt: skip
    asked = [("GET", "/a/b"), ("DELETE", "/a/b"), ("POST", "/a/b/"), ("DELETE", "/a/b/")]
    assert [needed(rules, path, method) for method, path in asked] == [
        "staff",
        "boss",
        "staff & default",
        "boss & staff & default",
    ]
    asked = [("GET", "/c"), ("HEAD", "/c"), ("POST", "/c"), ("GET", "/c/"), ("WS", "/ws"), ("GET", "/ws")]
    assert [needed(rules, path, method) for method, path in asked] == [
        "open", "open", "default", "default", "read & default", "read & default",
    ]  # fmt: skip
    assert needed(rules, "/ws", scheme="wss") == "read"
    assert needed(rules, "/a", scheme="wss") == "read & pay & default"


@pytest.mark.parametrize(
    "name", [b"x-http-method-override", b"X_HTTP-METHOD_override", b"x-method-override", b"x-http-method"]
)
def test_a_request_that_asks_for_another_method_needs_all_rules_of_the_path(name: bytes) -> None:
    assert needed(shop(), "/payments/7", "POST", headers=[(name, b"DELETE")]) == "pay & default"
    assert needed(shop(), "/admin/x", "POST", headers=[(name, b"DELETE")]) == "staff"
    assert needed(shop(), "/health", "POST", headers=[(name, b"DELETE")]) == "open"


def test_what_is_opened_for_a_method_in_one_spelling_is_not_in_another() -> None:
    rules = Rules(default=DEFAULT)
    rules.open("/a", because="test", methods=["GET"])
    rules.protect("/a", PAY, methods=["POST"])
    assert [needed(rules, path) for path in ("/a", "/A", "/a/")] == ["open", "pay & default", "pay & default"]


def test_what_else_asks_for_another_method() -> None:
    assert needed(shop(), "/payments/7", "POST", query="a=1&%5Fmethod=DELETE") == "pay & default"
    assert needed(shop(), "/payments/7", "POST", query="method=DELETE") == "pay"
    assert needed(shop(), "/payments/7", "POST", headers=[(b"upgrade", b"WebSocket")]) == "pay & default"
    assert needed(shop(), "/payments/7", "POST", headers=[(b"upgrade", b"h2c"), (b"x-http-methods", b"PUT")]) == "pay"


def test_a_place_around_does_not_count_but_one_that_meets_in_another_spelling_does() -> None:
    rules = Rules(default=DEFAULT)
    rules.protect("/{page}", BOSS)
    rules.protect("/admin", PAY)
    rules.protect("/admin/**", STAFF)
    rules.protect("/**", READ)
    asked = ["/admin", "/admin/", "/admin/x", "/x", "/x/", "/x/y", "/"]
    assert [needed(rules, path) for path in asked] == [
        "pay", "pay & staff & boss", "staff", "boss", "boss & read", "read", "read",
    ]  # fmt: skip
    rules = Rules(default=DEFAULT)
    rules.protect("/{page}", BOSS)
    rules.open("/help/**", because="test")
    assert [needed(rules, path) for path in ("/help", "/help/", "/help/x")] == ["boss", "boss", "open"]


def test_paths_are_those_within_the_application() -> None:
    rules = shop()
    assert needed(rules, "/api/health", root="/api") == "open"
    assert needed(rules, "/health", root="/api") == "open"
    assert needed(rules, "/api/admin/x", root="/api", raw_path="/api/admin/x") == "staff"
    assert needed(rules, "/api/admin/x", root="/api", raw_path="/admin/x") == "staff", "the proxy took the root off"
    assert needed(rules, "/api/health", root="/api", raw_path="/admin/x") == "malformed"
    assert needed(rules, "/api//admin/x", root="/api") == "malformed"


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("/a/{x}", "/a/{y}", r"two rules for the same: /a/\{x\} and /a/\{y\}"),
        ("/a", "/a", "two rules for /a; give one, e"),
        ("/a", "/A", "differ in no more than an application may overlook"),
        ("/a", "/a/", "differ in no more than an application may overlook"),
        ("/{x}/a", "/b/{y}", r"/b/\{y\} and /\{x\}/a both cover /b/a, .* give a rule for /b/a"),
        ("/a/**", "/{x}/b", r"both cover /a/b"),
        ("/{x}/b/**", "/a/**", r"both cover /a/b/\*\*"),
        ("/{x}/", "/a/**", r"both cover /a"),
        ("/a/{x}/**", "/{y}/b/{z}", r"both cover /a/b/\{part3\}"),
    ],
)
def test_what_cannot_be_told_apart_is_refused_where_it_is_written(first: str, second: str, said: str) -> None:
    for one, other in ((first, second), (second, first)):
        rules = Rules(default=DEFAULT)
        rules.protect(one, STAFF)
        with pytest.raises(ConfigError, match=said if one is first else None):
            _also(rules, other)


def _also(rules: Rules, path: str) -> None:
    rules.protect(path, BOSS)
    rules.check()


def test_what_can_be_told_apart() -> None:
    rules = Rules(default=DEFAULT)
    for path, policy in [("/{x}/a", STAFF), ("/b/{y}", BOSS), ("/b/a", PAY), ("/c", READ), ("/C/", READ)]:
        rules.protect(path, policy)
    rules.open("/d", because="one")
    rules.open("/d/", because="another")
    rules.protect("/{same}/e", READ)
    rules.protect("/f/{same}", READ)
    rules.protect("/b/e", READ)
    rules.protect("/f/a", READ)
    assert [needed(rules, path) for path in ("/x/a", "/b/x", "/b/a", "/C/", "/d", "/d/", "/f/e")] == [
        "staff", "boss", "pay", "read", "open", "open", "read",
    ]  # fmt: skip


def test_what_meets_in_spellings_alone_needs_both() -> None:
    rules = Rules(default=DEFAULT)
    rules.protect("/{x}/g/", STAFF)
    rules.protect("/h/{y}", BOSS)
    assert [needed(rules, path) for path in ("/h/g", "/h/g/", "/x/g/", "/h/y")] == [
        "staff & boss", "staff & boss", "staff", "boss",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "methods", "said"),
    [
        ("health", None, "with a slash at its beginning"),
        ("/a/<id>", None, r"write \"/a/\{id\}\""),
        ("/a/*", None, "neither a name nor a pattern"),
        ("/a/../b", None, "no request can match it"),
        ("/a", "GET", r"methods=\[\"GET\", \"POST\"\]"),
        ("/a", [], "methods is empty"),
        ("/a", ["get"], "no registered method in upper case"),
        ("/a", ["HEAD"], r"write methods=\[\"GET\"\]"),
        ("/a", 7, r"methods=7"),
    ],
)
def test_wrong_rules_fail_where_they_are_written(path: str, methods: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Rules(default=DEFAULT).protect(path, STAFF, methods=methods)


def test_wrong_policies_fail_where_they_are_written() -> None:
    given: Any = "staff"
    with pytest.raises(ConfigError, match="default takes a policy"):
        Rules(default=given)
    with pytest.raises(ConfigError, match=r"rules.protect\('/a', ...\) takes a policy"):
        Rules(default=DEFAULT).protect("/a", given)


def test_rules_in_use_take_no_more() -> None:
    rules = shop()
    assert needed(rules, "/x") == "default"
    with pytest.raises(ConfigError, match="in use already"):
        rules.protect("/x", STAFF)
    rules.check()


def test_the_report_has_a_line_for_each_rule() -> None:
    assert str(shop().report()).splitlines() == [
        "*     /health          OPEN because the load balancer asks",
        "POST  /payments/{id}   pay  (rules.protect)",
        "*     /admin/**        staff  (rules.protect)",
        "*     /docs/{page}     OPEN because public",
        "*     /docs/secret     staff  (rules.protect)",
        "*     (anything else)  default  (default)",
    ]
    assert shop().policies[0] is DEFAULT


def test_a_checkpoint_is_made_once_and_names_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = shop()
    ask = AccessRequest(now=0, path="/Admin/x")
    found = rules.find(ask)
    assert not isinstance(found, Reason)
    assert rules.find(ask) is found
    assert (found.path, found.protection.by) == ("/admin/**", "rules.protect and default")
    monkeypatch.setattr("zerotrust.web.rules._REMEMBERED", 1)
    for path in ("/ADMIN/x", "/DOCS/secret", "/nope"):
        assert needed(rules, path) in {"staff & default", "default"}


# --- Laws ------------------------------------------------------------------------------------------------------------
SEGMENTS = st.sampled_from(["a", "B", "b", "{x}"])
TEMPLATES = st.builds(
    lambda parts, end: (
        "/" + "/".join([f"{{x{place}}}" if part == "{x}" else part for place, part in enumerate(parts)] + end)
    ),
    st.lists(SEGMENTS, max_size=3),
    st.sampled_from([[], [""], ["**"]]),
).map(lambda text: text.replace("//", "/"))
PATHS = st.lists(st.sampled_from(["a", "b", "B", "c"]), max_size=4).flatmap(
    lambda parts: st.sampled_from(["/" + "/".join(parts), "/" + "/".join([*parts, ""]) if parts else "/"])
)


@given(TEMPLATES, TEMPLATES, PATHS)
@usually(100)
def test_two_templates_overlap_where_a_path_says_so(first: str, second: str, path: str) -> None:
    one, other, segments = read_template(first, "**"), read_template(second, "**"), tuple(path[1:].split("/"))
    if covers(one, segments) and covers(other, segments):
        assert overlap(one, other)
        assert overlap(other, one)


@given(st.lists(TEMPLATES, min_size=1, max_size=5), PATHS)
@usually(100)
def test_what_is_found_is_what_covers_the_path_and_never_less_than_any_spelling_needs(
    texts: list[str], path: str
) -> None:
    rules, policies = Rules(default=DEFAULT), {}
    for number, text in enumerate(texts):
        policy = scope(TOKEN, f"s{number}").named(f"s{number}")
        try:
            rules.protect(text, policy)
        except ConfigError:
            continue
        policies[text] = f"s{number}"
    try:
        rules.check()
    except ConfigError:
        return
    got = needed(rules, path).split(" & ")
    segments = tuple(path[1:].split("/"))
    exact = [text for text in policies if covers(read_template(text, "**"), segments)]
    folded = tuple(fold(one) for one in segments)
    loose = [text for text in policies if covers(read_template(text.lower(), "**"), folded)]
    if not loose:
        bare = (*folded, "") if folded[-1] else folded[:-1]
        loose = [
            text for text in policies if bare and covers(read_template(text.lower().rstrip("/") or "/", "**"), bare)
        ]
    assert bool(exact) == ("default" not in got), (
        "what is spelled as a rule has it needs that, all else the default, too"
    )
    assert not loose or got != ["default"]
    for text in exact:  # the most specific of them is required
        if all(lies_in(_folded(text), _folded(other)) for other in exact):
            assert policies[text] in got
    for one, other in pairwise(got):
        assert one != other


def _folded(text: str) -> Any:
    segments, below = read_template(text, "**")
    return tuple(one if one is None else fold(one) for one in segments if one != ""), below


@given(st.lists(TEMPLATES.map(_folded), max_size=6, unique=True), PATHS)
@usually(100)
def test_a_table_finds_all_places_and_the_narrow_ones_first(shapes: list[Any], path: str) -> None:
    table = Table(shapes)
    segments = tuple(path[1:].split("/"))
    folded = tuple(fold(one) for one in segments if one != "")
    found = [table.shapes[place] for place in table.find(segments)]
    assert set(found) == {shape for shape in shapes if lies_in((folded, False), shape)}
    for earlier, later in pairwise(found):
        assert not lies_in(later, earlier)
