"""CWE-863: what is passed over among many alternatives without asking must not let anybody in.

Alternatives are looked up by what questions say of themselves (`facts`) and by what verifiers read of their evidence.
Either may be wrong, in a subclass or for an odd claim: then it may refuse, and may not allow.
"""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.laws.toys import Toy
from zerotrust.core.combining import PolicySet
from zerotrust.core.errors import ConfigError
from zerotrust.core.facts import Fact, Includes, OneOf
from zerotrust.core.finding import Verified
from zerotrust.core.index import Demanded
from zerotrust.core.policy import Not, Policy, any_of
from zerotrust.core.reason import MISSING_CLAIM, Reason
from zerotrust.core.verifier import Question, Verifier
from zerotrust.engine import judge
from zerotrust.testing import LocalIssuer
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.claim_questions import Claim
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.verifiers.token_facts import SCOPE, SUBJECT
from zerotrust.verifiers.token_questions import Acr, Role, Valid

NOW = 1000.0
TOKEN: Verifier[Any] = Toy("token")


def evidence(**fields: Any) -> TokenEvidence:
    return TokenEvidence("https://a.example", "ann", NOW, math.inf, **fields)


def forbids(listed: list[Policy], seen: TokenEvidence) -> bool:
    valid = Valid().leaf(TOKEN)
    found = {TOKEN: Verified(seen)}
    return not any(judge(one, found, NOW) for one in (Not(any_of(*listed)), PolicySet(permit=[valid], forbid=listed)))


@pytest.mark.parametrize("name", ["scope", "acr", "auth_time", "act", "may_act"])
def test_a_claim_that_lists_nothing_lists_no_roles(name: str) -> None:
    issuer = LocalIssuer("https://i.example.com")
    for what in ("roles", "groups"):
        with pytest.raises(ConfigError, match="is no list of texts"):
            Bearer(Issuer(issuer.url, keys=issuer.jwks()), audience="p", **{what: name})  # type: ignore[arg-type]


def test_roles_that_are_not_known_are_not_ruled_out() -> None:
    assert forbids([Role(f"r{n}", "scope").leaf(TOKEN) for n in range(12)], evidence(scope=frozenset({"read"})))


def test_claims_and_fields_that_differ() -> None:
    """Verifiers never find such; made by hand, the field is what counts, asked by whichever name."""
    seen = evidence(claims={"acr": "other"}, acr="c3")
    assert forbids([Claim("acr", (f"c{n}",)).leaf(TOKEN) for n in range(12)], seen)
    assert forbids([Acr((f"c{n}",)).leaf(TOKEN) for n in range(12)], seen)
    assert forbids([Claim("acr", (f"c{n}",)).leaf(TOKEN) for n in range(12)], evidence(claims={"acr": "c3"}))


def test_a_subclass_that_answers_otherwise_is_not_looked_up() -> None:
    class Any_(Role):
        def holds(self, evidence: TokenEvidence, now: float) -> bool | Reason:
            return MISSING_CLAIM() if evidence.roles is None else f"admin-{self.name}" in evidence.roles

    class Below(Any_):
        pass

    class Stating(Role):
        def facts(self) -> Fact:
            return OneOf(SUBJECT, (self.name,))

    class Vouched(Stating):
        looked_up = True

    seen = evidence(roles=frozenset({"admin-r3"}))
    for kind, looked_up in ((Any_, False), (Below, False), (Stating, False), (Vouched, True), (Role, True)):
        listed: list[Policy] = [kind(f"r{n}").leaf(TOKEN) for n in range(12)]
        program = any_of(*listed).program
        assert Demanded(program.nodes, program.leaves).worthwhile() is looked_up
        assert forbids(listed, seen) is issubclass(kind, Any_)


class Answering(Question[TokenEvidence]):
    """Compared with facts of its own, it is looked up; what its parts are to one with facts of another is not known."""

    looked_up = True
    expression = "e.roles is not None and 'admin-r3' in e.roles"

    def facts(self) -> Fact:
        return Includes(SCOPE, "admin")


class Mixin:
    """No question by itself."""

    def holds(self, evidence: TokenEvidence, now: float) -> bool | Reason:
        return True


class Stating(Question[TokenEvidence]):
    looked_up = True

    def facts(self) -> Fact:
        return OneOf(SUBJECT, ("bob",))


class OnlyAnswering(Question[TokenEvidence]):
    looked_up = True

    def holds(self, evidence: TokenEvidence, now: float) -> bool | Reason:
        return True


def test_answers_of_one_class_and_facts_of_another_are_not_looked_up() -> None:
    class Both(OnlyAnswering, Stating):
        """The answers of the one, the facts of the other, and each says it is compared."""

    class Turned(Stating, OnlyAnswering):
        pass

    class Mixed(Mixin, Answering):
        pass

    class Said(OnlyAnswering, Stating):
        looked_up = True

    class Same(Answering, Stating):
        """All from the first."""

        def __str__(self) -> str:
            return "same"

    class Below(Both):
        pass

    listed = (Both, Turned, Mixed, Said, Same, Below)
    assert [kind.looked_up for kind in listed] == [False, False, False, True, True, False]
