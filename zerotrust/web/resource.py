"""Protected resource metadata (RFC 9728): a document that tells clients where to get tokens, made from the policies."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

import attrs

from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import Leaf, Policy
from zerotrust.verifiers.profile import Dialect
from zerotrust.verifiers.token_questions import Scope
from zerotrust.web.challenge import schemes, tokens_of
from zerotrust.wire.url import check_url

WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"

# What a path may hold so that every server and router takes it for the same: nothing encoded, no dots for segments.
_URL: Final = re.compile(r"(https?://[^/?#]+)((?:/[A-Za-z0-9\-._~!$&'()*+,;=:@]*)*)")
_DOTS: Final = re.compile(r"/\.{1,2}(?:/|$)")


def _strings(value: Collection[str]) -> frozenset[str]:
    if isinstance(value, str):
        raise ConfigError(f'unlisted takes a collection of scopes: write {{"{value}"}}, not "{value}"')
    return frozenset(value)


@attrs.frozen(eq=False, kw_only=True)
class ProtectedResource:
    """What clients are told of a resource that tokens open (RFC 9728), so that they need not be configured.

    Args:
        url: the resource identifier, under which clients know it, e.g. `https://api.example.com/mcp`. They compare it
            character by character with the URL they call (section 3.3), so it has to be of this very origin. https, or
            http on loopback; without query and fragment.
        name: for people (`resource_name`).
        documentation: the URL of a page for developers (`resource_documentation`).
        policy_uri: the URL of a page on what clients may do with the data (`resource_policy_uri`).
        tos_uri: the URL of the terms of service (`resource_tos_uri`).
        unlisted: scopes that are not told, although a policy asks for them: those that clients should not ask for
            before they are challenged to.
        certificate_bound: whether tokens bound to client certificates (RFC 8705) are taken, which they are only where
            the server passes the certificate on.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    url: str = attrs.field(kw_only=False)
    name: str | None = None
    documentation: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    unlisted: frozenset[str] = attrs.field(default=frozenset(), converter=_strings)
    certificate_bound: bool = False

    def __attrs_post_init__(self) -> None:
        check_url(self.url, "a protected resource", "https://api.example.com/mcp")
        parts = _URL.fullmatch(self.url)
        if parts is None or _DOTS.search(parts[2]):
            raise ConfigError(
                f"a protected resource is {self.url!r}: write origin and path, such as https://api.example.com/mcp, "
                "without a query, dot segments, braces or anything encoded (RFC 9728 section 1.2)"
            )
        for what in ("documentation", "policy_uri", "tos_uri"):
            if (page := getattr(self, what)) is not None:
                check_url(page, what, "https://www.example.com/terms")
        if self.name is not None and not (isinstance(self.name, str) and self.name):
            raise ConfigError(f"name={self.name!r}: write what people call it, or leave it out")
        if not isinstance(self.certificate_bound, bool):
            raise ConfigError(f"certificate_bound={self.certificate_bound!r}: write True or False")

    @property
    def path(self) -> str:
        """Where its metadata is, below the origin: the well-known path, then its own (section 3.1)."""
        _, slash, path = self.url.partition("://")[2].partition("/")
        return WELL_KNOWN + (slash + path if path else "")

    @property
    def metadata_url(self) -> str:
        """Where its metadata is; what challenges call `resource_metadata` (section 5.1)."""
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{rest.partition('/')[0]}{self.path}"

    def metadata(self, policies: Iterable[Policy]) -> dict[str, Any]:
        """The document for a resource that is protected by `policies`.

        Authorization servers are the issuers of all tokens that policies ask about and that clients send themselves;
        workloads and access proxies, where nobody signs in, are left out, and what is empty is, too.
        """
        asked = list(policies)
        tokens = list(dict.fromkeys(one for policy in asked for one in tokens_of(policy)))
        members: dict[str, Any] = {"resource": self.url}
        servers = (issuer for token in tokens for issuer in token.issuers)
        people = dict.fromkeys(one.url for one in servers if one.profile.dialect is not Dialect.NONE)
        members["authorization_servers"] = list(people)
        members["scopes_supported"] = [name for name in dict.fromkeys(_scopes(asked)) if name not in self.unlisted]
        members["bearer_methods_supported"] = ["header"]
        proofs = [token.dpop for token in tokens if token.dpop is not None]
        algorithms = (
            frozenset[str].intersection(*(proof.algorithms for proof in proofs)) if proofs else frozenset[str]()
        )
        members["dpop_signing_alg_values_supported"] = sorted(algorithms)
        members["dpop_bound_access_tokens_required"] = bool(tokens) and all(
            token.dpop is not None and token.dpop.required for token in tokens
        )
        members["tls_client_certificate_bound_access_tokens"] = self.certificate_bound
        members["resource_name"] = self.name
        members["resource_documentation"] = self.documentation
        members["resource_policy_uri"] = self.policy_uri
        members["resource_tos_uri"] = self.tos_uri
        # Section 2: what has no values is omitted; `false` is what is meant where these members are missing.
        return {name: value for name, value in members.items() if value}

    def document(self, policies: Iterable[Policy]) -> bytes:
        """`metadata` as it is sent."""
        return json.dumps(self.metadata(policies), separators=(",", ":")).encode("ascii")


def _scopes(policies: Iterable[Policy]) -> Iterator[str]:
    for policy in policies:
        program = policy.program
        for position, helps in program.polarities():
            leaf = program.leaves[position]
            if helps and isinstance(leaf, Leaf) and isinstance(leaf.question, Scope) and schemes(leaf.verifier):
                yield from leaf.question.names
