"""RP ids and origins as they are configured: in the one spelling that browsers use, or refused with what to write."""

from __future__ import annotations

import re
from typing import Final

from zerotrust.core.errors import ConfigError

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_DOMAIN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
# RFC 6454 section 6.2: scheme and host in lower case, no default port, no path.
_ORIGIN: Final = re.compile(rf"(https?)://({_LABEL}(?:\.{_LABEL})*)(?::([1-9][0-9]{{0,4}}))?")
_ANDROID: Final = re.compile(r"android:apk-key-hash:[A-Za-z0-9_-]{43}")
_LOCALHOST: Final = "localhost"
_DEFAULT_PORTS: Final = {"https": "443", "http": "80"}
_MOST: Final = 253


def check_rp_id(value: object) -> str:
    """`value` if it can be an RP id (WebAuthn Level 3 section 4, RP ID): a domain in its ASCII form, in lower case.

    Raises:
        ConfigError: anything else, a URL or an address for example.
    """
    if not isinstance(value, str) or not value:
        raise ConfigError(f"the RP id is {value!r}: write the site's domain, e.g. 'example.com'")
    if "/" in value or ":" in value:
        raise ConfigError(f"the RP id is {value!r}: write the domain alone, e.g. 'example.com'; pages go into origins")
    if not value.isascii():
        raise ConfigError(f"the RP id is {value!r}: write it as browsers do, in its ASCII form (xn--...)")
    if value != value.lower():
        raise ConfigError(f"the RP id is {value!r}: write {value.lower()!r}, as browsers do")
    if _DOMAIN.fullmatch(value) is None or len(value) > _MOST:
        raise ConfigError(f"the RP id is {value!r}: that is no domain; write one like 'example.com'")
    if value.rsplit(".", 1)[-1].isdigit():
        raise ConfigError(f"the RP id is {value!r}: browsers take no address for one; write the site's domain")
    return value


def check_origin(what: str, value: object) -> str:
    """`value` if it is an origin as browsers write it: https, or http for localhost, or an Android app.

    Args:
        what: where it was given.
        value: what was given.

    Raises:
        ConfigError: anything else.
    """
    if not isinstance(value, str):
        raise ConfigError(f"{what} has {value!r}: write pages like 'https://example.com'")
    if _ANDROID.fullmatch(value):
        return value
    if not value.isascii() or value != value.lower():
        spelled = "in lower case" if value.isascii() else "in its ASCII form (xn--...)"
        raise ConfigError(f"{what} has {value!r}: write the host {spelled}, as browsers do")
    parts = _ORIGIN.fullmatch(value)
    if parts is None:
        raise ConfigError(f"{what} has {value!r}: write scheme, host and port alone, as in 'https://shop.example.com'")
    scheme, host, port = parts[1], parts[2], parts[3]
    if port is not None and (port == _DEFAULT_PORTS[scheme] or int(port) > 65535):
        raise ConfigError(f"{what} has {value!r}: write {scheme}://{host}, or another port")
    if scheme == "http" and not within(host, _LOCALHOST):
        raise ConfigError(f"{what} has {value!r}: passkeys need https; http is for localhost alone")
    return value


def host_of(origin: str) -> str | None:
    """The host of an origin that `check_origin` took; None for an app."""
    parts = _ORIGIN.fullmatch(origin)
    return None if parts is None else parts[2]


def within(host: str, domain: str) -> bool:
    """Whether `host` is `domain` or below it."""
    return host == domain or host.endswith(f".{domain}")
