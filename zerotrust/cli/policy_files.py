"""Policies from where they are kept: Python files, importable modules, JSON documents."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, TypeGuard, cast

from zerotrust.cli.policy_modules import apart, package_of
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.policy import Named, Policy, Tagged
from zerotrust.core.verifier import Verifier
from zerotrust.verifiers.resource import Resource
from zerotrust.verifiers.roles import Roles

if TYPE_CHECKING:
    from zerotrust.documents.leaves import Offered

_DEEPEST: Final = 5
_COUNT: Final = count()
_MOST_FILES: Final = 1000


class CannotLoad(Exception):
    """There are no policies to be had; `args[0]` says why, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Source:
    """What was found where policies are kept.

    Attributes:
        policies: by name; those in a mapping or list as `RULES.pay`, `RULES.0`.
        unread: the names of what holds policies in another way, which were not looked at.
        folder: where modules that it imports are looked for first.
        files: the modules that it imported from there.
    """

    policies: dict[str, Policy]
    unread: tuple[str, ...] = ()
    folder: Path = Path()
    files: tuple[Path, ...] = ()


def policies_in(source: str, verifiers: str | None = None) -> dict[str, Policy]:
    """The policies that `source` holds, by the names they have there; arguments and errors as for `load`."""
    return load(source, verifiers).policies


def load_both(old: str, new: str, verifiers: str | None = None) -> tuple[Source, Source]:
    """The policies of two versions, each with the modules that lie beside it; arguments as for `load`.

    Raises:
        CannotLoad: as for `load`; and if one imports what lies beside the other, and is no other version of it.
    """
    before, after = load(old, verifiers), load(new, verifiers)
    for source, one, other in ((old, before, after), (new, after, before)):
        for file in one.files:
            if other.folder in file.parents and one.folder not in file.parents:
                raise CannotLoad(
                    f"{source} imports {file}, which lies beside the other version: what was changed there would not "
                    "be seen. Lay out each version with all that it imports, e.g. with git worktree"
                )
    return before, after


