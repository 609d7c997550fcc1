"""What leaves ask of a token, by the names that the standards have for it."""

from __future__ import annotations

from tests.verifiers.tokens import URL
from zerotrust.verifiers.origin import Origin
from zerotrust.verifiers.step_up_questions import AuthContext
from zerotrust.verifiers.token_asked import token_parameters
from zerotrust.verifiers.token_questions import Acr, Amr, Fresh, Group, Role, Scope


def test_each_question_has_its_parameter() -> None:
    context = AuthContext("c1", (Origin(URL),))
    asked = [Scope(("read", "pay")), Scope(("pay",)), Acr(("gold", "low")), context, Role("admin"), Group("staff")]
    assert token_parameters([*asked, Fresh(300.0), Fresh(60.0)], URL, lambda acr: acr != "low") == {
        "scope": ("read", "pay"),
        "acr_values": ("gold",),
        "acrs": ("c1",),
        "roles": ("admin",),
        "groups": ("staff",),
        "max_age": 60,
    }


def test_what_no_standard_has_a_name_for_is_left_out() -> None:
    assert token_parameters([Amr(("hwk",))], URL, bool) == {}
