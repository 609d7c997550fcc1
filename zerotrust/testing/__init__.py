"""What the tests of an application need: an issuer and an authority with real keys, HTTP or none, an obedient clock.

Names are loaded when first used: pytest looks into this package wherever zerotrust is installed, for the plugin.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from zerotrust.testing.attesting import LocalAttestation as LocalAttestation
    from zerotrust.testing.authenticator import LocalAuthenticator as LocalAuthenticator
    from zerotrust.testing.authority import Issued as Issued
    from zerotrust.testing.authority import LocalAuthority as LocalAuthority
    from zerotrust.testing.clock import Clock as Clock
    from zerotrust.testing.delegation import act_chain as act_chain
    from zerotrust.testing.dpop import DPoPClient as DPoPClient
    from zerotrust.testing.facts import check_facts as check_facts
    from zerotrust.testing.guarded import assert_guarded as assert_guarded
    from zerotrust.testing.introspection import IntrospectionSource as IntrospectionSource
    from zerotrust.testing.issuer import OMIT as OMIT
    from zerotrust.testing.issuer import LocalIssuer as LocalIssuer
    from zerotrust.testing.keys import SigningKey as SigningKey
    from zerotrust.testing.metadata import LocalMetadata as LocalMetadata
    from zerotrust.testing.metadata import model_entry as model_entry
    from zerotrust.testing.peers import LocalPeers as LocalPeers
    from zerotrust.testing.server import LocalIssuerServer as LocalIssuerServer
    from zerotrust.testing.source import IssuerSource as IssuerSource
    from zerotrust.testing.spiffe import LocalTrustDomain as LocalTrustDomain

# Where each name lives; the imports above say the same to type checkers, and a test compares the two.
_HOMES: Final = {
    "attesting": ("LocalAttestation",),
    "authenticator": ("LocalAuthenticator",),
    "authority": ("Issued", "LocalAuthority"),
    "clock": ("Clock",),
    "delegation": ("act_chain",),
    "dpop": ("DPoPClient",),
    "facts": ("check_facts",),
    "guarded": ("assert_guarded",),
    "introspection": ("IntrospectionSource",),
    "issuer": ("OMIT", "LocalIssuer"),
    "keys": ("SigningKey",),
    "metadata": ("LocalMetadata", "model_entry"),
    "peers": ("LocalPeers",),
    "server": ("LocalIssuerServer",),
    "source": ("IssuerSource",),
    "spiffe": ("LocalTrustDomain",),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "OMIT",
    "Clock",
    "DPoPClient",
    "IntrospectionSource",
    "Issued",
    "IssuerSource",
    "LocalAttestation",
    "LocalAuthenticator",
    "LocalAuthority",
    "LocalIssuer",
    "LocalIssuerServer",
    "LocalMetadata",
    "LocalPeers",
    "LocalTrustDomain",
    "SigningKey",
    "act_chain",
    "assert_guarded",
    "check_facts",
    "model_entry",
]


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
