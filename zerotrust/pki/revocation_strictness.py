"""How much has to be known about revocation: several ways to tell, and ways to ask for less, which are named."""

from __future__ import annotations

from typing import Any, Final

from zerotrust.core.ask import Ask, Gather
from zerotrust.core.errors import ConfigError
from zerotrust.core.peer import Peer
from zerotrust.core.reason import NO_SOURCE, REVOCATION_UNKNOWN, TOO_LONG_LIVED, Reason
from zerotrust.pki.chain import Path
from zerotrust.pki.revocation import CertificateRevocation

_MOST_WAYS: Final = 4

# What says that this way cannot tell. The first of them that comes up among several ways is why none of them can: where
# one may be able to later, to try again helps; where somebody else could tell, to live briefly is no demand.
_CANNOT_TELL: Final = (REVOCATION_UNKNOWN, NO_SOURCE, TOO_LONG_LIVED)
_SOFT: Final = (REVOCATION_UNKNOWN, NO_SOURCE)


class FirstOf(CertificateRevocation):
    """Several ways to tell, in order: of each certificate the first that can tell it counts, the others are not asked.

    Args:
        ways: two to four, such as `Ocsp(url)` and `Crls(...)`.

    Raises:
        ConfigError: fewer or more, or something else.
    """

    __slots__ = ("ways",)

    def __init__(self, *ways: CertificateRevocation) -> None:
        self.ways: tuple[CertificateRevocation, ...] = tuple(_way("FirstOf", way) for way in ways)
        if not 2 <= len(ways) <= _MOST_WAYS:
            raise ConfigError(
                f"FirstOf takes two to {_MOST_WAYS} ways to tell, not {len(ways)}: FirstOf(Ocsp(url), Crls(...))"
            )

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """What any of them asks."""
        return tuple(dict.fromkeys(kind for way in self.ways for kind in way.needs))

    def status(self, path: Path, place: int, peer: Peer, now: float) -> Gather[Reason | None]:
        """What the first says that can tell; where none can, why not, of each: unknown if one of them may later."""
        whys: list[Reason] = []
        for way in self.ways:
            refused = yield from way.status(path, place, peer, now)
            if refused is None or refused.kind not in _CANNOT_TELL:
                return refused
            whys.append(refused)
        first = min(whys, key=lambda why: _CANNOT_TELL.index(why.kind))
        return first.kind(
            expected=first.expected, presented=first.presented, detail="; ".join(why.detail for why in whys)
        )

    def __repr__(self) -> str:
        return f"FirstOf({', '.join(map(repr, self.ways))})"


class LeafOnly(CertificateRevocation):
    """Asks about the peer's own certificate alone: an authority that was revoked is not noticed.

    Args:
        way: what tells it of the leaf.
        because: why that is good enough here, for whoever reads the configuration.

    Raises:
        ConfigError: no reason is given, or `way` is no way to tell.
    """

    __slots__ = ("because", "way")

    def __init__(self, way: CertificateRevocation, *, because: str) -> None:
        self.way: CertificateRevocation = _way("LeafOnly", way)
        self.because: str = _because("LeafOnly", because)

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """What it asks about the leaf."""
        return self.way.needs

    def status(self, path: Path, place: int, peer: Peer, now: float) -> Gather[Reason | None]:
        """Nothing, but of the leaf."""
        if place:
            return None
        return (yield from self.way.status(path, place, peer, now))

    def __repr__(self) -> str:
        return f"LeafOnly({self.way!r}, because={self.because!r})"


class UnsafeSoftFail(CertificateRevocation):
    """Lets in where it cannot be told whether a certificate was revoked: who holds back the answer decides then.

    What is known to be revoked is refused all the same, also by a list that is out of date. So is what lives too long
    for a `ShortLived` that stands alone: that is a rule which the certificate breaks, not an answer that is missing.

    Args:
        way: what tells it, if it can.
        because: why that is good enough here, for whoever reads the configuration.

    Raises:
        ConfigError: no reason is given, or `way` is no way to tell.
    """

    __slots__ = ("because", "way")

    def __init__(self, way: CertificateRevocation, *, because: str) -> None:
        self.way: CertificateRevocation = _way("UnsafeSoftFail", way)
        self.because: str = _because("UnsafeSoftFail", because)

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """What it asks; without a source for it, it would never know anything, which is not what soft means."""
        return self.way.needs

    def status(self, path: Path, place: int, peer: Peer, now: float) -> Gather[Reason | None]:
        """What is known against it; nothing where it cannot be told."""
        refused = yield from self.way.status(path, place, peer, now)
        return None if refused is not None and refused.kind in _SOFT else refused

    def __repr__(self) -> str:
        return f"UnsafeSoftFail({self.way!r}, because={self.because!r})"


class NoRevocation(CertificateRevocation):
    """Asks nobody: a certificate is good until it expires.

    Args:
        because: why that is good enough here, for whoever reads the configuration.

    Raises:
        ConfigError: no reason is given.
    """

    __slots__ = ("because",)

    def __init__(self, *, because: str) -> None:
        self.because: str = _because("NoRevocation", because)

    def is_clear(self, path: Path, now: float) -> bool:
        """Every path is."""
        return True

    def status(self, path: Path, place: int, peer: Peer, now: float) -> Gather[Reason | None]:
        """Nothing."""
        yield from ()
        return None

    def __repr__(self) -> str:
        return f"NoRevocation(because={self.because!r})"


def check_revocation(what: str, given: object) -> CertificateRevocation:
    """`given` if it is a way to tell what is revoked; else a `ConfigError` that says what `what` takes.

    For verifiers: their `revocation=` has no default, so that nobody goes without it unawares.
    """
    if isinstance(given, CertificateRevocation):
        return given
    name = given.__name__ if isinstance(given, type) else type(given).__name__
    raise ConfigError(
        f"{what} takes revocation=Crls(...), Ocsp(url), ShortLived(hours(24)) or, where there is none, "
        f'revocation=NoRevocation(because="..."); not {name}'
    )


def _way(what: str, given: object) -> CertificateRevocation:
    if isinstance(given, CertificateRevocation):
        return given
    raise ConfigError(f"{what} takes ways to tell what is revoked, such as Crls(...); not {type(given).__name__}")


def _because(what: str, given: object) -> str:
    if isinstance(given, str) and given.strip():
        return given
    raise ConfigError(f'{what} needs a reason in words: because="the CA publishes no lists and issues for a day"')
