"""Bounded sets of connections to one server; who finds all in use waits for one.

The one used last is used next, so that no more are open than are needed at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from math import inf
from threading import Condition
from time import monotonic
from typing import Final, Generic, Protocol, TypeVar


class _Droppable(Protocol):
    def drop(self) -> None: ...


L = TypeVar("L", bound=_Droppable)


NEVER: Final = -inf


class _Slots(Generic[L]):
    """At the right end connections that nobody uses, at the left end room for further ones.

    Attributes:
        checked: the tick at which the server was last asked about itself over a connection that was open already.
    """

    def __init__(self, size: int) -> None:
        self.checked = NEVER
        self._free: deque[L | None] = deque([None] * size)
        self._closed = False

    def _put(self, link: L | None) -> None:
        if link is None:
            self._free.appendleft(None)
        else:
            self._free.append(link)
            if self._closed:
                self.clear()

    def clear(self) -> None:
        """Close the connections that nobody uses."""
        for _ in range(len(self._free)):
            try:
                link = self._free.pop()
            except IndexError:
                return
            self._free.appendleft(None)
            if link is not None:
                link.drop()

    def close(self) -> None:
        """Close those that nobody uses now, and the others when they are given back."""
        self._closed = True
        self.clear()


class Pool(_Slots[L]):
    """Connections that threads share.

    Args:
        size: how many there may be at once.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._waiting = 0
        self._given = Condition()

    def take(self, deadline: float) -> L | None:
        """A connection that nobody uses, or None for room to make one; to be given back, whatever happens.

        Raises:
            TimeoutError: there was none until the tick `deadline`.
        """
        try:
            return self._free.pop()
        except IndexError:
            pass
        with self._given:
            self._waiting += 1
            try:
                while True:
                    # First counted among those who wait, then looked: what is given back now wakes this one.
                    try:
                        return self._free.pop()
                    except IndexError:
                        left = deadline - monotonic()
                        if left <= 0:
                            raise TimeoutError("all connections are in use") from None
                        self._given.wait(left)
            finally:
                self._waiting -= 1

    def give(self, link: L | None) -> None:
        """Give back what was taken; None if the connection is gone."""
        self._put(link)
        if self._waiting:
            with self._given:
                self._given.notify()


class AsyncPool(_Slots[L]):
    """Connections that the tasks of one event loop share.

    Args:
        size: how many there may be at once.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> L | None:
        """A connection that nobody uses, or None for room to make one; to be given back, whatever happens."""
        while not self._free:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except BaseException:
                if turn.done() and not turn.cancelled():
                    self._wake()  # it was this one's turn: let the next have it
                raise
        return self._free.pop()

    def give(self, link: L | None) -> None:
        """Give back what was taken; None if the connection is gone."""
        self._put(link)
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
