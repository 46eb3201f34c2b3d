"""Requests that arrive together share a run of the model; nobody waits for others to come."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from backend.encoding import Encoded
from backend.problems import Problem

if TYPE_CHECKING:
    from backend.scoring import Scorer

ROWS_TOGETHER_MAX = 256
"""More rows are more runs, so that the first answers leave before the last rows are scored."""

_Waiting = tuple[Encoded, "asyncio.Future[bytes]"]


class Batcher:
    """Gathers the requests of one turn of the event loop and scores them at its end."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._waiting: list[_Waiting] = []

    async def answer(self, body: bytes) -> tuple[bytes, int] | Problem:
        """The answer's body and its number of rows, or what is wrong with the request."""
        encoded = self._scorer.encoded(body)
        if isinstance(encoded, Problem):
            return encoded
        loop = asyncio.get_running_loop()
        if not self._waiting:
            # Behind all requests that are ready now: the wait is their reading, and no more.
            loop.call_soon(self._score_all)
        future: asyncio.Future[bytes] = loop.create_future()
        self._waiting.append((encoded, future))
        return await future, encoded.rows

    def _score_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        part: list[_Waiting] = []
        rows = 0
        for each in waiting:
            if part and rows + each[0].rows > ROWS_TOGETHER_MAX:
                self._score(part)
                part, rows = [], 0
            part.append(each)
            rows += each[0].rows
        self._score(part)

    def _score(self, part: list[_Waiting]) -> None:
        try:
            bodies = self._scorer.answers([encoded for encoded, _ in part])
        except Exception as error:
            if len(part) == 1:
                _, future = part[0]
                if not future.done():
                    future.set_exception(error)
                return
            # Rows that the model cannot answer fail their own request, not its neighbours'.
            for each in part:
                self._score([each])
            return
        for (_, future), body in zip(part, bodies, strict=True):
            # A caller that has gone meanwhile has cancelled its future.
            if not future.done():
                future.set_result(body)
