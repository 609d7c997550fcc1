"""The cookie by which a browser is known again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sessions.browsers import ADA, EVE, KEY, NOW, Browser
from zerotrust.core.ask import Advance, Lookup, ask
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import days, hours
from zerotrust.driver import Sources, run
from zerotrust.factors.account import Account
from zerotrust.sessions.device import DeviceCookie
from zerotrust.sessions.sealing import Sealer
from zerotrust.stores.memory import MemoryStore

DEVICE = DeviceCookie(KEY)
DAY = 86400.0
SOURCES = Sources(MemoryStore())


def known(browser: Browser, account: Account = ADA, now: float = NOW, device: DeviceCookie = DEVICE) -> bool:
    return bool(run(device.knowing(browser.request(now), account), SOURCES))


def remember(browser: Browser, account: Account = ADA, now: float = NOW, device: DeviceCookie = DEVICE) -> None:
    browser.take(run(device.remembering(browser.request(now), account), SOURCES))


def remembered(*accounts: Account, now: float = NOW, device: DeviceCookie = DEVICE) -> Browser:
    browser = Browser()
    for account in accounts:
        remember(browser, account, now, device)
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
    ((name, value),) = run(DEVICE.remembering(Browser().request(), Account("shop", "ada.lovelace")), SOURCES)
    pair, *attributes = value.decode().split("; ")
    assert name == b"set-cookie"
    assert pair.startswith("__Host-device=")
    assert attributes == ["Path=/", f"Max-Age={180 * 86400}", "HttpOnly", "SameSite=Lax", "Secure"]
    assert b"ada.lovelace" not in value


def test_it_lasts_from_the_last_proof_on() -> None:
    browser = remembered(ADA)
    assert known(browser, now=NOW + 180 * DAY - 1)
    assert not known(browser, now=NOW + 180 * DAY)
    remember(browser, now=NOW + 100 * DAY)
    assert known(browser, now=NOW + 280 * DAY - 1)
    assert not known(browser, now=NOW + 280 * DAY)


def test_each_account_lasts_by_itself() -> None:
    browser = remembered(ADA)
    remember(browser, EVE, NOW + 100 * DAY)
    assert not known(browser, now=NOW + 200 * DAY)
    assert known(browser, EVE, now=NOW + 200 * DAY)


def test_the_one_not_seen_for_the_longest_time_is_forgotten_first() -> None:
    accounts = [Account("shop", str(number)) for number in range(9)]
    browser = remembered(*accounts[:8])
    remember(browser, accounts[0], NOW + 1)
    remember(browser, accounts[8], NOW + 2)
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


def test_all_browsers_can_be_forgotten() -> None:
    one, other, eves = remembered(ADA), remembered(ADA, EVE), remembered(EVE)
    run(DEVICE.forgetting_all(ADA, NOW + 1), SOURCES)
    assert not known(one, now=NOW + 1)
    assert not known(other, now=NOW + 1)
    assert known(other, EVE, now=NOW + 1)
    assert known(eves, EVE, now=NOW + 1)
    remember(one, now=NOW + 2)
    assert known(one, now=NOW + 2)
    assert not known(other, now=NOW + 2)


def test_a_store_that_has_lost_the_epoch_knows_nobody() -> None:
    """Else a cookie that was forgotten before would be good again."""
    browser = remembered(ADA)
    empty = Sources(MemoryStore())
    assert run(DEVICE.knowing(browser.request(), ADA), empty) == ""
    run(DEVICE.remembering(Browser().request(), ADA), empty)
    assert run(DEVICE.knowing(browser.request(), ADA), empty) == ""


def test_two_that_are_the_first_at_once_are_both_known() -> None:
    one, other, new = Browser(), Browser(), Account("shop", "new")
    slow = DEVICE.remembering(one.request(), new)
    first = next(slow)  # there is no epoch yet
    remember(other, new)
    assert isinstance(first, Lookup)
    question: Any = slow.send(None)
    assert isinstance(question, Advance)
    question = slow.send(run(ask(question), SOURCES))
    with pytest.raises(StopIteration) as done:
        slow.send(run(ask(question), SOURCES))
    one.take(done.value.value)
    assert known(one, new)
    assert known(other, new)


def test_a_browser_that_is_remembered_while_all_are_forgotten_is_not_known() -> None:
    browser = remembered(ADA)
    steps = DEVICE.remembering(browser.request(), ADA)
    question: Any = next(steps)
    epoch = run(ask(question), SOURCES)
    run(DEVICE.forgetting_all(ADA, NOW), SOURCES)
    with pytest.raises(StopIteration) as done:
        steps.send(epoch)
    browser.take(done.value.value)
    assert not known(browser)


def test_each_browser_has_an_id_and_another_one_with_each_proof() -> None:
    """A copy of the cookie is told from it from then on."""
    one, other = remembered(ADA), remembered(ADA)
    copy = one.copy()
    remember(one)
    ids = [run(DEVICE.knowing(browser.request(), ADA), SOURCES) for browser in (one, other, copy)]
    assert len(set(ids)) == 3
    assert all(ids)


def test_who_shows_no_cookie_for_the_account_costs_no_ask() -> None:
    nobody = Sources()
    for browser in (Browser(), remembered(EVE), Browser({"__Host-device": "x"})):
        assert run(DEVICE.knowing(browser.request(), ADA), nobody) == ""


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
    assert run(DEVICE.knowing(request, ADA), SOURCES) == ""


WRONG = [
    json.dumps([entry]).encode()
    for entry in (
        ["AAAA", "1", "AAAA", "x"],
        ["=", 1, "AAAA", "x"],
        ["AAAA", 1, "=", "x"],
        ["AAAA", 1, 1, "x"],
        ["AAAA", 1, "AAAA", ""],
        ["AAAA", 1, "AAAA", 1],
        ["AAAA", 1, "AAAA", "x", 1],
    )
]


@pytest.mark.parametrize("said", [b"", b"{}", b"[1]", b"[[1]]", b'[["a"]]', b'[["AAAA",1]]', *WRONG, b"x"])
def test_whatever_was_sealed_is_read(said: bytes) -> None:
    value = Sealer(KEY, "device").seal(said, b"__Host-device")
    assert not known(Browser({"__Host-device": value}))
    assert run(DEVICE.remembering(Browser({"__Host-device": value}).request(), ADA), SOURCES)


def test_for_development() -> None:
    device = DeviceCookie(KEY, http_on_localhost=True)
    ((_, value),) = run(device.remembering(Browser().request(host="localhost:8000"), ADA), SOURCES)
    assert value.startswith(b"device=")
    assert b"Secure" not in value
    assert run(device.remembering(Browser().request(), ADA), SOURCES) == ()
    browser = Browser({"device": value.partition(b"=")[2].partition(b";")[0].decode()})
    assert run(device.knowing(browser.request(host="localhost:8000"), ADA), SOURCES)
    assert not known(browser, device=device)


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
