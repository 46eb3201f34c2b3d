"""What happens outside by chance: data lands, jobs end well or badly, callers come and go."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any, Protocol

from shared.adapters.memory.files import MemoryLandingZone, MemoryRunFiles
from shared.adapters.memory.health import MemoryHealthWindow
from shared.domain.errors import BusyError, RefusedError
from shared.domain.events import Verb
from shared.domain.facts import JobStatus
from shared.domain.places import output_path
from shared.domain.policy import ModelSpec
from shared.domain.state import ModelState, Phase, Training
from simulation.jobs import metrics_of
from simulation.parts import WatchedEndpoints, WatchedJobs

FILES_KEPT = 8
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Stage(Protocol):
    """What the outside needs of the world."""

    random: Random
    landing: MemoryLandingZone
    files: MemoryRunFiles
    jobs: WatchedJobs
    endpoints: WatchedEndpoints
    health: MemoryHealthWindow
    calm: bool
    expected: dict[str, str]
    fate: dict[tuple[str, str], str]

    def later(self, delay: timedelta, what: Callable[[], None]) -> None:
        """Let something happen after a while."""

    def event(self, raw: dict[str, Any]) -> None:
        """Event Grid takes an event."""

    def note(self, text: str) -> None:
        """A line of the trace."""

    def state(self, model: str) -> ModelState | None:
        """What is saved."""

    def landed(self, model: str, path: str) -> None:
        """A file landed; its event follows."""

    def order(self, model: str, verb: Verb) -> None:
        """An operator orders something."""

    def call(self, model: str, asked: int) -> None:
        """So many callers ask."""

    def publish_image(self) -> None:
        """Deployment registers a newer serving image."""


class Outside:
    """The life of one model's surroundings."""

    def __init__(self, stage: Stage, spec: ModelSpec, workspace: str) -> None:
        self._stage = stage
        self._spec = spec
        self._workspace = workspace
        self._written = 0
        self._paths: list[str] = []
        self._calling = False
        self._callers = 30

    def begin(self) -> None:
        """Everything that comes again and again."""
        self._stage.later(self._some(HOUR), self._land)
        self._stage.later(self._some(3 * DAY), self._order)
        self._stage.later(self._some(2 * DAY), self._change_callers)
        self._stage.later(self._some(20 * DAY), self._by_hand)
        self._stage.later(self._some(15 * DAY), self._fall_sick)

    def job_began(self, training: Training) -> None:
        """A job runs for a while, or for ever."""
        random = self._stage.random
        minutes = random.uniform(4, 25)
        if not self._stage.calm:
            dice = random.random()
            if dice < 0.01:
                return
            minutes = random.uniform(300, 420) if dice < 0.02 else minutes
            minutes = random.uniform(40, 160) if 0.02 < dice < 0.2 else minutes
        self._stage.later(minutes * MINUTE, lambda: self._end(training))

    def canary_began(self) -> None:
        """Callers are counted while a canary is watched."""
        if not self._calling:
            self._calling = True
            if not self._stage.calm:
                self._attend()
            self._stage.later(MINUTE / 2, self._call)

    def _attend(self) -> None:
        """While a version rolls out somebody looks at it, and now and then does something."""
        stage, random, dice = self._stage, self._stage.random, self._stage.random.random()
        verbs = (Verb.PAUSE, Verb.ABORT, Verb.ROLLBACK, Verb.TRAIN, Verb.TRAIN, Verb.TRAIN)
        if dice < 0.35:
            verb = random.choice(verbs)
            stage.later(self._some(HOUR / 3), lambda: self._ask(verb))
        elif dice < 0.45:
            stage.later(self._some(HOUR / 3), self._change_by_hand)

    def _ask(self, verb: Verb) -> None:
        model, random = self._spec.name, self._stage.random
        self._stage.order(model, verb)
        if verb is Verb.PAUSE:
            self._stage.later(6 * HOUR * random.random(), lambda: self._resume(model))

    def _some(self, mean: timedelta) -> timedelta:
        return max(MINUTE / 60, mean * self._stage.random.expovariate(1))

    def _land(self) -> None:
        random = self._stage.random
        if self._stage.calm:
            return
        for _ in range(random.choice((1, 1, 1, 2, 6))):
            self._written += 1
            path = f"{self._spec.prefix}{self._written:06}.csv"
            self._stage.landing.put(path, path.encode())
            self._paths.append(path)
            self._stage.landed(self._spec.name, path)
        self._stage.later(self._some(1.3 * DAY), self._land)

    def forget_old(self, waiting: Callable[[str], bool]) -> None:
        """Old files go when they have been trained on."""
        while len(self._paths) > FILES_KEPT and not waiting(self._paths[0]):
            self._stage.landing.forget(self._paths.pop(0))

    def _order(self) -> None:
        if self._stage.calm:
            return
        self._ask(self._stage.random.choice(tuple(Verb)))
        self._stage.later(self._some(4 * DAY), self._order)

    def _resume(self, model: str) -> None:
        self._stage.order(model, Verb.RESUME)

    def _change_callers(self) -> None:
        self._callers = self._stage.random.choice((0, 2, 12, 40, 40))
        self._stage.later(self._some(2 * DAY), self._change_callers)

    def _call(self) -> None:
        state = self._stage.state(self._spec.name)
        rollout = state.rollout if state else None
        if rollout is None or rollout.phase is not Phase.CANARY:
            self._calling = False
            self._stage.health.forget(self._spec.name)
            return
        self._stage.call(self._spec.name, self._callers)
        self._stage.later(MINUTE, self._call)

    def crowned(self, deployment: str) -> None:
        """A first version takes all traffic unjudged: if it is sick, somebody mends it.

        Nothing else ends the hold of its successor, which is never judged beside a sick champion.
        """
        key = (self._spec.name, deployment)
        if self._stage.fate.get(key):
            self._stage.later(self._some(2 * HOUR), lambda: self._stage.fate.update({key: ""}))

    def _fall_sick(self) -> None:
        """The champion itself fails its callers for some hours."""
        if self._stage.calm:
            return
        state = self._stage.state(self._spec.name)
        if state is not None and state.champion is not None:
            key = (self._spec.name, state.champion.subject.deployment)
            self._stage.fate[key] = "sick"
            self._stage.later(self._some(2 * HOUR), lambda: self._stage.fate.update({key: ""}))
        self._stage.later(self._some(15 * DAY), self._fall_sick)

    def _by_hand(self) -> None:
        """Somebody does by hand what is the control plane's affair."""
        if self._stage.calm:
            return
        self._stage.later(self._some(20 * DAY), self._by_hand)
        self._change_by_hand()

    def _change_by_hand(self) -> None:
        model, random = self._spec.name, self._stage.random
        endpoint = self._stage.endpoints.of(model)
        facts = endpoint.get(model)
        if facts is None or len(facts.deployments) < 2:
            return
        first, second = sorted(facts.deployments)[:2]
        share = random.choice((0, 30, 100))
        try:
            endpoint.set_traffic(model, {first: share, second: 100 - share})
            self._stage.note(f"{model}: by hand {first} {share} %, {second} {100 - share} %")
        except (BusyError, RefusedError):
            pass

    def _end(self, training: Training) -> None:
        """A job ends; what the gate must make of it is known only here."""
        stage, random = self._stage, self._stage.random
        job = stage.jobs.get(training.job)
        if job is None or job.status is not JobStatus.RUNNING:
            return
        dice = 1.0 if stage.calm else random.random()
        if dice < 0.08:
            stage.jobs.finish(training.job, JobStatus.FAILED, "node lost")
        elif dice < 0.11:
            self._refuse_data(training)
        elif dice < 0.13:
            stage.jobs.finish(training.job, JobStatus.CANCELED, "cancelled in the studio")
        else:
            state = stage.state(self._spec.name)
            kind, text = metrics_of(random, training, state, calm=stage.calm)
            stage.expected[training.job] = kind
            self._write(training, "model/metrics.json", text)
            self._write(training, "model/sample.json", json.dumps({"rows": [{"a": 1}, {"a": 2}]}))
            stage.jobs.finish(training.job)
        status = stage.jobs.get(training.job)
        assert status is not None
        stage.note(f"{training.job} is {status.status} ({stage.expected.get(training.job, '')})")
        for run in (training.job, f"{training.job}-child-1") if dice < 0.5 else (training.job,):
            stage.event(self._run_event(run, str(status.status)))

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
