"""A relying party: for whom passkeys are made, on which pages they may be used, and what is asked of them."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256
from typing import Final, Literal, TypeAlias, TypeVar, cast, get_args

from zerotrust.core.errors import ConfigError
from zerotrust.factors.authenticators import AuthenticatorPolicy
from zerotrust.factors.web_origin import check_origin, check_rp_id, host_of, within
from zerotrust.wire.cose import COSE_ALGORITHMS, CoseAlgorithm
from zerotrust.wire.json import JsonValue

T = TypeVar("T")

UserVerification: TypeAlias = Literal["required", "preferred", "discouraged"]
"""Section 5.8.6."""

AttestationConveyance: TypeAlias = Literal["none", "indirect", "direct", "enterprise"]
"""Section 5.4.7."""

ResidentKey: TypeAlias = Literal["required", "preferred", "discouraged"]
"""Section 5.4.6: whether credentials are to be discoverable."""

UNSAFE_ANY_TOP_ORIGIN: Final = "*"
"""Among `top_origins`: the pages may be shown inside any site's page, also where the browser does not say whose."""

RELATED_ORIGINS_PATH: Final = "/.well-known/webauthn"
"""Where browsers look for `RelyingParty.related_origins_document` (section 5.11.1)."""

_ALGORITHMS: Final = ("ES256", "EdDSA", "ES384", "ES512", "RS256")


class RelyingParty:
    """What is the same in all ceremonies of one site (WebAuthn Level 3 sections 5.4.2, 5.11, 7.1 and 7.2). Immutable.

    Args:
        id: the RP id: the domain that credentials are for, e.g. `example.com`. It cannot be changed later: credentials
            belong to it for good.
        name: the site as its users know it.
        origins: the pages that may use them: `https://` with a host that is the RP id or below it, without a path; http
            for localhost alone. An Android app is `android:apk-key-hash:` and the hash of its certificate.
        related_origins: pages of other domains that may use them too (section 5.11). Their browsers look for
            `related_origins_document()` at `https://<id>/.well-known/webauthn`, which you have to serve there.
        top_origins: other sites inside whose pages yours may be shown while they use them; none unless given.
            `UNSAFE_ANY_TOP_ORIGIN` allows all, and those that a browser does not name.
        algorithms: what credentials may sign with, the most wanted first: names of `COSE_ALGORITHMS`.
        attestation: what authenticators are asked to say about themselves: `direct` where `authenticators` has to know
            what they are, else `none`, unless given.
        authenticators: which models are accepted; any unless given, and then nobody's word is taken for what they are.
        user_verification: whether authenticators have to verify their user (`required`), in every ceremony; a policy
            may ask for it besides where it is only `preferred`.
        resident_key: whether new credentials are to be discoverable, so that nobody has to say first who signs in.

    Raises:
        ConfigError: anything of it that cannot be what it must.
    """

    __slots__ = (
        "_accepted", "_algorithm_ids", "algorithms", "any_top_origin", "attestation", "authenticators", "id", "id_hash",
        "name", "origins", "related_origins", "resident_key", "top_origins", "user_verification",
    )  # fmt: skip

    def __init__(
        self,
        id: str,  # noqa: A002 - the standard's name
        *,
        name: str,
        origins: Collection[str],
        related_origins: Collection[str] = (),
        top_origins: Collection[str] = (),
        algorithms: Collection[str] = _ALGORITHMS,
        attestation: AttestationConveyance | None = None,
        authenticators: AuthenticatorPolicy | None = None,
        user_verification: UserVerification = "preferred",
        resident_key: ResidentKey = "preferred",
    ) -> None:
        self.id: str = check_rp_id(id)
        if not name or not isinstance(name, str):
            raise ConfigError(f"name={name!r}: write what your users call the site, e.g. name='Example'")
        self.name: str = name
        self.origins: frozenset[str] = _origins("origins", origins)
        if not self.origins:
            raise ConfigError(f"origins is empty: write the pages that use passkeys, e.g. origins=['https://{id}']")
        self.related_origins: tuple[str, ...] = tuple(sorted(_origins("related_origins", related_origins)))
        self._check_scope()
        self.any_top_origin: bool = UNSAFE_ANY_TOP_ORIGIN in _collection("top_origins", top_origins)
        self.top_origins: frozenset[str] = _origins(
            "top_origins", [one for one in top_origins if one != UNSAFE_ANY_TOP_ORIGIN]
        )
        self.algorithms: tuple[CoseAlgorithm, ...] = _algorithms(algorithms)
        self.authenticators: AuthenticatorPolicy | None = _policy(authenticators)
        self.attestation: AttestationConveyance = _conveyance(attestation, authenticators)
        self.user_verification: UserVerification = _one_of(
            "user_verification", user_verification, get_args(UserVerification)
        )
        self.resident_key: ResidentKey = _one_of("resident_key", resident_key, get_args(ResidentKey))
        self.id_hash: bytes = sha256(self.id.encode("ascii")).digest()
        self._accepted = self.origins.union(self.related_origins)
        self._algorithm_ids = frozenset(one.id for one in self.algorithms)

    def accepts_origin(self, origin: str) -> bool:
        """Whether a page of `origin` may use its credentials. Compared octet by octet: browsers write it in one way."""
        return origin in self._accepted

    def accepts_top_origin(self, origin: str | None) -> bool:
        """Whether its pages may be shown inside a page of `origin`; None where the browser does not say whose."""
        return self.any_top_origin or origin in self.top_origins

    def accepts_algorithm(self, algorithm: CoseAlgorithm) -> bool:
        """Whether a credential may sign with `algorithm`."""
        return algorithm.id in self._algorithm_ids

    def related_origins_document(self) -> dict[str, JsonValue]:
        """What has to be served as `application/json` at `https://<id>/.well-known/webauthn` (section 5.11.1).

        Browsers look at the first few names in it alone: at least five (section 5.11), counted by the label before the
        public suffix, so that `example.co.uk` and `example.de` are one.
        """
        return {"origins": list(self.related_origins)}

    def _check_scope(self) -> None:
        for origin in self.origins:
            host = host_of(origin)
            if host is not None and not within(host, self.id):
                raise ConfigError(
                    f"origins has {origin!r}, which is outside of the RP id {self.id!r}: browsers would refuse it. "
                    f"Write it into related_origins if it is yours, or choose an RP id that it is below"
                )
        if "." not in self.id and any(host_of(origin) not in {self.id, None} for origin in self.origins):
            raise ConfigError(f"the RP id {self.id!r} has one label, and so has no hosts below it; write your domain")
        for origin in self.related_origins:
            host = host_of(origin)
            if host is None or within(host, self.id):
                raise ConfigError(
                    f"related_origins has {origin!r}, which is not another domain's; write it into origins"
                )

    def __setattr__(self, name: str, value: object) -> None:
        if hasattr(self, name):
            raise AttributeError("a relying party cannot be changed; make another one")
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"RelyingParty({self.id!r}, name={self.name!r}, origins={sorted(self.origins)})"


