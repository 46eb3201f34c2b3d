"""Runs functions, and remembers how each run went."""

import asyncio
import contextvars
import logging
import os
import threading
import time
import traceback
import uuid
from collections import deque
from collections.abc import Awaitable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from azure.functions import meta

from azure_emulator.functions.loading import LoadedFunction, converter
from azure_emulator.functions.tracing import TraceContext, attach, traced

LOG = logging.getLogger("host")
REMEMBERED = 2000


@dataclass
class Invocation:
    """One run of a function."""

    id: str
    function: str
    reason: str
    started_at: datetime
    outcome: str = "running"
    duration_ms: float | None = None
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what the control route tells about this run."""
        return {**vars(self), "started_at": self.started_at.isoformat()}


class FunctionError(Exception):
    """A function raised, or gave back what its binding cannot carry."""


@dataclass(frozen=True)
class RetryContext:
    """Always the first try: retry policies are not supported."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: None = None


_LOCAL = threading.local()


@dataclass(frozen=True)
class Context:
    """What a function gets when it asks for `context`."""

    invocation_id: str
    function_name: str
    function_directory: str
    trace_context: TraceContext
    retry_context: RetryContext = field(default_factory=RetryContext)
    thread_local_storage: threading.local = _LOCAL


class Invoker:
    """Calls functions: asynchronous ones on the event loop, others in a pool of threads."""

    def __init__(self) -> None:
        threads = os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT")
        count = int(threads) if threads else min(32, (os.cpu_count() or 1) + 4)
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="function")
        self.log: deque[Invocation] = deque(maxlen=REMEMBERED)
        self.running = 0
        self._busy: set[str] = set()

    async def invoke(
        self,
        function: LoadedFunction,
        data: meta.Datum,
        *,
        reason: str,
        metadata: Mapping[str, meta.Datum] | None = None,
        trace: TraceContext | None = None,
    ) -> meta.Datum | None:
        """Run a function on what its trigger received; an HTTP function's answer comes back.

        Raises FunctionError, with the cause logged, when the function raises or when its binding
        cannot carry what it returns.
        """
        record = Invocation(str(uuid.uuid4()), function.name, reason, datetime.now(UTC))
        self.log.append(record)
        self.running += 1
        started = time.perf_counter()
        LOG.debug("Executing 'Functions.%s' (Reason='%s')", function.name, reason)
        try:
            arguments = self._arguments(function, data, metadata, trace, record.id)
            result = _finish(
                function, await self._call(function, arguments, record.id, trace or TraceContext())
            )
        except Exception as error:
            record.outcome, record.error = (
                "failed",
                "".join(traceback.format_exception_only(error)).strip(),
            )
            LOG.exception("Executed 'Functions.%s' (Failed, Id=%s)", function.name, record.id)
            raise FunctionError(record.error) from error
        except BaseException:
            record.outcome = "abandoned"
            raise
        else:
            record.outcome = "succeeded"
            return result
        finally:
            self.running -= 1
            record.duration_ms = round((time.perf_counter() - started) * 1000, 3)
            if function.kind != "httpTrigger" and record.outcome == "succeeded":
                LOG.info(
                    "Executed 'Functions.%s' (Succeeded, Id=%s, Duration=%.0fms)",
                    function.name,
                    record.id,
                    record.duration_ms,
                )

    async def drain(self, seconds: float) -> bool:
        """Wait until nothing runs, at most so long; tell whether that came about."""
        deadline = time.monotonic() + seconds
        while self.running and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        return not self.running

    @property
    def busy_threads(self) -> int:
        """Return how many threads are inside a function, abandoned ones included."""
        return len(self._busy)

    def close(self) -> None:
        """Take no more work; what runs in threads is left to itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _arguments(
        self,
        function: LoadedFunction,
        data: meta.Datum,
        metadata: Mapping[str, meta.Datum] | None,
        trace: TraceContext | None,
        invocation_id: str,
    ) -> dict[str, Any]:
        if function.wants_raw:
            value = data.value
        else:
            value = converter(function.kind).decode(data, trigger_metadata=metadata or {})
        arguments = {function.argument: value}
        if function.wants_context:
            arguments["context"] = Context(
                invocation_id, function.name, str(Path.cwd()), trace or TraceContext()
            )
        return arguments

    async def _call(
        self,
        function: LoadedFunction,
        arguments: dict[str, Any],
        record_id: str,
        trace: TraceContext,
    ) -> Any:
        if function.asynchronous:
            call = function.call(**arguments)
            # A task of its own, so that the trace ends with the invocation.
            return await (asyncio.create_task(_traced(call, trace)) if traced(trace) else call)
        context = contextvars.copy_context()

        def work() -> Any:
            self._busy.add(record_id)
            try:
                context.run(attach, trace)
                return context.run(function.call, **arguments)
            finally:
                self._busy.discard(record_id)

        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


async def _traced(call: Awaitable[Any], trace: TraceContext) -> Any:
    attach(trace)
    return await call


def _finish(function: LoadedFunction, result: Any) -> meta.Datum | None:
    if function.kind != "httpTrigger":
        if result is not None:
            raise TypeError(f"returned {type(result).__name__} without a $return binding")
        return None
    try:
        answer: meta.Datum = converter("http").encode(result, expected_type=None)
    except NotImplementedError:
        raise TypeError(f"an HTTP function cannot return {type(result).__name__}") from None
    return answer
