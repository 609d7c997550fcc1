"""The service answers proxies by the rules of its policy file, and says 200 to nothing else."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Literal

import pytest

from tests.service.world import (
    PROOF,
    SECRET,
    ask,
    can_read,
    good,
    names,
    scope_of,
    serving,
    setup,
    tell,
    token,
    told_by,
)
from zerotrust import ConfigError, Sources
from zerotrust.core.ask import Ask
from zerotrust.service import Caller, HopSecret, Rules, Service, Setup
from zerotrust.service.app import for_nginx
from zerotrust.web.answer import problem_answer
from zerotrust.web.peers import FromHops, Hop
from zerotrust.web.peers import nginx as nginx_format

MOUNTS = ("/nginx", "/traefik", "/caddy", "/envoy")


@pytest.mark.parametrize("mount", MOUNTS)
def test_who_may_pass_is_told_of_by_the_identity_header(mount: str) -> None:
    said = ask(serving(), mount, good())
    assert (said.status, said.values(b"x-auth-subject"), said.body) == (200, [b"alice"], b"")
    assert said.values(b"cache-control") == [b"no-store"]


@pytest.mark.parametrize("mount", MOUNTS)
def test_nobody_is_told_of_with_an_empty_identity_header(mount: str) -> None:
    """A proxy that copies what is there would otherwise leave what the client sent (GHSA-7r4p-vjf4-gxv4)."""
    said = ask(serving(), mount, uri=b"/")
    assert (said.status, said.values(b"x-auth-subject")) == (200, [b""])


@pytest.mark.parametrize("mount", MOUNTS)
def test_who_presents_nothing_is_challenged(mount: str) -> None:
    said = ask(serving(), mount)
    assert (said.status, said.values(b"www-authenticate")) == (401, [b'Bearer scope="read"'])


@pytest.mark.parametrize("mount", MOUNTS)
def test_rules_are_about_the_method_and_path_of_the_client(mount: str) -> None:
    service = serving()
    assert ask(service, mount, good("write"), uri=b"/files/a", method=b"PUT").status == 200
    assert ask(service, mount, good("write"), uri=b"/files/a").status == 403
    assert ask(service, mount, good("read"), uri=b"/files/a", method=b"PUT").status == 403
    assert ask(service, mount, good("read"), uri=b"/caf%C3%A9?a=%2F..&b=;").status == 200


def test_policies_see_the_request_of_the_client() -> None:
    seen: list[Any] = []

    def tell_of(access: Any) -> str:
        seen.append(access.request)
        return "x"

    service = serving(identity={"X-Auth-Subject": tell_of})
    more = [(b"cookie", b"a=b"), (b"x-auth-subject", b"root"), (b"x-original-uri", b"/"), (b"content-length", b"3")]
    assert ask(service, "/caddy", good(), *more, uri=b"/a%20b?c=d").status == 200
    (request,) = seen
    assert (request.method, request.scheme, request.host, request.path) == ("GET", "https", "site.example.com", "/a b")
    assert (request.raw_path, request.query, request.client, request.peer) == ("/a%20b", "c=d", "192.0.2.7", None)
    assert {name for name, _ in request.headers} == {b"host", b"authorization", b"cookie"}
    assert request.header("host") == "site.example.com"
    with pytest.raises(AttributeError):
        request.nothing_of_the_kind  # noqa: B018


def test_of_several_addresses_the_last_counts_which_the_proxy_has_seen() -> None:
    seen: list[Any] = []
    service = serving(identity={"X-Client": lambda access: seen.append(access.request.client)})
    said = ask(service, "/caddy", good(), (b"x-forwarded-for", b"10.0.0.1, 2001:db8::7"), without=[b"x-forwarded-for"])
    assert (said.status, seen) == (200, ["2001:db8::7"])


def test_the_peer_is_whom_the_proxy_tells_of() -> None:
    secret = HopSecret("x-hop-secret", SECRET)
    hop = Hop("proxy", nginx_format(), addresses="127.0.0.1", broad="127.0.0.1", secret=secret)
    seen: list[Any] = []
    service = serving(peers=FromHops(hop), identity={"X-Peer": lambda access: seen.append(str(access.request.peer))})
    assert ask(service, "/nginx", good(), (b"x-ssl-client-verify", b"SUCCESS")).status == 200
    assert "proxy says what it found" in seen[0]


def test_nginx_is_answered_with_what_it_takes_for_a_refusal() -> None:
    told = for_nginx(problem_answer(503, {"code": "down", "detail": ""}, ((b"retry-after", b"3"),)))
    assert told.status == 403
    assert dict(told.headers)[b"x-decision-status"] == b"503"
    assert dict(told.headers)[b"x-decision-code"] == b"down"
    assert dict(told.headers)[b"retry-after"] == b"3"
    odd = ask(serving(), "/nginx", good(), uri=b"/a//b")
    assert (odd.status, odd.values(b"x-decision-status")) == (403, [b"400"])
    missing = ask(serving(), "/nginx")
    assert (missing.status, missing.values(b"x-decision-status")) == (401, [b"401"])
    assert tell(serving(), scope_of("/nginx", told_by("/nginx"), "POST")).status == 403


def test_a_source_that_fails_is_an_outage() -> None:
    class Broken:
        answers: ClassVar[tuple[type[Ask[Any]], ...]] = ()
        style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

        def answer(self, ask: Any, timeout: float) -> Any: ...

    def fails(access: Any) -> str:
        raise RuntimeError("secret words")

    service = serving(identity={"X-A": fails}, sources=Sources(Broken()))
    for mount in ("/caddy", "/envoy"):
        said = ask(service, mount, good())
        assert (said.status, said.code) == (503, "undecided")
        assert b"secret" not in said.body


def test_a_request_that_cannot_even_be_read_is_refused() -> None:
    scope = scope_of("/caddy", told_by("/caddy", b"/"))
    del scope["headers"]
    assert tell(serving(), scope).status == 503


@pytest.mark.parametrize(
    "told",
    ["a\r\nx: y", "a\x00", "ü", " a", "a ", "a" * 4097, 7],
    ids=["crlf", "nul", "umlaut", "lead", "trail", "long", "int"],
)
def test_what_cannot_stand_in_a_header_is_not_told_and_nobody_passes(told: Any) -> None:
    assert ask(serving(identity={"X-A": lambda _: told}), "/caddy", good()).status == 503


def test_an_answer_is_kept_by_nobody_and_a_head_has_no_body() -> None:
    said = tell(serving(), scope_of("/readyz", method="HEAD"))
    assert (said.status, said.body) == (200, b"")


def test_a_websocket_is_closed_and_a_lifespan_answered() -> None:
    async def go(kind: str) -> list[str]:
        sent: list[Any] = []
        waiting = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

        async def receive() -> Any:
            return waiting.pop(0)

        async def send(message: Any) -> None:
            sent.append(message["type"])

        await serving()({"type": kind, "path": "/caddy", "headers": []}, receive, send)
        return sent

    assert asyncio.run(go("websocket")) == ["websocket.close"]
    assert asyncio.run(go("lifespan")) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    with pytest.raises(ConfigError, match="http alone"):
        asyncio.run(go("other"))


def test_health_is_open_and_says_nothing() -> None:
    service = serving()
    assert tell(service, scope_of("/healthz")).body == b"alive\n"
    assert tell(service, scope_of("/readyz")).body == b"ready\n"
    service.metrics.reload_failed = True
    old = tell(service, scope_of("/readyz"))
    assert (old.status, b"old policies" in old.body) == (200, True)
    service.draining = True
    assert tell(service, scope_of("/readyz")).status == 503
    assert tell(service, scope_of("/healthz")).status == 200


def test_metrics_are_for_this_machine_and_for_callers() -> None:
    service = serving()
    ask(service, "/caddy", good())
    ask(service, "/caddy")
    text = tell(service, scope_of("/metrics")).body.decode()
    assert 'zerotrust_decisions_total{mount="caddy",route="(anything else)",outcome="allowed",code=""} 1' in text
    assert 'outcome="refused",code="not_presented"} 1' in text
    far: Any = {"client": ("192.0.2.9", 1)}
    assert tell(service, scope_of("/metrics", **far)).status == 403
    assert tell(service, scope_of("/metrics", [PROOF], **far)).status == 200


def test_on_a_port_callers_are_needed_and_on_a_private_socket_not() -> None:
    with pytest.raises(ConfigError, match="callers is missing"):
        setup(callers=...)
    private = Setup(names(callers=...), private=True)
    with pytest.raises(ConfigError, match="name no callers"):
        Service(private)
    service = Service(private, private=True)
    assert ask(service, "/caddy", uri=b"/", without=[b"x-hop-secret"]).status == 200
    assert tell(service, scope_of("/metrics", client=None)).status == 200


def test_callers_have_their_secret_and_their_addresses() -> None:
    near = Caller("near", secret=HopSecret("x-near", SECRET), addresses="127.0.0.0/8")
    far = Caller("far", secret=HopSecret("x-far", SECRET[::-1]), addresses=["192.0.2.0/24"])
    service = serving(callers=[near, far])
    headers = [pair for pair in told_by("/caddy", b"/") if pair != PROOF]
    assert tell(service, scope_of("/caddy", [*headers, (b"x-near", SECRET.encode())])).status == 200
    assert tell(service, scope_of("/caddy", [*headers, (b"x-far", SECRET[::-1].encode())])).status == 403
    assert tell(service, scope_of("/caddy", [*headers, (b"x-near", SECRET.encode())], client=None)).status == 403
    assert repr(near) == "Caller('near')"


def test_operators_are_told_why_a_caller_is_not_believed(caplog: pytest.LogCaptureFixture) -> None:
    """In words of the configuration; whoever asks is told none of it."""
    near = Caller("near", secret=HopSecret("x-near", SECRET), addresses="192.0.2.0/24")
    far = Caller("far", secret=HopSecret("x-far", SECRET[::-1]))
    headers = [pair for pair in told_by("/caddy", b"/") if pair != PROOF]

    def warned(callers: list[Caller], *more: tuple[bytes, bytes]) -> list[str]:
        caplog.clear()
        said = tell(serving(callers=callers), scope_of("/caddy", [*headers, *more]))
        assert (said.status, b"x-near" in said.body, b"addresses" in said.body) == (403, False, False)
        return [one.message.rpartition(" here: ")[2] for one in caplog.records if one.levelname == "WARNING"]

    assert warned([near], (b"x-nera", SECRET.encode())) == ["no x-near came, by which near proves itself"]
    assert warned([near], (b"x-near", b"another")) == ["the x-near that came is not the secret of near"]
    assert warned([near], (b"x-near", SECRET.encode())) == [
        "the secret of near came from an address that is not among its addresses="
    ]
    assert warned([near, far]) == [
        "no x-near came, by which near proves itself; no x-far came, by which far proves itself"
    ]
    for several in ([near, far], [far, near]):
        assert warned(several, (b"x-far", b"another")) == ["the x-far that came is not the secret of far"]
    assert SECRET not in caplog.text


def test_decisions_go_on_with_the_policies_they_began_with() -> None:
    service, done = serving(), []
    strict = Rules(default=can_read & token.scope("more"))

    def swap(access: Any) -> str:
        service.use(setup(rules=strict))
        done.append(service.setup)
        return "first"

    service.use(setup(identity={"X-A": swap}))
    began = service.setup
    assert ask(service, "/caddy", good()).values(b"x-a") == [b"first"]
    assert done[0] is service.setup
    assert began.users == 0
    assert ask(service, "/caddy", good()).status == 403
