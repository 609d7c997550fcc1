"""Subscribers are told why they hear nothing."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.stores.contract.places import PATIENCE, TIMEOUT, Style
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, Kind
from zerotrust.stores.bridge import Bridge
from zerotrust.stores.notices import Lost, Notice
from zerotrust.stores.open import open_async_store, open_store


@pytest.fixture
def port() -> int:
    """Nobody listens there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def first_notice(url: str, style: Style) -> Notice | None:
    if style == "blocking":
        with open_store(url, timeout=TIMEOUT) as store, store.subscribe("kind") as heard:
            return heard.get(PATIENCE)
    with Bridge(open_async_store(url, timeout=TIMEOUT)) as bridge, bridge.subscribe("kind") as heard:
        return heard.get(PATIENCE)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://user:s3cret@127.0.0.1:{port}/0", SOURCE_DOWN),
        ("postgresql://user:s3cret@127.0.0.1:{port}/x", SOURCE_DOWN),
        ("sqlite://{folder}/no.db", SOURCE_REFUSED),
    ],
    ids=["redis", "postgres", "sqlite"],
)
def test_a_subscriber_is_told_why(url: str, kind: Kind, style: Style, port: int, tmp_path: Path) -> None:
    (tmp_path / "no.db").write_bytes(b"this is no database" * 1000)
    notice = first_notice(url.format(port=port, folder=tmp_path), style)
    assert isinstance(notice, Lost)
    assert notice.reason.kind is kind
    assert notice.reason.detail
    assert "s3cret" not in repr(notice)
