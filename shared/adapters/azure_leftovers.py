"""The poison queue of an Azure storage queue, and the container of Event Grid's dead letters."""

from __future__ import annotations

import base64
import binascii
from contextlib import suppress
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING

from shared.adapters.azure_blobs import AzureContainer
from shared.adapters.azure_errors import azure_errors

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.storage.queue import QueueClient

HIDDEN_SECONDS = 60
"""So long a message that was taken is not seen by others."""


class AzurePoisonQueue:
    """Where the Functions host puts messages of which every attempt failed.

    The host makes the queue with the first of them: one that is not there is empty.
    """

    def __init__(self, account_url: str, queue: str, credential: TokenCredential) -> None:
        self._account_url = account_url
        self._name = f"{queue}-poison"
        self._credential = credential
        self._lock = Lock()
        self._client: QueueClient | None = None

    def peek(self, most: int) -> list[str]:
        """The texts of the next ones, at the most 32; they stay."""
        from azure.core.exceptions import ResourceNotFoundError

        with azure_errors(f"look into the queue {self._name}"), suppress(ResourceNotFoundError):
            return [_text(str(each.content)) for each in self.client().peek_messages(most)]
        return []

    def count(self) -> int:
        """How many there are; the service may be a little behind."""
        from azure.core.exceptions import ResourceNotFoundError

        with azure_errors(f"look into the queue {self._name}"), suppress(ResourceNotFoundError):
            return self.client().get_queue_properties().approximate_message_count or 0
        return 0

    def take(self, most: int) -> list[tuple[str, str]]:
        """The next ones as text and receipt, hidden for a minute."""
        from azure.core.exceptions import ResourceNotFoundError

        with azure_errors(f"read the queue {self._name}"), suppress(ResourceNotFoundError):
            messages = self.client().receive_messages(
                max_messages=most, messages_per_page=most, visibility_timeout=HIDDEN_SECONDS
            )
            return [
                (_text(str(each.content)), f"{each.id} {each.pop_receipt}") for each in messages
            ]
        return []

    def remove(self, receipt: str) -> None:
        """Delete one that was taken; one that is gone is success."""
        from azure.core.exceptions import ResourceNotFoundError

        message, _, pop_receipt = receipt.partition(" ")
        with (
            azure_errors(f"remove a message of {self._name}"),
            suppress(ResourceNotFoundError),
        ):
            self.client().delete_message(message, pop_receipt)

    def client(self) -> QueueClient:
        """The client of the queue, whether that exists or not."""
        from azure.storage.queue import QueueClient

        with self._lock:
            if self._client is None:
                self._client = QueueClient(
                    self._account_url,
                    self._name,
                    credential=self._credential,
                    connection_timeout=5,
                    read_timeout=20,
                )
            return self._client


class AzureDeadLetters:
    """The container in which Event Grid leaves what it could not deliver."""

    def __init__(self, container: AzureContainer) -> None:
        self._container = container

    def read(self, most: int) -> list[tuple[str, bytes]]:
        """The first ones as name and content; they stay. A container not made yet is empty."""
        from azure.core.exceptions import ResourceNotFoundError

        client = self._container.client()
        with azure_errors("read the dead letters"), suppress(ResourceNotFoundError):
            names = [str(blob.name) for blob in islice(client.list_blobs(), most)]
            return [(name, client.download_blob(name).readall()) for name in names]
        return []

    def count(self, most: int) -> int:
        """How many there are, counted up to so many."""
        from azure.core.exceptions import ResourceNotFoundError

        client = self._container.client()
        with azure_errors("count the dead letters"), suppress(ResourceNotFoundError):
            return sum(1 for _ in islice(client.list_blob_names(), most))
        return 0


def _text(content: str) -> str:
    """What travelled; a sender who forgot base64 is one of those whose messages end here."""
    try:
        return base64.b64decode(content, validate=True).decode()
    except (binascii.Error, ValueError):
        return content
