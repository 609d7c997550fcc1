"""What to keep of evidence so that the leaves of policies can be answered later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final, cast

from zerotrust.core.errors import ConfigError
from zerotrust.core.fact_values import attributes, tests
from zerotrust.core.facts import (
    AtLeast,
    Attribute,
    During,
    Fact,
    Includes,
    Mentions,
    NothingBut,
    OneOf,
    Proven,
    Younger,
)
from zerotrust.core.policy import AllOf, Leaf, Policy, Standing, called, name_of
from zerotrust.core.verifier import Verifier
from zerotrust.verifiers.resource import ResourceVerifier

MOST_NAME: Final = 200  # characters of what a policy or a leaf is called

# Claims by which issuers tell people apart (OpenID Connect Core section 5.1, RFC 9068 section 2.2, and what Microsoft
# Entra ID, Okta and Google add), names in certificates, and addresses.
_PERSONAL: Final = frozenset(
    [
        *(f"claims.{name}" for name in (
            "sub", "email", "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username",
            "unique_name", "upn", "oid", "uid", "login", "phone_number", "address", "birthdate", "profile", "picture",
            "website", "jti", "sid", "may_act", "act", "ipaddr", "ip",
        )),
        "subject", "actor", "actors", "names.emails", "address", "device_id",
    ]
)  # fmt: skip

# What has no names of people in it, by the standards that define it: values from closed lists, codes of the application
# or of its issuer, moments. Of everything else only what policies name is kept as it is.
_OPEN: Final = frozenset(
    [
        *(f"claims.{name}" for name in (
            "iss", "aud", "azp", "client_id", "scope", "scp", "roles", "groups", "entitlements", "acr", "amr",
            "auth_time", "iat", "nbf", "exp", "country", "token_type",
        )),
        "source", "scope", "acr", "amr", "auth_time", "issuers", "not_after", "asserted_by", "spiffe_id.trust_domain",
        "names.dns", "method", "path", "host", "at", "country", "started_at", "seen_at", "proofs",
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """One leaf, and what its answer rests on.

    Attributes:
        leaf: the leaf.
        text: as it is written; what its answer is kept under.
        fact: its answer as a test of attributes; None if only evidence can tell.
        names: of the attributes that the fact is about.
        private: whether one of these says who somebody is.
    """

    leaf: Leaf[Any] | Standing
    text: str
    fact: Fact | None
    names: frozenset[str]
    private: bool


def asked(leaf: Leaf[Any]) -> Asked:
    """What the answer of `leaf` rests on."""
    fact = None if leaf.question.opaque else leaf.question.facts()
    read = frozenset[Attribute]() if fact is None else attributes(fact)
    names = frozenset(one.name for one in read)
    return Asked(leaf, brief(str(leaf)), fact, names, any(map(is_private, read)))


def is_private(attribute: Attribute) -> bool:
    """Whether its value says who somebody is: its question says so, or its name does."""
    return attribute.private or attribute.name in _PERSONAL


def is_open(attribute: Attribute) -> bool:
    """Whether its texts are kept as they are, whatever policies compare it with."""
    return attribute.name in _OPEN and not is_private(attribute)


def constants(fact: Fact) -> Iterator[object]:
    """What `fact` compares attributes with."""
    for _, constant in _compared(fact):
        yield constant


def _compared(fact: Fact) -> Iterator[tuple[str, object]]:
    for test in tests(fact):
        name = test.attribute.name
        if isinstance(test, OneOf | Mentions):
            yield from ((name, value) for value in test.values)
        elif isinstance(test, Includes):
            yield name, test.item
        elif isinstance(test, NothingBut):
            yield from ((name, item) for item in test.items)


def labels(policy: Policy) -> dict[Verifier[Any], str]:
    """What capsules call each verifier that `policy` rests on: its name, and a number where several have it.

    A resource has the same name wherever it is compared with the same, whatever else is asked of it: `invoice` alone,
    `invoice beside token` with the evidence of `token`.
    """
    labelled: dict[Verifier[Any], str] = {}
    taken: dict[str, int] = {}
    for verifier in policy.program.verifiers:
        for one in reversed([*_chain(verifier)]):
            if one not in labelled:
                of = one.of if isinstance(one, ResourceVerifier) else None
                name = one.name if of is None else f"{one.name} beside {labelled[of]}"
                count = taken[name] = taken.get(name, 0) + 1
                labelled[one] = name if count == 1 else f"{name}#{count}"
    return labelled


def shared(policy: Policy) -> frozenset[str]:
    """The labels that do not say for certain which verifier of another policy is meant: several have the name."""
    called = labels(policy).values()
    many = {label.rpartition("#")[0] for label in called if label.rpartition("#")[2].isdigit() and "#" in label}
    return frozenset(label for label in called if label in many or label.rpartition("#")[0] in many)


def names(policy: Policy) -> tuple[str, ...]:
    """What `policy` is called: its name, or its text; of policies that hold together, each by itself."""
    parts = policy.parts if isinstance(policy, AllOf) and any(map(name_of, policy.parts)) else ()
    return tuple(brief(called(one)) for one in parts or (policy,))


def brief(text: str) -> str:
    """`text`; of a very long one its beginning and a digest, so that different texts stay different."""
    if len(text) <= MOST_NAME:
        return text
    return f"{text[: MOST_NAME - 24]}... {sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _chain(verifier: Verifier[Any]) -> Iterator[Verifier[Any]]:
    """The verifier, those it is of, and of a resource also the resource by itself: a check always finds that."""
    one: Verifier[Any] | None = verifier
    while one is not None:
        yield one
        if isinstance(one, ResourceVerifier) and one.of is not None:
            yield one.beside(None)
        one = one.of


@dataclass(frozen=True, slots=True)
class Plan:
    """What to keep of a decision under one policy.

    Attributes:
        keep: the attributes, by verifier.
        called: what each verifier is called.
        leaves: of the policy, in the order of its program; None for those that look at findings alone.
        more: leaves of other policies, by verifier.
        constants: what attributes are compared with, by verifier and name.
        measured: the names of attributes whose numbers are looked at for how great they are, by verifier.
        names: what the policy is called.
    """

    keep: dict[Verifier[Any], tuple[Attribute, ...]]
    called: dict[Verifier[Any], str]
    leaves: tuple[Asked | None, ...]
    more: dict[Verifier[Any], tuple[Asked, ...]]
    constants: dict[Verifier[Any], dict[str, frozenset[object]]]
    measured: dict[Verifier[Any], frozenset[str]]
    names: tuple[str, ...]


def plan(policy: Policy, others: Iterable[Policy] = ()) -> Plan:
    """What to keep of decisions under `policy`, so that it and the `others` can be tried later."""
    leaves = tuple(asked(leaf) if isinstance(leaf, Leaf) else None for leaf in policy.program.leaves)
    own = {one.text for one in leaves if one is not None}
    found = [leaf for other in others for leaf in other.program.leaves if isinstance(leaf, Leaf)]
    others_ = [one for one in map(asked, dict.fromkeys(found)) if one.text not in own]
    keep: dict[Verifier[Any], dict[str, Attribute]] = {}
    compared: dict[Verifier[Any], dict[str, frozenset[object]]] = {}
    measured: dict[Verifier[Any], frozenset[str]] = {}
    for one in (*leaves, *others_):
        if one is not None and one.fact is not None:
            kept = keep.setdefault(one.leaf.verifier, {})
            for attribute in sorted(attributes(one.fact), key=_name):
                if attribute.name not in kept or attribute.private:  # for one leaf it says who somebody is
                    kept[attribute.name] = replace(attribute, private=is_private(attribute))
            with_ = compared.setdefault(one.leaf.verifier, {})
            for name, constant in _compared(one.fact):
                with_[name] = with_.get(name, frozenset()) | {constant}
            numbers = (test for test in tests(one.fact) if isinstance(test, AtLeast | Younger | During | Proven))
            measured[one.leaf.verifier] = measured.get(one.leaf.verifier, frozenset[str]()).union(
                test.attribute.name for test in numbers
            )
    more: dict[Verifier[Any], list[Asked]] = {}
    for one in others_:
        more.setdefault(one.leaf.verifier, []).append(one)
    return Plan(
        {verifier: tuple(kept.values()) for verifier, kept in keep.items()},
        labels(policy),
        leaves,
        {verifier: tuple(asked_) for verifier, asked_ in more.items()},
        compared,
        measured,
        names(policy),
    )


def _name(attribute: Attribute) -> str:
    return attribute.name


def policies_of(value: object, where: str) -> tuple[Policy, ...]:
    """The policies in `value`, one or several; `ConfigError` for anything else."""
    given = value
    if isinstance(value, Policy):
        return (value,)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        found = [*cast("Iterable[object]", value)]
        good = tuple(one for one in found if isinstance(one, Policy))
        if len(good) == len(found):
            return good
    raise ConfigError(f"{where} takes policies, [can_read, can_pay], not {type(given).__name__}")
