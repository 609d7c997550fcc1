"""Models of authenticators by their AAGUID (WebAuthn Level 3 section 6.5.1): sixteen octets, written as a UUID."""

from __future__ import annotations

import re
from typing import Final, TypeAlias
from uuid import UUID

from zerotrust.core.errors import ConfigError

Aaguid: TypeAlias = str | UUID | bytes
"""A model as it may be given: a UUID, as itself or as text, or its sixteen octets."""

NO_AAGUID: Final = bytes(16)
"""What stands for "no model"."""

_TEXT: Final = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")


def aaguid_of(given: object, name: str) -> bytes:
    """The sixteen octets of an AAGUID from a configuration.

    Args:
        given: what was given.
        name: what it was given as, for the message.

    Raises:
        ConfigError: it is none.
    """
    if isinstance(given, UUID):
        return given.bytes
    if isinstance(given, bytes) and len(given) == len(NO_AAGUID):
        return given
    found = parse_aaguid(given) if isinstance(given, str) else None
    if found is None:
        raise ConfigError(f"{name}: {given!r} is no AAGUID; write it as ee882879-721c-4913-9775-3dfcce97072a")
    return found


def parse_aaguid(text: str) -> bytes | None:
    """The sixteen octets that a UUID as text stands for; None if it is none."""
    return bytes.fromhex(text.replace("-", "")) if _TEXT.fullmatch(text) else None


def aaguid_text(aaguid: bytes) -> str:
    """An AAGUID as people write it."""
    return str(UUID(bytes=aaguid)) if len(aaguid) == len(NO_AAGUID) else aaguid.hex()
