"""What the group of one-time passwords times is right: everybody takes the right code, and nobody the wrong one."""

from __future__ import annotations

import pytest

from benchmarks import otp
from benchmarks.harness import measure
from zerotrust.wire.otp import OtpKey


@pytest.mark.parametrize("name", otp.GROUPS)
def test_the_groups_run(name: str) -> None:
    measure(otp.GROUPS[name](), rounds=1, attempts=1)


def test_all_agree() -> None:
    good, bad, step = otp.right(), otp.wrong(), otp.NOW // 30
    assert [otp.ours(OtpKey(otp.KEY), code) for code in (good, bad)] == [step, None]
    assert [otp.ours_from_bytes(otp.KEY, code) for code in (good, bad)] == [step, None]
    assert [otp.theirs(code) for code in (good, bad)] == [True, False]
    assert [otp.theirs_in_c(code.encode()) for code in (good, bad)] == [True, False]
