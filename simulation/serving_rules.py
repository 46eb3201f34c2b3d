"""The invariants of what serves: deployments, traffic, pointers, and the steps of a rollout."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from shared.domain.actions import Role
from shared.domain.announcements import version_of
from shared.domain.facts import EndpointFacts, ProvisioningState
from shared.domain.policy import ModelSpec
from shared.domain.state import ModelState, Phase, Rollout, Subject
from simulation.standing import Standing
from simulation.truth import Passes, Truth, ViolationError, live


class ServingRules:
    """Told of everything that is ordered of endpoints and containers."""

    def __init__(self, truth: Truth, specs: Mapping[str, ModelSpec], passes: Passes) -> None:
        self._truth = truth
        self._specs = specs
        self._passes = passes
        self.standing = Standing()
        self._deleting: dict[str, str] = {}
        self._good: set[tuple[str, int]] = set()
        self._top: dict[tuple[str, str], int] = {}
        """The largest share that each deployment was given while nobody had paused it."""

    def promoted(self, model: str, number: int) -> None:
        """The gate let this version pass."""
        self._good.add((model, number))

    def owed_rollback(self, model: str) -> str:
        """Who must be given all traffic by the pass that begins now; empty if nobody."""
        state = self._truth.state(model)
        rollout = state.rollout if state else None
        if state is None or rollout is None or rollout.phase.ended or not rollout.going_back:
            return ""
        champion, endpoint = state.champion, self._truth.endpoint(model)
        if champion is None:
            return ""
        container = self._truth.container(model)
        if container is not None:
            named, number = container.champion, champion.version.number
            return f"v{number}" if named is not None and named.version != number else ""
        name = champion.deployment
        if endpoint is None or name not in endpoint.deployments or not endpoint.accepts_writes:
            return ""
        return name if live(endpoint.traffic) != {name: 100} else ""

    def deploying(self, model: str, subject: Subject) -> None:
        """A deployment is new."""
        self._passes.check_saved(subject.deployment)
        self.standing.forget(model, subject.deployment)
        self._top.pop((model, subject.deployment), None)
        state, endpoint = self._truth.state(model), self._truth.endpoint(model)
        wished = state.rollout if state else None
        if self._passes.interrupted:
            return
        if wished is None or wished.subject != subject:
            raise ViolationError("wish_first", f"{subject} is deployed, {wished} was saved")
        self._check_registered(model, subject.version, wished.version.job)
        standing = set(endpoint.deployments) - {self._deleting.get(model)} if endpoint else set()
        if len(standing) >= 2:
            text = f"{subject.deployment} would be the third beside {sorted(map(str, standing))}"
            raise ViolationError("two_deployments", text)

    def routing(self, model: str, traffic: dict[str, int]) -> None:
        """A traffic map is sent."""
        self._passes.check_saved(f"traffic of {model}")
        self._passes[-1].routed.append(traffic)
        state, endpoint = self._truth.state(model), self._truth.endpoint(model)
        if state is None or endpoint is None:
            raise ViolationError("wish_first", f"{model}: traffic {traffic} out of nothing")
        if sum(traffic.values()) != 100 and (live(traffic) or state.champion is not None):
            raise ViolationError("traffic_adds_up", f"{model}: {traffic}")
        if not endpoint.accepts_writes:
            return
        missing = set(endpoint.deployments) - set(traffic) - {self._deleting.get(model, "")}
        if missing and not self._passes.interrupted:
            raise ViolationError("full_map", f"{model}: {traffic} leaves out {sorted(missing)}")
        for name, share in live(traffic).items():
            self._check_share(model, name, share, endpoint)
        if not self._passes.interrupted:
            self._check_hands_off(state, f"{traffic} is ordered")
            self._check_paused(state, traffic)

    def deleting(self, model: str, deployment: str) -> None:
        """A deployment goes."""
        self._passes.check_saved(deployment)
        self._deleting[model] = deployment

    def publishing(self, model: str, role: Role, version: int, job: str) -> None:
        """A pointer is to name a version."""
        self._passes.check_saved(f"{role} {version} of {model}")
        self._check_registered(model, version, job)
        if role != "champion":
            return
        self._passes[-1].routed.append({f"v{version}": 100})
        if (model, version) not in self._good:
            raise ViolationError("promoted_only", f"{model}: champion.json names {version}")
        state = self._truth.state(model)
        if state is None or self._passes.interrupted:
            return
        rules = state.champion is not None and state.champion.version.number == version
        if not rules and self._truth.fate_of(model, f"v{version}-e0") == "broken":
            raise ViolationError("smoke_first", f"{model}: {version}, which fails")
        self._check_hands_off(state, f"champion.json is to name {version}")
        rollout = state.rollout
        if rollout is not None and rollout.paused and rollout.version.number == version:
            raise ViolationError("paused_stays", f"{model}: champion.json is to name {version}")

    def withdrawing(self, model: str, role: Role) -> None:
        """A pointer is to name nothing."""
        self._passes.check_saved(f"{role} of {model}")
        state = self._truth.state(model)
        if role == "champion" and state is not None and state.champion is not None:
            raise ViolationError("champion_published", f"{model}: champion.json is withdrawn")

    def stepping(self, old: ModelState, new: ModelState) -> None:
        """A rollout goes on only as it may."""
        before, after = old.rollout, new.rollout
        if before is None or after is None:
            return
        if before.version.job == after.version.job and before.version != after.version:
            # The number was somebody else's: what it stands for was never judged.
            self._good.discard((old.model, before.version.number))
            self.promoted(old.model, after.version.number)
            return
        if before.subject.version != after.subject.version or before.phase.ended:
            return
        ruled = after.phase is Phase.SUCCEEDED
        if before.going_back and (ruled or not after.going_back):
            raise ViolationError("no_way_back", f"{old.model}: {before.subject} after all")
        went_on = after.step > before.step or ruled
        # Where there is nobody to compare with, all traffic is given at once: ruling adds nothing.
        steps = old.champion is not None and not before.instant
        if before.paused and after.paused and went_on and steps:
            raise ViolationError("paused_stays", f"{old.model}: {before.subject} went on")
        if went_on and before.phase is Phase.CANARY:
            self._check_soaked(old, before)

    def look(self, model: str, state: ModelState, now: datetime) -> None:
        """What serves at any time was promoted, and nothing stands for nothing."""
        container, endpoint = self._truth.container(model), self._truth.endpoint(model)
        if container is not None:
            named = [container.champion, container.says.champion if container.says else None]
            for each in named:
                if each is not None and (model, each.version) not in self._good:
                    raise ViolationError("promoted_only", f"{model}: {each.version} answers")
            if state.champion is not None and container.champion is None:
                raise ViolationError("champion_published", f"{model}: champion.json names nobody")
        elif endpoint is not None:
            for name in endpoint.traffic:
                if (model, version_of(name)) not in self._good:
                    raise ViolationError("promoted_only", f"{model}: {name} has traffic")
            adopts = self._specs[model].rollout.hand_changed == "adopt"
            self.standing.check(state, endpoint, now, adopts=adopts)

    def _check_registered(self, model: str, version: int, job: str) -> None:
        """What serves under a number is what was promoted, not what somebody put there."""
        registered = self._truth.registered_job(model, version)
        if registered != job:
            text = f"{model}: version {version} is {registered}'s, {job}'s was promoted"
            raise ViolationError("registered_first", text)

    def _check_share(self, model: str, name: str, share: int, endpoint: EndpointFacts) -> None:
        deployment = endpoint.deployments.get(name)
        stands = deployment is not None and deployment.state is ProvisioningState.SUCCEEDED
        if not stands and not self._passes.interrupted:
            raise ViolationError("traffic_answers", f"{model}: {share} % for {name}")
        if (model, version_of(name)) not in self._good:
            raise ViolationError("promoted_only", f"{model}: {share} % for {name}")
        if self._truth.fate_of(model, name) == "broken":
            raise ViolationError("smoke_first", f"{model}: {share} % for {name}, which fails")

    def _check_hands_off(self, state: ModelState, what: str) -> None:
        """Where a change by hand is to be adopted nothing is written over it."""
        rollout = state.rollout
        rolling = rollout is not None and not rollout.phase.ended and not rollout.paused
        if self._specs[state.model].rollout.hand_changed == "adopt" and not rolling:
            raise ViolationError("hands_off", f"{state.model}: {what}")

    def _check_paused(self, state: ModelState, traffic: Mapping[str, int]) -> None:
        """A version that is paused gets no more than it had been given."""
        rollout = state.rollout
        if rollout is None or rollout.phase.ended:
            return
        key = (state.model, rollout.deployment)
        share, top = traffic.get(key[1], 0), self._top.get(key, 0)
        if rollout.paused and share > top:
            raise ViolationError("paused_stays", f"{state.model}: {key[1]} gets {share} %")
        self._top[key] = max(share, top)

    def _check_soaked(self, old: ModelState, before: Rollout) -> None:
        """The canary goes on only when it has soaked, was asked, and is well."""
        model, contained = old.model, self._specs[old.model].serving == "container"
        if before.instant or old.champion is None or contained:
            return
        name, policy = before.deployment, self._specs[model].rollout
        since, now = before.soaking_since, self._truth.now()
        if since is None or now - since < policy.soak:
            raise ViolationError("soaked", f"{model}: {name} went on after {since}")
        seen = self._truth.counts(model, name, since)
        if seen.requests < policy.requests_min:
            raise ViolationError("no_data_is_no_pass", f"{model}: {name} was asked {seen}")
        if self._truth.fate_of(model, name) == "sick":
            raise ViolationError("sick_canary", f"{model}: {name} went on: {seen}")
