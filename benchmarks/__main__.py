"""Every group of every script, one process per group, then one table of all goals."""

from __future__ import annotations

import sys

from benchmarks import (
    dpop,
    imports,
    otp,
    policy,
    repeated,
    segments,
    stores,
    tokens,
    web,
    web_django,
    web_flask,
    web_http,
    webauthn,
    xfcc,
)
from benchmarks.harness import ROUNDS
from benchmarks.runner import run_all

if __name__ == "__main__":
    sys.exit(
        run_all(
            {
                "benchmarks.tokens": (tokens.GROUPS, ROUNDS),
                "benchmarks.repeated": (repeated.GROUPS, ROUNDS),
                "benchmarks.dpop": (dpop.GROUPS, ROUNDS),
                "benchmarks.otp": (otp.GROUPS, ROUNDS),
                "benchmarks.webauthn": (webauthn.GROUPS, ROUNDS),
                "benchmarks.policy": (policy.GROUPS, ROUNDS),
                "benchmarks.web": (web.GROUPS, ROUNDS),
                "benchmarks.web_django": (web_django.GROUPS, ROUNDS),
                "benchmarks.web_flask": (web_flask.GROUPS, ROUNDS),
                "benchmarks.web_http": (web_http.GROUPS, web_http.ROUNDS),
                "benchmarks.stores": (stores.GROUPS, stores.ROUNDS),
                "benchmarks.xfcc": (xfcc.GROUPS, ROUNDS),
                "benchmarks.segments": (segments.GROUPS, ROUNDS),
                "benchmarks.imports": (imports.GROUPS, imports.ROUNDS),
            }
        )
    )
