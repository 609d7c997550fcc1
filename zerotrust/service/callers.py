"""Who may ask for decisions: proxies and applications that prove that they are ours."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeAlias, cast

from zerotrust.core.errors import ConfigError
from zerotrust.core.networks import Network, read_networks
from zerotrust.core.reason import UNTRUSTED_HOP, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.verifiers.token import texts
from zerotrust.web.peers import HopSecret
from zerotrust.web.peers.headers import collect

Callers: TypeAlias = "tuple[Caller, ...]"


class Caller:
    """A proxy, or an application, that asks for decisions. What it says of a request counts only if it proves itself.

    Args:
        name: what it is called in logs.
        secret: what it sends with every question, in a header that no client of it can set.
        addresses: the addresses and networks it asks from; any, unless given.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    __slots__ = ("addresses", "name", "secret")

    def __init__(self, name: str, *, secret: HopSecret, addresses: str | Collection[str] = ()) -> None:
        if not (isinstance(name, str) and 0 < len(name) <= 64 and name.isprintable()):
            raise ConfigError(f"name={name!r}: write what the caller is called, such as 'nginx'")
        if not isinstance(secret, HopSecret):
            raise ConfigError(f"Caller({name!r}): write secret=HopSecret('x-hop-secret', os.environ['HOP_SECRET'])")
        given = texts("addresses", addresses) if addresses else ()
        self.name: str = name
        self.secret: HopSecret = secret
        # It is the secret that proves who it is, so that networks may be wide here.
        self.addresses: tuple[Network, ...] = read_networks("addresses", "callers", given, given)

    def refusal(self, request: AccessRequest) -> Reason | None:
        """Why `request` does not come from this caller; None if it does."""
        found, wrong = collect(request.headers, frozenset({self.secret.header.encode()}))
        if wrong is not None:
            return wrong
        if (refused := self.secret.refusal(found or {}, self.name)) is not None:
            return refused
        address = request.address
        if self.addresses and not any(address in network for network in self.addresses if address is not None):
            return UNTRUSTED_HOP(
                expected=self.name,
                presented=request.client or "no address",
                detail=f"the secret of {self.name} came from an address that is not among its addresses=",
            )
        return None

    def __repr__(self) -> str:
        return f"Caller({self.name!r})"


def read_callers(value: object) -> Callers:
    """`value` as callers: one, or several in a list; `ConfigError` if it is something else."""
    several = cast("Collection[object]", value) if isinstance(value, list | tuple) else (value,)
    found: list[Caller] = []
    for one in several:
        if not isinstance(one, Caller):
            raise ConfigError(
                f"callers is {type(one).__name__}; write callers = Caller('nginx', secret=HopSecret('x-hop-secret', "
                "os.environ['HOP_SECRET'])), or a list of them"
            )
        found.append(one)
    if len({one.name for one in found}) < len(found):
        raise ConfigError("two callers have one name; the log names them, so give each its own")
    return tuple(found)


def unproven(callers: Callers, request: AccessRequest) -> Reason | None:
    """Why `request` comes from none of the `callers`, of which there is at least one; None if it comes from one."""
    all_refused: list[Reason] = []
    for caller in callers:
        refused = caller.refusal(request)
        if refused is None:
            return None
        all_refused.append(refused)
    # Whose header came is meant; the others say no more than that theirs did not.
    meant = [one for one in all_refused if one.presented != "none"]
    first, *more = meant or all_refused
    if not more:
        return first
    return first.kind(detail="; ".join(dict.fromkeys(one.detail for one in (first, *more) if one.detail)))
