"""CWE-294: a proof that counts once lets one request of the subject in, however many a batch of AuthZEN asks about."""

from __future__ import annotations

from typing import Any

from tests.service.world import ISSUER, clock, post, serving
from zerotrust import Bearer, Issuer, Sources
from zerotrust.service import Rules
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing import DPoPClient
from zerotrust.verifiers.dpop import DPoP

URL = "https://api.example/a"
CLIENT = DPoPClient(clock=clock)
TOKEN = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="site", dpop=DPoP())


def context() -> dict[str, Any]:
    """A request of the subject with a proof of its own."""
    pairs = CLIENT.headers("GET", URL, ISSUER.mint(audience="site", subject="alice", cnf=CLIENT.cnf))
    return {"request": {"url": URL, "headers": {name.decode(): value.decode() for name, value in pairs}}}


def decisions(evaluations: list[dict[str, Any]], **above: Any) -> list[bool]:
    service = serving(
        rules=Rules(default=TOKEN.valid), sources=Sources(MemoryStore()), authzen={"read": TOKEN.valid}, identity=...
    )
    resource = {"type": "document", "id": "1"}
    whole = {"subject": {"type": "user", "id": "alice"}, "action": {"name": "read"}, "resource": resource}
    said = post(service, "/access/v1/evaluations", {**whole, **above, "evaluations": evaluations})
    return [one["decision"] for one in said.json["evaluations"]]


def test_a_proof_counts_for_the_first_of_several_requests() -> None:
    again, other = context(), context()
    assert decisions([{"context": again}, {"context": again}, {"context": other}]) == [True, False, True]
    assert decisions([{}, {"context": again}, {}], context=again) == [True, False, True]


def test_one_request_may_be_about_several_resources() -> None:
    """The context that stands above all of them is one request, and its proof is used up once."""
    others = [{"resource": {"type": "document", "id": name}} for name in "123"]
    assert decisions(others, context=context()) == [True, True, True]
