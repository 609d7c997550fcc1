from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.verifiers.peers import AUTHORITY, NOW, PROD, STRANGERS, UNREVOKED, came, code, svid
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.pki.trust_bundle import TrustBundle
from zerotrust.stores import watched_file
from zerotrust.stores.bundle_file import BundleFile
from zerotrust.verifiers.peer_certificate import PeerCertificate
from zerotrust.wire.spiffe_bundle import MAX_BUNDLE

AT_ONCE = timedelta(0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "bundle.pem"
    path.write_bytes(AUTHORITY.pem)
    settle(path)
    return path


def settle(path: Path, ago: float = 100) -> None:
    """As if it had been written a while ago."""
    then = path.stat().st_mtime - ago
    os.utime(path, (then, then))


def held(file: BundleFile) -> bytes:
    content = file.content(NOW)
    assert isinstance(content, bytes), content
    return content


def test_the_same_object_while_nothing_changes(path: Path) -> None:
    file = BundleFile(path, every=AT_ONCE)
    first = held(file)
    assert first == AUTHORITY.pem
    assert held(file) is first
    path.write_bytes(AUTHORITY.pem)  # written anew
    assert held(file) is first


def test_an_unchanged_file_is_not_read_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = BundleFile(path, every=AT_ONCE)
    held(file)
    monkeypatch.setattr(file.__class__, "_read", lambda _: pytest.fail("read again"))
    assert held(file) == AUTHORITY.pem


def test_written_in_place(path: Path) -> None:
    file = BundleFile(path, every=AT_ONCE)
    held(file)
    path.write_bytes(STRANGERS.pem)
    assert held(file) == STRANGERS.pem


def test_written_twice_within_one_tick_of_the_file_system(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two states of one length, at one time: which a glance cannot tell apart."""
    file = BundleFile(path, every=AT_ONCE)
    path.write_bytes(b"one")
    glance = path.stat()
    monkeypatch.setattr(Path, "stat", lambda *_, **__: glance)
    assert held(file) == b"one"
    path.write_bytes(b"two")
    assert held(file) == b"two"


def test_gone_and_back_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = BundleFile(path, every=AT_ONCE)
    glance = path.stat()
    monkeypatch.setattr(Path, "stat", lambda *_, **__: glance)
    assert held(file) == AUTHORITY.pem
    away = path.rename(path.with_name("away"))
    monkeypatch.setattr(Path, "stat", _missing)
    assert isinstance(file.content(NOW), Reason)
    away.rename(path)
    monkeypatch.setattr(Path, "stat", lambda *_, **__: glance)
    assert held(file) == AUTHORITY.pem


def _missing(*_: object, **__: object) -> None:
    raise FileNotFoundError


def test_renamed_over(path: Path) -> None:
    file = BundleFile(path, every=AT_ONCE)
    held(file)
    other = path.with_name("new")
    other.write_bytes(STRANGERS.pem)
    other.replace(path)
    assert held(file) == STRANGERS.pem


def test_a_symbolic_link_that_is_turned(path: Path) -> None:
    """As volumes of clusters are updated."""
    link, other = path.with_name("link"), path.with_name("other")
    link.symlink_to(path)
    file = BundleFile(link, every=AT_ONCE)
    held(file)
    other.write_bytes(STRANGERS.pem)
    settle(other)
    link.unlink()
    link.symlink_to(other)
    assert held(file) == STRANGERS.pem


def test_it_is_not_looked_at_more_often_than_configured(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tick = 100.0
    monkeypatch.setattr(watched_file, "monotonic", lambda: tick)
    file = BundleFile(path, every=timedelta(seconds=5))
    held(file)
    path.write_bytes(STRANGERS.pem)
    tick = 104.9
    assert held(file) == AUTHORITY.pem
    tick = 105.0
    assert held(file) == STRANGERS.pem


def test_gone_and_back(path: Path) -> None:
    file = BundleFile(path, every=AT_ONCE)
    held(file)
    path.unlink()
    gone = file.content(NOW)
    assert isinstance(gone, Reason)
    assert gone.code == "source_down"
    path.write_bytes(AUTHORITY.pem)
    assert held(file) == AUTHORITY.pem


def test_what_is_no_file(path: Path) -> None:
    pipe = path.with_name("pipe")
    os.mkfifo(pipe)
    for where in (path.parent, pipe, Path("/dev/zero"), Path("/dev/null")):
        refused = BundleFile(where, every=AT_ONCE).content(NOW)
        assert isinstance(refused, Reason), where
        assert refused.code in {"source_refused", "source_down"}


def test_a_file_that_is_too_large(path: Path) -> None:
    path.write_bytes(b"x" * MAX_BUNDLE)
    assert len(held(BundleFile(path))) == MAX_BUNDLE
    path.write_bytes(b"x" * (MAX_BUNDLE + 1))
    refused = BundleFile(path).content(NOW)
    assert isinstance(refused, Reason)
    assert str(MAX_BUNDLE) in str(refused)


def test_a_rollover_without_a_restart(path: Path) -> None:
    file = BundleFile(path, every=AT_ONCE)
    bundle = TrustBundle(PROD, file)
    peer = PeerCertificate(bundle, revocation=UNREVOKED)
    old, new = came(svid()), came(svid(by=STRANGERS))
    assert [code(peer, one) == "good" for one in (old, new)] == [True, False]
    path.write_bytes(AUTHORITY.pem + STRANGERS.pem)
    assert [code(peer, one) == "good" for one in (old, new)] == [True, True]
    path.write_bytes(STRANGERS.pem[:100])  # half of it is there
    assert [code(peer, one) == "good" for one in (old, new)] == [True, True]
    assert bundle.trouble is not None
    path.write_bytes(STRANGERS.pem)
    assert [code(peer, one) == "good" for one in (old, new)] == [False, True]
    assert bundle.trouble is None
    assert repr(bundle) == f"TrustBundle('prod.example', BundleFile('{path}'))"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BundleFile(""), "takes a path"),
        (lambda: BundleFile(5), "takes a path"),  # type: ignore[arg-type]
        (lambda: BundleFile("a", every=timedelta(hours=2)), "every=2 h"),
        (lambda: TrustBundle(PROD, BundleFile("/nowhere/bundle.pem")), "/nowhere/bundle.pem"),
    ],
)
def test_mistakes(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()


def test_what_is_wrong_is_told(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = BundleFile(path, every=AT_ONCE)
    assert held(file)
    assert file.trouble is None
    path.rename(path.with_name("away"))
    for _ in range(2):
        file.content(NOW)
    assert "FileNotFoundError" in str(file.trouble)
    path.with_name("away").rename(path)
    for _ in range(2):
        held(file)
    assert file.trouble is None
    assert [(one.name, one.levelname) for one in caplog.records] == [("zerotrust.stores", "WARNING")] * 2
    assert caplog.messages[0].startswith(f"BundleFile({str(path)!r}) cannot be used as it is now: a source did not")
    assert caplog.messages[1] == f"BundleFile({str(path)!r}) is in order again"
    caplog.clear()
    BundleFile(path.with_name("none"), every=AT_ONCE).content(NOW)
    assert caplog.messages == []  # it never was
