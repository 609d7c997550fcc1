"""The matrix, as text and as an image."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.segments.world import tables
from zerotrust.core.errors import ConfigError
from zerotrust.segments import ANY, Flow, Segments, deny

TABLE = Segments(
    [
        Flow("spiffe://prod.example/web", "ledger", "GET", ["/accounts", "/accounts/{id}"]),
        Flow("spiffe://prod.example/web", "mail", "POST", "/messages"),
        Flow("spiffe://prod.example/ns/batch/**", "ledger", ["GET", "POST"], "/imports/**"),
        deny("spiffe://prod.example/ns/batch/**", "ledger", ANY, "/imports/locked"),
    ],
    service="ledger",
)
SVG = "{http://www.w3.org/2000/svg}"


def test_as_text() -> None:
    assert (
        str(TABLE)
        == """\
 from \\ to                         | ledger                       | mail
-----------------------------------+------------------------------+----------------
 spiffe://prod.example/web         | GET /accounts /accounts/{id} | POST /messages
-----------------------------------+------------------------------+----------------
 spiffe://prod.example/ns/batch/** | GET,POST /imports/**         | -
                                   | deny * /imports/locked       |"""
    )


def texts(image: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(image).iter(f"{SVG}text")]


def test_as_an_image() -> None:
    root = ET.fromstring(TABLE.svg(title="Ledger & co"))
    assert root.get("role") == "img"
    named = {element.get("id"): element.text for element in root if element.get("id")}
    assert set((root.get("aria-labelledby") or "").split()) == set(named) == {"title", "desc"}
    assert named["title"] == "Ledger & co"
    assert named["desc"] == (
        "2 peers down the side, 2 services along the top: 3 rows allow, 1 deny, and everything else is refused."
    )
    assert texts(TABLE.svg()) == [
        "from \\ to", "ledger", "mail",
        "spiffe://prod.example/web", "GET /accounts /accounts/{id}", "POST /messages",
        "spiffe://prod.example/ns/batch/**", "GET,POST /imports/**", "deny * /imports/locked", "-",
    ]  # fmt: skip


@given(tables)
def test_the_image_is_well_formed_and_holds_every_row(flows: list[Flow]) -> None:
    shown = texts(Segments(flows, service="s").svg())
    for flow in flows:
        assert f"{'deny ' if flow.denies else ''}{flow.called}" in shown


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\;%{}*?#>["), min_size=1, max_size=20)
)
def test_nothing_in_a_table_is_markup(text: str) -> None:
    if text in {".", ".."}:
        return
    image = Segments([Flow("*", "s", "GET", f"/<script {text}")], service="s").svg(title=f"<script>{text}")
    root = ET.fromstring(image)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        "svg",
        "title",
        "desc",
        "style",
        "rect",
        "text",
    }
    assert "<script" not in image


def test_cells_do_not_overlap() -> None:
    root = ET.fromstring(TABLE.svg())
    boxes = [
        tuple(int(element.get(name, "")) for name in ("x", "y", "width", "height"))
        for element in root.iter(f"{SVG}rect")
    ]
    assert len(boxes) == 9
    for place, (left, top, width, height) in enumerate(boxes):
        for x, y, w, h in boxes[:place]:
            assert left >= x + w or x >= left + width or top >= y + h or y >= top + height
    assert int(root.get("width", "")) == max(x + w for x, _, w, _ in boxes) + 1


def test_a_title_is_needed() -> None:
    for title in ("", "  ", None):
        with pytest.raises(ConfigError, match="a title is"):
            TABLE.svg(title=title)  # type: ignore[arg-type]
