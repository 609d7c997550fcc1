"""What the documentation says is true: its code runs, its links lead somewhere, its tables are complete."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from zerotrust.core import reason

ROOT = Path(__file__).parents[1]

# What a page leaves to a project around it. Such a page runs in a process of its own, as settings are made but once.
AROUND = {
    "django.md": """
import django
from django.conf import settings

apps = ["django.contrib.contenttypes", "django.contrib.auth", "rest_framework", "drf_spectacular", "zerotrust.django"]
settings.configure(SECRET_KEY="made up", INSTALLED_APPS=apps)
django.setup()
"""
}
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path) -> list[str]:
    found = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    # What a page has as several files of `shop` is one program here, with no need for imports among them.
    return [re.sub(r"^from shop\.\w+ import .*\n", "", block, flags=re.MULTILINE) for block in found]


def test_pages_are_found() -> None:
    assert len(PAGES) > 6
    assert sum(len(blocks(page)) for page in PAGES) >= 6


@pytest.mark.unmeasured  # what documentation shows has tests of its own
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.name)
def test_code_runs(page: Path) -> None:
    if page.name in AROUND:
        program = AROUND[page.name] + "\n".join(blocks(page))
        ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return
    names: dict[str, object] = {"__name__": "__main__"}  # dataclasses look their module up
    for number, block in enumerate(blocks(page)):
        exec(compile(block, f"{page.name} block {number}", "exec", dont_inherit=True), names)


@pytest.mark.unmeasured
def test_code_is_typed(tmp_path: Path) -> None:
    """What somebody pastes passes `mypy --strict`; blocks of one page are one program, as they are when they run."""
    for page in PAGES:
        # Not by the page's own name, which may be that of a library.
        (tmp_path / f"page_{page.stem.replace('-', '_')}.py").write_text("\n".join(blocks(page)))
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", *map(str, sorted(tmp_path.glob("*.py")))]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.stdout == ""
    assert ran.returncode == 0, ran.stderr


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_reason_is_listed_with_its_clause() -> None:
    page = "".join((ROOT / "docs" / name).read_text() for name in ("tokens.md", "certificates.md", "factors.md"))
    for kind in vars(reason).values():
        if isinstance(kind, reason.Kind):
            assert f"| `{kind.code}` | {kind.sentence} | {kind.clause or '—'} |" in page


def test_codes_and_ranks_are_unique() -> None:
    kinds = [kind for kind in vars(reason).values() if isinstance(kind, reason.Kind)]
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert len({kind.rank for kind in kinds}) == len(kinds)


@pytest.mark.unmeasured
def test_the_readme_example_guards_its_route() -> None:
    from fastapi.testclient import TestClient

    names: dict[str, object] = {"__name__": "__main__"}
    exec(compile(blocks(ROOT / "README.md")[0], "README.md", "exec", dont_inherit=True), names)
    client = TestClient(names["app"])  # type: ignore[arg-type]  # the example's application
    answer = client.post("/payments", content=b"\xff not json")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer scope="pay", max_age="300"'


def test_every_test_that_the_standards_page_names_exists() -> None:
    page = (ROOT / "docs" / "standards.md").read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?(?:::(\w+))?`", page)
    assert len(named) > 50
    for path, *names in named:
        text = (ROOT / path).read_text()
        for name in filter(None, names):
            assert re.search(rf"(?:def|class) {name}\b", text), f"{path}::{name}"
