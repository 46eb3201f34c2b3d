"""Why something came to be: the chain of decisions from the event to the prediction.

The reads are bounded in number, however long the history is: each asks for the newest decisions
under one key.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from shared.application.asked import Asked, understand
from shared.application.chain_links import Link, in_force, link_of, manifest_link, prediction_link
from shared.application.plane import NOBODY, ControlPlane
from shared.application.problems import COME_AGAIN, Answer, problem
from shared.domain import chain_keys as keys
from shared.domain.decision import Decision
from shared.domain.errors import MalformedError, NoonError, NotFoundError
from shared.domain.policy import ModelSpec
from shared.ports import Ports

FEW = 4
LANDINGS_READ = 8
MANIFESTS_READ = 2
TURNS_READ = 24
TO_A_TRAINING = frozenset({"ordered", "order_joined", "accept_ordered"})
"""Reasons with which an order waits for the next training."""
RANGES_READ = 24
"""Of a day; each holds so many slots that there are no more."""
TRAINED_WITHIN = (timedelta(hours=2), timedelta(days=3))
"""So soon after a landing its training is looked for."""
LOOKS_READ = 3
"""Of a version the newest decisions, whether they changed anything or not."""


@dataclass(slots=True)
class _Chain:
    """What was found for one question."""

    ports: Ports
    spec: ModelSpec
    until: datetime | None = None
    found: dict[str, Decision] = field(default_factory=dict)
    looked_for: list[str] = field(default_factory=list)
    notes: list[Link] = field(default_factory=list)
    """What is known otherwise than from decisions."""
    traffic: list[Link] = field(default_factory=list)
    """As it was ordered last."""

    def about(self, key: str, most: int = 1, until: datetime | None = None) -> list[Decision]:
        """Read decisions and keep them."""
        self.looked_for.append(key)
        found = self.ports.decisions.about(self.spec.name, key, most, until or self.until)
        self.found |= {decision.id: decision for decision in found}
        return found


def why(plane: ControlPlane, text: str, model: str = "") -> dict[str, Any]:
    """The chain behind an id, oldest link first.

    Raises MalformedError for an id of no known form, NotFoundError when nothing is known of it.
    """
    asked = understand(plane, text, model)
    if asked.what == "event":
        return _event(plane, text, asked)
    if asked.what == "canary":
        return _of_nobody(plane, text, asked, keys.canary_key(asked.value), "it is not back yet")
    chain = _Chain(plane.ports, plane.models[asked.model], asked.at)
    _walk(chain, asked)
    return _told(chain, text, asked)


def _told(chain: _Chain, text: str, asked: Asked) -> dict[str, Any]:
    if not chain.found and not chain.notes:
        looked = ", ".join(chain.looked_for)
        raise NotFoundError(
            f"nothing is known of the {asked.what} {asked.value!r} of {asked.model}: no decision "
            f"is kept under {looked}"
        )
    links = [*chain.notes, *map(link_of, chain.found.values())]
    # Of the same instant: the data before the job that reads it, and how that stands at the end.
    links.sort(key=lambda link: (link.at, link.kind == "job"))
    links += chain.traffic
    if asked.at is not None:
        shares = chain.traffic[-1].facts if chain.traffic else {}
        links.append(prediction_link(asked, asked.at, shares))
    return {
        "asked": text,
        "what": asked.what,
        "model": asked.model,
        "links": [link.as_dict() for link in links],
    }


def answer(plane: ControlPlane, text: str, model: str = "") -> Answer:
    """The chain as it is sent over HTTP, or a problem that says what was looked for."""
    try:
        content = why(plane, text, model)
    except MalformedError as error:
        return problem(400, "unclear question", str(error))
    except NotFoundError as error:
        return problem(404, "nothing found", str(error))
    except NoonError as error:
        return problem(503, "cannot look it up", str(error), COME_AGAIN)
    return Answer(200, json.dumps(content).encode())


def _walk(chain: _Chain, asked: Asked) -> None:
    match asked.what:
        case "job":
            _job(chain, asked.value)
        case "version" | "deployment" | "request":
            _from_version(chain, asked.number)
        case "blob":
            _blob(chain, asked.value)
        case "slot":
            _slot(chain, asked.value)
        case "order":
            _order(chain, asked.value)
        case "landing":
            _trained_after(chain, chain.about(f"landing:{asked.value}"))
        case _:
            _from_decisions(chain, chain.about(f"{asked.what}:{asked.value}", FEW))


def _event(plane: ControlPlane, text: str, asked: Asked) -> dict[str, Any]:
    """What an event led to, in the models that it can be about; of most it is nothing."""
    key = keys.event_key(asked.value)
    for name in [asked.model] if asked.model else sorted(plane.models):
        chain = _Chain(plane.ports, plane.models[name])
        decisions = chain.about(key, FEW)
        if any(keys.named(each.about, keys.LANDING) for each in decisions):
            _trained_after(chain, decisions)
        elif decisions:
            _from_decisions(chain, decisions)
        if decisions:
            return _told(chain, text, replace(asked, model=name))
    first = "of those that tell of a landing only the first of a minute is kept"
    return _of_nobody(plane, text, asked, key, f"{first}, so ask for its file")


def _of_nobody(
    plane: ControlPlane, text: str, asked: Asked, key: str, unknown: str
) -> dict[str, Any]:
    """What was recorded of an event that is about no model; `unknown` says why it may be none."""
    ignored = plane.ports.decisions.about(NOBODY, key, FEW)
    if not ignored:
        raise NotFoundError(f"nothing is known of the {asked.what} {asked.value!r}: {unknown}")
    links = [link_of(decision).as_dict() for decision in ignored]
    return {"asked": text, "what": asked.what, "model": NOBODY, "links": links}


def _order(chain: _Chain, order: str) -> None:
    """What the order came to; one that waits for a training goes on with the next."""
    decisions = chain.about(keys.order_key(order), FEW)
    codes = {reason.code for decision in decisions for reason in decision.reasons}
    if codes & TO_A_TRAINING:
        _trained_after(chain, decisions)
    else:
        _from_decisions(chain, decisions)


def _slot(chain: _Chain, slot: str) -> None:
    """What the slot ended in; where very many ended at once, they are told as a range."""
    decisions = chain.about(keys.slot_key(slot), FEW)
    if not decisions:
        kept = dict(chain.found)
        for decision in chain.about(keys.missed_key(slot), RANGES_READ):
            missed = decision.facts.get("slots_missed")
            if isinstance(missed, dict) and str(missed["first"]) <= slot <= str(missed["last"]):
                kept[decision.id] = decision
        chain.found = kept
        return
    _from_decisions(chain, decisions)


def _trained_after(chain: _Chain, landed: list[Decision]) -> None:
    """The training that took up what had landed: the first one after that."""
    for span in TRAINED_WITHIN if landed else ():
        before, at = dict(chain.found), landed[-1].at
        later = [each for each in chain.about(keys.TRAINED, FEW, at + span) if each.at >= at]
        chain.found = before
        if later:
            _job(chain, keys.named(later[0].about, keys.begun(keys.JOB)))
            return


def _from_decisions(chain: _Chain, decisions: list[Decision]) -> None:
    """Go on with the job, else with the version, that the decisions are about."""
    about = [key for decision in decisions for key in decision.about]
    job = keys.named(about, keys.begun(keys.JOB)) or keys.named(about, keys.JOB)
    version = keys.named(about, keys.VERSION)
    if job:
        _job(chain, job)
    elif version:
        _from_version(chain, int(version))


def _from_version(chain: _Chain, number: int) -> None:
    born = chain.about(keys.begun(keys.version_key(number)))
    job = keys.named((key for each in born for key in each.about), keys.JOB)
    if job:
        _began(chain, job)
    _version(chain, number)


def _job(chain: _Chain, job: str) -> None:
    """All of a job: what it began from, how it ended, and the version that it became."""
    _began(chain, job)
    ended = chain.about(keys.ended(keys.job_key(job)))
    numbers = (key for each in ended for key in each.about)
    number = keys.named(numbers, keys.begun(keys.VERSION))
    if number:
        _version(chain, int(number))
    elif not ended:
        _running(chain, job)


def _began(chain: _Chain, job: str) -> None:
    """The job's beginning, that of its first attempt, and the landings before that."""
    began = chain.about(keys.begun(keys.job_key(job)))
    name, _, attempt = job.rpartition("-a")
    if attempt != "1":
        began = chain.about(keys.begun(keys.job_key(f"{name}-a1"))) or began
    for decision in began:
        if decision.facts.get("manifest"):
            chain.notes.append(manifest_link(decision))
        since = decision.facts.get("landed_from")
        if isinstance(since, str):
            _landings(chain, datetime.fromisoformat(since), decision.at)


