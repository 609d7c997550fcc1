"""Stores by URL: each scheme its store, everything else advice, and nothing imported that is not needed."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from zerotrust.core.errors import ConfigError
from zerotrust.stores.open import SCHEMES, kind_of, open_async_store, open_store

ROOT = Path(__file__).resolve().parents[2]

# Nobody listens there: a store connects when it is first asked.
GOOD = {
    "memory:": "Memory",
    "MEMORY:": "Memory",
    "sqlite:///{folder}/store.db": "Sqlite",
    "sqlite:///{folder}/with%20blank%3F.db": "Sqlite",
    "redis://127.0.0.1:1/0": "Redis",
    "redis://user:p%40ss@127.0.0.1:1/0": "Redis",
    "rediss://127.0.0.1:1": "Redis",
    "unix:///run/redis.sock": "Redis",
    "redis+sentinel://127.0.0.1:1,127.0.0.1:2/primary": "Redis",
    "redis+cluster://127.0.0.1:1,127.0.0.1:2": "Redis",
    "postgresql://zerotrust@127.0.0.1:1/zerotrust": "Postgres",
    "postgres://zerotrust:p%40ss@127.0.0.1:1/zerotrust": "Postgres",
}


@pytest.mark.parametrize("url", GOOD)
def test_each_scheme_has_its_store_in_both_styles(url: str, tmp_path: Path) -> None:
    url, kind = url.format(folder=str(tmp_path).lstrip("/")), GOOD[url]
    blocking, twin = open_store(url), open_async_store(url)
    assert type(blocking).__name__ == f"{kind}Store"
    assert type(twin).__name__ == f"Async{kind}Store"
    assert (blocking.style, twin.style) == (("instant", "instant") if kind == "Memory" else ("blocking", "async"))
    assert "p@ss" not in repr(blocking) + repr(twin)
    assert "p%40ss" not in repr(blocking) + repr(twin)
    assert list(tmp_path.iterdir()) == []  # nothing was opened


def test_every_scheme_is_tried_here() -> None:
    assert {kind_of(url) for url in GOOD} == set(SCHEMES.values())


@pytest.mark.parametrize("open_it", [open_store, open_async_store])
def test_options_reach_the_store(open_it: Any, tmp_path: Path) -> None:
    for url in ("memory:", f"sqlite://{tmp_path}/store.db", "redis://127.0.0.1:1", "postgresql://127.0.0.1:1/x"):
        with pytest.raises(ConfigError, match="namespace="):
            open_it(url, namespace="With Spaces")
        with pytest.raises(ConfigError, match="keys is str"):
            open_it(url, keys="secret")
        plain, other = open_it(url), open_it(url, namespace="other")
        assert plain.digest("kind", b"key") != other.digest("kind", b"key")
        if url != "memory:":
            with pytest.raises(ConfigError, match="timeout"):
                open_it(url, timeout=timedelta(seconds=100))


@pytest.mark.parametrize("open_it", [open_store, open_async_store])
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mongodb://s3cret@127.0.0.1/x", "begins with 'mongodb'; write memory:, sqlite:///srv"),
        ("redis+magic://s3cret@127.0.0.1", "begins with 'redis\\+magic'"),
        ("s3cret", "begins with that; write memory:"),
        ("s3cret:127.0.0.1", "begins with that"),  # the scheme may be a password
        ("", "begins with that"),
        (None, "begins with that"),
        (b"redis://127.0.0.1", "begins with that"),
        (" redis://127.0.0.1", "begins with that"),
        ("memory:///s3cret", "the store in memory has no address; write memory:"),
        ("sqlite:s3cret.db", "the absolute path of a file, e.g. sqlite:///srv/app/marks.db"),
        ("sqlite://s3cret.db", "the absolute path of a file"),
        ("sqlite:///", "the absolute path of a file"),
        ("sqlite:///folder/", "the absolute path of a file"),
        ("sqlite:///s3cret.db?mode=ro", "write '\\?' as %3F"),
        ("sqlite:///s3cret.db#part", "'#' as %23"),
        ("redis://:s3cret@127.0.0.1:port", "cannot be read"),
        ("postgresql://u:s3cret@127.0.0.1:port/x", "port"),
    ],
)
def test_what_names_no_store_is_refused_with_advice(open_it: Any, url: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        open_it(url)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def run(code: str) -> str:
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.mark.parametrize(
    ("url", "brings"),
    [
        ("memory:", set()),
        ("sqlite:////nowhere.db", {"sqlite3"}),
        ("redis://127.0.0.1:1", {"redis"}),
        ("postgresql://127.0.0.1:1/x", {"psycopg"}),
    ],
)
def test_only_what_is_needed_is_imported(url: str, brings: set[str]) -> None:
    code = (
        "import sys; before = set(sys.modules); from zerotrust.stores.open import open_store, open_async_store\n"
        f"open_store({url!r}), open_async_store({url!r})\n"
        "print(*sorted({'redis', 'psycopg', 'sqlite3', 'fastapi', 'httpcore2'} & set(sys.modules) - before))"
    )
    found = set(run(code).split())
    assert found <= brings
    assert brings - found <= {"sqlite3"}  # which who measures coverage has imported before


@pytest.mark.parametrize(
    ("url", "missing", "said"),
    [
        ("redis://:s3cret@127.0.0.1:1", "redis", "needs redis-py: pip install 'zerotrust[redis]'"),
        ("postgresql://127.0.0.1:1/x", "psycopg", "needs psycopg: pip install 'zerotrust[postgres]'"),
    ],
)
@pytest.mark.parametrize("function", ["open_store", "open_async_store"])
def test_a_missing_client_library_is_told_with_the_extra(url: str, missing: str, said: str, function: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        f"from zerotrust.core.errors import ConfigError; from zerotrust.stores.open import {function}\n"
        f"try: {function}({url!r})\n"
        "except ConfigError as error: print(error)"
    )
    assert said in run(code)


def test_psycopg_without_libpq_is_told() -> None:
    code = (
        "import sys\n"
        "class NoLibrary:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'psycopg': raise ImportError('no pq wrapper available.')\n"
        "sys.meta_path.insert(0, NoLibrary())\n"
        "from zerotrust.core.errors import ConfigError; from zerotrust.stores.open import open_store\n"
        "try: open_store('postgresql://127.0.0.1:1/x')\n"
        "except ConfigError as error: print(error)"
    )
    assert run(code) == "psycopg finds no libpq: install it, or pip install 'psycopg[binary]'"


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "postgresql://127.0.0.1:1/x"])
def test_another_import_that_fails_is_no_missing_extra(url: str) -> None:
    code = (
        "import sys; from zerotrust.stores import open as there; sys.modules['zerotrust.stores.codec'] = None\n"
        f"try: there.open_store({url!r})\n"
        "except ImportError as error: print(error.name)"
    )
    assert run(code) == "zerotrust.stores.codec"


@pytest.mark.parametrize(("url", "own"), [("sqlite:///{folder}/store.db", 1.0), ("redis://127.0.0.1:1", 0.5)])
def test_a_store_waits_as_long_as_its_class_would(url: str, own: float, tmp_path: Path) -> None:
    url = url.format(folder=str(tmp_path).lstrip("/"))
    for opened in (open_store, open_async_store):
        assert patience(opened(url)) == own
        assert patience(opened(url, timeout=timedelta(seconds=3))) == 3.0
        with pytest.raises(ConfigError, match="timeout"):
            opened(url, timeout=timedelta(0))


def patience(store: Any) -> float:
    return float(store._health._patience)
