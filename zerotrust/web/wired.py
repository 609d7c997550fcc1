"""Whether a door has what the verifiers of a policy need: found out where the policy is written, not at a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, TypeAlias, cast

from zerotrust.core.ask import Ask, Fetch, Post, Put, ReadBody
from zerotrust.core.errors import ConfigError
from zerotrust.core.mistakes import instead
from zerotrust.core.policy import Policy
from zerotrust.core.verifier import Verifier
from zerotrust.driver import Sources
from zerotrust.web.peers import Hop, Peers

Given: TypeAlias = Callable[[str, str], str]
"""How a user of a door writes something it is given, by its name: what stands in an advice."""


def to_guard(name: str, value: str) -> str:
    """As most doors have it."""
    return f"Guard(app, {name}={value}, ...)"


def looks_at_resource(policy: Policy) -> bool:
    """Whether `policy` asks anything of an object that a handler alone knows."""
    return any(verifier.needs_resource for verifier in _gathered(policy))


def looks_at_body(policy: Policy) -> bool:
    """Whether a verifier that `policy` rests on may ask for the body."""
    return any(ReadBody in verifier.needs for verifier in _gathered(policy))


def check_policy(
    value: object,
    where: str,
    sources: Sources,
    peers: Peers | None,
    answered: tuple[type[Ask[Any]], ...] = (),
    *,
    in_handler: bool = False,
    style: Literal["blocking", "async"] = "async",
    given: Given = to_guard,
) -> Policy:
    """`value`, if it is a policy that can be decided with `sources` and `peers`.

    Args:
        value: what a user gave.
        where: what it was given as, for the message.
        sources: what the door asks.
        peers: what tells the door the peer of a connection; None if nothing does.
        answered: the kinds of ask that the door itself answers for each request.
        in_handler: whether a handler is to decide it, which can name a resource.
        style: how the door asks, for the advice.
        given: how sources and peers are given to it, for the advice.

    Raises:
        ConfigError: with what is missing, and what to write.
    """
    if not isinstance(value, Policy):
        seen = f"{type(value).__name__}{instead(value)}"
        raise ConfigError(f"{where} takes a policy, e.g. token.valid, not {seen}")
    for verifier in _gathered(value):
        if verifier.needs_resource and not in_handler:
            raise ConfigError(
                f"{where}: {verifier!r} is known to a handler alone, which loads it; require the rest of this policy "
                f"here, and in the handler write access.check(policy, resource={verifier!r})"
            )
        for kind in verifier.needs:
            if kind is ReadBody and kind not in answered:
                raise ConfigError(
                    f"{where}: {verifier!r} looks at the body of a request, and this door decides without reading "
                    "any; write Guard(app, ...) of zerotrust.fastapi, which reads it and hands it on"
                )
            if kind not in answered and not sources.answers(kind):
                raise ConfigError(
                    f"{where}: no source answers {kind.__name__}, which {verifier!r} needs; write "
                    f"{_source(kind, 'Async' if style == 'async' else '', given)}"
                )
    for verifier in _gathered(value, linked=True):
        if verifier.needs_peer and peers is None:
            raise ConfigError(
                f"{where}: nobody says who the peer of a connection is, which {verifier!r} needs; write "
                f"{given('peers', 'TlsPeer()')} if this server ends TLS itself, {given('peers', 'FromHops(Hop(...))')} "
                "if a proxy in front of it does"
            )
        _check_word(verifier, where, peers)
    if any(verifier.reads_body for verifier in value.verifiers):
        from zerotrust.verifiers.approval_policy import check_approvals  # few policies have any

        check_approvals(value, where)
    return value


def _source(kind: type[Ask[Any]], prefix: str, given: Given) -> str:
    """What to write so that `kind` is answered."""
    if kind in (Fetch, Post):
        fetcher = given("sources", f"Sources({prefix}HttpFetcher())")
        return fetcher + (
            ", or give each Issuer its keys=" if kind is Fetch else ": it asks the issuer about each token"
        )
    stores = ", ".join(f"{prefix}{one}" for one in ("RedisStore(url)", "PostgresStore(url)", "SqliteStore(path)"))
    store = given("sources", "Sources(..., store)")
    return f"{store} with a store that answers {kind.__name__}: {stores} or MemoryStore()"


def check_secrets(verifiers: Iterable[Verifier[Any]], where: str, sources: Sources) -> None:
    """Raise a `ConfigError` if one of `verifiers` keeps secret values, and the store has no key to encrypt with."""
    if sources.answers(Put) and not sources.keeps_secrets:
        for verifier in verifiers:
            if verifier.keeps_secrets:
                kept = type(sources.for_kind(Put)).__name__
                raise ConfigError(
                    f"{where}: {verifier!r} keeps secret values, and {kept} has no key to encrypt them with; write "
                    f"{kept}(..., keys=StoreKeys(encrypt=[key])), with a key that `zerotrust store key` makes once for "
                    "all servers"
                )


def _check_word(verifier: Verifier[Any], where: str, peers: Peers | None) -> None:
    """Raise a `ConfigError` if `verifier` takes the word of hops that are none of `peers`."""
    hops = None if peers is None else peers.hops
    asserted: object = getattr(verifier, "asserted_by", None)
    if hops is None or not isinstance(asserted, frozenset):
        return
    if stray := sorted(map(str, cast("frozenset[object]", asserted) - hops)):
        raise ConfigError(
            f"{where}: {verifier!r} has asserted_by={', '.join(stray)}, and no hop is called so; peers= has "
            f"{', '.join(sorted(hops))}"
        )


def check_peers(value: object) -> Peers | None:
    """`value` if it is a resolver or None; else a `ConfigError` that says what to write."""
    if value is None or isinstance(value, Peers):
        return value
    if isinstance(value, Hop):
        raise ConfigError("peers is a Hop; hops are believed together: write peers=FromHops(hop)")
    if isinstance(value, type) and issubclass(value, Peers):
        raise ConfigError(f"peers is the class {value.__name__}; call it: peers={value.__name__}(...)")
    given = f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
    raise ConfigError(
        f"peers is {given}; write what says who the peer of a connection is: peers=TlsPeer() if this server ends TLS "
        "itself, peers=FromHops(hop) if a proxy in front of it does"
    )


def _gathered(policy: Policy, *, linked: bool = False) -> Iterator[Verifier[Any]]:
    """The verifiers that `policy` rests on; with those they are linked to, if `linked`."""
    todo = list(policy.verifiers)
    while todo:
        verifier = todo.pop()
        if verifier.of is not None:
            todo.append(verifier.of)
        if linked:
            todo.extend(verifier.links)
        yield verifier
