"""What all doors of the ceremonies have in common: what they are given, and what they log."""

from __future__ import annotations

import logging
from typing import Literal

from zerotrust.core.errors import ConfigError
from zerotrust.core.text import visible
from zerotrust.driver import Sources, check_sources
from zerotrust.web.answer import Answer
from zerotrust.web.ceremonies.ceremonies import NEEDS, Ceremonies
from zerotrust.web.ceremonies.telling import LOG
from zerotrust.web.fault import raised_at
from zerotrust.web.peers import Peers
from zerotrust.web.wired import check_peers, check_policy, check_secrets


def check_door(
    ceremonies: object, sources: object, peers: object, style: Literal["blocking", "async"]
) -> tuple[Ceremonies, Sources, Peers | None]:
    """What a door is given, if it can serve with it; else a `ConfigError` with what was seen and what to write."""
    if not isinstance(ceremonies, Ceremonies):
        raise ConfigError(f"ceremonies takes Ceremonies(session, passkey, ...), not {ceremonies!r}")
    answering = check_sources(sources).require(style)
    for kind in NEEDS:
        if not answering.answers(kind):
            raise ConfigError(
                f"ceremonies: no source answers {kind.__name__}; write sources=Sources(..., store) with a store "
                "such as RedisStore(url), PostgresStore(url) or SqliteStore(path), or its async twin"
            )
    check_secrets(ceremonies.setup, "ceremonies", answering)
    resolver = check_peers(peers)
    for policy in ceremonies.policies:
        check_policy(policy, "ceremonies", answering, resolver, style=style)
    return ceremonies, answering, resolver


def tell(answer: Answer) -> None:
    """Log one answer: its status and code, nothing that was sent."""
    LOG.log(logging.INFO if answer.status < 500 else logging.WARNING, "ceremony: %d %s", answer.status, answer.code)


def tell_failure(error: Exception) -> None:
    """Log that a ceremony failed, and where; with the message only if it is ours, since others may quote a caller."""
    where, module = raised_at(error)
    kind = type(error).__qualname__
    if type(error) is ConfigError and module.startswith("zerotrust."):
        kind += f" ({visible(error)})"
    LOG.error("a ceremony failed: %s at %s", kind, where)
