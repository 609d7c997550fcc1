"""What comes ready-made with a guard: the metadata of a resource (RFC 9728), and the ceremonies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, cast

from flask import Flask, Request, Response
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import Policy
from zerotrust.flask.sending import AsItIs
from zerotrust.web.gate import Gate
from zerotrust.web.metadata import BECAUSE, Metadata
from zerotrust.wsgi.sending import text

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

WSGI = Callable[["WSGIEnvironment", "StartResponse"], Iterable[bytes]]

CEREMONIES: Final = "ready ceremonies: each decides what it requires"
_PREFIX: Final = "zerotrust_"


class Ready:
    """The ready routes of one application.

    Args:
        app: the application, which gets them.
        gate: says what there is.
        policies: gives those in force, for the metadata.
    """

    def __init__(self, app: Flask, gate: Gate, policies: Callable[[], Iterable[Policy]]) -> None:
        self._app = app
        self._apps: dict[str, WSGI] = {}
        self._paths: list[str] = []
        self.reasons: dict[str, str] = {}  # why each is open, by endpoint
        self._ceremonies = gate.ceremonies
        if (gate.resource is not None or gate.ceremonies is not None) and app.url_map.host_matching:
            raise ConfigError("resource= and ceremonies= are served at every host: leave host_matching out")
        if gate.resource is not None:
            self._add("metadata", gate.resource.path, ["GET"], _serving(Metadata(gate.resource, policies)), BECAUSE)
        if gate.ceremonies is not None:
            from zerotrust.wsgi.ceremonies import CeremoniesApp  # and with them all factors: not for everybody

            ceremonies = CeremoniesApp(gate.ceremonies, sources=gate.sources, peers=gate.peers, clock=gate.clock)
            at = gate.ceremonies.at
            every = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
            self._add("ceremonies", at, every, ceremonies, CEREMONIES)
            self._add("ceremony", f"{at}/<path:ceremony>", every, ceremonies, CEREMONIES)

    def __bool__(self) -> bool:
        return bool(self._apps)

    def app_of(self, rule: Rule | None) -> WSGI | None:
        """What answers at `rule` instead of the application; None if nothing does."""
        return None if rule is None else self._apps.get(rule.endpoint)

    @staticmethod
    def response(app: WSGI, request: Request) -> Response:
        """What `app` answers to `request`, with the headers that it gave."""
        return cast("AsItIs", AsItIs.from_app(app, request.environ, buffered=True))

    def problems(self, paths: Iterable[str]) -> Iterator[str]:
        """A problem for each ready route that another one stands before, and each route hidden by the ceremonies."""
        if self._ceremonies is not None:
            from zerotrust.web.ceremonies.met import hidden

            yield from hidden((path for path in paths if path not in self._paths), self._ceremonies.setup)
        adapter = self._app.url_map.bind("localhost")
        for path in self._paths:
            if "<" in path:
                continue
            try:
                found = adapter.match(path, method="GET", return_rule=True)[0].endpoint
            except HTTPException:
                found = None
            if found not in self._apps:
                yield f"the ready route {path} is not served: another route takes its requests; declare that elsewhere"

    def _add(self, name: str, path: str, methods: list[str], app: WSGI, because: str) -> None:
        endpoint = _PREFIX + name
        self._apps[endpoint] = app
        self._paths.append(path)
        self.reasons[endpoint] = because
        self._app.add_url_rule(
            path, endpoint, _never, methods=methods, provide_automatic_options=False, strict_slashes=False
        )


def _never(**_: Any) -> str:
    raise AssertionError("a ready route is answered before it is dispatched")


def _serving(metadata: Metadata) -> WSGI:
    def serve(_: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", text(metadata.answer.headers))
        return [metadata.answer.body]

    return serve
