"""The arguments of `zerotrust replay`."""

from __future__ import annotations

import argparse


def describe(replay: argparse.ArgumentParser) -> None:
    """Give the command its arguments."""
    replay.set_defaults(parser=replay)
    replay.description = (
        "Try a policy on recorded decisions, and tell which would come out differently, by route, by the rule that "
        "decides and by subject. The exit status is 0 if all could be told, 1 if --fail-on is met, 2 for a mistake in "
        "the arguments, 3 if some could not be told, lines are no capsules or there are none."
    )
    replay.add_argument("capsules", help="a file of capsules, also compressed with gzip; - for standard input")
    replay.add_argument(
        "--policy",
        required=True,
        metavar="SOURCE",
        help="what to try: policies.py:can_pay or app.policies:can_pay on all capsules; of policies.py or app.policies "
        "each policy on what was decided under its name; or policy.json",
    )
    replay.add_argument(
        "--verifiers", metavar="SOURCE", help="where the verifiers are that policy.json asks: a Python file or module"
    )
    replay.add_argument("--of", metavar="NAME", help="only what was decided under the policy of this name")
    replay.add_argument(
        "--key-file", metavar="FILE", help="the key of the recorder, if it is not in ZEROTRUST_REPLAY_KEY"
    )
    replay.add_argument(
        "--by", choices=("route", "rule", "subject"), action="append", help="what to group by (default: all three)"
    )
    replay.add_argument("--examples", type=_count, default=3, metavar="N", help="of each group (default: 3)")
    replay.add_argument("--top", type=_count, default=20, metavar="N", help="groups of each kind (default: 20)")
    replay.add_argument("--json", action="store_true", help="print JSON")
    replay.add_argument(
        "--fail-on",
        choices=("weaker", "any"),
        help="exit with 1 if a request would be let in that was refused (weaker), or any would come out differently",
    )


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 1000:
        raise argparse.ArgumentTypeError(f"a number from 0 to 1000, not {text!r}")
    return int(text)
