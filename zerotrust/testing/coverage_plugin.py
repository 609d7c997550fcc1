"""The pytest plugin for policy coverage: which leaves and branches the tests ever made YES, NO and UNKNOWN.

pytest imports this file wherever zerotrust is installed, so it imports nothing of zerotrust before `--policy-cov` asks
for it.
"""

from __future__ import annotations

import argparse

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; without `--policy-cov` nothing else happens."""
    group = parser.getgroup("zerotrust", "policy coverage (zerotrust)")
    group.addoption(
        "--policy-cov",
        action="append",
        nargs="?",
        const="",
        default=None,
        metavar="MODULE[:NAME]",
        help="count what the leaves and branches of policies come to; with the policies of a module, of a file or of "
        "one name, also those that no test decides",
    )
    group.addoption(
        "--policy-cov-fail-under",
        type=_percent,
        default=None,
        metavar="PERCENT",
        help="fail if fewer of the possible outcomes were seen",
    )
    group.addoption(
        "--policy-cov-report",
        action="append",
        default=None,
        metavar="KIND",
        help="term (the default), json:PATH or html:PATH; may be given several times",
    )


def _percent(text: str) -> float:
    try:
        given = float(text)
    except ValueError:
        given = -1.0
    if not 0.0 <= given <= 100.0:  # nan neither
        raise argparse.ArgumentTypeError(f"a number from 0 to 100, not {text!r}")
    return given


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count, if that was asked for."""
    if config.getoption("policy_cov") is None:
        for option in ("policy_cov_fail_under", "policy_cov_report"):
            if config.getoption(option) is not None:
                raise pytest.UsageError(f"--{option.replace('_', '-')} does nothing without --policy-cov; add that")
        return
    from zerotrust.testing.coverage_session import PolicyCoverage

    # Not under the name of the entry point: this file is registered under that one.
    config.pluginmanager.register(PolicyCoverage(config), "zerotrust-policy-coverage-session")
