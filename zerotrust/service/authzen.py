"""AuthZEN Authorization API 1.0: what is asked, and how it is answered."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, cast
from urllib.parse import unquote

from zerotrust.core.evidence import Evidence
from zerotrust.core.reason import MALFORMED, TOO_LARGE, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.web.access import Access
from zerotrust.web.answer import Answer
from zerotrust.wire.json import JsonValue, parse_object

MAX_BODY: Final = 256 * 1024
"""Bytes of a question."""

MAX_EVALUATIONS: Final = 100
"""Evaluations in one question."""

EVALUATION: Final = "/access/v1/evaluation"
EVALUATIONS: Final = "/access/v1/evaluations"
CONFIGURATION: Final = "/.well-known/authzen-configuration"

Semantic: TypeAlias = Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"]

_SEMANTICS: Final[dict[str, Semantic]] = {
    "execute_all": "execute_all",
    "deny_on_first_deny": "deny_on_first_deny",
    "permit_on_first_permit": "permit_on_first_permit",
}
_PARTS: Final = ("subject", "action", "resource", "context")
_MAX_TEXT: Final = 1024
_MAX_HEADERS: Final = 100
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^`|~-]{1,128}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 section 2.1
_URL: Final = re.compile(r"(https?)://([A-Za-z0-9._\[\]:-]{1,300})(/[!-\"$->@-~]*)?(?:\?([!-\"$-~]*))?")
_METHOD: Final = re.compile(r"[A-Z]{1,40}")


@dataclass(frozen=True, slots=True)
class Entity:
    """A resource that AuthZEN asks about (section 5.2): `document = Resource(Entity)` in policies.

    What is in it is what the caller says.

    Attributes:
        type: the kind of resource.
        id: which one.
        properties: whatever else the caller says of it.
    """

    type: str
    id: str
    properties: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue], repr=False)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One question: may this subject do this with that?

    Attributes:
        subject: the id of the subject; a credential has to prove that it is this one.
        action: the name of the action.
        request: what policies are decided on: it has the credential of the subject, and the resource.
    """

    subject: str
    action: str
    request: AccessRequest


@dataclass(frozen=True, slots=True)
class Batch:
    """Several questions; those that cannot be read are reasons.

    Attributes:
        evaluations: in the order they were asked.
        semantic: whether all are decided, or until the first that is denied or permitted.
        single: whether the answer is that of one evaluation.
    """

    evaluations: tuple[Evaluation | Reason, ...]
    semantic: Semantic
    single: bool


def read(body: bytes, asked: AccessRequest, *, several: bool) -> Batch | Reason:
    """What a body asks.

    Args:
        body: as it was posted.
        asked: the request that it came with; its moment is that of what is asked about.
        several: whether it may hold `evaluations` (section 7); one without any, or with an empty list, asks once.

    Returns:
        The questions. Or `malformed` or `too_large`, if the whole body cannot be read (section 10.1.2: 400).
    """
    document = parse_object(body, limit=MAX_BODY)
    if isinstance(document, Reason):
        return document
    listed = document.get("evaluations") if several else None
    if listed is None or listed == []:
        one = _evaluation(document, asked, set())
        return one if isinstance(one, Reason) else Batch((one,), "execute_all", single=True)
    if not isinstance(listed, list):
        return _wrong("evaluations is no list")
    if len(listed) > MAX_EVALUATIONS:
        return TOO_LARGE(expected=f"at most {MAX_EVALUATIONS} evaluations", presented=len(listed), detail="the body")
    options = document.get("options", {})
    if not isinstance(options, dict):
        return _wrong("options is no object")
    named = options.get("evaluations_semantic", "execute_all")
    semantic = _SEMANTICS.get(named) if isinstance(named, str) else None
    if semantic is None:
        return _wrong("options.evaluations_semantic is none of execute_all, deny_on_first_deny, permit_on_first_permit")
    given: dict[str, JsonValue] = {part: document[part] for part in _PARTS if part in document}
    # The context above is one request of the subject, whatever is asked about it; each other context is a request of
    # its own, and what counts once does not count again there.
    shared: set[tuple[str, bytes]] = set()
    read_ones = tuple(
        _evaluation({**given, **one}, asked, set() if "context" in one else shared)
        if isinstance(one, dict)
        else _wrong("an evaluation is no object")
        for one in listed
    )
    return Batch(read_ones, semantic, single=False)


def _evaluation(
    document: Mapping[str, JsonValue], asked: AccessRequest, spent: set[tuple[str, bytes]]
) -> Evaluation | Reason:
    subject = _entity("subject", document.get("subject"))
    resource = _entity("resource", document.get("resource"))
    action = document.get("action", {})
    if isinstance(subject, Reason):
        return subject
    if isinstance(resource, Reason):
        return resource
    if not isinstance(action, dict) or not isinstance(action.get("properties", {}), dict):
        return _wrong("action, or its properties, is no object")
    name = action.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= _MAX_TEXT:
        return _wrong("action has no name")
    context = document.get("context", {})
    if not isinstance(context, dict):
        return _wrong("context is no object")
    request = _request(context, asked, resource, spent)
    return request if isinstance(request, Reason) else Evaluation(subject.id, name, request)


