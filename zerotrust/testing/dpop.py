"""A client that proves its key with each request (RFC 9449), and the proofs that an attacker would make."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from secrets import token_bytes, token_urlsafe
from typing import cast

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.testing.clock import Clock
from zerotrust.testing.issuer import OMIT, Omit
from zerotrust.testing.keys import SigningAlgorithm, SigningKey
from zerotrust.wire.encoding import b64url_decode, b64url_encode
from zerotrust.wire.json import JsonValue
from zerotrust.wire.thumbprint import thumbprint


class DPoPClient:
    """Has a key, and makes proofs with it: good ones, and whatever a test wants to see refused.

    Args:
        alg: what it signs with.
        clock: tells POSIX seconds, usually the issuer's: `DPoPClient(clock=issuer.clock)`; one that stands still
            unless given.

    Attributes:
        key: its key.
        jwk: the public members of its key, as they stand in its proofs.
        jkt: the thumbprint of its key (section 6.1).

    Example:
        client = DPoPClient(clock=issuer.clock)
        token = issuer.mint(audience="payments", cnf=client.cnf)
        headers = client.headers("GET", "https://api.example.com/accounts", token)
    """

    def __init__(self, alg: SigningAlgorithm = "ES256", *, clock: Callable[[], float] | None = None) -> None:
        self.clock: Callable[[], float] = clock or Clock()
        self.key: SigningKey = SigningKey.generate(alg, "client")
        named = {"kid", "alg", "use"}
        self.jwk: dict[str, JsonValue] = {name: value for name, value in self.key.public.items() if name not in named}
        found = thumbprint(self.jwk)
        if isinstance(found, Reason):
            raise ConfigError(f"no thumbprint of a key for {alg!r}: {found}")
        self.jkt: str = found

    @property
    def cnf(self) -> dict[str, JsonValue]:
        """The `cnf` claim of a token that is bound to this client's key (section 6.1)."""
        return {"jkt": self.jkt}

    def proof(
        self,
        method: str,
        url: str,
        token: str | None = None,
        *,
        nonce: str | None = None,
        header: Mapping[str, JsonValue | Omit] | None = None,
        **claims: JsonValue | Omit,
    ) -> str:
        """Sign a proof for one request (section 4.2).

        Args:
            method: the method of the request, `htm`.
            url: where it goes, `htu`, as given.
            token: the access token that goes with it, for `ath`; None for a request to a token endpoint.
            nonce: the nonce that the server asked for.
            header: members to add to the header or to put in place of its own; `OMIT` leaves one out.
            claims: claims to add or to put in place of its own (`iat="now"`); `OMIT` leaves one out.
        """
        body: dict[str, JsonValue | Omit] = {
            "jti": token_urlsafe(12),
            "htm": method,
            "htu": url,
            "iat": int(self.clock()),
            "ath": OMIT if token is None else token_hash(token),
            "nonce": OMIT if nonce is None else nonce,
            **claims,
        }
        return self.sign(_dump(body), header=header)

    def headers(
        self,
        method: str,
        url: str,
        token: str,
        *,
        nonce: str | None = None,
        header: Mapping[str, JsonValue | Omit] | None = None,
        **claims: JsonValue | Omit,
    ) -> list[tuple[bytes, bytes]]:
        """The headers of a request: the token, and a new proof for it, as `proof` makes it (section 7.1)."""
        proof = self.proof(method, url, token, nonce=nonce, header=header, **claims)
        return [(b"authorization", f"DPoP {token}".encode()), (b"dpop", proof.encode())]

    def sign(self, payload: bytes, *, header: Mapping[str, JsonValue | Omit] | None = None) -> str:
        """Sign these exact bytes, whatever they are, under the header of a proof."""
        members: dict[str, JsonValue | Omit] = {
            "typ": "dpop+jwt", "alg": self.key.alg, "jwk": dict(self.jwk), **(header or {}),
        }  # fmt: skip
        return _compact(_dump(members), payload, self.key.sign)

    # --- What an attacker makes --------------------------------------------------------------------------------------

    def forge_foreign_key(self, method: str, url: str, token: str) -> str:
        """A proof that shows this client's key, signed by another (section 4.3, item 6)."""
        return self._forge(method, url, token, {}, SigningKey.generate(self.key.alg, "foreign").sign)

    def forge_unsigned(self, method: str, url: str, token: str, *, alg: str = "none") -> str:
        """A proof that says it needs no signature (section 4.3, item 5)."""
        return self._forge(method, url, token, {"alg": alg}, lambda _: b"")

    def forge_symmetric(self, method: str, url: str, token: str) -> str:
        """A proof under HS256 that brings the secret along as its key (section 11.6)."""
        secret = token_bytes(32)
        jwk: JsonValue = {"kty": "oct", "k": b64url_encode(secret)}
        return self._forge(method, url, token, {"alg": "HS256", "jwk": jwk}, lambda data: _hmac(secret, data))

    def forge_key_confusion(self, method: str, url: str, token: str) -> str:
        """A proof under HS256 with this client's public key as the secret (RFC 8725 section 2.1)."""
        return self._forge(method, url, token, {"alg": "HS256"}, lambda data: _hmac(self.key.pem, data))

    def forge_private(self, method: str, url: str, token: str) -> str:
        """A good proof whose key shows a private member (section 4.3, item 7)."""
        return self.proof(method, url, token, header={"jwk": {**self.jwk, "d": b64url_encode(token_bytes(32))}})

    def forge_encrypted(self, method: str, url: str, token: str) -> str:
        """Five parts, as an encrypted token has them."""
        return self.proof(method, url, token) + ".AAAA.AAAA"

    def _forge(
        self,
        method: str,
        url: str,
        token: str,
        header: Mapping[str, JsonValue],
        sign: Callable[[bytes], bytes],
    ) -> str:
        good, payload, _ = self.proof(method, url, token).split(".")
        members = cast("dict[str, JsonValue]", json.loads(_unencoded(good)))
        return _compact(_dump({**members, **header}), _unencoded(payload), sign)

    def __repr__(self) -> str:
        return f"DPoPClient({self.key.alg!r}, jkt={self.jkt!r})"


def token_hash(token: str) -> str:
    """The `ath` of a token (section 4.2)."""
    return urlsafe_b64encode(sha256(token.encode()).digest()).rstrip(b"=").decode()


def _hmac(secret: bytes, data: bytes) -> bytes:
    return hmac.digest(secret, data, "sha256")


def _dump(members: Mapping[str, JsonValue | Omit]) -> bytes:
    # NaN and Infinity are let through on purpose, and so are texts that are none: an attacker might write them.
    present = {name: value for name, value in members.items() if value is not OMIT}
    return json.dumps(present, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _unencoded(segment: str) -> bytes:
    return cast("bytes", b64url_decode(segment))


def _compact(header: bytes, payload: bytes, sign: Callable[[bytes], bytes]) -> str:
    signing_input = f"{b64url_encode(header)}.{b64url_encode(payload)}"
    return f"{signing_input}.{b64url_encode(sign(signing_input.encode('ascii')))}"
