"""The decision service: the same policies for what is not written in Python, behind nginx, Traefik, Caddy or Envoy.

A policy file says what is required, who may ask, and what the application is told:

rules = Rules(default=token.valid)
callers = Caller("nginx", secret=HopSecret("x-hop-secret", os.environ["HOP_SECRET"]))
identity = {"X-Auth-Subject": token}

`zerotrust serve policies.py` serves it. To import this room needs nothing else; to serve needs uvicorn.
"""

from zerotrust.service.app import Service
from zerotrust.service.authzen import Entity
from zerotrust.service.callers import Caller
from zerotrust.service.setup import Setup
from zerotrust.web.access import Access
from zerotrust.web.peers import HopSecret
from zerotrust.web.rules import Rules

__all__ = ["Access", "Caller", "Entity", "HopSecret", "Rules", "Service", "Setup"]
