"""Evidence of a token as it would be: what remedies promise, in claims and in the fields drawn from them alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, cast

from zerotrust.verifiers.claims import scopes_in, text_set
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.wire.json import JsonValue

SCOPE, ACR, AMR, AUTH_TIME = "scope", "acr", "amr", "auth_time"

_SINGLE: Final = frozenset({SCOPE, ACR, AUTH_TIME})
_NOBODYS: Final = "\0"
"""A value that nobody asks for."""
_SOMETHING: Final[Mapping[str, JsonValue]] = {SCOPE: "", ACR: _NOBODYS, AMR: [], AUTH_TIME: 0}
"""What is there, where the claim has a type."""


class Draft:
    """Evidence while promise after promise is put into it; each takes as long as what it says is.

    Args:
        evidence: what there is; it stays as it is.
        lists: by claim, the field that is drawn from it: `roles`, `groups`.
    """

    __slots__ = ("_claims", "_evidence", "_lists", "_own", "_read", "_said", "_touched")

    def __init__(self, evidence: TokenEvidence, lists: Mapping[str, str]) -> None:
        self._lists = {AMR: AMR, **lists}
        self._start(evidence)

    def _start(self, evidence: TokenEvidence) -> None:
        self._evidence = evidence
        self._claims: dict[str, JsonValue] = dict(evidence.claims)
        self._said: dict[str, dict[tuple[type, JsonValue], None]] = {}  # lists, while they change
        self._own: set[str] = set()  # single values that were promised here
        self._touched: set[str] = set()
        self._read: set[str] = set()  # claims that say what is read of them and their fields

    @property
    def source(self) -> str:
        """Whose token it is."""
        return self._evidence.source

    @property
    def acr(self) -> str | None:
        """The authentication context class; None if it does not say."""
        if ACR not in self._touched:
            return self._evidence.acr
        value = self._claims.get(ACR)
        return value if isinstance(value, str) else None

    def is_of(self, source: str) -> None:
        """It is from `source`; what another one said does not count."""
        if source != self.source:
            one = self._evidence
            self._start(TokenEvidence(source, "", one.verified_at, one.expires_at))

    def is_about(self, subject: str) -> None:
        """It is about `subject`."""
        self._evidence = replace(self._evidence, subject=subject)

    def lists(self, name: str, texts: Iterable[str], wanted: bool, field: str = "") -> None:
        """The claim `name`, and the field that is drawn from it, has all of `texts`, or none."""
        self._draws(name, field)
        items = self._items(name)
        for text in texts:
            if wanted:
                items[str, text] = None
            else:
                items.pop((str, text), None)

    def is_among(self, name: str, values: tuple[JsonValue, ...], wanted: bool, drawn: str = "") -> None:
        """The claim `name`, from which the field `drawn` is, is one of `values`, or a list with one; or neither."""
        self._draws(name, drawn)
        pairs = [(type(value), value) for value in values]
        nobodys: JsonValue = -1 if name == AUTH_TIME else _NOBODYS
        self._settle(name, only=_SINGLE)
        held = self._claims.get(name)
        if name in self._said or isinstance(held, list) or name == AMR:
            items = self._items(name)
            for pair in () if wanted else pairs:
                items.pop(pair, None)
            if wanted and not any(pair in items for pair in pairs):
                items[pairs[0]] = None
        elif wanted is not ((type(held), held) in pairs):
            both = name in self._own and name not in _SINGLE and held != nobodys  # each was promised, so it is a list
            self.put(name, nobodys if not wanted else [held, values[0]] if both else values[0])
        elif not isinstance(held, str | int | float):  # nothing, or what cannot be compared, is no answer
            self.put(name, nobodys)

    def has(self, name: str, wanted: bool, drawn: str = "") -> None:
        """The claim `name`, from which the field `drawn` is, is there, or is not."""
        self._draws(name, drawn)
        if not wanted:
            self._said.pop(name, None)
            self._claims.pop(name, None)
            self._touched.add(name)
        elif name not in self._claims and name not in self._said:
            self.put(name, _SOMETHING.get(name, True))

    def _draws(self, name: str, drawn: str = "") -> None:
        """The field `drawn` is from the claim `name`, and the claim says what is read of both."""
        if drawn:
            self._lists.setdefault(name, drawn)
        if name in self._read or name in self._touched:
            return
        self._read.add(name)
        drawn = self._lists.get(name, "")
        if not self._evidence.states(name, drawn):
            self._claims.pop(name, None)
        elif (value := self._evidence.stated(name, drawn)) is not None:
            self._claims[name] = cast("JsonValue", value)

    def put(self, name: str, value: JsonValue) -> None:
        """The claim `name` is `value`."""
        self._said.pop(name, None)
        self._claims[name] = value
        self._own.add(name)
        self._touched.add(name)

    def _items(self, name: str) -> dict[tuple[type, JsonValue], None]:
        if name not in self._said:
            value = self._claims.get(name)
            if isinstance(value, list):
                listed: Iterable[JsonValue] = [one for one in value if isinstance(one, str | int | float)]
            elif name == SCOPE and name in self._touched:
                listed = scopes_in(value) if isinstance(value, str) else ()
            elif name in self._touched:
                listed = ()
            else:
                field = SCOPE if name == SCOPE else self._lists.get(name)
                listed = sorted(cast("frozenset[str] | None", getattr(self._evidence, field)) or ()) if field else ()
            self._said[name] = {(type(one), one): None for one in listed}
        return self._said[name]

    def _settle(self, name: str, only: frozenset[str]) -> None:
        """What is listed so far, as the claim."""
        if name in only and name in self._said:
            values: list[Any] = [value for _, value in self._said.pop(name)]
            self._claims[name] = " ".join(sorted(values)) if name == SCOPE else values
            self._touched.add(name)

    def evidence(self) -> TokenEvidence:
        """What it came to."""
        changed = frozenset(self._said)
        scope = frozenset([str(one) for _, one in self._said[SCOPE]]) if SCOPE in changed else None
        for name in changed:
            self._settle(name, only=changed)
        fields: dict[str, Any] = {}
        for name in self._touched:
            value = self._claims.get(name)
            if name == SCOPE:
                # As it was asked for: questions made by hand may name what no text of scopes can hold.
                fields[SCOPE] = scope if scope is not None else scopes_in(value) if isinstance(value, str) else None
            elif name == ACR:
                fields[ACR] = value if isinstance(value, str) else None
            elif name == AUTH_TIME:
                fields[AUTH_TIME] = value if isinstance(value, int | float) and not isinstance(value, bool) else None
            if name in self._lists:
                fields[self._lists[name]] = text_set(value)
        return replace(self._evidence, claims=self._claims, **fields) if self._touched else self._evidence
