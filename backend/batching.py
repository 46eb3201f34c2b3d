"""Requests that arrive together share a run of the model; nobody waits for others to come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from backend.encoding import Encoded
from backend.problems import Problem

if TYPE_CHECKING:
    from backend.scoring import Scorer

ROWS_TOGETHER_MAX = 256
"""More rows are more runs, so that the first answers leave before the last rows are scored."""

Answer = tuple[bytes, int] | Problem
"""The answer's body and its number of rows, or what is wrong with the request."""

Done = Callable[[Answer | Exception], None]
"""Takes a request's answer, or what went wrong over it; must not raise."""

_Waiting = tuple[Encoded, Done]


class Batcher:
    """Gathers the requests of one turn of the event loop and scores them at its end."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._waiting: list[_Waiting] = []
        self._rows = 0

    def put(self, body: bytes, done: Done) -> bool:
        """Have a request answered: now if it is refused, else at the turn's end.

        Whether it waits for that.
        """
        try:
            encoded = self._scorer.encoded(body)
        except Exception as error:  # the connection's parser would take it for nonsense
            done(error)
            return False
        if isinstance(encoded, Problem):
            done(encoded)
            return False
        if self._rows + encoded.rows > ROWS_TOGETHER_MAX:
            self.score_all()
        if not self._waiting:
            # Behind all requests that are ready now: the wait is their reading, and no more.
            asyncio.get_running_loop().call_soon(self.score_all)
        self._waiting.append((encoded, done))
        self._rows += encoded.rows
        return True

    async def answer(self, body: bytes) -> Answer:
        """The same for who can wait; raises what went wrong."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def done(answer: Answer | Exception) -> None:
            # A caller that has gone meanwhile has cancelled its future.
            if future.done():
                return
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

        self.put(body, done)
        return await future

    def score_all(self) -> None:
        """Answer all that wait."""
        waiting, self._waiting, self._rows = self._waiting, [], 0
        if waiting:
            self._score(waiting)

    def _score(self, part: list[_Waiting]) -> None:
        try:
            bodies = self._scorer.answers_here([encoded for encoded, _ in part])
        except Exception as error:
            if len(part) == 1:
                part[0][1](error)
                return
            # Rows that the model cannot answer fail their own request, not its neighbours'.
            for each in part:
                self._score([each])
            return
        for (encoded, done), body in zip(part, bodies, strict=True):
            done((body, encoded.rows))
