"""What carries a session's value from one request of a browser to the next."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeAlias

from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]
"""(name, value) pairs, names in lower case."""


class Carrier(ABC):
    """Carries a value in a browser: a cookie of its own, or what a framework keeps.

    Attributes:
        name: what it is called there; a session carried under another name is none.
    """

    name: str

    @property
    @abstractmethod
    def room(self) -> int:
        """How many characters a value may have there."""

    @abstractmethod
    def read(self, request: AccessRequest) -> str | Reason | None:
        """The value that `request` carries, why it must not count, or None if it carries none."""

    @abstractmethod
    def write(self, request: AccessRequest, value: str, ends_at: float) -> Headers | Reason:
        """Have the browser carry `value` until `ends_at` (POSIX seconds): the headers that do so, or why none can."""

    def renew(self, request: AccessRequest, value: str, ends_at: float) -> Headers | Reason:
        """The same for a value that stands for the very session it stood for before: no privilege has changed."""
        return self.write(request, value, ends_at)

    @abstractmethod
    def clear(self, request: AccessRequest) -> Headers:
        """Have the browser forget it: the headers that do so."""
