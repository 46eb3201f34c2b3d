"""The invariants of the design, tested after every step against what truly happened."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.domain.decision import Decision, Kind
from shared.domain.events import Message
from shared.domain.facts import EndpointFacts, JobStatus, ProvisioningState
from shared.domain.policy import ModelSpec
from shared.domain.state import ModelState, Phase, Rollout, Subject, Training
from simulation.standing import Standing, check_moving, check_slots
from simulation.truth import TRAINED_WITHIN, Pass, Truth, ViolationError, live, version_of


class Checker:
    """Told of every write, it says at once what must not be."""

    def __init__(self, truth: Truth, specs: dict[str, ModelSpec]) -> None:
        self._truth = truth
        self._specs = specs
        self.passes: list[Pass] = []
        self.landed: dict[tuple[str, str], tuple[str, datetime]] = {}
        """Landings that no training has read yet, oldest first."""
        self.orders: dict[str, tuple[str, datetime]] = {}
        """Orders that no decision speaks of yet, with the model."""
        self.unsaid = 0
        """Decisions that died with their pass, after the saving, and were recorded by a later."""
        self._promised: dict[str, Decision] = {}
        """Decisions that were saved and are not recorded yet."""
        self._recorded: deque[str] = deque(maxlen=1000)
        self._slots: dict[tuple[str, str], list[Training]] = {}
        self._standing = Standing()
        self._deleting: dict[str, str] = {}
        self._good: set[tuple[str, int]] = set()
        self._slots_said: dict[tuple[str, str], str] = {}

    # what is told

    def began(self, message: Message) -> Pass:
        """A message is delivered."""
        for each in self.passes:
            each.disturbed = True
        words = (each.id for each in self._promised.values() if each.model == message.model)
        delivered = Pass(message, self._owed_rollback(message.model), frozenset(words))
        self.passes.append(delivered)
        return delivered

    def ended(self, delivered: Pass, *, raised: bool) -> None:
        """The delivery is over, by an answer or by an error."""
        self.passes.remove(delivered)
        text = f"{delivered.message.model} {delivered.message.cause!r}"
        if raised:
            return
        if len(delivered.decisions) != 1:
            count = len(delivered.decisions)
            raise ViolationError("one_decision", f"{text} ended in {count} decisions")
        (decision,) = delivered.decisions
        unknown = decision.kind is Kind.FAILED and not decision.about
        left = delivered.owed_words & self._promised.keys()
        if left and not unknown:
            raise ViolationError("decided_recorded", f"{text} left unsaid: {sorted(left)}")
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
        self._promised |= {each.id: each for each in said if each.id not in self._recorded}
        if self.passes:
            self.passes[-1].saved = True
        if old is None:
            return
        if self.passes and new.last_slot_at != old.last_slot_at:
            self.passes[-1].slot_taken = True
            check_slots(old, new, said, self._specs[new.model])
        self._check_verdict(old, new)
        if old.rollout is not None and new.rollout is not None:
            self._check_step(old, old.rollout, new.rollout)
        again = old.training and new.training and new.training.attempt > old.training.attempt
        if again and old.training and new.training and old.training.job == new.training.job:
            raise ViolationError("names_are_new", f"{new.training.job} has failed before")
        if new.last_version < old.last_version:
            raise ViolationError("versions_grow", f"{old.last_version} -> {new.last_version}")

    def submitting(self, model: str, training: Training) -> None:
        """A job is new."""
        self._check_saved(training.job)
        state = self._truth.state(model)
        wished = state.training.job if state and state.training else None
        if wished != training.job and not self._interrupted():
            raise ViolationError("wish_first", f"{training.job} runs, but {wished} was saved")
        if training.slot is not None:
            self._check_slot(model, training)
        for key in self._truth.files_of(training):
            self.landed.pop(key, None)

    def deploying(self, model: str, subject: Subject) -> None:
        """A deployment is new."""
        self._check_saved(subject.deployment)
        self._standing.forget(model, subject.deployment)
        state, endpoint = self._truth.state(model), self._truth.endpoint(model)
        wished = state.rollout.subject if state and state.rollout else None
        if wished != subject and not self._interrupted():
            raise ViolationError("wish_first", f"{subject} is deployed, {wished} was saved")
        standing = set(endpoint.deployments) - {self._deleting.get(model)} if endpoint else set()
        if len(standing) >= 2 and not self._interrupted():
            text = f"{subject.deployment} would be the third beside {sorted(map(str, standing))}"
            raise ViolationError("two_deployments", text)

    def routing(self, model: str, traffic: dict[str, int]) -> None:
        """A traffic map is sent."""
        self._check_saved(f"traffic of {model}")
        if self.passes:
            self.passes[-1].routed.append(traffic)
        state, endpoint = self._truth.state(model), self._truth.endpoint(model)
        if state is None or endpoint is None:
            raise ViolationError("wish_first", f"{model}: traffic {traffic} out of nothing")
        if sum(traffic.values()) != 100 and (live(traffic) or state.champion is not None):
            raise ViolationError("traffic_adds_up", f"{model}: {traffic}")
        if not endpoint.accepts_writes:
            return
        missing = set(endpoint.deployments) - set(traffic) - {self._deleting.get(model, "")}
        if missing and not self._interrupted():
            raise ViolationError("full_map", f"{model}: {traffic} leaves out {sorted(missing)}")
        for name, share in live(traffic).items():
            self._check_share(model, name, share, endpoint)

    def deleting(self, model: str, deployment: str) -> None:
        """A deployment goes."""
        self._check_saved(deployment)
        self._deleting[model] = deployment

    def recorded(self, decision: Decision, *, late: bool) -> None:
        """A decision was kept, by its own pass or by a later one."""
        self._ended_by(decision)
        if late:
            self.unsaid += 1
            return
        for delivered in reversed(self.passes):
            if delivered.message.model == decision.model:
                # The same one again, because nobody heard that it was kept, is one row.
                delivered.decisions[:] = [
                    *(each for each in delivered.decisions if each.id != decision.id),
                    decision,
                ]
                break
        if decision.facts.get("check") == "failed" and not self._interrupted():
            self._check_turned_back(decision)

    # what is looked at between two steps

    def look(self, model: str) -> None:
        """Everything that must be so for a model at any time."""
        state, endpoint, now = self._truth.state(model), self._truth.endpoint(model), self._now
        if state is None:
            return
        if endpoint is not None:
            for name in endpoint.traffic:
                if (model, version_of(name)) not in self._good:
                    raise ViolationError("promoted_only", f"{model}: {name} has traffic")
            self._standing.check_loose(model, state, endpoint, now)
        check_moving(state, now)

    def look_at_landings(self) -> None:
        """The oldest landing and the oldest order wait no longer than they may."""
        waiting = (("landing_trained", self.landed), ("order_decided", self.orders))
        for what, entries in waiting:
            key, (model, since) = next(iter(entries.items()), ("", ("", self._now)))
            if self._now - since > TRAINED_WITHIN:
                raise ViolationError(what, f"{key} of {model} since {since}")

    @property
    def _now(self) -> datetime:
        return self._truth.now()

    def _check_saved(self, what: str) -> None:
        if not self.passes or not self.passes[-1].saved:
            raise ViolationError("wish_first", f"{what} is ordered before the wish was saved")

    def _ended_by(self, decision: Decision) -> None:
        """Slots and orders end in one decision; what could not be saved ends none."""
        if self._promised.pop(decision.id, None) is None and "saved" in decision.facts:
            return
        self._recorded.append(decision.id)
        for key in decision.about:
            what, _, name = key.partition(":")
            if what == "order":
                self.orders.pop(name, None)
            if what == "slot":
                said = self._slots_said.setdefault((decision.model, name), decision.id)
                if said != decision.id:
                    raise ViolationError("slot_decided", f"{decision.model}: {name} twice")

    def _interrupted(self) -> bool:
        return not self.passes or self.passes[-1].disturbed

    def _owed_rollback(self, model: str) -> str:
        state, endpoint = self._truth.state(model), self._truth.endpoint(model)
        rollout = state.rollout if state else None
        if state is None or endpoint is None or rollout is None or rollout.phase.ended:
            return ""
        champion = state.champion.subject.deployment if state.champion else ""
        owed = (
            rollout.going_back
            and champion in endpoint.deployments
            and endpoint.accepts_writes
            and live(endpoint.traffic) != {champion: 100}
        )
        return champion if owed else ""

    def _check_slot(self, model: str, training: Training) -> None:
        former = self._slots.setdefault((model, training.slot or ""), [])
        for other in former:
            job = self._truth.job(other.job)
            if job is None or job.status is not JobStatus.FAILED:
                status = job.status if job else "unknown"
                text = f"{training.job} beside {other.job}, which is {status}"
                raise ViolationError("one_job_per_slot", text)
        former.append(training)

    def _check_share(self, model: str, name: str, share: int, endpoint: EndpointFacts) -> None:
        deployment = endpoint.deployments.get(name)
        stands = deployment is not None and deployment.state is ProvisioningState.SUCCEEDED
        if not stands and not self._interrupted():
            raise ViolationError("traffic_answers", f"{model}: {share} % for {name}")
        if (model, version_of(name)) not in self._good:
            raise ViolationError("promoted_only", f"{model}: {share} % for {name}")
        if self._truth.fate_of(model, name) == "broken":
            raise ViolationError("smoke_first", f"{model}: {share} % for {name}, which fails")

    def _check_verdict(self, old: ModelState, new: ModelState) -> None:
        training = old.training
        if training is None or (new.training and new.training.job == training.job):
            return
        job = self._truth.job(training.job)
        if job is None or job.status is not JobStatus.COMPLETED:
            return
        promoted = new.last_version > old.last_version
        expected, champion = self._truth.verdict(training.job), old.champion
        if (champion.version.number if champion else None) != training.champion:
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
            self._good.add((new.model, new.last_version))

    def _check_step(self, old: ModelState, before: Rollout, after: Rollout) -> None:
        """The canary goes on only when it has soaked, was asked, and is well."""
        model = old.model
        if before.version.job == after.version.job and before.version != after.version:
            self._good.add((model, after.version.number))
        advanced = before.subject == after.subject and before.phase is Phase.CANARY
        ruled = after.phase is Phase.SUCCEEDED
        if not advanced or before.instant or old.champion is None:
            return
        if not (after.step > before.step or (ruled and before.phase is not after.phase)):
            return
        name, policy = before.subject.deployment, self._specs[model].rollout
        since = before.soaking_since
        if since is None or self._now - since < policy.soak:
            raise ViolationError("soaked", f"{model}: {name} went on after {since}")
        seen = self._truth.counts(model, name, since)
        if seen.requests < policy.requests_min:
            raise ViolationError("no_data_is_no_pass", f"{model}: {name} was asked {seen}")
        if self._truth.fate_of(model, name) == "sick":
            raise ViolationError("sick_canary", f"{model}: {name} went on: {seen}")

    def _check_turned_back(self, decision: Decision) -> None:
        state = self._truth.state(decision.model)
        rollout = state.rollout if state else None
        if rollout is None or not (rollout.going_back or rollout.phase.ended):
            raise ViolationError("failed_check", f"{decision.model}: {decision.reasons}")
