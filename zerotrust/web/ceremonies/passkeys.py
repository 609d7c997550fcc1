"""The routes of passkeys: enrol one, prove one, sign in with one."""

from __future__ import annotations

import json

from zerotrust.core.ask import Gather
from zerotrust.core.reason import MALFORMED, Reason
from zerotrust.factors.enrolled import Enrolled
from zerotrust.verifiers.factor import Sure
from zerotrust.verifiers.passkey import Passkey
from zerotrust.web.ceremonies.browser import named, naming
from zerotrust.web.ceremonies.enrolment import Made, Way, enrolling
from zerotrust.web.ceremonies.limits import limiting
from zerotrust.web.ceremonies.reading import label
from zerotrust.web.ceremonies.remembering import listed, proven
from zerotrust.web.ceremonies.requirements import permitted, seeing
from zerotrust.web.ceremonies.setup import Done, Known, Outcome, Refused, Visit


def options(visit: Visit, passkey: Passkey) -> Gather[Outcome]:
    """What the browser needs to use a passkey: one of whoever is there, or of whoever signs in."""
    known = yield from seeing(visit)
    if isinstance(known, Refused):
        return known
    account = None if known is None else known.account
    limited = yield from limiting(visit, account)
    if limited is not None:
        return limited
    bound = naming(visit, known)
    if isinstance(bound, Reason):
        return bound
    binding, headers = bound
    made = yield from passkey.challenging(account, binding, visit.now)
    return Done({"publicKey": made}, headers=headers)


def verify(visit: Visit, passkey: Passkey) -> Gather[Outcome]:
    """Judge what the authenticator has signed."""
    known = yield from seeing(visit)
    if isinstance(known, Refused):
        return known
    account = None if known is None else known.account
    limited = yield from limiting(visit, account)
    if limited is not None:
        return limited
    response, binding = _credential(visit), named(visit, known)
    if isinstance(response, Reason):
        return response
    if isinstance(binding, Reason):
        return binding
    proving = yield from passkey.proving(account, response, binding, visit.now)
    if isinstance(proving, Reason):
        return proving
    return (yield from proven(visit, passkey, proving, known))


def enrol_options(visit: Visit, passkey: Passkey) -> Gather[Outcome]:
    """What the browser needs to make a passkey."""
    known = yield from permitted(visit)
    if isinstance(known, Refused):
        return known
    limited = yield from limiting(visit, known.account)
    if limited is not None:
        return limited
    bound = naming(visit, known)
    if isinstance(bound, Reason):
        return bound
    binding, headers = bound
    person = visit.setup.person(known.account)
    made = yield from passkey.offering(known.account, person, person, binding, visit.now)
    return Done({"publicKey": made}, headers=headers)


def enrol(visit: Visit, passkey: Passkey) -> Gather[Outcome]:
    """Enrol what was made. It has proven nothing: a registration shows a new key, not that somebody has used it."""
    response, name = _credential(visit), label(visit.posted)
    if isinstance(response, Reason):
        return response
    if isinstance(name, Reason):
        return name

    def enrol_it(known: Known, sure: Sure) -> Gather[Enrolled | Reason]:
        binding = named(visit, known)
        if isinstance(binding, Reason):
            return binding
        return (yield from passkey.enrolling(known.account, response, binding, visit.now, name, sure))

    def remove(known: Known, made: Enrolled) -> Gather[Reason | None]:
        return passkey.removing(known.account, made.id, visit.now)

    made = yield from enrolling(visit, Way(passkey.method, enrol_it, lambda one: one.id, remove))
    return Done({"factor": listed(made.one)}, 201, said="enrolled") if isinstance(made, Made) else made


def _credential(visit: Visit) -> str | Reason:
    """`credential` as the text that the factor parses: nothing is taken from it here."""
    credential = visit.posted.members.get("credential")
    if not isinstance(credential, dict):
        return MALFORMED(expected="an object called credential")
    return json.dumps(credential, separators=(",", ":"), ensure_ascii=False)
