"""The table as Envoy's RBAC filters, which decide as the table does: three of them, one after the other.

The first lets through requests of one reading only, the second refuses what rows deny, the third lets through what
rows allow. All three are needed. Envoy keeps regular expressions below a size of 100 instructions unless it is told
otherwise, so the expressions are short and many rather than one that says it all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from zerotrust.segments.export import Export, Limit, Yaml, refuse, to_yaml
from zerotrust.segments.patterns import PathPattern
from zerotrust.segments.peers import PeerSelector
from zerotrust.segments.regex import ID_SEGMENT, TRUST_DOMAIN, literal, path_regex, spellings
from zerotrust.segments.rows import Flow
from zerotrust.wire.path import MAX_PATH

_RBAC: Final = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"
_MTLS: Final = "type.googleapis.com/envoy.extensions.rbac.principals.mtls_authenticated.v3.Config"

_MOST_INSTRUCTIONS: Final = 60  # of a literal text, about one for each character; the rest is for what is around it

_VISIBLE: Final = "[!-~]*"
_SEGMENT: Final = "[!-.0-~]+"
_CONTINUED: Final = "%[89ABab][0-9A-Fa-f]"

# RFC 3986 section 3.3, without the semicolon.
_CHARACTERS: Final = r"/(?:[A-Za-z0-9._~!$&'()*+,=:@/-]|%[0-9A-Fa-f][0-9A-Fa-f])*"
# RFC 3629 section 3, but for the octets that `_NEVER` takes out.
_UTF8: Final = (
    f"(?:[!-$&-~]|%[2-7][0-9A-Fa-f]|%(?:[CDcd][0-9A-Fa-f]|[Ee][0-9A-Fa-f]{_CONTINUED}|"
    f"[Ff][0-9A-Fa-f]{_CONTINUED}{_CONTINUED}){_CONTINUED})*"
)
_NEVER: Final = (
    # Control characters and what separates: percent sign, slash, semicolon, backslash, and delete.
    "%(?:[01]|2[5Ff]|3[Bb]|5[Cc]|7[Ff])",
    # What is never encoded: dash, dot, digits, letters, underscore, tilde.
    "%(?:2[DEde]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])",
    # Octets that are never in UTF-8, and spellings longer than they need be, surrogates and what is beyond Unicode.
    "%(?:[Cc][01]|[Ff][5-9A-Fa-f])",
    "%(?:[Ee]0%[89]|[Ee][Dd]%[ABab]|[Ff]0%8|[Ff]4%[9ABab])",
    # The replacement character, which stands for octets that were not UTF-8.
    "%[Ee][Ff]%[Bb][Ff]%[Bb][Dd]",
)

_NEEDS: Final = (
    (
        "downstream TLS with require_client_certificate: true, and a validation context that trusts only the "
        "authorities of the trust domains in the table; where there are several, the envoy.tls.cert_validator.spiffe "
        "validator, which keeps each authority to its own trust domain"
    ),
    (
        "in the HTTP connection manager: normalize_path: false, merge_slashes: false and "
        "path_with_escaped_slashes_action: KEEP_UNCHANGED or REJECT_REQUEST, so that a path of several readings is "
        "refused and not rewritten; an Envoy that rewrites decides about the path that it forwards"
    ),
    "no filter before these that changes the path or the method, and no typed_per_filter_config for them on a route",
)
_CANNOT: Final = (
    Limit(None, False, "a certificate with several URIs: Envoy believes each of them, the table refuses it"),
    Limit(None, False, "revocation, and what else the verifier of the peer checks, unless Envoy is told to"),
    Limit(None, False, f"paths of more than {MAX_PATH} characters: Envoy has no such limit"),
)


def envoy(rows: Sequence[tuple[int, Flow]]) -> Export:
    """The `http_filters` that go before the router's.

    Args:
        rows: the rows of one service, each with its number.

    Raises:
        ConfigError: a row denies and cannot be expressed.
    """
    limits: list[Limit] = []
    policies: dict[bool, dict[str, Yaml]] = {True: {}, False: {}}
    for number, flow in rows:
        why = _too_long(flow)
        if why is None:
            policies[flow.denies][f"row-{number:05}"] = _policy(flow)
        elif flow.denies:
            raise refuse("Envoy", number, flow, why)
        else:
            limits.append(Limit(number, True, why))
    filters = [
        _filter("ALLOW", {"one-reading": {"permissions": [_all(_one_reading())], "principals": [{"any": True}]}})
    ]
    if policies[True]:
        filters.append(_filter("DENY", policies[True]))
    filters.append(_filter("ALLOW", policies[False]))  # without policies it refuses everything
    return Export(to_yaml(filters), (*limits, *_CANNOT), _NEEDS)


def _filter(action: str, policies: dict[str, Yaml]) -> Yaml:
    return {
        "name": "envoy.filters.http.rbac",
        "typed_config": {"@type": _RBAC, "rules": {"action": action, "policies": policies}},
    }


def _one_reading() -> list[Yaml]:
    """What a path of one reading is, as one Envoy can say; with it, a method in capitals."""
    odd: list[Yaml] = [_path({"contains": "//"}), _path({"contains": "/./"}), _path({"contains": "/../"})]
    odd += [_path({"suffix": "/."}), _path({"suffix": "/.."})]
    odd += [_path(_regex(f"{_VISIBLE}{never}{_VISIBLE}")) for never in _NEVER]
    return [
        _path(_regex(_CHARACTERS)),
        _path(_regex(_UTF8)),
        {"header": {"name": ":method", "string_match": _regex("[A-Z]+(?:-[A-Z]+)*")}},
        *({"not_rule": rule} for rule in odd),
    ]


def _policy(flow: Flow) -> Yaml:
    parts: list[Yaml] = [_one_of([_path_rule(pattern) for pattern in flow.paths])]
    if not flow.any_method:
        methods: list[Yaml] = [
            {"header": {"name": ":method", "string_match": {"exact": method}}} for method in flow.methods
        ]
        parts.insert(0, _one_of(methods))
    return {"permissions": [_all(parts)], "principals": [_principal(flow.peer)]}


def _principal(peers: PeerSelector) -> Yaml:
    """By the URI of a validated certificate; the plain `authenticated` principal falls back to other names."""
    if peers.exact:
        return _uri({"exact": peers.text})
    some_id = _uri(_regex(f"spiffe://{TRUST_DOMAIN}(?:/{ID_SEGMENT})+"))
    if peers.trust_domain is None:
        return some_id
    return {"and_ids": {"ids": [_uri({"prefix": f"{peers.prefix}/"}), some_id]}}


def _uri(matcher: Yaml) -> Yaml:
    config: Yaml = {"@type": _MTLS, "san_matcher": {"san_type": "URI", "matcher": matcher}}
    return {"custom": {"name": "envoy.rbac.principals.mtls_authenticated", "typed_config": config}}


def _path_rule(pattern: PathPattern) -> Yaml:
    parts = spellings(pattern)
    if parts is not None:
        text = "".join(f"/{part}" for part in parts)
        return _path({"prefix": f"{text}/"} if pattern.below else {"exact": text})
    whole = path_regex(pattern, _SEGMENT, _VISIBLE)
    if _size(pattern) <= _MOST_INSTRUCTIONS:
        return _path(_regex(whole))
    # One expression for the number of segments and one for each that is spelled out.
    count = len(pattern.segments)
    rules = [_path(_regex(f"(?:/{_SEGMENT}){{{count}}}" + (f"/{_VISIBLE}" if pattern.below else "")))]
    if pattern.segments[-1:] == ("",):
        rules = [_path(_regex(f"(?:/{_SEGMENT}){{{count - 1}}}/"))]
    for position, part in enumerate(pattern.segments):
        if part:
            tail = "" if position == count - 1 and not pattern.below else f"/{_VISIBLE}"
            rules.append(_path(_regex(f"(?:/{_SEGMENT}){{{position}}}/{literal(part)}{tail}")))
    return _all(rules)


def _too_long(flow: Flow) -> str | None:
    """Why Envoy would not take a row; None if it does."""
    for pattern in flow.paths:
        if spellings(pattern) is None:
            longest = max((len(literal(part)) for part in pattern.segments if part), default=0)
            if longest > _MOST_INSTRUCTIONS or len(pattern.segments) > _MOST_OPEN:
                return f"the path {pattern} makes a regular expression larger than Envoy takes by default"
    return None


_MOST_OPEN: Final = 10  # segments of a pattern that needs an expression


def _size(pattern: PathPattern) -> int:
    """About how many instructions an expression for a pattern has, by what was seen to be accepted."""
    return sum(5 if part is None else len(literal(part)) + 1 for part in pattern.segments)


def _path(matcher: Yaml) -> Yaml:
    return {"url_path": {"path": matcher}}


def _regex(expression: str) -> Yaml:
    return {"safe_regex": {"regex": expression}}


def _all(rules: Sequence[Yaml]) -> Yaml:
    return rules[0] if len(rules) == 1 else {"and_rules": {"rules": list(rules)}}


def _one_of(rules: Iterable[Yaml]) -> Yaml:
    given = list(rules)
    return given[0] if len(given) == 1 else {"or_rules": {"rules": given}}
