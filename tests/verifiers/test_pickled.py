"""Policies over real verifiers travel: the configuration, and nothing that was remembered."""

from __future__ import annotations

import pickle

from tests.verifiers.test_roles import ROLES
from zerotrust import Bearer, Issuer
from zerotrust.core.combining import PolicySet
from zerotrust.verifiers.roles import Roles


def test_a_policy_over_a_token_works_elsewhere() -> None:
    token = Bearer(Issuer("https://login.example.com"), audience="payments")
    roles = Roles(token, ROLES.includes)
    policy = PolicySet(permit=[roles.has("editor"), token.scope("pay")], forbid=[token.role("suspended")])
    again, same = pickle.loads(pickle.dumps((policy, token)))
    assert repr(again) == repr(policy)
    assert again.verifiers == {same}  # one verifier for all leaves, as before
    assert again != policy  # a verifier is itself and no other: evidence of one is not evidence of another
    assert (
        PolicySet(permit=[Roles(same, ROLES.includes).has("editor"), same.scope("pay")], forbid=again.forbid) == again
    )
