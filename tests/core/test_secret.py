"""Secrets: bytes or their text, and mistakes that are told without a word of the secret."""

from __future__ import annotations

import pytest

from zerotrust.core.errors import ConfigError
from zerotrust.core.secret import checked_key, checked_secrets
from zerotrust.stores.keys import new_key
from zerotrust.wire.encoding import b64url_decode, b64url_encode

KEY = bytes(range(100, 132))
TEXT = b64url_encode(KEY)


def test_bytes_and_their_text_are_one_secret() -> None:
    assert checked_secrets(KEY) == checked_secrets(TEXT) == checked_secrets([TEXT]) == (KEY,)
    printed = new_key()
    assert checked_key(printed, "secret") == b64url_decode(printed)
    with pytest.raises(ConfigError, match="secret names the same one twice; give each once"):
        checked_secrets([KEY, TEXT])


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        (None, "secret is None: nothing is set where it is read from; make one with `zerotrust store key`"),
        ([KEY, None], r"secret\[1\] is None"),
        (bytearray(KEY), "secret is neither bytes nor base64url text without padding, but bytearray"),
        (12, "secret is neither bytes nor base64url text without padding, but int"),
        ("correct horse battery staple, twice", "but text of another kind; make one.*all servers and all their work"),
        (TEXT + "=", "but text of another kind"),
        (TEXT[:-1] + "\u00e4", "but text of another kind"),
        (TEXT[:-1] + "z", "but text of another kind"),  # which spells the same octets another way
        (TEXT.encode(), r"secret is a key as text, but encoded into bytes; give the text itself, without \.encode\(\)"),
        (KEY[:31], "secret has 31 bytes, 31 of them different, and can be guessed"),
        ("AAAA" * 20, "secret has 60 bytes, 1 of them different, and can be guessed"),
        ([], "secret is an empty list"),
    ],
)
def test_mistaken_secrets(secret: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        checked_secrets(secret)
    assert not any(part in str(caught.value) for part in ("horse", TEXT[:8], "efgh", "AAAA"))


def test_text_of_every_length_is_read() -> None:
    for length in range(32, 100):
        key = bytes(range(length))
        assert checked_key(b64url_encode(key), "secret") == key


@pytest.mark.parametrize(
    "key",
    [
        bytes(range(43)),  # as long as a key in text, but no text
        b"0123456789abcdef" * 4,  # the digits of one, as other tools print them
        b"01234567" * 4,  # eight of 32 digits drawn may be all that differ
        bytes(range(200, 212)) * 3,
    ],
    ids=["43 octets", "hexadecimal", "eight digits", "twelve octets"],
)
def test_bytes_are_taken_as_they_are(key: bytes) -> None:
    assert checked_key(key, "secret") == key


def test_what_text_spells_is_not_read_again() -> None:
    assert checked_key(b64url_encode(TEXT.encode()), "secret") == TEXT.encode()


@pytest.mark.parametrize("key", [b"0123456" * 5, bytes(range(200, 211)) * 3, b"0123456789z" * 3])
def test_bytes_of_which_too_few_differ_are_refused(key: bytes) -> None:
    with pytest.raises(ConfigError, match=f"secret has {len(key)} bytes, {len(set(key))} of them different, and can"):
        checked_key(key, "secret")
