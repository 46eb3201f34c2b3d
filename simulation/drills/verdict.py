"""Reads from a world what the gate said of a job, and whether that was kept to."""

from __future__ import annotations

from datetime import timedelta

from shared.application import intake
from shared.domain.chain_keys import ended, job_key
from shared.domain.events import Verb
from shared.domain.state import Training
from simulation.drills.drill import Found
from simulation.drills.happenings import running
from simulation.drills.world import MODEL, World, drilled_model, new_world

YEARLY = "0 0 1 1 *"
"""So that no slot comes in between."""


def quiet_world() -> World:
    """A world in which nothing is trained unless somebody asks for it."""
    return new_world(drilled_model(schedule=YEARLY))


def ask_for_training(world: World, age: timedelta = timedelta(hours=2)) -> Training:
    """Somebody asks for a training when the champion is so old; its job runs."""
    world.clock.advance(age)
    intake.order(world.plane, MODEL, Verb.TRAIN, "ada", "a drill")
    world.work_off()
    return running(world)


def verdict_on(world: World, training: Training) -> Found:
    """Promote, Retain, Halt, or Failed when there was nothing to judge; with the reasons' codes.

    A model that was not promoted must not be registered and must never get callers.
    """
    rules = world.champion()
    decision = world.decisions.about(MODEL, ended(job_key(training.job)), 1)[-1]
    rollout, refusal = world.at().rollout, world.at().last_refusal
    word = "Failed"
    if rollout is not None and rollout.version.job == training.job:
        word = "Promote"
    elif refusal.startswith(("retained", "halted")):
        word = "Retain" if refusal.startswith("retained") else "Halt"
    text = "; ".join(reason.text for reason in decision.reasons)
    if word != "Promote":
        world.go_on(30, callers=200)
        registered = {version.job for version in world.registry.versions.values()}
        if training.job in registered or world.champion() != rules:
            return Found(f"{word}, and yet it was rolled out", text)
    codes = ", ".join(reason.code for reason in decision.reasons)
    return Found(f"{word}: {codes}", text)
