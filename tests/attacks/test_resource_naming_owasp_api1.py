"""OWASP API1:2023: what names somebody in one issuer's naming is somebody else in another's."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from zerotrust import Bearer, ConfigError, Issuer, Resource

HERE = Issuer("https://a.example.com")
THERE = Issuer("https://b.example.com")
ONE = Bearer(HERE, audience="x")
SEVERAL = Bearer(HERE, THERE, audience="x")


@dataclass
class Invoice:
    owner: str


INVOICE = Resource(Invoice)


def test_a_claim_of_one_issuer_may_name_an_owner() -> None:
    assert str(INVOICE.owner == ONE.claim("sub"))
    assert str(ONE.claim("sub", "ann"))


@pytest.mark.parametrize("name", ["sub", "client_id"])
def test_a_claim_of_several_issuers_names_no_owner(name: str) -> None:
    with pytest.raises(ConfigError, match=r"naming of its issuer alone.*of\(url\)"):
        SEVERAL.claim(name)


def test_nor_somebody_in_a_leaf() -> None:
    with pytest.raises(ConfigError, match=r"token\.subject\(sub, issuer=url\)"):
        SEVERAL.claim("sub", "ann")
    assert str(SEVERAL.claim("client_id", "web") & SEVERAL.issuer("https://a.example.com"))
