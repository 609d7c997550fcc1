"""Verifiers: each checks one kind of credential and gives the leaves that ask about its evidence."""
