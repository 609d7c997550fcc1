"""Lists in a file: read at construction, and again when it changes; what cannot be read displaces nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.pki.revoking import DIRECT, GOOD, ISSUING, LEAF, NOW, ROOT, ROOT_CRL, STRANGER, verdict, why
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import seconds
from zerotrust.pki.crls import Crls
from zerotrust.stores import crl_file, watched_file
from zerotrust.stores.crl_file import CrlFile
from zerotrust.testing.revoking import crl
from zerotrust.wire.crl import read_crls

AT_ONCE = seconds(0)
REVOKING = crl(ROOT, DIRECT, number=2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ca.crl"
    path.write_bytes(ROOT_CRL)
    settle(path)
    return path


def settle(path: Path) -> None:
    """As if it had been written a while ago."""
    then = path.stat().st_mtime - 100
    os.utime(path, (then, then))


def test_it_is_read_at_once_and_again_when_it_changes(path: Path) -> None:
    file = CrlFile(path, every=AT_ONCE)
    way = Crls(file, crl(ISSUING))
    assert verdict(way, LEAF) == verdict(way, DIRECT) == GOOD
    path.write_bytes(REVOKING)
    assert verdict(way, DIRECT) == "certificate_revoked"
    assert verdict(way, LEAF) == GOOD


def test_it_is_parsed_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = CrlFile(path, every=AT_ONCE)
    lists = file.held(NOW).lists
    monkeypatch.setattr(crl_file, "read_crls", lambda _: pytest.fail("parsed again"))
    path.write_bytes(ROOT_CRL)  # the same, written anew
    assert file.held(NOW).lists is lists
    assert file.reload() is None


@pytest.mark.parametrize("content", [b"", b"no list", REVOKING[:-1]])
def test_what_cannot_be_read_displaces_nothing(path: Path, content: bytes) -> None:
    file = CrlFile(path, every=AT_ONCE)
    path.write_bytes(content)
    way = Crls(file)
    assert verdict(way, DIRECT) == GOOD
    assert "malformed" in why(way, DIRECT, now=NOW + 86400 * 8)  # why there is no newer one
    trouble = file.reload()
    assert trouble is not None
    path.write_bytes(REVOKING)
    assert file.reload() is None
    assert verdict(way, DIRECT) == "certificate_revoked"


def test_a_file_that_goes_away(path: Path) -> None:
    file = CrlFile(path, every=AT_ONCE)
    path.unlink()
    assert verdict(Crls(file), DIRECT) == GOOD
    assert "FileNotFoundError" in why(Crls(file), DIRECT, now=NOW + 86400 * 8)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "FileNotFoundError"),
        (b"no list", "malformed: a CRL"),
        (crl(STRANGER, number=9), "CRL 9 of CN=Root is not signed by its issuer"),
        (crl(ISSUING, number=9), "expected a list where CRL 1 of CN=Root was, presented CRL 9 of CN=Issuing"),
    ],
    ids=["gone", "broken", "of another key", "of another issuer"],
)
def test_what_is_wrong_is_told(path: Path, content: bytes | None, says: str, caplog: pytest.LogCaptureFixture) -> None:
    file = CrlFile(path, every=AT_ONCE)
    way = Crls(file)
    assert verdict(way, DIRECT) == GOOD
    assert (file.trouble, caplog.messages) == (None, [])
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    for _ in range(3):
        assert verdict(way, DIRECT) == GOOD  # by what was there before
    for trouble in (file.reload(), file.trouble):
        assert says in str(trouble)
    path.write_bytes(REVOKING)
    assert verdict(way, DIRECT) == "certificate_revoked"
    assert file.reload() is None
    assert file.trouble is None
    assert [(one.name, one.levelname) for one in caplog.records] == [("zerotrust.stores", "WARNING")] * 2
    first, second = caplog.messages
    assert first.startswith(f"CrlFile({str(path)!r}) cannot be used as it is now: ")
    assert says in first
    assert second == f"CrlFile({str(path)!r}) is in order again"


def test_a_file_that_was_never_in_order_is_a_mistake_and_no_news(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ConfigError):
        CrlFile(path.with_name("none.crl"))
    assert caplog.messages == []


def test_lists_of_others_beside_it_are_nothing_wrong(path: Path) -> None:
    file = CrlFile(path, every=AT_ONCE)
    for lists in ((REVOKING, crl(ISSUING)), (crl(ISSUING),)):
        path.write_bytes(b"".join(x509.load_der_x509_crl(one).public_bytes(Encoding.PEM) for one in lists))
        assert file.reload() is None
    path.write_bytes(crl(STRANGER, issuer=DIRECT.certificate.subject))
    assert file.reload() is not None
    assert verdict(Crls(file, ROOT_CRL)) == GOOD  # the list of before, though nobody had asked about it
    path.write_bytes(crl(ISSUING, number=5))
    assert file.reload() is None
    assert [one.number for one in file.held(NOW).lists] == [5]


def test_only_when_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = CrlFile(path, every=None)
    path.write_bytes(REVOKING)
    assert verdict(Crls(file), DIRECT) == GOOD
    monkeypatch.setattr(watched_file, "monotonic", lambda: float("inf"))
    assert verdict(Crls(file), DIRECT) == GOOD
    assert file.reload() is None
    assert verdict(Crls(file), DIRECT) == "certificate_revoked"


def test_requests_do_not_wait_for_a_reload(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = CrlFile(path, every=AT_ONCE)
    path.write_bytes(REVOKING)
    seen: list[int] = []

    def reading(document: bytes) -> Any:
        other = Thread(target=lambda: seen.append(file.held(NOW).lists[0].number))
        other.start()
        other.join(10)
        return read_crls(document)

    monkeypatch.setattr(crl_file, "read_crls", reading)
    assert file.reload() is None
    assert seen == [1]
    assert file.held(NOW).lists[0].number == 2


def test_too_large(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crl_file, "MAX_CRL", len(ROOT_CRL))
    CrlFile(path)
    monkeypatch.setattr(crl_file, "MAX_CRL", len(ROOT_CRL) - 1)
    with pytest.raises(ConfigError, match="at most"):
        CrlFile(path)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda path: CrlFile(path.with_name("none.crl")), "FileNotFoundError"),
        (lambda path: CrlFile(path.parent), "IsADirectoryError"),
        (lambda path: CrlFile(5), "takes a path"),  # type: ignore[arg-type]
        (lambda path: CrlFile(path, every=5), "such as minutes(5)"),  # type: ignore[arg-type]
        (lambda path: CrlFile(Path(__file__)), "malformed"),
    ],
)
def test_mistakes(path: Path, wrong: Callable[[Path], object], says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        wrong(path)


def test_it_prints_as_it_was_written(path: Path) -> None:
    assert repr(Crls(CrlFile(path))) == f"Crls(CrlFile({str(path)!r}))"
