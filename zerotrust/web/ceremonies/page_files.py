"""The files that the page and `zerotrust.js` need: what there is, and what a door answers with for each."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

FILES: Final[Mapping[str, bytes]] = MappingProxyType(
    {
        "zerotrust.js": b"text/javascript; charset=utf-8",
        "zerotrust.css": b"text/css; charset=utf-8",
        "page.js": b"text/javascript; charset=utf-8",
    }
)
"""The media type of each file, by its name: all that may be served, the same for everybody."""


def content(name: str) -> bytes:
    """The octets of the file `name`, one of `FILES`; read anew each time, to be kept by whoever serves it.

    Raises:
        KeyError: there is no such file.
    """
    if name not in FILES:
        raise KeyError(name)
    return files("zerotrust.web.ceremonies").joinpath("static", name).read_bytes()
