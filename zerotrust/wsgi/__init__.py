"""The door for WSGI, without a framework."""

from zerotrust.web.access import Access, NotVerified
from zerotrust.web.rules import Rules
from zerotrust.web.shadow import Difference, Shadow
from zerotrust.wsgi.ceremonies import CeremoniesApp
from zerotrust.wsgi.guard import Guard

__all__ = ["Access", "CeremoniesApp", "Difference", "Guard", "NotVerified", "Rules", "Shadow"]
