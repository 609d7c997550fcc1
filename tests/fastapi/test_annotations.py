"""A marker that FastAPI did not see closes its route: to go on without it would let in whom it was to keep out."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import logging
from collections.abc import Callable
from typing import Annotated, Any, ForwardRef

import pytest
from fastapi import Depends, FastAPI, Query
from fastapi.testclient import TestClient
from typing_extensions import TypeAliasType

from tests.fastapi import late_names
from tests.fastapi.world import GOOD, PAYER, READER, can_pay, can_read, clock, shown, token
from zerotrust import ConfigError
from zerotrust.fastapi import Access, Guard
from zerotrust.fastapi.annotations import _parts

BOTH = shown("read pay", auth_time=int(clock()) - 10)


def guarded() -> tuple[FastAPI, Guard]:
    app = FastAPI()
    return app, Guard(app, default=token.valid, clock=clock)


@pytest.mark.parametrize("add", late_names.UNRESOLVED, ids=lambda add: add.__name__)
def test_an_annotation_that_could_not_be_resolved_closes_the_route(
    add: Callable[[FastAPI, Guard], None], caplog: pytest.LogCaptureFixture
) -> None:
    app, guard = guarded()
    add(app, guard)
    for headers in (GOOD, PAYER, {}):
        answer = TestClient(app).get("/y", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "undecided")
    assert "in module tests.fastapi.late_names" in caplog.text
    report = guard.report()
    [problem] = report.problems
    assert problem.startswith("/y: ")
    assert "remove `from __future__ import annotations` from that module" in problem
    [line] = [line for line in report.lines if line.path == "/y"]
    assert line.protection is None
    with pytest.raises(ConfigError, match=r"refuses to start: /y: handler .*in module tests"), TestClient(app):
        pass


def test_text_that_can_be_resolved_is_as_good_as_any() -> None:
    assert late_names.guard.report().problems == ()
    with TestClient(late_names.app) as client:
        for path in late_names.RESOLVED:
            call = client.post if path == "/alias" else client.get
            body: Any = {"json": {"amount": 1}} if path == "/alias" else {}
            assert call(path, headers=PAYER, **body).json() == path.split("/")[1], path
            assert call(path, headers=READER, **body).status_code == (200 if path == "/session" else 401), path


def test_a_route_added_while_requests_run_is_looked_at_too() -> None:
    app, guard = guarded()
    with TestClient(app) as client:
        late_names.local_guard(app, guard)
        assert client.get("/y", headers=GOOD).status_code == 503


def test_a_mounted_application_is_looked_at_too() -> None:
    app, guard = guarded()
    inner = FastAPI()
    late_names.local_guard(inner, guard)
    app.mount("/sub", inner)
    assert TestClient(app).get("/sub/y", headers=GOOD).status_code == 503
    [problem] = guard.report().problems
    assert problem.startswith("/sub/y: ")


def markers_side_by_side(app: FastAPI, guard: Guard) -> None:
    """FastAPI takes the last marker of a parameter and drops the others."""

    @app.get("/y")
    async def y(access: Annotated[Access, guard.require(can_pay), guard.require(can_read)]) -> str:
        raise AssertionError


def marker_before_another(app: FastAPI, guard: Guard) -> None:
    @app.get("/y")
    async def y(q: Annotated[str, guard.require(can_pay), Query()] = "") -> str:
        raise AssertionError


def marker_inside(app: FastAPI, guard: Guard) -> None:
    @app.get("/y")
    async def y(q: Annotated[str, guard.require(can_pay)] | None = None) -> str:
        raise AssertionError


def bare_policy(app: FastAPI, guard: Guard) -> None:
    @app.get("/y")
    async def y(q: Annotated[str, can_pay] = "") -> str:
        raise AssertionError


def require_uncalled(app: FastAPI, guard: Guard) -> None:
    @app.get("/y")
    async def y(q: Annotated[str, guard.require] = "") -> str:
        raise AssertionError


def access_of_nobody(app: FastAPI, guard: Guard) -> None:
    def made_up() -> None:
        return None

    @app.get("/y")
    async def y(access: Annotated[Access, Depends(made_up)]) -> str:
        raise AssertionError


@pytest.mark.parametrize(
    "add",
    [markers_side_by_side, marker_before_another, marker_inside, bare_policy, require_uncalled, access_of_nobody],
    ids=lambda add: add.__name__,
)
def test_a_marker_that_fastapi_passes_over_closes_the_route(add: Callable[[FastAPI, Guard], None]) -> None:
    app, guard = guarded()
    add(app, guard)
    answer = TestClient(app).get("/y", headers=BOTH)
    assert (answer.status_code, answer.json()["code"]) == (503, "undecided")
    [problem] = guard.report().problems
    assert problem.startswith("/y: handler ")
    assert "Annotated[Access, guard.require(" in problem


def test_it_is_worked_out_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    app, guard = guarded()
    bare_policy(app, guard)
    client = TestClient(app)
    client.get("/y", headers=GOOD)
    monkeypatch.setattr(guard._protections, "_work_out", None)
    with caplog.at_level(logging.ERROR, logger="zerotrust.guard"):
        assert client.get("/y", headers=GOOD).status_code == 503
    assert "guard.require(" in caplog.text


class Alias:
    """What `type Name = ...` makes from Python 3.12 on."""

    def __init__(self, value: object) -> None:
        self.value = value

    @property
    def __value__(self) -> object:
        return self.value


def test_what_stands_in_an_alias_is_looked_at_once() -> None:
    marker = Depends(guarded)
    alias = Alias(Annotated[Access, marker])
    assert list(_parts(alias, {})) == [marker, Access]
    assert list(_parts(Annotated[int, "text"], {})) == ["text", int]
    assert list(_parts(Alias("NotThere"), {})) == []  # pydantic's to resolve
    assert list(_parts("NotThere", {})) == [ForwardRef("NotThere")]
    around = Alias(None)
    around.value = dict[str, around]  # type: ignore[valid-type]
    assert list(_parts(around, {})) == [str, dict]


def test_an_alias_for_older_pythons_is_looked_into() -> None:
    marker = Depends(guarded)
    name = TypeAliasType("name", Annotated[str, marker])
    assert marker in list(_parts(name, {}))
    assert marker in list(_parts(name | None, {}))
