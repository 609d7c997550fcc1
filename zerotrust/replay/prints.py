"""What tells one policy from any other, in a capsule."""

from __future__ import annotations

from hashlib import sha256

from zerotrust.core.errors import PolicyError
from zerotrust.core.policy import Policy
from zerotrust.documents.fingerprint import fingerprint as of_document


def fingerprint(policy: Policy) -> str:
    """That of the policy as a document; of one that cannot be written as a document, the digest of its text."""
    try:
        return of_document(policy)
    except PolicyError:
        return "text:" + sha256(str(policy).encode("utf-8", "surrogatepass")).hexdigest()
