"""The memory of paths: good exactly as long as they would be without it, and bounded."""

from __future__ import annotations

from threading import Barrier, Thread

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.pki.paths import DAY, NOW, authority, new_key, peer
from tests.search import usually
from zerotrust.core.reason import Reason
from zerotrust.pki.chain import Anchors, Path, build_path
from zerotrust.pki.path_cache import MOST_PRESENTED, PathCache
from zerotrust.wire.certificate import Certificate

ROOT, OTHER = authority(ends=NOW + 9 * DAY), authority("Other", ends=NOW + 9 * DAY)
KEY = new_key()
ISSUING = authority("Issuing", ROOT, key=KEY, starts=NOW - 2 * DAY, ends=NOW + 3 * DAY)
CROSSED = authority("Issuing", OTHER, key=KEY, ends=NOW + 5 * DAY)
LEAF = peer(ISSUING, ends=NOW + 4 * DAY)
SHORT = peer(ISSUING, starts=NOW, ends=NOW + DAY)
WRONG = peer(ISSUING, purposes=())

CHAINS = [
    (LEAF.der, ISSUING.der),
    (LEAF.der, CROSSED.der),
    (LEAF.der, ISSUING.der, CROSSED.der),
    (LEAF.der, CROSSED.der, ISSUING.der, ROOT.der),
    (SHORT.der, ISSUING.der),
    (LEAF.der,),
    (WRONG.der, ISSUING.der),
    (LEAF.der, b"no certificate"),
    (LEAF.der,) * (MOST_PRESENTED + 1),
]
TRUSTED = [
    Anchors(ROOT.read),
    Anchors(OTHER.read),
    Anchors(ROOT.read, OTHER.read),
    Anchors(ROOT.read, intermediates=[ISSUING.read]),
    Anchors(ROOT.read),  # the same again, as after a reload
]


def through(cache: PathCache, chain: tuple[bytes, ...], anchors: Anchors, now: float) -> Path | Reason:
    """As a verifier of certificates goes about it."""
    read = cache.read(chain)
    if isinstance(read, Reason):
        return read
    found = cache.find(chain, anchors, now)
    if found is not None:
        return found
    built = build_path(read[0], read[1:], anchors, now)
    if isinstance(built, Path):
        cache.keep(chain, read, anchors, built)
    return built


class WithAndWithout(RuleBasedStateMachine):
    """What is decided with a memory is what is decided without, whatever was decided before."""

    @initialize(room=st.integers(1, 4), octets=st.sampled_from([2_000, 1 << 20]))
    def begin(self, room: int, octets: int) -> None:
        self.room, self.octets = room, octets
        self.cache = PathCache(room, octets=octets)

    @rule(
        chain=st.sampled_from(CHAINS),
        anchors=st.sampled_from(TRUSTED),
        now=st.one_of(
            st.floats(NOW - 3 * DAY, NOW + 10 * DAY),
            st.sampled_from([NOW + DAY, NOW + DAY + 0.5, NOW + DAY + 1, NOW + 3 * DAY + 1, NOW, NOW - DAY]),
        ),
    )
    def decide(self, chain: tuple[bytes, ...], anchors: Anchors, now: float) -> None:
        fresh = through(PathCache(0), chain, anchors, now)
        remembered = through(self.cache, chain, anchors, now)
        if isinstance(fresh, Reason):
            assert remembered == fresh
            return
        assert isinstance(remembered, Path)
        assert remembered.begins <= now < remembered.ends
        assert remembered.certificates[-1] in anchors
        assert remembered.leaf == fresh.leaf

    @invariant()
    def is_bounded(self) -> None:
        if hasattr(self, "cache"):
            kept = self.cache._kept
            assert len(kept) <= self.room
            assert sum(sum(map(len, chain)) for chain in kept) == self.cache._octets <= self.octets


TestWithAndWithout = WithAndWithout.TestCase
TestWithAndWithout.settings = usually(30, stateful_step_count=30)


def kept(cache: PathCache, chain: tuple[bytes, ...], anchors: Anchors = TRUSTED[0]) -> Path:
    path = through(cache, chain, anchors, NOW)
    assert isinstance(path, Path)
    return path


def test_a_path_is_remembered() -> None:
    cache = PathCache(4)
    path = kept(cache, CHAINS[0])
    assert cache.find(CHAINS[0], TRUSTED[0], NOW + DAY) is path
    assert cache.read(CHAINS[0]) is cache.read(CHAINS[0])
    assert repr(cache) == "<PathCache of 1 paths>"


