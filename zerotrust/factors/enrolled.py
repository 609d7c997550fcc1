"""What a person sees of one authenticator they enrolled, whatever its kind."""

from __future__ import annotations

from dataclasses import dataclass

from zerotrust.factors.proof import Method


@dataclass(frozen=True, slots=True)
class Enrolled:
    """One authenticator of an account, as its owner sees it; nothing in it is secret.

    Attributes:
        id: names it in lists and requests; unique within the account and its method.
        method: how it proves.
        name: what its owner calls it.
        enrolled_at: when, POSIX seconds.
        used_at: when it proved something last, POSIX seconds; None if never since.
        left: how many uses are left; None where they are not counted.
        detail: one more line about it for a person, e.g. the model of a security key; empty if nothing is known.
    """

    id: str
    method: Method
    name: str
    enrolled_at: float
    used_at: float | None = None
    left: int | None = None
    detail: str = ""
