"""Timers and queues against a real queue service."""

import base64
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from azure.storage.blob import BlobClient, BlobServiceClient
from azure.storage.queue import QueueClient
from azure_emulator.testing import Azurite, wait_until

if TYPE_CHECKING:
    from .conftest import RunningHost, StartHost

EVERY_NIGHT = "0 0 3 * * *"


@pytest.fixture
def work_queue(functions_azurite: Azurite, request: pytest.FixtureRequest) -> QueueClient:
    """Give a queue of the test's own."""
    name = f"q-{abs(hash(request.node.name)):x}"
    return existing(queue_client(functions_azurite, name))


def queue_client(azurite: Azurite, name: str) -> QueueClient:
    """Return a client of a queue that may not exist."""
    return QueueClient.from_connection_string(
        azurite.connection_string, name, connection_verify=str(azurite.tls.bundle)
    )


def existing(client: QueueClient) -> QueueClient:
    """Make the queue."""
    client.create_queue()
    return client


@pytest.fixture
def start_work(
    start_functions_host: "StartHost", functions_azurite: Azurite, work_queue: QueueClient
) -> "StartHost":
    """Give a function that starts the app `work` on the test's queue."""

    def start(*options: str, noon: str = EVERY_NIGHT, **where: Any) -> "RunningHost":
        return start_functions_host(
            "work",
            *options,
            **where,
            AzureWebJobsStorage=functions_azurite.connection_string,
            REQUESTS_CA_BUNDLE=str(functions_azurite.tls.bundle),
            QUEUE=work_queue.queue_name,
            NOON=noon,
        )

    return start


def send(queue: QueueClient, text: str) -> None:
    """Put a message as the host expects it."""
    queue.send_message(base64.b64encode(text.encode()).decode())


def poison_of(azurite: Azurite, queue: QueueClient) -> list[str]:
    """Return what lies in a queue's poison queue."""
    client = queue_client(azurite, f"{queue.queue_name}-poison")
    return [str(message.content) for message in client.peek_messages(max_messages=32)]


def test_a_message_runs_the_function_and_is_gone(
    start_work: "StartHost", work_queue: QueueClient
) -> None:
    """It arrives decoded, with its id and the number of reads."""
    host = start_work()
    send(work_queue, "grüße")
    (run,) = wait_until(lambda: host.noted("work"), what="the run")
    assert (run["body"], run["count"]) == ("grüße", 1)
    assert run["id"]
    wait_until(lambda: host.invocations("work")[0]["outcome"] == "succeeded", what="the end")
    wait_until(
        lambda: work_queue.get_queue_properties().approximate_message_count == 0,
        what="the message to go",
    )


def test_a_message_that_fails_five_times_moves_to_poison(
    start_work: "StartHost", work_queue: QueueClient, functions_azurite: Azurite
) -> None:
    """Five tries, then `<queue>-poison` with the same text; others are not held up."""
    host = start_work()
    send(work_queue, "fail")
    send(work_queue, "good")
    wait_until(lambda: host.noted("work")[-1:] and len(host.noted("work")) == 6, what="six runs")
    counts = [run["count"] for run in host.noted("work") if run["body"] == "fail"]
    assert counts == [1, 2, 3, 4, 5]
    wait_until(
        lambda: work_queue.get_queue_properties().approximate_message_count == 0,
        what="the queue to be empty",
    )
    assert poison_of(functions_azurite, work_queue) == [base64.b64encode(b"fail").decode()]
    assert "it failed 5 times" in host.process.log.read_text()


def test_a_message_that_is_not_base64_moves_to_poison_unread(
    start_work: "StartHost", work_queue: QueueClient, functions_azurite: Azurite
) -> None:
    """The function never sees it."""
    host = start_work()
    work_queue.send_message("not base64!")
    wait_until(
        lambda: work_queue.get_queue_properties().approximate_message_count == 0,
        what="the queue to be empty",
    )
    assert poison_of(functions_azurite, work_queue) == ["not base64!"]
    assert host.noted("work") == []


def test_a_long_run_keeps_its_message_hidden(
    start_work: "StartHost", work_queue: QueueClient, tmp_path: Path
) -> None:
    """Renewed at half time, so that no second run begins, and deleted in the end."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    host = start_work("--queue-visibility-seconds", "1")
    send(work_queue, f"wait:{fifo}")

    def renewals() -> int:
        listeners = httpx.get(f"{host.url}/_emulator/queues").json()["value"]
        return sum(listener["renewals"] for listener in listeners)

    wait_until(lambda: renewals() >= 5, what="five renewals")
    fifo.write_text("go on")
    wait_until(lambda: host.noted("work")[-1]["body"] == "waited", what="the end")
    wait_until(
        lambda: work_queue.get_queue_properties().approximate_message_count == 0,
        what="the message to go",
    )
    assert [run.get("count") for run in host.noted("work")] == [1, None]


def test_a_killed_host_gives_its_message_back(
    start_work: "StartHost", work_queue: QueueClient, tmp_path: Path
) -> None:
    """After SIGKILL the message becomes visible again and the next host runs it."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    first = start_work("--queue-visibility-seconds", "1")
    send(work_queue, f"wait:{fifo}")
    wait_until(lambda: first.noted("work"), what="the first run")
    first.process.kill()
    second = start_work("--queue-visibility-seconds", "1")
    wait_until(lambda: len(second.noted("work")) == 2, what="the second run")
    fifo.write_text("go on")
    wait_until(lambda: second.noted("work")[-1]["body"] == "waited", what="the end")
    assert [run.get("count") for run in second.noted("work")] == [1, 2, None]


