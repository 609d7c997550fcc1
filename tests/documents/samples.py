"""Verifiers of every kind, a leaf of every kind for each, and policies made of them."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from inspect import isabstract
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

import zerotrust.providers
import zerotrust.verifiers
from zerotrust.core.combining import (
    Item,
    PolicySet,
    deny_overrides,
    deny_unless_permit,
    first_applicable,
    forbid,
    permit,
    permit_overrides,
    permit_unless_deny,
)
from zerotrust.core.errors import PolicyError
from zerotrust.core.moments import days, hours, minutes
from zerotrust.core.policy import Leaf, Policy, all_of, any_of, anyone, at_least, not_presented, unavailable
from zerotrust.core.requirement import when
from zerotrust.core.verifier import Question
from zerotrust.documents.leaves import Offered
from zerotrust.factors.authenticators import AuthenticatorPolicy
from zerotrust.factors.relying_party import RelyingParty
from zerotrust.pki.anchors import Anchors
from zerotrust.pki.short_lived import ShortLived
from zerotrust.pki.trust_bundle import TrustBundle
from zerotrust.providers.google_iap import access_level, google_iap
from zerotrust.providers.zscaler import zscaler_private_access
from zerotrust.segments import Flow, Segments
from zerotrust.testing.authority import LocalAuthority
from zerotrust.verifiers.approval import Approval
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.device_certificate import DeviceCertificate
from zerotrust.verifiers.device_identifier import san_uri
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.jwt_svid import JwtSvid
from zerotrust.verifiers.key_attestation import AD_CS_EK_LISTED, KeyAttestation
from zerotrust.verifiers.network import Network
from zerotrust.verifiers.passkey import Passkey
from zerotrust.verifiers.peer_certificate import PeerCertificate
from zerotrust.verifiers.profile import Dialect, Profile
from zerotrust.verifiers.request import request
from zerotrust.verifiers.resource import Resource, verifier_of
from zerotrust.verifiers.roles import Roles
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.totp import Totp

HTTPS, OTHER = "https://login.example.com", "https://other.example"
PIN = "ab" * 32
_JWT_BUNDLE = """{"keys": [{"use": "jwt-svid", "kid": "prod-1", "kty": "EC", "crv": "P-256",
  "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}"""

_AUTHORITY = LocalAuthority("Samples", now=1_800_000_000.0)
_ANCHORS = Anchors.from_pem(_AUTHORITY.pem)


def is_finance(evidence: object) -> bool:
    return True


def is_staff(evidence: object) -> bool:
    return False


def held_by(issuer: str, sub: str) -> frozenset[str]:
    return frozenset({sub})


token = Bearer(
    Issuer(HTTPS, profile=Profile(ladder=("low", "high"), dialect=Dialect.ENTRA, silent=frozenset({"acr"}))),
    audience="payments",
)
several = Bearer(Issuer(HTTPS), Issuer(OTHER), audience="payments", name="several", roles="groups_of_roles")
iap = Bearer(google_iap(), audience="/projects/1/apps/shop", name="iap")
session = Session(of=token)
passkey = Passkey(
    RelyingParty(
        "example.com",
        name="Example",
        origins=["https://shop.example.com"],
        authenticators=AuthenticatorPolicy(anchors=_ANCHORS),
    ),
    of=session,
    secret=b"a secret of thirty-two bytes....",
)
totp = Totp("Example", of=session)
approval = Approval(passkey, fields=("amount",), within=minutes(5))
peer = PeerCertificate(TrustBundle("prod.example", _AUTHORITY.pem), revocation=ShortLived())
device = DeviceCertificate(
    _ANCHORS,
    device_id=san_uri(prefix="urn:example:device:"),
    revocation=ShortLived(),
    attestation=KeyAttestation(hardware=[AD_CS_EK_LISTED]),
)
svid = JwtSvid(TrustBundle("prod.example", _JWT_BUNDLE), audience="spiffe://prod.example/payments")
zpa = zscaler_private_access(["10.1.2.0/28"])
network = Network(country=lambda address: "DE")
flows = Segments([Flow("spiffe://prod.example/web", "ledger", "GET", "/accounts")], service="ledger").flows_of(peer)


@dataclass
class Invoice:
    owner: str | None
    creator: str
    tenant: str
    client: str
    amount: Decimal
    number: UUID
    labels: list[str]
    open: bool


invoice = Resource(Invoice)
roles = Roles(token, {"admin": ["editor"], "editor": ["viewer"]})

VERIFIERS: list[Offered] = [
    token,
    several,
    iap,
    session,
    passkey,
    totp,
    approval,
    peer,
    device,
    svid,
    zpa,
    network,
    request,
    flows,
    roles,
    invoice,
]
PREDICATES: dict[str, Callable[[Any], bool]] = {"finance staff": is_finance, "staff": is_staff}
FUNCTIONS: dict[str, Callable[..., object]] = {**PREDICATES, "held_by": held_by}

LEAVES: list[Policy] = [
    token.valid,
    token.scope("pay"),
    token.scope("pay", "read"),
    token.role("contractor"),
    several.role("contractor"),
    token.group("finance"),
    token.claim("dept", "finance", 1, True, "1", False, 0, -7),
    token.claim("n", True),
    token.claim("n", 1),
    token.claim('odd "name"\n', "\U0001f511 </script>"),
    token.has_claim("dept"),
    token.issuer(HTTPS),
    token.subject("ada"),
    several.subject("ada", issuer=OTHER),
    token.acr("phr", "phrh"),
    token.acr_at_least("high"),
    token.auth_context("c1"),
    token.amr("hwk"),
    token.fresh(minutes(5)),
    token.fresh(minutes(0.025)),
    token.acting,
    token.direct,
    token.actor("agent"),
    token.actor("agent", OTHER),
    token.actor("agent", vouched_by=HTTPS),
    several.actor('a", "b', OTHER, vouched_by=HTTPS),
    token.not_through("agent"),
    token.not_through("agent", OTHER),
    token.depth(at_most=0),
    token.may_act("agent"),
    several.may_act("agent", OTHER),
    token.permitted("read", by={"ada": {"read", "write"}, "bob": []}),
    several.permitted("read", "write", by={(HTTPS, "ada"): ["read"], (OTHER, "ada"): ["write"], (OTHER, "b"): []}),
    token.permitted("read", by=held_by),
    token.that(is_finance, "finance staff"),
    access_level(iap, "accessPolicies/1/accessLevels/managed"),
    session.valid,
    session.age(hours(8)),
    session.factors(1),
    session.factors(2, minutes(30), idle=hours(1), hardware_bound=True),
    session.phishing_resistant,
    session.phishing_resistant_with(within=minutes(30)),
    session.phishing_resistant_with(idle=hours(1), hardware_bound=True),
    passkey.within(minutes(10)),
    passkey.within(
        minutes(10),
        user_verified=True,
        device_bound=True,
        hardware_bound=True,
        models=["ee882879-721c-4913-9775-3dfcce97072a", "00000000-0000-0000-0000-000000000001"],
    ),
    passkey.cloned,
    totp.within(minutes(10)),
    approval.given,
    peer.valid,
    peer.direct,
    peer.fingerprint(PIN),
    peer.spki(PIN, "cd" * 32),
    peer.issued_by(PIN),
    peer.dns("a.example", "b.example"),
    peer.uri("urn:a"),
    peer.email("a@example.com"),
    peer.not_expiring_within(days(1)),
    peer.that(is_staff, "staff"),
    peer.spiffe("spiffe://prod.example/a"),
    peer.trust_domain("prod.example"),
    peer.path("/a", "/b/c"),
    device.managed,
    device.device_id("pc-1", "pc-2"),
    device.key_protected,
    device.not_expiring_within(days(1)),
    svid.valid,
    svid.spiffe("spiffe://prod.example/a"),
    svid.trust_domain("prod.example"),
    svid.path("/a"),
    svid.that(is_staff, "staff"),
    zpa.via_connector,
    network.inside("10.0.0.0/8", "2001:db8::/32", "192.0.2.7"),
    network.country("DE", "FR"),
    request.method("POST", "PUT"),
    request.method("GET", own=["PURGE"]),
    request.method(own=["PURGE"]),
    request.path("/reports/{id}/*"),
    request.host("shop.example.com"),
    request.during("09:00", "17:00", zone="Europe/Berlin", days="mon-fri"),
    request.during("22:00", "24:00", zone="UTC"),
    flows.allowed,
    invoice.owner == token.subject,
    invoice.owner != several.subject.of(OTHER),
    invoice.owner == invoice.creator,
    invoice.owner == "token.subject",
    invoice.owner == session.subject,
    invoice.tenant.is_in(token.claim("tenants")),
    invoice.client == token.client_id,
    invoice.client == peer.id,
    invoice.tenant.is_in(["a", "b"]),
    invoice.labels.has("urgent"),
    invoice.amount <= 1000,
    invoice.amount < 1.0,
    invoice.amount > Decimal("0.50"),
    invoice.number == UUID("00000000-0000-0000-0000-000000000001"),
    invoice.owner.is_none,
    verifier_of(invoice).named_at_all,
    invoice.open.is_true,
    roles.has("viewer"),
    roles.has("admin"),
]
"""At least one for every class of questions and every leaf of the verifiers above."""

STANDING: list[Policy] = [not_presented(token), unavailable(peer), anyone(because="liveness </script> \U0001f511")]


def _beside_a_token(leaf: Policy) -> bool:
    try:
        return bool((token.valid & leaf).verifiers)
    except PolicyError:
        return False


# Those that may stand in one policy: about one person, or about the request.
TOGETHER: list[Policy] = [
    *(leaf for leaf in LEAVES if _beside_a_token(leaf)),
    not_presented(token),
    unavailable(session),
    anyone(because="a test"),
]


def question_classes() -> set[type[Question[Any]]]:
    """Every class of questions of verifiers and providers that has instances."""
    for room in (zerotrust.verifiers, zerotrust.providers):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            importlib.import_module(module.name)
    found: set[type[Question[Any]]] = set()
    for one in _below(Question):
        ours = one.__module__.startswith(("zerotrust.verifiers.", "zerotrust.providers."))
        public = getattr(sys.modules[one.__module__], one.__name__, None) is one  # not what it was before its slots
        if ours and public and "__dataclass_fields__" in dir(one) and not isabstract(one) and one.__name__[0] != "_":
            found.add(one)
    return found


def _below(kind: type[Question[Any]]) -> Iterator[type[Question[Any]]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def questions_of(policies: list[Policy]) -> set[type[Question[Any]]]:
    return {type(policy.question) for policy in policies if isinstance(policy, Leaf)}


@st.composite
def policies(draw: st.DrawFn, most: int = 5) -> Policy:
    """Policies of every kind of node."""
    parts = draw(st.lists(st.sampled_from(TOGETHER), min_size=1, max_size=most))
    for _ in range(draw(st.integers(0, 5))):
        first, rest = parts[0], parts[1:]
        shape = draw(st.integers(0, 13))
        made: Policy
        if shape == 0:
            made = ~first
        elif shape == 1:
            made = first.named(draw(st.sampled_from(["can pay", "</b>", '"'])))
        elif shape == 2:
            made = first.tagged("sensitive", draw(st.sampled_from(["a", "b"])))
        elif shape == 3:
            made = all_of(*parts)
        elif shape == 4:
            made = any_of(*parts)
        elif shape == 5:
            made = at_least(draw(st.integers(1, len(parts))), *parts)
        elif shape == 6:
            made = when(first).require(parts[-1])
        elif shape == 7:
            made = PolicySet(permit=parts, forbid=rest)
        elif shape == 8:
            made = first & parts[-1]
        elif shape == 9:
            made = first | parts[-1]
        else:
            combine = draw(
                st.sampled_from(
                    [deny_overrides, permit_overrides, first_applicable, deny_unless_permit, permit_unless_deny]
                )
            )
            items: list[Item] = [permit(first), forbid(parts[-1]), *map(draw(st.sampled_from([permit, forbid])), rest)]
            inner = PolicySet(permit=[first]).named("inner").tagged("x")
            made = combine(*items, inner, target=draw(st.sampled_from([None, parts[-1]])))
        parts = [made, *rest]
    return parts[0]
