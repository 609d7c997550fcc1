"""Where a document may be fetched from: redirects and the list of hosts that are allowed."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urljoin

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import SOURCE_REFUSED, Reason
from zerotrust.wire.url import MAX_URL, OUTSIDE, Address, Hosts, parse_url


def follow(start: Address, location: str, hosts: Hosts | None = None) -> Address | Reason:
    """Where a redirect (RFC 9110 section 10.2.2) leads: to the very origin of `start`, or nowhere."""
    if not location or OUTSIDE.search(location) or len(location) > MAX_URL:
        return SOURCE_REFUSED(detail="a redirect to something that is no plain URL")
    try:
        there = parse_url(urljoin(str(start), location), hosts, plain=start.scheme == "http")
    except ValueError:
        return SOURCE_REFUSED(detail="a redirect to something that is no plain URL")
    if isinstance(there, Reason):
        return there
    if there.origin != start.origin:
        return SOURCE_REFUSED(
            expected=start.authority, presented=there.authority, detail="a redirect to another origin"
        )
    return there


def allowed_hosts(hosts: Collection[str] | None) -> Hosts | None:
    """The configured allow-list, checked: `host` for port 443, or `host:port`."""
    if hosts is None:
        return None
    if isinstance(hosts, str):
        raise ConfigError(f"hosts is one string, {hosts!r}; write hosts=[{hosts!r}]")
    read: set[tuple[str, int]] = set()
    for entry in hosts:
        address = parse_url(f"https://{entry}/")
        if isinstance(address, Reason) or address.target != "/":
            raise ConfigError(f"hosts: {entry!r} is not a host; write e.g. 'login.example.com' or 'localhost:8080'")
        read.add((address.host, address.port))
    if not read:
        raise ConfigError("hosts is empty, so nothing could be fetched; name hosts, or leave it out to allow any")
    return frozenset(read)
