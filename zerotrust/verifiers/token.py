"""What a policy can ask of a token, whatever kind it is, and what a caller can do about the answer."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from inspect import iscoroutinefunction
from typing import Final, cast, overload

from zerotrust.core.errors import ConfigError
from zerotrust.core.facts import Attribute
from zerotrust.core.finding import Absent, Rejected, Unavailable
from zerotrust.core.moments import span_in_seconds
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import BAD_PROOF, KEY_MISMATCH, NONCE_REQUIRED, PROOF_REQUIRED
from zerotrust.core.remedy import Action, Step
from zerotrust.core.verifier import Parameter, Question, Verifier
from zerotrust.verifiers import delegation_questions as acts
from zerotrust.verifiers import token_operands as operands
from zerotrust.verifiers import token_questions as ask_for
from zerotrust.verifiers.carrier import AUTHORIZATION, Carrier
from zerotrust.verifiers.claim_questions import Claim, HasClaim
from zerotrust.verifiers.dpop import DPoP
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.operand import Said
from zerotrust.verifiers.origin import silent_of
from zerotrust.verifiers.permissions import Lookup, Permissions, Table, permissions_of
from zerotrust.verifiers.step_up_questions import at_least, auth_context
from zerotrust.verifiers.token_asked import token_parameters
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.verifiers.token_exhibit import exhibit_token, read_token
from zerotrust.verifiers.token_promises import promised

# RFC 6749 section 3.3 and RFC 9110 section 5.6.4: what can be quoted in a challenge as it is.
_SCOPE: Final = re.compile(r"[!#-\[\]-~]+")
_REALM: Final = re.compile(r"[ !#-\[\]-~]*")
# Claims that name somebody in their issuer's own naming, and how they are asked about where there are several issuers.
_NAMING: Final = {"sub": "subject(sub, issuer=url), or subject.of(url)", "client_id": "client_id.of(url)"}

# What a proof of the key would cure, if the client made a good one.
_OF_PROOFS: Final = frozenset({PROOF_REQUIRED, BAD_PROOF, NONCE_REQUIRED, KEY_MISMATCH})


def texts(what: str, values: object) -> tuple[str, ...]:
    """`values` if they are one or more names; else `ConfigError`."""
    listed = (values,) if isinstance(values, str) else values
    given = tuple(cast("Iterable[object]", listed)) if isinstance(listed, Iterable) else ()
    if len(given) == 1 and isinstance(given[0], list | tuple | set | frozenset):
        raise ConfigError(f"{what} takes its names one by one, not {given[0]!r}; unpack them, as in {what}(*names)")
    if not given or not all(isinstance(value, str) and value for value in given):
        raise ConfigError(f"{what} takes one or more names, not {values!r}")
    return cast("tuple[str, ...]", given)


def text_of(what: str, value: object) -> str:
    """`value` if it is one name; else `ConfigError`."""
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{what} takes exactly one name, not {value!r}; for several, join leaves with & or |")
    return value


def check_name(name: object) -> str:
    """`name` if it can stand before leaves; else `ConfigError`."""
    if not (isinstance(name, str) and name.isidentifier()):
        raise ConfigError(f"name={name!r} stands before leaves in explanations; write an identifier such as token")
    return name


_NO_LISTS: Final = frozenset({"scope", "acr", "auth_time", "act", "may_act"})


def check_list(what: str, claim: object, member: str = "claim") -> str:
    """`claim` if it may name what lists roles or groups; else `ConfigError`."""
    if not (isinstance(claim, str) and claim):
        raise ConfigError(f"{what} takes the name of a {member}, not {claim!r}")
    if claim in _NO_LISTS:
        raise ConfigError(f"{what}={claim!r}: the {member} {claim} is no list of texts; name the one that lists them")
    return claim


def check_realm(realm: object) -> str | None:
    """`realm` if it can be sent in a challenge; else `ConfigError`."""
    if realm is not None and not (isinstance(realm, str) and _REALM.fullmatch(realm)):
        raise ConfigError(f"realm={realm!r}: write printable ASCII without quotes and backslashes")
    return realm


class TokenVerifier(Verifier[TokenEvidence]):
    """Checks tokens, and gives the leaves that ask about them. What kind of token is its subclasses' business.

    Attributes:
        issuers: whose tokens are believed.
        name: what the token is called in explanations.
        realm: shown in challenges (RFC 6750 section 3).
        roles: the claim that lists roles.
        groups: the claim that lists groups.
    """

    issuers: tuple[Issuer, ...]  # at least one
    name: str
    realm: str | None
    roles: str
    groups: str

    @property
    def carrier(self) -> Carrier:
        """Where its tokens are in a request. Only what is asked of in `Authorization` can be challenged there."""
        return AUTHORIZATION

    @property
    def dpop(self) -> DPoP | None:
        """How DPoP proofs are checked; None if none are accepted."""
        return None

    def issuer_of(self, source: str) -> Issuer | None:
        """Which of the issuers made a token whose evidence has this `source`; None if it is none of them."""
        return next((one for one in self.issuers if one.is_source(source)), None)

    # --- Leaves ------------------------------------------------------------------------------------------------------

    @property
    def valid(self) -> Leaf[TokenEvidence]:
        """YES with any good token."""
        return Leaf(self, ask_for.Valid())

    def scope(self, *names: str) -> Leaf[TokenEvidence]:
        """YES if all of `names` are granted (RFC 6749 section 3.3); UNKNOWN if the token has no `scope`."""
        for scope in texts("scope", names):
            if not _SCOPE.fullmatch(scope):
                raise ConfigError(
                    f"scope({scope!r}): one scope has no blanks, quotes or backslashes; give several as "
                    'scope("read", "write")'
                )
        return Leaf(self, ask_for.Scope(names))

    def role(self, name: str) -> Leaf[TokenEvidence]:
        """YES if the claim of roles lists `name`; UNKNOWN if the token has no such claim."""
        return Leaf(self, ask_for.Role(text_of("role", name), str(self.roles)))

    def group(self, name: str) -> Leaf[TokenEvidence]:
        """YES if the claim of groups lists `name`; UNKNOWN if the token has no such claim."""
        return Leaf(self, ask_for.Group(text_of("group", name), str(self.groups)))

    @overload
    def claim(self, name: str) -> Said: ...

    @overload
    def claim(self, name: str, value: str | int | bool, /, *values: str | int | bool) -> Leaf[TokenEvidence]: ...

    def claim(self, name: str, *values: str | int | bool) -> Leaf[TokenEvidence] | Said:
        """YES if the claim `name` is one of `values` or a list that holds one.

        UNKNOWN if it is missing, null, or an object, or a list with an object or list in it and no match. Types
        count: `1`, `True` and `"1"` are three different values. Without values it is no policy, but something to
        compare with a field of a resource: `invoice.tenant.is_in(token.claim("tenants"))`.
        """
        text_of("claim", name)
        if self._several and (name == "sub" or not values) and (instead := _NAMING.get(name)) is not None:
            raise ConfigError(
                f"claim({name!r}): it means something in the naming of its issuer alone, and there are several; write "
                f"{self.name}.{instead}"
            )
        if not values:
            return operands.claim(self, name, self._lists.get(name, ""))
        for value in values:
            if type(value) not in (str, int, bool):  # a member of an enumeration never equals what JSON holds
                raise ConfigError(
                    f"claim({name!r}, {value!r}): compare with text, a whole number, True or False; of a member of an "
                    "enumeration, write its .value"
                )
        return Leaf(self, Claim(name, values, self._lists.get(name, "")))

    def has_claim(self, name: str) -> Leaf[TokenEvidence]:
        """YES if the claim `name` is there, whatever it says (`false` and null, too); NO if it is missing."""
        return Leaf(self, HasClaim(text_of("has_claim", name), self._lists.get(name, "")))

    def issuer(self, url: str) -> Leaf[TokenEvidence]:
        """YES if the token is from the issuer `url`, one of those given; of tenants, the one that is the source."""
        return Leaf(self, ask_for.IssuedBy(self._believed(url, f"issuer({url!r})")))

    @property
    def subject(self) -> operands.Subject:
        """The subject: `token.subject("ada")` asks whether it is Ada, `invoice.owner == token.subject` compares it.

        A `sub` means something in its issuer's naming alone. With several issuers say whose it is:
        `subject("ada", issuer=url)`, `subject.of(url)`.
        """
        return operands.Subject(self, self._several, self._believed, self._is_about)

    @property
    def client_id(self) -> operands.SaidBy:
        """The client that the token was issued to, to compare with a field of a resource; else as `subject`."""
        return operands.SaidBy(self, operands.ClientOf, "client_id", self._several, self._believed)

    def _is_about(self, sub: str, issuer: str | None = None) -> Leaf[TokenEvidence]:
        several = self._several
        if issuer is None and several:
            raise ConfigError(f"subject({sub!r}): each issuer may have one; write subject({sub!r}, issuer=url)")
        url = self.issuers[0].url if issuer is None else self._believed(issuer, f"subject(..., {issuer!r})")
        return Leaf(self, ask_for.About(text_of("subject", sub), url, several))

    @property
    def _lists(self) -> dict[str, str]:
        """By claim, the field that is drawn from it."""
        return {self.groups: "groups", self.roles: "roles"}

    @property
    def _several(self) -> bool:
        """Whether a `sub` alone may mean more than one."""
        first, *more = self.issuers
        return bool(more) or first.profile.sources is not None

    def _believed(self, url: object, said: str) -> str:
        for issuer in self.issuers:
            if issuer.is_source(url):
                return str(url)
        believed = ", ".join(one.sources for one in self.issuers)
        raise ConfigError(f"{said} can never hold; {self.name} believes {believed}")

    def acr(self, *values: str) -> Leaf[TokenEvidence]:
        """YES if `acr` is one of `values`, best first: a challenge names them in this order (RFC 9470)."""
        for value in texts("acr", values):
            if not _SCOPE.fullmatch(value):
                raise ConfigError(f"acr({value!r}): one value has no blanks, quotes or backslashes")
        return Leaf(self, ask_for.Acr(texts("acr", values), silent_of(self.issuers, "acr")))

    def acr_at_least(self, value: str) -> Leaf[TokenEvidence]:
        """YES if `acr` is `value` or stands above it in the ladder of the token's issuer (`Profile.ladder`).

        UNKNOWN if the token has no `acr` or one that stands in no ladder: what cannot be compared is neither above nor
        below. Names are never compared as text. A challenge asks for `value` first, then for what is above it.

        Raises:
            ConfigError: `value` stands in the ladder of no issuer, with what stands there.
        """
        return Leaf(self, at_least(text_of("acr_at_least", value), self.name, self.issuers))

    def auth_context(self, name: str) -> Leaf[TokenEvidence]:
        """YES if `acrs` lists `name`, `c1` to `c99`: an authentication context of Microsoft Entra ID.

        UNKNOWN if the token has no `acrs`, or its issuer does not speak of them. Clients that understand claims
        challenges (`xms_cc` lists `cp1`) get one.

        Raises:
            ConfigError: `name` is no such context, or no issuer speaks of them (`Profile.dialect`).
        """
        return Leaf(self, auth_context(text_of("auth_context", name), self.name, self.issuers))

    def amr(self, *values: str) -> Leaf[TokenEvidence]:
        """YES if `amr` lists all of `values` (RFC 8176); UNKNOWN if the token has no `amr`."""
        return Leaf(self, ask_for.Amr(texts("amr", values), silent_of(self.issuers, "amr")))

    def fresh(self, within: timedelta) -> Leaf[TokenEvidence]:
        """YES if the user signed in less than `within` ago by `auth_time` (RFC 9470 section 3, `max_age`).

        UNKNOWN if the token has no `auth_time`; then its client is told to sign in again, unless the issuer writes that
        claim only where somebody configured it (`Profile.silent`).
        """
        span = span_in_seconds(within, "within", least=1)
        return Leaf(self, ask_for.Fresh(span, silent_of(self.issuers, "auth_time")))

    # Who acts for whom (RFC 8693 section 4.1). Earlier actors are history: nobody is let in for one of them.

    @property
    def acting(self) -> Leaf[TokenEvidence]:
        """YES if somebody acts on the subject's behalf, as `act` says; NO without `act`."""
        return Leaf(self, acts.Acting())

    @property
    def direct(self) -> Leaf[TokenEvidence]:
        """YES if nobody acts on the subject's behalf: there is no `act`."""
        return Leaf(self, acts.Direct())

    def actor(self, sub: str, issuer: str | None = None, *, vouched_by: str | None = None) -> Leaf[TokenEvidence]:
        """YES if the current actor is `sub`: who uses the token now. Who acted before does not count.

        Args:
            sub: the actor's `sub`.
            issuer: in whose naming; needed where there are several issuers, or where it is none of them.
            vouched_by: whose tokens are believed when they say so. Unless given, an issuer speaks for its own only.
        """
        return Leaf(self, acts.ActedBy(self._party("actor", sub, issuer, vouched_by)))

    def not_through(self, sub: str, issuer: str | None = None) -> Leaf[TokenEvidence]:
        """YES if `sub` neither acts nor acted before: what keeps out all that went through one party.

        Args:
            sub: the actor's `sub`.
            issuer: in whose naming; None for any, which keeps out more.
        """
        named = None if issuer is None else text_of("not_through(issuer=...)", issuer)
        return Leaf(self, acts.NotThrough(text_of("not_through", sub), named))

    def depth(self, *, at_most: int) -> Leaf[TokenEvidence]:
        """YES if there are at most `at_most` actors, all that acted before included; 1 is one hop from the subject."""
        if type(at_most) is not int or at_most < 0:
            raise ConfigError(f"depth(at_most={at_most!r}): write a number of actors, 0 or more")
        return Leaf(self, acts.Depth(at_most))

    def may_act(self, sub: str, issuer: str | None = None, *, vouched_by: str | None = None) -> Leaf[TokenEvidence]:
        """YES if `may_act` lets `sub` become an actor (RFC 8693 section 4.4); UNKNOWN without it. As for `actor`."""
        return Leaf(self, acts.MayAct(self._party("may_act", sub, issuer, vouched_by)))

    def permitted(self, *names: str, by: Table | Lookup) -> Leaf[TokenEvidence]:
        """YES if the subject and every actor, current and earlier, each hold all of `names`: the least of what all may.

        NO if one is known to lack one; else UNKNOWN if somebody is not known. So another actor never adds anything.

        Args:
            names: permissions, in the application's own words. What the token itself is for is another leaf: `scope`.
            by: who holds what: a mapping of `sub` (with several issuers, of `(issuer, sub)`) to permissions, which is
                taken as it is now; or a function of issuer and `sub`, asked at most once each in a decision, that
                returns them, or None for somebody not known. What it raises is UNKNOWN.
        """
        held = permissions_of(by, None if self._several else self.issuers[0].url)
        wanted = texts("permitted", names)
        return Leaf(
            self, acts.Permitted(wanted, held) if isinstance(held, Permissions) else acts.PermittedBy(wanted, held)
        )

    def _party(self, leaf: str, sub: str, issuer: str | None, vouched_by: str | None) -> acts.Named:
        said = f'"{text_of(leaf, sub)}"'
        said += "" if issuer is None else f', "{text_of(f"{leaf}(issuer=...)", issuer)}"'
        if vouched_by is not None:
            said += f', vouched_by="{vouched_by}"'
            voucher = self._believed(vouched_by, f"{leaf}({said})")
        elif not self._several:
            voucher = self.issuers[0].url
        elif issuer is None:
            raise ConfigError(f"{leaf}({said}): each issuer may have one; write {leaf}({said}, issuer=url)")
        else:
            voucher = self._believed(issuer, f"{leaf}({said}) without vouched_by=")
        return acts.Named(sub, voucher if issuer is None else issuer, voucher, said)

    def that(self, predicate: Callable[[TokenEvidence], bool], text: str) -> Leaf[TokenEvidence]:
        """YES or NO as `predicate` says, shown as `text`. What it raises, or anything but a bool, is UNKNOWN."""
        if not callable(predicate):
            raise ConfigError(f"that() takes a function of the evidence, not {predicate!r}")
        if iscoroutinefunction(predicate):
            raise ConfigError("that() takes a plain function: what has to wait is a verifier of its own")
        return Leaf(self, ask_for.That(predicate, text_of("that", text)))

    # --- Remedies ----------------------------------------------------------------------------------------------------

    def blank(self, now: float) -> TokenEvidence:
        """A token of which nothing is known but that it is good."""
        return TokenEvidence(next(iter(self.issuers)).url, "", now, math.inf)

    def promised(
        self, evidence: TokenEvidence, demands: Iterable[tuple[Question[TokenEvidence], bool]], now: float
    ) -> TokenEvidence:
        """What the token says once all `demands` are met; in claims and in the fields drawn from them alike."""
        return promised(evidence, demands, now, self._lists)

    def read(self, evidence: TokenEvidence, attribute: Attribute) -> object:
        """What the token says of `attribute`; a claim that is there and null is an empty object."""
        return read_token(evidence, attribute.name, self._lists)

    def exhibit(self, values: Mapping[str, object], now: float) -> TokenEvidence:
        """A token that says `values`, in its claims and in what is drawn from them."""
        return exhibit_token(self.blank(now), values, self.name, self.roles, self.groups)

    def action(self, finding: Absent | Rejected | Unavailable) -> Action | None:
        """A missing or bad token calls for signing in, a bound one for its proof, an outage for patience."""
        if isinstance(finding, Unavailable):
            return Action.RETRY
        return Action.PROVE_KEY if finding.reason.kind in _OF_PROOFS else Action.SIGN_IN

    def describe(self, step: Step) -> str:
        """`sign in again (max_age=300)`, `get a token with scope="pay"`, ..."""
        if step.action is not Action.SIGN_IN:
            return super().describe(step)
        asked = [demand.leaf.question for demand in step.demands if demand.wanted]
        parameters = [text for question in asked if (text := ask_for.parameter(question))]
        only_scopes = step.again and all(isinstance(question, ask_for.Scope) for question in asked)
        what = f"get {self.name} with more scope" if only_scopes else "sign in again" if step.again else "sign in"
        return f"{what} ({', '.join(parameters)})" if parameters else what

    def phrase(self, step: Step) -> str:
        """`sign in again`, or what a person says yes to where only scopes are missing."""
        if step.action is not Action.SIGN_IN:
            return super().phrase(step)
        only_scopes = step.again and all(isinstance(demand.leaf.question, ask_for.Scope) for demand in step.demands)
        return "give this application more access" if only_scopes else "sign in again" if step.again else "sign in"

    def parameters(
        self,
        asked: Sequence[Question[TokenEvidence]],
        evidence: TokenEvidence | None,
        holds: Callable[[Leaf[TokenEvidence]], bool],
    ) -> dict[str, Parameter]:
        """`scope`, `max_age`, `acr_values`, `acrs`, and for an administrator `roles` and `groups`."""
        source = None if evidence is None else evidence.source
        return token_parameters(asked, source, lambda acr: holds(ask_for.Acr((acr,)).leaf(self)))
