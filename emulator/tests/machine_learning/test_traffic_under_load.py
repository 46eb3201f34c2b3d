"""Not one request is lost while deployments come and go below it."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from azure_emulator.testing import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONNECTIONS = 16
REQUESTS_EACH = 300
Served = Any
Seen = Counter[tuple[int, str]]


async def score_until(ending: Event, served: Served, headers: dict[str, str], seen: Seen) -> None:
    """Score as fast as it goes; count answers by status and deployment, 0 for none at all."""
    url = f"{served.emulator.url}/inference/{served.name}/score"
    bundle = served.emulator.environment["REQUESTS_CA_BUNDLE"]
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=bundle))

    async def caller() -> None:
        while not ending.is_set():
            try:
                # Long enough for some to be under way whenever a container ends.
                async with session.post(url, json={"seconds": 0.02}) as answer:
                    await answer.read()
                    name = answer.headers.get("azureml-model-deployment", "")
                    seen[answer.status, name] += 1
            except aiohttp.ClientError as error:
                seen[0, repr(error)] += 1

    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        await asyncio.gather(*(caller() for _ in range(CONNECTIONS)))


@contextmanager
def load(served: Served) -> Iterator[Seen]:
    """Let requests flow during the block."""
    seen: Seen = Counter()
    ending = Event()
    with ThreadPoolExecutor(1) as pool:
        flow = score_until(ending, served, served.headers(), seen)
        running = pool.submit(asyncio.run, flow)
        try:
            yield seen
        finally:
            ending.set()
            running.result()


@pytest.fixture
def busy(serve_endpoint: Callable[[str], Any]) -> Iterator[Served]:
    """An endpoint with one deployment that has all the traffic."""
    with serve_endpoint("tiny-busy") as served:
        served.deploy("blue")
        served.route(blue=100)
        yield served


def test_no_request_fails_while_traffic_moves_and_deployments_change(busy: Served) -> None:
    """A canary's whole life at full speed, and then the old one's end: all are answered 200."""

    def more(name: str) -> None:
        goal = seen[200, name] + REQUESTS_EACH
        wait_until(lambda: seen[200, name] >= goal, what=f"answers of {name}")

    with load(busy) as seen:
        more("blue")
        busy.deploy("green")
        assert seen[200, "green"] == 0
        for share in (10, 50):
            assert busy.route(blue=100 - share, green=share).traffic["green"] == share
            more("green")
        busy.route(green=100)
        busy.client.online_deployments.begin_delete("blue", busy.name).result()
        blue = seen[200, "blue"]
        more("green")
        assert seen[200, "blue"] == blue
        busy.deploy("green")  # a new container in the place of the one that answers
        more("green")
    assert {status for status, _ in seen} == {200}, seen
    assert sum(seen.values()) >= 5 * REQUESTS_EACH


def test_a_request_under_way_survives_the_end_of_its_deployment(busy: Served) -> None:
    """Deletion waits for it, and takes no new ones."""
    busy.deploy("green")
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(busy.score, {"seconds": 0.8}, "green")
        wait_until(lambda: busy.process("green")["in_flight"] == 1, what="the slow request")
        busy.client.online_deployments.begin_delete("green", busy.name).result()
        assert slow.result().status_code == 200
    assert busy.score(deployment="green").status_code == 404
