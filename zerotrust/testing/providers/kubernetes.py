"""A Kubernetes cluster in a test: the tokens of its service accounts, and some that only look so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from zerotrust.testing.issuer import OMIT, LocalIssuer, Omit
from zerotrust.testing.keys import SigningAlgorithm
from zerotrust.testing.providers.shape import Changes, Shape, life, listed, sign
from zerotrust.wire.json import JsonValue

_POD: Final[dict[str, JsonValue]] = {"name": "ledger-6654f79fff-85kr7", "uid": "ad60676d-2156-4666-b6de-fa675ce5758f"}
_NODE: Final[dict[str, JsonValue]] = {"name": "node-1", "uid": "bc4bfa84-136d-4d1a-93db-5d5f07c5c21a"}
_ACCOUNT_UID: Final = "1163c599-aec5-4f46-abab-1c4961e64260"


class FakeKubernetes:
    """Stands for a cluster's API server: `kubernetes(fake.issuer.url, keys=fake.jwks())` believes what it signs.

    Args:
        url: the cluster's issuer.
        clock: tells POSIX seconds; one that stands still unless given.

    Attributes:
        issuer: what signs, and forges (`issuer.forge_foreign_key(token)`, ...).
    """

    def __init__(
        self, url: str = "https://kubernetes.default.svc.cluster.local", *, clock: Callable[[], float] | None = None
    ) -> None:
        self.issuer: LocalIssuer = LocalIssuer(url, clock=clock, algorithms=("RS256", "EdDSA"))

    def jwks(self) -> dict[str, JsonValue]:
        """The answer of `/openid/v1/jwks`."""
        return self.issuer.jwks()

    def mint(
        self,
        *,
        namespace: str = "payments",
        service_account: str = "ledger",
        audience: str | list[str] | None = None,
        bound: bool = True,
        kubernetes_io: JsonValue | Omit = None,
        lifetime: timedelta = timedelta(hours=1),
        header: Changes | None = None,
        alg: SigningAlgorithm | None = None,
        **claims: JsonValue | Omit,
    ) -> str:
        """The projected token of a pod, or one as `kubectl create token` gives.

        Args:
            namespace: that of the service account.
            service_account: its name.
            audience: a list, as the API server always writes; `["ledger"]` unless given.
            bound: whether it is bound to a pod on a node; one that is not is good without any pod.
            kubernetes_io: what stands in the claim `kubernetes.io`, in place of what would.
            lifetime: from `iat` to `exp`.
            header: members to add to the header or to put in place of its own.
            alg: the algorithm; RS256 unless given.
            claims: claims to add or to put in place of its own; `OMIT` leaves one out.
        """
        account: JsonValue = {"name": service_account, "uid": _ACCOUNT_UID}
        to_pod: dict[str, JsonValue] = {"pod": {**_POD}, "node": {**_NODE}} if bound else {}
        said: JsonValue = {"namespace": namespace, "serviceaccount": account, **to_pod}
        good: Shape = {
            "aud": listed(["ledger"] if audience is None else audience),
            **life(self.issuer, lifetime),
            "iss": self.issuer.url,
            "jti": "d0920eaf-0442-433b-a7eb-d56ba9a062a9",
            "kubernetes.io": said if kubernetes_io is None else kubernetes_io,
            "nbf": int(self.issuer.clock()),
            "sub": f"system:serviceaccount:{namespace}:{service_account}",
        }
        return sign(self.issuer, {**good, **claims}, header, typ=OMIT, alg=alg)

    def mint_legacy(self, *, url: str = "kubernetes/serviceaccount", **claims: JsonValue | Omit) -> str:
        """A token as it was kept in a Secret before Kubernetes 1.24: for no audience, and for ever.

        Args:
            url: its issuer, which was the same for all clusters.
            claims: claims to add or to put in place of its own.
        """
        of_secret: Shape = {
            "iss": url,
            "kubernetes.io/serviceaccount/namespace": "payments",
            "kubernetes.io/serviceaccount/secret.name": "ledger-token-pnj77",
            "kubernetes.io/serviceaccount/service-account.name": "ledger",
            "kubernetes.io/serviceaccount/service-account.uid": _ACCOUNT_UID,
            "sub": "system:serviceaccount:payments:ledger",
        }
        return sign(self.issuer, {**of_secret, **claims}, None, typ=OMIT)
