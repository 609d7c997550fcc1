"""Attestation statements (WebAuthn Level 3 section 8), one format per file: is a statement what it says it is?

Whether anybody trusts who made it is another question, and `zerotrust.factors.authenticators` answers that.
"""
