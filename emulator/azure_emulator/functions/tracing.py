"""The trace that a caller brings, handed to OpenTelemetry as the worker of Python 3.11 does it.

The library of the worker of Python 3.13 does the same for asynchronous functions alone.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

SETTING = "PYTHON_ENABLE_OPENTELEMETRY"


@dataclass(frozen=True)
class TraceContext:
    """The W3C trace context of an invocation."""

    trace_parent: str = ""
    trace_state: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def Traceparent(self) -> str:  # noqa: N802  the worker's older spelling
        """Return the parent by its older name."""
        return self.trace_parent


def traced(trace: TraceContext) -> bool:
    """Tell whether there is a trace, and the app's settings ask for it.

    The worker of Python 3.12 and older takes any value of the setting, even `false`, for a yes.
    """
    return bool(trace.trace_parent and os.environ.get(SETTING))


def attach(trace: TraceContext) -> None:
    """Make the trace the current context, if it is asked for and the app brought the library."""
    if not traced(trace):
        return
    try:
        from opentelemetry import context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
    except ImportError:
        return
    carrier = {"traceparent": trace.trace_parent, "tracestate": trace.trace_state}
    context.attach(TraceContextTextMapPropagator().extract(carrier))
