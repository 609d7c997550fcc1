"""The sample policy in Rego and in casbin, and many policies in Cedar, Rego and casbin: the same ones everywhere."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any, Final

import casbin
import cedarpy
from regopy import Interpreter

from benchmarks.sample import ACR, CODE_WITHIN, COUNTRIES, NOW, PASSKEY_WITHIN, RISK_BELOW, Facts

logging.getLogger("casbin").setLevel(logging.ERROR)  # it says of each decision what was asked

REGO: Final = f"""
package sample
import rego.v1

default allow := false

allow if {{
    not input.suspended
    "employee" in input.roles
    input.acr == "{ACR}"
    fresh
    input.compliant
    input.country in {{{", ".join(f'"{code}"' for code in sorted(COUNTRIES))}}}
    input.risk < {RISK_BELOW}
}}
fresh if {{ input.passkey_uv; input.now - input.passkey_at <= {PASSKEY_WITHIN:.0f} }}
fresh if {{ input.now - input.code_at <= {CODE_WITHIN:.0f} }}
"""


class Rego:
    """Rules as a bundle, compiled once; the input a dict, as it must be in an application."""

    def __init__(self, rules: str, query: str) -> None:
        compiler = Interpreter()
        compiler.add_module("rules.rego", rules)
        self._bundle = compiler.build(query)
        self._compiler = compiler  # the bundle lives no longer than it does
        self._interpreter = Interpreter()

    def decide(self, given: dict[str, Any]) -> bool:
        """Whether the answer is true."""
        self._interpreter.set_input(given)
        output = self._interpreter.query_bundle(self._bundle)
        return True in output.results[0].expressions


def rego_sample() -> Rego:
    """The sample policy."""
    return Rego(REGO, "data.sample.allow")


def rego_input(facts: Facts) -> dict[str, Any]:
    """What the sample policy is asked about."""
    given: dict[str, Any] = {
        "roles": sorted(facts.person.roles),
        "suspended": facts.person.suspended,
        "acr": facts.person.acr,
        "now": int(NOW),
        "compliant": facts.device.compliant,
        "country": facts.context.country,
        "risk": facts.context.risk,
    }
    if facts.passkey is not None:
        given |= {"passkey_at": int(facts.passkey.at), "passkey_uv": facts.passkey.user_verified}
    if facts.code is not None:
        given["code_at"] = int(facts.code.at)
    return given


_ABAC: Final = """
[request_definition]
r = sub, now
[policy_definition]
p = role
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = {matcher}
"""
_RULE: Final = (
    "not r.sub.person.suspended and p.role in r.sub.person.roles and r.sub.person.acr == '{acr}' "
    "and (fresh(r.sub.passkey, r.sub.code, r.now)) and r.sub.device.compliant "
    "and r.sub.context.country in ({countries}) and r.sub.context.risk < {risk}"
).format(acr=ACR, countries=", ".join(f"'{code}'" for code in sorted(COUNTRIES)), risk=RISK_BELOW)


def _enforcer(model: str, lines: Sequence[Sequence[str]]) -> casbin.Enforcer:
    made = casbin.Model()
    made.load_model_from_text(model)
    enforcer = casbin.Enforcer(made)
    enforcer.add_policies([list(line) for line in lines])
    return enforcer


def casbin_sample() -> casbin.Enforcer:
    """The sample policy as the text of a matcher; `enforce(facts, now)`."""

    def fresh(passkey: Any, code: Any, now: float) -> bool:
        by_key = passkey is not None and passkey.user_verified and now - passkey.at <= PASSKEY_WITHIN
        return by_key or (code is not None and now - code.at <= CODE_WITHIN)

    enforcer = _enforcer(_ABAC.format(matcher=_RULE), [["employee"]])
    enforcer.add_function("fresh", fresh)
    return enforcer


# --- So many policies, of which the last one matches ------------------------------------------------------------------
_RBAC: Final = """
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub == p.sub && r.obj == p.obj && r.act == p.act
"""


def casbin_paths(count: int) -> casbin.Enforcer:
    """Employees may GET one path for each policy."""
    return _enforcer(_RBAC, [["employee", f"/records/r{number}", "GET"] for number in range(count)])


def rego_paths(count: int) -> Rego:
    """The same."""
    rules = [
        f'allow if {{ input.path == "/records/r{number}"; input.method == "GET"; "employee" in input.roles }}'
        for number in range(count)
    ]
    return Rego("\n".join(["package many", "import rego.v1", *rules]), "data.many.allow")


def rego_risks(count: int) -> Rego:
    """Employees may where the risk is below one number for each policy."""
    rules = [f'allow if {{ input.risk < {number + 1}; "employee" in input.roles }}' for number in range(count)]
    return Rego("\n".join(["package many", "import rego.v1", *rules]), "data.many.allow")


class CedarMany:
    """Policies and entities parsed once into handles; identifiers as text, the context a dict."""

    def __init__(self, policies: str) -> None:
        user = {"uid": {"type": "User", "id": "ada"}, "attrs": {}, "parents": [{"type": "Role", "id": "employee"}]}
        self._policies = cedarpy.PolicySet.from_str(policies)
        self._entities = cedarpy.Entities.from_json_str(json.dumps([user]))

    def decide(self, path: str, risk: int) -> cedarpy.AuthzResult:
        """One bare decision."""
        asked = {
            "principal": 'User::"ada"',
            "action": 'Action::"GET"',
            "resource": f'Path::"{path}"',
            "context": {"risk": risk},
        }
        return cedarpy.is_authorized(asked, self._policies, self._entities)


def cedar_paths(count: int) -> CedarMany:
    """Employees may GET one path for each policy."""
    return CedarMany(
        "\n".join(
            f'permit (principal in Role::"employee", action == Action::"GET", resource == Path::"/records/r{number}");'
            for number in range(count)
        )
    )


def cedar_risks(count: int) -> CedarMany:
    """Employees may where the risk is below one number for each policy."""
    return CedarMany(
        "\n".join(
            f'permit (principal in Role::"employee", action, resource) when {{ context.risk < {number + 1} }};'
            for number in range(count)
        )
    )
