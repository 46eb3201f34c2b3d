"""What people do by chance: they give orders, reach in by hand, and change the model's file."""

from __future__ import annotations

from shared.domain.errors import BusyError, RefusedError
from shared.domain.events import Verb
from shared.domain.state import Phase, Score, Version
from simulation.policies import changed
from simulation.stage import DAY, HOUR, Stage

BY_HAND = "registered-by-hand"


class Operators:
    """The people who look after one model."""

    def __init__(self, stage: Stage, model: str) -> None:
        self._stage = stage
        self._model = model

    def begin(self) -> None:
        """Everything that comes again and again."""
        later, some = self._stage.later, self._stage.some
        later(some(3 * DAY), self._order)
        later(some(6 * DAY), self._by_hand)
        later(some(12 * DAY), self._register)
        later(some(12 * DAY), self._change_policy)

    def attend(self) -> None:
        """While a version rolls out somebody looks at it, and now and then does something."""
        stage, dice = self._stage, self._stage.random.random()
        verbs = (Verb.PAUSE, Verb.ABORT, Verb.ROLLBACK, Verb.TRAIN, Verb.TRAIN, Verb.TRAIN)
        if dice < 0.35:
            verb = stage.random.choice(verbs)
            stage.later(stage.some(HOUR / 3), lambda: self._ask(verb))
        elif dice < 0.45:
            stage.later(stage.some(HOUR / 3), self._reach_in)

    def see_a_new_champion(self) -> None:
        """While the former one is still warm somebody may give it callers again."""
        if not self._stage.calm and self._stage.random.random() < 0.15:
            self._stage.later(self._stage.some(HOUR / 2), self._reach_in)

    def _order(self) -> None:
        if self._stage.calm:
            return
        self._ask(self._stage.random.choice(tuple(Verb)))
        self._stage.later(self._stage.some(4 * DAY), self._order)

    def _ask(self, verb: Verb) -> None:
        stage = self._stage
        stage.order(self._model, verb)
        if verb is Verb.PAUSE:
            wait = 6 * HOUR * stage.random.random()
            stage.later(wait, lambda: stage.order(self._model, Verb.RESUME))

    def _by_hand(self) -> None:
        if not self._stage.calm:
            self._stage.later(self._stage.some(6 * DAY), self._by_hand)
            self._reach_in()

    def _reach_in(self) -> None:
        """Somebody does by hand what is the control plane's affair."""
        if self._stage.calm:
            return
        if self._stage.specs[self._model].serving == "container":
            self._point_elsewhere()
        else:
            self._shift_traffic()

    def _shift_traffic(self) -> None:
        stage, model = self._stage, self._model
        endpoint = stage.endpoints.of(model)
        facts = endpoint.get(model)
        if facts is None or len(facts.deployments) < 2:
            return
        first, second = sorted(facts.deployments)[:2]
        share = stage.random.choice((0, 30, 100))
        try:
            endpoint.set_traffic(model, {first: share, second: 100 - share})
        except (BusyError, RefusedError):
            return
        stage.happened("traffic_by_hand")
        stage.note(f"{model}: by hand {first} {share} %, {second} {100 - share} %")

    def _point_elsewhere(self) -> None:
        """The pointer of the champion is set to a former one, or to what is being tried."""
        stage, state = self._stage, self._stage.state(self._model)
        if state is None or state.champion is None:
            return
        versions = list(state.former[:2])
        if state.rollout is not None and state.rollout.phase not in (Phase.PENDING, Phase.SMOKE):
            versions.append(state.rollout.version)
        if not versions:
            return
        version = stage.random.choice(versions)
        stage.containers.point(self._model, "champion", version.number, version.job)
        stage.happened("pointer_by_hand")
        stage.note(f"{self._model}: by hand champion.json names {version.number}")

    def _register(self) -> None:
        """Somebody registers a model of their own, under the number that would come next."""
        stage = self._stage
        if stage.calm:
            return
        stage.later(stage.some(12 * DAY), self._register)
        state = stage.state(self._model)
        number = state.last_version + 1 if state else 1
        score = Score("neg_log_loss", True, 1.0, None, None, "nothing", 1, 1, 1)
        version = Version(number, BY_HAND, stage.clock.now(), score)
        if stage.registry.job_of(self._model, number) is None:
            stage.registry.take(self._model, version)
            stage.happened("version_by_hand")
            stage.note(f"{self._model}: version {number} is registered by hand")

    def _change_policy(self) -> None:
        """The model's file is edited and deployed."""
        stage = self._stage
        if stage.calm:
            return
        stage.later(stage.some(12 * DAY), self._change_policy)
        stage.change_policy(changed(stage.random, stage.specs[self._model]))