def test_only_to_the_very_anchors_it_leads_to() -> None:
    cache = PathCache(4)
    kept(cache, CHAINS[0])
    assert cache.find(CHAINS[0], TRUSTED[4], NOW) is None


def test_only_what_was_presented_just_so() -> None:
    cache = PathCache(4)
    kept(cache, CHAINS[0])
    for chain in ((LEAF.der,), (LEAF.der, ISSUING.der, ROOT.der), (ISSUING.der, LEAF.der)):
        assert cache.find(chain, TRUSTED[0], NOW) is None


def test_only_while_it_is_valid() -> None:
    cache = PathCache(4)
    path = kept(cache, CHAINS[4])
    assert cache.find(CHAINS[4], TRUSTED[0], path.begins) is path
    assert cache.find(CHAINS[4], TRUSTED[0], path.begins - 0.001) is None
    assert cache.find(CHAINS[4], TRUSTED[0], path.ends - 0.001) is path
    assert cache.find(CHAINS[4], TRUSTED[0], path.ends) is None
    assert cache.find(CHAINS[4], TRUSTED[0], float("nan")) is None


def test_the_oldest_goes() -> None:
    cache = PathCache(2)
    leaves = [(peer(ISSUING).der, ISSUING.der) for _ in range(3)]
    for chain in leaves:
        kept(cache, chain)
    assert [cache.find(chain, TRUSTED[0], NOW) is not None for chain in leaves] == [False, True, True]


def test_no_more_octets_than_allowed() -> None:
    size = sum(map(len, CHAINS[0]))
    cache = PathCache(100, octets=2 * size + 100)
    for _ in range(5):
        kept(cache, (peer(ISSUING).der, ISSUING.der))
    assert repr(cache) == "<PathCache of 2 paths>"
    small = PathCache(100, octets=size - 100)
    kept(small, CHAINS[0])
    assert repr(small) == "<PathCache of 0 paths>"


def test_none_at_all() -> None:
    cache = PathCache(0)
    kept(cache, CHAINS[0])
    assert repr(cache) == "<PathCache of 0 paths>"
    assert cache.find(CHAINS[0], TRUSTED[0], NOW) is None
    assert cache.read(CHAINS[0]) is not cache.read(CHAINS[0])


def test_no_more_certificates_than_allowed() -> None:
    most = PathCache(4).read((LEAF.der,) * MOST_PRESENTED)
    assert isinstance(most, tuple)
    refused = PathCache(4).read((LEAF.der,) * (MOST_PRESENTED + 1))
    assert isinstance(refused, Reason)
    assert (refused.code, refused.presented) == ("too_large", MOST_PRESENTED + 1)


def test_authorities_are_read_once() -> None:
    cache = PathCache(0)
    kept(cache, CHAINS[0])
    read = cache.read((peer(ISSUING).der, ISSUING.der))
    again = cache.read((peer(ISSUING).der, ISSUING.der))
    assert isinstance(read, tuple)
    assert isinstance(again, tuple)
    assert read[1] is again[1]
    assert read[0] is not again[0]


def test_authorities_of_no_good_path_are_not_remembered() -> None:
    """Whoever presents chains that lead nowhere takes no room."""
    cache = PathCache(10)
    stranger = authority("Stranger")
    chain = (peer(stranger).der, stranger.der)
    assert isinstance(through(cache, chain, TRUSTED[0], NOW), Reason)
    assert cache._authorities == {}


def test_authorities_are_bounded() -> None:
    cache = PathCache(1000)
    path = kept(cache, CHAINS[0])
    for _ in range(300):
        one = authority("Issuing", ROOT, key=KEY).read
        cache.keep((b"chain", one.der), (path.leaf, one), TRUSTED[0], Path((path.leaf, one, ROOT.read), 0, 1))
    assert len(cache._authorities) == 256


def test_from_many_threads() -> None:
    cache = PathCache(3, octets=3_000)
    together = Barrier(4)
    wrong: list[object] = []

    def decide(number: int) -> None:
        together.wait()
        for turn in range(60):
            chain = CHAINS[(number + turn) % 6]
            outcome = through(cache, chain, TRUSTED[2], NOW)
            if isinstance(outcome, Path) is not (len(chain) > 1):
                wrong.append((chain, outcome))

    threads = [Thread(target=decide, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wrong == []
    assert sum(sum(map(len, chain)) for chain in cache._kept) == cache._octets <= 3_000


def test_what_is_read_is_what_was_presented() -> None:
    read = PathCache(1).read(CHAINS[3])
    assert isinstance(read, tuple)
    assert all(isinstance(one, Certificate) for one in read)
    assert tuple(one.der for one in read) == CHAINS[3]
