"""What went wrong, as a reason: by SQLSTATE, never by a text of the server's that may quote keys or values."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import psycopg

from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT, Kind, Reason
from zerotrust.stores.postgres.talk import Late, NotConnected, ServerError


class _Meaning(NamedTuple):
    kind: Kind
    detail: str


# By SQLSTATE or its class, https://www.postgresql.org/docs/current/errcodes-appendix.html; the longer one counts.
_MEANINGS: Final = {
    "": _Meaning(SOURCE_DOWN, "the connection was lost"),
    "08": _Meaning(SOURCE_DOWN, "the connection was lost"),
    "08P01": _Meaning(SOURCE_DOWN, "the server does not keep to the protocol"),
    "0A000": _Meaning(SOURCE_REFUSED, "the schema was changed under a prepared statement"),
    "22021": _Meaning(SOURCE_REFUSED, "the database has an encoding that cannot be used; create it with UTF8"),
    "25006": _Meaning(SOURCE_REFUSED, "read-only: a replica, or a server that was set so; connect to the primary"),
    "26000": _Meaning(SOURCE_REFUSED, "prepared statements get lost; behind a pooler of transactions: prepare=False"),
    "28": _Meaning(SOURCE_REFUSED, "the server does not let this role in; see its pg_hba.conf and the URL"),
    "28P01": _Meaning(SOURCE_REFUSED, "wrong password"),
    "3D000": _Meaning(SOURCE_REFUSED, "there is no such database"),
    "3F000": _Meaning(SOURCE_REFUSED, "there are no tables; run `zerotrust store migrate` with this URL"),
    "40": _Meaning(
        SOURCE_REFUSED,
        "it lost against another transaction; ALTER ROLE ... SET default_transaction_isolation = 'read committed'",
    ),
    "42501": _Meaning(
        SOURCE_REFUSED,
        "the role may not do this; GRANT USAGE on the schema, SELECT, INSERT, UPDATE, DELETE on its tables",
    ),
    "42703": _Meaning(SOURCE_REFUSED, "the tables are not those of this version; run `zerotrust store migrate`"),
    "42P01": _Meaning(SOURCE_REFUSED, "there are no tables; run `zerotrust store migrate` with this URL"),
    "42P05": _Meaning(
        SOURCE_REFUSED, "prepared statements get mixed up; behind a pooler of transactions: prepare=False"
    ),
    "53": _Meaning(SOURCE_REFUSED, "the server has run out of something"),
    "53100": _Meaning(SOURCE_REFUSED, "the server's disk is full"),
    "53200": _Meaning(SOURCE_REFUSED, "the server has run out of memory"),
    "53300": _Meaning(SOURCE_REFUSED, "the server takes no more connections; raise max_connections, or use fewer"),
    "55P03": _Meaning(SOURCE_TIMEOUT, "a lock was not to be had in time"),
    "55006": _Meaning(SOURCE_DOWN, "the database is being changed"),
    "57014": _Meaning(SOURCE_TIMEOUT, "the server took too long"),
    "57P": _Meaning(SOURCE_DOWN, "the server is starting, stopping or recovering"),
    "58": _Meaning(SOURCE_REFUSED, "the server cannot use its files"),
    "XX": _Meaning(SOURCE_REFUSED, "the server reports damage; see its log"),
}

# What the server says before a session has begun comes as text alone. English is what it is written in.
_SAID: Final = tuple(
    (re.compile(pattern), state)
    for pattern, state in (
        (r"password authentication failed|no password supplied|empty password|SCRAM.*(?:verif|mismatch)", "28P01"),
        (r"no pg_hba\.conf entry|pg_hba\.conf rejects|authentication failed|not permitted to log in", "28000"),
        (r'role ".*" does not exist|is not currently allowed to connect|permission denied for database', "28000"),
        (r'database ".*" does not exist', "3D000"),
        (r"too many (?:clients|connections)|connection slots are reserved|sorry, too many", "53300"),
        (r"starting up|shutting down|recovery mode|not (?:yet )?accepting (?:commands|connections)", "57P03"),
        (r"session is (?:not )?read-only|is in hot standby|server is not in hot standby", "25006"),
    )
)
_TLS: Final = re.compile(r"SSL|TLS|certificate|private key|host ?name", re.IGNORECASE)


def why(error: BaseException) -> Reason | None:
    """The reason why an ask failed with `error`; None if that is a bug."""
    if isinstance(error, ServerError):
        return by_state(error.state)
    if isinstance(error, Late | TimeoutError):
        return SOURCE_TIMEOUT(detail="no answer in time")
    if isinstance(error, NotConnected):
        return _not_connected(error)
    if isinstance(error, psycopg.OperationalError | OSError):
        return SOURCE_DOWN(detail="the connection was lost")
    return None


def by_state(state: str) -> Reason:
    """The reason that an SQLSTATE stands for."""
    for length in (5, 3, 2):
        meaning = _MEANINGS.get(state[:length])
        if meaning is not None:
            return meaning.kind(detail=f"{meaning.detail} (SQLSTATE {state})" if state else meaning.detail)
    try:
        name = psycopg.errors.lookup(state).__name__
    except KeyError:
        name = "an error"
    return SOURCE_REFUSED(detail=f"{name} (SQLSTATE {state})")


def costs_the_session(state: str) -> bool:
    """Whether a session that met with this error is not to be used again, as the next one may fare better."""
    return state[:2] not in ("22", "23", "40", "53") and state not in ("57014", "42501", "55P03")


def _not_connected(error: NotConnected) -> Reason:
    if error.needs_password:
        return SOURCE_REFUSED(expected="a password in the URL or in libpq's password file", detail=error.where)
    if "authentication method requirement" in error.said:
        advice = "a server that is verified: sslmode=verify-full; or require_auth=password, if it is meant so"
        return SOURCE_REFUSED(expected=advice, detail=f"{error.where}: it wants to be sent the password itself")
    for pattern, state in _SAID:
        if pattern.search(error.said):
            reason = by_state(state)
            return reason.kind(detail=f"{error.where}: {reason.detail}")
    if "FATAL" not in error.said and _TLS.search(error.said):
        return SOURCE_REFUSED(detail=f"{error.where}: TLS: {_last_words(error.said)}")
    return SOURCE_DOWN(detail=f"{error.where}: no connection")


def _last_words(said: str) -> str:
    """What follows the place in libpq's messages: names of protocols and files, nothing secret."""
    return " ".join(said.strip().rpartition("failed: ")[2].split())[:200]
