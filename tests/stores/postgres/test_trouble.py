"""What each error of the server means, and that nothing it quotes gets out."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stores.postgres.world import Place, Style, fails, put
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT, Kind
from zerotrust.stores.postgres.talk import Late, NotConnected, ServerError
from zerotrust.stores.postgres.trouble import by_state, why


@pytest.mark.parametrize(
    ("state", "kind", "says"),
    [
        ("", SOURCE_DOWN, "lost"),
        ("08006", SOURCE_DOWN, "lost"),
        ("57P01", SOURCE_DOWN, "stopping"),
        ("57P02", SOURCE_DOWN, "recovering"),
        ("57P03", SOURCE_DOWN, "starting"),
        ("57P05", SOURCE_DOWN, ""),
        ("57014", SOURCE_TIMEOUT, "too long"),
        ("55P03", SOURCE_TIMEOUT, "lock"),
        ("53100", SOURCE_REFUSED, "disk is full"),
        ("53200", SOURCE_REFUSED, "memory"),
        ("53300", SOURCE_REFUSED, "max_connections"),
        ("53400", SOURCE_REFUSED, "run out"),
        ("25006", SOURCE_REFUSED, "read-only"),
        ("42501", SOURCE_REFUSED, "GRANT"),
        ("28P01", SOURCE_REFUSED, "password"),
        ("28000", SOURCE_REFUSED, "pg_hba.conf"),
        ("3D000", SOURCE_REFUSED, "database"),
        ("3F000", SOURCE_REFUSED, "zerotrust store migrate"),
        ("42P01", SOURCE_REFUSED, "zerotrust store migrate"),
        ("40001", SOURCE_REFUSED, "default_transaction_isolation"),
        ("40P01", SOURCE_REFUSED, "default_transaction_isolation"),
        ("26000", SOURCE_REFUSED, "prepare=False"),
        ("42P05", SOURCE_REFUSED, "prepare=False"),
        ("XX001", SOURCE_REFUSED, "damage"),
        ("58030", SOURCE_REFUSED, "files"),
        ("22012", SOURCE_REFUSED, "DivisionByZero"),
        ("ZZ999", SOURCE_REFUSED, "an error"),
    ],
)
def test_states(state: str, kind: Kind, says: str) -> None:
    reason = why(ServerError(state))
    assert reason is not None
    assert reason.kind is kind
    assert says in reason.detail
    assert not state or f"SQLSTATE {state}" in reason.detail


@given(st.text(max_size=6))
def test_any_state_has_a_reason(state: str) -> None:
    assert by_state(state).kind in (SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT)


@pytest.mark.parametrize(
    ("said", "kind", "says"),
    [
        ("FATAL:  sorry, too many clients already", SOURCE_REFUSED, "max_connections"),
        ("FATAL:  remaining connection slots are reserved for superusers", SOURCE_REFUSED, "max_connections"),
        ("FATAL:  the database system is starting up", SOURCE_DOWN, "starting"),
        ("FATAL:  the database system is in recovery mode", SOURCE_DOWN, "recovering"),
        ("FATAL:  the database system is not yet accepting connections", SOURCE_DOWN, "starting"),
        ("session is read-only", SOURCE_REFUSED, "primary"),
        ("connection to server failed: server does not support SSL, but SSL was required", SOURCE_REFUSED, "TLS"),
        ('failed: root certificate file "/x" does not exist', SOURCE_REFUSED, "TLS"),
        ("failed: SSL error: certificate verify failed", SOURCE_REFUSED, "certificate verify failed"),
        ("Connection refused", SOURCE_DOWN, "no connection"),
        ("FATAL:  le système est en cours de démarrage", SOURCE_DOWN, "no connection"),
        ("", SOURCE_DOWN, "no connection"),
    ],
)
def test_what_libpq_says_when_there_is_no_connection(said: str, kind: Kind, says: str) -> None:
    reason = why(NotConnected("db.example:5432", said))
    assert reason is not None
    assert reason.kind is kind
    assert says in reason.detail
    assert reason.detail.startswith("db.example:5432: ")


def test_time_and_bugs() -> None:
    for error in (Late(), TimeoutError()):
        reason = why(error)
        assert reason is not None
        assert reason.kind is SOURCE_TIMEOUT
    for lost in (psycopg.OperationalError("s3cret"), ConnectionResetError("s3cret")):
        reason = why(lost)
        assert reason is not None
        assert reason.kind is SOURCE_DOWN
        assert "s3cret" not in str(reason)
    assert why(ZeroDivisionError()) is None
    assert why(psycopg.ProgrammingError()) is None


def test_nothing_of_what_the_server_quotes_gets_out(place: Place, style: Style, sql: psycopg.Connection[Any]) -> None:
    """The detail of an error carries the whole row, the digest and the value."""
    sql.execute(f"ALTER TABLE {place.schema}.records ADD CONSTRAINT never CHECK (until < 0)")
    with place.opened(style) as store:
        reason = fails(store, put(b"d1scr33t"), SOURCE_REFUSED)
        assert reason.detail == "CheckViolation (SQLSTATE 23514)"
