"""The door for WSGI, without a framework."""

from zerotrust.wsgi.ceremonies import CeremoniesApp

__all__ = ["CeremoniesApp"]
