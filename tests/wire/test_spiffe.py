from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from spiffe import SpiffeId as OracleId
from spiffe.spiffe_id.spiffe_id import SpiffeIdError, TrustDomainError

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.wire.spiffe import (
    MAX_SPIFFE_ID,
    SpiffeId,
    TrustDomain,
    check_path,
    parse_spiffe_id,
    parse_trust_domain,
)

LOWER = "abcdefghijklmnopqrstuvwxyz0123456789.-_"
names = st.text(LOWER, min_size=1, max_size=40)
segments = st.text(LOWER + "ABCXYZ", min_size=1, max_size=12).filter(lambda one: one not in {".", ".."})
paths = st.lists(segments, max_size=5).map(lambda parts: "".join(f"/{part}" for part in parts))
ids = st.builds(lambda name, path: f"spiffe://{name}{path}", names, paths)
# What a parser meets that somebody wants to fool: good ids, with something put in anywhere.
STRANGE = st.sampled_from(
    [
        *"/?#%@: \n\r\t\0\\.A;,\"'<>[]|~+=&!$*()",
        "//",
        "/./",
        "/../",
        "%2e",
        "%2F",
        ":80",
        "u@",
        "\u212a",
        "\uff0f",
        "\ud800",
    ]
)
nearly = st.builds(
    lambda text, place, what: text[: place % (len(text) + 1)] + what + text[place % (len(text) + 1) :],
    ids,
    st.integers(0, 200),
    STRANGE,
)


@given(names, paths)
def test_what_an_id_is_made_of(name: str, path: str) -> None:
    spiffe_id = parse_spiffe_id(f"spiffe://{name}{path}")
    assert isinstance(spiffe_id, SpiffeId)
    assert (spiffe_id.trust_domain, spiffe_id.path) == (TrustDomain(name), path)
    assert str(spiffe_id) == spiffe_id.text == f"spiffe://{name}{path}"
    assert spiffe_id == SpiffeId(spiffe_id.text)
    assert spiffe_id.trust_domain.id.text == f"spiffe://{name}"
    assert str(spiffe_id.trust_domain) == name


