"""The modules that a file with policies imports from beside itself: each version of it has its own."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType


def package_of(path: Path) -> tuple[Path, str]:
    """The folder that is searched for what the file at `path` imports, and the file's own name there.

    The name is empty unless the file imports relatively to a package that it is in.
    """
    whole = path.resolve()
    folder, name = whole.parent, whole.stem
    try:
        relative = any(isinstance(one, ast.ImportFrom) and one.level for one in ast.walk(ast.parse(whole.read_bytes())))
    except (SyntaxError, ValueError):
        relative = False
    if not relative:
        return folder, ""
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        folder, name = folder.parent, f"{folder.name}.{name}"
    return folder, name


@contextmanager
def apart(*folders: Path) -> Generator[list[Path]]:
    """Let modules in `folders` be imported, and forget them afterwards: those of another version have the same names.

    Yields a list in which the files that were imported from there stand in the end. No bytecode is written.
    """
    places = [folder.resolve() for folder in folders]
    path, writing, files = list(sys.path), sys.dont_write_bytecode, list[Path]()
    shadowed = {top for top in _tops() if _shadowed(top, places)}
    elsewhere = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in shadowed}
    for name in elsewhere:
        del sys.modules[name]
    before = _tops()
    sys.path[:0] = map(str, places)
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        yield files
    finally:
        sys.path[:], sys.dont_write_bytecode = path, writing
        new = _tops() - before
        theirs = {name for name in new if name in sys.modules and _home(sys.modules[name]) in places}
        for name in [name for name in sys.modules if name.partition(".")[0] in theirs]:
            file = getattr(sys.modules.pop(name), "__file__", None)
            files += [Path(file).resolve()] if file else []
        sys.modules.update(elsewhere)


def _tops() -> set[str]:
    """The names of modules, and of packages, that are in no other one."""
    return {name.partition(".")[0] for name in sys.modules}


def _shadowed(top: str, places: list[Path]) -> bool:
    """Whether the module of this name is from elsewhere than one that is imported now would be."""
    if top in ("zerotrust", "__main__") or top in sys.stdlib_module_names or top not in sys.modules:
        return False
    here = next((place for place in places if (place / f"{top}.py").is_file() or (place / top).is_dir()), None)
    return here is not None and _home(sys.modules[top]) not in (here, None)


def _home(module: ModuleType) -> Path | None:
    """The folder in which a module, or package, that is not in another one was found."""
    inside = list(getattr(module, "__path__", ()))
    file = inside[0] if inside else getattr(module, "__file__", None)
    return None if file is None else Path(file).resolve().parent
