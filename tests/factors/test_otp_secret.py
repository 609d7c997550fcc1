"""Keys and what an authenticator is given of them."""

from __future__ import annotations

import base64
import re
import sys
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.core.errors import ConfigError
from zerotrust.factors import qr
from zerotrust.factors.otp_secret import OtpOffer, hotp_uri, new_id, new_key, shown_secret, totp_uri
from zerotrust.wire.otp import Algorithm

KEY = bytes(range(20))
URI = totp_uri(KEY, "Example", "ann@example.com", "SHA1", 6, 30)


@pytest.mark.parametrize(("algorithm", "size"), [("SHA1", 20), ("SHA256", 32), ("SHA512", 64)])
def test_rfc_4226_section_4_keys_are_as_long_as_the_hash(algorithm: Algorithm, size: int) -> None:
    made = {new_key(algorithm) for _ in range(20)}
    assert len(made) == 20
    assert {len(key) for key in made} == {size}
    assert base64.b32decode(shown_secret(KEY)) == KEY


def test_ids_are_random() -> None:
    assert len({new_id() for _ in range(100)}) == 100


@given(
    st.binary(min_size=20, max_size=64),
    st.text(st.characters(exclude_characters=":"), min_size=1, max_size=64),
    st.text(max_size=200),
    st.sampled_from(["SHA1", "SHA256", "SHA512"]),
    st.integers(6, 8),
    st.integers(15, 120),
)
def test_an_authenticator_reads_what_was_offered(
    key: bytes, issuer: str, label: str, algorithm: Algorithm, digits: int, period: int
) -> None:
    issuer = issuer.encode("utf-8", "replace").decode()
    shown = label.encode("utf-8", "replace")[:128].decode("utf-8", "ignore") or "account"
    for kind, uri in (
        ("totp", totp_uri(key, issuer, label, algorithm, digits, period)),
        ("hotp", hotp_uri(key, issuer, label, algorithm, digits)),
    ):
        assert uri.isascii()
        parts = urlsplit(uri)
        query = parse_qs(parts.query, strict_parsing=True)
        assert (parts.scheme, parts.netloc) == ("otpauth", kind)
        # One colon ends the issuer, whatever the label holds.
        assert [unquote(part) for part in parts.path[1:].split(":")] == [issuer, shown]
        assert query.pop("secret") == [shown_secret(key)]
        assert query.pop("issuer") == [issuer]
        assert query.pop("algorithm", ["SHA1"]) == [algorithm]
        assert query.pop("digits", ["6"]) == [str(digits)]
        assert kind == "hotp" or query.pop("period", ["30"]) == [str(period)]
        assert kind == "totp" or query.pop("counter") == ["0"]
        assert query == {}


def test_pyotp_reads_it() -> None:
    made = pyotp.parse_uri(totp_uri(bytes(64), "Example", "ann", "SHA512", 8, 60))
    assert isinstance(made, pyotp.TOTP)
    assert (made.issuer, made.name, made.digits, made.interval, made.digest().name) == (
        "Example",
        "ann",
        8,
        60,
        "sha512",
    )


def test_an_offer_shows_nothing() -> None:
    offer = OtpOffer(shown_secret(KEY), URI, 5.0)
    assert repr(offer) == str(offer) == "OtpOffer(expires_at=5.0)"


# --- QR codes --------------------------------------------------------------------------------------------------------
def modules() -> list[str]:
    """The code as rows of 0 and 1, with the quiet zone that ISO/IEC 18004 asks for."""
    code = segno.make_qr(URI, error="m")
    side = len(code.matrix)
    empty = ["0" * (side + 8)] * 4
    return [*empty, *("0000" + "".join(map(str, row)) + "0000" for row in code.matrix), *empty]


def test_the_svg_shows_the_code_dark_on_light() -> None:
    svg = OtpOffer("", URI, 0.0).svg()
    rows = modules()
    assert svg.startswith(f'<svg viewBox="0 0 {len(rows)} {len(rows)}"')
    assert svg.endswith("</svg>")
    assert 'fill="#fff"' in svg
    assert "<script" not in svg
    path = svg.split('stroke="#000" d="')[1].split('"')[0]
    drawn = [["0"] * len(rows) for _ in rows]
    x = y = 0.0
    for step, first, second in re.findall(r"([Mmh])(-?[\d.]+) ?(-?[\d.]+)?", path):
        if step == "h":
            drawn[int(y)][int(x) : int(x) + int(first)] = "1" * int(first)
            x += int(first)
        else:
            x, y = (0.0 if step == "M" else x) + float(first), (0.0 if step == "M" else y) + float(second)
    assert ["".join(row) for row in drawn] == rows


def test_a_terminal_shows_the_code_white_on_black() -> None:
    rows = modules()
    lines = OtpOffer("", URI, 0.0).terminal().splitlines()
    upper = {"\u2588": "00", "\u2580": "01", "\u2584": "10", " ": "11"}
    drawn: list[str] = []
    for line in lines:
        assert line.startswith("\x1b[97;40m")
        assert line.endswith("\x1b[0m")
        halves = [upper[block] for block in line[8:-4]]
        drawn += ["".join(half[0] for half in halves), "".join(half[1] for half in halves)]
    assert drawn[: len(rows)] == rows


def test_markup_in_a_label_does_not_get_into_the_svg() -> None:
    svg = qr.svg(totp_uri(KEY, "Example", "<script>alert(1)</script>", "SHA1", 6, 30))
    assert "script" not in svg


def test_what_is_too_long_is_said_without_the_text() -> None:
    with pytest.raises(ConfigError, match="too long") as caught:
        qr.svg("secret" * 1000)
    assert "secret" not in repr(caught.value)
    assert caught.value.__suppress_context__


def test_the_longest_offer_fits() -> None:
    assert qr.svg(totp_uri(bytes(64), "\U0001f511" * 16, "\U0001f511" * 128, "SHA512", 8, 60))


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "segno", None)
    for draw in (qr.svg, qr.terminal):
        with pytest.raises(ConfigError, match=r'pip install "zerotrust\[qr\]"'):
            draw("text")
