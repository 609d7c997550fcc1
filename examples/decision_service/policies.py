"""What the site behind the proxy requires. `zerotrust serve policies.py` answers by it."""

import os

from zerotrust import Bearer, Issuer, Sources
from zerotrust.service import Access, Caller, HopSecret, Rules
from zerotrust.stores.http import AsyncHttpFetcher

token = Bearer(Issuer("https://login.example.com"), audience="site")
can_read = token.scope("read").named("can read")
can_write = token.scope("write").named("can write")

rules = Rules(default=can_read)
rules.open("/", because="the front page is public")
rules.protect("/reports/**", can_read & token.group("staff"))
rules.protect("/files/**", can_write, methods=["PUT", "DELETE"])

# Who may ask: whoever knows the secret, which no client of the proxy can send.
callers = Caller("proxy", secret=HopSecret("x-hop-secret", os.environ["HOP_SECRET"]))


def client(access: Access) -> str | None:
    """The application that the token was issued to, if it says so."""
    evidence = access.get(token)
    said = None if evidence is None else evidence.claims.get("client_id")
    return said if isinstance(said, str) else None


# What the site is told; empty where nobody signed in.
identity = {"X-Auth-Subject": token, "X-Auth-Client": client}

# For applications that ask by themselves: POST /access/v1/evaluation
authzen = {"read": can_read, "write": can_write}

sources = Sources(AsyncHttpFetcher())
