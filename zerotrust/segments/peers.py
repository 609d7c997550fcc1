"""Which peers a flow is for: one SPIFFE id, all below a path or in a trust domain, or every peer that has an id."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.wire.spiffe import SpiffeId, parse_spiffe_id

_BELOW: Final = "/**"
_EVERYBODY: Final = "spiffe:/"  # what the text of every id begins with, up to a slash


@dataclass(frozen=True, slots=True)
class PeerSelector:
    """A selector of peers by their SPIFFE ids.

    Args:
        text: `spiffe://prod.example/web` for one id; `spiffe://prod.example/ns/shop/**` for all ids below a path,
            segment by segment, without that one itself; `spiffe://prod.example/**` for a trust domain; `*` for every
            peer that has an id, of whatever trust domain the verifier believes.

    Raises:
        ConfigError: it is none of these.
    """

    text: str
    _prefix: str | None = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        text: object = self.text
        if isinstance(text, SpiffeId):
            object.__setattr__(self, "text", text.text)
        elif not isinstance(text, str):
            raise ConfigError(f"a peer is {text!r}: {_ADVICE}")
        if self.text == "*":
            object.__setattr__(self, "_prefix", _EVERYBODY)
            return
        base = self.text.removesuffix(_BELOW)
        id_or_not = parse_spiffe_id(base)
        if isinstance(id_or_not, Reason):
            raise ConfigError(f"a peer is {self.text!r}: {id_or_not}. {_ADVICE}")
        if base == self.text and not id_or_not.path:
            raise ConfigError(f"a peer is {self.text!r}, which no workload is called. {_ADVICE}")
        object.__setattr__(self, "_prefix", None if base == self.text else base)

    @property
    def exact(self) -> bool:
        """Whether it is one id."""
        return self._prefix is None

    @property
    def prefix(self) -> str | None:
        """What the ids begin with that it selects, up to but without a slash; None for one id."""
        return self._prefix

    @property
    def trust_domain(self) -> str | None:
        """The trust domain of those it selects; None if that may be any."""
        return None if self.text == "*" else self.text[len("spiffe://") :].partition("/")[0]

    @property
    def path(self) -> str:
        """What follows the trust domain, without the `/**`; empty for a whole trust domain, and for everybody."""
        _, slash, path = self.text.removesuffix(_BELOW)[len("spiffe://") :].partition("/")
        return slash + path

    def matches(self, peer: str) -> bool:
        """Whether it selects the peer with this SPIFFE id."""
        return peer == self.text if self._prefix is None else peer.startswith(f"{self._prefix}/")

    def covers(self, other: PeerSelector) -> bool:
        """Whether it selects everybody whom `other` selects. If neither does, the two have nobody in common."""
        if other._prefix is None or self._prefix is None:
            return other._prefix is None and self.matches(other.text)
        return other._prefix == self._prefix or other._prefix.startswith(f"{self._prefix}/")

    def __str__(self) -> str:
        return self.text


_ADVICE: Final = (
    'Write one id, "spiffe://prod.example/web", all below a path, "spiffe://prod.example/ns/shop/**", a trust domain, '
    '"spiffe://prod.example/**", or "*" for every peer with an id'
)
