"""CWE-290: what a proxy says of a request counts only from a proven proxy, and only if it is certain what it says."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.service.world import PROOF, SECRET, ask, good, post, scope_of, serving, tell, told_by

MOUNTS = ("/nginx", "/traefik", "/caddy", "/envoy")
SERVICE = serving()


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize(
    "proof",
    [b"", b"x" * 36, SECRET.encode()[:-1], SECRET.encode() + b" ", SECRET.upper().encode(), b"\xff" * 36],
    ids=["empty", "other", "shorter", "blank", "upper", "octets"],
)
def test_who_does_not_prove_to_be_the_proxy_is_refused(mount: str, proof: bytes) -> None:
    for extra in ([], [(b"x-hop-secret", proof)]):
        said = ask(SERVICE, mount, good(), *extra, uri=b"/", without=[b"x-hop-secret"])
        assert said.status == 403
        assert b"alice" not in b"".join(value for _, value in said.headers)


@pytest.mark.parametrize("mount", MOUNTS)
def test_a_second_proof_or_one_in_another_spelling_is_none(mount: str) -> None:
    for name in (b"x-hop-secret", b"x_hop_secret", b"X-Hop-Secret", b"x-hop_secret"):
        assert ask(SERVICE, mount, good(), (name, SECRET.encode()), uri=b"/").status == 403


def names_of(mount: str) -> list[bytes]:
    if mount == "/envoy":
        return [b"x-forwarded-proto", b"x-client-address"]
    return [name for name, _ in told_by(mount) if name != b"x-hop-secret"]


EACH = [(mount, name) for mount in MOUNTS for name in names_of(mount)]
IDS = [f"{mount[1:]}-{name.decode()}" for mount, name in EACH]


@pytest.mark.parametrize(("mount", "name"), EACH, ids=IDS)
def test_what_the_proxy_did_not_say_is_not_guessed(mount: str, name: bytes) -> None:
    assert ask(SERVICE, mount, good(), uri=b"/", without=[name]).status in (400, 403)


@pytest.mark.parametrize(("mount", "name"), EACH, ids=IDS)
def test_what_was_said_twice_or_in_another_spelling_was_not_said(mount: str, name: bytes) -> None:
    value = dict(told_by("/caddy", b"/")).get(name, b"192.0.2.7" if name == b"x-client-address" else b"/")
    value = b"GET" if name.endswith(b"method") else value
    for again in (name, name.replace(b"-", b"_"), name.replace(b"-", b"_", 1)):
        assert ask(SERVICE, mount, good(), (again, value), uri=b"/").status in (400, 403)


HOSTILE = [
    b"", b"a", b"*", b"http://site.example.com/", b"//", b"/a b", b"/a\t", b"/a#b", b"/\xc3\xa9", b"/%zz", b"/%2e%2e/a",
    b"/..", b"/a;b", b"/a\\b", b"/%00", b"/a%2Fb", b"/%61", b"?a", b"/\r\nX-A: b", b"/" + b"a" * 9000, b"/" * 20000,
]  # fmt: skip


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("place", range(len(HOSTILE)))
def test_a_uri_that_is_no_path_is_refused(mount: str, place: int) -> None:
    assert ask(SERVICE, mount, good(), uri=HOSTILE[place]).status in (400, 403, 404)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"x-forwarded-method", b"GET POST"), (b"x-forwarded-method", b"G" * 41), (b"x-forwarded-method", b""),
        (b"x-forwarded-proto", b"wss"), (b"x-forwarded-proto", b"HTTPS"), (b"x-forwarded-proto", b"https, http"),
        (b"x-forwarded-host", b"a, b"), (b"x-forwarded-host", b"a/b"), (b"x-forwarded-host", b"user@a"),
        (b"x-forwarded-host", b"\xff"), (b"x-forwarded-host", b"a" * 2000), (b"x-forwarded-for", b"unknown"),
        (b"x-forwarded-for", b"192.0.2.7,"), (b"x-forwarded-for", b"192.0.2.7:80"), (b"x-forwarded-for", b""),
        (b"x-forwarded-for", b"1" * 2000),
    ],
)  # fmt: skip
def test_what_is_no_method_scheme_host_or_address_is_refused(name: bytes, value: bytes) -> None:
    assert ask(SERVICE, "/caddy", good(), (name, value), uri=b"/", without=[name]).status == 400


@pytest.mark.parametrize("name", [b"x_auth_subject", b"x-auth_subject", b"X_Auth-Subject", b"X-AUTH-SUBJECT"])
def test_a_client_that_spells_our_identity_headers_its_own_way_is_refused(name: bytes) -> None:
    assert ask(SERVICE, "/caddy", good(), (name, b"root")).status == 400


def test_what_one_proxy_says_counts_for_no_other() -> None:
    """A client's own headers reach the service: at the mount of nginx those of Caddy are no more than that."""
    said = ask(SERVICE, "/nginx", (b"x-forwarded-uri", b"/"), (b"x-forwarded-method", b"GET"))
    assert said.status == 401
    said = ask(SERVICE, "/caddy", (b"x-original-uri", b"/"), (b"x-original-url", b"/"), (b"x-rewrite-url", b"/"))
    assert said.status == 401


