"""What a client makes of `WWW-Authenticate`: the grammar of RFC 9110 section 11.6.1, read by the standard library."""

from __future__ import annotations

import re
from urllib.request import parse_http_list, parse_keqv_list

from zerotrust.web.answer import Answer

# Sections 5.6.2, 5.6.4 and 11.2; all our values are quoted and hold no escapes.
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED = r'"[\t \x21\x23-\x5B\x5D-\x7E]*"'
_CHALLENGE = re.compile(rf"{_TOKEN} {_TOKEN}={_QUOTED}(?:, {_TOKEN}={_QUOTED})*")


def read(value: str) -> tuple[str, dict[str, str]]:
    """Scheme and parameters of a header that holds one challenge; each parameter once."""
    assert _CHALLENGE.fullmatch(value), value
    scheme, _, rest = value.partition(" ")
    parts = parse_http_list(rest)
    parameters: dict[str, str] = parse_keqv_list(parts)
    assert len(parameters) == len(parts), value
    return scheme, parameters


def read_all(made: Answer) -> dict[str, dict[str, str]]:
    """The challenges of an answer by scheme; each scheme once."""
    found = [read(value.decode("ascii")) for name, value in made.headers if name == b"www-authenticate"]
    assert len({scheme for scheme, _ in found}) == len(found)
    return dict(found)
