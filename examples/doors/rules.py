"""The rules for applications that a guard stands before: what the other five say at their routes."""

from __future__ import annotations

from examples.doors.policies import OPEN, can_pay, can_pay_out, can_read, can_refund, signed_in, staff
from examples.doors.setting import Setting
from zerotrust.asgi import Rules


def rules_of(setting: Setting) -> Rules:
    rules = Rules(default=signed_in)
    rules.open("/health", because=OPEN["/health"])
    rules.open("/static/**", because=OPEN["/static"])
    rules.protect("/payments", can_read, methods=["GET"])
    rules.protect("/payments", can_pay, methods=["POST"])
    rules.protect("/payments/{reference}", can_read)
    rules.protect("/payments/{reference}/refund", can_refund)
    rules.protect("/payouts", can_pay_out)
    rules.protect("/export", can_read)
    rules.protect("/feed", can_read)
    rules.protect("/rates", can_read)
    rules.protect("/admin/**", staff)
    for path, policy in setting.pages.items():
        rules.protect(path, policy)
    return rules
