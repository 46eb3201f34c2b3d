"""Messages in an Azure storage queue."""

from __future__ import annotations

import json
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

from shared.adapters.azure_errors import azure_errors
from shared.domain.errors import MalformedError
from shared.domain.events import MESSAGE_SCHEMA, Message

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.storage.queue import QueueClient


class AzureTextQueue:
    """A queue of texts, as the Functions host expects them; made when missing."""

    def __init__(self, account_url: str, name: str, credential: TokenCredential) -> None:
        self._account_url = account_url
        self._name = name
        self._credential = credential
        self._lock = Lock()
        self._client: QueueClient | None = None

    def send_text(self, text: str, delay_seconds: int = 0) -> None:
        """Enqueue; it becomes visible after the delay."""
        with azure_errors(f"send to the queue {self._name}"):
            self.client().send_message(text, visibility_timeout=delay_seconds)

    def client(self) -> QueueClient:
        """The client of the queue, which exists."""
        with self._lock:
            if self._client is None:
                self._client = self._made()
            return self._client

    def _made(self) -> QueueClient:
        from azure.core.exceptions import ResourceExistsError
        from azure.storage.queue import (
            LinearRetry,
            QueueClient,
            TextBase64DecodePolicy,
            TextBase64EncodePolicy,
        )

        client = QueueClient(
            self._account_url,
            self._name,
            credential=self._credential,
            # What the Functions host expects of a sender.
            message_encode_policy=TextBase64EncodePolicy(),
            message_decode_policy=TextBase64DecodePolicy(),
            retry_policy=LinearRetry(backoff=1, retry_total=1, random_jitter_range=1),
            connection_timeout=5,
            read_timeout=20,
        )
        # The service answers 204 for a queue that exists, and the client raises for it.
        with suppress(ResourceExistsError):
            client.create_queue()
        return client


class AzureMessageQueue(AzureTextQueue):
    """The queue that wakes the control plane."""

    def send(self, message: Message, delay_seconds: int = 0) -> None:
        """Enqueue; it becomes visible after the delay."""
        self.send_text(message_text(message), delay_seconds)


def message_text(message: Message) -> str:
    """The message as the text that travels."""
    content: dict[str, str | int] = {
        "schema": message.schema,
        "model": message.model,
        "cause": message.cause,
        "traceparent": message.traceparent,
    }
    if message.event_id:
        content["event"] = message.event_id
    if message.attempt:
        content["attempt"] = message.attempt
    return json.dumps(content)


def parse_message(text: str) -> Message:
    """The message in a text; raises MalformedError that says what is wrong with it."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"message: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise MalformedError("message: not a JSON object")
    if content.get("schema") != MESSAGE_SCHEMA:
        raise MalformedError(
            f"message: schema {content.get('schema')!r} is unknown here, not {MESSAGE_SCHEMA}"
        )
    for field in ("model", "cause"):
        if not isinstance(content.get(field), str) or not content[field]:
            raise MalformedError(f"message: {field} must be a text that is not empty")
    for field in ("traceparent", "event"):
        if not isinstance(content.get(field, ""), str):
            raise MalformedError(f"message: {field} must be a text")
    attempt = content.get("attempt", 0)
    if type(attempt) is not int or attempt < 0:
        raise MalformedError("message: attempt must be a whole number, not below 0")
    return Message(
        content["model"],
        content["cause"],
        content.get("traceparent", ""),
        event_id=content.get("event", ""),
        attempt=attempt,
    )
