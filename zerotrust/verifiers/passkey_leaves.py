"""What a policy can ask of passkeys, as leaves."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import span_in_seconds
from zerotrust.core.policy import Leaf
from zerotrust.factors.aaguid import Aaguid, aaguid_of, aaguid_text
from zerotrust.factors.relying_party import RelyingParty
from zerotrust.verifiers.factor import FactorVerifier
from zerotrust.verifiers.factor_questions import FactorEvidence
from zerotrust.verifiers.passkey_questions import Cloned, UsedWithin


class PasskeyLeaves(FactorVerifier):
    """A verifier of passkeys with its leaves."""

    __slots__ = ()

    rp: RelyingParty

    def within(
        self,
        span: timedelta,
        *,
        user_verified: bool = False,
        device_bound: bool = False,
        hardware_bound: bool = False,
        models: Collection[Aaguid] = (),
    ) -> Leaf[FactorEvidence]:
        """YES if a passkey was used in this session less than `span` ago, and none of its uses since shows a copy.

        What is attested was found when the passkey was enrolled: one that was enrolled before the relying party had a
        policy for authenticators does not count where an attestation is asked for.

        Args:
            span: how long ago at most, e.g. `minutes(10)`.
            user_verified: whether only a use counts for which the authenticator verified its user (`UV`).
            device_bound: whether only a key counts that cannot leave its device (`BE` is clear).
            hardware_bound: whether only a key counts that a verified attestation says is kept in hardware.
            models: if any, only authenticators of these models count, by AAGUID, as a verified attestation says.

        Raises:
            ConfigError: nobody could ever meet it, as the relying party has no policy that believes attestations.
        """
        seconds = span_in_seconds(span, "span", least=1)
        if isinstance(models, str | bytes) or not isinstance(models, Collection):
            raise ConfigError(f'models={models!r}: write a list, such as ["ee882879-721c-4913-9775-3dfcce97072a"]')
        wanted = tuple(sorted({aaguid_text(aaguid_of(one, "models")) for one in models}))
        if (hardware_bound or wanted) and self.rp.authenticators is None:
            asked = "models=..." if wanted else "hardware_bound=True"
            raise ConfigError(
                f"{self.name}.within({asked}) could never be met: nobody is believed to attest authenticators; write "
                "RelyingParty(..., authenticators=AuthenticatorPolicy(...))"
            )
        return Leaf(self, UsedWithin(seconds, user_verified, device_bound, hardware_bound, wanted))

    @property
    def cloned(self) -> Leaf[FactorEvidence]:
        """YES if a passkey used in this session has shown that there is a copy of it; UNKNOWN if none was used."""
        return Leaf(self, Cloned())