@pytest.mark.parametrize(
    ("text", "why"),
    [
        # SPIFFE-ID section 2: the scheme.
        ("", "spiffe:// in lower case"),
        ("spiffe:/prod.example/a", "spiffe:// in lower case"),
        ("SPIFFE://prod.example/a", "spiffe:// in lower case"),
        ("Spiffe://prod.example/a", "spiffe:// in lower case"),
        ("https://prod.example/a", "spiffe:// in lower case"),
        (" spiffe://prod.example/a", "spiffe:// in lower case"),
        ("prod.example/a", "spiffe:// in lower case"),
        ("spiffe://prod.example/a?b=c", "query or a fragment"),
        ("spiffe://prod.example/a?", "query or a fragment"),
        ("spiffe://prod.example/a#", "query or a fragment"),
        ("spiffe://prod.example?/a", "query or a fragment"),
        # Section 2.1: the trust domain.
        ("spiffe://", "without a trust domain"),
        ("spiffe:///a", "without a trust domain"),
        ("spiffe://user@prod.example/a", "user information or a port"),
        ("spiffe://prod.example@evil.example/a", "user information or a port"),
        ("spiffe://prod.example:443/a", "user information or a port"),
        ("spiffe://prod.example:/a", "user information or a port"),
        ("spiffe://Prod.example/a", "a trust domain"),
        ("spiffe://prod.example\n/a", "a trust domain"),
        ("spiffe://prod example/a", "a trust domain"),
        ("spiffe://prod\\example/a", "a trust domain"),
        ("spiffe://[2001:db8::1]/a", "user information or a port"),
        ("spiffe://\u212a.example/a", "a trust domain"),  # lower() makes a k of the Kelvin sign
        ("spiffe://prod.example\u3002/a", "a trust domain"),
        ("spiffe://prod%2eexample/a", "percent-encoding"),
        ("spiffe://" + "a" * 256 + "/a", "a trust domain"),
        # Section 2.2: the path.
        ("spiffe://prod.example/", "empty segment"),
        ("spiffe://prod.example/a/", "empty segment"),
        ("spiffe://prod.example//a", "empty segment"),
        ("spiffe://prod.example/a//b", "empty segment"),
        ("spiffe://prod.example/.", "segment . or .."),
        ("spiffe://prod.example/..", "segment . or .."),
        ("spiffe://prod.example/a/../b", "segment . or .."),
        ("spiffe://prod.example/a/./b", "segment . or .."),
        ("spiffe://prod.example/a%2fb", "percent-encoding"),
        ("spiffe://prod.example/%61", "percent-encoding"),
        ("spiffe://prod.example/a\n", "the path"),
        ("spiffe://prod.example/a\r\nb", "the path"),
        ("spiffe://prod.example/a b", "the path"),
        ("spiffe://prod.example/a\0", "the path"),
        ("spiffe://prod.example/a:b", "the path"),
        ("spiffe://prod.example/a@b", "the path"),
        ("spiffe://prod.example/a\\b", "the path"),
        ("spiffe://prod.example/\u00e9", "the path"),
        ("spiffe://prod.example/\ud800", "the path"),
        ("spiffe://prod.example/a;b=c", "the path"),
        ("spiffe://prod.example/~a", "the path"),
        # Section 2.3: lengths.
        ("spiffe://prod.example/" + "a" * (MAX_SPIFFE_ID - len("spiffe://prod.example/") + 1), "a SPIFFE id"),
    ],
)
def test_what_is_no_id(text: str, why: str) -> None:
    refused = parse_spiffe_id(text)
    assert isinstance(refused, Reason)
    assert why in str(refused)
    with pytest.raises(ConfigError, match=re.escape(why)):
        SpiffeId(text)


@pytest.mark.parametrize(
    "text",
    [
        "spiffe://prod.example",
        "spiffe://192.0.2.1/a",  # section 2.1: an address is not treated differently
        "spiffe://-.-/a",
        "spiffe://..../a",
        "spiffe://_/A",
        "spiffe://prod.example/...",
        "spiffe://prod.example/.a/b./-/_",
        "spiffe://" + "a" * 255 + "/a",
        "spiffe://prod.example/" + "a" * (MAX_SPIFFE_ID - len("spiffe://prod.example/")),
    ],
)
def test_what_looks_odd_and_is_one(text: str) -> None:
    assert parse_spiffe_id(text) == SpiffeId(text)


def test_the_path_keeps_its_case_and_tells_ids_apart() -> None:
    assert SpiffeId("spiffe://prod.example/a") != SpiffeId("spiffe://prod.example/A")
    assert len({SpiffeId("spiffe://prod.example/a"), SpiffeId("spiffe://prod.example/a")}) == 1


@given(st.one_of(nearly, st.text(max_size=60)))
@example("spiffe://prod.example/a\n")
@example("spiffe://prod.example\n/a")
@example("SPIFFE://PROD.EXAMPLE/a")
@example("spiffe://" + "a" * 256 + "/a")
def test_never_laxer_than_another_implementation_and_stricter_for_a_reason_only(text: str) -> None:
    """The oracle folds case, takes a newline at an end, and names and ids of any length."""
    try:
        theirs = str(OracleId(text))
    except (SpiffeIdError, TrustDomainError):
        assert isinstance(parse_spiffe_id(text), Reason)
        return
    ours = parse_spiffe_id(text)
    if isinstance(ours, Reason):
        name = theirs.removeprefix("spiffe://").partition("/")[0]
        assert theirs != text or "\n" in text or len(name) > 255 or len(text) > MAX_SPIFFE_ID
    else:
        assert theirs == ours.text == text


