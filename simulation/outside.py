"""What happens outside by chance: data lands, jobs end well or badly, callers come and go."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from shared.domain.facts import JobStatus
from shared.domain.places import output_path
from shared.domain.state import Phase, Training
from simulation.jobs import RATCHET, kind_of, measured
from simulation.operators import Operators
from simulation.stage import DAY, HOUR, MINUTE, Stage

FILES_KEPT = 8
DECLINE = 12
"""So many challengers in a row are slightly worse than what rules."""


class Outside:
    """The life of one model's surroundings."""

    def __init__(self, stage: Stage, model: str, workspace: str) -> None:
        self._stage = stage
        self._model = model
        self._workspace = workspace
        self._operators = Operators(stage, model)
        self._written = 0
        self._paths: list[str] = []
        self._calling = False
        self._callers = 30
        self._declining = 0

    def begin(self) -> None:
        """Everything that comes again and again."""
        later, some = self._stage.later, self._stage.some
        later(some(HOUR), self._land)
        later(some(2 * DAY), self._change_callers)
        later(some(15 * DAY), self._fall_sick)
        later(some(25 * DAY), self._decline)
        self._operators.begin()

    def job_began(self, training: Training) -> None:
        """A job runs for a while, or for ever."""
        stage, random = self._stage, self._stage.random
        minutes = random.uniform(4, 25)
        if not stage.calm:
            dice = random.random()
            if dice < 0.01:
                stage.happened("job_stuck")
                return
            if dice < 0.02:
                stage.happened("job_late")
            minutes = random.uniform(300, 420) if dice < 0.02 else minutes
            minutes = random.uniform(40, 160) if 0.02 < dice < 0.2 else minutes
        stage.later(minutes * MINUTE, lambda: self._end(training))

    def canary_began(self) -> None:
        """Callers are counted while a canary is watched."""
        if not self._calling:
            self._calling = True
            if not self._stage.calm:
                self._operators.attend()
            self._stage.later(MINUTE / 2, self._call)

    def _land(self) -> None:
        random = self._stage.random
        if self._stage.calm:
            return
        for _ in range(random.choice((1, 1, 1, 2, 6))):
            self._written += 1
            path = f"{self._model}/{self._written:06}.csv"
            self._stage.landing.put(path, path.encode())
            self._paths.append(path)
            self._stage.landed(self._model, path)
        self._stage.later(self._stage.some(1.3 * DAY), self._land)

    def forget_old(self, waiting: Callable[[str], bool]) -> None:
        """Old files go when they have been trained on."""
        while len(self._paths) > FILES_KEPT and not waiting(self._paths[0]):
            self._stage.landing.forget(self._paths.pop(0))

    def _change_callers(self) -> None:
        before, self._callers = self._callers, self._stage.random.choice((0, 2, 12, 40, 40))
        if bool(before) != bool(self._callers):
            self._stage.happened("callers_come" if self._callers else "callers_go")
        self._stage.later(self._stage.some(2 * DAY), self._change_callers)

    def _call(self) -> None:
        state = self._stage.state(self._model)
        rollout = state.rollout if state else None
        if rollout is None or rollout.phase is not Phase.CANARY:
            self._calling = False
            self._stage.health.forget(self._model)
            return
        self._stage.call(self._model, self._callers)
        self._stage.later(MINUTE, self._call)

    def crowned(self, deployment: str) -> None:
        """A first version takes all traffic unjudged: if it is sick, somebody mends it.

        Nothing else ends the hold of its successor, which is never judged beside a sick champion.
        """
        self._operators.see_a_new_champion()
        key = (self._model, deployment)
        if self._stage.fate.get(key):
            self._stage.later(
                self._stage.some(2 * HOUR), lambda: self._stage.fate.update({key: ""})
            )

    def _fall_sick(self) -> None:
        """The champion itself fails its callers for some hours."""
        if self._stage.calm:
            return
        state = self._stage.state(self._model)
        if self._stage.specs[self._model].serving == "container":
            self._stage.fates.stop(self._model)
        elif state is not None and state.champion is not None:
            key = (self._model, state.champion.deployment)
            self._stage.fate[key] = "sick"
            self._stage.happened("champion_sick")
            self._stage.later(
                self._stage.some(2 * HOUR), lambda: self._stage.fate.update({key: ""})
            )
        self._stage.later(self._stage.some(15 * DAY), self._fall_sick)

    def _decline(self) -> None:
        """From now on challengers are slightly worse than what rules, many times in a row."""
        if not self._stage.calm:
            self._declining = DECLINE
            self._stage.later(self._stage.some(40 * DAY), self._decline)

    def _end(self, training: Training) -> None:
        """A job ends; what the gate must make of it is known only here."""
        stage, random = self._stage, self._stage.random
        job = stage.jobs.get(training.job)
        if job is None or job.status is not JobStatus.RUNNING:
            return
        dice = 1.0 if stage.calm else random.random()
        if dice < 0.08:
            stage.happened("job_failed")
            stage.jobs.finish(training.job, JobStatus.FAILED, "node lost")
        elif dice < 0.11:
            stage.happened("data_refused")
            self._refuse_data(training)
        elif dice < 0.13:
            stage.happened("job_cancelled")
            stage.jobs.finish(training.job, JobStatus.CANCELED, "cancelled in the studio")
        else:
            self._complete(training)
        status = stage.jobs.get(training.job)
        assert status is not None
        stage.note(f"{training.job} is {status.status} ({stage.expected.get(training.job, '')})")
        for run in (training.job, f"{training.job}-child-1") if dice < 0.5 else (training.job,):
            stage.event(self._run_event(run, str(status.status)))

    def _complete(self, training: Training) -> None:
        stage, state = self._stage, self._stage.state(self._model)
        kind = kind_of(stage.random, training, calm=stage.calm, declining=self._declining > 0)
        self._declining -= kind == RATCHET
        result = measured(kind, training, state, stage.skills, stage.specs[self._model].gate)
        stage.happened(f"challenger_{kind}")
        stage.expected[training.job] = result.expected
        stage.skills[training.job] = result.skill
        self._write(training, "model/metrics.json", result.text)
        self._write(training, "model/sample.json", json.dumps({"rows": [{"a": 1}, {"a": 2}]}))
        stage.jobs.finish(training.job)

    def _refuse_data(self, training: Training) -> None:
        text = self._stage.files.read(training.manifest.path)
        files = json.loads(text or b'{"files": []}')["files"]
        bad = self._stage.random.choice([file["path"] for file in files] or [None])
        rows = [{"path": bad, "reason": "truncated"}]
        problem = json.dumps({"schema": 1, "problems": rows})
        self._write(training, "report/problem.json", problem)
        self._stage.jobs.finish(training.job, JobStatus.FAILED, "step prepare failed")

    def _write(self, training: Training, file: str, text: str) -> None:
        output, name = file.split("/")
        self._stage.files.write_once(output_path(training.job, output, name), text.encode())

    def _run_event(self, run: str, status: str) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "id": f"event-{run}",
            "source": self._workspace,
            "subject": f"experiments/e/runs/{run}",
            "type": "Microsoft.MachineLearningServices.RunStatusChanged",
            "data": {"RunId": run, "RunStatus": status.capitalize()},
        }
