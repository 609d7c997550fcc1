"""What a server tells of a TLS connection is read whole or not at all, whatever stands there."""

from __future__ import annotations

import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.testing.authority import LocalAuthority
from zerotrust.web.connection import asgi_connection, presented_chain, wsgi_connection
from zerotrust.web.peers import Connection

NOW = 1_800_000_000.0
ISSUED = LocalAuthority(now=NOW).intermediate().issue("client")
CHAIN = ISSUED.ders
PEMS = tuple(map(ssl.DER_cert_to_PEM_cert, CHAIN))


def scope(chain: object, **more: Any) -> dict[str, Any]:
    return {"type": "http", "extensions": {"tls": {"client_cert_chain": chain}}, **more}


class Told:
    """A TLS connection, as far as it is looked at."""

    def __init__(self, leaf: object, chain: object = None) -> None:
        self.leaf = leaf
        if chain is not None:
            self.get_unverified_chain = lambda: chain

    def getpeercert(self, binary_form: bool = False) -> object:
        if isinstance(self.leaf, Exception):
            raise self.leaf
        return self.leaf if binary_form else {}


# --- ASGI ------------------------------------------------------------------------------------------------------------
def test_a_scope_tells_the_whole_chain() -> None:
    assert len(CHAIN) == 2
    assert asgi_connection(scope(PEMS)) == Connection(CHAIN, shown=True)
    assert asgi_connection(scope(iter(PEMS))).chain == CHAIN  # any iterable, says the specification


def test_line_ends_are_the_servers_business() -> None:
    assert asgi_connection(scope([PEMS[0].replace("\n", "\r\n")])).chain == CHAIN[:1]
    assert asgi_connection(scope([PEMS[0].strip()])).chain == CHAIN[:1]


def test_no_certificate_differs_from_a_server_that_shows_none() -> None:
    assert asgi_connection(scope([])) == Connection((), shown=True)
    nothing: list[object] = [None, {}, {"tls": None}, {"tls": {}}, {"tls": {"client_cert_chain": None}}, [], "tls"]
    for extensions in nothing:
        assert asgi_connection({"type": "http", "extensions": extensions}) == Connection((), shown=False)
    assert asgi_connection({"type": "http"}) == Connection((), shown=False)


@pytest.mark.parametrize(
    "chain",
    [
        PEMS[0],  # a text is an iterable, too
        "",
        b"",
        {},
        [PEMS[0] + PEMS[1]],
        [PEMS[0], ""],
        [PEMS[0], PEMS[1].replace("CERTIFICATE", "PRIVATE KEY")],
        [PEMS[0], PEMS[1].replace("M", "*", 1)],
        [PEMS[0], "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"],
        [PEMS[0], "-----BEGIN CERTIFICATE----------END CERTIFICATE-----"],
        [PEMS[0], "-----BEGIN CERTIFICATE-----\u0661-----END CERTIFICATE-----"],
        [f"subject=client\n{PEMS[0]}"],
        [CHAIN[0]],
        [PEMS[0].encode()],
        [None],
        {"0": PEMS[0]}.items(),
        7,
    ],
)
def test_a_chain_that_cannot_be_read_whole_is_not_shown(chain: object) -> None:
    assert asgi_connection(scope(chain)) == Connection((), shown=False)


def test_a_chain_is_bounded() -> None:
    def endless() -> Iterator[str]:
        while True:
            yield PEMS[0]

    def raises() -> Iterator[str]:
        yield PEMS[0]
        raise RuntimeError("the connection is gone")

    assert asgi_connection(scope([PEMS[0]] * 32)).chain == CHAIN[:1] * 32
    assert not asgi_connection(scope([PEMS[0]] * 33)).shown
    assert not asgi_connection(scope(endless())).shown
    assert not asgi_connection(scope(raises())).shown
    huge = f"-----BEGIN CERTIFICATE-----{b64encode(bytes(300_000)).decode()}-----END CERTIFICATE-----"
    large = f"-----BEGIN CERTIFICATE-----{b64encode(bytes(150_000)).decode()}-----END CERTIFICATE-----"
    assert not asgi_connection(scope([huge])).shown
    assert asgi_connection(scope([large])).shown
    assert not asgi_connection(scope([large, large])).shown


