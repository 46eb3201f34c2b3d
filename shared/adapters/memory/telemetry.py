"""Telemetry in memory, as lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from shared.domain.signals import Log, Metric
from shared.telemetry import NOTHING, Attributes, OpenSpan, Reading, SpanKind, Value


@dataclass(slots=True)
class MemorySpan:
    """A span with what was said of it."""

    name: str
    kind: SpanKind
    parent: str
    id: str
    attributes: dict[str, Value]
    failed: str = ""

    def note(self, attributes: Attributes) -> None:
        """Say more about it."""
        self.attributes |= attributes

    def fail(self, why: str) -> None:
        """It ends badly."""
        self.failed = why


@dataclass(slots=True)
class MemoryTelemetry:
    """Keeps everything; spans in the order in which they began."""

    on: bool = True
    spans: list[MemorySpan] = field(default_factory=list)
    counts: list[tuple[Metric, Attributes]] = field(default_factory=list)
    records: list[tuple[Metric, float, Attributes]] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    lines: list[tuple[Log, str, Attributes]] = field(default_factory=list)
    _open: list[MemorySpan] = field(default_factory=list)

    @contextmanager
    def span(
        self,
        name: str,
        kind: SpanKind = "internal",
        attributes: Attributes = NOTHING,
        *,
        parent: str = "",
        share: float = 1.0,  # noqa: ARG002 - the port's; here every block has its span
    ) -> Iterator[OpenSpan]:
        """A span around a block."""
        above = parent or self.traceparent()
        span = MemorySpan(name, kind, above, f"span-{len(self.spans)}", dict(attributes))
        self.spans.append(span)
        self._open.append(span)
        try:
            yield span
        except BaseException as error:
            span.fail(type(error).__name__)
            raise
        finally:
            self._open.pop()

    def traceparent(self) -> str:
        """The id of the span around the caller."""
        return self._open[-1].id if self._open else ""

    def count(self, metric: Metric, attributes: Attributes) -> None:
        """One more of it."""
        self.counts.append((metric, attributes))

    def record(self, metric: Metric, value: float, attributes: Attributes) -> None:
        """One more value."""
        self.records.append((metric, value, attributes))

    def gauge(self, readings: Sequence[Reading]) -> None:
        """What the gauges show now."""
        self.readings = list(readings)

    def log(
        self,
        log: Log,
        text: str,
        attributes: Attributes,
        *,
        warning: bool = False,  # noqa: ARG002 - the port's
    ) -> None:
        """A line of a log."""
        self.lines.append((log, text, attributes))
