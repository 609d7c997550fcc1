"""Names and passwords: a stand-in for what an application has already. A real one throttles attempts as well."""

from collections.abc import Mapping
from hashlib import scrypt
from hmac import compare_digest
from secrets import token_bytes


class People:
    """Knows passwords by their slow hashes; `cost` is the logarithm of scrypt's N."""

    def __init__(self, passwords: Mapping[str, str], cost: int = 14) -> None:
        self._n = 2**cost
        self._salt = token_bytes(16)
        self._hashes = {name: self._hash(password) for name, password in passwords.items()}
        self._nobody = token_bytes(64)

    def know(self, name: str, password: str) -> bool:
        """Whether `password` is that of `name`; takes as long for a name that nobody has."""
        return compare_digest(self._hashes.get(name, self._nobody), self._hash(password))

    def _hash(self, password: str) -> bytes:
        return scrypt(password.encode("utf-8", "replace")[:1024], salt=self._salt, n=self._n, r=8, p=1)
