"""The poison queue and the dead letters as they lie in real storage."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import closing

import pytest
from azure_emulator.testing import Azurite

from shared.adapters.azure_blobs import AzureContainer
from shared.adapters.azure_leftovers import AzureDeadLetters, AzurePoisonQueue
from shared.adapters.credential import LazyCredential


@pytest.fixture
def poison_queue(
    azurite: Azurite, credential: LazyCredential, unique: str
) -> Iterator[AzurePoisonQueue]:
    """The poison queue of a queue; nothing was poisoned yet."""
    queue = AzurePoisonQueue(azurite.queue_url, f"noon-{unique}", credential)
    with closing(queue.client()):
        yield queue


def poisoned(queue: AzurePoisonQueue, *contents: str) -> None:
    """Messages as the host moves them: as they are, whether they are base64 or not."""
    queue.client().create_queue()
    for content in contents:
        queue.client().send_message(content)


def test_queue_that_was_never_made_is_empty(poison_queue: AzurePoisonQueue) -> None:
    """Where no message failed there is no queue, which is no error."""
    assert poison_queue.peek(32) == []
    assert poison_queue.take(32) == []
    assert poison_queue.count() == 0


def test_peeking_leaves_messages_where_they_are(poison_queue: AzurePoisonQueue) -> None:
    """Looking twice sees the same, and a text that was never base64 is seen as it is."""
    text = '{"schema": 1, "model": "flights", "cause": "ü"}'
    poisoned(poison_queue, base64.b64encode(text.encode()).decode(), "not base64!")
    assert poison_queue.peek(32) == poison_queue.peek(32) == [text, "not base64!"]


def test_what_was_taken_is_hidden_and_then_removed(poison_queue: AzurePoisonQueue) -> None:
    """Nobody else takes it meanwhile; removing it twice is harmless."""
    poisoned(poison_queue, *(f"m{number}!" for number in range(40)))
    assert poison_queue.count() == 40
    assert len(poison_queue.peek(32)) == 32
    first, second = poison_queue.take(32), poison_queue.take(32)
    assert sorted(text for text, _ in first + second) == sorted(f"m{n}!" for n in range(40))
    assert poison_queue.take(32) == []
    for _, receipt in first + second:
        poison_queue.remove(receipt)
    poison_queue.remove(first[0][1])
    assert poison_queue.count() == 0


def test_dead_letters_are_read_in_order(azure_container: AzureContainer) -> None:
    """The blobs of the container come with their names, as many as were asked for."""
    for name in ("LANDINGS/2026/11/23/12/b.json", "LANDINGS/2026/11/23/12/a.json"):
        azure_container.client().upload_blob(name, f'["{name}"]'.encode())
    letters = AzureDeadLetters(azure_container)
    assert [name[-6:] for name, _ in letters.read(10)] == ["a.json", "b.json"]
    assert letters.read(1) == [
        ("LANDINGS/2026/11/23/12/a.json", b'["LANDINGS/2026/11/23/12/a.json"]')
    ]


def test_container_that_was_never_made_is_empty(
    azurite: Azurite, credential: LazyCredential, unique: str
) -> None:
    """Where every event was delivered there is nothing to read."""
    container = AzureContainer(f"{azurite.blob_url}/dead-{unique}", credential)
    with closing(container.client()):
        assert AzureDeadLetters(container).read(10) == []
