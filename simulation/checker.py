"""The invariants of the design, tested after every step against what truly happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from shared.domain.decision import Decision, Kind
from shared.domain.events import Message
from shared.domain.facts import JobStatus
from shared.domain.policy import ModelSpec
from shared.domain.state import ModelState, Training
from simulation.serving_rules import ServingRules
from simulation.standing import check_slots
from simulation.telling_rules import TellingRules
from simulation.truth import TRAINED_WITHIN, Newest, Pass, Passes, Truth, ViolationError, live


class Checker:
    """Told of every write, it says at once what must not be."""

    def __init__(self, truth: Truth, specs: Mapping[str, ModelSpec]) -> None:
        self._truth = truth
        self._specs = specs
        self.passes = Passes()
        self.serving = ServingRules(truth, specs, self.passes)
        self.telling = TellingRules(specs)
        self.landed: dict[tuple[str, str], tuple[str, datetime]] = {}
        """Landings that no training has read yet, oldest first."""
        self.orders: dict[str, tuple[str, datetime]] = {}
        """Orders that no decision speaks of yet, with the model."""
        self.unsaid = 0
        """Decisions that died with their pass, after the saving, and were recorded by a later."""
        self._promised: dict[str, set[str]] = {name: set() for name in specs}
        """Decisions of each model that were saved and are not recorded yet."""
        self._recorded = {name: Newest(50) for name in specs}
        self._said = {name: Newest(50) for name in specs}
        """Decisions that passes of each model saved before they ended."""
        self._accepted: set[str] = set()
        self._slots: dict[tuple[str, str], list[Training]] = {}
        self._slots_said: dict[tuple[str, str], str] = {}

    # what is told

    def began(self, message: Message) -> Pass:
        """A message is delivered."""
        for each in self.passes:
            each.disturbed = True
        owed = self.serving.owed_rollback(message.model)
        words = frozenset(self._promised[message.model])
        delivered = Pass(message, owed, words, self.telling.owed(message.model))
        self.passes.append(delivered)
        return delivered

    def ended(self, delivered: Pass, *, raised: bool) -> None:
        """The delivery is over, by an answer or by an error."""
        self.passes.remove(delivered)
        for said in delivered.said:
            self._said[delivered.message.model].add(said)
        text = f"{delivered.message.model} {delivered.message.cause!r}"
        if raised:
            return
        if len(delivered.decisions) != 1:
            count = len(delivered.decisions)
            raise ViolationError("one_decision", f"{text} ended in {count} decisions")
        (decision,) = delivered.decisions
        unknown = decision.kind is Kind.FAILED and not decision.about
        left = delivered.owed_words & self._promised[decision.model]
        if left and not unknown:
            raise ViolationError("decided_recorded", f"{text} left unsaid: {sorted(left)}")
        if not unknown:
            self.telling.check(decision.model, delivered.owed_notices)
        if (
            delivered.slot_taken
            and not unknown
            and not any(key.startswith("slot:") for key in decision.about)
        ):
            raise ViolationError("slot_decided", f"{text} took a slot and does not say which")
        passed = decision.reasons and decision.reasons[0].code in ("not_due", "busy")
        if delivered.rollback_owed and not passed and not delivered.disturbed:
            wished = {delivered.rollback_owed: 100}
            if wished not in [live(traffic) for traffic in delivered.routed]:
                text = f"{text}: nothing was ordered that gives {wished} the traffic"
                raise ViolationError("rollback_at_once", text)

    def saving(self, old: ModelState | None, new: ModelState, said: Sequence[Decision]) -> None:
        """A state was written, with decisions that this pass or a later one is to record."""
        self.telling.saving(new.model, said)
        recorded = self._recorded[new.model]
        self._promised[new.model].update([each.id for each in said if each.id not in recorded])
        if self.passes:
            mine = self.passes[-1]
            mine.saved = True
            mine.said.update([each.id for each in said if not self._said_by_others(mine, each.id)])
        if old is None:
            return
        if self.passes and new.last_slot_at != old.last_slot_at:
            self.passes[-1].slot_taken = True
            self._check_slot_is_due(old, new)
            check_slots(old, new, said, self._specs[new.model])
        self._check_verdict(old, new)
        self.serving.stepping(old, new)
        again = old.training and new.training and new.training.attempt > old.training.attempt
        if again and old.training and new.training and old.training.job == new.training.job:
            raise ViolationError("names_are_new", f"{new.training.job} has failed before")
        if new.last_version < old.last_version:
            raise ViolationError("versions_grow", f"{old.last_version} -> {new.last_version}")

    def submitting(self, model: str, training: Training) -> None:
        """A job is new."""
        self.passes.check_saved(training.job)
        state = self._truth.state(model)
        wished = state.training.job if state and state.training else None
        if wished != training.job and not self.passes.interrupted:
            raise ViolationError("wish_first", f"{training.job} runs, but {wished} was saved")
        if training.slot is not None:
            self._check_slot(model, training)
        for key in self._truth.files_of(training):
            self.landed.pop(key, None)

    def recorded(self, decision: Decision, *, late: bool) -> None:
        """A decision was kept, by its own pass or by a later one."""
        self._ended_by(decision)
        for delivered in reversed(self.passes):
            if delivered.message.model == decision.model:
                if late or self._said_by_others(delivered, decision.id):
                    self.unsaid += late
                    return
                # The same one again, because nobody heard that it was kept, is one row.
                delivered.decisions[:] = [
                    *(each for each in delivered.decisions if each.id != decision.id),
                    decision,
                ]
                break
        if decision.facts.get("check") == "failed" and not self.passes.interrupted:
            self._check_turned_back(decision)

    # what is looked at between two steps

    def look(self, model: str) -> None:
        """Everything that must be so for a model at any time."""
        state, now = self._truth.state(model), self._now
        if state is None:
            return
        self.serving.look(model, state, now)
        self.serving.standing.check_moving(state, now)

    def look_at_landings(self) -> None:
        """The oldest landing and the oldest order wait no longer than they may."""
        for what, entries in (("landing_trained", self.landed), ("order_decided", self.orders)):
            for key, (model, since) in entries.items():
                if self._now - since > TRAINED_WITHIN:
                    raise ViolationError(what, f"{key} of {model} since {since}")
                break

    @property
    def _now(self) -> datetime:
        return self._truth.now()

    def _said_by_others(self, delivered: Pass, decision: str) -> bool:
        """Another pass of the same model than this one saved the decision."""
        model = delivered.message.model
        return decision in self._said[model] or any(
            decision in other.said
            for other in self.passes
            if other is not delivered and other.message.model == model
        )

    def _ended_by(self, decision: Decision) -> None:
        """Slots and orders end in one decision; what could not be saved ends none."""
        promised = self._promised.get(decision.model, set())
        if decision.id not in promised and "saved" in decision.facts:
            return
        promised.discard(decision.id)
        if decision.model in self._recorded:
            self._recorded[decision.model].add(decision.id)
        for key in decision.about:
            what, _, name = key.partition(":")
            if what == "order":
                self.orders.pop(name, None)
            if what == "slot":
                said = self._slots_said.setdefault((decision.model, name), decision.id)
                if said != decision.id:
                    raise ViolationError("slot_decided", f"{decision.model}: {name} twice")

    def _check_slot(self, model: str, training: Training) -> None:
        former = self._slots.setdefault((model, training.slot or ""), [])
        for other in former:
            job = self._truth.job(other.job)
            if job is None or job.status is not JobStatus.FAILED:
                status = job.status if job else "unknown"
                text = f"{training.job} beside {other.job}, which is {status}"
                raise ViolationError("one_job_per_slot", text)
        former.append(training)

    def _check_slot_is_due(self, old: ModelState, new: ModelState) -> None:
        """What a newer schedule would have done in the past is not made up for."""
        due_at, seen_at = new.last_slot_at, old.listed_at
        if new.training and new.training.slot and seen_at and due_at and due_at <= seen_at:
            text = f"{new.training.job} is for {due_at}, nothing was owed at {seen_at}"
            raise ViolationError("slot_is_due", text)

    def _check_skill(self, old: ModelState, training: Training) -> None:
        """Small steps down do not add up: none is far below the best of the last champions."""
        if training.accepted is not None:
            # Not compared with anything before, for once, by an operator's order.
            if training.accepted.order_id in self._accepted:
                raise ViolationError("accepted_once", f"{training.job}: {training.accepted}")
            self._accepted.add(training.accepted.order_id)
            return
        rulers = [old.champion.version, *old.former[:5]] if old.champion else []
        first = next((at for at, each in enumerate(rulers) if each.accepted), len(rulers))
        rulers = rulers[: first + 1]
        best = max((self._truth.skill(version.job) for version in rulers), default=None)
        margin = self._specs[old.model].gate.margin
        if best is not None and self._truth.skill(training.job) < best - margin:
            raise ViolationError("no_ratchet", f"{training.job} is worse than the best by {margin}")

    def _check_verdict(self, old: ModelState, new: ModelState) -> None:
        training = old.training
        if training is None or (new.training and new.training.job == training.job):
            return
        job = self._truth.job(training.job)
        if job is None or job.status is not JobStatus.COMPLETED:
            return
        promoted = new.last_version > old.last_version
        expected, champion = self._truth.verdict(training.job), old.champion
        compared = training.accepted.champion if training.accepted else training.champion
        if (champion.version.number if champion else None) != compared:
            expected = "refuse"
        if expected == "tie" and champion is not None:
            age = self._now - champion.version.promoted_at
            refresh = self._specs[new.model].gate.refresh_after
            old_enough = age >= refresh
            if abs(age - refresh) < timedelta(minutes=10):
                # The pass may have looked at the clock before it was held up.
                old_enough = promoted
            expected = "promote" if old_enough else "refuse"
        if promoted != (expected == "promote"):
            said = "promoted" if promoted else f"not promoted ({new.last_refusal})"
            raise ViolationError("verdict", f"{training.job} was {said}, expected: {expected}")
        if promoted:
            self._check_skill(old, training)
            self.serving.promoted(new.model, new.last_version)

    def _check_turned_back(self, decision: Decision) -> None:
        state = self._truth.state(decision.model)
        rollout = state.rollout if state else None
        if rollout is None or not (rollout.going_back or rollout.phase.ended):
            raise ViolationError("failed_check", f"{decision.model}: {decision.reasons}")
