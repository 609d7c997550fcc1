"""Envoy, told by the export, and the policy here decide alike: on generated tables, over real mutual TLS."""

from __future__ import annotations

import json
import random
import re
import socket
import ssl
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.segments.peers import peer_certificate
from tests.segments.peers import sent as as_sent
from tests.servers.proxies import ENVOY, Proxy, proxying
from zerotrust.engine import decide
from zerotrust.segments import ANY, Flow, Segments, deny
from zerotrust.testing.authority import Issued, LocalAuthority

pytestmark = pytest.mark.e2e

TYPES = "type.googleapis.com/envoy.extensions"
PATIENCE = 30.0
SEED = 20260
PER_TABLE = 250

WORKLOADS = (
    "spiffe://prod.example/web",
    "spiffe://prod.example/webs",
    "spiffe://prod.example/ns/shop/sa/web",
    "spiffe://prod.example/ns/shop/sa/cart",
    "spiffe://prod.example/ns/shopping/sa/web",
    "spiffe://partner.example/web",
)
SELECTORS = (
    "*", "spiffe://prod.example/**", "spiffe://partner.example/**", "spiffe://prod.example/ns/shop/**",
    "spiffe://prod.example/ns/**", "spiffe://prod.example/web", "spiffe://prod.example/ns/shop/sa/cart",
)  # fmt: skip
METHODS: tuple[tuple[str, ...], ...] = (("GET",), ("POST",), ("GET", "HEAD"), ("PUT", "DELETE", "PATCH"), (ANY,))
PATTERNS = (
    "/", "/**", "/a", "/a/", "/a/**", "/a/{x}", "/a/{x}/", "/a/{x}/**", "/{x}", "/{x}/b", "/{x}/{y}", "/a/b",
    "/a@b/{x}", "/a b", "/caf\u00e9/{x}", "/caf\u00e9/**", "/a+b(c)", "/\U0001f600", "/.well-known/{x}", "/a.b/{x}",
    "/tenants/{tenant}/accounts/{account}/statements/{statement}/lines/{line}/notes",
    "/a-rather-long-name-of-a-resource/{x}/another-rather-long-name-of-a-resource/{y}/**",
    "/a-rather-long-name-of-a-resource/{x}/another-rather-long-name-of-a-resource/",
)  # fmt: skip
ODD = (
    "//", "/a//b", "/a/./b", "/a/../a", "/a/..", "/a/.", "/..", "/a%2Fb", "/a%2fb", "/a/%2e%2e/b", "/%61", "/a/%62",
    "/a%5Cb", "/a\\b", "/a;v=1", "/a;/b", "/a%3Bb", "/a/x%3by", "/a%00", "/a/%0a", "/a%7F", "/a%25", "/a%252Fb", "/a/%",
    "/a/%4", "/a/%zz", "/a/%C3%A9", "/a/%c3%a9", "/a/%C3", "/a/%A9", "/a/%C0%AF", "/a/%E0%80%AF", "/a/%ED%A0%80",
    "/a/%F0%9F%98%80", "/a/%F4%90%80%80", "/a/%F5%80%80%80", "/a/%FF", "/a/%EF%BF%BD", "/a/%E2%82%AC", "/a/%E2%82",
    "/a/%E2%82%41", "/a/...", "/a/.b", "/a/..b", "/a/b.", "/A", "/a/x=1", "/a/x*", "/a/~x_y-z", "/a/x?y", "/a?b=/../c",
    "/a#b", "/a/x|y", "/a/[x]", "/a/x^y", '/a/"', "/a/x%20y", "/a%20b", "/a%40b/x", "/a@b/x", "/a%2Bb%28c%29",
    "/a+b(c)", "/a%2bb(c%29", "/%F0%9F%98%80", "/caf%C3%A9/", "/caf%c3%A9/x/", "/.well-known/x", "/%2Ewell-known/x",
    "*", "/aXb/x", "/a/{x}", "/a/\u00e9",
)  # fmt: skip


class Asked(NamedTuple):
    """One request of one workload."""

    peer: str
    method: str
    target: str