def load(source: str, verifiers: str | None = None) -> Source:
    """The policies that `source` holds, also in mappings and lists, and what was not looked at.

    A Python file or module is run, as an import of it would.

    Args:
        source: `policies.py`, `policies.py:can_pay`, `app.policies`, `app.policies:can_pay`, or `policy.json`.
        verifiers: where the verifiers are that a JSON document asks: a Python file or module.

    Raises:
        CannotLoad: it cannot be read or run, or there is no policy in it.
    """
    kept = (verifiers or "") if source.endswith(".json") else source
    if not kept.endswith(".py") and ":" in kept:
        kept = kept.rpartition(":")[0]
    folder = package_of(Path(kept))[0] if kept.endswith(".py") and Path(kept).is_file() else Path.cwd()
    with apart(folder, Path(kept).resolve().parent if kept.endswith(".py") else folder, Path.cwd()) as files:
        found = _load(source, verifiers)
    return replace(found, folder=folder.resolve(), files=tuple(files))


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of running a Python file.

    Attributes:
        names: its public names, with what they are bound to; or why it cannot be run.
        files: the file, and the modules that it imported from beside itself; or all there, where it cannot be run,
            since any of them may be what is wrong.
    """

    names: Mapping[str, object] | CannotLoad
    files: tuple[Path, ...]


def ran(file: Path) -> Ran:
    """Run a Python file anew, with all that it imports from beside itself. Other versions of these are left alone."""
    whole = file.resolve()
    if file.suffix != ".py":
        return Ran(CannotLoad(f"{file} is no Python file; write one such as policies.py"), (whole,))
    folder = package_of(file)[0] if file.is_file() else Path.cwd()
    with apart(folder, whole.parent, Path.cwd()) as files:
        try:
            names: Mapping[str, object] | CannotLoad = dict(_public(_module(str(file))))
        except CannotLoad as error:
            names = error
    if isinstance(names, CannotLoad):
        files += islice((*whole.parent.glob("*.py"), *whole.parent.glob("*/*.py")), _MOST_FILES)
    return Ran(names, tuple(dict.fromkeys((whole, *files))))


def _load(source: str, verifiers: str | None) -> Source:
    if source.endswith(".json"):
        return Source(_document(Path(source), verifiers))
    whole = source.endswith(".py") or ":" not in source
    module, _, wanted = (source, "", "") if whole else source.rpartition(":")
    loaded = _module(module)
    found: dict[str, Policy] = {}
    unread: list[str] = []
    for name, value in _public(loaded):
        _collect(name, value, found, unread, loaded.__name__)
    if wanted:
        inside = {name: one for name, one in found.items() if name == wanted or name.startswith(f"{wanted}.")}
        if not inside:
            raise CannotLoad(f"{module} has no policy {wanted!r}; {_listed(found)}")
        return Source(inside, tuple(name for name in unread if name == wanted or name.startswith(f"{wanted}.")))
    if not found:
        raise CannotLoad(f"{source} has no policies: none of its public names is bound to one{_held_by(unread)}")
    return Source(found, tuple(unread))


def _collect(
    name: str, value: object, found: dict[str, Policy], unread: list[str], module: str, depth: int = 0
) -> None:
    """Note the policies in `value` under their names; or that it holds some where they have none."""
    if isinstance(value, Policy):
        if name in found:
            raise CannotLoad(f"two policies are called {name}")
        found[name] = value
        return
    inside = _inside(value)
    if inside is None or depth > _DEEPEST:
        if _holds_policies(value, module):
            unread.append(name)
        return
    for key, one in inside:
        _collect(f"{name}.{key}", one, found, unread, module, depth + 1)


def _inside(value: object) -> list[tuple[str, object]] | None:
    """What a mapping or list holds, by name; None if it is none, or its keys are no text and no numbers."""
    if isinstance(value, Mapping):
        items = list(cast("Mapping[object, object]", value).items())
        return [(str(key), one) for key, one in items] if all(isinstance(key, str | int) for key, _ in items) else None
    if isinstance(value, list | tuple):
        return [(str(place), one) for place, one in enumerate(cast("list[object]", value))]
    return None


def _holds_policies(value: object, module: str, depth: int = 0) -> bool:
    """Whether there are policies in `value` without names: in a set, in fields of a class of the module itself."""
    if isinstance(value, Policy):
        return True
    held: Iterable[object] = ()
    kind = value if isinstance(value, type) else type(value)
    if isinstance(value, Mapping):
        mapping = cast("Mapping[object, object]", value)
        held = (*mapping, *mapping.values())
    elif isinstance(value, list | tuple | set | frozenset):
        held = cast("list[object]", value)
    elif isinstance(value, SimpleNamespace) or kind.__module__ == module:
        fields: Mapping[str, object] = getattr(value, "__dict__", {})
        held = fields.values()
    return depth <= _DEEPEST and any(_holds_policies(one, module, depth + 1) for one in held)


def _held_by(unread: list[str]) -> str:
    return (
        f"; what {', '.join(unread)} holds is not looked at: bind it to names, or put it into a dict" if unread else ""
    )


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
    offered: list[Offered] = []
    for _, value in _public(_module(verifiers)):
        inside = _inside(value) or [("", value)]  # they may be kept in a list
        offered += [one for _, one in inside if _is_offered(one)]
    try:
        return {path.stem: load_policy(path, _distinct(offered))}
    except (PolicyError, ConfigError) as error:
        raise CannotLoad(str(error)) from None


def _is_offered(value: object) -> TypeGuard[Offered]:
    return isinstance(value, Verifier | Roles | Resource)


def _distinct(offered: Iterable[Offered]) -> list[Offered]:
    """Each once, with the verifiers that they are of: a document may ask these too."""
    found: dict[Offered, None] = {}
    for one in offered:
        found[one] = None
        about: object = one.verifier if isinstance(one, Roles) else one
        while isinstance(about, Verifier):
            verifier: Verifier[Any] = about
            found[verifier] = None
            about = verifier.of
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
        raise CannotLoad(f"{source} cannot be run: {type(error).__name__}: {error}{_meant(error)}{where}") from None


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise CannotLoad(f"there is no file {path}")
    package, dotted = package_of(path)
    if dotted and str(package) in sys.path:
        return importlib.import_module(dotted)
    name = f"_zerotrust_policies_{next(_COUNT)}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise CannotLoad(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def _imported(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise CannotLoad(f"{name!r} is neither a file that ends in .py or .json, nor a module such as app.policies")
    return importlib.import_module(name)


def _meant(error: BaseException) -> str:
    """What a misspelled attribute may have meant: what Python itself says of it in tracebacks alone."""
    if not isinstance(error, AttributeError) or error.obj is None or error.name is None:
        return ""
    from difflib import get_close_matches

    try:
        close = get_close_matches(error.name, [name for name in dir(error.obj) if name[:1] != "_"], n=1)
    except Exception:  # noqa: BLE001 - of an object that is odd in more than this
        return ""
    return f"; did you mean {close[0]!r}?" if close else ""


def _line_of(error: BaseException, source: str) -> str:
    """Where in the user's own file it happened."""
    at, line = error.__traceback__, 0
    while at is not None:
        if Path(at.tb_frame.f_code.co_filename).name == Path(source).name:
            line = at.tb_lineno
        at = at.tb_next
    return f" (line {line})" if line else ""