def _entity(what: str, value: JsonValue) -> Entity | Reason:
    if not isinstance(value, dict):
        return _wrong(f"{what} is no object")
    kind, name, properties = value.get("type"), value.get("id"), value.get("properties", {})
    if not isinstance(kind, str) or not isinstance(name, str) or not 0 < len(kind) <= _MAX_TEXT:
        return _wrong(f"{what} has no type and id")
    if not 0 < len(name) <= _MAX_TEXT:
        return _wrong(f"{what} has no id")
    return Entity(kind, name, properties) if isinstance(properties, dict) else _wrong(f"{what}.properties is no object")


def _request(
    context: Mapping[str, JsonValue], asked: AccessRequest, resource: Entity, spent: set[tuple[str, bytes]]
) -> AccessRequest | Reason:
    """The request that the subject made: told in `context.request`, or as little as a token in `context.token`."""
    told = context.get("request", {})
    if not isinstance(told, dict):
        return _wrong("context.request is no object")
    method, url, client = told.get("method", "GET"), told.get("url", "https://unknown.invalid/"), told.get("client")
    if not isinstance(method, str) or _METHOD.fullmatch(method) is None:
        return _wrong("context.request.method is no method")
    parts = _URL.fullmatch(url) if isinstance(url, str) and len(url) <= 8192 else None
    if parts is None:
        return _wrong("context.request.url is no absolute http or https URL")
    if client is not None and not (isinstance(client, str) and len(client) <= 45):
        return _wrong("context.request.client is no address")
    headers = _headers(told.get("headers", {}))
    if isinstance(headers, Reason):
        return headers
    if (token := context.get("token")) is not None:
        if not isinstance(token, str) or _TOKEN.fullmatch(token) is None:
            return _wrong("context.token is no token")
        headers.append((b"authorization", b"Bearer " + token.encode("ascii")))
    raw = parts[3] or "/"
    return AccessRequest(
        now=asked.now, method=method, scheme=parts[1], host=parts[2], path=unquote(raw), raw_path=raw,
        query=parts[4] or "", headers=headers, client=client, resource=resource, spent=spent,
    )  # fmt: skip


def _headers(value: JsonValue) -> list[tuple[bytes, bytes]] | Reason:
    """Header names to their one value, or to several in a list."""
    if not isinstance(value, dict):
        return _wrong("context.request.headers is no object")
    found: list[tuple[bytes, bytes]] = []
    for name, said in value.items():
        values = said if isinstance(said, list) else [said]
        if _HEADER.fullmatch(name) is None:
            return _wrong("a name in context.request.headers is none of a header")
        for one in values:
            if not (isinstance(one, str) and one.isascii() and one.isprintable()):
                return _wrong("a header in context.request.headers is no visible ASCII")
            found.append((name.lower().encode("ascii"), one.encode("ascii")))
    if len(found) > _MAX_HEADERS:
        return TOO_LARGE(expected=f"at most {_MAX_HEADERS} headers", presented=len(found), detail="context.request")
    return found


def _wrong(detail: str) -> Reason:
    return MALFORMED(expected="an AuthZEN request", detail=detail)


# --- How it is answered ----------------------------------------------------------------------------------------------
def is_about(access: Access, subject: str) -> bool:
    """Whether all that is proven of somebody is proven of `subject`. Evidence about the request alone says nothing."""
    proven: list[Evidence] = []
    for verifier, finding in access.decision.findings.items():
        if not verifier.contextual and (evidence := finding.proven) is not None:
            proven.append(evidence)
    return all(evidence.subject == subject for evidence in proven)


def permitted(access: Access, told: list[tuple[bytes, bytes]]) -> dict[str, object]:
    """The answer to a question that is permitted: with what the application may be told, and until when it holds."""
    context: dict[str, object] = {}
    if access.valid_until < float("inf"):
        context["valid_until"] = access.valid_until
    if told:
        context["identity"] = {name.decode("ascii"): value.decode("ascii") for name, value in told}
    return {"decision": True, "context": context} if context else {"decision": True}


def denied(code: str, sentence: str, status: int = 403) -> dict[str, object]:
    """The answer to a question that is denied before any policy looks at it."""
    return {"decision": False, "context": {"reason": code, "status": status, "reason_user": {"en": sentence}}}


def refused(answer: Answer) -> dict[str, object]:
    """The answer to a question that a policy denies: what a door would have told the subject."""
    problem = cast("dict[str, object]", json.loads(answer.body))
    context: dict[str, object] = {
        "reason": answer.code,
        "status": answer.status,
        "reason_user": {"en": problem.get("detail", "")},
    }
    if challenges := [value.decode("latin-1") for name, value in answer.headers if name == b"www-authenticate"]:
        context["www_authenticate"] = challenges
    if "explanation" in problem:  # only where the policy file says explain = True
        context["reason_admin"] = {"en": json.dumps(problem["explanation"])}
        context["remedies"] = problem.get("remedies", [])
    if "retry_after" in problem:
        context["retry_after"] = problem["retry_after"]
    return {"decision": False, "context": context}


def well_known(pdp: str) -> str:
    """The path of the metadata of `pdp` (section 9.2): the well-known one, and behind it the path that `pdp` has."""
    path = pdp.removeprefix("https://").partition("/")[2].rstrip("/")
    return f"{CONFIGURATION}/{path}" if path else CONFIGURATION


def configuration(pdp: str) -> dict[str, str]:
    """The metadata of this decision point (section 9.1). Its identifier stands there as it is: readers compare it."""
    base = pdp.rstrip("/")
    return {
        "policy_decision_point": pdp,
        "access_evaluation_endpoint": base + EVALUATION,
        "access_evaluations_endpoint": base + EVALUATIONS,
    }