def tables(chance: random.Random) -> list[list[Flow]]:
    made: list[list[Flow]] = []
    for count in (1, 3, 6, 10, 16, 24):
        rows: list[Flow] = []
        for _ in range(count):
            peer, methods = chance.choice(SELECTORS), chance.choice(METHODS)
            paths = chance.sample(PATTERNS, chance.randint(1, 3))
            denies = chance.random() < 0.25
            rows.append((deny if denies else Flow)(peer, "ledger", methods, paths))
        made.append(rows)
    # Every pattern for everybody, and the same with a row that denies in the middle of it.
    made.append([Flow("*", "ledger", ANY, pattern) for pattern in PATTERNS if pattern != "/**"])
    made.append([Flow("*", "ledger", ANY, "/**")])
    made.append([Flow("*", "ledger", ANY, "/**"), *(deny("*", "ledger", ANY, path) for path in PATTERNS[2:])])
    made.append([deny("*", "ledger", "GET", "/a")])
    return made


def requests(flows: Sequence[Flow], chance: random.Random) -> list[Asked]:
    """Mostly near what the rows cover, and each odd path."""
    methods = ["GET", "GET", "GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "get", "TRACE"]
    made = [Asked(chance.choice(WORKLOADS), chance.choice(methods[:4]), path) for path in ODD]
    for _ in range(PER_TABLE - len(made)):
        row = chance.choice(flows)
        parts = str(chance.choice(row.paths)).replace("**", chance.choice(["", "x", "x/y", "x/"])).split("/")
        path = "/".join(_spelled(part, chance) for part in parts)
        method = chance.choice(methods) if ANY in row.methods or chance.random() < 0.3 else chance.choice(row.methods)
        made.append(Asked(chance.choice(WORKLOADS), method, path + chance.choice(["", "", "?q=1", "/"])))
    return made


def _spelled(part: str, chance: random.Random) -> str:
    if part.startswith("{"):
        return chance.choice(
            ["x", "7", "a", "b", "", "x%40y", "x;y", "..", "caf%C3%A9", "x=y*", "x%2Fy", "%C3%28", "x.y"]
        )
    if chance.random() < 0.1:
        return part.upper()
    spelled = ""
    for character in part:
        plain = re.fullmatch(r"[A-Za-z0-9._~-]", character)
        if (plain and chance.random() < 0.99) or (character in "@+()" and chance.random() < 0.5):
            spelled += character
        else:
            digits = "".join(f"%{octet:02X}" for octet in character.encode())
            spelled += chance.choice([digits, digits.lower()])
    return spelled


# --- Envoy -----------------------------------------------------------------------------------------------------------


def configuration(segments: Sequence[Segments], folder: Path, ports: Sequence[int]) -> dict[str, Any]:
    """A listener for each table; whoever is let through gets a 200."""
    return {
        "static_resources": {
            "listeners": [
                # Either will do: Envoy refuses an encoded slash itself, or the first of the exported filters does.
                listener(one, folder, port, "REJECT_REQUEST" if number % 2 else "KEEP_UNCHANGED")
                for number, (one, port) in enumerate(zip(segments, ports, strict=True))
            ],
        }
    }


def listener(segments: Segments, folder: Path, port: int, slashes: str) -> dict[str, Any]:
    manager = {
        "@type": f"{TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "segments",
        "normalize_path": False,
        "merge_slashes": False,
        "path_with_escaped_slashes_action": slashes,
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}],
                }
            ]
        },
        "http_filters": [
            *yaml.safe_load(segments.envoy().text),
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{TYPES}.filters.http.router.v3.Router"},
            },
        ],
    }
    tls = {
        "@type": f"{TYPES}.transport_sockets.tls.v3.DownstreamTlsContext",
        "require_client_certificate": True,
        "common_tls_context": {
            "tls_certificates": [
                {
                    "certificate_chain": {"filename": f"{folder}/server.pem"},
                    "private_key": {"filename": f"{folder}/server.key"},
                }
            ],
            "validation_context": {"trusted_ca": {"filename": f"{folder}/authority.pem"}},
        },
    }
    return {
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [
            {
                "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": tls},
                "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}],
            }
        ],
    }


