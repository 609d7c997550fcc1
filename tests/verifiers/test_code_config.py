"""Mistakes in configuration are told where they are written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.verifiers.codes import SESSION, hotp, recovery, totp
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import hours, minutes, seconds
from zerotrust.verifiers.hotp import Hotp
from zerotrust.verifiers.recovery_codes import RecoveryCodes
from zerotrust.verifiers.totp import Totp


@pytest.mark.parametrize("issuer", ["", "a:b", " a", "a ", "a\nb", "a" * 65, "\u4e2d" * 22, None, 5, b"a", "\ud800"])
@pytest.mark.parametrize("kind", [Totp, Hotp])
def test_issuers_that_authenticators_cannot_show(kind: Callable[..., object], issuer: Any) -> None:
    with pytest.raises(ConfigError, match="issuer="):
        kind(issuer, of=SESSION)


BOTH: list[dict[str, Any]] = [
    {"algorithm": "sha1"}, {"algorithm": "MD5"}, {"algorithm": None}, {"algorithm": ["SHA1"]}, {"digits": 5},
    {"digits": 9}, {"digits": 6.0}, {"digits": True}, {"digits": "6"}, {"enrol_within": 600},
    {"enrol_within": seconds(59)}, {"enrol_within": hours(2)}, {"throttle": None}, {"throttle": 5}, {"name": "a b"},
    {"name": None}, {"of": None},
    {"of": "session"},
]  # fmt: skip
OF_TOTP: list[dict[str, Any]] = [
    {"period": 30}, {"period": seconds(14)}, {"period": seconds(121)}, {"period": seconds(30.5)}, {"window": -1},
    {"window": 6}, {"window": 1.0}, {"window": True}, {"drift": -1}, {"drift": 121}, {"drift": 1.5},
]  # fmt: skip
OF_HOTP: list[dict[str, Any]] = [
    {"look_ahead": -1}, {"look_ahead": 21}, {"look_ahead": None}, {"resynchronise": -1}, {"resynchronise": 1001},
]  # fmt: skip
OF_RECOVERY: list[dict[str, Any]] = [
    {"count": 0}, {"count": 33}, {"count": 10.0}, {"count": True}, {"cost": 9}, {"cost": 21}, {"cost": "14"},
    {"throttle": 1}, {"name": "1"}, {"of": None},
]  # fmt: skip


@pytest.mark.parametrize("wrong", [*BOTH, *OF_TOTP], ids=str)
def test_totp(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Totp("Example", **{"of": SESSION, **wrong})


@pytest.mark.parametrize("wrong", [*BOTH, *OF_HOTP], ids=str)
def test_hotp(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Hotp("Example", **{"of": SESSION, **wrong})


@pytest.mark.parametrize("wrong", OF_RECOVERY, ids=str)
def test_recovery_codes(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        RecoveryCodes(**{"of": SESSION, **wrong})


def test_what_is_written() -> None:
    made = totp(window=2, digits=8, algorithm="SHA256", period=minutes(1), name="code")
    assert (made.issuer, made.of, made.name, made.window, made.digits, made.algorithm, made.period) == (
        "Example", SESSION, "code", 2, 8, "SHA256", 60,
    )  # fmt: skip
    assert repr(made) == "code"
    assert repr(hotp()) == "hotp"
    assert repr(recovery()) == "recovery_code"
    assert RecoveryCodes(of=SESSION)._cost == 14
    with pytest.raises(AttributeError):
        made.window = 5  # type: ignore[misc]


def test_nobody_pays_for_what_only_enrolling_needs() -> None:
    heavy = "{'pyotp', 'segno', 'webauthn'}"
    program = (
        f"import sys, zerotrust.verifiers.totp, zerotrust.verifiers.recovery_codes; print({heavy} & {{*sys.modules}})"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout == "set()\n"
