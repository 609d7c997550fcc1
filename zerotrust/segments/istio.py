"""The table as Istio `AuthorizationPolicy` resources, `security.istio.io/v1`: one that denies, one that allows.

Istio looks at policies that deny before those that allow, as the table does, and a workload with a policy that allows
refuses whatever none allows. Its path templates are what Envoy calls URI templates: `{*}` is one or more of a set of
characters, so it takes a semicolon or an encoded slash for part of a segment, and no `=` or `*`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from zerotrust.segments.export import Export, Limit, Yaml, check_labels, check_name, documents, refuse
from zerotrust.segments.patterns import PathPattern
from zerotrust.segments.rows import Flow
from zerotrust.wire.path import PLAIN, UNRESERVED

_CANNOT: Final = (
    Limit(
        None,
        False,
        "paths of several readings (semicolons, encoded percent signs, octets that are not UTF-8) and methods that are "
        "not in capitals: the table refuses them, Istio lets them through wherever a row is open ({name}, /**, ANY)",
    ),
    Limit(None, False, "revocation, and what else the verifier of the peer checks"),
)
_NEEDS: Final = (
    "PeerAuthentication with mtls mode STRICT for the workload: without mutual TLS there is no principal",
    (
        "meshConfig.pathNormalization.normalization: DECODE_AND_MERGE_SLASHES, so that slashes, encoded ones too, and "
        "dot segments are resolved before a policy looks, and the workload gets the path that was decided on"
    ),
    "no other AuthorizationPolicy that allows for the workload: what one of them allows is allowed",
    "Istio 1.22 or later where a path has {*} or {**}",
    (
        "a mesh with the trust domain of the table, and meshConfig.trustDomainAliases only for trust domains that may "
        "stand for each other; to Istio, cluster.local is its own trust domain, whatever that is called"
    ),
)
_CHARACTERS: Final = UNRESERVED | (set(PLAIN) - set("*="))  # of a template


def istio(rows: Sequence[tuple[int, Flow]], service: str, namespace: str, labels: Mapping[str, str] | None) -> Export:
    """The policies for one service.

    Args:
        rows: its rows, each with its number.
        service: its name, which the policies are named after.
        namespace: where its workload runs.
        labels: the labels of its workload; `{"app": service}` unless given.

    Raises:
        ConfigError: a name is none that Kubernetes takes, or a row denies and cannot be expressed.
    """
    name = check_name("the service", service, "ledger")
    space = check_name("namespace", namespace, "shop")
    selector: Yaml = {"matchLabels": check_labels(labels, service)}
    limits: list[Limit] = []
    rules: dict[bool, list[Yaml]] = {True: [], False: []}
    for number, flow in rows:
        rule = _denying(number, flow) if flow.denies else _allowing(number, flow, limits)
        if rule is not None:
            rules[flow.denies].append(rule)
    policies = [_policy(name, "deny", space, selector, rules[True])] if rules[True] else []
    policies.append(_policy(name, "allow", space, selector, rules[False]))
    return Export(documents(policies), (*limits, *_CANNOT), _NEEDS)


def _policy(name: str, action: str, namespace: str, selector: Yaml, rules: list[Yaml]) -> Yaml:
    spec: dict[str, Yaml] = {"selector": selector, "action": action.upper()}
    if rules:  # one that allows and has no rules matches nothing, so everything is refused
        spec["rules"] = rules
    return {
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": f"{name}-{action}", "namespace": namespace},
        "spec": spec,
    }


def _rule(flow: Flow, paths: list[str]) -> Yaml:
    operation: dict[str, Yaml] = {} if flow.any_method else {"methods": list(flow.methods)}
    operation["paths"] = paths
    return {"from": [{"source": {"principals": [_principal(flow)]}}], "to": [{"operation": operation}]}


def _principal(flow: Flow) -> str:
    """A SPIFFE id without its scheme; with an asterisk at its end, all that begin so."""
    peers = flow.peer
    if peers.trust_domain is None:
        return "*"
    return f"{peers.trust_domain}{peers.path}" + ("" if peers.exact else "/*")


def _allowing(number: int, flow: Flow, limits: list[Limit]) -> Yaml | None:
    paths: list[str] = []
    for pattern in flow.paths:
        why, path = _path(pattern)
        if path is None:
            limits.append(Limit(number, len(flow.paths) == 1, f"the path {pattern} is left out: {why}"))
            continue
        paths.append(path)
        if why:
            limits.append(Limit(number, False, f"the path {pattern} is narrowed: {why}"))
    return _rule(flow, paths) if paths else None


def _denying(number: int, flow: Flow) -> Yaml:
    """A path that is denied must be denied in every spelling; one that is wider than the row does no harm."""
    paths: list[str] = []
    for pattern in flow.paths:
        if None in pattern.segments:
            raise refuse("Istio", number, flow, "{*} does not match a segment with = or * in it")
        if not all(set(part) <= UNRESERVED for part in pattern.segments if part is not None):
            raise refuse("Istio", number, flow, f"{pattern} may be spelled in several ways, of which it sees one")
        paths.append(_spelled(pattern) + ("/*" if pattern.below else ""))
    return _rule(flow, paths)


def _spelled(pattern: PathPattern) -> str:
    return "".join(f"/{part}" for part in pattern.segments)


def _path(pattern: PathPattern) -> tuple[str, str | None]:
    """What is narrower in Istio's path for a pattern, if anything is, and that path; None if it has none."""
    parts = [part for part in pattern.segments if part is not None]
    if any(not set(part) <= UNRESERVED | set(PLAIN) for part in parts):
        return "it has a character that has to be encoded, whose digits may be in either case", None
    narrower = [] if all(set(part) <= UNRESERVED for part in parts) else ["only unencoded"]
    if len(parts) == len(pattern.segments):
        return ", ".join(narrower), _spelled(pattern) + ("/*" if pattern.below else "")
    if any(not set(part) <= _CHARACTERS for part in parts):
        return "it has = or *, which a path template may not have", None
    if pattern.segments[-1] == "" and not pattern.below:
        return "a path template with a slash at its end is read in several ways", None
    narrower.append("without = and * where it is open")
    open_ = "".join("/{*}" if part is None else f"/{part}" for part in pattern.segments)
    return ", ".join(narrower), open_ + ("/{**}" if pattern.below else "")
