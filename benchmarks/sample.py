"""The sample policy of P11 and P12, without the library: by hand in Python, and in Cedar.

An employee signed in at the required level, with a fresh passkey or one-time code, on a compliant device, from an
allowed country, at low risk, may pay; whoever is suspended may not.

What application code has is taken to be typed objects: slotted dataclasses whose fields are already of the type the
rule wants (roles a frozenset, moments floats). A handwritten rule over nested dicts of claims would be slower.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import cedarpy

ACR: Final = "urn:example:loa:2"
COUNTRIES: Final = frozenset({"DE", "FR", "NL"})
PASSKEY_WITHIN: Final = 600.0
CODE_WITHIN: Final = 300.0
RISK_BELOW: Final = 50
NOW: Final = 1_800_000_000.0


@dataclass(slots=True)
class Person:
    """Whom the access token is about."""

    roles: frozenset[str]
    acr: str
    suspended: bool


@dataclass(slots=True)
class Factor:
    """A second factor, presented at a moment (POSIX seconds)."""

    at: float
    user_verified: bool


@dataclass(slots=True)
class Device:
    """The device in use."""

    compliant: bool


@dataclass(slots=True)
class Context:
    """What is known about the request itself."""

    country: str
    risk: int


@dataclass(slots=True)
class Facts:
    """One situation to decide about."""

    person: Person
    passkey: Factor | None
    code: Factor | None
    device: Device
    context: Context


GOOD: Final = Facts(
    person=Person(frozenset({"employee", "approver"}), ACR, suspended=False),
    passkey=None,
    code=Factor(at=NOW - 120, user_verified=False),
    device=Device(compliant=True),
    context=Context("FR", 12),
)
RISKY: Final = Facts(GOOD.person, None, GOOD.code, GOOD.device, Context("FR", 80))
"""Denied by the last condition: everything before it had to be looked at."""
SUSPENDED: Final = Facts(Person(GOOD.person.roles, ACR, suspended=True), None, GOOD.code, GOOD.device, GOOD.context)
"""Denied by the first condition."""


def by_hand(
    person: Person, passkey: Factor | None, code: Factor | None, device: Device, context: Context, now: float
) -> bool:
    """The rule as application code would have it."""
    if person.suspended:
        return False
    return (
        "employee" in person.roles
        and person.acr == ACR
        and (
            (passkey is not None and passkey.user_verified and now - passkey.at <= PASSKEY_WITHIN)
            or (code is not None and now - code.at <= CODE_WITHIN)
        )
        and device.compliant
        and context.country in COUNTRIES
        and context.risk < RISK_BELOW
    )


CEDAR: Final = f"""
permit (principal in Role::"employee", action == Action::"pay", resource)
when {{
    context.acr == "{ACR}"
    && ((context has passkey_at && context.passkey_uv && context.now - context.passkey_at <= {PASSKEY_WITHIN:.0f})
        || (context has code_at && context.now - context.code_at <= {CODE_WITHIN:.0f}))
    && context.compliant
    && [{", ".join(f'"{code}"' for code in sorted(COUNTRIES))}].contains(context.country)
    && context.risk < {RISK_BELOW}
}};
forbid (principal in Group::"suspended", action, resource);
"""


class Cedar:
    """cedarpy the fast way: policies and entities parsed once into handles, the context a dict.

    The three identifiers of a request may be Cedar text, as in its documentation's first example, or dicts of type
    and id, which cedarpy need not parse.
    """

    def __init__(self, facts: Facts, ids_as_dicts: bool) -> None:
        parents = [{"type": "Role", "id": role} for role in sorted(facts.person.roles)]
        if facts.person.suspended:
            parents.append({"type": "Group", "id": "suspended"})
        user = {"uid": {"type": "User", "id": "ada"}, "attrs": {}, "parents": parents}
        account = {"uid": {"type": "Account", "id": "1"}, "attrs": {}, "parents": []}
        self._policies = cedarpy.PolicySet.from_str(CEDAR)
        self._entities = cedarpy.Entities.from_json_str(json.dumps([user, account]))
        self._facts = facts
        self._ids: dict[str, Any] = {"principal": 'User::"ada"', "action": 'Action::"pay"', "resource": 'Account::"1"'}
        if ids_as_dicts:
            named = {"principal": ("User", "ada"), "action": ("Action", "pay"), "resource": ("Account", "1")}
            self._ids = {role: {"type": kind, "id": one} for role, (kind, one) in named.items()}

    def decide(self) -> cedarpy.AuthzResult:
        """One bare decision; the request is put together each time, as it must be in an application."""
        facts = self._facts
        context: dict[str, Any] = {
            "acr": facts.person.acr,
            "now": int(NOW),
            "compliant": facts.device.compliant,
            "country": facts.context.country,
            "risk": facts.context.risk,
        }
        if facts.passkey is not None:
            context |= {"passkey_at": int(facts.passkey.at), "passkey_uv": facts.passkey.user_verified}
        if facts.code is not None:
            context["code_at"] = int(facts.code.at)
        return cedarpy.is_authorized({**self._ids, "context": context}, self._policies, self._entities)
