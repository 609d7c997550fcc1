"""Policy coverage for the terminal, as JSON and as a page of HTML."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from math import floor
from typing import Any

from zerotrust.testing.coverage_items import UNSEEN
from zerotrust.testing.coverage_results import NAMES, Covered, Results


def percent_of(covered: int, possible: int) -> str:
    """A share in percent, rounded down: 100 % says that nothing is missing."""
    return f"{floor(100 * covered / possible) if possible else 100}%"


def as_text(results: Results, width: int = 80) -> Iterator[str]:
    """Lines for a terminal: a policy each, below it the leaves and branches that lack an outcome."""
    policies = _ordered(results)
    if not policies:
        yield "no policy was decided"
        return
    names = [_cut(one.name, max(20, width - 30)) for one in policies]
    wide = max(len("Policy"), len("TOTAL"), *map(len, names))
    yield f"{'Policy':<{wide}}  Decided  Outcomes  Cover"
    for name, one in zip(names, policies, strict=True):
        yield _line(name, wide, one.decisions, one.covered, one.possible)
        for row in one.rows:
            if row.missing and one.decisions:
                yield f"    {_cut(row.text, max(20, width - 6 - len(row.missing)))}  {row.missing}"
        if not one.decisions:
            yield "    never decided"
    covered, possible = sum(one.covered for one in policies), sum(one.possible for one in policies)
    yield _line("TOTAL", wide, sum(one.decisions for one in policies), covered, possible)


def _line(name: str, wide: int, decisions: int, covered: int, possible: int) -> str:
    outcomes = f"{covered}/{possible}"
    return f"{name:<{wide}}  {decisions:>7}  {outcomes:>8}  {percent_of(covered, possible):>5}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _ordered(results: Results) -> list[Covered]:
    """The least covered policy first; of equals by name."""

    def share(one: Covered) -> tuple[float, str]:
        return (one.covered / one.possible if one.possible else 1.0), one.text

    return sorted(results.policies.values(), key=share)


def as_json(results: Results) -> str:
    """All counts: `{"percent", "policies": [{"name", "text", "decisions", "rows": [...]}], "undecided": [...]}`."""
    plain: dict[str, Any] = {
        "percent": round(results.percent, 2),
        "policies": [
            {
                "name": one.name,
                "text": one.text,
                "decisions": one.decisions,
                "covered": one.covered,
                "possible": one.possible,
                "rows": [
                    {
                        "text": row.text,
                        "kind": "leaf" if row.leaf else "branch",
                        "possible": [NAMES[outcome] for outcome in NAMES if outcome in row.possible],
                        "seen": {NAMES[outcome]: row.seen[outcome] for outcome in NAMES},
                        "not_looked_at": row.seen[UNSEEN],
                    }
                    for row in one.rows
                ],
            }
            for one in _ordered(results)
        ],
        "undecided": sorted(label for label, decided in results.listed.items() if not decided),
    }
    return json.dumps(plain, indent=1)


_STYLE = """
body{font:14px/1.5 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#222;background:#fff}
table{border-collapse:collapse;width:100%;margin:0 0 2em}th,td{padding:.2em .6em;border-bottom:1px solid #ddd}
th{text-align:right}th:first-child,td:first-child{text-align:left;overflow-wrap:anywhere}td{text-align:right}
td.never{background:#fbdcdc}td.cannot{color:#999}code{font:13px/1.4 ui-monospace,monospace}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#1b1b1b}td.never{background:#5c2020}th,td{border-color:#444}}
"""


def as_html(results: Results) -> str:
    """One page without scripts and without anything from elsewhere."""
    tables = "".join(map(_table, _ordered(results)))
    covered = sum(one.covered for one in results.policies.values())
    possible = sum(one.possible for one in results.policies.values())
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Policy coverage</title>'
        f"<style>{_STYLE}</style><h1>Policy coverage: {percent_of(covered, possible)}</h1>"
        f"<p>{covered} of {possible} outcomes seen.</p>{tables}</html>\n"
    )


def _table(one: Covered) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(row.text)}</code></td>"
        + "".join(_cell(row.seen[outcome], outcome in row.possible) for outcome in NAMES)
        + f"<td>{row.seen[UNSEEN]}</td></tr>"
        for row in one.rows
    )
    head = "".join(f"<th>{name}</th>" for name in (*NAMES.values(), "not looked at"))
    return (
        f"<h2>{escape(one.name)}: {percent_of(one.covered, one.possible)}</h2><p>Decided {one.decisions} times.</p>"
        f"<table><tr><th>Leaf or branch</th>{head}</tr>{rows}</table>"
    )


def _cell(times: int, possible: bool) -> str:
    if not possible and not times:
        return '<td class="cannot">-</td>'
    return f"<td>{times}</td>" if times else '<td class="never">never</td>'
