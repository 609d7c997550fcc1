"""Roots of vendors that FIDO's metadata does not list in full, as py_webauthn ships them: Apple's and Google's."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from zerotrust.factors.attestation.attested import Format
from zerotrust.pki.anchors import Anchors


def known_anchors() -> Mapping[Format, Anchors]:
    """Who vouches for `apple` and `android-key` statements, by format: what `AuthenticatorPolicy(anchors=...)` takes.

    Each counts for its own format alone. Others are the application's to add: `{**known_anchors(), "tpm": Anchors...}`.
    """
    # Loading py_webauthn takes a tenth of a second, and nobody needs it but for this.
    from webauthn.helpers import known_root_certs as roots

    return MappingProxyType(
        {
            "apple": Anchors.from_pem(roots.apple_webauthn_root_ca),
            "android-key": Anchors.from_pem(
                roots.google_hardware_attestation_root_2,
                roots.google_hardware_attestation_root_3,
                roots.google_hardware_attestation_root_4,
                roots.google_hardware_attestation_root_5,
            ),
        }
    )
