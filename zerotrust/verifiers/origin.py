"""Where a token comes from, as far as a question has to know it: whose it is, and what such tokens never say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from zerotrust.verifiers.issuer import Issuer


@dataclass(frozen=True, slots=True)
class Origin:
    """An issuer, as far as questions have to tell its tokens from those of others.

    Attributes:
        url: the issuer.
        pattern: what the sources of its tokens look like, where they are not its url.
    """

    url: str
    pattern: re.Pattern[str] | None = None

    def made(self, source: str) -> bool:
        """Whether evidence from `source` is its own.

        Where sources look otherwise, its url is that of evidence which is only supposed: no token has it.
        """
        return source == self.url or (self.pattern is not None and self.pattern.fullmatch(source) is not None)


def origin_of(issuer: Issuer) -> Origin:
    """`issuer` as an origin."""
    return Origin(issuer.url, issuer.profile.sources)


def silent_of(issuers: Iterable[Issuer], claim: str) -> tuple[Origin, ...]:
    """Those of `issuers` that leave `claim` out until somebody configures it (`Profile.silent`)."""
    return tuple(origin_of(issuer) for issuer in issuers if claim in issuer.profile.silent)


def is_silent(silent: tuple[Origin, ...], source: str) -> bool:
    """Whether a token of `source` that lacks the claim would lack it after another sign-in, too."""
    return any(origin.made(source) for origin in silent)
