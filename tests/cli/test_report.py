from __future__ import annotations

import io

from zerotrust.cli.demo.client import Answer, Request
from zerotrust.cli.demo.report import complaints, refusal, table, tree
from zerotrust.cli.demo.scenario import Expected, Outcome, Step
from zerotrust.cli.demo.terminal import Terminal

PLAIN = Terminal(io.StringIO())
HEADER = 'Bearer realm="bank", error="insufficient_user_authentication", scope="pay", max_age="300"'
TREE: dict[str, object] = {
    "verdict": "NO",
    "text": "can pay",
    "children": [
        {
            "verdict": "NO",
            "text": "all of",
            "children": [
                {"verdict": "YES", "text": 'token.scope("pay")', "detail": "holds pay"},
                {"verdict": "NO", "text": "token.fresh(5 min)", "detail": "signed in 14:02, now 14:11"},
                {"verdict": "UNKNOWN", "text": "x", "code": "expired"},
            ],
        }
    ],
}


def outcome(
    status: int = 200, code: str = "", challenge: str | None = None, expected: Expected | None = None
) -> Outcome:
    headers = () if challenge is None else (("www-authenticate", challenge),)
    document: dict[str, object] = {"code": code, "detail": "not enough", "explanation": TREE} if code else {}
    step = Step("Chapter", "a request", Request("GET", "/"), expected or Expected(status, code))
    return Outcome(step, Answer(status, headers, document))


STEP_UP = outcome(
    401,
    "not_satisfied",
    HEADER,
    Expected(401, "not_satisfied", 'insufficient_user_authentication scope="pay" max_age="300"'),
)


def test_a_challenge_is_put_in_brief() -> None:
    assert STEP_UP.answer.challenge == 'insufficient_user_authentication scope="pay" max_age="300"'
    assert STEP_UP.expected
    assert outcome(challenge='Bearer realm="x"').answer.challenge == "Bearer"
    assert outcome().answer.challenge == ""


def test_an_outcome_is_expected_only_if_all_of_it_is() -> None:
    for expected in (Expected(403, "a", "Bearer"), Expected(401, "b", "Bearer"), Expected(401, "a", "")):
        assert not outcome(401, "a", "Bearer", expected).expected
    assert outcome(401, "a", "Bearer", Expected(401, "a", "Bearer")).expected


def test_a_tree_prints_as_decisions_do() -> None:
    assert list(tree(TREE, PLAIN)) == [
        "can pay",
        "  all of",
        '    yes  token.scope("pay")   holds pay',
        "    no   token.fresh(5 min)   signed in 14:02, now 14:11",
        "    ?    x",
    ]


def test_a_verdict_has_its_colour() -> None:
    lines = list(tree(TREE, Terminal(io.StringIO(), colour=True)))
    assert lines[2].startswith("    \x1b[1;32myes\x1b[0m  token")
    assert lines[3].startswith("    \x1b[1;31mno \x1b[0m  token")
    assert lines[4].startswith("    \x1b[1;33m?  \x1b[0m  x")


def test_a_refusal_shows_what_was_told_and_why() -> None:
    assert list(refusal(7, STEP_UP, PLAIN))[:4] == [
        " 7  a request",
        "    401 Unauthorized, not_satisfied: not enough",
        f"    WWW-Authenticate: {HEADER}",
        "      can pay",
    ]


def test_the_table_is_aligned() -> None:
    wrong = outcome(200, expected=Expected(403))
    lines = list(table([outcome(), STEP_UP, wrong], PLAIN))
    assert lines[2] == "Chapter"
    rows = [lines[0], *lines[3:]]
    assert [row.split()[-1] for row in rows] == ["outcome", "ok", "ok", "UNEXPECTED"]
    assert {row.index(word) for row, word in zip(rows, ("outcome", "ok", "ok", "UNEXPECTED"), strict=True)} == {
        rows[0].index("outcome")
    }
    assert list(complaints([outcome(), wrong])) == [" 2  a request: expected 403, got 200"]


def test_the_table_fits_a_narrow_terminal() -> None:
    for width in (60, 80):
        lines = list(table([STEP_UP], Terminal(io.StringIO(), width=width, symbols=True)))
        assert max(map(len, lines)) <= width
        assert lines[-1].endswith("ok")
