"""The door for ASGI, without a framework."""

from zerotrust.asgi.ceremonies import CeremoniesApp

__all__ = ["CeremoniesApp"]
