from __future__ import annotations

import re
from http.cookies import SimpleCookie
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifiers.tokens import NOW, bearer
from zerotrust.core.errors import ConfigError
from zerotrust.core.finding import Absent
from zerotrust.core.reason import NOT_PRESENTED, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.verifiers.carrier import AUTHORIZATION, Carrier, Presented
from zerotrust.verifiers.dpop import DPoP

Headers = list[tuple[bytes, bytes]]

OWN = Carrier("x-edge-assertion")
EITHER = Carrier("x-edge-assertion", "Edge_Session")


def carried(carrier: Carrier, headers: Headers) -> str | None:
    """The token, `reason: <code>`, or None for none."""
    sent = carrier.field(AccessRequest(now=NOW, headers=headers))
    read = carrier.read(sent) if isinstance(sent, bytes) else sent
    return f"reason: {read.code}" if isinstance(read, Reason) else read.token if read else None


def cookies(*values: bytes) -> Headers:
    return [(b"cookie", value) for value in values]


# --- A header of its own ----------------------------------------------------------------------------------------------


def test_the_token_alone() -> None:
    assert carried(OWN, [(b"accept", b"*/*"), (b"x-edge-assertion", b"a.b.c")]) == "a.b.c"
    assert carried(OWN, []) is None
    assert carried(OWN, [(b"authorization", b"Bearer a.b.c")]) is None


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b" ",
        b"Bearer a.b.c",
        b"a.b.c ",
        b" a.b.c",
        b"a.b.c, d.e.f",
        b"a.b.c;",
        b'"a.b.c"',
        b"a.b.c\n",
        b"a\x00",
        b"a.b=.c",
        b"\xef\xbb\xbfa.b.c",
        "\uff41.b.c".encode(),
        b"\xff",
        b"a%2eb",
        b"<script>",
    ],
)
def test_what_is_not_one_token(value: bytes) -> None:
    assert carried(OWN, [(b"x-edge-assertion", value)]) == "reason: malformed"
    # A header that was sent is never passed over for the cookie.
    assert carried(EITHER, [(b"x-edge-assertion", value), *cookies(b"Edge_Session=a.b.c")]) == "reason: malformed"


@pytest.mark.parametrize("same", [True, False])
def test_more_than_one_header(same: bool) -> None:
    headers = [(b"x-edge-assertion", b"a.b.c"), (b"x-edge-assertion", b"a.b.c" if same else b"d.e.f")]
    assert carried(OWN, headers) == "reason: duplicate_header"
    assert carried(EITHER, [*headers, *cookies(b"Edge_Session=a.b.c")]) == "reason: duplicate_header"


@pytest.mark.parametrize("twin", [b"x_edge_assertion", b"x-edge_assertion", b"x_edge-assertion"])
def test_underscore_twins(twin: bytes) -> None:
    assert carried(OWN, [(twin, b"a.b.c")]) == "reason: duplicate_header"
    assert carried(OWN, [(b"x-edge-assertion", b"a.b.c"), (twin, b"d.e.f")]) == "reason: duplicate_header"
    assert carried(EITHER, [(twin, b"d.e.f"), *cookies(b"Edge_Session=a.b.c")]) == "reason: duplicate_header"


def test_there_is_no_dpop_in_a_header_of_its_own() -> None:
    assert OWN.read(b"a.b.c") == Presented("a.b.c", dpop=False)
    assert isinstance(OWN.read(b"DPoP a.b.c"), Reason)


# --- A cookie ---------------------------------------------------------------------------------------------------------


def test_the_header_comes_first() -> None:
    assert carried(EITHER, [(b"x-edge-assertion", b"a.b.c"), *cookies(b"Edge_Session=d.e.f")]) == "a.b.c"
    assert carried(EITHER, cookies(b"Edge_Session=d.e.f")) == "d.e.f"
    assert carried(OWN, cookies(b"Edge_Session=d.e.f")) is None


@pytest.mark.parametrize(
    "sent",
    [
        b"Edge_Session=a.b.c",
        b"theme=dark; Edge_Session=a.b.c",
        b"Edge_Session=a.b.c; theme=dark",
        b"theme=dark;Edge_Session=a.b.c;x=y",
        b"theme=dark;   Edge_Session=a.b.c  ;",
        b"theme=dark;\tEdge_Session=a.b.c\t; x=y",
        b";; ; Edge_Session=a.b.c",
        b"noequals; Edge_Session=a.b.c; =; ==",
        b"XEdge_Session=x; Edge_Sessions=x; edge_session=x; EDGE_SESSION=x; Edge_Session =x; Edge_Session=a.b.c",
        b"other=Edge_Session=x; Edge_Session=a.b.c",
        b"bytes=\xff\xfe; Edge_Session=a.b.c",
    ],
)
def test_one_cookie_among_others(sent: bytes) -> None:
    assert carried(EITHER, cookies(sent)) == "a.b.c"


