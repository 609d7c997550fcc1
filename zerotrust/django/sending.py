"""What the door sends: a refusal as it is, and headers of its own in the response of the application."""

from __future__ import annotations

from http.cookies import Morsel
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from zerotrust.web.answer import Answer
from zerotrust.web.continuing import Headers, beside


class Refusal(HttpResponse):
    """A response with the headers of an answer, in their order; of one name there may be several.

    Args:
        answer: what is sent.
        body: what is sent of its body.
    """

    def __init__(self, answer: Answer, body: bytes) -> None:
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers]
        plain = [(name, value) for name, value in pairs if name != "set-cookie"]
        first: dict[str, str] = {}
        for name, value in plain:
            first.setdefault(name, value)
        super().__init__(body, status=answer.status, headers=first)
        if "content-type" not in first:
            del self.headers["content-type"]  # which Django gives to whatever has none
        self.answer: Answer = answer
        self._more: list[tuple[str, str]] = [pair for pair in plain if first[pair[0]] != pair[1]]
        for name, value in pairs:
            if name == "set-cookie":
                set_cookie(self, value)

    def items(self) -> Any:
        """All headers, as servers ask for them: those of one name together."""
        for name, value in super().items():
            yield name, value
            yield from ((one, other) for one, other in self._more if one == name.lower())


class _Cookie(Morsel[str]):
    """A cookie that is sent as it was given."""

    def __init__(self, text: str) -> None:
        super().__init__()
        name, _, value = text.partition(";")[0].partition("=")
        self.set(name.strip(), value.strip(), value.strip())
        self._text = text

    def output(self, attrs: Any = None, header: str = "Set-Cookie:") -> str:
        """What servers send."""
        return f"{header} {self._text}"


def set_cookie(response: HttpResponseBase, text: str) -> None:
    """Have `response` send a `Set-Cookie` header of this very value."""
    cookie = _Cookie(text)
    cookies: dict[str, Any] = response.cookies
    cookies[cookie.key] = cookie  # one of these is taken as it is


def refusal(answer: Answer, request: HttpRequest, cookies: HttpResponseBase | None = None) -> Refusal:
    """`answer` as Django sends it; for HEAD without the body.

    Args:
        answer: what is sent.
        request: what is answered.
        cookies: what would have been sent, whose cookies are sent all the same.
    """
    made = Refusal(answer, b"" if request.method == "HEAD" else answer.body)
    if cookies is not None:
        kept: dict[str, Any] = made.cookies
        for name, cookie in cookies.cookies.items():
            kept.setdefault(name, cookie)
    return made


def add(response: HttpResponseBase, headers: Headers) -> None:
    """Put those of `headers` into `response` that it needs beside its own."""
    if not headers:
        return
    there = [
        (name.encode("latin-1", "replace"), str(value).encode("latin-1", "replace")) for name, value in response.items()
    ]
    there += [(b"set-cookie", f"{name}=".encode("latin-1", "replace")) for name in response.cookies]
    for name, value in beside(there, headers):
        if name == b"set-cookie":
            set_cookie(response, value.decode("latin-1"))
        else:
            response.headers[name.decode("latin-1")] = value.decode("latin-1")
