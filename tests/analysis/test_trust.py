"""Rules and leaves that decide nothing, ways around a requirement, worse evidence that grants more: by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from zerotrust import Bearer, Issuer, PolicyError, any_of, anyone, not_presented, unavailable
from zerotrust.analysis import (
    assert_not_weaker,
    assert_phishing_resistant,
    compare,
    idle_leaves,
    monotone,
    never_or_always,
    requires,
    requires_phishing_resistant,
    sensitive,
    unreachable,
)
from zerotrust.core.combining import PolicySet, first_applicable, forbid, permit
from zerotrust.core.policy import Policy

token = Bearer(Issuer("https://login.example.com"), audience="payments")


def fresh(minutes: int) -> Policy:
    return token.fresh(within=timedelta(minutes=minutes))


def rules(policy: Policy) -> list[str]:
    found = unreachable(policy)
    assert found.complete
    return [one.text for one in found.found]


def test_rules_that_others_cover_are_unreachable_and_told_once() -> None:
    assert rules(any_of(fresh(5), fresh(10))) == ["token.fresh(5 min)"]
    assert rules(any_of(fresh(5), token.role("a"))) == []
    assert rules(any_of(token.role("a"), token.role("a") & fresh(5))) == ['token.role("a") & token.fresh(5 min)']
    same = token.role("a") & fresh(5)
    assert rules(any_of(same, fresh(5) & token.role("a"))) == ['token.fresh(5 min) & token.role("a")']


def test_rules_of_sets_and_combinations() -> None:
    admin, gone = token.role("admin"), token.role("suspended")
    assert rules(PolicySet(permit=[admin, admin & fresh(5)], forbid=[gone, gone & fresh(5)])) == [
        'token.role("admin") & token.fresh(5 min)',
        'token.role("suspended") & token.fresh(5 min)',
    ]
    assert rules(first_applicable(forbid(gone), permit(gone), permit(admin))) == ['permit(token.role("suspended"))']
    assert rules(first_applicable(permit(gone), forbid(gone), permit(admin))) == ['forbid(token.role("suspended"))']
    # What nothing depends on is unreachable too: there is nobody left to permit.
    assert rules(first_applicable(permit(admin), permit(admin), forbid(gone))) == [
        'permit(token.role("admin"))',
        'forbid(token.role("suspended"))',
    ]
    never = first_applicable(permit(admin), permit(token.acr("a") & token.acr("b")))
    assert "never be YES" in unreachable(never).found[0].why


def test_leaves_that_cannot_matter() -> None:
    found = idle_leaves(any_of(token.role("a"), token.role("a") & token.role("b")))
    assert [one.text for one in found.found] == ['token.role("b")']
    twice = idle_leaves(any_of(token.valid, token.valid & fresh(5)))
    assert [one.text for one in twice.found] == ["token.valid", "token.fresh(5 min)"]
    assert not idle_leaves(token.role("a") & fresh(5)).found


def test_a_way_around_is_shown() -> None:
    policy = (token.scope("pay") & fresh(5)) | token.role("break glass")
    found = requires(policy, token.scope("pay"))
    assert not found.proven
    way = found.ways_around[0]
    assert ("token.claims.roles", 'with "break glass"') in way.rests_on
    assert way.new
    assert not way.old
    assert requires(policy & token.scope("pay"), token.scope("pay")).proven
    assert requires(policy, token.valid).proven


def test_every_path_to_what_is_sensitive_requires_a_phishing_resistant_factor() -> None:
    strong = token.acr("phr", "phrh")
    assert requires_phishing_resistant(strong & token.scope("pay")).proven
    assert not requires_phishing_resistant(strong | token.scope("pay")).proven
    assert not requires_phishing_resistant(token.scope("pay")).proven
    assert not requires_phishing_resistant(~strong).proven
    good, bad = (strong & token.scope("pay")).tagged("sensitive"), token.scope("pay").tagged("sensitive")
    checked = sensitive({"good": good, "bad": bad, "inside": bad | token.role("x"), "other": token.role("x")})
    assert {name: one.proven for name, one in checked.items()} == {"good": True, "bad": False, "inside": False}
    # What is allowed without the tagged part is no way to it.
    assert sensitive({"either": good | token.role("x")})["either"].proven


@pytest.mark.parametrize(
    ("policy", "proven"),
    [
        (fresh(5) & token.scope("a"), True),
        (token.role("a") | fresh(5), True),
        (~fresh(5), False),
        (~token.role("suspended"), False),
        (not_presented(token), False),
        (token.scope("a") | unavailable(token), False),
        (~token.acr("pwd"), True),
        (token.issuer("https://login.example.com"), True),
    ],
    ids=str,
)
def test_worse_evidence_grants_more_only_where_it_counts_for_something(policy: Policy, proven: bool) -> None:
    found = monotone(policy)
    assert found.proven is proven
    assert found.complete
    assert (found.counterexample is None) is proven
    if found.counterexample is not None:
        assert found.counterexample.worse
        assert not found.counterexample.better


def test_a_predicate_leaves_it_open_whether_a_policy_is_monotone() -> None:
    found = monotone(token.that(lambda _: True, "staff"))
    assert not found.proven
    assert not found.complete
    assert found.counterexample is None


def test_another_audience_is_not_a_matter_of_leaves_and_has_to_be_reviewed() -> None:
    other = Bearer(Issuer("https://login.example.com"), audience="ledger")
    found = compare(token.scope("a"), other.scope("a"))
    assert found.relation.value == "equivalent"
    assert not found.not_weaker
    assert not found.complete
    assert [change.about for change in found.configuration] == ["token.audience"]
    with pytest.raises(AssertionError, match=r"reviewed=\['token.audience'\]"):
        assert_not_weaker(other.scope("a"), token.scope("a"))
    assert_not_weaker(other.scope("a"), token.scope("a"), reviewed=["token.audience"])
    twin = Bearer(Issuer("https://login.example.com"), audience="payments")
    assert compare(token.scope("a"), twin.scope("a")).complete


def test_predicates_of_two_files_are_the_same_if_their_code_is() -> None:
    def staff(text: str) -> Policy:
        return token.that(lambda evidence: evidence.subject.endswith(text), "staff")

    assert compare(staff("@a"), staff("@a")).not_weaker
    assert not compare(staff("@a"), staff("@b")).not_weaker
    assert not compare(token.that(lambda one: one.subject == "a", "x"), token.that(lambda _: True, "x")).not_weaker


def test_a_review_comment_says_what_leaves_changed_and_cannot_be_broken_out_of() -> None:
    old, new = token.claim("a|b", "`x`") & fresh(5), token.claim("a|b", "`x`")
    text = compare(old, new).markdown("can | pay")
    assert "- removed: `token.fresh(5 min)`" in text
    assert "### Policy `can \\| pay`: weaker" in text
    assert "This answer is complete" in text
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.replace("\\|", "").count("|") in (3, 4)


def test_an_assertion_shows_the_example() -> None:
    with pytest.raises(AssertionError) as raised:
        assert_not_weaker(fresh(10), fresh(5))
    assert "5 min to 10 min ago" in str(raised.value)
    assert "ALLOW" in str(raised.value)
    assert_not_weaker(new=fresh(5), old=fresh(10))
    assert replace(compare(fresh(5), fresh(5))).not_weaker


def test_what_a_policy_as_a_whole_comes_to() -> None:
    role = token.role("a")
    assert never_or_always(token.acr("a") & token.acr("b")) == "can never be YES"
    assert never_or_always(any_of(role, ~role, not_presented(token), unavailable(token)) | ~token.valid) == ""
    assert never_or_always(token.valid | not_presented(token) | ~not_presented(token)) == ""  # who is unavailable
    assert never_or_always(anyone(because="health") | role) == "allows everybody"
    assert never_or_always(anyone(because="health").named("open").tagged("x")) == ""
    assert never_or_always(role) == ""


def test_the_assertion_about_phishing_says_what_is_allowed() -> None:
    assert_phishing_resistant(token.acr("phr"))
    with pytest.raises(AssertionError, match=r"^can pay allows without a phishing-resistant factor:") as raised:
        assert_phishing_resistant(token.scope("pay").named("can pay"))
    assert "token.scope" in str(raised.value)


def test_what_is_no_policy_is_told() -> None:
    for wrong, match in (
        (lambda: requires_phishing_resistant(token), "token is a verifier; write token.valid"),  # type: ignore[arg-type]
        (lambda: sensitive([token.valid]), "policies by name, not list"),  # type: ignore[arg-type]
        (lambda: assert_not_weaker("a", token.valid), "new is a policy, not str"),  # type: ignore[arg-type]
        (lambda: assert_not_weaker(token.valid, 3), "old is a policy, not int"),  # type: ignore[arg-type]
    ):
        with pytest.raises(PolicyError, match=match):
            wrong()


def test_a_tag_on_what_is_denied_is_about_every_way() -> None:
    denied = ~token.scope("a").tagged("sensitive") & token.valid
    assert not sensitive({"denied": denied})["denied"].proven
    gone = PolicySet(permit=[token.role("a")], forbid=[token.role("gone").tagged("sensitive")])
    assert sensitive({"set": gone})["set"].ways_around
    twice = ~(~token.scope("a").tagged("sensitive")) & token.valid
    assert sensitive({"twice": twice}, requirement=token.scope("a"))["twice"].proven
