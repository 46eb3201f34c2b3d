"""How far a start has come, stage by stage; shown by whoever listens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

TITLES = {
    "storage": "Storage: blobs, queues, tables",
    "azure": "Azure ML, identity, Event Grid",
    "components": "Components registered",
    "app": "Function app",
    "webui": "Web UI",
    "events": "Event Grid subscriptions",
    "container": "Scoring container",
    "data": "Flights land",
    "training": "Training",
    "gate": "Gate",
    "rollout": "Rollout",
    "prediction": "First prediction",
}


class State(StrEnum):
    """How a stage stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(slots=True)
class Stage:
    """One stage of the start."""

    title: str
    state: State = State.WAITING
    detail: str = ""
    began: float | None = None
    """Of the monotonic clock."""
    ended: float | None = None

    @property
    def seconds(self) -> float | None:
        """Give how long it took, or has taken until now."""
        if self.began is None:
            return None
        return (self.ended or time.monotonic()) - self.began


@dataclass(slots=True)
class Stages:
    """All stages in order; `changed` is told of each change of state or detail."""

    changed: Callable[[Stage], None] = lambda _: None
    by_name: dict[str, Stage] = field(
        default_factory=lambda: {name: Stage(title) for name, title in TITLES.items()}
    )

    def tell(self, name: str, state: State, detail: str = "") -> None:
        """Set state and detail of a stage; the same again is not a change."""
        stage = self.by_name[name]
        if (stage.state, stage.detail) == (state, detail):
            return
        now = time.monotonic()
        if state != State.WAITING and stage.began is None:
            stage.began = now
        if state in (State.DONE, State.FAILED) and stage.ended is None:
            stage.ended = now
        elif state == State.RUNNING:
            stage.ended = None
        stage.state, stage.detail = state, detail
        self.changed(stage)

    @contextmanager
    def running(self, name: str, detail: str = "") -> Iterator[Running]:
        """Run the stage: done when the block ends, failed when it raises."""
        self.tell(name, State.RUNNING, detail)
        running = Running(lambda text: self.tell(name, State.RUNNING, text))
        try:
            yield running
        except BaseException:
            self.tell(name, State.FAILED, self.by_name[name].detail)
            raise
        self.tell(name, State.DONE, running.result or self.by_name[name].detail)


@dataclass(slots=True)
class Running:
    """What the block of a running stage can say."""

    detail: Callable[[str], None]
    """Say what is being done now."""
    result: str = ""
    """What it came to, for the end."""
