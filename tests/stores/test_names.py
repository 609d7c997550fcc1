"""Digests tell names apart, whatever the names are, and tell nothing of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stores.asking import refused
from zerotrust.core.errors import ConfigError
from zerotrust.stores.names import DIGEST_SIZE, MAX_KEY, Names

INDEX = b"i" * 32

namespaces = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,4}", fullmatch=True)
spaces = st.text(max_size=6)
keys = st.binary(max_size=6)
indexes = st.sampled_from([None, INDEX, b"j" * 32])
windows = st.sampled_from([0.5, 1, 60.0, 3600])
Named = Callable[[Names, str, bytes, float], bytes]
KINDS: tuple[Named, ...] = (
    lambda names, space, key, _: names.mark(space, key),
    lambda names, space, key, _: names.record(space, key),
    lambda names, space, key, window: names.count(space, window, key),
)
named = st.tuples(namespaces, indexes, st.integers(0, 2), spaces, keys, windows)
NameOf = tuple[str, bytes | None, int, str, bytes, float]


def digest(one: NameOf) -> bytes:
    namespace, index, kind, space, key, window = one
    return KINDS[kind](Names(namespace, index), space, key, window)


@given(named, named)
def test_different_names_have_different_digests(one: NameOf, other: NameOf) -> None:
    alike = one[:5] == other[:5] and (one[2] != 2 or one[5] == other[5])
    assert (digest(one) == digest(other)) is alike
    assert len(digest(one)) == DIGEST_SIZE


@given(st.text("ab\0\n\x01", max_size=6), st.integers(0, 6), st.integers(0, 6))
def test_nothing_runs_together(text: str, first: int, second: int) -> None:
    """However a text is cut into a space and a key, another cut is another name."""
    names = Names("a")
    one, other = (text[:first], text[first:].encode()), (text[:second], text[second:].encode())
    for kind in KINDS:
        assert (kind(names, *one, 1.0) == kind(names, *other, 1.0)) is (one == other)


def test_namespaces_do_not_run_into_spaces() -> None:
    assert Names("a").mark("bc", b"") != Names("ab").mark("c", b"")
    assert Names("a").topic("bc") != Names("ab").topic("c")


def test_windows_do_not_run_into_spaces() -> None:
    names = Names("a")
    assert len({names.count("s", window, b"k") for window in (1.0, 2.0, 60.0)}) == 3
    assert names.count("s\n0x1.0000000000000p+0", 2.0, b"k") != names.count("s", 1.0, b"k")
    assert len({names.count("s" + tail, 1.0, b"k") for tail in ("", "\n", "\n" + (1.0).hex(), "\n" + (2.0).hex())}) == 4


def test_a_window_is_the_same_however_it_is_written() -> None:
    for names in (Names("a"), Names("a")):
        assert names.count("s", 60, b"k") == names.count("s", 60.0, b"k")
    assert Names("a").count("s", 60, b"k") == Names("a").count("s", 60.0, b"k")


def test_lone_surrogates_are_names_too() -> None:
    names = Names("a")
    assert len({names.mark(space, b"k") for space in ("\ud800", "\udfff", "\ud800\udc00", "\U00010000")}) == 4


def test_digests_are_what_they_were() -> None:
    """Another digest would put all that is kept out of sight, used marks included."""
    made = blake2b(digest_size=24, person=b"zt-mark")
    made.update(b"\x09\x03zerotrustjti" + b"key")
    assert Names("zerotrust").mark("jti", b"key") == made.digest()
    made = blake2b(digest_size=24, key=INDEX, person=b"zt-record")
    made.update(b"\x09\x07zerotrustsession" + b"key")
    assert Names("zerotrust", INDEX).record("session", b"key") == made.digest()
    made = blake2b(digest_size=24, person=b"zt-count")
    made.update(b"\x09\x1azerotrusttries\n0x1.e000000000000p+5" + b"key")
    assert Names("zerotrust").count("tries", 60.0, b"key") == made.digest()
    made = blake2b(b"\x09\x0bzerotrustfingerprint", digest_size=24, key=INDEX, person=b"zt-index")
    assert Names("zerotrust", INDEX).fingerprint() == made.hexdigest()[:32]
    made = blake2b(b"\x09\x07zerotrustsession", digest_size=24, person=b"zt-topic")
    assert Names("zerotrust").topic("session") == made.hexdigest()[:32]


def test_a_fingerprint_tells_index_keys_apart() -> None:
    prints = [Names("a", index).fingerprint() for index in (None, INDEX, b"j" * 32)]
    assert len(set(prints)) == 3
    assert prints[1] == Names("a", INDEX).fingerprint()
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in prints)


def test_topics() -> None:
    names = Names("a")
    assert names.topic("s") == Names("a").topic("s")
    assert len({names.topic("s"), names.topic("t"), Names("b").topic("s"), Names("a", INDEX).topic("s")}) == 4
    assert len(names.topic("s")) == 32
    assert names.fingerprint() not in (names.topic("fingerprint"), names.record("fingerprint", b"").hex()[:32])


@pytest.mark.parametrize("kind", KINDS)
def test_sizes(kind: Named) -> None:
    names = Names("n" * 48)
    assert kind(names, "s" * 100, b"k" * MAX_KEY, 1.0) != kind(names, "s" * 100, b"k" * (MAX_KEY - 1), 1.0)
    said = refused(kind, names, "s", b"k" * (MAX_KEY + 1), 1.0)
    assert said == f"a key longer than {MAX_KEY} bytes"
    assert "name of a space is too long" in refused(kind, names, "s" * 129, b"k", 1.0)
    assert "name of a space is too long" in refused(kind, names, "\N{EURO SIGN}" * 43, b"k", 1.0)
    assert "name of a space is too long" in refused(names.topic, "s" * 129)


def test_spaces_made_of_requests_do_not_pile_up() -> None:
    names = Names("a")
    first = [kind(names, "0", b"k", 0.0) for kind in KINDS]
    for number in range(2000):
        for kind in KINDS:
            kind(names, str(number), b"k", number)
    assert max(len(names._marks), len(names._records), len(names._counts)) <= 256
    assert [kind(names, "0", b"k", 0.0) for kind in KINDS] == first
    last = [kind(names, "1999", b"k", 1999) for kind in KINDS]
    assert last == [kind(Names("a"), "1999", b"k", 1999) for kind in KINDS]


def test_threads_do_not_mix_up_names() -> None:
    names = Names("a")
    expected = [Names("a").mark("s", b"%d" % number) for number in range(500)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            told = pool.map(lambda _: [names.mark("s", b"%d" % number) for number in range(500)], range(8))
            assert all(one == expected for one in told)
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.parametrize(
    "namespace", ["", "A", "a b", "a" * 49, "-a", ".a", "a\n", "\n", "ä", "٣", "a/b", "a{b}", "a*", None, b"a", 1]
)
def test_mistaken_namespaces(namespace: object) -> None:
    with pytest.raises(ConfigError, match=r"namespace=.* write 1 to 48 lower case letters"):
        Names(namespace)  # type: ignore[arg-type]


@pytest.mark.parametrize("namespace", ["a", "0", "a" * 48, "pay-ments_2.eu"])
def test_good_namespaces(namespace: str) -> None:
    assert Names(namespace).namespace == namespace


def test_a_repr_tells_no_key() -> None:
    assert "iiii" not in repr(Names("a", INDEX))
