"""A decision as a capsule's line: what leaves need, and nothing else of what was found.

Written are constants of the application (names of policies, verifiers and leaves, declared routes), codes from closed
lists, moments, and of verified evidence the attributes that leaves read. Nothing comes from the request itself but its
method, if it is a common one. What is longer than an attribute should be, or looks like a token or a key, is left out
even then.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, TypeAlias, cast

from zerotrust.core.decision import Allow, Challenge, Decision, Deny
from zerotrust.core.evidence import Evidence
from zerotrust.core.fact_values import value_of
from zerotrust.core.facts import Attribute
from zerotrust.core.finding import Finding, Unavailable, Unspent, Verified
from zerotrust.core.program import Value
from zerotrust.core.reason import LINK_MISSING, Reason
from zerotrust.core.verifier import Verifier
from zerotrust.replay.capsule import VERSION
from zerotrust.replay.digests import Digests
from zerotrust.replay.plan import Asked, Plan, is_open
from zerotrust.verifiers.resource import ResourceVerifier

Plain: TypeAlias = dict[str, object]

_METHODS: Final = frozenset(
    ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY", "WS")
)
_MOST_TEXT: Final = 512  # characters of one text in an attribute
_MOST_ITEMS: Final = 512
_MOST_DEPTH: Final = 4
_MOST_INTEGER: Final = 2**63
_CLAIM: Final = "claims."
_SHORT: Final = 3  # characters that are no secret, such as the code of a country
_LEFT_OUT: Final = object()
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")

# What no attribute of a policy is: a JWT or JWE, a key or certificate in PEM, whatever calls itself a bearer token.
_SECRET: Final = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.|-----BEGIN |[Bb]earer |[Bb]asic |DPoP ")


def line(
    decision: Decision,
    kept: Plan,
    fingerprint: str,
    digests: Digests,
    *,
    method: str,
    route: str,
    request_id: str = "",
    beside: tuple[Decision, Plan, str] | None = None,
) -> bytes:
    """The line, with its end.

    Args:
        decision: what was decided.
        kept: what to keep of it.
        fingerprint: of its policy.
        digests: make what is private comparable, and no more.
        method: of the request.
        route: the path as declared.
        request_id: what the application calls the request.
        beside: what a policy in its shadow came to, with its plan and fingerprint.
    """
    said: Plain = {
        "capsule": VERSION,
        "zerotrust": _version(),
        "now": decision.now,
        "method": method if method in _METHODS else "other",
        "route": route[:_MOST_TEXT],
        **({"id": request_id} if request_id else {}),
        **_under(decision, kept, fingerprint),
        "key": digests.key_id,
    }
    findings = dict(decision.findings)
    judged = [(decision, kept)]
    if beside is not None:
        shadow, plan, print_ = beside
        said["shadow"] = _under(shadow, plan, print_, in_shadow=True)
        judged.append((shadow, plan))
        findings = {**shadow.findings, **findings}
    called = _called(judged)
    said["found"] = [
        _found(verifier, called[verifier], finding, judged, digests)
        for verifier, finding in findings.items()
        if verifier in called
    ]
    return _encode(said).encode("ascii") + b"\n"


# Once: to build it costs as much as to write a line.
_encode: Final = json.JSONEncoder(allow_nan=False, separators=(",", ":"), check_circular=False).encode


def _called(judged: Sequence[tuple[Decision, Plan]]) -> Mapping[Verifier[Any], str]:
    """What each verifier is called; of two that share a name, the one of the policy that was enforced has it."""
    if len(judged) == 1:
        return judged[0][1].called
    called = dict(judged[0][1].called)
    for _, plan in judged[1:]:
        taken = {name: verifier for verifier, name in called.items()}
        called |= {
            verifier: name for verifier, name in plan.called.items() if verifier not in called and name not in taken
        }
    return called


def _under(decision: Decision, kept: Plan, fingerprint: str, *, in_shadow: bool = False) -> Plain:
    kind = "allow" if isinstance(decision, Allow) else "challenge" if isinstance(decision, Challenge) else "deny"
    if in_shadow and kind != "allow":
        kind = "refuse"  # which of the two it would be, was not looked for
    said: Plain = {
        "policy": {"names": list(kept.names), "fingerprint": fingerprint},
        "kind": kind,
        "verdict": decision.verdict.name.lower(),
    }
    if isinstance(decision, Challenge | Deny):
        said["code"] = _code(decision.reason)
        if decision.remedies:
            said["remedies"] = [
                [step.action.name.lower() for step in remedy.steps] for remedy in decision.remedies[:16]
            ]
    return said


def _found(
    verifier: Verifier[Any],
    name: str,
    finding: Finding[Any],
    judged: Sequence[tuple[Decision, Plan]],
    digests: Digests,
) -> Plain:
    said: Plain = {"by": name, "type": type(verifier).__name__, "state": type(finding).__name__.lower()}
    if not isinstance(finding, Verified | Unspent):
        said["code"] = _code(finding.reason)
        if finding.reason.kind is LINK_MISSING and _CODE.fullmatch(finding.reason.detail):
            said["detail"] = finding.reason.detail
        if isinstance(finding, Unavailable) and math.isfinite(finding.retry_after):
            said["retry_after"] = finding.retry_after
        return said
    return said | _said(verifier, cast("Evidence", finding.proven), judged, digests)


def _said(
    verifier: Verifier[Any], evidence: Evidence, judged: Sequence[tuple[Decision, Plan]], digests: Digests
) -> Plain:
    """What verified evidence says, so far as leaves read it."""
    until = evidence.expires_at
    said: Plain = {"until": until if math.isfinite(until) else None if until > 0 else 0.0}
    if not verifier.contextual:
        said["subject"] = digests.of(evidence.subject)
    read: dict[str, object] = {}
    says: Plain = {}
    far: dict[str, str] = {}
    hidden: list[str] = []
    for attribute in _attributes(verifier, judged):
        value = read[attribute.name] = verifier.read(evidence, attribute)
        if attribute.private and value is not None:
            if _is_comparable(value):
                says[attribute.name] = digests.of(value)
                hidden.append(attribute.name)
        elif isinstance(value, float) and math.isinf(value):
            far[attribute.name] = "inf" if value > 0 else "-inf"
        elif _may_be_kept(value, attribute, verifier, judged):
            kept = value if _is_bare(attribute, verifier) else _guarded(value, attribute, verifier, judged, digests)
            if kept is not _LEFT_OUT:
                says[attribute.name] = kept
                if kept != value:
                    hidden.append(attribute.name)
    said["says"] = says
    if far:
        said["far"] = far
    if hidden:
        said["hidden"] = hidden
    if answers := _answers(verifier, judged, read, {*says, *far}.difference(hidden), digests):
        said["answers"] = answers
    return said


def _attributes(verifier: Verifier[Any], judged: Sequence[tuple[Decision, Plan]]) -> Iterable[Attribute]:
    """What is to be kept of the evidence of `verifier`: what is private under one plan, is private."""
    if len(judged) == 1:
        return judged[0][1].keep.get(verifier, ())
    found: dict[str, Attribute] = {}
    for _, plan in judged:
        for attribute in plan.keep.get(verifier, ()):
            if attribute.name not in found or attribute.private:
                found[attribute.name] = attribute
    return found.values()


def _is_bare(attribute: Attribute, verifier: Verifier[Any]) -> bool:
    """Whether its values are kept or left out as they are, none as its digest."""
    return is_open(attribute) or (verifier.contextual and not isinstance(verifier, ResourceVerifier))


def _guarded(
    value: object,
    attribute: Attribute,
    verifier: Verifier[Any],
    judged: Sequence[tuple[Decision, Plan]],
    digests: Digests,
) -> object:
    """`value` with the keyed digest of whatever no policy compares it with: nobody knows what such texts say.

    A number that is looked at for how great it is stays. `_LEFT_OUT` for what tests would find otherwise of digests.
    """
    named = _constants(attribute, verifier, judged)
    measured = any(attribute.name in plan.measured.get(verifier, ()) for _, plan in judged)

    def is_said(one: object) -> bool:
        return one is None or isinstance(one, bool) or one in named or (measured and isinstance(one, int | float))

    if not isinstance(value, list):
        if isinstance(value, dict):
            return _LEFT_OUT
        return value if is_said(value) else digests.of(value)
    items = cast("list[object]", value)
    if not all(isinstance(one, str) or (not isinstance(one, dict | list) and is_said(one)) for one in items):
        return _LEFT_OUT
    return [one if is_said(one) else digests.of(one) for one in items]


def _constants(
    attribute: Attribute, verifier: Verifier[Any], judged: Sequence[tuple[Decision, Plan]]
) -> frozenset[object]:
    """What policies compare `attribute` with."""
    named = (plan.constants.get(verifier, {}).get(attribute.name, ()) for _, plan in judged)
    return frozenset[object]().union(*named)


def _is_of_caller(
    value: object, attribute: Attribute, verifier: Verifier[Any], judged: Sequence[tuple[Decision, Plan]]
) -> bool:
    """Whether `value` says of the request what a caller may have put there: a path, say, that no policy names."""
    texts = _constants(attribute, verifier, judged)
    return any(
        isinstance(one, dict | list) or (isinstance(one, str) and len(one) > _SHORT and one not in texts)
        for one in _items(value)
    )


def _items(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else [value]


def _answers(
    verifier: Verifier[Any],
    judged: Sequence[tuple[Decision, Plan]],
    read: Mapping[str, object],
    said: set[str],
    digests: Digests,
) -> dict[str, bool | str]:
    """What the leaves of `verifier` answered that cannot be answered from what is said openly."""
    answers: dict[str, bool | str] = {}

    def keep(asked: Asked, value: Value) -> None:
        if asked.fact is None or not asked.names <= said:
            code = _code(value) if isinstance(value, Reason) else "unknown" if value is None else value
            answers.setdefault(answer_name(asked, digests), code)

    for decision, kept in judged:
        for asked, value in zip(kept.leaves, decision.values, strict=True):
            if asked is not None and value is not None and asked.leaf.verifier == verifier:
                keep(asked, value)
        for asked in kept.more.get(verifier, ()):
            if asked.fact is not None:
                keep(asked, value_of(asked.fact, read, decision.now))
    return answers


def answer_name(asked: Asked, digests: Digests | None) -> str:
    """What the answer of a leaf is kept under: its text, or the digest of that if it asks who somebody is."""
    if not asked.private:
        return asked.text
    return "" if digests is None else cast("str", digests.of(asked.text))


def _is_comparable(value: object) -> bool:
    """Whether tests find of the digest what they find of `value`: a text for a text, as many in a list."""
    if isinstance(value, list):
        items = cast("list[object]", value)
        return len(items) <= _MOST_ITEMS and all(isinstance(one, str) for one in items)
    return isinstance(value, str | int | float)


def _may_be_kept(
    value: object, attribute: Attribute, verifier: Verifier[Any], judged: Sequence[tuple[Decision, Plan]]
) -> bool:
    """Whether `value` may be kept as it is. Leaves do not look into objects in claims: these are not kept."""
    if attribute.name.startswith(_CLAIM) and any(isinstance(one, dict | list) for one in _items(value)):
        return False
    if not _is_plain(value, 0):
        return False
    if isinstance(verifier, ResourceVerifier):
        return True
    return not (verifier.contextual and _is_of_caller(value, attribute, verifier, judged))


def _is_plain(value: object, depth: int) -> bool:
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, str):
        return len(value) <= _MOST_TEXT and _SECRET.search(value) is None and _is_text(value)
    if isinstance(value, int):
        return -_MOST_INTEGER <= value < _MOST_INTEGER
    if isinstance(value, float):
        return math.isfinite(value)
    if depth >= _MOST_DEPTH:
        return False
    if isinstance(value, list):
        items = cast("list[object]", value)
        return len(items) <= _MOST_ITEMS and all(_is_plain(one, depth + 1) for one in items)
    if isinstance(value, dict):
        members = cast("dict[object, object]", value)
        return len(members) <= _MOST_ITEMS and all(
            isinstance(name, str) and _is_plain(name, depth) and _is_plain(one, depth + 1)
            for name, one in members.items()
        )
    return False


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which nobody would read back
        return False
    return True


@cache
def _version() -> str:
    try:
        return version("zerotrust")
    except PackageNotFoundError:  # run from a tree that was not installed
        return "unknown"


def _code(reason: Reason) -> str:
    return reason.code if _CODE.fullmatch(reason.code) else "other"
