"""Profiles of issuers: one file for each identity provider or access proxy, giving configured issuers."""
