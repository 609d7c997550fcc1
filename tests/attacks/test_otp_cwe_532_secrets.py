"""Keys and codes stay where they belong (CWE-532, CWE-209, CWE-312): not in a store, a log, a repr, an exception."""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp
import pytest

from tests.verifiers.codes import ANN, BUDGET, KEYS, NOW, Watched, World, hotp, raw, recovery, scanned, told, totp
from zerotrust.core.ask import Ask, Put, SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.driver import run
from zerotrust.factors.otp_secret import OtpOffer
from zerotrust.stores.memory import MemoryStore
from zerotrust.stores.sqlite import SqliteStore
from zerotrust.wire.otp import OtpKey


@dataclass
class Secrets:
    """What nobody may find."""

    words: list[bytes]

    def of_key(self, key: bytes) -> None:
        text = base64.b32encode(key)
        self.words += [key, text.rstrip(b"="), text.lower(), key.hex().encode(), base64.b64encode(key)]
        self.words += [base64.urlsafe_b64encode(key).rstrip(b"="), repr(key)[2:-1].encode()]

    def found_in(self, seen: bytes) -> list[bytes]:
        return [word for word in self.words if word in seen]


def lived(world: World) -> Secrets:
    """Everything that can be done with codes, done; right and wrong."""
    secrets = Secrets([])
    for factor in (totp(), hotp()):
        offer = world.offer(factor)
        world.enrol(factor, "00000000")
        secrets.of_key(raw(offer))
        made = scanned(offer)
        numbers = (NOW, NOW + 30) if isinstance(made, pyotp.TOTP) else (0, 1)
        first, second = (made.at(int(number)) for number in numbers)
        world.enrol(factor, first)
        assert world.said(factor, second, NOW + 30, address="192.0.2.1") == "proven"
        assert world.said(factor, second, NOW + 30, address="192.0.2.1") in {"replayed", "wrong_code"}
        secrets.words += [first.encode(), second.encode()]
        secrets.of_key(raw(world.offer(factor)))  # still open
    codes = recovery()
    shown = world.regenerate(codes)
    assert world.said(codes, shown[0]) == "proven"
    assert world.said(codes, shown[0]) == "wrong_code"
    for code in shown:
        secrets.words += [code.encode(), code.replace("-", "").encode(), code.upper().encode()]
    # Of six digits by themselves: the chance to stand in a file of random bytes is that of one in a few thousand.
    return secrets


def test_the_whole_file_of_a_store(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "marks.db", keys=KEYS) as store:
        secrets = lived(World(store))
        files = [path.read_bytes() for path in tmp_path.iterdir()]
    files += [path.read_bytes() for path in tmp_path.iterdir()]
    assert len(files) >= 3  # with its log
    assert max(map(len, files)) > 10_000
    for content in files:
        assert secrets.found_in(content) == []
        for name in (b"shop", b"192.0.2.1", b"Example"):
            assert name not in content
    # It would be found, if it were there.
    assert secrets.found_in(b"..." + secrets.words[0] + b"...")


def test_records_that_are_not_encrypted_hold_nothing_of_it() -> None:
    watched = Watched()
    secrets = lived(World(watched))
    plain = [ask for ask in watched.asked if not is_secret(ask)]
    kept = [getattr(ask, "new", None) or getattr(ask, "value", None) or b"" for ask in plain]
    assert sum(map(len, kept)) > 2000
    assert secrets.found_in(b"\n".join(kept)) == []


def is_secret(ask: Ask[Any]) -> bool:
    return isinstance(ask, Put) and ask.secret


