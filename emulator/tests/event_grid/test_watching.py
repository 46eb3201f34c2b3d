"""Blob events raised by watching a real storage emulator."""

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from azure.storage.blob import BlobBlock, ContainerClient, ContentSettings
from azure_emulator.storage import StorageAccess
from azure_emulator.testing import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Receiver, RunningGrid

GROUP = "/subscriptions/s/resourceGroups/rg/providers"
STORAGE = f"{GROUP}/Microsoft.Storage/storageAccounts/devstoreaccount1"
CREATED, DELETED = "Microsoft.Storage.BlobCreated", "Microsoft.Storage.BlobDeleted"


@pytest.fixture
def landing(event_storage: StorageAccess) -> ContainerClient:
    """Give a container of the test's own."""
    container = event_storage.container(f"landing-{uuid.uuid4().hex[:12]}")
    container.create_container()
    return container


@pytest.fixture
def watched(
    running_grid: "RunningGrid", event_receiver: "Receiver", landing: ContainerClient
) -> "RunningGrid":
    """Give Event Grid with a subscription on the test's container."""
    subscribe(running_grid, event_receiver, str(landing.container_name))
    return running_grid


def subscribe(running: "RunningGrid", receiver: "Receiver", container: str) -> None:
    """Subscribe to the blobs of a container."""
    prefix = f"/blobServices/default/containers/{container}/"
    answer = running.subscribe(receiver.url, scope=STORAGE, filter={"subjectBeginsWith": prefix})
    assert answer.status_code in (200, 201)


def raised(running: "RunningGrid") -> list[tuple[str, str]]:
    """Return type and path of every event so far."""
    return [
        (event["eventType"], event["subject"].partition("/blobs/")[2]) for event in running.report()
    ]


def test_a_new_blob_raises_what_the_storage_account_would(
    watched: "RunningGrid", event_receiver: "Receiver", landing: ContainerClient
) -> None:
    """With the fields of the published samples."""
    content = ContentSettings(content_type="text/csv")
    blob = landing.upload_blob("flights/2013 01 01.csv", b"a,b\n1,2\n", content_settings=content)
    watched.grid.watcher.look()
    (delivery,) = wait_until(lambda: event_receiver.notified, what="the delivery")
    (event,) = delivery.body
    assert (event["eventType"], event["topic"]) == (CREATED, STORAGE)
    name = landing.container_name
    path = "flights/2013 01 01.csv"
    assert event["subject"] == f"/blobServices/default/containers/{name}/blobs/{path}"
    data: dict[str, Any] = event["data"]
    assert data["api"] == "PutBlob"
    assert data["eTag"] == blob.get_blob_properties().etag.strip('"')
    assert (data["contentType"], data["contentLength"]) == ("text/csv", 8)
    assert (data["blobType"], data["url"]) == ("BlockBlob", blob.url)
    assert len(data["sequencer"]) == 48


def test_each_write_and_each_deletion_is_one_event(
    watched: "RunningGrid", landing: ContainerClient
) -> None:
    """However often somebody looks."""
    look = watched.grid.watcher.look
    landing.upload_blob("one", b"1")
    look()
    look()
    landing.upload_blob("one", b"2", overwrite=True)
    landing.upload_blob("two", b"")
    look()
    landing.delete_blob("one")
    look()
    look()
    assert raised(watched) == [
        (CREATED, "one"),
        (CREATED, "one"),
        (CREATED, "two"),
        (DELETED, "one"),
    ]
    sequencers = [event["data"]["sequencer"] for event in watched.report()]
    assert sequencers == sorted(set(sequencers))


def apis(running: "RunningGrid") -> list[tuple[str, int]]:
    """Return the call and the size that each event tells."""
    told = [event["data"] for event in running.report()]
    return [(data["api"], data["contentLength"]) for data in told]


@pytest.mark.behaviour("BlobCreated names the call that wrote the blob in data.api")
def test_an_event_names_the_call_that_wrote_the_blob(
    watched: "RunningGrid", landing: ContainerClient
) -> None:
    """One put, a list of blocks, a copy."""
    whole = landing.upload_blob("1-whole", b"12")
    blocks = landing.get_blob_client("2-blocks")
    blocks.stage_block("a", b"123")
    blocks.commit_block_list([BlobBlock("a")])
    landing.get_blob_client("3-copy").start_copy_from_url(whole.url)
    watched.grid.watcher.look()
    assert apis(watched) == [("PutBlob", 2), ("PutBlockList", 3), ("CopyBlob", 2)]


