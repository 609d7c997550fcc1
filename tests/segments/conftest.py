"""All modules of the room are loaded here: of one that a test loads which is not measured, lines would be missing."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import zerotrust.segments

for module in iter_modules(zerotrust.segments.__path__):
    import_module(f"zerotrust.segments.{module.name}")
