"""Finds the published test vectors, which lie beside the project and are never copied into it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

VECTORS = Path(__file__).parents[2].parent / "shared" / "vectors"


def load(name: str) -> Any:
    """The parsed JSON file of this name. Where the vectors are absent, the module that asks is skipped."""
    path = VECTORS / name
    if not path.is_file():
        # Others published them: they are not copied into the project, and a clone has none.
        pytest.skip(
            f"the published vectors are not beside the project: no shared/vectors/{name}", allow_module_level=True
        )
    return json.loads(path.read_bytes())
