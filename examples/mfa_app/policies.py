"""Who may do what, and how people prove that it is they. Nothing in it knows of a framework."""

from dataclasses import dataclass

from zerotrust import Policy, minutes
from zerotrust.factors.relying_party import RelyingParty
from zerotrust.sessions.cookie import SessionCookie
from zerotrust.verifiers.approval import Approval
from zerotrust.verifiers.passkey import Passkey
from zerotrust.verifiers.recovery_codes import RecoveryCodes
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.totp import Totp
from zerotrust.web.ceremonies import Ceremonies

NAME = "Corner Shop"


@dataclass(frozen=True)
class Policies:
    session: Session
    ceremonies: Ceremonies
    signed_in: Policy
    can_pay: Policy
    can_transfer: Policy


def policies(rp_id: str, origin: str, secret: bytes, *, development: bool = False, cost: int = 14) -> Policies:
    """The policies of the shop at `origin`; `secret` keys the challenges, the same in all processes."""
    cookie = SessionCookie(http_on_localhost=development)
    session = Session(source="shop", cookie=cookie)  # the shop signs people in itself
    passkey = Passkey(RelyingParty(rp_id, name=NAME, origins=[origin]), of=session, secret=secret)
    totp = Totp(NAME, of=session)
    codes = RecoveryCodes(of=session, cost=cost)
    approval = Approval(passkey, fields=["to", "cents"])

    recent = passkey.within(minutes(10), user_verified=True) | totp.within(minutes(10))
    ceremonies = Ceremonies(
        session, passkey, totp, codes, first=session.age(minutes(5)), at="/auth", name=NAME, sign_in="/login"
    )
    return Policies(
        session,
        ceremonies,
        signed_in=session.valid,
        can_pay=(session.valid & recent).named("can pay"),
        can_transfer=(session.valid & approval.given).named("can transfer"),
    )
