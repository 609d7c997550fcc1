"""The trust domains whose workloads are believed: one's own and, by name, those it federates with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from zerotrust.core.ask import Ask
from zerotrust.core.errors import ConfigError
from zerotrust.pki.trust_bundle import TrustBundle
from zerotrust.wire.spiffe import TrustDomain


class TrustBundles:
    """Bundles by trust domain. Each speaks for its own trust domain alone, and they are never merged.

    Whom a partner federates with is the partner's business: nobody is believed who is not named here (SPIFFE
    Federation section 4.2, section 7.3).

    Args:
        own: the bundle of one's own trust domain.
        federated: those of others.

    Raises:
        ConfigError: two bundles for one trust domain, or something that is no bundle.
    """

    __slots__ = ("_by_name", "own")

    def __init__(self, own: TrustBundle, *, federated: Iterable[TrustBundle] = ()) -> None:
        given: list[object] = [own, *(federated if isinstance(federated, Iterable) else (None,))]
        bundles = [one for one in given if isinstance(one, TrustBundle)]
        if len(bundles) < len(given):
            if isinstance(federated, TrustBundle):
                raise ConfigError("TrustBundles(own, federated=...) takes a list: write federated=[TrustBundle(...)]")
            odd = next(one for one in given if not isinstance(one, TrustBundle))
            odd = odd if isinstance(federated, Iterable) or own is odd else federated
            raise ConfigError(
                'TrustBundles takes a TrustBundle("prod.example", pem), and of others a list, '
                f"federated=[TrustBundle(...)]; not {repr(odd)[:80]}"
            )
        self.own: TrustBundle = own
        self._by_name = {one.trust_domain.name: one for one in bundles}
        if len(self._by_name) < len(bundles):
            names = [one.trust_domain.name for one in bundles]
            twice = next(name for name in names if names.count(name) > 1)
            raise ConfigError(f"two bundles for {twice}; give one, with all of its authorities")

    def of(self, trust_domain: TrustDomain) -> TrustBundle | None:
        """The bundle of `trust_domain`; None if that is not trusted here."""
        return self._by_name.get(trust_domain.name)

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """What has to be asked for one of them."""
        return tuple(dict.fromkeys(kind for one in self for kind in one.needs))

    @property
    def names(self) -> str:
        """The trust domains, for people."""
        return " or ".join(self._by_name)

    def __iter__(self) -> Iterator[TrustBundle]:
        return iter(self._by_name.values())

    def __repr__(self) -> str:
        return f"TrustBundles({', '.join(self._by_name)})"


def as_bundles(what: str, given: object) -> TrustBundles:
    """`given` as bundles, one of a single trust domain included; else `ConfigError`."""
    if isinstance(given, TrustBundles):
        return given
    if isinstance(given, TrustBundle):
        return TrustBundles(given)
    raise ConfigError(
        f'{what} takes TrustBundle("prod.example", pem), or TrustBundles(own, federated=[...]), not {repr(given)[:80]}'
    )
