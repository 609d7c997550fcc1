"""One decision as it is kept: a line of JSON, read by a parser that takes nothing else.

The line, version 1. All moments are POSIX seconds; what may be missing is in brackets.

    {"capsule": 1, "zerotrust": "0.1.0", "now": 1800000000.0, "method": "POST", "route": "/payments", ["id": "..."],
     "policy": {"names": ["can pay"], "fingerprint": "sha256:..."}, "key": "k3yId...",
     "kind": "allow", "verdict": "yes", ["code": "expired"], ["remedies": [["sign_in"], ["retry"]]],
     "found": [{"by": "token", "type": "Bearer", "state": "verified", "until": 1800000300.0, "subject": "hmac:...",
                "says": {"scope": ["pay"], "auth_time": 1799999000.0}, ["far": {"since": "-inf"}],
                ["hidden": ["subject"]], ["answers": {"token.that(staff)": true}]},
               {"by": "passkey", "type": "Passkey", "state": "absent", "code": "not_presented"}],
     ["shadow": {"policy": {...}, "kind": "refuse", "verdict": "no"}]}
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast, get_args

from zerotrust.core.reason import MALFORMED, TOO_LARGE, Reason
from zerotrust.wire.json import JsonValue, parse_object

VERSION: Final = 1
MOST_BYTES: Final = 64 * 1024
"""The longest line that is written, and read."""

Outcome: TypeAlias = Literal["allow", "challenge", "deny", "refuse"]
"""`refuse` is a challenge or a denial, of a policy in the shadow."""

State: TypeAlias = Literal["verified", "unspent", "absent", "rejected", "unavailable"]
Answer: TypeAlias = bool | str
"""What a leaf answered: yes, no, or the code of the reason for which it is unknown."""

_DEPTH: Final = 12
_MOST_FOUND: Final = 256
_MOST_TEXT: Final = 1024
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_STATES: Final = frozenset(get_args(State))
_OUTCOMES: Final = frozenset(get_args(Outcome))
_VERDICTS: Final[dict[str, bool | None]] = {"yes": True, "no": False, "unknown": None}
_FAR: Final[dict[str, float]] = {"inf": float("inf"), "-inf": float("-inf")}


@dataclass(frozen=True, slots=True)
class Found:
    """What one verifier found.

    Attributes:
        by: what the verifier is called.
        type: the name of its class.
        state: the kind of finding; `unspent` is verified, and counts once, and was not used up.
        code: of the reason why nothing was verified; empty for what was.
        detail: the code of the reason why what it is linked to was not verified; mostly empty.
        until: when what was verified expires, POSIX seconds.
        retry_after: seconds after which asking again may help, where it was unavailable.
        subject: the keyed digest of whom the evidence is about.
        says: attributes of the evidence, by name; None for those that it does not state.
        hidden: the attributes among them of which `says` has the keyed digest.
        answers: of leaves that cannot be answered from attributes, by their text.
    """

    by: str
    type: str
    state: State
    code: str = ""
    detail: str = ""
    until: float = float("inf")
    retry_after: float = 5.0
    subject: str = ""
    says: dict[str, object] | None = None
    hidden: frozenset[str] = frozenset()
    answers: dict[str, Answer] | None = None

    @property
    def good(self) -> bool:
        """Whether it was verified, used up or not."""
        return self.state == "verified" or self.state == "unspent"


@dataclass(frozen=True, slots=True)
class Under:
    """A policy and what was decided under it.

    Attributes:
        names: what it was called; several, if several policies held together.
        fingerprint: tells it apart from any other.
        kind: the decision.
        verdict: the value of the policy; None is unknown.
        code: of the most specific reason for a refusal; empty if there was none.
        remedies: what the caller could have done, by the names of the actions, least effort first.
    """

    names: tuple[str, ...]
    fingerprint: str
    kind: Outcome
    verdict: bool | None
    code: str = ""
    remedies: tuple[tuple[str, ...], ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the caller was let in."""
        return self.kind == "allow"


@dataclass(frozen=True, slots=True)
class Capsule:
    """One recorded decision.

    Attributes:
        now: the moment of the request, POSIX seconds.
        method: of HTTP, `WS` for a WebSocket, `other` for an unusual one.
        route: the path as it was declared.
        decided: the policy that was enforced, and how it came out.
        found: all findings, in the order gathered.
        key_id: which key the digests were made with.
        id: of the request; empty if none was given.
        library: the version of this library that recorded it.
        shadow: the policy that was tried beside it, and how it came out; None if there was none, or it could not be
            told.
    """

    now: float
    method: str
    route: str
    decided: Under
    found: tuple[Found, ...]
    key_id: str
    id: str = ""
    library: str = ""
    shadow: Under | None = None

    @property
    def called(self) -> str:
        """What the policy was called that was enforced."""
        return " & ".join(self.decided.names)

    @property
    def subject(self) -> str:
        """The digest of whom the first verified evidence about somebody is about; empty if there is none."""
        return next((one.subject for one in self.found if one.subject), "")


class _Wrong(Exception):
    """Carries out of the parser what is wrong."""


