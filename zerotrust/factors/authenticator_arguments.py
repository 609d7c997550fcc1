"""What an `AuthenticatorPolicy` is given, read: whatever makes no sense is told when it is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias, cast
from uuid import UUID

from zerotrust.core.errors import ConfigError
from zerotrust.factors.aaguid import Aaguid, aaguid_of
from zerotrust.factors.attestation.attested import FORMATS, Format
from zerotrust.factors.metadata_model import COMPROMISES
from zerotrust.pki.anchors import Anchors

# The keys of a Mapping are of exactly its type: one of texts is none of texts and others.
ByModel: TypeAlias = (
    "Mapping[Aaguid, Anchors] | Mapping[str, Anchors] | Mapping[UUID, Anchors] | Mapping[bytes, Anchors]"
)
"""Who vouches for certain models, by AAGUID."""

_SOME: Final = FORMATS[1:]


def anchors_by_format(given: object) -> Mapping[Format, Anchors]:
    """Who vouches for statements of each format.

    Raises:
        ConfigError: it is neither Anchors nor a mapping of formats to Anchors.
    """
    if given is None:
        return MappingProxyType({})
    if isinstance(given, Anchors):
        return MappingProxyType(dict.fromkeys(_SOME, given))
    if not isinstance(given, Mapping):
        raise ConfigError(f"anchors are Anchors, or a mapping of formats to Anchors, not {type(given).__name__}")
    formats: dict[object, Format] = {one: one for one in _SOME}
    found: dict[Format, Anchors] = {}
    for name, anchors in cast("Mapping[object, object]", given).items():
        known = formats.get(name)
        if known is None or not isinstance(anchors, Anchors):
            raise ConfigError(f"anchors: {name!r} needs to be one of {', '.join(_SOME)}, each with its Anchors")
        found[known] = anchors
    return MappingProxyType(found)


def anchors_by_model(given: object) -> Mapping[bytes, Anchors]:
    """Who vouches for certain models.

    Raises:
        ConfigError: it is no mapping of AAGUIDs to Anchors.
    """
    if given is None:
        return MappingProxyType({})
    if not isinstance(given, Mapping):
        raise ConfigError(f"models is a mapping of AAGUIDs to Anchors, not {type(given).__name__}")
    found: dict[bytes, Anchors] = {}
    for name, anchors in cast("Mapping[object, object]", given).items():
        if not isinstance(anchors, Anchors):
            raise ConfigError(f"models: {name!r} needs its Anchors, not {type(anchors).__name__}")
        model = aaguid_of(name, "models")
        if model in found:
            raise ConfigError(f"models: {name!r} is there twice")
        found[model] = anchors
    return MappingProxyType(found)


def models_in(given: object, name: str) -> frozenset[bytes]:
    """The models in a list of AAGUIDs.

    Raises:
        ConfigError: it is no such list.
    """
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise ConfigError(f"{name} is a list of AAGUIDs: [{given!r}]")
    return frozenset(aaguid_of(one, name) for one in cast("Iterable[object]", given))


def compromises_in(given: object) -> frozenset[str]:
    """The compromises that are put up with.

    Raises:
        ConfigError: it is no list of such, or what is revoked is among them.
    """
    listed = [given] if isinstance(given, str) else list(cast("Iterable[object]", given)) if _is_list(given) else [None]
    names = [one for one in listed if isinstance(one, str) and one in COMPROMISES[1:]]
    if len(names) != len(listed):
        raise ConfigError(f"despite: choose from {', '.join(COMPROMISES[1:])}; what is revoked stays revoked")
    return frozenset(names)


def _is_list(given: object) -> bool:
    return isinstance(given, Iterable)
