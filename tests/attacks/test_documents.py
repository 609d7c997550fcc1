"""Documents, pages and charts as an attacker would have them: markup in what callers send, secrets, bombs."""

from __future__ import annotations

import json
import re

import pytest

from tests.documents.samples import FUNCTIONS, VERIFIERS
from tests.documents.test_views import Reader, check_chart
from zerotrust import AccessRequest, Bearer, Issuer, Sources, decide
from zerotrust.core.decision import Decision
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.policy import anyone
from zerotrust.documents import fingerprint, from_json, to_html, to_json, to_mermaid
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing import LocalIssuer

MARKUP = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><script>alert(1)</script>",
    "<!--",
    "&lt;script&gt;",
    "javascript:alert(1)",
    '"]:::no;click n0 "javascript:alert(1)"',
    '`**bold**` end\n  n0["x"]',
    "%%{init: {'securityLevel': 'loose'}}%%",
    "#quot;#lt;img#gt;",
    "\u202etxt.exe \u2028 \x00",
    "\U0001f511",
]
ALLOWED_TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "section", "h1", "h2", "p", "ul", "ol", "li",
    "details", "summary", "div", "span", "code",
}  # fmt: skip
ALLOWED_ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "open"}


def refused(markup: str) -> tuple[Decision, str]:
    """A decision in which a caller's claims, subject and token stand, and the token itself."""
    issuer = LocalIssuer("https://login.example.com")
    bearer = Bearer(Issuer(issuer.url, keys=issuer.jwks()), audience="payments")
    policy = (bearer.claim("dept", markup + "x") & bearer.role("staff") & anyone(because="a test")).named("can pay")
    minted = issuer.mint(audience="payments", subject=markup, dept=markup, roles=[markup], scope="read")
    headers = [(b"authorization", b"Bearer " + minted.encode())]
    request = AccessRequest(now=issuer.clock(), method="GET", path="/", headers=headers)
    return decide(policy, request, Sources(MemoryStore())), minted


@pytest.mark.parametrize("number", range(len(MARKUP)))
def test_cwe_79_what_callers_send_is_text_in_pages(number: int) -> None:
    decision, _ = refused(MARKUP[number])
    for shown in (decision, decision.policy):
        page = to_html(shown, title=MARKUP[number])
        read = Reader(page)
        assert read.tags <= ALLOWED_TAGS
        assert read.attributes <= ALLOWED_ATTRIBUTES
        assert page.isascii() or not re.search(r"[\u202e\u2028\x00]", page.split("</head>")[1])


@pytest.mark.parametrize("number", range(len(MARKUP)))
def test_cwe_79_and_in_charts(number: int) -> None:
    decision, _ = refused(MARKUP[number])
    for shown in (decision, decision.policy):
        chart = to_mermaid(shown)
        check_chart(chart)
        assert chart.isascii()


def test_a_page_lets_nothing_run_or_load() -> None:
    page = to_html(refused("x")[0])
    said = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert said is not None
    assert re.fullmatch(
        r"default-src &#x27;none&#x27;; style-src &#x27;sha256-[A-Za-z0-9+/=]{44}&#x27;; base-uri &#x27;none&#x27;; "
        r"form-action &#x27;none&#x27;",
        said[1],
    )
    assert not re.search(r"<script|src=|href=|url\(|@import|style=", page)


def test_secrets_are_in_no_view() -> None:
    decision, minted = refused("x")
    signature = minted.rpartition(".")[2]
    for made in (to_html(decision), to_mermaid(decision), json.dumps(decision.explanation.to_dict())):
        assert minted not in made
        assert signature not in made
    for made in (to_json(decision.policy), fingerprint(decision.policy)):
        assert signature not in made


def test_cwe_470_a_document_calls_nothing_but_leaves() -> None:
    for name in (
        "find",
        "blank",
        "__init__",
        "__reduce__",
        "_believed",
        "exhibit",
        "describe",
        "issuers",
        "name",
        "renewing",
    ):
        for asked in ("token", "session", "passkey", "roles", "invoice"):
            with pytest.raises(PolicyError, match=r"has no leaf|is no kind"):
                from_json(f'{{"version": 1, "policy": {{"leaf": "{asked}.{name}"}}}}', VERIFIERS, predicates=FUNCTIONS)


@pytest.mark.parametrize(
    "text",
    [
        '{"version":1,"policy":' + '{"not":' * 100_000,
        "[" * 1_000_000,
        '{"version":1,"policy":{"leaf":"token.depth","at_most":' + "9" * 1_000_000 + "}}",
        '{"version":1,"policy":{"leaf":"token.fresh","within_seconds":1e999}}',
        '{"version":1,"policy":{"leaf":"' + "a" * 1_000_000 + '.b"}}',
        '{"version":1,"policy":{"leaf":"token.' + "\\u0000" * 100_000 + '"}}',
        '{"version":1,"policy":{"' + "x" * 1_000_000 + '":1}}',
        '{"version":1,"parts":[' + ",".join(['{"part":0}'] * 50_000) + '],"policy":{"part":0}}',
        '{"version":1,"policy":"' + " " * (17 * 1024 * 1024) + '"}',
    ],
    ids=["open", "brackets", "digits", "infinite", "name", "nulls", "member", "parts", "large"],
)
def test_cwe_400_bombs_are_refused_in_few_words(text: str) -> None:
    with pytest.raises((PolicyError, ConfigError)) as error:
        from_json(text, VERIFIERS)
    assert len(str(error.value)) < 1000


def test_parts_cannot_make_a_policy_grow_without_bound() -> None:
    """Each refers to the one before twice: forty parts would be a policy of 2 ** 40."""
    parts = [{"leaf": "token.valid"}, *({"all_of": [{"part": at}, {"part": at}]} for at in range(40))]
    with pytest.raises(PolicyError, match="part 0 is used already"):
        from_json(json.dumps({"version": 1, "parts": parts, "policy": {"part": 40}}), VERIFIERS)
