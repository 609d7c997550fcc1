"""RFC 4158 section 2.4.2 and CVE-2018-16875: certificates that certify each other in every way there is.

What is bounded is counted, not timed: signatures verified for one decision.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest
from cryptography import x509

from tests.attacks.x509_outcome import outcome
from tests.pki.paths import NOW, Made, authority, built, name_of, new_key, peer, refusal
from zerotrust.core.reason import Reason
from zerotrust.pki import chain, name_constraints, search
from zerotrust.pki.chain import MOST_SIGNATURES, Anchors, Path, build_path
from zerotrust.pki.strength import is_signed_by
from zerotrust.wire import certificate, distinguished_name
from zerotrust.wire.certificate import Certificate

ACCEPTED = ("accepted", None)


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many signatures were verified, call by call: our own, and those of each path that `cryptography` is given."""
    counted: list[int] = []
    own, theirs = is_signed_by, chain._Search._verified

    def one(*step: Certificate) -> bool:
        counted.append(1)
        return own(*step)

    def path(search: Any, way: tuple[Certificate, ...]) -> Path | str:
        before = search._left
        outcome = theirs(search, way)
        counted.append(before - search._left)
        return outcome

    monkeypatch.setattr(chain, "is_signed_by", one)
    monkeypatch.setattr(chain._Search, "_verified", path)
    yield counted
    assert sum(counted) <= MOST_SIGNATURES


def crossed(count: int, *, identified: bool = True) -> tuple[list[Made], list[Made]]:
    """So many authorities, and the certificates that each has issued for each other one."""
    selves = [authority(f"Authority {number}", identified=identified) for number in range(count)]
    crossing = [
        authority(f"Authority {selves.index(subject)}", issuer, key=subject.key, identified=identified)
        for subject, issuer in permutations(selves, 2)
    ]
    return selves, crossing


SELVES, CROSSED = crossed(18)
READ = [one.read for one in CROSSED]
ROOT = authority()


def test_there_are_306() -> None:
    assert len(CROSSED) == 306


def test_no_way_out(verified: list[int]) -> None:
    """306 configured intermediates, none of which leads to the anchor."""
    anchors = Anchors(ROOT.read, intermediates=READ)
    assert outcome([peer(SELVES[0])], anchors, NOW)[0] == "untrusted_chain"
    assert sum(verified) == 0  # names alone show that there is none


def test_no_group_of_issuers_is_gone_through_twice(monkeypatch: pytest.MonkeyPatch, verified: list[int]) -> None:
    """306 certificates of 18 names, each with 17 possible issuers: each name is asked for once, not 17 times."""
    steps: list[Certificate] = []
    step = search._step

    def counted(issuer: Certificate, meant: bytes | None, now: float) -> int:
        steps.append(issuer)
        return step(issuer, meant, now)

    monkeypatch.setattr(search, "_step", counted)
    bridge = authority("Authority 17", ROOT, key=SELVES[17].key)
    anchors = Anchors(ROOT.read, intermediates=[*READ, bridge.read])
    assert outcome([peer(SELVES[0])], anchors, NOW) == ACCEPTED
    assert len(steps) <= 2 * len(READ)


def test_one_way_out(verified: list[int]) -> None:
    """One of the 18 was certified by the anchor: the path is found, and no signature is verified in vain."""
    bridge = authority("Authority 17", ROOT, key=SELVES[17].key)
    anchors = Anchors(ROOT.read, intermediates=[*READ, bridge.read])
    for number, length in ((17, 3), (0, 4), (9, 4)):
        verified.clear()
        path = build_path(peer(SELVES[number]).read, [], anchors, NOW)
        assert isinstance(path, Path)
        assert len(path.certificates) == length
        assert 0 < sum(verified) <= length - 1  # signatures between authorities count once


def test_a_way_out_that_is_forged(verified: list[int]) -> None:
    bridge = authority("Authority 17", Made(ROOT.parsed, new_key()), key=SELVES[17].key)
    anchors = Anchors(ROOT.read, intermediates=[*READ, bridge.read])
    assert outcome([peer(SELVES[0])], anchors, NOW) == ("chain_signature", bridge.label)


def test_many_ways_out_that_are_forged(verified: list[int]) -> None:
    posing = Made(ROOT.parsed, new_key())
    bridges = [authority(f"Authority {number}", posing, key=SELVES[number].key) for number in range(18)]
    anchors = Anchors(ROOT.read, intermediates=[*READ, *(one.read for one in bridges)])
    assert outcome([peer(SELVES[0])], anchors, NOW)[0] == "chain_signature"
    assert 0 < sum(verified) <= MOST_SIGNATURES


