"""A small authorization server: one user who agrees to everything, PKCE, and tokens for the resource asked for."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from secrets import token_urlsafe
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from zerotrust.testing import OMIT, LocalIssuer, act_chain


class Login:
    """OAuth 2.1 as far as a client needs it: metadata, `/authorize` and `/token`.

    Attributes:
        issuer: what signs.
        actors: who acts for the user in the tokens it issues, the current one first.
        asked: the scopes and resource of each authorization request.
        user: who signs in.
    """

    def __init__(self, url: str) -> None:
        self.issuer = LocalIssuer(url, algorithms=["ES256"])
        self.actors: tuple[str, ...] = ()
        self.asked: list[tuple[str, str]] = []
        self.user = "ada"
        self._codes: dict[str, dict[str, str]] = {}
        self.app = Starlette(
            routes=[
                Route("/.well-known/oauth-authorization-server", self._metadata),
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/jwks", self._jwks),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    def _metadata(self, _: Request) -> Response:
        return JSONResponse({**self.issuer.metadata(), "code_challenge_methods_supported": ["S256"]})

    def _jwks(self, _: Request) -> Response:
        return JSONResponse(self.issuer.jwks())

    def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.asked.append((asked.get("scope", ""), asked["resource"]))
        code = token_urlsafe(12)
        self._codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.issuer.url}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", 302)

    async def _token(self, request: Request) -> Response:
        async with request.form() as form:
            given = {name: str(value) for name, value in form.items()}
        asked = self._codes.pop(given["code"])
        challenge = urlsafe_b64encode(sha256(given["code_verifier"].encode()).digest()).decode().rstrip("=")
        assert challenge == asked["code_challenge"]
        assert given["resource"] == asked["resource"]  # RFC 8707
        token = self.mint(asked["resource"], asked.get("scope", ""), *self.actors)
        return JSONResponse(
            {"access_token": token, "token_type": "Bearer", "expires_in": 300, "scope": asked.get("scope", "")}
        )

    def mint(self, resource: str, scope: str, *actors: str) -> str:
        """A token for the user, with `actors` acting for them."""
        act = act_chain(*actors) if actors else OMIT
        return self.issuer.mint(subject=self.user, audience=resource, scope=scope, act=act)

    def begin_anew(self) -> None:
        """Another user, and nothing asked yet."""
        self.user = f"ada-{token_urlsafe(6)}"
        self.actors = ()
        self.asked.clear()