def test_a_method_in_disguise_needs_all_rules() -> None:
    for name in (b"x-http-method-override", b"x-method-override"):
        said = ask(SERVICE, "/caddy", good("read"), (name, b"PUT"), uri=b"/files/a")
        assert said.status == 403


OCTETS = st.binary(max_size=24)
NAMES = st.sampled_from(
    [b"x-forwarded-uri", b"x-forwarded-method", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-for",
     b"x-original-uri", b"x-auth-subject", b"x_auth_subject", b"upgrade", b"connection", b"authorization", b"host"]
)  # fmt: skip


@settings(max_examples=100)
@given(
    st.sampled_from([*MOUNTS, "/", "/healthz/", "/metrics/", "/CADDY", "/caddy/", "/envoy", "/access/v1/evaluation"]),
    st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "PUT", "", "get"]),
    st.lists(st.tuples(NAMES, OCTETS), max_size=6),
    OCTETS,
)
@example("/envoy", "GET", [], b"")
def test_nothing_that_is_sent_without_a_credential_is_let_in(
    path: str, method: str, headers: list[tuple[bytes, bytes]], raw: bytes
) -> None:
    """But to the front page, which is open."""
    scope = scope_of(path, [PROOF, *headers], method)
    said = tell(SERVICE, {**scope, "raw_path": path.encode() + raw})
    assert said.status in (400, 401, 403, 404, 405, 413, 503) or (path == "/envoy" and raw in (b"/", b""))
    assert all(b"\r" not in value and b"\n" not in value for _, value in said.headers)


UNKNOWN = (
    "/", "/nginx/", "/Nginx", "/nginx/a", "/caddy/x", "/traefik//", "/healthz/", "/readyz/x", "/metrics/", "/envoy",
    "/access/v1/evaluation/", "/access/v1/search/subject", "/.well-known/authzen-configuration", "/favicon.ico",
)  # fmt: skip


@pytest.mark.parametrize("path", UNKNOWN)
def test_unknown_paths_are_not_found(path: str) -> None:
    assert tell(SERVICE, scope_of(path, told_by("/caddy", b"/"))).status == 404


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS", "PUT", "get", "TRACE", ""])
def test_other_methods_are_not_allowed(method: str) -> None:
    for mount in ("/nginx", "/traefik", "/caddy"):
        assert tell(SERVICE, scope_of(mount, told_by(mount, b"/"), method)).status in (403, 405)
    for path in ("/access/v1/evaluation", "/access/v1/evaluations"):
        assert method == "POST" or tell(SERVICE, scope_of(path, [PROOF], method)).status == 405
    for path in ("/healthz", "/readyz", "/metrics"):
        assert method == "HEAD" or tell(SERVICE, scope_of(path, [PROOF], method)).status == 405


def test_a_mount_that_is_written_with_encoded_octets_is_not_found() -> None:
    scope = scope_of("/caddy", told_by("/caddy", b"/"))
    assert tell(SERVICE, {**scope, "raw_path": b"/%63addy"}).status == 404
    envoy = scope_of("/envoy/", [PROOF, (b"x-forwarded-proto", b"https"), (b"x-client-address", b"192.0.2.7")])
    assert tell(SERVICE, {**envoy, "raw_path": b"/%65nvoy/"}).status == 400
    assert tell(SERVICE, {**envoy, "raw_path": None}).status == 400
    assert tell(SERVICE, {**envoy, "headers": [*envoy["headers"], (b"host", b"other")]}).status == 400


def test_authzen_takes_no_proof_but_the_callers_own() -> None:
    """The credential of a subject does not let anybody ask."""
    said = post(SERVICE, "/access/v1/evaluation", {}, good(), proof=False)
    assert said.status == 401