def _landings(chain: _Chain, since: datetime, until: datetime) -> None:
    """The newest landings from `since` on; those of an earlier training are not of this one."""
    # Of a landing the end of its bucket is known: the decision can be that much older.
    earliest = since - chain.spec.retraining.landing_bucket
    for decision in chain.about(keys.LANDED, LANDINGS_READ, until):
        if decision.at < earliest:
            chain.found.pop(decision.id)


def _running(chain: _Chain, job: str) -> None:
    state = chain.ports.state.load(chain.spec.name).state
    if state is not None and state.training is not None and state.training.job == job:
        now = chain.ports.clock.now()
        planned = state.training.planned_at
        text = f"{job} was planned at {planned:%Y-%m-%d %H:%M:%S}Z and has not ended"
        chain.notes.append(Link(now, "job", text))


def _version(chain: _Chain, number: int) -> None:
    """How a version was rolled out, the newest looks at it, and the traffic in force."""
    key = keys.version_key(number)
    chain.about(keys.turned(key), TURNS_READ)
    chain.about(key, LOOKS_READ)
    before = set(chain.found)
    for decision in chain.about(keys.TRAFFIC):
        chain.traffic.append(in_force(decision, chain.until))
        if decision.id not in before:
            # Of another version's rollout: its shares are told, not its story.
            chain.found.pop(decision.id)


