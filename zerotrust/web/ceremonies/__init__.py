"""The ready ceremonies: enrol, list, rename, remove and prove factors, and get back in; written once for all doors."""