@given(st.text(max_size=80))
def test_any_text_gives_an_id_or_a_reason(text: str) -> None:
    for outcome in (parse_spiffe_id(text), parse_spiffe_id(f"spiffe://{text}"), parse_trust_domain(text)):
        assert isinstance(outcome, SpiffeId | TrustDomain | Reason)


@given(ids, st.one_of(paths.filter(bool), names.map(lambda name: f"/{name}")))
def test_under_a_path_goes_by_segments(text: str, prefix: str) -> None:
    spiffe_id = SpiffeId(text)
    listed, asked = spiffe_id.path.split("/"), prefix.split("/")
    assert spiffe_id.is_under(prefix) == (listed[: len(asked)] == asked)


def test_production_is_not_under_prod() -> None:
    assert SpiffeId("spiffe://a/ns/prod").is_under("/ns/prod")
    assert SpiffeId("spiffe://a/ns/prod/sa/web").is_under("/ns/prod")
    assert not SpiffeId("spiffe://a/ns/production").is_under("/ns/prod")
    assert not SpiffeId("spiffe://a/ns").is_under("/ns/prod")
    assert not SpiffeId("spiffe://a/x/ns/prod").is_under("/ns/prod")


@pytest.mark.parametrize("name", ["", "Prod", "a/b", "spiffe://prod.example", "a:1", "a b", "a\n", "\u00e9", "a" * 256])
def test_what_is_no_trust_domain(name: str) -> None:
    assert isinstance(parse_trust_domain(name), Reason)
    with pytest.raises(ConfigError, match="Write its name alone"):
        TrustDomain(name)


@pytest.mark.parametrize("prefix", ["", "ns", "/", "/ns/", "//ns", "/ns/../a", "/a b", "/%61", "/ns\n", None, 3])
def test_paths_in_configuration(prefix: object) -> None:
    with pytest.raises(ConfigError, match="whole segments"):
        check_path(prefix)


@pytest.mark.parametrize(
    ("make", "hint"),
    [
        (lambda: SpiffeId("spiffe://prod.example/ns/shop/**"), 'for all below, path("/ns/shop")'),
        (lambda: SpiffeId("spiffe://prod.example/ns/shop*"), 'for all below, path("/ns")'),
        (lambda: SpiffeId("spiffe://prod.example/*"), 'for all of it, trust_domain("prod.example")'),
        (lambda: SpiffeId("spiffe://*/a"), '"spiffe://prod.example/ledger"'),
        (lambda: SpiffeId(["spiffe://prod.example/a"]), "of several, write each by itself: spiffe(a, b)"),  # type: ignore[arg-type]
        (lambda: check_path("/ns/shop/**"), 'path("/ns/shop") is all below it already'),
        (lambda: check_path("/*"), "for any path, trust_domain(...)"),
        (lambda: check_path("ns//*"), "for any path, trust_domain(...)"),
        (lambda: check_path(["/a"]), "whole segments"),
    ],
)
def test_patterns_and_lists_are_told_what_to_write(make: Callable[[], object], hint: str) -> None:
    with pytest.raises(ConfigError) as raised:
        make()
    assert str(raised.value).endswith(hint) or hint in {"whole segments", '"spiffe://prod.example/ledger"'}
    assert hint in str(raised.value)


def test_whole_files_do_not_get_into_messages() -> None:
    for make in (TrustDomain, SpiffeId, check_path):
        with pytest.raises(ConfigError) as raised:
            make("-----BEGIN CERTIFICATE-----" * 1000)
        assert len(str(raised.value)) < 400


def test_other_types_are_mistakes_in_configuration() -> None:
    with pytest.raises(ConfigError, match="not text"):
        TrustDomain(b"prod.example")  # type: ignore[arg-type]  # callers are not all typed
    with pytest.raises(ConfigError, match="not text"):
        SpiffeId(None)  # type: ignore[arg-type]  # likewise
    assert check_path("/ns/prod") == "/ns/prod"
