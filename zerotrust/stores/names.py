"""Digests in the place of names: no store ever sees a token, a code or an identifier.

A digest is BLAKE2b (RFC 7693) of the namespace, the space and the key, 192 bits of it: to find two keys with the same
digest takes some 2^96 attempts. With an index key it is a MAC: who reads the store cannot try likely keys (addresses of
mail, say) against it either.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final, TypeVar

from zerotrust.core.ask import SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import SOURCE_REFUSED

At = TypeVar("At")

DIGEST_SIZE: Final = 24
MAX_KEY: Final = 1024
_MAX_SPACE: Final = 128
_NAMESPACE: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,47}", re.ASCII)
# Prefixes kept. Spaces are constants of verifiers; should somebody make them of requests, memory stays bounded.
_MOST: Final = 256


class Names:
    """The digests of one store.

    Args:
        namespace: keeps applications that share a store apart; lower case letters, digits, `.`, `_` and `-`.
        index: the secret that keys the digests, 16 to 64 bytes; None for plain digests.

    Raises:
        ConfigError: a namespace with other characters.
    """

    __slots__ = ("_counts", "_index", "_marks", "_records", "namespace")

    def __init__(self, namespace: str, index: bytes | None = None) -> None:
        if not isinstance(namespace, str) or not _NAMESPACE.fullmatch(namespace):
            raise ConfigError(
                f"namespace={namespace!r}: write 1 to 48 lower case letters, digits, '.', '_' or '-', e.g. 'payments'"
            )
        self.namespace: str = namespace
        self._index = index or b""
        self._marks: dict[str, blake2b] = {}
        self._records: dict[str, blake2b] = {}
        self._counts: dict[tuple[str, float], blake2b] = {}

    def mark(self, space: str, key: bytes) -> bytes:
        """The digest of a mark, see `ConsumeOnce`."""
        # As `_digest`, by hand: on the path of every request that is good once.
        made = (self._marks.get(space) or self._prefix(self._marks, space, b"zt-mark", space)).copy()
        if len(key) > MAX_KEY:
            raise _too_long()
        made.update(key)
        return made.digest()

    def record(self, kind: str, key: bytes) -> bytes:
        """The digest of a value, see `Put`, `Lookup` and `Advance`."""
        prefix = self._records.get(kind) or self._prefix(self._records, kind, b"zt-record", kind)
        return _digest(prefix, key)

    def count(self, space: str, window: float, key: bytes) -> bytes:
        """The digest of a counter; windows of different lengths are counted apart."""
        at = space, window
        prefix = self._counts.get(at) or self._prefix(self._counts, at, b"zt-count", f"{space}\n{float(window).hex()}")
        return _digest(prefix, key)

    def topic(self, kind: str) -> str:
        """The name of the channel on which changes in `kind` are announced: 32 hexadecimal digits."""
        return self._made(b"zt-topic", kind).hexdigest()[:32]

    def fingerprint(self) -> str:
        """Tells index keys apart without telling what they are: 32 hexadecimal digits."""
        return self._made(b"zt-index", "fingerprint").hexdigest()[:32]

    def _prefix(self, kept: dict[At, blake2b], at: At, person: bytes, text: str) -> blake2b:
        made = self._made(person, text)
        if len(kept) < _MOST:
            kept[at] = made
        return made

    def _made(self, person: bytes, text: str) -> blake2b:
        space = text.encode("utf-8", "surrogatepass")
        if len(space) > _MAX_SPACE:
            raise SourceFailed(SOURCE_REFUSED(detail="the name of a space is too long"))
        namespace = self.namespace.encode()
        made = blake2b(digest_size=DIGEST_SIZE, key=self._index, person=person)
        # Lengths first: no two pairs run together into the same bytes.
        made.update(bytes([len(namespace), len(space)]) + namespace + space)
        return made


def _digest(prefix: blake2b, key: bytes) -> bytes:
    if len(key) > MAX_KEY:
        raise _too_long()
    made = prefix.copy()
    made.update(key)
    return made.digest()


def _too_long() -> SourceFailed:
    return SourceFailed(SOURCE_REFUSED(detail=f"a key longer than {MAX_KEY} bytes"))