_THINGS = st.recursive(
    st.none() | st.integers() | st.text(max_size=20) | st.binary(max_size=20) | st.sampled_from(PEMS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.sampled_from(["tls", "client_cert_chain", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(extensions=_THINGS, client=_THINGS, headers=_THINGS)
def test_any_scope_tells_something_or_nothing(extensions: Any, client: Any, headers: Any) -> None:
    told = asgi_connection({"type": "http", "extensions": extensions, "client": client, "headers": headers})
    assert told.shown or told.chain == ()
    assert set(told.chain) <= set(CHAIN)


# --- Whose address it is ---------------------------------------------------------------------------------------------
def rewritten(client: object, *forwarded: bytes) -> bool:
    return asgi_connection(
        {"type": "http", "client": client, "headers": [(b"x-forwarded-for", one) for one in forwarded]}
    ).rewritten


def test_nobody_connects_from_port_0() -> None:
    assert rewritten(("10.9.9.9", 0), b"10.9.9.9")
    assert rewritten(("10.9.9.9", 0))
    assert rewritten(("10.9.9.9", "0"))
    assert not rewritten(("10.9.9.9", "40000"))  # Granian's ports are text
    assert not rewritten(("192.0.2.7", 40000), b"10.9.9.9")
    assert not rewritten(None, b"10.9.9.9")


@pytest.mark.parametrize(
    "entry", [b"10.0.0.1:5678", b"[::1]:5678", b"10.9.9.9, 10.0.0.1:5678 ", b"x:+5678", b"x:05678", b"x:5_678"]
)
def test_a_port_that_a_header_names_is_suspected(entry: bytes) -> None:
    """uvicorn takes host and port of an entry: looking for port 0 alone would be passed by `10.0.0.1:5678`."""
    assert rewritten(("10.0.0.1", 5678), entry)
    assert rewritten(["10.0.0.1", "5678"], b"10.9.9.9", entry)
    assert not rewritten(("10.0.0.1", 5679), entry)


@pytest.mark.parametrize("client", [(), ("a",), ("a", "x"), ("a", None), ("a", 0.0), ("a", "0", 1), "a0", 7, {"a": 0}])
def test_a_client_of_another_shape_was_not_rewritten_in_a_known_way(client: object) -> None:
    assert not rewritten(client, b"10.9.9.9:0")


# --- WSGI ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["gunicorn.socket", "werkzeug.socket"])
def test_a_socket_tells_the_whole_chain(name: str) -> None:
    told = wsgi_connection({name: Told(CHAIN[0], list(CHAIN)), "SERVER_SOFTWARE": "gunicorn/27.0.1"})
    assert (told.chain, told.shown, told.server) == (CHAIN, True, "gunicorn")
    assert wsgi_connection({name: Told(None)}) == Connection((), shown=True, known=False)


def test_what_the_socket_tells_is_believed_before_any_variable() -> None:
    """CVE-2026-35616 was the other way round: what could be sent came before what the server knew."""
    stray = {"SSL_CLIENT_CERT": PEMS[1], "SSL_CLIENT_VERIFY": "SUCCESS"}
    assert wsgi_connection({"gunicorn.socket": Told(CHAIN[0]), **stray}).chain == CHAIN[:1]
    assert wsgi_connection({"gunicorn.socket": Told(None), **stray}).chain == ()


def test_a_header_is_not_the_variable_of_the_same_name() -> None:
    environ = {"HTTP_SSL_CLIENT_CERT": PEMS[0], "HTTP_SSL_CLIENT_VERIFY": "SUCCESS", "HTTP_GUNICORN_SOCKET": "x"}
    assert wsgi_connection(environ) == Connection((), shown=False, known=False)


def test_the_variables_of_mod_ssl() -> None:
    leaf = {"SSL_CLIENT_CERT": PEMS[0]}
    assert wsgi_connection(leaf) == Connection(CHAIN[:1], shown=True, known=False)
    assert wsgi_connection({**leaf, "SSL_CLIENT_VERIFY": "SUCCESS"}).chain == CHAIN[:1]
    # It proved its key in the handshake all the same; whose it is, verifiers find out.
    assert wsgi_connection({**leaf, "SSL_CLIENT_VERIFY": "FAILED:self-signed certificate"}).chain == CHAIN[:1]
    assert wsgi_connection({**leaf, "SSL_CLIENT_CERT_CHAIN_0": PEMS[1]}).chain == CHAIN
    assert wsgi_connection({**leaf, "SSL_CLIENT_CERT_CHAIN_1": PEMS[1]}).chain == CHAIN[:1]
    assert wsgi_connection({"SSL_CLIENT_VERIFY": "NONE"}) == Connection((), shown=True, known=False)
    assert wsgi_connection({**leaf, "SSL_CLIENT_VERIFY": "NONE"}) == Connection((), shown=True, known=False)


def test_variables_that_say_nothing_show_nothing() -> None:
    for environ in (
        {},
        {"SSL_CLIENT_CERT": ""},
        {"SSL_CLIENT_CERT": "(null)", "SSL_CLIENT_VERIFY": "SUCCESS"},
        {"SSL_CLIENT_VERIFY": "SUCCESS"},  # mod_ssl without +ExportCertData: somebody, but not who
        {"SSL_CLIENT_CERT": PEMS[0], "SSL_CLIENT_CERT_CHAIN_0": "(null)"},
        {"SSL_CLIENT_CERT": PEMS[0], **{f"SSL_CLIENT_CERT_CHAIN_{number}": PEMS[1] for number in range(50)}},
        {"SSL_CLIENT_CERT": b"x", "gunicorn.socket": "x", "werkzeug.socket": Told(ValueError("no handshake yet"))},
    ):
        assert wsgi_connection(environ) == Connection((), shown=False, known=False)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "gunicorn.socket",
                "werkzeug.socket",
                "SSL_CLIENT_CERT",
                "SSL_CLIENT_VERIFY",
                "SSL_CLIENT_CERT_CHAIN_0",
                "SERVER_SOFTWARE",
                "REMOTE_ADDR",
                "werkzeug.proxy_fix.orig",
                "HTTP_X_FORWARDED_FOR",
            ]
        ),
        _THINGS,
    )
)
def test_any_environment_tells_something_or_nothing(environ: dict[str, Any]) -> None:
    told = wsgi_connection(environ)
    assert told.shown or told.chain == ()
    assert told.server
    assert told.server.isprintable()


