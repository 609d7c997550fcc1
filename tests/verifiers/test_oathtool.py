"""oathtool, an independent authenticator and verifier: both ways, for many keys, settings and moments."""

from __future__ import annotations

import random
import shutil
import subprocess
from base64 import b32encode

import pytest

from tests.servers import need
from tests.verifiers.codes import NOW, World, hotp, raw, totp
from zerotrust.factors.enrolled import Enrolled
from zerotrust.wire.otp import KEY_SIZE, OtpKey, step_at

# Any key will do, and the same in every run.
CHANCE = random.Random(6238)
CASES = [
    (algorithm, digits, period, CHANCE.randbytes(size), CHANCE.randrange(60, 4_000_000_000))
    for algorithm, own in KEY_SIZE.items()
    for digits in (6, 7, 8)
    for period, size in ((30, own), (60, own), (30, CHANCE.randrange(16, 150)))
]


@pytest.fixture(scope="module", autouse=True)
def _oathtool() -> None:
    need(None if shutil.which("oathtool") else "these tests need oathtool on the path")


def oathtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["oathtool", *arguments], capture_output=True, text=True, check=False, timeout=30)


def timed(algorithm: str, digits: int, period: int, now: int, secret: str) -> list[str]:
    return [f"--totp={algorithm.lower()}", "-b", "-d", str(digits), "-s", str(period), "-N", f"@{now}", secret]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_codes_are_the_same(number: int) -> None:
    algorithm, digits, period, key, now = CASES[number]
    made = OtpKey(key, algorithm, digits)
    ours = [made.at(step_at(now, period) + ahead) for ahead in range(4)]
    said = oathtool("-w", "3", *timed(algorithm, digits, period, now, b32encode(key).decode()))
    assert said.stdout.split() == ours


@pytest.mark.parametrize("number", range(0, len(CASES), 3))
def test_it_takes_our_codes_and_no_other(number: int) -> None:
    algorithm, digits, period, key, now = CASES[number]
    arguments = timed(algorithm, digits, period, now, b32encode(key).decode())
    code = OtpKey(key, algorithm, digits).at(step_at(now, period) + 1)
    assert oathtool("-w", "2", *arguments, code).returncode == 0
    other = f"{(int(code) + 1) % 10**digits:0{digits}d}"
    assert oathtool("-w", "2", *arguments, other).returncode != 0


def test_counters() -> None:
    key = CHANCE.randbytes(20)
    for digits in (6, 7, 8):
        said = oathtool("--hotp", "-d", str(digits), "-c", "4294967290", "-w", "9", key.hex())
        made = OtpKey(key, "SHA1", digits)
        assert said.stdout.split() == [made.at(4294967290 + ahead) for ahead in range(10)]


def test_it_enrols_and_proves() -> None:
    """From the secret as a person types it."""
    world, factor = World(), totp()
    offer = world.offer(factor)

    def code(now: float) -> str:
        return oathtool(*timed("SHA1", 6, 30, int(now), offer.secret)).stdout.strip()

    assert isinstance(world.enrol(factor, code(NOW)), Enrolled)
    assert [world.said(factor, code(NOW + at), NOW + at) for at in (0, 30, 30, 59, 61)] == [
        "replayed", "proven", "replayed", "replayed", "proven",
    ]  # fmt: skip


def test_it_enrols_and_counts() -> None:
    world, factor = World(), hotp()
    offer = world.offer(factor)

    def code(counter: int) -> str:
        return oathtool("--hotp", "-b", "-c", str(counter), offer.secret).stdout.strip()

    assert len(raw(offer)) == 20
    assert isinstance(world.enrol(factor, code(0)), Enrolled)
    assert [world.said(factor, code(counter)) for counter in (3, 3, 4)] == ["proven", "wrong_code", "proven"]
