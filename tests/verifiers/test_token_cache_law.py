"""The law of the token cache: with it and without it, every request is decided in the same way.

Whatever comes in whatever order: requests good and bad, bound and unbound, proofs again, clocks set forward and back,
revocations, keys that rotate, retire and return, issuers that cannot be reached.
"""

from __future__ import annotations

import json
import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, ClassVar, cast

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule

from tests.search import usually
from tests.verifiers.kept import Kept
from tests.verifiers.tokens import NOW, OMIT, URL, Signer, Web, jwks, signer
from zerotrust.core.ask import Gather
from zerotrust.core.decision import Allow, Decision
from zerotrust.core.finding import Finding
from zerotrust.core.moments import minutes, seconds
from zerotrust.core.peer import Peer
from zerotrust.core.request import AccessRequest
from zerotrust.driver import Sources, run
from zerotrust.engine import decide
from zerotrust.testing.dpop import DPoPClient
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.dpop import DPoP
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.profile import Profile
from zerotrust.verifiers.ratchet import BindingRatchet
from zerotrust.verifiers.revocation import Revocation

KEYS = [signer("EdDSA", f"key-{number}") for number in range(3)]
FORGER = signer("EdDSA", "key-0")
STATIC, FETCHED, TENANTS = URL, "https://fetched.example", "https://tenants.example"
ISSUERS = (STATIC, FETCHED, TENANTS, TENANTS + "/")
JWKS_URI = f"{FETCHED}/keys"
API = "https://api.example/pay"
CERTIFICATES = [b"one certificate", b"another"]
CLIENT = DPoPClient("EdDSA")
SIZES = (0, 2, 64)

dates = st.sampled_from([-400, -60, -10, -1, 0, 1, 9, 10, 11, 60, 300])
MORE = st.fixed_dictionaries(
    {},
    optional={
        "sub": st.just("bob"),
        "jti": st.just("2"),
        "sid": st.just("s1"),
        "client_id": st.sampled_from(["web", "app"]),
        "scope": st.sampled_from(["pay", "pay read", ""]),
        "roles": st.sampled_from([["staff"], [], "staff"]),
        "dept": st.sampled_from(["it", ["it", "ops"], [["it"]], {"it": 1}, None]),
        "auth_time": st.just(NOW),
    },
)


def thumbprint(certificate: bytes) -> str:
    return urlsafe_b64encode(sha256(certificate).digest()).rstrip(b"=").decode()


BINDINGS: dict[str, object] = {
    "none": OMIT,
    "certificate": {"x5t#S256": thumbprint(CERTIFICATES[0])},
    "key": {"jkt": CLIENT.jkt},
    "both": {"x5t#S256": thumbprint(CERTIFICATES[0]), "jkt": CLIENT.jkt},
    "unknown": {"kid": "x"},
}


def tenant(claims: Any) -> Any:
    return {"sub": f"oid-{claims.get('sub')}"}


class World:
    """One verifier that remembers so many tokens, with a store of its own."""

    def __init__(self, remember: int, web: Web, options: Collection[str]) -> None:
        self.kept = Kept()
        self.sources = Sources(self.kept, web)
        self.revocation = Revocation(longest_life=minutes(10))
        parts: dict[str, Any] = {
            "dpop": DPoP(url="https://api.example", required="required" in options) if "dpop" in options else None,
            "revocation": self.revocation if "revocation" in options else None,
            "ratchet": BindingRatchet(confidential={"web"}) if "ratchet" in options else None,
        }
        issuers = [Issuer(STATIC, keys=jwks(KEYS[0]))]
        if "several" in options:
            profile = Profile(iss=frozenset(ISSUERS[2:]), translate=tenant)
            issuers += [
                Issuer(FETCHED, jwks_uri=JWKS_URI), Issuer(TENANTS, keys=jwks(KEYS[0], KEYS[1]), profile=profile)
            ]  # fmt: skip
        self.token = Bearer(*issuers, audience="payments", remember=remember, leeway=seconds(10), **parts)
        asks = self.token.scope("pay") & self.token.fresh(within=minutes(1)) & ~self.token.role("staff")
        # Both look at the same request: where a proof counts once, the second decision finds it used.
        self.policies = (
            self.token.valid,
            asks | self.token.claim("dept", "it", "hr") | self.token.subject("bob", issuer=STATIC),
        )


