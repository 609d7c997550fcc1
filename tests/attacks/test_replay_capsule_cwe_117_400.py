"""Callers who try to forge lines of the record (CWE-117), or to fill it and whoever reads it (CWE-400)."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fastapi.world import NOW, token
from tests.replay.world import KEY, recorded
from zerotrust.core.finding import Verified
from zerotrust.core.moments import minutes
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.engine import judge
from zerotrust.replay import Capsule, Recorder, lines_of, read_capsule, replay
from zerotrust.replay.capsule import MOST_BYTES

POLICY = token.claim("dept", "law") & token.scope("pay")


def decided(**says: Any) -> Any:
    return judge(POLICY, {token: Verified(token.exhibit(says, NOW))}, NOW)


@pytest.mark.parametrize("value", ["a\nb", "a\r\n", "\x00", "\x1b[2J", "\u2028", '","verdict":"yes"', "\ud800"])
def test_a_claim_cannot_end_a_line_or_forge_a_member(value: str) -> None:
    line = recorded(decided(**{"claims.dept": value, "scope": [value]}))
    assert line.count(b"\n") == 1
    assert line.isascii()
    assert b"\x1b" not in line
    assert b"\x00" not in line
    capsule = read_capsule(line)
    assert isinstance(capsule, Capsule)
    assert capsule.decided.verdict is False or capsule.decided.verdict is None


def test_a_line_is_bounded_whatever_a_token_holds() -> None:
    lines: list[bytes] = []
    recorder = Recorder(key=KEY, sink=lines.append)
    for value in (
        ["x" * 500] * 5000,
        ["x" * 500] * 500,
        "x" * 10**6,
        [[[[[["x"]]]]]],
        {str(one): one for one in range(9999)},
    ):
        decision = decided(**{"claims.dept": value})
        recorder.record(decision, AccessRequest(now=NOW), route="/x")
    assert recorder.recorded + recorder.failed == 5
    assert all(len(line) <= MOST_BYTES for line in lines)
    assert all(isinstance(read_capsule(line), Capsule) for line in lines)


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 60_000, b'{"a":' * 10_000, b'{"capsule":1,"found":' + b"[" * 100 + b"]" * 100 + b"}", b"9" * 60_000,
        b'{"capsule":1,"now":1e999}', b'{"capsule":1,"now":NaN}', b'{"capsule":1,"capsule":1}', b'"\\ud800"',
        b"\xff" * 99,
        b"\xef\xbb\xbf{}", b'{"capsule":1,"now":' + b"9" * 400 + b"}", b'{"capsule":1,"now":99999999999999999999}',
    ],
    ids=range(12),
)  # fmt: skip
def test_a_hostile_line_is_a_reason(line: bytes) -> None:
    assert isinstance(read_capsule(line), Reason)


def test_a_capsule_with_moments_beyond_any_calendar_is_replayed() -> None:
    good = json.loads(recorded(decided(**{"claims.dept": "law", "scope": ["pay"]})))
    for now in (1e308, -1e308, 0, 99999999999999999999):
        good["now"] = now
        report = replay([json.dumps(good).encode()], token.fresh(within=minutes(5)) | POLICY)
        assert report.total == 1
        assert report.malformed == 0


def test_a_file_that_unpacks_without_end_takes_little_memory() -> None:
    """Twenty megabytes without one line end."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as file:
        for _ in range(20):
            file.write(b"\x00" * 2**20)
    packed.seek(0)
    tracemalloc.start()
    with gzip.GzipFile(fileobj=packed) as file:
        report = replay(lines_of(file), POLICY)  # type: ignore[arg-type]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (report.total, report.malformed) == (1, 1)
    assert peak < 4 * 2**20


def test_what_is_kept_of_many_different_changes_is_bounded() -> None:
    good = json.loads(recorded(decided(**{"claims.dept": "law", "scope": ["pay"]})))

    def different() -> Iterator[bytes]:
        for number in range(12_000):
            good["route"] = f"/{number}"
            good["policy"]["names"] = [f"policy {number}"]
            yield json.dumps(good).encode()

    report = replay(different(), ~POLICY)
    assert report.changed == 12_000
    assert len(report.groups["route"]) == 10_001
    unmatched = replay(different(), {"another": POLICY})
    assert unmatched.unmatched == 12_000
    assert len(unmatched.names) == 1001