def _blob(chain: _Chain, path: str) -> None:
    """Which training read the file first, and its chain."""
    state = chain.ports.state.load(chain.spec.name).state
    now = chain.ports.clock.now()
    for bad in state.quarantine if state else ():
        if bad.path == path:
            text = f"{path} is left out of trainings until it is replaced: {bad.reason}"
            chain.notes.append(Link(now, "blob", text, facts={"etag": bad.etag}))
    held, job = _held(chain, path)
    if held is None:
        chain.looked_for.append("the newest manifests")
        return
    chain.notes.append(Link(now, "blob", f"{path} is in the data since {job}", facts=held))
    _job(chain, job)


def _held(chain: _Chain, path: str) -> tuple[dict[str, Any] | None, str]:
    """What the newest manifest that has the file says of it, and the job that read it first.

    One that has it not is of refused data, or the file was removed or replaced since.
    """
    trainings = chain.about(keys.TRAINED, MANIFESTS_READ)
    chain.found.clear()
    for training in reversed(trainings):
        entry = _entry(chain, str(training.facts.get("manifest")), path)
        if entry is not None:
            job = keys.named(training.about, keys.begun(keys.JOB))
            return entry, str(entry.get("first") or job)
    return None, ""


def _entry(chain: _Chain, manifest: str, path: str) -> dict[str, Any] | None:
    content = chain.ports.files.read(manifest)
    files = json.loads(content)["files"] if content else []
    return next((file for file in files if file["path"] == path), None)
