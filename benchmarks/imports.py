"""What `import zerotrust` costs: fresh interpreters, the import timed inside each.

Answers for P19. The front door is lazy, so the import alone says little; "and every public name" is what a program
that uses all of it pays.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Final

from benchmarks import ours
from benchmarks.harness import Case, Goal, Group, total
from benchmarks.runner import ROOT, Groups, main

ROUNDS: Final = 31
JWT: Final = "import jwt"
FRONT: Final = "import zerotrust"
CORE: Final = "import zerotrust.core"
TOUCHED: Final = "import zerotrust, and every public name"

STRANGERS: Final = (
    "fastapi", "starlette", "flask", "django", "httpx", "httpx2", "requests", "redis", "psycopg", "webauthn", "pyotp",
)  # fmt: skip
"""Frameworks, clients and the webauthn package: none may be loaded by the front door."""

STATEMENTS: Final = {
    JWT: "import jwt",
    "import cryptography keys": "import cryptography.hazmat.primitives.asymmetric.ec",
    "import joserfc.jwt": "import joserfc.jwt",
    "import authlib.jose": "import authlib.deprecate, warnings; warnings.simplefilter('ignore'); import authlib.jose",
    "import jose.jwt": "import jose.jwt",
    FRONT: "import zerotrust",
    CORE: "; ".join(f"import {module}" for module in ours.CORE_MODULES),
    TOUCHED: "import zerotrust\nfor name in zerotrust.__all__: getattr(zerotrust, name)",
}


def importing() -> Group:
    """Each statement in an interpreter of its own; the floor is `import jwt`, which the library needs."""
    cases = [_case(name, statement) for name, statement in STATEMENTS.items()]
    goals = [
        Goal("P19", f"{FRONT}, x {JWT}", 1.1, total(FRONT)),
        Goal("P19", f"{TOUCHED}, x {JWT}", 1.1, total(TOUCHED)),
        Goal("P19", f"{CORE}, x {JWT}", 0.25, total(CORE)),
        Goal("P19", "frameworks and clients loaded by every public name", 0.0, lambda _: len(strangers(TOUCHED))),
        Goal("P19", "cryptography loaded by zerotrust.core", 0.0, lambda _: len(loaded(CORE) & {"cryptography"})),
    ]
    return Group("imports", "processor time in a fresh interpreter; floor: import jwt", cases, goals)


def strangers(name: str) -> set[str]:
    """The frameworks and clients that a statement loads."""
    return loaded(name) & set(STRANGERS)


def loaded(name: str) -> set[str]:
    """The top-level modules that are loaded after a statement."""
    told = _run(STATEMENTS[name] + "\nimport sys; print(*sorted({m.partition('.')[0] for m in sys.modules}))")
    return set(told.split())


def _case(name: str, statement: str) -> Case:
    timed = f"import time\n_begun = time.process_time()\n{statement}\nprint(time.process_time() - _begun)"

    def sample(number: int) -> float:
        return sum(float(_run(timed)) for _ in range(number))

    return Case(name, lambda: sample(1), sample, lambda seconds: isinstance(seconds, float), batch=1)


def _run(program: str) -> str:
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
    return ran.stdout


GROUPS: Final[Groups] = {"importing": importing}

if __name__ == "__main__":
    sys.exit(main("benchmarks.imports", GROUPS, rounds=ROUNDS))
