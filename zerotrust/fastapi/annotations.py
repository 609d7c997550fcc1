"""What FastAPI passes over without a word: requirements in annotations that it could not read or did not look at.

Where an annotation is text that cannot be resolved, FastAPI goes on as if it said nothing, and whatever is required
there is lost. So what was written is compared with what FastAPI made of it.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Final, ForwardRef, Literal, Union, get_args, get_origin

from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_typed_annotation, get_typed_signature
from fastapi.params import Depends

from zerotrust.core.policy import Policy
from zerotrust.starlette.requirement import Requirement
from zerotrust.web.access import Access

_TEXT: Final = (str, ForwardRef)
_ADVICE: Final = "write access: Annotated[Access, guard.require(policy)], one marker for each parameter"


def lost(dependant: Dependant) -> str | None:
    """Why a requirement of `dependant`, or of what it depends on, may be lost; None if all were heard."""
    todo = [dependant]
    while todo:
        one = todo.pop()
        todo.extend(one.dependencies)
        if one.call is not None and not isinstance(one.call, Requirement) and (found := _lost_in(one)) is not None:
            call: Any = inspect.unwrap(one.call)
            name = getattr(call, "__qualname__", type(call).__qualname__)
            return f"handler {name} in module {getattr(call, '__module__', '?')}: {found}"
    return None


def _lost_in(dependant: Dependant) -> str | None:
    call: Any = dependant.call
    signature = get_typed_signature(call)
    names: Mapping[str, Any] = getattr(inspect.unwrap(call), "__globals__", {})
    unread = {one.name for one in _fields(dependant) if isinstance(one.field_info.annotation, _TEXT)}
    for name, parameter in signature.parameters.items():
        annotation = parameter.annotation
        below = [one for one in dependant.dependencies if one.name == name]
        # `db: Session = Depends(...)`, the name being there for type checkers alone: nothing can be lost with it.
        harmless = bool(below) and isinstance(annotation, _TEXT) and not _mentions_more(_text(annotation), below)
        if name in unread or (not harmless and _unresolved(annotation, names)):
            return (
                f"the annotation of {name} is text that could not be resolved there; remove "
                "`from __future__ import annotations` from that module, or define guard and Access at module level, "
                "above the handler and not under TYPE_CHECKING"
            )
        heard = {one.call for one in below}
        for part in _parts(annotation, names):
            if isinstance(part, Depends) and isinstance(part.dependency, Requirement) and part.dependency not in heard:
                return f"FastAPI passes over a guard.require(...) in the annotation of {name}; {_ADVICE}"
            if isinstance(part, Policy) or (inspect.ismethod(part) and part.__name__ == "require"):
                return f"{part!r} in the annotation of {name} requires nothing; {_ADVICE}"
        if _is_access(annotation) and not any(map(_requires, below)):
            return f"nothing that is required gives {name} its Access; {_ADVICE}"
    return None


def _fields(dependant: Dependant) -> Iterator[Any]:
    for kind in ("path", "query", "header", "cookie", "body"):
        yield from getattr(dependant, f"{kind}_params")


def _requires(dependant: Dependant) -> bool:
    return isinstance(dependant.call, Requirement) or any(map(_requires, dependant.dependencies))


def _text(annotation: str | ForwardRef) -> str:
    return annotation if isinstance(annotation, str) else annotation.__forward_arg__


def _mentions_more(text: str, below: list[Dependant]) -> bool:
    """Whether an annotation beside `= Depends(...)` may hold a marker, or speaks of an access that nothing gives."""
    return "Annotated" in text or "require" in text or ("Access" in text and not any(map(_requires, below)))


def _unresolved(annotation: Any, names: Mapping[str, Any]) -> bool:
    return any(isinstance(part, ForwardRef) for part in _parts(annotation, names))


def _resolved(text: str, names: Mapping[str, Any]) -> Any:
    return get_typed_annotation(text, dict(names))


def _is_alias(part: object) -> bool:
    """Whether it is a `type` statement's alias, or one of typing_extensions, whose instances alone have the value."""
    return type(part).__name__ == "TypeAliasType" or hasattr(type(part), "__value__")


def _parts(annotation: Any, names: Mapping[str, Any]) -> Iterator[Any]:
    """All that stands in an annotation, metadata included; text that cannot be resolved as a ForwardRef."""
    todo: list[tuple[Any, Mapping[str, Any], bool]] = [(annotation, names, False)]
    seen: set[int] = set()  # an alias may stand for something that contains it
    while todo:
        part: Any
        part, names, aliased = todo.pop()
        if isinstance(part, _TEXT):
            part = _resolved(_text(part), names)
            if aliased and isinstance(part, _TEXT):
                continue  # pydantic resolves what stands in an alias its own way
        if get_origin(part) is Annotated:
            yield from part.__metadata__
            todo.append((part.__origin__, names, aliased))
        elif _is_alias(part):  # type Alias = ...
            if id(part) not in seen:
                seen.add(id(part))
                todo.append((part.__value__, vars(sys.modules.get(part.__module__, sys)), True))
        elif get_origin(part) is not Literal and get_args(part):
            todo.extend((one, names, aliased) for one in _flat((get_origin(part), *get_args(part))))
        else:
            yield part


def _flat(arguments: Iterable[Any]) -> Iterator[Any]:
    for one in arguments:  # a Callable lists those of its parameters
        yield from _flat(one) if isinstance(one, list) else (one,)  # pyright: ignore[reportUnknownArgumentType]


def _is_access(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return _is_access(annotation.__origin__)
    if get_origin(annotation) in (Union, UnionType):
        return any(map(_is_access, get_args(annotation)))
    return isinstance(annotation, type) and issubclass(annotation, Access)
