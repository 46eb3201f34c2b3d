"""Policies of simulated models, as different as those of real ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

from shared.domain.policy import GatePolicy, ModelSpec, RetrainingPolicy, RolloutPolicy, Serving

SCHEDULES = (
    ("0 12 * * *", "America/New_York"),
    ("0 12 * * *", "Europe/Berlin"),
    ("0 12 * * *", "Asia/Kolkata"),
    ("30 2 * * *", "Europe/Berlin"),
    ("0 12 * * 1", "Australia/Lord_Howe"),
    ("0 */4 * * *", "UTC"),
)

STEPS = ((10, 50, 100), (10, 50, 100), (5, 20, 50, 100), (50, 100))


def spec_of(random: Random, number: int) -> ModelSpec:
    """The policy of the model with this number."""
    name = f"m{number:04}"
    schedule, zone = random.choice(SCHEDULES)
    poll = timedelta(minutes=random.choice((5, 10)))
    serving: Serving = random.choice(("managed_endpoint",) * 3 + ("container",))
    return ModelSpec(
        name=name,
        title=f"The model {name}",
        task="classification",
        serving=serving,
        prefix=f"{name}/",
        training_spec={"schema": 1, "model": name},
        retraining=RetrainingPolicy(
            schedule=schedule,
            time_zone=zone,
            quiet=timedelta(minutes=2),
            longest_wait=timedelta(minutes=15),
            minimum_interval=timedelta(hours=random.choice((1, 6))),
            catch_up=timedelta(hours=24),
            training_max=timedelta(hours=6),
            attempts_max=2,
            listing_every=timedelta(hours=random.choice((1, 3))),
            poll=poll,
        ),
        gate=GatePolicy(
            holdout_rows_min=1000,
            margin=0.01,
            refresh_after=timedelta(days=3),
            slice_margin=0.02,
            slice_rows_min=100,
            champion_floor=0.05,
            parity_flips_per_million_max=0.0,
            parity_difference_max=0.001,
            latency_ms_p95_max=20.0,
        ),
        rollout=_rollout(random),
    )


def _rollout(random: Random) -> RolloutPolicy:
    return RolloutPolicy(
        steps=random.choice(STEPS),
        soak=timedelta(minutes=random.choice((5, 10))),
        requests_min=20,
        no_data_max=timedelta(minutes=30),
        provisioning_max=timedelta(minutes=45),
        smoke_rows=2,
        keep_warm=timedelta(hours=random.choice((1, 12))),
        instance_type="Standard_DS2_v2",
        instance_count=1,
        hand_changed=random.choice(("restore", "restore", "adopt")),
        poll=timedelta(minutes=random.choice((1, 2))),
    )


def changed(random: Random, spec: ModelSpec) -> ModelSpec:
    """The model's file after somebody edited it: another schedule, other steps, other waiting."""
    schedule, zone = random.choice(SCHEDULES)
    retraining, rollout = spec.retraining, spec.rollout
    match random.randrange(3):
        case 0:
            retraining = replace(retraining, schedule=schedule, time_zone=zone)
        case 1:
            quiet = timedelta(minutes=random.choice((1, 2, 5)))
            retraining = replace(
                retraining, quiet=quiet, minimum_interval=timedelta(hours=random.choice((1, 6)))
            )
        case _:
            rollout = _rollout(random)
    return replace(spec, retraining=retraining, rollout=rollout)
