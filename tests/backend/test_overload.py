"""What waits is bounded: the rest is refused at once, and says when to come again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx

from backend.admission import FEW_REQUESTS, Admission
from backend.settings import Settings

FLIGHT = {"distance": 1089, "hour": 17, "origin": "JFK"}


def test_a_request_that_waited_too_long_is_refused() -> None:
    """The wait is measured within a turn of the event loop, and begins anew with the next."""

    async def ask() -> list[bool]:
        admission = Admission(Settings(queue_milliseconds_max=100))
        few = [admission.late(5.0 + number) for number in range(FEW_REQUESTS)]
        assert not any(few)
        late = [admission.late(now) for now in (5.05, 5.1, 5.1001, 6.0)]
        turn = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(turn.set_result, None)
        await turn
        return [*late, admission.late(9.0)]

    assert asyncio.run(ask()) == [False, False, True, True, False]


def test_what_is_refused_says_when_to_come_again(
    backend_models: dict[str, Path], service_client: Any
) -> None:
    """More large bodies than may wait: some are answered, the others are 429 with Retry-After."""
    content = json.dumps({"rows": [FLIGHT] * 3000}).encode()

    async def ask() -> tuple[list[httpx.Response], httpx.Response]:
        async with service_client(backend_models["late"], queue_bodies_max=2) as client:
            posts = [client.post("/score", content=content) for _ in range(8)]
            return await asyncio.gather(*posts), await client.post("/score", content=content)

    responses, after = asyncio.run(ask())
    by_status = [response.status_code for response in responses]
    assert sorted(by_status) == [200] * 2 + [429] * 6
    refused = responses[by_status.index(429)]
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["content-type"] == "application/problem+json"
    assert after.status_code == 200


def test_small_requests_pass_large_bodies(
    backend_models: dict[str, Path], service_client: Any
) -> None:
    """Large bodies are scored beside the event loop: a small request does not wait for them."""
    large = json.dumps({"rows": [FLIGHT] * 5000}).encode()
    order: list[str] = []

    async def ask() -> None:
        async with service_client(backend_models["late"]) as client:

            async def post(name: str, content: bytes) -> None:
                response = await client.post("/score", content=content)
                assert response.status_code == 200
                order.append(name)

            small = json.dumps({"rows": [FLIGHT]}).encode()
            await asyncio.gather(post("large", large), post("small", small))

    asyncio.run(ask())
    assert order == ["small", "large"]


def test_a_body_in_pieces_is_one_body(trained_model: Path) -> None:
    """Pieces are put together up to the limit; one that ends early is refused, not scored."""

    async def read(pieces: list[dict[str, Any]], limit: int) -> object:
        messages = iter(pieces[1:])

        async def receive() -> dict[str, Any]:
            return next(messages)

        admission = Admission(Settings(body_bytes_max=limit))
        return await admission.rest_of(pieces[0], receive)

    def piece(body: bytes, more: bool) -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": more}

    pieces = [piece(b"ab", True), piece(b"", True), piece(b"cd", False)]
    assert asyncio.run(read(pieces, 4)) == b"abcd"
    assert getattr(asyncio.run(read(pieces, 3)), "status", None) == 413
    gone: list[dict[str, Any]] = [piece(b"ab", True), {"type": "http.disconnect"}]
    assert getattr(asyncio.run(read(gone, 4)), "status", None) == 400
    endless = [piece(b"abcd", True)] * 100
    assert getattr(asyncio.run(read(endless, 4)), "status", None) == 413
