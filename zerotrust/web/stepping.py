"""Generators that run under the access they were made with, whoever takes their steps, and when."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any, TypeVar

from zerotrust.web.access import Access
from zerotrust.web.ambient import acting

Y = TypeVar("Y")
S = TypeVar("S")
R = TypeVar("R")


def stepping(inner: Generator[Y, S, R], access: Access) -> Generator[Y, S, R]:
    """`inner`, each step of it under `access`. Between steps the current access is that of whoever takes them."""
    sent: Any = None
    raised: BaseException | None = None
    try:
        while True:
            with acting(access):
                try:
                    item = inner.send(sent) if raised is None else inner.throw(raised)
                except StopIteration as end:
                    result: R = end.value
                    return result
            sent = raised = None
            try:
                sent = yield item
            except GeneratorExit:
                raise
            except BaseException as error:  # noqa: BLE001 - whatever is thrown in belongs to `inner`
                raised = error
    finally:
        with acting(access):
            inner.close()


async def stepping_async(inner: AsyncGenerator[Y, S], access: Access) -> AsyncGenerator[Y, S]:
    """`stepping` for asynchronous generators."""
    sent: Any = None
    raised: BaseException | None = None
    try:
        while True:
            with acting(access):
                try:
                    item = await (inner.asend(sent) if raised is None else inner.athrow(raised))
                except StopAsyncIteration:
                    return
            sent = raised = None
            try:
                sent = yield item
            except GeneratorExit:
                raise
            except BaseException as error:  # noqa: BLE001 - as above
                raised = error
    finally:
        with acting(access):
            await inner.aclose()
