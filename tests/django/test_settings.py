"""Settings are checked where Django checks them, each mistake with an id and a hint; and the guard does not start."""

from __future__ import annotations

import io
import json
from typing import Any, cast

import pytest
from django.conf import settings
from django.core import checks
from django.core.management import CommandError, call_command
from django.test import override_settings

from tests.django.world import GOOD, GUARD, ISSUER, ZEROTRUST, get, staff, token
from zerotrust import Bearer, ConfigError, Issuer, Sources
from zerotrust.core.ask import ConsumeOnce
from zerotrust.django import report
from zerotrust.django.checks import check_deployment, check_settings
from zerotrust.stores.http import AsyncHttpFetcher, HttpFetcher

ELSEWHERE = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="other")


class Waiting:
    answers = (ConsumeOnce,)
    style = "async"

    def answer(self, *_: Any) -> Any:
        raise AssertionError("nobody asks")


def found(**changed: Any) -> list[str]:
    with override_settings(**changed):
        messages = check_settings()
    assert all(message.hint for message in messages)
    return [str(message.id) for message in messages]


def given(**changed: Any) -> dict[str, Any]:
    return {**ZEROTRUST, **changed}


def test_good_settings_are_good() -> None:
    assert found() == []
    assert found(ZEROTRUST=given(DEFAULT="tests.django.world.token_valid", USER="tests.django.world.code")) == []


MISTAKES: list[tuple[Any, str]] = [
    (None, "E001"),
    ("token.valid", "E001"),
    ({}, "E001"),
    ({**ZEROTRUST, "DEFAUL": token.valid}, "E002"),
    ({**ZEROTRUST, 7: token.valid}, "E002"),
    (given(DEFAULT="tests.django.world.nothing"), "E003"),
    (given(DEFAULT="nowhere"), "E003"),
    (given(DEFAULT=token), "E004"),
    (given(REALM='"'), "E004"),
    (given(EXPLAIN="False"), "E004"),
    (given(SOURCES=7), "E004"),
    (given(USER=7), "E004"),
    (given(USER=dict), "E004"),
    (given(OPEN=["/plain/"]), "E004"),
    (given(OPEN={"plain/": "no slash"}), "E004"),
    (given(OPEN={"/plain/": ""}), "E004"),
    (given(OPEN={"/plain/": True}), "E004"),
    (given(PROTECT={"/plain/": 7}), "E004"),
    (given(OPEN={"/plain/": "why not"}, PROTECT={"/plain/": staff}), "E004"),
    (given(URLCONFS="tests.django.other_urls"), "E004"),
    (given(PROTECT={"/plain/": Bearer(Issuer("https://login.example"), audience="api").valid}), "E004"),
    (given(PROTECT={"/nowhere/": staff}), "E007"),
    (given(OPEN={"/pay/": "it requires more itself"}), "E007"),
]


@pytest.mark.parametrize(
    ("value", "id_"),
    MISTAKES,
    ids=[f"mistake {number}" for number in range(len(MISTAKES))],
)
def test_mistakes_have_ids(value: Any, id_: str) -> None:
    assert found(ZEROTRUST=value) == [f"zerotrust.{id_}"]
    with override_settings(ZEROTRUST=value), pytest.raises(ConfigError):
        get("/plain/", GOOD)


def test_a_policy_that_cannot_be_imported_is_named_with_its_path() -> None:
    with override_settings(ZEROTRUST=given(PROTECT={"/plain/": "nowhere"})):
        assert check_settings()[0].msg.startswith("ZEROTRUST['PROTECT']['/plain/'] is 'nowhere', which cannot")


def test_a_near_miss_is_named() -> None:
    with override_settings(ZEROTRUST=given(PROTEKT={})):
        assert check_settings()[0].hint == "Write PROTECT."


def test_the_middleware_has_to_be_there_once_and_first() -> None:
    common = "django.middleware.common.CommonMiddleware"
    assert found(MIDDLEWARE=[common]) == ["zerotrust.E005"]
    assert found(MIDDLEWARE=[GUARD, common, GUARD]) == ["zerotrust.E006"]
    assert found(MIDDLEWARE=[common, GUARD]) == ["zerotrust.W001"]
    quiet = ["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.security.SecurityMiddleware"]
    assert found(MIDDLEWARE=[*quiet, "corsheaders.middleware.CorsMiddleware", GUARD]) == []
    assert found(MIDDLEWARE=[*quiet, GUARD], SECURE_SSL_REDIRECT=True) == ["zerotrust.W001"]
    assert found(MIDDLEWARE=["no.such.middleware", GUARD])[0] == "zerotrust.W001"
    with override_settings(MIDDLEWARE=[GUARD, GUARD]), pytest.raises(ConfigError, match="two Guards"):
        get("/plain/", GOOD)


