"""URLs are read strictly; what the reader lets through is what is connected to."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.core.reason import SOURCE_REFUSED, Reason
from zerotrust.stores.address import allowed_hosts, follow
from zerotrust.wire.url import Address, is_loopback
from zerotrust.wire.url import parse_url as parse


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("https://login.example.com", Address("https", "login.example.com", 443, "/")),
        ("https://Login.Example.COM/Keys", Address("https", "login.example.com", 443, "/Keys")),
        ("https://login.example.com?a=/b", Address("https", "login.example.com", 443, "/?a=/b")),
        ("https://login.example.com:443/", Address("https", "login.example.com", 443, "/")),
        ("https://login.example.com:8443/a@b:c?d@e", Address("https", "login.example.com", 8443, "/a@b:c?d@e")),
        ("https://my_service/", Address("https", "my_service", 443, "/")),
        ("https://xn--mnchen-3ya.example/", Address("https", "xn--mnchen-3ya.example", 443, "/")),
        ("https://10.0.0.1/", Address("https", "10.0.0.1", 443, "/")),
        ("https://[2001:DB8::1]:8443/", Address("https", "2001:db8::1", 8443, "/")),
        ("http://[::1]/", Address("http", "::1", 80, "/")),
        ("http://localhost:8080/", Address("http", "localhost", 8080, "/")),
        ("http://127.255.0.1/", Address("http", "127.255.0.1", 80, "/")),
    ],
)
def test_good_urls(url: str, read: Address) -> None:
    assert parse(url) == read
    assert parse(str(read)) == read


@pytest.mark.parametrize(
    "url",
    [
        "https://login..example.com/",
        "https://.example.com/",
        "https://login.example.com./",
        "https://-login.example.com/",
        "https://login-.example.com/",
        "https://" + "a" * 64 + ".example.com/",
        "https://" + ".".join(["a" * 60] * 5) + "/",
        "https://[::1/",
        "https://::1/",
        "https://[login.example.com]/",
        "https://[fe80::1%25eth0]/",
        "https://[127.0.0.1]/",
        "https:///keys",
        "https://login.example.com:/",
        "https://login.example.com:65536/",
        "HTTPS://login.example.com/",
        "https://login.example.com/\x00",
        "https://login.example.com/\x7f",
        "https://login.example.com\n",
    ],
)
def test_bad_urls(url: str) -> None:
    read = parse(url)
    assert isinstance(read, Reason)
    assert read.kind is SOURCE_REFUSED


url_text = st.text(st.sampled_from("htps:/@[]\\#?.%127localhost\n\t é_-"), max_size=40)


@given(st.one_of(st.text(), url_text, url_text.map("https://".__add__), url_text.map("http://".__add__)))
def test_any_text_is_an_address_or_a_reason(url: str) -> None:
    read = parse(url)
    if isinstance(read, Reason):
        return
    assert read.scheme == "https" or is_loopback(read.host)
    split = urlsplit(url)  # another parser reads the same
    assert (split.scheme, split.hostname, split.username) == (read.scheme, read.host, None)
    assert (split.port or {"http": 80, "https": 443}[read.scheme]) == read.port


@given(st.one_of(st.text(), url_text))
def test_a_redirect_never_leaves_the_origin(location: str) -> None:
    start = Address("http", "localhost", 8080, "/keys")
    there = follow(start, location)
    assert isinstance(there, Reason) or there.origin == start.origin


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/b", "/b"),
        ("b", "/a/b"),
        ("../b", "/b"),
        ("?c", "/a/keys?c"),
        ("https://login.example.com/b", "/b"),
        ("https://login.example.com:443/b", "/b"),
    ],
)
def test_redirects_within_the_origin(location: str, target: str) -> None:
    start = Address("https", "login.example.com", 443, "/a/keys")
    assert follow(start, location) == Address("https", "login.example.com", 443, target)


def test_hosts() -> None:
    hosts = allowed_hosts(["Login.Example.com", "localhost:8080", "id.example.com:443"])
    assert hosts == frozenset({("login.example.com", 443), ("localhost", 8080), ("id.example.com", 443)})
    assert allowed_hosts(None) is None
    assert isinstance(parse("https://login.example.com/", hosts), Address)
    assert isinstance(parse("https://id.example.com/", hosts), Address)
    for url in ("https://login.example.com:8443/", "https://evil.login.example.com/", "https://example.com/"):
        assert isinstance(parse(url, hosts), Reason)


def test_a_host_on_a_port_of_http() -> None:
    hosts = allowed_hosts(["localhost:80"])
    assert isinstance(parse("http://localhost/", hosts), Address)
    assert isinstance(parse("https://localhost/", hosts), Reason)
