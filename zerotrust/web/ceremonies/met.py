"""Whether what a guard is asked to require can be met at the ceremonies it has, and what hides behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import Leaf, Policy
from zerotrust.verifiers.approval import Approval
from zerotrust.verifiers.factor import FactorVerifier
from zerotrust.verifiers.passkey import Passkey
from zerotrust.web.ceremonies.setup import Setup


def check_met(policy: Policy, where: str, setup: Setup) -> None:
    """Raise a `ConfigError` if `policy` asks for what nobody can prove at the ceremonies of `setup`.

    Args:
        policy: what has to hold.
        where: what it was given as, for the message.
        setup: how the ceremonies are configured.
    """
    served = tuple(setup)
    for factor in _factors(policy):
        if factor.of is setup.session and factor not in served:
            alike = [one for one in served if one.method == factor.method]
            advice = (
                f"ask {alike[0]!r}, the very one that the ceremonies have: make it once and use it in both"
                if alike
                else f"write Ceremonies({setup.session!r}, ..., {factor!r}, ...)"
            )
            raise ConfigError(f"{where}: {factor!r} is none of the factors that the ceremonies have; {advice}")
    attested = any(isinstance(one, Passkey) and one.rp.authenticators is not None for one in served)
    for leaf in policy.program.leaves:
        if not isinstance(leaf, Leaf) or leaf.verifier is not setup.session:
            continue
        question: object = leaf.question
        if getattr(question, "hardware_bound", False) and not attested:
            raise ConfigError(
                f"{where}: {leaf} takes a key that is attested to be kept in hardware, and no passkey of the "
                "ceremonies has anybody to believe that from; write "
                "RelyingParty(..., authenticators=AuthenticatorPolicy(...))"
            )


def hidden(paths: Iterable[str], setup: Setup) -> Iterator[str]:
    """A problem for each of `paths` that nobody gets to since it lies below the ceremonies."""
    for path in paths:
        if path == setup.at or path.startswith(f"{setup.at}/"):
            yield (
                f"{path} is never got to: all below {setup.at} are the ready ceremonies; declare it elsewhere, or "
                'write Ceremonies(..., at="/account/security")'
            )


def _factors(policy: Policy) -> Iterator[FactorVerifier]:
    for verifier in policy.verifiers:
        if isinstance(verifier, FactorVerifier):
            yield verifier
        elif isinstance(verifier, Approval):
            yield verifier.passkey
