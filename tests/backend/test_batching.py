"""Requests that arrive together share a run of the model."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from backend.batching import ROWS_TOGETHER_MAX, Batcher
from backend.scoring import Scorer, load_scorer
from backend.settings import Settings
from tests.tiny_models import tiny_folder


@pytest.fixture
def doubling(tmp_path: Path) -> Scorer:
    """A model whose answer to x is 2 x, and which fails where that is too large."""
    for name, content in tiny_folder(2.0).items():
        (tmp_path / name).write_bytes(content)
    settings = Settings(batching="on")
    return load_scorer(settings, tmp_path)


def body(*values: float | str) -> bytes:
    """A request for these values."""
    rows = ", ".join(f'{{"x": {value}}}' for value in values)
    return f'{{"rows": [{rows}]}}'.encode()


async def together(batcher: Batcher, bodies: list[bytes]) -> list[Any]:
    """What requests get that are ready in the same turn of the event loop."""
    return await asyncio.gather(*map(batcher.answer, bodies), return_exceptions=True)


def test_each_request_gets_its_own_answer(doubling: Scorer) -> None:
    """In order, whatever its number of rows; mistakes are its own, too."""
    bodies = [body(1), body(2, 3), body('"x"'), body(*[4] * 300), body(5)]
    one, two, wrong, many, last = asyncio.run(together(Batcher(doubling), bodies))
    assert one == (b'{"predictions":[{"value":2.0}]}', 1)
    assert two == (b'{"predictions":[{"value":4.0},{"value":6.0}]}', 2)
    assert wrong.status == 422
    assert many[1] == 300 > ROWS_TOGETHER_MAX
    assert last == (b'{"predictions":[{"value":10.0}]}', 1)


def test_rows_that_the_model_cannot_answer_fail_nobody_else(doubling: Scorer) -> None:
    """Twice 3e38 is no 32-bit number: that request fails, its neighbours are answered."""
    before, failed, after = asyncio.run(together(Batcher(doubling), [body(1), body(3e38), body(2)]))
    assert before == (b'{"predictions":[{"value":2.0}]}', 1)
    assert "not a finite number" in str(failed)
    assert after == (b'{"predictions":[{"value":4.0}]}', 1)


def test_what_cannot_be_read_fails_nobody_else(doubling: Scorer) -> None:
    """Whatever goes wrong over a body is told to who sent it."""

    class Broken(Scorer):
        def encoded(self, body: bytes) -> Any:
            """Fails for one of the bodies."""
            if body == b"bad":
                raise MemoryError("too much")
            return super().encoded(body)

    broken = Broken(*(getattr(doubling, field.name) for field in fields(doubling)))
    bodies = [body(1), b"bad", body(2)]
    before, failed, after = asyncio.run(together(Batcher(broken), bodies))
    assert isinstance(failed, MemoryError)
    assert (before[1], after[1]) == (1, 1)


def test_a_caller_that_has_gone_is_nobodys_trouble(doubling: Scorer) -> None:
    """The others are answered as if it had never asked."""

    async def ask() -> Any:
        batcher = Batcher(doubling)
        tasks = [asyncio.ensure_future(batcher.answer(body(value))) for value in (1, 2)]
        loop = asyncio.get_running_loop()
        loop.call_soon(tasks[0].cancel)
        return await asyncio.gather(*tasks, return_exceptions=True)

    gone, answered = asyncio.run(ask())
    assert isinstance(gone, asyncio.CancelledError)
    assert answered == (b'{"predictions":[{"value":4.0}]}', 1)


@pytest.mark.parametrize(("batching", "batches"), [("on", True), ("off", False)])
def test_batching_is_as_it_is_set(trained_model: Path, batching: str, batches: bool) -> None:
    """`on` and `off` are obeyed; only `auto` measures."""
    assert load_scorer(Settings(batching=batching), trained_model).batches is batches
