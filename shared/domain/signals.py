"""The names of all that operators see: metrics, their dimensions, spans and log lines.

Whoever asks Application Insights asks by these names; each is there under `customMetrics`,
`customDimensions`, `dependencies` or `requests`, and `traces`.
"""

from __future__ import annotations

from enum import StrEnum


class Metric(StrEnum):
    """What is measured; counts and durations by whoever does the work, the rest by the tick."""

    DECISIONS = "noon.decisions"
    """Decisions that were recorded, by model, kind, reason and, of the gate, verdict."""
    PREDICTION_DURATION = "noon.prediction.duration"
    """Milliseconds from a request to its answer, by model, deployment and outcome.

    It holds as many values as there were predictions: `sum(valueCount)` counts them.
    """
    MESSAGE_AGE = "noon.message.age"
    """Seconds that a message had waited when it was taken, by model; copies that were to come
    later (15 to 30 s, and twice as long each time) included."""
    CHAMPION_AGE = "noon.champion.age"
    """Seconds since the gate promoted the champion, by model and version."""
    CHAMPION_LOSS = "noon.champion.loss"
    """How much the champion's metric is worse on the newest holdout than on that of its promotion,
    by model and version; there from the next evaluation on. Drift as far as it can be measured
    without the callers' truth: of the champion's skill on newly labelled rows, with some chance."""
    GATE_REFUSALS = "noon.gate.refusals"
    """Verdicts of the gate in a row that let nobody pass, by model."""
    SLOT_AGE = "noon.slot.age"
    """Minutes since the last slot that was given a job or skipped, by model."""
    SLOT_OVERDUE = "noon.slot.overdue"
    """Minutes that the newest slot has been due without a job; 0 when none is owed; by model."""
    TRAINING_AGE = "noon.training.age"
    """Seconds that the training in flight has taken so far, by model and job."""
    ROLLOUT_PHASE = "noon.rollout.phase"
    """Seconds since the rollout entered its phase, by model, version, deployment and phase."""
    POISON = "noon.poison"
    """Messages and notices in the poison queues."""
    DEAD_LETTERS = "noon.dead_letters"
    """Events that Event Grid could not deliver, up to a thousand."""


class Dimension(StrEnum):
    """What values and lines can be told apart by; never a feature's value, never a key."""

    MODEL = "noon.model"
    VERSION = "noon.version"
    DEPLOYMENT = "noon.deployment"
    JOB = "noon.job"
    CAUSE = "noon.cause"
    """What raised the message."""
    DECISION = "noon.decision.id"
    """What `noon why` takes."""
    KIND = "noon.decision.kind"
    REASON = "noon.decision.reason"
    """The code of the first reason; on a log line of all of them, with a comma between."""
    ACTIONS = "noon.decision.actions"
    OUTCOME = "noon.outcome"
    """Of a prediction `answered`, `refused`, `busy`, `failed`, `late` or `unavailable`; of a
    decision `done` or what went wrong."""
    STATUS = "noon.status"
    """HTTP status of an answer."""
    VERDICT = "noon.verdict"
    """Of the gate: `promote`, `retain` or `halt`."""
    PHASE = "noon.rollout.phase"
    PAUSED = "noon.rollout.paused"
    EVENT = "noon.event.id"
    """Of the event that Event Grid delivered."""
    ORDER = "noon.order.id"
    VERB = "noon.order.verb"
    WHO = "noon.order.who"
    LOG = "noon.log"
    """What kind of a line this is, one of `Log`."""


class Span(StrEnum):
    """What takes time; calls through a port are named after it, such as `jobs.submit`."""

    EVENT = "event"
    """An event came in and became a row and a message."""
    ORDER = "order"
    """An operator's order was kept."""
    TICK = "tick"
    WAKE = "wake"
    """Every model is woken, at noon."""
    SEND = "send"
    """A message was put on the queue."""
    RECONCILE = "reconcile"
    """One pass for one model."""
    PREDICT = "predict"
    SCORE = "score"
    """What serves the model was asked."""


class Log(StrEnum):
    """The kinds of log lines."""

    DECISION = "decision"
    ORDER = "order"
    PREDICTION_FAILED = "prediction_failed"
    LIBRARY = "library"
    """A warning of one of Azure's libraries."""
