"""Reads the story's stages from what the app says about a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from noon.local.stages import State
from noon.show import score_text

if TYPE_CHECKING:
    from collections.abc import Mapping

PROMOTED = {"first", "better", "refresh"}
"""Codes of the reasons for which the gate promotes."""

ROLLOUT_ENDS = {"succeeded", "rolled_back", "aborted"}


class Reading(NamedTuple):
    """How one stage stands."""

    stage: str
    state: State
    detail: str


def read_stages(model: Mapping[str, Any], step: str = "") -> list[Reading]:
    """Give training, gate and rollout of one model; `step` is what the job runs now.

    The model is what the API tells of it in full, with its newest decisions, oldest first.
    """
    champion, training, rollout = model["champion"], model["training"], _open_rollout(model)
    if rollout is None and training is None and champion is None:
        return [Reading("training", State.RUNNING, _latest_reason(model))]
    if training is not None:
        detail = f"{training['job']}{f': {step}' if step else ''}"
        return [Reading("training", State.RUNNING, detail)]
    readings = [Reading("training", State.DONE, _trained(champion))]
    readings.append(Reading("gate", State.DONE, _verdict(model)))
    if rollout is not None:
        detail = f"version {rollout['version']}: {rollout['phase']}"
        readings.append(Reading("rollout", State.RUNNING, detail))
    elif champion is not None:
        detail = f"version {champion['version']} as {champion['deployment']}"
        readings.append(Reading("rollout", State.DONE, detail))
    return readings


def gave_up(model: Mapping[str, Any]) -> str:
    """Say why nothing more will come, while there is no champion; empty while there is hope."""
    if model["champion"] or model["training"] or _open_rollout(model):
        return ""
    if rollout := model["rollout"]:
        return f"version {rollout['version']}: {rollout['phase']}: {_latest_reason(model)}"
    return str(model.get("last_refusal") or "")


def _open_rollout(model: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The rollout, unless it is over."""
    rollout: Mapping[str, Any] | None = model["rollout"]
    return None if rollout and rollout["phase"] in ROLLOUT_ENDS else rollout


def _trained(champion: Mapping[str, Any] | None) -> str:
    if champion is None:
        return ""
    score = champion["score"]
    return f"{score['trained_rows']} rows, judged on {score['holdout_rows']} held out"


def _verdict(model: Mapping[str, Any]) -> str:
    for decision in reversed(model["decisions"]):
        for reason in decision["reasons"]:
            if reason["code"] in PROMOTED:
                return f"promoted: {reason['text']}"
    champion = model["champion"]
    return f"promoted: {score_text(champion['score'])}" if champion else "promoted"


def _latest_reason(model: Mapping[str, Any]) -> str:
    for decision in reversed(model["decisions"]):
        if decision["reasons"]:
            return str(decision["reasons"][-1]["text"])
    return "waiting for data"
