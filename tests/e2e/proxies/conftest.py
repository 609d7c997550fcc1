"""One public key infrastructure for all proxies."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.e2e.proxies.guarded import Guarded
from tests.e2e.proxies.pki import Pki
from tests.servers import need

pytest.register_assert_rewrite("tests.e2e.proxies.behaviour")


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """The certificates; skips, or fails where it is required, if there is nothing to make them with."""
    need(None if shutil.which("openssl") and shutil.which("curl") else "these tests need openssl and curl on the path")
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="class")
def world(request: pytest.FixtureRequest, pki: Pki) -> Iterator[Guarded]:
    """The proxy of a class of tests, in all of its modes, before the application; all ended afterwards."""
    with ExitStack() as stack:
        yield Guarded(request.cls.example, pki, stack)
