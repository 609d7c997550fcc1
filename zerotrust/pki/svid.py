"""The rules of X.509-SVIDs that X.509 itself does not have (X.509-SVID sections 2 to 5)."""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from zerotrust.core.reason import WRONG_SVID, Reason
from zerotrust.pki.chain import ChainRules, Path
from zerotrust.wire.certificate import Certificate
from zerotrust.wire.spiffe import SpiffeId, parse_spiffe_id
from zerotrust.wire.spiffe_bundle import foreign_authority

SVID: Final = ChainRules(
    purposes=(ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH),
    because=(
        "an X.509-SVID has both clientAuth and serverAuth (X.509-SVID section 4.4); for certificates of your own "
        'authority that are no SVIDs, write PeerCertificate(Anchors..., subject="uri") and peer.uri(...)'
    ),
)
"""Section 4.4: where the extended key usage is there it has both purposes; and a client's certificate has one here."""


def svid_of(certificate: Certificate) -> SpiffeId | Reason:
    """The SPIFFE id of the workload that `certificate` is for; as `workload_id`. It is read once."""
    known = certificate.notes.get(SpiffeId)
    if isinstance(known, SpiffeId):
        return known
    uris = certificate.names.uris
    spiffe_id = workload_id(uris, "")
    if isinstance(spiffe_id, Reason):
        return workload_id(uris, certificate.label)  # what it is called takes longer to say than all of this
    certificate.notes[SpiffeId] = spiffe_id
    return spiffe_id


def workload_id(uris: tuple[str, ...], label: object) -> SpiffeId | Reason:
    """The SPIFFE id of a workload, from the URIs among its names (sections 2, 3.1 and 5.2).

    Args:
        uris: the URIs among its names. Names of other kinds may be there besides, and say nothing.
        label: what the certificate, or whoever says these names, is called in reasons.

    Returns:
        The id; `wrong_svid` if there is not exactly one URI, if that is no SPIFFE id, or if the id has no path, as only
        authorities' have.
    """
    if len(uris) != 1:
        return WRONG_SVID(expected="exactly one URI", presented=label, detail=f"{len(uris)} URIs among its names")
    spiffe_id = parse_spiffe_id(uris[0])
    if isinstance(spiffe_id, Reason):
        return WRONG_SVID(expected="a SPIFFE id", presented=label, detail=spiffe_id.detail)
    if not spiffe_id.path:
        return WRONG_SVID(expected="a path", presented=label, detail=f"{spiffe_id} is a trust domain, not a workload")
    return spiffe_id


def svid_refusal(path: Path, spiffe_id: SpiffeId) -> Reason | None:
    """Which rule for SVIDs a validated path breaks; None if none.

    That the leaf is no authority (section 4.1) and has the purposes of `SVID` is what paths are validated for; that the
    anchor is one of this trust domain is seen to where bundles are read.
    """
    usage = _key_usage(path.leaf)
    if isinstance(usage, Reason):
        return usage
    if not usage.digital_signature:
        return WRONG_SVID(expected="digitalSignature", presented=path.leaf.label, detail="section 4.3")
    if usage.key_cert_sign or usage.crl_sign:  # section 5.2
        return WRONG_SVID(
            expected="neither keyCertSign nor cRLSign",
            presented=path.leaf.label,
            detail="a key that signs certificates",
        )
    for signer in path.certificates[1:-1]:
        if signer.names.uris:  # an SVID of its own, to which section 4.3 applies, too
            usage = _key_usage(signer)
            if isinstance(usage, Reason):
                return usage
        foreign = foreign_authority(signer, spiffe_id.trust_domain)
        if foreign is not None:
            return foreign
    return None


def _key_usage(certificate: Certificate) -> x509.KeyUsage | Reason:
    """Section 4.3: every SVID has the extension, and marks it critical."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    except x509.ExtensionNotFound:
        return WRONG_SVID(expected="a key usage", presented=certificate.label, detail="section 4.3")
    if not found.critical:
        return WRONG_SVID(expected="a key usage marked critical", presented=certificate.label, detail="section 4.3")
    return found.value
