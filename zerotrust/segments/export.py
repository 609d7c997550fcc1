"""What the exports have in common: the text, what the target cannot express, and how YAML is written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from zerotrust.core.errors import ConfigError

Yaml: TypeAlias = "str | int | bool | Sequence[Yaml] | Mapping[str, Yaml]"

# Kubernetes object names and label values (RFC 1123 labels and subdomains).
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LABEL: Final = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
_LABEL_KEY: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
)
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that the target cannot express.

    Attributes:
        row: the number of the row, from 1; None for what concerns the whole table.
        left_out: whether the row, which allows, is missing from the export.
        says: what it is, and what the target does instead.
    """

    row: int | None
    left_out: bool
    says: str

    def __str__(self) -> str:
        if self.row is None:
            return self.says
        return f"row {self.row}{' is left out' if self.left_out else ''}: {self.says}"


@dataclass(frozen=True, slots=True)
class Export:
    """A table in a target's own terms.

    No row is ever widened in silence: what the target cannot express is left out or narrowed, and listed. A row that
    denies and cannot be expressed makes the export impossible.

    Attributes:
        text: YAML; the same table always gives the same text.
        cannot: what the target cannot express.
        needs: what has to be configured around it, without which it does not mean what the table means.
    """

    text: str
    cannot: tuple[Limit, ...]
    needs: tuple[str, ...]

    def __str__(self) -> str:
        return self.text


def refuse(target: str, number: int, flow: object, why: str) -> ConfigError:
    """The error for a row that denies and cannot be expressed: without it the export would let more in."""
    return ConfigError(
        f"row {number} denies and {target} cannot express it, {flow}: {why}. An export without it would allow what the "
        "table denies; write the rows that allow more narrowly instead"
    )


def check_name(what: str, name: object, example: str) -> str:
    """`name` if Kubernetes takes it for the name of an object, else `ConfigError`."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError(
            f"{what} is {name!r}: write lower-case letters, digits and dashes, at most 63, such as {example!r}"
        )
    return name


def check_labels(labels: Mapping[str, str] | None, service: str) -> dict[str, str]:
    """The labels of a workload; `ConfigError` if there are none, which would select every workload."""
    if labels is None:
        labels = {"app": service}
    if not isinstance(labels, Mapping) or not labels:
        raise ConfigError(f'labels are {labels!r}: write those of the workload, such as {{"app": "ledger"}}')
    for key, value in labels.items():
        if not (
            isinstance(key, str) and isinstance(value, str) and _LABEL_KEY.fullmatch(key) and _LABEL.fullmatch(value)
        ):
            raise ConfigError(f"labels have {key!r}: {value!r}, which Kubernetes does not take for a label")
    return dict(labels)


def documents(values: Iterable[Yaml]) -> str:
    """YAML documents, one after the other."""
    return "---\n".join(to_yaml(value) for value in values)


def to_yaml(value: Yaml) -> str:
    """One YAML document in block style. Texts that could be read as anything else are quoted as in JSON."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Yaml) -> list[str]:
    if isinstance(value, Mapping) and value:
        lines: list[str] = []
        for key, part in value.items():
            if _is_block(part):
                lines.append(f"{_scalar(key)}:")
                lines += [f"  {line}" for line in _lines(part)]
            else:
                lines.append(f"{_scalar(key)}: {_lines(part)[0]}")
        return lines
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        lines = []
        for part in value:
            first, *rest = _lines(part)
            lines.append(f"- {first}")
            lines += [f"  {line}" for line in rest]
        return lines
    return [_scalar(value)]


def _is_block(value: Yaml) -> bool:
    return isinstance(value, Mapping | Sequence) and not isinstance(value, str) and bool(value)


_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def _scalar(value: Yaml) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return f'"{"".join(map(_quoted, value))}"'


def _quoted(character: str) -> str:
    """As in YAML 1.2 section 5.7; JSON's pairs of surrogates are not known there."""
    if character in '"\\':
        return f"\\{character}"
    return character if " " <= character <= "~" else f"\\U{ord(character):08X}"
