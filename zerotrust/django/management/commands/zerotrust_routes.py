"""`manage.py zerotrust_routes`: every view with the policy that protects it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any, Literal

from django.core.management.base import BaseCommand, CommandError

from zerotrust.core.errors import ConfigError
from zerotrust.django.middleware import report
from zerotrust.web.report import Protection, Report


class Command(BaseCommand):
    """Lists every view with the policy that protects it."""

    help = "Lists every view with the policy that protects it; exits with 1 if something is configured wrongly."
    requires_system_checks: list[str] | tuple[str, ...] | Literal["__all__"] = ()  # it tells what they tell

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what it takes."""
        parser.add_argument("--json", action="store_true", help="as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print the report.

        Raises:
            CommandError: something is configured wrongly; it exits with 1.
        """
        try:
            made = report()
        except ConfigError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(_data(made), indent=2) if options["json"] else str(made))
        if made.problems:
            number = len(made.problems)
            raise CommandError(f"{number} problem{'s' if number > 1 else ''}: the guard refuses to start like this")


def _data(made: Report) -> dict[str, Any]:
    routes = [
        {"path": line.path, "methods": list(line.methods), "protection": _protection(line.protection)}
        for line in made.lines
    ]
    return {"routes": routes, "fallback": _protection(made.fallback), "problems": list(made.problems)}


def _protection(held: Protection | None) -> dict[str, Any] | None:
    if held is None:
        return None
    return {"policy": str(held.policy), "by": held.by, "open_because": held.open_because}
