"""The ledger with Flask."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, Response, abort, jsonify, request, stream_with_context
from flask.typing import ResponseReturnValue

from examples.doors.ledger import TERMS, Refused
from examples.doors.policies import (
    OPEN,
    can_pay,
    can_pay_out,
    can_read,
    can_refund,
    may_see,
    may_settle,
    payout_token,
    signed_in,
    staff,
    token,
)
from examples.doors.setting import Setting
from zerotrust.flask import Guard


def create_app(setting: Setting) -> Flask:  # noqa: C901 - a few lines for each page
    app, ledger = Flask(__name__, static_folder=str(TERMS.parent), static_url_path="/static"), setting.ledger
    guard = Guard(app, default=signed_in, sources=setting.sources, recorder=setting.recorder, clock=setting.clock)

    @app.get("/health")
    def health() -> ResponseReturnValue:
        return {"status": "ok"}

    @app.get("/me")
    def me() -> ResponseReturnValue:
        return {"subject": guard.access[token].subject}

    @app.get("/payments")
    @guard.require(can_read)
    def payments() -> ResponseReturnValue:
        return jsonify(ledger.of(guard.access[token].subject))

    @app.post("/payments")
    @guard.require(can_pay)
    def pay() -> ResponseReturnValue:
        try:
            return ledger.pay(request.get_data(), guard.access[token].subject)
        except Refused as refused:
            abort(400, str(refused))

    @app.get("/payments/<reference>")
    @guard.require(can_read)
    def payment(reference: str) -> ResponseReturnValue:
        return found(ledger.payment(reference))

    @app.post("/payments/<reference>/refund")
    @guard.require(can_refund)
    def refund(reference: str) -> ResponseReturnValue:
        return found(ledger.refund(reference, guard.access[token].subject))

    @app.get("/invoices/<reference>")
    def invoice(reference: str) -> ResponseReturnValue:
        guard.access.check(may_see, resource=ledger.invoices.get(reference), hidden=True)
        return vars(ledger.invoices[reference])

    @app.post("/invoices/<reference>/settle")
    def settle(reference: str) -> ResponseReturnValue:
        guard.access.check(may_settle, resource=ledger.invoices.get(reference))
        return ledger.settle(ledger.invoices[reference], guard.access[token].subject)

    @app.post("/payouts")
    @guard.require(can_pay_out)
    def pay_out() -> ResponseReturnValue:
        return {"paid out to": guard.access[payout_token].subject}

    @app.get("/export")
    @guard.require(can_read)
    def export() -> ResponseReturnValue:
        return Response(stream_with_context(ledger.export(guard.access[token].subject)), mimetype="text/csv")

    def ok() -> ResponseReturnValue:
        return jsonify(ledger.page(request.path))

    admin = Blueprint("admin", __name__, url_prefix="/admin")

    @admin.get("/")
    def overview() -> ResponseReturnValue:
        return {"payments": len(ledger.payments)}

    @admin.get("/users")
    def users() -> ResponseReturnValue:
        return jsonify(sorted({payment.by for payment in ledger.payments.values()}))

    app.register_blueprint(admin)
    guard.protect("/admin/*", staff)
    guard.open("/health", because=OPEN["/health"])
    guard.open("/static/*", because=OPEN["/static"])
    for path, policy in setting.pages.items():
        app.add_url_rule(path, path.replace("/", " "), guard.require(policy)(ok))
    guard.check()
    return app


def found(entry: dict[str, Any] | None) -> ResponseReturnValue:
    if entry is None:
        abort(404)
    return entry