@pytest.mark.behaviour("A hierarchical account tells of CreateFile (empty), then FlushWithClose")
def test_a_hierarchical_account_tells_twice(
    watched: "RunningGrid", landing: ContainerClient
) -> None:
    """Of the empty file first."""
    chosen = {"hierarchical": True}
    watched.request("PUT", "/_emulator/events/settings", json=chosen)
    landing.upload_blob("one", b"12")
    watched.grid.watcher.look()
    assert apis(watched) == [("CreateFile", 0), ("FlushWithClose", 2)]


def test_blobs_from_before_the_subscription_raise_nothing(
    running_grid: "RunningGrid", event_receiver: "Receiver", landing: ContainerClient
) -> None:
    """As in Azure: only what happens after."""
    landing.upload_blob("old", b"1")
    subscribe(running_grid, event_receiver, str(landing.container_name))
    landing.upload_blob("new", b"1")
    running_grid.grid.watcher.look()
    assert raised(running_grid) == [(CREATED, "new")]


def test_an_update_of_the_subscription_loses_nothing(
    watched: "RunningGrid", event_receiver: "Receiver", landing: ContainerClient
) -> None:
    """A blob that nobody has looked at yet is not taken for an old one."""
    landing.upload_blob("new", b"1")
    subscribe(watched, event_receiver, str(landing.container_name))
    watched.grid.watcher.look()
    assert raised(watched) == [(CREATED, "new")]


def test_a_restart_neither_loses_nor_repeats(
    watched: "RunningGrid", landing: ContainerClient
) -> None:
    """What was written while the emulator was down is raised once; what was raised is not again."""
    landing.upload_blob("before", b"1")
    watched.grid.watcher.look()
    watched.close()
    landing.upload_blob("between", b"1")
    watched.start()
    watched.grid.watcher.look()
    watched.grid.watcher.look()
    assert raised(watched) == [(CREATED, "before"), (CREATED, "between")]


def test_a_container_made_later_is_watched_from_its_first_blob(
    running_grid: "RunningGrid", event_receiver: "Receiver", event_storage: StorageAccess
) -> None:
    """The subscription names it before it exists."""
    name = f"later-{uuid.uuid4().hex[:12]}"
    subscribe(running_grid, event_receiver, name)
    container = event_storage.container(name)
    container.create_container()
    container.upload_blob("first", b"1")
    running_grid.grid.watcher.look()
    assert raised(running_grid) == [(CREATED, "first")]


def test_the_hosts_own_containers_are_not_watched(
    running_grid: "RunningGrid", event_receiver: "Receiver", event_storage: StorageAccess
) -> None:
    """Nor those of Azure ML, nor the one with dead letters."""
    mark = uuid.uuid4().hex[:12]
    destination = {
        "endpointType": "StorageBlob",
        "properties": {"blobContainerName": f"dead-{mark}"},
    }
    running_grid.subscribe(event_receiver.url, scope=STORAGE, deadLetterDestination=destination)
    for name in (f"azure-webjobs-{mark}", f"azureml-{mark}", f"dead-{mark}", f"mine-{mark}"):
        event_storage.container(name).create_container()
        event_storage.container(name).upload_blob(mark, b"1")
    running_grid.grid.watcher.look()
    subjects = [event["subject"] for event in running_grid.report()]
    assert subjects == [f"/blobServices/default/containers/mine-{mark}/blobs/{mark}"]


def test_nobody_looks_without_a_subscription(
    running_grid: "RunningGrid", landing: ContainerClient
) -> None:
    """No events, no requests."""
    landing.upload_blob("blob", b"1")
    running_grid.grid.watcher.look()
    assert running_grid.report() == []


def test_the_loop_looks_again_and_again(
    start_event_grid: "Callable[..., RunningGrid]",
    event_receiver: "Receiver",
    landing: ContainerClient,
) -> None:
    """Each time after the pause that was asked for."""
    running = start_event_grid(watch_seconds=60.0)
    subscribe(running, event_receiver, str(landing.container_name))
    for name in ("one", "two"):
        landing.upload_blob(name, b"1")

        def seen(path: str = name) -> bool:
            running.clock.advance(60)
            return (CREATED, path) in raised(running)

        wait_until(seen, what=f"the event of {name}")
    assert raised(running) == [(CREATED, "one"), (CREATED, "two")]
