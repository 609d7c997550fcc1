"""A revocation list of a million serial numbers: what loading it takes, and what a look-up in it.

    python -m benchmarks.crl                        a million entries; ten to twenty seconds, most of it making them
    python -m benchmarks.crl --entries 100000

Each way is measured in a process of its own, so that the peak of its memory is its own: the most that was resident
less what was once the document was read (Linux only). Times are processor time. The exit status says whether a look-up
takes under 20 us.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from benchmarks.runner import ROOT
from zerotrust.core.peer import Peer
from zerotrust.driver import run
from zerotrust.pki.chain import Anchors, build_path
from zerotrust.pki.chain import Path as CertificatePath
from zerotrust.pki.crls import Crls
from zerotrust.testing.authority import LocalAuthority
from zerotrust.testing.revoking import crl
from zerotrust.wire.certificate import Certificate, read_certificate
from zerotrust.wire.crl import CertificateList, read_crl
from zerotrust.wire.der import SEQUENCE, element
from zerotrust.wire.der_encoding import wrap

NOW: Final = 1_800_000_000.0
LIMIT_US: Final = 20.0
OURS, SET, SCAN = "Crls", "set of int, by pyca", "linear scan, by pyca"

_DATE: Final = b"\x17\x0d260115070000Z"
_REASON: Final = bytes.fromhex("300c300a0603551d1504030a0101")  # keyCompromise


def serial(number: int) -> bytes:
    """The octets of the serial number of an entry: 16 of them, as many authorities have."""
    return b"\x01" + hashlib.sha256(number.to_bytes(8, "big")).digest()[:15]


def large_list(authority: LocalAuthority, entries: int) -> bytes:
    """A list of this many, every one with a reason, as DER. Put together by hand: a builder would take minutes."""
    empty = crl(authority)
    _, start, end = element(empty, 0, len(empty))
    _, first, stop = element(empty, start, end)
    at = first
    for _ in range(5):  # version, algorithm, issuer and two times
        _, _, at = element(empty, at, stop)
    listed = b"".join(wrap(SEQUENCE, wrap(2, serial(number)) + _DATE + _REASON) for number in range(entries))
    signed = wrap(SEQUENCE, empty[first:at] + wrap(SEQUENCE, listed) + empty[at:stop])
    _, _, after = element(empty, stop, end)
    assert isinstance(authority.key, ec.EllipticCurvePrivateKey)
    signature = authority.key.sign(signed, ec.ECDSA(SHA256()))
    return wrap(SEQUENCE, signed + empty[stop:after] + wrap(3, b"\0" + signature))


def peak() -> float:
    """The most memory this process has had so far, MiB. Not `getrusage`: that of its parent counts there, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def microseconds(call: Callable[[], object], number: int) -> float:
    """What one call takes, the best of five rounds."""
    return min(timeit.repeat(call, number=number, repeat=5, timer=time.process_time)) / number * 1e6


def measured(way: str, folder: Path, entries: int) -> dict[str, float]:
    """What one way takes, in this very process."""
    document = (folder / "list.crl").read_bytes()
    before = peak()
    began = time.process_time()
    if way == OURS:
        read = read_crl(document)
        assert isinstance(read, CertificateList)
        found = _ours(read, entries)
    else:
        found = _theirs(way, document, entries)
    loaded = time.process_time()
    hit, miss = serial(entries // 2), serial(entries + 1)
    assert found(hit)
    assert not found(miss)
    number = 3 if way == SCAN else 20_000
    result = {
        "load s": loaded - began,
        "peak MiB": peak() - before,
        "listed us": microseconds(lambda: found(hit), number),
        "not listed us": microseconds(lambda: found(miss), number),
    }
    if way == OURS:
        result |= _in_a_path(document, folder)
    return result


def _ours(read: CertificateList, entries: int) -> Callable[[bytes], object]:
    assert read.count == entries
    return read.find


def _theirs(way: str, document: bytes, entries: int) -> Callable[[bytes], object]:
    read = x509.load_der_x509_crl(document)
    if way == SCAN:
        return lambda octets: read.get_revoked_certificate_by_serial_number(int.from_bytes(octets, "big"))
    numbers = {one.serial_number for one in read}
    assert len(numbers) == entries
    return lambda octets: int.from_bytes(octets, "big") in numbers


def _in_a_path(document: bytes, folder: Path) -> dict[str, float]:
    """The same in a decision: the first time with the signature of the list, then anew, then from what is known."""
    leaf, anchor = _read((folder / "leaf.der").read_bytes()), _read((folder / "root.der").read_bytes())
    path = build_path(leaf, (), Anchors(anchor), NOW)
    assert isinstance(path, CertificatePath)
    peer = Peer((leaf.der,))
    began = time.process_time()
    way = Crls(document)
    loaded = time.process_time()
    assert run(way.check(path, peer, NOW)) is None
    return {
        "first check ms": (time.process_time() - loaded) * 1e3,
        "Crls() s": loaded - began,
        "one certificate us": microseconds(lambda: run(way.status(path, 0, peer, NOW)), 5_000),
        "path known us": microseconds(lambda: run(way.check(path, peer, NOW)), 20_000),
    }


def _read(der: bytes) -> Certificate:
    read = read_certificate(der)
    assert isinstance(read, Certificate)
    return read


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--way", choices=(OURS, SET, SCAN), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        print(json.dumps(measured(given.way, given.folder, given.entries)))
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority = LocalAuthority("Large", now=NOW)
        (folder / "list.crl").write_bytes(large_list(authority, given.entries))
        (folder / "root.der").write_bytes(authority.certificate.public_bytes(Encoding.DER))
        (folder / "leaf.der").write_bytes(authority.issue().der)
        size = (folder / "list.crl").stat().st_size / 2**20
        print(f"{given.entries} entries, {size:.1f} MiB, {dt.datetime.now(dt.UTC):%Y-%m-%d}")
        told: dict[str, dict[str, float]] = {}
        for way in (OURS, SET, SCAN):
            command = [sys.executable, "-m", "benchmarks.crl", "--entries", str(given.entries), "--way", way]
            ran = subprocess.run([*command, "--folder", name], cwd=ROOT, stdout=subprocess.PIPE, check=True)
            told[way] = json.loads(ran.stdout)
    columns = ("load s", "peak MiB", "listed us", "not listed us")
    print(f"{'':22}" + "".join(f"{column:>16}" for column in columns))
    for way, figures in told.items():
        print(f"{way:22}" + "".join(f"{figures[column]:16.2f}" for column in columns))
    for column, figure in told[OURS].items():
        if column not in columns:
            print(f"{OURS}: {column} {figure:.2f}")
    met = max(told[OURS]["listed us"], told[OURS]["not listed us"]) < LIMIT_US
    print(f"a look-up takes under {LIMIT_US:.0f} us: {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