@pytest.mark.parametrize(
    "sent",
    [b"", b";", b"theme=dark", b"edge_session=a.b.c", b"Edge_Session", b"xEdge_Session=a.b.c", b"a=Edge_Session=a.b.c"],
)
def test_no_such_cookie(sent: bytes) -> None:
    assert carried(EITHER, cookies(sent)) is None


@pytest.mark.parametrize(
    "sent",
    [b"Edge_Session=", b'Edge_Session="a.b.c"', b"Edge_Session=a b", b"Edge_Session=\xff", b"Edge_Session=a.b.c,d.e.f"],
)
def test_a_cookie_that_is_not_one_token(sent: bytes) -> None:
    assert carried(EITHER, cookies(sent)) == "reason: malformed"


@pytest.mark.parametrize(
    "sent",
    [
        b"Edge_Session=a.b.c; Edge_Session=d.e.f",
        b"Edge_Session=a.b.c; Edge_Session=a.b.c",
        b"Edge_Session=a.b.c;Edge_Session=",
        b"Edge_Session=a.b.c; x=y;\t Edge_Session=d.e.f",
        # Whether quotes hide a semicolon is read in two ways; here they hide nothing.
        b'Edge_Session=a.b.c; theme="dark; Edge_Session=d.e.f"',
    ],
)
def test_two_cookies_of_one_name(sent: bytes) -> None:
    assert carried(EITHER, cookies(sent)) == "reason: duplicate_header"


def test_rfc_9113_section_8_2_3_cookies_split_into_several_fields() -> None:
    assert carried(EITHER, cookies(b"theme=dark", b"Edge_Session=a.b.c", b"x=y")) == "a.b.c"
    assert carried(EITHER, cookies(b"theme=dark", b"x=y")) is None
    assert carried(EITHER, cookies(b"Edge_Session=a.b.c", b"Edge_Session=d.e.f")) == "reason: duplicate_header"
    # The parts are joined by a semicolon, so that none goes on in the next.
    assert carried(EITHER, cookies(b"Edge_", b"Session=a.b.c")) is None
    assert carried(EITHER, cookies(b"Edge_Session=a.b", b".c")) == "a.b"


def test_too_many_cookies() -> None:
    padding = b"x=" + b"y" * (64 * 1024 - 30)
    assert carried(EITHER, cookies(padding + b"; Edge_Session=a.b.c")) == "a.b.c"
    assert carried(EITHER, cookies(padding, b"z" * 60, b"Edge_Session=a.b.c")) == "reason: too_large"
    assert carried(EITHER, cookies(b";" * 64 * 1024 + b"Edge_Session=a.b.c")) == "reason: too_large"
    # Who does not look at cookies does not mind.
    assert carried(OWN, [(b"x-edge-assertion", b"a.b.c"), *cookies(b";" * 100_000)]) == "a.b.c"


_NAMES = st.sampled_from(["Edge_Session", "theme", "edge_session", "Edge_Session2", "XEdge_Session"])


@given(st.lists(st.tuples(_NAMES, st.from_regex(r"[A-Za-z0-9._~-]{1,12}", fullmatch=True)), max_size=6))
def test_the_same_as_an_independent_reader_of_cookies(pairs: list[tuple[str, str]]) -> None:
    header = "; ".join(f"{name}={value}" for name, value in pairs)
    mine = [value for name, value in pairs if name == "Edge_Session"]
    found = carried(EITHER, cookies(header.encode()))
    if len(mine) > 1:
        assert found == "reason: duplicate_header"
    else:
        theirs = SimpleCookie(header).get("Edge_Session")
        assert found == (theirs.value if theirs else None) == (mine[0] if mine else None)


@given(st.lists(st.tuples(st.sampled_from([b"cookie", b"x-edge-assertion", b"x_edge_assertion"]), st.binary())))
def test_any_bytes_are_read(headers: Headers) -> None:
    found = carried(EITHER, headers)
    assert found is None or found.startswith("reason: ") or re.fullmatch(r"[A-Za-z0-9\-._~+/]+=*", found)


