"""What `zerotrust policy` takes. Apart from what it does, so that `--version` and `--help` import nothing else."""

from __future__ import annotations

import argparse
from typing import Final

_RUNS: Final = (
    "A policy is kept in a Python file (policies.py), a module (app.policies, app.policies:can_pay) or a JSON document "
    "(policy.json, with --verifiers). A Python file or module is RUN, as an import would: give only what you trust."
)


def describe(policy: argparse.ArgumentParser) -> None:
    """Add the commands."""
    policy.set_defaults(parser=policy)
    commands = policy.add_subparsers(dest="policy_command", title="commands")
    diff = commands.add_parser(
        "diff",
        help="tell what new policies allow that the old ones do not",
        description=f"Compare policies of the same name on all evidence there can be. {_RUNS} The exit status is 0 if "
        "no policy is weaker, 1 if one is, 2 if they cannot be read, 3 if it cannot be told, also of a policy that "
        "is there no more.",
    )
    diff.add_argument("old", help="where the old policies are")
    diff.add_argument("new", help="where the new policies are")
    diff.add_argument(
        "--reviewed", action="append", default=[], metavar="FIELD",
        help="what is meant to be: a difference in the configuration of verifiers, e.g. token.audience, or a policy "
        "that was removed; repeatable",
    )  # fmt: skip
    diff.add_argument(
        "--renamed", action="append", default=[], metavar="OLD=NEW", type=_renamed,
        help="compare these two, though they have different names; repeatable",
    )  # fmt: skip
    check = commands.add_parser(
        "check",
        help="look for rules and leaves that decide nothing, and for ways around phishing-resistant factors",
        description="Look for rules that are never reached, leaves that cannot matter, and ways to what is tagged "
        f"`sensitive` without a phishing-resistant factor. {_RUNS} The exit status is 0 if there are none, 1 if there "
        "are, 2 if the policies cannot be read, 3 if it cannot be told.",
    )
    check.add_argument("file", help="where the policies are")
    check.add_argument("--tag", default="sensitive", help="what requires such a factor (default: sensitive)")
    show = commands.add_parser("show", help="print policies", description=f"Print policies. {_RUNS}")
    show.add_argument("file", help="where the policies are")
    forms = show.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="as JSON documents, one after the other")
    forms.add_argument("--mermaid", action="store_true", help="as charts for Mermaid")
    forms.add_argument("--html", action="store_true", help="as a page of its own; of one policy")
    forms = diff.add_mutually_exclusive_group()
    forms.add_argument("--markdown", action="store_true", help="as a comment for a review")
    for form in (forms, check):
        form.add_argument("--json", action="store_true", help="as JSON")
    for command in (diff, check):
        command.add_argument(
            "--timeout", type=_seconds, default=5.0, metavar="SECONDS", help="for one question (default: 5)"
        )
    for command in (diff, check, show):
        command.add_argument("--verifiers", metavar="FILE", help="where the verifiers are that JSON documents ask")


def _renamed(text: str) -> tuple[str, str]:
    old, sign, new = text.partition("=")
    if not (old and sign and new):
        raise argparse.ArgumentTypeError(f"write the two names, as can_see=can_view, not {text!r}")
    return old, new


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError(f"a time is a number of seconds, more than 0 and at most 3600, not {text!r}")
    return seconds
