"""`flask zerotrust routes`: every route with the policy that protects it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import click
from flask import current_app
from flask.cli import AppGroup

if TYPE_CHECKING:
    from zerotrust.flask.door import Door


def commands() -> AppGroup:
    """The commands of a guarded application."""
    group = AppGroup("zerotrust", help="What protects this application.")

    @group.command("routes")
    @click.option("--json", "as_json", is_flag=True, help="Data instead of a table.")
    @click.pass_context
    def routes(context: Any, as_json: bool) -> None:
        """List every route with its policy; the exit code is 1 if there are problems."""
        door = cast("Door", current_app.extensions["zerotrust"])
        report = door.report()
        click.echo(json.dumps(report.to_dict(), indent=2) if as_json else str(report))
        context.exit(1 if report.problems else 0)

    return group
