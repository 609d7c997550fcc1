"""`zerotrust policy`: compare two versions of policies, look for mistakes in them, show them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from zerotrust.analysis import (
    Comparison,
    IdleParts,
    Requires,
    compare,
    idle_leaves,
    never_or_always,
    sensitive,
    unreachable,
)
from zerotrust.analysis.report import called
from zerotrust.cli.policy_files import CannotLoad, load_both, policies_in, shown_name
from zerotrust.cli.policy_report import Diff, print_diff
from zerotrust.cli.policy_text import assigned
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.policy import Policy

_OK: Final = 0
_WRONG: Final = 1
_USAGE: Final = 2
_CANNOT_TELL: Final = 3


def run(options: argparse.Namespace) -> int:
    """Run the command that was asked for, and give its exit status."""
    command: str = options.policy_command
    try:
        if command == "diff":
            return _diff(options)
        return _check(options) if command == "check" else _show(options)
    except (CannotLoad, ConfigError, PolicyError) as error:
        print(f"zerotrust policy {command}: {error}", file=sys.stderr)
        return _USAGE


# --- diff ------------------------------------------------------------------------------------------------------------
def _diff(options: argparse.Namespace) -> int:
    before, after = load_both(options.old, options.new, options.verifiers)
    pairs = _pairs(before.policies, after.policies, options.renamed)
    removed = [name for name in before.policies if name not in {old for old, _ in pairs.values()}]
    added = [name for name in after.policies if name not in {new for _, new in pairs.values()}]
    if not pairs:
        raise CannotLoad(
            f"{options.old} and {options.new} have no policy of the same name; say what became of which: "
            f"--renamed {removed[0]}={added[0]}"
        )
    comparisons = {
        title: compare(before.policies[old], after.policies[new], seconds=options.timeout)
        for title, (old, new) in pairs.items()
    }
    unread = tuple(dict.fromkeys((*before.unread, *after.unread)))
    titles = {title: shown_name(title, after.policies[new]) for title, (_, new) in pairs.items()}
    print_diff(Diff(comparisons, titles, added, removed, unread, options.reviewed), options)
    return _status(comparisons, options.reviewed, [*removed, *unread])


def _pairs(
    old: Mapping[str, Policy], new: Mapping[str, Policy], renamed: list[tuple[str, str]]
) -> dict[str, tuple[str, str]]:
    """What is compared with what, by what it is called."""
    for one, other in renamed:
        for name, known in ((one, old), (other, new)):
            if name not in known:
                raise CannotLoad(f"--renamed {one}={other}: there is no policy {name}; there is {', '.join(known)}")
        if one in new or other in old:
            raise CannotLoad(f"--renamed {one}={other}: {one if one in new else other} is in both")
    if len({one for one, _ in renamed}) < len(renamed) or len({other for _, other in renamed}) < len(renamed):
        raise CannotLoad("--renamed: a policy becomes one other")
    if len(old) == len(new) == 1:  # whatever they are called
        return {next(iter(new)): (next(iter(old)), next(iter(new)))}
    pairs = {name: (name, name) for name in new if name in old}
    return pairs | {f"{one}, now {other}": (one, other) for one, other in renamed}


def _status(comparisons: Mapping[str, Comparison], reviewed: list[str], untold: Sequence[str]) -> int:
    """Untold is what is not compared with anything."""
    if any(one.newly_allowed for one in comparisons.values()):
        return _WRONG
    changed = [change.about for one in comparisons.values() for change in one.configuration]
    open_ones = [one for one in (*changed, *untold) if one not in reviewed]
    return _OK if all(one.proven[0] for one in comparisons.values()) and not open_ones else _CANNOT_TELL


# --- check -----------------------------------------------------------------------------------------------------------
def _check(options: argparse.Namespace) -> int:
    policies = policies_in(options.file, options.verifiers)
    ways = sensitive(policies, tag=options.tag, seconds=options.timeout)
    rules = {name: unreachable(policy, seconds=options.timeout) for name, policy in policies.items()}
    leaves = {name: idle_leaves(policy, seconds=options.timeout) for name, policy in policies.items()}
    whole = {name: never_or_always(policy, seconds=options.timeout) for name, policy in policies.items()}
    if options.json:
        plain = {name: _plain(rules[name], leaves[name], ways.get(name), whole[name]) for name in policies}
        print(json.dumps(plain, indent=2))
    else:
        for name, policy in policies.items():
            print(f"{shown_name(name, policy)}:")
            if whole[name]:
                print(f"  {whole[name]}")
            for line in _lines(rules[name], leaves[name], ways.get(name), options.tag, not whole[name]):
                print(f"  {line}")
    if (
        any(whole.values())
        or any(one.found for one in (*rules.values(), *leaves.values()))
        or any(one.ways_around for one in ways.values())
    ):
        return _WRONG
    told = all(one.proven for one in ways.values()) and all(one.complete for one in (*rules.values(), *leaves.values()))
    return _OK if told else _CANNOT_TELL


def _lines(rules: IdleParts, leaves: IdleParts, way: Requires | None, tag: str, fine: bool) -> list[str]:
    lines = [f"unreachable rule  {one}" for one in rules.found]
    lines += [f"idle leaf         {one}" for one in leaves.found]
    if way is not None and way.proven:
        lines.append(f"tagged {tag}: every way requires a phishing-resistant factor")
    elif way is not None:
        first, *others = str(way).splitlines()
        lines += [f"tagged {tag}, but {first}" if way.ways_around else f"tagged {tag}: {first}", *others]
    lines += [f"left open: {caveat}" for caveat in dict.fromkeys((*rules.caveats, *leaves.caveats))]
    return lines or (["nothing found"] if fine else [])


def _plain(rules: IdleParts, leaves: IdleParts, way: Requires | None, whole: str) -> dict[str, object]:
    plain: dict[str, object] = {
        "whole": whole or None,
        "unreachable": [{"rule": one.text, "where": one.where, "why": one.why} for one in rules.found],
        "idle": [{"leaf": one.text, "where": one.where, "why": one.why} for one in leaves.found],
        "complete": rules.complete and leaves.complete,
        "caveats": list(dict.fromkeys((*rules.caveats, *leaves.caveats))),
    }
    if way is not None:
        plain["phishing_resistant"] = {
            "proven": way.proven,
            "ways_around": [[{"about": about, "is": how} for about, how in one.rests_on] for one in way.ways_around],
        }
    return plain


# --- show ------------------------------------------------------------------------------------------------------------
def _show(options: argparse.Namespace) -> int:
    from zerotrust.documents import to_html, to_json, to_mermaid

    policies = policies_in(options.file, options.verifiers)
    if options.html and len(policies) > 1:
        raise CannotLoad(f"a page shows one policy: write {options.file}:NAME, NAME one of {', '.join(policies)}")
    for name, policy in policies.items():
        if options.html:
            print(to_html(policy))
        elif options.json:
            print(to_json(policy, indent=2))
        elif options.mermaid:
            print(to_mermaid(policy))
        else:
            print(assigned(name, str(policy) if len(str(policy)) < 1000 else called(policy)))
    return _OK
