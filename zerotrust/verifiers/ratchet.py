"""A client that has shown that it can prove a key does not go back to tokens that anybody could use.

Kept in the space `binding` of a store: by client, that a token of its was presented with a proven key (`cnf`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable
from datetime import timedelta
from hashlib import blake2b
from typing import Any, ClassVar, Final

import attrs

from zerotrust.core.ask import Ask, Gather, Lookup, Put, ask
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import days, span_in_seconds
from zerotrust.core.reason import MISSING_CLAIM, WEAKER_BINDING, Reason
from zerotrust.verifiers.token_evidence import TokenEvidence

_SPACE: Final = "binding"
_MONTH: Final = days(30)
# Written for longer than promised, by this part of it: so each client is written about a few times in that time only.
_SPARE: Final = 0.25

_UNNAMED: Final = MISSING_CLAIM(expected="client_id", detail="a token that is bound to no key")
_WEAKER: Final = WEAKER_BINDING(expected="a token bound to a key (cnf), and its proof")


def _names(value: Collection[str]) -> frozenset[str]:
    listed: list[object] = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [None]
    names = [name for name in listed if isinstance(name, str) and name]
    if len(names) < len(listed):
        raise ConfigError(f'confidential takes a collection of client ids, such as {{"billing"}}, not {value!r}')
    return frozenset(names)


@attrs.frozen(eq=False, kw_only=True)
class BindingRatchet:
    """Refuses tokens that are bound to no key of whoever has presented bound ones. Needs a store.

    Of a client that does not authenticate itself to its issuer, an app or a page in a browser, anybody can have a bound
    token made out to themselves. If that counted for the whole client, any of its users could shut out all the others.
    So it counts for this client and this subject, unless the client is one of `confidential`.

    What is counted is proven: this is asked after every check of the token and its proof, except whether the proof or
    the token was used before. Who sends a proof again proves nothing that its maker had not shown.

    A token without `client_id` is refused unless it is bound; RFC 9068 section 2.2 demands one.

    Args:
        remember: how long after a client last proved a key its other tokens are refused; from a day to a year.
        confidential: client ids that only their owners get tokens with, at every issuer of the verifier: what one token
            of theirs shows counts for all.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    remember: timedelta = _MONTH
    confidential: frozenset[str] = attrs.field(default=frozenset(), converter=_names)
    _span: float = attrs.field(init=False, repr=False)

    needs: ClassVar[tuple[type[Ask[Any]], ...]] = (Lookup, Put)

    def __attrs_post_init__(self) -> None:
        span = span_in_seconds(self.remember, "remember", least=86400, most=366 * 86400)
        object.__setattr__(self, "_span", span)

    def check(self, evidence: TokenEvidence, now: float) -> Gather[Reason | None]:
        """Why the token's binding is too weak for its client; None if it is not. Asks one question.

        Args:
            evidence: what the token proves, its key proven where it has one.
            now: the moment of the request, POSIX seconds.

        Returns:
            `weaker_binding`, or `missing_claim` for an unbound token that does not name its client.
        """
        bound, client = "cnf" in evidence.claims, evidence.client_id
        if not client:
            return None if bound else _UNNAMED
        names = [evidence.source, client, *(() if client in self.confidential else (evidence.subject,))]
        key = blake2b(json.dumps(names).encode(), digest_size=32).digest()
        kept = yield from ask(Lookup(_SPACE, key, now))
        if not bound:
            return None if kept is None else _WEAKER
        if kept is None or not _until(kept) >= now + self._span:
            until = now + self._span * (1 + _SPARE)
            yield from ask(Put(_SPACE, key, repr(until).encode(), until, now))
        return None


def _until(kept: bytes) -> float:
    """Until when it is kept; long ago, so that it is written anew, if that is not what it says."""
    try:
        return float(kept)
    except ValueError:
        return -math.inf
