"""What a guard sends: a refusal of its own, and headers of its own in the response of the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response
from werkzeug.exceptions import HTTPException

from zerotrust.web.answer import Answer
from zerotrust.web.continuing import Headers, beside
from zerotrust.wsgi.sending import text

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.datastructures import Headers as WerkzeugHeaders


class AsItIs(Response):
    """A response that is sent with the headers it was given, in their order, and no others."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> WerkzeugHeaders:
        """The headers that were given."""
        return self.headers


def sent(answer: Answer) -> AsItIs:
    """`answer` as Flask sends it; for HEAD without the body, as any response."""
    return AsItIs([answer.body], answer.status, text(answer.headers))


def add(response: Response, headers: Headers) -> None:
    """Put those of `headers` into `response` that it needs beside its own."""
    there = [
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in response.headers
    ]
    for name, value in text(beside(there, headers)):
        response.headers.add(name, value)


def refused(answer: Answer) -> HTTPException:
    """What to raise for `answer` to be sent, whatever handlers an application has for its status."""
    return HTTPException(response=sent(answer))
