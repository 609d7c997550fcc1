"""Who may do what in the demo's bank: an application's policies stand in one file like this one."""

from __future__ import annotations

from zerotrust import Bearer, Issuer, minutes
from zerotrust.cli.demo.credentials import AUDIENCE
from zerotrust.core.policy import Named


class Policies:
    """The policies, made for the issuer at `url`, whose port is known only when the demo runs.

    In an application these are plain names in a module, as in `examples/fastapi_app/policies.py`.
    """

    def __init__(self, url: str) -> None:
        token = Bearer(Issuer(url, algorithms=["ES256", "RS256"]), audience=AUDIENCE)
        recent = token.fresh(within=minutes(5))
        self.token: Bearer = token
        self.can_read: Named = token.scope("read").named("can read")
        self.can_pay: Named = (token.scope("pay") & recent & ~token.role("contractor")).named("can pay")