def test_what_a_client_presents(verified: list[int]) -> None:
    """Nine of one name and no key identifiers, each with a key of its own: any may have issued any."""
    root = authority(identified=False)
    posing = Made(root.parsed, new_key())
    same = [authority("Same", posing, identified=False) for _ in range(9)]
    client = peer(same[0], identified=False)
    code, _ = outcome([client, *same], root, NOW)
    assert code == "chain_signature"
    assert 0 < sum(verified) <= MOST_SIGNATURES


def test_self_issued_ones_of_one_name_and_key(verified: list[int]) -> None:
    """Each is a good issuer of each other one; no anchor is near."""
    key = new_key()
    first = authority("Loop", key=key)
    loops = [authority("Loop", first, key=key) for _ in range(9)]
    assert outcome([peer(first), *loops], ROOT, NOW)[0] == "untrusted_chain"


def test_the_right_one_among_many_of_its_name(verified: list[int]) -> None:
    """An authority that changed its key often: key identifiers tell which certificate is meant."""
    generations = [authority("Issuing", ROOT) for _ in range(9)]
    for one in generations:
        verified.clear()
        assert outcome([peer(one), *generations], ROOT, NOW) == ACCEPTED
        assert sum(verified) == 2


def test_those_that_are_not_valid_now_come_last(verified: list[int]) -> None:
    key = new_key()
    old = [authority("Issuing", ROOT, key=key, ends=NOW - 1) for _ in range(4)]
    next_one = authority("Issuing", ROOT, key=key, starts=NOW + 1)
    good = authority("Issuing", ROOT, key=key)
    assert outcome([peer(good), *old, next_one, good], ROOT, NOW) == ACCEPTED
    assert sum(verified) == 2


def test_the_right_one_where_nothing_tells(verified: list[int]) -> None:
    """Without key identifiers each is tried, within the bound."""
    root = authority(identified=False)
    generations = [authority("Issuing", root, identified=False) for _ in range(6)]
    assert outcome([peer(generations[-1], identified=False), *generations], root, NOW) == ACCEPTED


def test_giving_up_is_a_refusal(verified: list[int]) -> None:
    root = authority(identified=False)
    generations = [authority("Issuing", root, identified=False) for _ in range(40)]
    anchors = Anchors(root.read, intermediates=[one.read for one in generations])
    assert outcome([peer(generations[-1], identified=False)], anchors, NOW)[0] == "chain_signature"
    assert sum(verified) > MOST_SIGNATURES - 2


def test_longer_than_a_path_may_be(verified: list[int]) -> None:
    line = [ROOT]
    for number in range(5):
        line.append(authority(f"Line {number}", line[-1]))
    leaf = peer(line[-1])
    refused = build_path(leaf.read, [one.read for one in line[1:]], Anchors(ROOT.read), NOW)
    assert isinstance(refused, Reason)
    assert refused.code == "untrusted_chain"
    assert "6 certificates" in refused.detail
    twins = [authority(one.parsed.subject, line[place], key=one.key) for place, one in enumerate(line[1:])]
    assert outcome([leaf, *line[1:], *twins][:10], ROOT, NOW)[0] == "untrusted_chain"
    shorter = peer(line[4])
    assert outcome([shorter, *line[1:5]], ROOT, NOW) == ACCEPTED


def test_the_anchor_presented_among_the_others(verified: list[int]) -> None:
    issuing = authority("Issuing", ROOT)
    client = peer(issuing)
    for others in ([issuing, ROOT], [ROOT, issuing], [issuing, issuing, ROOT, ROOT, client]):
        verified.clear()
        assert outcome([client, *others], ROOT, NOW) == ACCEPTED
        assert sum(verified) == 2


