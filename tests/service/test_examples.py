"""What the documentation shows is what the examples have, and the tests run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zerotrust.core.request import AccessRequest
from zerotrust.web.rules import is_certain

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "decision-service.md").read_text("utf-8")
FILES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in sorted((ROOT / "examples" / "decision_service").rglob("*"))
    if path.is_file() and path.suffix != ".pyc"
}
NGINX = "examples/decision_service/nginx"
BLOCKS = re.findall(r"```(?:nginx|caddyfile|yaml)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("place", range(len(BLOCKS)))
def test_a_configuration_on_the_page_stands_in_an_example(place: int) -> None:
    assert any(BLOCKS[place] in text for text in FILES.values()), BLOCKS[place]


def test_there_is_something_to_compare() -> None:
    assert len(BLOCKS) >= 6


def test_all_examples_carry_the_same_identity_headers() -> None:
    for name, text in FILES.items():
        if not name.endswith("decision-service.conf"):
            assert {"x-auth-subject", "x-auth-client"} <= set(re.findall(r"x-auth-[a-z]+", text.lower())), name


def test_the_example_for_traefik_names_what_the_others_name() -> None:
    """Traefik is not among what these tests can start: at least its file says the same."""
    text = FILES["examples/decision_service/traefik/dynamic.yaml"]
    for words in ("/traefik", "trustForwardHeader: false", "authResponseHeaders: [X-Auth-Subject, X-Auth-Client]"):
        assert words in text
    assert text.count('X-Hop-Secret: ""') == 1


# By these, and `_method` in the query, rules are not certain of the method.
DISGUISES = ("x-http-method-override", "x-method-override", "x-http-method", "upgrade")


def test_the_examples_send_what_rules_look_at() -> None:
    """Envoy sends no header that it is not told to, nginx no `Upgrade`; what is not sent cannot count."""
    envoy = FILES["examples/decision_service/envoy/envoy.yaml"]
    allowed = envoy.partition("allowed_headers:")[2].partition("http_service:")[0]
    for name in DISGUISES:
        assert not is_certain(AccessRequest(now=0.0, headers=[(name.encode(), b"websocket")])), name
        assert f"{{exact: {name}}}" in allowed, name
    assert "proxy_set_header Upgrade           $http_upgrade;" in FILES[f"{NGINX}/decision-service.conf"]


def test_the_example_for_nginx_decides_on_the_host_that_it_tells_the_site() -> None:
    said = [FILES[f"{NGINX}/{name}"] for name in ("decision-service.conf", "site.conf")]
    hosts = re.findall(r"proxy_set_header (?:Host|X-Forwarded-Host) +(\S+);", "".join(said))
    assert sorted(hosts) == ["$host", "$host", "$host", "decision-service"]
    assert "http_host" not in "".join(said)
