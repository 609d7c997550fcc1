"""The body of a request, for a policy that looks at it: as for any ASGI application."""

from zerotrust.asgi.body import ANSWERED, Body, handed_on, with_body

__all__ = ["ANSWERED", "Body", "handed_on", "with_body"]
