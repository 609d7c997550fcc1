"""The cookie by which a browser is known again."""

from __future__ import annotations

import pytest

from tests.sessions.browsers import ADA, EVE, KEY, NOW, Browser
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import days, hours
from zerotrust.factors.account import Account
from zerotrust.sessions.device import DeviceCookie
from zerotrust.sessions.sealing import Sealer

DEVICE = DeviceCookie(KEY)
DAY = 86400.0


def known(browser: Browser, account: Account = ADA, now: float = NOW, device: DeviceCookie = DEVICE) -> bool:
    return device.knows(browser.request(now), account)


def remembered(*accounts: Account, now: float = NOW, device: DeviceCookie = DEVICE) -> Browser:
    browser = Browser()
    for account in accounts:
        browser.take(device.remembering(browser.request(now), account))
    return browser


def test_a_browser_is_known_for_whom_it_was_used() -> None:
    browser = remembered(ADA)
    assert known(browser)
    assert not known(browser, EVE)
    assert not known(browser, Account("other", "ada"))
    assert not known(Browser())
    both = remembered(ADA, EVE)
    assert known(both)
    assert known(both, EVE)


def test_how_the_cookie_is_set() -> None:
    ((name, value),) = DEVICE.remembering(Browser().request(), ADA)
    pair, *attributes = value.decode().split("; ")
    assert name == b"set-cookie"
    assert pair.startswith("__Host-device=")
    assert attributes == ["Path=/", f"Max-Age={180 * 86400}", "HttpOnly", "SameSite=Lax", "Secure"]
    assert b"ada" not in value


def test_it_lasts_from_the_last_proof_on() -> None:
    browser = remembered(ADA)
    assert known(browser, now=NOW + 180 * DAY - 1)
    assert not known(browser, now=NOW + 180 * DAY)
    browser.take(DEVICE.remembering(browser.request(NOW + 100 * DAY), ADA))
    assert known(browser, now=NOW + 280 * DAY - 1)
    assert not known(browser, now=NOW + 280 * DAY)


def test_each_account_lasts_by_itself() -> None:
    browser = remembered(ADA)
    browser.take(DEVICE.remembering(browser.request(NOW + 100 * DAY), EVE))
    assert not known(browser, now=NOW + 200 * DAY)
    assert known(browser, EVE, now=NOW + 200 * DAY)


def test_the_one_not_seen_for_the_longest_time_is_forgotten_first() -> None:
    accounts = [Account("shop", str(number)) for number in range(9)]
    browser = remembered(*accounts[:8])
    browser.take(DEVICE.remembering(browser.request(NOW + 1), accounts[0]))
    browser.take(DEVICE.remembering(browser.request(NOW + 2), accounts[8]))
    assert [known(browser, account, NOW + 2) for account in accounts] == [True, False, *[True] * 7]
    assert len(browser.cookie) < 1000


def test_a_browser_can_be_forgotten() -> None:
    browser = remembered(ADA, EVE)
    browser.take(DEVICE.forgetting(browser.request(), ADA))
    assert not known(browser)
    assert known(browser, EVE)
    browser.take(DEVICE.forgetting(browser.request(), EVE))
    assert browser.cookies == {}


def test_what_is_from_later_than_now_does_not_count() -> None:
    browser = remembered(ADA, now=NOW + 61)
    assert not known(browser)
    assert known(browser, now=NOW + 1)


def test_nobody_else_makes_one() -> None:
    browser = remembered(ADA)
    value = browser.cookie
    for wrong in (
        value[:-2],
        value + "AA",
        value[:30] + ("A" if value[30] != "A" else "B") + value[31:],
        "",
        "x",
        "a" * 5000,
        Sealer(bytes(range(1, 33)), "device").seal(b"[]", b"__Host-device"),
        Sealer(KEY, "session").seal(b"[]", b"__Host-device"),
    ):
        assert not known(Browser({"__Host-device": wrong}))
    assert not known(Browser({"device": value}))
    assert not known(Browser({"__Host-other": value}), device=DeviceCookie(KEY, name="other"))
    assert not known(browser, device=DeviceCookie(bytes(range(1, 33))))
    assert known(browser, device=DeviceCookie([bytes(range(1, 33)), KEY]))


def test_two_of_the_name_are_none() -> None:
    browser = remembered(ADA)
    twice = f"__Host-device={browser.cookie}"
    request = Browser().request(headers=[("cookie", f"{twice}; {twice}")])
    assert not DEVICE.knows(request, ADA)


@pytest.mark.parametrize("said", [b"", b"{}", b"[1]", b"[[1]]", b'[["a"]]', b'[["AAAA","1"]]', b'[["=",1]]', b"x"])
def test_whatever_was_sealed_is_read(said: bytes) -> None:
    value = Sealer(KEY, "device").seal(said, b"__Host-device")
    assert not known(Browser({"__Host-device": value}))
    assert DEVICE.remembering(Browser({"__Host-device": value}).request(), ADA)


def test_for_development() -> None:
    device = DeviceCookie(KEY, http_on_localhost=True)
    ((_, value),) = device.remembering(Browser().request(host="localhost:8000"), ADA)
    assert value.startswith(b"device=")
    assert b"Secure" not in value
    assert device.remembering(Browser().request(), ADA) == ()
    browser = Browser({"device": value.partition(b"=")[2].partition(b";")[0].decode()})
    assert device.knows(browser.request(host="localhost:8000"), ADA)
    assert not device.knows(browser.request(), ADA)


def test_mistakes() -> None:
    with pytest.raises(ConfigError, match="lifetime"):
        DeviceCookie(KEY, lifetime=hours(1))
    with pytest.raises(ConfigError, match="lifetime"):
        DeviceCookie(KEY, lifetime=days(3650))
    with pytest.raises(ConfigError, match="write a letter"):
        DeviceCookie(KEY, name="")
    with pytest.raises(ConfigError, match="guessed"):
        DeviceCookie(b"secret")
    assert repr(DEVICE) == "DeviceCookie(name='__Host-device')"
