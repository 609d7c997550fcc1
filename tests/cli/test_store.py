"""`zerotrust store`: a live store checked, migrated and given keys; nothing of a password in what is printed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from tests.servers import postgres, redis
from zerotrust.cli import main, store_report
from zerotrust.cli.demo.terminal import Terminal
from zerotrust.cli.store_report import Checked, document, report, shown
from zerotrust.core.ask import ConsumeOnce
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED
from zerotrust.stores.contract import CHECKS, Result
from zerotrust.stores.health import BOUNDS, StoreMetrics
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.open import open_store
from zerotrust.stores.store import Fact
from zerotrust.wire.encoding import b64url_decode

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_800_000_000.0

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZEROTRUST_STORE_URL", raising=False)
    monkeypatch.delenv("ZEROTRUST_STORE_INDEX_KEY", raising=False)


# --- check, against each store ----------------------------------------------------------------------------------------
def complete(out: str, store: str) -> None:
    """Every check is there once and passed, and both stores' figures are."""
    lines = [line.split() for line in out.splitlines()]
    for check in CHECKS:
        assert [line[1:3] for line in lines if line[:1] == [check.name]] == [["passed", "passed"]], check.name
    assert any(line[:2] == [f"{store}Store", "ok"] for line in lines)
    assert any(line[:2] in ([f"Async{store}Store", "ok"], ["MemoryStore", "ok"]) for line in lines)
    assert f"{2 * len(CHECKS)} of {2 * len(CHECKS)} checks passed" in out


