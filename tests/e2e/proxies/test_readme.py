"""The commands of `examples/proxies/README.md`, as they stand there, with this machine's paths and ports."""

from __future__ import annotations

import os
import pwd
import re
import shlex
import sys
from contextlib import ExitStack

import pytest

from tests.e2e.proxies.guarded import Guarded
from tests.e2e.proxies.pki import ADA, Pki
from tests.e2e.proxies.setup import EXAMPLES, NGINX_EXAMPLE
from tests.servers import Process, free_port

pytestmark = pytest.mark.e2e


def test_the_application_as_the_readme_starts_it(pki: Pki) -> None:
    readme = (EXAMPLES / "README.md").read_text("utf-8")
    exported = re.search(r"^export (PROXY=.*)$", readme, re.MULTILINE)
    started = re.search(r"^uvicorn (.*)$", readme, re.MULTILINE)
    assert exported is not None
    assert started is not None
    environment = dict(word.split("=", 1) for word in shlex.split(exported[1]))
    assert environment.keys() == {"PROXY", "CLIENT_CA", "CRLS"}
    port = free_port()
    command = [str(port) if word == "8000" else word for word in shlex.split(started[1])]
    assert str(port) in command
    with ExitStack() as stack:
        world = Guarded(NGINX_EXAMPLE, pki, stack, [])
        environment |= {
            "CLIENT_CA": str(pki.root.certificate),
            "CRLS": str(pki.crls[0]),
            "HOP_SECRET": world.secret,
            "PATH": os.environ["PATH"],
        }
        process = Process(
            [sys.executable, "-m", "uvicorn", *command],
            user=pwd.getpwuid(os.geteuid()).pw_name,
            directory=EXAMPLES.parents[1],
            environment=environment,
        )
        stack.callback(process.stop)
        assert process.wait_for("Uvicorn running on"), process.said()
        world.proxies["required"] = stack.enter_context(world.proxy("required", f"http://127.0.0.1:{port}"))
        answer = world.ask("required", pki.ada)
        assert (answer.status, answer.body["id"], answer.body["hop"]) == (200, ADA, "nginx")
        assert answer.body.keys() == {"id", "fingerprint", "hop", "asserted_by"}
        assert world.secret not in process.said()
        assert world.ask("required", pki.revoked).body["code"] == "certificate_revoked"
