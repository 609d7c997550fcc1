"""Signatures between authorities are verified once; whatever else a path needs is checked each time."""

from __future__ import annotations

import pytest
from cryptography import x509

from tests.pki.paths import DAY, NOW, Made, authority, new_key, peer
from zerotrust.core.reason import Reason
from zerotrust.pki import chain
from zerotrust.pki.chain import MOST_SIGNATURES, Anchors, Path, build_path
from zerotrust.pki.vouched import is_vouched_for
from zerotrust.wire.certificate import Certificate

ROOT = authority(ends=NOW + 9 * DAY)


class World:
    """An issuer that is held for long, as those are that were configured or stood in a good path."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, issuer: Made, *roots: Made) -> None:
        self.made = issuer
        self.issuer = issuer.read
        self.anchors = Anchors(*(root.read for root in roots or (ROOT,)))
        self.verified = 0
        theirs = chain._Search._found

        def found(search: chain._Search, way: tuple[Certificate, ...], policy: object) -> str:
            before = search._left
            said = theirs(search, way, policy)  # type: ignore[arg-type]
            self.verified += before - search._left
            return said

        monkeypatch.setattr(chain._Search, "_found", found)

    def outcome(self, leaf: Made, now: float = NOW) -> str:
        self.verified = 0
        path = build_path(leaf.read, [self.issuer], self.anchors, now)
        return path.code if isinstance(path, Reason) else "accepted"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch, authority("Issuing", ROOT, ends=NOW + 5 * DAY))


def test_one_signature_for_the_second_client(world: World) -> None:
    for expected in (2, 1, 1):
        assert world.outcome(peer(world.made)) == "accepted"
        assert world.verified == expected


def test_the_path_is_the_same(world: World) -> None:
    leaf = peer(world.made)
    paths = [build_path(leaf.read, [world.issuer], world.anchors, NOW) for _ in range(2)]
    assert all(isinstance(path, Path) for path in paths)
    assert paths[0] == paths[1]


def test_a_forged_client_is_refused_all_the_same(world: World) -> None:
    world.outcome(peer(world.made))
    assert world.outcome(peer(Made(world.made.parsed, new_key()))) == "chain_signature"
    assert world.outcome(peer(world.made, purposes=())) == "extended_key_usage"


@pytest.mark.parametrize("now", [NOW - 2 * DAY, NOW + 5 * DAY + 1, NOW + 9 * DAY + 1])
def test_dates_are_those_of_the_request(world: World, now: float) -> None:
    """Forwards and backwards, of the issuer and of the anchor."""
    long = peer(world.made, starts=NOW - 50 * DAY, ends=NOW + 50 * DAY)
    assert world.outcome(long) == "accepted"
    assert world.outcome(long, now) in {"certificate_expired", "certificate_not_yet_valid"}
    assert world.outcome(long) == "accepted"


def test_not_what_was_never_found_good(world: World) -> None:
    world.outcome(peer(Made(world.made.parsed, new_key())))
    assert not is_vouched_for((world.issuer, ROOT.read))
    world.outcome(peer(world.made))
    assert is_vouched_for((world.issuer, ROOT.read))


def test_not_under_another_anchor_of_the_same_name(world: World) -> None:
    world.outcome(peer(world.made))
    world.anchors = Anchors(authority().read)
    assert world.outcome(peer(world.made)) == "chain_signature"


def test_not_the_path_length_of_what_is_above(monkeypatch: pytest.MonkeyPatch) -> None:
    """An authority that was good right below its anchor is not so below one that it may not stand under."""
    root = authority(most=1)
    upper = authority("Upper", root)
    lower = authority("Lower", upper)
    world = World(monkeypatch, upper, root)
    assert world.outcome(peer(upper)) == "accepted"
    refused = build_path(peer(lower).read, [lower.read, world.issuer], world.anchors, NOW)
    assert isinstance(refused, Reason)
    assert refused.code == "path_length"


def test_names_are_constrained_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where names are constrained `cryptography` sees the whole path, always."""
    constraints = x509.NameConstraints([x509.DNSName("example.com")], None)
    root = authority(extensions=((constraints, True),))
    world = World(monkeypatch, authority("Issuing", root), root)
    for name, expected in (
        ("a.example.com", "accepted"),
        ("evil.org", "name_constraints"),
        ("b.example.com", "accepted"),
    ):
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        assert world.outcome(peer(world.made, extensions=((names, False),))) == expected
        assert world.verified in {0, 2}


def test_longer_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    upper = authority("Upper", ROOT)
    lower = authority("Lower", upper)
    world = World(monkeypatch, lower)
    others = [lower.read, upper.read]
    for expected in (3, 1):
        world.verified = 0
        path = build_path(peer(lower).read, others, world.anchors, NOW)
        assert isinstance(path, Path)
        assert world.verified == expected <= MOST_SIGNATURES
