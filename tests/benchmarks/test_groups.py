"""Every benchmark runs, and what it times is right: each verifier takes the good token and refuses each bad one."""

from __future__ import annotations

import asyncio
import multiprocessing
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidSignature

from benchmarks import (
    harness,
    imports,
    ours,
    peers,
    policy,
    repeated,
    sample,
    tokens,
    web,
    web_before,
    web_http,
    yardstick,
)
from benchmarks.floors import raw
from benchmarks.harness import Row, measure
from benchmarks.material import ALGORITHMS, Material, material
from benchmarks.runner import ROOT
from benchmarks.web_calls import InProcess, request
from zerotrust import asgi, wsgi

FAULTS = ("expired", "bad_signature", "wrong_audience", "wrong_issuer")

# joserfc warns in every call that EdDSA has a newer name; see benchmarks/peers.py.
pytestmark = pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")


@pytest.fixture(autouse=True)
def briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is two calls, where it would be as many as take a while: here nobody reads the figures."""
    monkeypatch.setattr(harness, "batch_size", lambda _: 2)


@pytest.fixture(params=ALGORITHMS)
def made(request: pytest.FixtureRequest) -> Material:
    return material(request.param)


def test_every_peer_accepts_the_good_token(made: Material) -> None:
    for name, verify in peers.verifiers(made).items():
        assert verify(made.good)["jti"] == "AT.p3tFz1u8w0mQe7rJk2sVbYxN5cLhGd9a", name


@pytest.mark.parametrize("fault", FAULTS)
def test_every_peer_refuses_the_bad_token(made: Material, fault: str) -> None:
    for name, verify in peers.verifiers(made).items():
        assert isinstance(tokens.caught(verify)(getattr(made, fault)), str), name


@pytest.mark.parametrize("kept", [False, True])
def test_yardstick_is_strict(made: Material, kept: bool) -> None:
    verify = yardstick.verifier(made, kept)
    for _ in range(2):  # the second time with the header known
        assert isinstance(verify(made.good, made.now), dict)
    assert [verify(getattr(made, fault), made.now) for fault in FAULTS] == [
        "expired",
        "bad signature",
        "wrong audience",
        "wrong issuer",
    ]
    assert verify(made.unknown_kid, made.now) == "unknown key"
    assert verify("A" * 800, made.now) == "malformed"
    assert verify("A" * 20_000, made.now) == "too large"
    head, body, signature = made.good.split(".")
    for broken in ("..", f".{body}.{signature}", f"{head}.{body}.{signature}=", f"{head}.{body}.", "é..."):
        assert verify(broken, made.now) == "malformed"
    for changed in (f"{head}..{signature}", f"{head}.{body} .{signature}", f"{head}.{body}=.{signature}"):
        assert verify(changed, made.now) == "bad signature"
    assert verify(f"{head}.{body}.{_next_letter(signature)}", made.now) in ("malformed", "bad signature")
    assert verify(made.good, made.now - 3600) == "not yet valid"
    assert verify(made.token(sub=7), made.now) == "no subject"
    assert verify(made.token(exp=made.now + 0.5), made.now) == "malformed"


def test_ours_accepts_the_good_token_and_refuses_each_bad_one(made: Material) -> None:
    verify = ours.verifier(made)
    if made.algorithm == "HS256" and verify is None:
        return
    assert verify is not None
    assert ours.verified(verify(made.good, made.now))
    assert not ours.refused(verify(made.good, made.now))
    for token in [getattr(made, fault) for fault in FAULTS] + list(tokens.bad_tokens(made).values()):
        assert ours.refused(verify(token, made.now))
        assert not ours.verified(verify(token, made.now))


def test_floor_is_a_verification_that_can_fail(made: Material) -> None:
    raw(made).check()
    other = raw(replace(made, good=made.bad_signature))
    with pytest.raises((InvalidSignature, AssertionError)):
        other.check()


@pytest.mark.parametrize("name", tokens.GROUPS)
def test_tokens_run(name: str) -> None:
    measure(tokens.GROUPS[name](), rounds=1, attempts=1)


def test_tokens_seen_before_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeated, "REMEMBERED", 256)
    for group in (repeated.one(), repeated.many(), repeated.flood(repeated.REMEMBERED + 500)):
        result = measure(group, rounds=1, attempts=1)
        exact = [goal for goal in result.goals if "remembered" in goal.says or "forgotten" in goal.says]
        assert [goal.met for goal in exact] == [True] * len(exact)


@pytest.mark.parametrize("name", policy.GROUPS)
def test_policy_runs(name: str) -> None:
    measure(policy.GROUPS[name](), rounds=1, attempts=1)


@pytest.mark.parametrize("name", web.GROUPS)
def test_web_runs(name: str) -> None:
    measure(web.GROUPS[name](), rounds=1, attempts=1)


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_measured_before_an_application_refuses_a_bad_token(fault: str) -> None:
    made = material("RS256")
    bad: str = getattr(made, fault)
    guarded = asgi.Guard(web_before.bare, web_before.rules(made, 4096), clock=lambda: made.now)
    for app in (guarded, web_before.pyjwt_before(web_before.bare, made), web_before.guarded_starlette(made, 4096)):
        assert InProcess(app, made.good).status() == 200
        assert InProcess(app, bad).status() == 401
    old = wsgi.Guard(web_before.bare_wsgi, web_before.rules(made, 4096), clock=lambda: made.now)
    for before in (old, web_before.pyjwt_before_wsgi(web_before.bare_wsgi, made)):
        assert web_before.InProcess(before, made.good).status() == 200
        assert web_before.InProcess(before, bad).status() == 401


def test_web_over_http_runs_and_leaves_no_server_behind() -> None:
    measure(web_http.http(), rounds=1, attempts=1)
    assert multiprocessing.active_children() == []


def test_an_answer_that_is_no_200_is_not_measured() -> None:
    made = material("RS256")
    with ExitStack() as stack:
        port = web_http.start(web.apps(made)[web.DEFAULT_SEEN], stack)
        loop = asyncio.new_event_loop()
        stack.callback(loop.close)
        client = web_http.Client(port, made.expired, loop)
        stack.callback(client.close)
        with pytest.raises(AssertionError, match="401"):
            client.once()


@pytest.mark.parametrize("fault", ["expired", "bad_signature", "wrong_audience", "unknown_kid"])
@pytest.mark.parametrize(
    "variant", [web.PYJWT, web.OURS, web.DEFAULT, web.OURS_SEEN, web.DEFAULT_SEEN, web.MIDDLEWARE_SEEN]
)
def test_web_variants_refuse_a_bad_token(variant: str, fault: str) -> None:
    made = material("RS256")
    app = web.apps(made)[variant]
    for _ in range(2):
        request(variant, app, made.good, expected=200).check()
    request(variant, app, getattr(made, fault), expected=401).check()
    request(variant, app, None, expected=401).check()


def test_imports_run() -> None:
    group = imports.importing()
    # `measure` would start each interpreter three times.
    rows = {each.name: Row(each.name, 1.0, 1.0, each.sample(1)) for each in group.cases}
    counted = [goal.measured(rows) for goal in group.goals if "loaded" in goal.says]
    assert counted == [0, 0]
    assert all(goal.measured(rows) > 0 for goal in group.goals if "loaded" not in goal.says)


def test_each_situation_is_decided_alike_by_hand_by_cedar_and_by_us() -> None:
    for kind, facts, allowed in policy.SITUATIONS:
        given = (facts.person, facts.passkey, facts.code, facts.device, facts.context, sample.NOW)
        assert sample.by_hand(*given) is allowed, kind
        assert sample.Cedar(facts, ids_as_dicts=True).decide().allowed is allowed, kind
        assert sample.Cedar(facts, ids_as_dicts=False).decide().allowed is allowed, kind
        for each in [*ours.decisions(kind, facts, allowed), *ours.explanations(kind, facts, allowed)]:
            each.check()


def test_a_script_runs_as_a_command_in_processes_of_its_own() -> None:
    command = [sys.executable, "-m", "benchmarks.otp", "--rounds", "1"]
    ran = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
    assert "P8" in ran.stdout


def _next_letter(signature: str) -> str:
    return signature[:-1] + chr(ord(signature[-1]) + 1)
