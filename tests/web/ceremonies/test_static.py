"""The script and the style sheet: what they must not hold, whether they parse, whether text can be read."""

from __future__ import annotations

import re
import subprocess
from shutil import which

import pytest

from tests.servers import need
from zerotrust.web.ceremonies.files import static_files

FILES = {name: file.body.decode("utf-8") for name, file in static_files().items()}
SCRIPTS = sorted(name for name in FILES if name.endswith(".js"))


def test_the_files_are_these() -> None:
    assert sorted(FILES) == ["page.js", "zerotrust.css", "zerotrust.js"]


@pytest.mark.parametrize("name", sorted(FILES))
def test_nothing_comes_from_elsewhere_and_no_text_becomes_markup(name: str) -> None:
    """Also what Trusted Types guards: none of its sinks is used."""
    sinks = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(|srcdoc|setHTML|parseFromString"
    assert not re.search(rf"https?://|@import|\burl\(|{sinks}|\.style\b", FILES[name])


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_parse_as_modules(name: str) -> None:
    need(None if which("node") else "Node is not installed")
    command = ["node", "--check", "--input-type=module", "-"]
    ran = subprocess.run(command, input=FILES[name], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_module_depends_on_nothing() -> None:
    assert not re.search(r"^import |import\(", FILES["zerotrust.js"], re.MULTILINE)


def test_the_style_touches_nothing_of_the_application() -> None:
    style = re.sub(r"/\*.*?\*/", "", FILES["zerotrust.css"], flags=re.DOTALL)
    style = re.sub(r"@keyframes [\w-]+ \{[^{}]*\{[^{}]*\}\s*\}", "", style)
    for selectors in re.findall(r"([^{};]+)\{", style):
        if selectors.strip().startswith("@"):
            continue
        for selector in re.split(r",(?![^(]*\))", selectors):
            assert "zerotrust" in selector, selector


def _colours(dark: bool) -> dict[str, str]:
    pairs = re.findall(r"var\(--zt-([\w-]+), light-dark\((#\w{6}), (#\w{6})\)\)", FILES["zerotrust.css"])
    return {name: (second if dark else first) for name, first, second in pairs}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(dark: bool) -> None:
    """WCAG 2.2 success criteria 1.4.3 (text, 4.5) and 1.4.11 (borders of fields, 3)."""
    colours = _colours(dark)
    texts = [(text, ground) for text in ("ink", "muted", "accent") for ground in ("ground", "panel")]
    texts += [("on-accent", "accent"), ("bad", "bad-ground"), ("bad", "panel"), ("good", "good-ground")]
    for text, ground in texts:
        assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for ground in ("ground", "panel"):
        assert _contrast(colours["line"], colours[ground]) >= 3, ground


def test_browsers_that_know_one_theme_get_the_light_one() -> None:
    plain = dict(re.findall(r"var\(--zt-([\w-]+), (#\w{6})\)", FILES["zerotrust.css"]))
    assert plain == _colours(dark=False)


def _contrast(one: str, other: str) -> float:
    first, second = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (first + 0.05) / (second + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
