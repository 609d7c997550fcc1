"""What is no policy document is refused with the place, what was seen, and what is known instead."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.documents.samples import FUNCTIONS, PREDICATES, TOGETHER, VERIFIERS, invoice, policies, roles, several, token
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.policy import Policy
from zerotrust.documents import from_json, load_policy, to_json
from zerotrust.documents.leaves import Offered
from zerotrust.documents.writing import MAX_NESTING
from zerotrust.verifiers.operand import Said

VALID = '{"leaf": "token.valid"}'

WRONG = [
    # --- the document
    ("", "no policy document: malformed: not JSON"),
    ("[]", "no policy document: .*not an object"),
    ('{"version": 1, "version": 1}', "a name that comes twice"),
    ('{"version": 1, "policy": ' + "[" * 40 + "]" * 40 + "}", "nested too deeply.*at most 32 levels"),
    ('{"policy": ' + VALID + "}", r"\$\.version: 1 is the one that is known here, not none"),
    ('{"version": 2, "policy": ' + VALID + "}", r"\$\.version: 1 is the one that is known here, not 2"),
    ('{"version": true, "policy": ' + VALID + "}", r"\$\.version: .*not true"),
    ('{"version": 1.0, "policy": ' + VALID + "}", r"\$\.version: .*not 1\.0"),
    ('{"version": 1}', r'\$: "policy" is missing'),
    ('{"version": 1,\n "policy": {"all_of": [1, ]}}', r"line 2, column 25: a comma with nothing behind it"),
    ('{"version": 1,\n "policy": null,\n}', r"line 2, column 16: a comma with nothing behind it"),
    ('{"version": 1,\n "policy": nul}', r"line 2, column 12: Expecting value"),
    ('{"version": 1, "polcy": ' + VALID + "}", r"\$: a document has no 'polcy'; did you mean 'policy'\?"),
    ('{"version": 1, "$schema": 1, "policy": ' + VALID + "}", r"\$\['\$schema'\]: a text is wanted here, not 1"),
    # --- parts
    (
        '{"version": 1, "parts": {}, "policy": ' + VALID + "}",
        r"\$\.parts: a list of policies is wanted here, not an obj",
    ),
    (
        '{"version": 1, "parts": [' + VALID + '], "policy": ' + VALID + "}",
        r"\$\.parts\[0\]: nothing refers to this part",
    ),
    ('{"version": 1, "policy": {"part": 0}}', r"\$\.policy\.part: there is no part 0; 0 stand before this"),
    ('{"version": 1, "parts": [{"part": 0}], "policy": {"part": 0}}', r"\$\.parts\[0\]\.part: there is no part 0"),
    (
        '{"version": 1, "parts": [' + VALID + '], "policy": {"all_of": [{"part": 0}, {"part": 0}]}}',
        r"\$\.policy\.all_of\[1\]\.part: part 0 is used already",
    ),
    ('{"version": 1, "policy": {"part": "0"}}', r"\$\.policy\.part: the number of a part is wanted here, not '0'"),
    ('{"version": 1, "policy": {"part": -1}}', r"\$\.policy\.part: there is no part -1"),
    ('{"version": 1, "policy": {"part": true}}', r"the number of a part is wanted here, not true"),
]
NODES = [
    # --- what kind of policy it is
    ("null", r"\$\.policy: a policy, which is an object, is wanted here, not null"),
    ("{}", r"\$\.policy: an empty object is no policy"),
    ('{"al_of": []}', r"\$\.policy: 'al_of' is no kind of policy; did you mean 'all_of'\?"),
    ('{"allow": []}', r"'allow' is no kind of policy; write \"permit\""),
    ('{"and": []}', r"'and' is no kind of policy; write \"all_of\""),
    ('{"or": []}', r"'or' is no kind of policy; write \"any_of\""),
    ('{"leaf": "request.methd", "names": ["GET"]}', r"request has no leaf 'methd'"),
    ('{"zzzzzzzz": []}', r"'zzzzzzzz' is no kind of policy; known are all_of, "),
    ('{"all_of": [], "any_of": []}', r"one policy cannot be both 'all_of' and 'any_of'"),
    ('{"effect": "permit", "if": ' + VALID + "}", r"\$\.policy: permit\(\.\.\.\) and forbid\(\.\.\.\) are rules"),
    # --- compositions
    ('{"all_of": []}', r"\$\.policy: all_of\(\) of nothing"),
    ('{"all_of": ' + VALID + "}", r"\$\.policy\.all_of: a list of policies is wanted here, not an object"),
    ('{"all_of": [' + VALID + ', 3]}', r"\$\.policy\.all_of\[1\]: a policy, which is an object, is wanted here, not 3"),
    ('{"not": ' + VALID + ', "nott": 1}', r"\$\.policy: not takes no 'nott'; it takes nothing else"),
    ('{"at_least": 2}', r"\$\.policy: at_least lacks 'of'"),
    ('{"at_least": 2, "off": []}', r"at_least takes no 'off'; did you mean 'of'\?"),
    ('{"at_least": 2, "of": [' + VALID + "]}", r"\$\.policy: at_least\(2, \.\.\.\) of 1 policies"),
    ('{"at_least": true, "of": [' + VALID + "]}", r"\$\.policy\.at_least: a whole number is wanted here, not true"),
    ('{"named": "", "policy": ' + VALID + "}", r"\$\.policy: a policy's name is"),
    ('{"named": "a\\nb", "policy": ' + VALID + "}", r"\$\.policy: a policy's name is"),
    ('{"tagged": [], "policy": ' + VALID + "}", r"\$\.policy: .tagged"),
    ('{"tagged": "x", "policy": ' + VALID + "}", r"\$\.policy\.tagged: a list \(each a text\) is wanted here, not 'x'"),
    ('{"anyone_because": " "}', r"\$\.policy: anyone\(\) opens a door"),
    ('{"permit": []}', r"\$\.policy: PolicySet\(permit=\[\]\)"),
    ('{"combine": "first-applicable", "items": []}', r"\.combine: one of .*; did you mean 'first_applicable'\?"),
    ('{"combine": "first_applicable", "items": [' + VALID + "]}", r"\$\.policy: .*write permit\(token\.valid\)"),
    ('{"all_of": [' + VALID + ', {"leaf": "svid.valid"}]}', r"\$\.policy: .*nothing links"),
    # --- standings
    ('{"not_presented": "tokn"}', r"\$\.policy\.not_presented: no verifier is called 'tokn'; did you mean 'token'\?"),
    ('{"not_presented": ["token"]}', r"\.not_presented: the name of a verifier is wanted here, not a list"),
    ('{"unavailable": "roles"}', r"\$\.policy\.unavailable: roles is no verifier"),
    ('{"unavailable": "token", "x": 1}', r"beside 'unavailable' there is nothing else, and here is 'x'"),
    # --- leaves
    ('{"leaf": 1}', r"\$\.policy\.leaf: a leaf, such as token\.valid, is wanted here, not 1"),
    ('{"leaf": "valid"}', r"\$\.policy\.leaf: 'valid' is no leaf; write verifier and leaf"),
    ('{"leaf": "tokn.valid"}', r"\$\.policy\.leaf: no verifier is called 'tokn'; did you mean 'token'\?"),
    ('{"leaf": "token.vald"}', r"\$\.policy\.leaf: token has no leaf 'vald'; did you mean 'valid'\?"),
    ('{"leaf": "token.find"}', "token has no leaf 'find'"),
    ('{"leaf": "token.__class__"}', "token has no leaf '__class__'"),
    ('{"leaf": "token._leaf"}', "token has no leaf '_leaf'"),
    ('{"leaf": "token.valid", "x": 1}', r"\$\.policy: token\.valid takes no 'x'; it takes nothing"),
    ('{"leaf": "token.valid", "all_of": []}', r"token\.valid takes no 'all_of'"),
    ('{"leaf": "token.role"}', r"\$\.policy: token\.role lacks 'name': a text"),
    ('{"leaf": "token.role", "nam": "x"}', r"token\.role takes no 'nam'; did you mean 'name'\?"),
    ('{"leaf": "token.role", "name": 3}', r"\$\.policy\.name: a text is wanted here, not 3"),
    ('{"leaf": "token.role", "name": null}', r"\$\.policy\.name: a text is wanted here, not null"),
    ('{"leaf": "token.role", "name": ""}', r"\$\.policy: role takes exactly one name, not ''"),
    ('{"leaf": "token.fresh", "within": 5}', r"token\.fresh takes no 'within'; did you mean 'within_seconds'\?"),
    ('{"leaf": "token.fresh", "within_seconds": "5"}', r"\.within_seconds: a number of seconds is wanted here, n"),
    ('{"leaf": "token.fresh", "within_seconds": true}', r"a number of seconds is wanted here, not true"),
    ('{"leaf": "token.fresh", "within_seconds": 1e300}', r"a number of seconds is wanted here, not 1e\+300"),
    ('{"leaf": "token.fresh", "within_seconds": 0}', r"\$\.policy: within=0 s is out of range"),
    ('{"leaf": "token.scope"}', r"\$\.policy: scope takes one or more names"),
    ('{"leaf": "token.scope", "names": "pay"}', r"\.names: a list \(each a text\) is wanted here, not 'pay'"),
    ('{"leaf": "token.scope", "names": ["pay", null]}', r"\$\.policy\.names\[1\]: a text is wanted here, not null"),
    ('{"leaf": "token.scope", "names": ["a b"]}', r"\$\.policy: scope\('a b'\): one scope has no blanks"),
    ('{"leaf": "token.claim", "name": "n", "values": [1.5]}', r"\$\.policy\.values\[0\]: a text or a whole number or"),
    ('{"leaf": "token.depth", "at_most": 1.0}', r"\$\.policy\.at_most: a whole number is wanted here, not 1\.0"),
    ('{"leaf": "token.issuer", "url": "https://evil.example"}', r"\$\.policy: issuer\(.*can never hold"),
    ('{"leaf": "roles.has", "role": "edtor"}', r"no such role; did you mean 'editor'\?"),
    # --- comparisons
    ('{"field": 1, "is": "=="}', r"\$\.policy\.field: a field, such as invoice\.owner, is wanted here, not 1"),
    ('{"field": "invoce.owner", "is": "none"}', r"no verifier is called 'invoce'; did you mean 'invoice'\?"),
    ('{"field": "token.sub", "is": "none"}', r"\$\.policy\.field: 'token' is no resource"),
    ('{"field": "invoice", "is": "none"}', r"\$\.policy\.field: 'invoice' is no field"),
    ('{"field": "invoice.ownr", "is": "none"}', r"\$\.policy\.field: .*owner"),
    ('{"field": "invoice._x", "is": "none"}', r"\$\.policy\.field: "),
    ('{"field": "invoice.owner", "is": "is-in"}', r"\$\.policy\.is: how it compares .*did you mean 'is_in'\?"),
    ('{"field": "invoice.owner"}', r"\$\.policy\.is: how it compares is wanted here, not null"),
    ('{"field": "invoice.owner", "is": "none", "value": 1}', r"field and is: none are all there is"),
    ('{"field": "invoice.owner", "is": "=="}', r"compared with one of value, other, says"),
    ('{"field": "invoice.amount", "is": "=<", "value": 1}', r"not '=<'; write \"<=\""),
    ('{"field": "invoice.amount", "is": "=>", "value": 1}', r"not '=>'; write \">=\""),
    ('{"field": "invoice.amount", "is": "=", "value": 1}', r"not '='; write \"==\""),
    ('{"field": "invoice.amount", "is": "~", "value": 1}', r"not '~'; known are !=, <, <=, ==, >, >=, has, is_in"),
    ('{"field": "invoice.owner", "is": "==", "value": "token.subject"}', r"value: .*write \"says\": \"token.subject\""),
    ('{"field": "invoice.owner", "is": "is_in", "value": ["a", "token.subject.of(x)"]}', r"value\[1\]: .*\"says\""),
    ('{"field": "invoice.tenant", "is": "is_in", "value": "token.claim(\\"t\\")"}', r"write \"says\": \"token.claim\""),
    ('{"field": "invoice.owner", "is": "==", "value": "invoice.creator"}', r"write \"other\": \"invoice.creator\""),
    ('{"field": "invoice.owner", "is": "==", "vale": 1}', r"a comparison takes no 'vale'; did you mean 'value'\?"),
    ('{"field": "invoice.owner", "is": "==", "value": 1}', r"\$\.policy: .*can never hold: it is declared str"),
    ('{"field": "invoice.owner", "is": "==", "value": null}', r"\$\.policy: .*is_none"),
    ('{"field": "invoice.owner", "is": "==", "value": {"decimal": "x"}}', r"\.value: a text, a number, .*not an obj"),
    *(
        (f'{{"field": "invoice.amount", "is": "==", "value": {{"decimal": "{odd}"}}}}', r"\.value: a text, a number, ")
        for odd in ("sNaN", "-NaN", "Infinity", "1_0", " 1", "\u0661", "1E+9999999999")
    ),
    ('{"field": "invoice.owner", "is": "==", "value": "x", "name": "y"}', r"\$\.policy: 'name' belongs to says"),
    ('{"field": "invoice.owner", "is": "==", "says": "token.subjct"}', r"\.says: .*did you mean 'subject'\?"),
    ('{"field": "invoice.owner", "is": "==", "says": "token.__class__"}', r"\.says: 'token\.__class__' says nothing"),
    ('{"field": "invoice.owner", "is": "==", "says": "token.claim"}', r"\.name: a text is wanted here, not n"),
    ('{"field": "invoice.owner", "is": "==", "says": "token.subject", "name": "x"}', r"\$\.policy: .*takes no 'name'"),
    ('{"field": "invoice.owner", "is": "==", "says": "several.subject"}', r"\$\.policy: several\.subject: each issuer"),
    ('{"field": "invoice.owner", "is": "==", "says": "token.subject", "issuer": "x"}', r"\$\.policy: .*can never hold"),
    # --- functions
    ('{"leaf": "token.that", "text": "finance stff"}', r"\.text: .*not 'finance stff'; did you mean 'finance staff'\?"),
    ('{"leaf": "token.that", "text": "finance staff", "predicate": 1}', r"token\.that takes no 'predicate'"),
    ('{"leaf": "token.that"}', r"\$\.policy: token\.that lacks 'text'"),
    ('{"leaf": "token.permitted", "names": ["a"], "by": {"predicate": "held"}}', r"\.by: .*did you mean 'held_by'\?"),
    ('{"leaf": "token.permitted", "names": ["a"], "by": {"ada": "read"}}', r"\$\.policy\.by: an object .* a function"),
    ('{"leaf": "token.that", "text": 1}', r"\$\.policy\.text: the text of a predicate is wanted here, not 1"),
    # --- what is on the right of a comparison
    ('{"field": "invoice.owner", "is": "==", "says": 1}', r"\.says: what somebody's evidence says, .*, not 1"),
    ('{"field": "invoice.owner", "is": "==", "says": "token.subject", "issuer": 1}', r"\.issuer: 1 is no issuer whose"),
    ('{"field": "invoice.owner", "is": "==", "says": "token.claim", "name": "t", "issuer": "x"}', r"'x' is no issuer"),
]  # fmt: skip


def read(text: str) -> Policy:
    return from_json(text, VERIFIERS, predicates=FUNCTIONS)


@pytest.mark.parametrize(("number", "message"), [(at, said) for at, (_, said) in enumerate(WRONG)])
def test_a_wrong_document_is_refused(number: int, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        read(WRONG[number][0])


@pytest.mark.parametrize(("number", "message"), [(at, said) for at, (_, said) in enumerate(NODES)])
def test_a_wrong_policy_is_refused_wherever_it_stands(number: int, message: str) -> None:
    node = NODES[number][0]
    with pytest.raises(PolicyError, match=message):
        read('{"version": 1, "policy": ' + node + "}")
    inside = message.replace(r"\$\.policy", r"\$\.policy\.all_of\[1\]\.not")
    with pytest.raises(PolicyError, match=inside):
        read('{"version": 1, "policy": {"all_of": [' + VALID + ', {"not": ' + node + "}]}}")


def test_predicates_are_read_only_if_they_are_given() -> None:
    text = to_json(token.that(PREDICATES["finance staff"], "finance staff"))
    with pytest.raises(PolicyError, match=r"no predicates were given: from_json\(\.\.\., predicates="):
        from_json(text, VERIFIERS)
    other = from_json(text, VERIFIERS, predicates={"finance staff": bool})
    assert other == token.that(bool, "finance staff")


@pytest.mark.parametrize(
    ("verifiers", "message"),
    [
        (token, "write a list, such as"),
        ("token", "write a list, such as"),
        (None, "write a list, such as"),
        (["token"], "'token' is none"),
        ([token, token_called_the_same := type(token)(several.issuers[0], audience="x")], "two are called 'token'"),
    ],
    ids=["one", "text", "none", "texts", "twice"],
)
def test_wrong_verifiers_are_refused(verifiers: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        from_json('{"version": 1, "policy": ' + VALID + "}", cast("Any", verifiers))


def test_one_verifier_may_be_given_twice() -> None:
    twice: list[Offered] = [token, roles, token]
    assert from_json('{"version": 1, "policy": ' + VALID + "}", iter(twice)) == token.valid


@pytest.mark.parametrize("predicates", [[], {1: bool}, {"a": 1}], ids=["list", "number", "no function"])
def test_wrong_predicates_are_refused(predicates: object) -> None:
    with pytest.raises(ConfigError, match="predicates"):
        from_json("{}", VERIFIERS, predicates=cast("Any", predicates))


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(PolicyError, match=r"takes the text of a document, not <bytes>"):
        from_json(cast("Any", b"{}"), VERIFIERS)
    with pytest.raises(PolicyError, match="not UTF-8"):
        from_json('{"version": 1, "x": "\ud800"}', VERIFIERS)


def test_errors_of_a_verifier_of_ones_own_do_not_leak() -> None:
    class Odd(type(token)):  # type: ignore[misc]
        def role(self, name: str) -> Policy:
            raise OverflowError(name)

    odd = Odd(several.issuers[0], audience="x", name="odd")
    with pytest.raises(PolicyError, match=r"\$\.policy: odd\.role refuses this with OverflowError"):
        from_json('{"version": 1, "policy": {"leaf": "odd.role", "name": "secret"}}', [odd])


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "can_pay.json"
    with pytest.raises(ConfigError, match=r"can_pay\.json cannot be read: No such file"):
        load_policy(file, VERIFIERS)
    file.write_text(to_json(token.valid, indent=2))
    assert load_policy(file, VERIFIERS) == token.valid
    file.write_text("{}")
    with pytest.raises(PolicyError, match=r"can_pay\.json: \$\.version"):
        load_policy(file, VERIFIERS)
    file.write_bytes(b"\xff")
    with pytest.raises(PolicyError, match=r"can_pay\.json: no policy document: it is not UTF-8"):
        load_policy(file, VERIFIERS)


# --- Anything at all -------------------------------------------------------------------------------------------------
WORDS = ["leaf", "token.scope", "token.fresh", "names", "within_seconds", "all_of", "not", "part", "permit", "combine"]
WORDS += ["items", "effect", "if", "when", "require", "at_least", "of", "named", "policy", "tagged", "text", "token"]
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 400) | st.floats() | st.sampled_from(WORDS) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=12,
)


def total(read_it: Callable[[], Policy]) -> None:
    made: object
    try:
        made = read_it()
    except (PolicyError, ConfigError) as error:
        made = error
    assert isinstance(made, Policy) or len(str(made)) < 4000


@given(anything, st.lists(anything, max_size=2))
def test_whatever_stands_there_is_a_policy_or_refused(value: object, parts: list[object]) -> None:
    total(lambda: read(json.dumps({"version": 1, "policy": value, "parts": parts})))


@given(st.text(max_size=50) | st.binary(max_size=50).map(lambda data: data.decode("latin-1")))
def test_any_text_is_a_policy_or_refused(text: str) -> None:
    total(lambda: read(text))


@given(policies(), st.integers(0, 2000), st.text(max_size=3))
def test_a_damaged_document_is_a_policy_or_refused(policy: Policy, at: int, instead: str) -> None:
    text = to_json(policy)
    at %= len(text)
    total(lambda: read(text[:at] + instead + text[at + max(1, len(instead)) :]))


def test_nesting_is_bounded_before_it_is_read() -> None:
    for level in (MAX_NESTING - 2, MAX_NESTING + 5, 100_000):
        text = '{"version":1,"policy":' + '{"not":' * level + VALID + "}" * level + "}"
        total(lambda text=text: read(text))  # type: ignore[misc]
    assert len(TOGETHER) > 20


def test_the_request_itself_is_given_as_any_verifier() -> None:
    with pytest.raises(PolicyError, match="from zerotrust import request, and from_json"):
        from_json('{"version": 1, "policy": {"leaf": "request.method", "names": ["GET"]}}', [token])


def test_text_that_looks_like_an_operand_is_written_as_text() -> None:
    policy = invoice.owner.is_in(["token.subject", "ada"]) | (invoice.owner == "invoice.creator.x")
    text = to_json(policy)
    assert '["token.subject"' not in text
    assert from_json(text, VERIFIERS) == policy


def test_text_with_a_dot_is_text_where_nobody_is_called_so() -> None:
    node = '{"field": "invoice.owner", "is": "==", "value": "nobody.subject"}'
    assert read('{"version": 1, "policy": ' + node + "}") == (invoice.owner == "nobody.subject")


def test_what_a_verifier_of_ones_own_says_has_to_be_something_to_compare_with() -> None:
    class Odd(type(token)):  # type: ignore[misc]
        @property
        def boss(self) -> Said | None:
            return None

    odd = Odd(several.issuers[0], audience="x", name="odd")
    node = '{"field": "invoice.owner", "is": "==", "says": "odd.boss"}'
    with pytest.raises(PolicyError, match=r"\.says: 'odd\.boss' is nothing to compare with"):
        from_json('{"version": 1, "policy": ' + node + "}", [odd, invoice])


def test_a_text_that_is_no_uuid_is_refused() -> None:
    node = '{"field": "invoice.number", "is": "==", "value": {"uuid": "x"}}'
    with pytest.raises(PolicyError, match=r"\$\.policy\.value: a text, a number, .* is wanted here, not an object"):
        read('{"version": 1, "policy": ' + node + "}")
