"""nginx, Caddy and Envoy, configured as documented, let nobody through to a plain site without a decision."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.proxies import CADDY, ENVOY, NGINX
from tests.service.proxied import World, ask, caddy, changed, deciding, envoy, nginx, policies, world
from zerotrust.testing import LocalIssuer

pytestmark = pytest.mark.e2e

KINDS = {"nginx": (NGINX, nginx), "caddy": (CADDY, caddy), "envoy": (ENVOY, envoy)}
OURS = ("x-auth-subject", "x-auth-client")

# What a client says who would rather be somebody else, or be asked about something else.
FORGED = (
    ("X-Auth-Subject", "root"),
    ("X-Auth-Subject", "root2"),
    ("x-auth-client", "root"),
    ("X-Original-URI", "/"),
    ("X-Original-Method", "OPTIONS"),
    ("X-Forwarded-Uri", "/"),
    ("X-Forwarded-Method", "OPTIONS"),
    ("X-Forwarded-For", "10.0.0.1"),
    ("X-Forwarded-Host", "other.example"),
    ("X-Forwarded-Proto", "https"),
    ("X-Client-Address", "10.0.0.1"),
    ("X-Hop-Secret", "0123456789abcdefghijklmnopqrstuvwxyz"),
)
SPELLINGS = ("X_Auth_Subject", "X_Auth-Subject", "x-auth_subject", "X_AUTH_CLIENT", "X_Hop_Secret")


@pytest.fixture(scope="module", params=list(KINDS))
def run(request: pytest.FixtureRequest) -> Iterator[World]:
    kind, configure = KINDS[request.param]
    with world(kind, request.param, configure) as made:
        yield made


def told(run: World) -> dict[str, list[str]]:
    """What the site was told of who it is, by the last request that reached it, under any spelling."""
    _, headers = run.site.arrived[-1]
    folded = [(name.replace("_", "-"), value) for name, value in headers]
    return {name: [value for key, value in folded if key == name] for name in OURS}


def test_who_may_pass_reaches_the_site_under_our_name_alone(run: World) -> None:
    for method in ("GET", "HEAD"):
        before = len(run.site.arrived)
        said = run.ask("/a?b=c%2F", [run.token(), *FORGED], method=method)
        assert (said.status, len(run.site.arrived)) == (200, before + 1)
        assert told(run) == {"x-auth-subject": ["alice"], "x-auth-client": ["web"]}
        line, headers = run.site.arrived[-1]
        assert line.startswith(f"{method} /a?b=c%2F ")
        names = {name for name, _ in headers}
        assert names.isdisjoint({"x-hop-secret", "x-original-uri", "x-original-method", "x-forwarded-uri"})
        assert "other.example" not in str(headers)


def test_where_everybody_may_pass_nobody_has_a_name(run: World) -> None:
    said = run.ask("/", FORGED)
    assert said.status == 200
    assert all(values in ([], [""]) for values in told(run).values())


@pytest.mark.parametrize("name", SPELLINGS)
def test_other_spellings_of_our_headers_never_reach_the_site(run: World, name: str) -> None:
    before = len(run.site.arrived)
    said = run.ask("/a", [run.token(), (name, "root")])
    if said.status == 200:
        assert told(run) == {"x-auth-subject": ["alice"], "x-auth-client": ["web"]}
        assert "x-hop-secret" not in {key.replace("_", "-") for key, _ in run.site.arrived[-1][1]}
    else:
        assert (said.status in (400, 403), len(run.site.arrived)) == (True, before)


def test_what_a_client_has_removed_is_not_ours(run: World) -> None:
    """RFC 9110 section 7.6.1: what Connection names ends at the proxy."""
    before = len(run.site.arrived)
    for names in ("X-Auth-Subject", "close, x-auth-client, X-AUTH-SUBJECT", "X-Hop-Secret, X-Forwarded-Uri"):
        said = run.ask("/a", [run.token(), ("Connection", names)])
        if said.status == 200:
            assert told(run) == {"x-auth-subject": ["alice"], "x-auth-client": ["web"]}, names
        else:
            assert (said.status, len(run.site.arrived)) == (400, before), names


def in_force(run: World, text: str, says: str = "new policies are in force") -> None:
    """Have the service load `text`, and wait until it says what came of it."""
    process = run.service.process
    process.forget()
    run.service.file.write_text(text, "utf-8")
    process.signal(signal.SIGHUP)
    assert process.wait_for(says), process.said()


def test_a_method_in_disguise_needs_all_rules_of_the_path(run: World) -> None:
    """Of PUT one rule asks `write`, and everything else asks `read`."""
    writes, before = run.token("write"), len(run.site.arrived)
    for name in ("X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"):
        assert run.ask("/files/a", [writes, (name, "GET")], method="PUT").status == 403, name
    assert len(run.site.arrived) == before
    assert run.ask("/files/a", [writes], method="PUT").status == 200


def test_the_handshake_of_a_websocket_needs_all_rules_of_the_path(run: World) -> None:
    """Proxies ask about it as about a GET, and tell of it by `Upgrade`."""
    line = "rules = Rules(default=can_read)\n"
    feed = f'{line}rules.protect("/feed", can_write, methods=["GET"])\n'
    in_force(run, changed(policies(run.issuer), (line, feed)))
    writes, before = run.token("write"), len(run.site.arrived)
    handshake = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
    handshake.append(("Sec-WebSocket-Key", "MDEyMzQ1Njc4OWFiY2RlZg=="))
    assert run.ask("/feed", [writes, *handshake]).status == 403
    assert run.ask("/feed", [writes, ("Upgrade", "websocket")]).status in (200, 403)
    assert all("upgrade" not in dict(headers) for _, headers in run.site.arrived[before:])
    assert run.ask("/feed", [writes]).status == 200


REFUSED: dict[str, tuple[str, str, str | None, tuple[int, ...], str | None]] = {
    "nobody": ("/a", "GET", None, (401,), 'Bearer scope="read"'),
    "less": ("/a", "GET", "other", (403,), 'Bearer error="insufficient_scope", scope="read"'),
    "method": ("/files/a", "PUT", "read", (403,), 'Bearer error="insufficient_scope", scope="write"'),
    "group": ("/reports/a", "GET", "read", (403,), None),
    "dots": ("/x/../a", "GET", "read", (400,), None),
    "encoded slash": ("/a%2fb", "GET", "read", (400,), None),
    "double slash": ("//a", "GET", "read", (400,), None),
    "front page in disguise": ("/%2e", "GET", None, (400,), None),
    "odd method": ("/files/a", "put", "read", (400, 403, 405), None),
}


@pytest.mark.parametrize("name", REFUSED)
def test_all_others_are_refused_with_our_status_and_challenge(run: World, name: str) -> None:
    path, method, scope, status, challenge = REFUSED[name]
    before = len(run.site.arrived)
    said = run.ask(path, [*([run.token(scope)] if scope else []), *FORGED], method=method)
    assert said.status in status
    if name != "odd method":  # which some of them refuse themselves, and others ask about
        assert said.values("www-authenticate") == ([challenge] if challenge else [])
    assert len(run.site.arrived) == before


def test_two_credentials_are_none(run: World) -> None:
    before = len(run.site.arrived)
    said = run.ask("/a", [run.token(), run.token(subject="root")])
    assert said.status in (400, 401, 403)
    assert len(run.site.arrived) == before


def test_new_policies_come_into_force_and_broken_ones_do_not(run: World) -> None:
    text = policies(run.issuer)
    in_force(run, changed(text, ("default=can_read", "default=can_write")))
    assert run.ask("/a", [run.token()]).status == 403
    in_force(run, "rules = (", "the old policies stay in force")
    assert run.ask("/a", [run.token()]).status == 403
    assert run.ask("/a", [run.token("write")]).status == 200
    assert b"old policies" in ask(run.service.port, "/readyz").body
    in_force(run, text)
    assert run.ask("/a", [run.token()]).status == 200


def test_a_refusal_is_found_in_the_log_of_the_service(run: World) -> None:
    process, forged = run.service.process, "an-id-of-the-client"
    process.forget()
    said = run.ask("/reports/42/dGhpcyBpcyBhIHNlY3JldA?token=secret-word", [("X-Request-ID", forged)])
    assert said.status == 401
    assert process.wait_for('"event": "refused"'), process.said()
    (line,) = re.findall(r'{"event": "refused".*}', process.said())
    told = json.loads(line)
    assert (told["method"], told["path"], told["route"]) == ("GET", "/reports/42/*", "/reports/**")
    assert re.fullmatch("[0-9a-f-]{32,36}", told["request_id"])
    assert "secret-word" not in process.said()


def test_the_site_is_told_of_the_host_that_was_decided_on(run: World) -> None:
    """RFC 9112 section 3.2.2: the host in the request line counts, and Host does not."""
    in_force(
        run,
        changed(policies(run.issuer), ("return said if isinstance(said, str)", "return access.request.host if True")),
    )
    for path in ("http://other.example/a", "/a"):
        run.site.arrived.clear()
        run.ask(path, [run.token(), ("X-Forwarded-Host", "third.example")])
        for _, pairs in run.site.arrived:
            headers = dict(pairs)
            assert headers["x-auth-client"] == headers["host"] == headers.get("x-forwarded-host", headers["host"])
    assert len(run.site.arrived) == 1


def test_without_the_service_nobody_passes(run: World) -> None:
    """The last one: the service is gone afterwards."""
    before = len(run.site.arrived)
    run.service.process.kill()
    for path in ("/", "/a"):
        assert run.ask(path, [run.token(), *FORGED]).status >= 500
    assert len(run.site.arrived) == before


def test_on_a_unix_socket_it_is_the_files_permissions_that_prove_the_caller(tmp_path: Path) -> None:
    """A short path: that of a socket has at most 107 octets."""
    text = policies(LocalIssuer(algorithms=("EdDSA",)))
    text = re.sub("callers = .*\n", "", text)
    folder = Path(os.path.relpath(tmp_path))
    path = folder / "s"
    told_of = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/"), ("X-Forwarded-Proto", "http")]
    told_of += [("X-Forwarded-Host", "a"), ("X-Forwarded-For", "192.0.2.1")]
    with deciding(text, "", unix=tmp_path / "s") as service:
        assert (tmp_path / "s").stat().st_mode & 0o777 == 0o660
        assert ask(path, "/caddy", told_of).status == 200
        assert ask(path, "/caddy").status == 400
        service.process.signal(signal.SIGHUP)
        assert service.process.wait_for("new policies are in force")
        service.process.stop()
        assert "Finished server process" in service.process.said()
    assert not (tmp_path / "s").exists()
