"""A few sessions that are used in turn.

It has no threads: psycopg's own pool connects in the background, where no deadline of an ask reaches and which a fork
leaves behind. Here whoever finds no session makes one, in the time that the ask has.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

import psycopg

from zerotrust.stores.postgres.session import Session, Terms, open_session
from zerotrust.stores.postgres.statements import SET_BACK, Question, Statement, set_back
from zerotrust.stores.postgres.sweeping import Broom
from zerotrust.stores.postgres.talk import Late, ServerError, Talk, time_left
from zerotrust.stores.postgres.trouble import costs_the_session

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult


class Sessions:
    """Those that lie idle. How many there are at most is up to who asks.

    Args:
        terms: how they are to be.
        broom: says when to sweep.
    """

    __slots__ = ("_broom", "_idle", "_terms", "_turn")

    def __init__(self, terms: Terms, broom: Broom) -> None:
        self._terms = terms
        self._broom = broom
        self._idle: deque[tuple[int, Session]] = deque()
        # Sessions of an earlier turn are not used again.
        self._turn = 0

    def answer(self, question: Question, until: float) -> Talk[object]:
        """The answer to `question`; the session it was asked in is back here afterwards, or closed.

        Raises:
            SourceFailed: the tables are not ours, or the result means no answer.
            ServerError, NotConnected, Late, psycopg.OperationalError: see `trouble.why`.
        """
        turn, session = self._take()
        if session is None:
            session = yield from open_session(self._terms, until)
        try:
            result = yield from self._execute(turn, session, question.statement, question.parameters, until)
        except ServerError as error:
            if error.state != SET_BACK or question.doubt is None:
                raise
            return (yield from self._doubt(*question.doubt, until))
        sweep = self._broom.due(question.statement)
        if sweep is not None:
            yield from self._sweep(sweep, question.now, until)
        return question.read(result)

    def _doubt(self, statement: Statement, parameters: list[bytes], until: float) -> Talk[bool]:
        """False if it is there for sure; raises `SourceFailed` if nobody knows any more."""
        turn, session = self._take()
        if session is None:
            raise set_back()
        if (yield from self._execute(turn, session, statement, parameters, until)).ntuples:
            return False
        raise set_back()

    def close(self) -> None:
        """Close those that are idle, and those in use when they come back."""
        self._turn += 1
        self._drop()

    def _execute(
        self, turn: int, session: Session, statement: Statement, parameters: list[bytes], until: float
    ) -> Talk[PGresult]:
        try:
            result = yield from session.execute(statement, parameters, until)
        except ServerError as error:
            if costs_the_session(error.state):
                session.close()
                self._distrust(turn)
            else:
                self._give(turn, session)
            raise
        except psycopg.OperationalError:
            session.close()
            self._distrust(turn)
            raise
        except BaseException:  # given up with the reply outstanding: nobody must ever read it
            session.close()
            raise
        self._give(turn, session)
        return result

    def _sweep(self, sweep: Statement, now: int, until: float) -> Talk[None]:
        """Sweep; the answer is known, so whether that works matters to nobody."""
        turn, session = self._take()
        if session is None:
            return
        parameters = [now.to_bytes(8, "big", signed=True), self._terms.schema.lock.to_bytes(4, "big", signed=True)]
        with suppress(ServerError, Late, psycopg.OperationalError):
            yield from self._execute(turn, session, sweep, parameters, monotonic() + time_left(until) / 2)

    def _take(self) -> tuple[int, Session | None]:
        """The session that was used last, if it is usable; it is closed if not."""
        while True:
            try:
                turn, session = self._idle.pop()
            except IndexError:
                return self._turn, None
            if turn == self._turn and session.usable():
                return turn, session
            session.close()

    def _give(self, turn: int, session: Session) -> None:
        self._idle.append((turn, session))
        if turn != self._turn:  # closed or distrusted meanwhile, perhaps by who is through with dropping them
            self._drop()

    def _distrust(self, turn: int) -> None:
        """Whatever ended a session of this turn may have ended the others, too."""
        if turn == self._turn:
            self._turn += 1
            self._drop()

    def _drop(self) -> None:
        while self._idle:
            try:
                self._idle.popleft()[1].close()
            except IndexError:  # another thread took it
                return
