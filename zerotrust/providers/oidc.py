"""Any other issuer of JWT access tokens: what tells its tokens apart, and where it keeps what."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.providers.reading import named, of_another_type, steps, text, unnamed
from zerotrust.verifiers.issuer import PUBLIC_KEY_ALGORITHMS, Audience, Issuer, KeySource
from zerotrust.verifiers.profile import Claims, Profile
from zerotrust.wire.header import media_type
from zerotrust.wire.json import JsonValue


def oidc(
    url: str,
    *,
    audience: Audience = None,
    types: Collection[str] = ("at+jwt",),
    typ_optional: bool = False,
    algorithms: Collection[str] = PUBLIC_KEY_ALGORITHMS,
    client_id: str = "client_id",
    roles: str | Sequence[str] | None = None,
    groups: str | Sequence[str] | None = None,
    ladder: Sequence[str] = (),
    require: Collection[str] = (),
    keys: KeySource | None = None,
    jwks_uri: str | None = None,
    metadata: str | None = None,
    absent_is_empty: Collection[str] = (),
) -> Issuer:
    """Access tokens of any issuer: `Bearer(oidc("https://login.example.com", types={"JWT"}), audience="payments")`.

    Unless told otherwise they are those of RFC 9068. Where `typ` does not tell access tokens from ID tokens (`JWT`, or
    none), a token with the marks of an ID token (`nonce`, `at_hash`, `c_hash`, `s_hash`) or of an event (`events`) is
    refused. An ID token without them is told by its audience alone, which is its client: give the API an audience that
    is no client's id.

    Args:
        url: its issuer identifier.
        types: the `typ` values of its access tokens.
        typ_optional: whether it leaves `typ` out.
        algorithms: those that are pinned.
        client_id: the claim that names the client, e.g. `azp`; it becomes `client_id`.
        roles: the claim that lists roles, or the way to a list deeper down, e.g. `("realm_access", "roles")`; it
            becomes `roles`.
        groups: the same for `groups`.
        ladder: the `acr` values that are steps of one ladder, weakest first.
        require: claims that must be there besides those that always must.
        audience: who we are in its tokens, in place of what `Bearer` is given for all issuers.
        keys: the public keys, where they are not to be fetched: a JWK Set as text, as parsed JSON, or a `KeySet`.
        jwks_uri: where the public keys are, where the metadata document is not to be asked.
        metadata: where the metadata document is, if not at `{url}/.well-known/openid-configuration`.
        absent_is_empty: claims that are left out when they are empty lists, e.g. `{"roles"}`.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """
    if not (isinstance(client_id, str) and client_id):
        raise ConfigError(f"client_id={client_id!r}: write the name of the claim that names the client, such as azp")
    for what, names in (("types", types), ("require", require)):
        if isinstance(names, str):
            raise ConfigError(f'{what} takes a collection of names: write {{"{names}"}}, not "{names}"')
    profile = Profile(
        name="OpenID Connect",
        types=frozenset(types),
        typ_optional=typ_optional,
        require=frozenset(require),
        translate=partial(
            translate,
            telling=not typ_optional and all(media_type(typ) == "application/at+jwt" for typ in types),
            client_id=client_id,
            ways={name: _way(name, way) for name, way in (("roles", roles), ("groups", groups)) if way is not None},
        ),
        ladder=steps(ladder),
    )
    return Issuer(
        url,
        audience=audience,
        keys=keys,
        jwks_uri=jwks_uri,
        metadata=metadata,
        algorithms=algorithms,
        absent_is_empty=absent_is_empty,
        profile=profile,
    )


def translate(
    claims: Claims, *, telling: bool, client_id: str, ways: Mapping[str, tuple[str, ...]]
) -> dict[str, JsonValue] | Reason:
    """What tells an access token where its header does not, and where an issuer keeps what.

    Args:
        claims: those of the token.
        telling: whether the header tells access tokens from all others.
        client_id: the claim that names the client.
        ways: by claim, where its value is.

    Returns:
        The claims that are kept elsewhere; or `wrong_type`, `wrong_claim_type` or `wrong_claim`.
    """
    another = None if telling else of_another_type(claims)
    if another is not None:
        return another
    nobodys = unnamed(claims, "client_id", client_id)
    if nobodys is not None:
        return nobodys
    given: dict[str, JsonValue] = {}
    if client_id != "client_id" and client_id in claims:
        client = text(claims, client_id)
        renamed = client if isinstance(client, Reason) else named(claims, client_id=client)
        if isinstance(renamed, Reason):
            return renamed
        given = renamed
    for name, way in ways.items():
        found = _at(claims, way)
        if found or name in claims:  # another claim of that name must not stand in for it
            given[name] = found[0] if found else None
    return given


def _at(claims: Claims, way: tuple[str, ...]) -> tuple[JsonValue] | None:
    """What is at the end of `way`; null where something else is in the way, None where it ends before."""
    here: JsonValue = dict(claims)
    for step in way:
        if not isinstance(here, dict):
            return (None,)
        if step not in here:
            return None
        here = here[step]
    return (here,)


def _way(name: str, way: str | Sequence[str]) -> tuple[str, ...]:
    steps = (way,) if isinstance(way, str) else tuple(way) if isinstance(way, Sequence) else ()
    if not steps or not all(isinstance(step, str) and step for step in steps):
        raise ConfigError(f'{name}={way!r}: write the name of a claim, or the way to it: ("realm_access", "roles")')
    return steps