# --- Names that are laborious to compare ------------------------------------------------------------------------------
LABORIOUS = "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 15  # each is read as eighteen characters
TREES = x509.NameConstraints(None, [x509.DirectoryName(name_of(f"{number:x}")) for number in range(500)])
MANY_NAMES = x509.SubjectAlternativeName([x509.DirectoryName(name_of(f"{number}{LABORIOUS}")) for number in range(7)])


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The names that were made ready for comparison, and the comparisons: 0 for one of the former."""
    counted: list[int] = []
    ready, allow = distinguished_name.comparable_name, name_constraints.Comparisons.allow

    def form(der: bytes) -> Any:
        counted.append(0)
        return ready(der)

    def allowed(comparisons: name_constraints.Comparisons, count: int, octets: int) -> bool:
        may = allow(comparisons, count, octets)
        counted.append(count if may else 0)
        return may

    monkeypatch.setattr(name_constraints, "comparable_name", form)
    monkeypatch.setattr(certificate, "comparable_name", form)
    monkeypatch.setattr(name_constraints.Comparisons, "allow", allowed)
    return counted


def constrained(by: Made, count: int = 1, *, extension: x509.ExtensionType = TREES) -> list[Made]:
    """So many certificates of one authority that constrains names."""
    key = new_key()
    return [authority("Sub", by, key=key, extensions=((extension, True),)) for _ in range(count)]


def test_constraints_that_somebody_made_up_are_never_compared(verified: list[int], compared: list[int]) -> None:
    subs = constrained(authority("Root"), 6)  # it has the name of the root, and not its key
    refused = outcome([peer(subs[0], extensions=((MANY_NAMES, False),)), *subs], Anchors(ROOT.read), NOW)
    assert refused[0] == "chain_signature"
    assert sum(compared) == 0
    assert len(compared) <= 2 * 8  # whom they name, which is compared before signatures


def test_names_and_constraints_are_made_ready_once(compared: list[int]) -> None:
    (sub,) = constrained(ROOT)
    read, issuing = peer(sub, extensions=((MANY_NAMES, False),)).read, sub.read
    anchors = Anchors(ROOT.read)
    for _ in range(3):
        refused = build_path(read, [issuing], anchors, NOW)
        assert isinstance(refused, Reason)
        assert refused.code == "name_constraints"
    # 500 trees, seven names and the subject; each of the eight against each tree, each time. And three names of who
    # issued whom.
    assert compared.count(0) == 508 + 3
    assert sum(compared) == 3 * 8 * 500


def test_all_ways_share_one_number_of_comparisons(compared: list[int]) -> None:
    subs = constrained(ROOT, 4)
    leaf = peer(subs[0], extensions=((MANY_NAMES, False),))
    outcome([leaf, *subs], Anchors(ROOT.read), NOW)
    assert 0 < sum(compared) <= 4096


@pytest.mark.parametrize(("octets", "accepted"), [(40, "accepted"), (200, "name_constraints")])
def test_long_constraints_count_by_their_octets(octets: int, accepted: str) -> None:
    trees = [x509.DNSName(f"{number}.{'x' * octets}.example") for number in range(60)]
    (sub,) = constrained(ROOT, extension=x509.NameConstraints(None, trees))
    names = x509.SubjectAlternativeName([x509.DNSName(f"{number}.example") for number in range(60)])
    reached = built(peer(sub, extensions=((names, False),)), sub, anchors=ROOT)
    assert refusal(reached)[0] == accepted
    if isinstance(reached, Reason):
        assert "more names and constraints than can be compared" in reached.detail


def test_authorities_of_one_name_are_tried_in_no_other_order(
    monkeypatch: pytest.MonkeyPatch, verified: list[int]
) -> None:
    """What may stand above itself could be tried in every order: none of it is, unless the path is genuine."""
    asked: list[object] = []

    def found(*given: object) -> str:
        asked.append(given)
        return "no path"

    monkeypatch.setattr(chain._Search, "_found", found)
    key, forged = new_key(), authority("Root")
    top = authority("Sub", forged, key=key)
    below = authority("Sub", top)  # the key that is meant makes this order the likeliest
    assert outcome([peer(below), below, top], Anchors(ROOT.read), NOW)[0] == "chain_signature"
    assert asked == []


def test_names_alike_are_made_ready_once(compared: list[int]) -> None:
    key = new_key()
    subs = [authority(f"sub{LABORIOUS}", key=key, issuer="ROOT") for _ in range(5)]
    leaf = peer(subs[0], issuer=f"SUB{LABORIOUS}")
    assert outcome([leaf, *subs], Anchors(ROOT.read), NOW)[0] == "chain_signature"
    assert len(compared) <= 2 * 7  # each of the seven certificates names two


def test_a_signature_that_is_known_is_not_verified_again_for_names(verified: list[int]) -> None:
    (sub,) = constrained(ROOT, extension=x509.NameConstraints(None, [x509.DNSName("example.com")]))
    leaf, issuing, anchors = peer(sub).read, sub.read, Anchors(ROOT.read)
    assert isinstance(build_path(leaf, [issuing], anchors, NOW), Path)
    assert sum(verified) == 4  # both of them, before names are compared and by `cryptography`
    verified.clear()
    assert isinstance(build_path(leaf, [issuing], anchors, NOW), Path)
    assert sum(verified) == 3
