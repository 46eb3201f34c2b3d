"""The whole loop over memory adapters: what lands is trained, judged, rolled out, and kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.application import intake
from shared.application.plane import NOBODY
from shared.application.smoke import sample_rows
from shared.application.why import why
from shared.domain.decision import Kind
from shared.domain.errors import NotFoundError
from shared.domain.events import Message, Verb
from shared.domain.facts import JobStatus, Probe, SmokeFacts
from shared.domain.places import output_path
from shared.domain.state import ModelState, Phase
from tests.application.conftest import World
from tests.application.story import (
    blob_event,
    complete,
    land,
    refuse_data,
    run_event,
    running,
)
from tests.builders import NOON, against, minutes


def state_of(world: World, model: str = "flights") -> ModelState:
    """What is remembered of a model."""
    state = world.state.load(model).state
    assert state is not None
    return state


def first_champion(world: World) -> ModelState:
    """Data lands, a model trains and rules."""
    land(world, "a.csv", "b.csv")
    world.go_on(5)
    complete(world)
    world.work_off()
    world.go_on(5)
    state = state_of(world)
    assert state.champion is not None
    return state


def test_landed_data_becomes_the_champion(world: World) -> None:
    """Two files land; one job, one version, one endpoint with all traffic on one deployment."""
    state = first_champion(world)
    assert state.champion is not None
    assert state.champion.version.number == 1
    assert state.address is not None
    assert state.address.deployment == "v1-e1"
    endpoint = world.endpoint.get("flights")
    assert endpoint is not None
    assert dict(endpoint.traffic) == {"v1-e1": 100}
    assert world.registry.job_of("flights", 1) == state.champion.version.job
    assert world.prober.asked == ["v1-e1"]
    assert len(world.jobs.submitted) == 1


def test_every_message_has_one_decision(world: World) -> None:
    """As many decisions are recorded as messages were taken, and none stays in the queue."""
    first_champion(world)
    assert world.queue.waiting == []
    ours = [d for d in world.decisions.decisions if d.model == "flights"]
    assert len({d.id for d in ours}) == len(ours)
    assert {"landed", "data_due", "first", "provisioned", "succeeded"} <= set(world.codes())


def test_worse_challenger_is_retained(world: World) -> None:
    """New data, a worse model: the champion and its traffic stay, the reason has the numbers."""
    before = first_champion(world)
    world.clock.advance(timedelta(hours=2))
    land(world, "c.csv")
    world.go_on(5)
    assert running(world).champion == 1
    complete(world, **against(1, 0.8, -0.05, -0.07, -0.03))
    world.go_on(3)
    after = state_of(world)
    assert (after.champion, after.last_version, after.rollout) == (
        before.champion,
        1,
        before.rollout,
    )
    assert "paired difference" in after.last_refusal
    assert world.registry.job_of("flights", 2) is None


def test_better_challenger_takes_over_and_the_old_one_retires(world: World) -> None:
    """The second version gets all traffic; the first stays warm for its time and then goes."""
    first_champion(world)
    world.clock.advance(timedelta(hours=2))
    land(world, "c.csv")
    world.go_on(5)
    complete(world, **against(1, 0.7, 0.05, 0.03, 0.07))
    world.go_on(60, callers=200)
    endpoint = world.endpoint.get("flights")
    assert endpoint is not None
    assert dict(endpoint.traffic) == {"v2-e1": 100}
    assert set(endpoint.deployments) == {"v1-e1", "v2-e1"}
    world.clock.advance(timedelta(hours=1))
    world.go_on(5)
    endpoint = world.endpoint.get("flights")
    assert endpoint is not None
    assert set(endpoint.deployments) == {"v2-e1"}
    assert state_of(world).warm is None


def test_events_doubled_and_reordered_are_one_job(world: World) -> None:
    """The same landings five times and backwards are one training; late ones change nothing."""
    for _ in range(5):
        land(world, "b.csv", "a.csv")
    world.go_on(5)
    first = complete(world)
    world.go_on(10)
    for name in ("b.csv", "a.csv"):
        intake.receive(world.plane, blob_event(f"flights/{name}"))
    world.clock.advance(timedelta(hours=2))
    world.go_on(5)
    assert list(world.jobs.submitted) == [first.job]
    assert "nothing_new" in world.codes()


def test_burst_of_landings_is_one_row_a_bucket(world: World) -> None:
    """Ten thousand landings in a minute wake the model once."""
    world.landing.put("flights/a.csv", b"a")
    for number in range(10_000):
        intake.receive(world.plane, blob_event(f"flights/{number}.csv"))
    assert len(world.queue.waiting) == 1
    world.go_on(10)
    assert len(world.jobs.submitted) == 1


def test_lost_landing_event_is_found_by_listing(world: World) -> None:
    """Without any event the hourly look finds what landed."""
    first_champion(world)
    land(world, "c.csv", event=False)
    world.clock.advance(timedelta(hours=2))
    world.go_on(10)
    assert len(world.jobs.submitted) == 2
    assert "found_by_listing" in world.codes()


def test_lost_completion_event_is_found_by_the_tick(world: World) -> None:
    """A job that ends without a word is found within the poll interval."""
    land(world, "a.csv")
    world.go_on(5)
    complete(world, event=False)
    world.go_on(2)
    assert state_of(world).rollout is not None


def test_noon_fired_twice_is_one_job(world: World) -> None:
    """The daily timer only wakes; the slot decides, and it is taken once."""
    first_champion(world)
    world.clock.advance(NOON + timedelta(days=1) - world.clock.now())
    intake.wake_all(world.plane, "daily_training")
    intake.wake_all(world.plane, "daily_training, late")
    world.go_on(1)
    slots = [name for name in world.jobs.submitted if "-slot-" in name]
    assert slots == ["flights-slot-20261124t1200-a1"]


def test_missed_noon_is_caught_up(world: World) -> None:
    """A control plane that slept over noon trains when it wakes."""
    first_champion(world)
    world.clock.advance(timedelta(days=1, hours=3))
    world.go_on(1)
    assert "flights-slot-20261124t1200-a1" in world.jobs.submitted


def test_truncated_file_is_refused_by_name_and_the_rest_trained(world: World) -> None:
    """One bad file ends in quarantine with its reason; the good ones are not held up by it."""
    land(world, "good.csv", "bad.csv")
    world.go_on(5)
    refuse_data(world, ("flights/bad.csv", "truncated: 5 bytes, the manifest says 10"))
    world.clock.advance(timedelta(hours=1))
    world.go_on(10)
    state = state_of(world)
    assert [entry.path for entry in state.quarantine] == ["flights/bad.csv"]
    assert "bad.csv" in state.last_refusal
    assert running(world).manifest.files == 1


def test_failed_smoke_test_leaves_the_champion_alone(world: World) -> None:
    """A deployment that answers wrongly never gets a share of the traffic."""
    first_champion(world)
    world.prober.answers["v2-e1"] = SmokeFacts(Probe.FAILED, "500: broken")
    world.clock.advance(timedelta(hours=2))
    land(world, "c.csv")
    world.go_on(5)
    complete(world, **against(1, 0.7, 0.05, 0.03, 0.07))
    world.go_on(5)
    endpoint = world.endpoint.get("flights")
    assert endpoint is not None
    assert dict(endpoint.traffic) == {"v1-e1": 100}
    assert set(endpoint.deployments) == {"v1-e1"}
    rollout = state_of(world).rollout
    assert rollout is not None
    assert rollout.phase is Phase.ROLLED_BACK
    assert "500: broken" in rollout.reason


def test_failed_deployment_is_taken_away(world: World) -> None:
    """A first version that cannot be provisioned leaves no deployment and no champion."""
    world.endpoint.failures["v1-e1"] = "quota: needs 4 cores, 2 are free"
    land(world, "a.csv")
    world.go_on(5)
    complete(world)
    world.go_on(5)
    state = state_of(world)
    assert state.champion is None
    assert "quota" in state.last_refusal
    endpoint = world.endpoint.get("flights")
    assert endpoint is not None
    assert dict(endpoint.deployments) == {}


def test_failed_job_is_tried_once_more(world: World) -> None:
    """The second attempt has a name of its own, and is the last."""
    land(world, "a.csv")
    world.go_on(5)
    first = running(world)
    world.jobs.finish(first.job, JobStatus.FAILED, "node lost")
    world.go_on(2)
    second = running(world)
    assert (first.attempt, second.attempt) == (1, 2)
    world.jobs.finish(second.job, JobStatus.FAILED, "node lost again")
    world.go_on(3)
    assert world.jobs.running == []
    assert "node lost again" in state_of(world).last_refusal


def test_order_waits_for_the_training_in_flight(world: World) -> None:
    """Somebody asks while a job runs: it is kept, and done afterwards."""
    land(world, "a.csv")
    world.go_on(5)
    order = intake.order(world.plane, "flights", Verb.TRAIN, "ada", "new labels")
    world.work_off()
    assert len(world.jobs.submitted) == 1
    complete(world)
    world.go_on(2)
    training = running(world)
    assert training.cause == "order"
    assert "new labels" in training.because
    assert world.decisions.about("flights", f"order:{order.order_id}", 5)


def test_two_models_do_not_mix(world: World) -> None:
    """Each model has its own jobs, versions and endpoint."""
    land(world, "a.csv", model="diabetes")
    land(world, "a.csv", model="flights")
    world.go_on(5)
    assert sorted(name.split("-")[0] for name in world.jobs.submitted) == ["diabetes", "flights"]


def test_busy_model_gets_a_delayed_copy(world: World) -> None:
    """A message that meets another pass comes again later; a tick need not."""
    intake.tick(world.plane)
    world.work_off()
    world.state.add_landing("flights", NOON, NOON + minutes(1))
    with world.lease.hold("flights"):
        world.queue.send(Message("flights", "run x Completed"))
        (decision,) = world.work_off()
        assert decision.kind is Kind.COALESCED
        ((visible_at, copy),) = world.queue.waiting
        assert copy.cause == "run x Completed"
        assert 15 <= (visible_at - world.clock.now()).total_seconds() < 30


def test_tick_wakes_only_what_is_due(world: World) -> None:
    """Models are woken when they are due, and at first sight."""
    assert sorted(intake.tick(world.plane)) == ["diabetes", "flights"]
    world.work_off()
    assert intake.tick(world.plane) == []
    world.clock.advance(timedelta(hours=1))
    assert sorted(intake.tick(world.plane)) == ["diabetes", "flights"]


def test_tick_after_another_pass_is_a_duplicate(world: World) -> None:
    """A tick that finds the work done costs one look and one record."""
    intake.tick(world.plane)
    intake.tick(world.plane)
    kinds = [decision.kind for decision in world.work_off()]
    assert kinds.count(Kind.DUPLICATE) == 2


def test_superseded_rollout_ends_at_the_newer_version(world: World) -> None:
    """A newer version promoted in mid-rollout takes over; the older never gets traffic."""
    first_champion(world)
    world.prober.answers["v2-e1"] = SmokeFacts(Probe.NO_DATA, "no answer")
    world.clock.advance(timedelta(hours=2))
    land(world, "c.csv")
    world.go_on(5)
    complete(world, **against(1, 0.7, 0.05, 0.03, 0.07))
    world.go_on(3)
    intake.order(world.plane, "flights", Verb.TRAIN, "ada", "a fix")
    world.go_on(1)
    complete(world, **against(1, 0.7, 0.06, 0.04, 0.08))
    world.go_on(60, callers=200)
    endpoint = world.endpoint.get("flights")
    assert endpoint is not None
    assert dict(endpoint.traffic) == {"v3-e1": 100}
    assert "supersedes" in world.codes()


def test_foreign_and_unreadable_events_are_recorded_as_ignored(world: World) -> None:
    """What is not ours has no effect, and its reason stands in the log."""
    events = [
        blob_event("flights/a.csv", container="other"),
        blob_event("flights/a.csv", contentLength=0, api="CreateFile"),
        blob_event("weather/a.csv"),
        run_event("flights-slot-20261123t1200-a1", workspace="/subscriptions/else"),
        run_event("5b1f7d3e-0f2a-4c7e-9d43-0f6a0f2b8a11"),
        run_event("flights-slot-20261123t1200-a1", "Running"),
        blob_event("flights/a.csv") | {"eventType": "Microsoft.Storage.BlobRenamed"},
        {"eventType": "Microsoft.Storage.BlobCreated"},
        [],
    ]
    for event in events:
        intake.receive(world.plane, event)
    assert world.queue.waiting == []
    codes = world.codes(NOBODY)
    expected = ["foreign", "empty", "unread", "foreign", "child", "not_ended", "unknown"]
    assert codes == [*expected, "malformed", "malformed"]
    kinds = {decision.kind for decision in world.decisions.decisions}
    assert kinds == {Kind.IGNORED}


def test_canary_event_comes_back_as_a_decision_of_its_own(world: World) -> None:
    """A deployment sends one to see that events arrive; no model is woken by it."""
    intake.receive(world.plane, blob_event("_canary/3f2a"))
    assert world.queue.waiting == []
    assert world.codes(NOBODY) == ["canary"]
    for asked in ("_canary/3f2a", "landing/_canary/3f2a"):
        told = why(world.plane, asked)
        assert (told["what"], told["model"]) == ("canary", NOBODY)
        assert [link["facts"]["kind"] for link in told["links"]] == ["ignored"]
    with pytest.raises(NotFoundError, match="it is not back yet"):
        why(world.plane, "_canary/other")


def test_champions_are_asked_about_the_rows_that_their_training_kept(world: World) -> None:
    """After a deployment; without a champion there is nothing to ask, without rows it is told."""
    assert sample_rows(world.plane, "flights") == []
    state = first_champion(world)
    assert sample_rows(world.plane, "flights") == [{"a": 1}, {"a": 2}, {"a": 3}]
    assert state.champion is not None
    world.files.forget(output_path(state.champion.version.job, "model", "sample.json"))
    with pytest.raises(NotFoundError, match="sample rows are gone"):
        sample_rows(world.plane, "flights")


def test_message_for_nobody_is_recorded(world: World) -> None:
    """An unknown model or an unreadable message is neither lost nor tried for ever."""
    assert intake.take(world.plane, "not json") is None
    world.queue.send(Message("ghost", "tick"))
    world.work_off()
    assert world.codes(NOBODY) == ["malformed", "unknown"]
