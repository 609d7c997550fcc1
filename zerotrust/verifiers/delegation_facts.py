"""Who acts for whom as attributes: how many act, who does now, and who is in the chain at all.

A party is the JSON text of its issuer and `sub`. In the chain stands besides, for questions that take a `sub` of any
issuer, the JSON text of the `sub` alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final, cast

from zerotrust.core.errors import PolicyError
from zerotrust.core.exhibit import number, text, texts
from zerotrust.core.facts import AtLeast, Attribute, Both, Either, Fact, Includes, OneOf
from zerotrust.verifiers.delegation import Actor, Party
from zerotrust.verifiers.token_evidence import TokenEvidence

DEPTH: Final = Attribute("depth")
"""How many act."""

ACTOR: Final = Attribute("actor", private=True)
"""Who does now; the empty text if nobody."""

ACTORS: Final = Attribute("actors", private=True)
"""All that act or did before."""

NAMES: Final = frozenset({DEPTH.name, ACTOR.name, ACTORS.name})

ANYBODY: Final = AtLeast(DEPTH, 1)
"""Whether anybody acts."""

_NOBODY: Final = "\0"  # what nobody is called, as a sub and as an issuer
_MOST: Final = 1000  # actors in a chain, more than any token has
_STRANGER: Final = Actor(_NOBODY, _NOBODY)


def party_text(party: Party) -> str:
    """`party` as one text."""
    return json.dumps(party, ensure_ascii=False)


def sub_text(sub: str) -> str:
    """Whoever is called `sub`, by whichever issuer."""
    return json.dumps(sub, ensure_ascii=False)


def in_chain(party: Party) -> Fact:
    """Whether `party` acts, or did before."""
    return Both((ANYBODY, Includes(ACTORS, party_text(party)), Includes(ACTORS, sub_text(party[1]))))


def one_of(parties: Iterable[Party], source: Attribute, subject: Attribute) -> Fact:
    """Whether `source` and `subject` name one of `parties`."""
    subs: dict[str, list[str]] = {}
    for issuer, sub in parties:
        subs.setdefault(issuer, []).append(sub)
    return Either(
        tuple(Both((OneOf(source, (issuer,)), OneOf(subject, tuple(sorted(held))))) for issuer, held in subs.items())
    )


def read_actors_of(evidence: TokenEvidence, name: str) -> object:
    """What `evidence` says of the attribute `name`, one of `NAMES`."""
    if name == DEPTH.name:
        return len(evidence.actors)
    parties = [actor.party(evidence.source) for actor in evidence.actors]
    if name == ACTOR.name:
        return party_text(parties[0]) if parties else ""
    return sorted({*map(party_text, parties), *(sub_text(sub) for _, sub in parties)})


def actors_of(values: Mapping[str, object], name: str) -> tuple[Actor, ...]:
    """The chain of which `values` say how long it is, who is in it and who acts now.

    Raises:
        PolicyError: there is none; `name` is the verifier's.
    """
    said = {key: value for key, value in values.items() if key in NAMES and value is not None}
    current = _read(text(name, ACTOR.name, said.get(ACTOR.name, "")))
    marks = [_read(one) for one in texts(name, ACTORS.name, said.get(ACTORS.name, ()))]
    subs = {one for one in marks if isinstance(one, str)}
    parties = [one for one in marks if isinstance(one, tuple) and one[1] in subs]
    members = [Actor(sub, issuer) for issuer, sub in parties]
    unnamed = [Actor(sub, _NOBODY) for sub in sorted(subs - {sub for _, sub in parties})]
    unnamed += [_STRANGER] if None in marks else []  # a digest, say, of somebody whom nobody asks for
    depth = number(name, DEPTH.name, said.get(DEPTH.name, len(members) + len(unnamed)))
    if depth == 0:
        return ()
    chain = [*members, *unnamed]
    if isinstance(current, tuple) and current in parties:
        chain.insert(0, chain.pop(parties.index(current)))
    elif ACTOR.name in said or not chain:
        chain = [*(unnamed or [_STRANGER]), *members]
    if not len(chain) <= depth <= _MOST or depth != int(depth):
        raise PolicyError(f"{len(chain)} actors of {name} are no chain of {depth:g}")
    return (*chain, *chain[-1:] * (int(depth) - len(chain)))


def read_party(written: str) -> Party | None:
    """The party that `party_text` made this of; None if it made it of nobody, as it does not of a digest."""
    found = _read(written)
    return found if isinstance(found, tuple) else None


def _read(written: str) -> Party | str | None:
    try:
        found: object = json.loads(written)
    except (ValueError, RecursionError):
        return None
    if isinstance(found, list):
        pair = cast("list[object]", found)
        named = [one for one in pair if isinstance(one, str)]
        return (named[0], named[1]) if len(pair) == len(named) == 2 else None
    return found if isinstance(found, str) else None