def read_capsule(line: bytes) -> Capsule | Reason:
    """Read one line, with or without its end.

    Args:
        line: UTF-8, at most 64 KiB.

    Returns:
        The capsule; or `too_large` or `malformed`, the latter also for a version that this library does not know.
    """
    members = parse_object(line, limit=MOST_BYTES, depth=_DEPTH)
    if isinstance(members, Reason):
        return members
    version = members.get("capsule")
    if type(version) is not int or version != VERSION:
        return MALFORMED(expected=f"version {VERSION}", detail="no capsule of a version that is known")
    try:
        return _capsule(members)
    except _Wrong as wrong:
        return MALFORMED(detail=f"a capsule: {wrong}")
    except OverflowError:  # an integer beyond any float
        return TOO_LARGE(detail="a number in a capsule")


def _capsule(members: dict[str, JsonValue]) -> Capsule:
    found = tuple([_found(one) for one in _list(members, "found", _MOST_FOUND)])
    if len({one.by for one in found}) < len(found):
        raise _Wrong("two findings of one verifier")
    return Capsule(
        now=_number(members, "now"),
        method=_text(members, "method"),
        route=_text(members, "route"),
        decided=_enforced(members),
        found=found,
        key_id=_text(members, "key"),
        id=_text(members, "id", ""),
        library=_text(members, "zerotrust"),
        shadow=None if "shadow" not in members else _under(_object(members["shadow"], "shadow")),
    )


def _enforced(members: dict[str, JsonValue]) -> Under:
    under = _under(members)
    if under.kind == "refuse":
        raise _Wrong("kind")
    return under


def _under(members: dict[str, JsonValue]) -> Under:
    policy = _object(members.get("policy"), "policy")
    names = tuple([_is_text(one, "names") for one in _list(policy, "names", _MOST_FOUND)])
    kind, verdict = members.get("kind"), members.get("verdict")
    if not names:
        raise _Wrong("a policy without a name")
    if not isinstance(kind, str) or kind not in _OUTCOMES:
        raise _Wrong("kind")
    if not isinstance(verdict, str) or verdict not in _VERDICTS:
        raise _Wrong("verdict")
    if (kind == "allow") is not (verdict == "yes"):
        raise _Wrong("kind and verdict contradict each other")
    remedies = tuple(
        tuple([_is_code(action, "remedies") for action in _items(one, "remedies", _MOST_FOUND)])
        for one in (_list(members, "remedies", 16) if "remedies" in members else ())
    )
    fingerprint = _text(policy, "fingerprint")
    return Under(names, fingerprint, cast("Outcome", kind), _VERDICTS[verdict], _code(members, "code"), remedies)


def _found(value: JsonValue) -> Found:
    members = _object(value, "found")
    by, kind, state = _text(members, "by"), _text(members, "type"), members.get("state")
    if not isinstance(state, str) or state not in _STATES:
        raise _Wrong("state")
    if state != "verified" and state != "unspent":
        code = _code(members, "code")
        if not code:
            raise _Wrong("a finding without its reason")
        after = _number(members, "retry_after") if "retry_after" in members else 5.0
        return Found(by, kind, cast("State", state), code, _code(members, "detail"), retry_after=after)
    says: dict[str, object] = {**_object(members.get("says"), "says")}
    for name, far in (_object(members["far"], "far") if "far" in members else {}).items():
        if not isinstance(far, str) or far not in _FAR or name in says:
            raise _Wrong("far")
        says[name] = _FAR[far]
    hidden = frozenset(
        [_is_text(name, "hidden") for name in _list(members, "hidden", _MOST_FOUND)] if "hidden" in members else ()
    )
    if not hidden <= says.keys():
        raise _Wrong("hidden")
    answers = _object(members["answers"], "answers") if "answers" in members else {}
    for answer in answers.values():
        if not isinstance(answer, bool):
            _is_code(answer, "answers")
    until = _number(members, "until") if members.get("until") is not None else float("inf")
    subject = _text(members, "subject", "")
    return Found(
        by, kind, cast("State", state), "", "", until, subject=subject, says=says, hidden=hidden,
        answers=cast("dict[str, Answer]", answers),
    )  # fmt: skip


def _object(value: JsonValue, name: str) -> dict[str, JsonValue]:
    if not isinstance(value, dict):
        raise _Wrong(name)
    return value


def _items(value: JsonValue, name: str, most: int) -> list[JsonValue]:
    if not isinstance(value, list) or len(value) > most:
        raise _Wrong(name)
    return value


def _list(members: dict[str, JsonValue], name: str, most: int) -> list[JsonValue]:
    return _items(members.get(name), name, most)


def _text(members: dict[str, JsonValue], name: str, default: str | None = None) -> str:
    value = members.get(name, default)
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        raise _Wrong(name)
    return value


def _is_text(value: JsonValue, name: str) -> str:
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        raise _Wrong(name)
    return value


def _code(members: dict[str, JsonValue], name: str) -> str:
    return _is_code(members[name], name) if name in members else ""


def _is_code(value: JsonValue, name: str) -> str:
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        raise _Wrong(name)
    return value


def _number(members: dict[str, JsonValue], name: str) -> float:
    value = members.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Wrong(name)
    return float(value)
