"""Where lists come from: what is fetched, what comes anew, what a mistake of configuration says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.pki.revoking import (
    DAY,
    DIRECT,
    GOOD,
    ISSUING,
    LEAF,
    NOW,
    OTHER,
    ROOT,
    ROOT_CRL,
    STRANGER,
    Served,
    against,
    verdict,
    why,
)
from zerotrust.core.ask import Fetch
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import seconds
from zerotrust.core.reason import SOURCE_TIMEOUT, Reason
from zerotrust.driver import Budget, Sources, run
from zerotrust.pki import crl_sources
from zerotrust.pki.crl_sources import MAX_FETCHED, Held
from zerotrust.pki.crls import Crls
from zerotrust.testing.revoking import crl
from zerotrust.wire.crl import CertificateList, read_crls

URL = "http://crl.example.com/root.crl"


def test_a_list_is_fetched() -> None:
    world = Served({URL: ROOT_CRL})
    way = Crls(urls=[URL])
    assert way.needs == (Fetch,)
    assert verdict(way, DIRECT, sources=Sources(world)) == GOOD
    assert (world.asked[0].url, world.asked[0].limit) == (URL, MAX_FETCHED)
    assert "application/pkix-crl" in world.asked[0].signed
    world.documents[URL] = crl(ROOT, DIRECT, number=2)
    assert verdict(way, DIRECT, sources=Sources(world)) == "certificate_revoked"


def test_lists_may_be_given_and_fetched() -> None:
    way = Crls(crl(ISSUING), urls=[URL])
    assert verdict(way, LEAF, sources=Sources(Served({URL: ROOT_CRL}))) == GOOD


def test_nobody_is_there() -> None:
    assert verdict(Crls(urls=[URL]), DIRECT, sources=Sources(Served())) == "revocation_unknown"
    assert why(Crls(urls=[URL]), DIRECT, sources=Sources(Served())) == (
        "a source did not answer: nobody there; there is no CRL of its issuer"
    )
    assert verdict(Crls(urls=[URL]), DIRECT) == "revocation_unknown"  # no source at all


def test_what_was_had_counts_until_its_next_update() -> None:
    world = Served({URL: ROOT_CRL})
    way = Crls(urls=[URL])
    assert verdict(way, DIRECT, sources=Sources(world)) == GOOD
    for trouble in (SOURCE_TIMEOUT(), b"no list", crl(ROOT)[:-1]):
        world.documents[URL] = trouble
        assert verdict(way, DIRECT, sources=Sources(world), now=NOW + DAY) == GOOD
        assert verdict(way, DIRECT, sources=Sources(world), now=NOW + 7 * DAY) == "revocation_unknown"


def test_a_newer_one_is_asked_for_when_it_is_due() -> None:
    world = Served({URL: ROOT_CRL})
    way = Crls(urls=[URL])
    for now in (NOW, NOW + DAY, NOW + 7 * DAY):
        verdict(way, DIRECT, sources=Sources(world), now=now)
    assert [ask.newer_than for ask in world.asked] == [float("-inf"), float("-inf"), NOW]


def test_an_older_one_that_comes_after_is_not_believed() -> None:
    """Number regression (RFC 5280 section 5.2.3): somebody plays back the list from before the revocation."""
    world = Served({URL: crl(ROOT, DIRECT, number=6)})
    way = Crls(urls=[URL])
    assert verdict(way, DIRECT, sources=Sources(world)) == "certificate_revoked"
    world.documents[URL] = crl(ROOT, number=5)
    assert verdict(way, DIRECT, sources=Sources(world)) == "certificate_revoked"
    other = ROOT.issue("another")
    assert verdict(way, other, sources=Sources(world)) == GOOD  # by the newer one
    later = NOW + 8 * DAY
    world.documents[URL] = crl(ROOT, number=5, days=30)
    assert why(way, other, sources=Sources(world), now=later) == (
        "CRL 5 of CN=Root came after number 6, and is not believed; "
        "CRL 6 of CN=Root was due to be renewed at 2027-01-22 07:00"
    )


def test_one_that_is_not_genuine_displaces_nothing() -> None:
    world = Served({URL: crl(ROOT, DIRECT, number=6)})
    way, other = Crls(urls=[URL]), ROOT.issue("another")
    assert verdict(way, DIRECT, sources=Sources(world)) == "certificate_revoked"
    for number in (5, 7):
        world.documents[URL] = crl(STRANGER, number=number, days=90)
        assert verdict(way, DIRECT, sources=Sources(world)) == "certificate_revoked"
        assert verdict(way, other, sources=Sources(world)) == GOOD
    # What was genuine ends with its own next update, and is asked for until there is something newer.
    assert why(way, other, sources=Sources(world), now=NOW + 7 * DAY) == (
        "CRL 7 of CN=Root is not signed by its issuer; CRL 6 of CN=Root was due to be renewed at 07:00"
    )
    assert verdict(way, DIRECT, sources=Sources(world), now=NOW + 7 * DAY) == "certificate_revoked"
    told = run(way.load(NOW), Sources(world))
    assert [str(one) for one in told] == [
        "a source gave an answer that is not usable: CRL 7 of CN=Root is not signed by its issuer"
    ]
    assert world.asked[-1].newer_than == NOW
    world.documents[URL] = crl(ROOT, number=8)
    assert verdict(way, DIRECT, sources=Sources(world)) == GOOD
    assert run(way.load(NOW), Sources(world)) == ()
    assert world.asked[-1].newer_than == float("-inf")


def test_a_list_of_another_key_is_not_displaced_either() -> None:
    key = x509.KeyUsage(False, False, False, False, False, False, True, False, False)
    other = ROOT.issue(subject=ISSUING.name, extensions=[(key, True)])
    signers = other.certificate.public_bytes(Encoding.PEM)
    world = Served({URL: crl(ISSUING, LEAF, key=other.key)})
    way = Crls(ROOT_CRL, urls=[URL], signers=signers)
    for document in (crl(ISSUING, LEAF, key=other.key), crl(STRANGER, number=9, issuer=ISSUING.name)):
        world.documents[URL] = document
        assert verdict(way, LEAF, sources=Sources(world)) == "certificate_revoked"
        assert verdict(way, OTHER, sources=Sources(world)) == GOOD


def test_on_the_path_of_a_namesake_nothing_is_said_against_a_genuine_list() -> None:
    way, issued = Crls(ROOT_CRL), STRANGER.issue("client")
    assert verdict(way, DIRECT) == GOOD
    assert verdict(way, issued, root=STRANGER) == "revocation_unknown"
    assert run(way.load(NOW)) == ()
    other = Crls(ROOT_CRL)
    assert verdict(other, issued, root=STRANGER) == "revocation_unknown"
    assert len(run(other.load(NOW))) == 1
    assert verdict(other, DIRECT) == GOOD
    assert run(other.load(NOW)) == ()


def test_a_clock_that_is_set_back_believes_no_older_list() -> None:
    world = Served({URL: crl(ROOT, number=6, starts=2 * DAY)})
    way = Crls(urls=[URL])
    assert verdict(way, DIRECT, sources=Sources(world), now=NOW + 3 * DAY) == GOOD
    world.documents[URL] = crl(ROOT, number=5)
    assert verdict(way, DIRECT, sources=Sources(world), now=NOW) == "revocation_unknown"


def test_a_list_that_is_too_large_to_be_fetched() -> None:
    world = Served({URL: ROOT_CRL + bytes(MAX_FETCHED)})
    assert verdict(Crls(urls=[URL]), DIRECT, sources=Sources(world)) == "revocation_unknown"
    large = why(Crls(urls=[URL]), DIRECT, sources=Sources(_Anything(world)))
    assert "give CrlFile(path)" in large
    assert f"at most {MAX_FETCHED} bytes" in large


class _Anything(Served):
    """A source that leaves it to the asker to say what is of use."""

    def __init__(self, world: Served) -> None:
        super().__init__(world.documents)

    def answer(self, ask: Any, timeout: float) -> Any:
        return super().answer(Fetch(ask.url, ask.now, limit=ask.limit), timeout)


def test_what_is_no_list_though_the_source_let_it_pass() -> None:
    world = _Anything(Served({URL: b"no list"}))
    assert why(Crls(urls=[URL]), DIRECT, sources=Sources(world)).startswith(
        "malformed: a CRL (RFC 5280 section 5) (expected DER, or PEM blocks"
    )


def test_it_does_not_displace_what_is_good() -> None:
    world = _Anything(Served({URL: ROOT_CRL}))
    way = Crls(urls=[URL])
    assert verdict(way, DIRECT, sources=Sources(world)) == GOOD
    world.documents[URL] = b"no list"
    assert verdict(way, DIRECT, sources=Sources(world)) == GOOD


def test_a_budget_that_does_not_suffice() -> None:
    way, world = Crls(urls=[URL]), Sources(Served({URL: ROOT_CRL}))
    told = run(way.load(NOW), world, Budget(bytes=10))
    assert [one.code for one in told] == ["budget_spent"]
    assert "give CrlFile(path)" in str(told[0])


def test_everything_can_be_loaded_outside_of_requests() -> None:
    world = Served({URL: ROOT_CRL})
    way = Crls(crl(ISSUING), urls=[URL, "http://crl.example.com/none.crl"])
    told = run(way.load(NOW), Sources(world))
    assert [one.code for one in told] == ["source_down"]
    del world.documents[URL]
    assert verdict(way, LEAF, sources=Sources(world)) == GOOD


def test_a_document_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[int] = []

    def counted(document: bytes, *, limit: int) -> tuple[CertificateList, ...] | Reason:
        parsed.append(len(document))
        return read_crls(document, limit=limit)

    monkeypatch.setattr(crl_sources, "read_crls", counted)
    world, way = Served({URL: ROOT_CRL}), Crls(urls=[URL])
    for _ in range(3):
        assert verdict(way, DIRECT, sources=Sources(world)) == GOOD
    assert len(parsed) == 1


class _Holder:
    def __init__(self, *documents: bytes) -> None:
        self.now: list[float] = []
        self.lists = tuple(one for document in documents for one in read_crls(document))  # type: ignore[union-attr]

    def held(self, now: float) -> Held:
        self.now.append(now)
        return Held(self.lists, SOURCE_TIMEOUT(detail="the disk"))


def test_a_source_of_ones_own() -> None:
    holder = _Holder(ROOT_CRL)
    assert verdict(Crls(holder), DIRECT) == GOOD
    assert holder.now == [NOW]
    reason = against(Crls(_Holder()), DIRECT)
    assert reason is not None
    assert reason.detail == "a source did not answer in time: the disk; there is no CRL of its issuer"


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        (lambda: Crls(), "Crls() has no list"),
        (lambda: Crls("http://crl.example.com/a.crl"), 'urls=["http://crl.example.com/a.crl"]'),  # type: ignore[arg-type]
        (lambda: Crls("/etc/pki/ca.crl"), "CrlFile('/etc/pki/ca.crl')"),  # type: ignore[arg-type]
        (lambda: Crls(Path("ca.crl")), "CrlFile('ca.crl')"),  # type: ignore[arg-type]
        (lambda: Crls(5), "not int"),  # type: ignore[arg-type]
        (lambda: Crls(_Holder), "not _Holder"),  # type: ignore[arg-type]
        (lambda: Crls(b"no list"), "a list cannot be used: malformed"),
        (lambda: Crls(ROOT_CRL[:-1]), "a list cannot be used: malformed"),
        (lambda: Crls(urls=URL), f'write urls=["{URL}"]'),
        (lambda: Crls(urls=["ftp://crl.example.com/a"]), "is no URL of a list"),
        (lambda: Crls(urls=["http://user@crl.example.com/a"]), "is no URL of a list"),
        (lambda: Crls(urls=[5]), "is no URL of a list"),  # type: ignore[list-item]
        (lambda: Crls(urls=[f"{URL}{number}" for number in range(9)]), "at most 64 lists and 8 urls"),
        (lambda: Crls(ROOT_CRL, at_most_old=5), "such as minutes(5)"),  # type: ignore[arg-type]
        (lambda: Crls(ROOT_CRL, at_most_old=seconds(5)), "out of range"),
    ],
)
def test_mistakes(wrong: Any, advice: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(advice)):
        wrong()


def test_it_prints_as_what_it_is() -> None:
    assert repr(Crls(ROOT_CRL, urls=[URL])) == f"Crls(<CRL 1 of CN=Root: 0 entries>, {URL})"
