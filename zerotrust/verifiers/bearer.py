"""JWT access tokens presented as bearer tokens: RFC 6750, RFC 9068 section 4, RFC 8725."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from hashlib import blake2b
from inspect import iscoroutinefunction
from typing import Any, ClassVar, Final, cast

import attrs

from zerotrust.core.ask import Ask, ConsumeOnce, Fetch, Gather
from zerotrust.core.errors import ConfigError
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Unspent, Verified
from zerotrust.core.moments import seconds, span_in_seconds
from zerotrust.core.once import spend
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import MALFORMED, NOT_PRESENTED, PROOF_REQUIRED, UNKNOWN_KEY, WRONG_CLAIM_TYPE, Reason
from zerotrust.core.remedy import Action, Step
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Verifier
from zerotrust.verifiers import token_questions as ask_for
from zerotrust.verifiers.claims import ClaimRules, wrong_issuer
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.wire.header import Header, HeaderRules
from zerotrust.wire.jose import MAX_TOKEN, Compact, check, read_claims, split
from zerotrust.wire.json import JsonValue
from zerotrust.wire.jwk import KeySet

# RFC 6750 section 2.1; the scheme's case does not count (RFC 9110 section 11.1).
_CREDENTIALS: Final = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] ++([A-Za-z0-9\-._~+/]++=*+)")
_SCHEME: Final = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr](?: |$)")

_NOTHING: Final = Absent(NOT_PRESENTED(detail="no bearer token"))
_NOT_CREDENTIALS: Final = Rejected(MALFORMED(detail="the authorization header is not `Bearer` and one token"))

# RFC 6749 section 3.3 and RFC 9110 section 5.6.4: what can be quoted in a challenge as it is.
_SCOPE: Final = re.compile(r"[!#-\[\]-~]+")
_REALM: Final = re.compile(r"[ !#-\[\]-~]*")
_LEEWAY: Final = seconds(10)
_MOST_LENGTH: Final = 256 * 1024
_MOST_LEEWAY: Final = 120
_MOST_JTI: Final = 1024


@attrs.frozen(eq=False, repr=False)
class _Chosen:
    """The issuer a token claims to be from, the rules for its header, and its claims if they were read to tell."""

    issuer: Issuer
    rules: HeaderRules
    claims: dict[str, JsonValue] | None


def _texts(what: str, values: object) -> tuple[str, ...]:
    listed = (values,) if isinstance(values, str) else values
    given = tuple(cast("Iterable[object]", listed)) if isinstance(listed, Iterable) else ()
    if not given or not all(isinstance(value, str) and value for value in given):
        raise ConfigError(f"{what} takes one or more names, not {values!r}")
    return cast("tuple[str, ...]", given)


def _text(what: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{what} takes exactly one name, not {value!r}; for several, join leaves with & or |")
    return value


@attrs.frozen(eq=False, init=False, repr=False)
class Bearer(Verifier[TokenEvidence]):
    """Checks the access token in the `Authorization: Bearer` header, and gives the leaves that ask about it.

    Args:
        issuers: whose tokens are believed; several are told apart by `iss`.
        audience: who we are: what `aud` must name (RFC 8725 section 3.9). One of several suffices.
        name: what the token is called in explanations.
        types: the `typ` values that mark an access token (RFC 9068 section 2.1). Accepting `JWT` lets tokens in that
            were made for other purposes, unless the issuer separates them by audience.
        require: claims that must be there besides `iss`, `aud`, `exp`, `sub` and `iat`.
        leeway: by how much clocks may differ; at most 2 minutes.
        max_lifetime: the longest time from `iat` to `exp`; None for any.
        max_length: the longest token, in characters; longer ones cost nothing.
        one_time: whether each token is accepted once, by its `jti` (RFC 7519 section 4.1.7): the decision that allows
            with it uses it up, one that refuses does not. Needs a source that answers `ConsumeOnce`, a store.
        roles: the claim that lists roles. groups: the claim that lists groups (RFC 9068 section 2.2.3.1).
        realm: shown in challenges (RFC 6750 section 3).

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    issuers: tuple[Issuer, ...]
    audience: frozenset[str]
    name: str
    realm: str | None
    max_length: int
    one_time: bool
    _rules: ClaimRules
    _by_url: Mapping[str, tuple[Issuer, HeaderRules]]
    _only: _Chosen | None
    _static: bool

    cost: ClassVar[int] = 10

    def __init__(
        self,
        *issuers: Issuer,
        audience: str | Collection[str],
        name: str = "token",
        types: Collection[str] = ("at+jwt",),
        require: Collection[str] = (),
        leeway: timedelta = _LEEWAY,
        max_lifetime: timedelta | None = None,
        max_length: int = MAX_TOKEN,
        one_time: bool = False,
        roles: str = "roles",
        groups: str = "groups",
        realm: str | None = None,
    ) -> None:
        if not issuers or not all(isinstance(issuer, Issuer) for issuer in issuers):
            raise ConfigError(
                f"Bearer takes issuers first, not {issuers!r}; write "
                'Bearer(Issuer("https://login.example.com"), audience="payments")'
            )
        kinds, recipients = frozenset(_texts("types", types)), frozenset(_texts("audience", audience))
        static = all(issuer.static is not None for issuer in issuers)
        by_url = {issuer.url: (issuer, HeaderRules(issuer.algorithms, kinds)) for issuer in issuers}
        if len(by_url) < len(issuers):
            raise ConfigError(f"two issuers have the same url: {', '.join(issuer.url for issuer in issuers)}")
        if not (isinstance(name, str) and name.isidentifier()):
            raise ConfigError(f"name={name!r} stands before leaves in explanations; write an identifier such as token")
        if realm is not None and not (isinstance(realm, str) and _REALM.fullmatch(realm)):
            raise ConfigError(f"realm={realm!r}: write printable ASCII without quotes and backslashes")
        if type(max_length) is not int or not 256 <= max_length <= _MOST_LENGTH:
            raise ConfigError(f"max_length={max_length!r}: write a number of characters from 256 to {_MOST_LENGTH}")
        if not isinstance(one_time, bool):
            raise ConfigError(f"one_time={one_time!r}: write True or False")
        for what, claim in (("roles", roles), ("groups", groups)):
            if not (isinstance(claim, str) and claim):
                raise ConfigError(f"{what} takes the name of a claim, not {claim!r}")
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            issuers=issuers,
            audience=recipients,
            name=name,
            realm=realm,
            max_length=max_length,
            one_time=one_time,
            rules=ClaimRules(
                recipients,
                frozenset({"iss", "aud", "exp", "sub", "iat"})
                .union(_texts("require", require) if require else ())
                .union(("jti",) if one_time else ()),
                span_in_seconds(leeway, "leeway", most=_MOST_LEEWAY),
                math.inf if max_lifetime is None else span_in_seconds(max_lifetime, "max_lifetime", least=1),
                roles,
                groups,
            ),
            by_url=by_url,
            # With one issuer whose keys are at hand, a token under an unknown key is refused before it is read.
            only=_Chosen(*by_url[issuers[0].url], None) if len(issuers) == 1 and static else None,
            static=static,
        )

    # --- Checking ----------------------------------------------------------------------------------------------------

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """`Fetch` where an issuer's keys were not given, `ConsumeOnce` where tokens are accepted once."""
        return (() if self._static else (Fetch,)) + ((ConsumeOnce,) if self.one_time else ())

    def find(self, request: AccessRequest) -> Finding[TokenEvidence] | Gather[Finding[TokenEvidence]]:
        """The token in the `Authorization` header, checked. Never looks for one in the URL or the body."""
        header = request.header("authorization")
        if header is None:
            return _NOTHING
        if isinstance(header, Reason):
            return Rejected(header)
        credentials = _CREDENTIALS.fullmatch(header)
        if credentials is None:
            return _NOT_CREDENTIALS if _SCHEME.match(header) else _NOTHING
        found = self._checked if self._static else self._checking
        return found(credentials[1], request.now)

    def verify(self, token: str, now: float) -> Finding[TokenEvidence]:
        """Check one token with keys that were given, not fetched.

        Args:
            token: the token alone, without a scheme.
            now: POSIX seconds.

        Returns:
            `Verified` evidence, or `Rejected` with the rule that was broken.

        Raises:
            ConfigError: an issuer's keys have to be fetched, or tokens are accepted once: `decide`, or run
                `verifying` with a driver.
        """
        if not self._static:
            raise ConfigError("the keys of an issuer have to be fetched; use decide(token.valid, request, sources)")
        if self.one_time:
            raise ConfigError("one_time=True needs a store to ask; use decide(token.valid, request, sources)")
        return self._checked(token, now)

    def verifying(self, token: str, now: float) -> Gather[Finding[TokenEvidence]]:
        """`verify` as a generator of asks, for a driver to run: keys are fetched, and a one-time token is used up."""
        found = self._checked(token, now) if self._static else (yield from self._checking(token, now))
        return (yield from spend(found))

    def _checked(self, token: str, now: float) -> Finding[TokenEvidence]:
        compact = split(token, limit=self.max_length)
        if isinstance(compact, Reason):
            return Rejected(compact)
        chosen = self._only or self._choose(compact)
        if isinstance(chosen, Reason):
            return Rejected(chosen)
        keys = cast("KeySet", chosen.issuer.static)
        return self._believe(compact, check(compact, keys, chosen.rules), chosen, now)

    def _checking(self, token: str, now: float) -> Gather[Finding[TokenEvidence]]:
        compact = split(token, limit=self.max_length)
        if isinstance(compact, Reason):
            return Rejected(compact)
        chosen = self._choose(compact)
        if isinstance(chosen, Reason):
            return Rejected(chosen)
        refused = chosen.issuer.refusal(compact.header, chosen.rules)
        if refused is not None:
            return Rejected(refused)
        keys, fetched_at = yield from chosen.issuer.key_set(now)
        header = check(compact, keys, chosen.rules)
        if isinstance(header, Reason) and header.kind is UNKNOWN_KEY:
            keys, _ = yield from chosen.issuer.key_set(now, after=fetched_at)
            header = check(compact, keys, chosen.rules)
        return self._believe(compact, header, chosen, now)

    def _choose(self, compact: Compact) -> _Chosen | Reason:
        """The issuer that a token claims to be from; nothing of it is believed yet, or used for anything else."""
        claims = read_claims(compact)
        if isinstance(claims, Reason):
            return claims
        iss = claims.get("iss")
        known = self._by_url.get(iss) if isinstance(iss, str) else None
        return wrong_issuer(claims, " or ".join(self._by_url)) if known is None else _Chosen(*known, claims)

    def _believe(
        self, compact: Compact, header: Header | Reason, chosen: _Chosen, now: float
    ) -> Finding[TokenEvidence]:
        """What the claims of a token prove once its `header` was found good, signature included."""
        if isinstance(header, Reason):
            return Rejected(header)
        claims = read_claims(compact) if chosen.claims is None else chosen.claims
        outcome = claims if isinstance(claims, Reason) else self._rules.read(claims, chosen.issuer, now)
        if isinstance(outcome, Reason):
            return Rejected(outcome)
        return self._once(outcome, now) if self.one_time else Verified(outcome)

    def _once(self, evidence: TokenEvidence, now: float) -> Finding[TokenEvidence]:
        """A token with the mark that lets it count once. Ids are unique within an issuer, so the mark names both."""
        jti = evidence.jti or ""
        if not 1 <= len(jti) <= _MOST_JTI:
            return Rejected(WRONG_CLAIM_TYPE(expected=f"text of 1 to {_MOST_JTI} characters", detail="jti"))
        name = json.dumps([evidence.source, jti]).encode()
        # Another service, or the next configuration of this one, may be more patient with clocks.
        until = evidence.expires_at - self._rules.leeway + _MOST_LEEWAY
        return Unspent(evidence, ConsumeOnce("jti", blake2b(name, digest_size=32).digest(), until, now))

    # --- Leaves ------------------------------------------------------------------------------------------------------

    @property
    def valid(self) -> Leaf[TokenEvidence]:
        """YES with any good token."""
        return Leaf(self, ask_for.Valid())

    def scope(self, *names: str) -> Leaf[TokenEvidence]:
        """YES if all of `names` are granted (RFC 6749 section 3.3); UNKNOWN if the token has no `scope`."""
        for scope in _texts("scope", names):
            if not _SCOPE.fullmatch(scope):
                raise ConfigError(
                    f"scope({scope!r}): one scope has no blanks, quotes or backslashes; give several as "
                    'scope("read", "write")'
                )
        return Leaf(self, ask_for.Scope(names))

    def role(self, name: str) -> Leaf[TokenEvidence]:
        """YES if the claim of roles lists `name`; UNKNOWN if the token has no such claim."""
        return Leaf(self, ask_for.Role(_text("role", name), self._rules.roles))

    def group(self, name: str) -> Leaf[TokenEvidence]:
        """YES if the claim of groups lists `name`; UNKNOWN if the token has no such claim."""
        return Leaf(self, ask_for.Group(_text("group", name), self._rules.groups))

    def claim(self, name: str, *values: str | int | bool) -> Leaf[TokenEvidence]:
        """YES if the claim `name` is one of `values` or a list that holds one.

        UNKNOWN if it is missing, null, or an object, or a list with an object or list in it and no match. Types
        count: `1`, `True` and `"1"` are three different values.
        """
        _text("claim", name)
        if not values:
            raise ConfigError(
                f"claim({name!r}) needs what it is to be; for a claim that says anything, has_claim({name!r})"
            )
        for value in values:
            if type(value) not in (str, int, bool):  # a member of an enumeration never equals what JSON holds
                raise ConfigError(
                    f"claim({name!r}, {value!r}): compare with text, a whole number, True or False; of a member of an "
                    "enumeration, write its .value"
                )
        return Leaf(self, ask_for.Claim(name, values))

    def has_claim(self, name: str) -> Leaf[TokenEvidence]:
        """YES if the claim `name` is there, whatever it says (`false` and null, too); NO if it is missing."""
        return Leaf(self, ask_for.HasClaim(_text("has_claim", name)))

    def issuer(self, url: str) -> Leaf[TokenEvidence]:
        """YES if the token is from the issuer `url`, one of those given."""
        if not isinstance(url, str) or url not in self._by_url:
            raise ConfigError(f"issuer({url!r}) can never hold; {self.name} believes {', '.join(self._by_url)}")
        return Leaf(self, ask_for.IssuedBy(url))

    def subject(self, sub: str, issuer: str | None = None) -> Leaf[TokenEvidence]:
        """YES if the token is about `sub` of the issuer with the url `issuer`, which several issuers make necessary."""
        several = len(self.issuers) > 1
        if issuer is None and several:
            raise ConfigError(f"subject({sub!r}): each issuer may have one; write subject({sub!r}, issuer=url)")
        url = next(iter(self._by_url)) if issuer is None else issuer
        if url not in self._by_url:
            raise ConfigError(f"subject(..., {url!r}) can never hold; {self.name} believes {', '.join(self._by_url)}")
        return Leaf(self, ask_for.About(_text("subject", sub), url, several))

    def acr(self, *values: str) -> Leaf[TokenEvidence]:
        """YES if `acr` is one of `values`, best first: a challenge names them in this order (RFC 9470)."""
        for value in _texts("acr", values):
            if not _SCOPE.fullmatch(value):
                raise ConfigError(f"acr({value!r}): one value has no blanks, quotes or backslashes")
        return Leaf(self, ask_for.Acr(_texts("acr", values)))

    def amr(self, *values: str) -> Leaf[TokenEvidence]:
        """YES if `amr` lists all of `values` (RFC 8176); UNKNOWN if the token has no `amr`."""
        return Leaf(self, ask_for.Amr(_texts("amr", values)))

    def fresh(self, within: timedelta) -> Leaf[TokenEvidence]:
        """YES if the user signed in less than `within` ago by `auth_time` (RFC 9470 section 3, `max_age`)."""
        return Leaf(self, ask_for.Fresh(span_in_seconds(within, "within", least=1)))

    def that(self, predicate: Callable[[TokenEvidence], bool], text: str) -> Leaf[TokenEvidence]:
        """YES or NO as `predicate` says, shown as `text`. What it raises, or anything but a bool, is UNKNOWN."""
        if not callable(predicate):
            raise ConfigError(f"that() takes a function of the evidence, not {predicate!r}")
        if iscoroutinefunction(predicate):
            raise ConfigError("that() takes a plain function: what has to wait is a verifier of its own")
        return Leaf(self, ask_for.That(predicate, _text("that", text)))

    # --- Remedies ----------------------------------------------------------------------------------------------------

    def blank(self, now: float) -> TokenEvidence:
        """A token of which nothing is known but that it is good."""
        return TokenEvidence(self.issuers[0].url, "", now, math.inf)

    def action(self, finding: Absent | Rejected | Unavailable) -> Action | None:
        """A missing or bad token calls for signing in, a bound one for its proof, an outage for patience."""
        if isinstance(finding, Unavailable):
            return Action.RETRY
        return Action.PROVE_KEY if finding.reason.kind is PROOF_REQUIRED else Action.SIGN_IN

    def describe(self, step: Step) -> str:
        """`sign in again (max_age=300)`, `get a token with scope="pay"`, ..."""
        if step.action is not Action.SIGN_IN:
            return super().describe(step)
        asked = [demand.leaf.question for demand in step.demands if demand.wanted]
        parameters = [text for question in asked if (text := ask_for.parameter(question))]
        only_scopes = step.again and all(isinstance(question, ask_for.Scope) for question in asked)
        what = f"get {self.name} with more scope" if only_scopes else "sign in again" if step.again else "sign in"
        return f"{what} ({', '.join(parameters)})" if parameters else what
