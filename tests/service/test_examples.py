"""What the documentation shows is what the examples have, and the tests run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "decision-service.md").read_text("utf-8")
FILES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in sorted((ROOT / "examples" / "decision_service").rglob("*"))
    if path.is_file() and path.suffix != ".pyc"
}
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
