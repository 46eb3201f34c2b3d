"""Reads storage queues for queue-triggered functions."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.functions import meta

from azure_emulator.functions.invocation import FunctionError, Invoker

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from datetime import datetime

    from azure.storage.queue import QueueClient, QueueMessage

    from azure_emulator.functions.configuration import QueueOptions
    from azure_emulator.functions.connections import Connection
    from azure_emulator.functions.loading import LoadedFunction

LOG = logging.getLogger("host.queues")
T = TypeVar("T")
# The host hides a message for ten minutes at a time while a function works on it.
VISIBILITY_SECONDS = 600.0
_POLLING_INTERVAL_MIN_SECONDS = 0.1
_ERROR_INTERVAL_MAX_SECONDS = 5.0


class QueueListener:
    """One queue-triggered function and its queue."""

    def __init__(
        self,
        function: LoadedFunction,
        queue: str,
        connection: Connection,
        options: QueueOptions,
        invoker: Invoker,
        threads: Executor,
        visibility_seconds: float = VISIBILITY_SECONDS,
    ) -> None:
        self.function = function
        self.queue = queue
        self._connection = connection
        self._options = options
        self._invoker = invoker
        self._threads = threads
        self._visibility_seconds = visibility_seconds
        self._processing: set[asyncio.Task[None]] = set()
        self.renewals = 0

    async def run(self) -> None:
        """Read for ever; cancelling it leaves messages that are being worked on to themselves."""
        client = await self._io(lambda: self._connection.queue(self.queue))
        empty_reads = 0
        while True:
            found, failed = await self._read(client)
            if found:
                empty_reads = 0
                await self._wait_for_room()
                continue
            empty_reads += 1
            await asyncio.sleep(self._delay_seconds(empty_reads, failed))

    async def _read(self, client: QueueClient) -> tuple[bool, bool]:
        """Start the messages of one read; tell whether there were any and whether it failed."""
        try:
            messages = await self._io(lambda: self._receive(client))
        except ResourceNotFoundError:
            return False, False
        except AzureError as error:
            LOG.warning("Queue %s cannot be read: %s", self.queue, _first_line(error))
            return False, True
        for message in messages:
            task = asyncio.create_task(self._process(client, message))
            self._processing.add(task)
            task.add_done_callback(self._processing.discard)
        return bool(messages), False

    def _receive(self, client: QueueClient) -> list[QueueMessage]:
        pages = client.receive_messages(
            messages_per_page=self._options.batch_size,
            visibility_timeout=max(1, int(self._visibility_seconds)),
        ).by_page()
        return list(next(pages, ()))

    async def _wait_for_room(self) -> None:
        while len(self._processing) > self._options.new_batch_threshold:
            await asyncio.wait(self._processing, return_when=asyncio.FIRST_COMPLETED)

    def _delay_seconds(self, empty_reads: int, failed: bool) -> float:
        longest = self._options.polling_interval_max_seconds
        if failed:
            longest = min(longest, _ERROR_INTERVAL_MAX_SECONDS)
        step: float = (2 ** min(empty_reads - 1, 16)) * _POLLING_INTERVAL_MIN_SECONDS
        return min(longest, step * random.uniform(0.8, 1.2))  # noqa: S311  jitter, no secret

    async def _process(self, client: QueueClient, message: QueueMessage) -> None:
        try:
            await self._process_or_raise(client, message)
        except AzureError as error:
            # Another reader has it by now, or it will be visible again: at least once either way.
            LOG.warning("Message %s of %s: %s", message.id, self.queue, _first_line(error))

    async def _process_or_raise(self, client: QueueClient, message: QueueMessage) -> None:
        count = int(message.dequeue_count or 1)
        try:
            body = _decode(str(message.content), self._options.encoding)
        except ValueError:
            await self._to_poison(client, message, "it is not base64")
            return
        if count > self._options.dequeue_count_max and self._poison_name:
            await self._to_poison(client, message, f"it was read {count} times")
            return
        done = asyncio.Event()
        renewing = asyncio.create_task(self._renew(client, message, done))
        try:
            await self.invoke(body, _metadata(message), "New queue message detected.")
            succeeded = True
        except FunctionError:
            succeeded = False
        finally:
            done.set()
        await renewing
        if succeeded:
            await self._io(lambda: client.delete_message(message))
        elif count >= self._options.dequeue_count_max and self._poison_name:
            await self._to_poison(client, message, f"it failed {count} times")
        else:
            delay = int(self._options.retry_delay_seconds)
            await self._io(
                lambda: client.update_message(
                    message.id, message.pop_receipt, visibility_timeout=delay
                )
            )

    async def invoke(self, body: bytes, metadata: dict[str, meta.Datum], reason: str) -> None:
        """Run the function on a message's body."""
        try:
            datum = meta.Datum(body.decode(), "string")
        except UnicodeDecodeError:
            datum = meta.Datum(body, "bytes")
        await self._invoker.invoke(self.function, datum, reason=reason, metadata=metadata)

    async def _renew(self, client: QueueClient, message: QueueMessage, done: asyncio.Event) -> None:
        """Keep the message hidden until `done`, renewing at half time."""
        while True:
            try:
                await asyncio.wait_for(done.wait(), self._visibility_seconds / 2)
                return
            except TimeoutError:
                pass
            try:
                renewed = await self._io(
                    lambda: client.update_message(
                        message.id,
                        message.pop_receipt,
                        visibility_timeout=max(1, int(self._visibility_seconds)),
                    )
                )
            except AzureError as error:
                LOG.warning("Message %s was not renewed: %s", message.id, _first_line(error))
                return
            message.pop_receipt = renewed.pop_receipt
            self.renewals += 1

    @property
    def _poison_name(self) -> str | None:
        return None if self.queue.endswith("-poison") else f"{self.queue}-poison"

    async def _to_poison(self, client: QueueClient, message: QueueMessage, why: str) -> None:
        name = self._poison_name
        if name is not None:
            LOG.error("Message %s of %s moves to %s: %s", message.id, self.queue, name, why)
            await self._io(lambda: _send(self._connection.queue(name), str(message.content)))
        await self._io(lambda: client.delete_message(message))

    async def _io(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def metadata_of_test_message(message_id: str) -> dict[str, meta.Datum]:
    """Return the metadata of a message that never was in a queue."""
    return {"Id": meta.Datum(message_id, "string"), "DequeueCount": meta.Datum(1, "int")}


def _metadata(message: QueueMessage) -> dict[str, meta.Datum]:
    values: dict[str, Any] = {
        "Id": message.id,
        "PopReceipt": message.pop_receipt,
        "InsertionTime": _time(message.inserted_on),
        "ExpirationTime": _time(message.expires_on),
        "NextVisibleTime": _time(message.next_visible_on),
    }
    metadata = {name: meta.Datum(value, "string") for name, value in values.items() if value}
    metadata["DequeueCount"] = meta.Datum(int(message.dequeue_count or 1), "int")
    return metadata


def _time(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def _decode(text: str, encoding: str) -> bytes:
    if encoding == "none":
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def _send(client: QueueClient, text: str) -> None:
    try:
        client.send_message(text, time_to_live=-1)
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):
            client.create_queue()
        client.send_message(text, time_to_live=-1)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
