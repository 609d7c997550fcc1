"""Policies from where they are kept: Python files, importable modules, JSON documents."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, TypeGuard

from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.policy import Named, Policy, Tagged
from zerotrust.core.verifier import Verifier


class CannotLoad(Exception):
    """There are no policies to be had; `args[0]` says why, and what to write instead."""


def policies_in(source: str, verifiers: str | None = None) -> dict[str, Policy]:
    """The policies that `source` holds, by the names they have there.

    A Python file or module is run, as an import of it would.

    Args:
        source: `policies.py`, `policies.py:can_pay`, `app.policies`, `app.policies:can_pay`, or `policy.json`.
        verifiers: where the verifiers are that a JSON document asks: a Python file or module.

    Raises:
        CannotLoad: it cannot be read or run, or there is no policy in it.
    """
    if source.endswith(".json"):
        return _document(Path(source), verifiers)
    whole = source.endswith(".py") or ":" not in source
    module, _, wanted = (source, "", "") if whole else source.rpartition(":")
    loaded = _module(module)
    found = {name: value for name, value in _public(loaded) if isinstance(value, Policy)}
    if wanted:
        if wanted not in found:
            raise CannotLoad(f"{module} has no policy {wanted!r}; {_listed(found)}")
        found = {wanted: found[wanted]}
    if not found:
        raise CannotLoad(f"{source} has no policies: none of its public names is bound to one")
    return found


def shown_name(name: str, policy: Policy) -> str:
    """The name a policy was given, beside the one it is bound to, if they differ."""
    inner = policy
    while isinstance(inner, Tagged):
        inner = inner.inner
    return f"{name} ({inner.name})" if isinstance(inner, Named) and inner.name != name else name


def _document(path: Path, verifiers: str | None) -> dict[str, Policy]:
    from zerotrust.documents import load_policy

    if verifiers is None:
        raise CannotLoad(f"{path} is a document: say with --verifiers which file or module has the verifiers it asks")
    asked = [value for _, value in _public(_module(verifiers)) if _is_verifier(value)]
    try:
        return {path.stem: load_policy(path, _distinct(asked))}
    except (PolicyError, ConfigError) as error:
        raise CannotLoad(str(error)) from None


def _is_verifier(value: object) -> TypeGuard[Verifier[Any]]:
    return isinstance(value, Verifier)


def _distinct(verifiers: Iterable[Verifier[Any]]) -> list[Verifier[Any]]:
    """Each once, with those they are of: a document may ask these too."""
    found: dict[Verifier[Any], None] = {}
    for verifier in verifiers:
        one: Verifier[Any] | None = verifier
        while one is not None:
            found[one] = None
            one = one.of
    return list(found)


def _public(module: ModuleType) -> Iterator[tuple[str, Any]]:
    named: Mapping[str, Any] = vars(module)
    return ((name, value) for name, value in named.items() if not name.startswith("_"))


def _listed(found: Mapping[str, Policy]) -> str:
    return f"it has {', '.join(found)}" if found else "it has none"


def _module(source: str) -> ModuleType:
    try:
        return _from_file(Path(source)) if source.endswith(".py") else _imported(source)
    except CannotLoad:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever somebody's module does, also exit
        where = _line_of(error, source)
        raise CannotLoad(f"{source} cannot be run: {type(error).__name__}: {error}{where}") from None


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise CannotLoad(f"there is no file {path}")
    name = f"_zerotrust_policies_{len(sys.modules)}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise CannotLoad(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    with _importable(path.resolve().parent, Path.cwd()):
        spec.loader.exec_module(module)
    return module


def _imported(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise CannotLoad(f"{name!r} is neither a file that ends in .py or .json, nor a module such as app.policies")
    with _importable(Path.cwd()):
        return importlib.import_module(name)


@contextmanager
def _importable(*folders: Path) -> Generator[None]:
    """Let modules in `folders` be imported, and write no bytecode beside them."""
    path, writing = list(sys.path), sys.dont_write_bytecode
    sys.path[:0] = map(str, folders)
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.path[:], sys.dont_write_bytecode = path, writing


def _line_of(error: BaseException, source: str) -> str:
    """Where in the user's own file it happened."""
    at, line = error.__traceback__, 0
    while at is not None:
        if Path(at.tb_frame.f_code.co_filename).name == Path(source).name:
            line = at.tb_lineno
        at = at.tb_next
    return f" (line {line})" if line else ""
