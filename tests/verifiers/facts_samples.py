"""Leaves of all kinds of question, by verifier, and what may be said of the attributes that they depend on."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.segments.peers import peer_certificate
from tests.verifiers.approving import approval
from tests.verifiers.devices import anchors, certificate, device
from tests.verifiers.passkey_ceremonies import configured, relying_party
from tests.verifiers.peers import AUTHORITY, LEDGER, PARTNER, PROD, UNREVOKED, bundle, jwt_entry
from tests.verifiers.tokens import NOW, URL, bearer, static
from tests.wire.signing import signer
from zerotrust.core.moments import days, hours, minutes
from zerotrust.core.policy import Leaf
from zerotrust.factors.authenticators import AuthenticatorPolicy
from zerotrust.pki.chain import Anchors
from zerotrust.pki.trust_bundle import TrustBundle
from zerotrust.pki.trust_bundles import TrustBundles
from zerotrust.providers.entra import entra_any_tenant
from zerotrust.providers.zscaler import zscaler_private_access
from zerotrust.segments import Flow, Segments
from zerotrust.verifiers.device_questions import KeyProtected
from zerotrust.verifiers.flows import Flows
from zerotrust.verifiers.jwt_svid import JwtSvid
from zerotrust.verifiers.network import Network
from zerotrust.verifiers.peer_certificate import PeerCertificate
from zerotrust.verifiers.profile import Profile
from zerotrust.verifiers.proof_facts import of_model
from zerotrust.verifiers.request import request
from zerotrust.verifiers.resource import Resource
from zerotrust.verifiers.resource_questions import IsNamed
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.totp import Totp
from zerotrust.web.ceremonies.setup import SignedIn

LADDER, HIGHER = "https://ladder.example", "https://higher.example"
TENANT = "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0"
KEYS = {"keys": [signer("RS256", "k").jwk]}
MODEL, OTHER_MODEL = "ee882879-721c-4913-9775-3dfcce97072a", "08987058-cadc-4b81-b6e1-30de50dcbe96"
PIN, OTHER_PIN = "a" * 64, "b" * 64


@dataclass(frozen=True)
class Family:
    """A verifier with leaves, and for each attribute what may be said of it."""

    name: str
    leaves: tuple[Leaf[Any], ...]
    values: Mapping[str, list[object]]

    @property
    def verifier(self) -> Any:
        return self.leaves[0].verifier

    def __str__(self) -> str:
        return self.name


def some_of(texts: Iterable[object], *more: object) -> list[object]:
    """Every list of some of these, and more."""
    found: list[list[object]] = [[]]
    for text in texts:
        found += [[*one, text] for one in found]
    return [*found, *more]


def around(*spans: float) -> list[object]:
    """Moments right before, at and after the ends of spans that begin then."""
    return [NOW - span + nudge for span in (0.0, *spans) for nudge in (-1.0, 0.0, 1.0)]


def token_family() -> Family:
    ladders = [
        static(LADDER, profile=Profile(ladder=("low", "mid", "phr"))),
        static(HIGHER, profile=Profile(ladder=("mid", "top"))),
    ]
    token = bearer(static(), *ladders, entra_any_tenant(audience="11111111-2222-3333-4444-555555555556", keys=KEYS))
    leaves = (
        token.valid, token.scope("read"), token.scope("read", "write"), token.role("staff"), token.group("ops"),
        token.claim("dept", "law", 1, True), token.claim("dept", "law"), token.claim("dept", "1", 2, False),
        token.claim("acr", "mid"), token.claim("amr", "hwk"), token.claim("auth_time", NOW),
        token.claim("roles", "staff"),
        token.has_claim("dept"), token.has_claim("acr"), token.has_claim("scope"), token.has_claim("may_act"),
        token.issuer(URL), token.issuer(TENANT), token.subject("ada", issuer=URL), token.subject("ada", issuer=TENANT),
        token.acr("mid", "phr"), token.amr("hwk"), token.amr("hwk", "pwd"), token.fresh(minutes(5)),
        token.fresh(minutes(10)), token.acr_at_least("mid"), token.acr_at_least("phr"), token.acr_at_least("top"),
        token.auth_context("c1"), token.auth_context("c2"), token.claim("acrs", "c1"),
        *delegation(token), token.may_act("agent", issuer=URL), token.may_act("agent", issuer=LADDER, vouched_by=URL),
    )  # fmt: skip
    junk: list[object] = [
        {},
        {"a": 1},
        [],
        1,
        1.0,
        2,
        True,
        False,
        "1",
        "law",
        "other",
        ["law"],
        ["x", 1],
        [{}, "law"],
        [[]],
    ]
    return Family("token", leaves, {
        "source": [URL, LADDER, HIGHER, TENANT, TENANT.replace("1", "9"), "https://login.example.com/x", "", "x"],
        "subject": ["ada", "bob", "", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c"],
        "scope": some_of(["read", "write", "other"], None),
        "acr": [None, "low", "mid", "phr", "top", "other", ""],
        "amr": some_of(["hwk", "pwd", "x"], None),
        "auth_time": [None, NOW, NOW + 60, *around(300, 600)],
        "depth": [0],
        "actor": [""],
        "actors": [[]],
        "claims.dept": [None, *junk],
        "claims.acrs": [None, *junk, *some_of(["c1", "c2"]), ["c1", 1]],
        "claims.roles": [None, *junk, *some_of(["staff", "x"]), ["staff", 1]],
        "claims.groups": [None, *junk, *some_of(["ops", "x"])],
        "claims.may_act": [None, {}, f'["{URL}", "agent"]', f'["{LADDER}", "agent"]', f'["{URL}", "x"]', "no party"],
    })  # fmt: skip


def delegation(token: Any) -> tuple[Leaf[Any], ...]:
    """Leaves about who acts."""
    may = {(URL, "ada"): ["pay"], (URL, "agent"): ["pay", "read"], (LADDER, "agent"): ["read"], (URL, "bob"): ["read"]}
    return (
        token.acting, token.direct, token.depth(at_most=0), token.depth(at_most=1), token.depth(at_most=2),
        token.actor("agent", issuer=URL), token.actor("agent", issuer=LADDER, vouched_by=URL),
        token.not_through("agent"), token.not_through("agent", URL), token.not_through("bob", LADDER),
        token.permitted("read", by=may), token.permitted("pay", by=may), token.permitted("pay", "read", by=may),
    )  # fmt: skip


def session_family() -> Family:
    session = Session(source="shop")
    leaves = (
        session.valid, session.age(hours(1)), session.age(hours(2)), session.phishing_resistant,
        *(session.factors(count, within=within, idle=idle, hardware_bound=hardware)
          for count in (1, 2) for within in (None, minutes(5)) for idle in (None, minutes(15))
          for hardware in (False, True) if count == 2 or not hardware),
        *(session.phishing_resistant_with(within=within, idle=idle, hardware_bound=hardware)
          for within in (None, minutes(5), hours(1)) for idle in (None, minutes(15)) for hardware in (False, True)),
        SignedIn().leaf(session),
    )  # fmt: skip
    kinds = [
        ["knowledge"],
        ["possession"],
        *(
            [*one, "possession", "phishing_resistant"]
            for one in (
                [],
                ["user_verified"],
                ["hardware_bound"],
                ["hardware_bound", "user_verified"],
                ["device_bound"],
            )
        ),
    ]
    return Family("session", leaves, {
        "started_at": [None, *around(3600, 7200)],
        "seen_at": around(900),
        "proofs": proof_lists(kinds, 2, [300, 3600, -60], [None, 0.0, 899.0, 900.0, 901.0]),
    })  # fmt: skip


def proof_lists(
    kinds: list[list[str]], most: int, spans: list[float], pauses: Iterable[float | None] = (None,)
) -> list[object]:
    """Lists of up to so many proofs of these kinds, some of very many."""
    singles: list[object] = [
        {"at": at, "marks": marks} if pause is None else {"at": at, "marks": marks, "pause": pause}
        for marks in kinds for at in around(*spans) for pause in pauses
    ]  # fmt: skip
    lists: list[object] = [[], *([one] for one in singles)]
    chance = random.Random(7)
    return lists + [chance.choices(singles, k=chance.randint(2, most)) for _ in range(len(singles) * (most > 1))]


def passkey_family() -> Family:
    rp = relying_party(authenticators=AuthenticatorPolicy(models={MODEL: anchors()}, require_attestation=False))
    passkey = configured(rp)
    leaves = (
        passkey.cloned, passkey.within(minutes(5)), passkey.within(minutes(10)),
        *(passkey.within(minutes(5), user_verified=uv, device_bound=db, hardware_bound=hb, models=models)
          for uv in (False, True) for db in (False, True) for hb in (False, True)
          for models in ([], [MODEL], [MODEL, OTHER_MODEL])),
    )  # fmt: skip
    marks = some_of(["user_verified", "device_bound", "hardware_bound"])
    kinds: list[Any] = [*marks, *([*one, of_model(MODEL)] for one in marks), [of_model(OTHER_MODEL)]]  # type: ignore[misc]
    return Family("passkey", leaves, {"cloned": [True, False], "proofs": proof_lists(kinds, 3, [300, 600, -60])})


def totp_family() -> Family:
    totp = Totp(of=Session(source="shop"), issuer="Shop")
    leaves = (totp.within(minutes(5)), totp.within(minutes(10)))
    return Family("totp", leaves, {"proofs": proof_lists([[]], 3, [300, 600, -60])})


CERTIFICATE: dict[str, list[object]] = {
    "fingerprint": ["", PIN, OTHER_PIN, "c" * 64],
    "spki": ["", PIN, OTHER_PIN],
    "issuers": some_of([PIN, OTHER_PIN]),
    "not_after": around(-86400.0, -172800.0),
    "hop": [None, "ingress"],
    "asserted_by": [None, "mesh"],
    "names.dns": some_of(["ledger.internal", "web.internal"]),
    "names.uris": some_of([LEDGER, "urn:x"]),
    "names.emails": some_of(["ops@example.com"]),
}
SPIFFE: dict[str, list[object]] = {
    "spiffe_id.trust_domain": [None, PROD, PARTNER, "other.example"],
    "spiffe_id.path": ["", "/ns/shop/sa/ledger", "/ns/shop", "/ns/shop/sa", "/ns/shopping", "/ns/prod/sa/x", "/x"],
}


def of_certificate(one: Any) -> tuple[Leaf[Any], ...]:
    return (
        one.valid, one.direct, one.fingerprint(PIN), one.fingerprint(PIN, OTHER_PIN), one.spki(PIN), one.issued_by(PIN),
        one.issued_by(PIN, OTHER_PIN), one.dns("ledger.internal"), one.dns("ledger.internal", "web.internal"),
        one.uri("urn:x"), one.email("ops@example.com"), one.not_expiring_within(days(1)),
        one.not_expiring_within(days(2)),
    )  # fmt: skip


def of_spiffe(one: Any) -> tuple[Leaf[Any], ...]:
    return (
        one.valid, one.spiffe(LEDGER), one.spiffe(LEDGER, f"spiffe://{PARTNER}/ns/shop"), one.trust_domain(PROD),
        one.trust_domain(PROD, PARTNER), one.path("/ns/shop"), one.path("/ns/shop/sa", "/ns/prod"),
    )  # fmt: skip


def workload_families() -> list[Family]:
    key = signer("ES256", "k")
    bundles = TrustBundles(
        TrustBundle(PROD, bundle(jwt_entry(key))), federated=[TrustBundle(PARTNER, bundle(jwt_entry(key)))]
    )
    roots = TrustBundles(TrustBundle(PROD, AUTHORITY.pem), federated=[TrustBundle(PARTNER, AUTHORITY.pem)])
    peer = PeerCertificate(roots, revocation=UNREVOKED)
    svid = JwtSvid(bundles, audience="payments")
    plain = PeerCertificate(Anchors(certificate(AUTHORITY.der)), subject="dns", revocation=UNREVOKED)
    managed = device(name="laptop")
    protected = KeyProtected().leaf(managed)
    flows = Flows(Segments([Flow(LEDGER, "web", "GET", "/x")], service="web"), of=peer_certificate())
    return [
        Family("peer", (*of_certificate(peer), *of_spiffe(peer)), {**CERTIFICATE, **SPIFFE}),
        Family("svid", of_spiffe(svid), SPIFFE),
        Family("plain", of_certificate(plain), CERTIFICATE),
        Family("device", (*of_certificate(managed), managed.managed, managed.device_id("pc-1", "pc-2"), protected),
               {**CERTIFICATE, "device_id": ["", "pc-1", "pc-3"], "key_protected": [None, True, False]}),
        Family("flows", (flows.allowed,), {"allowed": [True, False]}),
    ]  # fmt: skip


def request_families() -> list[Family]:
    inside = "10.1.0.0/16", "2001:db8::/32"
    network = Network(country=lambda address: "DE")
    zpa = zscaler_private_access(["10.1.2.0/28"])
    windows = (
        request.during("09:00", "17:00", zone="Europe/Berlin", days="mon-fri"),
        request.during("22:00", "06:00", zone="America/New_York"),
        request.during("22:00", "06:00", zone="Asia/Kolkata", days="fri,sun"),
    )
    paths = map(request.path, ("/reports/{id}", "/reports", "/reports/*", "/reports/", "/{kind}/{id}"))
    asked = (*windows, *paths, request.method("GET"), request.method("GET", "HEAD"), request.host("api.example.com"))
    return [
        Family("request", asked, {
            "at": [NOW + 1800.0 * step for step in range(340)],
            "path": [None, "/", "/reports", "/reports/", "/reports/7", "/reports/7/", "/reports/7/x", "/other"],
            "method": [None, "GET", "HEAD", "POST"],
            "host": [None, "api.example.com", "other.example.com"],
        }),
        Family("network", (network.inside("10.0.0.0/8"), network.inside(*inside), network.country("DE")), {
            "address": ["10.0.0.1", "10.1.2.3", "11.0.0.0", "2001:db8::1", "2001:db9::", "::ffff:10.1.0.1"],
            "country": [None, "DE", "FR"],
        }),
        Family("zpa", (zpa.via_connector,), {"connector": [None, "10.1.2.0/28"]}),
        Family("approval", (approval.given,), {}),
    ]  # fmt: skip


@dataclass
class Invoice:
    """What a handler works on."""

    owner: str
    amount: int
    paid: bool


def resource_family() -> Family:
    invoice: Any = Resource(Invoice)
    leaves = (
        invoice.owner == "ada", invoice.owner != "ada", invoice.owner.is_in(["ada", "bob"]), invoice.owner.is_none,
        invoice.amount < 10, invoice.amount <= 10, invoice.amount > 10, invoice.amount >= 10, invoice.amount == 10,
        invoice.amount != 10, invoice.amount.is_in([9, 11]), invoice.paid.is_true,
        IsNamed().leaf(invoice.__verifier__),
    )  # fmt: skip
    return Family("resource", leaves, {
        "owner": [None, "ada", "bob", "eve"],
        "amount": [None, 8, 9, 10, 11, 12],
        "paid": [None, True, False],
        "owner.is_none": [None, True, False],
    })  # fmt: skip


FAMILIES = [
    token_family(),
    session_family(),
    passkey_family(),
    totp_family(),
    *workload_families(),
    *request_families(),
    resource_family(),
]