class World(NamedTuple):
    """A running Envoy, its tables by port, and what its clients need."""

    proxy: Proxy
    tables: list[Segments]
    contexts: dict[str, ssl.SSLContext]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    authority = LocalAuthority("Mesh", now=time.time())
    server = authority.issue("ledger", dns=["localhost"])
    made = [Segments(rows, service="ledger") for rows in tables(random.Random(SEED))]

    def files(folder: Path, ports: tuple[int, ...]) -> dict[str, str]:
        return {
            "authority.pem": authority.pem.decode(),
            "server.pem": server.pem.decode(),
            "server.key": server.key_pem.decode(),
            "envoy.yaml": json.dumps(configuration(made, folder, ports)),
        }

    contexts = {uri: context(authority, authority.issue("workload", uris=[uri])) for uri in WORKLOADS}
    with proxying(ENVOY, files, ports=len(made)) as proxy:
        yield World(proxy, made, contexts)


def context(authority: LocalAuthority, issued: Issued) -> ssl.SSLContext:
    made = ssl.create_default_context(cadata=authority.pem.decode())
    with tempfile.NamedTemporaryFile() as file:
        file.write(issued.pem + issued.key_pem)
        file.flush()
        made.load_cert_chain(file.name)
    return made


class Connection:
    """HTTP/1.1 over one connection of one workload, which is opened again when Envoy has closed it."""

    def __init__(self, port: int, tls: ssl.SSLContext) -> None:
        self._port, self._tls = port, tls
        self._socket: ssl.SSLSocket | None = None

    def status(self, method: str, target: str) -> int:
        if self._socket is None:
            plain = socket.create_connection(("127.0.0.1", self._port), PATIENCE)
            self._socket = self._tls.wrap_socket(plain, server_hostname="localhost")
        self._socket.sendall(f"{method} {target} HTTP/1.1\r\nhost: ledger\r\ncontent-length: 0\r\n\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            more = self._socket.recv(65536)
            if not more:
                break
            answer += more
        head, _, body = answer.lower().partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        rest = 0 if method == "HEAD" or length is None else int(length[1]) - len(body)
        while rest > 0:
            rest -= len(self._socket.recv(rest))
        if b"connection: close" in head or not head:
            self.close()
        return int(head.split()[1])

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None


# --- Agreement -------------------------------------------------------------------------------------------------------


def statuses(world: World, port: int, asked: Sequence[Asked]) -> dict[Asked, int]:
    """What Envoy answers, each workload over a connection of its own and all at once."""

    def of(uri: str) -> dict[Asked, int]:
        connection = Connection(port, world.contexts[uri])
        try:
            return {one: connection.status(one.method, one.target) for one in asked if one.peer == uri}
        finally:
            connection.close()

    with ThreadPoolExecutor(len(WORKLOADS)) as pool:
        return {one: status for answers in pool.map(of, WORKLOADS) for one, status in answers.items()}


def test_envoy_and_the_policy_decide_alike(world: World) -> None:
    chance = random.Random(SEED + 1)
    peer = peer_certificate()
    seen: Counter[int] = Counter()
    differ: list[str] = []
    for number, (segments, port) in enumerate(zip(world.tables, world.proxy.ports, strict=True)):
        policy = segments.policy(peer)
        for asked, status in statuses(world, port, requests(segments.flows, chance)).items():
            seen[status] += 1
            decision = decide(policy, as_sent(*asked))
            if bool(decision) is not (status == 200):
                differ.append(f"table {number}: {asked}: Envoy {status}, here {decision.explanation}")
    print(f"{seen.total()} different requests compared: {dict(seen)}")
    assert not differ, "\n".join(differ[:40])
    assert set(seen) == {200, 400, 403}
    assert seen[200] > 400
    assert seen[403] > 1000


def test_somebody_without_a_certificate_is_nobody(world: World) -> None:
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    connection = Connection(world.proxy.ports[7], tls)  # the table that lets everybody do everything
    with pytest.raises((ssl.SSLError, ConnectionError, IndexError)):
        connection.status("GET", "/a")
    connection.close()