def test_a_store_in_memory_is_checked(capsys: Capture) -> None:
    assert main(["store", "check", "memory:"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("zerotrust store check  memory:\n\nfact ")
    assert "this process, until it ends" in out
    complete(out, "Memory")
    assert err == ""


def test_a_store_in_a_file_is_checked(tmp_path: Path, capsys: Capture) -> None:
    assert main(["store", "check", f"sqlite://{tmp_path}/store.db"]) == 0
    complete(capsys.readouterr().out, "Sqlite")


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    redis.need()
    with redis.redis_server("--appendonly", "yes") as server:
        yield server.url


def test_a_redis_is_checked(redis_url: str, capsys: Capture) -> None:
    assert main(["store", "check", redis_url]) == 0
    complete(capsys.readouterr().out, "Redis")


def test_the_url_may_come_from_the_environment(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("ZEROTRUST_STORE_URL", redis_url)
    assert main(["store", "check"]) == 0
    assert capsys.readouterr().out.startswith(f"zerotrust store check  {redis_url}\n")


def test_what_an_application_keeps_is_not_touched(redis_url: str, capsys: Capture) -> None:
    index = StoreKeys(index=bytes(range(32)))
    with open_store(redis_url) as plain, open_store(redis_url, namespace="payments", keys=index) as application:
        for store in (plain, application):
            assert store.answer(ConsumeOnce("jti", b"k", NOW + 600, NOW), 1.0) is True
        assert main(["store", "check", redis_url]) == 0
        for store in (plain, application):
            assert store.answer(ConsumeOnce("jti", b"k", NOW + 600, NOW), 1.0) is False
    capsys.readouterr()


def test_a_namespace_with_an_index_key_is_checked_with_it(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    with open_store(redis_url, namespace="indexed", keys=StoreKeys(index=bytes(range(105, 137)))) as application:
        application.answer(ConsumeOnce("jti", b"k", NOW + 600, NOW), 1.0)
    assert main(["store", "check", "--namespace", "indexed", redis_url]) == 1
    out, err = capsys.readouterr()
    assert "another index key than the one this namespace was begun with" in out + err
    monkeypatch.setenv("ZEROTRUST_STORE_INDEX_KEY", "aWprbG1ub3BxcnN0dXZ3eHl6e3x9fn-AgYKDhIWGh4g")
    assert main(["store", "check", "--namespace", "indexed", redis_url]) == 0
    assert main(["store", "check", redis_url]) == 0  # elsewhere it is not used


def test_a_postgresql_is_migrated_and_checked(capsys: Capture) -> None:
    postgres.need()
    with postgres.postgres_server({"fsync": "on"}) as server:
        assert main(["store", "check", server.url]) == 1
        out = capsys.readouterr().out
        assert "run `zerotrust store migrate`" in out
        assert f"0 of {2 * len(CHECKS)} checks passed" in out
        assert main(["store", "migrate", server.url]) == 0
        assert capsys.readouterr().out.startswith("the schema had version 0 and has version ")
        assert main(["store", "migrate", server.url]) == 0
        assert capsys.readouterr().out.endswith(" already\n")
        assert main(["store", "check", server.url]) == 0
        complete(capsys.readouterr().out, "Postgres")


def test_as_json(tmp_path: Path, capsys: Capture) -> None:
    assert main(["store", "check", "--json", f"sqlite://{tmp_path}/store.db"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["store"] == f"sqlite://{tmp_path}/store.db"
    assert told["sound"] is True
    assert {"name", "value", "verdict", "advice"} == set(told["facts"][0])
    assert [check["name"] for check in told["checks"]] == [check.name for check in CHECKS]
    assert {check[style]["outcome"] for check in told["checks"] for style in ("blocking", "async")} == {"passed"}
    assert [metrics["store"] for metrics in told["metrics"]] == ["SqliteStore", "AsyncSqliteStore"]
    consumed = next(ask for ask in told["metrics"][0]["asks"] if ask["ask"] == "ConsumeOnce")
    assert consumed["ok"] > 400
    assert 0 < consumed["median_at_most"] < 1


# --- What cannot be checked -------------------------------------------------------------------------------------------
@pytest.fixture
def nobody() -> int:
    """A port where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.mark.parametrize("command", ["check", "migrate"])
@pytest.mark.parametrize("url", ["redis://user:s3cret@127.0.0.1:{port}/0", "postgresql://u:s3cret@127.0.0.1:{port}/x"])
def test_a_server_that_is_not_there_is_one_line(url: str, command: str, nobody: int, capsys: Capture) -> None:
    if (url[:5], command) == ("redis", "migrate"):  # it has no schema, so nobody is asked
        assert main(["store", command, url.format(port=nobody)]) == 0
        return
    assert main(["store", command, url.format(port=nobody)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"zerotrust store {command}: a source did not answer")
    assert err.count("\n") == 1
    assert "s3cret" not in err


@pytest.mark.parametrize("command", ["check", "migrate"])
@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, "which store? Give its URL, or set ZEROTRUST_STORE_URL"),
        ("", "which store? Give its URL"),
        ("mongodb://user:s3cret@127.0.0.1", "no store has a URL that begins with 'mongodb'; write memory:"),
        ("redis://:s3cret@127.0.0.1:port", "cannot be read"),
        ("sqlite:///nowhere/at/all/store.db", "'/nowhere/at/all' is no folder"),
    ],
)
def test_a_wrong_url_is_one_line_with_advice(url: str | None, said: str, command: str, capsys: Capture) -> None:
    assert main(["store", command, *([] if url is None else [url])]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.startswith(f"zerotrust store {command}: ")
    assert err.count("\n") == 1
    assert "s3cret" not in err


def test_a_wrong_namespace_is_one_line(capsys: Capture) -> None:
    assert main(["store", "check", "--namespace", "With Spaces", "memory:"]) == 2
    assert "namespace='With Spaces': write 1 to 48 lower case letters" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["0", "-1", "61", "nan", "soon", ""])
def test_a_timeout_is_a_time(seconds: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["store", "check", f"--timeout={seconds}", "memory:"])
    assert exit_.value.code == 2
    assert "a time is a number of seconds, more than 0 and at most 60" in capsys.readouterr().err


def test_a_missing_extra_is_one_line_that_names_the_cure() -> None:
    code = "import sys; sys.modules['redis'] = None; from zerotrust.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "store", "check", "redis://127.0.0.1:1"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
    assert "pip install 'zerotrust[redis]'" in ran.stderr


# --- Other commands ---------------------------------------------------------------------------------------------------
def test_a_new_key_is_good_for_a_store(capsys: Capture) -> None:
    keys = set()
    for _ in range(2):
        assert main(["store", "key"]) == 0
        keys.add(capsys.readouterr().out.strip())
    assert len(keys) == 2
    for key in keys:
        raw = b64url_decode(key)
        assert isinstance(raw, bytes)
        assert len(raw) == 32
        StoreKeys(encrypt=[key], index=key)


@pytest.mark.parametrize("url", ["memory:", "redis://127.0.0.1:1/0"])
def test_a_store_without_a_schema_says_so(url: str, capsys: Capture) -> None:
    assert main(["store", "migrate", url]) == 0
    assert capsys.readouterr().out == "this store has no schema\n"


def test_without_a_command_it_says_which_there_are(capsys: Capture) -> None:
    assert main(["store"]) == 0
    out = capsys.readouterr().out
    assert all(command in out for command in ("check", "migrate", "key"))
    assert "demo" not in out


# --- The report -------------------------------------------------------------------------------------------------------
METRICS = StoreMetrics(
    "SomeStore",
    "closed",
    {("ConsumeOnce", "ok"): 3, ("ConsumeOnce", "source_down"): 1, ("Put", "source_refused"): 2, ("Count", "ok"): 1},
    {},
    {"ConsumeOnce": (0, 0, 1, 3, *[0] * (len(BOUNDS) - 3)), "Count": (*[0] * len(BOUNDS), 1)},
)


def result(name: str, outcome: str = "passed", detail: str = "", refused: bool = False) -> Result:
    reason = SOURCE_REFUSED(detail=detail) if refused else None
    return Result(name, f"What {name} promises.", outcome, detail, reason)  # type: ignore[arg-type]


def printed(checked: Checked, url: str = "redis://u:s3cret@host/0", width: int | None = None) -> str:
    stream = StringIO()
    report(url, checked, Terminal(stream, width=width))
    return stream.getvalue()


def checked(*results: tuple[Result, Result], facts: tuple[Fact, ...] = ()) -> Checked:
    return Checked(facts, results, (METRICS, METRICS))


def test_one_failure_is_enough() -> None:
    good = result("one")
    assert checked((good, good)).sound
    assert not checked((good, result("one", "failed", "it came twice"))).sound
    assert not checked((good, good), facts=(Fact("eviction", "lru", "bad", "do not"),)).sound
    assert checked((good, good), facts=(Fact("memory", "no limit", "note", "set one"),)).sound
    # What the store cannot do at all is nothing wrong; that it did not answer is.
    assert checked((good, result("one", "unchecked", "it does not answer Count"))).sound
    assert not checked((good, result("one", "unchecked", "it is full", refused=True))).sound


def test_what_did_not_pass_is_told_once_for_all_it_is_true_of() -> None:
    full = result("one", "unchecked", "it is full", refused=True)
    text = printed(
        checked(
            (full, full),
            (result("two", "unchecked", "it is full", refused=True), result("two", "failed", "two came")),
            (result("three"), result("three")),
        )
    )
    assert "unchecked: it is full\n  one (blocking), one (async), two (blocking)\n" in text
    assert "failed: two came\n  two (async)\n" in text
    assert text.endswith("2 of 6 checks passed, 1 failed, 3 unchecked\n")


def test_columns_are_aligned_and_advice_takes_further_lines() -> None:
    facts = (
        Fact("eviction", "allkeys-lru", "bad", "set maxmemory-policy to noeviction, or used marks are forgotten"),
        Fact("a longer name", "x"),
    )
    text = printed(checked((result("one"), result("one")), facts=facts), width=70)
    assert "s3cret" not in text
    lines = text.splitlines()
    assert lines[0] == "zerotrust store check  redis://host/0"
    assert lines[2:8] == [
        "fact           value        verdict  advice",
        "-------------  -----------  -------  ---------------------------------",
        "eviction       allkeys-lru  bad      set maxmemory-policy to",
        "                                     noeviction, or used marks are",
        "                                     forgotten",
        "a longer name  x            good",
    ]
    assert max(map(len, lines[:-4])) <= 70
    assert lines[-1] == "2 of 2 checks passed, 1 fact is bad"


def test_figures_say_how_asks_ended_and_where_the_median_is() -> None:
    text = printed(checked((result("one"), result("one"))))
    rows = [line.split(maxsplit=4) for line in text.splitlines()]
    assert ["SomeStore", "ok", "refused", "failed", "median"] in rows
    assert ["ConsumeOnce", "3", "0", "1", "<= 1 ms"] in rows
    assert ["Count", "1", "0", "0", "> 1000 ms"] in rows
    assert ["Put", "0", "2", "0", "-"] in rows
    asks = document("memory:", checked((result("one"), result("one"))))["metrics"][0]["asks"]
    assert [(ask["ask"], ask["median_at_most"]) for ask in asks] == [
        ("ConsumeOnce", 0.001),
        ("Count", None),
        ("Put", None),
    ]


def test_colours_are_for_terminals() -> None:
    stream = StringIO()
    failed = result("one", "failed", "two came")
    report("memory:", checked((result("one"), failed)), Terminal(stream, colour=True, symbols=True, width=100))
    text = stream.getvalue()
    assert "\x1b[32mpassed" in text
    assert "\x1b[1;31mfailed" in text
    assert "─" in text
    assert "\x1b" not in printed(checked((result("one"), failed)))


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("memory:", "memory:"),
        ("sqlite:///srv/a@b.db", "sqlite:///srv/a@b.db"),
        ("redis://user:s3cret@host:6379/0", "redis://host:6379/0"),
        ("redis://host:6379/0?password=s3cret", "redis://host:6379/0"),
        ("redis://:s3cret/with?odd#signs@host", "redis://..."),
        ("redis://:odd?s3cret@host", "redis://..."),
        ("redis+sentinel://host/name?sentinel_password=odd@s3cret", "redis+sentinel://..."),
        ("postgresql://host/db?password=odd@s3cret", "postgresql://..."),
        ("redis+sentinel://u:s3cret@one:1,two:2/name", "redis+sentinel://one:1,two:2/name"),
        ("postgresql://u:s3cret@s3cret@host/db?sslmode=require", "postgresql://host/db"),
    ],
)
def test_a_url_is_shown_without_credentials(url: str, seen: str) -> None:
    assert shown(url) == seen


def test_the_report_keeps_to_itself() -> None:
    """A reason's text is the store's; nothing else of the failure is printed."""
    down = Result("one", "What it promises.", "unchecked", str(SOURCE_DOWN()), SOURCE_DOWN())
    assert document("redis://u:s3cret@h/0", checked((down, down)))["store"] == "redis://h/0"
    assert "s3cret" not in json.dumps(document("redis://u:s3cret@h/0", checked((down, down))))
    assert store_report.__doc__
