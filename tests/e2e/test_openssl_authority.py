"""Revocation against an authority that is not ours: `openssl ca` and `openssl ocsp`, with two tools to agree with."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from tests.e2e.openssl_authority import OpensslAuthority, der, openssl, required, serving
from tests.pki.revoking import certificate
from zerotrust.core.peer import Peer
from zerotrust.core.reason import Reason
from zerotrust.driver import NO_SOURCES, Sources, run, run_async
from zerotrust.pki.chain import Anchors, build_path
from zerotrust.pki.chain import Path as CertificatePath
from zerotrust.pki.crls import Crls
from zerotrust.pki.ocsp import Ocsp
from zerotrust.pki.revocation import CertificateRevocation
from zerotrust.pki.revocation_strictness import FirstOf
from zerotrust.stores.crl_file import CrlFile
from zerotrust.stores.http import AsyncHttpFetcher, HttpFetcher
from zerotrust.wire.crl import read_crls

pytestmark = pytest.mark.e2e


@dataclass(frozen=True)
class World:
    root: OpensslAuthority
    issuing: OpensslAuthority
    good: Path
    revoked: Path
    held: Path
    below_revoked: Path  # issued by an authority that is revoked
    revoked_issuing: OpensslAuthority
    now: float
    url: str

    def lists(self, authority: OpensslAuthority | None = None) -> tuple[bytes, bytes]:
        return (self.root.folder / "ca.crl").read_bytes(), ((authority or self.issuing).folder / "ca.crl").read_bytes()

    def issuer(self, leaf: Path) -> OpensslAuthority:
        return self.revoked_issuing if leaf == self.below_revoked else self.issuing

    def chain(self, leaf: Path) -> tuple[bytes, bytes]:
        return der(leaf), der(self.issuer(leaf).certificate)

    def path(self, leaf: Path) -> CertificatePath:
        first, *others = map(certificate, self.chain(leaf))
        path = build_path(first, others, Anchors.from_file(self.root.certificate), self.now)
        assert isinstance(path, CertificatePath), path
        return path

    def against(self, way: CertificateRevocation, leaf: Path, sources: Sources = NO_SOURCES, ahead: float = 0) -> str:
        peer = Peer(self.chain(leaf))
        return code(run(way.check(self.path(leaf), peer, self.now + ahead), sources))


def code(reason: Reason | None) -> str:
    return "good" if reason is None else reason.code


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    required()
    folder = tmp_path_factory.mktemp("authority")
    root = OpensslAuthority.create(folder / "root", "OpenSSL Root")
    issuing = OpensslAuthority.create(folder / "issuing", "OpenSSL Issuing", root)
    fallen = OpensslAuthority.create(folder / "fallen", "OpenSSL Fallen", root)
    good, revoked, held = (issuing.issue(name) for name in ("good", "revoked", "held"))
    below = fallen.issue("below")
    issuing.revoke(revoked)
    issuing.revoke(held, "certificateHold")
    root.revoke(fallen.certificate, "CACompromise")
    for one in (root, issuing, fallen):
        one.publish()
        one.issue("responder", "responder")
    read = read_crls((fallen.folder / "ca.crl").read_bytes())
    assert isinstance(read, tuple)
    with serving(root, issuing, fallen) as url:
        yield World(root, issuing, good, revoked, held, below, fallen, read[0].this_update + 600, url)


EXPECTED = {
    "good": "good",
    "revoked": "certificate_revoked",
    "held": "certificate_revoked",
    "below_revoked": "certificate_revoked",
}
each = pytest.mark.parametrize(("which", "expected"), EXPECTED.items(), ids=EXPECTED)


@each
def test_lists_as_bytes_and_two_oracles(world: World, which: str, expected: str, tmp_path: Path) -> None:
    leaf: Path = getattr(world, which)
    lists = world.lists(world.issuer(leaf))
    assert world.against(Crls(*lists), leaf) == expected
    (tmp_path / "lists").write_bytes(b"".join(lists))
    (tmp_path / "chain").write_bytes(leaf.read_bytes() + world.issuer(leaf).certificate.read_bytes())
    assert world.against(Crls((tmp_path / "lists").read_bytes()), leaf) == expected
    verified = openssl(
        *("verify", "-crl_check_all", "-CRLfile", tmp_path / "lists", "-CAfile", world.root.certificate),
        *("-untrusted", world.issuer(leaf).certificate, leaf),
        check=False,
    )
    assert (verified.returncode == 0) == (expected == "good")
    files = ("--load-ca-certificate", world.root.certificate, "--load-crl", tmp_path / "lists")
    certtool: tuple[str | Path, ...] = ("certtool", "--verify", *files, "--infile", tmp_path / "chain")
    checked = subprocess.run(certtool, capture_output=True, check=False, timeout=60)
    assert (checked.returncode == 0) == (expected == "good"), checked.stdout


def test_a_list_that_is_missing(world: World) -> None:
    for one in world.lists():
        assert world.against(Crls(one), world.good) == "revocation_unknown"


def test_lists_run_out(world: World) -> None:
    assert world.against(Crls(*world.lists()), world.good, ahead=6 * 86400) == "good"
    assert world.against(Crls(*world.lists()), world.good, ahead=7 * 86400) == "revocation_unknown"


@each
def test_lists_over_http(world: World, which: str, expected: str) -> None:
    leaf: Path = getattr(world, which)
    way = Crls(urls=[f"{world.url}/{folder}/ca.crl" for folder in ("root", "issuing", "fallen")])
    with HttpFetcher() as fetcher:
        sources = Sources(fetcher)
        assert run(way.load(world.now), sources) == ()
        assert world.against(way, leaf, sources) == expected


@each
@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_ocsp_or_the_list_of_the_root(world: World, which: str, expected: str, algorithm: str) -> None:
    """One responder for the leaves; their authority is on the list of the root."""
    leaf: Path = getattr(world, which)
    responder = Ocsp(f"{world.url}/{world.issuer(leaf).folder.name}/ocsp", algorithm=algorithm)
    way = FirstOf(Crls((world.root.folder / "ca.crl").read_bytes()), responder)
    with HttpFetcher() as fetcher:
        assert world.against(way, leaf, Sources(fetcher)) == expected


def test_ocsp_is_asked_once(world: World) -> None:
    way = Ocsp(f"{world.url}/issuing/ocsp")
    path, peer = world.path(world.good), Peer(world.chain(world.good))
    with HttpFetcher() as fetcher:
        before = len(world.issuing.asked)
        for _ in range(3):
            assert run(way.status(path, 0, peer, world.now), Sources(fetcher)) is None
        assert len(world.issuing.asked) == before + 1


async def _asked(world: World, leaf: Path) -> str:
    way = Ocsp(f"{world.url}/issuing/ocsp")
    async with AsyncHttpFetcher() as fetcher:
        peer = Peer(world.chain(leaf))
        return code(await run_async(way.status(world.path(leaf), 0, peer, world.now), Sources(fetcher)))


def test_ocsp_in_an_async_application(world: World) -> None:
    import asyncio

    assert asyncio.run(_asked(world, world.good)) == "good"
    assert asyncio.run(_asked(world, world.revoked)) == "certificate_revoked"


def test_the_responder_of_another_authority(world: World) -> None:
    way = Ocsp(f"{world.url}/fallen/ocsp")
    with HttpFetcher() as fetcher:
        assert world.against(way, world.good, Sources(fetcher)) == "revocation_unknown"


def test_a_file_that_is_written_anew(world: World) -> None:
    late = world.issuing.issue("late")
    file = CrlFile(world.issuing.folder / "ca.crl")
    way = Crls(file, world.lists()[0])
    assert world.against(way, late) == "good"
    before = world.lists()[1]
    world.issuing.revoke(late)
    world.issuing.publish()
    assert file.reload() is None
    assert world.against(way, late) == "certificate_revoked"
    # The list from before comes again: its number gives it away.
    (world.issuing.folder / "ca.crl").write_bytes(before)
    assert file.reload() is None
    assert world.against(way, late) == "certificate_revoked"


def test_a_delta_to_its_list(world: World) -> None:
    """`openssl ca` makes no deltas; its list does not mind whose they are, if they are signed by its key."""
    base = world.lists()[1]
    read = read_crls(base)
    assert isinstance(read, tuple)
    key = load_pem_private_key((world.issuing.folder / "ca.key").read_bytes(), None)
    authority = x509.load_pem_x509_certificate(world.issuing.certificate.read_bytes())
    listed = x509.load_pem_x509_crl(base)

    def delta(path: Path, why: x509.ReasonFlags) -> bytes:
        serial = x509.load_pem_x509_certificate(path.read_bytes()).serial_number
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(listed.last_update_utc)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(authority.subject)
            .last_update(listed.last_update_utc)
            .next_update(listed.next_update_utc or listed.last_update_utc)
            .add_extension(x509.CRLNumber(read[0].number + 1), critical=False)
            .add_extension(x509.DeltaCRLIndicator(read[0].number), critical=True)
            .add_revoked_certificate(entry.add_extension(x509.CRLReason(why), critical=False).build())
        )
        return builder.sign(key, SHA256()).public_bytes(Encoding.DER)  # type: ignore[arg-type]

    lists = world.lists()
    revoking = Crls(*lists, delta(world.good, x509.ReasonFlags.key_compromise))
    assert world.against(revoking, world.good) == "certificate_revoked"
    releasing = Crls(*lists, delta(world.held, x509.ReasonFlags.remove_from_crl))
    assert world.against(releasing, world.held) == "good"
    assert world.against(releasing, world.revoked) == "certificate_revoked"