@dataclass(frozen=True)
class Shown:
    """A request as it can be sent again."""

    headers: tuple[tuple[bytes, bytes], ...]
    certificate: bytes


class Cache(RuleBasedStateMachine):
    """What may happen. The last requests are made again whenever something did."""

    options: ClassVar[frozenset[str]] = frozenset()
    tokens = Bundle("tokens")
    sent = Bundle("sent")

    def __init__(self) -> None:
        super().__init__()
        self.now: float = NOW
        self.web = Web()
        self.web.publish(JWKS_URI, jwks(KEYS[0]), fetched_at=self.now)
        self.worlds = [World(size, self.web, self.options) for size in SIZES]
        self.last: list[Shown] = []

    # --- What happens between requests -------------------------------------------------------------------------------
    @rule(by=st.sampled_from([0, 0.5, 1, 10, 59.5, 60, 61, 300, 600, -1, -30, -300]) | st.floats(-60, 60))
    def time_passes(self, by: float) -> None:
        self.now += by
        self.again()

    @rule(which=st.sets(st.integers(0, 2), max_size=2))
    def publish(self, which: set[int]) -> None:
        self.web.publish(JWKS_URI, jwks(*(KEYS[number] for number in sorted(which))), fetched_at=self.now)
        self.again()

    @rule()
    def go_down(self) -> None:
        self.web.fail(JWKS_URI)
        self.again()

    @rule(
        token=tokens,
        way=st.sampled_from(["token", "session", "subject", "client", "issuer", "logout"]),
        ago=st.sampled_from([-100, -10, 0, 0.5]),
    )
    def revoke(self, token: str, way: str, ago: float) -> None:
        said = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
        issuer, sub, moment = said["iss"], said["sub"], self.now + ago
        for world in self.worlds:
            run(
                self.revoking(Revocation(longest_life=minutes(10)), way, issuer, sub, said["jti"], moment),
                world.sources,
            )
        self.again()

    def revoking(self, it: Revocation, way: str, issuer: str, sub: str, jti: str, moment: float) -> Gather[None]:
        match way:
            case "token":
                return it.revoke_token(issuer, jti, self.now)
            case "session":
                return it.revoke_session(issuer, "s1", self.now)
            case "subject":
                return it.revoke_issued_before(moment, issuer, self.now, subject=sub)
            case "client":
                return it.revoke_issued_before(moment, issuer, self.now, client="web")
            case "issuer":
                return it.revoke_issued_before(moment, issuer, self.now)
            case _:
                return it.revoke_logged_out(issuer, moment, self.now, sid="s1", subject=f"oid-{sub}")

    # --- Requests ----------------------------------------------------------------------------------------------------
    @rule(
        target=tokens,
        number=st.integers(0, 3),
        binding=st.sampled_from(["none", "none", "certificate", "key"]),
        life=st.sampled_from([60, 300, 599]),
        more=MORE,
    )
    def mint(self, number: int, binding: str, life: int, more: dict[str, object]) -> str:
        iss = ISSUERS[number] if "several" in self.options else STATIC
        token = self.minted(KEYS[0], iss, (0, life, None, None), binding, more)
        self.show_alone(token=token, certified=True)
        return token

    @rule(
        target=tokens,
        by=st.sampled_from([*KEYS, FORGER]),
        iss=st.sampled_from([STATIC, FETCHED, TENANTS, "https://x.example"]),
        times=st.tuples(dates, dates | st.just(300) | st.just(700), dates | st.none(), dates | st.none()),
        binding=st.sampled_from(["none", *BINDINGS]),
        more=MORE,
    )
    def mint_oddly(
        self, by: Signer, iss: str, times: tuple[int | None, ...], binding: str, more: dict[str, object]
    ) -> str:
        return self.minted(by, iss, times, binding, more)

    def minted(self, by: Signer, iss: str, times: tuple[int | None, ...], binding: str, more: dict[str, object]) -> str:
        now = math.floor(self.now)
        iat, exp, nbf, auth_time = (OMIT if at is None else now + at for at in times)
        claims = {
            "iss": iss, "sub": "ada", "aud": "payments", "jti": "1", "iat": iat, "exp": exp, "nbf": nbf,
            "auth_time": auth_time, "cnf": BINDINGS[binding], **more,
        }  # fmt: skip
        return by.token({name: value for name, value in claims.items() if value is not OMIT})

    @rule(
        target=sent,
        token=tokens,
        scheme=st.sampled_from(["Bearer", "DPoP", "bearer"]),
        proof=st.sampled_from(["none", "good", "good", "of another token", "for another url", "old"]),
        certified=st.booleans(),
        spoilt=st.sampled_from(["", "", "", "x", " "]),
    )
    def show(self, token: str, scheme: str, proof: str, certified: bool, spoilt: str) -> Shown:
        headers = [(b"authorization", f"{scheme} {token}{spoilt}".encode())]
        if proof != "none":
            url = API + "/x" if proof == "for another url" else API
            about = token[:-1] if proof == "of another token" else token
            made = CLIENT.proof("GET", url, about, iat=math.floor(self.now) - (900 if proof == "old" else 0))
            headers.append((b"dpop", made.encode()))
        return self.sends(tuple(headers), certified)

    @rule(target=sent, token=tokens, certified=st.booleans())
    def show_alone(self, token: str, certified: bool) -> Shown:
        return self.sends(((b"authorization", f"Bearer {token}".encode()),), certified)

    @rule(shown=sent)
    def show_again(self, shown: Shown) -> None:
        self.decide(shown)

    def sends(self, headers: tuple[tuple[bytes, bytes], ...], certified: bool) -> Shown:
        shown = Shown(headers, CERTIFICATES[0 if certified else 1])
        self.last = [*self.last[-1:], shown]
        self.again()
        return shown

    def again(self) -> None:
        for shown in self.last:
            self.decide(shown)

    def decide(self, shown: Shown) -> None:
        for number in range(2):
            request = AccessRequest(
                now=self.now, host="api.example", path="/pay", raw_path="/pay", headers=shown.headers,
                peer=Peer((shown.certificate,)),
            )  # fmt: skip
            told = [seen(decide(world.policies[number], request, world.sources), world.token) for world in self.worlds]
            assert all(one == told[0] for one in told), dict(zip(SIZES, told, strict=True))


def seen(decision: Decision, token: Bearer) -> tuple[object, ...]:
    """All that a decision says, but for when its evidence was verified."""
    finding: Finding[Any] = decision.findings[token]
    evidence = finding.evidence
    return (
        type(decision).__name__,
        str(decision),
        decision.valid_until if isinstance(decision, Allow) else [str(one) for one in decision.remedies],
        None if evidence is None else (evidence.source, evidence.subject, evidence.expires_at, dict(evidence.claims)),
    )


def case(*options: str) -> type[Any]:
    machine: Any = type("Cache_" + "_".join(options), (Cache,), {"options": frozenset(options)})
    machine.TestCase.settings = usually(40, stateful_step_count=25)
    return cast("type[Any]", machine.TestCase)


TestKeysAtHand = case()
TestKeysFetched = case("several")
TestRevocation = case("revocation")
TestProofs = case("dpop")
TestProofsRequired = case("dpop", "required")
TestRatchet = case("ratchet", "dpop")
TestEverything = case("several", "revocation", "dpop", "ratchet")