def test_a_queue_that_does_not_exist_yet_is_waited_for(
    start_work: "StartHost", work_queue: QueueClient, functions_azurite: Azurite
) -> None:
    """Its first message is found; an argument annotated `str` is the text."""
    host = start_work()
    later = existing(queue_client(functions_azurite, f"{work_queue.queue_name}-text"))
    send(later, "first")
    (run,) = wait_until(lambda: host.noted("words"), what="the run")
    assert run["body"] == "first"


def test_a_timer_runs_at_its_times(start_work: "StartHost") -> None:
    """Every second, never late."""
    host = start_work()
    runs = wait_until(lambda: host.noted("often")[2:], what="three runs")
    assert not any(run["past_due"] for run in runs)
    assert host.noted("noon") == []


def status_of(azurite: Azurite, host_id: str, function: str) -> BlobClient:
    """Return the blob in which hosts remember a timer."""
    service = BlobServiceClient.from_connection_string(
        azurite.connection_string, connection_verify=str(azurite.tls.bundle)
    )
    return service.get_blob_client("azure-webjobs-hosts", f"timers/{host_id}/{function}/status")


def read(blob: BlobClient) -> dict[str, str]:
    """Return what the blob says, {} when it is not there yet."""
    return json.loads(blob.download_blob().readall()) if blob.exists() else {}


@pytest.mark.behaviour("A timer's run that was missed while no host was up comes past due")
def test_a_slot_missed_while_the_host_was_down_runs_late(
    start_work: "StartHost", functions_azurite: Azurite
) -> None:
    """The next host runs it at once, past due, and a third one does not."""
    status = status_of(functions_azurite, "late", "noon")
    first = start_work("--host-id", "late")
    wait_until(lambda: read(status), what="the status")
    first.process.close()
    stored = read(status)
    missed = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    status.upload_blob(json.dumps({**stored, "next_at": missed.isoformat()}), overwrite=True)

    second = start_work("--host-id", "late")
    (run,) = wait_until(lambda: second.noted("noon"), what="the late run")
    assert run["past_due"] is True
    wait_until(
        lambda: datetime.fromisoformat(read(status)["next_at"]) > missed,
        what="the status to be kept",
    )
    second.process.close()

    third = start_work("--host-id", "late")
    wait_until(lambda: len(third.invocations("often")) >= 2, what="the third host to work")
    assert len(third.noted("noon")) == 1


@pytest.mark.behaviour("A timer runs in one of two hosts, which hold a blob lease for it")
def test_of_two_hosts_one_fires_the_timers(start_work: "StartHost", tmp_path: Path) -> None:
    """The other takes over when the first has gone."""
    first = start_work("--host-id", "twins", home=tmp_path / "first")
    wait_until(lambda: first.invocations("often"), what="the first host to fire")
    second = start_work("--host-id", "twins", home=tmp_path / "second")
    seen = len(first.invocations("often"))
    wait_until(lambda: len(first.invocations("often")) >= seen + 2, what="two more runs")
    assert second.invocations("often") == []
    timers = httpx.get(f"{second.url}/_emulator/timers").json()["value"]
    assert {"function": "often", "here": False} in timers
    first.process.close()
    wait_until(lambda: second.invocations("often"), what="the second host to take over")


def test_a_killed_host_that_comes_back_goes_on_at_once(
    start_work: "StartHost", functions_azurite: Azurite
) -> None:
    """Its lease is its own: nobody waits until that has run out."""
    first = start_work("--host-id", "phoenix")
    wait_until(lambda: first.invocations("often"), what="the first host to fire")
    first.process.kill()
    lock = status_of(functions_azurite, "phoenix", "noon")
    second = start_work("--host-id", "phoenix", port=first.port)
    wait_until(lambda: second.invocations("often"), what="the second host to fire")
    service = BlobServiceClient.from_connection_string(
        functions_azurite.connection_string, connection_verify=str(functions_azurite.tls.bundle)
    )
    locks = service.get_container_client(str(lock.container_name)).list_blobs("locks/phoenix/")
    assert {blob.name.rpartition("/")[2] for blob in locks} == {
        "often.Listener",
        "noon.Listener",
    }


def test_an_admin_call_fires_a_timer_and_feeds_a_queue_function(start_work: "StartHost") -> None:
    """A timer takes an empty text, a queue function the message's text."""
    host = start_work()
    for name, text in (("noon", ""), ("work", "by hand")):
        answer = httpx.post(
            f"{host.url}/admin/functions/{name}", json={"input": text}, headers=host.master
        )
        assert answer.status_code == 202
    assert wait_until(lambda: host.noted("noon"), what="the timer")[0]["past_due"] is False
    assert wait_until(lambda: host.noted("work"), what="the queue")[0]["body"] == "by hand"


def test_a_route_prefix_of_nothing_puts_functions_at_the_root(start_work: "StartHost") -> None:
    """`extensions.http.routePrefix` of host.json is empty in this app."""
    host = start_work()
    assert httpx.get(f"{host.url}/health").text == "ok"
