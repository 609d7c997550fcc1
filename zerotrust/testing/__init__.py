"""What the tests of an application need: an issuer and an authority with real keys, HTTP or none, an obedient clock."""

from zerotrust.testing.attesting import LocalAttestation
from zerotrust.testing.authenticator import LocalAuthenticator
from zerotrust.testing.authority import Issued, LocalAuthority
from zerotrust.testing.clock import Clock
from zerotrust.testing.delegation import act_chain
from zerotrust.testing.dpop import DPoPClient
from zerotrust.testing.facts import check_facts
from zerotrust.testing.introspection import IntrospectionSource
from zerotrust.testing.issuer import OMIT, LocalIssuer
from zerotrust.testing.keys import SigningKey
from zerotrust.testing.metadata import LocalMetadata, model_entry
from zerotrust.testing.peers import LocalPeers
from zerotrust.testing.server import LocalIssuerServer
from zerotrust.testing.source import IssuerSource
from zerotrust.testing.spiffe import LocalTrustDomain

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
    "check_facts",
    "model_entry",
]
