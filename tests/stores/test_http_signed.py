"""Documents that carry a signature (CRLs, OCSP responses): their media types, plain http, and nothing for others."""

from __future__ import annotations

import pytest

from tests.stores.fetching import NOW, Face, either
from tests.stores.web import PATIENCE, ScriptedServer, answer
from zerotrust.core.ask import Fetch, SourceFailed
from zerotrust.core.reason import MALFORMED, SOURCE_REFUSED, Reason
from zerotrust.stores.address import follow
from zerotrust.stores.cache import DocumentCache, Fetched
from zerotrust.stores.freshness import Terms
from zerotrust.wire.url import Address, parse_url

CRL = ("application/pkix-crl", "application/octet-stream")
BODY = b"\x30\x03\x02\x01\x00"
NAME = "http://crl.example.com/ca.crl"


def short(body: bytes) -> Reason | None:
    return MALFORMED() if len(body) < len(BODY) else None


def signed(url: str, limit: int = 1000) -> Fetch:
    return Fetch(url, NOW, limit=limit, unusable=short, signed=CRL)


def refusal(fetcher: Face, ask: Fetch) -> Reason:
    with pytest.raises(SourceFailed) as caught:
        fetcher.answer(ask, PATIENCE)
    return caught.value.reason


@either
@pytest.mark.parametrize("media_type", [*CRL, "Application/PKIX-CRL; charset=x"])
def test_the_media_types_that_are_named(face: type[Face], media_type: str) -> None:
    with ScriptedServer(answer(BODY, media_type=media_type)) as server, face() as fetcher:
        assert fetcher.answer(signed(server.url), PATIENCE).body == BODY
        assert server.seen[0].fields["accept"] == ", ".join(CRL)
        assert fetcher.answer(signed(server.url), PATIENCE).body == BODY
        assert server.count == 1


@either
@pytest.mark.parametrize("media_type", ["", "text/html", "application/json"])
def test_others(face: type[Face], media_type: str) -> None:
    with ScriptedServer(answer(BODY, media_type=media_type)) as server, face() as fetcher:
        refused = refusal(fetcher, signed(server.url))
        assert (refused.kind, refused.expected) == (SOURCE_REFUSED, " or ".join(CRL))


@either
def test_what_is_of_no_use_or_too_large(face: type[Face]) -> None:
    with ScriptedServer(answer(BODY[:-1], media_type=CRL[0])) as server, face() as fetcher:
        assert refusal(fetcher, signed(server.url)).kind is SOURCE_REFUSED
    with ScriptedServer(answer(BODY, media_type=CRL[0])) as server, face() as fetcher:
        assert refusal(fetcher, signed(server.url, limit=4)).expected == "at most 4 bytes"


@either
def test_nobody_who_asks_for_json_is_given_it(face: type[Face]) -> None:
    """The same address, limit and judge: only whether it is signed differs, and with it where it may come from."""
    with ScriptedServer(answer(BODY, media_type=CRL[0])) as server, face() as fetcher:
        plain = Fetch(server.url, NOW, signed=CRL)
        assert fetcher.answer(plain, PATIENCE).body == BODY
        assert refusal(fetcher, Fetch(server.url, NOW)).kind is SOURCE_REFUSED
        assert server.count == 2


def cache(**settings: object) -> DocumentCache:
    return DocumentCache(Terms(), **{"most": 8, "hosts": None, "timeout": 1.0, **settings})  # type: ignore[arg-type]


def test_plain_http_is_for_what_is_signed() -> None:
    one = cache()
    flight = one.consult(signed(NAME), 0.0).flight
    assert flight is not None
    assert str(flight.address) == NAME
    one.land(flight, Fetched(BODY, 300.0), 0.1)
    assert one.consult(signed(NAME), 0.2).document is not None
    for unsigned in (Fetch(NAME, NOW, limit=1000, unusable=short), Fetch(NAME, NOW)):
        with pytest.raises(SourceFailed) as caught:
            one.consult(unsigned, 0.3)
        assert caught.value.reason.expected == "https"


@pytest.mark.parametrize(
    "url",
    [
        "http://user@crl.example.com/",
        "http://crl.example.com/#a",
        "http://crl.example.com\\@127.0.0.1/",
        "http://crl.example.com/ a",
        "ftp://crl.example.com/",
        "file:///etc/passwd",
        "//crl.example.com/",
        "http://[::1/",
        "http://crl.example.com:0/",
    ],
)
def test_what_is_signed_comes_from_no_stranger_addresses(url: str) -> None:
    with pytest.raises(SourceFailed) as caught:
        cache().consult(signed(url), 0.0)
    assert caught.value.reason.kind is SOURCE_REFUSED


def test_the_list_of_hosts_holds() -> None:
    hosts = frozenset({("crl.example.com", 80)})
    assert cache(hosts=hosts).consult(signed(NAME), 0.0).flight is not None
    for url in ("http://crl.example.com:8080/", "https://crl.example.com/", "http://169.254.169.254/"):
        with pytest.raises(SourceFailed):
            cache(hosts=hosts).consult(signed(url), 0.0)


def address(url: str) -> Address:
    read = parse_url(url, plain=True)
    assert isinstance(read, Address)
    return read


@pytest.mark.parametrize(
    ("start", "location", "leads"),
    [
        (NAME, "/other.crl", True),
        (NAME, "http://crl.example.com/other.crl", True),
        (NAME, "http://127.0.0.1/", False),
        (NAME, "http://other.example.com/", False),
        (NAME, "http://crl.example.com:8080/", False),
        (NAME, "https://crl.example.com/", False),
        ("https://crl.example.com/ca.crl", "http://crl.example.com/ca.crl", False),
        ("https://crl.example.com/ca.crl", "/other.crl", True),
    ],
)
def test_redirects_stay_within_the_origin(start: str, location: str, leads: bool) -> None:
    assert isinstance(follow(address(start), location), Address) == leads
