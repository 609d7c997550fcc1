"""The door for ASGI, without a framework."""

from zerotrust.asgi.ceremonies import CeremoniesApp
from zerotrust.asgi.guard import Guard
from zerotrust.web.access import Access, NotVerified
from zerotrust.web.rules import Rules
from zerotrust.web.shadow import Difference, Shadow

__all__ = ["Access", "CeremoniesApp", "Difference", "Guard", "NotVerified", "Rules", "Shadow"]
