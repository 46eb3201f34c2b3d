"""Predictions that operators see: each in a distribution, some of them as a trace.

What a caller sends and what the model answers is never looked at.
"""

from __future__ import annotations

import time
from itertools import count

from shared.application.predict import Predictions
from shared.application.problems import Answer
from shared.domain.signals import Dimension, Log, Metric, Span
from shared.telemetry import SILENT, Telemetry, Value

NO_MODEL = "unknown"
"""Callers can ask for any name; only those of models are told apart."""
LINES_SECONDS = 1.0
"""At most one line so often: an outage is counted in full, and told of now and then."""


class WatchedPredictions:
    """Predictions, counted by deployment and outcome; one in so many gets a span."""

    def __init__(
        self, inner: Predictions, models: frozenset[str], telemetry: Telemetry, traced: float
    ) -> None:
        self._inner = inner
        self._models = models
        self._telemetry = telemetry
        self._share = traced
        self._every = round(1 / traced) if traced else 0
        self._asked = count(1)
        self._told_at = -LINES_SECONDS

    async def answer(self, model: str, body: bytes) -> Answer:
        """The predictions for a body of rows, or a problem that says what is wrong."""
        began = time.perf_counter()
        mine: dict[str, Value] = {Dimension.MODEL: model if model in self._models else NO_MODEL}
        traced = self._every and next(self._asked) % self._every == 0
        telemetry = self._telemetry if traced else SILENT
        with telemetry.span(Span.PREDICT, attributes=mine, share=self._share) as span:
            answer = await self._inner.answer(model, body)
            outcome = outcome_of(answer)
            about = mine | {Dimension.DEPLOYMENT: answer.deployment, Dimension.OUTCOME: outcome}
            span.note(about | {Dimension.STATUS: answer.status})
            if answer.status >= 500:
                span.fail(outcome)
        latency_ms = (time.perf_counter() - began) * 1000
        self._telemetry.record(Metric.PREDICTION_DURATION, latency_ms, about)
        if answer.status >= 500 and began - self._told_at >= LINES_SECONDS:
            self._told_at = began
            self._tell(answer, about)
        return answer

    async def settled(self) -> None:
        """Wait until what is being written down or read behind the answers is done."""
        await self._inner.settled()

    def _tell(self, answer: Answer, about: dict[str, Value]) -> None:
        # Not the answer's words: a deployment's own can quote the rows.
        who = about[Dimension.DEPLOYMENT] or "nobody"
        text = f"{about[Dimension.MODEL]}: {who} answered, status {answer.status}"
        line = about | {Dimension.STATUS: answer.status}
        self._telemetry.log(Log.PREDICTION_FAILED, text, line, warning=True)


def outcome_of(answer: Answer) -> str:
    """What became of a request, in a word."""
    match answer.status:
        case status if status < 400:
            return "answered"
        case 429:
            return "busy"
        case status if status < 500:
            return "refused"
        case 504 if not answer.deployment:
            return "late"
        case 503 if not answer.deployment:
            return "unavailable"
    return "failed"