def _collection(what: str, values: object) -> Collection[str]:
    if isinstance(values, str) or not isinstance(values, Collection):
        raise ConfigError(f"{what}={values!r}: write a list, e.g. {what}=['https://example.com']")
    return cast("Collection[str]", values)


def _origins(what: str, values: Collection[str]) -> frozenset[str]:
    return frozenset(check_origin(what, one) for one in _collection(what, values))


def _algorithms(names: Collection[str]) -> tuple[CoseAlgorithm, ...]:
    chosen = list(_collection("algorithms", names))
    unknown = [name for name in chosen if not isinstance(name, str) or name not in COSE_ALGORITHMS]
    if unknown or not chosen:
        seen = f"has {unknown[0]!r}" if unknown else "is empty"
        raise ConfigError(f"algorithms {seen}; choose from {', '.join(COSE_ALGORITHMS)}")
    return tuple(COSE_ALGORITHMS[name] for name in dict.fromkeys(chosen))


def _one_of(what: str, value: T, allowed: Collection[object]) -> T:
    if value not in allowed:
        raise ConfigError(f"{what}={value!r}: write one of {', '.join(map(repr, allowed))}")
    return value


def _policy(given: object) -> AuthenticatorPolicy | None:
    if given is None or isinstance(given, AuthenticatorPolicy):
        return given
    raise ConfigError(f"authenticators={given!r}: write AuthenticatorPolicy(...), which says whom it trusts")


def _conveyance(given: AttestationConveyance | None, policy: AuthenticatorPolicy | None) -> AttestationConveyance:
    demanded = policy is not None and policy.require_attestation
    if given is None:
        return "none" if policy is None else "direct"
    if given == "none" and demanded:
        raise ConfigError(
            "authenticators demands an attestation, and attestation='none' asks browsers to leave it out: write "
            "attestation='direct', or nothing"
        )
    return _one_of("attestation", given, get_args(AttestationConveyance))
