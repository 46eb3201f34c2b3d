"""Faults by name: what people meet with the real service, ready to be added."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from .fault_rules import BadRuleError


@dataclass(frozen=True, slots=True)
class Preset:
    """A rule with a name; every field of it can be given anew."""

    meaning: str
    rule: dict[str, Any] = field(default_factory=dict)


PRESETS: dict[str, Preset] = {
    "quota": Preset(
        "the next deployment is refused: not enough cores",
        {
            "operation": "OnlineDeployments.CreateOrUpdate",
            "status": 400,
            "code": "UserError",
            "inner": "OutOfQuota",
            "message": "Not enough quota available for Standard_DS3_v2 in SubscriptionId."
            " Current usage/limit: 4/6. Additional needed: 8",
        },
    ),
    "endpoint-name-taken": Preset(
        "the next endpoint has a name that somebody else in the region has",
        {
            "operation": "OnlineEndpoints.CreateOrUpdate",
            "status": 400,
            "code": "UserError",
            "inner": "EndpointAlreadyExists",
            "message": "There is already an endpoint with this name, Endpoint name needs to be"
            " unique within a region. Try some other name.",
        },
    ),
    "still-updating": Preset(
        "twice a deployment is refused although its endpoint has succeeded",
        {
            "operation": "OnlineDeployments.CreateOrUpdate",
            "count": 2,
            "status": 409,
            "code": "Conflict",
            "message": "Cannot create a deployment in endpoint because it is in Updating"
            " provisioning state.",
        },
    ),
    "throttled": Preset(
        "the next three calls are 429, without Retry-After",
        {
            "operation": "*s.*",
            "resource": "?*",
            "count": 3,
            "status": 429,
            "code": "UserError",
            "inner": "TooManyRequests",
            "message": "Too many requests. Please wait 5 seconds before trying again.",
        },
    ),
    "image-build": Preset(
        "the image of the next deployment cannot be built",
        {
            "operation": "Provisioning.*",
            "code": "ImageBuildFailure",
            "message": "The image could not be built. See the build log.",
        },
    ),
    "slow-deployment": Preset(
        "the next deployment takes half a minute longer",
        {"operation": "Provisioning.*", "delay_seconds": 30},
    ),
    "step-failed": Preset(
        "the next step of a job fails: its machine was taken away",
        {
            "operation": "Step.*",
            "code": "NodePreempted",
            "message": "The node on which the step ran was preempted.",
        },
    ),
    "traffic-failed": Preset(
        "the next change of an endpoint fails: the old traffic stays",
        {
            "operation": "EndpointProvisioning.*",
            "code": "InternalServerError",
            "message": "An internal error occurred. Please try again.",
        },
    ),
    "stale-traffic": Preset(
        "three reads after traffic has moved show the traffic of before",
        {"operation": "StaleTraffic.*", "count": 3},
    ),
    "not-yet-there": Preset(
        "a new deployment is 404 for ten seconds", {"operation": "Hidden.*.*", "for_seconds": 10}
    ),
    "canary-errors": Preset(
        "half of the scored requests fail in the container (say which: operation)",
        {
            "operation": "Scoring.*",
            "count": None,
            "probability": 0.5,
            "seed": 7,
            "status": 500,
            "by": "container",
        },
    ),
    "canary-slow": Preset(
        "scored requests take twice as long, and 50 ms",
        {"operation": "Scoring.*", "count": None, "delay_factor": 2.0, "delay_seconds": 0.05},
    ),
    "container-dies": Preset(
        "the next scored request kills its container", {"operation": "Scoring.*", "kill": True}
    ),
    "lost-answer": Preset(
        "the next write happens, but its answer is lost",
        {"operation": "*.CreateOrUpdate", "drop": "after"},
    ),
    "events-lost": Preset("the next event is lost", {"operation": "Event.*", "drop": "before"}),
    "events-doubled": Preset(
        "every event comes twice", {"operation": "Event.*", "count": None, "copies": 2}
    ),
    "events-reordered": Preset(
        "a third of the events are two seconds late",
        {
            "operation": "Event.*",
            "count": None,
            "probability": 0.33,
            "seed": 7,
            "delay_seconds": 2.0,
        },
    ),
    "events-late": Preset(
        "every event is five seconds late",
        {"operation": "Event.*", "count": None, "delay_seconds": 5.0},
    ),
    "deliveries-fail": Preset(
        "every delivery is answered 503: retries, and at their end the dead letter",
        {"operation": "Delivery.*", "count": None, "status": 503},
    ),
    "app-stopped": Preset(
        "deliveries meet a function app that is stopped",
        {"operation": "Delivery.*", "count": None, "status": 403},
    ),
}


def with_preset(rule: dict[str, Any]) -> dict[str, Any]:
    """Give the rule with what its `preset` says filled in; BadRuleError when there is none."""
    name = rule.get("preset")
    if name is None:
        return rule
    if name not in PRESETS:
        near = get_close_matches(str(name), PRESETS, 1) or sorted(PRESETS)
        raise BadRuleError(f"There is no preset '{name}'.", f"Did you mean {', '.join(near)}?")
    given = {key: value for key, value in rule.items() if key != "preset"}
    return {"id": str(name), **PRESETS[str(name)].rule, **given}
