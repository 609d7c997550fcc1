"""YAML that reads back as what it was made of."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.segments.export import Yaml, documents, to_yaml

_values: st.SearchStrategy[Any] = st.recursive(
    st.text()
    | st.integers()
    | st.booleans()
    | st.sampled_from(["yes", "No", "null", "1e3", "0x1", "~", "", "- a", "a: b", "#"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(_values)
def test_it_reads_back(value: Any) -> None:
    assert yaml.safe_load(to_yaml(value)) == value


def test_it_reads_well() -> None:
    value: Yaml = {"kind": "Server", "port": 8080, "on": True, "rules": [{"a": ["*", "x y"], "b": {}}, []]}
    assert to_yaml(value).splitlines() == [
        "kind: Server",
        "port: 8080",
        '"on": true',
        "rules:",
        "  - a:",
        '      - "*"',
        '      - "x y"',
        "    b: {}",
        "  - []",
    ]
    assert documents([{"a": 1}, {"b": 2}]) == "a: 1\n---\nb: 2\n"


@pytest.mark.parametrize("text", ["spiffe://p/a", "-", "1", "a.b/c-d_e", "policy.linkerd.io/v1beta3"])
def test_texts_stay_texts(text: str) -> None:
    assert yaml.safe_load(to_yaml([text])) == [text]
