"""The keys under which decisions are found again, so that `why` reads few of very many.

A thing such as a job is the subject of a decision a minute while it runs. What matters of it are
the decisions that began and ended it and those that took a turn: these have keys of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta

from shared.domain.actions import Action, PublishVersion, SetTraffic
from shared.domain.decision import Json
from shared.domain.facts import Facts, Overtaken
from shared.domain.state import ModelState, Rollout

JOB, VERSION, DEPLOYMENT, LANDING = "job:", "version:", "deployment:", "landing:"
"""How the keys of these things begin."""
LANDED = "landed"
"""Data landed for the model."""
TRAINED = "trained"
"""A training of the model began."""
TRAFFIC = "traffic"
"""The model's traffic was ordered to change."""
RUN = "run"
"""A job of the model began or ended, or a slot was dealt with."""
VERDICT = "verdict"
"""The gate judged a challenger of the model."""
TURNED = "turned"
"""A rollout of the model changed."""


def job_key(job: str) -> str:
    """Of every decision about a job."""
    return f"{JOB}{job}"


def version_key(number: int) -> str:
    """Of every decision about a model version."""
    return f"{VERSION}{number}"


def deployment_key(deployment: str) -> str:
    """Of every decision about a deployment."""
    return f"{DEPLOYMENT}{deployment}"


def slot_key(slot: str) -> str:
    """Of the decision that ended a slot."""
    return f"slot:{slot}"


def order_key(order_id: str) -> str:
    """Of the decision that an order ended in."""
    return f"order:{order_id}"


def missed_key(slot: str) -> str:
    """Of decisions that ended very many slots at once, some of them perhaps on this one's day."""
    return f"missed:{slot[:8]}"


def event_key(event_id: str) -> str:
    """Of the decision that an event led to."""
    return f"event:{event_id}"


def canary_key(canary_id: str) -> str:
    """Of the decision that a canary event ended in."""
    return f"canary:{canary_id}"


def begun(key: str) -> str:
    """Of the decision that began a job or a version."""
    return f"begun:{key}"


def ended(key: str) -> str:
    """Of the decision that ended a job."""
    return f"ended:{key}"


def turned(key: str) -> str:
    """Of a decision that did more for a version or a deployment than to wait."""
    return f"turned:{key}"


def named(about: Iterable[str], prefix: str) -> str:
    """What follows the prefix in the first key that has it; empty if none has."""
    return next((key.removeprefix(prefix) for key in about if key.startswith(prefix)), "")


def keys_of_change(
    before: ModelState, after: ModelState, facts: Facts, actions: Iterable[Action]
) -> tuple[str, ...]:
    """What a pass changed, as keys."""
    keys = [LANDED] if facts.snapshot.landings else []
    of_training = list(_of_training(before, after, facts))
    keys += [*of_training, RUN] if of_training else []
    if after.last_version > before.last_version:
        keys += [version_key(after.last_version), begun(version_key(after.last_version))]
    orders_traffic = _traffic_of(actions) is not None
    if after.rollout != before.rollout or orders_traffic:
        for rollout in dict.fromkeys((before.rollout, after.rollout)):
            keys += _of_rollout(rollout) if rollout is not None else []
        keys += [TURNED] if after.rollout != before.rollout else []
    keys += [TRAFFIC] if orders_traffic else []
    return tuple(dict.fromkeys(keys))


def facts_of_change(
    before: ModelState, taken_in: ModelState, after: ModelState, actions: Iterable[Action]
) -> dict[str, Json]:
    """The data that a training began with, and the traffic that was ordered."""
    facts: dict[str, Json] = {}
    training = after.training
    if training is not None and (before.training is None or before.training.job != training.job):
        first, last = taken_in.landing_first_at, taken_in.landing_last_at
        facts |= {
            "data_version": training.manifest.data_version,
            "manifest": training.manifest.path,
            "files": training.manifest.files,
            "bytes": training.manifest.size,
            "landed_from": first.isoformat() if first else None,
            "landed_to": last.isoformat() if last else None,
        }
    traffic = _traffic_of(actions)
    if traffic is not None:
        facts["traffic"] = {name: share for name, share in traffic.items() if share}
    return facts


def _of_training(before: ModelState, after: ModelState, facts: Facts) -> Iterator[str]:
    old, new = before.training, after.training
    newest = facts.slots.newest
    if newest is not None and before.last_slot_at != after.last_slot_at == newest.due_at:
        yield slot_key(newest.key)
        if facts.slots.overtaken is not None:
            yield from _of_overtaken(facts.slots.overtaken)
    if old is not None and (new is None or new.job != old.job):
        yield from (job_key(old.job), ended(job_key(old.job)))
    if new is not None and (old is None or new.job != old.job):
        yield from (job_key(new.job), begun(job_key(new.job)))
        if new.attempt == 1:
            yield TRAINED


def _of_overtaken(slots: Overtaken) -> Iterator[str]:
    """Each slot where they are few, else each day on which there can be some of them."""
    yield from (slot_key(slot.key) for slot in slots.each)
    if not slots.each:
        day, last = (date.fromisoformat(slot.key[:8]) for slot in (slots.first, slots.last))
        while day <= last:
            yield missed_key(f"{day:%Y%m%d}")
            day += timedelta(days=1)


def _of_rollout(rollout: Rollout) -> list[str]:
    plain = [version_key(rollout.version.number), deployment_key(rollout.deployment)]
    return [*plain, *(turned(key) for key in plain)]


def _traffic_of(actions: Iterable[Action]) -> Mapping[str, int] | None:
    """The shares that the last of the actions orders; None when none of them does.

    A container is named by its version: which image serves it is the container's own affair.
    """
    found: Mapping[str, int] | None = None
    for action in actions:
        match action:
            case SetTraffic(traffic):
                found = traffic
            case PublishVersion("champion", version, _):
                found = {f"version {version}": 100}
            case _:
                pass
    return found
