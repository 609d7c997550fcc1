"""What a token says, for comparing with a field of a resource: `invoice.owner == token.subject`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from zerotrust.core.evidence import Evidence
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import INCOMPARABLE, MISSING_CLAIM, UNKNOWN_ISSUER, Reason
from zerotrust.core.verifier import Verifier
from zerotrust.verifiers.operand import Said
from zerotrust.verifiers.resource_questions import Told
from zerotrust.verifiers.resource_values import Value, plain
from zerotrust.verifiers.token_evidence import TokenEvidence


@dataclass(frozen=True, slots=True)
class SubjectOf(Told):
    """The subject, of one issuer's tokens alone if one is named: in another's naming it is somebody else."""

    issuer: str | None = None
    kind: ClassVar[type | None] = str

    def read(self, evidence: Evidence) -> Value | Reason:
        """The subject; `unknown_issuer` if it is another issuer's, `incomparable` if there is none."""
        if self.issuer is not None and evidence.source != self.issuer:
            return UNKNOWN_ISSUER(expected=self.issuer, presented=evidence.source, detail="its subject is another's")
        return evidence.subject or INCOMPARABLE(expected="a subject", presented="none")


@dataclass(frozen=True, slots=True)
class ClientOf(Told):
    """The client that a token was issued to; of one issuer's tokens alone if one is named."""

    issuer: str | None = None
    kind: ClassVar[type | None] = str

    def read(self, evidence: Evidence) -> Value | Reason:
        """The client; `missing_claim` if the token does not say."""
        if self.issuer is not None and evidence.source != self.issuer:
            return UNKNOWN_ISSUER(expected=self.issuer, presented=evidence.source, detail="its client is another's")
        client = cast("TokenEvidence", evidence).client_id
        return client or MISSING_CLAIM(expected="client_id")


@dataclass(frozen=True, slots=True)
class ClaimOf(Told):
    """A claim: text, a number, a truth value, or a list of these."""

    name: str
    drawn: str = ""  # the list that is drawn from it, `roles` or `groups`; if none, empty

    def read(self, evidence: Evidence) -> Value | Reason:
        """The claim; `missing_claim` if it is not there, `incomparable` if it is null or an object."""
        token = cast("TokenEvidence", evidence)
        if not token.states(self.name, self.drawn):
            return MISSING_CLAIM(expected=self.name)
        return plain(token.stated(self.name, self.drawn))


class SaidBy(Said):
    """What a token says in the naming of its issuer; with several issuers, `.of(url)` says of which."""

    __slots__ = ("_believed", "_kind", "_word")

    def __init__(
        self,
        verifier: Verifier[Any],
        kind: type[SubjectOf | ClientOf],
        word: str,
        several: bool,
        believed: Callable[[object, str], str],
    ) -> None:
        text = f"{verifier.name}.{word}"
        unclear = (
            f"{text}: each issuer may have one of that name, and they are not the same; write "
            f'{text}.of("https://issuer.example.com")'
        )
        super().__init__(verifier, kind(text), self._asked(text), unclear if several else "")
        self._believed = believed
        self._kind = kind
        self._word = word

    def of(self, issuer: str) -> Said:
        """The same, of tokens of the issuer with this url alone; with others it compares with nothing (UNKNOWN).

        Raises:
            ConfigError: it is none of the issuers that are believed.
        """
        text = f'{self._told.text}.of("{issuer}")'
        return Said(self._verifier, self._kind(text, self._believed(issuer, text)))

    def _asked(self, text: str) -> str:
        return f'{text.partition(".")[0]}.claim("client_id", ...)'


class Subject(SaidBy):
    """The subject: to compare with a field of a resource; or called, to ask whether it is somebody."""

    __slots__ = ("_about",)

    def __init__(
        self,
        verifier: Verifier[Any],
        several: bool,
        believed: Callable[[object, str], str],
        about: Callable[[str, str | None], Leaf[TokenEvidence]],
    ) -> None:
        super().__init__(verifier, SubjectOf, "subject", several, believed)
        self._about = about

    def __call__(self, sub: str, issuer: str | None = None) -> Leaf[TokenEvidence]:
        """YES if the token is about `sub` of the issuer with the url `issuer`, which several issuers make necessary."""
        return self._about(sub, issuer)

    def _asked(self, text: str) -> str:
        return f"{text}(...)"


def claim(verifier: Verifier[Any], name: str, drawn: str = "") -> Said:
    """The claim `name` of a token, from which the field `drawn` is, if any."""
    text = f'{verifier.name}.claim("{name}")'
    return Said(verifier, ClaimOf(text, name, drawn), f'{verifier.name}.claim("{name}", ...)')


def subject(verifier: Verifier[Any], word: str) -> Said:
    """The subject of evidence that has one naming alone."""
    return Said(verifier, SubjectOf(f"{verifier.name}.{word}"))
