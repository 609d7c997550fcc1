"""What the tests of an application need: an issuer with real keys, with or without HTTP, and a clock that obeys."""

from zerotrust.testing.clock import Clock
from zerotrust.testing.delegation import act_chain
from zerotrust.testing.dpop import DPoPClient
from zerotrust.testing.introspection import IntrospectionSource
from zerotrust.testing.issuer import OMIT, LocalIssuer
from zerotrust.testing.keys import SigningKey
from zerotrust.testing.server import LocalIssuerServer
from zerotrust.testing.source import IssuerSource

__all__ = [
    "OMIT",
    "Clock",
    "DPoPClient",
    "IntrospectionSource",
    "IssuerSource",
    "LocalIssuer",
    "LocalIssuerServer",
    "SigningKey",
    "act_chain",
]
