"""What verifiers of certificates rest on: paths, trust anchors and bundles, revocation. See its modules."""
