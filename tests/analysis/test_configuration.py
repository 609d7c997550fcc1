"""No argument of a verifier may change unseen: each is given another value, and the comparison has to say so."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zerotrust import Bearer, DPoP, Issuer, Network, Passkey, RelyingParty, Session, Verifier, hours, minutes, seconds
from zerotrust.analysis import assert_not_weaker, compare
from zerotrust.analysis.configuration import changes
from zerotrust.cli import main
from zerotrust.sessions.cookie import SessionCookie
from zerotrust.verifiers.delegation import MAX_ACTORS
from zerotrust.verifiers.ratchet import BindingRatchet
from zerotrust.verifiers.revocation import Revocation
from zerotrust.wire.forwarded import Address

LOGIN = "https://login.example.com"


def germany(_: Address) -> str | None:
    return "DE"


def france(_: Address) -> str | None:
    return "FR"


def bearer(**given: Any) -> Bearer:
    return Bearer(Issuer(LOGIN), **{"audience": "payments", **given})


def network(**given: Any) -> Network:
    return Network(**{"proxies": ["10.9.0.0/28"], "header": "forwarded", "country": germany, **given})


def session(**given: Any) -> Session:
    return Session(**given)


def proof(**given: Any) -> Bearer:
    return bearer(dpop=DPoP(**given))


def passkey(**given: Any) -> Passkey:
    rp = RelyingParty("example.com", name="Shop", origins=["https://example.com"])
    return Passkey(**{"rp": rp, "of": Session(of=bearer()), "secret": bytes(range(32)), **given})


WIDENED: dict[Callable[..., Verifier[Any]], dict[str, Callable[[], object]]] = {
    bearer: {
        "audience": lambda: "ledger",
        "require": lambda: ["jti"],
        "leeway": lambda: seconds(100),
        "max_lifetime": lambda: minutes(5),
        "max_length": lambda: 4000,
        "dpop": DPoP,
        "one_time": lambda: True,
        "revocation": Revocation,
        "ratchet": BindingRatchet,
        "remember": lambda: 0,
        "max_actors": lambda: MAX_ACTORS - 1,
        "roles": lambda: "groups",
        "groups": lambda: "roles",
        "realm": lambda: "shop",
    },
    network: {
        "country": lambda: france,
        "proxies": lambda: ["10.9.0.0/26"],
        "header": lambda: "x-forwarded-for",
    },
    session: {
        "source": lambda: "shop",
        "cookie": lambda: SessionCookie(same_site="Strict"),
        "idle": lambda: hours(3),
        "longest": lambda: hours(1),
        "most": lambda: 3,
    },
    proof: {
        "required": lambda: True,
        "algorithms": lambda: ["ES256"],
        "max_age": lambda: seconds(300),
        "leeway": lambda: seconds(100),
        "url": lambda: "https://api.example.com",
    },
    passkey: {
        "rp": lambda: RelyingParty("example.com", name="Shop", origins=["https://shop.example.com"]),
        "secret": lambda: bytes(range(1, 33)),
        "most": lambda: 3,
        "lifetime": lambda: minutes(2),
    },
}
CASES = [(make, name, value) for make, arguments in WIDENED.items() for name, value in arguments.items()]


@pytest.mark.parametrize(("make", "name", "value"), CASES, ids=[f"{make.__name__}({name}=)" for make, name, _ in CASES])
def test_another_value_of_an_argument_is_told(
    make: Callable[..., Verifier[Any]], name: str, value: Callable[[], object]
) -> None:
    old, new, twin = make(), make(**{name: value()}), make(**{name: value()})
    told = list(changes(old.name, old, new))
    assert told
    assert not any(one.unread for one in told)
    assert "x02" not in str(told)  # a secret
    assert list(changes(new.name, new, twin)) == []


def test_no_argument_is_forgotten_here() -> None:
    left_out = {"name", "issuers", "bound_to", "broad", "of", "keep", "nonces", "on_clone"}
    for make, kind in ((bearer, Bearer), (network, Network), (session, Session), (proof, DPoP), (passkey, Passkey)):
        assert set(inspect.signature(kind).parameters) - left_out == set(WIDENED[make]), kind


def test_a_difference_is_called_by_the_argument_and_can_be_reviewed() -> None:
    old, new = bearer(leeway=seconds(5)), bearer(leeway=seconds(100))
    found = compare(old.scope("a"), new.scope("a"))
    assert [str(one) for one in found.configuration] == [
        "token.leeway is configured differently: 5.0 before, 100.0 now"
    ]
    assert not found.not_weaker
    assert not found.complete
    assert_not_weaker(new.scope("a"), old.scope("a"), reviewed=["token.leeway"])


def test_what_cannot_be_compared_is_told() -> None:
    class Near(Network):
        pass

    old, new = Near(), Near()
    for one in (old, new):
        object.__setattr__(one, "handle", object())  # of which nothing shows what it holds
    assert [str(one) for one in changes("network", old, new)] == [
        "network.handle cannot be compared: nothing shows whether it is configured differently"
    ]


OWN = """
from dataclasses import dataclass
from zerotrust import Bearer, Issuer
LIMIT = 10
def enough(evidence): return len(evidence.subject) < LIMIT
token = Bearer(Issuer("https://login.example.com"), audience="payments")
can_read = token.that(enough, "enough") & token.that(lambda one: enough(one), "twice")
"""


@pytest.mark.parametrize(("change", "status"), [(("", ""), 0), (("LIMIT = 10", "LIMIT = 99"), 1), (("<", "<="), 1)])
def test_predicates_of_two_files_are_followed_into_what_they_name(
    tmp_path: Path, change: tuple[str, str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old.py").write_text(OWN)
    (tmp_path / "new.py").write_text(OWN.replace(*change) if change[0] else OWN)
    assert main(["policy", "diff", str(tmp_path / "old.py"), str(tmp_path / "new.py")]) == status


OWN_VERIFIER = """
from zerotrust import Bearer, Issuer, Network, minutes
class Near(Network):
    def inside_home(self): return self.inside("10.0.0.0/8")
    def find(self, request): return super().find(request)
near = Near()
can_read = near.inside_home()
"""


def test_a_verifier_of_ones_own_is_compared_by_its_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new, same = (tmp_path / name for name in ("old.py", "new.py", "same.py"))
    old.write_text(OWN_VERIFIER)
    same.write_text(OWN_VERIFIER.replace("\nnear", "\n\n# a comment\nnear"))
    new.write_text(OWN_VERIFIER.replace("super().find(request)", "Network().find(request)"))
    assert main(["policy", "diff", str(old), str(same)]) == 0
    assert main(["policy", "diff", str(old), str(new)]) == 3
    assert "network is configured differently" in capsys.readouterr().out