def test_sources_are_of_the_kind_that_the_server_is() -> None:
    blocking = given(SOURCES=Sources(HttpFetcher()))
    waiting = given(SOURCES=Sources(AsyncHttpFetcher()))
    assert found(ZEROTRUST=blocking) == []
    assert found(ZEROTRUST=waiting) == ["zerotrust.W003"]
    assert found(ZEROTRUST=waiting, ASGI_APPLICATION="shop.asgi.application") == []
    mixed = given(SOURCES=Sources(HttpFetcher(), cast("Any", Waiting())))
    assert found(ZEROTRUST=mixed) == ["zerotrust.E008"]
    from tests.django.world import get_async

    with override_settings(ZEROTRUST=waiting):
        with pytest.raises(ConfigError, match="under WSGI"):
            get("/plain/", GOOD)
        assert get_async("/plain/", GOOD).status_code == 200
    with override_settings(ZEROTRUST=blocking):
        with pytest.raises(ConfigError, match="under ASGI"):
            get_async("/plain/", GOOD)
        assert get("/plain/", GOOD).status_code == 200


def test_explaining_is_for_development() -> None:
    assert check_deployment() == []
    with override_settings(ZEROTRUST=given(EXPLAIN=True)):
        assert [message.id for message in check_deployment()] == ["zerotrust.W002"]
    with override_settings(ZEROTRUST=None):
        assert check_deployment() == []


def test_checks_are_registered() -> None:
    registered: list[Any] = list(checks.registry.registry.get_checks(include_deployment_checks=True))
    assert check_settings in registered
    assert check_deployment in registered


def listed(*arguments: str) -> str:
    out = io.StringIO()
    call_command("zerotrust_routes", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_lists_every_view() -> None:
    with override_settings(ZEROTRUST=given(OPEN={"/health/": "the load balancer asks"})):
        lines = listed().splitlines()
        assert str(report()) in listed()
    assert any("/health/" in line and "OPEN because the load balancer asks" in line for line in lines)
    assert any("/refund/" in line and "can pay" in line for line in lines)
    assert any(line.startswith("DELETE ") and "/methods/" in line for line in lines)
    assert any("/admin/login/" in line for line in lines)
    assert any("/static/*" in line for line in lines)
    assert any("/old/<year>/" in line for line in lines)
    data = json.loads(listed("--json"))
    assert data["problems"] == []
    assert data["fallback"] == {"policy": "token.valid", "by": "default", "open_because": None}
    refund = next(one for one in data["routes"] if one["path"] == "/refund/")
    assert refund["protection"]["by"] == "require"


def test_the_command_exits_with_1_on_problems() -> None:
    with override_settings(ZEROTRUST=given(PROTECT={"/nowhere/": staff})):
        with pytest.raises(CommandError, match="1 problem:") as raised:
            listed()
        with pytest.raises(CommandError):
            listed("--json")
    assert raised.value.returncode == 1
    out = io.StringIO()
    with override_settings(ZEROTRUST=given(PROTECT={"/pay/": ELSEWHERE.valid})), pytest.raises(CommandError):
        call_command("zerotrust_routes", "--json", stdout=out)
    (pay,) = [one for one in json.loads(out.getvalue())["routes"] if one["path"] == "/pay/"]
    assert pay["protection"] is None, "two policies that cannot be combined"
    with override_settings(ZEROTRUST=None), pytest.raises(CommandError, match="no ZEROTRUST"):
        listed()


def test_further_urlconfs_are_listed() -> None:
    with override_settings(ZEROTRUST=given(URLCONFS=["tests.django.other_urls"])):
        assert sum(line.path == "/health/" for line in report().lines) == 2
    assert settings.ZEROTRUST is ZEROTRUST


def test_a_source_that_is_missing_is_told_as_settings_have_it() -> None:
    fetched = Bearer(Issuer("https://login.example.com"), audience="api")
    with override_settings(ZEROTRUST=given(DEFAULT=fetched.valid, OPEN={}, PROTECT={})):
        told = [str(one) for one in check_settings()]
    assert "write ZEROTRUST = {'SOURCES': Sources(" in told[0]
