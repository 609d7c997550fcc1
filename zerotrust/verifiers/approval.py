"""Approval of one exact operation: a WebAuthn assertion whose challenge is the digest of what is done.

On the wire (all base64url without padding, RFC 4648 section 5; JSON as in RFC 8259):

1. A request that lacks its approval is refused. One of `step_up.ways` in the problem body then has the step

       {"method": "approval",
        "approval": "<opaque, base64url>",
        "operation": {"method": "POST", "host": "api.example.com", "path": "/payments",
                      "fields": {"amount": 100, "to": "..."}, "query": {}},
        "document": "<text>",
        "publicKey": {<PublicKeyCredentialRequestOptionsJSON, WebAuthn Level 3 section 5.1.9>}}

   `document` is the text that is signed for: canonical JSON (RFC 8785) of {"account": {"source", "subject"},
   "approval": <the same>, "operation": <the same>, "type": "zerotrust-approval-v1"}. `publicKey.challenge` is the
   SHA-256 of its UTF-8 octets. A client shows `JSON.parse(document).operation` to the person, and signs only if the
   SHA-256 of `document` is the challenge: so what is seen is what is signed, and it needs no canonical JSON of its own.

2. The client has it signed, `navigator.credentials.get({publicKey})`, and sends the very same request again (method,
   URL, body) with one header more:

       Zerotrust-Approval: <approval>.<base64url of the UTF-8 JSON of AuthenticationResponseJSON, credential.toJSON()>

   It is at most 8192 characters long, comes once, and counts once. There is no other request in between.

3. An approval that is not good any more (expired, used, of another operation) is refused, and that step then is
   {"method": "approval"} alone: the same request without the header is told anew what is to be approved.

The operation is recomputed from the request as it came. Nothing that the client says of it counts.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from hmac import compare_digest
from typing import Any, ClassVar, Final

import attrs

from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Gather, Lookup, Put, ReadBody, ask
from zerotrust.core.errors import ConfigError
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Unspent
from zerotrust.core.moments import minutes, span_in_seconds
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import (
    LINK_MISSING,
    MALFORMED,
    NOT_ENROLLED,
    NOT_PRESENTED,
    TOO_LARGE,
    UNCLEAR_OPERATION,
    WRONG_CREDENTIAL,
    WRONG_OPERATION,
    Reason,
)
from zerotrust.core.remedy import Action, Step
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Verifier
from zerotrust.factors.account import Account
from zerotrust.factors.assertion import MAX_ASSERTION
from zerotrust.factors.challenges import SKEW, Challenges
from zerotrust.factors.passkey_use import Asserted
from zerotrust.factors.response import octets, read_outer
from zerotrust.verifiers.approval_evidence import ApprovalEvidence
from zerotrust.verifiers.approval_operation import Named, Operation, Signed, named, what_is_signed
from zerotrust.verifiers.approval_questions import Given
from zerotrust.verifiers.approval_record import ApprovalRecord
from zerotrust.verifiers.approval_wanted import ApprovalWanted
from zerotrust.verifiers.passkey import Passkey
from zerotrust.verifiers.passkey_copies import COPIED
from zerotrust.wire.encoding import b64url_decode, b64url_encode
from zerotrust.wire.json import JsonValue

__all__ = ["HEADER", "MAX_HEADER", "Approval", "ApprovalWanted"]

HEADER: Final = "zerotrust-approval"
"""The header field that carries an approval, in lower case."""

MAX_HEADER: Final = 8 * 1024
"""Characters of it: an assertion by the longest RSA key, with the longest credential id, still fits."""

_DIGEST: Final = 32
_LIFETIME: Final = minutes(5)
_MOST_BODY: Final = 1024 * 1024

_TOO_LONG: Final = TOO_LARGE(expected=f"at most {MAX_HEADER} characters", detail=HEADER)
_NO_APPROVAL: Final = MALFORMED(
    expected="an approval and an assertion in base64url, with a period between", detail=HEADER
)
_NOT_APPROVED: Final = NOT_PRESENTED(detail="nobody approved this operation")
_NO_PASSKEY: Final = NOT_ENROLLED(detail="no passkey to approve with")
_ANOTHER: Final = WRONG_OPERATION(expected="the operation that was approved", presented="another one")


@dataclass(frozen=True, slots=True)
class _Presented:
    """What the header holds, read and not yet believed."""

    approval: str
    digest: bytes
    challenge: bytes
    response: bytes


@attrs.frozen(eq=False, init=False, repr=False)
class Approval(Verifier[ApprovalEvidence]):
    """The approval of exactly what a request does, by the subject of its session, signed with a passkey.

    Who lacks it is refused and told what is to be approved; the same request counts once when it comes again with the
    signature. What is approved is the method, the host, the path, and the parts of the request that are named here.
    Members of the body and parameters of the query that are not named are refused: nobody would have approved them.

    The body has to be JSON, and is read last, of callers only whose session is good. So this works behind a door that
    can read bodies, and there a store is needed.

    Args:
        passkey: what signs; its session says who.
        fields: members of the JSON object in the body. Empty where there is no body.
        query: parameters of the query.
        optional: those of `fields` and `query` that a request may lack.
        unapproved: members and parameters that a request may have besides, and that are not approved.
        within: how long a person may take, from 10 seconds to an hour.
        user_verified: whether the authenticator has to verify its user (`UV`), whatever the relying party asks.
        device_bound: whether only keys may sign that cannot leave their device.
        hardware_bound: whether only keys may sign that are attested to be kept in hardware.
        limit: the most bytes of body, at most a mebibyte.
        name: what it is called in explanations.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    cost: ClassVar[int] = 1000  # a body is asked for when nothing else is left
    reads_body: ClassVar[bool] = True

    of: Verifier[Any] | None
    passkey: Passkey
    named: Named
    user_verified: bool
    device_bound: bool
    hardware_bound: bool
    limit: int
    name: str
    _challenges: Challenges

    def __init__(
        self,
        passkey: Passkey,
        *,
        fields: Collection[str] = (),
        query: Collection[str] = (),
        optional: Collection[str] = (),
        unapproved: Collection[str] = (),
        within: timedelta = _LIFETIME,
        user_verified: bool = True,
        device_bound: bool = False,
        hardware_bound: bool = False,
        limit: int = 64 * 1024,
        name: str = "approval",
    ) -> None:
        if not isinstance(passkey, Passkey):
            raise ConfigError(f"Approval takes the passkey that signs first: Approval(passkey, ...), not {passkey!r}")
        for flag, given in (
            ("user_verified", user_verified),
            ("device_bound", device_bound),
            ("hardware_bound", hardware_bound),
        ):
            if not isinstance(given, bool):
                raise ConfigError(f"{flag}={given!r}: write True or False")
        span_in_seconds(within, "within", least=10, most=3600)
        if type(limit) is not int or not 0 < limit <= _MOST_BODY:
            raise ConfigError(f"limit={limit!r}: write a number of bytes up to {_MOST_BODY}")
        if not (isinstance(name, str) and name.isidentifier()):
            raise ConfigError(f"name={name!r} stands before leaves in explanations; write an identifier: approval")
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            of=passkey.of,
            passkey=passkey,
            named=named(fields, query, optional, unapproved),
            user_verified=user_verified,
            device_bound=device_bound,
            hardware_bound=hardware_bound,
            limit=limit,
            name=name,
            challenges=passkey.challenges(within),
        )

    @property
    def given(self) -> Leaf[ApprovalEvidence]:
        """YES if the subject approved this very operation a short time ago, and it was not carried out since."""
        return Leaf(self, Given())

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """The body, and a store."""
        return (ReadBody, Lookup, Put, Advance, ConsumeOnce)

    # --- Finding -----------------------------------------------------------------------------------------------------

    def find(self, request: AccessRequest) -> Finding[ApprovalEvidence]:
        """Nothing: nobody can approve who is not known."""
        return Absent(LINK_MISSING(expected="a session"))

    def find_about(self, request: AccessRequest, about: Evidence) -> Gather[Finding[ApprovalEvidence]]:
        """The approval by the subject of `about` that came with `request`, good once."""
        account, now = Account(about.source, about.subject), request.now
        shown = _presented(request.field(HEADER))
        if isinstance(shown, Reason):
            return Rejected(shown)
        mark: ConsumeOnce | None = None
        if shown is not None:  # what is cheap comes before the body
            checked = self._challenges.check(shown.challenge, "approval", shown.digest, account, now)
            if isinstance(checked, Reason):
                return Rejected(checked)
            mark = checked
        body = yield from ask(ReadBody(self.limit))
        if isinstance(body, Reason):
            return Rejected(UNCLEAR_OPERATION(expected=body.expected, detail=f"{body.kind.sentence}: {body.detail}"))
        operation = self.named.operation(request, body, self.limit)
        if isinstance(operation, Reason):
            return Rejected(operation)
        if shown is None or mark is None:
            return (yield from self._wanting(account, operation, now))
        if not compare_digest(shown.digest, operation.digest):
            return Rejected(_ANOTHER)
        signed = what_is_signed(account, shown.approval, operation)
        if isinstance(signed, Reason):
            return Rejected(signed)
        came = yield from self.passkey.asserting(
            account, shown.response, signed.challenge, now,
            later=mark, made_at=self._challenges.made_at(mark), user_verified=self.user_verified,
        )  # fmt: skip
        if isinstance(came, Reason):
            return Rejected(came)
        refused = self._refusal(came)
        if refused is not None:
            return Rejected(refused)
        record = self._record(came, shown.response, signed, now)
        if isinstance(record, Reason):
            return Rejected(record)
        evidence = ApprovalEvidence(
            about.source, about.subject, now, mark.until - SKEW,
            operation, came.proof.by, now, came.proof.user_verified, record,
        )  # fmt: skip
        return Unspent(evidence, mark)

    def _wanting(self, account: Account, operation: Operation, now: float) -> Gather[Finding[ApprovalEvidence]]:
        """What is to be approved, and how."""
        if not (yield from self.passkey.listing(account, now)):
            return Absent(_NO_PASSKEY)
        digest = operation.digest
        approval = b64url_encode(digest + self._challenges.make("approval", digest, account, now))
        signed = what_is_signed(account, approval, operation)
        if isinstance(signed, Reason):
            return Rejected(signed)
        options = yield from self.passkey.requesting(account, signed.challenge, now)
        options["timeout"] = round(self._challenges.lifetime * 1000)
        if self.user_verified:
            options["userVerification"] = "required"
        step: dict[str, JsonValue] = {
            "method": "approval",
            "approval": approval,
            "operation": operation.to_dict(),
            "document": signed.document,
            "publicKey": options,
        }
        return ApprovalWanted(_NOT_APPROVED, step)

    def _refusal(self, came: Asserted) -> Reason | None:
        """Why this key may not approve."""
        if came.cloned:
            return COPIED
        if self.device_bound and not came.proof.device_bound:
            return WRONG_CREDENTIAL(expected="a key that cannot leave its device")
        if self.hardware_bound and not came.proof.hardware_bound:
            return WRONG_CREDENTIAL(expected="a key that is attested to be kept in hardware")
        return None

    def _record(self, came: Asserted, response: bytes, signed: Signed, now: float) -> ApprovalRecord | Reason:
        outer = read_outer(response, MAX_ASSERTION)  # it was read before, so that there is no reason any more
        if isinstance(outer, Reason):
            return outer
        members = [octets(outer[1], name) for name in ("authenticatorData", "clientDataJSON", "signature")]
        said = [one for one in members if isinstance(one, bytes)]
        if len(said) < len(members):
            return _NO_APPROVAL
        credential = came.credential
        return ApprovalRecord(signed.document, now, self.passkey.rp.id, credential.id, credential.public_key, *said)

    # --- Remedies ----------------------------------------------------------------------------------------------------

    def blank(self, now: float) -> ApprovalEvidence:
        """An approval about which nothing is known."""
        return ApprovalEvidence("", "", now, float("inf"))

    def action(self, finding: Absent | Rejected | Unavailable) -> Action | None:
        """To approve; to enrol a passkey first; nothing where a request does not say clearly what it does."""
        if isinstance(finding, Unavailable):
            return Action.RETRY
        if finding.reason.kind is NOT_ENROLLED and isinstance(finding, Absent):
            return Action.ENROL
        return None if finding.reason.kind is UNCLEAR_OPERATION else Action.PRESENT_FACTOR

    def describe(self, step: Step) -> str:
        """`approve this operation with your passkey`."""
        if step.action is not Action.PRESENT_FACTOR:
            return super().describe(step)
        return f"approve this operation with your {self.passkey.name.replace('_', ' ')}"


def _presented(sent: bytes | Reason | None) -> _Presented | Reason | None:
    """What the header holds; None if it was not sent."""
    if sent is None or isinstance(sent, Reason):
        return sent
    if len(sent) > MAX_HEADER:
        return _TOO_LONG
    approval, _, response = sent.partition(b".")
    named_, assertion = b64url_decode(approval), b64url_decode(response)
    if isinstance(named_, Reason) or isinstance(assertion, Reason) or len(named_) <= _DIGEST or not assertion:
        return _NO_APPROVAL
    return _Presented(approval.decode("ascii"), named_[:_DIGEST], named_[_DIGEST:], assertion)
