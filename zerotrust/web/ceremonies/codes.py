"""The routes of one-time passwords (TOTP and HOTP): enrol, prove."""

from __future__ import annotations

from typing import Any, Final

from zerotrust.core.ask import Gather
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.factors.enrolled import Enrolled
from zerotrust.factors.otp_secret import OtpOffer
from zerotrust.verifiers.factor import Sure
from zerotrust.verifiers.one_time_password import ENROLLED_BEFORE, OneTimePassword
from zerotrust.web.ceremonies.enrolment import Made, Way, ending_others, enrolling
from zerotrust.web.ceremonies.limits import limiting
from zerotrust.web.ceremonies.reading import label, text
from zerotrust.web.ceremonies.remembering import enrolled, known_here, proven
from zerotrust.web.ceremonies.requirements import knowing, permitted
from zerotrust.web.ceremonies.setup import PATHS, Done, Known, Outcome, Refused, Visit
from zerotrust.web.ceremonies.view import OfferView

MOST_CODE: Final = 64
"""Characters of a code: those of a recovery code, with the dashes and blanks that people leave in."""


def verify(visit: Visit, factor: OneTimePassword[Any]) -> Gather[Outcome]:
    """Judge a code."""
    known = yield from knowing(visit)
    if isinstance(known, Refused):
        return known
    code = text(visit.posted, "code", MOST_CODE)
    if isinstance(code, Reason):
        return code
    trusted = yield from known_here(visit, known.account)
    proving = yield from factor.proving(known.account, code, visit.now, visit.request.client, trusted)
    if isinstance(proving, Reason):
        return proving
    return (yield from proven(visit, factor, proving, known))


def enrol_options(visit: Visit, factor: OneTimePassword[Any]) -> Gather[Outcome]:
    """A new secret, which counts for nothing before its first code was entered."""
    known = yield from permitted(visit)
    if isinstance(known, Refused):
        return known
    limited = yield from limiting(visit, known.account)
    if limited is not None:
        return limited
    offer = yield from factor.offering(known.account, visit.setup.person(known.account), visit.now)
    shown = OfferView(PATHS[factor.method], offer.secret, offer.uri, _picture(offer))
    return Done({"secret": shown.secret, "uri": shown.uri, "svg": shown.svg}, offer=shown)


def enrol(visit: Visit, factor: OneTimePassword[Any]) -> Gather[Outcome]:
    """Enrol the secret whose code was entered, in the place of one that was enrolled."""
    code, name = text(visit.posted, "code", MOST_CODE), label(visit.posted)
    if isinstance(code, Reason):
        return code
    if isinstance(name, Reason):
        return name

    def enrol_it(known: Known, sure: Sure) -> Gather[Enrolled | Reason]:
        made = yield from factor.enrolling(known.account, code, visit.now, name, sure)
        if made == ENROLLED_BEFORE:  # by an attempt that was cut short, it may be: what comes after it is done now
            yield from ending_others(visit, known)
        return made

    def remove(known: Known, made: Enrolled) -> Gather[Reason | None]:
        return factor.removing(known.account, made.id, visit.now)

    made = yield from enrolling(visit, Way(factor.method, enrol_it, lambda one: one.id, remove))
    return (yield from enrolled(visit, factor, made)) if isinstance(made, Made) else made


def _picture(offer: OtpOffer) -> str:
    try:
        return offer.svg()
    except ConfigError:  # what draws it is not installed, or the label is too long: the key can be typed in
        return ""