def test_rewritten_addresses_of_wsgi_servers() -> None:
    behind = {"REMOTE_ADDR": "10.9.9.9", "HTTP_X_FORWARDED_FOR": "10.9.9.9"}
    assert not wsgi_connection({**behind, "SERVER_SOFTWARE": "gunicorn/27.0.1"}).rewritten  # never looks at it
    assert wsgi_connection({**behind, "SERVER_SOFTWARE": "waitress"}).rewritten
    assert wsgi_connection({"REMOTE_ADDR": "10.9.9.9", "PROXY_PROTOCOL": "TCP4"}).rewritten
    fixed = {**behind, "werkzeug.proxy_fix.orig": {"REMOTE_ADDR": "192.0.2.7"}}
    assert wsgi_connection(fixed).rewritten
    # The inner one of two notes what the outer one made of the address, so that nothing seems to have changed.
    assert wsgi_connection({**fixed, "REMOTE_ADDR": "192.0.2.7"}).rewritten
    assert wsgi_connection({**behind, "werkzeug.proxy_fix.orig": None}).rewritten
    assert not wsgi_connection({"REMOTE_ADDR": "192.0.2.7", "SERVER_SOFTWARE": "waitress"}).rewritten


@pytest.mark.parametrize(
    ("software", "lossy"),
    [
        ("Cheroot/11.1.2 Server", True),
        ("CherryPy/18.10 Cheroot/11.1.2 Server", True),
        ("Granian", True),
        ("WSGIServer/0.2 CPython/3.11.7", True),
        ("gunicorn/27.0.1", False),
        ("Werkzeug/3.1.9", False),
        ("waitress", False),
        ("x" * 5000 + "cheroot", False),
        ("", False),
        (None, False),
    ],
)
def test_servers_that_lose_headers(software: str | None, lossy: bool) -> None:
    """tests/attacks/test_wsgi_header_smuggling.py shows of each that it does."""
    assert wsgi_connection({"SERVER_SOFTWARE": software}).lossy is lossy


