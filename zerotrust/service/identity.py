"""What the application behind the proxy is told of who was let in: headers that the proxy sets, and nobody else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, cast

from zerotrust.core.errors import ConfigError
from zerotrust.core.evidence import Evidence
from zerotrust.core.verifier import Verifier
from zerotrust.web.access import Access
from zerotrust.web.peers.headers import KNOWN, check_header, taken

Told: TypeAlias = Verifier[Any] | Callable[[Access], str | None]
"""A verifier stands for the subject of its evidence; a function gives what is to be told, None for nothing."""

MAX_VALUE: Final = 4096
"""Octets of an identity header."""

_OURS: Final = frozenset({"retry-after", "www-authenticate", "set-cookie", "x-decision-status", "x-decision-code"})


class Untellable(Exception):
    """What is to be told cannot stand in a header; it says which header, and not what."""


class Identity:
    """The identity headers of one policy file.

    Each stands in every answer that lets somebody in, empty where there is nothing to tell: a proxy that only copies
    what is there would otherwise leave what a client sent under that name.

    Args:
        told: by header, what is told.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    __slots__ = ("_told", "names")

    def __init__(self, told: object = None) -> None:
        made: dict[bytes, Told] = {}
        if told is not None and not isinstance(told, Mapping):
            raise ConfigError(f"identity is {type(told).__name__}; write identity = {{'X-Auth-Subject': token}}")
        for header, how in cast("Mapping[object, object]", told or {}).items():
            name = check_header("identity", header)
            if taken(name) or name.encode() in KNOWN or name in _OURS:
                raise ConfigError(
                    f"identity: {name} has another use; write a header of your own, such as x-auth-subject"
                )
            if name.encode() in made:
                raise ConfigError(f"identity names {name} twice")
            if not isinstance(how, Verifier) and not callable(how):
                raise ConfigError(
                    f"identity: {name} is {type(how).__name__}; write the verifier whose subject it tells, or a "
                    "function: lambda access: access[token].subject"
                )
            made[name.encode()] = cast("Told", how)
        self._told = made
        self.names: frozenset[bytes] = frozenset(made)

    def headers(self, access: Access) -> list[tuple[bytes, bytes]]:
        """What is told of `access`, by header.

        Raises:
            Untellable: of text that proxies may read differently: other than visible ASCII and blanks inside it.
        """
        return [(name, _value(name, how, access)) for name, how in self._told.items()]


def _value(name: bytes, how: Told, access: Access) -> bytes:
    if isinstance(how, Verifier):
        evidence = access.get(cast("Verifier[Evidence]", how))
        said: object = None if evidence is None else evidence.subject
    else:
        said = how(access)
    if said is None:
        return b""
    if not (isinstance(said, str) and said.isascii() and said.isprintable() and len(said) <= MAX_VALUE):
        raise Untellable(name.decode("ascii"))
    if said != said.strip(" "):
        raise Untellable(name.decode("ascii"))
    return said.encode("ascii")
