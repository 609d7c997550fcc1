"""What the project promises of its own shape: sizes, import weight, a documented front door, nothing local in it."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import zerotrust

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "zerotrust"
MODULES = sorted(PACKAGE.rglob("*.py"))
LINES_AT_MOST = 400

FRAMEWORKS = {"django", "fastapi", "flask", "starlette", "uvicorn", "werkzeug"}
CLIENTS = {"aiohttp", "httpx", "httpcore2", "httpx2", "psycopg", "redis", "requests"}
HEAVY_BELOW_THE_VERIFIERS = {"attr", "attrs", "cryptography", "jwt", "pyotp", "webauthn"}

# Written so that no pattern matches its own text.
LOCAL = re.compile(
    r"/wor[k]/|/roo[t]/|/hom[e]/\w|/User[s]/\w|bash_job[s]"  # folders of one machine
    r"|registry\.npmjs|registry\.yarnpkg|files\.pythonhosted|pypi\.org|deb\.debian"  # package registries
    r"|index-ur[l]|find-link[s]"
)


def _imported_by(code: str) -> set[str]:
    """Top-level packages in `sys.modules` after `code` ran in a fresh interpreter."""
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)))"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("COV")},
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in json.loads(ran.stdout)}


def _files() -> list[Path]:
    """What a clone holds: tracked files; outside a clone (an unpacked sdist), every file beside them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]
    hidden = {"node_modules", "__pycache__"}
    return [
        path
        for path in ROOT.rglob("*")
        if path.is_file() and not any(part in hidden or part.startswith(".") for part in path.relative_to(ROOT).parts)
    ]


def test_every_module_holds_one_idea() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert lengths
    assert {name: lines for name, lines in lengths.items() if lines > LINES_AT_MOST} == {}


def test_every_folder_of_the_package_is_a_package() -> None:
    """A folder without `__init__.py` would escape the layer contract, which sees packages only."""
    folders = {path.parent for path in MODULES}
    assert [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_the_front_door_imports_no_framework_client_or_webauthn() -> None:
    assert _imported_by("import zerotrust") & (FRAMEWORKS | CLIENTS | {"webauthn"}) == set()


def test_no_public_name_brings_in_a_framework_or_client() -> None:
    code = "import zerotrust\nfor name in zerotrust.__all__: getattr(zerotrust, name)"
    assert _imported_by(code) & (FRAMEWORKS | CLIENTS) == set()


def test_the_core_needs_the_standard_library_alone() -> None:
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (PACKAGE / "core").glob("*.py")]
    code = "\n".join(f"import {name.removesuffix('.__init__')}" for name in names)
    imported = _imported_by(code)
    assert "zerotrust" in imported
    assert imported & HEAVY_BELOW_THE_VERIFIERS == set()
    assert imported - set(sys.stdlib_module_names) - _imported_by("") == {"zerotrust"}


def test_the_front_door_lists_each_name_once() -> None:
    assert len(set(zerotrust.__all__)) == len(zerotrust.__all__)
    assert set(zerotrust.__all__) <= set(dir(zerotrust))


def test_every_public_name_resolves_and_is_documented() -> None:
    assert zerotrust.__all__
    for name in zerotrust.__all__:
        thing = getattr(zerotrust, name)
        if not (inspect.isclass(thing) or inspect.isroutine(thing) or inspect.ismodule(thing)):
            continue  # a value's documentation is its type's
        said = thing.__dict__.get("__doc__") if inspect.isclass(thing) else thing.__doc__
        assert said, f"{name} has no docstring"
        assert not said.startswith(f"{thing.__name__}("), f"{name} has only the signature that dataclass writes"


def test_every_module_says_what_it_is() -> None:
    """A module starts with what it is for."""
    starts = re.compile(r'(#!.*\n)?r?"""\S')
    assert not [str(path.relative_to(PACKAGE)) for path in MODULES if not starts.match(path.read_text("utf-8"))]


def test_nothing_of_one_machine_or_registry_is_in_the_tree() -> None:
    found = []
    for path in _files():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # binary test data
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in LOCAL.finditer(text)]
    assert found == []


def test_the_wheel_ships_the_types_and_the_command() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert (PACKAGE / "py.typed").is_file()
    assert config["tool"]["hatch"]["build"]["targets"]["wheel"] == {"packages": ["zerotrust"]}
    assert "Typing :: Typed" in config["project"]["classifiers"]
    module, _, function = config["project"]["scripts"]["zerotrust"].partition(":")
    assert callable(getattr(import_module(module), function))


def test_every_extra_is_in_all_except_the_developers() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    named = re.fullmatch(r"zerotrust\[(.*)\]", extras["all"][0])
    assert named is not None
    assert set(named[1].split(",")) == set(extras) - {"all", "bench", "browser", "dev", "examples"}


@pytest.mark.parametrize("host", ["example.com", "192.0.2.1", b"2001:db8::1"])
def test_tests_cannot_leave_the_machine(host: str | bytes) -> None:
    hook = sys.modules["tests.conftest"] if "tests.conftest" in sys.modules else import_module("tests.conftest")
    with pytest.raises(AssertionError, match="loopback"):
        hook.refuse_the_network("socket.getaddrinfo", (host, 443))
    with pytest.raises(AssertionError, match="loopback"):
        hook.refuse_the_network("socket.connect", (None, (host, 443)))