@pytest.mark.parametrize(
    ("environ", "known"),
    [
        ({"SERVER_SOFTWARE": "gunicorn/27.0.1", "gunicorn.socket": Told(None)}, True),
        ({"SERVER_SOFTWARE": "Werkzeug/3.1.9", "werkzeug.socket": Told(None)}, True),
        ({"SERVER_SOFTWARE": "waitress"}, True),
        ({"SERVER_SOFTWARE": "gunicorn/27.0.1"}, False),  # something that calls itself so
        ({"SERVER_SOFTWARE": "gunicorn/27.0.1", "werkzeug.socket": Told(None)}, False),
        ({"SERVER_SOFTWARE": "Werkzeug/3.1.9"}, False),
        ({"SERVER_SOFTWARE": "waitress/3"}, False),
        ({"SERVER_SOFTWARE": "shop"}, False),  # waitress with ident=
        ({"SERVER_SOFTWARE": "Apache/2.4.68"}, False),
        ({"SERVER_SOFTWARE": "Granian"}, False),
        ({"gunicorn.socket": Told(None)}, False),
        ({}, False),  # waitress with ident=None, WSGI inside of ASGI
    ],
)
def test_servers_that_are_known(environ: dict[str, Any], known: bool) -> None:
    assert wsgi_connection(environ).known is known


def test_a_server_tells_that_it_was_called_over_ip() -> None:
    """After a reset there is no peer to ask for; the server's own end of the connection has an address all the same."""
    for server in (("127.0.0.1", 8000), ("::1", 8000), ["127.0.0.1", "8000"], ("localhost", 8000), ("", 0)):
        assert asgi_connection({"type": "http", "client": None, "server": server}).over_ip
    others: list[object] = [
        None,
        ("/run/app.sock", None),
        ("g", "8"),
        ("/", "r"),
        ("127.0.0.1",),
        "127.0.0.1",
        7,
        ("", ""),
    ]
    for other in others:
        assert not asgi_connection({"type": "http", "client": None, "server": other}).over_ip
    with socket.socket(socket.AF_UNIX) as unix, socket.socket() as tcp, socket.socket(socket.AF_INET6) as six:
        for one, over_ip in ((unix, False), (tcp, True), (six, True), (Told(None), False)):
            assert wsgi_connection({"gunicorn.socket": one}).over_ip is over_ip


def test_no_address_was_not_rewritten() -> None:
    """Granian on a Unix socket; the advice about headers would lead nowhere."""
    assert not rewritten(("", "0"))
    assert not rewritten(("", 0))


# --- Python's own ----------------------------------------------------------------------------------------------------
def test_the_chain_counts_only_beside_its_leaf() -> None:
    assert presented_chain(Told(CHAIN[0], list(CHAIN))) == CHAIN
    for chain in ([], [CHAIN[1]], [CHAIN[1], CHAIN[0]], [CHAIN[0]] * 33, [CHAIN[0], bytes(300_000)]):
        assert presented_chain(Told(CHAIN[0], chain)) == CHAIN[:1]


def test_the_private_interface_of_older_pythons() -> None:
    class Certificate:
        def __init__(self, der: bytes) -> None:
            self.der = der

        def public_bytes(self, encoding: int) -> bytes:
            assert encoding == 2
            return self.der

    class Inner:
        def get_unverified_chain(self) -> list[Certificate]:
            return [Certificate(one) for one in CHAIN]

    older = Told(CHAIN[0])
    older._sslobj = Inner()  # type: ignore[attr-defined]
    assert presented_chain(older) == CHAIN


def test_what_cannot_tell_tells_nothing() -> None:
    left, right = socket.socketpair()
    with left, right:
        for thing in (None, "x", left, Told("x"), Told({}), Told(ValueError("no handshake yet")), Told(OSError())):
            assert presented_chain(thing) is None
    assert presented_chain(Told(None)) == ()
