"""New policies come into force as a whole or not at all, and never an empty one."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event, active_count
from typing import Any, ClassVar, Literal

import pytest

from tests.service.world import ISSUER, SECRET, ask, good, scope_of, setup, tell
from zerotrust.cli.serve import loader
from zerotrust.core.ask import Ask
from zerotrust.driver import Sources
from zerotrust.service import Service, Setup
from zerotrust.service.reload import Loaded, Reloader, aside, close, digest

HEAD = f"""
from zerotrust import Bearer, Issuer, anyone
from zerotrust.service import Caller, HopSecret, Rules
token = Bearer(Issuer({ISSUER.url!r}, keys={ISSUER.jwks()!r}), audience="site")
callers = Caller("proxy", secret=HopSecret("x-hop-secret", {SECRET!r}))
"""
READ = HEAD + 'rules = Rules(default=token.scope("read"))\n'
WRITE = HEAD + 'rules = Rules(default=token.scope("write"))\n'


class World:
    def __init__(self, file: Path) -> None:
        self.file = file
        self.load = loader(file, private=False)
        first = self.load()
        assert isinstance(first.setup, Setup), first.setup
        self.service = Service(first.setup, clock=ISSUER.clock)
        self.reloader = Reloader(self.service, self.load, first)

    def write(self, text: str, name: str | None = None) -> None:
        (self.file if name is None else self.file.with_name(name)).write_text(text, "utf-8")

    def look(self, times: int = 2) -> None:
        for _ in range(times):
            self.reloader.look()

    @property
    def scope(self) -> str:
        """Which scope is required."""
        setup = self.service.setup
        return str(setup.rules.default.policy)

    @property
    def ready(self) -> bytes:
        return tell(self.service, scope_of("/readyz")).body


@pytest.fixture
def world(tmp_path: Path) -> World:
    file = tmp_path / "policies.py"
    file.write_text(READ, "utf-8")
    return World(file)


def test_a_change_comes_into_force_once_it_has_settled(world: World) -> None:
    before = world.service.setup
    world.look()
    assert world.service.setup is before
    world.write(WRITE)
    world.look(1)
    assert world.service.setup is before  # somebody may be writing still
    world.look(1)
    assert 'scope("write")' in world.scope
    assert world.ready == b"ready\n"


def test_a_file_that_is_being_written_is_waited_for(world: World) -> None:
    before = world.service.setup
    for length in (40, 80, 120):
        world.write(WRITE[:length])
        world.look(1)
    world.write(WRITE)
    world.look(1)
    assert (world.service.setup, world.service.metrics.reload_failed) == (before, False)
    world.look(1)
    assert 'scope("write")' in world.scope


def test_a_touched_file_changes_nothing(world: World) -> None:
    before = world.service.setup
    world.write(READ)
    world.look(3)
    assert world.service.setup is before


BROKEN = {
    "syntax": "rules = (",
    "empty": "",
    "raises": "raise RuntimeError('x')",
    "exits": "raise SystemExit(0)",
    "no rules": HEAD,
    "no callers": READ + "callers = None\n",
    "crossing": READ + "rules.protect('/a/**', token.valid)\nrules.protect('/{b}/c', token.scope('c'))\n",
    "wrong sources": READ + "sources = 3\n",
    "odd identity": READ + "class Odd(dict):\n    def items(self):\n        raise KeyError('x')\nidentity = Odd(a=1)\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_keeps_the_old_policies_and_shouts_once(
    world: World, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = world.service.setup
    world.write(BROKEN[name])
    with caplog.at_level(logging.ERROR, "zerotrust.service"):
        world.look(6)
    shouts = [record for record in caplog.records if record.name == "zerotrust.service"]
    assert len(shouts) == 1
    assert "the old policies stay" in shouts[0].getMessage()
    assert world.service.setup is before
    assert ask(world.service, "/caddy", good()).status == 200
    assert b"old policies" in world.ready
    assert "zerotrust_policy_reload_failed 1" in world.service.metrics.text()
    world.write(WRITE)
    world.look()
    assert 'scope("write")' in world.scope
    assert world.ready == b"ready\n"
    assert "zerotrust_policy_reload_failed 0" in world.service.metrics.text()


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_the_old_text_again_is_no_failure_any_more_and_nothing_is_loaded(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """What the old policies keep in memory is kept, though files beside it were looked at meanwhile."""
    world.write("a = 1\n", "beside.py")
    before = world.service.setup
    world.write("rules = (")
    world.look()
    world.write("a = 2\n", "beside.py")
    world.write(READ)
    caplog.clear()
    world.look(4)
    (line,) = told(caplog)
    assert line.startswith("the files are again as they were loaded; what is in force:\n")
    assert '(anything else)  token.scope("read")' in line
    assert "who may ask: proxy" in line
    assert world.ready == b"ready\n"
    assert "zerotrust_policy_reload_failed 0" in world.service.metrics.text()
    assert world.service.setup is before


def test_new_policies_are_told_once_and_that_all_is_well_again(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        world.write(WRITE)
        world.look()
        assert caplog.text.count('token.scope("write")') == 1
        assert caplog.text.count("who may ask: proxy") == 1
        assert told(caplog) == ["new policies are in force"]
        world.write("rules = (")
        world.look()
        world.write(READ)
        caplog.clear()
        world.look(4)
    assert told(caplog) == ["new policies are in force again, after files that could not be used"]
    assert caplog.text.count('token.scope("read")') == 1


def test_a_misspelt_name_keeps_the_old_policies(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.write(WRITE + "identiy = {}\n")
    world.look()
    assert 'scope("read")' in world.scope
    assert "identiy is no name that is looked for, and identity is" in told(caplog)[0]
    world.write(WRITE + "_identiy = {}\n")
    world.look()
    assert 'scope("write")' in world.scope


def test_links_are_followed_as_they_are_swapped(tmp_path: Path) -> None:
    """As ConfigMaps of Kubernetes and links to releases are: the old folder may be gone, or stay."""
    for name, scope in (("1", "one"), ("2", "two"), ("3", "three")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "scopes.py").write_text(f'SCOPE = "{scope}"\n', "utf-8")
        text = "import scopes\n" + HEAD + "rules = Rules(default=token.scope(scopes.SCOPE))\n"
        (tmp_path / name / "policies.py").write_text(text, "utf-8")
    (tmp_path / "now").symlink_to("1")
    (tmp_path / "policies.py").symlink_to("now/policies.py")
    world = World(tmp_path / "policies.py")

    def swap(to: str) -> None:
        (tmp_path / "new").symlink_to(to)
        (tmp_path / "new").rename(tmp_path / "now")

    swap("2")
    world.look()
    assert 'scope("two")' in world.scope
    swap("3")
    (tmp_path / "2" / "scopes.py").unlink()
    world.look()
    assert 'scope("three")' in world.scope
    before = world.service.setup
    swap("gone")
    world.look()
    assert b"old policies" in world.ready
    swap("3")
    world.look()
    assert (world.service.setup, world.ready) == (before, b"ready\n")


def test_what_is_no_file_any_more_is_not_waited_for(world: World) -> None:
    before = world.service.setup
    makes: list[Callable[[], object]] = [world.file.mkdir, lambda: os.mkfifo(world.file)]
    makes.append(lambda: world.file.symlink_to(world.file))
    for number, make in enumerate(makes):
        world.file.rename(world.file.with_name(f"old{number}"))
        make()
        world.look()
        assert b"old policies" in world.ready
        assert world.service.setup is before


def test_a_signal_that_could_not_be_answered_is_not_the_last_one(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_threads(work: Callable[[], None]) -> None:
        raise RuntimeError("can't start new thread")

    world.write(WRITE)
    with monkeypatch.context() as patched:
        patched.setattr("zerotrust.service.reload.aside", no_threads)
        asyncio.run(world.reloader.at_once())
    assert "could not be looked at" in caplog.text
    asyncio.run(world.reloader.at_once())
    assert 'scope("write")' in world.scope


def test_it_is_told_that_loading_takes_long_and_signals_meanwhile_load_once(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zerotrust.service.reload.LATE_SECONDS", 0.0)
    begun, going, loads = Event(), Event(), list[int]()

    def slow() -> Loaded:
        loads.append(1)
        begun.set()
        going.wait(30)
        return world.load()

    reloader = Reloader(world.service, slow, world.load())

    async def storm() -> None:
        first = asyncio.create_task(reloader.at_once())
        await asyncio.to_thread(begun.wait, 30)
        threads = active_count()
        assert "zerotrust_policy_reload_failed 1" in world.service.metrics.text()
        more = [asyncio.create_task(reloader.at_once()) for _ in range(100)]
        await asyncio.sleep(0)
        assert active_count() == threads + 1
        going.set()
        await asyncio.gather(first, *more)

    asyncio.run(storm())
    assert len(loads) == 2
    assert "is being loaded for more than" in caplog.text
    assert world.ready == b"ready\n"


def test_a_file_that_is_gone_keeps_the_old_policies(world: World) -> None:
    world.file.unlink()
    world.look()
    assert b"old policies" in world.ready


def test_modules_beside_it_are_loaded_again_and_looked_at(world: World) -> None:
    world.write('SCOPE = "one"\n', "scopes.py")
    world.write("import scopes\n" + HEAD + "rules = Rules(default=token.scope(scopes.SCOPE))\n")
    world.look()
    assert 'scope("one")' in world.scope
    world.write('SCOPE = "two"\n', "scopes.py")
    world.look()
    assert 'scope("two")' in world.scope
    world.write("SCOPE = (\n", "scopes.py")
    world.look()
    assert 'scope("two")' in world.scope
    world.write('SCOPE = "three"\n', "scopes.py")
    world.look()
    assert 'scope("three")' in world.scope


def test_a_new_module_that_was_broken_is_looked_at_too(world: World) -> None:
    world.write("SCOPE = 1 / 0\n", "fresh.py")
    world.write("import fresh\n" + HEAD + "rules = Rules(default=token.scope(fresh.SCOPE))\n")
    world.look()
    assert b"old policies" in world.ready
    world.write('SCOPE = "fresh"\n', "fresh.py")
    world.look()
    assert 'scope("fresh")' in world.scope


def test_policies_that_the_service_does_not_take_are_a_failure(world: World) -> None:
    """A Unix socket needs no callers, a port does: whoever loads may not know."""
    before = world.service.setup
    loose = loader(world.file, private=True)
    reloader = Reloader(world.service, loose, loose())
    world.write(READ.replace("callers =", "nobody ="))
    reloader.reload()
    reloader.reload()
    assert world.service.setup is before
    assert world.service.metrics.reload_failed
    assert 'zerotrust_policy_reloads_total{outcome="failed"} 2' in world.service.metrics.text()


def test_a_signal_loads_at_once(world: World) -> None:
    world.write(WRITE)
    world.reloader.reload()
    assert 'scope("write")' in world.scope
    world.write("rules = (")
    world.reloader.reload()
    assert 'scope("write")' in world.scope
    assert b"old policies" in world.ready


def test_what_was_written_while_it_was_loaded_is_loaded_again(world: World) -> None:
    load, writes = world.load, [lambda: world.write(WRITE)]

    def meanwhile() -> Loaded:
        done = load()
        if writes:
            writes.pop()()
        return done

    reloader = Reloader(world.service, meanwhile, load())
    before = world.service.setup
    world.write(READ + "# changed\n")
    reloader.look()
    reloader.look()
    assert world.service.setup is before
    reloader.look()
    reloader.look()
    assert 'scope("write")' in world.scope


class Source:
    answers: ClassVar[tuple[type[Ask[Any]], ...]] = ()
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    def __init__(self, fails: bool = False) -> None:
        self.closed = 0
        self._fails = fails

    def answer(self, ask: Any, timeout: float) -> Any: ...

    async def aclose(self) -> None:
        self.closed += 1
        if self._fails:
            raise OSError("gone")


def test_sources_are_closed_when_no_decision_uses_them_any_more(world: World) -> None:
    old, shared = Source(), Source()

    def loading(*sources: Any) -> Callable[[], Loaded]:
        return lambda: Loaded(setup(sources=Sources(*sources)), (world.file,), digest((world.file,)))

    first = loading(old, shared)()
    assert isinstance(first.setup, Setup)
    service = Service(first.setup, clock=ISSUER.clock)
    reloader = Reloader(service, loading(shared), first)
    first.setup.users = 1
    reloader.reload()
    asyncio.run(reloader.close_retired())
    assert (old.closed, shared.closed) == (0, 0)
    first.setup.users = 0
    asyncio.run(reloader.close_retired())
    asyncio.run(reloader.close_retired())
    assert (old.closed, shared.closed) == (1, 0)


def test_sources_are_kept_open_for_whom_they_come_back_to(world: World) -> None:
    """What the first and the third file have, and the second has not, is not closed while the third uses it."""
    shared, waiting = Source(), Source()
    loads = [Loaded(setup(sources=Sources(*some)), (world.file,), "x") for some in ([waiting], [shared])]
    first = Loaded(setup(sources=Sources(shared, waiting)), (world.file,), "x")
    assert isinstance(first.setup, Setup)
    service = Service(first.setup, clock=ISSUER.clock)
    reloader = Reloader(service, lambda: loads.pop(0), first)
    first.setup.users = 1
    reloader.reload()
    asyncio.run(reloader.close_retired())
    first.setup.users = 0
    reloader.reload()
    asyncio.run(reloader.close_retired())
    assert (shared.closed, waiting.closed) == (0, 1)


def test_what_is_retired_while_others_are_closed_is_closed_later(world: World) -> None:
    """SIGHUP is answered in a thread, which does not wait for what is being closed."""
    more = [Source(), Source(), Source()]
    loads = [Loaded(setup(sources=Sources(one)), (world.file,), "x") for one in more]
    first = loads.pop(0)
    assert isinstance(first.setup, Setup)
    reloader = Reloader(Service(first.setup, clock=ISSUER.clock), lambda: loads.pop(0), first)

    async def meanwhile() -> None:
        more[0].closed += 1
        reloader.reload()

    more[0].aclose = meanwhile  # type: ignore[method-assign]
    reloader.reload()
    asyncio.run(reloader.close_retired())
    asyncio.run(reloader.close_retired())
    assert [one.closed for one in more] == [1, 1, 0]


def test_no_version_of_the_file_stays_among_the_modules(world: World) -> None:
    def loaded() -> set[str]:
        return {name for name in sys.modules if name.startswith("_zerotrust_policies_")}

    before = loaded()
    for text in (WRITE, READ, *BROKEN.values(), WRITE):
        world.write(text)
        world.reloader.reload()
    assert loaded() == before


def test_a_policy_file_that_hangs_does_not_hold_up_the_end() -> None:
    hanging, ended = Event(), Event()

    def hangs() -> None:
        hanging.set()
        ended.wait(30)

    async def go() -> None:
        task = asyncio.create_task(aside(hangs))
        await asyncio.sleep(0)  # it begins
        task.cancel()

    asyncio.run(go())  # would wait for threads of its own
    assert hanging.wait(30)
    assert not ended.is_set()
    ended.set()

    def fails() -> None:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        asyncio.run(aside(fails))


def test_a_source_that_cannot_be_closed_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    one, other = Source(fails=True), Source()
    asyncio.run(close(Sources(one, other)))
    assert (one.closed, other.closed) == (1, 1)
    assert "Source could not be closed" in caplog.text


def test_it_looks_until_it_is_told_to_end(world: World, caplog: pytest.LogCaptureFixture) -> None:
    slept: list[float] = []
    world.write(WRITE)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            world.reloader._in_force = 7  # type: ignore[assignment]
            world.reloader._failed = world.reloader._seen = ""
            world.reloader._lock = None  # type: ignore[assignment]
        if len(slept) == 5:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(world.reloader.run(0.5, sleep))
    assert slept == [0.5] * 5
    assert 'scope("write")' in world.scope
    assert "could not be looked at" in caplog.text
