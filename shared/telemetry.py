"""What operators see of the work, as a port: spans, counts, gauges and log lines.

Off, it is `SILENT`, which does nothing. On, nothing that it does may ever fail or hold up the
work that it watches. No feature's value and no key is ever handed to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from shared.domain.signals import Log, Metric

Value = str | bool | int | float
Attributes = Mapping[str, Value]
"""By the names of `Dimension`, or by OpenTelemetry's own."""
SpanKind = Literal["internal", "client", "producer", "consumer"]
"""As OpenTelemetry has them."""

NOTHING: Attributes = {}


@dataclass(frozen=True, slots=True)
class Reading:
    """The value of a gauge at this moment."""

    metric: Metric
    value: float
    attributes: Attributes = field(default_factory=dict, hash=False)


class OpenSpan(Protocol):
    """A span that has begun."""

    def note(self, attributes: Attributes) -> None:
        """Say more about it."""

    def fail(self, why: str) -> None:
        """It ends badly though nothing is raised; `why` is a word."""


class Telemetry(Protocol):
    """Where spans, values and lines go."""

    @property
    def on(self) -> bool:
        """Whether anybody listens; what is costly to find out is not found out for nobody."""

    def span(
        self,
        name: str,
        kind: SpanKind = "internal",
        attributes: Attributes = NOTHING,
        *,
        parent: str = "",
        share: float = 1.0,
    ) -> AbstractContextManager[OpenSpan]:
        """A span around a block; below the one around it, or below a `traceparent` if given.

        It fails when the block raises, with the name of the error and none of its words. `share`
        is the share of such blocks that get a span.
        """

    def traceparent(self) -> str:
        """The span around the caller in W3C's words; empty outside of any span of ours."""

    def count(self, metric: Metric, attributes: Attributes) -> None:
        """One more of it."""

    def record(self, metric: Metric, value: float, attributes: Attributes) -> None:
        """One more value of a distribution."""

    def gauge(self, readings: Sequence[Reading]) -> None:
        """What all gauges show now; each reading goes out once, so what ends is gone."""

    def log(self, log: Log, text: str, attributes: Attributes, *, warning: bool = False) -> None:
        """A line of a log, in the trace of the span around it."""


class _SilentSpan:
    """Every block's span when nobody listens."""

    def __enter__(self) -> _SilentSpan:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def note(self, attributes: Attributes) -> None:
        """Nothing."""

    def fail(self, why: str) -> None:
        """Nothing."""


_SILENT_SPAN = _SilentSpan()


class SilentTelemetry:
    """Nobody listens."""

    on = False

    def span(
        self,
        name: str,  # noqa: ARG002 - the port's
        kind: SpanKind = "internal",  # noqa: ARG002
        attributes: Attributes = NOTHING,  # noqa: ARG002
        *,
        parent: str = "",  # noqa: ARG002
        share: float = 1.0,  # noqa: ARG002
    ) -> AbstractContextManager[OpenSpan]:
        """A block without a span."""
        return _SILENT_SPAN

    def traceparent(self) -> str:
        """Empty."""
        return ""

    def count(self, metric: Metric, attributes: Attributes) -> None:
        """Nothing."""

    def record(self, metric: Metric, value: float, attributes: Attributes) -> None:
        """Nothing."""

    def gauge(self, readings: Sequence[Reading]) -> None:
        """Nothing."""

    def log(self, log: Log, text: str, attributes: Attributes, *, warning: bool = False) -> None:
        """Nothing."""


SILENT: Telemetry = SilentTelemetry()
