"""Fakes of identity providers and access proxies: tokens of exactly their shape, good and subtly wrong."""
