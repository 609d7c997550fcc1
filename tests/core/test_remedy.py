"""Remedies: who can carry them out, and how they read."""

from __future__ import annotations

from tests.laws.toys import TOKEN, Toy
from zerotrust.core.remedy import Action, Remedy, Step


class Saying(Toy):
    """Describes each step by its own name."""

    def describe(self, step: Step) -> str:
        return self.name


def said(*names: str) -> str:
    return Remedy(tuple(Step(Saying(name), Action.SIGN_IN, ()) for name in names)).phrase


def test_the_caller_alone_can_do_it_if_there_is_no_step_for_somebody_else() -> None:
    own, of_another = (Step(TOKEN, action, ()) for action in (Action.FIX_DEVICE, Action.ASK_ADMINISTRATOR))
    assert Remedy((own, own)).by_caller
    assert not Remedy((own, of_another)).by_caller
    assert not Remedy((of_another, own)).by_caller


def test_steps_are_listed_with_commas_where_those_are_needed() -> None:
    assert said() == ""
    assert said("call", "call") == "call"
    assert said("call", "wait") == "call and wait"
    assert said("call", "wait", "go") == "call, wait, and go"
    assert said("call, loudly") == "call, loudly"
    assert said("call, loudly", "wait") == "call, loudly, and wait"
    assert said("wait", "call, loudly") == "wait and call, loudly"


def test_nothing_is_done_again_unless_it_is_said() -> None:
    assert not Step(TOKEN, Action.SIGN_IN, ()).again


def test_efforts_in_their_order() -> None:
    assert [(action.name, action.value) for action in Action] == [
        ("RETRY", 1),
        ("PROVE_KEY", 2),
        ("SIGN_IN", 3),
        ("PRESENT_FACTOR", 4),
        ("ENROL", 5),
        ("FIX_DEVICE", 6),
        ("ASK_ADMINISTRATOR", 7),
    ]
