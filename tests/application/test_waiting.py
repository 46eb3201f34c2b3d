"""What bounds the proxy, beside asyncio's own parts: who is late, and whose turn it is."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.application.deadline import Deadline
from shared.application.turns import Turns


class Hurried(selectors.DefaultSelector):
    """Never waits: tells how long it would have."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready by now."""
        self.waited += timeout or 0.0
        return super().select(0)


class QuickLoop(asyncio.SelectorEventLoop):
    """Its time is what its waits add up to."""

    def __init__(self) -> None:
        self.hurried = Hurried()
        self.wound = 0
        super().__init__(self.hurried)

    def time(self) -> float:
        """In seconds."""
        return self.hurried.waited

    def call_at(self, *asked: Any, **more: Any) -> asyncio.TimerHandle:
        """The same; counts the timers."""
        self.wound += 1
        return super().call_at(*asked, **more)


SECONDS = 10
"""What each has at most."""

AT_ONCE = 2

Visits = list[tuple[int, int, int | None]]
"""When somebody comes, how long what they do takes, and when they are cancelled, if at all."""

VISITS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 15), st.one_of(st.none(), st.integers(0, 60))),
    min_size=1,
    max_size=12,
)


async def spent(seconds: float) -> None:
    """Come back after so much of the loop's time."""
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    # Whoever waited may have been cancelled.
    loop.call_later(seconds, lambda: over.done() or over.set_result(None))
    await over


async def next_turn() -> None:
    """Come back in the loop's next turn."""
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    loop.call_soon(over.set_result, None)
    await over


def run(story: Coroutine[Any, Any, Any]) -> Any:
    """Play a story in no time."""
    with asyncio.Runner(loop_factory=QuickLoop) as runner:
        return runner.run(story)


async def visited(
    visits: Visits, guard: Callable[[float], Awaitable[None]]
) -> list[tuple[str, float]]:
    """How and when each visit ended. No two things happen at the same time."""
    loop, ends = asyncio.get_running_loop(), dict[int, tuple[str, float]]()

    async def one(number: int, took: int) -> None:
        how = "late"
        try:
            await guard(took + 0.5)
            how = "done"
        except TimeoutError:
            pass
        except asyncio.CancelledError:
            how = "cancelled"
            raise
        finally:
            ends[number] = (how, round(loop.time(), 6))
        # Nothing of what ended it is left.
        await next_turn()

    async def come(number: int, at: int, took: int, cancelled_at: int | None) -> None:
        await spent(at + number / 1000)
        task = asyncio.create_task(one(number, took))
        if cancelled_at is not None and cancelled_at > at:
            loop.call_at(cancelled_at + 0.25 + number / 1000, task.cancel)
        await asyncio.wait({task})

    await asyncio.gather(*(come(number, *visit) for number, visit in enumerate(visits)))
    return [ends.get(number, ("never", 0.0)) for number in range(len(visits))]


@given(VISITS)
def test_who_is_late_is_who_asyncio_finds_late(visits: Visits) -> None:
    """One timer for all ends the same visits at the same time as a timer for each."""

    def ended_by(bound: Callable[[], Any]) -> list[tuple[str, float]]:
        async def guard(took: float) -> None:
            async with bound():
                await spent(took)

        async def story() -> list[tuple[str, float]]:
            return await visited(visits, guard)

        return run(story())

    deadline = Deadline(SECONDS)

    @asynccontextmanager
    async def entered() -> AsyncIterator[None]:
        with deadline:
            yield

    assert ended_by(entered) == ended_by(lambda: asyncio.timeout(SECONDS))


@given(VISITS)
def test_turns_come_as_those_of_a_semaphore(visits: Visits) -> None:
    """In the order of coming, and none is lost when somebody gives up."""

    async def by_turns() -> list[tuple[str, float]]:
        turns = Turns(AT_ONCE)

        async def guard(took: float) -> None:
            if not turns.take_at_once():
                await turns.take()
            try:
                await spent(took)
            finally:
                turns.give_back()

        ends = await visited(visits, guard)
        assert [turns.take_at_once() for _ in range(AT_ONCE + 1)] == [True] * AT_ONCE + [False]
        return ends

    async def by_semaphore() -> list[tuple[str, float]]:
        semaphore = asyncio.Semaphore(AT_ONCE)

        async def guard(took: float) -> None:
            async with semaphore:
                await spent(took)

        return await visited(visits, guard)

    assert run(by_turns()) == run(by_semaphore())


def test_turn_that_comes_as_its_waiter_is_cancelled_is_the_next_ones() -> None:
    """Handed over and given up in the same moment, it is not lost."""

    async def story() -> None:
        turns = Turns(1)
        assert turns.take_at_once()
        first, second = (asyncio.create_task(turns.take()) for _ in range(2))
        await next_turn()
        turns.give_back()
        first.cancel()
        await second
        assert first.cancelled()

    run(story())


def test_many_who_are_in_time_need_one_timer() -> None:
    """It is wound for the eldest of those who are there, not for each."""

    async def story() -> int:
        deadline = Deadline(SECONDS)

        async def one() -> None:
            with deadline:
                await next_turn()

        for _ in range(1000):
            await asyncio.create_task(one())
        loop = asyncio.get_running_loop()
        assert isinstance(loop, QuickLoop)
        return loop.wound

    assert run(story()) == 1


def test_error_of_who_is_in_time_is_its_own() -> None:
    """Also a TimeoutError, and also when the next loop enters the same deadline."""
    deadline = Deadline(SECONDS)

    async def story(error: Exception) -> None:
        with deadline:
            raise error

    for error in (TimeoutError("of a socket"), ValueError("of a row")):
        with pytest.raises(type(error), match=str(error)):
            run(story(error))


def test_who_is_cancelled_as_time_ends_is_cancelled() -> None:
    """Somebody else wants the task to end: it must not go on as if it were only late."""

    async def story() -> None:
        loop, deadline = asyncio.get_running_loop(), Deadline(SECONDS)

        async def one() -> None:
            with deadline:
                loop.call_at(loop.time() + SECONDS, task.cancel)
                await asyncio.Event().wait()

        task = asyncio.create_task(one())
        await asyncio.wait({task})
        assert task.cancelled()
        assert loop.time() == SECONDS

    run(story())
