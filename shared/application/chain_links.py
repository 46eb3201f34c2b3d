"""The links of a chain as they are told: when, what, why, and the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from shared.application.asked import Asked
from shared.domain import chain_keys as keys
from shared.domain.decision import Decision, Json, Reason

LinkKind = Literal[
    "landings",
    "order",
    "manifest",
    "training",
    "job",
    "verdict",
    "check",
    "rollout",
    "traffic",
    "prediction",
    "blob",
    "decision",
]


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a chain."""

    at: datetime
    kind: LinkKind
    what: str
    reasons: tuple[Reason, ...] = ()
    facts: Mapping[str, Json] = field(default_factory=dict, hash=False)

    def as_dict(self) -> dict[str, Any]:
        """The link as plain data."""
        return {
            "at": self.at.isoformat(),
            "kind": self.kind,
            "what": self.what,
            "reasons": [{"code": each.code, "text": each.text} for each in self.reasons],
            "facts": dict(self.facts),
        }


def link_of(decision: Decision) -> Link:
    """A decision as a link, with all that it saw."""
    kind, what = _told(decision)
    facts: dict[str, Json] = {
        "decision": decision.id,
        "kind": decision.kind.value,
        "cause": decision.cause,
        "outcome": decision.outcome,
        "actions": list(decision.actions),
        **{key: value for key, value in decision.facts.items() if key != "kind"},
    }
    return Link(decision.at, kind, what, decision.reasons, facts)


def manifest_link(began: Decision) -> Link:
    """The data that a training was pinned to."""
    facts = {key: began.facts.get(key) for key in ("data_version", "manifest", "files", "bytes")}
    text = f"data {facts['data_version']}: {facts['files']} files, {facts['bytes']} bytes"
    return Link(began.at, "manifest", text, facts=facts)


def in_force(ordered: Decision, at: datetime | None) -> Link:
    """The traffic as it was ordered last."""
    shares = ordered.facts.get("traffic")
    words = _shares(shares) if isinstance(shares, dict) else "unknown"
    when = f"at {at:%Y-%m-%d %H:%M:%S}Z" if at else "now"
    failed = "" if ordered.outcome == "done" else f"; {ordered.outcome}"
    text = f"traffic {when}: {words}, ordered by {ordered.id}{failed}"
    return Link(ordered.at, "traffic", text, facts={"traffic": shares, "decision": ordered.id})


def prediction_link(asked: Asked, at: datetime, traffic: Mapping[str, Json]) -> Link:
    """The answer that a request id stands for."""
    deployment = asked.value.split(".")[1]
    shares = traffic.get("traffic")
    share = shares.get(deployment) if isinstance(shares, dict) else None
    if share is None and isinstance(shares, dict):
        share = shares.get(f"version {asked.number}")
    had = (
        f"{share} % of the traffic was ordered for it"
        if share is not None
        else ("no traffic was ordered for it in the decisions that are kept")
    )
    text = f"{asked.model} answered with version {asked.number} as {deployment}; {had}"
    facts: dict[str, Json] = {"deployment": deployment, "version": asked.number, "share": share}
    return Link(at, "prediction", text, facts=facts)


def _told(decision: Decision) -> tuple[LinkKind, str]:
    """What a decision was, by its keys; the one that says most comes first."""
    about = decision.about
    if "verdict" in decision.facts:
        number = keys.named(about, keys.begun(keys.VERSION))
        ended = keys.named(about, keys.ended(keys.JOB))
        became = f", it becomes version {number}" if number else ""
        return "verdict", f"{decision.facts['verdict']}: {ended}{became}"
    if job := keys.named(about, keys.begun(keys.JOB)):
        return "training", f"training {job} begins"
    if job := keys.named(about, keys.ended(keys.JOB)):
        return "job", f"{job} ended: {decision.kind.value}"
    if deployment := keys.named(about, keys.DEPLOYMENT):
        # What is said of a rollout comes last in a decision, but for what the training waits for.
        codes = [reason.code for reason in decision.reasons if reason.code != "nothing_due"]
        said = codes[-1].replace("_", " ") if codes else "looked at"
        return ("check" if "check" in decision.facts else "rollout"), f"{deployment}: {said}"
    if keys.LANDED in about:
        return "landings", f"data landed ({decision.cause})"
    if order := keys.named(about, "order:"):
        return "order", f"order {order} taken in"
    return "decision", f"{decision.kind.value}: {decision.cause}"


def _shares(shares: Mapping[str, Json]) -> str:
    return ", ".join(f"{name} {share} %" for name, share in sorted(shares.items())) or "0 %"