# --- Authorization ----------------------------------------------------------------------------------------------------


def test_authorization_has_a_scheme() -> None:
    assert AUTHORIZATION.read(b"Bearer a.b.c") == Presented("a.b.c")
    assert AUTHORIZATION.read(b"dpop a.b.c") == Presented("a.b.c", dpop=True)
    assert AUTHORIZATION.read(b"Basic YTpi") is None
    assert AUTHORIZATION.read(b"a.b.c") is None


@pytest.mark.parametrize("value", [b"Bearer", b"Bearer a.b.c d", b"DPoP ", b"bearer  ", b"Bearer \xff", b"\x00"])
def test_authorization_that_is_not_a_scheme_and_one_token(value: bytes) -> None:
    assert carried(AUTHORIZATION, [(b"authorization", value)]) == "reason: malformed"


@given(
    st.sampled_from([AUTHORIZATION, OWN]),
    st.from_regex(rb"((Bearer|DPoP|bearer|dPOP) {1,3})?[A-Za-z0-9\-._~+/]+=*", fullmatch=True) | st.binary(),
)
def test_what_was_read_once_reads_the_same_again(carrier: Carrier, sent: bytes) -> None:
    read = carrier.read(sent)
    if isinstance(read, Presented):
        assert carrier.token(sent) == read.token


def test_a_token_does_not_show() -> None:
    assert "a.b.c" not in repr(Presented("a.b.c"))


# --- Configuration ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["", "X-Edge", "x edge", "x_edge", "x-edge\n", "x-edge:", 1, None])
def test_names_of_headers(header: str) -> None:
    with pytest.raises(ConfigError, match="write its name in lower case"):
        Carrier(header)


@pytest.mark.parametrize("header", ["cookie", "set-cookie"])
def test_headers_that_hold_more_than_a_token(header: str) -> None:
    with pytest.raises(ConfigError, match="cookie="):
        Carrier(header)


@pytest.mark.parametrize("cookie", ["", "a b", "a=b", "a;b", "a\n", "ä", 1])
def test_names_of_cookies(cookie: str) -> None:
    with pytest.raises(ConfigError, match="write its name, such as"):
        Carrier("x-edge", cookie)


def test_a_cookie_beside_authorization() -> None:
    # It would hold no scheme, so it could never be read.
    with pytest.raises(ConfigError, match="header of its own"):
        Carrier(cookie="session")


def test_carriers_are_values() -> None:
    assert Carrier("x-edge-assertion", "Edge_Session") == EITHER
    assert len({EITHER, OWN, AUTHORIZATION, Carrier()}) == 3
    assert (str(EITHER), str(OWN)) == ("x-edge-assertion or the cookie Edge_Session", "x-edge-assertion")


# --- What came in place of a token ------------------------------------------------------------------------------------
SECRET = "c2VjcmV0OnNlY3JldA"


def told(authorization: str, **options: Any) -> str:
    """What the audit reads of a request whose `Authorization` holds no token for this verifier."""
    found = bearer(**options).find(AccessRequest(now=NOW, headers=[(b"authorization", authorization.encode())]))
    assert isinstance(found, Absent)
    assert SECRET not in repr(found)
    assert found.reason.kind is NOT_PRESENTED
    return found.reason.detail


@pytest.mark.parametrize("scheme", ["Basic", "Token", "ApiKey", "Digest", "Negotiate"])
def test_the_scheme_that_came_is_named(scheme: str) -> None:
    for written in (scheme, scheme.upper(), scheme.lower()):
        assert told(f"{written} {SECRET}").endswith(f"came is {scheme}, and this verifier takes Bearer alone")
        assert told(f"{written} {SECRET}", dpop=DPoP()).endswith(
            f"came is {scheme}, and this verifier takes Bearer and DPoP"
        )


def test_a_proof_where_none_is_taken_says_what_to_give() -> None:
    assert told(f"DPoP {SECRET}").endswith("the scheme that came is DPoP: to take it, give dpop=DPoP(...)")


@pytest.mark.parametrize("sent", [SECRET, f"{SECRET} x", f"Secret {SECRET}", f"Basic{SECRET}"])
def test_what_may_be_a_credential_is_not_told(sent: str) -> None:
    assert told(sent).endswith("is another, or none, and this verifier takes Bearer alone")


def test_without_a_header_there_is_nothing_to_tell() -> None:
    found = bearer().find(AccessRequest(now=NOW))
    assert isinstance(found, Absent)
    assert found.reason.detail == "no token"
