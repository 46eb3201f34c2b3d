"""The story of one start: data lands, a model is trained, judged, deployed and asked."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from noon.client import AppRefusedError
from noon.failures import CommandError, NotRunningError
from noon.local.following import gave_up, read_stages
from noon.local.stages import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from noon.local.stack import LocalStack

MODEL = "flights"
FIRST_DAY = date(2013, 1, 1)
POLL_SECONDS = 0.4
DECISIONS = 30


@dataclass
class Story:
    """Tells the story on a running stack, until a deadline of the monotonic clock."""

    stack: LocalStack
    days: int
    deadline: float

    @property
    def last_day(self) -> date:
        """Give the last day whose flights land."""
        return FIRST_DAY + timedelta(days=self.days - 1)

    def land(self) -> dict[str, int]:
        """Let the flights land and give the counts of files and rows."""
        with self.stack.stages.running("data") as stage:
            done: list[str] = []

            def told(line: str) -> None:
                done.append(line)
                stage.detail(f"{len(done)} of {self.days} days")

            span = ("--from", str(FIRST_DAY), "--to", str(self.last_day))
            output = self.stack.noon("data", "push", MODEL, *span, "--json", told=told)
            landed: dict[str, int] = json.loads(output)
            stage.result = (
                f"{landed['uploaded']} files landed, {landed['skipped']} were there, "
                f"{landed['rows']} flights"
            )
        return landed

    def follow(self) -> dict[str, Any]:
        """Watch until there is a champion and give the model's status.

        Raises CommandError when a process dies, the model is refused or time is up.
        """
        while True:
            self.check()
            model = self._status()
            if model is not None:
                self._show(model)
                if model["champion"] is not None:
                    return model
                if why := gave_up(model):
                    raise CommandError(f"{MODEL} got no champion: {why}")
            time.sleep(POLL_SECONDS)

    def ask(self, rows: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        """Ask the champion about the rows and give its answer, once it answers."""
        with self.stack.stages.running("prediction") as stage:
            while True:
                self.check()
                try:
                    answer = self.stack.app.predict(MODEL, list(rows.values()))
                    break
                except (AppRefusedError, NotRunningError) as error:
                    if isinstance(error, AppRefusedError) and error.status < 500:
                        raise
                    stage.detail(str(error))
                time.sleep(POLL_SECONDS)
            told = zip(rows, answer["predictions"], strict=True)
            stage.result = ", ".join(f"{name}: {_answer_text(one)}" for name, one in told)
        return answer

    def check(self) -> None:
        """Raise CommandError when a process of the stack is gone or time is up."""
        if dead := self.stack.dead():
            raise CommandError(dead.epitaph())
        if time.monotonic() > self.deadline:
            waiting = [s for s in self.stack.stages.by_name.values() if s.state == State.RUNNING]
            where = "; ".join(f"{s.title}: {s.detail}" for s in waiting) or "the start"
            raise CommandError(
                f"no prediction in time, still at {where}; see {self.stack.home.logs}, or give "
                "more time with --timeout"
            )

    def _status(self) -> dict[str, Any] | None:
        """The model in full with its newest decisions, oldest first; None while nobody answers."""
        try:
            model = self.stack.app.model(MODEL)
            newest = self.stack.app.model(MODEL, "decisions", limit=DECISIONS)["decisions"]
        except (AppRefusedError, NotRunningError):
            return None
        return {**model, "decisions": newest[::-1]}

    def _show(self, model: dict[str, Any]) -> None:
        training = model["training"]
        step = self.stack.running_step(training["job"]) if training else ""
        for reading in read_stages(model, step):
            self.stack.stages.tell(*reading)


def _answer_text(prediction: dict[str, Any]) -> str:
    probabilities = prediction.get("probabilities") or {}
    if "true" in probabilities:
        return f"late with {probabilities['true']:.0%}"
    return json.dumps(prediction)
