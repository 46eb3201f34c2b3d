"""Transports of azure-core that call a function instead of the network."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from azure.core.pipeline.transport import HttpTransport
from azure.core.rest._http_response_impl import HttpResponseImpl
from azure.core.utils import case_insensitive_dict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

    from azure.core.pipeline.transport import HttpRequest as OldRequest
    from azure.core.rest import HttpRequest

LONGEST_SLEEP_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function answers to one request."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""

    def close(self) -> None:
        """There is nothing to let go of."""


class CallTransport(HttpTransport[Any, Any]):
    """Gives each request (method, URL, headers, body) to `answer`; pauses are all but skipped."""

    def __init__(self, answer: Callable[[str, str, Mapping[str, str], bytes], Answer]) -> None:
        self._answer = answer

    def send(
        self, request: HttpRequest | OldRequest, *, stream: bool = False, **_: Any
    ) -> HttpResponseImpl:
        """Answer one request; its body is read unless the caller wants to."""
        content = _content(request)
        answer = self._answer(request.method, request.url, request.headers, content)
        response = HttpResponseImpl(
            request=request,
            internal_response=answer,
            status_code=answer.status,
            reason="",
            headers=case_insensitive_dict(dict(answer.headers)),
            content_type=answer.headers.get("content-type"),
            block_size=4096,
            stream_download_generator=_Stream,
        )
        if not stream:
            response.read()
        return response

    def sleep(self, duration: float) -> None:
        """Let others work for a moment: polls and retries need not wait here."""
        time.sleep(min(duration, LONGEST_SLEEP_SECONDS))

    def open(self) -> None:
        """There is nothing to open."""

    def close(self) -> None:
        """There is nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()


def _content(request: HttpRequest | OldRequest) -> bytes:
    # Of both kinds of requests `_data` is what a transport is to send.
    content: Any = getattr(request, "_data", None)
    content = getattr(request, "content", None) if content is None else content
    if content is None:
        return b""
    if hasattr(content, "read"):
        content = content.read()
    if isinstance(content, str):
        return content.encode()
    return bytes(content) if isinstance(content, bytes | bytearray) else b"".join(content)


class _Stream:
    """The body in one piece; the storage library hangs attributes of its own on it."""

    def __init__(self, pipeline: Any, response: Any, **_: Any) -> None:  # noqa: ARG002 - azure-core's
        content = response.internal_response.content
        self.response, self.content_length = response, len(content)
        self._parts = iter([content])

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        return bytes(next(self._parts))
