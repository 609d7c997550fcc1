"""Protected resource metadata (RFC 9728) as a door serves it: to everybody, made from the policies in force."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from zerotrust.core.policy import Policy
from zerotrust.web.answer import Answer
from zerotrust.web.resource import ProtectedResource

BECAUSE: Final = "clients read here where to get tokens (RFC 9728)"


class Metadata:
    """The document of one resource.

    Args:
        resource: what is described.
        policies: gives those in force. The document is made anew when they are others.
    """

    def __init__(self, resource: ProtectedResource, policies: Callable[[], Iterable[Policy]]) -> None:
        self.path: str = resource.path
        self._resource = resource
        self._policies = policies
        self._made: tuple[tuple[Policy, ...], Answer] | None = None

    @property
    def answer(self) -> Answer:
        """The response to GET; a door leaves the body out for HEAD."""
        asked = tuple(self._policies())
        if self._made is None or self._made[0] != asked:
            body = self._resource.document(asked)
            # For five minutes: a deployment may bring other policies. Read by any page: it is the same for everybody.
            headers = (
                (b"cache-control", b"public, max-age=300"),
                (b"access-control-allow-origin", b"*"),
                (b"content-length", str(len(body)).encode()),
                (b"content-type", b"application/json"),
            )
            self._made = asked, Answer(200, headers, body, "metadata")
        return self._made[1]
