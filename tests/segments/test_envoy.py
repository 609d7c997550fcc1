"""The Envoy export as a document; that Envoy decides alike is shown in tests/e2e/test_segments_envoy.py."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from zerotrust.core.errors import ConfigError
from zerotrust.segments import ANY, Export, Flow, Segments, deny

WEB = "spiffe://prod.example/web"


def export(*flows: Flow) -> Export:
    return Segments(flows, service="ledger").envoy()


def rules(made: Export) -> list[dict[str, Any]]:
    return [one["typed_config"]["rules"] for one in yaml.safe_load(made.text)]


def test_three_filters_in_their_order() -> None:
    made = export(
        Flow(WEB, "ledger", "GET", "/a"), deny("*", "ledger", ANY, "/b/**"), Flow(WEB, "ledger", "POST", "/c")
    )
    assert [one["action"] for one in rules(made)] == ["ALLOW", "DENY", "ALLOW"]
    assert [list(one["policies"]) for one in rules(made)] == [
        ["one-reading"],
        ["row-00002"],
        ["row-00001", "row-00003"],
    ]
    assert {one["name"] for one in yaml.safe_load(made.text)} == {"envoy.filters.http.rbac"}


def test_a_row_is_a_policy() -> None:
    made = export(Flow(WEB, "ledger", ["GET", "HEAD"], ["/a", "/b/**"]))
    san = {"san_type": "URI", "matcher": {"exact": WEB}}
    kind = "type.googleapis.com/envoy.extensions.rbac.principals.mtls_authenticated.v3.Config"
    assert rules(made)[-1]["policies"]["row-00001"] == {
        "permissions": [
            {
                "and_rules": {
                    "rules": [
                        {
                            "or_rules": {
                                "rules": [
                                    {"header": {"name": ":method", "string_match": {"exact": method}}}
                                    for method in ("GET", "HEAD")
                                ]
                            }
                        },
                        {
                            "or_rules": {
                                "rules": [
                                    {"url_path": {"path": {"exact": "/a"}}},
                                    {"url_path": {"path": {"prefix": "/b/"}}},
                                ]
                            }
                        },
                    ]
                }
            }
        ],
        "principals": [
            {
                "custom": {
                    "name": "envoy.rbac.principals.mtls_authenticated",
                    "typed_config": {"@type": kind, "san_matcher": san},
                }
            }
        ],
    }


def test_without_a_row_that_denies_there_are_two() -> None:
    assert [one["action"] for one in rules(export(Flow(WEB, "ledger", "GET", "/a")))] == ["ALLOW", "ALLOW"]


def test_without_a_row_that_allows_nobody_is_let_in() -> None:
    made = rules(export(deny(WEB, "ledger", "GET", "/a")))
    assert [one["action"] for one in made] == ["ALLOW", "DENY", "ALLOW"]
    assert made[-1]["policies"] == {}


def test_what_envoy_would_not_load_is_left_out_or_refused() -> None:
    long = f"/{'a' * 80}/{{x}}"
    made = export(Flow(WEB, "ledger", "GET", "/a"), Flow(WEB, "ledger", "GET", long))
    assert list(rules(made)[-1]["policies"]) == ["row-00001"]
    assert [(one.row, one.left_out) for one in made.cannot if one.row] == [(2, True)]
    assert "larger than Envoy takes" in str(made.cannot[0])
    with pytest.raises(ConfigError, match="row 1 denies and Envoy cannot express it"):
        export(deny(WEB, "ledger", "GET", long), Flow("*", "ledger", "GET", "/**"))
    # Of a text without an open segment there is no expression, so its length does not matter.
    assert [one for one in export(Flow(WEB, "ledger", "GET", f"/{'a' * 500}/**")).cannot if one.row] == []


def test_no_expression_is_larger_than_envoy_takes_by_default() -> None:
    """About an instruction for each literal character, three for a class; 100 are allowed."""
    patterns = [f"/{'a' * size}/{{x}}/{'b' * size}/{{y}}" for size in range(1, 60, 7)]
    text = export(Flow("*", "ledger", ANY, patterns)).text
    found = re.findall(r'regex: "?([^"\n]*)', text)
    assert found
    for expression in found:
        plain = re.sub(r"\[[^\]]*\][+*]?", "", expression)
        assert len(plain) < 90, expression


def test_the_same_table_gives_the_same_text() -> None:
    rows = [Flow(WEB, "ledger", ["GET", "POST"], ["/a", "/b/{x}"]), deny("*", "ledger", ANY, "/c")]
    assert export(*rows).text == export(*rows).text == str(export(*rows))


def test_what_it_needs_is_said() -> None:
    made = export(Flow(WEB, "ledger", "GET", "/a"))
    said = " ".join(made.needs)
    for setting in ("require_client_certificate", "normalize_path: false", "merge_slashes: false", "spiffe"):
        assert setting in said
    assert made.cannot
