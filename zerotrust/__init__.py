"""Zero-trust checks that explain themselves: verifiers turn credentials into evidence, policies decide over it.

    token = Bearer(Issuer("https://login.example.com"), audience="payments")
    can_pay = (token.scope("pay") & token.fresh(within=minutes(5))).named("can pay")
    decision = decide(can_pay, request, sources)

Names are loaded when first used, so that `import zerotrust` costs a program only what it needs. The doors to
frameworks are imported by path: `from zerotrust.fastapi import Guard`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from zerotrust.core.combining import PolicySet as PolicySet
    from zerotrust.core.combining import deny_overrides as deny_overrides
    from zerotrust.core.combining import deny_unless_permit as deny_unless_permit
    from zerotrust.core.combining import first_applicable as first_applicable
    from zerotrust.core.combining import forbid as forbid
    from zerotrust.core.combining import permit as permit
    from zerotrust.core.combining import permit_overrides as permit_overrides
    from zerotrust.core.combining import permit_unless_deny as permit_unless_deny
    from zerotrust.core.decision import Allow as Allow
    from zerotrust.core.decision import Challenge as Challenge
    from zerotrust.core.decision import Decision as Decision
    from zerotrust.core.decision import Deny as Deny
    from zerotrust.core.errors import ConfigError as ConfigError
    from zerotrust.core.errors import Denied as Denied
    from zerotrust.core.errors import PolicyError as PolicyError
    from zerotrust.core.errors import ZeroTrustError as ZeroTrustError
    from zerotrust.core.evidence import Evidence as Evidence
    from zerotrust.core.explain import Explanation as Explanation
    from zerotrust.core.facts import Attribute as Attribute
    from zerotrust.core.finding import Absent as Absent
    from zerotrust.core.finding import Finding as Finding
    from zerotrust.core.finding import Rejected as Rejected
    from zerotrust.core.finding import Unavailable as Unavailable
    from zerotrust.core.finding import Unspent as Unspent
    from zerotrust.core.finding import Verified as Verified
    from zerotrust.core.moments import days as days
    from zerotrust.core.moments import hours as hours
    from zerotrust.core.moments import minutes as minutes
    from zerotrust.core.moments import seconds as seconds
    from zerotrust.core.peer import Peer as Peer
    from zerotrust.core.policy import Policy as Policy
    from zerotrust.core.policy import all_of as all_of
    from zerotrust.core.policy import any_of as any_of
    from zerotrust.core.policy import anyone as anyone
    from zerotrust.core.policy import at_least as at_least
    from zerotrust.core.policy import not_presented as not_presented
    from zerotrust.core.policy import unavailable as unavailable
    from zerotrust.core.reason import Reason as Reason
    from zerotrust.core.remedy import Action as Action
    from zerotrust.core.remedy import Remedy as Remedy
    from zerotrust.core.remedy import Step as Step
    from zerotrust.core.request import AccessRequest as AccessRequest
    from zerotrust.core.requirement import when as when
    from zerotrust.core.verdict import Verdict as Verdict
    from zerotrust.core.verifier import Question as Question
    from zerotrust.core.verifier import Verifier as Verifier
    from zerotrust.core.ways import Unlock as Unlock
    from zerotrust.core.ways import UnlockStep as UnlockStep
    from zerotrust.core.ways import Way as Way
    from zerotrust.documents.fingerprint import fingerprint as fingerprint
    from zerotrust.documents.html import to_html as to_html
    from zerotrust.documents.mermaid import to_mermaid as to_mermaid
    from zerotrust.documents.reading import from_json as from_json
    from zerotrust.documents.reading import load_policy as load_policy
    from zerotrust.documents.schema import json_schema as json_schema
    from zerotrust.documents.writing import to_json as to_json
    from zerotrust.driver import Budget as Budget
    from zerotrust.driver import Sources as Sources
    from zerotrust.engine import decide as decide
    from zerotrust.engine import decide_async as decide_async
    from zerotrust.engine import judge as judge
    from zerotrust.factors.account import Account as Account
    from zerotrust.factors.attestation.known_roots import known_anchors as known_anchors
    from zerotrust.factors.authenticators import AuthenticatorPolicy as AuthenticatorPolicy
    from zerotrust.factors.metadata import Metadata as Metadata
    from zerotrust.factors.proof import Proof as Proof
    from zerotrust.factors.relying_party import RelyingParty as RelyingParty
    from zerotrust.factors.throttle import Throttle as Throttle
    from zerotrust.pki.anchors import Anchors as Anchors
    from zerotrust.pki.crls import Crls as Crls
    from zerotrust.pki.ocsp import Ocsp as Ocsp
    from zerotrust.pki.revocation_strictness import FirstOf as FirstOf
    from zerotrust.pki.revocation_strictness import LeafOnly as LeafOnly
    from zerotrust.pki.revocation_strictness import NoRevocation as NoRevocation
    from zerotrust.pki.revocation_strictness import UnsafeSoftFail as UnsafeSoftFail
    from zerotrust.pki.short_lived import ShortLived as ShortLived
    from zerotrust.pki.trust_bundle import TrustBundle as TrustBundle
    from zerotrust.pki.trust_bundles import TrustBundles as TrustBundles
    from zerotrust.segments.rows import Flow as Flow
    from zerotrust.segments.table import Segments as Segments
    from zerotrust.sessions.cookie import SessionCookie as SessionCookie
    from zerotrust.sessions.device import DeviceCookie as DeviceCookie
    from zerotrust.sessions.framework import FrameworkSession as FrameworkSession
    from zerotrust.sessions.kept import KeptSessions as KeptSessions
    from zerotrust.sessions.sealed import SealedSessions as SealedSessions
    from zerotrust.stores.bundle_file import BundleFile as BundleFile
    from zerotrust.stores.crl_file import CrlFile as CrlFile
    from zerotrust.verifiers.approval import Approval as Approval
    from zerotrust.verifiers.approval_record import ApprovalRecord as ApprovalRecord
    from zerotrust.verifiers.approval_record import check_record as check_record
    from zerotrust.verifiers.assurance import aal2 as aal2
    from zerotrust.verifiers.assurance import aal3 as aal3
    from zerotrust.verifiers.bearer import Bearer as Bearer
    from zerotrust.verifiers.client_authentication import ClientSecret as ClientSecret
    from zerotrust.verifiers.client_authentication import PrivateKeyJwt as PrivateKeyJwt
    from zerotrust.verifiers.client_authentication import TlsClient as TlsClient
    from zerotrust.verifiers.device_certificate import DeviceCertificate as DeviceCertificate
    from zerotrust.verifiers.dpop import DPoP as DPoP
    from zerotrust.verifiers.hotp import Hotp as Hotp
    from zerotrust.verifiers.introspection import Introspection as Introspection
    from zerotrust.verifiers.issuer import Issuer as Issuer
    from zerotrust.verifiers.jwt_svid import JwtSvid as JwtSvid
    from zerotrust.verifiers.logout import BackChannelLogout as BackChannelLogout
    from zerotrust.verifiers.network import Network as Network
    from zerotrust.verifiers.nonces import Nonces as Nonces
    from zerotrust.verifiers.passkey import Passkey as Passkey
    from zerotrust.verifiers.peer_certificate import PeerCertificate as PeerCertificate
    from zerotrust.verifiers.profile import Profile as Profile
    from zerotrust.verifiers.ratchet import BindingRatchet as BindingRatchet
    from zerotrust.verifiers.recovery_codes import RecoveryCodes as RecoveryCodes
    from zerotrust.verifiers.request import request as request
    from zerotrust.verifiers.resource import Resource as Resource
    from zerotrust.verifiers.revocation import Revocation as Revocation
    from zerotrust.verifiers.roles import Roles as Roles
    from zerotrust.verifiers.session import Session as Session
    from zerotrust.verifiers.token_evidence import TokenEvidence as TokenEvidence
    from zerotrust.verifiers.totp import Totp as Totp
    from zerotrust.web.ambient import current_access as current_access
    from zerotrust.web.authorize import authorization_url as authorization_url
    from zerotrust.web.ceremonies import Ceremonies as Ceremonies
    from zerotrust.web.peers import FromHops as FromHops
    from zerotrust.web.peers import Hop as Hop
    from zerotrust.web.peers import HopCertificate as HopCertificate
    from zerotrust.web.peers import HopSecret as HopSecret
    from zerotrust.web.peers import TlsPeer as TlsPeer
    from zerotrust.web.resource import ProtectedResource as ProtectedResource
    from zerotrust.web.rules import Rules as Rules
    from zerotrust.wire.spiffe import SpiffeId as SpiffeId
    from zerotrust.wire.spiffe import TrustDomain as TrustDomain

__version__ = "0.1.0"

# Where each name lives; the imports above say the same to type checkers, and a test compares the two.
_HOMES: Final = {
    "core.combining": (
        "PolicySet",
        "deny_overrides",
        "deny_unless_permit",
        "first_applicable",
        "forbid",
        "permit",
        "permit_overrides",
        "permit_unless_deny",
    ),
    "core.decision": ("Allow", "Challenge", "Decision", "Deny"),
    "core.errors": ("ConfigError", "Denied", "PolicyError", "ZeroTrustError"),
    "core.evidence": ("Evidence",),
    "core.explain": ("Explanation",),
    "core.facts": ("Attribute",),
    "core.finding": ("Absent", "Finding", "Rejected", "Unavailable", "Unspent", "Verified"),
    "core.moments": ("days", "hours", "minutes", "seconds"),
    "core.peer": ("Peer",),
    "core.policy": ("Policy", "all_of", "any_of", "anyone", "at_least", "not_presented", "unavailable"),
    "core.reason": ("Reason",),
    "core.remedy": ("Action", "Remedy", "Step"),
    "core.request": ("AccessRequest",),
    "core.requirement": ("when",),
    "core.verdict": ("Verdict",),
    "core.verifier": ("Question", "Verifier"),
    "core.ways": ("Unlock", "UnlockStep", "Way"),
    "documents.fingerprint": ("fingerprint",),
    "documents.html": ("to_html",),
    "documents.mermaid": ("to_mermaid",),
    "documents.reading": ("from_json", "load_policy"),
    "documents.schema": ("json_schema",),
    "documents.writing": ("to_json",),
    "driver": ("Budget", "Sources"),
    "engine": ("decide", "decide_async", "judge"),
    "factors.account": ("Account",),
    "factors.attestation.known_roots": ("known_anchors",),
    "factors.authenticators": ("AuthenticatorPolicy",),
    "factors.metadata": ("Metadata",),
    "factors.proof": ("Proof",),
    "factors.relying_party": ("RelyingParty",),
    "factors.throttle": ("Throttle",),
    "pki.anchors": ("Anchors",),
    "pki.crls": ("Crls",),
    "pki.ocsp": ("Ocsp",),
    "pki.revocation_strictness": ("FirstOf", "LeafOnly", "NoRevocation", "UnsafeSoftFail"),
    "pki.short_lived": ("ShortLived",),
    "pki.trust_bundle": ("TrustBundle",),
    "pki.trust_bundles": ("TrustBundles",),
    "segments.rows": ("Flow",),
    "segments.table": ("Segments",),
    "sessions.cookie": ("SessionCookie",),
    "sessions.device": ("DeviceCookie",),
    "sessions.framework": ("FrameworkSession",),
    "sessions.kept": ("KeptSessions",),
    "sessions.sealed": ("SealedSessions",),
    "stores.bundle_file": ("BundleFile",),
    "stores.crl_file": ("CrlFile",),
    "verifiers.approval": ("Approval",),
    "verifiers.approval_record": ("ApprovalRecord", "check_record"),
    "verifiers.assurance": ("aal2", "aal3"),
    "verifiers.bearer": ("Bearer",),
    "verifiers.client_authentication": ("ClientSecret", "PrivateKeyJwt", "TlsClient"),
    "verifiers.device_certificate": ("DeviceCertificate",),
    "verifiers.dpop": ("DPoP",),
    "verifiers.hotp": ("Hotp",),
    "verifiers.introspection": ("Introspection",),
    "verifiers.issuer": ("Issuer",),
    "verifiers.jwt_svid": ("JwtSvid",),
    "verifiers.logout": ("BackChannelLogout",),
    "verifiers.network": ("Network",),
    "verifiers.nonces": ("Nonces",),
    "verifiers.passkey": ("Passkey",),
    "verifiers.peer_certificate": ("PeerCertificate",),
    "verifiers.profile": ("Profile",),
    "verifiers.ratchet": ("BindingRatchet",),
    "verifiers.recovery_codes": ("RecoveryCodes",),
    "verifiers.request": ("request",),
    "verifiers.resource": ("Resource",),
    "verifiers.revocation": ("Revocation",),
    "verifiers.roles": ("Roles",),
    "verifiers.session": ("Session",),
    "verifiers.token_evidence": ("TokenEvidence",),
    "verifiers.totp": ("Totp",),
    "web.ambient": ("current_access",),
    "web.authorize": ("authorization_url",),
    "web.ceremonies": ("Ceremonies",),
    "web.peers": ("FromHops", "Hop", "HopCertificate", "HopSecret", "TlsPeer"),
    "web.resource": ("ProtectedResource",),
    "web.rules": ("Rules",),
    "wire.spiffe": ("SpiffeId", "TrustDomain"),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Absent",
    "AccessRequest",
    "Account",
    "Action",
    "Allow",
    "Anchors",
    "Approval",
    "ApprovalRecord",
    "Attribute",
    "AuthenticatorPolicy",
    "BackChannelLogout",
    "Bearer",
    "BindingRatchet",
    "Budget",
    "BundleFile",
    "Ceremonies",
    "Challenge",
    "ClientSecret",
    "ConfigError",
    "CrlFile",
    "Crls",
    "DPoP",
    "Decision",
    "Denied",
    "Deny",
    "DeviceCertificate",
    "DeviceCookie",
    "Evidence",
    "Explanation",
    "Finding",
    "FirstOf",
    "Flow",
    "FrameworkSession",
    "FromHops",
    "Hop",
    "HopCertificate",
    "HopSecret",
    "Hotp",
    "Introspection",
    "Issuer",
    "JwtSvid",
    "KeptSessions",
    "LeafOnly",
    "Metadata",
    "Network",
    "NoRevocation",
    "Nonces",
    "Ocsp",
    "Passkey",
    "Peer",
    "PeerCertificate",
    "Policy",
    "PolicyError",
    "PolicySet",
    "PrivateKeyJwt",
    "Profile",
    "Proof",
    "ProtectedResource",
    "Question",
    "Reason",
    "RecoveryCodes",
    "Rejected",
    "RelyingParty",
    "Remedy",
    "Resource",
    "Revocation",
    "Roles",
    "Rules",
    "SealedSessions",
    "Segments",
    "Session",
    "SessionCookie",
    "ShortLived",
    "Sources",
    "SpiffeId",
    "Step",
    "Throttle",
    "TlsClient",
    "TlsPeer",
    "TokenEvidence",
    "Totp",
    "TrustBundle",
    "TrustBundles",
    "TrustDomain",
    "Unavailable",
    "Unlock",
    "UnlockStep",
    "UnsafeSoftFail",
    "Unspent",
    "Verdict",
    "Verified",
    "Verifier",
    "Way",
    "ZeroTrustError",
    "aal2",
    "aal3",
    "all_of",
    "any_of",
    "anyone",
    "at_least",
    "authorization_url",
    "check_record",
    "current_access",
    "days",
    "decide",
    "decide_async",
    "deny_overrides",
    "deny_unless_permit",
    "fingerprint",
    "first_applicable",
    "forbid",
    "from_json",
    "hours",
    "json_schema",
    "judge",
    "known_anchors",
    "load_policy",
    "minutes",
    "not_presented",
    "permit",
    "permit_overrides",
    "permit_unless_deny",
    "request",
    "seconds",
    "to_html",
    "to_json",
    "to_mermaid",
    "unavailable",
    "when",
]


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        from zerotrust.core.elsewhere import missing

        raise missing(name, __all__)
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
