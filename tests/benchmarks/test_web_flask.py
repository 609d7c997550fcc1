"""What is timed of Flask is right: each variant lets the good token in, and refuses the bad ones."""

from __future__ import annotations

from benchmarks import web_flask
from benchmarks.material import material
from benchmarks.web_flask import InProcess


def test_each_variant_refuses_what_is_bad() -> None:
    made = material("RS256")
    apps = (
        web_flask.pyjwt_app(made),
        web_flask.extended_app(made),
        web_flask.with_access(made, remember=4096),
        web_flask.by_default(made, remember=4096),
    )
    for app in apps:
        for _ in range(2):
            assert InProcess(app, made.good).status() == 200
        for bad in (made.expired, made.bad_signature, made.wrong_audience, made.wrong_issuer, None):
            assert InProcess(app, bad).status() in {401, 422}