def test_logs_reprs_and_reasons(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    watched = Watched()
    world = World(watched)
    secrets = lived(world)
    factors = (totp(), hotp(), recovery())
    shown = [repr(factor) + str(factor) for factor in factors]
    shown += [repr(world.listed(factor)) for factor in factors]
    typed = [word.decode() for word in secrets.words if word.isascii()]
    shown += [repr(world.prove(factor, word, NOW + 90)) for factor in factors for word in typed]
    shown += [repr(OtpKey(secrets.words[0])), repr(OtpOffer(typed[0], f"otpauth:{typed[0]}", NOW))]
    shown += [record.getMessage() for record in caplog.records]
    # A question to a store shows what is to be kept; what is secret in it, only the store ever sees.
    shown += [repr(ask) for ask in watched.asked if not is_secret(ask)]
    assert secrets.found_in("\n".join(shown).encode()) == []


@pytest.mark.parametrize("at", range(10))
@pytest.mark.parametrize("what", ["offering", "enrolling", "proving", "regenerating"])
def test_exceptions_of_sources_show_nothing(what: str, at: int, caplog: pytest.LogCaptureFixture) -> None:
    """Whichever ask fails."""

    class Failing(Watched):
        def answer(self, ask: Ask[Any], timeout: float) -> Any:
            if len(self.asked) == at:
                raise SourceFailed(SOURCE_DOWN())
            return super().answer(ask, timeout)

    caplog.set_level(logging.DEBUG)
    world, factor, codes = World(), totp(), recovery(count=1)
    app = world.app(factor)
    offered = scanned(world.offer(factor))
    assert isinstance(offered, pyotp.TOTP)
    code, [recovering] = app.at(NOW + 60), world.regenerate(codes)
    failing = Failing()
    failing.store = world.source.store
    steps: dict[str, Callable[[], Any]] = {
        "offering": lambda: factor.offering(ANN, "ann", NOW),
        "enrolling": lambda: factor.enrolling(ANN, offered.at(NOW), NOW),
        "proving": lambda: factor.proving(ANN, code, NOW + 60, "192.0.2.1"),
        "regenerating": lambda: codes.regenerating(ANN, NOW),
    }
    try:
        run(steps[what](), World(failing).sources, BUDGET)
    except SourceFailed as failure:
        said = "".join(traceback.format_exception(failure)) + repr(failure) + str(failure) + caplog.text
        for secret in (app.secret, offered.secret, code, offered.at(NOW), recovering):
            assert secret not in said
        # An attempt that was not completed proved nothing; at worst its code is spent, or the new one is enrolled.
        ready = [app, offered] if what == "enrolling" else [app]
        assert "proven" in {world.said(factor, one.at(NOW + 120), NOW + 120) for one in ready}


def test_a_store_that_cannot_encrypt_says_so_and_shows_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    kept: list[bytes] = []

    class Plain(MemoryStore):
        __slots__ = ()

        def answer(self, ask: Ask[Any], timeout: float) -> Any:
            if isinstance(ask, Put):
                kept.append(ask.value or b"")
            return super().answer(ask, timeout)

    with pytest.raises(SourceFailed, match="no key to encrypt with") as caught:
        World(Plain()).offer(totp())
    key = kept[0].partition(b"\n")[2]
    assert len(key) == 20
    said = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert base64.b32encode(key).decode() not in said
    assert repr(key) not in said


def test_mistakes_do_not_quote_what_may_be_a_secret() -> None:
    secret = "GEZD" + "GNBV"
    offer = OtpOffer(secret, f"otpauth://totp/x?secret={secret}" * 200, NOW)
    with pytest.raises(ConfigError) as caught:
        offer.svg()
    with pytest.raises(ValueError, match="16 bytes") as short:
        OtpKey(secret.encode())
    for error in (caught.value, short.value):
        assert secret not in "".join(traceback.format_exception(error))


def test_what_is_refused_is_not_repeated() -> None:
    """A wrong code may be a right one elsewhere, or a password in the wrong field."""
    world = World()
    world.app(totp())
    for presented in ("hunter2-hunter2", "271828", "27182818"):
        outcome = world.prove(totp(), presented, NOW + 60)
        assert told(outcome) == "wrong_code"
        assert presented not in repr(outcome) + str(outcome)
