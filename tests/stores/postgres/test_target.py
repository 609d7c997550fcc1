"""URLs: what libpq takes is taken, nothing of a password shows, and a replica is no place for marks."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from zerotrust.core.errors import ConfigError
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.postgres import AsyncPostgresStore, PostgresStore, target
from zerotrust.stores.postgres.aside import Resolve
from zerotrust.stores.postgres.talk import NotConnected
from zerotrust.stores.postgres.target import Target
from zerotrust.stores.postgres.waiting import run

SECRET = "hunter2"


def attempts(url: str) -> list[dict[str, Any]]:
    return [dict(conninfo_to_dict(made.decode())) for made, _ in run(Target(url).attempts(monotonic() + 60))]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redis://db.example/0",
        f"host=db.example password={SECRET}",
        f"postgresql://app:{SECRET}@db.example/app ",
        f"postgresql://app:{SECRET}@db.example/app?sslmod=verify-full",
        f"postgresql://app:{SECRET}@db.example:{SECRET}:5432/app",
        f"postgresql://app@db.example:{SECRET}",
        "postgresql://db.example:65536/app",
        f"postgresql://app:{SECRET}%zz@db.example/app",
        f"postgresql://app:{SECRET}%00@db.example/app",
        f"postgresql://app:{SECRET}@[::1/app",
        f"postgresql://app:{SECRET}@a,b,c/app?hostaddr=127.0.0.1,127.0.0.2",
        f"postgresql://app:{SECRET}@a:1,b:2,c:3/app?port=1,2",
        f"postgresql://app:{SECRET}@{','.join('abcdefghijklmnopq')}/app",
        f"postgresql://app:{SECRET}@db.example/app?target_session_attrs=standby",
        f"postgresql://app:{SECRET}@db.example/app?target_session_attrs=prefer-standby",
        b"postgresql://db.example",
        None,
    ],
)
def test_a_url_that_is_none_is_refused_and_not_repeated(url: Any) -> None:
    for kind in (PostgresStore, AsyncPostgresStore):
        with pytest.raises(ConfigError) as refused:
            kind(url)
        assert SECRET not in str(refused.value)
        assert refused.value.__cause__ is None
        assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"postgresql://app:{SECRET}@db.example/app?sslmode=require", "postgresql://app@db.example/app"),
        (f"postgres://app:{SECRET}@a:1,b:2/app?sslmode=require", "postgresql://app@a,b:1,2/app"),
        (f"postgresql:///app?password={SECRET}&user=me&host=/run/pg", "postgresql://me@%2Frun%2Fpg/app"),
        (f"postgresql://a%40b:{SECRET}@[::1]:5433/x%2Fy", "postgresql://a%40b@::1:5433/x%2Fy"),
        ("postgresql://", "postgresql:///"),
    ],
)
def test_a_repr_shows_where_and_no_secret(url: str, shown: str) -> None:
    for kind in (PostgresStore, AsyncPostgresStore):
        keys = StoreKeys(encrypt=[SECRET.encode() * 5 + bytes(range(9))])
        store = kind(url, namespace="pay", keys=keys, schema="here")
        assert repr(store) == f"{kind.__name__}('{shown}', namespace='pay', schema='here')"
        assert SECRET not in repr(vars(store))


def test_hosts_are_tried_one_by_one_and_must_take_writes() -> None:
    one, two = attempts("postgresql://app:x@127.0.0.1:1,127.0.0.2:2/app?connect_timeout=9&sslmode=require")
    assert (one["host"], one["port"], two["host"], two["port"]) == ("127.0.0.1", "1", "127.0.0.2", "2")
    for attempt in (one, two):
        assert attempt["target_session_attrs"] == "read-write"
        assert (attempt["user"], attempt["password"], attempt["sslmode"]) == ("app", "x", "require")
        assert "connect_timeout" not in attempt
        assert attempt["keepalives_idle"] == "60"
    (alone,) = attempts("postgresql://127.0.0.1/app?keepalives_idle=5&target_session_attrs=primary")
    assert alone["keepalives_idle"] == "5"
    assert alone["target_session_attrs"] == "primary"
    assert "target_session_attrs" not in attempts("postgresql://127.0.0.1/app")[0]
    (same, port) = attempts("postgresql://127.0.0.1,127.0.0.2:7/app")
    assert (same.get("port", ""), port["port"]) in {("", "7"), ("5432", "7")}


def test_names_are_looked_up_and_addresses_are_not() -> None:
    made = attempts("postgresql://localhost:5/app")
    assert {attempt["host"] for attempt in made} == {"localhost"}
    assert {attempt["hostaddr"] for attempt in made} <= {"127.0.0.1", "::1"}
    for url in ("postgresql:///app?host=/run/postgresql", "postgresql://127.0.0.1", "postgresql://[::1]/x"):
        assert "hostaddr" not in attempts(url)[0]
    (given,) = attempts("postgresql://db.example/app?hostaddr=127.0.0.9&sslmode=require")
    assert given["hostaddr"] == "127.0.0.9"
    talk = Target("postgresql://db.example/app?sslmode=require").attempts(monotonic() + 60)
    asked = next(talk)
    assert isinstance(asked, Resolve)
    assert asked.host == "db.example"
    with pytest.raises(NotConnected):
        talk.send(0)  # there is no such name


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"PGHOST": "slow.example", "PGSSLMODE": "require"}, "postgresql:///app"),
        ({"PGSERVICE": "here"}, "postgresql:///app"),
        ({}, "postgresql:///app?service=here"),
    ],
)
def test_a_name_that_libpq_finds_itself_is_looked_up_here(
    variables: dict[str, str], url: str, services: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libpq would do it without a deadline, and hold up an event loop."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    talk = Target(url).attempts(monotonic() + 60)
    asked = next(talk)
    assert isinstance(asked, Resolve)
    assert asked.host == "slow.example"
    asked.addresses = ("192.0.2.1",)
    with pytest.raises(StopIteration) as end:
        talk.send(0)
    ((made, where),) = end.value.value
    assert dict(conninfo_to_dict(made.decode()))["hostaddr"] == "192.0.2.1"
    assert where.startswith("slow.example:")


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "services.conf"
    file.write_text("[here]\nhost=slow.example\nport=6432\nsslmode=verify-ca\n[bare]\nhost=slow.example\n")
    monkeypatch.setenv("PGSERVICEFILE", str(file))


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("postgresql://127.0.0.1/app", "prefer"),
        ("postgresql://[::1]/app", "prefer"),
        ("postgresql://localhost/app", "prefer"),
        ("postgresql:///app?host=/run/postgresql", "prefer"),
        ("postgresql:///app", "prefer"),
        ("postgresql://db.example/app?hostaddr=127.0.0.1", "prefer"),
        ("postgresql://db.example/app?sslmode=prefer", "prefer"),
        ("postgresql://db.example/app?sslmode=disable", "disable"),
        ("postgresql://db.example/app?sslmode=verify-full", "verify-full"),
        ("postgresql:///app?service=here", "verify-ca"),
        ("postgresql://db.example/app", None),
        ("postgresql://192.0.2.1/app", None),
        ("postgresql://localhost/app?hostaddr=192.0.2.1", None),
        ("postgresql://127.0.0.1,db.example/app", None),
        ("postgresql://db.example/app?sslmode=", None),
        ("postgresql:///app?service=bare", None),
        ("postgresql:///app?service=none", None),
    ],
)
def test_how_a_server_elsewhere_is_verified_is_to_be_said(url: str, mode: str | None, services: None) -> None:
    if mode is None:
        for kind in (PostgresStore, AsyncPostgresStore):
            with pytest.raises(ConfigError, match=r"sslmode=verify-full|service"):
                kind(url)
    else:
        assert Target(url).ssl_mode == mode


def test_the_environment_may_say_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example")
    with pytest.raises(ConfigError, match="verify-full"):
        Target("postgresql:///app")
    monkeypatch.setenv("PGSSLMODE", "prefer")
    assert Target("postgresql:///app").ssl_mode == "prefer"


@pytest.mark.skipif(pq.version() < 160000, reason="this libpq knows no require_auth")
@pytest.mark.parametrize(
    ("url", "required"),
    [
        ("postgresql://127.0.0.1/app", "!password"),
        ("postgresql://192.0.2.1/app?sslmode=require", "!password"),
        ("postgresql://192.0.2.1/app?sslmode=verify-ca", None),
        ("postgresql://192.0.2.1/app?sslmode=verify-full", None),
        ("postgresql:///app?host=/run/postgresql", None),
        ("postgresql://127.0.0.1/app?require_auth=password", "password"),
    ],
)
def test_no_password_in_the_clear_to_who_is_not_verified(url: str, required: str | None) -> None:
    (made,) = attempts(url)
    assert made.get("require_auth") == required


def test_an_older_libpq_is_not_told_what_it_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = target._completed

    def older(url: str) -> dict[str, str]:
        return {name: value for name, value in whole(url).items() if name != "require_auth"}

    monkeypatch.setattr(target, "_completed", older)
    assert "require_auth" not in attempts("postgresql://127.0.0.1/app")[0]


def test_hosts_are_shuffled_where_that_is_asked_for() -> None:
    url = "postgresql://127.0.0.1,127.0.0.2,127.0.0.3,127.0.0.4,127.0.0.5/app"
    hosts = [tuple(attempt["host"] for attempt in attempts(f"{url}?load_balance_hosts=random")) for _ in range(20)]
    assert len(set(hosts)) > 1
    assert {tuple(sorted(each)) for each in hosts} == {tuple(attempt["host"] for attempt in attempts(url))}


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": timedelta(0)},
        {"timeout": timedelta(seconds=61)},
        {"timeout": 0.5},
        {"connections": 0},
        {"connections": 1001},
        {"connections": "10"},
        {"schema": ""},
        {"schema": "Upper"},
        {"schema": 'a"b'},
        {"schema": "pg_zerotrust"},
        {"schema": "1a"},
        {"schema": "a" * 64},
        {"schema": "a\n"},
        {"durable": "yes"},
        {"prepare": 1},
        {"namespace": "UPPER"},
        {"keys": b"secret"},
    ],
    ids=repr,
)
def test_settings_that_make_no_sense(options: dict[str, Any]) -> None:
    for kind in (PostgresStore, AsyncPostgresStore):
        with pytest.raises(ConfigError):
            kind("postgresql://127.0.0.1/app", **options)
