"""What lies in a store, byte for byte: no key and no secret value in the clear, in any spelling."""

from __future__ import annotations

import logging
import time
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path

import pytest

from tests.stores.contract.places import PATIENCE, SHARED, Place, Style
from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put, SourceFailed
from zerotrust.stores.bench import Checkable
from zerotrust.stores.open import open_store

pytestmark = pytest.mark.parametrize("place", SHARED, indirect=True, scope="module")

# Nothing that a server would compress, and nothing that is there by chance.
KEY = b"0f6b2a9d7c41e8535ab0k3y"
SECRET = b"9e04d1c7b82f6a3350s3cr3t"
PLAIN = b"71ad05e9c3f84b2660pl41n"
SPACE = "5c8e1f70b2d94a36sp4c3"


def contents(place: Place) -> bytes:
    """All bytes that the store keeps."""
    if place.kind == "sqlite":
        file = Path(place.url.removeprefix("sqlite://"))
        return b"".join(there.read_bytes() for there in sorted(file.parent.glob(f"{file.name}*")))
    if place.kind == "redis":
        import redis

        with redis.Redis.from_url(place.url) as client:
            names = list(client.keys("*"))
            return b"\n".join([*names, *(client.dump(name) or b"" for name in names)])
    import psycopg

    found: list[bytes] = []
    with psycopg.connect(place.url) as connection:
        tables = connection.execute(
            "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for (table,) in tables:
            with connection.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)") as copy:
                found += [bytes(block) for block in copy]
    return b"".join(found)


def spellings(needle: bytes) -> list[bytes]:
    """The bytes themselves and what encodings make of them, wherever they begin."""
    shifted = [b64encode(bytes(shift) + needle)[4:-4] for shift in range(3)]
    return [needle, needle.hex().encode(), needle[::-1], *shifted, urlsafe_b64encode(needle)[:-4]]


def shown(needle: bytes, haystack: bytes) -> bool:
    return any(spelling.lower() in haystack.lower() for spelling in spellings(needle))


def fill(store: Checkable, now: float) -> list[Ask[object]]:
    until = now + 3600
    asks: list[Ask[object]] = [
        ConsumeOnce(SPACE, KEY, until, now),  # type: ignore[list-item]
        Put(SPACE, KEY, SECRET, until, now, secret=True, announce=True),  # type: ignore[list-item]
        Put(SPACE, KEY + b"2", PLAIN, until, now),  # type: ignore[list-item]
        Advance(SPACE, KEY + b"3", None, PLAIN, until, now),  # type: ignore[list-item]
        Count(SPACE, KEY, 3600.0, now),  # type: ignore[list-item]
    ]
    for ask in asks:
        store.answer(ask, PATIENCE)
    return asks


def test_no_key_and_no_secret_value_lies_in_the_clear(place: Place, style: Style) -> None:
    now = time.time()
    with place.open(style) as store:
        with store.subscribe(SPACE):
            fill(store, now)
        while_open = contents(place)
        assert store.answer(Lookup(SPACE, KEY, now, secret=True), PATIENCE) == SECRET
    for kept in (while_open, contents(place)):
        # A value that need not be secret is there: so these are the bytes, and what is looked for would be found.
        assert shown(PLAIN, kept)
        assert not shown(KEY, kept)
        assert not shown(SECRET, kept)
        assert not shown(SPACE.encode(), kept)


def test_nothing_of_it_shows_in_reprs_failures_metrics_and_logs(
    place: Place, style: Style, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    now = time.time()
    seen: list[str] = []
    with place.open(style) as store:
        fill(store, now)
        refused: list[Ask[object]] = [
            Lookup(SPACE, KEY + b"2", now, secret=True),  # type: ignore[list-item]
            ConsumeOnce(SPACE, KEY * 100, now + 60, now),  # type: ignore[list-item]
            Put(SPACE, KEY, SECRET * 5000, now + 60, now),  # type: ignore[list-item]
            Put(SPACE, KEY, SECRET, now, now, secret=True),  # type: ignore[list-item]
            ConsumeOnce(SPACE * 10, KEY, now + 60, now),  # type: ignore[list-item]
        ]
        for ask in refused:
            with pytest.raises(SourceFailed) as caught:
                store.answer(ask, PATIENCE)
            seen += [repr(caught.value), str(caught.value), repr(caught.value.reason), str(caught.value.__cause__)]
        seen += [repr(store), str(store), repr(store.metrics()), caplog.text]
    text = "\n".join(seen).encode()
    assert not any(shown(needle, text) for needle in (KEY, SECRET, SPACE.encode()))


def test_who_reads_the_store_cannot_try_likely_keys(place: Place) -> None:
    """With an index key, the digests of two applications have nothing in common, whatever the namespace."""
    now = time.time()
    with place.open("blocking") as store, open_store(place.url, namespace="without-index") as other:
        assert store.digest("sessions", b"alice@example.com") != other.digest("sessions", b"alice@example.com")
        store.answer(ConsumeOnce("mails", b"alice@example.com", now + 60, now), PATIENCE)
        assert other.answer(ConsumeOnce("mails", b"alice@example.com", now + 60, now), PATIENCE) is True


def test_another_index_key_is_refused_since_used_marks_would_be_out_of_sight(place: Place, style: Style) -> None:
    now = time.time()
    ask = ConsumeOnce(f"index {style}", b"k", now + 60, now)
    with place.open(style) as store:
        assert store.answer(ask, PATIENCE) is True
    other = pytest.raises(SourceFailed, match="another index key than the one this namespace was begun with")
    with place.open(style, keys=None) as store, other:
        store.answer(ask, PATIENCE)
    with place.open(style, keys=None, namespace="elsewhere") as store:
        store.answer(ask, PATIENCE)
